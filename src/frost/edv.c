/* edv.c - extended coordinates, Straus' method with signed windows, and a
 * subgroup test of many points at once.
 *
 * NEVER SECRET DATA.  Formulas: Hisil, Wong, Carter, Dawson 2008 (add-2008-
 * hwcd-3, dbl-2008-hwcd) for a = -1.  Bounds of limbs are those of edv_field.h:
 * every factor of a product is a reduced value, or one sum or difference of
 * values of which at most one is a sum. */
#include "frost/edv.h"

#include "frost/edv_field.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

static const struct edv_fe fe_one = {{1, 0, 0, 0, 0}};
static const struct edv_fe fe_d = {
    {929955233495203, 466365720129213, 1662059464998953, 2033849074728123, 1442794654840575}};
static const struct edv_fe fe_2d = {
    {1859910466990425, 932731440258426, 1072319116312658, 1815898335770999, 633789495995903}};
static const struct edv_fe fe_root_minus_1 = {
    {1718705420411056, 234908883556509, 2233514472574048, 2117202627021982, 765476049583133}};
static const struct edv_point base_point = {
    {{1738742601995546, 1146398526822698, 2070867633025821, 562264141797630, 587772402128613}},
    {{1801439850948184, 1351079888211148, 450359962737049, 900719925474099, 1801439850948198}},
    {{1, 0, 0, 0, 0}},
    {{1841354044333475, 16398895984059, 755974180946558, 900171276175154, 1821297809914039}}};
/* L = 2^252 + 27742317777372353535851937790883648493 */
static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

/* y < 2^255 - 19, bit 255 aside. */
static bool is_canonical(const uint8_t in[32])
{
    if ((in[31] & 0x7f) != 0x7f || in[0] < 0xed) return true;
    for (int i = 1; i < 31; i++)
        if (in[i] != 0xff) return true;
    return false;
}

bool edv_decode(struct edv_point *out, const uint8_t in[32])
{
    struct edv_fe u, v, v3, x, check, difference;
    bool sign = in[31] >> 7;
    if (!is_canonical(in)) return false;
    fe_read(&out->y, in);
    out->z = fe_one;
    fe_square(&u, &out->y);
    fe_mul(&v, &u, &fe_d);
    fe_sub(&u, &u, &fe_one); /* y^2 - 1 */
    fe_add(&v, &v, &fe_one); /* d*y^2 + 1 */
    /* RFC 8032 section 5.1.3: x = u v^3 (u v^7)^((p - 5) / 8), perhaps times
     * the root of -1. */
    fe_square(&v3, &v);
    fe_mul(&v3, &v3, &v);
    fe_square(&x, &v3);
    fe_mul(&x, &x, &v);
    fe_mul(&x, &x, &u);
    fe_root_power(&x, &x);
    fe_mul(&x, &x, &v3);
    fe_mul(&x, &x, &u);
    fe_square(&check, &x);
    fe_mul(&check, &check, &v);
    fe_mul(&u, &u, &fe_one);
    fe_sub(&difference, &check, &u);
    if (!fe_is_zero(&difference)) {
        fe_add(&difference, &check, &u);
        if (!fe_is_zero(&difference)) return false;
        fe_mul(&x, &x, &fe_root_minus_1);
    }
    if (fe_is_zero(&x) && sign) return false;
    if (fe_is_odd(&x) != sign) {
        static const struct edv_fe zero;
        fe_sub(&x, &zero, &x);
        fe_mul(&x, &x, &fe_one);
    }
    out->x = x;
    fe_mul(&out->t, &out->x, &out->y);
    return true;
}

static void write_affine(uint8_t out[32], const struct edv_point *p, const struct edv_fe *z_inverse)
{
    struct edv_fe x, y;
    fe_mul(&x, &p->x, z_inverse);
    fe_mul(&y, &p->y, z_inverse);
    fe_write(out, &y);
    if (fe_is_odd(&x)) out[31] |= 0x80;
}

void edv_encode(uint8_t out[32], const struct edv_point *p)
{
    struct edv_fe z;
    fe_invert(&z, &p->z);
    write_affine(out, p, &z);
}

#define ENCODE_CHUNK 64

