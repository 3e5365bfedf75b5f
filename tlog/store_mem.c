/* store_mem.c - store.h in memory, for tests and for logs that need not last.
 *
 * All connections share one set of arrays.  A transaction holds the write lock
 * and remembers how long the arrays were; rolling back cuts them.  Keys and tags
 * are found by walking: this store is small. */
#include "tlog/store.h"

#include <pthread.h>
#include <stdlib.h>

struct row {
    uint64_t first;
    uint8_t *data, *ck;
    size_t data_n, ck_n;
};

struct tile_row {
    uint64_t seq;
    struct tlog_hash root;
    uint8_t nodes[TILE_STORED];
};

struct name { /* a key (with its leaf) or a tag */
    uint8_t b[TLOG_KEY_MAX];
    size_t n;
    struct store_key at;
};

struct list {
    void *p;
    size_t n, room, size; /* elements, and bytes of one */
};

enum { ROWS, TILES, KEYS, TAGS, LISTS };

struct mem {
    pthread_mutex_t lock;    /* of the arrays */
    pthread_mutex_t writing; /* of the one transaction */
    size_t users;
    bool there;
    struct store_info info;
    struct list list[LISTS];
};

struct mem_store {
    struct store store;
    struct mem *mem;
    bool in_transaction;
    size_t begun[LISTS], marked[LISTS];
};

static struct mem *mem_of(struct store *s) { return ((struct mem_store *)s)->mem; }

static void *at(const struct list *l, size_t i) { return (uint8_t *)l->p + i * l->size; }

/* Appends a copy of one element. */
static enum tlog_rc push(struct list *l, const void *element)
{
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 16;
        void *p = realloc(l->p, room * l->size);
        if (!p) return TLOG_NOMEM;
        l->p = p;
        l->room = room;
    }
    qr_copy(at(l, l->n), element, l->size);
    l->n++;
    return TLOG_OK;
}

/* The lock is held. */
static void cut(struct mem *m, const size_t to[LISTS])
{
    struct list *rows = &m->list[ROWS];
    for (size_t i = to[ROWS]; i < rows->n; i++) {
        struct row *r = at(rows, i);
        free(r->data);
        free(r->ck);
    }
    for (size_t k = 0; k < LISTS; k++) m->list[k].n = to[k];
}

static void note_lengths(const struct mem *m, size_t out[LISTS])
{
    for (size_t k = 0; k < LISTS; k++) out[k] = m->list[k].n;
}

static enum tlog_rc mem_begin(struct store *s, struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)err;
    (void)pthread_mutex_lock(&m->writing);
    ((struct mem_store *)s)->in_transaction = true;
    note_lengths(m, ((struct mem_store *)s)->begun);
    return TLOG_OK;
}

static enum tlog_rc mem_commit(struct store *s, struct tlog_err *err)
{
    (void)err;
    ((struct mem_store *)s)->in_transaction = false;
    (void)pthread_mutex_unlock(&mem_of(s)->writing);
    return TLOG_OK;
}

static void mem_rollback(struct store *s)
{
    struct mem *m = mem_of(s);
    if (!((struct mem_store *)s)->in_transaction) return;
    (void)pthread_mutex_lock(&m->lock);
    cut(m, ((struct mem_store *)s)->begun);
    (void)pthread_mutex_unlock(&m->lock);
    (void)mem_commit(s, NULL);
}

static enum tlog_rc mem_mark(struct store *s, struct tlog_err *err)
{
    (void)err;
    note_lengths(mem_of(s), ((struct mem_store *)s)->marked);
    return TLOG_OK;
}

static enum tlog_rc mem_unmark(struct store *s, bool keep, struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)err;
    (void)pthread_mutex_lock(&m->lock);
    if (!keep) cut(m, ((struct mem_store *)s)->marked);
    (void)pthread_mutex_unlock(&m->lock);
    return TLOG_OK;
}

static enum tlog_rc mem_info(struct store *s, struct store_info *out, struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)pthread_mutex_lock(&m->lock);
    bool there = m->there;
    *out = m->info;
    (void)pthread_mutex_unlock(&m->lock);
    return there ? TLOG_OK : fail_with(err, TLOG_NOTFOUND, "there is no log");
}

static enum tlog_rc mem_add_log(struct store *s, const struct store_info *in, struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)err;
    (void)pthread_mutex_lock(&m->lock);
    m->info = *in;
    m->there = true;
    (void)pthread_mutex_unlock(&m->lock);
    return TLOG_OK;
}

static enum tlog_rc mem_put_info(struct store *s, const struct store_info *in, struct tlog_err *err)
{
    return mem_add_log(s, in, err);
}

static uint8_t *copy_of(struct qr_bytes b)
{
    uint8_t *p = malloc(b.n + 1);
    if (p) qr_copy(p, b.p, b.n);
    return p;
}

