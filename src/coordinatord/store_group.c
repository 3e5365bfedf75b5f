/* store_group.c - see store_group.h. */
#include "coordinatord/store_group.h"

static enum qr_rc copy(struct qr_arena *arena, struct qr_bytes in, struct qr_bytes *out)
{
    *out = qr_arena_dup(arena, in);
    return out->p ? QR_OK : QR_NOMEM;
}

static enum qr_rc take(struct qr_bytes from, void *to, size_t n, struct qr_err *err)
{
    if (from.n != n) return qr_fail(err, QR_IO, "database: damaged row");
    qr_copy(to, from.p, n);
    return QR_OK;
}

#define BLOB_OF(array) QR_DB_BLOB(QR_BYTES_OF(array))

/* ---- steps ---- */

enum qr_rc store_step_add(struct qr_db *db, struct store_step *s, struct qr_err *err)
{
    QR_TRY(qr_db_run(db,
                     "INSERT INTO group_step(step,attempt,grp,text,session,approved,state,reason,"
                     "seen_us,since_us) VALUES(?1,?2,?3,?4,?5,?6,0,'',?7,?7)",
                     QR_DB_ARGS(BLOB_OF(s->step.b), QR_DB_INT(s->attempt), BLOB_OF(s->group.b),
                                QR_DB_BLOB(s->text), QR_DB_INT(s->session), BLOB_OF(s->approved.b),
                                QR_DB_INT(s->seen_us)),
                     err));
    s->n = qr_db_rowid(db);
    return QR_OK;
}

#define STEP_COLUMNS                                                                            \
    "SELECT n,step,attempt,grp,text,session,approved,state,reason,seen_us,started_idx,started," \
    "done_idx,since_us FROM group_step "

static enum qr_rc read_step(struct qr_stmt *st, struct qr_arena *arena, struct store_step *out,
                            struct qr_err *err)
{
    *out = (struct store_step){.n = qr_stmt_int(st, 0),
                               .attempt = (uint32_t)qr_stmt_int(st, 2),
                               .session = qr_stmt_int(st, 5),
                               .state = (enum store_step_state)qr_stmt_int(st, 7),
                               .seen_us = qr_stmt_int(st, 9),
                               .started_index = (uint64_t)qr_stmt_int(st, 10),
                               .done_index = (uint64_t)qr_stmt_int(st, 12),
                               .since_us = qr_stmt_int(st, 13)};
    QR_TRY(take(qr_stmt_bytes(st, 1), out->step.b, QR_SHA256_SIZE, err));
    QR_TRY(take(qr_stmt_bytes(st, 3), out->group.b, QR_SHA256_SIZE, err));
    QR_TRY(copy(arena, qr_stmt_bytes(st, 4), &out->text));
    QR_TRY(take(qr_stmt_bytes(st, 6), out->approved.b, QR_SHA256_SIZE, err));
    out->reason = qr_arena_str(arena, qr_stmt_bytes(st, 8));
    if (!out->reason) return QR_NOMEM;
    if (qr_stmt_is_null(st, 11)) return QR_OK;
    return take(qr_stmt_bytes(st, 11), out->started.b, QR_SHA256_SIZE, err);
}

enum qr_rc store_step_find(struct qr_db *db, const struct qr_hash *step, uint32_t attempt,
                           struct qr_arena *arena, struct store_step *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db,
                     STEP_COLUMNS "WHERE step=?1 AND (?2=0 OR attempt=?2) ORDER BY attempt DESC",
                     QR_DB_ARGS(BLOB_OF(step->b), QR_DB_INT(attempt)), &st, err));
    return read_step(st, arena, out, err);
}

enum qr_rc store_step_get(struct qr_db *db, int64_t n, struct qr_arena *arena,
                          struct store_step *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, STEP_COLUMNS "WHERE n=?1", QR_DB_ARGS(QR_DB_INT(n)), &st, err));
    return read_step(st, arena, out, err);
}

