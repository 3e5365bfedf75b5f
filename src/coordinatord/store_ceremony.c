/* store_ceremony.c - envelopes, orders, attempts, log entries, bundles. */
#include "coordinatord/store.h"

static enum qr_rc copy(struct qr_arena *arena, struct qr_bytes in, struct qr_bytes *out)
{
    *out = qr_arena_dup(arena, in);
    return out->p ? QR_OK : QR_NOMEM;
}

static enum qr_rc read_sig(struct qr_bytes in, struct qr_sig *out)
{
    if (in.n != sizeof out->b) return QR_IO;
    qr_copy(out->b, in.p, in.n);
    return QR_OK;
}

enum qr_rc store_envelope_add(struct qr_db *db, int64_t n, const struct store_envelope *e,
                              bool conflict, struct qr_err *err)
{
    if (conflict)
        return qr_db_run(db,
                         "INSERT OR IGNORE INTO submission(session,attempt,round,approval,conflict,"
                         "envelope,sig) VALUES(?1,?2,?3,?4,1,?5,?6)",
                         QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(e->attempt), QR_DB_INT(e->round),
                                    QR_DB_INT(e->approval), QR_DB_BLOB(e->bytes),
                                    QR_DB_BLOB(QR_BYTES_OF(e->sig.b))),
                         err);
    return qr_db_run(db,
                     "INSERT INTO submission(session,attempt,round,approval,conflict,envelope,sig)"
                     " VALUES(?1,?2,?3,?4,0,?5,?6)",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(e->attempt), QR_DB_INT(e->round),
                                QR_DB_INT(e->approval), QR_DB_BLOB(e->bytes),
                                QR_DB_BLOB(QR_BYTES_OF(e->sig.b))),
                     err);
}

enum qr_rc store_envelope_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                              struct store_envelope *e, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db,
                     "SELECT envelope,sig FROM submission WHERE session=?1 AND attempt=?2 AND "
                     "round=?3 AND approval=?4 AND conflict=0",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(e->attempt), QR_DB_INT(e->round),
                                QR_DB_INT(e->approval)),
                     &st, err));
    QR_TRY(copy(arena, qr_stmt_bytes(st, 0), &e->bytes));
    return read_sig(qr_stmt_bytes(st, 1), &e->sig);
}

enum qr_rc store_evidence(struct qr_db *db, int64_t n, struct qr_arena *arena,
                          struct leaf_evidence *e, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    int64_t last = -1;
    e->n = 0;
    QR_TRY(qr_db_query(db,
                       "SELECT 2*round+conflict,envelope,sig FROM submission WHERE session=?1 AND "
                       "attempt=?2 ORDER BY 1,approval",
                       QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(e->attempt)), &st, err));
    for (;;) {
        bool row = false;
        QR_TRY(qr_stmt_step(st, &row, err));
        if (!row) break;
        int64_t list = qr_stmt_int(st, 0);
        if (list != last) {
            if (e->n == LEAF_EVIDENCE_LISTS) return qr_fail(err, QR_BUG, "too many rounds");
            e->lists[e->n++].n = 0;
        }
        last = list;
        size_t *count = &e->lists[e->n - 1].n;
        if (*count == QR_MAX_PARTICIPANTS) continue; /* who joined anew in the attempt's life */
        struct leaf_signed *l = &e->lists[e->n - 1].letters[(*count)++];
        QR_TRY(copy(arena, qr_stmt_bytes(st, 1), &l->bytes));
        QR_TRY(read_sig(qr_stmt_bytes(st, 2), &l->sig));
    }
    return QR_OK;
}

enum qr_rc store_order_add(struct qr_db *db, int64_t n, const struct store_order *o,
                           struct qr_err *err)
{
    QR_TRY(qr_db_run(db, "INSERT INTO sent_order(session,sequence,bytes,sig) VALUES(?1,?2,?3,?4)",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(o->sequence), QR_DB_BLOB(o->bytes),
                                QR_DB_BLOB(QR_BYTES_OF(o->sig.b))),
                     err));
    return qr_db_run(db, "UPDATE session SET orders=?2 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(o->sequence)), err);
}

