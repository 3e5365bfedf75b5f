/* ceremony.c - the steps of one attempt.
 *
 * Every step first verifies, then computes, then makes the letter; state moves
 * forward only when the letter exists.  The descriptor hash taken at `frozen`
 * is the anchor of the attempt: each later message must name it, and the
 * material at `sign` must verify to the very same one. */
#include "participant/ceremony.h"

#include "base/removal.h"
#include "frost/aggregate.h"
#include "frost/dispute.h"
#include "frost/payload.h"
#include "frost/sign.h"
#include "trust/payload_x509.h"

#include <stdio.h>
#include <stdlib.h>

enum step { STEP_IDLE, STEP_DEALT, STEP_COMMITTED, STEP_SHARED };

/* What is left for a second signature while the first is put together. */
struct chain {
    struct frost_share share;
    size_t first; /* place of the payload that it is over; its own is the next */
    struct leaf_request request;
    struct leaf_started started;
};

struct ceremony {
    struct ceremony_setup is;
    enum step step;
    uint32_t attempt;
    uint32_t index;    /* our place, 1..n */
    uint32_t sequence; /* of our letters in this attempt */
    struct qr_hash descriptor_hash;
    struct leaf_descriptor descriptor;
    struct dkg *dkg;
    struct frost_nonces *nonces[QR_MAX_PAYLOADS];
    struct frost_commitment commitments[QR_MAX_PAYLOADS];
    struct chain *chain; /* NULL but between share and chain */
    struct qr_pub group_key;
    struct bundle_known known; /* what was judged in an earlier step */
    struct leaf_abort failure; /* of the last refused step */
};

enum qr_rc ceremony_new(struct ceremony **out, const struct ceremony_setup *setup,
                        struct qr_err *err)
{
    struct ceremony *c = calloc(1, sizeof *c);
    if (!c) return qr_fail(err, QR_NOMEM, "no memory");
    c->is = *setup;
    if (setup->known) c->known = *setup->known;
    *out = c;
    return QR_OK;
}

static void drop_nonces(struct ceremony *c)
{
    for (size_t i = 0; i < QR_MAX_PAYLOADS; i++) {
        frost_nonces_free(c->nonces[i]);
        c->nonces[i] = NULL;
    }
}

static void drop_chain(struct ceremony *c)
{
    if (!c->chain) return;
    frost_share_fini(&c->chain->share);
    free(c->chain);
    c->chain = NULL;
}

void ceremony_reset(struct ceremony *c)
{
    drop_nonces(c);
    drop_chain(c);
    dkg_free(c->dkg);
    c->dkg = NULL;
    c->step = STEP_IDLE;
    c->sequence = 0;
    c->index = 0;
}

void ceremony_free(struct ceremony *c)
{
    if (!c) return;
    ceremony_reset(c);
    free(c);
}

struct qr_pub ceremony_group_key(const struct ceremony *c) { return c->group_key; }

void ceremony_letter_fini(struct ceremony_letter *l) { qr_buf_fini(&l->bytes); }

/* Remembers why a step was refused, for the abort letter. */
static enum qr_rc refuse(struct ceremony *c, const char *step, const char *reason, uint32_t blame,
                         enum qr_rc rc)
{
    (void)snprintf(c->failure.step, sizeof c->failure.step, "%s", step);
    (void)snprintf(c->failure.reason, sizeof c->failure.reason, "%s", reason);
    c->failure.blame = blame;
    c->failure.has_dispute = false;
    return rc;
}

