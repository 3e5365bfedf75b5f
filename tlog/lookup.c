/* lookup.c - which entry has a leaf hash.
 *
 * When a tile of level 1 is full, its 65536 leaf hashes are sorted and written
 * once, cut by their first byte into 256 rows at the right edge of a table: never
 * a tree that random keys are put into.  What is not in such a tile yet is found by
 * walking tiles, and so is what belongs to a part that is damaged.  The index can
 * be made again from the tiles at any time, and every hit is compared with the
 * verified leaf. */
#include "tlog/log.h"

#include <stdlib.h>

#define RUN LOOKUP_RUN
#define BUCKETS LOOKUP_PARTS
#define PREFIX 8
#define ITEM (PREFIX + 2)

struct item {
    uint64_t prefix; /* bytes 1 to 8 of the hash */
    uint16_t leaf;
    uint8_t bucket; /* byte 0 */
};

static int by_hash(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->bucket != y->bucket) return x->bucket < y->bucket ? -1 : 1;
    if (x->prefix != y->prefix) return x->prefix < y->prefix ? -1 : 1;
    return x->leaf < y->leaf ? -1 : x->leaf > y->leaf;
}

static struct item item_of(const uint8_t *hash, size_t leaf)
{
    return (struct item){qr_get_be64(hash + 1), (uint16_t)leaf, hash[0]};
}

static enum tlog_rc read_items(struct store *s, uint64_t tile, struct item *item,
                               struct tlog_err *err)
{
    struct tlog_hash root;
    uint8_t nodes[TILE_STORED];
    for (unsigned t = 0; t < TILE_WIDTH; t++) {
        struct tile_id id = {0, tile * TILE_WIDTH + t};
        TLOG_TRY(s->ops->get_tile(s, tile_seq(id), &root, nodes, err));
        for (size_t i = 0; i < TILE_WIDTH; i++)
            item[t * TILE_WIDTH + i] = item_of(nodes + i * TLOG_HASH_SIZE, t * TILE_WIDTH + i);
    }
    return TLOG_OK;
}

/* Items of one bucket, from *at on, as they are stored. */
static void put_bucket(const struct item *item, uint8_t bucket, size_t *at, struct qr_buf *out)
{
    qr_buf_reset(out);
    for (; *at < RUN && item[*at].bucket == bucket; ++*at) {
        qr_buf_put_be64(out, item[*at].prefix);
        qr_buf_put_be16(out, item[*at].leaf);
    }
}

static enum tlog_rc write_buckets(struct store *s, uint64_t tile, const struct item *item,
                                  struct tlog_err *err)
{
    struct qr_buf b;
    enum tlog_rc rc = TLOG_OK;
    size_t at = 0;
    qr_buf_init(&b, RUN * ITEM);
    for (unsigned k = 0; k < BUCKETS && rc == TLOG_OK; k++) {
        put_bucket(item, (uint8_t)k, &at, &b);
        rc = qr_buf_ok(&b) == QR_OK ? s->ops->put_part(s, tile * BUCKETS + k, qr_buf_bytes(&b), err)
                                    : fail_with(err, TLOG_NOMEM, "out of memory");
    }
    qr_buf_fini(&b);
    return rc;
}

enum tlog_rc lookup_write(struct store *s, uint64_t tile, struct tlog_err *err)
{
    struct item *item = calloc(RUN, sizeof *item);
    if (!item) return fail_with(err, TLOG_NOMEM, "out of memory");
    enum tlog_rc rc = read_items(s, tile, item, err);
    if (rc == TLOG_OK) {
        qsort(item, RUN, sizeof *item, by_hash);
        rc = write_buckets(s, tile, item, err);
    }
    free(item);
    return rc;
}

/* ---- making it again ---- */

static enum tlog_rc write_again(struct store *s, uint64_t tile, struct tlog_err *err)
{
    TLOG_TRY(s->ops->begin(s, err));
    enum tlog_rc rc = s->ops->clear_parts(s, tile * BUCKETS, tile * BUCKETS + BUCKETS - 1, err);
    if (rc == TLOG_OK) rc = lookup_write(s, tile, err);
    if (rc == TLOG_OK) rc = s->ops->commit(s, err);
    if (rc != TLOG_OK) s->ops->rollback(s);
    return rc;
}

static enum tlog_rc clear_all(struct store *s, struct tlog_err *err)
{
    TLOG_TRY(s->ops->begin(s, err));
    enum tlog_rc rc = s->ops->clear_parts(s, 0, UINT64_MAX, err);
    if (rc == TLOG_OK) rc = s->ops->commit(s, err);
    if (rc != TLOG_OK) s->ops->rollback(s);
    return rc;
}

/* Tiles are indexed in order, so what is missing is at the end. */
static enum tlog_rc count_indexed(struct store *s, uint64_t tiles, uint64_t *out,
                                  struct tlog_err *err)
{
    struct qr_buf b;
    enum tlog_rc rc = TLOG_NOTFOUND;
    qr_buf_init(&b, RUN * ITEM);
    for (*out = tiles; *out > 0; --*out) {
        rc = s->ops->get_part(s, *out * BUCKETS - 1, &b, err);
        if (rc != TLOG_NOTFOUND && rc != TLOG_CORRUPT) break;
    }
    qr_buf_fini(&b);
    return rc == TLOG_NOTFOUND || rc == TLOG_CORRUPT ? TLOG_OK : rc;
}

