/* sample.c - the n smallest keys so far, in their order. */
#include "export/sample.h"

#include <stdlib.h>

void sample_init(struct sample *s, struct qr_bytes seed, struct qr_bytes origin, size_t n)
{
    *s = (struct sample){.seed = seed, .origin = origin, .n = n};
    s->item = calloc(n ? n : 1, sizeof *s->item);
    if (!s->item) qr_fatal("out of memory");
}

void sample_fini(struct sample *s)
{
    for (size_t i = 0; i < s->have; i++) json_decref(s->item[i].row);
    free(s->item);
    *s = (struct sample){.n = 0};
}

static int compare(const struct qr_hash *a, const struct qr_hash *b)
{
    for (size_t i = 0; i < QR_SHA256_SIZE; i++)
        if (a->b[i] != b->b[i]) return a->b[i] < b->b[i] ? -1 : 1;
    return 0;
}

bool sample_wants(const struct sample *s, uint64_t index, struct qr_hash *key)
{
    struct qr_buf b;
    qr_buf_init(&b, s->seed.n + s->origin.n + 64);
    qr_buf_put_lp(&b, s->seed);
    qr_buf_put_lp(&b, s->origin);
    qr_buf_put_be64(&b, index);
    *key = qr_sha256_tagged("quorate/sample/v1", qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return s->have < s->n || (s->n > 0 && compare(key, &s->item[s->n - 1].key) < 0);
}

void sample_put(struct sample *s, const struct qr_hash *key, uint64_t index, json_t *row)
{
    if (s->have == s->n)
        json_decref(s->item[s->n - 1].row);
    else
        s->have++;
    size_t i = s->have - 1;
    for (; i > 0 && compare(key, &s->item[i - 1].key) < 0; i--) s->item[i] = s->item[i - 1];
    s->item[i] = (struct sample_item){*key, index, row};
}

static int by_index(const void *a, const void *b)
{
    const struct sample_item *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

void sample_sort(struct sample *s) { qsort(s->item, s->have, sizeof *s->item, by_index); }
