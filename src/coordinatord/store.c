/* store.c - sessions, approvals and what is due; store_ceremony.c has the rest. */
#include "coordinatord/store.h"

#include "schema/coordinator-001.sql.h"
#include "schema/coordinator-002.sql.h"
#include "schema/coordinator-003.sql.h"
#include "schema/coordinator-004.sql.h"
#include "schema/coordinator-005.sql.h"
#include "schema/outbox-001.sql.h"

#include <assert.h>

const struct qr_db_script store_scripts[] = {{1, schema_outbox_001},
                                             {2, schema_coordinator_001},
                                             {3, schema_coordinator_002},
                                             {4, schema_coordinator_003},
                                             {5, schema_coordinator_004},
                                             {6, schema_coordinator_005}};
_Static_assert(sizeof store_scripts / sizeof store_scripts[0] == STORE_SCRIPT_COUNT, "all of them");

static struct qr_db_arg due_of(const struct session *s)
{
    int64_t due = session_due_us(s);
    return due == INT64_MAX ? QR_DB_NULL : QR_DB_INT(due);
}

enum { RECORD_MAX = 256 * 1024 };

enum qr_rc store_session_add(struct qr_db *db, const struct store_request *r, int64_t *n,
                             struct qr_err *err)
{
    struct qr_buf record;
    qr_buf_init(&record, RECORD_MAX);
    enum qr_rc rc = session_write(r->state, &record);
    if (rc == QR_OK)
        rc = qr_db_run(db,
                       "INSERT INTO session(id,request,artifact,file,record,state,final,due_us,"
                       "outbox_row,requester_idx,orders,reason,step) "
                       "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,0,'','')",
                       QR_DB_ARGS(QR_DB_STR(r->id), QR_DB_BLOB(r->request),
                                  QR_DB_BLOB(QR_BYTES_OF(r->artifact.b)),
                                  r->file.p ? QR_DB_BLOB(r->file) : QR_DB_NULL,
                                  QR_DB_BLOB(qr_buf_bytes(&record)), QR_DB_INT(r->state->state),
                                  QR_DB_INT(session_is_final(r->state)), due_of(r->state),
                                  QR_DB_INT(r->outbox_row), QR_DB_INT(r->requester_index)),
                       err);
    qr_buf_fini(&record);
    if (rc == QR_OK) *n = qr_db_rowid(db);
    return rc;
}

static enum qr_rc copy(struct qr_arena *arena, struct qr_bytes in, struct qr_bytes *out)
{
    *out = qr_arena_dup(arena, in);
    return out->p ? QR_OK : QR_NOMEM;
}

static enum qr_rc read_hash(struct qr_bytes in, struct qr_hash *out)
{
    if (in.n != sizeof out->b) return QR_IO;
    qr_copy(out->b, in.p, in.n);
    return QR_OK;
}

static enum qr_rc read_session(struct qr_stmt *st, struct qr_arena *arena,
                               struct store_session *out)
{
    qr_zero(out, sizeof *out);
    out->n = qr_stmt_int(st, 0);
    struct qr_bytes id = qr_stmt_bytes(st, 1);
    if (id.n != QR_ULID_LEN) return QR_IO;
    qr_copy(out->id, id.p, id.n);
    QR_TRY(copy(arena, qr_stmt_bytes(st, 2), &out->request));
    QR_TRY(copy(arena, qr_stmt_bytes(st, 3), &out->record));
    out->outbox_row = qr_stmt_int(st, 4);
    out->logged = !qr_stmt_is_null(st, 5);
    out->index = (uint64_t)qr_stmt_int(st, 5);
    if (out->logged) QR_TRY(read_hash(qr_stmt_bytes(st, 6), &out->leaf));
    out->requester_index = (uint64_t)qr_stmt_int(st, 7);
    out->orders = (uint64_t)qr_stmt_int(st, 8);
    out->reason = qr_arena_str(arena, qr_stmt_bytes(st, 9));
    out->step = qr_arena_str(arena, qr_stmt_bytes(st, 10));
    return out->reason && out->step ? QR_OK : QR_NOMEM;
}

#define SESSION_COLUMNS                                                                     \
    "SELECT n,id,request,record,outbox_row,idx,leaf,requester_idx,orders,reason,step FROM " \
    "session "

enum qr_rc store_session_open_count(struct qr_db *db, uint64_t requester_index, size_t *count,
                                    struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, "SELECT count(*) FROM session WHERE requester_idx=?1 AND final=0",
                     QR_DB_ARGS(QR_DB_INT(requester_index)), &st, err));
    *count = (size_t)qr_stmt_int(st, 0);
    return QR_OK;
}

