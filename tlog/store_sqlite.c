/* store_sqlite.c - store.h over SQLite: transactions, rows, tiles, the index of hashes.
 *
 * In the statements '@' stands for the log's number.  Keys and tags are in
 * store_sql_names.c; connections are opened in store_sql_open.c and searched for
 * damage in store_sql_check.c. */
#include "tlog/store_sql.h"

#include "schema/tlog-log-001.sql.h"
#include "schema/tlog-log-002.sql.h"
#include "schema/tlog-log-003.sql.h"

#include <assert.h>
#include <stdio.h>

static const char *const sql_text[S_COUNT] = {
    [S_BEGIN] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_ROLLBACK] = "ROLLBACK",
    [S_MARK] = "SAVEPOINT mark",
    [S_RETURN] = "ROLLBACK TO mark",
    [S_UNMARK] = "RELEASE mark",
    [S_INFO] = "SELECT origin, epoch, empty_ck, lookup, sum FROM log WHERE log_id = @",
    [S_ADD_LOG] = "INSERT INTO log(log_id, origin, epoch, empty_ck, lookup, sum) "
                  "VALUES(@, ?1, ?2, ?3, ?4, ?5)",
    [S_PUT_INFO] = "UPDATE log SET origin = ?1, epoch = ?2, empty_ck = ?3, lookup = ?4, sum = ?5 "
                   "WHERE log_id = @",
    [S_PUT_ROW] = "INSERT INTO entry_@(first, data, ck) VALUES(?1, ?2, ?3)",
    [S_GET_ROW] =
        "SELECT first, data, ck FROM entry_@ WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
    [S_PUT_TILE] = "INSERT INTO tile_@(seq, root, nodes) VALUES(?1, ?2, ?3)",
    [S_GET_TILE] = "SELECT root, nodes FROM tile_@ WHERE seq = ?1",
    [S_GET_ROOT] = "SELECT root FROM tile_@ WHERE seq = ?1",
    [S_PUT_PART] = "INSERT INTO hash_@(part, hashes, sum) VALUES(?1, ?2, ?3)",
    [S_GET_PART] = "SELECT hashes, sum FROM hash_@ WHERE part = ?1",
    [S_CLEAR_PARTS] = "DELETE FROM hash_@ WHERE part >= ?1 AND part <= ?2",
    [S_COUNT_PARTS] = "SELECT count(*) FROM hash_@",
    /* The row of a name, or else the last one before it, then those after it: in one
     * statement, so of one moment. */
    [S_KEY_NEAR] = "SELECT * FROM (SELECT key, idx, sum, leaf FROM keyed WHERE log_id = @ "
                   "AND key <= ?1 ORDER BY key DESC LIMIT 1) UNION ALL "
                   "SELECT * FROM (SELECT key, idx, sum, leaf FROM keyed WHERE log_id = @ "
                   "AND key > ?1 ORDER BY key LIMIT ?3)",
    [S_KEY_ALL] = "SELECT key, idx, sum, leaf FROM keyed WHERE log_id = @ ORDER BY key",
    [S_KEY_PUT] = "INSERT INTO keyed(log_id, key, idx, sum, leaf) VALUES(@, ?1, ?2, ?3, ?4)",
    [S_KEY_SUM] = "UPDATE keyed SET sum = ?3 WHERE log_id = @ AND key = ?1 AND idx = ?2",
    [S_TAG_NEAR] = "SELECT * FROM (SELECT tag, idx, sum, x'' FROM tagged WHERE log_id = @ "
                   "AND (tag, idx) <= (?1, ?2) ORDER BY tag DESC, idx DESC LIMIT 1) UNION ALL "
                   "SELECT * FROM (SELECT tag, idx, sum, x'' FROM tagged WHERE log_id = @ "
                   "AND (tag, idx) > (?1, ?2) ORDER BY tag, idx LIMIT ?3)",
    [S_TAG_ALL] = "SELECT tag, idx, sum, x'' FROM tagged WHERE log_id = @ ORDER BY tag, idx",
    [S_TAG_PUT] = "INSERT INTO tagged(log_id, tag, idx, sum) VALUES(@, ?1, ?2, ?3)",
    [S_TAG_SUM] = "UPDATE tagged SET sum = ?3 WHERE log_id = @ AND tag = ?1 AND idx = ?2",
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
sqlite3_stmt *sql_prepared(struct sqlite_store *s, enum statement which, struct tlog_err *err,
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

void sql_bind_bytes(sqlite3_stmt *st, int at, struct qr_bytes v)
{
    if (v.n == 0)
        (void)sqlite3_bind_zeroblob(st, at, 0);
    else
        (void)sqlite3_bind_blob(st, at, v.p, (int)v.n, SQLITE_STATIC);
}

/* SQLite's integers are signed; no log gets that large. */
void sql_bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
    (void)sqlite3_bind_int64(st, at, v > INT64_MAX ? INT64_MAX : (sqlite3_int64)v);
}