static enum qr_rc seal_letter(struct ceremony *c, enum leaf_round round, struct qr_bytes body,
                              struct ceremony_letter *out)
{
    struct leaf_envelope e = {.session_leaf = c->is.session_leaf,
                              .approval = c->is.approval,
                              .attempt = c->attempt,
                              .has_descriptor = c->step != STEP_IDLE,
                              .descriptor = c->descriptor_hash,
                              .round = round,
                              .sequence = c->sequence,
                              .body = body};
    qr_buf_init(&out->bytes, 2 * QR_MAX_MESSAGE_DKG);
    enum qr_rc rc = leaf_envelope_write(&e, &out->bytes);
    /* What an abort says when no step of ours was refused after this letter:
     * that it did not get through. */
    if (round != LEAF_ROUND_ABORT) rc = refuse(c, leaf_round_name(round), "not delivered", 0, rc);
    if (rc != QR_OK) {
        qr_buf_fini(&out->bytes);
        return rc;
    }
    c->sequence++;
    qr_sign_tagged(&c->is.keys->envelope, LEAF_TAG_ENVELOPE, qr_buf_bytes(&out->bytes), &out->sig);
    return QR_OK;
}

enum qr_rc ceremony_presence(struct ceremony *c, uint32_t attempt, struct ceremony_letter *out)
{
    ceremony_reset(c);
    c->attempt = attempt;
    return seal_letter(c, LEAF_ROUND_PRESENCE, QR_BYTES_NONE, out);
}

enum qr_rc ceremony_abort(struct ceremony *c, struct ceremony_letter *out)
{
    struct qr_buf body;
    qr_buf_init(&body, 1024);
    enum qr_rc rc = leaf_abort_write(&c->failure, &body);
    if (rc == QR_OK) rc = seal_letter(c, LEAF_ROUND_ABORT, qr_buf_bytes(&body), out);
    qr_buf_fini(&body);
    return rc;
}

/* ---- material ---- */

/* What the verifier cannot know: that this is the session, the artifact and
 * the policies this process approved. */
static enum qr_rc same_as_approved(const struct ceremony *c, const struct bundle_facts *f,
                                   struct qr_err *err)
{
    if (!qr_hash_equal(&f->request.at.leaf, &c->is.session_leaf))
        return qr_fail(err, QR_FALSE, "the material is of another session");
    if (!qr_hash_equal(&f->request.is.artifact.sha256, &c->is.artifact))
        return qr_fail(err, QR_FALSE, "the material is of another artifact");
    if (!leaf_policies_equal(&f->request.is.policies, &c->is.policies))
        return qr_fail(err, QR_FALSE, "the material names other policies");
    return QR_OK;
}

static struct bundle_options options_of(struct ceremony *c, enum bundle_stage need,
                                        const int64_t *now)
{
    return (struct bundle_options){.need = need,
                                   .allow_simulated = c->is.allow_simulated,
                                   .has_artifact = true,
                                   .artifact = c->is.artifact,
                                   .has_file = c->is.has_file,
                                   .file = c->is.file,
                                   .known = &c->known,
                                   .now_us = now};
}

void ceremony_preview(struct ceremony *c, struct qr_bytes material)
{
    int64_t now = qr_now_us(&c->is.clock);
    struct bundle_options opt = options_of(c, BUNDLE_OPEN, &now);
    struct qr_err err = {{0}};
    struct bundle *b = calloc(1, sizeof *b);
    struct bundle_facts *f = calloc(1, sizeof *f);
    if (!b || !f) qr_fatal("out of memory");
    if (bundle_read(material, b, &err) == QR_OK) {
        struct trust_report r;
        trust_report_init(&r);
        /* What is wrong in it is found, and told, when it matters. */
        enum qr_rc ignored = bundle_verify(b, c->is.trust, &opt, &r, f);
        (void)ignored;
        trust_report_fini(&r);
        bundle_facts_fini(f);
        bundle_fini(b);
    }
    free(b);
    free(f);
}

/* Reads and verifies material; facts and bundle are the caller's to release
 * after QR_OK. */
static enum qr_rc open_material(struct ceremony *c, struct qr_bytes material,
                                enum bundle_stage need, struct bundle *b, struct bundle_facts *f,
                                struct qr_err *err)
{
    int64_t now = qr_now_us(&c->is.clock);
    struct bundle_options opt = options_of(c, need, &now);
    QR_TRY(bundle_read(material, b, err));
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = bundle_verify(b, c->is.trust, &opt, &r, f);
    if (rc != QR_OK) (void)trust_report_err(&r, err);
    trust_report_fini(&r);
    if (rc == QR_OK) rc = same_as_approved(c, f, err);
    if (rc == QR_OK) rc = c->is.consider(c->is.ctx, b, f, err);
    if (rc != QR_OK) {
        bundle_facts_fini(f);
        bundle_fini(b);
    }
    return rc;
}