static enum tlog_rc mem_put_row(struct store *s, const struct store_row *row, struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    struct row r = {row->first, copy_of(qr_buf_bytes(&row->data)), copy_of(qr_buf_bytes(&row->ck)),
                    row->data.n, row->ck.n};
    enum tlog_rc rc = TLOG_NOMEM;
    (void)pthread_mutex_lock(&m->lock);
    if (r.data && r.ck) rc = push(&m->list[ROWS], &r);
    (void)pthread_mutex_unlock(&m->lock);
    if (rc == TLOG_OK) return rc;
    free(r.data);
    free(r.ck);
    return fail_with(err, rc, "out of memory");
}

static enum tlog_rc mem_get_row(struct store *s, uint64_t index, struct store_row *out,
                                struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)err;
    (void)pthread_mutex_lock(&m->lock);
    const struct list *l = &m->list[ROWS];
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (((struct row *)at(l, mid))->first <= index)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo > 0) {
        const struct row *r = at(l, lo - 1);
        out->first = r->first;
        qr_buf_reset(&out->data);
        qr_buf_reset(&out->ck);
        qr_buf_put(&out->data, r->data, r->data_n);
        qr_buf_put(&out->ck, r->ck, r->ck_n);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return lo > 0 ? TLOG_OK : TLOG_NOTFOUND;
}

static enum tlog_rc mem_put_tile(struct store *s, uint64_t seq, const struct tlog_hash *root,
                                 const uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    struct tile_row t = {.seq = seq, .root = *root};
    qr_copy(t.nodes, nodes, TILE_STORED);
    (void)pthread_mutex_lock(&m->lock);
    enum tlog_rc rc = push(&m->list[TILES], &t);
    (void)pthread_mutex_unlock(&m->lock);
    return rc == TLOG_OK ? rc : fail_with(err, rc, "out of memory");
}

/* Tiles are put in the order of their numbers, without gaps. */
static enum tlog_rc mem_get_tile(struct store *s, uint64_t seq, struct tlog_hash *root,
                                 uint8_t nodes[TILE_STORED], struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)err;
    (void)pthread_mutex_lock(&m->lock);
    bool found = seq < m->list[TILES].n;
    if (found) {
        const struct tile_row *t = at(&m->list[TILES], (size_t)seq);
        *root = t->root;
        if (nodes) qr_copy(nodes, t->nodes, TILE_STORED);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return found ? TLOG_OK : TLOG_NOTFOUND;
}

static enum tlog_rc mem_read_tile(struct store *s, uint64_t seq, unsigned part,
                                  uint8_t out[TWIG_STORED], struct tlog_err *err)
{
    uint8_t nodes[TILE_STORED];
    struct tlog_hash root;
    TLOG_TRY(mem_get_tile(s, seq, &root, nodes, err));
    qr_copy(out, nodes + (size_t)part * TWIG_STORED, TWIG_STORED);
    return TLOG_OK;
}

static void mem_rest(struct store *s) { (void)s; }

/* Leaf hashes are found by walking the tiles: this store is small. */
static enum tlog_rc mem_put_part(struct store *s, uint64_t part, struct qr_bytes hashes,
                                 struct tlog_err *err)
{
    (void)s;
    (void)part;
    (void)hashes;
    (void)err;
    return TLOG_OK;
}

static enum tlog_rc mem_get_part(struct store *s, uint64_t part, struct qr_buf *out,
                                 struct tlog_err *err)
{
    (void)s;
    (void)part;
    (void)out;
    (void)err;
    return TLOG_NOTFOUND;
}

static enum tlog_rc mem_clear_parts(struct store *s, uint64_t from, uint64_t to,
                                    struct tlog_err *err)
{
    (void)s;
    (void)from;
    (void)to;
    (void)err;
    return TLOG_OK;
}

static enum tlog_rc mem_count_parts(struct store *s, uint64_t *out, struct tlog_err *err)
{
    (void)s;
    (void)err;
    *out = 0;
    return TLOG_OK;
}

static enum tlog_rc put_name(struct store *s, int list, struct qr_bytes b,
                             const struct store_key *where, struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    struct name n = {.n = b.n, .at = *where};
    qr_copy(n.b, b.p, b.n);
    (void)pthread_mutex_lock(&m->lock);
    enum tlog_rc rc = push(&m->list[list], &n);
    (void)pthread_mutex_unlock(&m->lock);
    return rc == TLOG_OK ? rc : fail_with(err, rc, "out of memory");
}

static enum tlog_rc mem_put_key(struct store *s, struct qr_bytes key, const struct store_key *where,
                                struct tlog_err *err)
{
    return put_name(s, KEYS, key, where, err);
}

static enum tlog_rc mem_put_tag(struct store *s, struct qr_bytes tag, uint64_t index,
                                struct tlog_err *err)
{
    return put_name(s, TAGS, tag, &(struct store_key){.index = index}, err);
}

static bool is_name(const struct name *n, struct qr_bytes b)
{
    return qr_bytes_equal(QR_BYTES(n->b, n->n), b);
}

static enum tlog_rc mem_get_key(struct store *s, struct qr_bytes key, struct store_key *out,
                                struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)err;
    bool found = false;
    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->list[KEYS].n && !found; i++) {
        const struct name *n = at(&m->list[KEYS], i);
        found = is_name(n, key);
        if (found) *out = n->at;
    }
    (void)pthread_mutex_unlock(&m->lock);
    return found ? TLOG_OK : TLOG_NOTFOUND;
}

