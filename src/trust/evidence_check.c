/* evidence_check.c - the binding rebuilt, then attest's verdict over it. */
#include "trust/evidence_check.h"

#include "attest/verdict.h"

void trust_approval_binding(const struct trust_binding_source *s, struct trust_binding_bytes *bytes,
                            struct attest_binding *out)
{
    const struct leaf_grant *g = s->grant;
    struct qr_bytes spki = QR_BYTES_OF(bytes->spki);
    pki_spki(&g->keys.approval_key, bytes->spki);
    bytes->keys = attest_keys_digest(spki, &g->keys.envelope_key, &g->keys.cocktail_key);
    attest_checkpoint_field(s->checkpoint->size, &s->checkpoint->root, bytes->checkpoint);
    qr_set_be64(bytes->expiry, (uint64_t)g->expires_us);
    *out = (struct attest_binding){.nonce = QR_BYTES_OF(s->grant_sha256->b),
                                   .verifier = qr_str("cad"),
                                   .node_id = qr_str(g->keys.node),
                                   .role = qr_str("participant"),
                                   .purpose = qr_str(ATTEST_PURPOSE_APPROVE),
                                   .context = QR_BYTES_OF(g->keys.session_leaf.b),
                                   .policy_hash = QR_BYTES_OF(s->policies->attestation.b),
                                   .keys_digest = QR_BYTES_OF(bytes->keys.b),
                                   .signing_policy = QR_BYTES_OF(s->policies->signing.b),
                                   .checkpoint = QR_BYTES_OF(bytes->checkpoint),
                                   .expiry = QR_BYTES_OF(bytes->expiry)};
}

/* The copy that travels must be the rebuilt binding, and REPORT_DATA its hash. */
static enum qr_rc binding_check(const struct trust_binding_source *s,
                                const struct attest_evidence *e,
                                uint8_t report_data[ATTEST_REPORT_DATA_SIZE],
                                struct trust_report *r)
{
    struct trust_binding_bytes bytes;
    struct attest_binding want;
    struct qr_buf encoded;
    struct qr_err err = {{0}};
    trust_approval_binding(s, &bytes, &want);
    qr_buf_init(&encoded, ATTEST_BINDING_MAX);
    enum qr_rc rc = attest_binding_encode(&want, &encoded, &err);
    bool same = rc == QR_OK && qr_bytes_equal(qr_buf_bytes(&encoded), e->binding);
    if (rc == QR_OK) attest_binding_digest(qr_buf_bytes(&encoded), report_data);
    qr_buf_fini(&encoded);
    return trust_check(r, TRUST_EVIDENCE_BINDING, same, QR_ATTESTATION,
                       "it is bound to something else than grant and approval");
}

static enum qr_rc judge(const struct trust_context *ctx, const struct trust_evidence *q,
                        const struct attest_evidence *e, struct trust_report *r)
{
    struct qr_err err = {{0}};
    uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
    QR_TRY(binding_check(&q->source, e, report_data, r));
    struct attest_expectation want = {.policy = trust_attestation(ctx, q->policy),
                                      .report_data = QR_BYTES_OF(report_data),
                                      .crl = QR_BYTES_NONE,
                                      .time_us = q->at_us};
    QR_TRY(trust_result(r, TRUST_EVIDENCE_VERDICT, attest_verify_evidence(e, &want, NULL, &err),
                        &err));
    return trust_check(r, TRUST_EVIDENCE_CLASS,
                       e->trust_class == ATTEST_PRODUCTION || (q->classes & QR_CLASS_SIMULATED),
                       QR_ATTESTATION, "simulated evidence that is not declared as such");
}

enum qr_rc trust_evidence_check(const struct trust_context *ctx, const struct trust_evidence *q,
                                struct qr_hash *digest, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct attest_evidence e = {.trust_class = ATTEST_PRODUCTION};
    QR_TRY(trust_check(r, TRUST_EVIDENCE_PRESENT, q->bytes.n > 0, QR_ATTESTATION, "there is none"));
    enum qr_rc rc = attest_evidence_parse(q->bytes, &e, &err);
    if (rc != QR_OK) return trust_stop(r, TRUST_EVIDENCE_FORM, rc, "%s", err.text);
    trust_pass(r, TRUST_EVIDENCE_FORM);
    *digest = attest_evidence_digest(e.report, e.vek);
    rc = judge(ctx, q, &e, r);
    attest_evidence_fini(&e);
    return rc;
}