struct qr_bytes sql_column(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    int n = sqlite3_column_bytes(st, at);
    return QR_BYTES(p, p && n > 0 ? (size_t)n : 0);
}

void sql_done(sqlite3_stmt *st)
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
enum tlog_rc sql_read_to_end(struct sqlite_store *s, sqlite3_stmt *st, bool whole,
                             struct tlog_err *err, const char *what)
{
    bool memory = !no_memory(s);
    sql_done(st);
    if (!memory) return fail_with(err, TLOG_NOMEM, "database: out of memory");
    return whole ? TLOG_OK : fail_with(err, TLOG_CORRUPT, "%s", what);
}

bool sql_column_hash(sqlite3_stmt *st, int at, struct tlog_hash *out)
{
    struct qr_bytes v = sql_column(st, at);
    if (v.n != sizeof out->b) return false;
    qr_copy(out->b, v.p, v.n);
    return true;
}

/* Runs a statement that gives no row. */
enum tlog_rc sql_run(struct sqlite_store *s, sqlite3_stmt *st, struct tlog_err *err)
{
    int code = sqlite3_step(st);
    enum tlog_rc rc = sql_judge(s, code, err);
    sql_done(st);
    return rc;
}

static enum tlog_rc run_plain(struct sqlite_store *s, enum statement which, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(s, which, err, &rc);
    s->key_place_holds = false;
    return st ? sql_run(s, st, err) : rc;
}

/* Steps to the only row.  TLOG_NOTFOUND: there is none.  After TLOG_OK the
 * caller reads the columns and calls done. */
enum tlog_rc sql_one_row(struct sqlite_store *s, sqlite3_stmt *st, struct tlog_err *err)
{
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW) return TLOG_OK;
    enum tlog_rc rc = code == SQLITE_DONE ? TLOG_NOTFOUND : sql_judge(s, code, err);
    sql_done(st);
    return rc;
}

/* ---- checksums ---- */

static void sum_put(struct sum *sum, const void *p, size_t n)
{
    assert(n <= sizeof sum->b - sum->n);
    qr_copy(sum->b + sum->n, p, n);
    sum->n += n;
}

void sum_u64(struct sum *sum, uint64_t v)
{
    uint8_t b[8];
    qr_set_be64(b, v);
    sum_put(sum, b, sizeof b);
}

void sum_bytes(struct sum *sum, struct qr_bytes v)
{
    sum_u64(sum, v.n);
    sum_put(sum, v.p, v.n);
}

struct sum sum_begin(char kind, uint32_t log_id)
{
    struct sum sum = {.n = 0};
    sum_put(&sum, &kind, 1);
    sum_u64(&sum, log_id);
    return sum;
}

