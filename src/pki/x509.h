/* x509.h - what a session's group signs as a certification authority: a
 * request for a certificate (PKCS#10), a CA certificate of its own, and a
 * certificate for the request of somebody else.
 *
 * Everything is a pure function of a few typed values, so each signer rebuilds
 * the bytes and nobody signs what another encoded; the extensions are fixed by
 * kind and usage.  DER is written and read by OpenSSL alone.
 *
 * Spec: docs/FORMATS.md section 8, RFC 2986, RFC 5280, RFC 8410. */
#ifndef QUORATE_PKI_X509_H
#define QUORATE_PKI_X509_H

#include "base/words.h"
#include "crypto/crypto.h"

#define PKI_X509_SERIAL 16
/* Subject keys are Ed25519, P-256 or P-384: the last is the longest. */
#define PKI_X509_MAX_SPKI 120

enum pki_x509_kind { PKI_X509_CSR, PKI_X509_CA, PKI_X509_CERT };

/* Borrows.  A CSR needs kind, group_key and subject only. */
struct pki_x509 {
    enum pki_x509_kind kind;
    struct qr_pub group_key;         /* signs; the subject's own but for CERT */
    const char *subject;             /* the one common name, ASCII */
    const char *issuer;              /* CERT: the subject of the CA */
    struct qr_bytes spki;            /* CERT: the subject's key, DER */
    enum qr_usage usage;             /* CERT */
    uint8_t serial[PKI_X509_SERIAL]; /* positive, first byte not 0 */
    int64_t not_before_us;           /* whole seconds */
    int64_t not_after_us;            /* inclusive */
    struct qr_bytes about;           /* canonical JSON of the extension A.2.3 */
};

/* Appends what is signed: CertificationRequestInfo or TBSCertificate.
 * QR_MALFORMED: spki is not such a key; QR_NOMEM. */
enum qr_rc pki_x509_message(const struct pki_x509 *x, struct qr_buf *out, struct qr_err *err)
    QR_MUST_CHECK;

/* Appends the whole as PEM.  QR_FALSE: sig is not the group's over it. */
enum qr_rc pki_x509_pem(const struct pki_x509 *x, const struct qr_sig *sig, struct qr_buf *pem,
                        struct qr_err *err) QR_MUST_CHECK;

/* What is taken out of somebody's PKCS#10 request: name and key. */
struct pki_x509_request {
    char subject[65]; /* "": the request names nobody */
    size_t spki_n;
    uint8_t spki[PKI_X509_MAX_SPKI]; /* DER, as OpenSSL writes it */
};
/* PEM or DER.  QR_MALFORMED: no request, or bytes behind it; QR_FALSE: not
 * signed by the key it names; QR_POLICY: a name that is more than one common
 * name of 1..64 printable ASCII characters, or a key of another kind. */
enum qr_rc pki_x509_request_read(struct qr_bytes file, struct pki_x509_request *out,
                                 struct qr_err *err) QR_MUST_CHECK;

/* Is file the request for this name and key?  One without a name fits any.
 * QR_FALSE: of another; else as pki_x509_request_read. */
enum qr_rc pki_x509_request_is(struct qr_bytes file, const char *subject, struct qr_bytes spki,
                               struct qr_err *err) QR_MUST_CHECK;

/* "Ed25519", "P-256", "P-384".  QR_MALFORMED: spki is not such a key in its one
 * encoding. */
enum qr_rc pki_x509_key_name(struct qr_bytes spki, const char **name) QR_MUST_CHECK;

#endif
