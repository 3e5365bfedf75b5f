/* store_group.h - standing groups and the steps taken with them, in the
 * coordinator's database.  As store.h: inside a bracket of db.h, decides nothing. */
#ifndef QUORATE_COORDINATORD_STORE_GROUP_H
#define QUORATE_COORDINATORD_STORE_GROUP_H

#include "coordinatord/store.h"
#include "leaf/group.h"

enum store_step_state {
    STORE_STEP_OPEN,     /* letters are awaited */
    STORE_STEP_STARTING, /* group.signing_started is on its way */
    STORE_STEP_STARTED,  /* shares are awaited */
    STORE_STEP_LOGGING,  /* its last entry is on its way */
    STORE_STEP_DONE,
    STORE_STEP_FAILED
};

struct store_step {
    int64_t n;
    struct qr_hash step;
    uint32_t attempt;
    struct qr_hash group;
    struct qr_bytes text;
    int64_t session;
    struct qr_hash approved;
    enum store_step_state state;
    const char *reason;
    int64_t seen_us;  /* when somebody asked last */
    int64_t since_us; /* when it was opened, or its start was logged */
    uint64_t started_index;
    struct qr_hash started;
    uint64_t done_index;
};
/* Opens an attempt; s->n is set. */
enum qr_rc store_step_add(struct qr_db *db, struct store_step *s, struct qr_err *err) QR_MUST_CHECK;
/* attempt 0: the newest.  QR_NOTFOUND; all four. */
enum qr_rc store_step_find(struct qr_db *db, const struct qr_hash *step, uint32_t attempt,
                           struct qr_arena *arena, struct store_step *out, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_step_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                          struct store_step *out, struct qr_err *err) QR_MUST_CHECK;
/* A step with the group that is neither done nor failed. */
enum qr_rc store_step_open(struct qr_db *db, const struct qr_hash *group, struct qr_arena *arena,
                           struct store_step *out, struct qr_err *err) QR_MUST_CHECK;
/* The one whose entry is this outbox row. */
enum qr_rc store_step_by_row(struct qr_db *db, int64_t row, struct qr_arena *arena,
                             struct store_step *out, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_step_seen(struct qr_db *db, int64_t n, int64_t now_us, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_step_fail(struct qr_db *db, int64_t n, const char *reason, struct qr_err *err)
    QR_MUST_CHECK;
/* Its entry is on its way. */
enum qr_rc store_step_owes(struct qr_db *db, int64_t n, enum store_step_state state, int64_t row,
                           struct qr_err *err) QR_MUST_CHECK;
/* s->n, started_index, started and since_us. */
enum qr_rc store_step_started(struct qr_db *db, const struct store_step *s, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_step_done(struct qr_db *db, int64_t n, uint64_t index, struct qr_err *err)
    QR_MUST_CHECK;

/* A member cost this attempt; the same again changes nothing. */
enum qr_rc store_fault_add(struct qr_db *db, const struct store_step *s,
                           const struct qr_hash *sender, struct qr_err *err) QR_MUST_CHECK;
/* How many attempts at this step it cost. */
enum qr_rc store_fault_count(struct qr_db *db, const struct qr_hash *step,
                             const struct qr_hash *sender, int64_t *count, struct qr_err *err)
    QR_MUST_CHECK;
/* fresh: no start had this point (QR_KEY_SIZE bytes), and now one has. */
enum qr_rc store_nonce_add(struct qr_db *db, const uint8_t *point, bool *fresh, struct qr_err *err)
    QR_MUST_CHECK;

struct store_letter {
    int64_t n;
    enum leaf_group_round round;
    struct qr_hash sender;
    struct qr_bytes bytes;
    struct qr_sig sig;
};
/* QR_EXISTS: one of this round and sender is there. */
enum qr_rc store_letter_add(struct qr_db *db, int64_t step, const struct store_letter *l,
                            struct qr_err *err) QR_MUST_CHECK;
/* QR_NOTFOUND. */
enum qr_rc store_letter_get(struct qr_db *db, int64_t step, enum leaf_group_round round,
                            const struct qr_hash *sender, struct qr_arena *arena,
                            struct store_letter *out, struct qr_err *err) QR_MUST_CHECK;
/* Those behind a number, in order of arrival; round LEAF_GROUP_ROUNDS: of all. */
struct store_letters {
    int64_t step, after;
    enum leaf_group_round round;
};
enum qr_rc store_letter_list(struct qr_db *db, const struct store_letters *what,
                             struct qr_arena *arena, struct store_letter *out, size_t max,
                             size_t *count, struct qr_err *err) QR_MUST_CHECK;

struct store_group {
    struct qr_hash group;
    uint64_t index;
    struct qr_bytes body;
    bool retired;
};
enum qr_rc store_group_put(struct qr_db *db, const struct store_group *g, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_group_retire(struct qr_db *db, const struct qr_hash *group, struct qr_err *err)
    QR_MUST_CHECK;
/* QR_NOTFOUND. */
enum qr_rc store_group_get(struct qr_db *db, const struct qr_hash *group, struct qr_arena *arena,
                           struct store_group *out, struct qr_err *err) QR_MUST_CHECK;

#endif