enum qr_rc store_session_by_id(struct qr_db *db, const char *id, struct qr_arena *arena,
                               struct store_session *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    enum qr_rc rc =
        qr_db_one(db, SESSION_COLUMNS "WHERE id=?1", QR_DB_ARGS(QR_DB_STR(id)), &st, err);
    if (rc == QR_NOTFOUND) return qr_fail(err, rc, "no such session");
    return rc == QR_OK ? read_session(st, arena, out) : rc;
}

enum qr_rc store_session_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                             struct store_session *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, SESSION_COLUMNS "WHERE n=?1", QR_DB_ARGS(QR_DB_INT(n)), &st, err));
    return read_session(st, arena, out);
}

enum qr_rc store_session_file(struct qr_db *db, int64_t n, struct qr_arena *arena,
                              struct qr_bytes *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    *out = QR_BYTES_NONE;
    QR_TRY(
        qr_db_one(db, "SELECT file FROM session WHERE n=?1", QR_DB_ARGS(QR_DB_INT(n)), &st, err));
    return qr_stmt_is_null(st, 0) ? QR_OK : copy(arena, qr_stmt_bytes(st, 0), out);
}

enum qr_rc store_session_save(struct qr_db *db, int64_t n, const struct session *state,
                              struct qr_err *err)
{
    struct qr_buf record;
    qr_buf_init(&record, RECORD_MAX);
    enum qr_rc rc = session_write(state, &record);
    if (rc == QR_OK)
        rc = qr_db_run(db, "UPDATE session SET record=?2,state=?3,final=?4,due_us=?5 WHERE n=?1",
                       QR_DB_ARGS(QR_DB_INT(n), QR_DB_BLOB(qr_buf_bytes(&record)),
                                  QR_DB_INT(state->state), QR_DB_INT(session_is_final(state)),
                                  due_of(state)),
                       err);
    qr_buf_fini(&record);
    return rc;
}

enum qr_rc store_session_end(struct qr_db *db, int64_t n, const char *reason, const char *step,
                             struct qr_err *err)
{
    return qr_db_run(db, "UPDATE session SET reason=?2,step=?3 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_STR(reason), QR_DB_STR(step)), err);
}

enum qr_rc store_session_logged(struct qr_db *db, int64_t n, uint64_t index,
                                const struct qr_hash *leaf, struct qr_err *err)
{
    return qr_db_run(db, "UPDATE session SET idx=?2,leaf=?3 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(index), QR_DB_BLOB(QR_BYTES_OF(leaf->b))),
                     err);
}

enum qr_rc store_session_signed(struct qr_db *db, const struct qr_hash *artifact, int64_t *n,
                                struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    enum qr_rc rc = qr_db_one(
        db, "SELECT n FROM session WHERE artifact=?1 AND state=?2 ORDER BY n DESC LIMIT 1",
        QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(artifact->b)), QR_DB_INT(SESSION_SIGNED)), &st, err);
    if (rc == QR_NOTFOUND) return qr_fail(err, rc, "no signed session of this artifact");
    if (rc == QR_OK) *n = qr_stmt_int(st, 0);
    return rc;
}

/* Collects the integers of a query's first column. */
static enum qr_rc collect(struct qr_stmt *st, int64_t *ns, size_t max, size_t *count,
                          struct qr_err *err)
{
    *count = 0;
    for (bool row = false; *count < max;) {
        QR_TRY(qr_stmt_step(st, &row, err));
        if (!row) break;
        ns[(*count)++] = qr_stmt_int(st, 0);
    }
    return QR_OK;
}

enum qr_rc store_session_list(struct qr_db *db, const struct store_list *what, int64_t *ns,
                              size_t *count, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_query(
        db,
        "SELECT n FROM session WHERE (?1='' OR n<(SELECT n FROM session WHERE "
        "id=?1)) AND (?2=0 OR final=0) ORDER BY n DESC LIMIT ?3",
        QR_DB_ARGS(QR_DB_STR(what->before), QR_DB_INT(what->open_only), QR_DB_INT(what->max)), &st,
        err));
    return collect(st, ns, what->max, count, err);
}

enum qr_rc store_due(struct qr_db *db, int64_t now_us, int64_t *ns, size_t max, size_t *count,
                     struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_query(db, "SELECT n FROM session WHERE due_us<=?1 ORDER BY due_us LIMIT ?2",
                       QR_DB_ARGS(QR_DB_INT(now_us), QR_DB_INT(max)), &st, err));
    return collect(st, ns, max, count, err);
}

enum qr_rc store_next_due(struct qr_db *db, int64_t *us, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, "SELECT min(due_us) FROM session WHERE due_us IS NOT NULL", QR_DB_NOARGS,
                     &st, err));
    *us = qr_stmt_is_null(st, 0) ? INT64_MAX : qr_stmt_int(st, 0);
    return QR_OK;
}

/* ---- approvals ---- */