/* Montgomery's trick; z is never 0. */
static void encode_chunk(uint8_t *out, const struct edv_point *points, size_t count)
{
    struct edv_fe before[ENCODE_CHUNK], all = fe_one, one;
    for (size_t i = 0; i < count; i++) {
        before[i] = all;
        fe_mul(&all, &all, &points[i].z);
    }
    fe_invert(&all, &all);
    for (size_t i = count; i-- > 0;) {
        fe_mul(&one, &all, &before[i]);
        fe_mul(&all, &all, &points[i].z);
        write_affine(out + 32 * i, &points[i], &one);
    }
}

void edv_encode_many(uint8_t *out, const struct edv_point *points, size_t count)
{
    for (size_t at = 0; at < count; at += ENCODE_CHUNK)
        encode_chunk(out + 32 * at, points + at,
                     count - at < ENCODE_CHUNK ? count - at : ENCODE_CHUNK);
}

bool edv_is_identity(const struct edv_point *p)
{
    struct edv_fe difference;
    fe_sub(&difference, &p->y, &p->z);
    return fe_is_zero(&p->x) && fe_is_zero(&difference);
}

bool edv_equal(const struct edv_point *a, const struct edv_point *b)
{
    struct edv_fe l, r;
    fe_mul(&l, &a->x, &b->z);
    fe_mul(&r, &b->x, &a->z);
    fe_sub(&l, &l, &r);
    if (!fe_is_zero(&l)) return false;
    fe_mul(&l, &a->y, &b->z);
    fe_mul(&r, &b->y, &a->z);
    fe_sub(&l, &l, &r);
    return fe_is_zero(&l);
}

void edv_zero(struct edv_point *out) { *out = (struct edv_point){.y = fe_one, .z = fe_one}; }

/* A summand as additions want it. */
struct cached {
    struct edv_fe sum, difference; /* y + x, y - x */
    struct edv_fe z2, td2;         /* 2z, 2d*t */
};

static void cache(struct cached *c, const struct edv_point *p)
{
    fe_add(&c->sum, &p->y, &p->x);
    fe_sub(&c->difference, &p->y, &p->x);
    fe_add(&c->z2, &p->z, &p->z);
    fe_mul(&c->td2, &p->t, &fe_2d);
}

/* p + c, or with minus p - c. */
static void add_cached(struct edv_point *out, const struct edv_point *p, const struct cached *c,
                       bool minus)
{
    struct edv_fe a, b, t, z, e, f, g, h;
    fe_sub(&a, &p->y, &p->x);
    fe_mul(&a, &a, minus ? &c->sum : &c->difference);
    fe_add(&b, &p->y, &p->x);
    fe_mul(&b, &b, minus ? &c->difference : &c->sum);
    fe_mul(&t, &p->t, &c->td2);
    fe_mul(&z, &p->z, &c->z2);
    fe_sub(&e, &b, &a);
    fe_add(&h, &b, &a);
    if (minus) {
        fe_add(&f, &z, &t);
        fe_sub(&g, &z, &t);
    } else {
        fe_sub(&f, &z, &t);
        fe_add(&g, &z, &t);
    }
    fe_mul(&out->x, &e, &f);
    fe_mul(&out->y, &g, &h);
    fe_mul(&out->z, &f, &g);
    fe_mul(&out->t, &e, &h);
}

/* t is needed only when an addition comes next. */
static void twice(struct edv_point *p, bool with_t)
{
    struct edv_fe a, b, c, e, f, g, h;
    fe_add(&e, &p->x, &p->y);
    fe_square(&e, &e);
    fe_square(&a, &p->x);
    fe_square(&b, &p->y);
    fe_square(&c, &p->z);
    fe_add(&c, &c, &c);
    fe_add(&h, &a, &b);
    fe_sub(&e, &h, &e);
    fe_sub(&g, &a, &b);
    fe_add(&f, &c, &g);
    fe_mul(&p->x, &e, &f);
    fe_mul(&p->y, &g, &h);
    fe_mul(&p->z, &f, &g);
    if (with_t) fe_mul(&p->t, &e, &h);
}

void edv_add(struct edv_point *out, const struct edv_point *a, const struct edv_point *b)
{
    struct cached c;
    cache(&c, b);
    add_cached(out, a, &c, false);
}

/* p * x by its bits; x > 0. */
static void times_small(struct edv_point *p, uint32_t x)
{
    struct cached c;
    int bit = 31;
    assert(x > 0);
    while (!(x >> bit & 1)) bit--;
    if (bit > 0) cache(&c, p);
    while (bit-- > 0) {
        bool set = x >> bit & 1;
        twice(p, set || bit == 0);
        if (set) add_cached(p, p, &c, false);
    }
}

