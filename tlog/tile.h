/* tile.h - tiles of 256 hashes with all nodes above them, and the right edge.
 *
 * A tile (C2SP tlog-tiles) is the subtree of height 8 over 256 hashes of its
 * level.  The edge holds the one tile of each level that is not full: together
 * with the full tiles it is the whole tree.  Pure; one thread at a time. */
#ifndef TLOG_TILE_H
#define TLOG_TILE_H

#include "tlog/fail.h"

#define TILE_HEIGHT 8
#define TILE_WIDTH 256
#define TILE_NODES 511
#define TILE_LEVELS 8
/* What is stored of a full tile: its 256 hashes and the 16 four levels up. */
#define TILE_STORED ((TILE_WIDTH + 16) * TLOG_HASH_SIZE)

/* Nodes by height: 256 at 0, 128 at 1, ... 1 at 8. */
struct tile {
    struct tlog_hash node[TILE_NODES];
};

/* Half a tile's height: 16 of its hashes, or the 16 above them, and all nodes
 * over these. */
#define TWIG_HEIGHT 4
#define TWIG_WIDTH 16
#define TWIG_STORED (TWIG_WIDTH * TLOG_HASH_SIZE)

/* Nodes by height: 16 at 0, 8 at 1, ... 1 at 4. */
struct twig {
    struct tlog_hash node[2 * TWIG_WIDTH - 1];
};

/* Which tile: level 0 holds leaves. */
struct tile_id {
    unsigned level;
    uint64_t index;
};

struct edge {
    uint64_t size;
    struct tile level[TILE_LEVELS];
};

/* Called for each tile that becomes full, lower levels first. */
struct tile_sink {
    void (*full)(void *ctx, struct tile_id id, const struct tile *t);
    void *ctx;
};

/* Place of a node within its tile: `height` levels above the tile's hashes. */
const struct tlog_hash *tile_node(const struct tile *t, unsigned height, unsigned position);
const struct tlog_hash *tile_root(const struct tile *t);
/* Puts n hashes from position `from` on, and every node that is complete with
 * them; positions are put in order. */
void tile_fill(struct tile *t, unsigned from, const struct tlog_hash *h, unsigned n);
/* The tile that holds a node of the tree. */
struct tile_id tile_of(const struct tlog_node *node);
/* Number of a full tile among all, in the order of filling: 0, 1, 2, ... */
uint64_t tile_seq(struct tile_id id);
void tile_write(const struct tile *t, uint8_t out[TILE_STORED]);
/* Hashes all nodes anew; false when the stored upper nodes are not these. */
bool tile_read(const uint8_t in[TILE_STORED], struct tile *t);

/* Hashes all nodes over 16 stored hashes. */
void twig_fill(struct twig *t, const uint8_t in[TWIG_STORED]);
const struct tlog_hash *twig_node(const struct twig *t, unsigned height, unsigned position);

/* Appends n leaves.  sink may be NULL. */
void edge_add(struct edge *e, const struct tlog_hash *leaves, size_t n,
              const struct tile_sink *sink);
/* Hashes of the tile of that level: 0 to 255. */
unsigned edge_width(const struct edge *e, unsigned level);
/* The node, or NULL when it is not in the edge. */
const struct tlog_hash *edge_node(const struct edge *e, const struct tlog_node *node);
void edge_head(const struct edge *e, struct tlog_head *out);
/* Makes dst equal to src; copies only what changed since dst->size. */
void edge_follow(struct edge *dst, const struct edge *src);

#endif