enum qr_rc store_step_open(struct qr_db *db, const struct qr_hash *group, struct qr_arena *arena,
                           struct store_step *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, STEP_COLUMNS "WHERE grp=?1 AND state<?2 ORDER BY n LIMIT 1",
                     QR_DB_ARGS(BLOB_OF(group->b), QR_DB_INT(STORE_STEP_DONE)), &st, err));
    return read_step(st, arena, out, err);
}

enum qr_rc store_step_by_row(struct qr_db *db, int64_t row, struct qr_arena *arena,
                             struct store_step *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, STEP_COLUMNS "WHERE outbox_row=?1", QR_DB_ARGS(QR_DB_INT(row)), &st, err));
    return read_step(st, arena, out, err);
}

enum qr_rc store_step_seen(struct qr_db *db, int64_t n, int64_t now_us, struct qr_err *err)
{
    return qr_db_run(db, "UPDATE group_step SET seen_us=?2 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(now_us)), err);
}

enum qr_rc store_step_fail(struct qr_db *db, int64_t n, const char *reason, struct qr_err *err)
{
    return qr_db_run(db, "UPDATE group_step SET state=?2,reason=?3 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(STORE_STEP_FAILED), QR_DB_STR(reason)),
                     err);
}

enum qr_rc store_step_owes(struct qr_db *db, int64_t n, enum store_step_state state, int64_t row,
                           struct qr_err *err)
{
    return qr_db_run(db, "UPDATE group_step SET state=?2,outbox_row=?3 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(state), QR_DB_INT(row)), err);
}

enum qr_rc store_step_started(struct qr_db *db, const struct store_step *s, struct qr_err *err)
{
    return qr_db_run(db,
                     "UPDATE group_step SET state=?2,outbox_row=NULL,started_idx=?3,started=?4,"
                     "since_us=?5 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(s->n), QR_DB_INT(STORE_STEP_STARTED),
                                QR_DB_INT(s->started_index), BLOB_OF(s->started.b),
                                QR_DB_INT(s->since_us)),
                     err);
}

enum qr_rc store_step_done(struct qr_db *db, int64_t n, uint64_t index, struct qr_err *err)
{
    return qr_db_run(db, "UPDATE group_step SET state=?2,outbox_row=NULL,done_idx=?3 WHERE n=?1",
                     QR_DB_ARGS(QR_DB_INT(n), QR_DB_INT(STORE_STEP_DONE), QR_DB_INT(index)), err);
}

/* ---- who cost attempts ---- */

enum qr_rc store_fault_add(struct qr_db *db, const struct store_step *s,
                           const struct qr_hash *sender, struct qr_err *err)
{
    return qr_db_run(
        db, "INSERT INTO group_fault(step,attempt,sender) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING",
        QR_DB_ARGS(BLOB_OF(s->step.b), QR_DB_INT(s->attempt), BLOB_OF(sender->b)), err);
}

enum qr_rc store_fault_count(struct qr_db *db, const struct qr_hash *step,
                             const struct qr_hash *sender, int64_t *count, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, "SELECT count(*) FROM group_fault WHERE step=?1 AND sender=?2",
                     QR_DB_ARGS(BLOB_OF(step->b), BLOB_OF(sender->b)), &st, err));
    *count = qr_stmt_int(st, 0);
    return QR_OK;
}

enum qr_rc store_nonce_add(struct qr_db *db, const uint8_t *point, bool *fresh, struct qr_err *err)
{
    QR_TRY(qr_db_run(db, "INSERT INTO group_nonce(point) VALUES(?1) ON CONFLICT DO NOTHING",
                     QR_DB_ARGS(QR_DB_BLOB(QR_BYTES(point, QR_KEY_SIZE))), err));
    *fresh = qr_db_changes(db) == 1;
    return QR_OK;
}

/* ---- letters ---- */

