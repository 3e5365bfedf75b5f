/* reshare_wire.c - terms, the public half of the dealers' messages, and the
 * certificate over them.
 *
 * The context binds all terms, so a message of other terms fails at its proof
 * of possession; the parties have signed the descriptor before, so that they
 * find out earlier who differs. */
#include "frost/reshare_wire.h"

#include "frost/hash.h"

#include <assert.h>
#include <stdlib.h>

static const uint8_t context_tag[] = "quorate/reshare/v1"; /* with its NUL */

static void hash_count(struct hasher *h, size_t n) { hasher_add_le32(h, (uint32_t)n); }

static void make_context(struct reshare_terms *k, struct qr_bytes session_id)
{
    struct hasher h;
    hasher_init(&h, "");
    hasher_add(&h, QR_BYTES_OF(context_tag));
    hasher_add_le64(&h, session_id.n);
    hasher_add(&h, session_id);
    hash_count(&h, k->epoch);
    hash_count(&h, k->from.n);
    hash_count(&h, k->from.t);
    hasher_add(&h, QR_BYTES_OF(k->from.key.b));
    for (uint32_t i = 0; i < k->from.n; i++) hasher_add(&h, QR_BYTES_OF(k->from.shares[i].b));
    hash_count(&h, k->n);
    hash_count(&h, k->t);
    hash_count(&h, k->parties.n);
    for (uint32_t i = 0; i < k->parties.n; i++) hasher_add(&h, QR_BYTES_OF(k->parties.keys[i].b));
    for (uint32_t i = 0; i < k->dealers; i++) {
        hash_count(&h, k->dealer[i].party);
        hash_count(&h, k->dealer[i].id);
    }
    hasher_done(&h, k->parties.context);
}

/* Ascending old ids, other parties, and nobody there for nothing. */
static enum qr_rc take_dealers(struct reshare_terms *k, const struct reshare_plan *plan,
                               struct qr_err *err)
{
    bool deals[QR_MAX_MEMBERS] = {false};
    if (plan->dealer_count != k->from.t)
        return qr_fail(err, QR_RANGE, "%zu dealers, not %u", plan->dealer_count, k->from.t);
    k->dealers = (uint32_t)plan->dealer_count;
    for (uint32_t i = 0; i < k->dealers; i++) {
        struct reshare_dealer d = plan->dealers[i];
        if (d.party < 1 || d.party > k->parties.n || d.id < 1 || d.id > k->from.n)
            return qr_fail(err, QR_RANGE, "dealer %u is no party or no old member", i + 1);
        if (i > 0 && d.id <= k->dealer[i - 1].id)
            return qr_fail(err, QR_MALFORMED, "old ids do not ascend");
        if (deals[d.party - 1]) return qr_fail(err, QR_MALFORMED, "party %u twice", d.party);
        deals[d.party - 1] = true;
        k->dealer[i] = d;
    }
    for (uint32_t i = k->n; i < k->parties.n; i++)
        if (!deals[i]) return qr_fail(err, QR_MALFORMED, "party %u has no part", i + 1);
    return QR_OK;
}

/* lambda_i(0) over the dealers' old ids, and what it makes of their Y_i. */
static enum qr_rc fix_constants(struct reshare_terms *k)
{
    uint32_t ids[QR_MAX_MEMBERS];
    for (uint32_t i = 0; i < k->dealers; i++) ids[i] = k->dealer[i].id;
    QR_TRY(lagrange_coefficients(k->lambda, ids, k->dealers));
    for (uint32_t i = 0; i < k->dealers; i++)
        point_mul(&k->constant[i], &k->lambda[i], &k->from.shares[ids[i] - 1]);
    return QR_OK;
}

enum qr_rc reshare_terms_init(struct reshare_terms *out, const struct reshare_plan *plan,
                              struct qr_err *err)
{
    uint32_t parties = (uint32_t)(plan->keys.n / POINT_SIZE);
    *out = (struct reshare_terms){
        .from = *plan->from, .epoch = plan->epoch, .n = plan->n, .t = plan->t};
    if (plan->t < 2 || plan->t > plan->n || plan->n > QR_MAX_MEMBERS || plan->from->t < 2)
        return qr_fail(err, QR_RANGE, "no group can become %u of %u from %u of %u", plan->t,
                       plan->n, plan->from->t, plan->from->n);
    if (plan->epoch == UINT32_MAX || plan->n > parties)
        return qr_fail(err, QR_RANGE, "%u parties, epoch %u", parties, plan->epoch);
    QR_TRY(cocktail_params_init(&out->parties, parties, plan->t, plan->keys, err));
    QR_TRY(take_dealers(out, plan, err));
    enum qr_rc rc = fix_constants(out);
    if (rc != QR_OK) return qr_fail(err, rc, "the dealers' old ids");
    make_context(out, plan->session_id);
    return QR_OK;
}

