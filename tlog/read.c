/* read.c - what callers read of the published tree: roots, proofs, tiles, entries,
 * keys and tags.  Nodes come verified from node.c; entries are hashed here and
 * compared with their leaf. */
#include "tlog/log.h"

#include <assert.h>
#include <stdlib.h>

void tlog_latest(struct tlog_log *log, struct tlog_signed *out)
{
    assert(log->magic == LOG_MAGIC);
    (void)pthread_mutex_lock(&log->lock);
    *out = log->head;
    (void)pthread_mutex_unlock(&log->lock);
}

/* The published head; TLOG_RANGE when it is smaller than size. */
static enum tlog_rc published(struct tlog_log *log, uint64_t size, struct tlog_head *out,
                              struct tlog_err *err)
{
    assert(log->magic == LOG_MAGIC);
    (void)pthread_mutex_lock(&log->lock);
    *out = log->head.head;
    (void)pthread_mutex_unlock(&log->lock);
    if (size <= out->size) return TLOG_OK;
    return fail_with(err, TLOG_RANGE, "the log has %llu entries", (unsigned long long)out->size);
}

/* Takes a connection, reads the plan, gives the connection back. */
static enum tlog_rc plan_with_reader(struct tlog_log *log, const struct tlog_plan *plan,
                                     struct tlog_hash *out, struct tlog_err *err)
{
    struct reader *s;
    TLOG_TRY(reader_take(log, &s, err));
    enum tlog_rc rc = plan_read(log, s, plan, out, err);
    reader_give(log, s);
    return rc;
}

static enum tlog_rc proof_with_reader(struct tlog_log *log, const struct tlog_plan *plan,
                                      uint64_t size, struct tlog_proof *out, struct tlog_err *err)
{
    struct reader *r;
    TLOG_TRY(reader_take(log, &r, err));
    enum tlog_rc rc = proof_read(log, r, plan, size, out, err);
    reader_give(log, r);
    return rc;
}

enum tlog_rc tlog_root_at(struct tlog_log *log, uint64_t size, struct tlog_hash *out,
                          struct tlog_err *err)
{
    struct tlog_head head;
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    TLOG_TRY(published(log, size, &head, err));
    tlog_root_plan(size, &plan);
    TLOG_TRY(plan_with_reader(log, &plan, read, err));
    tlog_plan_root(&plan, read, out);
    return TLOG_OK;
}

enum tlog_rc tlog_leaf_at(struct tlog_log *log, uint64_t index, struct tlog_hash *out,
                          struct tlog_err *err)
{
    struct tlog_head head;
    struct tlog_plan plan = {.n = 1, .node = {{index, 0}}};
    if (index == UINT64_MAX) return fail_with(err, TLOG_RANGE, "no such entry");
    TLOG_TRY(published(log, index + 1, &head, err));
    return plan_with_reader(log, &plan, out, err);
}

enum tlog_rc tlog_inclusion(struct tlog_log *log, uint64_t index, uint64_t size,
                            struct tlog_proof *out, struct tlog_err *err)
{
    struct tlog_head head;
    struct tlog_plan plan;
    TLOG_TRY(published(log, size, &head, err));
    if (tlog_inclusion_plan(index, size, &plan) != TLOG_OK)
        return fail_with(err, TLOG_RANGE, "a tree of size %llu has no entry %llu",
                         (unsigned long long)size, (unsigned long long)index);
    return proof_with_reader(log, &plan, size, out, err);
}

enum tlog_rc tlog_consistency(struct tlog_log *log, uint64_t earlier, uint64_t later,
                              struct tlog_proof *out, struct tlog_err *err)
{
    struct tlog_head head;
    struct tlog_plan plan;
    TLOG_TRY(published(log, later, &head, err));
    if (tlog_consistency_plan(earlier, later, &plan) != TLOG_OK)
        return fail_with(err, TLOG_RANGE, "the earlier tree is larger than the later");
    return proof_with_reader(log, &plan, later, out, err);
}