static enum tlog_rc mem_find_tag(struct store *s, struct qr_bytes tag, uint64_t from,
                                 uint64_t *indexes, size_t *n, struct tlog_err *err)
{
    struct mem *m = mem_of(s);
    (void)err;
    size_t got = 0;
    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->list[TAGS].n && got < *n; i++) {
        const struct name *t = at(&m->list[TAGS], i);
        bool again = got > 0 && indexes[got - 1] == t->at.index;
        if (is_name(t, tag) && t->at.index >= from && !again) indexes[got++] = t->at.index;
    }
    (void)pthread_mutex_unlock(&m->lock);
    *n = got;
    return TLOG_OK;
}

static unsigned mem_frames(const struct store *s)
{
    (void)s;
    return 0;
}

static enum tlog_rc mem_tidy(struct store *s, unsigned *moved, struct tlog_err *err)
{
    (void)s;
    (void)err;
    *moved = 0;
    return TLOG_OK;
}

/* Memory has no damage of its own. */
static enum tlog_rc mem_check(struct store *s, const struct store_finder *to, struct tlog_err *err)
{
    (void)s;
    (void)to;
    (void)err;
    return TLOG_OK;
}

static enum tlog_rc each_name(struct store *s, int list, const struct store_name_walk *walk)
{
    struct mem *m = mem_of(s);
    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->list[list].n; i++) {
        const struct name *n = at(&m->list[list], i);
        struct store_name name = {QR_BYTES(n->b, n->n), n->at, true};
        walk->each(walk->ctx, &name);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return TLOG_OK;
}

static enum tlog_rc mem_each_key(struct store *s, const struct store_name_walk *walk,
                                 struct tlog_err *err)
{
    (void)err;
    return each_name(s, KEYS, walk);
}

static enum tlog_rc mem_each_tag(struct store *s, const struct store_name_walk *walk,
                                 struct tlog_err *err)
{
    (void)err;
    return each_name(s, TAGS, walk);
}

static void mem_close(struct store *s)
{
    struct mem *m = mem_of(s);
    (void)pthread_mutex_lock(&m->lock);
    bool last = --m->users == 0;
    (void)pthread_mutex_unlock(&m->lock);
    free(s);
    if (!last) return;
    cut(m, (size_t[LISTS]){0});
    for (size_t k = 0; k < LISTS; k++) free(m->list[k].p);
    (void)pthread_mutex_destroy(&m->lock);
    (void)pthread_mutex_destroy(&m->writing);
    free(m);
}

static enum tlog_rc mem_another(struct store *s, struct store **out, struct tlog_err *err);

static const struct store_ops ops = {
    .close = mem_close,
    .another = mem_another,
    .begin = mem_begin,
    .commit = mem_commit,
    .rollback = mem_rollback,
    .mark = mem_mark,
    .unmark = mem_unmark,
    .info = mem_info,
    .add_log = mem_add_log,
    .put_info = mem_put_info,
    .put_row = mem_put_row,
    .get_row = mem_get_row,
    .put_tile = mem_put_tile,
    .get_tile = mem_get_tile,
    .read_tile = mem_read_tile,
    .rest = mem_rest,
    .put_part = mem_put_part,
    .get_part = mem_get_part,
    .clear_parts = mem_clear_parts,
    .count_parts = mem_count_parts,
    .put_key = mem_put_key,
    .get_key = mem_get_key,
    .put_tag = mem_put_tag,
    .find_tag = mem_find_tag,
    .frames = mem_frames,
    .tidy = mem_tidy,
    .check = mem_check,
    .each_key = mem_each_key,
    .each_tag = mem_each_tag,
};

static enum tlog_rc connect_to(struct mem *m, struct store **out, struct tlog_err *err)
{
    struct mem_store *s = calloc(1, sizeof *s);
    if (!s) return fail_with(err, TLOG_NOMEM, "out of memory");
    s->store.ops = &ops;
    s->mem = m;
    (void)pthread_mutex_lock(&m->lock);
    m->users++;
    (void)pthread_mutex_unlock(&m->lock);
    *out = &s->store;
    return TLOG_OK;
}

static enum tlog_rc mem_another(struct store *s, struct store **out, struct tlog_err *err)
{
    return connect_to(mem_of(s), out, err);
}

enum tlog_rc store_mem_open(struct store **out, struct tlog_err *err)
{
    struct mem *m = calloc(1, sizeof *m);
    if (!m) return fail_with(err, TLOG_NOMEM, "out of memory");
    static const size_t sizes[LISTS] = {sizeof(struct row), sizeof(struct tile_row),
                                        sizeof(struct name), sizeof(struct name)};
    for (size_t k = 0; k < LISTS; k++) m->list[k].size = sizes[k];
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_mutex_init(&m->writing, NULL);
    enum tlog_rc rc = connect_to(m, out, err);
    if (rc != TLOG_OK) free(m);
    return rc;
}
