/* evidence.h - a report with the certificates that endorse it, as it travels
 * in handshakes, approvals and bundles.
 *
 * The encoding is canonical JSON, blobs in base64:
 * {"ark","ask","binding","class":"production"|"simulated","report","v":1,"vek"};
 * "binding" is "" when there is none.  Parsing checks form and sizes, never
 * truth: that is attest_verify_evidence (verdict.h).
 * Spec: docs/FORMATS.md section 7, SNP.md sections 5.3 and 8. */
#ifndef QUORATE_ATTEST_EVIDENCE_H
#define QUORATE_ATTEST_EVIDENCE_H

#include "attest/reason.h"
#include "crypto/crypto.h"

#include <jansson.h>

#define ATTEST_BINDING_MAX 2048
/* Largest encoding: report, three certificates and binding in base64. */
#define ATTEST_EVIDENCE_MAX 24576

struct attest_evidence {
    struct qr_bytes report; /* 1184 bytes */
    struct qr_bytes vek;    /* VCEK or VLEK, DER, at most QR_MAX_CERT_DER */
    struct qr_bytes ask;    /* ASK or ASVK */
    struct qr_bytes ark;
    struct qr_bytes binding; /* attest_binding_encode form, or empty */
    enum attest_class trust_class;
    struct qr_buf storage; /* what the fields above point into, if ours */
};

/* Copies the bytes of from (which may borrow) into out's own storage.
 * QR_RANGE: a field exceeds its size.  Gives; attest_evidence_fini. */
enum qr_rc attest_evidence_copy(const struct attest_evidence *from, struct attest_evidence *out,
                                struct qr_err *err) QR_MUST_CHECK;
void attest_evidence_fini(struct attest_evidence *e); /* idempotent */

/* Appends the encoding.  QR_RANGE, QR_NOMEM. */
enum qr_rc attest_evidence_encode(const struct attest_evidence *e, struct qr_buf *out)
    QR_MUST_CHECK;
/* Strict: canonical bytes, no unknown field, all sizes.  Gives out
 * (attest_evidence_fini); it does not point into s.  QR_MALFORMED. */
enum qr_rc attest_evidence_parse(struct qr_bytes s, struct attest_evidence *out, struct qr_err *err)
    QR_MUST_CHECK;

/* The same as a JSON value, to stand inside a larger document.  _to_json gives
 * a new reference; _from_json borrows v, gives out. */
enum qr_rc attest_evidence_to_json(const struct attest_evidence *e, json_t **out) QR_MUST_CHECK;
enum qr_rc attest_evidence_from_json(const json_t *v, struct attest_evidence *out,
                                     struct qr_err *err) QR_MUST_CHECK;

/* SHA-256("quorate/evidence/v1" 0x00 || the 672 signed bytes ||
 * SHA-256(vek)).  The unsigned bytes and the malleable signature are left out,
 * so one report has one digest.  The report must have its full size. */
struct qr_hash attest_evidence_digest(struct qr_bytes report, struct qr_bytes vek);

#endif
