/* cocktail.c - the state machine of one participant.
 *
 * NEW -> DEALT (round 1) -> PENDING (round 2) -> DONE, or FAILED from a refused
 * round 2.  Secrets lie in one locked region: the polynomial's t coefficients,
 * the ephemeral key and the final share; the first two are erased when round 2
 * ends, however it ends. */
#include "frost/cocktail.h"

#include "base/removal.h"

#include "frost/envelope.h"
#include "frost/hash.h"
#include "frost/test_hooks.h"

#include <assert.h>
#include <stdlib.h>

enum dkg_state { DKG_NEW, DKG_DEALT, DKG_PENDING, DKG_DONE, DKG_FAILED };

/* Places in the locked region, in scalars. */
#define AT_SHARE 0
#define AT_EPHEMERAL 1
#define AT_COEFFICIENTS 2 /* t of them, then d*P_j for every j */

struct dkg {
    enum dkg_state state;
    struct cocktail_params params;
    const struct cocktail_static *key;
    struct qr_rand rand;
    bool plain; /* signatures without fresh randomness: test vectors */
    uint32_t index;
    struct qr_secret secret;
    uint8_t own_digest[HASH_SIZE]; /* of our first message */
    struct point *commitments;     /* n * t, in order */
    struct public_point *decoded;  /* the same */
    struct point ephemerals[QR_MAX_MEMBERS];
    uint8_t pops[QR_MAX_MEMBERS][SCHNORR_SIZE];
    struct qr_buf transcript;
    struct qr_buf recovery;
    uint8_t frames_digest[COCKTAIL_DIGEST_SIZE];
    struct frost_group group;
    struct dkg_blame blame;
};

static struct scalar *secret_at(const struct dkg *d, size_t index)
{
    assert(index < d->secret.n / SCALAR_SIZE);
    return (struct scalar *)(d->secret.p + index * SCALAR_SIZE);
}

enum qr_rc cocktail_static_load(struct cocktail_static *s, const uint8_t d[SCALAR_SIZE],
                                struct qr_err *err)
{
    struct scalar checked;
    *s = (struct cocktail_static){0};
    enum qr_rc rc = scalar_decode(&checked, d);
    if (rc == QR_OK && scalar_is_zero(&checked)) rc = QR_MALFORMED;
    if (rc != QR_OK) return qr_fail(err, rc, "the static key is not a scalar in 1..L-1");
    rc = qr_secret_init(&s->d, SCALAR_SIZE, err);
    if (rc == QR_OK) {
        qr_copy(s->d.p, checked.b, SCALAR_SIZE);
        point_mul_base(&s->pub, &checked);
    }
    qr_wipe(&checked, sizeof checked);
    return rc;
}

enum qr_rc cocktail_static_new(struct cocktail_static *s, const struct qr_rand *rand,
                               struct qr_err *err)
{
    struct scalar d;
    scalar_random(&d, rand);
    enum qr_rc rc = cocktail_static_load(s, d.b, err);
    qr_wipe(&d, sizeof d);
    return rc;
}

void cocktail_static_fini(struct cocktail_static *s) { qr_secret_fini(&s->d); }

static const uint8_t pop_tag[] = "quorate/pop/v1"; /* with its NUL */

enum qr_rc cocktail_static_prove(const struct cocktail_static *s, struct qr_bytes bytes,
                                 const struct qr_rand *rand, uint8_t sig[SCHNORR_SIZE])
{
    struct qr_bytes parts[] = {QR_BYTES_OF(pop_tag), bytes};
    return schnorr_sign(scalar_of_secret(&s->d, 0), parts, 2, rand, sig);
}

enum qr_rc cocktail_static_check(const uint8_t pub[POINT_SIZE], struct qr_bytes bytes,
                                 const uint8_t sig[SCHNORR_SIZE])
{
    struct point p;
    struct qr_bytes parts[] = {QR_BYTES_OF(pop_tag), bytes};
    QR_TRY(point_decode(&p, pub));
    return schnorr_verify(&p, parts, 2, sig);
}

static size_t secret_size(const struct cocktail_params *p)
{
    return (AT_COEFFICIENTS + (size_t)p->t + p->n) * SCALAR_SIZE;
}

