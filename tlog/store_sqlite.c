/* store_sqlite.c - store.h over SQLite: transactions, rows, tiles, keys, tags.
 *
 * In the statements '@' stands for the log's number.  Connections are opened in
 * store_sql_open.c and searched for damage in store_sql_check.c. */
#include "tlog/store_sql.h"

#include "schema/tlog-log-001.sql.h"
#include "schema/tlog-log-002.sql.h"

#include <assert.h>
#include <stdio.h>

static const char *const sql_text[S_COUNT] = {
    [S_BEGIN] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_ROLLBACK] = "ROLLBACK",
    [S_MARK] = "SAVEPOINT mark",
    [S_RETURN] = "ROLLBACK TO mark",
    [S_UNMARK] = "RELEASE mark",
    [S_INFO] = "SELECT origin, epoch, empty_ck, lookup FROM log WHERE log_id = @",
    [S_ADD_LOG] = "INSERT INTO log(log_id, origin, epoch, empty_ck, lookup) "
                  "VALUES(@, ?1, ?2, ?3, ?4)",
    [S_RAISE] = "UPDATE log SET epoch = epoch + 1 WHERE log_id = @",
    [S_PUT_ROW] = "INSERT INTO entry_@(first, data, ck) VALUES(?1, ?2, ?3)",
    [S_GET_ROW] =
        "SELECT first, data, ck FROM entry_@ WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
    [S_PUT_TILE] = "INSERT INTO tile_@(seq, root, nodes) VALUES(?1, ?2, ?3)",
    [S_GET_TILE] = "SELECT root, nodes FROM tile_@ WHERE seq = ?1",
    [S_GET_ROOT] = "SELECT root FROM tile_@ WHERE seq = ?1",
    [S_PUT_PART] = "INSERT INTO hash_@(part, hashes) VALUES(?1, ?2)",
    [S_GET_PART] = "SELECT hashes FROM hash_@ WHERE part = ?1",
    [S_WANT_LOOKUP] = "UPDATE log SET lookup = 1 WHERE log_id = @",
    [S_PUT_KEY] = "INSERT INTO key(log_id, key, idx, leaf) VALUES(@, ?1, ?2, ?3)",
    [S_GET_KEY] = "SELECT idx, leaf FROM key WHERE log_id = @ AND key = ?1",
    [S_PUT_TAG] = "INSERT OR IGNORE INTO tag(log_id, tag, idx) VALUES(@, ?1, ?2)",
    [S_FIND_TAG] =
        "SELECT idx FROM tag WHERE log_id = @ AND tag = ?1 AND idx >= ?2 ORDER BY idx LIMIT ?3",
};

enum tlog_rc sql_judge(const struct sqlite_store *s, int code, struct tlog_err *err)
{
    const char *text = sqlite3_errmsg(s->db);
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return TLOG_OK;
    case SQLITE_FULL: return fail_with(err, TLOG_FULL, "database: the disk is full");
    case SQLITE_NOMEM: return fail_with(err, TLOG_NOMEM, "database: out of memory");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return fail_with(err, TLOG_BUSY, "database: another process uses it");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return fail_with(err, TLOG_CORRUPT, "database: %s", text);
    default: return fail_with(err, TLOG_IO, "database: %s (%d)", text, code);
    }
}

/* ---- statements ---- */

void sql_number(struct qr_buf *b, const char *sql, uint32_t log_id)
{
    for (; *sql; sql++) {
        if (*sql == '@')
            qr_buf_printf(b, "%u", (unsigned)log_id);
        else
            qr_buf_put_u8(b, (uint8_t)*sql);
    }
}

/* The prepared statement, or NULL. */
static sqlite3_stmt *prepared(struct sqlite_store *s, enum statement which, struct tlog_err *err,
                              enum tlog_rc *rc)
{
    *rc = TLOG_OK;
    if (s->stmt[which]) return s->stmt[which];
    struct qr_buf b;
    qr_buf_init(&b, 1024);
    sql_number(&b, sql_text[which], s->log_id);
    const char *sql = qr_buf_cstr(&b);
    if (!sql)
        *rc = TLOG_NOMEM;
    else
        *rc = sql_judge(
            s, sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[which], NULL),
            err);
    qr_buf_fini(&b);
    return s->stmt[which];
}

static void bind_bytes(sqlite3_stmt *st, int at, struct qr_bytes v)
{
    if (v.n == 0)
        (void)sqlite3_bind_zeroblob(st, at, 0);
    else
        (void)sqlite3_bind_blob(st, at, v.p, (int)v.n, SQLITE_STATIC);
}

