/* store_sql_open.c - connecting to a log's database.
 *
 * WAL with synchronous=FULL on every connection: COMMIT returns after the
 * frames are on the disk, and psow=0 pads a commit to whole sectors, so that a
 * torn sector cannot take the commit before it along.  No connection checkpoints
 * by itself; the log's own thread calls tidy. */
#include "tlog/store_sql.h"

#include "schema/tlog-001.sql.h"
#include "schema/tlog-002.sql.h"
#include "schema/tlog-003.sql.h"
#include "schema/tlog-log-002.sql.h"
#include "schema/tlog-log-003.sql.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x746c6f67 /* "tlog" */
#define BUSY_MS 5000
#define MAX_VALUE (1 << 20) /* no value of ours is larger */

/* Schema 3: what no hash covers has a checksum. */
static enum tlog_rc sum_all(struct sqlite_store *s, struct tlog_err *err)
{
    TLOG_TRY(sql_sum_info(s, err));
    return sql_sum_names(s, err);
}

static const struct {
    const char *script;
    /* For each log that is there already. */
    const char *log_script;
    enum tlog_rc (*log_code)(struct sqlite_store *s, struct tlog_err *err);
} versions[] = {{schema_tlog_001, NULL, NULL},
                {schema_tlog_002, schema_tlog_log_002, NULL},
                {schema_tlog_003, schema_tlog_log_003, sum_all}};
#define SCHEMA_VERSION ((int)(sizeof versions / sizeof versions[0]))

static int on_wal(void *ctx, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct sqlite_store *)ctx)->frames = (unsigned)frames;
    return SQLITE_OK;
}

void sql_close(struct store *base)
{
    struct sqlite_store *s = sql_of(base);
    (void)sqlite3_blob_close(s->blob);
    for (size_t i = 0; i < S_COUNT; i++) (void)sqlite3_finalize(s->stmt[i]);
    (void)sqlite3_close_v2(s->db);
    free(s->key_place);
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
        code == SQLITE_ROW ? TLOG_OK : sql_judge(s, code == SQLITE_DONE ? SQLITE_ERROR : code, err);
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
    TLOG_TRY(sql_judge(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), err));
    (void)snprintf(sql, sizeof sql, "PRAGMA %s", name);
    TLOG_TRY(pragma_int(s, sql, &got, err));
    if (got == value) return TLOG_OK;
    return fail_with(err, TLOG_IO, "SQLite does not take PRAGMA %s=%lld", name, (long long)value);
}

static enum tlog_rc set_wal(struct sqlite_store *s, struct tlog_err *err)
{
    sqlite3_stmt *st = NULL;
    TLOG_TRY(
        sql_judge(s, sqlite3_prepare_v2(s->db, "PRAGMA journal_mode=WAL", -1, &st, NULL), err));
    int code = sqlite3_step(st);
    bool wal = code == SQLITE_ROW && qr_bytes_is(sql_column(st, 0), "wal");
    enum tlog_rc rc = code == SQLITE_ROW ? TLOG_OK : sql_judge(s, code, err);
    (void)sqlite3_finalize(st);
    if (rc != TLOG_OK || wal) return rc;
    return fail_with(err, TLOG_IO, "SQLite does not take journal_mode=WAL here");
}

#define CACHE_KIB 32768 /* of the connection that writes */

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
    /* A commit that does not fit is written twice, its first pages before it ends. */
    TLOG_TRY(set_pragma(s, "cache_size", -CACHE_KIB, err));
    (void)sqlite3_wal_hook(s->db, on_wal, s);
    return TLOG_OK;
}

#define LOGS_MAX 1024 /* of one database */

