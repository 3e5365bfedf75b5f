/* attested_limit.c - see attested_limit.h. */
#include "rpc/attested_limit.h"

#define WINDOW_US 60000000LL

/* The slot to give up: an old window first, else the one with the fewest counts. */
static struct attested_limit_key *victim(struct attested_limit *l, int64_t now_us)
{
    struct attested_limit_key *best = &l->keys[0];
    for (size_t i = 0; i < l->count; i++) {
        struct attested_limit_key *k = &l->keys[i];
        if (now_us - k->since_us >= WINDOW_US) return k;
        if (k->begun + k->refused < best->begun + best->refused) best = k;
    }
    return best;
}

static struct attested_limit_key *key_of(struct attested_limit *l, const struct qr_hash *spki,
                                         int64_t now_us)
{
    struct attested_limit_key *k = NULL;
    for (size_t i = 0; i < l->count && !k; i++)
        if (qr_hash_equal(&l->keys[i].spki, spki)) k = &l->keys[i];
    if (k && now_us - k->since_us < WINDOW_US) return k;
    if (!k) k = l->count < ATTESTED_LIMIT_KEYS ? &l->keys[l->count++] : victim(l, now_us);
    *k = (struct attested_limit_key){.spki = *spki, .since_us = now_us};
    return k;
}

bool attested_limit_begin(struct attested_limit *l, const struct qr_hash *spki, int64_t now_us)
{
    struct attested_limit_key *k = key_of(l, spki, now_us);
    if (k->begun >= ATTESTED_LIMIT_BEGUN || k->refused >= ATTESTED_LIMIT_REFUSED) return false;
    k->begun++;
    return true;
}

void attested_limit_refused(struct attested_limit *l, const struct qr_hash *spki, int64_t now_us)
{
    key_of(l, spki, now_us)->refused++;
}
