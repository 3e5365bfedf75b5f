/* public_sodium.c - frost/public.h with libsodium alone, one call per step: for
 * configure --disable-fast-points, and the yardstick that the other body is
 * measured and compared with.
 *
 * libsodium's additions accept anything on the curve; every point here went
 * through public_decode or public_of, so a refusal is a bug of ours. */
#include "frost/public.h"

#include <sodium.h>

static const uint8_t identity[POINT_SIZE] = {1};

enum qr_rc public_decode(struct public_point *out, const uint8_t in[POINT_SIZE])
{
    return point_decode(&out->at, in);
}

enum qr_rc public_decode_many(struct public_point *out, const uint8_t *in, size_t count,
                              size_t *bad)
{
    for (size_t i = 0; i < count; i++)
        if (public_decode(&out[i], in + i * POINT_SIZE) != QR_OK) {
            *bad = i;
            return QR_MALFORMED;
        }
    return QR_OK;
}

void public_of(struct public_point *out, const struct point *p) { out->at = *p; }

void public_sum_init(struct public_sum *sum) { qr_copy(sum->at, identity, POINT_SIZE); }

void public_sum_add(struct public_sum *sum, const struct public_point *p)
{
    uint8_t out[POINT_SIZE];
    if (crypto_core_ed25519_add(out, sum->at, p->at.b) != 0)
        qr_fatal("addition of an unchecked point");
    qr_copy(sum->at, out, POINT_SIZE);
}

static void add_term(struct public_sum *sum, const struct scalar *by,
                     const struct public_point *point)
{
    struct public_point product;
    if (scalar_is_zero(by)) return;
    if (point)
        point_mul(&product.at, by, &point->at);
    else
        point_mul_base(&product.at, by);
    public_sum_add(sum, &product);
}

void public_sum_add_terms(struct public_sum *sum, const struct public_term *terms, size_t count)
{
    for (size_t i = 0; i < count; i++) add_term(sum, &terms[i].by, terms[i].point);
}

void public_sum_add_poly(struct public_sum *sum, const struct public_point *points, size_t count,
                         uint32_t x)
{
    struct scalar base, power;
    scalar_from_u32(&base, x);
    scalar_from_u32(&power, 1);
    for (size_t k = 0; k < count; k++) {
        if (k == 0 || x == 1)
            public_sum_add(sum, &points[k]);
        else
            add_term(sum, &power, &points[k]);
        scalar_mul(&power, &power, &base);
    }
}

bool public_sum_is_zero(const struct public_sum *sum)
{
    return qr_bytes_equal(QR_BYTES_OF(sum->at), QR_BYTES_OF(identity));
}

bool public_sum_is(const struct public_sum *sum, const uint8_t encoded[POINT_SIZE])
{
    return !public_sum_is_zero(sum) &&
           qr_bytes_equal(QR_BYTES_OF(sum->at), QR_BYTES(encoded, POINT_SIZE));
}

bool public_sum_equal(const struct public_sum *sum, const struct public_point *p)
{
    return public_sum_is(sum, p->at.b);
}

enum qr_rc public_sum_done(const struct public_sum *sum, struct point *out)
{
    if (public_sum_is_zero(sum)) return QR_RANGE;
    qr_copy(out->b, sum->at, POINT_SIZE);
    return QR_OK;
}

enum qr_rc public_sum_point(const struct public_sum *sum, struct public_point *out)
{
    return public_sum_done(sum, &out->at);
}

enum qr_rc public_sums_done(const struct public_sum *sums, size_t count, struct point *out)
{
    for (size_t i = 0; i < count; i++) QR_TRY(public_sum_done(&sums[i], &out[i]));
    return QR_OK;
}