/* d*P_j, made in round 1 and used again in round 2. */
static struct point *dh_at(const struct dkg *d, uint32_t j)
{
    _Static_assert(sizeof(struct point) == sizeof(struct scalar), "they share a region");
    return (struct point *)secret_at(d, AT_COEFFICIENTS + (size_t)d->params.t + j - 1);
}

enum qr_rc dkg_new(struct dkg **out, const struct dkg_setup *setup, struct qr_err *err)
{
    const struct cocktail_params *p = setup->params;
    if (setup->index < 1 || setup->index > p->n)
        return qr_fail(err, QR_RANGE, "participant %u of %u", setup->index, p->n);
    if (!QR_HOLDS(COCKTAIL_PLACE, point_equal(&p->keys[setup->index - 1], &setup->key->pub)))
        return qr_fail(err, QR_CONFLICT, "the key of participant %u is not ours", setup->index);
    struct dkg *d = calloc(1, sizeof *d);
    if (!d) return qr_fail(err, QR_NOMEM, "no memory for a DKG");
    *d = (struct dkg){.state = DKG_NEW,
                      .params = *p,
                      .key = setup->key,
                      .rand = setup->rand,
                      .index = setup->index};
    qr_buf_init(&d->transcript, COCKTAIL_MAX_TRANSCRIPT);
    qr_buf_init(&d->recovery, (size_t)p->n * (8 + COCKTAIL_MAX_CIPHERTEXT));
    d->commitments = calloc((size_t)p->n * p->t, sizeof *d->commitments);
    d->decoded = calloc((size_t)p->n * p->t, sizeof *d->decoded);
    enum qr_rc rc =
        d->commitments && d->decoded ? QR_OK : qr_fail(err, QR_NOMEM, "no memory for a DKG");
    if (rc == QR_OK) rc = qr_secret_init(&d->secret, secret_size(p), err);
    if (rc != QR_OK) {
        dkg_free(d);
        return rc;
    }
    *out = d;
    return QR_OK;
}

void dkg_free(struct dkg *d)
{
    if (!d) return;
    qr_secret_fini(&d->secret);
    qr_buf_fini(&d->transcript);
    qr_buf_fini(&d->recovery);
    free(d->commitments);
    free(d->decoded);
    free(d);
}

static enum qr_rc sign_parts(struct dkg *d, const struct scalar *key, const struct qr_bytes *parts,
                             size_t count, uint8_t sig[SCHNORR_SIZE])
{
    return schnorr_sign(key, parts, count, d->plain ? NULL : &d->rand, sig);
}

/* Coefficients, ephemeral key and their public halves, in our own place of
 * the lists; then the proof of possession. */
static enum qr_rc deal(struct dkg *d)
{
    const struct cocktail_params *p = &d->params;
    size_t me = d->index - 1;
    struct point *own = d->commitments + me * p->t;
    for (uint32_t k = 0; k < p->t; k++) {
        scalar_random(secret_at(d, AT_COEFFICIENTS + k), &d->rand);
        point_mul_base(&own[k], secret_at(d, AT_COEFFICIENTS + k));
    }
    scalar_random(secret_at(d, AT_EPHEMERAL), &d->rand);
    point_mul_base(&d->ephemerals[me], secret_at(d, AT_EPHEMERAL));
    struct qr_bytes parts[] = {QR_BYTES_OF(p->context), QR_BYTES(own, (size_t)p->t * POINT_SIZE),
                               QR_BYTES_OF(d->ephemerals[me].b)};
    return sign_parts(d, secret_at(d, AT_COEFFICIENTS), parts, 3, d->pops[me]);
}

static enum qr_rc seal_shares(struct dkg *d, struct qr_bytes payload, struct qr_buf *out)
{
    const struct cocktail_params *p = &d->params;
    enum qr_rc rc = QR_OK;
    struct scalar share;
    for (uint32_t j = 1; j <= p->n && rc == QR_OK; j++) {
        struct envelope_route route = {p, d->index, j, &d->ephemerals[d->index - 1], dh_at(d, j)};
        struct envelope_content content = {&share, payload};
        scalar_poly(&share, secret_at(d, AT_COEFFICIENTS), p->t, j);
        point_mul(dh_at(d, j), scalar_of_secret(&d->key->d, 0), &p->keys[j - 1]);
        rc = envelope_seal(&route, secret_at(d, AT_EPHEMERAL), scalar_of_secret(&d->key->d, 0),
                           &content, out);
    }
    qr_wipe(&share, sizeof share);
    return rc;
}