void edv_horner(struct edv_point *out, const struct edv_point *points, size_t count, uint32_t x)
{
    struct edv_point sum;
    edv_zero(&sum);
    if (count > 0) sum = points[count - 1];
    for (size_t k = count; k-- > 1;) {
        times_small(&sum, x);
        edv_add(&sum, &sum, &points[k - 1]);
    }
    *out = sum;
}

#define DIGITS 256
#define WINDOW_MAX 15 /* digits are odd, -15 .. 15 */
#define TABLE 8       /* 1, 3, ... 15 times */
#define MULTI_CHUNK 32

/* Signed digits that are 0 or odd, at least five places apart when not 0. */
static void recode(int8_t digit[DIGITS], const uint8_t s[32])
{
    for (int i = 0; i < DIGITS; i++) digit[i] = s[i >> 3] >> (i & 7) & 1;
    for (int i = 0; i < DIGITS; i++) {
        if (digit[i] == 0) continue;
        for (int b = 1; b <= 5 && i + b < DIGITS; b++) {
            if (digit[i + b] == 0) continue;
            int v = digit[i + b] * (1 << b);
            if (digit[i] + v <= WINDOW_MAX) {
                digit[i] = (int8_t)(digit[i] + v);
                digit[i + b] = 0;
            } else if (digit[i] - v >= -WINDOW_MAX) {
                digit[i] = (int8_t)(digit[i] - v);
                int k = i + b;
                while (k < DIGITS - 1 && digit[k] == 1) digit[k++] = 0;
                digit[k] = 1;
            } else {
                break;
            }
        }
    }
}

static void odd_multiples(struct cached table[TABLE], const struct edv_point *p)
{
    struct edv_point two = *p, at;
    struct cached step;
    twice(&two, true);
    cache(&step, &two);
    cache(&table[0], p);
    at = *p;
    for (int i = 1; i < TABLE; i++) {
        add_cached(&at, &at, &step, false);
        cache(&table[i], &at);
    }
}

static void multi_chunk(struct edv_point *out, const struct edv_term *terms, size_t count)
{
    int8_t digit[MULTI_CHUNK][DIGITS];
    struct cached table[MULTI_CHUNK][TABLE];
    bool any[DIGITS] = {false};
    int top = -1;
    for (size_t j = 0; j < count; j++) {
        recode(digit[j], terms[j].by);
        odd_multiples(table[j], terms[j].point ? terms[j].point : &base_point);
        for (int i = 0; i < DIGITS; i++) any[i] = any[i] || digit[j][i] != 0;
    }
    for (int i = 0; i < DIGITS; i++)
        if (any[i]) top = i;
    edv_zero(out);
    for (int i = top; i >= 0; i--) {
        twice(out, any[i] || i == 0);
        for (size_t j = 0; any[i] && j < count; j++) {
            int d = digit[j][i];
            if (d > 0) add_cached(out, out, &table[j][d / 2], false);
            if (d < 0) add_cached(out, out, &table[j][-d / 2], true);
        }
    }
}

void edv_multi(struct edv_point *out, const struct edv_term *terms, size_t count)
{
    struct edv_point part;
    edv_zero(out);
    for (size_t at = 0; at < count; at += MULTI_CHUNK) {
        multi_chunk(&part, terms + at, count - at < MULTI_CHUNK ? count - at : MULTI_CHUNK);
        edv_add(out, out, &part);
    }
}

bool edv_in_subgroup(const struct edv_point *p)
{
    struct edv_point q;
    struct edv_term term = {order, p};
    multi_chunk(&q, &term, 1);
    return edv_is_identity(&q);
}

/* ---- one point, many times ---- */

#define FIXED_PLACES 32  /* digits of a byte */
#define FIXED_DIGITS 128 /* by their magnitude, less one */

/* A summand whose z is 1. */
struct affine {
    struct edv_fe sum, difference; /* y + x, y - x */
    struct edv_fe td2;             /* 2d*x*y */
};

struct edv_fixed {
    struct affine times[FIXED_PLACES][FIXED_DIGITS];
};

