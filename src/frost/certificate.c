/* certificate.c - write T, read T back exactly, recompute the group.
 *
 * Integers inside T are little-endian, unlike the frames' lengths. */
#include "frost/certificate.h"

#include "base/removal.h"

#include <assert.h>
#include <stdlib.h>

enum qr_rc cocktail_transcript_write(const struct cocktail_transcript *t, struct qr_buf *out)
{
    const struct cocktail_params *p = t->params;
    struct qr_bytes suite = qr_str(COCKTAIL_SUITE);
    assert(t->ext.n <= COCKTAIL_MAX_EXT);
    qr_buf_put_le64(out, suite.n);
    qr_buf_put_bytes(out, suite);
    qr_buf_put_le64(out, COCKTAIL_CONTEXT_SIZE);
    qr_buf_put(out, p->context, COCKTAIL_CONTEXT_SIZE);
    qr_buf_put_le32(out, p->n);
    qr_buf_put_le32(out, p->t);
    qr_buf_put(out, p->keys, (size_t)p->n * POINT_SIZE);
    qr_buf_put(out, t->commitments, (size_t)p->n * p->t * POINT_SIZE);
    qr_buf_put(out, t->pops, (size_t)p->n * SCHNORR_SIZE);
    qr_buf_put(out, t->ephemerals, (size_t)p->n * POINT_SIZE);
    qr_buf_put_le64(out, t->ext.n);
    qr_buf_put_bytes(out, t->ext);
    return qr_buf_ok(out);
}

enum qr_rc cocktail_group(const struct cocktail_params *p, const struct public_point *commitments,
                          struct frost_group *out)
{
    struct public_point total[QR_MAX_MEMBERS]; /* C_agg,k */
    struct public_sum sums[QR_MAX_MEMBERS], sum;
    assert(p->t >= 1 && p->t <= p->n && p->n <= QR_MAX_MEMBERS);
    *out = (struct frost_group){.n = p->n, .t = p->t};
    for (uint32_t k = 0; k < p->t; k++) {
        public_sum_init(&sum);
        for (uint32_t j = 0; j < p->n; j++)
            public_sum_add(&sum, &commitments[(size_t)j * p->t + k]);
        if (k == 0) QR_TRY(public_sum_done(&sum, &out->key));
        QR_TRY(public_sum_point(&sum, &total[k]));
    }
    for (uint32_t m = 1; m <= p->n; m++) {
        public_sum_init(&sums[m - 1]);
        public_sum_add_poly(&sums[m - 1], total, p->t, m);
    }
    return public_sums_done(sums, p->n, out->shares);
}

bool cocktail_find_copy(const struct cocktail_params *p, const struct point *commitments,
                        const struct point *ephemerals, uint32_t pair[2])
{
    for (uint32_t j = 1; j < p->n; j++)
        for (uint32_t i = 0; i < j; i++)
            if (!QR_HOLDS(COCKTAIL_COPY, !point_equal(&commitments[(size_t)i * p->t],
                                                      &commitments[(size_t)j * p->t]) &&
                                             !point_equal(&ephemerals[i], &ephemerals[j]))) {
                pair[0] = i + 1;
                pair[1] = j + 1;
                return true;
            }
    return false;
}

/* Raw runs of T that are still to be decoded. */
struct raw_transcript {
    struct qr_bytes keys;
    struct qr_bytes context;
    struct qr_bytes pops;
    uint32_t n;
    uint32_t t;
};

