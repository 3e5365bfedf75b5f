/* attested.h - calls under attested sessions: the guards of both ends, the
 * service that opens sessions, and the client that every caller uses.
 *
 * The protocol and its keys are src/attest; here are the tables, the threads
 * and the network.  Whom a service admits once it knows who is calling is the
 * service's decision.
 *
 * Spec: TRUST.md section 8, SNP.md 5.4, attest/handshake.h, attest/session.h. */
#ifndef QUORATE_RPC_ATTESTED_H
#define QUORATE_RPC_ATTESTED_H

#include "attest/handshake.h"
#include "rpc/channel.h"
#include "rpc/server.h"

/* ---- server ---- */

/* How an attempt to open a session ended, for the record of it. */
struct attested_judged {
    enum qr_rc rc;
    const char *text; /* why not */
    const struct rpc_peer *tls;
    const struct attest_outcome *outcome; /* reason, and what was claimed; its session
                                              is already taken */
};

struct attested_server_conf {
    /* Who we are.  Copied; what it points to is kept.  Its tls_spki is not read:
     * it is taken from tls. */
    const struct attest_self *self;
    const char *audience; /* our service's name, "tlogd"; keeps */
    struct rpc_tls tls;   /* as the rpc_server's; no files: no TLS (tests) */
    /* The only role that this node may claim; NULL: any.  May be NULL. */
    const char *(*role_of)(void *ctx, const char *node);
    /* On a worker, for every session opened and every evidence refused.  May be NULL. */
    void (*judged)(void *ctx, const struct attested_judged *j);
    void *ctx;
    size_t sessions_max; /* 0: 4096 in all */
    size_t per_peer_max; /* 0: 16 by one TLS key; then its oldest one goes */
};

struct attested_server;

/* Gives: attested_server_free, after the rpc_server is freed.  QR_MALFORMED,
 * QR_NOTFOUND: the certificate. */
enum qr_rc attested_server_new(struct attested_server **out,
                               const struct attested_server_conf *conf, struct qr_err *err)
    QR_MUST_CHECK;
void attested_server_free(struct attested_server *s);
/* For rpc_server_conf.guard; lives as long as s. */
const struct rpc_guard *attested_server_guard(struct attested_server *s);
/* Adds quorate.v1.Attest, before rpc_server_start. */
enum qr_rc attested_server_add(struct attested_server *s, struct rpc_server *rpc,
                               struct qr_err *err) QR_MUST_CHECK;
/* Ends every session of a node (NULL: of all): revoked. */
void attested_server_end(struct attested_server *s, const char *node);
/* Another policy is in force: no call is taken any more under a session that was
 * opened under one of before.  Calls under way are answered; a stream ends before its
 * next element. */
void attested_server_policy(struct attested_server *s);

/* Inside a handler: the session the call came under, for attested_secret_open.
 * NULL for a call that no guard saw.  Borrowed until the call ends. */
struct attest_session *attested_session_of(const struct rpc_call *call);

/* ---- client ---- */

struct attested_client_conf {
    struct rpc_channel_conf channel;
    const struct attest_self *self; /* as above */
    const char *audience;           /* name of the service, of its node in the
                                              certificate, and the role it must
                                              attest; copied */
};

struct attested_client;

/* Connects nothing yet: the first call does.  self NULL: calls are not attested
 * (tests).  Gives: attested_client_free, when no call uses it any more. */
enum qr_rc attested_client_new(struct attested_client **out,
                               const struct attested_client_conf *conf, struct qr_err *err)
    QR_MUST_CHECK;
/* The same over a channel that is there already (taken, on failure too); conf's
 * channel is not read but for the clock. */
enum qr_rc attested_client_over(struct attested_client **out, struct rpc_channel *channel,
                                const struct attested_client_conf *conf, struct qr_err *err)
    QR_MUST_CHECK;
void attested_client_free(struct attested_client *c);

/* One call; from any thread; ask->guard is not read.  Opens a session when there
 * is none or the server no longer knows it (then the call is made once more,
 * the server having refused it unseen), renews one that is old.  session is
 * NULL, or the one under which a secret in the request was sealed: then nothing
 * is repeated.  Results as rpc_unary; QR_ATTESTATION: evidence or reply was
 * refused. */
enum qr_rc attested_client_call(struct attested_client *c, const struct rpc_ask *ask,
                                struct attest_session *session, struct rpc_answer *out,
                                struct qr_err *err) QR_MUST_CHECK;
/* A server stream.  Refused by a server that no longer knows the session, it is
 * opened once more under another one, if nothing of it was read yet; the
 * rpc_stream_next that sees this takes a handshake longer.  It ends after ATTESTED_STREAM_MS at the latest (QR_DEADLINE):
 * no stream outlives its session; open another one where it left off.  Gives:
 * rpc_stream_close, before attested_client_free. */
#define ATTESTED_STREAM_MS 280000
enum qr_rc attested_client_stream(struct attested_client *c, const struct rpc_ask *ask,
                                  const ProtobufCMessageDescriptor *element,
                                  struct rpc_stream **out, struct qr_err *err) QR_MUST_CHECK;
/* The session as it stands, opened if need be: for attested_secret_seal.  Gives
 * a reference: attest_session_free. */
enum qr_rc attested_client_session(struct attested_client *c, int timeout_ms,
                                   struct attest_session **out, struct qr_err *err) QR_MUST_CHECK;

#endif
