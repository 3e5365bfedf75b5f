/* cert.h - the X.509 certificates of a ceremony: participant and group, and
 * the three CA certificates above them.
 *
 * A certificate is read strictly: its parts are taken out, the certificate
 * that these parts demand is built again, and every byte under the signature
 * must be the same.  So there is exactly one extension set, order, criticality
 * and encoding, and a transport certificate or one of the other kind can never
 * pass.  Nothing here reads a clock or trusts a certificate by itself: chains
 * end at certificates that the caller pinned.
 *
 * Spec: docs/FORMATS.md section 5, RFC 5280, RFC 8410. */
#ifndef QUORATE_PKI_CERT_H
#define QUORATE_PKI_CERT_H

#include "crypto/crypto.h"

#define PKI_SERIAL_SIZE 16
#define PKI_MAX_SUBJECT 64
/* Canonical JSON inside our extension: a group certificate with
 * QR_MAX_PAYLOADS payloads needs about 900 bytes. */
#define PKI_MAX_EXT 2048
#define PKI_MAX_DER 4096
/* The DER of an Ed25519 SubjectPublicKeyInfo. */
#define PKI_ED25519_SPKI_SIZE 44

/* A.1.1 and A.1.2 are the key usages, A.2.1 and A.2.2 the extensions. */
#define PKI_ARC "2.25.121028791359886258044010520726905650209"

enum pki_kind { PKI_ROOT_CA, PKI_PARTICIPANT_CA, PKI_GROUP_CA, PKI_PARTICIPANT, PKI_GROUP };

/* "root CA", "participant", ...  Never NULL. */
const char *pki_kind_name(enum pki_kind kind);

/* What a certificate of a given kind consists of; everything else follows
 * from the kind.  Times are whole seconds in microseconds since 1970. */
struct pki_cert {
    enum pki_kind kind;
    uint8_t serial[PKI_SERIAL_SIZE]; /* positive: the first byte is 1..127 */
    int64_t not_before_us;
    int64_t not_after_us; /* inclusive */
    char subject[PKI_MAX_SUBJECT + 1];
    struct qr_pub key;
    struct qr_pub issuer_key;  /* a root: its own */
    char ext[PKI_MAX_EXT + 1]; /* canonical JSON; "" for a CA */
    struct qr_hash sha256;     /* of the DER; filled when read */
};

/* Strict reading of DER as a certificate of this kind issued by issuer (NULL:
 * a root, which is its own issuer): form, issuer name and signature.  Validity
 * is the caller's: pki_cert_valid_at.  QR_MALFORMED: not such a certificate,
 * byte for byte; QR_FALSE: it is, and out says what stands in it, but the
 * issuer's signature does not verify. */
enum qr_rc pki_cert_read(enum pki_kind kind, struct qr_bytes der, const struct pki_cert *issuer,
                         struct pki_cert *out, struct qr_err *err) QR_MUST_CHECK;

/* not_before <= at <= not_after, to the second. */
bool pki_cert_valid_at(const struct pki_cert *c, int64_t at_us);

/* Builds and signs.  c gives kind, serial, times, subject, key, issuer_key and
 * ext; signer holds the issuer's key (a root's own).  Appends the DER.
 * QR_RANGE: times, subject or ext that no certificate may have;
 * QR_MALFORMED: signer is not the issuer. */
enum qr_rc pki_cert_issue(const struct pki_cert *c, const struct qr_signer *signer,
                          struct qr_buf *der, struct qr_err *err) QR_MUST_CHECK;

/* DER SubjectPublicKeyInfo of an Ed25519 key, and its SHA-256. */
void pki_spki(const struct qr_pub *key, uint8_t out[PKI_ED25519_SPKI_SIZE]);
struct qr_hash pki_spki_sha256(const struct qr_pub *key);

#endif
