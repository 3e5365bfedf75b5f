/* keygen.c - verifies what the members generated, and has it certified.
 *
 * The transcript is put together from the members' own signed messages, exactly
 * as each of them did; a CertEq signature that does not fit it is its
 * sender's: everybody was sent the same messages. */
#include "coordinatord/ceremony.h"

#include "base/removal.h"
#include "coordinatord/material.h"
#include "frost/certificate.h"
#include "pki/ca.h"
#include "service/receipt.h"

#include "quorate/v1/ca.pb-c.h"

#include <stdlib.h>

enum { CAD_TIMEOUT_MS = 8000, REVIEW_TIMEOUT_MS = 2000 };

enum qr_rc keygen_params(const struct leaf_descriptor *d, const struct qr_hash *hash,
                         struct cocktail_params *out, struct qr_err *err)
{
    uint8_t keys[QR_MAX_PARTICIPANTS * QR_KEY_SIZE];
    for (size_t i = 0; i < d->n; i++)
        qr_copy(keys + i * QR_KEY_SIZE, d->members[i].cocktail_key.b, QR_KEY_SIZE);
    QR_TRY(cocktail_params_init(out, d->n, d->t, QR_BYTES(keys, d->n * QR_KEY_SIZE), err));
    cocktail_context(out, QR_BYTES_OF(hash->b));
    return QR_OK;
}

/* All first messages taken apart, and the transcript made of them. */
struct generation {
    struct cocktail_params params;
    struct qr_bytes msgs[QR_MAX_PARTICIPANTS];
    struct point *commitments; /* n * t */
    uint8_t pops[QR_MAX_PARTICIPANTS][SCHNORR_SIZE];
    struct point ephemerals[QR_MAX_PARTICIPANTS];
    uint8_t frames[COCKTAIL_DIGEST_SIZE];
    uint8_t ext[COCKTAIL_EXT_SIZE];
    size_t transcript; /* length of T at the start of certificate */
    struct qr_buf certificate;
};

static void generation_free(struct generation *g)
{
    if (!g) return;
    free(g->commitments);
    qr_buf_fini(&g->certificate);
    free(g);
}

static enum qr_rc take_apart(const struct view *v, struct generation *g, uint64_t *culprits,
                             struct qr_err *err)
{
    QR_TRY(keygen_params(&v->descriptor, &v->descriptor_hash, &g->params, err));
    g->commitments = calloc((size_t)g->params.n * g->params.t, sizeof *g->commitments);
    if (!g->commitments) return qr_fail(err, QR_NOMEM, "out of memory");
    for (size_t i = 0; i < v->n; i++) {
        struct cocktail_msg1 m = {.commitments = g->commitments + i * g->params.t};
        enum dkg_reason reason = DKG_FINE;
        g->msgs[i] = v->approvals[i].sent[LEAF_ROUND_DKG1].body;
        if (cocktail_msg1_parse(&m, &g->params, g->msgs[i], &reason) != QR_OK) {
            *culprits |= UINT64_C(1) << i;
            continue;
        }
        qr_copy(g->pops[i], m.pop, sizeof m.pop);
        g->ephemerals[i] = m.ephemeral;
    }
    return QR_OK;
}

static enum qr_rc write_transcript(struct coord *c, const struct view *v, struct generation *g,
                                   struct qr_err *err)
{
    struct qr_buf prefix;
    qr_buf_init(&prefix, 1024);
    leaf_descriptor_ext_prefix(&v->descriptor, &v->descriptor_hash, qr_str(c->s->trust->origin),
                               &prefix);
    enum qr_rc rc = qr_buf_ok(&prefix);
    if (rc == QR_OK) rc = cocktail_frames_digest(&g->params, g->msgs, g->frames);
    if (rc == QR_OK) {
        cocktail_ext(qr_buf_bytes(&prefix), g->frames, g->ext);
        struct cocktail_transcript t = {.params = &g->params,
                                        .commitments = g->commitments,
                                        .pops = (const uint8_t(*)[SCHNORR_SIZE])g->pops,
                                        .ephemerals = g->ephemerals,
                                        .ext = QR_BYTES_OF(g->ext)};
        rc = cocktail_transcript_write(&t, &g->certificate);
    }
    qr_buf_fini(&prefix);
    if (rc != QR_OK) return qr_fail(err, rc, "the transcript cannot be written");
    g->transcript = g->certificate.n;
    for (size_t i = 0; i < v->n; i++)
        qr_buf_put(&g->certificate, v->approvals[i].sent[LEAF_ROUND_DKG2].body.p, SCHNORR_SIZE);
    return qr_buf_ok(&g->certificate);
}

static uint64_t bad_signers(const struct view *v, const struct generation *g)
{
    struct qr_bytes t = QR_BYTES(g->certificate.p, g->transcript);
    uint64_t culprits = 0;
    for (size_t i = 0; i < v->n; i++)
        if (schnorr_verify(&g->params.keys[i], &t, 1,
                           v->approvals[i].sent[LEAF_ROUND_DKG2].body.p) != QR_OK)
            culprits |= UINT64_C(1) << i;
    return culprits;
}

