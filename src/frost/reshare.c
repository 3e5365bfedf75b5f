/* reshare.c - the state machine of one party.
 *
 * NEW -> (DEALT) -> PENDING -> DONE, or FAILED from a refused accept.  Secrets
 * lie in one locked region: the new share, the ephemeral key, the t
 * coefficients; the last two are erased when accept ends, however it ends. */
#include "frost/reshare.h"

#include "frost/envelope.h"
#include "frost/hash.h"

#include <assert.h>
#include <stdlib.h>

enum state { RESHARE_NEW, RESHARE_DEALT, RESHARE_PENDING, RESHARE_DONE, RESHARE_FAILED };

/* Places in the locked region, in scalars. */
#define AT_SHARE 0
#define AT_EPHEMERAL 1
#define AT_COEFFICIENTS 2

struct reshare {
    enum state state;
    struct reshare_terms terms;
    const struct cocktail_static *key;
    const struct frost_share *old;
    struct qr_rand rand;
    uint32_t party;
    uint32_t dealer; /* own place among the dealers, from 1; 0: none */
    struct qr_secret secret;
    uint8_t own_digest[HASH_SIZE];
    struct qr_buf transcript;
    struct frost_group group;
    struct dkg_blame blame;
};

static struct scalar *secret_at(const struct reshare *r, size_t index)
{
    assert(index < r->secret.n / SCALAR_SIZE);
    return (struct scalar *)(r->secret.p + index * SCALAR_SIZE);
}

static size_t secret_size(const struct reshare_terms *k)
{
    return (AT_COEFFICIENTS + (size_t)k->t) * SCALAR_SIZE;
}

static bool receives(const struct reshare *r) { return r->party <= r->terms.n; }

static bool same_group(const struct frost_group *a, const struct frost_group *b)
{
    if (a->n != b->n || a->t != b->t || !point_equal(&a->key, &b->key)) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!point_equal(&a->shares[i], &b->shares[i])) return false;
    return true;
}

/* Our place among the dealers, and that we have what it takes. */
static enum qr_rc find_place(struct reshare *r, struct qr_err *err)
{
    const struct reshare_terms *k = &r->terms;
    for (uint32_t i = 0; i < k->dealers; i++)
        if (k->dealer[i].party == r->party) r->dealer = i + 1;
    if ((r->dealer > 0) != (r->old != NULL))
        return qr_fail(err, QR_CONFLICT, "party %u %s", r->party,
                       r->old ? "does not deal" : "deals and has no share");
    if (!r->old) return QR_OK;
    if (!same_group(&r->old->group, &k->from))
        return qr_fail(err, QR_STALE, "our share is not of the group that is to change");
    if (r->old->id != k->dealer[r->dealer - 1].id)
        return qr_fail(err, QR_CONFLICT, "we are old member %u", r->old->id);
    return QR_OK;
}

enum qr_rc reshare_new(struct reshare **out, const struct reshare_setup *setup, struct qr_err *err)
{
    const struct reshare_terms *k = setup->terms;
    if (setup->party < 1 || setup->party > k->parties.n)
        return qr_fail(err, QR_RANGE, "party %u of %u", setup->party, k->parties.n);
    if (!point_equal(&k->parties.keys[setup->party - 1], &setup->key->pub))
        return qr_fail(err, QR_CONFLICT, "the key of party %u is not ours", setup->party);
    struct reshare *r = calloc(1, sizeof *r);
    if (!r) return qr_fail(err, QR_NOMEM, "no memory for a change of the group");
    *r = (struct reshare){.state = RESHARE_NEW,
                          .terms = *k,
                          .key = setup->key,
                          .old = setup->old,
                          .rand = setup->rand,
                          .party = setup->party};
    qr_buf_init(&r->transcript, RESHARE_MAX_TRANSCRIPT);
    enum qr_rc rc = find_place(r, err);
    if (rc == QR_OK) rc = qr_secret_init(&r->secret, secret_size(k), err);
    if (rc != QR_OK) {
        reshare_free(r);
        return rc;
    }
    *out = r;
    return QR_OK;
}

void reshare_free(struct reshare *r)
{
    if (!r) return;
    qr_secret_fini(&r->secret);
    qr_buf_fini(&r->transcript);
    free(r);
}

static void hash_message(struct qr_bytes s, uint8_t out[HASH_SIZE])
{
    struct hasher h;
    hasher_init(&h, "");
    hasher_add(&h, s);
    hasher_done(&h, out);
}