enum tlog_rc tlog_tile(struct tlog_log *log, const struct tlog_node *tile, size_t width,
                       struct tlog_hash *out, struct tlog_err *err)
{
    struct tlog_head head;
    struct reader *s;
    if (width == 0 || width > TILE_WIDTH) return fail_with(err, TLOG_RANGE, "no such width");
    TLOG_TRY(published(log, 0, &head, err));
    uint64_t hashes = tile->level < TILE_LEVELS ? head.size >> (TILE_HEIGHT * tile->level) : 0;
    if (tile->index > hashes / TILE_WIDTH || hashes - tile->index * TILE_WIDTH < width)
        return fail_with(err, TLOG_NOTFOUND, "the tree has no such tile");
    TLOG_TRY(reader_take(log, &s, err));
    enum tlog_rc rc = TLOG_OK;
    for (size_t i = 0; i < width && rc == TLOG_OK; i++) {
        struct tlog_node node = {tile->index * TILE_WIDTH + i, tile->level * TILE_HEIGHT};
        rc = node_read(log, s, &node, &out[i], err);
    }
    reader_give(log, s);
    return rc;
}

/* ---- entries ---- */

/* Of groups: rows between rests. */
#define REST_ROWS 16

struct walk {
    struct tlog_log *log;
    struct reader *r;
    uint64_t at, to, rows;
    enum tlog_rc (*each)(void *ctx, uint64_t index, struct tlog_bytes entry);
    enum tlog_rc (*group)(void *ctx, const struct tlog_group *g); /* instead of each */
    void *ctx;
    struct tlog_bytes entry[TILE_WIDTH]; /* of a row, from index at on */
    struct tlog_hash leaf[TILE_WIDTH];
};

/* Entries of the row that belong to [at, to), hashed. */
static size_t take_row(struct walk *k, const struct store_row *row)
{
    struct row_walk w = row_walk_of(row);
    struct tlog_bytes entry;
    size_t n = 0;
    while (n < TILE_WIDTH && k->at + n < k->to && row_next(&w, &entry))
        if (w.index - 1 >= k->at + n) k->entry[n++] = entry;
    if (!k->group) tlog_leaf_hashes(k->entry, n, k->leaf);
    return n;
}

static enum tlog_rc not_appended(uint64_t index, struct tlog_err *err)
{
    return fail_with(err, TLOG_CORRUPT, "entry %llu is not what was appended",
                     (unsigned long long)index);
}

/* One row: verifies and shows its entries within [at, to). */
static enum tlog_rc walk_row(struct walk *k, const struct store_row *row, struct tlog_err *err)
{
    size_t n = take_row(k, row);
    if (k->group) {
        struct tlog_group g = {k->at, n, k->entry};
        k->at += n;
        if (++k->rows % REST_ROWS == 0) k->r->s->ops->rest(k->r->s);
        return n > 0 ? k->group(k->ctx, &g) : TLOG_OK;
    }
    for (size_t i = 0; i < n; i++) {
        struct tlog_hash must;
        TLOG_TRY(node_read(k->log, k->r, &(struct tlog_node){k->at + i, 0}, &must, err));
        if (!tlog_hash_equal(&k->leaf[i], &must)) return not_appended(k->at + i, err);
    }
    /* The caller may take its time. */
    k->r->s->ops->rest(k->r->s);
    for (size_t i = 0; i < n; i++, k->at++) TLOG_TRY(k->each(k->ctx, k->at, k->entry[i]));
    return TLOG_OK;
}

static enum tlog_rc walk_rows(struct walk *k, struct store_row *row, struct tlog_err *err)
{
    while (k->at < k->to) {
        uint64_t before = k->at;
        enum tlog_rc rc = k->r->s->ops->get_row(k->r->s, k->at, row, err);
        if (rc != TLOG_OK && rc != TLOG_NOTFOUND) return rc;
        if (rc == TLOG_OK) TLOG_TRY(walk_row(k, row, err));
        if (k->at == before)
            return fail_with(err, TLOG_CORRUPT, "entry %llu is missing",
                             (unsigned long long)before);
    }
    return TLOG_OK;
}