enum qr_rc reshare_dealt_init(struct reshare_dealt *d, const struct reshare_terms *terms)
{
    size_t count = (size_t)terms->dealers * terms->t;
    *d = (struct reshare_dealt){.commitments = calloc(count, sizeof *d->commitments),
                                .decoded = calloc(count, sizeof *d->decoded)};
    if (d->commitments && d->decoded) return QR_OK;
    reshare_dealt_fini(d);
    return QR_NOMEM;
}

void reshare_dealt_fini(struct reshare_dealt *d)
{
    free(d->commitments);
    free(d->decoded);
    d->commitments = NULL;
    d->decoded = NULL;
}

static enum qr_rc blamed(struct dkg_blame *blame, enum qr_rc rc, enum dkg_reason reason,
                         uint32_t party)
{
    *blame = (struct dkg_blame){.reason = reason, .index = party};
    return rc;
}

/* The sum of all dealt polynomials, in the exponent. */
static enum qr_rc sum_up(const struct reshare_dealt *d, const struct reshare_terms *terms,
                         struct frost_group *out)
{
    struct public_point total[QR_MAX_MEMBERS];
    struct public_sum sums[QR_MAX_MEMBERS], sum;
    *out = (struct frost_group){.n = terms->n, .t = terms->t, .key = terms->from.key};
    for (uint32_t k = 0; k < terms->t; k++) {
        public_sum_init(&sum);
        for (uint32_t j = 0; j < terms->dealers; j++)
            public_sum_add(&sum, &d->decoded[(size_t)j * terms->t + k]);
        if (k == 0 && !public_sum_is(&sum, terms->from.key.b))
            return QR_FALSE; /* an old group whose shares do not give its key */
        QR_TRY(public_sum_point(&sum, &total[k]));
    }
    for (uint32_t m = 1; m <= terms->n; m++) {
        public_sum_init(&sums[m - 1]);
        public_sum_add_poly(&sums[m - 1], total, terms->t, m);
    }
    return public_sums_done(sums, terms->n, out->shares);
}

static enum qr_rc check_one(struct reshare_dealt *d, const struct reshare_terms *terms, uint32_t i,
                            const struct cocktail_raw1 *raw, struct dkg_blame *blame)
{
    const struct point *own = d->commitments + (size_t)i * terms->t;
    uint32_t party = terms->dealer[i].party;
    if (point_decode(&d->ephemerals[i], raw->ephemeral) != QR_OK)
        return blamed(blame, QR_MALFORMED, DKG_POINT, party);
    if (cocktail_pop_check(&terms->parties, own, &d->ephemerals[i], raw->pop) != QR_OK)
        return blamed(blame, QR_FALSE, DKG_POP, party);
    if (!point_equal(&own[0], &terms->constant[i]))
        return blamed(blame, QR_FALSE, DKG_CONSTANT, party);
    d->pops[i] = raw->pop;
    return QR_OK;
}

enum qr_rc reshare_dealt_check(struct reshare_dealt *d, const struct reshare_terms *terms,
                               const struct cocktail_raw1 *raw, struct frost_group *group,
                               struct dkg_blame *blame)
{
    size_t bad = 0, count = (size_t)terms->dealers * terms->t;
    *blame = (struct dkg_blame){.reason = DKG_FINE};
    for (uint32_t i = 0; i < terms->dealers; i++) {
        assert(raw[i].commitments.n == (size_t)terms->t * POINT_SIZE);
        qr_copy(d->commitments + (size_t)i * terms->t, raw[i].commitments.p, raw[i].commitments.n);
    }
    enum qr_rc rc = public_decode_many(d->decoded, d->commitments[0].b, count, &bad);
    if (rc == QR_MALFORMED)
        return blamed(blame, rc, DKG_POINT, terms->dealer[bad / terms->t].party);
    if (rc != QR_OK) return rc;
    for (uint32_t i = 0; i < terms->dealers; i++) QR_TRY(check_one(d, terms, i, &raw[i], blame));
    rc = sum_up(d, terms, group);
    return rc == QR_OK ? rc : blamed(blame, rc, DKG_KEY, 0);
}