enum qr_rc store_letter_add(struct qr_db *db, int64_t step, const struct store_letter *l,
                            struct qr_err *err)
{
    return qr_db_run(
        db, "INSERT INTO group_letter(step,round,sender,letter,sig) VALUES(?1,?2,?3,?4,?5)",
        QR_DB_ARGS(QR_DB_INT(step), QR_DB_INT(l->round), BLOB_OF(l->sender.b), QR_DB_BLOB(l->bytes),
                   BLOB_OF(l->sig.b)),
        err);
}

#define LETTER_COLUMNS "SELECT n,round,sender,letter,sig FROM group_letter "

static enum qr_rc read_letter(struct qr_stmt *st, struct qr_arena *arena, struct store_letter *out,
                              struct qr_err *err)
{
    *out = (struct store_letter){.n = qr_stmt_int(st, 0),
                                 .round = (enum leaf_group_round)qr_stmt_int(st, 1)};
    QR_TRY(take(qr_stmt_bytes(st, 2), out->sender.b, QR_SHA256_SIZE, err));
    QR_TRY(copy(arena, qr_stmt_bytes(st, 3), &out->bytes));
    return take(qr_stmt_bytes(st, 4), out->sig.b, sizeof out->sig.b, err);
}

enum qr_rc store_letter_get(struct qr_db *db, int64_t step, enum leaf_group_round round,
                            const struct qr_hash *sender, struct qr_arena *arena,
                            struct store_letter *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, LETTER_COLUMNS "WHERE step=?1 AND round=?2 AND sender=?3",
                     QR_DB_ARGS(QR_DB_INT(step), QR_DB_INT(round), BLOB_OF(sender->b)), &st, err));
    return read_letter(st, arena, out, err);
}

enum qr_rc store_letter_list(struct qr_db *db, const struct store_letters *what,
                             struct qr_arena *arena, struct store_letter *out, size_t max,
                             size_t *count, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    *count = 0;
    QR_TRY(qr_db_query(
        db, LETTER_COLUMNS "WHERE step=?1 AND n>?2 AND (?3=?4 OR round=?3) ORDER BY n LIMIT ?5",
        QR_DB_ARGS(QR_DB_INT(what->step), QR_DB_INT(what->after), QR_DB_INT(what->round),
                   QR_DB_INT(LEAF_GROUP_ROUNDS), QR_DB_INT(max)),
        &st, err));
    for (bool row = true; *count < max;) {
        QR_TRY(qr_stmt_step(st, &row, err));
        if (!row) break;
        QR_TRY(read_letter(st, arena, &out[(*count)++], err));
    }
    return QR_OK;
}

/* ---- groups ---- */

enum qr_rc store_group_put(struct qr_db *db, const struct store_group *g, struct qr_err *err)
{
    return qr_db_run(db,
                     "INSERT INTO standing_group(grp,idx,body,retired) VALUES(?1,?2,?3,0) "
                     "ON CONFLICT(grp) DO UPDATE SET idx=?2,body=?3",
                     QR_DB_ARGS(BLOB_OF(g->group.b), QR_DB_INT(g->index), QR_DB_BLOB(g->body)),
                     err);
}

enum qr_rc store_group_retire(struct qr_db *db, const struct qr_hash *group, struct qr_err *err)
{
    return qr_db_run(db, "UPDATE standing_group SET retired=1 WHERE grp=?1",
                     QR_DB_ARGS(BLOB_OF(group->b)), err);
}

enum qr_rc store_group_get(struct qr_db *db, const struct qr_hash *group, struct qr_arena *arena,
                           struct store_group *out, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_one(db, "SELECT idx,body,retired FROM standing_group WHERE grp=?1",
                     QR_DB_ARGS(BLOB_OF(group->b)), &st, err));
    *out = (struct store_group){
        .group = *group, .index = (uint64_t)qr_stmt_int(st, 0), .retired = qr_stmt_int(st, 2) != 0};
    return copy(arena, qr_stmt_bytes(st, 1), &out->body);
}
