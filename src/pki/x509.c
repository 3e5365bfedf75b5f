/* x509.c - OpenSSL's objects filled from typed values.
 *
 * OpenSSL has no call that leaves the signature open, so a key that everybody
 * knows signs first: that fixes both algorithm identifiers, and its signature,
 * the last 64 bytes, makes room for the group's. */
#include "pki/x509.h"

#include "base/removal.h"
#include "pki/cert.h"
#include "pki/pem.h"

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define US_PER_S 1000000LL
#define KEY_ID_SIZE 20
#define MAX_REQUEST 65536

static EVP_PKEY *key_of(const struct qr_pub *key)
{
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->b, sizeof key->b);
}

/* Its signatures say nothing: the seed is 32 zeros. */
static EVP_PKEY *placeholder(void)
{
    static const uint8_t seed[32];
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
}

static const char *kind_of(EVP_PKEY *key)
{
    char name[32] = "";
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) return "Ed25519";
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, name, sizeof name, NULL) != 1)
        return NULL;
    if (strcmp(name, SN_X9_62_prime256v1) == 0) return "P-256";
    return strcmp(name, SN_secp384r1) == 0 ? "P-384" : NULL;
}

/* The key's one encoding, or 0. */
static size_t spki_of(EVP_PKEY *key, uint8_t out[PKI_X509_MAX_SPKI])
{
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    bool fits = n > 0 && n <= PKI_X509_MAX_SPKI;
    if (fits) qr_copy(out, der, (size_t)n);
    OPENSSL_free(der);
    return fits ? (size_t)n : 0;
}

/* A new key, or NULL. */
static EVP_PKEY *spki_read(struct qr_bytes spki)
{
    const uint8_t *p = spki.p;
    uint8_t again[PKI_X509_MAX_SPKI];
    if (spki.n == 0 || spki.n > sizeof again) return NULL;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.n);
    if (key && kind_of(key) && qr_bytes_equal(QR_BYTES(again, spki_of(key, again)), spki))
        return key;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return NULL;
}

enum qr_rc pki_x509_key_name(struct qr_bytes spki, const char **name)
{
    EVP_PKEY *key = spki_read(spki);
    *name = key ? kind_of(key) : "?";
    EVP_PKEY_free(key);
    return key ? QR_OK : QR_MALFORMED;
}

static bool add_name(X509_NAME *name, const char *cn)
{
    return X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING,
                                      (const unsigned char *)cn, -1, -1, 0) == 1;
}

static bool add_conf(X509 *c, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = e && X509_add_ext(c, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

/* RFC 7093 section 2, method 1, as in our other certificates. */
static ASN1_OCTET_STRING *key_id(const struct qr_pub *key)
{
    struct qr_hash h = qr_sha256_one(QR_BYTES_OF(key->b));
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
    if (s && ASN1_OCTET_STRING_set(s, h.b, KEY_ID_SIZE) == 1) return s;
    ASN1_OCTET_STRING_free(s);
    return NULL;
}

static bool add_subject_id(X509 *c, const struct qr_pub *key)
{
    ASN1_OCTET_STRING *id = key_id(key);
    bool ok = id && X509_add1_ext_i2d(c, NID_subject_key_identifier, id, 0, 0) == 1;
    ASN1_OCTET_STRING_free(id);
    return ok;
}

static bool add_issuer_id(X509 *c, const struct qr_pub *key)
{
    AUTHORITY_KEYID *a = AUTHORITY_KEYID_new();
    if (a) a->keyid = key_id(key);
    bool ok = a && a->keyid && X509_add1_ext_i2d(c, NID_authority_key_identifier, a, 0, 0) == 1;
    AUTHORITY_KEYID_free(a);
    return ok;
}

/* The one name of a server is its common name. */
static bool add_host(X509 *c, const char *host)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    bool ok = names && name && s && ASN1_STRING_set(s, host, -1) == 1;
    if (ok) {
        GENERAL_NAME_set0_value(name, GEN_DNS, s);
        s = NULL;
        ok = sk_GENERAL_NAME_push(names, name) > 0;
        if (ok) name = NULL;
    }
    ok = ok && X509_add1_ext_i2d(c, NID_subject_alt_name, names, 0, 0) == 1;
    ASN1_IA5STRING_free(s);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return ok;
}

/* A.2.3, not critical: the session that says who approved. */
static bool add_about(X509 *c, struct qr_bytes about)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(PKI_ARC ".2.3", 1);
    ASN1_UTF8STRING *text = ASN1_UTF8STRING_new();
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    uint8_t *der = NULL;
    int n = text && ASN1_STRING_set(text, about.p, (int)about.n) == 1
                ? i2d_ASN1_UTF8STRING(text, &der)
                : -1;
    X509_EXTENSION *e = NULL;
    if (oid && value && n > 0 && ASN1_OCTET_STRING_set(value, der, n) == 1)
        e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
    bool ok = e && X509_add_ext(c, e, -1) == 1;
    X509_EXTENSION_free(e);
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(value);
    ASN1_UTF8STRING_free(text);
    ASN1_OBJECT_free(oid);
    return ok;
}