/* Our place among the members, with exactly our keys in it. */
static enum qr_rc find_self(struct ceremony *c, const struct leaf_descriptor *d, struct qr_err *err)
{
    c->index = 0;
    for (uint32_t i = 0; i < d->n; i++)
        if (qr_hash_equal(&d->members[i].approval, &c->is.approval)) c->index = i + 1;
    if (c->index == 0) return qr_fail(err, QR_NOTFOUND, "not a member of this attempt");
    const struct leaf_member *m = &d->members[c->index - 1];
    bool same = qr_equal_ct(m->cocktail_key.b, c->is.keys->cocktail.pub.b, QR_KEY_SIZE) &&
                qr_equal_ct(m->envelope_key.b, c->is.keys->envelope.pub.b, QR_KEY_SIZE);
    return QR_HOLDS(PARTICIPANT_PLACE, same)
               ? QR_OK
               : qr_fail(err, QR_FALSE, "the descriptor has other keys in our place");
}

/* raw and minisign sign the file itself, and x509-cert says what it asks for:
 * every signer must have it, and raw must not mean something to another protocol. */
static enum qr_rc files_allowed(const struct ceremony *c, const struct leaf_descriptor *d,
                                struct qr_err *err)
{
    for (size_t i = 0; i < d->payloads.n; i++) {
        enum qr_payload type = d->payloads.p[i].type;
        if (!qr_payload_needs_file(type)) continue;
        if (!c->is.has_file)
            return qr_fail(err, QR_POLICY, "%s needs the file here: give it with --file",
                           qr_payload_name(type));
        if (type == QR_RAW) QR_TRY(payload_raw_check(c->is.file, err));
        if (type == QR_MINISIGN && !payload_minisign_is(c->is.file, d->payloads.p[i].blake2b))
            return qr_fail(err, QR_FALSE, "the requested BLAKE2b is of another file");
        QR_TRY(payload_x509_check(&d->payloads.p[i], c->is.file, err));
    }
    return QR_OK;
}

/* The parameters of this attempt's key generation; gives *out (free). */
static enum qr_rc params_of(const struct ceremony *c, struct cocktail_params **out,
                            struct qr_err *err)
{
    const struct leaf_descriptor *d = &c->descriptor;
    uint8_t keys[QR_MAX_PARTICIPANTS * QR_KEY_SIZE];
    for (size_t i = 0; i < d->n; i++)
        qr_copy(keys + i * QR_KEY_SIZE, d->members[i].cocktail_key.b, QR_KEY_SIZE);
    *out = calloc(1, sizeof **out);
    if (!*out) return QR_NOMEM;
    QR_TRY(cocktail_params_init(*out, d->n, d->t, QR_BYTES(keys, d->n * QR_KEY_SIZE), err));
    cocktail_context(*out, QR_BYTES_OF(c->descriptor_hash.b));
    return QR_OK;
}

static enum qr_rc new_dkg(struct ceremony *c, struct qr_err *err)
{
    struct cocktail_params *p = NULL;
    enum qr_rc rc = params_of(c, &p, err);
    if (rc == QR_OK) {
        struct dkg_setup s = {
            .params = p, .key = &c->is.keys->cocktail, .rand = c->is.rand, .index = c->index};
        rc = dkg_new(&c->dkg, &s, err);
    }
    free(p);
    return rc;
}

static enum qr_rc deal(struct ceremony *c, struct ceremony_letter *out, struct qr_err *err)
{
    struct qr_buf msg;
    qr_buf_init(&msg, QR_MAX_MESSAGE_DKG);
    enum qr_rc rc = new_dkg(c, err);
    if (rc == QR_OK) rc = dkg_round1(c->dkg, QR_BYTES_NONE, &msg, err);
    c->step = STEP_DEALT; /* from here on letters name the descriptor */
    if (rc == QR_OK) rc = seal_letter(c, LEAF_ROUND_DKG1, qr_buf_bytes(&msg), out);
    qr_buf_fini(&msg);
    return rc;
}

