/* state.h - what the files of authd share: its keys, people, logins. */
#ifndef QUORATE_AUTHD_STATE_H
#define QUORATE_AUTHD_STATE_H

#include "authd/login.h"
#include "authd/people.h"
#include "leaf/grant.h"
#include "service/receipt.h"

#include "quorate/v1/auth.pb-c.h"

struct authd {
    Quorate__V1__Auth_Service rpc; /* first: handlers get a pointer to it */
    struct service *s;
    struct qr_signer grant_key;
    struct people people;
    struct login *login;
    struct people_roster roster; /* as read at start; released after sync */
    struct qr_secret demo_token; /* SHA-256 of it; n is 0 without one */
};

/* What a handler is given: its daemon, and bytes of a request (borrowed). */
static inline struct authd *authd_of(Quorate__V1__Auth_Service *rpc) { return (struct authd *)rpc; }
static inline struct qr_bytes authd_bytes(ProtobufCBinaryData d) { return QR_BYTES(d.data, d.len); }

/* genesis.c: logs the policies and the roster's people unless they are. */
enum qr_rc genesis_log(struct authd *d, struct qr_err *err) QR_MUST_CHECK;
/* Checks the genesis files (form, hash, admins) without logging. */
enum qr_rc genesis_check(struct authd *d, struct qr_err *err) QR_MUST_CHECK;

/* grants.c */
void grants_begin_login(Quorate__V1__Auth_Service *rpc, const Quorate__V1__BeginLoginRequest *in,
                        Quorate__V1__BeginLoginReply_Closure closure, void *call);
void grants_login(Quorate__V1__Auth_Service *rpc, const Quorate__V1__LoginRequest *in,
                  Quorate__V1__LoginReply_Closure closure, void *call);
void grants_who_am_i(Quorate__V1__Auth_Service *rpc, const Quorate__V1__WhoAmIRequest *in,
                     Quorate__V1__WhoAmIReply_Closure closure, void *call);

/* That the caller holds a key: its signature with tag over a challenge that this
 * node got for it.  A wrong one costs the node a try.  QR_MALFORMED,
 * QR_EXHAUSTED, QR_UNAUTHENTICATED. */
struct grants_proof {
    struct qr_bytes key, challenge, sig;
    const char *tag;
};
enum qr_rc grants_proven(struct authd *d, const char *node, const struct grants_proof *p,
                         struct qr_pub *key, struct qr_err *err) QR_MUST_CHECK;

/* identities.c */
void identities_find(Quorate__V1__Auth_Service *rpc, const Quorate__V1__FindPersonRequest *in,
                     Quorate__V1__PersonReply_Closure closure, void *call);
void identities_open(Quorate__V1__Auth_Service *rpc, const Quorate__V1__OpenIdentitiesRequest *in,
                     Quorate__V1__OpenIdentitiesReply_Closure closure, void *call);

/* roster.c */
void roster_attest(Quorate__V1__Auth_Service *rpc, const Quorate__V1__AttestRosterRequest *in,
                   Quorate__V1__Receipt_Closure closure, void *call);

#endif
