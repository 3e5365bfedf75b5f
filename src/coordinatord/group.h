/* group.h - the coordinator's part in a step of a standing group: who sent what,
 * in an order that all see alike, and the entry at the end.
 *
 * Nothing here is secret and nobody believes it: parties verify every letter,
 * the approval of the plan, and the entries.  What is checked here is checked so
 * that a mistake is told at once.  One step of a group is open at a time; one
 * that nobody has asked about for a round's time is given up.
 *
 * A member that is silent or sends a wrong share costs an attempt at signing, not
 * the signature: later attempts take others first, so k such members cost at most
 * k of them while t others are there. */
#ifndef QUORATE_COORDINATORD_GROUP_H
#define QUORATE_COORDINATORD_GROUP_H

#include "coordinatord/coord.h"
#include "coordinatord/store_group.h"

#define GROUP_MAX_LETTERS 256

struct group_ask {
    const char *session;
    struct qr_bytes text; /* plan or signing */
    uint32_t attempt;     /* 0: the newest, or the one that is next */
    bool has_letter;
    struct qr_bytes letter;
    struct qr_sig sig;
    uint64_t after;
};
struct group_answer {
    uint32_t attempt;
    enum store_step_state state;
    const char *reason;
    uint64_t started_index, done_index;
    struct store_letter *letters; /* in the arena */
    size_t count;
};
/* A join opens an attempt.  QR_POLICY: no quorum signed it; QR_STALE: the plan is
 * of an older epoch, or this attempt is over (ask again with 0); QR_CONFLICT:
 * another step is open, or another letter of this round was sent; QR_DENIED: not a
 * party, or not its signature; QR_STATE: not the time for this letter. */
enum qr_rc group_step(struct coord *c, const struct group_ask *ask, struct qr_arena *arena,
                      struct group_answer *out, struct qr_err *err) QR_MUST_CHECK;
const char *group_state_name(enum store_step_state s);

/* The outbox's hook, inside its transaction, for entries about groups. */
enum qr_rc group_logged(struct coord *c, const struct outbox_logged *l, struct qr_err *err)
    QR_MUST_CHECK;

/* ---- between group.c and group_end.c ---- */

struct group_text {
    struct qr_hash hash;
    bool signs;
    struct leaf_group_ref from;
    struct leaf_group_plan plan;
    struct leaf_group_signing signing;
    struct qr_hash group; /* that the step is about */
};
struct group_at {
    struct coord *c;
    const struct group_ask *ask;
    struct qr_arena *arena;
    struct group_text *text;
    struct store_step step;
    bool logs; /* the outbox has something new */
};
/* Inside a write transaction, once a letter was added: whether it was the last
 * one of its round, and what follows. */
enum qr_rc group_progress(struct group_at *a, enum leaf_group_round round, struct qr_err *err)
    QR_MUST_CHECK;
/* Inside a write transaction: the attempt failed by this member's doing. */
enum qr_rc group_blame(struct group_at *a, const struct qr_hash *member, const char *reason,
                       struct qr_err *err) QR_MUST_CHECK;
/* Inside a write transaction, whenever somebody asks: an attempt at signing whose
 * shares are overdue fails, and one that waited for better members starts. */
enum qr_rc group_overdue(struct group_at *a, struct qr_err *err) QR_MUST_CHECK;
/* group.retired, inside a write transaction. */
enum qr_rc group_retire(struct group_at *a, struct qr_err *err) QR_MUST_CHECK;
/* The members and t of the group as it stands; body is released by the caller. */
enum qr_rc group_now(struct coord *c, const struct qr_hash *group, struct qr_arena *arena,
                     struct leaf_group_change *out, struct leaf_group_plan *plan, json_t **body,
                     struct qr_err *err) QR_MUST_CHECK;
/* The signatures of a made letter verify under the group's key; outside a
 * transaction. */
enum qr_rc group_made_check(struct group_at *a, struct qr_bytes sigs, struct qr_err *err)
    QR_MUST_CHECK;

#endif
