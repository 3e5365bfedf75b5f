/* envelope.c - key and nonce from two Diffie-Hellman values, then the AEAD.
 *
 * The text asks for Ristretto encodings of the two values, the published
 * vectors use the RFC 8032 encoding (C2SP/C2SP issue 299): the vectors win,
 * and derive() is the only place that knows. */
#include "frost/envelope.h"

#include "base/removal.h"

#include "frost/hash.h"

#include <assert.h>

#define KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(KEY_SIZE + NONCE_SIZE <= HASH_SIZE, "one hash gives key and nonce");
_Static_assert(COCKTAIL_MIN_CIPHERTEXT == SCALAR_SIZE + TAG_SIZE, "an empty payload");

/* H6: key in the first 32 bytes of tmp, nonce in the next 24. */
static void derive(const struct envelope_route *r, const struct point *dh_ephemeral,
                   const struct point *dh_static, uint8_t tmp[HASH_SIZE])
{
    const struct cocktail_params *p = r->params;
    struct hasher h;
    assert(r->from >= 1 && r->from <= p->n && r->to >= 1 && r->to <= p->n);
    hasher_init(&h, "COCKTAIL-DKG-Ed25519-SHA512-H6");
    hasher_add(&h, QR_BYTES_OF(dh_ephemeral->b));
    hasher_add(&h, QR_BYTES_OF(dh_static->b));
    hasher_add(&h, QR_BYTES_OF(r->ephemeral->b));
    hasher_add(&h, QR_BYTES_OF(p->keys[r->from - 1].b));
    hasher_add(&h, QR_BYTES_OF(p->keys[r->to - 1].b));
    hasher_add_le64(&h, COCKTAIL_CONTEXT_SIZE);
    hasher_add(&h, QR_BYTES_OF(p->context));
    hasher_done(&h, tmp);
}

static void dh_static(const struct envelope_route *route, const struct scalar *own,
                      const struct point *other, struct point *out)
{
    if (route->dh_static)
        *out = *route->dh_static;
    else
        point_mul(out, own, other);
}

enum qr_rc envelope_seal(const struct envelope_route *route, const struct scalar *ephemeral,
                         const struct scalar *own, const struct envelope_content *content,
                         struct qr_buf *out)
{
    const struct point *to = &route->params->keys[route->to - 1];
    uint8_t tmp[HASH_SIZE];
    struct point dh[2];
    struct qr_secret text; /* encrypted in place */
    size_t plain = SCALAR_SIZE + content->payload.n;
    if (content->payload.n > COCKTAIL_MAX_PAYLOAD) return QR_RANGE;
    QR_TRY(qr_secret_init(&text, plain + TAG_SIZE, NULL));
    qr_copy(text.p, content->share->b, SCALAR_SIZE);
    qr_copy(text.p + SCALAR_SIZE, content->payload.p, content->payload.n);
    point_mul(&dh[0], ephemeral, to);
    dh_static(route, own, to, &dh[1]);
    derive(route, &dh[0], &dh[1], tmp);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(text.p, NULL, text.p, plain, NULL, 0, NULL,
                                                     tmp + KEY_SIZE, tmp);
    qr_buf_put_be64(out, plain + TAG_SIZE);
    qr_buf_put(out, text.p, plain + TAG_SIZE);
    qr_secret_fini(&text);
    qr_wipe(dh, sizeof dh);
    qr_wipe(tmp, sizeof tmp);
    return qr_buf_ok(out);
}

/* s*B == sum over k of to^k * C_k.  The share is secret: s*B by libsodium. */
static bool share_fits(const struct envelope_route *route, const struct public_point *commitments,
                       const struct scalar *share)
{
    struct public_sum expected;
    struct point got;
    public_sum_init(&expected);
    public_sum_add_poly(&expected, commitments, route->params->t, route->to);
    if (scalar_is_zero(share)) return public_sum_is_zero(&expected);
    point_mul_base(&got, share);
    return public_sum_is(&expected, got.b);
}

enum qr_rc envelope_open_with(const struct envelope_route *route, const struct point dh[2],
                              const struct public_point *commitments, struct qr_bytes cipher,
                              struct scalar *share, enum dkg_reason *reason)
{
    uint8_t tmp[HASH_SIZE];
    struct qr_secret text;
    assert(cipher.n >= COCKTAIL_MIN_CIPHERTEXT && cipher.n <= COCKTAIL_MAX_CIPHERTEXT);
    QR_TRY(qr_secret_init(&text, cipher.n - TAG_SIZE, NULL));
    derive(route, &dh[0], &dh[1], tmp);
    *reason = DKG_FINE;
    int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(text.p, NULL, NULL, cipher.p, cipher.n,
                                                            NULL, 0, tmp + KEY_SIZE, tmp);
    if (!QR_HOLDS(COCKTAIL_DECRYPT, opened == 0))
        *reason = DKG_DECRYPT;
    else if (scalar_decode(share, text.p) != QR_OK)
        *reason = DKG_SCALAR;
    else if (!QR_HOLDS(COCKTAIL_SHARE, share_fits(route, commitments, share)))
        *reason = DKG_SHARE;
    qr_secret_fini(&text);
    qr_wipe(tmp, sizeof tmp);
    if (*reason == DKG_FINE) return QR_OK;
    return *reason == DKG_SCALAR ? QR_MALFORMED : QR_FALSE;
}

enum qr_rc envelope_open(const struct envelope_route *route, const struct scalar *own,
                         const struct public_point *commitments, struct qr_bytes cipher,
                         struct scalar *share, enum dkg_reason *reason)
{
    struct point dh[2];
    point_mul(&dh[0], own, route->ephemeral);
    dh_static(route, own, &route->params->keys[route->from - 1], &dh[1]);
    enum qr_rc rc = envelope_open_with(route, dh, commitments, cipher, share, reason);
    qr_wipe(dh, sizeof dh);
    return rc;
}
