/* blame.c - the checks of a ceremony again, by letters alone.
 *
 * A CertEq signature that does not fit is nobody's fault here: its signer may
 * have been shown other first messages, and only the coordinator knows. */
#include "bundle/blame.h"

#include "base/removal.h"
#include "frost/aggregate.h"
#include "frost/dispute.h"
#include "frost/package.h"

#include <stdlib.h>

#define TYPE "quorate.blame"

enum qr_rc blame_write(struct qr_bytes material, struct qr_bytes evidence, struct qr_buf *out)
{
    if (!qr_utf8_ok(material) || !qr_utf8_ok(evidence)) return QR_MALFORMED;
    json_t *o = qr_json_object();
    qr_json_set_bytes(o, "evidence", evidence);
    qr_json_set_bytes(o, "material", material);
    qr_json_set_str(o, "type", TYPE);
    qr_json_set_int(o, "v", 1);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

enum qr_rc blame_read(struct qr_bytes text, struct blame_file *out, struct qr_err *err)
{
    json_t *v = NULL;
    qr_buf_init(&out->material, QR_MAX_BUNDLE);
    qr_buf_init(&out->evidence, LEAF_MAX_EVIDENCE);
    QR_TRY(qr_json_parse(text, &v, err));
    struct qr_obj o = qr_obj_of(v, "blame file");
    qr_buf_put_bytes(&out->evidence, qr_obj_str(&o, "evidence", LEAF_MAX_EVIDENCE));
    qr_buf_put_bytes(&out->material, qr_obj_str(&o, "material", QR_MAX_BUNDLE));
    if (!qr_bytes_is(qr_obj_str(&o, "type", 32), TYPE)) qr_obj_bad(&o, "type");
    (void)qr_obj_int(&o, "v", 1, 1);
    enum qr_rc rc = qr_obj_done(&o, err);
    out->digest = leaf_evidence_digest(qr_buf_bytes(&out->evidence));
    json_decref(v);
    return rc;
}

void blame_file_fini(struct blame_file *f)
{
    qr_buf_fini(&f->material);
    qr_buf_fini(&f->evidence);
}

/* ---- the letters ---- */

struct court {
    const struct blame_case *k;
    const struct leaf_descriptor *d;
    struct leaf_evidence evidence;
    struct cocktail_params params;
    /* The first letter of each member in each round. */
    struct leaf_envelope letters[LEAF_ROUND_COUNT][QR_MAX_PARTICIPANTS];
    struct qr_bytes bytes[LEAF_ROUND_COUNT][QR_MAX_PARTICIPANTS];
    bool has[LEAF_ROUND_COUNT][QR_MAX_PARTICIPANTS];
    struct blame_verdict *out;
};

static void find_guilty(struct court *c, size_t member, const char *why)
{
    if (!(c->out->culprits & (UINT64_C(1) << member))) c->out->why[member] = why;
    c->out->culprits |= UINT64_C(1) << member;
}

static size_t member_of(const struct leaf_descriptor *d, const struct qr_hash *approval)
{
    size_t i = 0;
    while (i < d->n && !qr_hash_equal(&d->members[i].approval, approval)) i++;
    return i;
}

/* Signed by its member, for this attempt; takes e. */
static enum qr_rc take_letter(struct court *c, const struct leaf_signed *s, struct leaf_envelope *e,
                              struct qr_err *err)
{
    const struct leaf_evidence *v = &c->evidence;
    size_t i = member_of(c->d, &e->approval);
    bool early =
        !e->has_descriptor && (e->round == LEAF_ROUND_PRESENCE || e->round == LEAF_ROUND_ABORT);
    bool fits = i < c->d->n && qr_hash_equal(&e->session_leaf, &v->session_leaf) &&
                e->attempt == v->attempt &&
                (early || (e->has_descriptor && qr_hash_equal(&e->descriptor, &v->descriptor)));
    if (fits)
        fits = qr_verify_tagged(&c->d->members[i].envelope_key, LEAF_TAG_ENVELOPE, s->bytes,
                                &s->sig) == QR_OK;
    if (!QR_HOLDS(BLAME_LETTER, fits) || i >= c->d->n) {
        leaf_envelope_fini(e);
        return qr_fail(err, QR_FALSE, "letter %zu is not a member's of this attempt",
                       c->out->letters + 1);
    }
    c->out->letters++;
    if (c->has[e->round][i]) {
        if (!qr_bytes_equal(c->bytes[e->round][i], s->bytes))
            find_guilty(c, i, "two letters of one round");
        leaf_envelope_fini(e);
        return QR_OK;
    }
    c->letters[e->round][i] = *e;
    c->bytes[e->round][i] = s->bytes;
    c->has[e->round][i] = true;
    return QR_OK;
}

static enum qr_rc take_letters(struct court *c, struct qr_err *err)
{
    const struct leaf_evidence *v = &c->evidence;
    for (size_t l = 0; l < v->n; l++)
        for (size_t i = 0; i < v->lists[l].n; i++) {
            struct leaf_envelope e;
            QR_TRY(leaf_envelope_read(v->lists[l].letters[i].bytes, &e, err));
            QR_TRY(take_letter(c, &v->lists[l].letters[i], &e, err));
        }
    return QR_OK;
}

/* ---- key generation ---- */

static void judge_dealings(struct court *c)
{
    for (size_t i = 0; i < c->d->n; i++) {
        struct dkg_blame blame;
        if (!c->has[LEAF_ROUND_DKG1][i]) continue;
        if (cocktail_msg1_check(&c->params, (uint32_t)i + 1, c->letters[LEAF_ROUND_DKG1][i].body,
                                &blame, NULL) != QR_OK)
            find_guilty(c, i, dkg_reason_name(blame.reason));
    }
}

static void judge_dispute(struct court *c, size_t accuser)
{
    struct leaf_abort a;
    enum dkg_reason found;
    if (leaf_abort_read(c->letters[LEAF_ROUND_ABORT][accuser].body, &a, NULL) != QR_OK) {
        find_guilty(c, accuser, "malformed");
        return;
    }
    if (!a.has_dispute || a.blame > c->d->n || a.blame == accuser + 1) return;
    size_t dealer = a.blame - 1;
    /* Who sent two messages is at fault for whatever the accuser saw. */
    if (!c->has[LEAF_ROUND_DKG1][dealer] || (c->out->culprits & (UINT64_C(1) << dealer))) return;
    struct dispute_case k = {&c->params, a.blame, (uint32_t)accuser + 1,
                             c->letters[LEAF_ROUND_DKG1][dealer].body};
    enum qr_rc rc = dispute_judge(&k, a.dispute, &found);
    if (rc == QR_OK && found != DKG_FINE)
        find_guilty(c, dealer, dkg_reason_name(found));
    else if (rc == QR_OK || rc == QR_FALSE)
        find_guilty(c, accuser, "false accusation");
}

bool blame_commitments_fit(struct qr_bytes body, size_t payloads)
{
    if (body.n != SCHNORR_SIZE + payloads * 2 * POINT_SIZE) return false;
    for (size_t i = 0; i < payloads; i++) {
        struct frost_commitment k = {.id = 1};
        const uint8_t *at = body.p + SCHNORR_SIZE + i * 2 * POINT_SIZE;
        qr_copy(k.hiding, at, POINT_SIZE);
        qr_copy(k.binding, at + POINT_SIZE, POINT_SIZE);
        if (frost_commitment_check(&k) != QR_OK) return false;
    }
    return true;
}

static void judge_lengths(struct court *c)
{
    const struct leaf_payloads *p = &c->d->payloads;
    static const enum leaf_round rounds[] = {LEAF_ROUND_SHARE, LEAF_ROUND_CHAIN};
    for (size_t i = 0; i < c->d->n; i++) {
        if (c->has[LEAF_ROUND_DKG2][i] &&
            !blame_commitments_fit(c->letters[LEAF_ROUND_DKG2][i].body, p->n))
            find_guilty(c, i, "commitments");
        for (size_t r = 0; r < 2; r++)
            if (c->has[rounds[r]][i] &&
                c->letters[rounds[r]][i].body.n != leaf_payloads_shares(p, rounds[r]) * SCALAR_SIZE)
                find_guilty(c, i, "length");
    }
}

/* ---- signing ---- */

static bool all_sent(const struct court *c, enum leaf_round round)
{
    for (size_t i = 0; i < c->d->n; i++)
        if (!c->has[round][i]) return false;
    return true;
}

/* The how many-th share of its round is a payload's. */
static size_t share_at(const struct leaf_payloads *p, size_t payload)
{
    bool chained = p->p[payload].type == QR_MINISIGN_GLOBAL;
    size_t at = 0;
    for (size_t i = 0; i < payload; i++) at += (p->p[i].type == QR_MINISIGN_GLOBAL) == chained;
    return at;
}

static enum qr_rc judge_payload(struct court *c, const struct frost_group *g, size_t payload,
                                struct qr_sig *sig)
{
    const struct bundle_facts *f = c->k->facts;
    const struct leaf_payload *p = &c->d->payloads.p[payload];
    enum leaf_round round = p->type == QR_MINISIGN_GLOBAL ? LEAF_ROUND_CHAIN : LEAF_ROUND_SHARE;
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    struct frost_sig_share shares[QR_MAX_PARTICIPANTS];
    struct frost_result result;
    struct qr_buf msg;
    if (!all_sent(c, round)) return QR_NOTFOUND;
    for (size_t i = 0; i < c->d->n; i++) {
        const struct leaf_commitment_pair *pair = &f->started->payloads[payload].pairs[i];
        list[i].id = shares[i].id = (uint32_t)i + 1;
        qr_copy(list[i].hiding, pair->hiding.b, POINT_SIZE);
        qr_copy(list[i].binding, pair->binding.b, POINT_SIZE);
        qr_copy(shares[i].z,
                c->letters[round][i].body.p + share_at(&c->d->payloads, payload) * SCALAR_SIZE,
                SCALAR_SIZE);
    }
    struct qr_pub key;
    qr_copy(key.b, g->key.b, sizeof key.b);
    struct trust_given given = {c->k->file, payload > 0 ? sig : NULL, &key};
    qr_buf_init(&msg, QR_MAX_RAW_FILE);
    enum qr_rc rc = trust_payload_message(f->context.dir, &f->request.is, c->d, p, &given, &msg);
    struct frost_package package = {.msg = qr_buf_bytes(&msg), .list = list, .count = c->d->n};
    if (rc == QR_OK) rc = frost_aggregate(g, &package, shares, &result, NULL);
    qr_buf_fini(&msg);
    for (size_t i = 0; rc == QR_FALSE && i < result.culprits.count; i++)
        find_guilty(c, result.culprits.ids[i] - 1, "signature share");
    if (rc == QR_OK) qr_copy(sig->b, result.sig, FROST_SIG_SIZE);
    return rc;
}

/* Only where all lengths are right. */
static void judge_shares(struct court *c)
{
    struct cocktail_certificate cert;
    struct qr_sig sig = {{0}};
    if (c->k->facts->stage < BUNDLE_STARTED || c->out->culprits) return;
    if (cocktail_certificate_read(c->k->b->transcript, &cert, NULL) != QR_OK) return;
    for (size_t i = 0; i < c->d->payloads.n; i++)
        if (judge_payload(c, &cert.group, i, &sig) != QR_OK && i + 1 < c->d->payloads.n &&
            c->d->payloads.p[i + 1].type == QR_MINISIGN_GLOBAL)
            break;
}

static enum qr_rc same_attempt(struct court *c, struct qr_err *err)
{
    const struct bundle_facts *f = c->k->facts;
    const struct leaf_evidence *v = &c->evidence;
    bool same = f->stage >= BUNDLE_FROZEN && v->attempt == f->descriptor.is.attempt &&
                qr_hash_equal(&v->session_leaf, &f->request.at.leaf) &&
                qr_hash_equal(&v->descriptor, &f->descriptor.hash);
    return QR_HOLDS(BLAME_ATTEMPT, same)
               ? QR_OK
               : qr_fail(err, QR_FALSE, "the letters are of another attempt than the material");
}

static enum qr_rc make_params(struct court *c, struct qr_err *err)
{
    uint8_t keys[QR_MAX_PARTICIPANTS * QR_KEY_SIZE];
    for (size_t i = 0; i < c->d->n; i++)
        qr_copy(keys + i * QR_KEY_SIZE, c->d->members[i].cocktail_key.b, QR_KEY_SIZE);
    QR_TRY(cocktail_params_init(&c->params, c->d->n, c->d->t, QR_BYTES(keys, c->d->n * QR_KEY_SIZE),
                                err));
    cocktail_context(&c->params, QR_BYTES_OF(c->k->facts->descriptor.hash.b));
    return QR_OK;
}

static void judge_all(struct court *c)
{
    judge_dealings(c);
    for (size_t i = 0; i < c->d->n; i++)
        if (c->has[LEAF_ROUND_ABORT][i]) judge_dispute(c, i);
    judge_lengths(c);
    judge_shares(c);
}

enum qr_rc blame_judge(const struct blame_case *k, struct blame_verdict *out, struct qr_err *err)
{
    struct court *c = calloc(1, sizeof *c);
    *out = (struct blame_verdict){0};
    if (!c) return qr_fail(err, QR_NOMEM, "out of memory");
    c->k = k;
    c->d = &k->facts->descriptor.is;
    c->out = out;
    enum qr_rc rc = leaf_evidence_read(k->evidence, &c->evidence, err);
    if (rc == QR_OK) rc = same_attempt(c, err);
    if (rc == QR_OK) rc = make_params(c, err);
    if (rc == QR_OK) rc = take_letters(c, err);
    if (rc == QR_OK) judge_all(c);
    for (size_t r = 0; r < LEAF_ROUND_COUNT; r++)
        for (size_t i = 0; i < QR_MAX_PARTICIPANTS; i++)
            if (c->has[r][i]) leaf_envelope_fini(&c->letters[r][i]);
    leaf_evidence_fini(&c->evidence);
    free(c);
    return rc;
}
