/* group.c - libsodium's edwards25519 without clamping, and its traps closed.
 *
 * noclamp multiplications ignore bit 255 of the scalar and refuse the
 * identity: safe only because every value in here went through a decode
 * function first.  A refusal
 * by libsodium after that is a bug of ours and ends the process. */
#include "frost/group.h"

#include "base/removal.h"

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

enum qr_rc scalar_decode(struct scalar *out, const uint8_t in[SCALAR_SIZE])
{
    if (!QR_HOLDS(FROST_SCALAR, sodium_compare(in, order, SCALAR_SIZE) < 0)) return QR_MALFORMED;
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

void scalar_negate(struct scalar *out, const struct scalar *s)
{
    crypto_core_ed25519_scalar_negate(out->b, s->b);
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
    if (!QR_HOLDS(FROST_POINT, crypto_core_ed25519_is_valid_point(in) == 1)) return QR_MALFORMED;
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

/* Multiplies out by the magnitude of a product of small factors, which are
 * collected in words as long as they fit. */
struct small_product {
    struct scalar *out;
    uint64_t word;
    bool negative;
};

static void flush(struct small_product *p)
{
    struct scalar s = {{0}};
    qr_set_le64(s.b, p->word);
    scalar_mul(p->out, p->out, &s);
    p->word = 1;
}

static void times(struct small_product *p, int64_t factor)
{
    uint64_t magnitude = (uint64_t)(factor < 0 ? -factor : factor), next;
    if (factor < 0) p->negative = !p->negative;
    if (__builtin_mul_overflow(p->word, magnitude, &next)) {
        flush(p);
        next = magnitude;
    }
    p->word = next;
}

static void product_done(struct small_product *p)
{
    flush(p);
    if (p->negative) scalar_negate(p->out, p->out);
}

/* Product of the ids, without ids[skip] (count: skip none). */
static void product_of_ids(struct scalar *out, const uint32_t *ids, size_t count, size_t skip)
{
    struct small_product p = {out, 1, false};
    scalar_from_u32(out, 1);
    for (size_t j = 0; j < count; j++)
        if (j != skip) times(&p, ids[j]);
    product_done(&p);
}

/* Product of ids[j] - ids[own] over j != own; 0 when an id occurs twice. */
static void product_of_differences(struct scalar *out, const uint32_t *ids, size_t count,
                                   size_t own)
{
    struct small_product p = {out, 1, false};
    scalar_from_u32(out, 1);
    for (size_t j = 0; j < count; j++)
        if (j != own) times(&p, (int64_t)ids[j] - (int64_t)ids[own]);
    product_done(&p);
}

static bool are_distinct(const uint32_t *ids, size_t count)
{
    for (size_t j = 0; j < count; j++) {
        if (ids[j] == 0) return false;
        for (size_t k = 0; k < j; k++)
            if (ids[k] == ids[j]) return false;
    }
    return true;
}

enum qr_rc lagrange_coefficient(struct scalar *out, uint32_t own, const uint32_t *ids, size_t count)
{
    struct scalar denominator;
    size_t at = 0;
    while (at < count && ids[at] != own) at++;
    if (at == count || !are_distinct(ids, count)) return QR_RANGE;
    product_of_ids(out, ids, count, at);
    product_of_differences(&denominator, ids, count, at);
    if (crypto_core_ed25519_scalar_invert(denominator.b, denominator.b) != 0)
        qr_fatal("distinct identifiers with zero difference");
    scalar_mul(out, out, &denominator);
    return QR_OK;
}

/* With N the product of all ids, lambda_i = N / (i * product of differences);
 * the denominators are inverted together (Montgomery). */
enum qr_rc lagrange_coefficients(struct scalar *out, const uint32_t *ids, size_t count)
{
    struct scalar below[QR_MAX_MEMBERS], all, id;
    if (count < 1 || count > QR_MAX_MEMBERS || !are_distinct(ids, count)) return QR_RANGE;
    scalar_from_u32(&all, 1);
    for (size_t i = 0; i < count; i++) {
        product_of_differences(&below[i], ids, count, i);
        scalar_from_u32(&id, ids[i]);
        scalar_mul(&below[i], &below[i], &id);
        out[i] = all;
        scalar_mul(&all, &all, &below[i]);
    }
    if (crypto_core_ed25519_scalar_invert(all.b, all.b) != 0)
        qr_fatal("distinct identifiers with zero difference");
    product_of_ids(&id, ids, count, count);
    scalar_mul(&all, &all, &id);
    for (size_t i = count; i-- > 0;) {
        scalar_mul(&out[i], &out[i], &all);
        scalar_mul(&all, &all, &below[i]);
    }
    return QR_OK;
}
