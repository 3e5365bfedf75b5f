/* sample.h - a sample of a population that everybody draws alike.
 *
 * Place i of the log `origin` has the key SHA-256("quorate/sample/v1\0" || lp(seed)
 * || lp(origin) || be64(i)); the sample are the n places of the population with
 * the smallest keys.  No place can be drawn twice, the order of reading does not
 * matter, and whoever says the seed first cannot choose what is drawn. */
#ifndef QUORATE_EXPORT_SAMPLE_H
#define QUORATE_EXPORT_SAMPLE_H

#include "base/json.h"
#include "crypto/crypto.h"

#define SAMPLE_MAX 100000

struct sample_item {
    struct qr_hash key;
    uint64_t index;
    json_t *row; /* owned */
};

struct sample {
    struct qr_bytes seed, origin; /* kept */
    size_t n;                     /* asked for; at most SAMPLE_MAX */
    size_t have;
    struct sample_item *item; /* in ascending key until sample_sort */
};

/* Gives sample_fini. */
void sample_init(struct sample *s, struct qr_bytes seed, struct qr_bytes origin, size_t n);
void sample_fini(struct sample *s);
/* Whether the place is drawn as far as is known; then sample_put it. */
bool sample_wants(const struct sample *s, uint64_t index, struct qr_hash *key);
/* Takes row. */
void sample_put(struct sample *s, const struct qr_hash *key, uint64_t index, json_t *row);
/* After the last one: in the order of the log. */
void sample_sort(struct sample *s);

#endif