/* SQLite's integers are signed; no log gets that large. */
static void bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
    (void)sqlite3_bind_int64(st, at, v > INT64_MAX ? INT64_MAX : (sqlite3_int64)v);
}

struct qr_bytes sql_column(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    int n = sqlite3_column_bytes(st, at);
    return QR_BYTES(p, p && n > 0 ? (size_t)n : 0);
}

static void done(sqlite3_stmt *st)
{
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
}

/* A column that could not be given for lack of memory reads as empty. */
static bool no_memory(const struct sqlite_store *s)
{
    return (sqlite3_errcode(s->db) & 0xff) == SQLITE_NOMEM;
}

/* Ends reading a row: what it did not hold is damage, unless memory was missing. */
static enum tlog_rc read_to_end(struct sqlite_store *s, sqlite3_stmt *st, bool whole,
                                struct tlog_err *err, const char *what)
{
    bool memory = !no_memory(s);
    done(st);
    if (!memory) return fail_with(err, TLOG_NOMEM, "database: out of memory");
    return whole ? TLOG_OK : fail_with(err, TLOG_CORRUPT, "%s", what);
}

static bool column_hash(sqlite3_stmt *st, int at, struct tlog_hash *out)
{
    struct qr_bytes v = sql_column(st, at);
    if (v.n != sizeof out->b) return false;
    qr_copy(out->b, v.p, v.n);
    return true;
}

/* Runs a statement that gives no row. */
static enum tlog_rc run(struct sqlite_store *s, sqlite3_stmt *st, struct tlog_err *err)
{
    int code = sqlite3_step(st);
    enum tlog_rc rc = sql_judge(s, code, err);
    done(st);
    return rc;
}

static enum tlog_rc run_plain(struct sqlite_store *s, enum statement which, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(s, which, err, &rc);
    return st ? run(s, st, err) : rc;
}

/* Steps to the only row.  TLOG_NOTFOUND: there is none.  After TLOG_OK the
 * caller reads the columns and calls done. */
static enum tlog_rc one_row(struct sqlite_store *s, sqlite3_stmt *st, struct tlog_err *err)
{
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW) return TLOG_OK;
    enum tlog_rc rc = code == SQLITE_DONE ? TLOG_NOTFOUND : sql_judge(s, code, err);
    done(st);
    return rc;
}

/* ---- transactions ---- */

static enum tlog_rc st_begin(struct store *s, struct tlog_err *err)
{
    return run_plain(sql_of(s), S_BEGIN, err);
}

static enum tlog_rc st_commit(struct store *s, struct tlog_err *err)
{
    return run_plain(sql_of(s), S_COMMIT, err);
}

static void st_rollback(struct store *s)
{
    /* After some failures SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(sql_of(s)->db) && run_plain(sql_of(s), S_ROLLBACK, NULL) != TLOG_OK)
        (void)sqlite3_exec(sql_of(s)->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum tlog_rc st_mark(struct store *s, struct tlog_err *err)
{
    return run_plain(sql_of(s), S_MARK, err);
}

static enum tlog_rc st_unmark(struct store *s, bool keep, struct tlog_err *err)
{
    if (!keep) TLOG_TRY(run_plain(sql_of(s), S_RETURN, err));
    return run_plain(sql_of(s), S_UNMARK, err);
}

/* ---- the log itself ---- */

static enum tlog_rc st_info(struct store *s, struct store_info *out, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_INFO, err, &rc);
    if (!st) return rc;
    rc = one_row(sql_of(s), st, err);
    if (rc == TLOG_NOTFOUND)
        return fail_with(err, rc, "the database has no log %u", (unsigned)sql_of(s)->log_id);
    if (rc != TLOG_OK) return rc;
    *out = (struct store_info){.epoch = (uint64_t)sqlite3_column_int64(st, 1),
                               .lookup = sqlite3_column_int64(st, 3) != 0};
    struct qr_bytes origin = sql_column(st, 0), ck = sql_column(st, 2);
    bool whole = origin.n <= TLOG_NAME_MAX && ck.n <= sizeof out->empty_ck;
    if (whole) {
        qr_copy(out->origin, origin.p, origin.n);
        qr_copy(out->empty_ck, ck.p, ck.n);
        out->empty_ck_n = ck.n;
    }
    return read_to_end(sql_of(s), st, whole, err, "the log's row is not one");
}

enum tlog_rc sql_script(struct sqlite_store *s, const char *script, struct tlog_err *err)
{
    struct qr_buf b;
    qr_buf_init(&b, 1 << 16);
    sql_number(&b, script, s->log_id);
    const char *sql = qr_buf_cstr(&b);
    enum tlog_rc rc =
        sql ? sql_judge(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), err) : TLOG_NOMEM;
    qr_buf_fini(&b);
    return rc;
}