enum qr_rc store_orders_after(struct qr_db *db, int64_t n, uint64_t after, struct qr_arena *arena,
                              struct store_order *out, size_t max, size_t *count,
                              struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    *count = 0;
    QR_TRY(qr_db_query(db,
                       "SELECT sequence,bytes,sig FROM sent_order WHERE session=?1 AND "
                       "sequence>?2 ORDER BY sequence LIMIT ?3",
                       QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(after), QR_DB_INT(max)), &st, err));
    while (*count < max) {
        bool row = false;
        QR_TRY(qr_stmt_step(st, &row, err));
        if (!row) break;
        struct store_order *o = &out[(*count)++];
        o->sequence = (uint64_t)qr_stmt_int(st, 0);
        QR_TRY(copy(arena, qr_stmt_bytes(st, 1), &o->bytes));
        QR_TRY(read_sig(qr_stmt_bytes(st, 2), &o->sig));
    }
    return QR_OK;
}

static struct qr_db_arg blob_or_null(struct qr_bytes b) { return b.p ? QR_DB_BLOB(b) : QR_DB_NULL; }

enum qr_rc store_attempt_put(struct qr_db *db, int64_t n, uint32_t attempt,
                             const struct store_attempt *a, struct qr_err *err)
{
    return qr_db_run(
        db,
        "INSERT INTO attempt(session,attempt,descriptor,certificate,frames,group_certificate,"
        "ssh_certificate) VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(session,attempt) DO UPDATE SET "
        "descriptor=coalesce(excluded.descriptor,descriptor),"
        "certificate=coalesce(excluded.certificate,certificate),"
        "frames=coalesce(excluded.frames,frames),"
        "group_certificate=coalesce(excluded.group_certificate,group_certificate),"
        "ssh_certificate=coalesce(excluded.ssh_certificate,ssh_certificate)",
        QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(attempt), blob_or_null(a->descriptor),
                   blob_or_null(a->certificate), blob_or_null(a->frames),
                   blob_or_null(a->group_certificate), blob_or_null(a->ssh_certificate)),
        err);
}

enum qr_rc store_attempt_get(struct qr_db *db, int64_t n, uint32_t attempt, struct qr_arena *arena,
                             struct store_attempt *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    qr_zero(out, sizeof *out);
    QR_TRY(qr_db_one(db,
                     "SELECT descriptor,certificate,frames,group_certificate,ssh_certificate "
                     "FROM attempt WHERE session=?1 AND attempt=?2",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(attempt)), &st, err));
    struct qr_bytes *fields[] = {&out->descriptor, &out->certificate, &out->frames,
                                 &out->group_certificate, &out->ssh_certificate};
    for (int i = 0; i < 5; i++)
        if (!qr_stmt_is_null(st, i)) QR_TRY(copy(arena, qr_stmt_bytes(st, i), fields[i]));
    return QR_OK;
}

enum qr_rc store_owed_put(struct qr_db *db, int64_t row, const struct store_owed *o,
                          struct qr_err *err)
{
    return qr_db_run(
        db, "INSERT INTO owed(outbox_row,session,attempt,approval) VALUES(?1,?2,?3,?4)",
        QR_DB_ARGS(QR_DB_INT(row), QR_DB_INT(o->n), QR_DB_INT(o->attempt), QR_DB_INT(o->approval)),
        err);
}

enum qr_rc store_owed_take(struct qr_db *db, int64_t row, struct store_owed *out,
                           struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, "SELECT session,attempt,approval FROM owed WHERE outbox_row=?1",
                     QR_DB_ARGS(QR_DB_INT(row)), &st, err));
    out->n = qr_stmt_int(st, 0);
    out->attempt = (uint32_t)qr_stmt_int(st, 1);
    out->approval = (uint32_t)qr_stmt_int(st, 2);
    return qr_db_run(db, "DELETE FROM owed WHERE outbox_row=?1", QR_DB_ARGS(QR_DB_INT(row)), err);
}