/* Lengths only: after this every run has the length that n and t demand. */
static enum qr_rc split(struct qr_bytes bytes, struct raw_transcript *raw,
                        struct cocktail_certificate *out, struct qr_err *err)
{
    struct qr_reader r = qr_reader_of(bytes);
    if (qr_read_le64(&r) != qr_str(COCKTAIL_SUITE).n ||
        !qr_bytes_is(qr_read_bytes(&r, qr_str(COCKTAIL_SUITE).n), COCKTAIL_SUITE))
        return qr_fail(err, QR_MALFORMED, "not a transcript of " COCKTAIL_SUITE);
    if (qr_read_le64(&r) != COCKTAIL_CONTEXT_SIZE)
        return qr_fail(err, QR_MALFORMED, "the context is not 64 bytes long");
    raw->context = qr_read_bytes(&r, COCKTAIL_CONTEXT_SIZE);
    raw->n = qr_read_le32(&r);
    raw->t = qr_read_le32(&r);
    if (r.failed) return qr_fail(err, QR_MALFORMED, "the transcript is cut off");
    if (raw->t < 1 || raw->t > raw->n || raw->n > QR_MAX_MEMBERS)
        return qr_fail(err, QR_RANGE, "no group can be %u of %u", raw->t, raw->n);
    raw->keys = qr_read_bytes(&r, (size_t)raw->n * POINT_SIZE);
    out->commitments = qr_read_bytes(&r, (size_t)raw->n * raw->t * POINT_SIZE);
    raw->pops = qr_read_bytes(&r, (size_t)raw->n * SCHNORR_SIZE);
    out->ephemerals = qr_read_bytes(&r, (size_t)raw->n * POINT_SIZE);
    uint64_t ext = qr_read_le64(&r);
    if (ext > COCKTAIL_MAX_EXT) return qr_fail(err, QR_MALFORMED, "the extension is too long");
    out->ext = qr_read_bytes(&r, (size_t)ext);
    out->transcript = QR_BYTES(bytes.p, bytes.n - r.rest.n);
    out->signatures = qr_read_bytes(&r, (size_t)raw->n * SCHNORR_SIZE);
    if (qr_reader_done(&r) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "the length does not fit %u of %u", raw->t, raw->n);
    return QR_OK;
}

/* decoded has room for n*t points. */
static enum qr_rc check_contributions(const struct cocktail_certificate *c, struct qr_bytes pops,
                                      struct public_point *decoded, struct qr_err *err)
{
    const struct cocktail_params *p = &c->params;
    struct point ephemerals[QR_MAX_MEMBERS];
    uint32_t pair[2];
    size_t bad = 0;
    enum qr_rc rc = public_decode_many(decoded, c->commitments.p, (size_t)p->n * p->t, &bad);
    if (rc != QR_OK) return qr_fail(err, rc, "an invalid point of participant %zu", bad / p->t + 1);
    /* Checked now, so these bytes are points. */
    const struct point *commitments = (const struct point *)c->commitments.p;
    for (uint32_t j = 0; j < p->n; j++) {
        rc = point_decode(&ephemerals[j], c->ephemerals.p + (size_t)j * POINT_SIZE);
        if (rc != QR_OK) return qr_fail(err, rc, "an invalid point of participant %u", j + 1);
        rc = cocktail_pop_check(p, commitments + (size_t)j * p->t, &ephemerals[j],
                                pops.p + (size_t)j * SCHNORR_SIZE);
        if (rc != QR_OK) return qr_fail(err, rc, "bad proof of possession of %u", j + 1);
    }
    if (cocktail_find_copy(p, commitments, ephemerals, pair))
        return qr_fail(err, QR_CONFLICT, "participants %u and %u made the same contribution",
                       pair[0], pair[1]);
    return QR_OK;
}

enum qr_rc cocktail_certificate_signed(const struct cocktail_certificate *c, struct qr_err *err)
{
    for (uint32_t j = 0; j < c->params.n; j++)
        if (!QR_HOLDS(COCKTAIL_CERTEQ,
                      schnorr_verify(&c->params.keys[j], &c->transcript, 1,
                                     c->signatures.p + (size_t)j * SCHNORR_SIZE) == QR_OK))
            return qr_fail(err, QR_FALSE, "bad signature of participant %u", j + 1);
    return QR_OK;
}

enum qr_rc cocktail_certificate_read(struct qr_bytes bytes, struct cocktail_certificate *out,
                                     struct qr_err *err)
{
    struct raw_transcript raw = {0};
    *out = (struct cocktail_certificate){0};
    QR_TRY(split(bytes, &raw, out, err));
    QR_TRY(cocktail_params_init(&out->params, raw.n, raw.t, raw.keys, err));
    qr_copy(out->params.context, raw.context.p, COCKTAIL_CONTEXT_SIZE);

    struct public_point *commitments = calloc((size_t)raw.n * raw.t, sizeof *commitments);
    if (!commitments) return qr_fail(err, QR_NOMEM, "no memory for a certificate");
    enum qr_rc rc = check_contributions(out, raw.pops, commitments, err);
    if (rc == QR_OK && cocktail_group(&out->params, commitments, &out->group) != QR_OK)
        rc = qr_fail(err, QR_RANGE, "a key of the group is the identity");
    free(commitments);
    return rc;
}

enum qr_rc cocktail_certificate_verify(struct qr_bytes bytes, struct cocktail_certificate *out,
                                       struct qr_err *err)
{
    QR_TRY(cocktail_certificate_read(bytes, out, err));
    return cocktail_certificate_signed(out, err);
}
