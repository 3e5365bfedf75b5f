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
    S_PUT_INFO,
    S_PUT_ROW,
    S_GET_ROW,
    S_PUT_TILE,
    S_GET_TILE,
    S_GET_ROOT,
    S_PUT_PART,
    S_GET_PART,
    S_CLEAR_PARTS,
    S_COUNT_PARTS,
    S_KEY_NEAR,
    S_KEY_ALL,
    S_KEY_PUT,
    S_KEY_SUM,
    S_TAG_NEAR,
    S_TAG_ALL,
    S_TAG_PUT,
    S_TAG_SUM,
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
    /* Where the key that was looked for last would stand, for the put that follows;
     * nothing was written since and no transaction began or ended. */
    struct place *key_place;
    bool key_place_holds;
};

static inline struct sqlite_store *sql_of(struct store *s) { return (struct sqlite_store *)s; }

extern const struct store_ops sql_ops;

/* SQLite's result as ours. */
enum tlog_rc sql_judge(const struct sqlite_store *s, int code, struct tlog_err *err);

/* A statement, prepared once: bind, step, read the columns, done.  NULL: *rc says
 * why.  run steps one that gives no row; one_row steps to the only row
 * (TLOG_NOTFOUND: none), after which read_to_end is called: what the row did not
 * hold is damage, unless memory was missing. */
sqlite3_stmt *sql_prepared(struct sqlite_store *s, enum statement which, struct tlog_err *err,
                           enum tlog_rc *rc);
void sql_bind_bytes(sqlite3_stmt *st, int at, struct qr_bytes v);
void sql_bind_u64(sqlite3_stmt *st, int at, uint64_t v);
enum tlog_rc sql_run(struct sqlite_store *s, sqlite3_stmt *st, struct tlog_err *err);
enum tlog_rc sql_one_row(struct sqlite_store *s, sqlite3_stmt *st, struct tlog_err *err);
enum tlog_rc sql_read_to_end(struct sqlite_store *s, sqlite3_stmt *st, bool whole,
                             struct tlog_err *err, const char *what);
void sql_done(sqlite3_stmt *st);
/* A value of the row a statement stands on; borrowed until the next step. */
struct qr_bytes sql_column(sqlite3_stmt *st, int at);
/* false: it has another length. */
bool sql_column_hash(sqlite3_stmt *st, int at, struct tlog_hash *out);

/* Appends sql with every '@' replaced by the log's number. */
void sql_number(struct qr_buf *b, const char *sql, uint32_t log_id);
/* Runs a script of statements that give no rows. */
enum tlog_rc sql_script(struct sqlite_store *s, const char *script, struct tlog_err *err);

/* The checksum of a row whose bytes are under no hash of the tree: it finds damage,
 * it proves nothing.  Values are put one after the other, then the end is taken. */
#define SUM_SIZE 8

struct sum {
    size_t n;
    uint8_t b[1536];
};

/* kind: a letter for the table. */
struct sum sum_begin(char kind, uint32_t log_id);
/* The next value: a number, or bytes with their length. */
void sum_u64(struct sum *sum, uint64_t v);
void sum_bytes(struct sum *sum, struct qr_bytes v);
/* Gives the checksum; sum can be put to further. */
void sum_end(const struct sum *sum, uint8_t out[SUM_SIZE]);

/* The rows with which a new log's keys and tags begin. */
enum tlog_rc sql_begin_names(struct sqlite_store *s, struct tlog_err *err);
/* Makes all checksums of a log anew: only where there are none yet. */
enum tlog_rc sql_sum_names(struct sqlite_store *s, struct tlog_err *err);
enum tlog_rc sql_sum_info(struct sqlite_store *s, struct tlog_err *err);

/* Operations of struct store_ops that live in files of their own. */
void sql_close(struct store *s);
enum tlog_rc sql_another(struct store *s, struct store **out, struct tlog_err *err);
enum tlog_rc sql_check(struct store *s, const struct store_finder *to, struct tlog_err *err);
enum tlog_rc sql_put_key(struct store *s, struct qr_bytes key, const struct store_key *at,
                         struct tlog_err *err);
enum tlog_rc sql_get_key(struct store *s, struct qr_bytes key, struct store_key *out,
                         struct tlog_err *err);
enum tlog_rc sql_put_tag(struct store *s, struct qr_bytes tag, uint64_t index,
                         struct tlog_err *err);
enum tlog_rc sql_find_tag(struct store *s, struct qr_bytes tag, uint64_t from, uint64_t *indexes,
                          size_t *n, struct tlog_err *err);
enum tlog_rc sql_each_key(struct store *s, const struct store_name_walk *walk,
                          struct tlog_err *err);
enum tlog_rc sql_each_tag(struct store *s, const struct store_name_walk *walk,
                          struct tlog_err *err);

#endif
