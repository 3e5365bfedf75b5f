/* payload_x509.h - certificates and requests that a session's group signs:
 * from the typed request and the group's key to the bytes.
 *
 * Called by quorum_check.c for x509-csr, x509-ca and x509-cert alone.
 * Spec: docs/FORMATS.md section 8. */
#ifndef QUORATE_TRUST_PAYLOAD_X509_H
#define QUORATE_TRUST_PAYLOAD_X509_H

#include "trust/quorum_check.h"

/* Appends what is signed; where given has the file of x509-cert, it is compared
 * with the request.  QR_RANGE: no group key is given; QR_FALSE: another's file;
 * QR_MALFORMED, QR_POLICY: a key or file that no certificate is made for. */
enum qr_rc payload_x509_message(const struct leaf_request *req, const struct leaf_descriptor *d,
                                const struct leaf_payload *p, const struct trust_given *given,
                                struct qr_buf *out) QR_MUST_CHECK;

/* What names it before there is a key. */
enum qr_rc payload_x509_digest(const struct leaf_request *req, enum qr_payload type,
                               struct qr_hash *out) QR_MUST_CHECK;

/* Is the subject's key one that a certificate is made for, and file (p NULL:
 * none) the request that asks for it? */
enum qr_rc payload_x509_check(const struct leaf_payload *p, struct qr_bytes file,
                              struct qr_err *err) QR_MUST_CHECK;

#endif
