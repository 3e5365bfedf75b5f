/* store.c - see store.h. */
#include "tools/tlog-witness/store.h"

#include "schema/witness-001.sql.h"

#define NOTE_MAX ((size_t)TLOG_NOTE_MAX + TLOG_COSIGNATURE_MAX)
#define EVIDENCE_MAX 1000

const struct qr_db_script witness_scripts[WITNESS_SCRIPT_COUNT] = {{1, schema_witness_001}};

void latest_init(struct latest *l)
{
    l->head.size = 0;
    tlog_empty_root(&l->head.root);
    qr_buf_init(&l->note, NOTE_MAX);
}

void latest_fini(struct latest *l) { qr_buf_fini(&l->note); }

enum qr_rc store_latest(struct qr_db *db, const char *origin, struct latest *out,
                        struct qr_err *err)
{
    struct qr_stmt *st;
    enum qr_rc rc = qr_db_one(db, "SELECT size, root, note FROM latest WHERE origin = ?1",
                              QR_DB_ARGS(QR_DB_STR(origin)), &st, err);
    if (rc == QR_NOTFOUND) return QR_OK;
    if (rc != QR_OK) return rc;
    struct qr_bytes root = qr_stmt_bytes(st, 1);
    if (root.n != TLOG_HASH_SIZE) return qr_fail(err, QR_IO, "database: damaged row");
    out->head.size = (uint64_t)qr_stmt_int(st, 0);
    qr_copy(out->head.root.b, root.p, root.n);
    qr_buf_put_bytes(&out->note, qr_stmt_bytes(st, 2));
    return qr_buf_ok(&out->note);
}

enum qr_rc store_put_latest(struct qr_db *db, const char *origin, const struct tlog_head *head,
                            struct qr_bytes note, struct qr_err *err)
{
    return qr_db_run(db, "INSERT OR REPLACE INTO latest VALUES (?1,?2,?3,?4)",
                     QR_DB_ARGS(QR_DB_STR(origin), QR_DB_INT(head->size),
                                QR_DB_BLOB(QR_BYTES_OF(head->root.b)), QR_DB_BLOB(note)),
                     err);
}

enum qr_rc store_put_evidence(struct qr_db *db, const char *origin, int64_t at_us,
                              struct qr_bytes cosigned, struct qr_bytes refused, struct qr_err *err)
{
    return qr_db_run(db,
                     "INSERT OR IGNORE INTO evidence(at_us,origin,cosigned,refused) "
                     "SELECT ?1,?2,?3,?4 WHERE (SELECT count(*) FROM evidence) < ?5",
                     QR_DB_ARGS(QR_DB_INT(at_us), QR_DB_STR(origin), QR_DB_BLOB(cosigned),
                                QR_DB_BLOB(refused), QR_DB_INT(EVIDENCE_MAX)),
                     err);
}
