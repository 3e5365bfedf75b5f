/* cert.h - one certificate of AMD's, read for what chain.c asks of it.
 *
 * OpenSSL's own X509 looks for a decoder of the public key among all that its
 * providers have each time it reads one, which takes as long as a verification
 * of RSA-4096; here the two kinds of key that occur are built from their numbers.
 * The template is RFC 5280's, the fields are OpenSSL's types.  Only chain.c
 * calls this; nothing in here trusts anything.  Spec: RFC 5280 section 4.1, SNP.md 2. */
#ifndef QUORATE_ATTEST_CERT_H
#define QUORATE_ATTEST_CERT_H

#include "base/bytes.h"

#include <openssl/x509.h>

struct attest_cert;

/* Reads DER.  NULL: too large, trailing bytes, not a certificate, or a key that
 * cannot be read.  Gives; attest_cert_close. */
struct attest_cert *attest_cert_open(struct qr_bytes der) QR_MUST_CHECK;
void attest_cert_close(struct attest_cert *c); /* NULL allowed */

/* All borrowed. */
EVP_PKEY *attest_cert_key(const struct attest_cert *c);
X509_NAME *attest_cert_subject(const struct attest_cert *c);
const ASN1_INTEGER *attest_cert_serial(const struct attest_cert *c);
const X509_VAL *attest_cert_validity(const struct attest_cert *c);
int attest_cert_ext_count(const struct attest_cert *c);
X509_EXTENSION *attest_cert_ext(const struct attest_cert *c, int i);

/* Version 3; no critical extension but basic constraints and key usage, each
 * at most once; every known extension well-formed; a CA that may sign certificates, or not one, as wanted. */
bool attest_cert_flags_ok(const struct attest_cert *c, bool ca);
/* RSASSA-PSS with SHA-384, MGF1 with SHA-384, 48 bytes of salt, trailer 1. */
bool attest_pss_ok(const X509_ALGOR *alg);
/* child is named and signed by parent, with those parameters, in both places
 * where a certificate says how. */
bool attest_cert_signed_by(const struct attest_cert *child, const struct attest_cert *parent);

#endif