static enum tlog_rc st_add_log(struct store *s, const struct store_info *in, struct tlog_err *err)
{
    enum tlog_rc rc;
    TLOG_TRY(sql_script(sql_of(s), schema_tlog_log_001, err));
    TLOG_TRY(sql_script(sql_of(s), schema_tlog_log_002, err));
    sqlite3_stmt *st = prepared(sql_of(s), S_ADD_LOG, err, &rc);
    if (!st) return rc;
    (void)sqlite3_bind_text(st, 1, in->origin, -1, SQLITE_STATIC);
    bind_u64(st, 2, in->epoch);
    bind_bytes(st, 3, QR_BYTES(in->empty_ck, in->empty_ck_n));
    bind_u64(st, 4, in->lookup);
    return run(sql_of(s), st, err);
}

static enum tlog_rc st_raise_epoch(struct store *s, struct tlog_err *err)
{
    return run_plain(sql_of(s), S_RAISE, err);
}

/* ---- rows ---- */

static enum tlog_rc st_put_row(struct store *s, const struct store_row *row, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_PUT_ROW, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, row->first);
    bind_bytes(st, 2, qr_buf_bytes(&row->data));
    if (row->ck.n > 0) bind_bytes(st, 3, qr_buf_bytes(&row->ck));
    return run(sql_of(s), st, err);
}

static enum tlog_rc st_get_row(struct store *s, uint64_t index, struct store_row *out,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_GET_ROW, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, index);
    TLOG_TRY(one_row(sql_of(s), st, err));
    out->first = (uint64_t)sqlite3_column_int64(st, 0);
    qr_buf_reset(&out->data);
    qr_buf_reset(&out->ck);
    struct qr_bytes data = sql_column(st, 1), ck = sql_column(st, 2);
    bool whole = data.n <= out->data.cap && ck.n <= out->ck.cap;
    qr_buf_put_bytes(&out->data, data);
    qr_buf_put_bytes(&out->ck, ck);
    TLOG_TRY(read_to_end(sql_of(s), st, whole, err, "a row of entries is too large"));
    return qr_buf_ok(&out->data) == QR_OK && qr_buf_ok(&out->ck) == QR_OK
               ? TLOG_OK
               : fail_with(err, TLOG_NOMEM, "out of memory");
}

static enum tlog_rc st_put_tile(struct store *s, uint64_t seq, const struct tlog_hash *root,
                                const uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_PUT_TILE, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, seq);
    bind_bytes(st, 2, QR_BYTES_OF(root->b));
    bind_bytes(st, 3, QR_BYTES(nodes, TILE_STORED));
    return run(sql_of(s), st, err);
}

static enum tlog_rc st_get_tile(struct store *s, uint64_t seq, struct tlog_hash *root,
                                uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), nodes ? S_GET_TILE : S_GET_ROOT, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, seq);
    TLOG_TRY(one_row(sql_of(s), st, err));
    bool whole = column_hash(st, 0, root);
    if (whole && nodes) {
        struct qr_bytes v = sql_column(st, 1);
        whole = v.n == TILE_STORED;
        if (whole) qr_copy(nodes, v.p, v.n);
    }
    return read_to_end(sql_of(s), st, whole, err, "a tile has a wrong length");
}

static void st_rest(struct store *s)
{
    (void)sqlite3_blob_close(sql_of(s)->blob);
    sql_of(s)->blob = NULL;
}

/* Opens the tile's nodes; a handle that is moved on costs a third of a statement. */
static int open_blob(struct sqlite_store *s, uint64_t seq)
{
    char table[24];
    if (s->blob) return sqlite3_blob_reopen(s->blob, (sqlite3_int64)seq);
    (void)snprintf(table, sizeof table, "tile_%u", (unsigned)s->log_id);
    return sqlite3_blob_open(s->db, "main", table, "nodes", (sqlite3_int64)seq, 0, &s->blob);
}

static enum tlog_rc st_read_tile(struct store *base, uint64_t seq, unsigned part,
                                 uint8_t out[TWIG_STORED], struct tlog_err *err)
{
    struct sqlite_store *s = sql_of(base);
    int code = SQLITE_OK;
    if (!s->blob || s->blob_seq != seq) code = open_blob(s, seq);
    s->blob_seq = seq;
    if (code == SQLITE_OK && sqlite3_blob_bytes(s->blob) != TILE_STORED) {
        st_rest(base);
        return fail_with(err, TLOG_CORRUPT, "tile %llu has a wrong length",
                         (unsigned long long)seq);
    }
    if (code == SQLITE_OK)
        code = sqlite3_blob_read(s->blob, out, TWIG_STORED, (int)part * TWIG_STORED);
    if (code == SQLITE_OK) return TLOG_OK;
    /* SQLite's way to say that there is no such row, or that it holds no blob. */
    enum tlog_rc rc = code == SQLITE_ERROR ? TLOG_NOTFOUND : sql_judge(s, code, err);
    st_rest(base);
    return rc;
}

