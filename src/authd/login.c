/* login.c - see login.h.
 *
 * A bucket is found by a keyed hash of its name; two nodes that fall together
 * share a bucket, which can only make the brake stronger. */
#include "authd/login.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct challenge {
    bool used;
    uint8_t bytes[32];
    char node[65];
    struct qr_pub key;
    int64_t until_us;
};

struct bucket {
    int32_t spent; /* failures not yet forgotten */
    int64_t since_us;
};

struct login {
    struct qr_clock clock;
    struct qr_rand rand;
    uint8_t hash_key[32];
    pthread_mutex_t mutex;
    struct challenge open[LOGIN_OPEN_MAX];
    struct bucket nodes[LOGIN_BUCKETS];
};

struct login *login_new(struct qr_clock clock, struct qr_rand rand)
{
    struct login *l = calloc(1, sizeof *l);
    if (!l || pthread_mutex_init(&l->mutex, NULL) != 0) qr_fatal("out of memory");
    l->clock = clock;
    l->rand = rand;
    qr_rand_fill(&rand, l->hash_key, sizeof l->hash_key);
    return l;
}

void login_free(struct login *l)
{
    if (!l) return;
    (void)pthread_mutex_destroy(&l->mutex);
    free(l);
}

/* ---- challenges ---- */

/* A free slot; NULL when all, or all of this node's share, are taken. */
static struct challenge *slot(struct login *l, const char *node, int64_t now)
{
    struct challenge *free_one = NULL;
    size_t of_node = 0;
    for (size_t i = 0; i < LOGIN_OPEN_MAX; i++) {
        struct challenge *c = &l->open[i];
        if (c->used && c->until_us <= now) c->used = false;
        if (!c->used)
            free_one = c;
        else if (strcmp(c->node, node) == 0)
            of_node++;
    }
    return of_node < LOGIN_OPEN_PER_NODE ? free_one : NULL;
}

enum qr_rc login_begin(struct login *l, const char *node, const struct qr_pub *key,
                       uint8_t challenge[32], struct qr_err *err)
{
    struct qr_bytes name = qr_str(node);
    if (name.n > 64) return qr_fail(err, QR_RANGE, "node name too long");
    (void)pthread_mutex_lock(&l->mutex);
    int64_t now = qr_mono_us(&l->clock);
    struct challenge *c = slot(l, node, now);
    if (c) {
        qr_rand_fill(&l->rand, c->bytes, sizeof c->bytes);
        c->used = true;
        c->key = *key;
        c->until_us = now + LOGIN_CHALLENGE_S * 1000000LL;
        qr_copy(c->node, name.p, name.n);
        c->node[name.n] = 0;
        qr_copy(challenge, c->bytes, sizeof c->bytes);
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return c ? QR_OK : qr_fail(err, QR_EXHAUSTED, "too many logins under way");
}

enum qr_rc login_take(struct login *l, const char *node, struct qr_bytes challenge,
                      struct qr_pub *key, struct qr_err *err)
{
    bool found = false;
    (void)pthread_mutex_lock(&l->mutex);
    int64_t now = qr_mono_us(&l->clock);
    for (size_t i = 0; i < LOGIN_OPEN_MAX && challenge.n == 32; i++) {
        struct challenge *c = &l->open[i];
        if (!c->used || !qr_equal_ct(c->bytes, challenge.p, sizeof c->bytes)) continue;
        c->used = false;
        found = c->until_us > now && strcmp(c->node, node) == 0;
        *key = c->key;
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return found ? QR_OK : qr_fail(err, QR_UNAUTHENTICATED, "the challenge is unknown or too old");
}

/* ---- the brake ---- */

static struct bucket *bucket_of(struct login *l, const char *node)
{
    uint8_t mac[32];
    struct qr_bytes name = qr_str(node);
    qr_hmac_sha256(QR_BYTES_OF(l->hash_key), &name, 1, mac);
    struct bucket *b = &l->nodes[qr_get_be32(mac) % LOGIN_BUCKETS];
    int64_t now = qr_mono_us(&l->clock);
    int64_t forgotten = (now - b->since_us) / (LOGIN_REFILL_S * 1000000LL);
    if (forgotten > 0) {
        b->spent = forgotten < b->spent ? b->spent - (int32_t)forgotten : 0;
        b->since_us = b->spent ? b->since_us + forgotten * LOGIN_REFILL_S * 1000000LL : now;
    }
    return b;
}

enum qr_rc login_may_try(struct login *l, const char *node, struct qr_err *err)
{
    (void)pthread_mutex_lock(&l->mutex);
    bool ok = bucket_of(l, node)->spent < LOGIN_FAILURES;
    (void)pthread_mutex_unlock(&l->mutex);
    return ok ? QR_OK : qr_fail(err, QR_EXHAUSTED, "too many failed logins; wait a little");
}

void login_failed(struct login *l, const char *node)
{
    (void)pthread_mutex_lock(&l->mutex);
    bucket_of(l, node)->spent++;
    (void)pthread_mutex_unlock(&l->mutex);
}
