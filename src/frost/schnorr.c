/* schnorr.c - sign and verify with the suite's prefixes.
 *
 * R is not decoded: z*B - c*P is a member of the subgroup, so that bytes which
 * are its canonical encoding are those of a valid point.
 *
 * Random bytes in the nonce hash guard against induced faults; verifiers
 * cannot tell ("SHOULD mix in fresh randomness", Schnorr Security Notes). */
#include "frost/schnorr.h"

#include "frost/hash.h"
#include "frost/public.h"

#define PREFIX_NONCE "COCKTAIL-DKG-Ed25519-SHA512-NONCE"
#define PREFIX_H7 "COCKTAIL-DKG-Ed25519-SHA512-H7"

static void challenge(const uint8_t r[POINT_SIZE], const struct point *pub,
                      const struct qr_bytes *parts, size_t count, struct scalar *out)
{
    struct hasher h;
    hasher_init(&h, PREFIX_H7);
    hasher_add(&h, QR_BYTES(r, POINT_SIZE));
    hasher_add(&h, QR_BYTES_OF(pub->b));
    for (size_t i = 0; i < count; i++) hasher_add(&h, parts[i]);
    hasher_done_scalar(&h, out);
}

static void nonce(const struct scalar *key, const struct qr_bytes *parts, size_t count,
                  const struct qr_rand *rand, struct scalar *out)
{
    struct hasher h;
    uint8_t fresh[32];
    hasher_init(&h, PREFIX_NONCE);
    hasher_add(&h, QR_BYTES_OF(key->b));
    if (rand) {
        qr_rand_fill(rand, fresh, sizeof fresh);
        hasher_add(&h, QR_BYTES_OF(fresh));
    }
    for (size_t i = 0; i < count; i++) hasher_add(&h, parts[i]);
    hasher_done_scalar(&h, out);
    qr_wipe(fresh, sizeof fresh);
}

enum qr_rc schnorr_sign(const struct scalar *key, const struct qr_bytes *parts, size_t count,
                        const struct qr_rand *rand, uint8_t sig[SCHNORR_SIZE])
{
    struct scalar k, c, z;
    struct point pub, r;
    point_mul_base(&pub, key);
    nonce(key, parts, count, rand, &k);
    /* COCKTAIL-DKG: with k = 0 implementations MUST abort and MUST NOT reveal
     * any further derived value. */
    if (scalar_is_zero(&k)) return QR_BUG;
    point_mul_base(&r, &k);
    challenge(r.b, &pub, parts, count, &c);
    scalar_mul(&z, &c, key);
    scalar_add(&z, &z, &k);
    qr_copy(sig, r.b, POINT_SIZE);
    qr_copy(sig + POINT_SIZE, z.b, SCALAR_SIZE);
    qr_wipe(&k, sizeof k);
    return QR_OK;
}

enum qr_rc schnorr_verify(const struct point *pub, const struct qr_bytes *parts, size_t count,
                          const uint8_t sig[SCHNORR_SIZE])
{
    struct public_point key;
    struct public_term terms[2] = {{.point = NULL}, {.point = &key}};
    struct public_sum sum;
    if (scalar_decode(&terms[0].by, sig + POINT_SIZE) != QR_OK) return QR_FALSE;
    challenge(sig, pub, parts, count, &terms[1].by);
    scalar_negate(&terms[1].by, &terms[1].by);
    public_of(&key, pub);
    public_sum_init(&sum);
    public_sum_add_terms(&sum, terms, 2);
    return public_sum_is(&sum, sig) ? QR_OK : QR_FALSE;
}
