/* group.c - libsodium's edwards25519 without clamping, and its traps closed.
 *
 * noclamp multiplications ignore bit 255 of the scalar and refuse the
 * identity, and additions accept anything on the curve: both are safe only
 * because every value in here went through a decode function first.  A refusal
 * by libsodium after that is a bug of ours and ends the process. */
#include "frost/group.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(SCALAR_SIZE == crypto_core_ed25519_SCALARBYTES, "scalar");
_Static_assert(POINT_SIZE == crypto_core_ed25519_BYTES, "point");
_Static_assert(sizeof(struct scalar) == SCALAR_SIZE, "no padding");
_Static_assert(sizeof(struct point) == POINT_SIZE, "no padding");

/* L = 2^252 + 27742317777372353535851937790883648493 */
static const uint8_t order[SCALAR_SIZE] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
static const uint8_t identity[POINT_SIZE] = {1};

enum qr_rc scalar_decode(struct scalar *out, const uint8_t in[SCALAR_SIZE])
{
    if (sodium_compare(in, order, SCALAR_SIZE) >= 0) return QR_MALFORMED;
    qr_copy(out->b, in, SCALAR_SIZE);
    return QR_OK;
}

bool scalar_is_zero(const struct scalar *s) { return sodium_is_zero(s->b, SCALAR_SIZE) == 1; }

void scalar_from_u32(struct scalar *out, uint32_t v)
{
    qr_zero(out->b, SCALAR_SIZE);
    qr_set_le32(out->b, v);
}

void scalar_reduce(struct scalar *out, const uint8_t wide[64])
{
    crypto_core_ed25519_scalar_reduce(out->b, wide);
}

void scalar_random(struct scalar *out, const struct qr_rand *r)
{
    uint8_t wide[64];
    do {
        qr_rand_fill(r, wide, sizeof wide);
        scalar_reduce(out, wide);
    } while (scalar_is_zero(out));
    qr_wipe(wide, sizeof wide);
}

void scalar_add(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    crypto_core_ed25519_scalar_add(out->b, a->b, b->b);
}

void scalar_sub(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    crypto_core_ed25519_scalar_sub(out->b, a->b, b->b);
}

void scalar_mul(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    crypto_core_ed25519_scalar_mul(out->b, a->b, b->b);
}

const struct scalar *scalar_of_secret(const struct qr_secret *s, size_t index)
{
    assert(s->p && index < s->n / SCALAR_SIZE);
    return (const struct scalar *)(s->p + index * SCALAR_SIZE);
}

enum qr_rc point_decode(struct point *out, const uint8_t in[POINT_SIZE])
{
    if (crypto_core_ed25519_is_valid_point(in) != 1) return QR_MALFORMED;
    qr_copy(out->b, in, POINT_SIZE);
    return QR_OK;
}

bool point_equal(const struct point *a, const struct point *b)
{
    return sodium_memcmp(a->b, b->b, POINT_SIZE) == 0;
}

void point_mul_base(struct point *out, const struct scalar *s)
{
    if (crypto_scalarmult_ed25519_base_noclamp(out->b, s->b) != 0)
        qr_fatal("multiplication of the base point by zero");
}

void point_mul(struct point *out, const struct scalar *s, const struct point *p)
{
    if (crypto_scalarmult_ed25519_noclamp(out->b, s->b, p->b) != 0)
        qr_fatal("multiplication by zero or of an unchecked point");
}

void point_sum_init(struct point_sum *sum) { qr_copy(sum->b, identity, POINT_SIZE); }

void point_sum_add(struct point_sum *sum, const struct point *p)
{
    uint8_t out[POINT_SIZE];
    if (crypto_core_ed25519_add(out, sum->b, p->b) != 0) qr_fatal("addition of an unchecked point");
    qr_copy(sum->b, out, POINT_SIZE);
}

void point_sum_add_base(struct point_sum *sum, const struct scalar *s)
{
    struct point p;
    if (scalar_is_zero(s)) return;
    point_mul_base(&p, s);
    point_sum_add(sum, &p);
}

void point_sum_add_mul(struct point_sum *sum, const struct scalar *s, const struct point *p)
{
    struct point q;
    if (scalar_is_zero(s)) return;
    point_mul(&q, s, p);
    point_sum_add(sum, &q);
}

bool point_sum_equal(const struct point_sum *a, const struct point_sum *b)
{
    return sodium_memcmp(a->b, b->b, POINT_SIZE) == 0;
}

enum qr_rc point_sum_done(const struct point_sum *sum, struct point *out)
{
    if (sodium_memcmp(sum->b, identity, POINT_SIZE) == 0) return QR_RANGE;
    qr_copy(out->b, sum->b, POINT_SIZE);
    return QR_OK;
}

void point_sum_add_poly(struct point_sum *sum, const struct point *coefficients, size_t count,
                        uint32_t x)
{
    struct scalar base, power;
    scalar_from_u32(&base, x);
    scalar_from_u32(&power, 1);
    for (size_t k = 0; k < count; k++) {
        if (k == 0 || x == 1)
            point_sum_add(sum, &coefficients[k]);
        else
            point_sum_add_mul(sum, &power, &coefficients[k]);
        scalar_mul(&power, &power, &base);
    }
}

void scalar_poly(struct scalar *out, const struct scalar *coefficients, size_t count, uint32_t x)
{
    struct scalar at, sum;
    assert(count > 0 && x > 0);
    scalar_from_u32(&at, x);
    sum = coefficients[count - 1];
    for (size_t k = count - 1; k-- > 0;) {
        scalar_mul(&sum, &sum, &at);
        scalar_add(&sum, &sum, &coefficients[k]);
    }
    *out = sum;
    qr_wipe(&sum, sizeof sum);
}

enum qr_rc lagrange_coefficient(struct scalar *out, uint32_t own, const uint32_t *ids, size_t count)
{
    struct scalar numerator, denominator, self, other, difference;
    size_t hits = 0;
    scalar_from_u32(&numerator, 1);
    scalar_from_u32(&denominator, 1);
    scalar_from_u32(&self, own);
    for (size_t j = 0; j < count; j++) {
        if (ids[j] == 0) return QR_RANGE;
        if (ids[j] == own) {
            hits++;
            continue;
        }
        scalar_from_u32(&other, ids[j]);
        scalar_sub(&difference, &other, &self);
        scalar_mul(&numerator, &numerator, &other);
        scalar_mul(&denominator, &denominator, &difference);
        for (size_t k = 0; k < j; k++)
            if (ids[k] == ids[j]) return QR_RANGE;
    }
    if (hits != 1) return QR_RANGE;
    if (crypto_core_ed25519_scalar_invert(denominator.b, denominator.b) != 0)
        qr_fatal("distinct identifiers with zero difference");
    scalar_mul(out, &numerator, &denominator);
    return QR_OK;
}