enum tlog_rc lookup_complete(struct store *s, uint64_t size, bool anew, struct tlog_err *err)
{
    uint64_t tile = 0;
    if (anew)
        TLOG_TRY(clear_all(s, err));
    else
        TLOG_TRY(count_indexed(s, size / RUN, &tile, err));
    for (; tile < size / RUN; tile++) TLOG_TRY(write_again(s, tile, err));
    return TLOG_OK;
}

/* ---- comparing it ---- */

static enum tlog_rc compare_buckets(struct store *s, uint64_t tile, const struct item *item,
                                    uint64_t bad[LOOKUP_PARTS], size_t *n)
{
    struct qr_buf must, is;
    enum tlog_rc rc = TLOG_OK;
    size_t at = 0;
    qr_buf_init(&must, RUN * ITEM);
    qr_buf_init(&is, RUN * ITEM);
    for (unsigned k = 0; k < BUCKETS && rc != TLOG_NOMEM && rc != TLOG_BUSY; k++) {
        put_bucket(item, (uint8_t)k, &at, &must);
        rc = qr_buf_ok(&must) == QR_OK ? s->ops->get_part(s, tile * BUCKETS + k, &is, NULL)
                                       : TLOG_NOMEM;
        if (rc != TLOG_OK || !qr_bytes_equal(qr_buf_bytes(&is), qr_buf_bytes(&must)))
            bad[(*n)++] = tile * BUCKETS + k;
    }
    qr_buf_fini(&is);
    qr_buf_fini(&must);
    return rc == TLOG_NOMEM || rc == TLOG_BUSY ? rc : TLOG_OK;
}

enum tlog_rc lookup_compare(struct store *s, uint64_t tile, const struct tlog_hash leaf[LOOKUP_RUN],
                            uint64_t bad[LOOKUP_PARTS], size_t *n)
{
    struct item *item = calloc(RUN, sizeof *item);
    *n = 0;
    if (!item) return TLOG_NOMEM;
    for (size_t i = 0; i < RUN; i++) item[i] = item_of(leaf[i].b, i);
    qsort(item, RUN, sizeof *item, by_hash);
    enum tlog_rc rc = compare_buckets(s, tile, item, bad, n);
    free(item);
    return rc;
}

/* ---- finding ---- */

struct search {
    struct tlog_log *log;
    struct reader *r;
    const struct tlog_hash *leaf;
    uint64_t size;
    uint64_t index; /* where it is */
};

/* TLOG_OK: entry index has the hash; TLOG_NOTFOUND: it has another. */
static enum tlog_rc compare(struct search *f, uint64_t index, struct tlog_err *err)
{
    struct tlog_hash is;
    TLOG_TRY(node_read(f->log, f->r, &(struct tlog_node){index, 0}, &is, err));
    f->index = index;
    return tlog_hash_equal(&is, f->leaf) ? TLOG_OK : TLOG_NOTFOUND;
}

/* The first item of a bucket that is not less. */
static size_t lower_bound(struct qr_bytes b, uint64_t prefix)
{
    size_t lo = 0, hi = b.n / ITEM;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (qr_get_be64(b.p + mid * ITEM) < prefix)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static enum tlog_rc walk(struct search *f, uint64_t from, uint64_t to, struct tlog_err *err)
{
    enum tlog_rc rc = TLOG_NOTFOUND;
    for (uint64_t i = from; i < to && rc == TLOG_NOTFOUND; i++) rc = compare(f, i, err);
    return rc;
}

/* In the leaves of one full tile of level 1. */
static enum tlog_rc search_run(struct search *f, uint64_t tile, struct qr_buf *buf,
                               struct tlog_err *err)
{
    uint64_t first = tile * RUN, prefix = qr_get_be64(f->leaf->b + 1);
    enum tlog_rc rc = f->r->s->ops->get_part(f->r->s, tile * BUCKETS + f->leaf->b[0], buf, err);
    /* A part that is missing or damaged costs time, nothing else. */
    if (rc == TLOG_NOTFOUND || rc == TLOG_CORRUPT) return walk(f, first, first + RUN, err);
    if (rc != TLOG_OK) return rc;
    struct qr_bytes b = qr_buf_bytes(buf);
    rc = TLOG_NOTFOUND;
    for (size_t i = lower_bound(b, prefix); i < b.n / ITEM && rc == TLOG_NOTFOUND; i++) {
        if (qr_get_be64(b.p + i * ITEM) != prefix) break;
        rc = compare(f, first + qr_get_be16(b.p + i * ITEM + PREFIX), err);
    }
    return rc;
}

enum tlog_rc tlog_find_hash(struct tlog_log *log, const struct tlog_hash *leaf, uint64_t *index,
                            struct tlog_err *err)
{
    struct tlog_signed head;
    struct search f = {.log = log, .leaf = leaf};
    struct qr_buf buf;
    if (!log->lookup) return fail_with(err, TLOG_STATE, "the log keeps no index of hashes");
    tlog_latest(log, &head);
    f.size = head.head.size;
    TLOG_TRY(reader_take(log, &f.r, err));
    qr_buf_init(&buf, 1 << 20);
    enum tlog_rc rc = TLOG_NOTFOUND;
    for (uint64_t t = 0; t < f.size / RUN && rc == TLOG_NOTFOUND; t++)
        rc = search_run(&f, t, &buf, err);
    if (rc == TLOG_NOTFOUND) rc = walk(&f, f.size - f.size % RUN, f.size, err);
    qr_buf_fini(&buf);
    reader_give(log, f.r);
    if (rc == TLOG_OK) *index = f.index;
    return rc == TLOG_NOTFOUND ? fail_with(err, rc, "no entry has this hash") : rc;
}
