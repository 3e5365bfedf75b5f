/* store_sql_names.c - keys and tags: the names by which entries are found.
 *
 * No hash of the tree covers them, so each row has a checksum over itself and over
 * the name after it.  A search reads the row of the name, or else the last one
 * before it, and the row after that: their sums show that what is found is what
 * was written, and that nothing was written between two neighbours.  This finds
 * damage, not forgery: there is no secret in it. */
#include "tlog/store_sql.h"

#include <assert.h>
#include <stdlib.h>

struct row {
    uint8_t b[TLOG_KEY_MAX];
    size_t n;
    struct store_key at;
    uint8_t sum[SUM_SIZE];
    bool whole; /* its values have the right lengths */
};

/* Statements of a table; ?1 is the name, ?2 the index, ?3 how many after them. */
struct table {
    char kind;
    bool keys;
    enum statement near, all, put, sum;
};

static const struct table key_table = {'k', true, S_KEY_NEAR, S_KEY_ALL, S_KEY_PUT, S_KEY_SUM};
static const struct table tag_table = {'t', false, S_TAG_NEAR, S_TAG_ALL, S_TAG_PUT, S_TAG_SUM};

static const char damage[] = "a row of keys or tags is damaged";

static struct qr_bytes name_of(const struct row *r) { return QR_BYTES(r->b, r->n); }

static void set_name(struct row *r, struct qr_bytes name)
{
    assert(name.n <= sizeof r->b);
    qr_copy(r->b, name.p, name.n);
    r->n = name.n;
}

/* The row a statement stands on. */
static void read_row(sqlite3_stmt *st, const struct table *t, struct row *out)
{
    struct qr_bytes name = sql_column(st, 0), sum = sql_column(st, 2);
    *out = (struct row){.at = {.index = (uint64_t)sqlite3_column_int64(st, 1)}};
    out->whole = name.n <= sizeof out->b && sum.n == SUM_SIZE &&
                 (!t->keys || sql_column_hash(st, 3, &out->at.leaf));
    if (!out->whole) return;
    set_name(out, name);
    qr_copy(out->sum, sum.p, SUM_SIZE);
}

/* next: NULL at the end of the log's names. */
static void sum_of(const struct sqlite_store *s, const struct table *t, const struct row *r,
                   const struct row *next, uint8_t out[SUM_SIZE])
{
    struct sum sum = sum_begin(t->kind, s->log_id);
    sum_bytes(&sum, name_of(r));
    sum_u64(&sum, r->at.index);
    if (t->keys) sum_bytes(&sum, QR_BYTES_OF(r->at.leaf.b));
    if (next) sum_bytes(&sum, name_of(next));
    if (next && !t->keys) sum_u64(&sum, next->at.index);
    sum_end(&sum, out);
}

static bool sum_holds(const struct sqlite_store *s, const struct table *t, const struct row *r,
                      const struct row *next)
{
    uint8_t sum[SUM_SIZE];
    if (!r->whole || (next && !next->whole)) return false;
    sum_of(s, t, r, next, sum);
    return qr_bytes_equal(QR_BYTES_OF(sum), QR_BYTES_OF(r->sum));
}

/* In the order of the primary key. */
static int compare(const struct table *t, const struct row *a, const struct row *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    for (size_t i = 0; i < n; i++)
        if (a->b[i] != b->b[i]) return a->b[i] < b->b[i] ? -1 : 1;
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    if (t->keys || a->at.index == b->at.index) return 0;
    return a->at.index < b->at.index ? -1 : 1;
}

static void bind_name(sqlite3_stmt *st, const struct row *r)
{
    sql_bind_bytes(st, 1, name_of(r));
    sql_bind_u64(st, 2, r->at.index);
}

/* ---- searching ---- */

/* Neighbours, checked: before <= the name looked for < after. */
struct place {
    struct row before, after;
    bool last; /* there is none after */
};

static enum tlog_rc find_place(struct sqlite_store *s, const struct table *t,
                               const struct row *name, struct place *out, struct tlog_err *err)
{
    enum tlog_rc rc;
    sqlite3_stmt *st = sql_prepared(s, t->near, err, &rc);
    if (!st) return rc;
    bind_name(st, name);
    sql_bind_u64(st, 3, 1);
    rc = sql_one_row(s, st, err);
    if (rc == TLOG_NOTFOUND) return fail_with(err, TLOG_CORRUPT, "the first row of names is gone");
    if (rc != TLOG_OK) return rc;
    read_row(st, t, &out->before);
    int code = sqlite3_step(st);
    out->last = code != SQLITE_ROW;
    if (!out->last) read_row(st, t, &out->after);
    rc = sql_judge(s, code, err);
    bool whole = sum_holds(s, t, &out->before, out->last ? NULL : &out->after) &&
                 compare(t, &out->before, name) <= 0 &&
                 (out->last || compare(t, name, &out->after) < 0);
    enum tlog_rc end = sql_read_to_end(s, st, whole || rc != TLOG_OK, err, damage);
    return rc != TLOG_OK ? rc : end;
}

