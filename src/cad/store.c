/* store.c - see store.h. */
#include "cad/store.h"

#include "schema/cad-001.sql.h"
#include "schema/cad-002.sql.h"
#include "schema/outbox-001.sql.h"

const struct qr_db_script cad_scripts[CAD_SCRIPT_COUNT] = {
    {1, schema_outbox_001}, {2, schema_cad_001}, {3, schema_cad_002}};

static const char *const purposes[] = {[LEAF_PURPOSE_PARTICIPANT] = "participant",
                                       [LEAF_PURPOSE_GROUP] = "group",
                                       [LEAF_PURPOSE_TRANSPORT] = "transport"};

static enum qr_rc take_hash(struct qr_bytes from, struct qr_hash *to, struct qr_err *err)
{
    if (from.n != sizeof to->b) return qr_fail(err, QR_IO, "database: damaged row");
    qr_copy(to->b, from.p, from.n);
    return QR_OK;
}

enum qr_rc store_certificate(struct qr_db *db, const struct qr_hash *sha256, struct issued *out,
                             struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, "SELECT purpose, der, outbox, ssh FROM certificate WHERE sha256 = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(sha256->b))), &st, err));
    out->sha256 = *sha256;
    out->outbox = qr_stmt_int(st, 2);
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++)
        if (qr_bytes_is(qr_stmt_bytes(st, 0), purposes[i])) out->purpose = (enum leaf_purpose)i;
    qr_buf_put_bytes(&out->der, qr_stmt_bytes(st, 1));
    if (qr_stmt_is_null(st, 3)) return qr_buf_ok(&out->der);
    qr_buf_put_bytes(&out->ssh, qr_stmt_bytes(st, 3));
    return out->der.failed ? qr_buf_ok(&out->der) : qr_buf_ok(&out->ssh);
}

enum qr_rc store_certificate_add(struct qr_db *db, const struct issued *c, struct qr_err *err)
{
    return qr_db_run(db, "INSERT INTO certificate VALUES (?1,?2,?3,?4,?5)",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(c->sha256.b)),
                                QR_DB_STR(purposes[c->purpose]), QR_DB_BLOB(qr_buf_bytes(&c->der)),
                                QR_DB_INT(c->outbox),
                                c->ssh.n ? QR_DB_BLOB(qr_buf_bytes(&c->ssh)) : QR_DB_NULL),
                     err);
}

enum qr_rc store_grant(struct qr_db *db, struct used_grant *g, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, "SELECT request, sha256 FROM used_grant WHERE jti = ?1",
                     QR_DB_ARGS(QR_DB_STR(g->jti)), &st, err));
    QR_TRY(take_hash(qr_stmt_bytes(st, 0), &g->request, err));
    return take_hash(qr_stmt_bytes(st, 1), &g->sha256, err);
}

enum qr_rc store_grant_add(struct qr_db *db, const struct used_grant *g, struct qr_err *err)
{
    return qr_db_run(db, "INSERT INTO used_grant VALUES (?1,?2,?3)",
                     QR_DB_ARGS(QR_DB_STR(g->jti), QR_DB_BLOB(QR_BYTES_OF(g->request.b)),
                                QR_DB_BLOB(QR_BYTES_OF(g->sha256.b))),
                     err);
}

enum qr_rc store_descriptor(struct qr_db *db, struct certified *c, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(db, "SELECT transcript, sha256 FROM descriptor WHERE hash = ?1",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(c->descriptor.b))), &st, err));
    QR_TRY(take_hash(qr_stmt_bytes(st, 0), &c->transcript, err));
    return take_hash(qr_stmt_bytes(st, 1), &c->sha256, err);
}

enum qr_rc store_descriptor_add(struct qr_db *db, const struct certified *c, struct qr_err *err)
{
    return qr_db_run(db, "INSERT INTO descriptor VALUES (?1,?2,?3)",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(c->descriptor.b)),
                                QR_DB_BLOB(QR_BYTES_OF(c->transcript.b)),
                                QR_DB_BLOB(QR_BYTES_OF(c->sha256.b))),
                     err);
}
