/* evidence_check.h - does the evidence of an approval speak for these keys, in
 * this session, under these policies, and does it hold?
 *
 * cad asks before it issues, everybody else when the approval is judged.  Its
 * binding is rebuilt from the grant, never read from the peer's copy.  Pure;
 * records named checks.  Spec: docs/FORMATS.md section 7, TRUST.md 10 (i). */
#ifndef QUORATE_TRUST_EVIDENCE_CHECK_H
#define QUORATE_TRUST_EVIDENCE_CHECK_H

#include "attest/binding.h"
#include "pki/cert.h"
#include "trust/grant_check.h"

/* What the binding is made from. */
struct trust_binding_source {
    const struct leaf_grant *grant; /* whose audience is cad */
    const struct qr_hash *grant_sha256;
    const struct leaf_policies *policies;
    const struct leaf_checkpoint *checkpoint; /* the approval's */
};
/* Memory that the fields of a binding point into. */
struct trust_binding_bytes {
    uint8_t spki[PKI_ED25519_SPKI_SIZE];
    struct qr_hash keys;
    uint8_t checkpoint[40];
    uint8_t expiry[8];
};
/* The one binding of an approval's evidence: the participant hands it to its
 * device, readers compare.  out borrows from s and bytes. */
void trust_approval_binding(const struct trust_binding_source *s, struct trust_binding_bytes *bytes,
                            struct attest_binding *out);

struct trust_evidence {
    struct qr_bytes bytes; /* canonical JSON */
    struct trust_binding_source source;
    const struct qr_hash *policy; /* the session's attestation policy, which judges */
    unsigned classes;             /* that the approval, or certificate, will state */
    int64_t at_us;                /* when it is, or was, relied on */
};
/* Form, binding, chain, report, policy, class; gives its digest.
 * QR_MALFORMED, QR_ATTESTATION. */
enum qr_rc trust_evidence_check(const struct trust_context *ctx, const struct trust_evidence *e,
                                struct qr_hash *digest, struct trust_report *r) QR_MUST_CHECK;

#endif