enum qr_rc ceremony_frozen(struct ceremony *c, struct qr_bytes material,
                           struct ceremony_letter *out, struct qr_err *err)
{
    uint32_t sequence = c->sequence;
    ceremony_reset(c);
    c->sequence = sequence;
    struct bundle *b = calloc(1, sizeof *b);
    struct bundle_facts *f = calloc(1, sizeof *f);
    enum qr_rc rc = b && f ? open_material(c, material, BUNDLE_FROZEN, b, f, err) : QR_NOMEM;
    if (rc == QR_OK) {
        c->descriptor = f->descriptor.is;
        c->descriptor_hash = f->descriptor.hash;
        c->attempt = f->descriptor.is.attempt;
        bundle_facts_fini(f);
        bundle_fini(b);
        rc = find_self(c, &c->descriptor, err);
        if (rc == QR_OK) rc = files_allowed(c, &c->descriptor, err);
        if (rc == QR_OK) rc = deal(c, out, err);
    }
    free(b);
    free(f);
    return rc == QR_OK || rc == QR_NOTFOUND ? rc : refuse(c, "frozen", "material refused", 0, rc);
}

/* ---- messages of all members ---- */

struct heard {
    struct leaf_envelope e[QR_MAX_PARTICIPANTS];
    size_t n;
};

static void heard_free(struct heard *h)
{
    for (size_t i = 0; h && i < h->n; i++) leaf_envelope_fini(&h->e[i]);
    free(h);
}

/* One envelope of member i + 1: his signature, this attempt, this round. */
static enum qr_rc hear_one(const struct ceremony *c, size_t i, const struct leaf_signed *s,
                           enum leaf_round round, struct leaf_envelope *e, struct qr_err *err)
{
    const struct leaf_member *m = &c->descriptor.members[i];
    if (!QR_HOLDS(PARTICIPANT_SENDER, qr_verify_tagged(&m->envelope_key, LEAF_TAG_ENVELOPE,
                                                       s->bytes, &s->sig) == QR_OK))
        return qr_fail(err, QR_FALSE, "message %zu is not signed by member %zu", i + 1, i + 1);
    QR_TRY(leaf_envelope_read(s->bytes, e, err));
    bool fits = qr_hash_equal(&e->session_leaf, &c->is.session_leaf) &&
                qr_hash_equal(&e->approval, &m->approval) && e->attempt == c->attempt &&
                e->has_descriptor && qr_hash_equal(&e->descriptor, &c->descriptor_hash) &&
                e->round == round;
    if (QR_HOLDS(PARTICIPANT_CONTEXT, fits)) return QR_OK;
    leaf_envelope_fini(e);
    return qr_fail(err, QR_FALSE, "message %zu is of another attempt, member or round", i + 1);
}

/* Gives *out (heard_free) with one envelope per member, in descriptor order. */
static enum qr_rc hear_all(const struct ceremony *c, const struct leaf_signed *list, size_t n,
                           enum leaf_round round, struct heard **out, struct qr_err *err)
{
    if (n != c->descriptor.n)
        return qr_fail(err, QR_FALSE, "%zu messages instead of %u", n, c->descriptor.n);
    struct heard *h = calloc(1, sizeof *h);
    if (!h) return QR_NOMEM;
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; i < n && rc == QR_OK; i++) {
        rc = hear_one(c, i, &list[i], round, &h->e[i], err);
        if (rc == QR_OK) h->n++;
    }
    if (rc != QR_OK) {
        heard_free(h);
        return rc;
    }
    *out = h;
    return QR_OK;
}

static enum qr_rc commit_all(struct ceremony *c, struct qr_buf *body, struct qr_err *err)
{
    for (size_t i = 0; i < c->descriptor.payloads.n; i++) {
        QR_TRY(dkg_commit(c->dkg, &c->nonces[i], &c->commitments[i], err));
        qr_buf_put(body, c->commitments[i].hiding, POINT_SIZE);
        qr_buf_put(body, c->commitments[i].binding, POINT_SIZE);
    }
    return qr_buf_ok(body);
}

