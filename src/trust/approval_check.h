/* approval_check.h - does this approval count?  Everything TRUST.md section 7
 * lists for one approval, made the same way by the coordinator when it is
 * given, by every participant before it deals and releases, and years later.
 *
 * Pure; records named checks under the subject the caller set.
 * Spec: docs/FORMATS.md sections 3.2, 4, 5 and 7; TRUST.md 10 (h) and (i). */
#ifndef QUORATE_TRUST_APPROVAL_CHECK_H
#define QUORATE_TRUST_APPROVAL_CHECK_H

#include "leaf/certificate.h"
#include "pki/ca.h"
#include "trust/evidence_check.h"

/* One approval with all that belongs to it; bytes and JSON are borrowed. */
struct trust_approval {
    struct trust_place at;
    const json_t *body;
    struct leaf_approval is;
    struct trust_identity identity;
    struct qr_bytes certificate; /* DER */
    struct trust_place issued_at;
    struct leaf_certificate issued; /* certificate.issued of it */
    struct qr_bytes grant;          /* the one cad issued on */
    struct qr_bytes evidence;       /* canonical JSON; empty: not here */
};

/* Chain to the pinned CA, valid at the approval's time, logged at a lower
 * index with the same key, equal to grant and approval; and its evidence. */
enum qr_rc trust_certificate_check(const struct trust_context *ctx, const struct trust_request *req,
                                   const struct trust_approval *a, struct trust_report *r)
    QR_MUST_CHECK;

/* All of it: session, payloads, policies, enrolment, certificate, grant, both
 * signatures, proof of possession, checkpoint, evidence. */
enum qr_rc trust_approval_check(const struct trust_context *ctx, const struct trust_request *req,
                                const struct trust_approval *a, struct trust_report *r)
    QR_MUST_CHECK;
/* As much of it as the log alone shows: neither certificate nor grant nor
 * evidence are looked at. */
enum qr_rc trust_approval_logged(const struct trust_context *ctx, const struct trust_request *req,
                                 const struct trust_approval *a, struct trust_report *r)
    QR_MUST_CHECK;

#endif