/* ---- writing ---- */

static enum tlog_rc write_sum(struct sqlite_store *s, const struct table *t, const struct row *r,
                              const struct row *next, struct tlog_err *err)
{
    enum tlog_rc rc;
    uint8_t sum[SUM_SIZE];
    sqlite3_stmt *st = sql_prepared(s, t->sum, err, &rc);
    if (!st) return rc;
    sum_of(s, t, r, next, sum);
    bind_name(st, r);
    sql_bind_bytes(st, 3, QR_BYTES_OF(sum));
    return sql_run(s, st, err);
}

static enum tlog_rc insert(struct sqlite_store *s, const struct table *t, const struct row *r,
                           const struct row *next, struct tlog_err *err)
{
    enum tlog_rc rc;
    uint8_t sum[SUM_SIZE];
    sqlite3_stmt *st = sql_prepared(s, t->put, err, &rc);
    if (!st) return rc;
    sum_of(s, t, r, next, sum);
    bind_name(st, r);
    sql_bind_bytes(st, 3, QR_BYTES_OF(sum));
    if (t->keys) sql_bind_bytes(st, 4, QR_BYTES_OF(r->at.leaf.b));
    return sql_run(s, st, err);
}

static bool stands_at(const struct table *t, const struct row *r, const struct place *p)
{
    return compare(t, &p->before, r) <= 0 && (p->last || compare(t, r, &p->after) < 0);
}

/* Between its neighbours, of which the first one's sum changes.  A name that is
 * there already stays as it is. */
static enum tlog_rc put(struct sqlite_store *s, const struct table *t, const struct row *r,
                        struct tlog_err *err)
{
    struct place p;
    bool known = t->keys && s->key_place_holds && stands_at(t, r, s->key_place);
    if (known) p = *s->key_place;
    s->key_place_holds = false;
    if (!known) TLOG_TRY(find_place(s, t, r, &p, err));
    if (compare(t, &p.before, r) == 0) return TLOG_OK;
    TLOG_TRY(insert(s, t, r, p.last ? NULL : &p.after, err));
    return write_sum(s, t, &p.before, r, err);
}

enum tlog_rc sql_begin_names(struct sqlite_store *s, struct tlog_err *err)
{
    struct row none = {.n = 0};
    TLOG_TRY(insert(s, &key_table, &none, NULL, err));
    return insert(s, &tag_table, &none, NULL, err);
}

enum tlog_rc sql_put_key(struct store *s, struct qr_bytes key, const struct store_key *at,
                         struct tlog_err *err)
{
    struct row r = {.at = *at};
    set_name(&r, key);
    return put(sql_of(s), &key_table, &r, err);
}

enum tlog_rc sql_put_tag(struct store *s, struct qr_bytes tag, uint64_t index, struct tlog_err *err)
{
    struct row r = {.at = {.index = index}};
    set_name(&r, tag);
    return put(sql_of(s), &tag_table, &r, err);
}

/* ---- reading ---- */

enum tlog_rc sql_get_key(struct store *base, struct qr_bytes key, struct store_key *out,
                         struct tlog_err *err)
{
    struct sqlite_store *s = sql_of(base);
    struct row r = {.n = 0};
    set_name(&r, key);
    if (!s->key_place) s->key_place = malloc(sizeof *s->key_place);
    if (!s->key_place) return fail_with(err, TLOG_NOMEM, "out of memory");
    s->key_place_holds = false;
    TLOG_TRY(find_place(s, &key_table, &r, s->key_place, err));
    s->key_place_holds = true;
    if (compare(&key_table, &s->key_place->before, &r) != 0) return TLOG_NOTFOUND;
    *out = s->key_place->before.at;
    return TLOG_OK;
}

/* Rows from the one before on, each under its own sum. */
static bool collect(struct sqlite_store *s, sqlite3_stmt *st, const struct row *name,
                    uint64_t *indexes, size_t *n)
{
    struct row row, next;
    size_t room = *n;
    bool more = sqlite3_step(st) == SQLITE_ROW;
    *n = 0;
    if (more) read_row(st, &tag_table, &row);
    if (!more || compare(&tag_table, &row, name) > 0) return false;
    while (more && *n < room) {
        more = sqlite3_step(st) == SQLITE_ROW;
        if (more) read_row(st, &tag_table, &next);
        if (!sum_holds(s, &tag_table, &row, more ? &next : NULL)) return false;
        if (qr_bytes_equal(name_of(&row), name_of(name)) && row.at.index >= name->at.index)
            indexes[(*n)++] = row.at.index;
        more = more && qr_bytes_equal(name_of(&next), name_of(name));
        row = next;
    }
    return true;
}

