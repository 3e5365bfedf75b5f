/* store_sql_check.c - what is wrong with the database as a database.
 *
 * SQLite's own check finds damaged B-trees, not damaged values: those are judged
 * by hashing them (fsck.c).  The schema is compared with a fresh one, because a
 * changed statement in it changes what the others mean. */
#include "tlog/store_sql.h"

#include "schema/tlog-001.sql.h"
#include "schema/tlog-002.sql.h"
#include "schema/tlog-003.sql.h"
#include "schema/tlog-log-001.sql.h"
#include "schema/tlog-log-002.sql.h"
#include "schema/tlog-log-003.sql.h"

#include <stdio.h>

/* Calls each with the first column of every row; "ok" is no finding. */
static enum tlog_rc integrity(struct sqlite_store *s, const struct store_finder *to,
                              struct tlog_err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(s->db, "PRAGMA integrity_check(100)", -1, &st, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(st);
        if (code != SQLITE_ROW) break;
        struct qr_bytes text = sql_column(st, 0);
        char line[160];
        if (qr_bytes_is(text, "ok")) continue;
        (void)snprintf(line, sizeof line, "%.*s", (int)text.n, (const char *)text.p);
        to->found(to->ctx, line);
    }
    enum tlog_rc rc = sql_judge(s, code, err);
    (void)sqlite3_finalize(st);
    return rc;
}

static enum tlog_rc fresh_schema(struct sqlite_store *like, sqlite3 **out)
{
    struct qr_buf b;
    qr_buf_init(&b, 1 << 16);
    qr_buf_put_str(&b, schema_tlog_001);
    qr_buf_put_str(&b, schema_tlog_002);
    qr_buf_put_str(&b, schema_tlog_003);
    sql_number(&b, schema_tlog_log_001, like->log_id);
    sql_number(&b, schema_tlog_log_002, like->log_id);
    sql_number(&b, schema_tlog_log_003, like->log_id);
    const char *sql = qr_buf_cstr(&b);
    int code = SQLITE_NOMEM;
    if (sql) code = sqlite3_open_v2(":memory:", out, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(*out, sql, NULL, NULL, NULL);
    qr_buf_fini(&b);
    return code == SQLITE_OK ? TLOG_OK : TLOG_NOMEM;
}

/* The row that st stands on must be in the database's schema. */
static bool row_is_there(struct sqlite_store *s, sqlite3_stmt *row)
{
    sqlite3_stmt *st = NULL;
    bool there = false;
    if (sqlite3_prepare_v2(s->db,
                           "SELECT 1 FROM sqlite_schema WHERE type=?1 AND name=?2 AND tbl_name=?3 "
                           "AND sql IS ?4",
                           -1, &st, NULL) == SQLITE_OK) {
        for (int i = 0; i < 4; i++)
            (void)sqlite3_bind_value(st, i + 1, sqlite3_column_value(row, i));
        there = sqlite3_step(st) == SQLITE_ROW;
    }
    (void)sqlite3_finalize(st);
    return there;
}

static void compare_schema(struct sqlite_store *s, sqlite3 *fresh, const struct store_finder *to)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(fresh, "SELECT type, name, tbl_name, sql FROM sqlite_schema", -1,
                                  &st, NULL);
    while (code == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
        char line[96];
        if (row_is_there(s, st)) continue;
        (void)snprintf(line, sizeof line, "the schema's %s is not the documented one",
                       (const char *)sqlite3_column_text(st, 1));
        to->found(to->ctx, line);
    }
    (void)sqlite3_finalize(st);
}

/* Triggers and views would change what a statement does. */
static void count_extras(struct sqlite_store *s, const struct store_finder *to)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(
        s->db, "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')", -1, &st,
        NULL);
    if (code == SQLITE_OK) code = sqlite3_step(st);
    if (code != SQLITE_ROW || sqlite3_column_int64(st, 0) != 0)
        to->found(to->ctx, "the schema has triggers or views");
    (void)sqlite3_finalize(st);
}

enum tlog_rc sql_check(struct store *base, const struct store_finder *to, struct tlog_err *err)
{
    struct sqlite_store *s = sql_of(base);
    sqlite3 *fresh = NULL;
    enum tlog_rc rc = fresh_schema(s, &fresh);
    if (rc == TLOG_OK) {
        compare_schema(s, fresh, to);
        count_extras(s, to);
    }
    (void)sqlite3_close_v2(fresh);
    if (rc != TLOG_OK) return fail_with(err, rc, "out of memory");
    return integrity(s, to, err);
}