static enum qr_rc completed(struct ceremony_part *p, const struct generation *g,
                            const struct qr_pub *key, struct qr_err *err)
{
    struct qr_bytes certificate = qr_buf_bytes(&g->certificate);
    struct leaf_dkg d = {.session = p->v.descriptor.session,
                         .attempt = p->job->attempt,
                         .descriptor = p->v.descriptor_hash,
                         .group_key = *key,
                         .transcript = qr_sha256_one(certificate)};
    qr_copy(d.frames, g->frames, sizeof d.frames);
    json_t *body = leaf_dkg_write(&d);
    struct ceremony_news news = {
        .ev = {.kind = SESSION_EV_DKG_VERIFIED},
        .body = body,
        .attempt = {.certificate = certificate, .frames = QR_BYTES_OF(g->frames)}};
    enum qr_rc rc = ceremony_apply(p, &news, err);
    json_decref(body);
    return rc;
}

static enum qr_rc verify(struct ceremony_part *p, struct generation *g, struct qr_err *err)
{
    uint64_t culprits = 0;
    struct cocktail_certificate cert;
    QR_TRY(take_apart(&p->v, g, &culprits, err));
    if (culprits) return ceremony_blame(p, culprits, err);
    QR_TRY(write_transcript(p->c, &p->v, g, err));
    enum qr_rc rc = cocktail_certificate_verify(qr_buf_bytes(&g->certificate), &cert, err);
    if (rc == QR_FALSE) culprits = bad_signers(&p->v, g);
    if (culprits) return ceremony_blame(p, culprits, err);
    if (rc != QR_OK) return rc;
    struct qr_pub key;
    qr_copy(key.b, cert.group.key.b, sizeof key.b);
    return completed(p, g, &key, err);
}

enum qr_rc keygen_verify(struct ceremony_part *p, struct qr_err *err)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g) return qr_fail(err, QR_NOMEM, "out of memory");
    qr_buf_init(&g->certificate, COCKTAIL_MAX_CERTIFICATE);
    enum qr_rc rc = verify(p, g, err);
    generation_free(g);
    return rc;
}

/* ---- the group certificate ---- */

static bool claims_fit(const struct view *v, const struct pki_group_claims *claims,
                       const struct qr_hash *transcript)
{
    const struct leaf_payloads *want = &v->descriptor.payloads;
    bool fit = claims->attempt == v->state.attempt &&
               qr_bytes_is(qr_str(claims->session), v->row.id) &&
               qr_hash_equal(&claims->descriptor, &v->descriptor_hash) &&
               qr_hash_equal(&claims->session_leaf, &v->row.leaf) &&
               qr_hash_equal(&claims->transcript, transcript) && claims->payload_count == want->n;
    for (size_t i = 0; fit && i < want->n; i++)
        fit = claims->payloads[i].type == want->p[i].type &&
              qr_hash_equal(&claims->payloads[i].digest, &want->p[i].digest);
    return fit;
}

/* What cad gave for a group, borrowed from its reply. */
struct group_papers {
    struct qr_bytes der;
    struct qr_bytes ssh; /* may be empty */
};

/* What cad issued, against what we asked for and what it logged. */
static enum qr_rc check_group(struct ceremony_part *p, const struct group_papers *given,
                              const struct ceremony_entry *issued, struct pki_cert *cert,
                              struct qr_err *err)
{
    struct pki_group_claims claims;
    struct leaf_certificate l;
    struct cocktail_certificate dkg;
    struct qr_hash transcript = qr_sha256_one(p->v.attempt.certificate);
    QR_TRY(pki_group_read(given->der, &p->c->s->trust->group_ca, cert, &claims, err));
    QR_TRY(leaf_certificate_read(issued->entry.body, &l, err));
    struct qr_hash ssh = qr_sha256_one(given->ssh);
    bool logged = l.purpose == LEAF_PURPOSE_GROUP && qr_hash_equal(&l.sha256, &cert->sha256) &&
                  l.has_ssh == (given->ssh.n > 0) && (!l.has_ssh || qr_hash_equal(&l.ssh, &ssh));
    if (!logged) return qr_fail(err, QR_FALSE, "cad logged another certificate");
    if (!QR_HOLDS(COORDINATOR_GROUP, claims_fit(&p->v, &claims, &transcript)))
        return qr_fail(err, QR_FALSE, "the group certificate is of another session");
    /* The key comes from the transcript, whose signatures were verified before
     * it was kept, never from a certificate. */
    QR_TRY(cocktail_certificate_read(p->v.attempt.certificate, &dkg, err));
    bool same = qr_equal_ct(dkg.group.key.b, cert->key.b, QR_KEY_SIZE);
    if (!QR_HOLDS(COORDINATOR_GROUP, same))
        return qr_fail(err, QR_FALSE, "the group certificate is for another key");
    return QR_OK;
}