void sum_end(const struct sum *sum, uint8_t out[SUM_SIZE])
{
    struct tlog_hash hash;
    tlog_leaf_hash((struct tlog_bytes){sum->b, sum->n}, &hash);
    qr_copy(out, hash.b, SUM_SIZE);
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

/* Over the log's row: its epoch and what it keeps are under no signature. */
static void info_sum(uint32_t log_id, const struct store_info *in, uint8_t out[SUM_SIZE])
{
    struct sum sum = sum_begin('l', log_id);
    sum_bytes(&sum, qr_str(in->origin));
    sum_u64(&sum, in->epoch);
    sum_u64(&sum, in->lookup);
    sum_bytes(&sum, QR_BYTES(in->empty_ck, in->empty_ck_n));
    sum_end(&sum, out);
}

static enum tlog_rc read_info(struct sqlite_store *s, struct store_info *out, bool summed,
                              struct tlog_err *err)
{
    enum tlog_rc rc;
    uint8_t sum[SUM_SIZE];
    sqlite3_stmt *st = sql_prepared(s, S_INFO, err, &rc);
    if (!st) return rc;
    rc = sql_one_row(s, st, err);
    if (rc == TLOG_NOTFOUND)
        return fail_with(err, rc, "the database has no log %u", (unsigned)s->log_id);
    if (rc != TLOG_OK) return rc;
    *out = (struct store_info){.epoch = (uint64_t)sqlite3_column_int64(st, 1),
                               .lookup = sqlite3_column_int64(st, 3) != 0};
    struct qr_bytes origin = sql_column(st, 0), ck = sql_column(st, 2);
    bool whole = origin.n <= TLOG_NAME_MAX && ck.n <= sizeof out->empty_ck;
    if (whole) {
        qr_copy(out->origin, origin.p, origin.n);
        qr_copy(out->empty_ck, ck.p, ck.n);
        out->empty_ck_n = ck.n;
        info_sum(s->log_id, out, sum);
        whole = !summed || qr_bytes_equal(sql_column(st, 4), QR_BYTES_OF(sum));
    }
    return sql_read_to_end(s, st, whole, err, "the log's own row is damaged");
}

static enum tlog_rc st_info(struct store *s, struct store_info *out, struct tlog_err *err)
{
    return read_info(sql_of(s), out, true, err);
}

static enum tlog_rc write_info(struct sqlite_store *s, enum statement which,
                               const struct store_info *in, struct tlog_err *err)
{
    enum tlog_rc rc;
    uint8_t sum[SUM_SIZE];
    sqlite3_stmt *st = sql_prepared(s, which, err, &rc);
    if (!st) return rc;
    info_sum(s->log_id, in, sum);
    (void)sqlite3_bind_text(st, 1, in->origin, -1, SQLITE_STATIC);
    sql_bind_u64(st, 2, in->epoch);
    sql_bind_bytes(st, 3, QR_BYTES(in->empty_ck, in->empty_ck_n));
    sql_bind_u64(st, 4, in->lookup);
    sql_bind_bytes(st, 5, QR_BYTES_OF(sum));
    return sql_run(s, st, err);
}

static enum tlog_rc st_put_info(struct store *s, const struct store_info *in, struct tlog_err *err)
{
    return write_info(sql_of(s), S_PUT_INFO, in, err);
}

enum tlog_rc sql_sum_info(struct sqlite_store *s, struct tlog_err *err)
{
    struct store_info info;
    TLOG_TRY(read_info(s, &info, false, err));
    return write_info(s, S_PUT_INFO, &info, err);
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
    TLOG_TRY(sql_script(sql_of(s), schema_tlog_log_001, err));
    TLOG_TRY(sql_script(sql_of(s), schema_tlog_log_002, err));
    TLOG_TRY(sql_script(sql_of(s), schema_tlog_log_003, err));
    TLOG_TRY(write_info(sql_of(s), S_ADD_LOG, in, err));
    return sql_begin_names(sql_of(s), err);
}

/* ---- rows ---- */

static enum tlog_rc st_put_row(struct store *s, const struct store_row *row, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(sql_of(s), S_PUT_ROW, err, &rc);
    if (!st) return rc;
    sql_bind_u64(st, 1, row->first);
    sql_bind_bytes(st, 2, qr_buf_bytes(&row->data));
    if (row->ck.n > 0) sql_bind_bytes(st, 3, qr_buf_bytes(&row->ck));
    return sql_run(sql_of(s), st, err);
}

static enum tlog_rc st_get_row(struct store *s, uint64_t index, struct store_row *out,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(sql_of(s), S_GET_ROW, err, &rc);
    if (!st) return rc;
    sql_bind_u64(st, 1, index);
    TLOG_TRY(sql_one_row(sql_of(s), st, err));
    out->first = (uint64_t)sqlite3_column_int64(st, 0);
    qr_buf_reset(&out->data);
    qr_buf_reset(&out->ck);
    struct qr_bytes data = sql_column(st, 1), ck = sql_column(st, 2);
    bool whole = data.n <= out->data.cap && ck.n <= out->ck.cap;
    qr_buf_put_bytes(&out->data, data);
    qr_buf_put_bytes(&out->ck, ck);
    TLOG_TRY(sql_read_to_end(sql_of(s), st, whole, err, "a row of entries is too large"));
    return qr_buf_ok(&out->data) == QR_OK && qr_buf_ok(&out->ck) == QR_OK
               ? TLOG_OK
               : fail_with(err, TLOG_NOMEM, "out of memory");
}

static enum tlog_rc st_put_tile(struct store *s, uint64_t seq, const struct tlog_hash *root,
                                const uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(sql_of(s), S_PUT_TILE, err, &rc);
    if (!st) return rc;
    sql_bind_u64(st, 1, seq);
    sql_bind_bytes(st, 2, QR_BYTES_OF(root->b));
    sql_bind_bytes(st, 3, QR_BYTES(nodes, TILE_STORED));
    return sql_run(sql_of(s), st, err);
}

static enum tlog_rc st_get_tile(struct store *s, uint64_t seq, struct tlog_hash *root,
                                uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(sql_of(s), nodes ? S_GET_TILE : S_GET_ROOT, err, &rc);
    if (!st) return rc;
    sql_bind_u64(st, 1, seq);
    TLOG_TRY(sql_one_row(sql_of(s), st, err));
    bool whole = sql_column_hash(st, 0, root);
    if (whole && nodes) {
        struct qr_bytes v = sql_column(st, 1);
        whole = v.n == TILE_STORED;
        if (whole) qr_copy(nodes, v.p, v.n);
    }
    return sql_read_to_end(sql_of(s), st, whole, err, "a tile has a wrong length");
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

/* ---- the index of hashes ---- */

static void part_sum(uint32_t log_id, uint64_t part, struct qr_bytes hashes, uint8_t out[SUM_SIZE])
{
    struct sum sum = sum_begin('p', log_id);
    struct tlog_hash hash;
    tlog_leaf_hash(as_tlog(hashes), &hash);
    sum_u64(&sum, part);
    sum_bytes(&sum, QR_BYTES_OF(hash.b));
    sum_end(&sum, out);
}

static enum tlog_rc st_put_part(struct store *s, uint64_t part, struct qr_bytes hashes,
                                struct tlog_err *err)
{
    enum tlog_rc rc;
    uint8_t sum[SUM_SIZE];
    sqlite3_stmt *st = sql_prepared(sql_of(s), S_PUT_PART, err, &rc);
    if (!st) return rc;
    part_sum(sql_of(s)->log_id, part, hashes, sum);
    sql_bind_u64(st, 1, part);
    sql_bind_bytes(st, 2, hashes);
    sql_bind_bytes(st, 3, QR_BYTES_OF(sum));
    return sql_run(sql_of(s), st, err);
}

static enum tlog_rc st_get_part(struct store *s, uint64_t part, struct qr_buf *out,
                                struct tlog_err *err)
{
    enum tlog_rc rc;
    uint8_t sum[SUM_SIZE];
    sqlite3_stmt *st = sql_prepared(sql_of(s), S_GET_PART, err, &rc);
    if (!st) return rc;
    sql_bind_u64(st, 1, part);
    TLOG_TRY(sql_one_row(sql_of(s), st, err));
    struct qr_bytes hashes = sql_column(st, 0);
    bool whole = hashes.n <= out->cap;
    if (whole) part_sum(sql_of(s)->log_id, part, hashes, sum);
    whole = whole && qr_bytes_equal(sql_column(st, 1), QR_BYTES_OF(sum));
    qr_buf_reset(out);
    if (whole) qr_buf_put_bytes(out, hashes);
    TLOG_TRY(sql_read_to_end(sql_of(s), st, whole, err, "a part of the index is damaged"));
    return qr_buf_ok(out) == QR_OK ? TLOG_OK : fail_with(err, TLOG_NOMEM, "out of memory");
}

static enum tlog_rc st_clear_parts(struct store *s, uint64_t from, uint64_t to,
                                   struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(sql_of(s), S_CLEAR_PARTS, err, &rc);
    if (!st) return rc;
    /* Damage can make a number negative. */
    (void)sqlite3_bind_int64(st, 1, from == 0 ? INT64_MIN : (sqlite3_int64)from);
    sql_bind_u64(st, 2, to);
    return sql_run(sql_of(s), st, err);
}

static enum tlog_rc st_count_parts(struct store *s, uint64_t *out, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(sql_of(s), S_COUNT_PARTS, err, &rc);
    if (!st) return rc;
    TLOG_TRY(sql_one_row(sql_of(s), st, err));
    *out = (uint64_t)sqlite3_column_int64(st, 0);
    sql_done(st);
    return TLOG_OK;
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
    .put_info = st_put_info,
    .put_row = st_put_row,
    .get_row = st_get_row,
    .put_tile = st_put_tile,
    .get_tile = st_get_tile,
    .read_tile = st_read_tile,
    .rest = st_rest,
    .put_part = st_put_part,
    .get_part = st_get_part,
    .clear_parts = st_clear_parts,
    .count_parts = st_count_parts,
    .put_key = sql_put_key,
    .get_key = sql_get_key,
    .put_tag = sql_put_tag,
    .find_tag = sql_find_tag,
    .frames = st_frames,
    .tidy = st_tidy,
    .check = sql_check,
    .each_key = sql_each_key,
    .each_tag = sql_each_tag,
};
