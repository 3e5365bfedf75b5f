/* edv_field.h - integers modulo 2^255 - 19 in five limbs of 51 bits, for
 * public data only.
 *
 * NEVER SECRET DATA: nothing here promises constant time.  Only edv.c includes
 * this.  Bounds, for every limb: results of mul, square and the constants are
 * below 2^51 + 2^14 ("reduced"); add of two reduced ones is below 2^53; sub
 * takes a subtrahend below 2^53 - 76 and adds 4p.  mul and square take factors
 * below 2^54.
 *
 * Spec: RFC 7748 section 4.1 (the prime), RFC 8032 section 5.1. */
#ifndef QUORATE_FROST_EDV_FIELD_H
#define QUORATE_FROST_EDV_FIELD_H

#include "frost/edv.h"

#define EDV_LIMB ((uint64_t)0x7ffffffffffff) /* 2^51 - 1 */

__extension__ typedef unsigned __int128 edv_wide;

static inline void fe_add(struct edv_fe *h, const struct edv_fe *f, const struct edv_fe *g)
{
    for (int i = 0; i < 5; i++) h->v[i] = f->v[i] + g->v[i];
}

static inline void fe_sub(struct edv_fe *h, const struct edv_fe *f, const struct edv_fe *g)
{
    h->v[0] = f->v[0] + (4 * EDV_LIMB - 72) - g->v[0];
    for (int i = 1; i < 5; i++) h->v[i] = f->v[i] + 4 * EDV_LIMB - g->v[i];
}

static inline void fe_carry(struct edv_fe *h, edv_wide r0, edv_wide r1, edv_wide r2, edv_wide r3,
                            edv_wide r4)
{
    r1 += (uint64_t)(r0 >> 51);
    r2 += (uint64_t)(r1 >> 51);
    r3 += (uint64_t)(r2 >> 51);
    r4 += (uint64_t)(r3 >> 51);
    uint64_t low = ((uint64_t)r0 & EDV_LIMB) + (uint64_t)(r4 >> 51) * 19;
    h->v[0] = low & EDV_LIMB;
    h->v[1] = ((uint64_t)r1 & EDV_LIMB) + (low >> 51);
    h->v[2] = (uint64_t)r2 & EDV_LIMB;
    h->v[3] = (uint64_t)r3 & EDV_LIMB;
    h->v[4] = (uint64_t)r4 & EDV_LIMB;
}

static inline void fe_mul(struct edv_fe *h, const struct edv_fe *f, const struct edv_fe *g)
{
    const uint64_t *a = f->v, *b = g->v;
    uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];
    edv_wide r0 = (edv_wide)a[0] * b[0] + (edv_wide)a[1] * b4 + (edv_wide)a[2] * b3 +
                  (edv_wide)a[3] * b2 + (edv_wide)a[4] * b1;
    edv_wide r1 = (edv_wide)a[0] * b[1] + (edv_wide)a[1] * b[0] + (edv_wide)a[2] * b4 +
                  (edv_wide)a[3] * b3 + (edv_wide)a[4] * b2;
    edv_wide r2 = (edv_wide)a[0] * b[2] + (edv_wide)a[1] * b[1] + (edv_wide)a[2] * b[0] +
                  (edv_wide)a[3] * b4 + (edv_wide)a[4] * b3;
    edv_wide r3 = (edv_wide)a[0] * b[3] + (edv_wide)a[1] * b[2] + (edv_wide)a[2] * b[1] +
                  (edv_wide)a[3] * b[0] + (edv_wide)a[4] * b4;
    edv_wide r4 = (edv_wide)a[0] * b[4] + (edv_wide)a[1] * b[3] + (edv_wide)a[2] * b[2] +
                  (edv_wide)a[3] * b[1] + (edv_wide)a[4] * b[0];
    fe_carry(h, r0, r1, r2, r3, r4);
}

static inline void fe_square(struct edv_fe *h, const struct edv_fe *f)
{
    const uint64_t *a = f->v;
    uint64_t d0 = 2 * a[0], d1 = 2 * a[1], a3 = 19 * a[3], a4 = 19 * a[4];
    edv_wide r0 = (edv_wide)a[0] * a[0] + 2 * ((edv_wide)a[1] * a4 + (edv_wide)a[2] * a3);
    edv_wide r1 = (edv_wide)d0 * a[1] + 2 * ((edv_wide)a[2] * a4) + (edv_wide)a[3] * a3;
    edv_wide r2 = (edv_wide)d0 * a[2] + (edv_wide)a[1] * a[1] + 2 * ((edv_wide)a[3] * a4);
    edv_wide r3 = (edv_wide)d0 * a[3] + (edv_wide)d1 * a[2] + (edv_wide)a[4] * a4;
    edv_wide r4 = (edv_wide)d0 * a[4] + (edv_wide)d1 * a[3] + (edv_wide)a[2] * a[2];
    fe_carry(h, r0, r1, r2, r3, r4);
}