static void hash_message(struct qr_bytes s, uint8_t out[HASH_SIZE])
{
    struct hasher h;
    hasher_init(&h, "");
    hasher_add(&h, s);
    hasher_done(&h, out);
}

enum qr_rc dkg_round1(struct dkg *d, struct qr_bytes payload, struct qr_buf *out,
                      struct qr_err *err)
{
    const struct cocktail_params *p = &d->params;
    size_t me = d->index - 1, start = out->n;
    if (d->state != DKG_NEW) return qr_fail(err, QR_STATE, "round 1 has been done");
    if (payload.n > COCKTAIL_MAX_PAYLOAD)
        return qr_fail(err, QR_RANGE, "a payload of %zu bytes is too long", payload.n);
    d->state = DKG_FAILED;
    enum qr_rc rc = deal(d);
    if (rc != QR_OK) return qr_fail(err, rc, "no proof of possession could be made");
    qr_buf_put(out, d->commitments + me * p->t, (size_t)p->t * POINT_SIZE);
    qr_buf_put(out, d->pops[me], SCHNORR_SIZE);
    qr_buf_put(out, d->ephemerals[me].b, POINT_SIZE);
    rc = seal_shares(d, payload, out);
    if (rc != QR_OK) return qr_fail(err, rc, "the shares could not be sealed");
    hash_message(QR_BYTES(out->p + start, out->n - start), d->own_digest);
    d->state = DKG_DEALT;
    return QR_OK;
}

/* What round 2 needs of the messages while it lasts. */
struct arrived {
    const uint8_t *ephemeral[QR_MAX_MEMBERS];
    struct qr_bytes ours[QR_MAX_MEMBERS];
};

static enum qr_rc refuse(struct dkg *d, enum qr_rc rc, uint32_t index, enum dkg_reason reason,
                         struct qr_err *err)
{
    d->blame = (struct dkg_blame){.reason = reason, .index = index};
    return qr_fail(err, rc, "DKG, participant %u: %s", index, dkg_reason_name(reason));
}

/* Round 2 step 1 for the message of participant j, its points aside; ours is
 * the ciphertext addressed to us. */
static enum qr_rc take_apart(struct dkg *d, uint32_t j, struct qr_bytes msg, struct arrived *in,
                             struct qr_err *err)
{
    const struct cocktail_params *p = &d->params;
    struct cocktail_raw1 raw;
    uint8_t digest[HASH_SIZE];
    hash_message(msg, digest);
    if (j == d->index && !QR_HOLDS(COCKTAIL_OWN, qr_equal_ct(digest, d->own_digest, HASH_SIZE)))
        return refuse(d, QR_CONFLICT, 0, DKG_OWN, err);
    enum dkg_reason reason = cocktail_msg1_split(&raw, p, msg);
    if (reason != DKG_FINE) return refuse(d, QR_MALFORMED, j, reason, err);
    qr_copy(d->commitments + (size_t)(j - 1) * p->t, raw.commitments.p, raw.commitments.n);
    qr_copy(d->pops[j - 1], raw.pop, SCHNORR_SIZE);
    in->ephemeral[j - 1] = raw.ephemeral;
    in->ours[j - 1] = raw.frames[d->index - 1];
    qr_buf_put_be64(&d->recovery, in->ours[j - 1].n);
    qr_buf_put_bytes(&d->recovery, in->ours[j - 1]);
    return qr_buf_ok(&d->recovery);
}

/* All points of the messages, then step 2 for each. */
static enum qr_rc accept_public(struct dkg *d, const struct arrived *in, struct qr_err *err)
{
    const struct cocktail_params *p = &d->params;
    size_t bad = 0;
    enum qr_rc rc = public_decode_many(d->decoded, d->commitments[0].b, (size_t)p->n * p->t, &bad);
    if (rc == QR_MALFORMED) return refuse(d, rc, (uint32_t)(bad / p->t) + 1, DKG_POINT, err);
    if (rc != QR_OK) return qr_fail(err, rc, "no memory for a DKG");
    for (uint32_t j = 1; j <= p->n; j++) {
        struct point *e = &d->ephemerals[j - 1];
        if (point_decode(e, in->ephemeral[j - 1]) != QR_OK)
            return refuse(d, QR_MALFORMED, j, DKG_POINT, err);
        rc = cocktail_pop_check(p, d->commitments + (size_t)(j - 1) * p->t, e, d->pops[j - 1]);
        if (rc != QR_OK) return refuse(d, rc, j, DKG_POP, err);
    }
    return QR_OK;
}

