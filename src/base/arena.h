/* arena.h - memory of one request: allocated piece by piece, freed at once,
 * with a hard cap.  Not for secrets. */
#ifndef QUORATE_BASE_ARENA_H
#define QUORATE_BASE_ARENA_H

#include "base/bytes.h"

struct qr_arena_block;
struct qr_arena {
    struct qr_arena_block *blocks;
    size_t used;
    size_t cap;
};

void qr_arena_init(struct qr_arena *a, size_t cap);
void qr_arena_fini(struct qr_arena *a);
/* Zeroed memory aligned for any type, valid until qr_arena_fini; NULL when the
 * cap or memory is exhausted. */
void *qr_arena_alloc(struct qr_arena *a, size_t n);
/* Copies of bytes (with a NUL behind them, not counted); p NULL on failure. */
struct qr_bytes qr_arena_dup(struct qr_arena *a, struct qr_bytes s);
char *qr_arena_str(struct qr_arena *a, struct qr_bytes s);

#endif