static enum tlog_rc st_put_part(struct store *s, uint64_t part, struct qr_bytes hashes,
                                struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_PUT_PART, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, part);
    bind_bytes(st, 2, hashes);
    return run(sql_of(s), st, err);
}

static enum tlog_rc st_get_part(struct store *s, uint64_t part, struct qr_buf *out,
                                struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_GET_PART, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, part);
    TLOG_TRY(one_row(sql_of(s), st, err));
    qr_buf_reset(out);
    qr_buf_put_bytes(out, sql_column(st, 0));
    TLOG_TRY(read_to_end(sql_of(s), st, true, err, ""));
    return qr_buf_ok(out) == QR_OK ? TLOG_OK : fail_with(err, TLOG_NOMEM, "out of memory");
}

static enum tlog_rc st_want_lookup(struct store *s, struct tlog_err *err)
{
    return run_plain(sql_of(s), S_WANT_LOOKUP, err);
}

/* ---- keys and tags ---- */

static enum tlog_rc st_put_key(struct store *s, struct qr_bytes key, const struct store_key *at,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_PUT_KEY, err, &rc);
    if (!st) return rc;
    bind_bytes(st, 1, key);
    bind_u64(st, 2, at->index);
    bind_bytes(st, 3, QR_BYTES_OF(at->leaf.b));
    return run(sql_of(s), st, err);
}

static enum tlog_rc st_get_key(struct store *s, struct qr_bytes key, struct store_key *out,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_GET_KEY, err, &rc);
    if (!st) return rc;
    bind_bytes(st, 1, key);
    TLOG_TRY(one_row(sql_of(s), st, err));
    out->index = (uint64_t)sqlite3_column_int64(st, 0);
    bool whole = column_hash(st, 1, &out->leaf);
    return read_to_end(sql_of(s), st, whole, err, "a key's row has no hash");
}

static enum tlog_rc st_put_tag(struct store *s, struct qr_bytes tag, uint64_t index,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_PUT_TAG, err, &rc);
    if (!st) return rc;
    bind_bytes(st, 1, tag);
    bind_u64(st, 2, index);
    return run(sql_of(s), st, err);
}

static enum tlog_rc st_find_tag(struct store *s, struct qr_bytes tag, uint64_t from,
                                uint64_t *indexes, size_t *n, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(sql_of(s), S_FIND_TAG, err, &rc);
    if (!st) return rc;
    bind_bytes(st, 1, tag);
    bind_u64(st, 2, from);
    bind_u64(st, 3, *n);
    size_t got = 0;
    int code;
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
        assert(got < *n);
        indexes[got++] = (uint64_t)sqlite3_column_int64(st, 0);
    }
    *n = got;
    rc = sql_judge(sql_of(s), code, err);
    done(st);
    return rc;
}

/* ---- the write-ahead log ---- */

static unsigned st_frames(const struct store *s)
{
    return ((const struct sqlite_store *)s)->frames;
}

/* PASSIVE: waits for nobody and blocks nobody. */
static enum tlog_rc st_tidy(struct store *s, unsigned *moved, struct tlog_err *err)
{
    int total = 0, done_now = 0;
    int code = sqlite3_wal_checkpoint_v2(sql_of(s)->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &total,
                                         &done_now);
    *moved = done_now > 0 ? (unsigned)done_now : 0;
    return (code & 0xff) == SQLITE_BUSY ? TLOG_OK : sql_judge(sql_of(s), code, err);
}

const struct store_ops sql_ops = {
    .close = sql_close,
    .another = sql_another,
    .begin = st_begin,
    .commit = st_commit,
    .rollback = st_rollback,
    .mark = st_mark,
    .unmark = st_unmark,
    .info = st_info,
    .add_log = st_add_log,
    .raise_epoch = st_raise_epoch,
    .put_row = st_put_row,
    .get_row = st_get_row,
    .put_tile = st_put_tile,
    .get_tile = st_get_tile,
    .read_tile = st_read_tile,
    .rest = st_rest,
    .put_part = st_put_part,
    .get_part = st_get_part,
    .want_lookup = st_want_lookup,
    .put_key = st_put_key,
    .get_key = st_get_key,
    .put_tag = st_put_tag,
    .find_tag = st_find_tag,
    .frames = st_frames,
    .tidy = st_tidy,
    .check = sql_check,
    .each_key = sql_each_key,
};
