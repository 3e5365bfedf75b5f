/* store_sqlite.c - store.h over SQLite; the only file here that knows SQL.
 *
 * WAL with synchronous=FULL on every connection: COMMIT returns after the
 * frames are on the disk, and psow=0 pads a commit to whole sectors, so that a
 * torn sector cannot take the commit before it along.  No connection checkpoints
 * by itself; the log's own thread calls tidy.
 *
 * In the statements '@' stands for the log's number. */
#include "tlog/store.h"

#include "schema/tlog-001.sql.h"
#include "schema/tlog-log-001.sql.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x746c6f67 /* "tlog" */
#define BUSY_MS 5000
#define MAX_VALUE (1 << 20) /* no value of ours is larger */

static const char *const scripts[] = {schema_tlog_001};
#define SCHEMA_VERSION ((int)(sizeof scripts / sizeof scripts[0]))

enum statement {
    S_BEGIN,
    S_COMMIT,
    S_ROLLBACK,
    S_MARK,
    S_RETURN,
    S_UNMARK,
    S_INFO,
    S_ADD_LOG,
    S_RAISE,
    S_PUT_ROW,
    S_GET_ROW,
    S_PUT_TILE,
    S_GET_TILE,
    S_GET_ROOT,
    S_PUT_KEY,
    S_GET_KEY,
    S_PUT_TAG,
    S_FIND_TAG,
    S_COUNT
};

static const char *const sql_of[S_COUNT] = {
    [S_BEGIN] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_ROLLBACK] = "ROLLBACK",
    [S_MARK] = "SAVEPOINT mark",
    [S_RETURN] = "ROLLBACK TO mark",
    [S_UNMARK] = "RELEASE mark",
    [S_INFO] = "SELECT origin, epoch, empty_ck FROM log WHERE log_id = @",
    [S_ADD_LOG] = "INSERT INTO log(log_id, origin, epoch, empty_ck) VALUES(@, ?1, ?2, ?3)",
    [S_RAISE] = "UPDATE log SET epoch = epoch + 1 WHERE log_id = @",
    [S_PUT_ROW] = "INSERT INTO entry_@(first, data, ck) VALUES(?1, ?2, ?3)",
    [S_GET_ROW] =
        "SELECT first, data, ck FROM entry_@ WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
    [S_PUT_TILE] = "INSERT INTO tile_@(seq, root, nodes) VALUES(?1, ?2, ?3)",
    [S_GET_TILE] = "SELECT root, nodes FROM tile_@ WHERE seq = ?1",
    [S_GET_ROOT] = "SELECT root FROM tile_@ WHERE seq = ?1",
    [S_PUT_KEY] = "INSERT INTO key(log_id, key, idx, leaf) VALUES(@, ?1, ?2, ?3)",
    [S_GET_KEY] = "SELECT idx, leaf FROM key WHERE log_id = @ AND key = ?1",
    [S_PUT_TAG] = "INSERT OR IGNORE INTO tag(log_id, tag, idx) VALUES(@, ?1, ?2)",
    [S_FIND_TAG] =
        "SELECT idx FROM tag WHERE log_id = @ AND tag = ?1 AND idx >= ?2 ORDER BY idx LIMIT ?3",
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    char *uri;
    uint32_t log_id;
    enum store_mode mode;
    unsigned frames; /* in the WAL after the last commit */
    sqlite3_stmt *stmt[S_COUNT];
};

static struct sqlite_store *of(struct store *s) { return (struct sqlite_store *)s; }

static enum tlog_rc judge(const struct sqlite_store *s, int code, struct tlog_err *err)
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