static void put_head(const struct reshare_terms *terms, struct qr_buf *out)
{
    struct qr_bytes suite = qr_str(RESHARE_SUITE);
    qr_buf_put_le64(out, suite.n);
    qr_buf_put_bytes(out, suite);
    qr_buf_put_le64(out, COCKTAIL_CONTEXT_SIZE);
    qr_buf_put(out, terms->parties.context, COCKTAIL_CONTEXT_SIZE);
    qr_buf_put_le32(out, terms->epoch + 1);
    qr_buf_put_le32(out, terms->n);
    qr_buf_put_le32(out, terms->t);
    qr_buf_put_le32(out, terms->parties.n);
    qr_buf_put_le32(out, terms->dealers);
}

enum qr_rc reshare_transcript_write(const struct reshare_terms *terms,
                                    const struct reshare_dealt *d,
                                    const uint8_t ext[COCKTAIL_EXT_SIZE], struct qr_buf *out)
{
    put_head(terms, out);
    qr_buf_put(out, d->commitments, (size_t)terms->dealers * terms->t * POINT_SIZE);
    for (uint32_t i = 0; i < terms->dealers; i++) qr_buf_put(out, d->pops[i], SCHNORR_SIZE);
    qr_buf_put(out, d->ephemerals, (size_t)terms->dealers * POINT_SIZE);
    qr_buf_put(out, ext, COCKTAIL_EXT_SIZE);
    return qr_buf_ok(out);
}

/* The runs of a certificate; their lengths follow from the terms. */
struct raw_certificate {
    struct cocktail_raw1 dealt[QR_MAX_MEMBERS];
    struct qr_bytes signatures;
};

static enum qr_rc split(const struct reshare_terms *terms, struct qr_bytes bytes,
                        struct raw_certificate *raw, struct reshare_certificate *out,
                        struct qr_err *err)
{
    struct qr_buf head;
    struct qr_reader r = qr_reader_of(bytes);
    qr_buf_init(&head, 256);
    put_head(terms, &head);
    enum qr_rc rc = qr_buf_ok(&head);
    if (rc == QR_OK && !qr_bytes_equal(qr_read_bytes(&r, head.n), qr_buf_bytes(&head)))
        rc = qr_fail(err, QR_MALFORMED, "not a transcript of these terms");
    qr_buf_fini(&head);
    if (rc != QR_OK) return rc;
    for (uint32_t i = 0; i < terms->dealers; i++)
        raw->dealt[i].commitments = qr_read_bytes(&r, (size_t)terms->t * POINT_SIZE);
    for (uint32_t i = 0; i < terms->dealers; i++)
        raw->dealt[i].pop = qr_read_bytes(&r, SCHNORR_SIZE).p;
    for (uint32_t i = 0; i < terms->dealers; i++)
        raw->dealt[i].ephemeral = qr_read_bytes(&r, POINT_SIZE).p;
    out->ext = qr_read_bytes(&r, COCKTAIL_EXT_SIZE);
    out->transcript = QR_BYTES(bytes.p, bytes.n - r.rest.n);
    raw->signatures = qr_read_bytes(&r, (size_t)terms->parties.n * SCHNORR_SIZE);
    if (qr_reader_done(&r) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "the length does not fit these terms");
    return QR_OK;
}

static enum qr_rc check_signatures(const struct reshare_terms *terms,
                                   const struct reshare_certificate *c, struct qr_bytes sigs,
                                   struct qr_err *err)
{
    for (uint32_t j = 0; j < terms->parties.n; j++)
        if (schnorr_verify(&terms->parties.keys[j], &c->transcript, 1,
                           sigs.p + (size_t)j * SCHNORR_SIZE) != QR_OK)
            return qr_fail(err, QR_FALSE, "bad signature of party %u", j + 1);
    return QR_OK;
}

enum qr_rc reshare_certificate_verify(const struct reshare_terms *terms, struct qr_bytes bytes,
                                      struct reshare_certificate *out, struct qr_err *err)
{
    struct raw_certificate *raw = calloc(1, sizeof *raw);
    struct reshare_certificate c = {.group = {.n = 0}};
    struct reshare_dealt dealt = {.commitments = NULL};
    struct dkg_blame blame = {.reason = DKG_FINE};
    enum qr_rc rc = raw ? reshare_dealt_init(&dealt, terms) : QR_NOMEM;
    if (rc == QR_OK) rc = split(terms, bytes, raw, &c, err);
    if (rc == QR_OK) {
        rc = reshare_dealt_check(&dealt, terms, raw->dealt, &c.group, &blame);
        if (rc != QR_OK)
            rc = qr_fail(err, rc, "party %u: %s", blame.index, dkg_reason_name(blame.reason));
    }
    if (rc == QR_OK) rc = check_signatures(terms, &c, raw->signatures, err);
    if (rc == QR_OK) *out = c;
    reshare_dealt_fini(&dealt);
    free(raw);
    return rc;
}