enum qr_rc store_logged_add(struct qr_db *db, int64_t n, const struct store_logged *l,
                            struct qr_err *err)
{
    return qr_db_run(db,
                     "INSERT OR IGNORE INTO logged(session,idx,kind,attempt,leaf,time,bytes) "
                     "VALUES(?1,?2,?3,?4,?5,?6,?7)",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(l->index), QR_DB_INT(l->kind),
                                QR_DB_INT(l->attempt), QR_DB_BLOB(QR_BYTES_OF(l->leaf.b)),
                                QR_DB_STR(l->time), QR_DB_BLOB(l->bytes)),
                     err);
}

static enum qr_rc read_logged(struct qr_stmt *st, struct store_logged *out)
{
    qr_zero(out, sizeof *out);
    out->index = (uint64_t)qr_stmt_int(st, 0);
    out->kind = (enum leaf_kind)qr_stmt_int(st, 1);
    out->attempt = (uint32_t)qr_stmt_int(st, 2);
    struct qr_bytes leaf = qr_stmt_bytes(st, 3);
    struct qr_bytes time = qr_stmt_bytes(st, 4);
    if (leaf.n != sizeof out->leaf.b || time.n != QR_TIME_LEN) return QR_IO;
    qr_copy(out->leaf.b, leaf.p, leaf.n);
    qr_copy(out->time, time.p, time.n);
    return QR_OK;
}

enum qr_rc store_logged_get(struct qr_db *db, int64_t n, enum leaf_kind kind, uint32_t attempt,
                            struct qr_arena *arena, struct store_logged *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db,
                     "SELECT idx,kind,attempt,leaf,time,bytes FROM logged WHERE session=?1 AND "
                     "kind=?2 AND attempt=?3 ORDER BY idx DESC LIMIT 1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(kind), QR_DB_INT(attempt)), &st, err));
    QR_TRY(read_logged(st, out));
    return copy(arena, qr_stmt_bytes(st, 5), &out->bytes);
}

enum qr_rc store_logged_at(struct qr_db *db, int64_t n, uint64_t index, struct store_logged *out,
                           struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db,
                     "SELECT idx,kind,attempt,leaf,time FROM logged WHERE session=?1 AND idx=?2",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(index)), &st, err));
    return read_logged(st, out);
}

enum qr_rc store_logged_list(struct qr_db *db, int64_t n, struct store_logged *out, size_t max,
                             size_t *count, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    *count = 0;
    QR_TRY(qr_db_query(db,
                       "SELECT idx,kind,attempt,leaf,time FROM logged WHERE session=?1 "
                       "ORDER BY idx LIMIT ?2",
                       QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(max)), &st, err));
    while (*count < max) {
        bool row = false;
        QR_TRY(qr_stmt_step(st, &row, err));
        if (!row) break;
        QR_TRY(read_logged(st, &out[(*count)++]));
    }
    return QR_OK;
}

enum qr_rc store_bundle_put(struct qr_db *db, int64_t n, struct qr_bytes bytes, struct qr_err *err)
{
    return qr_db_run(db, "INSERT OR IGNORE INTO bundle(session,bytes) VALUES(?1,?2)",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_BLOB(bytes)), err);
}

enum qr_rc store_bundle_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                            struct qr_bytes *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, "SELECT bytes FROM bundle WHERE session=?1", QR_DB_ARGS(QR_DB_INT(n)), &st,
                     err));
    return copy(arena, qr_stmt_bytes(st, 0), out);
}

enum qr_rc store_bundle_find(struct qr_db *db, const struct qr_hash *artifact, const char *session,
                             struct qr_arena *arena, struct qr_bytes *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(
        qr_db_one(db,
                  "SELECT b.bytes FROM session s JOIN bundle b ON b.session=s.n WHERE"
                  " s.artifact=?1 AND s.state=?2 AND (?3='' OR s.id=?3) ORDER BY s.n DESC LIMIT 1",
                  QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(artifact->b)), QR_DB_INT(SESSION_SIGNED),
                             QR_DB_TEXT(qr_str(session))),
                  &st, err));
    return copy(arena, qr_stmt_bytes(st, 0), out);
}
