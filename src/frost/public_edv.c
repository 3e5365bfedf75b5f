/* public_edv.c - frost/public.h on our own variable-time points.
 *
 * What leaves a struct public_sum as a point was a sum of members of the
 * subgroup, hence is one; only the identity is left to be refused. */
#include "frost/public.h"

#include "base/removal.h"

#include "frost/hash.h"

#include <stdlib.h>

/* Below this many points one test each is faster than one test of all. */
#define BATCH_MIN 256
#define TERMS_CHUNK 32

_Static_assert(sizeof(struct point) == POINT_SIZE, "an array of points is their encodings");

enum qr_rc public_decode(struct public_point *out, const uint8_t in[POINT_SIZE])
{
    if (!edv_decode(&out->at, in)) return QR_MALFORMED;
    if (!QR_HOLDS(FROST_POINT, !edv_is_identity(&out->at) && edv_in_subgroup(&out->at)))
        return QR_MALFORMED;
    return QR_OK;
}

static enum qr_rc decode_each(struct public_point *out, const uint8_t *in, size_t count,
                              size_t *bad)
{
    for (size_t i = 0; i < count; i++)
        if (public_decode(&out[i], in + i * POINT_SIZE) != QR_OK) {
            *bad = i;
            return QR_MALFORMED;
        }
    return QR_OK;
}

static bool all_decode(struct public_point *out, const uint8_t *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!edv_decode(&out[i].at, in + i * POINT_SIZE) || edv_is_identity(&out[i].at))
            return false;
    return true;
}

enum qr_rc public_decode_many(struct public_point *out, const uint8_t *in, size_t count,
                              size_t *bad)
{
    uint8_t seed[HASH_SIZE];
    struct hasher h;
    _Static_assert(sizeof(struct public_point) == sizeof(struct edv_point), "no padding");
    if (count < BATCH_MIN || !all_decode(out, in, count)) return decode_each(out, in, count, bad);
    hasher_init(&h, "quorate/subgroup/v1");
    hasher_add(&h, QR_BYTES(in, count * POINT_SIZE));
    hasher_done(&h, seed);
    enum qr_rc rc = edv_all_in_subgroup(&out[0].at, count, seed);
    return rc == QR_FALSE ? decode_each(out, in, count, bad) : rc;
}

void public_of(struct public_point *out, const struct point *p)
{
    if (!edv_decode(&out->at, p->b)) qr_fatal("decoding of an unchecked point");
}

void public_sum_init(struct public_sum *sum) { edv_zero(&sum->at); }

void public_sum_add(struct public_sum *sum, const struct public_point *p)
{
    edv_add(&sum->at, &sum->at, &p->at);
}

void public_sum_add_terms(struct public_sum *sum, const struct public_term *terms, size_t count)
{
    struct edv_term chunk[TERMS_CHUNK];
    struct edv_point part;
    for (size_t at = 0; at < count; at += TERMS_CHUNK) {
        size_t n = count - at < TERMS_CHUNK ? count - at : TERMS_CHUNK;
        for (size_t i = 0; i < n; i++) {
            const struct public_term *t = &terms[at + i];
            chunk[i] = (struct edv_term){t->by.b, t->point ? &t->point->at : NULL};
        }
        edv_multi(&part, chunk, n);
        edv_add(&sum->at, &sum->at, &part);
    }
}

void public_sum_add_poly(struct public_sum *sum, const struct public_point *points, size_t count,
                         uint32_t x)
{
    struct edv_point value;
    edv_horner(&value, &points[0].at, count, x);
    edv_add(&sum->at, &sum->at, &value);
}

bool public_sum_is_zero(const struct public_sum *sum) { return edv_is_identity(&sum->at); }

bool public_sum_is(const struct public_sum *sum, const uint8_t encoded[POINT_SIZE])
{
    uint8_t b[POINT_SIZE];
    if (edv_is_identity(&sum->at)) return false;
    edv_encode(b, &sum->at);
    return qr_bytes_equal(QR_BYTES_OF(b), QR_BYTES(encoded, POINT_SIZE));
}

bool public_sum_equal(const struct public_sum *sum, const struct public_point *p)
{
    return edv_equal(&sum->at, &p->at);
}

enum qr_rc public_sum_done(const struct public_sum *sum, struct point *out)
{
    return public_sums_done(sum, 1, out);
}

enum qr_rc public_sum_point(const struct public_sum *sum, struct public_point *out)
{
    if (edv_is_identity(&sum->at)) return QR_RANGE;
    out->at = sum->at;
    return QR_OK;
}

enum qr_rc public_sums_done(const struct public_sum *sums, size_t count, struct point *out)
{
    for (size_t i = 0; i < count; i++)
        if (edv_is_identity(&sums[i].at)) return QR_RANGE;
    if (count > 0) edv_encode_many(out[0].b, &sums[0].at, count);
    return QR_OK;
}
