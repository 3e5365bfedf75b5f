/* signing_policy.h - how many people of which role must approve, and within
 * which limits.
 *
 * Pure: text in, struct out, and back.  A policy given in a trust directory is
 * a floor: one that stands in the log may only be stricter.
 *
 * Spec: docs/FORMATS.md section 12, TRUST.md section 1. */
#ifndef QUORATE_TRUST_SIGNING_POLICY_H
#define QUORATE_TRUST_SIGNING_POLICY_H

#include "base/words.h"
#include "crypto/crypto.h"

#define SIGNING_POLICY_NAME_MAX 63

struct signing_policy {
    char name[SIGNING_POLICY_NAME_MAX + 1];
    uint32_t engineers; /* least approvals, 0..32 */
    uint32_t stewards;
    bool requester_may_approve;
    uint32_t payloads; /* 1 << enum qr_payload */
    uint32_t classes;  /* QR_CLASS_... accepted */
    bool distinct_nodes;
    uint32_t witnesses;
    uint32_t max_session_s;
    uint32_t max_checkpoint_age_s;
    uint32_t max_approval_age_s;
    bool development;
};

/* The file.  QR_MALFORMED: err says "PATH:LINE: what"; a mistake of the whole
 * (a key missing, a quorum of one) names line 0 as PATH alone. */
enum qr_rc signing_policy_parse(struct qr_bytes text, const char *path, struct signing_policy *out,
                                struct qr_err *err) QR_MUST_CHECK;
/* The canonical form, as in policy.changed; strict. */
enum qr_rc signing_policy_parse_canonical(struct qr_bytes json, struct signing_policy *out,
                                          struct qr_err *err) QR_MUST_CHECK;
/* Appends the canonical form. */
enum qr_rc signing_policy_write(const struct signing_policy *p, struct qr_buf *out) QR_MUST_CHECK;
struct qr_hash signing_policy_hash(const struct signing_policy *p);
/* Appends the file that parses to p. */
void signing_policy_text(const struct signing_policy *p, struct qr_buf *out);

/* What `quorate init` seeds from REQUIRED_ENGINEERS and REQUIRED_STEWARDS:
 * all payload types, classes demo, simulated, softseal and unattended,
 * development = yes. */
void signing_policy_development(uint32_t engineers, uint32_t stewards, struct signing_policy *out);

/* n = t of a session under this policy. */
uint32_t signing_policy_quorum(const struct signing_policy *p);
/* Admin signatures an entry needs. */
uint32_t signing_policy_admins(const struct signing_policy *p);
/* p allows nothing that floor does not: QR_OK, QR_POLICY naming the key, or
 * QR_ATTESTATION when nothing but its trust classes is looser. */
enum qr_rc signing_policy_at_least(const struct signing_policy *p,
                                   const struct signing_policy *floor, struct qr_err *err)
    QR_MUST_CHECK;

#endif