static enum tlog_rc walk_range(struct walk *k, struct tlog_err *err)
{
    struct tlog_head head;
    struct store_row row;
    TLOG_TRY(published(k->log, k->to, &head, err));
    if (k->at > k->to) return fail_with(err, TLOG_RANGE, "from lies after to");
    TLOG_TRY(reader_take(k->log, &k->r, err));
    store_row_init(&row);
    enum tlog_rc rc = walk_rows(k, &row, err);
    store_row_fini(&row);
    reader_give(k->log, k->r);
    return rc;
}

enum tlog_rc tlog_entries(struct tlog_log *log, uint64_t from, uint64_t to,
                          enum tlog_rc (*each)(void *ctx, uint64_t index, struct tlog_bytes entry),
                          void *ctx, struct tlog_err *err)
{
    struct walk k = {.log = log, .at = from, .to = to, .each = each, .ctx = ctx};
    return walk_range(&k, err);
}

enum tlog_rc tlog_groups(struct tlog_log *log, uint64_t from, uint64_t to,
                         enum tlog_rc (*each)(void *ctx, const struct tlog_group *g), void *ctx,
                         struct tlog_err *err)
{
    struct walk k = {.log = log, .at = from, .to = to, .group = each, .ctx = ctx};
    return walk_range(&k, err);
}

/* ---- audit ---- */

/* Leaf hashes of the entries [at, to) of one tile, from its rows. */
static enum tlog_rc hash_group(struct walk *k, struct store_row *row, struct tlog_hash *leaf,
                               struct tlog_err *err)
{
    while (k->at < k->to) {
        enum tlog_rc rc = k->r->s->ops->get_row(k->r->s, k->at, row, err);
        if (rc != TLOG_OK && rc != TLOG_NOTFOUND) return rc;
        size_t n = rc == TLOG_OK ? take_row(k, row) : 0;
        if (n == 0)
            return fail_with(err, TLOG_CORRUPT, "entry %llu is missing", (unsigned long long)k->at);
        qr_copy(leaf, k->leaf, n * sizeof *leaf);
        leaf += n;
        k->at += n;
    }
    return TLOG_OK;
}

/* Names the entry that differs, or the tile when none does. */
static enum tlog_rc compare_leaves(struct walk *k, uint64_t first, const struct tlog_hash *leaf,
                                   struct tlog_err *err)
{
    for (uint64_t i = first; i < k->to; i++) {
        struct tlog_hash must;
        TLOG_TRY(node_read(k->log, k->r, &(struct tlog_node){i, 0}, &must, err));
        if (!tlog_hash_equal(&leaf[i - first], &must)) return not_appended(i, err);
    }
    return TLOG_OK;
}

/* A full tile: entries, stored nodes and the root above all agree. */
static enum tlog_rc audit_tile(struct walk *k, uint64_t first, const struct tlog_hash *leaf,
                               struct tlog_err *err)
{
    struct tile t;
    struct tlog_hash root, stored;
    uint8_t nodes[TILE_STORED], must[TILE_STORED];
    struct tile_id id = {0, first / TILE_WIDTH};
    tile_fill(&t, 0, leaf, TILE_WIDTH);
    tile_write(&t, must);
    TLOG_TRY(tile_root_read(k->log, k->r, id.index, &root, err));
    enum tlog_rc rc = k->r->s->ops->get_tile(k->r->s, tile_seq(id), &stored, nodes, err);
    if (rc != TLOG_OK && rc != TLOG_NOTFOUND) return rc;
    bool same = rc == TLOG_OK && tlog_hash_equal(&stored, &root) &&
                qr_bytes_equal(QR_BYTES_OF(nodes), QR_BYTES_OF(must));
    if (same && tlog_hash_equal(tile_root(&t), &root)) return TLOG_OK;
    TLOG_TRY(compare_leaves(k, first, leaf, err));
    return fail_with(err, TLOG_CORRUPT, "tile 0/%llu does not have the root it had",
                     (unsigned long long)id.index);
}

