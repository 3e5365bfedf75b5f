/* store_sql.h - what the files of the SQLite store share: a connection and its
 * prepared statements.
 *
 * For tlog/store_sql*.c only, the only files here that know SQL. */
#ifndef TLOG_STORE_SQL_H
#define TLOG_STORE_SQL_H

#include "tlog/store.h"

#include <sqlite3.h>

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
    S_PUT_PART,
    S_GET_PART,
    S_WANT_LOOKUP,
    S_PUT_KEY,
    S_GET_KEY,
    S_PUT_TAG,
    S_FIND_TAG,
    S_COUNT
};

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    char *uri;
    uint32_t log_id;
    enum store_mode mode;
    int found;       /* version of the schema before this connection */
    unsigned frames; /* in the WAL after the last commit */
    sqlite3_stmt *stmt[S_COUNT];
    sqlite3_blob *blob; /* of the tile that was read last; keeps a snapshot */
    uint64_t blob_seq;
};

static inline struct sqlite_store *sql_of(struct store *s) { return (struct sqlite_store *)s; }

extern const struct store_ops sql_ops;

/* SQLite's result as ours. */
enum tlog_rc sql_judge(const struct sqlite_store *s, int code, struct tlog_err *err);
/* A value of the row a statement stands on; borrowed until the next step. */
struct qr_bytes sql_column(sqlite3_stmt *st, int at);
/* Appends sql with every '@' replaced by the log's number. */
void sql_number(struct qr_buf *b, const char *sql, uint32_t log_id);
/* Runs a script of statements that give no rows. */
enum tlog_rc sql_script(struct sqlite_store *s, const char *script, struct tlog_err *err);

/* Operations of struct store_ops that live in files of their own. */
void sql_close(struct store *s);
enum tlog_rc sql_another(struct store *s, struct store **out, struct tlog_err *err);
enum tlog_rc sql_check(struct store *s, const struct store_finder *to, struct tlog_err *err);
enum tlog_rc sql_each_key(struct store *s, const struct store_key_walk *walk, struct tlog_err *err);

#endif
