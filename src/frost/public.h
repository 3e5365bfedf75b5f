/* public.h - arithmetic on public points: sums, multiples, polynomials in the
 * exponent, decoding of long lists.
 *
 * NEVER SECRET DATA: everything here may take a time that depends on its
 * arguments.  What is secret is multiplied with point_mul_base and point_mul
 * (frost/group.h).  Two bodies exist with equal results: public_edv.c, and
 * public_sodium.c for configure --disable-fast-points, which asks libsodium
 * for everything and needs 2 to 10 times as long.
 *
 * A struct public_point is always a checked member of the subgroup and never
 * the identity, like struct point, and is kept decoded: what is used more than
 * once is decoded once.  A struct public_sum may be the identity.
 *
 * Spec: RFC 9591 sections 3.1, 5.3 and 6.1. */
#ifndef QUORATE_FROST_PUBLIC_H
#define QUORATE_FROST_PUBLIC_H

#include <config.h>

#include "frost/group.h"

#if defined(QUORATE_FAST_POINTS) && !defined(FROST_SODIUM_ONLY)
#include "frost/edv.h"
struct public_point {
    struct edv_point at;
};
struct public_sum {
    struct edv_point at;
};
#else
struct public_point {
    struct point at;
};
struct public_sum {
    uint8_t at[POINT_SIZE];
};
#endif

/* point_decode, kept decoded.  QR_MALFORMED. */
enum qr_rc public_decode(struct public_point *out, const uint8_t in[POINT_SIZE]) QR_MUST_CHECK;
/* count encodings one after the other.  QR_MALFORMED: *bad is the first that
 * public_decode refuses; QR_NOMEM. */
enum qr_rc public_decode_many(struct public_point *out, const uint8_t *in, size_t count,
                              size_t *bad) QR_MUST_CHECK;
/* Of a point that is checked already. */
void public_of(struct public_point *out, const struct point *p);

void public_sum_init(struct public_sum *sum);
void public_sum_add(struct public_sum *sum, const struct public_point *p);
/* Adds every by * point. */
struct public_term {
    struct scalar by;
    const struct public_point *point; /* NULL: the base point */
};
void public_sum_add_terms(struct public_sum *sum, const struct public_term *terms, size_t count);
/* Adds sum over k < count of x^k * points[k]; x > 0. */
void public_sum_add_poly(struct public_sum *sum, const struct public_point *points, size_t count,
                         uint32_t x);

bool public_sum_is_zero(const struct public_sum *sum);
/* Do the bytes encode the sum?  False for any other encoding, also of an equal
 * point, and for the identity. */
bool public_sum_is(const struct public_sum *sum, const uint8_t encoded[POINT_SIZE]);
bool public_sum_equal(const struct public_sum *sum, const struct public_point *p);
/* The sum as a point.  QR_RANGE: it is the identity. */
enum qr_rc public_sum_done(const struct public_sum *sum, struct point *out) QR_MUST_CHECK;
enum qr_rc public_sum_point(const struct public_sum *sum, struct public_point *out) QR_MUST_CHECK;
/* count sums at once; QR_RANGE: one is the identity. */
enum qr_rc public_sums_done(const struct public_sum *sums, size_t count, struct point *out)
    QR_MUST_CHECK;

#endif
