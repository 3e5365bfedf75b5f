/* store.c - see store.h. */
#include "authd/store.h"

#include "schema/authd-001.sql.h"
#include "schema/authd-002.sql.h"
#include "schema/authd-003.sql.h"
#include "schema/outbox-001.sql.h"

const struct qr_db_script authd_scripts[AUTHD_SCRIPT_COUNT] = {
    {1, schema_outbox_001}, {2, schema_authd_001}, {3, schema_authd_002}, {4, schema_authd_003}};

static const char *const state_names[] = {"active", "revoked", "erased"};

static enum qr_rc take(struct qr_bytes from, void *to, size_t n, struct qr_err *err)
{
    if (from.n != n) return qr_fail(err, QR_IO, "database: damaged row");
    qr_copy(to, from.p, n);
    return QR_OK;
}

/* ---- people ---- */

#define PERSON_COLUMNS                                                            \
    "SELECT commitment, role, person_key, node, enrolment, idx, last_idx, state," \
    " EXISTS (SELECT 1 FROM leaving l WHERE l.commitment = person.commitment) FROM person"

static enum qr_rc read_state(struct qr_bytes s, enum person_state *out, struct qr_err *err)
{
    for (size_t i = 0; i < sizeof state_names / sizeof state_names[0]; i++) {
        if (!qr_bytes_is(s, state_names[i])) continue;
        *out = (enum person_state)i;
        return QR_OK;
    }
    return qr_fail(err, QR_IO, "database: damaged row");
}

static enum qr_rc read_person(struct qr_stmt *st, struct person *p, struct qr_err *err)
{
    *p = (struct person){.role = QR_ENGINEER};
    QR_TRY(take(qr_stmt_bytes(st, 0), p->commitment.b, sizeof p->commitment.b, err));
    QR_TRY(qr_role_parse(qr_stmt_bytes(st, 1), &p->role));
    QR_TRY(take(qr_stmt_bytes(st, 2), p->person_key.b, sizeof p->person_key.b, err));
    struct qr_bytes node = qr_stmt_bytes(st, 3);
    if (node.n > LEAF_MAX_NODE) return qr_fail(err, QR_IO, "database: damaged row");
    qr_copy(p->node, node.p, node.n);
    p->node[node.n] = 0;
    QR_TRY(take(qr_stmt_bytes(st, 4), p->enrolment.b, sizeof p->enrolment.b, err));
    p->index = (uint64_t)qr_stmt_int(st, 5);
    p->last_index = (uint64_t)qr_stmt_int(st, 6);
    p->leaving = qr_stmt_int(st, 8) != 0;
    return read_state(qr_stmt_bytes(st, 7), &p->state, err);
}

enum qr_rc store_person(struct qr_db *db, const struct qr_hash *commitment, struct person *out,
                        struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, PERSON_COLUMNS " WHERE commitment = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(commitment->b))), &st, err));
    return read_person(st, out, err);
}

enum qr_rc store_person_by_key(struct qr_db *db, const struct qr_pub *key, struct person *out,
                               struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db,
                     PERSON_COLUMNS " WHERE person_key = ?1 ORDER BY state <> 'active', idx DESC",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(key->b))), &st, err));
    return read_person(st, out, err);
}

enum qr_rc store_person_set(struct qr_db *db, const struct person *p, struct qr_err *err)
{
    return qr_db_run(
        db,
        "INSERT OR REPLACE INTO person(commitment, role, person_key, node, enrolment, idx,"
        " last_idx, state) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
        QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(p->commitment.b)), QR_DB_STR(qr_role_name(p->role)),
                   QR_DB_BLOB(QR_BYTES_OF(p->person_key.b)), QR_DB_STR(p->node),
                   QR_DB_BLOB(QR_BYTES_OF(p->enrolment.b)), QR_DB_INT(p->index),
                   QR_DB_INT(p->last_index), QR_DB_STR(state_names[p->state])),
        err);
}