/* Constant term lambda * x, the rest random. */
static enum qr_rc put_public(struct reshare *r, struct point *ephemeral, struct qr_buf *out)
{
    const struct reshare_terms *k = &r->terms;
    struct point own[QR_MAX_MEMBERS];
    uint8_t pop[SCHNORR_SIZE];
    scalar_mul(secret_at(r, AT_COEFFICIENTS), &k->lambda[r->dealer - 1],
               scalar_of_secret(&r->old->x, 0));
    for (uint32_t i = 1; i < k->t; i++) scalar_random(secret_at(r, AT_COEFFICIENTS + i), &r->rand);
    for (uint32_t i = 0; i < k->t; i++) point_mul_base(&own[i], secret_at(r, AT_COEFFICIENTS + i));
    scalar_random(secret_at(r, AT_EPHEMERAL), &r->rand);
    point_mul_base(ephemeral, secret_at(r, AT_EPHEMERAL));
    struct qr_bytes run = QR_BYTES(own, (size_t)k->t * POINT_SIZE);
    struct qr_bytes parts[] = {QR_BYTES_OF(k->parties.context), run, QR_BYTES_OF(ephemeral->b)};
    QR_TRY(schnorr_sign(secret_at(r, AT_COEFFICIENTS), parts, 3, &r->rand, pop));
    qr_buf_put_bytes(out, run);
    qr_buf_put(out, pop, sizeof pop);
    qr_buf_put(out, ephemeral->b, POINT_SIZE);
    return QR_OK;
}

static enum qr_rc put_frames(struct reshare *r, const struct point *ephemeral, struct qr_buf *out)
{
    const struct reshare_terms *k = &r->terms;
    struct scalar share;
    enum qr_rc rc = QR_OK;
    for (uint32_t j = 1; j <= k->n && rc == QR_OK; j++) {
        struct envelope_route route = {
            .params = &k->parties, .from = r->party, .to = j, .ephemeral = ephemeral};
        struct envelope_content content = {&share, QR_BYTES_NONE};
        scalar_poly(&share, secret_at(r, AT_COEFFICIENTS), k->t, j);
        rc = envelope_seal(&route, secret_at(r, AT_EPHEMERAL), scalar_of_secret(&r->key->d, 0),
                           &content, out);
    }
    qr_wipe(&share, sizeof share);
    return rc;
}

enum qr_rc reshare_deal(struct reshare *r, struct qr_buf *out, struct qr_err *err)
{
    struct point ephemeral;
    size_t start = out->n;
    if (r->state != RESHARE_NEW || r->dealer == 0)
        return qr_fail(err, QR_STATE, "it is not our turn to deal");
    r->state = RESHARE_FAILED;
    enum qr_rc rc = put_public(r, &ephemeral, out);
    if (rc == QR_OK) rc = put_frames(r, &ephemeral, out);
    if (rc != QR_OK) return qr_fail(err, rc, "the shares could not be dealt");
    hash_message(QR_BYTES(out->p + start, out->n - start), r->own_digest);
    r->state = RESHARE_DEALT;
    return QR_OK;
}

static enum qr_rc refuse(struct reshare *r, enum qr_rc rc, struct dkg_blame blame,
                         struct qr_err *err)
{
    r->blame = blame;
    return qr_fail(err, rc, "change of the group, party %u: %s", blame.index,
                   dkg_reason_name(blame.reason));
}

/* Lengths first; our own message must have come back as it was sent. */
static enum qr_rc take_apart(struct reshare *r, const struct qr_bytes *msgs,
                             struct cocktail_raw1 *raw, struct qr_err *err)
{
    const struct reshare_terms *k = &r->terms;
    struct cocktail_params form = {.n = k->n, .t = k->t};
    uint8_t digest[HASH_SIZE];
    for (uint32_t i = 0; i < k->dealers; i++) {
        struct dkg_blame blame = {.reason = DKG_OWN};
        hash_message(msgs[i], digest);
        if (i + 1 == r->dealer && !qr_equal_ct(digest, r->own_digest, HASH_SIZE))
            return refuse(r, QR_CONFLICT, blame, err);
        blame.reason = cocktail_msg1_split(&raw[i], &form, msgs[i]);
        blame.index = k->dealer[i].party;
        if (blame.reason != DKG_FINE) return refuse(r, QR_MALFORMED, blame, err);
    }
    return QR_OK;
}

/* All shares for us opened, checked against what was committed to, and summed. */
static enum qr_rc accept_shares(struct reshare *r, const struct reshare_dealt *dealt,
                                const struct cocktail_raw1 *raw, struct qr_err *err)
{
    const struct reshare_terms *k = &r->terms;
    struct scalar share, *sum = secret_at(r, AT_SHARE);
    enum qr_rc rc = QR_OK;
    for (uint32_t i = 0; i < k->dealers && rc == QR_OK; i++) {
        struct dkg_blame blame = {.reason = DKG_FINE, .index = k->dealer[i].party};
        struct envelope_route route = {.params = &k->parties,
                                       .from = blame.index,
                                       .to = r->party,
                                       .ephemeral = &dealt->ephemerals[i]};
        rc = envelope_open(&route, scalar_of_secret(&r->key->d, 0),
                           dealt->decoded + (size_t)i * k->t, raw[i].frames[r->party - 1], &share,
                           &blame.reason);
        if (rc == QR_OK)
            scalar_add(sum, sum, &share);
        else if (blame.reason != DKG_FINE)
            rc = refuse(r, rc, blame, err);
    }
    qr_wipe(&share, sizeof share);
    return rc;
}

