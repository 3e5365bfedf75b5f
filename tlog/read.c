/* read.c - reading the published tree.
 *
 * A node comes from the edge, or from a full tile.  A tile that is read from the
 * store is hashed anew and must have the root that its parent holds for it; the
 * parent was checked likewise, up to the edge, and the edge has the published
 * root.  So everything that leaves here is part of that tree.
 *
 * The log only grows, hence reads need no common snapshot: a connection that is
 * used after a tree was published sees at least that tree. */
#include "tlog/log.h"

#include <assert.h>
#include <stdlib.h>

enum tlog_rc reader_take(struct tlog_log *log, struct store **out, struct tlog_err *err)
{
    struct store *s = NULL;
    assert(log->magic == LOG_MAGIC);
    (void)pthread_mutex_lock(&log->lock);
    if (log->readers > 0) s = log->reader[--log->readers];
    (void)pthread_mutex_unlock(&log->lock);
    *out = s;
    return s ? TLOG_OK : log->store->ops->another(log->store, out, err);
}

void reader_give(struct tlog_log *log, struct store *s)
{
    (void)pthread_mutex_lock(&log->lock);
    bool keep = log->readers < READERS_KEPT;
    if (keep) log->reader[log->readers++] = s;
    (void)pthread_mutex_unlock(&log->lock);
    if (!keep) s->ops->close(s);
}

/* The node without touching the store. */
static bool node_known(struct tlog_log *log, const struct tlog_node *node, struct tlog_hash *out)
{
    (void)pthread_mutex_lock(&log->lock);
    const struct tlog_hash *h = edge_node(&log->edge, node);
    if (h) *out = *h;
    (void)pthread_mutex_unlock(&log->lock);
    return h || cache_node(log->cache, node, out);
}

/* Reads a full tile whose root must be `root`, into the cache and *t. */
static enum tlog_rc tile_load(struct tlog_log *log, struct store *s, struct tile_id id,
                              const struct tlog_hash *root, struct tile *t, struct tlog_err *err)
{
    struct tlog_hash stored;
    uint8_t nodes[TILE_STORED];
    enum tlog_rc rc = s->ops->get_tile(s, tile_seq(id), &stored, nodes, err);
    if (rc == TLOG_NOTFOUND)
        return fail_with(err, TLOG_CORRUPT, "tile %u/%llu is missing", id.level,
                         (unsigned long long)id.index);
    if (rc != TLOG_OK) return rc;
    if (!tile_read(nodes, t) || !tlog_hash_equal(tile_root(t), root) ||
        !tlog_hash_equal(&stored, root))
        return fail_with(err, TLOG_CORRUPT, "tile %u/%llu does not have the root it had", id.level,
                         (unsigned long long)id.index);
    cache_put(log->cache, id, t);
    return TLOG_OK;
}

static struct tlog_hash node_of_tile(const struct tile *t, const struct tlog_node *node)
{
    unsigned height = node->level % TILE_HEIGHT;
    return *tile_node(t, height, (unsigned)node->index & ((TILE_WIDTH >> height) - 1u));
}

/* Climbs until a node is known, then reads the tiles downwards: want[k + 1] is
 * the root of want[k]'s tile. */
static enum tlog_rc node_load(struct tlog_log *log, struct store *s, const struct tlog_node *node,
                              struct tlog_hash *out, struct tlog_err *err)
{
    struct tlog_node want[TILE_LEVELS + 1];
    struct tile t;
    size_t top = 0;
    want[0] = *node;
    while (!node_known(log, &want[top], out)) {
        struct tile_id id = tile_of(&want[top]);
        if (++top > TILE_LEVELS || id.level + 1 >= TILE_LEVELS)
            return fail_with(err, TLOG_RANGE, "not a node of this tree");
        want[top] = (struct tlog_node){id.index, (id.level + 1) * TILE_HEIGHT};
    }
    while (top-- > 0) {
        TLOG_TRY(tile_load(log, s, tile_of(&want[top]), out, &t, err));
        *out = node_of_tile(&t, &want[top]);
    }
    return TLOG_OK;
}

enum tlog_rc node_read(struct tlog_log *log, struct store *s, const struct tlog_node *node,
                       struct tlog_hash *out, struct tlog_err *err)
{
    return node_known(log, node, out) ? TLOG_OK : node_load(log, s, node, out, err);
}

enum tlog_rc plan_read(struct tlog_log *log, struct store *s, const struct tlog_plan *plan,
                       struct tlog_hash *out, struct tlog_err *err)
{
    for (size_t i = 0; i < plan->n; i++) TLOG_TRY(node_read(log, s, &plan->node[i], &out[i], err));
    return TLOG_OK;
}

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
    struct store *s;
    TLOG_TRY(reader_take(log, &s, err));
    enum tlog_rc rc = plan_read(log, s, plan, out, err);
    reader_give(log, s);
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
    struct tlog_hash read[TLOG_PLAN_MAX];
    TLOG_TRY(published(log, size, &head, err));
    if (tlog_inclusion_plan(index, size, &plan) != TLOG_OK)
        return fail_with(err, TLOG_RANGE, "a tree of size %llu has no entry %llu",
                         (unsigned long long)size, (unsigned long long)index);
    TLOG_TRY(plan_with_reader(log, &plan, read, err));
    tlog_plan_proof(&plan, read, out);
    return TLOG_OK;
}

enum tlog_rc tlog_consistency(struct tlog_log *log, uint64_t earlier, uint64_t later,
                              struct tlog_proof *out, struct tlog_err *err)
{
    struct tlog_head head;
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    TLOG_TRY(published(log, later, &head, err));
    if (tlog_consistency_plan(earlier, later, &plan) != TLOG_OK)
        return fail_with(err, TLOG_RANGE, "the earlier tree is larger than the later");
    TLOG_TRY(plan_with_reader(log, &plan, read, err));
    tlog_plan_proof(&plan, read, out);
    return TLOG_OK;
}