static void put_sql(struct qr_buf *b, const char *sql, uint32_t log_id)
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
    put_sql(&b, sql_of[which], s->log_id);
    const char *sql = qr_buf_cstr(&b);
    if (!sql)
        *rc = TLOG_NOMEM;
    else
        *rc = judge(
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

static struct qr_bytes column_bytes(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    int n = sqlite3_column_bytes(st, at);
    return QR_BYTES(p, p && n > 0 ? (size_t)n : 0);
}

static bool column_hash(sqlite3_stmt *st, int at, struct tlog_hash *out)
{
    struct qr_bytes v = column_bytes(st, at);
    if (v.n != sizeof out->b) return false;
    qr_copy(out->b, v.p, v.n);
    return true;
}

static void done(sqlite3_stmt *st)
{
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
}

/* Runs a statement that gives no row. */
static enum tlog_rc run(struct sqlite_store *s, sqlite3_stmt *st, struct tlog_err *err)
{
    int code = sqlite3_step(st);
    enum tlog_rc rc = judge(s, code, err);
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
    enum tlog_rc rc = code == SQLITE_DONE ? TLOG_NOTFOUND : judge(s, code, err);
    done(st);
    return rc;
}

/* ---- transactions ---- */

static enum tlog_rc st_begin(struct store *s, struct tlog_err *err)
{
    return run_plain(of(s), S_BEGIN, err);
}

static enum tlog_rc st_commit(struct store *s, struct tlog_err *err)
{
    return run_plain(of(s), S_COMMIT, err);
}

static void st_rollback(struct store *s)
{
    /* After some failures SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(of(s)->db) && run_plain(of(s), S_ROLLBACK, NULL) != TLOG_OK)
        (void)sqlite3_exec(of(s)->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum tlog_rc st_mark(struct store *s, struct tlog_err *err)
{
    return run_plain(of(s), S_MARK, err);
}

static enum tlog_rc st_unmark(struct store *s, bool keep, struct tlog_err *err)
{
    if (!keep) TLOG_TRY(run_plain(of(s), S_RETURN, err));
    return run_plain(of(s), S_UNMARK, err);
}

/* ---- the log itself ---- */

static enum tlog_rc st_info(struct store *s, struct store_info *out, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_INFO, err, &rc);
    if (!st) return rc;
    rc = one_row(of(s), st, err);
    if (rc == TLOG_NOTFOUND)
        return fail_with(err, rc, "the database has no log %u", (unsigned)of(s)->log_id);
    if (rc != TLOG_OK) return rc;
    *out = (struct store_info){.epoch = (uint64_t)sqlite3_column_int64(st, 1)};
    struct qr_bytes origin = column_bytes(st, 0), ck = column_bytes(st, 2);
    if (origin.n > TLOG_NAME_MAX || ck.n > sizeof out->empty_ck) {
        done(st);
        return fail_with(err, TLOG_CORRUPT, "the log's row is not one");
    }
    qr_copy(out->origin, origin.p, origin.n);
    qr_copy(out->empty_ck, ck.p, ck.n);
    out->empty_ck_n = ck.n;
    done(st);
    return TLOG_OK;
}

static enum tlog_rc run_script(struct sqlite_store *s, const char *script, struct tlog_err *err)
{
    struct qr_buf b;
    qr_buf_init(&b, 1 << 16);
    put_sql(&b, script, s->log_id);
    const char *sql = qr_buf_cstr(&b);
    enum tlog_rc rc = sql ? judge(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), err) : TLOG_NOMEM;
    qr_buf_fini(&b);
    return rc;
}

static enum tlog_rc st_add_log(struct store *s, const struct store_info *in, struct tlog_err *err)
{
    enum tlog_rc rc;
    TLOG_TRY(run_script(of(s), schema_tlog_log_001, err));
    sqlite3_stmt *st = prepared(of(s), S_ADD_LOG, err, &rc);
    if (!st) return rc;
    (void)sqlite3_bind_text(st, 1, in->origin, -1, SQLITE_STATIC);
    bind_u64(st, 2, in->epoch);
    bind_bytes(st, 3, QR_BYTES(in->empty_ck, in->empty_ck_n));
    return run(of(s), st, err);
}

static enum tlog_rc st_raise_epoch(struct store *s, struct tlog_err *err)
{
    return run_plain(of(s), S_RAISE, err);
}

/* ---- rows ---- */

static enum tlog_rc st_put_row(struct store *s, const struct store_row *row, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_PUT_ROW, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, row->first);
    bind_bytes(st, 2, qr_buf_bytes(&row->data));
    if (row->ck.n > 0) bind_bytes(st, 3, qr_buf_bytes(&row->ck));
    return run(of(s), st, err);
}