/* A share that only we can open is wrong: what shows it to everybody goes with
 * our abort.  Without it our word stands against the dealer's. */
static void dispute(struct ceremony *c, const struct dkg_blame *blame, struct qr_bytes msg1)
{
    struct cocktail_params *p = NULL;
    struct qr_err ignored = {{0}};
    bool ours =
        blame->reason == DKG_DECRYPT || blame->reason == DKG_SCALAR || blame->reason == DKG_SHARE;
    _Static_assert(sizeof c->failure.dispute == DISPUTE_SIZE, "as leaf/message.h has it");
    if (!ours || params_of(c, &p, &ignored) != QR_OK) {
        free(p);
        return;
    }
    struct dispute_case k = {p, blame->index, c->index, msg1};
    c->failure.has_dispute =
        dispute_prove(&k, &c->is.keys->cocktail, &c->is.rand, c->failure.dispute) == QR_OK;
    free(p);
}

/* DKG round 2 over the members' first messages, then our nonce commitments. */
static enum qr_rc answer_dkg1(struct ceremony *c, const struct heard *h, struct qr_buf *body,
                              struct qr_err *err)
{
    struct qr_bytes msgs[QR_MAX_PARTICIPANTS];
    for (size_t i = 0; i < h->n; i++) msgs[i] = h->e[i].body;
    struct qr_buf prefix;
    qr_buf_init(&prefix, 1024);
    leaf_descriptor_ext_prefix(&c->descriptor, &c->descriptor_hash, qr_str(c->is.trust->origin),
                               &prefix);
    uint8_t sig[SCHNORR_SIZE];
    enum qr_rc rc = qr_buf_ok(&prefix);
    if (rc == QR_OK) rc = dkg_round2(c->dkg, msgs, qr_buf_bytes(&prefix), sig, err);
    qr_buf_fini(&prefix);
    if (rc != QR_OK) {
        struct dkg_blame blame = dkg_blamed(c->dkg);
        rc = refuse(c, "dkg1", dkg_reason_name(blame.reason), blame.index, rc);
        if (blame.index > 0) dispute(c, &blame, msgs[blame.index - 1]);
        return rc;
    }
    qr_buf_put(body, sig, sizeof sig);
    return commit_all(c, body, err);
}

enum qr_rc ceremony_dkg1(struct ceremony *c, const struct leaf_signed *list, size_t n,
                         struct ceremony_letter *out, struct qr_err *err)
{
    if (c->step != STEP_DEALT) return qr_fail(err, QR_STATE, "no dealing is under way");
    struct heard *h = NULL;
    enum qr_rc rc = hear_all(c, list, n, LEAF_ROUND_DKG1, &h, err);
    if (rc != QR_OK) return refuse(c, "dkg1", "messages refused", 0, rc);
    struct qr_buf body;
    qr_buf_init(&body, SCHNORR_SIZE + QR_MAX_PAYLOADS * 2 * POINT_SIZE);
    rc = answer_dkg1(c, h, &body, err);
    if (rc == QR_OK) rc = seal_letter(c, LEAF_ROUND_DKG2, qr_buf_bytes(&body), out);
    if (rc == QR_OK) c->step = STEP_COMMITTED;
    qr_buf_fini(&body);
    heard_free(h);
    return rc;
}

/* ---- signing ---- */

