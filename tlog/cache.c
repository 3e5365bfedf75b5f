/* cache.c - a direct-mapped table of 256 tiles (4 MiB): appends and their proofs
 * touch neighbours, which never collide. */
#include "tlog/cache.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 256

struct slot {
    bool used;
    struct tile_id id;
    struct tile tile;
};

struct cache {
    pthread_mutex_t lock;
    struct slot *slot[SLOTS]; /* allocated when first used */
};

struct cache *cache_new(void)
{
    struct cache *c = calloc(1, sizeof *c);
    if (c && pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        c = NULL;
    }
    return c;
}

void cache_free(struct cache *c)
{
    if (!c) return;
    for (size_t i = 0; i < SLOTS; i++) free(c->slot[i]);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

static size_t slot_of(struct tile_id id) { return (size_t)(id.index + id.level * 251u) % SLOTS; }

void cache_put(struct cache *c, struct tile_id id, const struct tile *t)
{
    (void)pthread_mutex_lock(&c->lock);
    struct slot **s = &c->slot[slot_of(id)];
    if (!*s) *s = calloc(1, sizeof **s);
    if (*s) {
        (*s)->used = true;
        (*s)->id = id;
        (*s)->tile = *t;
    }
    (void)pthread_mutex_unlock(&c->lock);
}

bool cache_node(struct cache *c, const struct tlog_node *node, struct tlog_hash *out)
{
    struct tile_id id = tile_of(node);
    unsigned height = node->level % TILE_HEIGHT;
    unsigned position = (unsigned)node->index & ((TILE_WIDTH >> height) - 1u);
    (void)pthread_mutex_lock(&c->lock);
    const struct slot *s = c->slot[slot_of(id)];
    bool hit = s && s->used && s->id.level == id.level && s->id.index == id.index;
    if (hit) *out = *tile_node(&s->tile, height, position);
    (void)pthread_mutex_unlock(&c->lock);
    return hit;
}
