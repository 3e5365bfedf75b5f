/* state.h - what the files of cad share, and what they find in the log. */
#ifndef QUORATE_CAD_STATE_H
#define QUORATE_CAD_STATE_H

#include "bundle/known.h"
#include "cad/store.h"
#include "pki/ca.h"
#include "service/log_view.h"
#include "service/run.h"
#include "trust/request_check.h"

#include "quorate/v1/ca.pb-c.h"

#include <pthread.h>

struct cad {
    Quorate__V1__Ca_Service rpc; /* first: handlers get a pointer to it */
    struct service *s;
    struct pki_ca participant_ca;
    struct pki_ca group_ca;
    struct qr_signer ssh_ca;
    bool ssh_pinned;              /* the trust directory names ssh_ca: certificates are issued */
    struct trust_context context; /* the directory's policies */
    struct log_view *view;        /* of the whole log, from cad_sync on */
    int64_t ttl_us;
    pthread_mutex_t known_mutex;
    struct bundle_known known; /* facts of the latest sessions; under the mutex */
};

/* facts.c: what the log says, checked entry by entry. */

/* A session that may still be worked on: its request in force, its requester
 * enrolled, not ended, not signed, not expired. */
struct session_facts {
    struct trust_request request;
    struct trust_identity requester;
    json_t *request_json, *requester_json; /* owned: what the bodies borrow from */
};
void session_facts_fini(struct session_facts *f); /* idempotent */
/* QR_NOTFOUND: no such entry; QR_STATE: ended or signed; QR_STALE: expired; what
 * the checks say. */
enum qr_rc facts_session(struct cad *d, uint64_t index, struct session_facts *out,
                         struct qr_err *err) QR_MUST_CHECK;
/* The identity entry in force of a person.  *json is owned by the caller.
 * QR_DENIED: not enrolled, revoked, erased. */
enum qr_rc facts_person(struct cad *d, const struct qr_hash *commitment, struct trust_identity *out,
                        json_t **json, struct qr_err *err) QR_MUST_CHECK;
/* The freeze of that index is the newest of its session and nothing has ended
 * it: no failed attempt, no end, no other group certificate. */
struct freeze_ref {
    const char *session;
    uint64_t index;
    const struct qr_hash *leaf;
    uint32_t attempt;
    const struct qr_hash *descriptor;
};
enum qr_rc facts_freeze(struct cad *d, const struct freeze_ref *f, struct qr_err *err)
    QR_MUST_CHECK;

/* issue.c: one certificate of either kind, stored with its entry; answering. */

/* In a transaction: stores the certificate and puts certificate.issued. */
enum qr_rc issue_record(struct cad *d, struct issued *c, const struct leaf_certificate *entry,
                        struct qr_err *err) QR_MUST_CHECK;
/* Waits until certificate.issued is logged, then answers with both. */
void issue_answer(struct cad *d, struct rpc_call *call, const struct issued *c);
struct pki_issuance issue_terms(const struct cad *d, const struct pki_ca *ca);
/* What certificate.issued says of every certificate. */
void issue_describe(const struct pki_cert *cert, struct leaf_certificate *out);
/* Logs the node certificates of cad/nodes that are not logged yet. */
enum qr_rc issue_nodes(struct cad *d, struct qr_err *err) QR_MUST_CHECK;

/* Handlers: participant.c, group.c. */
void participant_issue(Quorate__V1__Ca_Service *rpc, const Quorate__V1__IssueParticipantRequest *in,
                       Quorate__V1__IssueReply_Closure closure, void *call);
void group_review(Quorate__V1__Ca_Service *rpc, const Quorate__V1__ReviewGroupRequest *in,
                  Quorate__V1__Empty_Closure closure, void *call);
void group_issue(Quorate__V1__Ca_Service *rpc, const Quorate__V1__IssueGroupRequest *in,
                 Quorate__V1__IssueReply_Closure closure, void *call);

#endif