enum qr_rc store_approval_add(struct qr_db *db, int64_t n, const struct store_approval *a,
                              struct qr_err *err)
{
    struct qr_hash h = qr_sha256_one(a->body);
    return qr_db_run(db,
                     "INSERT INTO approval(session,id,body,body_sha256,outbox_row,identity,"
                     "identity_idx,certificate,issued_idx,cad_grant,evidence) "
                     "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(a->id), QR_DB_BLOB(a->body),
                                QR_DB_BLOB(QR_BYTES_OF(h.b)), QR_DB_INT(a->outbox_row),
                                QR_DB_BLOB(a->identity), QR_DB_INT(a->identity_index),
                                QR_DB_BLOB(a->certificate), QR_DB_INT(a->issued_index),
                                QR_DB_BLOB(a->cad_grant), QR_DB_BLOB(a->evidence)),
                     err);
}

static enum qr_rc read_approval(struct qr_stmt *st, struct qr_arena *arena,
                                struct store_approval *out)
{
    qr_zero(out, sizeof *out);
    out->id = (uint32_t)qr_stmt_int(st, 0);
    QR_TRY(copy(arena, qr_stmt_bytes(st, 1), &out->body));
    out->outbox_row = qr_stmt_int(st, 2);
    out->logged = !qr_stmt_is_null(st, 3);
    out->index = (uint64_t)qr_stmt_int(st, 3);
    if (out->logged) QR_TRY(read_hash(qr_stmt_bytes(st, 4), &out->leaf));
    QR_TRY(copy(arena, qr_stmt_bytes(st, 5), &out->identity));
    out->identity_index = (uint64_t)qr_stmt_int(st, 6);
    QR_TRY(copy(arena, qr_stmt_bytes(st, 7), &out->certificate));
    out->issued_index = (uint64_t)qr_stmt_int(st, 8);
    QR_TRY(copy(arena, qr_stmt_bytes(st, 9), &out->cad_grant));
    return copy(arena, qr_stmt_bytes(st, 10), &out->evidence);
}

#define APPROVAL_COLUMNS                                                               \
    "SELECT id,body,outbox_row,idx,leaf,identity,identity_idx,certificate,issued_idx," \
    "cad_grant,evidence FROM approval "

enum qr_rc store_approval_get(struct qr_db *db, int64_t n, uint32_t id, struct qr_arena *arena,
                              struct store_approval *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, APPROVAL_COLUMNS "WHERE session=?1 AND id=?2",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(id)), &st, err));
    return read_approval(st, arena, out);
}

enum qr_rc store_approval_by_body(struct qr_db *db, int64_t n, struct qr_bytes body,
                                  struct qr_arena *arena, struct store_approval *out,
                                  struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    struct qr_hash h = qr_sha256_one(body);
    QR_TRY(qr_db_one(db, APPROVAL_COLUMNS "WHERE session=?1 AND body_sha256=?2",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_BLOB(QR_BYTES_OF(h.b))), &st, err));
    return read_approval(st, arena, out);
}

enum qr_rc store_approval_by_leaf(struct qr_db *db, const struct qr_hash *leaf, int64_t *n,
                                  uint32_t *id, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    enum qr_rc rc = qr_db_one(db, "SELECT session,id FROM approval WHERE leaf=?1",
                              QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(leaf->b))), &st, err);
    if (rc == QR_NOTFOUND) return qr_fail(err, rc, "no such approval");
    if (rc != QR_OK) return rc;
    *n = qr_stmt_int(st, 0);
    *id = (uint32_t)qr_stmt_int(st, 1);
    return QR_OK;
}

enum qr_rc store_approval_next(struct qr_db *db, int64_t n, uint32_t *id, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, "SELECT coalesce(max(id),0)+1 FROM approval WHERE session=?1",
                     QR_DB_ARGS(QR_DB_INT(n)), &st, err));
    *id = (uint32_t)qr_stmt_int(st, 0);
    return QR_OK;
}

enum qr_rc store_approval_logged(struct qr_db *db, int64_t n, uint32_t id, uint64_t index,
                                 const struct qr_hash *leaf, struct qr_err *err)
{
    return qr_db_run(
        db, "UPDATE approval SET idx=?3,leaf=?4 WHERE session=?1 AND id=?2",
        QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(id), QR_DB_INT(index), QR_DB_BLOB(QR_BYTES_OF(leaf->b))),
        err);
}

enum qr_rc store_grant_use(struct qr_db *db, const char *jti, int64_t expires_us, int64_t now_us,
                           struct qr_err *err)
{
    QR_TRY(qr_db_run(db, "DELETE FROM used_grant WHERE expires_us<?1",
                     QR_DB_ARGS(QR_DB_INT(now_us - QR_MAX_TIME_SKEW_US)), err));
    return qr_db_run(db, "INSERT INTO used_grant(jti,expires_us) VALUES(?1,?2)",
                     QR_DB_ARGS(QR_DB_STR(jti), QR_DB_INT(expires_us)), err);
}
