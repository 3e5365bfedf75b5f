/* chain.h - the certificates behind a report: ARK -> ASK -> VCEK, or
 * ARK -> ASVK -> VLEK, their AMD extensions, and the revocation list.
 *
 * The checks are our own, link by link: the root by its pinned fingerprint
 * (names prove nothing), then names, CA flags, RSA-PSS parameters, signatures,
 * validity.  Only verdict.c calls this, in the order of its rules.  No I/O, no
 * clock, no state besides the object, which many threads may use.  Spec: SNP.md section 2. */
#ifndef QUORATE_ATTEST_CHAIN_H
#define QUORATE_ATTEST_CHAIN_H

#include "attest/report.h"
#include "crypto/crypto.h"

/* What the peer presented, all DER; the CRL comes from the operator. */
struct attest_certs {
    struct qr_bytes vek; /* VCEK or VLEK */
    struct qr_bytes ask; /* ASK or ASVK */
    struct qr_bytes ark;
    struct qr_bytes crl; /* of the product and kind, or empty */
};

#define ATTEST_CRL_MAX 65536
#define ATTEST_CSP_MAX 64

/* The claims of a VCEK's or VLEK's extensions. */
struct attest_vek {
    enum attest_product product;
    struct attest_tcb tcb;
    uint8_t hwid[ATTEST_CHIP_ID_SIZE]; /* VCEK: padded with zeros */
    char csp_id[ATTEST_CSP_MAX + 1];   /* VLEK, else "" */
};

struct attest_chain;

/* Reads the three certificates.  CERT_PARSE: one is too large, not DER, has
 * trailing bytes or a key that cannot be read.  Gives; attest_chain_close. */
enum attest_reason attest_chain_open(const struct attest_certs *certs, struct attest_chain **out)
    QR_MUST_CHECK;
/* One more owner, who closes it too; gives c.  Owners may be in many threads. */
struct attest_chain *attest_chain_hold(struct attest_chain *c);
void attest_chain_close(struct attest_chain *c);

/* Product that the endorsement certificate's productName claims (its part
 * before '-'), for reports of version 2, which do not name one. */
enum attest_product attest_chain_product(const struct attest_chain *c);
/* SHA-256 of the root's DER: to be found among the pins of the product. */
struct qr_hash attest_chain_root(const struct attest_chain *c);
/* Rule 9: names, CA flags, PSS parameters and signatures.  CHAIN, VEK_KIND.  A
 * pass is remembered in c. */
enum attest_reason attest_chain_links(struct attest_chain *c, enum attest_product product,
                                      enum attest_signer signer) QR_MUST_CHECK;
/* Rule 10.  CHAIN_TIME. */
enum attest_reason attest_chain_time(const struct attest_chain *c, int64_t now_us) QR_MUST_CHECK;
/* Rule 11, when there is a CRL.  CRL_BAD, CRL_STALE, REVOKED. */
enum attest_reason attest_chain_crl(const struct attest_chain *c, struct qr_bytes crl,
                                    int64_t now_us) QR_MUST_CHECK;
/* Rules 12 and 13.  VEK_EXT, VEK_PRODUCT. */
enum attest_reason attest_chain_extensions(const struct attest_chain *c,
                                           enum attest_product product, enum attest_signer signer,
                                           struct attest_vek *out) QR_MUST_CHECK;
/* Rule 16: r and s over the first 672 received bytes.  BAD_SIGNATURE. */
enum attest_reason attest_chain_signature(const struct attest_chain *c, struct qr_bytes report,
                                          const struct attest_report *parsed) QR_MUST_CHECK;

#endif