enum tlog_rc sql_find_tag(struct store *base, struct qr_bytes tag, uint64_t from, uint64_t *indexes,
                          size_t *n, struct tlog_err *err)
{
    enum tlog_rc rc;
    struct sqlite_store *s = sql_of(base);
    struct row name = {.at = {.index = from}};
    sqlite3_stmt *st = sql_prepared(s, S_TAG_NEAR, err, &rc);
    if (!st) return rc;
    set_name(&name, tag);
    bind_name(st, &name);
    sql_bind_u64(st, 3, *n < INT64_MAX ? *n + 1 : INT64_MAX);
    bool whole = collect(s, st, &name, indexes, n);
    rc = sql_judge(s, sqlite3_errcode(s->db), err);
    enum tlog_rc end = sql_read_to_end(s, st, whole || rc != TLOG_OK, err, damage);
    return rc != TLOG_OK ? rc : end;
}

/* ---- all of them ---- */

static void show(const struct store_name_walk *walk, const struct row *r, bool whole)
{
    struct store_name name = {.name = name_of(r), .at = r->at, .whole = whole};
    /* The row before all names is nobody's. */
    if (r->n > 0 || !whole) walk->each(walk->ctx, &name);
}

static enum tlog_rc each(struct sqlite_store *s, const struct table *t,
                         const struct store_name_walk *walk, struct tlog_err *err)
{
    enum tlog_rc rc;
    struct row before = {.n = 0}, row;
    bool begun = false;
    int code;
    sqlite3_stmt *st = sql_prepared(s, t->all, err, &rc);
    if (!st) return rc;
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
        read_row(st, t, &row);
        if (begun)
            show(walk, &before, sum_holds(s, t, &before, &row) && compare(t, &before, &row) < 0);
        else if (row.n > 0 || !row.whole)
            show(walk, &before, false);
        begun = true;
        before = row;
    }
    rc = sql_judge(s, code, err);
    sql_done(st);
    if (rc == TLOG_OK) show(walk, &before, begun && sum_holds(s, t, &before, NULL));
    return rc;
}

enum tlog_rc sql_each_key(struct store *s, const struct store_name_walk *walk, struct tlog_err *err)
{
    return each(sql_of(s), &key_table, walk, err);
}

enum tlog_rc sql_each_tag(struct store *s, const struct store_name_walk *walk, struct tlog_err *err)
{
    return each(sql_of(s), &tag_table, walk, err);
}

/* ---- a table without sums ---- */

enum { AT_ONCE = 256 };

/* Rows from name on; *n of them. */
static enum tlog_rc read_some(struct sqlite_store *s, const struct table *t, const struct row *from,
                              struct row row[AT_ONCE], size_t *n, struct tlog_err *err)
{
    enum tlog_rc rc;
    bool whole = true;
    int code = SQLITE_DONE;
    sqlite3_stmt *st = sql_prepared(s, t->near, err, &rc);
    if (!st) return rc;
    bind_name(st, from);
    sql_bind_u64(st, 3, AT_ONCE - 1);
    for (*n = 0; *n < AT_ONCE && whole && (code = sqlite3_step(st)) == SQLITE_ROW; ++*n) {
        read_row(st, t, &row[*n]);
        whole = row[*n].whole;
    }
    rc = sql_judge(s, code, err);
    enum tlog_rc end = sql_read_to_end(s, st, whole || rc != TLOG_OK, err, damage);
    return rc != TLOG_OK ? rc : end;
}

static enum tlog_rc sum_table(struct sqlite_store *s, const struct table *t, struct tlog_err *err)
{
    struct row row[AT_ONCE] = {{.n = 0}};
    size_t n = 0;
    do {
        TLOG_TRY(read_some(s, t, &row[n ? n - 1 : 0], row, &n, err));
        for (size_t i = 0; i + 1 < n; i++) TLOG_TRY(write_sum(s, t, &row[i], &row[i + 1], err));
    } while (n == AT_ONCE);
    return n > 0 ? write_sum(s, t, &row[n - 1], NULL, err) : TLOG_OK;
}

enum tlog_rc sql_sum_names(struct sqlite_store *s, struct tlog_err *err)
{
    TLOG_TRY(sum_table(s, &key_table, err));
    return sum_table(s, &tag_table, err);
}
