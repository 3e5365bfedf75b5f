/* db.c - db.h over SQLite.
 *
 * The connection's own mutex is not enough: a transaction spans calls, so one
 * mutex of ours is held from begin to end.  Statements are prepared once per
 * literal and found by its address; every one that was used is reset when the
 * bracket closes, so that no reader keeps a snapshot alive. */
#include "db/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_STMTS 256
#define BUSY_MS 2000

struct qr_stmt {
    const char *sql;
    sqlite3_stmt *st;
    struct qr_db *db;
};

struct qr_db {
    sqlite3 *sq;
    int lock_fd;
    pthread_mutex_t mutex;
    pthread_t owner;
    bool held, writing;
    atomic_bool broken;
    char why[96]; /* what broke it first; under the mutex */
    int64_t rowid;
    struct qr_stmt stmts[MAX_STMTS];
    size_t stmt_count;
};

/* Only a restart heals it; the first reason is the one to tell. */
static void set_broken(struct qr_db *db)
{
    if (!atomic_exchange(&db->broken, true))
        (void)snprintf(db->why, sizeof db->why, "%.95s", sqlite3_errmsg(db->sq));
}

/* What a SQLite result means to a caller; remembers what only a restart heals. */
static enum qr_rc judge(struct qr_db *db, int code, struct qr_err *err)
{
    const char *text = sqlite3_errmsg(db->sq);
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return QR_OK;
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
            code == SQLITE_CONSTRAINT_ROWID)
            return qr_fail(err, QR_EXISTS, "database: %s", text);
        return qr_fail(err, QR_CONFLICT, "database: %s", text);
    case SQLITE_FULL: return qr_fail(err, QR_EXHAUSTED, "database: the disk is full");
    case SQLITE_NOMEM: return qr_fail(err, QR_NOMEM, "database: out of memory");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return qr_fail(err, QR_BUSY, "database: in use by another program");
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: set_broken(db); return qr_fail(err, QR_IO, "database: %s", text);
    default: return qr_fail(err, QR_IO, "database: %s (%d)", text, code);
    }
}

/* ---- opening ---- */

static enum qr_rc lock_file(struct qr_db *db, const char *path, struct qr_err *err)
{
    char name[PATH_MAX];
    int len = snprintf(name, sizeof name, "%s.lock", path);
    if (len < 0 || (size_t)len >= sizeof name) return qr_fail(err, QR_IO, "path too long");
    db->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (db->lock_fd < 0) return qr_fail(err, QR_IO, "%s: %s", name, strerror(errno));
    if (flock(db->lock_fd, LOCK_EX | LOCK_NB) == 0) return QR_OK;
    if (errno == EWOULDBLOCK) return qr_fail(err, QR_BUSY, "%s: another process uses it", path);
    return qr_fail(err, QR_IO, "%s: %s", name, strerror(errno));
}

static enum qr_rc check_file(const struct qr_db_conf *conf, struct qr_err *err)
{
    struct stat st;
    if (lstat(conf->path, &st) != 0) {
        if (errno != ENOENT) return qr_fail(err, QR_IO, "%s: %s", conf->path, strerror(errno));
        if (!conf->create) return qr_fail(err, QR_NOTFOUND, "%s: no database there", conf->path);
        int fd = open(conf->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) return qr_fail(err, QR_IO, "%s: %s", conf->path, strerror(errno));
        (void)close(fd);
        return QR_OK;
    }
    if (conf->create) return qr_fail(err, QR_EXISTS, "%s: already there", conf->path);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || st.st_uid != geteuid())
        return qr_fail(err, QR_PERMS, "%s: must be a file of yours, closed to others (chmod 600)",
                       conf->path);
    return QR_OK;
}

static enum qr_rc pragma_int(struct qr_db *db, const char *sql, int64_t *out, struct qr_err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db->sq, sql, -1, &st, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(st);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    (void)sqlite3_finalize(st);
    if (code == SQLITE_ROW) return QR_OK;
    return judge(db, code == SQLITE_DONE ? SQLITE_ERROR : code, err);
}

static enum qr_rc run_plain(struct qr_db *db, const char *sql, struct qr_err *err)
{
    return judge(db, sqlite3_exec(db->sq, sql, NULL, NULL, NULL), err);
}

static enum qr_rc set_journal(struct qr_db *db, struct qr_err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db->sq, "PRAGMA journal_mode = WAL", -1, &st, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(st);
    bool wal =
        code == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
    (void)sqlite3_finalize(st);
    if (wal) return QR_OK;
    if (code != SQLITE_ROW) return judge(db, code, err);
    return qr_fail(err, QR_IO, "database: write-ahead log refused (network file system?)");
}