/* Step 3: all shares opened and checked, summed into the final share. */
static enum qr_rc accept_shares(struct dkg *d, const struct qr_bytes *ours, struct qr_err *err)
{
    const struct cocktail_params *p = &d->params;
    struct scalar share, *sum = secret_at(d, AT_SHARE);
    enum qr_rc rc = QR_OK;
    for (uint32_t j = 1; j <= p->n && rc == QR_OK; j++) {
        struct envelope_route route = {p, j, d->index, &d->ephemerals[j - 1], dh_at(d, j)};
        enum dkg_reason reason = DKG_FINE;
        rc = envelope_open(&route, scalar_of_secret(&d->key->d, 0),
                           d->decoded + (size_t)(j - 1) * p->t, ours[j - 1], &share, &reason);
        if (rc == QR_OK)
            scalar_add(sum, sum, &share);
        else if (reason != DKG_FINE)
            rc = refuse(d, rc, j, reason, err);
    }
    qr_wipe(&share, sizeof share);
    return rc;
}

/* Step 4: the group, and the share's own equation as a last defence. */
static enum qr_rc accept_keys(struct dkg *d, struct qr_err *err)
{
    const struct scalar *share = secret_at(d, AT_SHARE);
    struct point own;
    if (cocktail_group(&d->params, d->decoded, &d->group) != QR_OK)
        return refuse(d, QR_RANGE, 0, DKG_KEY, err);
    if (scalar_is_zero(share)) qr_fatal("checked shares do not add up");
    point_mul_base(&own, share);
    if (!QR_HOLDS(COCKTAIL_SUM, point_equal(&own, &d->group.shares[d->index - 1])))
        qr_fatal("checked shares do not add up");
    return QR_OK;
}

static enum qr_rc accept_all(struct dkg *d, const struct qr_bytes *msgs, struct qr_err *err)
{
    const struct cocktail_params *p = &d->params;
    struct arrived in;
    uint32_t pair[2];
    for (uint32_t j = 1; j <= p->n; j++) QR_TRY(take_apart(d, j, msgs[j - 1], &in, err));
    QR_TRY(accept_public(d, &in, err));
    if (cocktail_find_copy(p, d->commitments, d->ephemerals, pair)) {
        d->blame = (struct dkg_blame){.reason = DKG_DUPLICATE, .pair = {pair[0], pair[1]}};
        return qr_fail(err, QR_CONFLICT, "DKG: participants %u and %u sent the same contribution",
                       pair[0], pair[1]);
    }
    QR_TRY(accept_shares(d, in.ours, err));
    QR_TRY(accept_keys(d, err));
    return cocktail_frames_digest(p, msgs, d->frames_digest);
}

/* prefix is hashed into the extension, or with raw is the extension. */
static enum qr_rc certify(struct dkg *d, struct qr_bytes prefix, bool raw,
                          uint8_t sig[SCHNORR_SIZE])
{
    uint8_t ext[COCKTAIL_EXT_SIZE];
    cocktail_ext(prefix, d->frames_digest, ext);
    struct cocktail_transcript t = {.params = &d->params,
                                    .commitments = d->commitments,
                                    .pops = (const uint8_t(*)[SCHNORR_SIZE])d->pops,
                                    .ephemerals = d->ephemerals,
                                    .ext = raw ? prefix : QR_BYTES_OF(ext)};
    QR_TRY(cocktail_transcript_write(&t, &d->transcript));
    struct qr_bytes whole = qr_buf_bytes(&d->transcript);
    return sign_parts(d, scalar_of_secret(&d->key->d, 0), &whole, 1, sig);
}