static enum tlog_rc st_get_row(struct store *s, uint64_t index, struct store_row *out,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_GET_ROW, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, index);
    TLOG_TRY(one_row(of(s), st, err));
    out->first = (uint64_t)sqlite3_column_int64(st, 0);
    qr_buf_reset(&out->data);
    qr_buf_reset(&out->ck);
    qr_buf_put_bytes(&out->data, column_bytes(st, 1));
    qr_buf_put_bytes(&out->ck, column_bytes(st, 2));
    done(st);
    return qr_buf_ok(&out->data) == QR_OK && qr_buf_ok(&out->ck) == QR_OK
               ? TLOG_OK
               : fail_with(err, TLOG_CORRUPT, "a row of entries is too large");
}

static enum tlog_rc st_put_tile(struct store *s, uint64_t seq, const struct tlog_hash *root,
                                const uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_PUT_TILE, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, seq);
    bind_bytes(st, 2, QR_BYTES_OF(root->b));
    bind_bytes(st, 3, QR_BYTES(nodes, TILE_STORED));
    return run(of(s), st, err);
}

static enum tlog_rc st_get_tile(struct store *s, uint64_t seq, struct tlog_hash *root,
                                uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), nodes ? S_GET_TILE : S_GET_ROOT, err, &rc);
    if (!st) return rc;
    bind_u64(st, 1, seq);
    TLOG_TRY(one_row(of(s), st, err));
    bool whole = column_hash(st, 0, root);
    if (whole && nodes) {
        struct qr_bytes v = column_bytes(st, 1);
        whole = v.n == TILE_STORED;
        if (whole) qr_copy(nodes, v.p, v.n);
    }
    done(st);
    return whole ? TLOG_OK
                 : fail_with(err, TLOG_CORRUPT, "tile %llu has a wrong length",
                             (unsigned long long)seq);
}

/* ---- keys and tags ---- */

static enum tlog_rc st_put_key(struct store *s, struct qr_bytes key, const struct store_key *at,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_PUT_KEY, err, &rc);
    if (!st) return rc;
    bind_bytes(st, 1, key);
    bind_u64(st, 2, at->index);
    bind_bytes(st, 3, QR_BYTES_OF(at->leaf.b));
    return run(of(s), st, err);
}

static enum tlog_rc st_get_key(struct store *s, struct qr_bytes key, struct store_key *out,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_GET_KEY, err, &rc);
    if (!st) return rc;
    bind_bytes(st, 1, key);
    TLOG_TRY(one_row(of(s), st, err));
    out->index = (uint64_t)sqlite3_column_int64(st, 0);
    bool whole = column_hash(st, 1, &out->leaf);
    done(st);
    return whole ? TLOG_OK : fail_with(err, TLOG_CORRUPT, "a key's row has no hash");
}

static enum tlog_rc st_put_tag(struct store *s, struct qr_bytes tag, uint64_t index,
                               struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_PUT_TAG, err, &rc);
    if (!st) return rc;
    bind_bytes(st, 1, tag);
    bind_u64(st, 2, index);
    return run(of(s), st, err);
}

static enum tlog_rc st_find_tag(struct store *s, struct qr_bytes tag, uint64_t from,
                                uint64_t *indexes, size_t *n, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = prepared(of(s), S_FIND_TAG, err, &rc);
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
    rc = judge(of(s), code, err);
    done(st);
    return rc;
}

/* ---- the write-ahead log ---- */

static int on_wal(void *ctx, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct sqlite_store *)ctx)->frames = (unsigned)frames;
    return SQLITE_OK;
}

static unsigned st_frames(const struct store *s)
{
    return ((const struct sqlite_store *)s)->frames;
}

/* PASSIVE: waits for nobody and blocks nobody. */
static enum tlog_rc st_tidy(struct store *s, unsigned *moved, struct tlog_err *err)
{
    int total = 0, done_now = 0;
    int code =
        sqlite3_wal_checkpoint_v2(of(s)->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &total, &done_now);
    *moved = done_now > 0 ? (unsigned)done_now : 0;
    return (code & 0xff) == SQLITE_BUSY ? TLOG_OK : judge(of(s), code, err);
}

/* ---- opening ---- */

static void st_close(struct store *base)
{
    struct sqlite_store *s = of(base);
    for (size_t i = 0; i < S_COUNT; i++) (void)sqlite3_finalize(s->stmt[i]);
    (void)sqlite3_close_v2(s->db);
    free(s->uri);
    free(s);
}

