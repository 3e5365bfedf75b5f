/* node.c - nodes of the published tree, verified up to its root.
 *
 * A node comes from the edge, from a full upper tile in memory, or from the tile
 * of leaves in the store.  Of that only what is needed is read: the 16 nodes four
 * levels up, which must hash to the root that the parent holds for the tile, and
 * the 16 leaves under one of them, which must hash to it.  The parent was checked
 * likewise, up to the edge, and the edge has the published root.  So everything
 * that leaves here is part of that tree, at a price of 30 hashes.
 *
 * The log only grows, hence reads need no common snapshot: a connection that is
 * used after a tree was published sees at least that tree. */
#include "tlog/log.h"

#include <assert.h>
#include <stdlib.h>

static struct reader *reader_new(struct store *s)
{
    struct reader *r = calloc(1, sizeof *r);
    if (r) *r = (struct reader){.s = s, .tile = UINT64_MAX};
    return r;
}

void reader_free(struct reader *r)
{
    if (!r) return;
    r->s->ops->close(r->s);
    free(r);
}

static enum tlog_rc reader_connect(struct tlog_log *log, struct reader **out, struct tlog_err *err)
{
    struct store *s;
    TLOG_TRY(log->store->ops->another(log->store, &s, err));
    *out = reader_new(s);
    if (*out) return TLOG_OK;
    s->ops->close(s);
    return fail_with(err, TLOG_NOMEM, "out of memory");
}

enum tlog_rc reader_take(struct tlog_log *log, struct reader **out, struct tlog_err *err)
{
    struct reader *r = NULL;
    assert(log->magic == LOG_MAGIC);
    (void)pthread_mutex_lock(&log->lock);
    if (log->readers > 0) r = log->reader[--log->readers];
    uint64_t size = log->head.head.size;
    (void)pthread_mutex_unlock(&log->lock);
    if (!r) TLOG_TRY(reader_connect(log, &r, err));
    /* An old snapshot would keep the write-ahead log from starting again. */
    if (r->seen != size) r->s->ops->rest(r->s);
    r->seen = size;
    *out = r;
    return TLOG_OK;
}

void reader_give(struct tlog_log *log, struct reader *r)
{
    (void)pthread_mutex_lock(&log->lock);
    bool keep = log->readers < READERS_KEPT;
    if (keep) log->reader[log->readers++] = r;
    (void)pthread_mutex_unlock(&log->lock);
    if (!keep) reader_free(r);
}

void readers_rest(struct tlog_log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->readers; i++) log->reader[i]->s->ops->rest(log->reader[i]->s);
    (void)pthread_mutex_unlock(&log->lock);
}

static bool in_edge(struct tlog_log *log, const struct tlog_node *node, struct tlog_hash *out)
{
    (void)pthread_mutex_lock(&log->lock);
    const struct tlog_hash *h = edge_node(&log->edge, node);
    if (h) *out = *h;
    (void)pthread_mutex_unlock(&log->lock);
    return h != NULL;
}

/* ---- upper tiles ---- */

/* Reads a full tile whose root must be `root`, into memory and *t. */
static enum tlog_rc tile_load(struct tlog_log *log, struct reader *r, struct tile_id id,
                              const struct tlog_hash *root, struct tile *t, struct tlog_err *err)
{
    struct tlog_hash stored;
    uint8_t nodes[TILE_STORED];
    enum tlog_rc rc = r->s->ops->get_tile(r->s, tile_seq(id), &stored, nodes, err);
    if (rc == TLOG_NOTFOUND) {
        r->s->ops->rest(r->s);
        rc = r->s->ops->get_tile(r->s, tile_seq(id), &stored, nodes, err);
    }
    if (rc == TLOG_NOTFOUND)
        return fail_with(err, TLOG_CORRUPT, "tile %u/%llu is missing", id.level,
                         (unsigned long long)id.index);
    if (rc != TLOG_OK) return rc;
    if (!tile_read(nodes, t) || !tlog_hash_equal(tile_root(t), root) ||
        !tlog_hash_equal(&stored, root))
        return fail_with(err, TLOG_CORRUPT, "tile %u/%llu does not have the root it had", id.level,
                         (unsigned long long)id.index);
    upper_put(log->upper, id, t);
    return TLOG_OK;
}

static unsigned position_in(const struct tlog_node *node)
{
    unsigned height = node->level % TILE_HEIGHT;
    return (unsigned)node->index & ((TILE_WIDTH >> height) - 1u);
}

static const struct tlog_hash *of_tile(const struct tile *t, const struct tlog_node *node)
{
    return tile_node(t, node->level % TILE_HEIGHT, position_in(node));
}