static enum qr_rc certify(struct reshare *r, const struct reshare_dealt *dealt,
                          const struct qr_bytes *msgs, struct qr_bytes prefix,
                          uint8_t sig[SCHNORR_SIZE])
{
    /* The frames of as many messages as there are dealers, t points each. */
    struct cocktail_params form = {.n = r->terms.dealers, .t = r->terms.t};
    uint8_t digest[COCKTAIL_DIGEST_SIZE], ext[COCKTAIL_EXT_SIZE];
    QR_TRY(cocktail_frames_digest(&form, msgs, digest));
    cocktail_ext(prefix, digest, ext);
    QR_TRY(reshare_transcript_write(&r->terms, dealt, ext, &r->transcript));
    struct qr_bytes whole = qr_buf_bytes(&r->transcript);
    return schnorr_sign(scalar_of_secret(&r->key->d, 0), &whole, 1, &r->rand, sig);
}

static enum qr_rc accept_all(struct reshare *r, const struct qr_bytes *msgs, struct qr_bytes prefix,
                             uint8_t sig[SCHNORR_SIZE], struct qr_err *err)
{
    struct reshare_dealt dealt = {.commitments = NULL};
    struct cocktail_raw1 *raw = calloc(r->terms.dealers, sizeof *raw);
    enum qr_rc rc = raw ? reshare_dealt_init(&dealt, &r->terms) : QR_NOMEM;
    if (rc == QR_OK) rc = take_apart(r, msgs, raw, err);
    if (rc == QR_OK) {
        struct dkg_blame blame;
        rc = reshare_dealt_check(&dealt, &r->terms, raw, &r->group, &blame);
        if (rc != QR_OK && blame.reason != DKG_FINE) rc = refuse(r, rc, blame, err);
    }
    if (rc == QR_OK && receives(r)) rc = accept_shares(r, &dealt, raw, err);
    if (rc == QR_OK) rc = certify(r, &dealt, msgs, prefix, sig);
    reshare_dealt_fini(&dealt);
    free(raw);
    return rc;
}

enum qr_rc reshare_accept(struct reshare *r, const struct qr_bytes *msgs,
                          struct qr_bytes ext_prefix, uint8_t sig[SCHNORR_SIZE], struct qr_err *err)
{
    enum state ready = r->dealer > 0 ? RESHARE_DEALT : RESHARE_NEW;
    qr_zero(sig, SCHNORR_SIZE);
    if (r->state != ready) return qr_fail(err, QR_STATE, "not the time to accept");
    r->state = RESHARE_FAILED;
    enum qr_rc rc = accept_all(r, msgs, ext_prefix, sig, err);
    qr_wipe(secret_at(r, AT_EPHEMERAL), secret_size(&r->terms) - AT_EPHEMERAL * SCALAR_SIZE);
    if (rc == QR_OK)
        r->state = RESHARE_PENDING;
    else
        qr_secret_fini(&r->secret);
    return rc;
}

enum qr_rc reshare_pending(const struct reshare *r, struct frost_share *share, struct qr_err *err)
{
    if (r->state != RESHARE_PENDING) return qr_fail(err, QR_STATE, "no share is pending");
    if (!receives(r)) return qr_fail(err, QR_NOTFOUND, "party %u leaves the group", r->party);
    return frost_share_init(share, &r->group, r->party, secret_at(r, AT_SHARE)->b, err);
}

enum qr_rc reshare_result_get(const struct reshare *r, struct reshare_result *out)
{
    if (r->state != RESHARE_PENDING && r->state != RESHARE_DONE) return QR_STATE;
    *out = (struct reshare_result){qr_buf_bytes(&r->transcript), &r->group};
    return QR_OK;
}

enum qr_rc reshare_finish(struct reshare *r, struct qr_bytes sigs, struct qr_buf *certificate,
                          struct frost_share *share, struct qr_err *err)
{
    const struct cocktail_params *p = &r->terms.parties;
    struct qr_bytes whole = qr_buf_bytes(&r->transcript);
    if (r->state != RESHARE_PENDING) return qr_fail(err, QR_STATE, "not the time to finish");
    if (sigs.n != (size_t)p->n * SCHNORR_SIZE)
        return qr_fail(err, QR_MALFORMED, "%zu bytes are not %u signatures", sigs.n, p->n);
    for (uint32_t j = 1; j <= p->n; j++) {
        struct dkg_blame blame = {.reason = DKG_CERTEQ, .index = j};
        if (schnorr_verify(&p->keys[j - 1], &whole, 1, sigs.p + (size_t)(j - 1) * SCHNORR_SIZE) !=
            QR_OK)
            return refuse(r, QR_FALSE, blame, err);
    }
    qr_buf_put_bytes(certificate, whole);
    qr_buf_put_bytes(certificate, sigs);
    QR_TRY(qr_buf_ok(certificate));
    if (receives(r)) QR_TRY(reshare_pending(r, share, err));
    qr_secret_fini(&r->secret);
    r->blame = (struct dkg_blame){.reason = DKG_FINE};
    r->state = RESHARE_DONE;
    return QR_OK;
}

struct dkg_blame reshare_blamed(const struct reshare *r) { return r->blame; }
