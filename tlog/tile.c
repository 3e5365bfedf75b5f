/* tile.c - tiles and the right edge.
 *
 * Node (height, position) of a tile is at offset 512 - (512 >> height) +
 * position.  Putting a hash at an odd position completes its parent, and so on
 * up, so that a tile whose last hash is put has its root. */
#include "tlog/tile.h"

#include "tlog/sha.h"

#include <assert.h>

_Static_assert(TILE_WIDTH == 1 << TILE_HEIGHT, "a tile is a subtree of that height");
_Static_assert(TILE_LEVELS *TILE_HEIGHT == 64, "levels for any 64-bit size");

static unsigned offset_of(unsigned height) { return 512u - (512u >> height); }

const struct tlog_hash *tile_node(const struct tile *t, unsigned height, unsigned position)
{
    assert(height <= TILE_HEIGHT && position < (unsigned)TILE_WIDTH >> height);
    return &t->node[offset_of(height) + position];
}

const struct tlog_hash *tile_root(const struct tile *t) { return tile_node(t, TILE_HEIGHT, 0); }

/* Parent k of a level is complete with hash 2k + 1, and new when that is. */
void tile_fill(struct tile *t, unsigned from, const struct tlog_hash *h, unsigned n)
{
    unsigned to = from + n;
    assert(to <= TILE_WIDTH);
    qr_copy(&t->node[from], h, n * sizeof *h);
    for (unsigned height = 1; height <= TILE_HEIGHT; height++) {
        const struct tlog_hash *below = &t->node[offset_of(height - 1)];
        from >>= 1;
        to >>= 1;
        if (to == from) break;
        sha_engine()->nodes(below + (size_t)2 * from, to - from,
                            &t->node[offset_of(height) + from]);
    }
}

struct tile_id tile_of(const struct tlog_node *node)
{
    unsigned height = node->level % TILE_HEIGHT;
    return (struct tile_id){node->level / TILE_HEIGHT, node->index >> (TILE_HEIGHT - height)};
}

static uint64_t shift_right(uint64_t v, unsigned by) { return by < 64 ? v >> by : 0; }

/* A tile of level l is full at size e = (index + 1) * 256^(l+1).  Before it come
 * the tiles of levels <= l filled at sizes <= e, and of levels > l at sizes < e. */
uint64_t tile_seq(struct tile_id id)
{
    uint64_t last = (id.index + 1) << (TILE_HEIGHT * (id.level + 1));
    uint64_t n = 0;
    assert(id.level + 1 < TILE_LEVELS);
    for (unsigned l = 0; l < TILE_LEVELS; l++)
        n += shift_right(l <= id.level ? last : last - 1, TILE_HEIGHT * (l + 1));
    return n - 1;
}

void tile_write(const struct tile *t, uint8_t out[TILE_STORED])
{
    for (unsigned i = 0; i < TILE_WIDTH; i++)
        qr_copy(out + i * TLOG_HASH_SIZE, t->node[i].b, TLOG_HASH_SIZE);
    out += TILE_WIDTH * TLOG_HASH_SIZE;
    for (unsigned i = 0; i < 16; i++)
        qr_copy(out + i * TLOG_HASH_SIZE, tile_node(t, 4, i)->b, TLOG_HASH_SIZE);
}

bool tile_read(const uint8_t in[TILE_STORED], struct tile *t)
{
    struct tlog_hash h[TILE_WIDTH];
    qr_copy(h, in, sizeof h);
    tile_fill(t, 0, h, TILE_WIDTH);
    return qr_bytes_equal(QR_BYTES(in + sizeof h, TILE_STORED - sizeof h),
                          QR_BYTES(tile_node(t, 4, 0), TILE_STORED - sizeof h));
}

const struct tlog_hash *twig_node(const struct twig *t, unsigned height, unsigned position)
{
    assert(height <= TWIG_HEIGHT && position < (unsigned)TWIG_WIDTH >> height);
    return &t->node[2u * TWIG_WIDTH - (2u * TWIG_WIDTH >> height) + position];
}

void twig_fill(struct twig *t, const uint8_t in[TWIG_STORED])
{
    struct tlog_hash *below = t->node, *above;
    qr_copy(below, in, TWIG_STORED);
    for (unsigned n = TWIG_WIDTH / 2; n > 0; n /= 2, below = above) {
        above = below + (size_t)2 * n;
        sha_engine()->nodes(below, n, above);
    }
}

/* The lowest tile is full: its root goes up, and perhaps fills more. */
static void carry(struct edge *e, const struct tile_sink *sink)
{
    for (unsigned l = 0; l + 1 < TILE_LEVELS; l++) {
        uint64_t n = e->size >> (TILE_HEIGHT * (l + 1)); /* tiles of level l */
        if (sink) sink->full(sink->ctx, (struct tile_id){l, n - 1}, &e->level[l]);
        tile_fill(&e->level[l + 1], (n - 1) % TILE_WIDTH, tile_root(&e->level[l]), 1);
        if (n % TILE_WIDTH != 0) break;
    }
}

void edge_add(struct edge *e, const struct tlog_hash *leaves, size_t n,
              const struct tile_sink *sink)
{
    while (n > 0) {
        unsigned at = (unsigned)(e->size % TILE_WIDTH), take = TILE_WIDTH - at;
        if (take > n) take = (unsigned)n;
        tile_fill(&e->level[0], at, leaves, take);
        e->size += take;
        leaves += take;
        n -= take;
        if (e->size % TILE_WIDTH == 0) carry(e, sink);
    }
}

unsigned edge_width(const struct edge *e, unsigned level)
{
    return (unsigned)(e->size >> (TILE_HEIGHT * level)) % TILE_WIDTH;
}

const struct tlog_hash *edge_node(const struct edge *e, const struct tlog_node *node)
{
    struct tile_id id = tile_of(node);
    unsigned height = node->level % TILE_HEIGHT;
    if (id.level >= TILE_LEVELS) return NULL;
    if (id.index != shift_right(e->size, TILE_HEIGHT * (id.level + 1))) return NULL;
    unsigned position = (unsigned)node->index & ((TILE_WIDTH >> height) - 1u);
    if ((position + 1) << height > edge_width(e, id.level)) return NULL;
    return tile_node(&e->level[id.level], height, position);
}

/* Every peak of the tree is in the partial tile of its level. */
void edge_head(const struct edge *e, struct tlog_head *out)
{
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    tlog_root_plan(e->size, &plan);
    for (size_t i = 0; i < plan.n; i++) {
        const struct tlog_hash *h = edge_node(e, &plan.node[i]);
        assert(h);
        read[i] = *h;
    }
    out->size = e->size;
    tlog_plan_root(&plan, read, &out->root);
}

void edge_follow(struct edge *dst, const struct edge *src)
{
    for (unsigned l = 0; l < TILE_LEVELS; l++)
        if (dst->size >> (TILE_HEIGHT * l) != src->size >> (TILE_HEIGHT * l))
            dst->level[l] = src->level[l];
    dst->size = src->size;
}