/* Finishes the DKG with everybody's CertEq signatures. */
static enum qr_rc finish_dkg(struct ceremony *c, const struct heard *h, struct qr_buf *certificate,
                             struct frost_share *share, struct qr_err *err)
{
    size_t want = SCHNORR_SIZE + c->descriptor.payloads.n * 2 * POINT_SIZE;
    struct qr_buf sigs;
    qr_buf_init(&sigs, QR_MAX_PARTICIPANTS * SCHNORR_SIZE);
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; i < h->n && rc == QR_OK; i++) {
        if (h->e[i].body.n != want)
            rc = refuse(c, "dkg2", "wrong length", (uint32_t)i + 1,
                        qr_fail(err, QR_FALSE, "message %zu has a wrong length", i + 1));
        else
            qr_buf_put(&sigs, h->e[i].body.p, SCHNORR_SIZE);
    }
    if (rc == QR_OK) {
        rc = dkg_finish(c->dkg, qr_buf_bytes(&sigs), certificate, share, err);
        if (rc == QR_OK) {
            struct qr_hash fact = bundle_fact_dkg(qr_buf_bytes(certificate));
            bundle_known_add(&c->known, &fact);
        }
        struct dkg_blame blame = dkg_blamed(c->dkg);
        if (rc != QR_OK) rc = refuse(c, "dkg2", dkg_reason_name(blame.reason), 0, rc);
    }
    qr_buf_fini(&sigs);
    return rc;
}

/* signing.started against what we know: the same descriptor, the certificate
 * of the DKG that we took part in, our own commitments in our place. */
static enum qr_rc started_is_ours(const struct ceremony *c, const struct bundle *b,
                                  const struct bundle_facts *f, struct qr_bytes certificate,
                                  struct qr_err *err)
{
    if (!QR_HOLDS(PARTICIPANT_DESCRIPTOR, qr_hash_equal(&f->descriptor.hash, &c->descriptor_hash)))
        return qr_fail(err, QR_FALSE, "signing started for another descriptor");
    if (!QR_HOLDS(PARTICIPANT_TRANSCRIPT, qr_bytes_equal(b->transcript, certificate)))
        return qr_fail(err, QR_FALSE, "the logged key is of another key generation");
    const struct leaf_started *s = f->started;
    if (s->n != c->descriptor.n || s->payload_count != c->descriptor.payloads.n)
        return qr_fail(err, QR_FALSE, "signing.started lists other signers or payloads");
    for (size_t i = 0; i < s->payload_count; i++) {
        const struct leaf_commitment_pair *p = &s->payloads[i].pairs[c->index - 1];
        bool ours = p->index == c->index &&
                    qr_equal_ct(p->hiding.b, c->commitments[i].hiding, POINT_SIZE) &&
                    qr_equal_ct(p->binding.b, c->commitments[i].binding, POINT_SIZE);
        if (!QR_HOLDS(PARTICIPANT_COMMITMENTS, ours))
            return qr_fail(err, QR_FALSE, "signing.started has other commitments in our place");
    }
    return QR_OK;
}

static void list_of(const struct leaf_started *st, size_t payload, struct frost_commitment *list)
{
    for (size_t k = 0; k < st->n; k++) {
        const struct leaf_commitment_pair *p = &st->payloads[payload].pairs[k];
        list[k].id = p->index;
        qr_copy(list[k].hiding, p->hiding.b, POINT_SIZE);
        qr_copy(list[k].binding, p->binding.b, POINT_SIZE);
    }
}

/* What is signed, and all that says which bytes these are. */
struct signing {
    const struct leaf_request *request;
    const struct leaf_started *started;
    const struct frost_share *share;
    const struct qr_sig *first; /* that the payload's bytes begin with, or NULL */
    struct qr_pub key;          /* the group's, of our own key generation */
};

/* The bytes of the i-th payload, rebuilt here, and the same that were logged. */
static enum qr_rc rebuild(const struct ceremony *c, const struct signing *s, size_t i,
                          struct qr_buf *msg, struct qr_err *err)
{
    const struct leaf_payload *p = &c->descriptor.payloads.p[i];
    struct trust_given given = {c->is.has_file ? c->is.file : QR_BYTES_NONE, s->first, &s->key};
    struct qr_hash digest;
    enum qr_rc rc = trust_payload_message(c->is.trust, s->request, &c->descriptor, p, &given, msg);
    if (rc == QR_OK) rc = trust_payload_named(s->request, p, qr_buf_bytes(msg), &digest);
    if (rc != QR_OK)
        return qr_fail(err, rc, "the bytes of %s cannot be rebuilt", qr_payload_name(p->type));
    return QR_HOLDS(PARTICIPANT_PAYLOAD, qr_hash_equal(&digest, &s->started->payloads[i].digest))
               ? QR_OK
               : qr_fail(err, QR_FALSE, "the payload is not what was logged");
}

