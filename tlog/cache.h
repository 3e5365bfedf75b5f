/* cache.h - full tiles that were verified, for all threads of a log.
 *
 * A tile enters only after it was checked against its parent: what the cache
 * gives is part of the published tree. */
#ifndef TLOG_CACHE_H
#define TLOG_CACHE_H

#include "tlog/tile.h"

struct cache;

/* NULL when out of memory. */
struct cache *cache_new(void);
void cache_free(struct cache *c);
void cache_put(struct cache *c, struct tile_id id, const struct tile *t);
/* The node's hash, when its tile is cached. */
bool cache_node(struct cache *c, const struct tlog_node *node, struct tlog_hash *out);

#endif