static inline void fe_square_times(struct edv_fe *h, const struct edv_fe *f, int count)
{
    fe_square(h, f);
    while (--count > 0) fe_square(h, h);
}

/* z^(2^250 - 1), on the way z^11: the common part of both exponents. */
static inline void fe_chain(struct edv_fe *out, struct edv_fe *z11, const struct edv_fe *z)
{
    struct edv_fe a, b, c;
    fe_square(&a, z);           /* 2 */
    fe_square_times(&b, &a, 2); /* 8 */
    fe_mul(&b, z, &b);          /* 9 */
    fe_mul(z11, &a, &b);
    fe_square(&a, z11); /* 22 */
    fe_mul(&a, &b, &a); /* 2^5 - 1 */
    fe_square_times(&b, &a, 5);
    fe_mul(&a, &b, &a); /* 2^10 - 1 */
    fe_square_times(&b, &a, 10);
    fe_mul(&b, &b, &a); /* 2^20 - 1 */
    fe_square_times(&c, &b, 20);
    fe_mul(&b, &c, &b); /* 2^40 - 1 */
    fe_square_times(&b, &b, 10);
    fe_mul(&a, &b, &a); /* 2^50 - 1 */
    fe_square_times(&b, &a, 50);
    fe_mul(&b, &b, &a); /* 2^100 - 1 */
    fe_square_times(&c, &b, 100);
    fe_mul(&b, &c, &b); /* 2^200 - 1 */
    fe_square_times(&b, &b, 50);
    fe_mul(out, &b, &a);
}

/* 1/z; 0 for 0. */
static inline void fe_invert(struct edv_fe *out, const struct edv_fe *z)
{
    struct edv_fe t, z11;
    fe_chain(&t, &z11, z);
    fe_square_times(&t, &t, 5);
    fe_mul(out, &t, &z11);
}

/* z^((p - 5) / 8) */
static inline void fe_root_power(struct edv_fe *out, const struct edv_fe *z)
{
    struct edv_fe t, z11;
    fe_chain(&t, &z11, z);
    fe_square_times(&t, &t, 2);
    fe_mul(out, &t, z);
}

/* The 32 bytes without bit 255. */
static inline void fe_read(struct edv_fe *h, const uint8_t s[32])
{
    uint64_t w[4];
    for (int i = 0; i < 4; i++) w[i] = qr_get_le64(s + 8 * i);
    h->v[0] = w[0] & EDV_LIMB;
    h->v[1] = (w[0] >> 51 | w[1] << 13) & EDV_LIMB;
    h->v[2] = (w[1] >> 38 | w[2] << 26) & EDV_LIMB;
    h->v[3] = (w[2] >> 25 | w[3] << 39) & EDV_LIMB;
    h->v[4] = w[3] >> 12 & EDV_LIMB;
}

/* The value below p, of limbs below 2^54. */
static inline void fe_write(uint8_t s[32], const struct edv_fe *f)
{
    uint64_t t[5], q;
    for (int i = 0; i < 5; i++) t[i] = f->v[i];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 4; i++) {
            t[i + 1] += t[i] >> 51;
            t[i] &= EDV_LIMB;
        }
        t[0] += 19 * (t[4] >> 51);
        t[4] &= EDV_LIMB;
    }
    /* q is 1 when t >= p, by adding 19 and looking at bit 255. */
    q = t[0] + 19;
    for (int i = 1; i < 5; i++) q = t[i] + (q >> 51);
    t[0] += 19 * (q >> 51);
    for (int i = 0; i < 4; i++) {
        t[i + 1] += t[i] >> 51;
        t[i] &= EDV_LIMB;
    }
    t[4] &= EDV_LIMB;
    qr_set_le64(s, t[0] | t[1] << 51);
    qr_set_le64(s + 8, t[1] >> 13 | t[2] << 38);
    qr_set_le64(s + 16, t[2] >> 26 | t[3] << 25);
    qr_set_le64(s + 24, t[3] >> 39 | t[4] << 12);
}

static inline bool fe_is_zero(const struct edv_fe *f)
{
    uint8_t s[32], any = 0;
    fe_write(s, f);
    for (int i = 0; i < 32; i++) any |= s[i];
    return any == 0;
}

static inline bool fe_is_odd(const struct edv_fe *f)
{
    uint8_t s[32];
    fe_write(s, f);
    return s[0] & 1;
}

#endif
