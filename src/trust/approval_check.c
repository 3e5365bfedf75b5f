/* approval_check.c - one approval, from the person's enrolment to the evidence
 * of the machine it was given on. */
#include "trust/approval_check.h"

#include "frost/cocktail.h"

static bool pub_equal(const struct qr_pub *a, const struct qr_pub *b)
{
    return qr_bytes_equal(QR_BYTES_OF(a->b), QR_BYTES_OF(b->b));
}

/* What certificate, grant and approval must say alike; NULL if they do. */
static const char *difference(const struct trust_approval *a, const struct pki_cert *c,
                              const struct pki_participant_claims *p, const struct leaf_grant *g,
                              const struct qr_hash *grant_sha256)
{
    const struct leaf_approval *is = &a->is;
    if (!qr_hash_equal(&is->certificate, &c->sha256)) return "the approval names another one";
    if (!pub_equal(&c->key, &is->approval_key) ||
        !pub_equal(&g->keys.approval_key, &is->approval_key))
        return "approval key";
    if (!pub_equal(&p->envelope_key, &is->envelope_key) ||
        !pub_equal(&g->keys.envelope_key, &is->envelope_key))
        return "envelope key";
    if (!pub_equal(&p->cocktail_key, &is->cocktail_key) ||
        !pub_equal(&g->keys.cocktail_key, &is->cocktail_key))
        return "COCKTAIL key";
    if (!qr_hash_equal(&p->commitment, &is->commitment)) return "person";
    if (!qr_hash_equal(&p->enrolment, &is->enrolment)) return "enrolment";
    if (!qr_hash_equal(&p->session_leaf, &is->session.leaf)) return "session";
    if (p->role != is->role) return "role";
    if (!qr_hash_equal(&p->grant, grant_sha256)) return "grant";
    if ((g->classes & ~p->classes) || (p->classes & ~is->classes)) return "trust classes";
    return NULL;
}

static bool logged_alike(const struct trust_approval *a, const struct pki_cert *c,
                         const struct pki_participant_claims *p)
{
    const struct leaf_certificate *l = &a->issued;
    struct qr_hash spki = pki_spki_sha256(&c->key);
    return l->purpose == LEAF_PURPOSE_PARTICIPANT && qr_hash_equal(&l->sha256, &c->sha256) &&
           qr_hash_equal(&l->spki, &spki) &&
           qr_bytes_equal(QR_BYTES_OF(l->serial), QR_BYTES_OF(c->serial)) &&
           l->not_before_us == c->not_before_us && l->not_after_us == c->not_after_us &&
           qr_hash_equal(&l->session_leaf, &p->session_leaf) &&
           qr_hash_equal(&l->commitment, &p->commitment) && qr_hash_equal(&l->grant, &p->grant);
}

/* Certificate and approval name one piece of evidence, and it holds. */
static enum qr_rc evidence_check(const struct trust_context *ctx, const struct trust_request *req,
                                 const struct trust_approval *a,
                                 const struct pki_participant_claims *claims,
                                 const struct trust_grant *grant, struct trust_report *r)
{
    struct qr_hash digest;
    struct trust_evidence e = {.bytes = a->evidence,
                               .source = {.grant = &grant->is,
                                          .grant_sha256 = &grant->sha256,
                                          .policies = &a->is.policies,
                                          .checkpoint = &a->is.checkpoint},
                               .policy = &req->is.policies.attestation,
                               .classes = claims->classes,
                               .at_us = a->issued_at.time_us};
    QR_TRY(trust_check(r, TRUST_EVIDENCE_ISSUER, qr_hash_equal(&claims->evidence, &a->is.evidence),
                       QR_ATTESTATION, "certificate and approval name different evidence"));
    QR_TRY(trust_evidence_check(ctx, &e, &digest, r));
    return trust_check(r, TRUST_EVIDENCE_NAMED, qr_hash_equal(&digest, &a->is.evidence),
                       QR_ATTESTATION, "it is not the evidence that the approval names");
}

enum qr_rc trust_certificate_check(const struct trust_context *ctx, const struct trust_request *req,
                                   const struct trust_approval *a, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct pki_cert cert;
    struct pki_participant_claims claims;
    enum qr_rc read =
        pki_participant_read(a->certificate, &ctx->dir->participant_ca, &cert, &claims, &err);
    if (read != QR_OK && read != QR_FALSE)
        return trust_stop(r, TRUST_CERTIFICATE_CHAIN, QR_FALSE, "%s", err.text);
    QR_TRY(trust_result(r, TRUST_CERTIFICATE_CHAIN, read, &err));
    QR_TRY(trust_check(r, TRUST_CERTIFICATE_TIME,
                       pki_cert_valid_at(&cert, a->at.time_us) &&
                           pki_cert_valid_at(&ctx->dir->participant_ca, a->at.time_us) &&
                           pki_cert_valid_at(&ctx->dir->root, a->at.time_us),
                       QR_FALSE, "not valid when the approval was recorded"));
    QR_TRY(trust_check(r, TRUST_CERTIFICATE_LOGGED,
                       logged_alike(a, &cert, &claims) && a->issued_at.index < a->at.index &&
                           a->issued_at.index > req->at.index,
                       QR_FALSE, "certificate.issued is missing, late or differs"));
    struct trust_grant_use use = {.audience = LEAF_FOR_CAD,
                                  .session_leaf = &req->at.leaf,
                                  .identity = &a->identity,
                                  .at_us = a->issued_at.time_us};
    struct trust_grant grant;
    QR_TRY(trust_grant_check(ctx, a->grant, &use, &grant, r));
    const char *what = difference(a, &cert, &claims, &grant.is, &grant.sha256);
    enum qr_rc rc = trust_check(r, TRUST_CERTIFICATE_BINDING, !what, QR_FALSE,
                                "certificate, grant and approval differ: %s", what ? what : "");
    if (rc == QR_OK) rc = evidence_check(ctx, req, a, &claims, &grant, r);
    trust_grant_fini(&grant);
    return rc;
}