static void put_commitments(const struct view *v, struct leaf_started *s)
{
    for (size_t k = 0; k < s->payload_count; k++) {
        s->payloads[k].type = v->descriptor.payloads.p[k].type;
        s->payloads[k].digest = v->descriptor.payloads.p[k].digest;
        for (size_t i = 0; i < v->n; i++) {
            const uint8_t *at = v->approvals[i].sent[LEAF_ROUND_DKG2].body.p + SCHNORR_SIZE +
                                k * (size_t)2 * POINT_SIZE;
            struct leaf_commitment_pair *pair = &s->payloads[k].pairs[i];
            pair->index = (uint32_t)i + 1;
            qr_copy(pair->hiding.b, at, POINT_SIZE);
            qr_copy(pair->binding.b, at + POINT_SIZE, POINT_SIZE);
        }
    }
}

static enum qr_rc started(struct ceremony_part *p, const struct group_papers *given,
                          const struct ceremony_entry *issued, struct qr_err *err)
{
    struct pki_cert cert;
    QR_TRY(check_group(p, given, issued, &cert, err));
    struct leaf_started s = {.session = p->v.descriptor.session,
                             .attempt = p->job->attempt,
                             .descriptor = p->v.descriptor_hash,
                             .group_key = cert.key,
                             .certificate = cert.sha256,
                             .n = p->v.n,
                             .payload_count = p->v.descriptor.payloads.n};
    put_commitments(&p->v, &s);
    json_t *body = leaf_started_write(&s);
    struct ceremony_news news = {
        .ev = {.kind = SESSION_EV_GROUP_CERTIFIED},
        .body = body,
        .attempt = {.group_certificate = given->der, .ssh_certificate = given->ssh},
        .has_entry = true,
        .entry = ceremony_row(issued, LEAF_CERTIFICATE_ISSUED, p->job->attempt)};
    enum qr_rc rc = ceremony_apply(p, &news, err);
    json_decref(body);
    return rc;
}

static enum qr_rc take_reply(struct ceremony_part *p, const Quorate__V1__IssueReply *r,
                             struct qr_err *err)
{
    struct ceremony_entry issued;
    struct group_papers given = {QR_BYTES(r->certificate.data, r->certificate.len),
                                 r->ssh_certificate.len
                                     ? QR_BYTES(r->ssh_certificate.data, r->ssh_certificate.len)
                                     : QR_BYTES_NONE};
    enum qr_rc rc = ceremony_take(p->c, r->issued ? &r->issued->base : NULL,
                                  LEAF_CERTIFICATE_ISSUED, &issued, err);
    if (rc == QR_OK) rc = started(p, &given, &issued, err);
    ceremony_entry_fini(&issued);
    return rc;
}

static enum qr_rc ask_cad(struct ceremony_part *p, struct qr_bytes material, struct qr_err *err)
{
    Quorate__V1__IssueGroupRequest in = QUORATE__V1__ISSUE_GROUP_REQUEST__INIT;
    in.material = receipt_bytes(material);
    in.certificate = receipt_bytes(p->v.attempt.certificate);
    in.frames = receipt_bytes(p->v.attempt.frames);
    struct service_call call = {.service = &quorate__v1__ca__descriptor,
                                .method = "IssueGroup",
                                .in = &in.base,
                                .timeout_ms = CAD_TIMEOUT_MS};
    struct rpc_answer answer;
    enum qr_rc rc = p->c->ask(p->c->ask_ctx, COORD_CAD, &call, &answer, err);
    if (rc == QR_OK) rc = take_reply(p, (const Quorate__V1__IssueReply *)answer.msg, err);
    rpc_answer_fini(&answer);
    return rc;
}

enum qr_rc keygen_certify(struct ceremony_part *p, struct qr_err *err)
{
    struct material_want want = {.n = p->job->n, .stage = BUNDLE_FROZEN};
    struct qr_buf material;
    qr_buf_init(&material, QR_MAX_BUNDLE);
    enum qr_rc rc = material_get(p->c, &want, &material, err);
    if (rc == QR_OK) rc = ask_cad(p, qr_buf_bytes(&material), err);
    qr_buf_fini(&material);
    return rc;
}

void keygen_review(struct coord *c, int64_t n)
{
    struct material_want want = {.n = n, .stage = BUNDLE_FROZEN};
    Quorate__V1__ReviewGroupRequest in = QUORATE__V1__REVIEW_GROUP_REQUEST__INIT;
    struct service_call call = {.service = &quorate__v1__ca__descriptor,
                                .method = "ReviewGroup",
                                .in = &in.base,
                                .timeout_ms = REVIEW_TIMEOUT_MS};
    struct rpc_answer answer;
    struct qr_buf material;
    struct qr_err err = {{0}};
    qr_buf_init(&material, QR_MAX_BUNDLE);
    enum qr_rc rc = material_get(c, &want, &material, &err);
    if (rc == QR_OK) {
        in.material = receipt_bytes(qr_buf_bytes(&material));
        rc = c->ask(c->ask_ctx, COORD_CAD, &call, &answer, &err);
        rpc_answer_fini(&answer);
    }
    if (rc != QR_OK) qr_log_text(&c->s->log, "review", "%s: %s", qr_rc_name(rc), err.text);
    qr_buf_fini(&material);
}
