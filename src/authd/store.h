/* store.h - authd's database: all its SQL.
 *
 * Every function runs inside a transaction that the caller has begun (db.h).
 * It decides nothing.  Tables: schema/authd-*.sql. */
#ifndef QUORATE_AUTHD_STORE_H
#define QUORATE_AUTHD_STORE_H

#include "db/db.h"
#include "leaf/people.h"
#include "tlog/tlog.h"

extern const struct qr_db_script authd_scripts[];
#define AUTHD_SCRIPT_COUNT 4

enum person_state { PERSON_ACTIVE, PERSON_REVOKED, PERSON_ERASED };

struct person {
    struct qr_hash commitment;
    enum qr_role role;
    struct qr_pub person_key;
    char node[LEAF_MAX_NODE + 1]; /* "" = any */
    struct qr_hash enrolment;     /* leaf hash of the newest identity entry */
    uint64_t index;               /* of that entry */
    uint64_t last_index;          /* newest entry about this person */
    enum person_state state;
    bool leaving; /* a revocation is on its way to the log */
};

/* QR_NOTFOUND.  By key: the active one, if there is one. */
enum qr_rc store_person(struct qr_db *db, const struct qr_hash *commitment, struct person *out,
                        struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_person_by_key(struct qr_db *db, const struct qr_pub *key, struct person *out,
                               struct qr_err *err) QR_MUST_CHECK;
/* Inserts or replaces. */
enum qr_rc store_person_set(struct qr_db *db, const struct person *p, struct qr_err *err)
    QR_MUST_CHECK;
/* That a revocation or erasure is on its way to the log; that it is there. */
enum qr_rc store_leaving(struct qr_db *db, const struct qr_hash *commitment, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_left(struct qr_db *db, const struct qr_hash *commitment, struct qr_err *err)
    QR_MUST_CHECK;

/* Sealed salt and identity.  QR_EXISTS: the commitment or the e-mail is there. */
struct sealed_identity {
    struct qr_hash commitment;
    uint8_t email_tag[32];
    uint8_t nonce[QR_AEAD_NONCE];
    struct qr_bytes sealed; /* read: borrowed until the next statement */
    bool keyed;             /* under a key of its own, too */
};
enum qr_rc store_identity_add(struct qr_db *db, const struct sealed_identity *s, struct qr_err *err)
    QR_MUST_CHECK;
/* The row of s->commitment.  QR_NOTFOUND. */
enum qr_rc store_identity(struct qr_db *db, struct sealed_identity *s, struct qr_err *err)
    QR_MUST_CHECK;
/* Puts nonce, sealed and keyed into the row. */
enum qr_rc store_identity_reseal(struct qr_db *db, const struct sealed_identity *s,
                                 struct qr_err *err) QR_MUST_CHECK;
/* Any row that has no key of its own yet.  QR_NOTFOUND. */
enum qr_rc store_identity_unkeyed(struct qr_db *db, struct qr_hash *commitment, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_identity_has(struct qr_db *db, const struct qr_hash *commitment, bool *has,
                              struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_identity_by_email(struct qr_db *db, const uint8_t email_tag[32],
                                   struct qr_hash *commitment, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_identity_erase(struct qr_db *db, const struct qr_hash *commitment,
                                struct qr_err *err) QR_MUST_CHECK;

/* Until when (microseconds, UTC) an erased person is not enrolled anew.
 * QR_NOTFOUND; past tombstones are removed by store_tombstones_trim. */
enum qr_rc store_tombstone(struct qr_db *db, const uint8_t email_tag[32], int64_t *until_us,
                           struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_tombstone_set(struct qr_db *db, const uint8_t email_tag[32], int64_t until_us,
                               struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_tombstones_trim(struct qr_db *db, int64_t now_us, struct qr_err *err)
    QR_MUST_CHECK;

/* A policy that is logged (has_index) or on its way. */
enum qr_rc store_policy_has(struct qr_db *db, enum leaf_policy_name name,
                            const struct qr_hash *hash, bool *has, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_policy_set(struct qr_db *db, enum leaf_policy_name name,
                            const struct qr_hash *hash, const uint64_t *index, struct qr_err *err)
    QR_MUST_CHECK;

/* The roster that was attested for an attempt.  QR_NOTFOUND. */
struct roster_row {
    struct qr_hash session_leaf;
    uint32_t attempt;
    struct qr_hash request;
    int64_t outbox;
};
enum qr_rc store_roster(struct qr_db *db, struct roster_row *row, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc store_roster_add(struct qr_db *db, const struct roster_row *row, struct qr_err *err)
    QR_MUST_CHECK;

/* The tree of the log as far as this service has read it. */
enum qr_rc store_frontier(struct qr_db *db, struct tlog_frontier *out, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc store_frontier_set(struct qr_db *db, const struct tlog_frontier *f, struct qr_err *err)
    QR_MUST_CHECK;

#endif
