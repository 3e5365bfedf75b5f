/* db.h - a small interface over SQL: open, transaction, statement.
 *
 * The store.c files of the services are its callers; nothing else knows SQL.
 * SQLite stands behind it today; only db.c includes its header.  One
 * connection per database with one mutex inside: everything happens between
 * qr_db_begin or qr_db_read and the matching end, and whoever comes second
 * waits.  Statements live in that bracket and need no release.
 *
 * A database is never made by accident (create is explicit), never opened by
 * two processes, never by a program older than its schema; a commit that
 * returned QR_OK survives power loss (WAL, synchronous FULL).
 * Never: reads a clock, keeps secrets, retries. */
#ifndef QUORATE_DB_DB_H
#define QUORATE_DB_DB_H

#include "base/bytes.h"

struct qr_db;
struct qr_stmt;

/* One numbered script of schema/.  Released scripts never change. */
struct qr_db_script {
    uint32_t version;
    const char *sql;
};

struct qr_db_conf {
    const char *path;
    bool create;                        /* true: must not exist; false: must exist */
    uint32_t app_id;                    /* which kind of database: SQLite's application_id */
    const struct qr_db_script *scripts; /* versions 1, 2, ... without gaps; borrows */
    size_t script_count;
};

/* Opens (or makes, mode 0600) the database and brings its schema to the newest
 * version in one transaction.  Keeps an exclusive lock on PATH.lock until
 * qr_db_close.  Gives.  QR_NOTFOUND, QR_EXISTS, QR_PERMS (readable by others or
 * a symbolic link), QR_BUSY (another process has it), QR_STALE (made by a newer
 * version), QR_MALFORMED (another kind of database), QR_IO. */
enum qr_rc qr_db_open(struct qr_db **out, const struct qr_db_conf *conf, struct qr_err *err)
    QR_MUST_CHECK;
void qr_db_close(struct qr_db *db); /* NULL allowed; not inside a transaction */

/* Begins a write transaction; waits for other threads.  QR_IO once a write has
 * failed in a way that leaves the disk in doubt: the process must end. */
enum qr_rc qr_db_begin(struct qr_db *db, struct qr_err *err) QR_MUST_CHECK;
/* Durable when it returns QR_OK.  The transaction is over in any case.
 * QR_EXHAUSTED: the disk is full, nothing was changed. */
enum qr_rc qr_db_commit(struct qr_db *db, struct qr_err *err) QR_MUST_CHECK;
void qr_db_rollback(struct qr_db *db);
/* Commits when rc is QR_OK, else rolls back; the result of both: so a store
 * function ends with one line. */
enum qr_rc qr_db_end(struct qr_db *db, enum qr_rc rc, struct qr_err *err) QR_MUST_CHECK;
/* A consistent view for reading; qr_db_read_end closes it. */
enum qr_rc qr_db_read(struct qr_db *db, struct qr_err *err) QR_MUST_CHECK;
void qr_db_read_end(struct qr_db *db);
/* True while the calling thread is between qr_db_begin and its end. */
bool qr_db_in_write(const struct qr_db *db);

/* True once a read or write failed in a way that only a restart heals; from any
 * thread. */
bool qr_db_broken(const struct qr_db *db);

/* An argument of a statement: parameters ?1, ?2, ... in order. */
enum qr_db_type { QR_DB_T_NULL, QR_DB_T_INT, QR_DB_T_TEXT, QR_DB_T_BLOB };
struct qr_db_arg {
    enum qr_db_type type;
    int64_t i;
    struct qr_bytes b; /* borrows */
};
#define QR_DB_NULL ((struct qr_db_arg){QR_DB_T_NULL, 0, QR_BYTES_NONE})
#define QR_DB_INT(v) ((struct qr_db_arg){QR_DB_T_INT, (int64_t)(v), QR_BYTES_NONE})
#define QR_DB_TEXT(bytes) ((struct qr_db_arg){QR_DB_T_TEXT, 0, (bytes)})
#define QR_DB_STR(cstr) ((struct qr_db_arg){QR_DB_T_TEXT, 0, qr_str(cstr)})
#define QR_DB_BLOB(bytes) ((struct qr_db_arg){QR_DB_T_BLOB, 0, (bytes)})
/* The two last parameters but one of the calls below:
 *   qr_db_run(db, "INSERT INTO t(a,b) VALUES (?1,?2)",
 *             QR_DB_ARGS(QR_DB_INT(1), QR_DB_STR("x")), &err) */
#define QR_DB_ARGS(...)                      \
    (const struct qr_db_arg[]){__VA_ARGS__}, \
        sizeof((const struct qr_db_arg[]){__VA_ARGS__}) / sizeof(struct qr_db_arg)
#define QR_DB_NOARGS NULL, 0

/* Runs a statement that gives no rows.  sql must be a string literal (prepared
 * once and kept).  The number of args must be the number of parameters.
 * QR_EXISTS: a UNIQUE or PRIMARY KEY constraint; QR_CONFLICT: any other. */
enum qr_rc qr_db_run(struct qr_db *db, const char *sql, const struct qr_db_arg *args, size_t n,
                     struct qr_err *err) QR_MUST_CHECK;
/* Starts a query; rows come from qr_stmt_step.  The statement is borrowed until
 * the same sql is run again or the transaction ends. */
enum qr_rc qr_db_query(struct qr_db *db, const char *sql, const struct qr_db_arg *args, size_t n,
                       struct qr_stmt **out, struct qr_err *err) QR_MUST_CHECK;
/* Starts a query and steps to its first row.  QR_NOTFOUND: there is none. */
enum qr_rc qr_db_one(struct qr_db *db, const char *sql, const struct qr_db_arg *args, size_t n,
                     struct qr_stmt **out, struct qr_err *err) QR_MUST_CHECK;
/* *row says whether there is a (further) row. */
enum qr_rc qr_stmt_step(struct qr_stmt *st, bool *row, struct qr_err *err) QR_MUST_CHECK;
/* Columns of the current row, from 0.  Bytes are borrowed until the next step.
 * A value of another type reads as 0 or empty. */
int64_t qr_stmt_int(struct qr_stmt *st, int col);
struct qr_bytes qr_stmt_bytes(struct qr_stmt *st, int col); /* TEXT or BLOB */
bool qr_stmt_is_null(struct qr_stmt *st, int col);

/* Rows changed by the last qr_db_run, and the rowid it inserted. */
int64_t qr_db_changes(struct qr_db *db);
int64_t qr_db_rowid(struct qr_db *db);
/* Whole-file check, for start and fsck.  QR_IO names the first problem. */
enum qr_rc qr_db_check(struct qr_db *db, struct qr_err *err) QR_MUST_CHECK;

#endif
