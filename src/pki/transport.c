/* transport.c - P-256 certificates for TLS, by OpenSSL's X.509 functions. */
#include "pki/transport.h"

#include "base/clock.h"
#include "base/file.h"
#include "pki/pem.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define CA_NAME "quorate transport CA"
#define NODE_URI "quorate://node/"
#define MAX_NODE_DER 4096
#define MAX_PEM 16384
#define US_PER_S 1000000LL

struct pki_transport_ca {
    EVP_PKEY *key;
    X509 *cert;
};

void pki_transport_ca_free(struct pki_transport_ca *ca)
{
    if (!ca) return;
    EVP_PKEY_free(ca->key);
    X509_free(ca->cert);
    free(ca);
}

static bool add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = e && X509_add_ext(cert, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool set_serial(X509 *cert, const struct qr_rand *r)
{
    uint8_t serial[PKI_SERIAL_SIZE];
    qr_rand_fill(r, serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    BIGNUM *n = BN_bin2bn(serial, sizeof serial, NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return ok;
}

/* Everything but extensions and signature. */
static X509 *blank(EVP_PKEY *key, const char *name, X509 *issuer, struct pki_validity v)
{
    struct qr_rand r = qr_rand_system();
    X509 *c = X509_new();
    if (!c) return NULL;
    X509_NAME *subject = X509_get_subject_name(c);
    if (X509_set_version(c, X509_VERSION_3) == 1 && set_serial(c, &r) &&
        ASN1_TIME_set(X509_getm_notBefore(c), (time_t)(v.not_before_us / US_PER_S)) &&
        ASN1_TIME_set(X509_getm_notAfter(c), (time_t)(v.not_after_us / US_PER_S)) &&
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer) : subject) == 1 &&
        X509_set_pubkey(c, key) == 1)
        return c;
    X509_free(c);
    return NULL;
}

enum qr_rc pki_transport_ca_new(struct pki_validity v, struct pki_transport_ca **out,
                                struct qr_err *err)
{
    struct pki_transport_ca *ca = calloc(1, sizeof *ca);
    if (!ca) return QR_NOMEM;
    ca->key = EVP_EC_gen("P-256");
    ca->cert = ca->key ? blank(ca->key, CA_NAME, NULL, v) : NULL;
    if (ca->cert &&
        add_ext(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_ext(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign") &&
        add_ext(ca->cert, ca->cert, NID_subject_key_identifier, "hash") &&
        X509_sign(ca->cert, ca->key, EVP_sha256()) > 0) {
        *out = ca;
        return QR_OK;
    }
    pki_transport_ca_free(ca);
    return qr_fail(err, QR_BUG, "cannot make a transport CA");
}

static enum qr_rc save_key(EVP_PKEY *key, const char *path, struct qr_err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return qr_fail(err, QR_NOMEM, "%s: cannot encode the key", path);
    }
    long n = BIO_get_mem_data(bio, &p);
    enum qr_rc rc = qr_file_write(path, QR_BYTES(p, (size_t)n), 0600, err);
    qr_wipe(p, (size_t)n);
    BIO_free(bio);
    return rc;
}

static void put_cert(X509 *cert, struct qr_buf *pem)
{
    uint8_t *der = NULL;
    int n = i2d_X509(cert, &der);
    if (n <= 0) qr_fatal("certificate cannot be encoded");
    pki_pem_write(QR_BYTES(der, (size_t)n), "CERTIFICATE", pem);
    OPENSSL_free(der);
}

/* cert and, for a node, its CA behind it. */
static enum qr_rc save_certs(X509 *cert, X509 *ca, const char *path, struct qr_err *err)
{
    struct qr_buf pem;
    qr_buf_init(&pem, MAX_PEM);
    put_cert(cert, &pem);
    if (ca) put_cert(ca, &pem);
    enum qr_rc rc = qr_buf_ok(&pem);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&pem), 0644, err);
    qr_buf_fini(&pem);
    return rc;
}

enum qr_rc pki_transport_ca_save(const struct pki_transport_ca *ca, struct pki_ca_files files,
                                 struct qr_err *err)
{
    QR_TRY(save_key(ca->key, files.key, err));
    return save_certs(ca->cert, NULL, files.cert, err);
}

enum qr_rc pki_transport_ca_load(struct pki_ca_files files, struct pki_transport_ca **out,
                                 struct qr_err *err)
{
    struct pki_transport_ca *ca = calloc(1, sizeof *ca);
    if (!ca) return QR_NOMEM;
    struct qr_buf pem;
    qr_buf_init(&pem, MAX_PEM);
    enum qr_rc rc = qr_file_read_private(files.key, &pem, err);
    if (rc == QR_OK) {
        BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
        ca->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, qr_pem_no_password, NULL) : NULL;
        BIO_free(bio);
        qr_wipe(pem.p, pem.n);
        qr_buf_reset(&pem);
        rc = qr_file_read(files.cert, &pem, err);
    }
    if (rc == QR_OK) {
        BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
        ca->cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
        if (!ca->key || !ca->cert || X509_check_private_key(ca->cert, ca->key) != 1)
            rc = qr_fail(err, QR_MALFORMED, "%s, %s: not a certificate and its key", files.cert,
                         files.key);
    }
    qr_buf_fini(&pem);
    if (rc == QR_OK)
        *out = ca;
    else
        pki_transport_ca_free(ca);
    return rc;
}

