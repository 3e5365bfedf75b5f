/* store.h - the coordinator's database: sessions and whatever belongs to them.
 *
 * All its SQL.  Every function works inside a bracket of db.h that its caller
 * opened (qr_db_begin for those that write, either kind for those that read);
 * what it reads is copied into the caller's arena.  It decides nothing.
 *
 * Schema: schema/coordinator-*.sql. */
#ifndef QUORATE_COORDINATORD_STORE_H
#define QUORATE_COORDINATORD_STORE_H

#include "base/arena.h"
#include "db/db.h"
#include "leaf/evidence.h"
#include "session/session.h"

/* Scripts of the database, the outbox's first. */
extern const struct qr_db_script store_scripts[];
#define STORE_SCRIPT_COUNT 6

struct store_session {
    int64_t n; /* its number here */
    char id[QR_ULID_LEN + 1];
    struct qr_bytes request; /* canonical body */
    struct qr_bytes record;  /* session_write */
    int64_t outbox_row;      /* of session.requested */
    bool logged;             /* index and leaf are known */
    uint64_t index;
    struct qr_hash leaf;
    uint64_t requester_index; /* of the requester's identity entry */
    uint64_t orders;          /* sequence of the newest order, 0: none */
    const char *reason;       /* of the end, or "" */
    const char *step;
};

struct store_request {
    const char *id;
    struct qr_bytes request;
    struct qr_hash artifact;
    struct qr_bytes file; /* p NULL: none */
    const struct session *state;
    int64_t outbox_row;
    uint64_t requester_index;
};
/* QR_EXISTS: the id is taken. */
enum qr_rc store_session_add(struct qr_db *db, const struct store_request *r, int64_t *n,
                             struct qr_err *err) QR_MUST_CHECK;
/* Sessions that are not over, of the requester whose identity entry has that index. */
enum qr_rc store_session_open_count(struct qr_db *db, uint64_t requester_index, size_t *count,
                                    struct qr_err *err) QR_MUST_CHECK;
/* QR_NOTFOUND. */
enum qr_rc store_session_by_id(struct qr_db *db, const char *id, struct qr_arena *arena,
                               struct store_session *out, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_session_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                             struct store_session *out, struct qr_err *err) QR_MUST_CHECK;
