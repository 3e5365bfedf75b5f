/* known.c - s*B - h*A from multiples that were made beforehand, its encoding
 * compared with R: the equation is libsodium's.  Without fast points libsodium
 * is asked. */
#include "frost/known.h"

#include <config.h>

#include <sodium.h>
#include <stdlib.h>

#if defined(QUORATE_FAST_POINTS) && !defined(FROST_SODIUM_ONLY)
#include "frost/edv.h"
#else
struct edv_fixed {
    char none;
};
#endif

struct known_key {
    struct known_key *next;
    struct qr_pub pub;
    struct edv_fixed *minus; /* multiples of -A */
};

struct known_keys {
    struct edv_fixed *base;
    struct known_key *first;
};

static enum qr_rc multiples(const struct qr_pub *pub, struct edv_fixed **out);
static enum qr_rc verify(const struct known_keys *k, const struct known_key *key,
                         const struct qr_bytes *parts, size_t count, const struct qr_sig *sig);

enum qr_rc known_keys_new(struct known_keys **out)
{
    *out = calloc(1, sizeof **out);
    if (*out && multiples(NULL, &(*out)->base) == QR_OK) return QR_OK;
    known_keys_free(*out);
    *out = NULL;
    return QR_NOMEM;
}

void known_keys_free(struct known_keys *k)
{
    while (k && k->first) {
        struct known_key *key = k->first;
        k->first = key->next;
        free(key->minus);
        free(key);
    }
    if (k) free(k->base);
    free(k);
}

static const struct known_key *find(const struct known_keys *k, const struct qr_pub *pub)
{
    const struct known_key *key = k->first;
    while (key && !qr_bytes_equal(QR_BYTES_OF(key->pub.b), QR_BYTES_OF(pub->b))) key = key->next;
    return key;
}

enum qr_rc known_keys_add(struct known_keys *k, const struct qr_pub *pub)
{
    if (find(k, pub)) return QR_OK;
    if (!qr_pub_valid(pub)) return QR_FALSE;
    struct known_key *key = calloc(1, sizeof *key);
    if (!key) return QR_NOMEM;
    key->pub = *pub;
    enum qr_rc rc = multiples(pub, &key->minus);
    if (rc != QR_OK) {
        free(key);
        return rc;
    }
    key->next = k->first;
    k->first = key;
    return QR_OK;
}

enum qr_rc known_keys_verify(const struct known_keys *k, const struct qr_pub *pub,
                             const struct qr_bytes *parts, size_t count, const struct qr_sig *sig)
{
    const struct known_key *key = find(k, pub);
    return key ? verify(k, key, parts, count, sig) : QR_FALSE;
}

#if defined(QUORATE_FAST_POINTS) && !defined(FROST_SODIUM_ONLY)

/* Of -A, or of the base point. */
static enum qr_rc multiples(const struct qr_pub *pub, struct edv_fixed **out)
{
    struct edv_point a;
    uint8_t opposite[32];
    if (pub) {
        /* Only the sign of x differs; x is 0 for small orders alone. */
        qr_copy(opposite, pub->b, sizeof opposite);
        opposite[31] ^= 0x80;
        if (!edv_decode(&a, opposite)) return QR_FALSE;
    }
    *out = edv_fixed_new(pub ? &a : NULL);
    return *out ? QR_OK : QR_NOMEM;
}

/* SHA-512(R || A || parts) modulo the order. */
static void challenge(uint8_t out[32], const struct qr_pub *pub, const struct qr_bytes *parts,
                      size_t count, const struct qr_sig *sig)
{
    crypto_hash_sha512_state st;
    uint8_t wide[crypto_hash_sha512_BYTES];
    (void)crypto_hash_sha512_init(&st);
    (void)crypto_hash_sha512_update(&st, sig->b, 32);
    (void)crypto_hash_sha512_update(&st, pub->b, sizeof pub->b);
    for (size_t i = 0; i < count; i++) (void)crypto_hash_sha512_update(&st, parts[i].p, parts[i].n);
    (void)crypto_hash_sha512_final(&st, wide);
    crypto_core_ed25519_scalar_reduce(out, wide);
}

/* Below the order: reducing it changes nothing. */
static bool scalar_canonical(const uint8_t s[32])
{
    uint8_t wide[64] = {0}, reduced[32];
    qr_copy(wide, s, 32);
    crypto_core_ed25519_scalar_reduce(reduced, wide);
    return qr_bytes_equal(QR_BYTES_OF(reduced), QR_BYTES(s, 32));
}

static enum qr_rc verify(const struct known_keys *k, const struct known_key *key,
                         const struct qr_bytes *parts, size_t count, const struct qr_sig *sig)
{
    const uint8_t *r = sig->b, *s = sig->b + 32;
    struct edv_point sum;
    uint8_t h[32], encoded[32];
    if (!scalar_canonical(s)) return QR_FALSE;
    challenge(h, &key->pub, parts, count, sig);
    edv_zero(&sum);
    edv_fixed_add(&sum, k->base, s);
    edv_fixed_add(&sum, key->minus, h);
    /* Of the points of the group only the identity has a small order, which
     * libsodium refuses. */
    if (edv_is_identity(&sum)) return QR_FALSE;
    edv_encode(encoded, &sum);
    return qr_bytes_equal(QR_BYTES_OF(encoded), QR_BYTES(r, 32)) ? QR_OK : QR_FALSE;
}

#else

static enum qr_rc multiples(const struct qr_pub *pub, struct edv_fixed **out)
{
    (void)pub;
    *out = calloc(1, sizeof **out);
    return *out ? QR_OK : QR_NOMEM;
}

static enum qr_rc verify(const struct known_keys *k, const struct known_key *key,
                         const struct qr_bytes *parts, size_t count, const struct qr_sig *sig)
{
    struct qr_buf all;
    size_t n = 0;
    (void)k;
    for (size_t i = 0; i < count; i++) n += parts[i].n;
    qr_buf_init(&all, n);
    for (size_t i = 0; i < count; i++) qr_buf_put_bytes(&all, parts[i]);
    enum qr_rc rc = all.failed ? QR_NOMEM : qr_verify(&key->pub, qr_buf_bytes(&all), sig);
    qr_buf_fini(&all);
    return rc;
}

#endif
