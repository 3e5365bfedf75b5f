/* once.c - records are sorted by value; equal ones then stand beside each
 * other. */
#include "audit/once.h"

#include <stdio.h>
#include <stdlib.h>

#define HELD (1u << 20)
#define CHUNK 4096
#define VALUE_SIZE 15

struct record {
    uint8_t value[VALUE_SIZE]; /* of SHA-256(kind, scope, value) */
    uint8_t kind;
    uint64_t index;
};

struct once {
    struct record *held;
    size_t n, room;
    FILE *file;     /* records that had no room any more */
    uint64_t spilt; /* how many */
};

const char *once_kind_name(enum once_kind k)
{
    static const char *const names[ONCE_KINDS] = {"event id", "session id", "certificate",
                                                  "serial number", "nonce commitment"};
    return names[k];
}

struct once *once_new(void)
{
    struct once *o = calloc(1, sizeof *o);
    if (!o) qr_fatal("out of memory");
    return o;
}

void once_free(struct once *o)
{
    if (!o) return;
    if (o->file) (void)fclose(o->file);
    free(o->held);
    free(o);
}

static void keep(struct once *o, const struct record *r)
{
    if (o->n == o->room) {
        o->room = o->room ? 2 * o->room : 1024;
        o->held = reallocarray(o->held, o->room, sizeof *o->held);
        if (!o->held) qr_fatal("out of memory");
    }
    o->held[o->n++] = *r;
}

static enum qr_rc spill(struct once *o)
{
    if (!o->file) o->file = tmpfile();
    if (!o->file || fwrite(o->held, sizeof *o->held, o->n, o->file) != o->n) return QR_IO;
    o->spilt += o->n;
    o->n = 0;
    return QR_OK;
}

enum qr_rc once_add(struct once *o, enum once_kind k, struct qr_bytes scope, struct qr_bytes value,
                    uint64_t index)
{
    uint8_t kind = (uint8_t)k, len[2] = {(uint8_t)(scope.n >> 8), (uint8_t)scope.n};
    const struct qr_bytes parts[] = {QR_BYTES(&kind, 1), QR_BYTES_OF(len), scope, value};
    struct qr_hash h = qr_sha256(parts, 4);
    struct record r = {.kind = kind, .index = index};
    qr_copy(r.value, h.b, VALUE_SIZE);
    if (o->n == HELD) QR_TRY(spill(o));
    keep(o, &r);
    return QR_OK;
}

static int by_value(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    for (size_t i = 0; i < VALUE_SIZE; i++)
        if (x->value[i] != y->value[i]) return x->value[i] < y->value[i] ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void tell(const struct once *o,
                 void (*twice)(void *ctx, enum once_kind k, uint64_t before, uint64_t again),
                 void *ctx)
{
    for (size_t i = 1; i < o->n; i++) {
        const struct record *a = &o->held[i - 1], *b = &o->held[i];
        if (a->kind == b->kind && qr_bytes_equal(QR_BYTES_OF(a->value), QR_BYTES_OF(b->value)))
            twice(ctx, (enum once_kind)b->kind, a->index, b->index);
    }
}

/* Which of so many equal parts of the range a value lies in. */
static uint64_t part_of(const struct record *r, uint64_t parts)
{
    uint64_t top = (uint64_t)r->value[0] << 16 | (uint64_t)r->value[1] << 8 | r->value[2];
    return top * parts >> 24;
}

static enum qr_rc read_part(struct once *o, uint64_t part, uint64_t parts)
{
    struct record chunk[CHUNK / sizeof(struct record)];
    uint64_t left = o->spilt;
    o->n = 0;
    rewind(o->file);
    while (left > 0) {
        size_t want = sizeof chunk / sizeof chunk[0];
        if (want > left) want = (size_t)left;
        if (fread(chunk, sizeof chunk[0], want, o->file) != want) return QR_IO;
        for (size_t i = 0; i < want; i++)
            if (part_of(&chunk[i], parts) == part) keep(o, &chunk[i]);
        left -= want;
    }
    return QR_OK;
}

enum qr_rc once_finish(struct once *o,
                       void (*twice)(void *ctx, enum once_kind k, uint64_t before, uint64_t again),
                       void *ctx)
{
    uint64_t parts = 1;
    if (o->spilt > 0) {
        QR_TRY(spill(o));
        parts = 2 * (o->spilt / HELD) + 1; /* halves: no part outgrows what is held */
    }
    for (uint64_t p = 0; p < parts; p++) {
        if (o->spilt > 0) QR_TRY(read_part(o, p, parts));
        qsort(o->held, o->n, sizeof *o->held, by_value);
        tell(o, twice, ctx);
    }
    return QR_OK;
}