static enum tlog_rc audit_groups(struct walk *k, uint64_t size, struct store_row *row,
                                 struct tlog_err *err)
{
    struct tlog_hash leaf[TILE_WIDTH];
    for (uint64_t at = 0; at < size; at += TILE_WIDTH) {
        bool full = size - at >= TILE_WIDTH;
        k->at = at;
        k->to = full ? at + TILE_WIDTH : size;
        TLOG_TRY(hash_group(k, row, leaf, err));
        TLOG_TRY(full ? audit_tile(k, at, leaf, err) : compare_leaves(k, at, leaf, err));
    }
    return TLOG_OK;
}

enum tlog_rc tlog_audit(struct tlog_log *log, struct tlog_err *err)
{
    struct tlog_head head;
    struct tlog_hash root;
    struct store_row row;
    struct walk k = {.log = log};
    TLOG_TRY(published(log, 0, &head, err));
    TLOG_TRY(reader_take(log, &k.r, err));
    store_row_init(&row);
    enum tlog_rc rc = audit_groups(&k, head.size, &row, err);
    store_row_fini(&row);
    reader_give(log, k.r);
    if (rc != TLOG_OK) return rc;
    TLOG_TRY(tlog_root_at(log, head.size, &root, err));
    if (tlog_hash_equal(&root, &head.root)) return TLOG_OK;
    return fail_with(err, TLOG_CORRUPT, "the entries do not have the published root");
}

/* ---- keys and tags ---- */

enum tlog_rc tlog_find_key(struct tlog_log *log, struct tlog_bytes key, uint64_t *index,
                           struct tlog_err *err)
{
    struct tlog_head head;
    struct reader *r;
    struct store_key at;
    if (key.n == 0 || key.n > TLOG_KEY_MAX) return fail_with(err, TLOG_RANGE, "not a key");
    TLOG_TRY(published(log, 0, &head, err));
    TLOG_TRY(reader_take(log, &r, err));
    enum tlog_rc rc = r->s->ops->get_key(r->s, as_qr(key), &at, err);
    struct tlog_hash leaf;
    /* Committed a moment ago, but not published yet: not there. */
    if (rc == TLOG_OK && at.index >= head.size) rc = TLOG_NOTFOUND;
    if (rc == TLOG_OK) rc = node_read(log, r, &(struct tlog_node){at.index, 0}, &leaf, err);
    if (rc == TLOG_OK && !tlog_hash_equal(&leaf, &at.leaf))
        rc = fail_with(err, TLOG_CORRUPT, "a key's row names another entry");
    reader_give(log, r);
    if (rc == TLOG_OK) *index = at.index;
    return rc == TLOG_NOTFOUND ? fail_with(err, rc, "no entry has this key") : rc;
}

enum tlog_rc tlog_find_tag(struct tlog_log *log, struct tlog_bytes tag, uint64_t from,
                           uint64_t *indexes, size_t *count, struct tlog_err *err)
{
    struct tlog_head head;
    struct reader *r;
    if (tag.n == 0 || tag.n > TLOG_KEY_MAX) return fail_with(err, TLOG_RANGE, "not a tag");
    TLOG_TRY(published(log, 0, &head, err));
    TLOG_TRY(reader_take(log, &r, err));
    enum tlog_rc rc = r->s->ops->find_tag(r->s, as_qr(tag), from, indexes, count, err);
    reader_give(log, r);
    while (rc == TLOG_OK && *count > 0 && indexes[*count - 1] >= head.size) --*count;
    return rc;
}