/* One signature share, over the list as logged. */
static enum qr_rc sign_payload(struct ceremony *c, const struct signing *s, size_t i,
                               struct qr_buf *body, struct qr_err *err)
{
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    struct qr_buf msg;
    uint8_t z[SCALAR_SIZE];
    list_of(s->started, i, list);
    qr_buf_init(&msg, QR_MAX_RAW_FILE);
    enum qr_rc rc = rebuild(c, s, i, &msg, err);
    struct frost_package pkg = {.msg = qr_buf_bytes(&msg), .list = list, .count = s->started->n};
    if (rc == QR_OK) rc = frost_sign(c->nonces[i], s->share, &pkg, z, err);
    if (rc == QR_OK) qr_buf_put(body, z, sizeof z);
    qr_buf_fini(&msg);
    return rc;
}

/* Shares of all payloads whose bytes are known by now.  Where one is left, its
 * share is kept for it: takes *share then. */
static enum qr_rc sign_known(struct ceremony *c, const struct bundle_facts *f,
                             struct frost_share *share, struct qr_buf *body, struct qr_err *err)
{
    struct signing s = {.request = &f->request.is, .started = f->started, .share = share};
    size_t left = 0;
    qr_copy(s.key.b, share->group.key.b, sizeof s.key.b);
    for (size_t i = 0; i < c->descriptor.payloads.n; i++) {
        if (c->descriptor.payloads.p[i].type == QR_MINISIGN_GLOBAL)
            left = i;
        else
            QR_TRY(sign_payload(c, &s, i, body, err));
    }
    if (left == 0) return QR_OK;
    c->chain = malloc(sizeof *c->chain);
    if (!c->chain) return qr_fail(err, QR_NOMEM, "no memory");
    *c->chain = (struct chain){
        .share = *share, .first = left - 1, .request = f->request.is, .started = *f->started};
    *share = (struct frost_share){.id = 0};
    return QR_OK;
}

static enum qr_rc sign_all(struct ceremony *c, const struct ceremony_sign_in *in,
                           const struct heard *h, struct qr_buf *body, struct qr_err *err)
{
    struct frost_share share = {.id = 0};
    struct bundle *b = calloc(1, sizeof *b);
    struct bundle_facts *f = calloc(1, sizeof *f);
    struct qr_buf certificate;
    qr_buf_init(&certificate, COCKTAIL_MAX_CERTIFICATE);
    enum qr_rc rc = b && f ? finish_dkg(c, h, &certificate, &share, err) : QR_NOMEM;
    if (rc == QR_OK) {
        rc = open_material(c, in->material, BUNDLE_STARTED, b, f, err);
        if (rc == QR_OK) {
            rc = started_is_ours(c, b, f, qr_buf_bytes(&certificate), err);
            if (rc == QR_OK) rc = sign_known(c, f, &share, body, err);
            if (rc == QR_OK) c->group_key = f->group_key;
            bundle_facts_fini(f);
            bundle_fini(b);
        }
        if (rc != QR_OK) (void)refuse(c, "sign", "material refused", 0, rc);
    }
    frost_share_fini(&share);
    qr_buf_fini(&certificate);
    free(b);
    free(f);
    return rc;
}

enum qr_rc ceremony_sign(struct ceremony *c, const struct ceremony_sign_in *in,
                         struct ceremony_letter *out, struct qr_err *err)
{
    if (c->step != STEP_COMMITTED) return qr_fail(err, QR_STATE, "nothing is committed");
    struct heard *h = NULL;
    enum qr_rc rc = hear_all(c, in->list, in->n, LEAF_ROUND_DKG2, &h, err);
    if (rc != QR_OK) (void)refuse(c, "sign", "messages refused", 0, rc);
    struct qr_buf body;
    qr_buf_init(&body, QR_MAX_PAYLOADS * SCALAR_SIZE);
    if (rc == QR_OK) rc = sign_all(c, in, h, &body, err);
    if (rc == QR_OK) rc = seal_letter(c, LEAF_ROUND_SHARE, qr_buf_bytes(&body), out);
    qr_buf_fini(&body);
    heard_free(h);
    /* Shares are made once: nothing of the attempt outlives this call but what a
     * second signature needs. */
    dkg_free(c->dkg);
    c->dkg = NULL;
    bool more = rc == QR_OK && c->chain;
    c->step = more ? STEP_SHARED : STEP_DEALT;
    if (!more) drop_nonces(c);
    if (!more) drop_chain(c);
    return rc;
}

