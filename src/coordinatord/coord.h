/* coord.h - what the parts of quorate-coordinatord share: its dependencies,
 * fixed after start.
 *
 * The session's state lives in the store and nowhere else; a write transaction
 * of the database is the lock around it.  No part waits for another while it
 * holds a transaction. */
#ifndef QUORATE_COORDINATORD_COORD_H
#define QUORATE_COORDINATORD_COORD_H

#include "coordinatord/store.h"
#include "service/run.h"
#include "trust/quorum_check.h"

struct coord_watch;
struct coord_work;
struct coord_material;
struct step_deferred;

enum coord_peer { COORD_AUTHD, COORD_CAD, COORD_PEERS };

struct coord {
    struct service *s;
    struct trust_context ctx;      /* our policies */
    struct qr_signer envelope_key; /* signs orders */
    struct session_rules rules;    /* template: people and times, no requester */
    /* One attested call of a peer; *out as service_client_call gives it. */
    enum qr_rc (*ask)(void *ctx, enum coord_peer peer, const struct service_call *call,
                      struct rpc_answer *out, struct qr_err *err);
    void *ask_ctx;
    struct coord_watch *watch;
    struct coord_work *work;
    struct coord_material *material;
    struct step_deferred *deferred; /* of step.c; the outbox's thread only */
    uint64_t policy_index[2];       /* of policy.changed: attestation, signing */
};

/* The parts, once s, ctx, envelope_key, rules and ask are set; then every
 * session that is not over is told of the restart: no stream is open, no attempt
 * runs, approvals stand.  The outbox exists, its thread need not run. */
enum qr_rc coord_open(struct coord *c, struct qr_err *err) QR_MUST_CHECK;
/* Stops and releases the parts; also after a failed coord_open. */
void coord_close(struct coord *c);

static inline int64_t coord_now(const struct coord *c) { return qr_now_us(&c->s->clock); }

#endif
