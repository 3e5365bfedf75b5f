/* told.c - every secret of a ceremony where it is made: coefficients of the
 * polynomial, the ephemeral key, what each member is dealt and deals, both
 * Diffie-Hellman values and the key of each envelope, the nonces of proofs, the
 * share, the signing nonces. */
#include "adversary/told.h"

#include "adversary/moves.h"
#include "base/secret.h"
#include "frost/cocktail.h"
#include "frost/envelope.h"
#include "frost/hash.h"
#include "frost/keys.h"
#include "frost/schnorr.h"

#include <stdio.h>

#define WRAPPED(type, name, args) \
    type __real_##name args;      \
    type __wrap_##name args

WRAPPED(void, scalar_random, (struct scalar * out, const struct qr_rand *r));
WRAPPED(void, scalar_poly,
        (struct scalar * out, const struct scalar *coefficients, size_t count, uint32_t x));
WRAPPED(void, point_mul, (struct point * out, const struct scalar *s, const struct point *p));
WRAPPED(void, hasher_done, (struct hasher * h, uint8_t out[HASH_SIZE]));
WRAPPED(void, hasher_done_scalar, (struct hasher * h, struct scalar *out));
WRAPPED(enum qr_rc, envelope_seal,
        (const struct envelope_route *route, const struct scalar *ephemeral,
         const struct scalar *own, const struct envelope_content *content, struct qr_buf *out));
WRAPPED(enum qr_rc, envelope_open,
        (const struct envelope_route *route, const struct scalar *own,
         const struct point *commitments, struct qr_bytes cipher, struct scalar *share,
         enum dkg_reason *reason));
WRAPPED(enum qr_rc, schnorr_sign,
        (const struct scalar *key, const struct qr_bytes *parts, size_t count,
         const struct qr_rand *rand, uint8_t sig[SCHNORR_SIZE]));
WRAPPED(enum qr_rc, frost_share_init,
        (struct frost_share * s, const struct frost_group *g, uint32_t id,
         const uint8_t x[SCALAR_SIZE], struct qr_err *err));
WRAPPED(void, frost_h3, (const struct qr_bytes *parts, size_t count, struct scalar *out));

void tell_secret(const char *what, const uint8_t *p, size_t n)
{
    static char text[1024];
    const char *path = move_value("secrets");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!f) return;
    (void)setvbuf(f, text, _IOFBF, sizeof text);
    (void)fprintf(f, "%s ", what);
    for (size_t i = 0; i < n; i++) (void)fprintf(f, "%02x", p[i]);
    (void)fprintf(f, "\n");
    (void)fclose(f);
    qr_wipe(text, sizeof text);
}

static _Thread_local bool dealing;

void tell_drawn(bool on) { dealing = on; }

void __wrap_scalar_random(struct scalar *out, const struct qr_rand *r)
{
    __real_scalar_random(out, r);
    if (dealing) tell_secret("drawn", out->b, SCALAR_SIZE);
}

void __wrap_scalar_poly(struct scalar *out, const struct scalar *coefficients, size_t count,
                        uint32_t x)
{
    __real_scalar_poly(out, coefficients, count, x);
    tell_secret("dealt", out->b, SCALAR_SIZE);
}

/* Inside, points and hashes are secret; elsewhere they are not. */
static _Thread_local bool in_envelope;

void __wrap_point_mul(struct point *out, const struct scalar *s, const struct point *p)
{
    __real_point_mul(out, s, p);
    if (in_envelope) tell_secret("dh", out->b, POINT_SIZE);
}

void __wrap_hasher_done(struct hasher *h, uint8_t out[HASH_SIZE])
{
    __real_hasher_done(h, out);
    if (in_envelope) tell_secret("key", out, 32);
}

enum qr_rc __wrap_envelope_seal(const struct envelope_route *route, const struct scalar *ephemeral,
                                const struct scalar *own, const struct envelope_content *content,
                                struct qr_buf *out)
{
    in_envelope = true;
    enum qr_rc rc = __real_envelope_seal(route, ephemeral, own, content, out);
    in_envelope = false;
    return rc;
}

enum qr_rc __wrap_envelope_open(const struct envelope_route *route, const struct scalar *own,
                                const struct point *commitments, struct qr_bytes cipher,
                                struct scalar *share, enum dkg_reason *reason)
{
    in_envelope = true;
    enum qr_rc rc = __real_envelope_open(route, own, commitments, cipher, share, reason);
    in_envelope = false;
    /* A good share is called bad. */
    if (rc == QR_OK && route->from != route->to && move_played("accuse")) {
        *reason = DKG_SHARE;
        return QR_FALSE;
    }
    if (rc == QR_OK) tell_secret("received", share->b, SCALAR_SIZE);
    return rc;
}

/* The first scalar that is hashed for a proof is its nonce. */
static _Thread_local bool proof_begins;

void __wrap_hasher_done_scalar(struct hasher *h, struct scalar *out)
{
    __real_hasher_done_scalar(h, out);
    if (proof_begins) tell_secret("proof", out->b, SCALAR_SIZE);
    proof_begins = false;
}

enum qr_rc __wrap_schnorr_sign(const struct scalar *key, const struct qr_bytes *parts, size_t count,
                               const struct qr_rand *rand, uint8_t sig[SCHNORR_SIZE])
{
    proof_begins = true;
    return __real_schnorr_sign(key, parts, count, rand, sig);
}

enum qr_rc __wrap_frost_share_init(struct frost_share *s, const struct frost_group *g, uint32_t id,
                                   const uint8_t x[SCALAR_SIZE], struct qr_err *err)
{
    tell_secret("share", x, SCALAR_SIZE);
    return __real_frost_share_init(s, g, id, x, err);
}

void __wrap_frost_h3(const struct qr_bytes *parts, size_t count, struct scalar *out)
{
    __real_frost_h3(parts, count, out);
    tell_secret("nonce", out->b, SCALAR_SIZE);
}
