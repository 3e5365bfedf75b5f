/* services.h - a participant's connections: the four services over attested
 * calls, and its own view of the log.
 *
 * Opened by the CLI with addresses and files; every call is attested on both
 * sides, everything read from the log is proven.  What a service answers is
 * still only a claim: the callers verify it.
 * Spec: TRUST.md sections 7 and 8. */
#ifndef QUORATE_PARTICIPANT_SERVICES_H
#define QUORATE_PARTICIPANT_SERVICES_H

#include "attest/open.h"
#include "bundle/verify.h"
#include "rpc/attested.h"
#include "service/log_view.h"

enum service_id { SERVICE_LOG, SERVICE_AUTH, SERVICE_CA, SERVICE_COORDINATOR, SERVICE_COUNT };

struct services_conf {
    const char *addr[SERVICE_COUNT]; /* keeps */
    struct rpc_tls tls;              /* keeps */
    struct attest_node_conf tee;     /* our attestation device; keeps */
    const char *anchor_path;         /* newest checkpoint seen; copied */
    const struct trust_dir *trust;   /* keeps */
    const struct qr_log *log;        /* keeps; NULL: silent */
    struct qr_clock clock;
    struct qr_rand rand;
};

struct services;

/* Connects nothing yet.  Gives; services_free. */
enum qr_rc services_open(struct services **out, const struct services_conf *conf,
                         struct qr_err *err) QR_MUST_CHECK;
void services_free(struct services *s); /* NULL allowed */

/* One call with the given deadline; release out with rpc_answer_fini in every
 * case.  QR_UNAVAILABLE names the service and its address. */
struct services_ask {
    enum service_id service;
    const char *method;
    const ProtobufCMessage *in;
    int timeout_ms;
};
enum qr_rc services_call(struct services *s, const struct services_ask *ask, struct rpc_answer *out,
                         struct qr_err *err) QR_MUST_CHECK;
/* A secret for that service, sealed under the attested session (attest/session.h):
 * label says what it is.  Appends to out.  The call that carries it must follow
 * at once: sessions are renewed. */
struct services_secret {
    enum service_id service;
    const char *label;
    struct qr_bytes text;
};
enum qr_rc services_seal(struct services *s, const struct services_secret *secret,
                         struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;
/* Opens one that the service sealed for us; out is wiped by the caller. */
enum qr_rc services_unseal(struct services *s, const struct services_secret *secret,
                           struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;
/* The attestation policy in force, by the log: asked at most every few seconds,
 * and of a directory that knows no next one never.  Lives with the directory. */
enum qr_rc services_policy(struct services *s, const struct attest_policy **out, struct qr_err *err)
    QR_MUST_CHECK;
/* The coordinator's orders of a session from after on.  Gives; rpc_stream_close. */
enum qr_rc services_watch(struct services *s, const char *session, uint64_t after,
                          const struct qr_hash *approval, struct rpc_stream **out,
                          struct qr_err *err) QR_MUST_CHECK;

struct log_client *services_log(struct services *s);
/* Our own reading of the log from an index on; kept until another is asked
 * for.  One thread. */
struct log_view *services_view(struct services *s, uint64_t from);
const struct trust_dir *services_trust(const struct services *s);
const struct attest_device *services_device(const struct services *s);
const char *services_node(const struct services *s); /* from our TLS certificate */
struct qr_clock services_clock(const struct services *s);
struct qr_rand services_rand(const struct services *s);
/* Material of a session at a stage, fetched from the coordinator and read, not
 * yet verified.  artifact is asked for when session is NULL. */
enum qr_rc services_material(struct services *s, const char *session,
                             const struct qr_hash *artifact, enum bundle_stage stage,
                             struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;

/* Where a recorded entry stands. */
struct receipt_facts {
    uint64_t index;
    struct qr_hash leaf;
};
/* A Quorate__V1__Receipt from any service, proven against our view of the log;
 * entry borrows from it. */
enum qr_rc services_receipt(struct services *s, const void *receipt, struct receipt_facts *out,
                            struct qr_bytes *entry, struct qr_err *err) QR_MUST_CHECK;

#endif