static bool node_name_ok(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++)
        if (!((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '-'))
            return false;
    return n >= 1 && n <= PKI_NODE_NAME_MAX;
}

static X509 *node_cert(const struct pki_transport_ca *ca, const struct pki_node_request *req,
                       EVP_PKEY *key)
{
    char san[160];
    (void)snprintf(san, sizeof san, "DNS:localhost,IP:127.0.0.1,URI:" NODE_URI "%s", req->node);
    const char *eku = req->usage == PKI_NODE_SERVER   ? "critical,serverAuth"
                      : req->usage == PKI_NODE_CLIENT ? "critical,clientAuth"
                                                      : "critical,serverAuth,clientAuth";
    X509 *c = blank(key, req->node, ca->cert, req->validity);
    if (c && add_ext(c, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_ext(c, ca->cert, NID_key_usage, "critical,digitalSignature") &&
        add_ext(c, ca->cert, NID_ext_key_usage, eku) &&
        add_ext(c, ca->cert, NID_authority_key_identifier, "keyid:always") &&
        add_ext(c, ca->cert, NID_subject_alt_name, san) && X509_sign(c, ca->key, EVP_sha256()) > 0)
        return c;
    X509_free(c);
    return NULL;
}

static bool time_of(const ASN1_TIME *t, int64_t *us)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1) return false;
    *us = (int64_t)timegm(&tm) * US_PER_S;
    return true;
}

/* The node's name stands in its URI. */
static bool node_of(X509 *cert, char out[PKI_NODE_NAME_MAX + 1])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t prefix = sizeof NODE_URI - 1;
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type != GEN_URI) continue;
        struct qr_bytes uri =
            QR_BYTES(ASN1_STRING_get0_data(g->d.ia5), (size_t)ASN1_STRING_length(g->d.ia5));
        if (uri.n <= prefix || uri.n > prefix + PKI_NODE_NAME_MAX ||
            !qr_bytes_equal(QR_BYTES(uri.p, prefix), qr_str(NODE_URI)))
            continue;
        qr_copy(out, uri.p + prefix, uri.n - prefix);
        out[uri.n - prefix] = 0;
        found = node_name_ok(out);
    }
    GENERAL_NAMES_free(names);
    return found;
}

static enum qr_rc node_info(X509 *cert, struct pki_node_info *info, struct qr_err *err)
{
    struct pki_node_info n = {0};
    uint8_t *der = NULL, *spki = NULL;
    int der_n = i2d_X509(cert, &der);
    int spki_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    bool ok = der_n > 0 && spki_n > 0 && serial && !BN_is_negative(serial) &&
              BN_bn2binpad(serial, n.serial, sizeof n.serial) == (int)sizeof n.serial &&
              time_of(X509_get0_notBefore(cert), &n.not_before_us) &&
              time_of(X509_get0_notAfter(cert), &n.not_after_us) && node_of(cert, n.node);
    if (ok) {
        n.sha256 = qr_sha256_one(QR_BYTES(der, (size_t)der_n));
        n.spki = qr_sha256_one(QR_BYTES(spki, (size_t)spki_n));
        *info = n;
    }
    BN_free(serial);
    OPENSSL_free(der);
    OPENSSL_free(spki);
    return ok ? QR_OK : qr_fail(err, QR_MALFORMED, "not the certificate of a node");
}

enum qr_rc pki_node_make(const struct pki_transport_ca *ca, const struct pki_node_request *req,
                         struct pki_ca_files files, struct pki_node_info *info, struct qr_err *err)
{
    if (!node_name_ok(req->node) || req->usage == 0 ||
        (req->usage & ~(PKI_NODE_SERVER | PKI_NODE_CLIENT)))
        return qr_fail(err, QR_RANGE, "a node's name is lower-case letters, digits and '-'");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? node_cert(ca, req, key) : NULL;
    enum qr_rc rc =
        cert ? node_info(cert, info, err) : qr_fail(err, QR_BUG, "cannot make a node certificate");
    if (rc == QR_OK) rc = save_key(key, files.key, err);
    if (rc == QR_OK) rc = save_certs(cert, ca->cert, files.cert, err);
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

enum qr_rc pki_node_read(struct qr_bytes pem, struct pki_node_info *info, struct qr_err *err)
{
    if (pem.n > MAX_PEM) return qr_fail(err, QR_MALFORMED, "certificate file too large");
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    enum qr_rc rc =
        cert ? node_info(cert, info, err) : qr_fail(err, QR_MALFORMED, "not a certificate in PEM");
    X509_free(cert);
    BIO_free(bio);
    return rc;
}