static enum qr_rc round2(struct dkg *d, const struct qr_bytes *msgs, struct qr_bytes prefix,
                         bool raw, uint8_t sig[SCHNORR_SIZE], struct qr_err *err)
{
    qr_zero(sig, SCHNORR_SIZE);
    if (d->state != DKG_DEALT) return qr_fail(err, QR_STATE, "not the time for round 2");
    d->state = DKG_FAILED;
    enum qr_rc rc = accept_all(d, msgs, err);
    if (rc == QR_OK) rc = certify(d, prefix, raw, sig);
    qr_wipe(secret_at(d, AT_EPHEMERAL), secret_size(&d->params) - AT_EPHEMERAL * SCALAR_SIZE);
    if (rc == QR_OK)
        d->state = DKG_PENDING;
    else
        qr_secret_fini(&d->secret);
    return rc;
}

enum qr_rc dkg_round2(struct dkg *d, const struct qr_bytes *msgs, struct qr_bytes ext_prefix,
                      uint8_t sig[SCHNORR_SIZE], struct qr_err *err)
{
    return round2(d, msgs, ext_prefix, false, sig, err);
}

#ifdef FROST_TEST_HOOKS
void dkg_test_plain_signatures(struct dkg *d) { d->plain = true; }

enum qr_rc dkg_test_round2(struct dkg *d, const struct qr_bytes *msgs, struct qr_bytes ext,
                           uint8_t sig[SCHNORR_SIZE], struct qr_err *err)
{
    return round2(d, msgs, ext, true, sig, err);
}
#endif

enum qr_rc dkg_pending(const struct dkg *d, struct frost_share *share, struct qr_err *err)
{
    if (d->state != DKG_PENDING) return qr_fail(err, QR_STATE, "no share is pending");
    return frost_share_init(share, &d->group, d->index, secret_at(d, AT_SHARE)->b, err);
}

enum qr_rc dkg_commit(const struct dkg *d, struct frost_nonces **out,
                      struct frost_commitment *commitment, struct qr_err *err)
{
    struct frost_share share;
    QR_TRY(dkg_pending(d, &share, err));
    enum qr_rc rc = frost_commit(&share, out, commitment, err);
    frost_share_fini(&share);
    return rc;
}

enum qr_rc dkg_finish(struct dkg *d, struct qr_bytes sigs, struct qr_buf *certificate,
                      struct frost_share *share, struct qr_err *err)
{
    const struct cocktail_params *p = &d->params;
    struct qr_bytes whole = qr_buf_bytes(&d->transcript);
    if (d->state != DKG_PENDING) return qr_fail(err, QR_STATE, "not the time for round 3");
    if (sigs.n != (size_t)p->n * SCHNORR_SIZE)
        return qr_fail(err, QR_MALFORMED, "%zu bytes are not %u signatures", sigs.n, p->n);
    for (uint32_t j = 1; j <= p->n; j++)
        if (!QR_HOLDS(COCKTAIL_CERTEQ,
                      schnorr_verify(&p->keys[j - 1], &whole, 1,
                                     sigs.p + (size_t)(j - 1) * SCHNORR_SIZE) == QR_OK))
            return refuse(d, QR_FALSE, j, DKG_CERTEQ, err);
    qr_buf_put_bytes(certificate, whole);
    qr_buf_put_bytes(certificate, sigs);
    enum qr_rc rc = qr_buf_ok(certificate);
    if (rc == QR_OK)
        rc = frost_share_init(share, &d->group, d->index, secret_at(d, AT_SHARE)->b, err);
    if (rc != QR_OK) return rc;
    qr_secret_fini(&d->secret);
    d->blame = (struct dkg_blame){0};
    d->state = DKG_DONE;
    return QR_OK;
}

struct dkg_blame dkg_blamed(const struct dkg *d) { return d->blame; }

enum qr_rc dkg_result_get(const struct dkg *d, struct dkg_result *out)
{
    if (d->state != DKG_PENDING && d->state != DKG_DONE) return QR_STATE;
    *out = (struct dkg_result){.transcript = qr_buf_bytes(&d->transcript),
                               .recovery = qr_buf_bytes(&d->recovery),
                               .group = &d->group};
    qr_copy(out->frames_digest, d->frames_digest, COCKTAIL_DIGEST_SIZE);
    return QR_OK;
}