enum qr_rc store_leaving(struct qr_db *db, const struct qr_hash *commitment, struct qr_err *err)
{
    return qr_db_run(db, "INSERT OR IGNORE INTO leaving VALUES (?1)",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(commitment->b))), err);
}

enum qr_rc store_left(struct qr_db *db, const struct qr_hash *commitment, struct qr_err *err)
{
    return qr_db_run(db, "DELETE FROM leaving WHERE commitment = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(commitment->b))), err);
}

/* ---- identities ---- */

enum qr_rc store_identity_add(struct qr_db *db, const struct sealed_identity *s, struct qr_err *err)
{
    return qr_db_run(
        db,
        "INSERT INTO identity(commitment, email_tag, nonce, sealed, keyed) VALUES (?1,?2,?3,?4,?5)",
        QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(s->commitment.b)), QR_DB_BLOB(QR_BYTES_OF(s->email_tag)),
                   QR_DB_BLOB(QR_BYTES_OF(s->nonce)), QR_DB_BLOB(s->sealed), QR_DB_INT(s->keyed)),
        err);
}

enum qr_rc store_identity(struct qr_db *db, struct sealed_identity *s, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db,
                     "SELECT email_tag, nonce, sealed, keyed FROM identity WHERE commitment = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(s->commitment.b))), &st, err));
    QR_TRY(take(qr_stmt_bytes(st, 0), s->email_tag, sizeof s->email_tag, err));
    QR_TRY(take(qr_stmt_bytes(st, 1), s->nonce, sizeof s->nonce, err));
    s->sealed = qr_stmt_bytes(st, 2);
    s->keyed = qr_stmt_int(st, 3) != 0;
    return QR_OK;
}

enum qr_rc store_identity_reseal(struct qr_db *db, const struct sealed_identity *s,
                                 struct qr_err *err)
{
    return qr_db_run(
        db, "UPDATE identity SET nonce = ?2, sealed = ?3, keyed = ?4 WHERE commitment = ?1",
        QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(s->commitment.b)), QR_DB_BLOB(QR_BYTES_OF(s->nonce)),
                   QR_DB_BLOB(s->sealed), QR_DB_INT(s->keyed)),
        err);
}

enum qr_rc store_identity_unkeyed(struct qr_db *db, struct qr_hash *commitment, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, "SELECT commitment FROM identity WHERE keyed = 0 LIMIT 1", QR_DB_NOARGS,
                     &st, err));
    return take(qr_stmt_bytes(st, 0), commitment->b, sizeof commitment->b, err);
}

enum qr_rc store_identity_has(struct qr_db *db, const struct qr_hash *commitment, bool *has,
                              struct qr_err *err)
{
    struct qr_stmt *st;
    enum qr_rc rc = qr_db_one(db, "SELECT 1 FROM identity WHERE commitment = ?1",
                              QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(commitment->b))), &st, err);
    *has = rc == QR_OK;
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

enum qr_rc store_identity_by_email(struct qr_db *db, const uint8_t email_tag[32],
                                   struct qr_hash *commitment, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, "SELECT commitment FROM identity WHERE email_tag = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES(email_tag, 32))), &st, err));
    return take(qr_stmt_bytes(st, 0), commitment->b, sizeof commitment->b, err);
}

enum qr_rc store_identity_erase(struct qr_db *db, const struct qr_hash *commitment,
                                struct qr_err *err)
{
    return qr_db_run(db, "DELETE FROM identity WHERE commitment = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(commitment->b))), err);
}

/* ---- tombstones ---- */

enum qr_rc store_tombstone(struct qr_db *db, const uint8_t email_tag[32], int64_t *until_us,
                           struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, "SELECT until FROM tombstone WHERE email_tag = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES(email_tag, 32))), &st, err));
    *until_us = qr_stmt_int(st, 0);
    return QR_OK;
}

enum qr_rc store_tombstone_set(struct qr_db *db, const uint8_t email_tag[32], int64_t until_us,
                               struct qr_err *err)
{
    return qr_db_run(db, "INSERT OR REPLACE INTO tombstone VALUES (?1,?2)",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES(email_tag, 32)), QR_DB_INT(until_us)), err);
}

