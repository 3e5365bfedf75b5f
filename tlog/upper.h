/* upper.h - the full tiles above the leaves', kept in memory.
 *
 * A quarter of a byte for each leaf: a proof then reads one tile of leaves and
 * nothing else.  Tiles come when they are filled, or when a reader first needs
 * them; none ever goes.  What is put here was verified.  Any thread, no lock. */
#ifndef TLOG_UPPER_H
#define TLOG_UPPER_H

#include "tlog/tile.h"

struct upper;

struct upper *upper_new(void);
void upper_free(struct upper *u);
/* The tile (level 1 or more), or NULL when it is not here.  Valid until
 * upper_free. */
const struct tile *upper_get(struct upper *u, struct tile_id id);
/* Keeps a copy.  Without memory for it, or beyond 2^24 tiles of a level, it is
 * not kept. */
void upper_put(struct upper *u, struct tile_id id, const struct tile *t);

#endif
