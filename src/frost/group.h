/* group.h - scalars and points of the prime-order subgroup of edwards25519.
 *
 * A struct scalar is always canonical (below L); a struct point is always a
 * checked member of the subgroup and never the identity.  Bytes from outside
 * become one only through scalar_decode and point_decode, the two choke
 * points.  Arithmetic on public points, whose sums may pass through the
 * identity, is in frost/public.h.  Only files of src/frost call this.  qr_crypto_init must
 * have succeeded.  Nothing here is a clamped or cofactor operation.
 *
 * Operations on scalars and multiplications are constant time (libsodium);
 * Lagrange coefficients are for public values.
 *
 * Spec: RFC 9591 sections 3.1 and 6.1. */
#ifndef QUORATE_FROST_GROUP_H
#define QUORATE_FROST_GROUP_H

#include "base/limits.h"
#include "base/rand.h"
#include "base/secret.h"

#define SCALAR_SIZE 32
#define POINT_SIZE 32

struct scalar {
    uint8_t b[SCALAR_SIZE]; /* little-endian, < L */
};
struct point {
    uint8_t b[POINT_SIZE]; /* RFC 8032 encoding */
};

/* DeserializeScalar: QR_MALFORMED for a value >= L.  Zero is accepted. */
enum qr_rc scalar_decode(struct scalar *out, const uint8_t in[SCALAR_SIZE]) QR_MUST_CHECK;
bool scalar_is_zero(const struct scalar *s);
void scalar_from_u32(struct scalar *out, uint32_t v);
/* The 64 bytes as little-endian integer, mod L. */
void scalar_reduce(struct scalar *out, const uint8_t wide[64]);
/* Uniform and not zero: wide reduction of 64 bytes from r. */
void scalar_random(struct scalar *out, const struct qr_rand *r);
/* -s mod L. */
void scalar_negate(struct scalar *out, const struct scalar *s);
void scalar_add(struct scalar *out, const struct scalar *a, const struct scalar *b);
void scalar_sub(struct scalar *out, const struct scalar *a, const struct scalar *b);
void scalar_mul(struct scalar *out, const struct scalar *a, const struct scalar *b);
/* The index-th scalar of locked memory; borrows. */
const struct scalar *scalar_of_secret(const struct qr_secret *s, size_t index);

/* DeserializeElement of RFC 9591 section 6.1: QR_MALFORMED unless the bytes
 * are canonical, on the curve, in the subgroup and not the identity. */
enum qr_rc point_decode(struct point *out, const uint8_t in[POINT_SIZE]) QR_MUST_CHECK;
bool point_equal(const struct point *a, const struct point *b);
/* s*B and s*p.  s must not be zero (zero ends the process: a bug). */
void point_mul_base(struct point *out, const struct scalar *s);
void point_mul(struct point *out, const struct scalar *s, const struct point *p);

/* f(x) for the polynomial with these coefficients (Horner). */
void scalar_poly(struct scalar *out, const struct scalar *coefficients, size_t count, uint32_t x);

/* Lagrange coefficient at 0 of own among ids (RFC 9591 section 4.2).
 * QR_RANGE: an id is 0, an id occurs twice, or own is not among them. */
enum qr_rc lagrange_coefficient(struct scalar *out, uint32_t own, const uint32_t *ids, size_t count)
    QR_MUST_CHECK;
/* out[i] is that of ids[i], for all of them with one inversion; at most
 * QR_MAX_MEMBERS.  QR_RANGE as above. */
enum qr_rc lagrange_coefficients(struct scalar *out, const uint32_t *ids, size_t count)
    QR_MUST_CHECK;

#endif