/* The numbers of all logs. */
static enum tlog_rc list_logs(struct sqlite_store *s, uint32_t id[LOGS_MAX], size_t *n,
                              struct tlog_err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(s->db, "SELECT log_id FROM log", -1, &st, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(st);
    for (*n = 0; code == SQLITE_ROW && *n < LOGS_MAX; code = sqlite3_step(st))
        id[(*n)++] = (uint32_t)sqlite3_column_int64(st, 0);
    enum tlog_rc rc = code == SQLITE_ROW ? fail_with(err, TLOG_RANGE, "too many logs to migrate")
                                         : sql_judge(s, code, err);
    (void)sqlite3_finalize(st);
    return rc;
}

/* Statements were prepared for the log's number. */
static void as_log(struct sqlite_store *s, uint32_t log_id)
{
    for (size_t i = 0; i < S_COUNT; i++) {
        (void)sqlite3_finalize(s->stmt[i]);
        s->stmt[i] = NULL;
    }
    s->log_id = log_id;
}

static enum tlog_rc bring_log(struct sqlite_store *s, int version, struct tlog_err *err)
{
    if (versions[version].log_script) TLOG_TRY(sql_script(s, versions[version].log_script, err));
    return versions[version].log_code ? versions[version].log_code(s, err) : TLOG_OK;
}

static enum tlog_rc migrate(struct sqlite_store *s, int from, struct tlog_err *err)
{
    char sql[96];
    uint32_t own = s->log_id, id[LOGS_MAX];
    size_t n = 0;
    for (int v = from; v < SCHEMA_VERSION; v++) {
        TLOG_TRY(sql_script(s, versions[v].script, err));
        TLOG_TRY(list_logs(s, id, &n, err));
        for (size_t i = 0; i < n; i++) {
            as_log(s, id[i]);
            enum tlog_rc rc = bring_log(s, v, err);
            as_log(s, own);
            TLOG_TRY(rc);
        }
    }
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   APPLICATION_ID, SCHEMA_VERSION);
    return sql_judge(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), err);
}

/* Refuses a database that is not ours or newer; brings an older one forward in
 * one transaction, so that a crash leaves it as it was or done. */
static enum tlog_rc check_schema(struct sqlite_store *s, struct tlog_err *err)
{
    int64_t id = 0, version = 0, tables = 0;
    TLOG_TRY(pragma_int(s, "PRAGMA application_id", &id, err));
    TLOG_TRY(pragma_int(s, "PRAGMA user_version", &version, err));
    TLOG_TRY(pragma_int(s, "SELECT count(*) FROM sqlite_schema", &tables, err));
    s->found = (int)version;
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
    TLOG_TRY(s->store.ops->begin(&s->store, err));
    enum tlog_rc rc = migrate(s, (int)version, err);
    if (rc == TLOG_OK && s->mode != STORE_TRY) rc = s->store.ops->commit(&s->store, err);
    if (rc != TLOG_OK || s->mode == STORE_TRY) s->store.ops->rollback(&s->store);
    return rc;
}

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
    *s = (struct sqlite_store){.store = {&sql_ops}, .uri = uri, .log_id = log_id, .mode = mode};
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
        rc = s->db ? sql_judge(s, code, err) : TLOG_NOMEM;
    if (rc == TLOG_OK) rc = configure(s, err);
    if (rc == TLOG_OK) rc = check_schema(s, err);
    if (rc == TLOG_OK)
        *out = &s->store;
    else
        sql_close(&s->store);
    return rc;
}

static char *copy_of(const char *text)
{
    struct qr_bytes s = qr_str(text);
    char *p = calloc(1, s.n + 1);
    if (p) qr_copy(p, s.p, s.n);
    return p;
}

enum tlog_rc sql_another(struct store *s, struct store **out, struct tlog_err *err)
{
    enum store_mode mode = sql_of(s)->mode == STORE_READ ? STORE_READ : STORE_WRITE;
    TLOG_TRY(connect_to(copy_of(sql_of(s)->uri), sql_of(s)->log_id, mode, out, err));
    /* Pages are then read where the kernel has them.  Not on the connection that
     * recovers and writes; not for who reads a whole log once, whose memory it would
     * seem to be; and only an offer, so nothing depends on it. */
    if (mode != STORE_READ)
        (void)sqlite3_exec(sql_of(*out)->db, "PRAGMA mmap_size=2147418112;PRAGMA cache_size=-2000",
                           NULL, NULL, NULL);
    return TLOG_OK;
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

enum tlog_rc store_sqlite_migrate(const char *path, bool dry_run, int *from, int *to,
                                  struct tlog_err *err)
{
    struct store *s;
    enum store_mode mode = dry_run ? STORE_TRY : STORE_WRITE;
    TLOG_TRY(connect_to(uri_of(path, "?psow=0"), 1, mode, &s, err));
    *from = sql_of(s)->found;
    *to = SCHEMA_VERSION;
    sql_close(s);
    return TLOG_OK;
}