enum qr_rc store_tombstones_trim(struct qr_db *db, int64_t now_us, struct qr_err *err)
{
    return qr_db_run(db, "DELETE FROM tombstone WHERE until < ?1", QR_DB_ARGS(QR_DB_INT(now_us)),
                     err);
}

/* ---- policies ---- */

static const char *policy_name(enum leaf_policy_name name)
{
    return name == LEAF_POLICY_SIGNING ? "signing" : "attestation";
}

enum qr_rc store_policy_has(struct qr_db *db, enum leaf_policy_name name,
                            const struct qr_hash *hash, bool *has, struct qr_err *err)
{
    struct qr_stmt *st;
    enum qr_rc rc = qr_db_one(
        db, "SELECT 1 FROM policy WHERE name = ?1 AND hash = ?2",
        QR_DB_ARGS(QR_DB_STR(policy_name(name)), QR_DB_BLOB(QR_BYTES_OF(hash->b))), &st, err);
    *has = rc == QR_OK;
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

enum qr_rc store_policy_set(struct qr_db *db, enum leaf_policy_name name,
                            const struct qr_hash *hash, const uint64_t *index, struct qr_err *err)
{
    return qr_db_run(db,
                     "INSERT INTO policy VALUES (?1,?2,?3)"
                     " ON CONFLICT (name, hash) DO UPDATE SET idx = excluded.idx",
                     QR_DB_ARGS(QR_DB_STR(policy_name(name)), QR_DB_BLOB(QR_BYTES_OF(hash->b)),
                                index ? QR_DB_INT(*index) : QR_DB_NULL),
                     err);
}

/* ---- rosters ---- */

enum qr_rc store_roster(struct qr_db *db, struct roster_row *row, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(
        qr_db_one(db, "SELECT request, outbox FROM roster WHERE session_leaf = ?1 AND attempt = ?2",
                  QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(row->session_leaf.b)), QR_DB_INT(row->attempt)),
                  &st, err));
    row->outbox = qr_stmt_int(st, 1);
    return take(qr_stmt_bytes(st, 0), row->request.b, sizeof row->request.b, err);
}

enum qr_rc store_roster_add(struct qr_db *db, const struct roster_row *row, struct qr_err *err)
{
    return qr_db_run(db, "INSERT INTO roster VALUES (?1,?2,?3,?4)",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(row->session_leaf.b)),
                                QR_DB_INT(row->attempt), QR_DB_BLOB(QR_BYTES_OF(row->request.b)),
                                QR_DB_INT(row->outbox)),
                     err);
}

/* ---- replay ---- */

enum qr_rc store_frontier(struct qr_db *db, struct tlog_frontier *out, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, "SELECT size, frontier FROM replayed", QR_DB_NOARGS, &st, err));
    *out = (struct tlog_frontier){.size = (uint64_t)qr_stmt_int(st, 0)};
    struct qr_reader r = qr_reader_of(qr_stmt_bytes(st, 1));
    for (unsigned k = 0; k < 64; k++)
        if (out->size >> k & 1) qr_read_into(&r, out->peak[k].b, sizeof out->peak[k].b);
    if (qr_reader_done(&r) != QR_OK) return qr_fail(err, QR_IO, "database: damaged frontier");
    return QR_OK;
}

enum qr_rc store_frontier_set(struct qr_db *db, const struct tlog_frontier *f, struct qr_err *err)
{
    uint8_t peaks[64 * TLOG_HASH_SIZE];
    size_t n = 0;
    for (unsigned k = 0; k < 64; k++) {
        if (!(f->size >> k & 1)) continue;
        qr_copy(peaks + n, f->peak[k].b, TLOG_HASH_SIZE);
        n += TLOG_HASH_SIZE;
    }
    return qr_db_run(db, "UPDATE replayed SET size = ?1, frontier = ?2",
                     QR_DB_ARGS(QR_DB_INT(f->size), QR_DB_BLOB(QR_BYTES(peaks, n))), err);
}
