/* ssh.h - OpenSSH certificates of session keys, for who has pinned the SSH CA
 * and nothing else (`cert-authority` in a file of allowed signers).
 *
 * All of a certificate but its CA and signature follows from the session and
 * from its group certificate, so that a reader makes it again and compares
 * bytes.  cad issues, verifiers check; neither function decides anything.
 *
 * Spec: OpenSSH PROTOCOL.certkeys, docs/FORMATS.md section 5. */
#ifndef QUORATE_PKI_SSH_H
#define QUORATE_PKI_SSH_H

#include "pki/cert.h"

#define PKI_SSH_MAX 1024
/* Every certificate has this principal, and the name of the signing policy. */
#define PKI_SSH_PRINCIPAL "quorate"

struct pki_ssh_terms {
    const struct pki_cert *group; /* borrowed, as are the others: key, digest, serial, end */
    const char *session;          /* the key id */
    const char *policy;           /* name of the signing policy */
    int64_t after_us;             /* rounded down to the second */
};

/* Appends the certificate that ca gives.  QR_NOMEM: out's cap. */
enum qr_rc pki_ssh_issue(const struct pki_ssh_terms *terms, const struct qr_signer *ca,
                         struct qr_buf *out) QR_MUST_CHECK;

/* The CA key that stands in a certificate.  QR_MALFORMED: too short for one. */
enum qr_rc pki_ssh_ca(struct qr_bytes cert, struct qr_pub *ca) QR_MUST_CHECK;
/* Whether everything but the signature's 64 bytes is what terms and CA give. */
bool pki_ssh_fits(struct qr_bytes cert, const struct pki_ssh_terms *terms, const struct qr_pub *ca);
/* Whether ca signed it, strictly.  The caller found that it fits. */
bool pki_ssh_signed(struct qr_bytes cert, const struct qr_pub *ca);

#endif
