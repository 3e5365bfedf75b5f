/* edv.h - variable-time edwards25519 for PUBLIC data: points, sums, multiples.
 *
 * NEVER SECRET DATA.  Time and memory accesses depend on every scalar and point
 * given here; shares, nonces, static and ephemeral keys and Diffie-Hellman
 * values stay with libsodium (frost/group.h).  Only frost/public_edv.c, which
 * speaks of checked points (frost/public.h), and frost/known.c call this.
 *
 * A struct edv_point is any point of the curve, of whatever order.  Pure
 * functions without allocation, except for the batch test and edv_fixed.
 *
 * Spec: RFC 8032 section 5.1. */
#ifndef QUORATE_FROST_EDV_H
#define QUORATE_FROST_EDV_H

#include "base/bytes.h"

struct edv_fe {
    uint64_t v[5];
};
/* Extended coordinates: x = X/Z, y = Y/Z, xy = T/Z. */
struct edv_point {
    struct edv_fe x, y, z, t;
};
/* by is 32 bytes below the group's order. */
struct edv_term {
    const uint8_t *by;
    const struct edv_point *point; /* NULL: the base point */
};

/* False unless the bytes are canonical and on the curve; small and mixed
 * orders pass (edv_in_subgroup). */
bool edv_decode(struct edv_point *out, const uint8_t in[32]) QR_MUST_CHECK;
void edv_encode(uint8_t out[32], const struct edv_point *p);
/* count encodings, 32 bytes each, with one inversion for up to 64 of them. */
void edv_encode_many(uint8_t *out, const struct edv_point *points, size_t count);

bool edv_is_identity(const struct edv_point *p);
bool edv_equal(const struct edv_point *a, const struct edv_point *b);
/* The order's multiple is the identity (which itself passes). */
bool edv_in_subgroup(const struct edv_point *p);
/* The same of all points, which came from edv_decode: 128 sums over subsets
 * that seed (a hash of all encodings) selects.  A point outside passes with
 * probability 2^-128.  QR_FALSE: at least one is outside; QR_NOMEM. */
enum qr_rc edv_all_in_subgroup(const struct edv_point *points, size_t count, const uint8_t seed[32])
    QR_MUST_CHECK;

/* The identity. */
void edv_zero(struct edv_point *out);
/* out may be a or b. */
void edv_add(struct edv_point *out, const struct edv_point *a, const struct edv_point *b);
/* sum over k < count of x^k * points[k]. */
void edv_horner(struct edv_point *out, const struct edv_point *points, size_t count, uint32_t x);
/* sum over the terms. */
void edv_multi(struct edv_point *out, const struct edv_term *terms, size_t count);

/* Multiples of one point, made once (1 ms, 500 KB): a sum needs no doublings. */
struct edv_fixed;
/* point: NULL for the base point.  NULL: no memory.  The caller frees it. */
struct edv_fixed *edv_fixed_new(const struct edv_point *point) QR_MUST_CHECK;
/* sum += by * the point; by is 32 bytes below the group's order. */
void edv_fixed_add(struct edv_point *sum, const struct edv_fixed *f, const uint8_t by[32]);

#endif