/* Each setting is read back: SQLite ignores what it does not know. */
static enum qr_rc harden(struct qr_db *db, struct qr_err *err)
{
    static const struct {
        int op, value;
    } flags[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                 {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                 {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                 {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
                 {SQLITE_DBCONFIG_DQS_DML, 0},
                 {SQLITE_DBCONFIG_DQS_DDL, 0}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        int got = -1;
        (void)sqlite3_db_config(db->sq, flags[i].op, flags[i].value, &got);
        if (got != flags[i].value) return qr_fail(err, QR_IO, "database: SQLite refused a setting");
    }
    (void)sqlite3_limit(db->sq, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(db->sq, SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024);
    QR_TRY(set_journal(db, err));
    QR_TRY(run_plain(db, "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;", err));
    int64_t v;
    QR_TRY(pragma_int(db, "PRAGMA synchronous", &v, err));
    if (v != 2) return qr_fail(err, QR_IO, "database: synchronous writes refused");
    QR_TRY(pragma_int(db, "PRAGMA foreign_keys", &v, err));
    if (v != 1) return qr_fail(err, QR_IO, "database: foreign keys refused");
    return QR_OK;
}

static enum qr_rc migrate_steps(struct qr_db *db, const struct qr_db_conf *conf, int64_t from,
                                struct qr_err *err)
{
    char sql[96];
    for (size_t i = (size_t)from; i < conf->script_count; i++) {
        assert(conf->scripts[i].version == i + 1);
        QR_TRY(run_plain(db, conf->scripts[i].sql, err));
    }
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %u; PRAGMA user_version = %zu;",
                   (unsigned)conf->app_id, conf->script_count);
    return run_plain(db, sql, err);
}

static enum qr_rc migrate(struct qr_db *db, const struct qr_db_conf *conf, struct qr_err *err)
{
    int64_t version, app;
    QR_TRY(pragma_int(db, "PRAGMA user_version", &version, err));
    QR_TRY(pragma_int(db, "PRAGMA application_id", &app, err));
    if (!conf->create && app != (int64_t)conf->app_id)
        return qr_fail(err, QR_MALFORMED, "%s: not a database of this service", conf->path);
    if (version < 0 || version > (int64_t)conf->script_count)
        return qr_fail(err, QR_STALE,
                       "%s: made by a newer version (schema %lld, this program knows %zu)",
                       conf->path, (long long)version, conf->script_count);
    if (version == (int64_t)conf->script_count) return QR_OK;
    QR_TRY(run_plain(db, "BEGIN EXCLUSIVE", err));
    enum qr_rc rc = migrate_steps(db, conf, version, err);
    /* COMMIT POINT: all steps and the new version number, or none. */
    if (rc == QR_OK) rc = run_plain(db, "COMMIT", err);
    if (rc != QR_OK) (void)sqlite3_exec(db->sq, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* psow=0: a write may tear beyond its own bytes; the journal pays for that. */
static enum qr_rc connect_file(struct qr_db *db, const char *path, struct qr_err *err)
{
    char full[PATH_MAX];
    if (!realpath(path, full)) return qr_fail(err, QR_IO, "%s: %s", path, strerror(errno));
    struct qr_buf uri;
    qr_buf_init(&uri, 4 * PATH_MAX);
    qr_buf_put_str(&uri, "file:");
    for (const char *p = full; *p; p++) {
        if (strchr("?#%", *p))
            qr_buf_printf(&uri, "%%%02x", (unsigned)(unsigned char)*p);
        else
            qr_buf_put_u8(&uri, (uint8_t)*p);
    }
    qr_buf_put_str(&uri, "?psow=0");
    const char *name = qr_buf_cstr(&uri);
    int code =
        name ? sqlite3_open_v2(name, &db->sq,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX |
                                   SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                               NULL)
             : SQLITE_NOMEM;
    qr_buf_fini(&uri);
    if (code != SQLITE_OK) return qr_fail(err, QR_IO, "%s: %s", path, sqlite3_errstr(code));
    (void)sqlite3_busy_timeout(db->sq, BUSY_MS);
    return QR_OK;
}

/* Error checking: a second begin by the same thread is a bug, not a hang. */
static void init_mutex(struct qr_db *db)
{
    pthread_mutexattr_t attr;
    if (pthread_mutexattr_init(&attr) != 0 ||
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK) != 0 ||
        pthread_mutex_init(&db->mutex, &attr) != 0)
        qr_fatal("mutex");
    (void)pthread_mutexattr_destroy(&attr);
}

enum qr_rc qr_db_open(struct qr_db **out, const struct qr_db_conf *conf, struct qr_err *err)
{
    *out = NULL;
    struct qr_db *db = calloc(1, sizeof *db);
    if (!db) return QR_NOMEM;
    db->lock_fd = -1;
    init_mutex(db);
    enum qr_rc rc = conf->create ? QR_OK : check_file(conf, err);
    if (rc == QR_OK) rc = lock_file(db, conf->path, err);
    if (rc == QR_OK && conf->create) rc = check_file(conf, err);
    if (rc == QR_OK) rc = connect_file(db, conf->path, err);
    if (rc == QR_OK) rc = harden(db, err);
    if (rc == QR_OK) rc = migrate(db, conf, err);
    if (rc != QR_OK) {
        qr_db_close(db);
        return rc;
    }
    *out = db;
    return QR_OK;
}

void qr_db_close(struct qr_db *db)
{
    if (!db) return;
    assert(!db->held);
    for (size_t i = 0; i < db->stmt_count; i++) (void)sqlite3_finalize(db->stmts[i].st);
    int code = sqlite3_close(db->sq);
    if (code != SQLITE_OK) qr_fatal("database closed while in use (%d)", code);
    if (db->lock_fd >= 0) (void)close(db->lock_fd);
    (void)pthread_mutex_destroy(&db->mutex);
    free(db);
}

/* ---- transactions ---- */

static void hold(struct qr_db *db, bool writing)
{
    if (pthread_mutex_lock(&db->mutex) != 0) qr_fatal("a transaction inside a transaction");
    db->held = true;
    db->writing = writing;
    db->owner = pthread_self();
}

static void release(struct qr_db *db)
{
    db->held = db->writing = false;
    if (pthread_mutex_unlock(&db->mutex) != 0) qr_fatal("mutex");
}

static void reset_all(struct qr_db *db)
{
    for (size_t i = 0; i < db->stmt_count; i++) {
        (void)sqlite3_reset(db->stmts[i].st);
        (void)sqlite3_clear_bindings(db->stmts[i].st);
    }
}

bool qr_db_broken(const struct qr_db *db) { return atomic_load(&db->broken); }

static enum qr_rc enter(struct qr_db *db, bool writing, struct qr_err *err)
{
    hold(db, writing);
    enum qr_rc rc = QR_OK;
    if (qr_db_broken(db))
        rc = qr_fail(err, QR_IO, "database: an earlier failure leaves it in doubt: %s", db->why);
    if (rc == QR_OK) rc = run_plain(db, writing ? "BEGIN IMMEDIATE" : "BEGIN", err);
    if (rc != QR_OK) release(db);
    return rc;
}

enum qr_rc qr_db_begin(struct qr_db *db, struct qr_err *err) { return enter(db, true, err); }

enum qr_rc qr_db_read(struct qr_db *db, struct qr_err *err) { return enter(db, false, err); }

static void leave_back(struct qr_db *db)
{
    reset_all(db);
    /* A failed statement may have rolled back already. */
    if (!sqlite3_get_autocommit(db->sq) &&
        sqlite3_exec(db->sq, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
        set_broken(db);
    release(db);
}

enum qr_rc qr_db_commit(struct qr_db *db, struct qr_err *err)
{
    assert(qr_db_in_write(db));
    reset_all(db);
    /* COMMIT POINT: what the transaction did is durable from here on. */
    enum qr_rc rc = sqlite3_get_autocommit(db->sq)
                        ? qr_fail(err, QR_IO, "database: the transaction was rolled back")
                        : run_plain(db, "COMMIT", err);
    if (rc == QR_OK)
        release(db);
    else
        leave_back(db);
    return rc;
}

void qr_db_rollback(struct qr_db *db)
{
    assert(qr_db_in_write(db));
    leave_back(db);
}

enum qr_rc qr_db_end(struct qr_db *db, enum qr_rc rc, struct qr_err *err)
{
    if (rc == QR_OK) return qr_db_commit(db, err);
    qr_db_rollback(db);
    return rc;
}

void qr_db_read_end(struct qr_db *db)
{
    assert(db->held && !db->writing && pthread_equal(db->owner, pthread_self()));
    leave_back(db);
}

bool qr_db_in_write(const struct qr_db *db)
{
    return db->held && db->writing && pthread_equal(db->owner, pthread_self());
}

/* ---- statements ---- */

static enum qr_rc find_stmt(struct qr_db *db, const char *sql, struct qr_stmt **out,
                            struct qr_err *err)
{
    for (size_t i = 0; i < db->stmt_count; i++) {
        if (db->stmts[i].sql == sql) {
            *out = &db->stmts[i];
            return QR_OK;
        }
    }
    if (db->stmt_count == MAX_STMTS) qr_fatal("too many SQL statements");
    struct qr_stmt *s = &db->stmts[db->stmt_count];
    const char *tail = NULL;
    int code = sqlite3_prepare_v3(db->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->st, &tail);
    if (code != SQLITE_OK) return judge(db, code, err);
    if (!s->st || (tail && *tail)) qr_fatal("not one SQL statement: %s", sql);
    s->sql = sql;
    s->db = db;
    db->stmt_count++;
    *out = s;
    return QR_OK;
}

static int bind(sqlite3_stmt *st, int at, const struct qr_db_arg *a)
{
    /* The bytes are borrowed until the row is read, which may be later than
     * the caller's buffer lives: SQLite copies. */
    switch (a->type) {
    case QR_DB_T_NULL: return sqlite3_bind_null(st, at);
    case QR_DB_T_INT: return sqlite3_bind_int64(st, at, a->i);
    case QR_DB_T_TEXT:
        return sqlite3_bind_text64(st, at, a->b.p ? (const char *)a->b.p : "", a->b.n,
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
    case QR_DB_T_BLOB:
        return a->b.n ? sqlite3_bind_blob64(st, at, a->b.p, a->b.n, SQLITE_TRANSIENT)
                      : sqlite3_bind_zeroblob(st, at, 0);
    }
    return SQLITE_MISUSE;
}

enum qr_rc qr_db_query(struct qr_db *db, const char *sql, const struct qr_db_arg *args, size_t n,
                       struct qr_stmt **out, struct qr_err *err)
{
    assert(db->held && pthread_equal(db->owner, pthread_self()));
    struct qr_stmt *s = NULL;
    *out = NULL;
    QR_TRY(find_stmt(db, sql, &s, err));
    (void)sqlite3_reset(s->st);
    if (sqlite3_bind_parameter_count(s->st) != (int)n) qr_fatal("wrong number of values: %s", sql);
    for (size_t i = 0; i < n; i++) {
        int code = bind(s->st, (int)i + 1, &args[i]);
        if (code != SQLITE_OK) return judge(db, code, err);
    }
    *out = s;
    return QR_OK;
}

enum qr_rc qr_stmt_step(struct qr_stmt *st, bool *row, struct qr_err *err)
{
    int code = sqlite3_step(st->st);
    *row = code == SQLITE_ROW;
    return judge(st->db, code, err);
}

enum qr_rc qr_db_one(struct qr_db *db, const char *sql, const struct qr_db_arg *args, size_t n,
                     struct qr_stmt **out, struct qr_err *err)
{
    bool row = false;
    QR_TRY(qr_db_query(db, sql, args, n, out, err));
    QR_TRY(qr_stmt_step(*out, &row, err));
    return row ? QR_OK : QR_NOTFOUND;
}

enum qr_rc qr_db_run(struct qr_db *db, const char *sql, const struct qr_db_arg *args, size_t n,
                     struct qr_err *err)
{
    struct qr_stmt *s = NULL;
    bool row = false;
    assert(db->writing);
    QR_TRY(qr_db_query(db, sql, args, n, &s, err));
    enum qr_rc rc = qr_stmt_step(s, &row, err);
    if (row) qr_fatal("a statement that gives rows was run: %s", sql);
    db->rowid = sqlite3_last_insert_rowid(db->sq);
    (void)sqlite3_reset(s->st);
    return rc;
}

int64_t qr_stmt_int(struct qr_stmt *st, int col)
{
    assert(col < sqlite3_column_count(st->st));
    return sqlite3_column_type(st->st, col) == SQLITE_INTEGER ? sqlite3_column_int64(st->st, col)
                                                              : 0;
}

struct qr_bytes qr_stmt_bytes(struct qr_stmt *st, int col)
{
    assert(col < sqlite3_column_count(st->st));
    int type = sqlite3_column_type(st->st, col);
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) return QR_BYTES_NONE;
    const void *p = sqlite3_column_blob(st->st, col);
    return QR_BYTES(p, (size_t)sqlite3_column_bytes(st->st, col));
}

bool qr_stmt_is_null(struct qr_stmt *st, int col)
{
    return sqlite3_column_type(st->st, col) == SQLITE_NULL;
}

int64_t qr_db_changes(struct qr_db *db) { return sqlite3_changes64(db->sq); }

int64_t qr_db_rowid(struct qr_db *db) { return db->rowid; }

enum qr_rc qr_db_check(struct qr_db *db, struct qr_err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db->sq, "PRAGMA quick_check(1)", -1, &st, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(st);
    enum qr_rc rc = QR_OK;
    if (code != SQLITE_ROW)
        rc = judge(db, code, err);
    else if (sqlite3_stricmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
        rc = qr_fail(err, QR_IO, "database is damaged: %s",
                     (const char *)sqlite3_column_text(st, 0));
    (void)sqlite3_finalize(st);
    return rc;
}