enum tlog_rc tlog_tile(struct tlog_log *log, const struct tlog_node *tile, size_t width,
                       struct tlog_hash *out, struct tlog_err *err)
{
    struct tlog_head head;
    struct store *s;
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

struct walk {
    struct tlog_log *log;
    struct store *s;
    uint64_t at, to;
    enum tlog_rc (*each)(void *ctx, uint64_t index, struct tlog_bytes entry);
    void *ctx;
};

/* One row: verifies and shows its entries within [at, to). */
static enum tlog_rc walk_row(struct walk *k, const struct store_row *row, struct tlog_err *err)
{
    struct row_walk w = row_walk_of(row);
    struct tlog_bytes entry;
    while (k->at < k->to && row_next(&w, &entry)) {
        if (w.index - 1 < k->at) continue;
        struct tlog_hash is, must;
        tlog_leaf_hash(entry, &is);
        TLOG_TRY(node_read(k->log, k->s, &(struct tlog_node){k->at, 0}, &must, err));
        if (!tlog_hash_equal(&is, &must))
            return fail_with(err, TLOG_CORRUPT, "entry %llu is not what was appended",
                             (unsigned long long)k->at);
        k->at++;
        TLOG_TRY(k->each(k->ctx, k->at - 1, entry));
    }
    return TLOG_OK;
}

static enum tlog_rc walk_rows(struct walk *k, struct store_row *row, struct tlog_err *err)
{
    while (k->at < k->to) {
        uint64_t before = k->at;
        enum tlog_rc rc = k->s->ops->get_row(k->s, k->at, row, err);
        if (rc != TLOG_OK && rc != TLOG_NOTFOUND) return rc;
        if (rc == TLOG_OK) TLOG_TRY(walk_row(k, row, err));
        if (k->at == before)
            return fail_with(err, TLOG_CORRUPT, "entry %llu is missing",
                             (unsigned long long)before);
    }
    return TLOG_OK;
}

enum tlog_rc tlog_entries(struct tlog_log *log, uint64_t from, uint64_t to,
                          enum tlog_rc (*each)(void *ctx, uint64_t index, struct tlog_bytes entry),
                          void *ctx, struct tlog_err *err)
{
    struct tlog_head head;
    struct store_row row;
    struct walk k = {.log = log, .at = from, .to = to, .each = each, .ctx = ctx};
    TLOG_TRY(published(log, to, &head, err));
    if (from > to) return fail_with(err, TLOG_RANGE, "from lies after to");
    TLOG_TRY(reader_take(log, &k.s, err));
    store_row_init(&row);
    enum tlog_rc rc = walk_rows(&k, &row, err);
    store_row_fini(&row);
    reader_give(log, k.s);
    return rc;
}

static enum tlog_rc add_to_frontier(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    struct tlog_hash h;
    (void)index;
    tlog_leaf_hash(entry, &h);
    return tlog_frontier_add(ctx, &h);
}

enum tlog_rc tlog_audit(struct tlog_log *log, struct tlog_err *err)
{
    struct tlog_head head, derived;
    struct tlog_frontier f = {0};
    TLOG_TRY(published(log, 0, &head, err));
    TLOG_TRY(tlog_entries(log, 0, head.size, add_to_frontier, &f, err));
    tlog_frontier_head(&f, &derived);
    if (derived.size == head.size && tlog_hash_equal(&derived.root, &head.root)) return TLOG_OK;
    return fail_with(err, TLOG_CORRUPT, "the entries do not have the published root");
}

/* ---- keys and tags ---- */

enum tlog_rc tlog_find_key(struct tlog_log *log, struct tlog_bytes key, uint64_t *index,
                           struct tlog_err *err)
{
    struct tlog_head head;
    struct store *s;
    struct store_key at;
    if (key.n == 0 || key.n > TLOG_KEY_MAX) return fail_with(err, TLOG_RANGE, "not a key");
    TLOG_TRY(published(log, 0, &head, err));
    TLOG_TRY(reader_take(log, &s, err));
    enum tlog_rc rc = s->ops->get_key(s, as_qr(key), &at, err);
    struct tlog_hash leaf;
    /* Committed a moment ago, but not published yet: not there. */
    if (rc == TLOG_OK && at.index >= head.size) rc = TLOG_NOTFOUND;
    if (rc == TLOG_OK) rc = node_read(log, s, &(struct tlog_node){at.index, 0}, &leaf, err);
    if (rc == TLOG_OK && !tlog_hash_equal(&leaf, &at.leaf))
        rc = fail_with(err, TLOG_CORRUPT, "a key's row names another entry");
    reader_give(log, s);
    if (rc == TLOG_OK) *index = at.index;
    return rc == TLOG_NOTFOUND ? fail_with(err, rc, "no entry has this key") : rc;
}

enum tlog_rc tlog_find_tag(struct tlog_log *log, struct tlog_bytes tag, uint64_t from,
                           uint64_t *indexes, size_t *count, struct tlog_err *err)
{
    struct tlog_head head;
    struct store *s;
    if (tag.n == 0 || tag.n > TLOG_KEY_MAX) return fail_with(err, TLOG_RANGE, "not a tag");
    TLOG_TRY(published(log, 0, &head, err));
    TLOG_TRY(reader_take(log, &s, err));
    enum tlog_rc rc = s->ops->find_tag(s, as_qr(tag), from, indexes, count, err);
    reader_give(log, s);
    while (rc == TLOG_OK && *count > 0 && indexes[*count - 1] >= head.size) --*count;
    return rc;
}