/* A node of level 8 or more without the store. */
static bool upper_known(struct tlog_log *log, const struct tlog_node *node, struct tlog_hash *out)
{
    const struct tile *t = upper_get(log->upper, tile_of(node));
    if (t) *out = *of_tile(t, node);
    return t || in_edge(log, node, out);
}

/* Climbs until a node is known, then reads the tiles downwards: want[k + 1] is
 * the root of want[k]'s tile. */
static enum tlog_rc upper_read(struct tlog_log *log, struct reader *r, const struct tlog_node *node,
                               struct tlog_hash *out, struct tlog_err *err)
{
    struct tlog_node want[TILE_LEVELS + 1];
    size_t top = 0;
    want[0] = *node;
    while (!upper_known(log, &want[top], out)) {
        struct tile_id id = tile_of(&want[top]);
        if (++top > TILE_LEVELS || id.level + 1 >= TILE_LEVELS)
            return fail_with(err, TLOG_RANGE, "not a node of this tree");
        want[top] = (struct tlog_node){id.index, (id.level + 1) * TILE_HEIGHT};
    }
    while (top-- > 0) {
        struct tile t;
        TLOG_TRY(tile_load(log, r, tile_of(&want[top]), out, &t, err));
        *out = *of_tile(&t, &want[top]);
    }
    return TLOG_OK;
}

enum tlog_rc tile_root_read(struct tlog_log *log, struct reader *r, uint64_t tile,
                            struct tlog_hash *out, struct tlog_err *err)
{
    return upper_read(log, r, &(struct tlog_node){tile, TILE_HEIGHT}, out, err);
}

/* ---- tiles of leaves ---- */

static enum tlog_rc twig_load(struct reader *r, uint64_t tile, unsigned part,
                              const struct tlog_hash *root, struct twig *t, struct tlog_err *err)
{
    uint8_t in[TWIG_STORED];
    uint64_t seq = tile_seq((struct tile_id){0, tile});
    enum tlog_rc rc = r->s->ops->read_tile(r->s, seq, part, in, err);
    if (rc == TLOG_NOTFOUND) {
        r->s->ops->rest(r->s);
        rc = r->s->ops->read_tile(r->s, seq, part, in, err);
    }
    if (rc == TLOG_NOTFOUND)
        return fail_with(err, TLOG_CORRUPT, "tile 0/%llu is missing", (unsigned long long)tile);
    if (rc != TLOG_OK) return rc;
    twig_fill(t, in);
    if (tlog_hash_equal(twig_node(t, TWIG_HEIGHT, 0), root)) return TLOG_OK;
    return fail_with(err, TLOG_CORRUPT, "tile 0/%llu does not have the root it had",
                     (unsigned long long)tile);
}

static enum tlog_rc lower_read(struct tlog_log *log, struct reader *r, const struct tlog_node *node,
                               struct tlog_hash *out, struct tlog_err *err)
{
    uint64_t tile = tile_of(node).index;
    unsigned position = position_in(node);
    if (r->tile != tile) {
        struct tlog_hash root;
        r->tile = UINT64_MAX;
        TLOG_TRY(tile_root_read(log, r, tile, &root, err));
        TLOG_TRY(twig_load(r, tile, TILE_WIDTH >> TWIG_HEIGHT, &root, &r->above, err));
        r->tile = tile;
        r->part = UINT32_MAX;
    }
    if (node->level >= TWIG_HEIGHT) {
        *out = *twig_node(&r->above, node->level - TWIG_HEIGHT, position);
        return TLOG_OK;
    }
    unsigned part = position >> (TWIG_HEIGHT - node->level);
    if (r->part != part) {
        r->part = UINT32_MAX;
        TLOG_TRY(twig_load(r, tile, part, twig_node(&r->above, 0, part), &r->below, err));
        r->part = part;
    }
    *out =
        *twig_node(&r->below, node->level, position & ((1u << (TWIG_HEIGHT - node->level)) - 1u));
    return TLOG_OK;
}

/* A node that is not in the edge. */
static enum tlog_rc stored_read(struct tlog_log *log, struct reader *r,
                                const struct tlog_node *node, struct tlog_hash *out,
                                struct tlog_err *err)
{
    return node->level < TILE_HEIGHT ? lower_read(log, r, node, out, err)
                                     : upper_read(log, r, node, out, err);
}

enum tlog_rc node_read(struct tlog_log *log, struct reader *r, const struct tlog_node *node,
                       struct tlog_hash *out, struct tlog_err *err)
{
    return in_edge(log, node, out) ? TLOG_OK : stored_read(log, r, node, out, err);
}