static enum tlog_rc pragma_int(struct sqlite_store *s, const char *sql, int64_t *out,
                               struct tlog_err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(st);
    if (code == SQLITE_ROW) *out = sqlite3_column_int64(st, 0);
    enum tlog_rc rc =
        code == SQLITE_ROW ? TLOG_OK : judge(s, code == SQLITE_DONE ? SQLITE_ERROR : code, err);
    (void)sqlite3_finalize(st);
    return rc;
}

/* Sets a pragma and reads it back: SQLite ignores what it does not know. */
static enum tlog_rc set_pragma(struct sqlite_store *s, const char *name, int64_t value,
                               struct tlog_err *err)
{
    char sql[64];
    int64_t got = -1;
    (void)snprintf(sql, sizeof sql, "PRAGMA %s=%lld", name, (long long)value);
    TLOG_TRY(judge(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), err));
    (void)snprintf(sql, sizeof sql, "PRAGMA %s", name);
    TLOG_TRY(pragma_int(s, sql, &got, err));
    if (got == value) return TLOG_OK;
    return fail_with(err, TLOG_IO, "SQLite does not take PRAGMA %s=%lld", name, (long long)value);
}

static enum tlog_rc set_wal(struct sqlite_store *s, struct tlog_err *err)
{
    sqlite3_stmt *st = NULL;
    TLOG_TRY(judge(s, sqlite3_prepare_v2(s->db, "PRAGMA journal_mode=WAL", -1, &st, NULL), err));
    int code = sqlite3_step(st);
    bool wal = code == SQLITE_ROW && qr_bytes_is(column_bytes(st, 0), "wal");
    enum tlog_rc rc = code == SQLITE_ROW ? TLOG_OK : judge(s, code, err);
    (void)sqlite3_finalize(st);
    if (rc != TLOG_OK || wal) return rc;
    return fail_with(err, TLOG_IO, "SQLite does not take journal_mode=WAL here");
}

static enum tlog_rc configure(struct sqlite_store *s, struct tlog_err *err)
{
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    (void)sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, MAX_VALUE);
    (void)sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK ||
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL) != SQLITE_OK)
        return fail_with(err, TLOG_IO, "SQLite does not take our settings");
    TLOG_TRY(set_pragma(s, "cell_size_check", 1, err));
    if (s->mode == STORE_READ) return TLOG_OK;
    if (s->mode == STORE_CREATE) TLOG_TRY(set_pragma(s, "page_size", 4096, err));
    TLOG_TRY(set_wal(s, err));
    TLOG_TRY(set_pragma(s, "synchronous", 2, err));
    TLOG_TRY(set_pragma(s, "wal_autocheckpoint", 0, err));
    (void)sqlite3_wal_hook(s->db, on_wal, s);
    return TLOG_OK;
}

static enum tlog_rc migrate(struct sqlite_store *s, int from, struct tlog_err *err)
{
    char sql[96];
    for (int v = from; v < SCHEMA_VERSION; v++) TLOG_TRY(run_script(s, scripts[v], err));
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   APPLICATION_ID, SCHEMA_VERSION);
    return judge(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), err);
}

/* Refuses a database that is not ours or newer; brings an older one forward in
 * one transaction, so that a crash leaves it as it was or done. */
static enum tlog_rc check_schema(struct sqlite_store *s, struct tlog_err *err)
{
    int64_t id = 0, version = 0, tables = 0;
    TLOG_TRY(pragma_int(s, "PRAGMA application_id", &id, err));
    TLOG_TRY(pragma_int(s, "PRAGMA user_version", &version, err));
    TLOG_TRY(pragma_int(s, "SELECT count(*) FROM sqlite_schema", &tables, err));
    bool fresh = id == 0 && version == 0 && tables == 0;
    if (id != APPLICATION_ID && !fresh)
        return fail_with(err, TLOG_VERSION, "not a log's database (application_id %lld)",
                         (long long)id);
    if (version > SCHEMA_VERSION)
        return fail_with(err, TLOG_VERSION,
                         "the database has schema %lld, this program knows up to %d: upgrade it",
                         (long long)version, SCHEMA_VERSION);
    if (version == SCHEMA_VERSION) return TLOG_OK;
    if (fresh && s->mode != STORE_CREATE)
        return fail_with(err, TLOG_NOTFOUND, "the database is empty");
    if (s->mode == STORE_READ)
        return fail_with(err, TLOG_VERSION, "the database has schema %lld: open it once to write",
                         (long long)version);
    TLOG_TRY(st_begin(&s->store, err));
    enum tlog_rc rc = migrate(s, (int)version, err);
    if (rc == TLOG_OK) rc = st_commit(&s->store, err);
    if (rc != TLOG_OK) st_rollback(&s->store);
    return rc;
}