static bool add_extensions(X509 *c, const struct pki_x509 *x)
{
    static const char *const usages[QR_USAGES] = {
        [QR_SERVER] = "critical,serverAuth",
        [QR_CLIENT] = "critical,clientAuth",
        [QR_CODE] = "critical,codeSigning",
    };
    if (x->kind == PKI_X509_CA)
        return add_conf(c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
               add_conf(c, NID_key_usage, "critical,keyCertSign") &&
               add_subject_id(c, &x->group_key) && add_about(c, x->about);
    return add_conf(c, NID_basic_constraints, "critical,CA:FALSE") &&
           add_conf(c, NID_key_usage, "critical,digitalSignature") &&
           add_conf(c, NID_ext_key_usage, usages[x->usage]) && add_issuer_id(c, &x->group_key) &&
           (x->usage != QR_SERVER || add_host(c, x->subject)) && add_about(c, x->about);
}

static bool set_times(X509 *c, const struct pki_x509 *x)
{
    return ASN1_TIME_set(X509_getm_notBefore(c), (time_t)(x->not_before_us / US_PER_S)) &&
           ASN1_TIME_set(X509_getm_notAfter(c), (time_t)(x->not_after_us / US_PER_S));
}

/* Complete but for the signature, which is the placeholder's. */
static X509 *certificate(const struct pki_x509 *x, EVP_PKEY *subject)
{
    X509 *c = X509_new();
    EVP_PKEY *nobody = placeholder();
    const char *issuer = x->kind == PKI_X509_CERT ? x->issuer : x->subject;
    bool ok = c && nobody && X509_set_version(c, X509_VERSION_3) == 1 &&
              ASN1_STRING_set(X509_get_serialNumber(c), x->serial, sizeof x->serial) == 1 &&
              add_name(X509_get_issuer_name(c), issuer) && set_times(c, x) &&
              add_name(X509_get_subject_name(c), x->subject) && X509_set_pubkey(c, subject) == 1 &&
              add_extensions(c, x) && X509_sign(c, nobody, NULL) > 0;
    EVP_PKEY_free(nobody);
    if (ok) return c;
    X509_free(c);
    return NULL;
}

static X509_REQ *request(const struct pki_x509 *x, EVP_PKEY *subject)
{
    X509_REQ *r = X509_REQ_new();
    EVP_PKEY *nobody = placeholder();
    bool ok = r && nobody && X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1 &&
              add_name(X509_REQ_get_subject_name(r), x->subject) &&
              X509_REQ_set_pubkey(r, subject) == 1 && X509_REQ_sign(r, nobody, NULL) > 0;
    EVP_PKEY_free(nobody);
    if (ok) return r;
    X509_REQ_free(r);
    return NULL;
}

/* Both encodings of one object: what is signed, and the whole. */
struct encoded {
    uint8_t *tbs, *all;
    int tbs_n, all_n;
};

static void encoded_fini(struct encoded *e)
{
    OPENSSL_free(e->tbs);
    OPENSSL_free(e->all);
}

static enum qr_rc encode(const struct pki_x509 *x, struct encoded *e, struct qr_err *err)
{
    *e = (struct encoded){NULL, NULL, -1, -1};
    EVP_PKEY *key = x->kind == PKI_X509_CERT ? spki_read(x->spki) : key_of(&x->group_key);
    if (!key) return qr_fail(err, QR_MALFORMED, "not a key that a certificate may have");
    X509 *c = x->kind == PKI_X509_CSR ? NULL : certificate(x, key);
    X509_REQ *r = x->kind == PKI_X509_CSR ? request(x, key) : NULL;
    if (c) {
        e->tbs_n = i2d_re_X509_tbs(c, &e->tbs);
        e->all_n = i2d_X509(c, &e->all);
    } else if (r) {
        e->tbs_n = i2d_re_X509_REQ_tbs(r, &e->tbs);
        e->all_n = i2d_X509_REQ(r, &e->all);
    }
    X509_free(c);
    X509_REQ_free(r);
    EVP_PKEY_free(key);
    if (e->tbs_n > 0 && e->all_n > QR_SIG_SIZE) return QR_OK;
    ERR_clear_error();
    encoded_fini(e);
    *e = (struct encoded){NULL, NULL, -1, -1};
    return qr_fail(err, QR_NOMEM, "OpenSSL does not build it");
}

enum qr_rc pki_x509_message(const struct pki_x509 *x, struct qr_buf *out, struct qr_err *err)
{
    struct encoded e;
    QR_TRY(encode(x, &e, err));
    qr_buf_put(out, e.tbs, (size_t)e.tbs_n);
    encoded_fini(&e);
    return qr_buf_ok(out);
}

/* Read again by OpenSSL, and verified by it. */
static bool verifies(const struct pki_x509 *x, const struct encoded *e)
{
    const uint8_t *p = e->all;
    EVP_PKEY *key = key_of(&x->group_key);
    X509 *c = x->kind == PKI_X509_CSR ? NULL : d2i_X509(NULL, &p, e->all_n);
    X509_REQ *r = x->kind == PKI_X509_CSR ? d2i_X509_REQ(NULL, &p, e->all_n) : NULL;
    bool ok = key && ((c && X509_verify(c, key) == 1) || (r && X509_REQ_verify(r, key) == 1));
    X509_free(c);
    X509_REQ_free(r);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

enum qr_rc pki_x509_pem(const struct pki_x509 *x, const struct qr_sig *sig, struct qr_buf *pem,
                        struct qr_err *err)
{
    struct encoded e;
    enum qr_rc rc = QR_OK;
    QR_TRY(encode(x, &e, err));
    qr_copy(e.all + e.all_n - QR_SIG_SIZE, sig->b, QR_SIG_SIZE);
    if (verifies(x, &e))
        pki_pem_write(QR_BYTES(e.all, (size_t)e.all_n),
                      x->kind == PKI_X509_CSR ? "CERTIFICATE REQUEST" : "CERTIFICATE", pem);
    else
        rc = qr_fail(err, QR_FALSE, "not the group's signature");
    encoded_fini(&e);
    return rc == QR_OK ? qr_buf_ok(pem) : rc;
}

/* PEM as every tool writes it, text before the block included; or DER. */
static X509_REQ *request_parse(struct qr_bytes file)
{
    if (file.n == 0 || file.n > MAX_REQUEST) return NULL;
    const uint8_t *p = file.p;
    X509_REQ *r = NULL;
    if (file.p[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)) {
        r = d2i_X509_REQ(NULL, &p, (long)file.n);
        if (r && p == file.p + file.n) return r;
        X509_REQ_free(r);
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(file.p, (int)file.n);
    if (bio) r = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return r;
}

static bool subject_read(X509_REQ *r, char out[65])
{
    X509_NAME *name = X509_REQ_get_subject_name(r);
    out[0] = 0;
    if (X509_NAME_entry_count(name) == 0) return true;
    if (X509_NAME_entry_count(name) != 1) return false;
    const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, 0);
    if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)) != NID_commonName) return false;
    uint8_t *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));
    bool ok = n >= 1 && n <= 64;
    for (int i = 0; ok && i < n; i++) ok = utf8[i] >= ' ' && utf8[i] <= '~';
    if (ok) {
        qr_copy(out, utf8, (size_t)n);
        out[n] = 0;
    }
    OPENSSL_free(utf8);
    return ok;
}