enum tlog_rc plan_read(struct tlog_log *log, struct reader *r, const struct tlog_plan *plan,
                       struct tlog_hash *out, struct tlog_err *err)
{
    bool got[TLOG_PLAN_MAX];
    (void)pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < plan->n; i++) {
        const struct tlog_hash *h = edge_node(&log->edge, &plan->node[i]);
        got[i] = h != NULL;
        if (h) out[i] = *h;
    }
    (void)pthread_mutex_unlock(&log->lock);
    for (size_t i = 0; i < plan->n; i++)
        if (!got[i]) TLOG_TRY(stored_read(log, r, &plan->node[i], &out[i], err));
    return TLOG_OK;
}

/* What is folded at the right end is the same for most proofs of one size: it is
 * remembered by how many subtrees it covers. */
static enum tlog_rc fold_read(struct tlog_log *log, struct reader *r, const struct tlog_plan *plan,
                              uint64_t size, struct tlog_hash *out, struct tlog_err *err)
{
    size_t k = plan->fold_to - plan->fold_from;
    assert(k > 0 && k < 64);
    if (r->fold_size != size) r->folded = 0;
    r->fold_size = size;
    if (!(r->folded >> k & 1)) {
        struct tlog_plan part = {.n = k};
        struct tlog_hash read[TLOG_PLAN_MAX];
        qr_copy(part.node, &plan->node[plan->fold_from], k * sizeof part.node[0]);
        TLOG_TRY(plan_read(log, r, &part, read, err));
        tlog_plan_root(&part, read, &r->fold[k]);
        r->folded |= (uint64_t)1 << k;
    }
    *out = r->fold[k];
    return TLOG_OK;
}

enum tlog_rc proof_read(struct tlog_log *log, struct reader *r, const struct tlog_plan *plan,
                        uint64_t size, struct tlog_proof *out, struct tlog_err *err)
{
    out->n = 0;
    for (size_t i = 0; i < plan->n; i++) {
        struct tlog_hash *h = &out->h[out->n++];
        assert(out->n <= TLOG_PROOF_MAX);
        if (i == plan->fold_from && plan->fold_to > plan->fold_from) {
            TLOG_TRY(fold_read(log, r, plan, size, h, err));
            i = plan->fold_to - 1;
        } else if (plan->node[i].level < TILE_HEIGHT && tile_of(&plan->node[i]).index == r->tile) {
            TLOG_TRY(lower_read(log, r, &plan->node[i], h, err));
        } else {
            TLOG_TRY(plan->node[i].level >= TILE_HEIGHT && upper_known(log, &plan->node[i], h)
                         ? TLOG_OK
                         : node_read(log, r, &plan->node[i], h, err));
        }
    }
    return TLOG_OK;
}

/* Copies a head without the unused part of its text. */
static void copy_signed(struct tlog_signed *to, const struct tlog_signed *from)
{
    to->head = from->head;
    to->n = from->n;
    qr_copy(to->text, from->text, from->n + 1);
}

static enum tlog_rc read_missing(struct tlog_log *log, const struct tlog_plan *plan,
                                 const bool *got, struct tlog_hash *out, struct tlog_err *err)
{
    struct reader *r = NULL;
    enum tlog_rc rc = TLOG_OK;
    for (size_t i = 0; i < plan->n && rc == TLOG_OK; i++) {
        if (got[i]) continue;
        if (plan->node[i].level >= TILE_HEIGHT && upper_known(log, &plan->node[i], &out[i]))
            continue;
        if (!r) rc = reader_take(log, &r, err);
        if (rc == TLOG_OK) rc = stored_read(log, r, &plan->node[i], &out[i], err);
    }
    if (r) reader_give(log, r);
    return rc;
}

/* Head and edge are looked at together, so most proofs take the lock once and
 * touch no store. */
enum tlog_rc prove_latest(struct tlog_log *log, uint64_t index, struct tlog_signed *head,
                          struct tlog_proof *out, struct tlog_err *err)
{
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    bool got[TLOG_PLAN_MAX];
    (void)pthread_mutex_lock(&log->lock);
    copy_signed(head, &log->head);
    bool there = tlog_inclusion_plan(index, head->head.size, &plan) == TLOG_OK;
    for (size_t i = 0; there && i < plan.n; i++) {
        const struct tlog_hash *h = edge_node(&log->edge, &plan.node[i]);
        got[i] = h != NULL;
        if (h) read[i] = *h;
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (!there) return fail_with(err, TLOG_CORRUPT, "a key's row names an entry beyond the log");
    TLOG_TRY(read_missing(log, &plan, got, read, err));
    tlog_plan_proof(&plan, read, out);
    return TLOG_OK;
}