/* The first signature from everybody's shares, valid under the group's key. */
static enum qr_rc first_signature(struct ceremony *c, const struct heard *h, struct qr_sig *out,
                                  struct qr_err *err)
{
    const struct chain *k = c->chain;
    const struct leaf_payload *p = c->descriptor.payloads.p;
    struct signing s = {.request = &k->request, .started = &k->started};
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    struct frost_sig_share shares[QR_MAX_PARTICIPANTS];
    struct frost_result result;
    struct qr_buf msg;
    size_t want = leaf_payloads_shares(&c->descriptor.payloads, LEAF_ROUND_SHARE) * SCALAR_SIZE;
    size_t at = 0;
    for (size_t i = 0; i < k->first; i++) at += p[i].type != QR_MINISIGN_GLOBAL;
    for (size_t i = 0; i < h->n; i++) {
        if (h->e[i].body.n != want) {
            (void)refuse(c, "chain", "wrong length", (uint32_t)i + 1, QR_FALSE);
            return qr_fail(err, QR_FALSE, "message %zu has a wrong length", i + 1);
        }
        shares[i].id = (uint32_t)i + 1;
        qr_copy(shares[i].z, h->e[i].body.p + at * SCALAR_SIZE, SCALAR_SIZE);
    }
    list_of(&k->started, k->first, list);
    qr_buf_init(&msg, QR_MAX_RAW_FILE);
    enum qr_rc rc = rebuild(c, &s, k->first, &msg, err);
    struct frost_package pkg = {.msg = qr_buf_bytes(&msg), .list = list, .count = k->started.n};
    if (rc == QR_OK) {
        rc = frost_aggregate(&k->share.group, &pkg, shares, &result, err);
        if (rc != QR_OK && result.culprits.count > 0)
            (void)refuse(c, "chain", "bad share", result.culprits.ids[0], rc);
    }
    if (rc == QR_OK) qr_copy(out->b, result.sig, FROST_SIG_SIZE);
    qr_buf_fini(&msg);
    return rc;
}

static enum qr_rc sign_second(struct ceremony *c, const struct heard *h, struct qr_buf *body,
                              struct qr_err *err)
{
    const struct chain *k = c->chain;
    struct qr_sig first;
    struct signing s = {
        .request = &k->request, .started = &k->started, .share = &k->share, .first = &first};
    QR_TRY(first_signature(c, h, &first, err));
    return sign_payload(c, &s, k->first + 1, body, err);
}

enum qr_rc ceremony_chain(struct ceremony *c, const struct leaf_signed *list, size_t n,
                          struct ceremony_letter *out, struct qr_err *err)
{
    if (c->step != STEP_SHARED) return qr_fail(err, QR_STATE, "no second signature is under way");
    struct heard *h = NULL;
    struct qr_buf body;
    qr_buf_init(&body, SCALAR_SIZE);
    (void)refuse(c, "chain", "messages refused", 0, QR_FALSE);
    enum qr_rc rc = hear_all(c, list, n, LEAF_ROUND_SHARE, &h, err);
    if (rc == QR_OK) rc = sign_second(c, h, &body, err);
    if (rc == QR_OK) rc = seal_letter(c, LEAF_ROUND_CHAIN, qr_buf_bytes(&body), out);
    qr_buf_fini(&body);
    heard_free(h);
    drop_nonces(c);
    drop_chain(c);
    c->step = STEP_DEALT;
    return rc;
}