static enum qr_rc request_take(X509_REQ *r, struct pki_x509_request *out, struct qr_err *err)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(r);
    if (!key || !kind_of(key) || (out->spki_n = spki_of(key, out->spki)) == 0)
        return qr_fail(err, QR_POLICY, "its key is none of Ed25519, P-256 and P-384");
    if (X509_REQ_verify(r, key) != 1)
        return qr_fail(err, QR_FALSE, "the request is not signed by the key it names");
    if (!subject_read(r, out->subject))
        return qr_fail(err, QR_POLICY, "its subject is not one common name in printable ASCII");
    return QR_OK;
}

enum qr_rc pki_x509_request_read(struct qr_bytes file, struct pki_x509_request *out,
                                 struct qr_err *err)
{
    *out = (struct pki_x509_request){.spki_n = 0};
    X509_REQ *r = request_parse(file);
    enum qr_rc rc = r ? request_take(r, out, err)
                      : qr_fail(err, QR_MALFORMED, "the file is not a certificate request");
    X509_REQ_free(r);
    ERR_clear_error();
    return rc;
}

enum qr_rc pki_x509_request_is(struct qr_bytes file, const char *subject, struct qr_bytes spki,
                               struct qr_err *err)
{
    struct pki_x509_request q;
    QR_TRY(pki_x509_request_read(file, &q, err));
    bool same = (q.subject[0] == 0 || strcmp(q.subject, subject) == 0) &&
                qr_bytes_equal(QR_BYTES(q.spki, q.spki_n), spki);
    return QR_HOLDS(PAYLOAD_CSR, same)
               ? QR_OK
               : qr_fail(err, QR_FALSE, "the file asks for another name or key than was requested");
}