static void add_affine(struct edv_point *p, const struct affine *c, bool minus)
{
    struct edv_fe a, b, t, z, e, f, g, h;
    fe_sub(&a, &p->y, &p->x);
    fe_mul(&a, &a, minus ? &c->sum : &c->difference);
    fe_add(&b, &p->y, &p->x);
    fe_mul(&b, &b, minus ? &c->difference : &c->sum);
    fe_mul(&t, &p->t, &c->td2);
    fe_add(&z, &p->z, &p->z);
    fe_sub(&e, &b, &a);
    fe_add(&h, &b, &a);
    if (minus) {
        fe_add(&f, &z, &t);
        fe_sub(&g, &z, &t);
    } else {
        fe_sub(&f, &z, &t);
        fe_add(&g, &z, &t);
    }
    fe_mul(&p->x, &e, &f);
    fe_mul(&p->y, &g, &h);
    fe_mul(&p->z, &f, &g);
    fe_mul(&p->t, &e, &h);
}

/* The point's first FIXED_DIGITS multiples; leaves 256 times the point in p. */
static void fixed_place(struct affine out[FIXED_DIGITS], struct edv_point *p)
{
    struct edv_point at[FIXED_DIGITS];
    struct edv_fe before[FIXED_DIGITS], all = fe_one, one, x, y;
    struct cached step;
    cache(&step, p);
    at[0] = *p;
    for (int i = 1; i < FIXED_DIGITS; i++) add_cached(&at[i], &at[i - 1], &step, false);
    *p = at[FIXED_DIGITS - 1];
    twice(p, true);
    for (int i = 0; i < FIXED_DIGITS; i++) {
        before[i] = all;
        fe_mul(&all, &all, &at[i].z);
    }
    fe_invert(&all, &all);
    for (int i = FIXED_DIGITS; i-- > 0;) {
        fe_mul(&one, &all, &before[i]);
        fe_mul(&all, &all, &at[i].z);
        fe_mul(&x, &at[i].x, &one);
        fe_mul(&y, &at[i].y, &one);
        fe_add(&out[i].sum, &y, &x);
        fe_sub(&out[i].difference, &y, &x);
        fe_mul(&out[i].td2, &x, &y);
        fe_mul(&out[i].td2, &out[i].td2, &fe_2d);
    }
}

struct edv_fixed *edv_fixed_new(const struct edv_point *point)
{
    struct edv_fixed *f = malloc(sizeof *f);
    struct edv_point p = point ? *point : base_point;
    for (int i = 0; f && i < FIXED_PLACES; i++) fixed_place(f->times[i], &p);
    return f;
}

void edv_fixed_add(struct edv_point *sum, const struct edv_fixed *f, const uint8_t by[32])
{
    int carry = 0;
    assert(by[31] <= order[31]);
    for (int i = 0; i < FIXED_PLACES; i++) {
        int d = by[i] + carry;
        carry = d > FIXED_DIGITS;
        if (carry) d -= 2 * FIXED_DIGITS;
        if (d > 0) add_affine(sum, &f->times[i][d - 1], false);
        if (d < 0) add_affine(sum, &f->times[i][-d - 1], true);
    }
}

#define PASSES 16 /* of eight sums each */
#define BUCKETS 256

/* Bucket k collects the points whose byte is k; the sum for bit b is that of
 * the buckets with this bit.  Folding the upper half into the lower one keeps
 * the sums of the remaining bits. */
static bool sums_vanish(struct edv_point bucket[BUCKETS])
{
    bool fine = true;
    for (size_t half = BUCKETS / 2; half > 0; half /= 2) {
        struct edv_point sum = bucket[half];
        for (size_t k = 1; k < half; k++) edv_add(&sum, &sum, &bucket[half + k]);
        for (size_t k = 0; k < half; k++) edv_add(&bucket[k], &bucket[k], &bucket[half + k]);
        fine = fine && edv_in_subgroup(&sum);
    }
    return fine;
}

enum qr_rc edv_all_in_subgroup(const struct edv_point *points, size_t count, const uint8_t seed[32])
{
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {0};
    uint8_t *choice = malloc(count > 0 ? count : 1);
    struct edv_point *bucket = malloc(BUCKETS * sizeof *bucket);
    enum qr_rc rc = choice && bucket ? QR_OK : QR_NOMEM;
    for (uint8_t pass = 0; pass < PASSES && rc == QR_OK; pass++) {
        nonce[0] = pass;
        (void)crypto_stream_chacha20(choice, count, nonce, seed);
        for (size_t k = 0; k < BUCKETS; k++) edv_zero(&bucket[k]);
        for (size_t i = 0; i < count; i++)
            edv_add(&bucket[choice[i]], &bucket[choice[i]], &points[i]);
        if (!sums_vanish(bucket)) rc = QR_FALSE;
    }
    free(choice);
    free(bucket);
    return rc;
}
