/* upper.c - per level a directory of chunks of pointers to tiles.  Pointers go
 * from NULL to a tile once, by compare and swap; who comes second frees his. */
#include "tlog/upper.h"

#include <stdatomic.h>
#include <stdlib.h>

#define CHUNK 4096

struct chunk {
    _Atomic(struct tile *) tile[CHUNK];
};

struct level {
    _Atomic(struct chunk *) chunk[CHUNK];
};

struct upper {
    _Atomic(struct level *) level[TILE_LEVELS];
};

struct upper *upper_new(void) { return calloc(1, sizeof(struct upper)); }

static void free_chunk(struct chunk *c)
{
    for (size_t i = 0; c && i < CHUNK; i++) free(atomic_load(&c->tile[i]));
    free(c);
}

void upper_free(struct upper *u)
{
    for (size_t l = 0; u && l < TILE_LEVELS; l++) {
        struct level *level = atomic_load(&u->level[l]);
        for (size_t i = 0; level && i < CHUNK; i++) free_chunk(atomic_load(&level->chunk[i]));
        free(level);
    }
    free(u);
}

const struct tile *upper_get(struct upper *u, struct tile_id id)
{
    struct level *level = id.level < TILE_LEVELS ? atomic_load(&u->level[id.level]) : NULL;
    if (!level || id.index / CHUNK >= CHUNK) return NULL;
    struct chunk *c = atomic_load(&level->chunk[id.index / CHUNK]);
    return c ? atomic_load(&c->tile[id.index % CHUNK]) : NULL;
}

static struct level *level_of(struct upper *u, unsigned l)
{
    struct level *is = atomic_load(&u->level[l]), *fresh;
    if (is || !(fresh = calloc(1, sizeof *fresh))) return is;
    if (atomic_compare_exchange_strong(&u->level[l], &is, fresh)) return fresh;
    free(fresh);
    return is;
}

static struct chunk *chunk_of(struct level *level, size_t i)
{
    struct chunk *is = atomic_load(&level->chunk[i]), *fresh;
    if (is || !(fresh = calloc(1, sizeof *fresh))) return is;
    if (atomic_compare_exchange_strong(&level->chunk[i], &is, fresh)) return fresh;
    free(fresh);
    return is;
}

void upper_put(struct upper *u, struct tile_id id, const struct tile *t)
{
    if (id.level == 0 || id.level >= TILE_LEVELS || id.index / CHUNK >= CHUNK) return;
    struct level *level = level_of(u, id.level);
    struct chunk *c = level ? chunk_of(level, (size_t)(id.index / CHUNK)) : NULL;
    struct tile *fresh = c ? malloc(sizeof *fresh) : NULL, *none = NULL;
    if (!fresh) return;
    *fresh = *t;
    if (!atomic_compare_exchange_strong(&c->tile[id.index % CHUNK], &none, fresh)) free(fresh);
}