static enum tlog_rc st_another(struct store *s, struct store **out, struct tlog_err *err);

static const struct store_ops ops = {
    .close = st_close,
    .another = st_another,
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
    .put_key = st_put_key,
    .get_key = st_get_key,
    .put_tag = st_put_tag,
    .find_tag = st_find_tag,
    .frames = st_frames,
    .tidy = st_tidy,
};

/* Connects; takes uri. */
static enum tlog_rc connect_to(char *uri, uint32_t log_id, enum store_mode mode, struct store **out,
                               struct tlog_err *err)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    if (!s || !uri) {
        free(s);
        free(uri);
        return fail_with(err, TLOG_NOMEM, "out of memory");
    }
    *s = (struct sqlite_store){.store = {&ops}, .uri = uri, .log_id = log_id, .mode = mode};
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    if (mode == STORE_READ)
        flags |= SQLITE_OPEN_READONLY;
    else
        flags |= SQLITE_OPEN_READWRITE | (mode == STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(uri, &s->db, flags, NULL);
    enum tlog_rc rc = TLOG_OK;
    if (code == SQLITE_CANTOPEN && mode != STORE_CREATE)
        rc = fail_with(err, TLOG_NOTFOUND, "database: cannot be opened, or is not there");
    else if (code != SQLITE_OK)
        rc = s->db ? judge(s, code, err) : TLOG_NOMEM;
    if (rc == TLOG_OK) rc = configure(s, err);
    if (rc == TLOG_OK) rc = check_schema(s, err);
    if (rc == TLOG_OK)
        *out = &s->store;
    else
        st_close(&s->store);
    return rc;
}

static char *copy_of(const char *text)
{
    struct qr_bytes s = qr_str(text);
    char *p = calloc(1, s.n + 1);
    if (p) qr_copy(p, s.p, s.n);
    return p;
}

static enum tlog_rc st_another(struct store *s, struct store **out, struct tlog_err *err)
{
    enum store_mode mode = of(s)->mode == STORE_READ ? STORE_READ : STORE_WRITE;
    return connect_to(copy_of(of(s)->uri), of(s)->log_id, mode, out, err);
}

/* A file: URI; gives, NULL when out of memory. */
static char *uri_of(const char *path, const char *query)
{
    struct qr_buf b;
    qr_buf_init(&b, 3 * 4096 + 64);
    qr_buf_put_str(&b, path[0] == '/' ? "file://" : "file:");
    for (const char *p = path; *p; p++) {
        if (*p == '?' || *p == '#' || *p == '%')
            qr_buf_printf(&b, "%%%02x", (unsigned char)*p);
        else
            qr_buf_put_u8(&b, (uint8_t)*p);
    }
    qr_buf_put_str(&b, query);
    const char *text = qr_buf_cstr(&b);
    char *out = text ? copy_of(text) : NULL;
    qr_buf_fini(&b);
    return out;
}

/* Nothing waits in a write-ahead log beside the database. */
static bool no_wal(const char *path)
{
    char name[4096 + 8];
    struct stat st;
    int n = snprintf(name, sizeof name, "%s-wal", path);
    if (n < 0 || (size_t)n >= sizeof name) return false;
    return stat(name, &st) != 0 || st.st_size == 0;
}

enum tlog_rc store_sqlite_open(const char *path, uint32_t log_id, enum store_mode mode,
                               struct store **out, struct tlog_err *err)
{
    /* SQLite would let everybody read a new file; -wal and -shm take its mode.
     * What hinders this hinders SQLite too, which then says what it is. */
    int fd = mode == STORE_CREATE ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) (void)close(fd);
    enum tlog_rc rc = connect_to(uri_of(path, "?psow=0"), log_id, mode, out, err);
    /* A WAL database in a directory that cannot be written needs to be told that
     * nobody changes it. */
    if (mode == STORE_READ && rc == TLOG_IO && no_wal(path))
        rc = connect_to(uri_of(path, "?immutable=1"), log_id, mode, out, err);
    return rc;
}
