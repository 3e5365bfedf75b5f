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

struct coord {
    struct service *s;
    struct trust_context ctx;      /* our policies */
    struct qr_signer envelope_key; /* signs orders */
    struct session_rules rules;    /* template: people and times, no requester */
    struct service_client *authd;
    struct service_client *cad;
    struct coord_watch *watch;
    struct coord_work *work;
    struct coord_material *material;
    struct step_deferred *deferred; /* of step.c; the outbox's thread only */
    uint64_t policy_index[2];       /* of policy.changed: attestation, signing */
};

static inline int64_t coord_now(const struct coord *c) { return qr_now_us(&c->s->clock); }

#endif
