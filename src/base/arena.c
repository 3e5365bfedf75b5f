/* arena.c - a list of blocks; each allocation comes from the newest one. */
#include "base/arena.h"

#include <stdlib.h>

#define BLOCK_SIZE 4096
#define ALIGN 16

struct qr_arena_block {
    struct qr_arena_block *next;
    size_t room;
    size_t n;
    size_t pad_;
    uint8_t data[];
};

_Static_assert(sizeof(struct qr_arena_block) % ALIGN == 0, "data is aligned");

void qr_arena_init(struct qr_arena *a, size_t cap) { *a = (struct qr_arena){.cap = cap}; }

void qr_arena_fini(struct qr_arena *a)
{
    while (a->blocks) {
        struct qr_arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}

static struct qr_arena_block *block_new(struct qr_arena *a, size_t need)
{
    size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;
    struct qr_arena_block *b = calloc(1, sizeof *b + room);
    if (!b) return NULL;
    b->room = room;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *qr_arena_alloc(struct qr_arena *a, size_t n)
{
    if (n > a->cap || n > SIZE_MAX / 2) return NULL; /* so that no sum below wraps */
    size_t need = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (need == 0) need = ALIGN;
    if (need > a->cap - a->used) return NULL;
    struct qr_arena_block *b = a->blocks;
    if (!b || need > b->room - b->n) b = block_new(a, need);
    if (!b) return NULL;
    void *p = b->data + b->n;
    b->n += need;
    a->used += need;
    return p;
}

struct qr_bytes qr_arena_dup(struct qr_arena *a, struct qr_bytes s)
{
    uint8_t *p = qr_arena_alloc(a, s.n + 1);
    if (!p) return QR_BYTES_NONE;
    qr_copy(p, s.p, s.n);
    return QR_BYTES(p, s.n);
}

char *qr_arena_str(struct qr_arena *a, struct qr_bytes s)
{
    uint8_t *p = qr_arena_alloc(a, s.n + 1);
    if (p) qr_copy(p, s.p, s.n);
    return (char *)p;
}