static enum qr_rc person_check(const struct trust_context *ctx, const struct trust_approval *a,
                               struct trust_report *r)
{
    const struct leaf_identity *id = &a->identity.is;
    QR_TRY(trust_enrolment_check(ctx, &a->identity, r));
    return trust_check(r, TRUST_ENROLMENT_PERSON,
                       qr_hash_equal(&a->is.enrolment, &a->identity.at.leaf) &&
                           qr_hash_equal(&a->is.commitment, &id->commitment) &&
                           a->is.role == id->role && a->identity.at.index < a->at.index,
                       QR_FALSE, "the enrolment is of another person or role, or later");
}

static enum qr_rc signatures_check(const struct trust_approval *a, struct trust_report *r)
{
    const struct leaf_approval *is = &a->is;
    QR_TRY(trust_check(r, TRUST_APPROVAL_KEY_SIGNATURE,
                       leaf_object_verify(a->body, leaf_without_approval_sigs, LEAF_TAG_APPROVAL,
                                          &is->approval_key, &is->approval_sig) == QR_OK,
                       QR_FALSE, NULL));
    QR_TRY(trust_check(r, TRUST_APPROVAL_PERSON_SIGNATURE,
                       leaf_object_verify(a->body, leaf_without_approval_sigs, LEAF_TAG_APPROVAL,
                                          &a->identity.is.person_key, &is->person_sig) == QR_OK,
                       QR_FALSE, NULL));
    struct qr_buf msg;
    qr_buf_init(&msg, 256);
    leaf_approval_pop_message(is, &msg);
    bool ok = qr_buf_ok(&msg) == QR_OK &&
              cocktail_static_check(is->cocktail_key.b, qr_buf_bytes(&msg), is->pop.b) == QR_OK;
    qr_buf_fini(&msg);
    return trust_check(r, TRUST_APPROVAL_POSSESSION, ok, QR_FALSE, NULL);
}

static enum qr_rc session_check(const struct trust_context *ctx, const struct trust_request *req,
                                const struct trust_approval *a, struct trust_report *r)
{
    const struct leaf_approval *is = &a->is;
    QR_TRY(trust_check(r, TRUST_APPROVAL_SESSION,
                       qr_hash_equal(&is->session.leaf, &req->at.leaf) &&
                           qr_bytes_is(qr_str(is->session.id), req->is.session) &&
                           leaf_payloads_same(&is->payloads, &req->is.payloads) &&
                           a->at.index > req->at.index,
                       QR_FALSE, "it is of another session or of other payloads"));
    QR_TRY(trust_check(r, TRUST_APPROVAL_POLICIES,
                       leaf_policies_equal(&is->policies, &req->is.policies), QR_POLICY,
                       "it names other policies"));
    return person_check(ctx, a, r);
}

static enum qr_rc stated_check(const struct trust_context *ctx, const struct trust_request *req,
                               const struct trust_approval *a, struct trust_report *r)
{
    const struct leaf_approval *is = &a->is;
    char lesser[64];
    QR_TRY(signatures_check(a, r));
    qr_classes_text(is->classes & ~ctx->classes, lesser);
    QR_TRY(trust_check(r, TRUST_CLASS_ACCEPTED, (is->classes & ~ctx->classes) == 0, QR_ATTESTATION,
                       "the approval is of class %s, which is not accepted", lesser));
    return trust_check(r, TRUST_APPROVAL_CHECKPOINT,
                       is->checkpoint.size > req->at.index && is->checkpoint.size <= a->at.index,
                       QR_FALSE, "its checkpoint does not lie between request and approval");
}

enum qr_rc trust_approval_check(const struct trust_context *ctx, const struct trust_request *req,
                                const struct trust_approval *a, struct trust_report *r)
{
    QR_TRY(session_check(ctx, req, a, r));
    QR_TRY(trust_certificate_check(ctx, req, a, r));
    return stated_check(ctx, req, a, r);
}

enum qr_rc trust_approval_logged(const struct trust_context *ctx, const struct trust_request *req,
                                 const struct trust_approval *a, struct trust_report *r)
{
    QR_TRY(session_check(ctx, req, a, r));
    return stated_check(ctx, req, a, r);
}