/* The raw file; p NULL when there is none. */
enum qr_rc store_session_file(struct qr_db *db, int64_t n, struct qr_arena *arena,
                              struct qr_bytes *out, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_session_save(struct qr_db *db, int64_t n, const struct session *state,
                              struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_session_end(struct qr_db *db, int64_t n, const char *reason, const char *step,
                             struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_session_logged(struct qr_db *db, int64_t n, uint64_t index,
                                const struct qr_hash *leaf, struct qr_err *err) QR_MUST_CHECK;
/* The newest signed session of an artifact.  QR_NOTFOUND. */
enum qr_rc store_session_signed(struct qr_db *db, const struct qr_hash *artifact, int64_t *n,
                                struct qr_err *err) QR_MUST_CHECK;

struct store_list {
    const char *before; /* session id: older ones only; "" = from the newest */
    bool open_only;
    size_t max;
};
/* Numbers of sessions, newest first; *count <= max. */
enum qr_rc store_session_list(struct qr_db *db, const struct store_list *what, int64_t *ns,
                              size_t *count, struct qr_err *err) QR_MUST_CHECK;
/* Sessions whose tick is due at now_us, at most max. */
enum qr_rc store_due(struct qr_db *db, int64_t now_us, int64_t *ns, size_t max, size_t *count,
                     struct qr_err *err) QR_MUST_CHECK;
/* When the next tick is due; INT64_MAX: never. */
enum qr_rc store_next_due(struct qr_db *db, int64_t *us, struct qr_err *err) QR_MUST_CHECK;

struct store_approval {
    uint32_t id;
    struct qr_bytes body; /* canonical */
    int64_t outbox_row;
    bool logged;
    uint64_t index;
    struct qr_hash leaf;
    struct qr_bytes identity; /* entry bytes */
    uint64_t identity_index;
    struct qr_bytes certificate;
    uint64_t issued_index;
    struct qr_bytes cad_grant;
    struct qr_bytes evidence;
};
enum qr_rc store_approval_add(struct qr_db *db, int64_t n, const struct store_approval *a,
                              struct qr_err *err) QR_MUST_CHECK;
/* QR_NOTFOUND.  All three. */
enum qr_rc store_approval_get(struct qr_db *db, int64_t n, uint32_t id, struct qr_arena *arena,
                              struct store_approval *out, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_approval_by_body(struct qr_db *db, int64_t n, struct qr_bytes body,
                                  struct qr_arena *arena, struct store_approval *out,
                                  struct qr_err *err) QR_MUST_CHECK;
/* The session too: an approval's leaf hash is unique in the log. */
enum qr_rc store_approval_by_leaf(struct qr_db *db, const struct qr_hash *leaf, int64_t *n,
                                  uint32_t *id, struct qr_err *err) QR_MUST_CHECK;
/* 1 more than the largest id of the session. */
enum qr_rc store_approval_next(struct qr_db *db, int64_t n, uint32_t *id, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_approval_logged(struct qr_db *db, int64_t n, uint32_t id, uint64_t index,
                                 const struct qr_hash *leaf, struct qr_err *err) QR_MUST_CHECK;

/* Notes that a grant was used and forgets those that expired before now_us.
 * QR_EXISTS: it was used before. */
enum qr_rc store_grant_use(struct qr_db *db, const char *jti, int64_t expires_us, int64_t now_us,
                           struct qr_err *err) QR_MUST_CHECK;

struct store_envelope {
    uint32_t attempt;
    enum leaf_round round;
    uint32_t approval;
    struct qr_bytes bytes;
    struct qr_sig sig;
};
/* conflict: keep it as evidence beside the first (only one is kept).
 * QR_EXISTS: the first is there. */
enum qr_rc store_envelope_add(struct qr_db *db, int64_t n, const struct store_envelope *e,
                              bool conflict, struct qr_err *err) QR_MUST_CHECK;
/* Fills bytes and sig of the first one; QR_NOTFOUND. */
enum qr_rc store_envelope_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                              struct store_envelope *e, struct qr_err *err) QR_MUST_CHECK;

/* All envelopes of an attempt, second ones of a round too, into lists by round.
 * They lie in arena. */
enum qr_rc store_evidence(struct qr_db *db, int64_t n, struct qr_arena *arena,
                          struct leaf_evidence *e, struct qr_err *err) QR_MUST_CHECK;

struct store_order {
    uint64_t sequence;
    struct qr_bytes bytes;
    struct qr_sig sig;
};
/* Also notes the sequence as the session's newest. */
enum qr_rc store_order_add(struct qr_db *db, int64_t n, const struct store_order *o,
                           struct qr_err *err) QR_MUST_CHECK;
/* Orders behind a sequence number, ascending; *count <= max. */
enum qr_rc store_orders_after(struct qr_db *db, int64_t n, uint64_t after, struct qr_arena *arena,
                              struct store_order *out, size_t max, size_t *count,
                              struct qr_err *err) QR_MUST_CHECK;

/* Empty where an attempt has not come that far. */
struct store_attempt {
    struct qr_bytes descriptor;
    struct qr_bytes certificate; /* of the DKG */
    struct qr_bytes frames;
    struct qr_bytes group_certificate;
    struct qr_bytes ssh_certificate; /* also empty where cad gave none */
};
/* Sets the fields whose p is not NULL. */
enum qr_rc store_attempt_put(struct qr_db *db, int64_t n, uint32_t attempt,
                             const struct store_attempt *a, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_attempt_get(struct qr_db *db, int64_t n, uint32_t attempt, struct qr_arena *arena,
                             struct store_attempt *out, struct qr_err *err) QR_MUST_CHECK;

/* What the arrival of an outbox row in the log means. */
struct store_owed {
    int64_t n;
    uint32_t attempt;
    uint32_t approval; /* 0: none */
};
enum qr_rc store_owed_put(struct qr_db *db, int64_t row, const struct store_owed *o,
                          struct qr_err *err) QR_MUST_CHECK;
/* Reads and removes.  QR_NOTFOUND: the row is not about a session. */
enum qr_rc store_owed_take(struct qr_db *db, int64_t row, struct store_owed *out,
                           struct qr_err *err) QR_MUST_CHECK;

struct store_logged {
    uint64_t index;
    enum leaf_kind kind;
    uint32_t attempt;
    struct qr_hash leaf;
    char time[QR_TIME_LEN + 1];
    struct qr_bytes bytes;
};
/* The same entry again changes nothing. */
enum qr_rc store_logged_add(struct qr_db *db, int64_t n, const struct store_logged *l,
                            struct qr_err *err) QR_MUST_CHECK;
/* The newest of a kind in an attempt.  QR_NOTFOUND. */
enum qr_rc store_logged_get(struct qr_db *db, int64_t n, enum leaf_kind kind, uint32_t attempt,
                            struct qr_arena *arena, struct store_logged *out, struct qr_err *err)
    QR_MUST_CHECK;
/* The one at an index, without bytes.  QR_NOTFOUND. */
enum qr_rc store_logged_at(struct qr_db *db, int64_t n, uint64_t index, struct store_logged *out,
                           struct qr_err *err) QR_MUST_CHECK;
/* All of a session, ascending, without bytes; *count <= max. */
enum qr_rc store_logged_list(struct qr_db *db, int64_t n, struct store_logged *out, size_t max,
                             size_t *count, struct qr_err *err) QR_MUST_CHECK;

/* The finished bundle, once. */
enum qr_rc store_bundle_put(struct qr_db *db, int64_t n, struct qr_bytes bytes, struct qr_err *err)
    QR_MUST_CHECK;
/* QR_NOTFOUND. */
enum qr_rc store_bundle_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                            struct qr_bytes *out, struct qr_err *err) QR_MUST_CHECK;
/* The one of a signed session of that artifact; session "": of its newest one
 * that has one.  QR_NOTFOUND. */
enum qr_rc store_bundle_find(struct qr_db *db, const struct qr_hash *artifact, const char *session,
                             struct qr_arena *arena, struct qr_bytes *out, struct qr_err *err)
    QR_MUST_CHECK;

#endif
