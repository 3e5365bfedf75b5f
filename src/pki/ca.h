/* ca.h - the certificate authority of the ceremony: root, the two CAs under
 * it, certificate requests, and what they are issued for.
 *
 * quorate init makes the CAs, cad issues; both log what they issue elsewhere.
 * Issuing here decides nothing: cad has checked grant, roster and transcript.
 *
 * Spec: docs/FORMATS.md section 5, TRUST.md section 5, RFC 2986. */
#ifndef QUORATE_PKI_CA_H
#define QUORATE_PKI_CA_H

#include "pki/cert.h"
#include "pki/claims.h"

/* A CA: its certificate, as read from its DER, and its key. */
struct pki_ca {
    struct pki_cert cert;
    struct qr_signer key;
};
void pki_ca_fini(struct pki_ca *ca); /* idempotent */

struct pki_validity {
    int64_t not_before_us; /* rounded down to the second */
    int64_t not_after_us;
};

/* What all issuing needs; borrows.  ca is NULL for a root. */
struct pki_issuance {
    const struct pki_ca *ca;
    struct pki_validity validity;
    const struct qr_rand *rand; /* serial numbers, keys of new CAs */
};

/* New root with a fresh key, or new CA under i->ca: kind says which.  Appends
 * its DER and fills ca (pki_ca_fini). */
enum qr_rc pki_ca_make(const struct pki_issuance *i, enum pki_kind kind, struct pki_ca *ca,
                       struct qr_buf *der, struct qr_err *err) QR_MUST_CHECK;
/* The files of a CA: certificate in PEM, key as qr_signer_load reads it (mode
 * 0600). */
struct pki_ca_files {
    const char *cert;
    const char *key;
};
/* root is NULL for a root.  QR_MALFORMED: key and certificate do not fit. */
enum qr_rc pki_ca_load(enum pki_kind kind, const struct pki_cert *root, struct pki_ca_files files,
                       struct pki_ca *ca, struct qr_err *err) QR_MUST_CHECK;
/* The same with a key that the caller has: takes it, also on failure. */
enum qr_rc pki_ca_take(enum pki_kind kind, const struct pki_cert *root, struct pki_ca_files files,
                       struct qr_signer *key, struct pki_ca *ca, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc pki_ca_save(const struct pki_ca *ca, struct qr_bytes der, struct pki_ca_files files,
                       struct qr_err *err) QR_MUST_CHECK;

/* PKCS#10 request for an Ed25519 key, without attributes and with an empty
 * subject: cad knows everything else from the grant.  Appends DER. */
enum qr_rc pki_csr_make(const struct qr_signer *key, struct qr_buf *der, struct qr_err *err)
    QR_MUST_CHECK;
/* Strict: exactly the bytes that pki_csr_make gives for the key in it, whose
 * signature is the proof of possession.  QR_MALFORMED, QR_FALSE. */
enum qr_rc pki_csr_check(struct qr_bytes der, struct qr_pub *key, struct qr_err *err) QR_MUST_CHECK;

/* Issues for the approval key and the claims given; the subject follows from
 * the claims.  Appends DER and fills out as a reader would see it. */
enum qr_rc pki_issue_participant(const struct pki_issuance *i, const struct qr_pub *approval_key,
                                 const struct pki_participant_claims *claims, struct qr_buf *der,
                                 struct pki_cert *out) QR_MUST_CHECK;
/* Issues for the group key Y of one session. */
enum qr_rc pki_issue_group(const struct pki_issuance *i, const struct qr_pub *group_key,
                           const struct pki_group_claims *claims, struct qr_buf *der,
                           struct pki_cert *out) QR_MUST_CHECK;

/* Reading them: certificate (issuer pinned by the caller), subject and claims
 * agree.  QR_MALFORMED, QR_FALSE as pki_cert_read. */
enum qr_rc pki_participant_read(struct qr_bytes der, const struct pki_cert *ca,
                                struct pki_cert *out, struct pki_participant_claims *claims,
                                struct qr_err *err) QR_MUST_CHECK;
enum qr_rc pki_group_read(struct qr_bytes der, const struct pki_cert *ca, struct pki_cert *out,
                          struct pki_group_claims *claims, struct qr_err *err) QR_MUST_CHECK;

#endif
