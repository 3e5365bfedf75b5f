/* cert.c - certificates by a template, keys by their numbers. */
#include "attest/cert.h"

#include "base/limits.h"

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define SALT_SIZE 48
#define KEY_CERT_SIGN 5 /* the bit of keyUsage */

/* ---- the template ---- */

struct spki {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *key;
};
struct tbs {
    ASN1_INTEGER *version; /* NULL: 1 */
    ASN1_INTEGER *serial;
    X509_ALGOR *algorithm;
    X509_NAME *issuer;
    X509_VAL *validity;
    X509_NAME *subject;
    struct spki *spki;
    ASN1_BIT_STRING *issuer_uid, *subject_uid;
    STACK_OF(X509_EXTENSION) * extensions;
};
struct body {
    struct tbs *tbs;
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
};

/* The item NAME_it of the parts of struct NAME. */
#define ITEM(name)                                                                 \
    static const ASN1_ITEM *name##_it(void)                                        \
    {                                                                              \
        static const ASN1_ITEM it = {ASN1_ITYPE_SEQUENCE,                          \
                                     V_ASN1_SEQUENCE,                              \
                                     name##_parts,                                 \
                                     sizeof name##_parts / sizeof name##_parts[0], \
                                     NULL,                                         \
                                     sizeof(struct name),                          \
                                     #name};                                       \
        return &it;                                                                \
    }

static const ASN1_TEMPLATE spki_parts[] = {
    ASN1_SIMPLE(struct spki, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct spki, key, ASN1_BIT_STRING),
};
ITEM(spki)

static const ASN1_TEMPLATE tbs_parts[] = {
    ASN1_EXP_OPT(struct tbs, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(struct tbs, serial, ASN1_INTEGER),
    ASN1_SIMPLE(struct tbs, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct tbs, issuer, X509_NAME),
    ASN1_SIMPLE(struct tbs, validity, X509_VAL),
    ASN1_SIMPLE(struct tbs, subject, X509_NAME),
    ASN1_SIMPLE(struct tbs, spki, spki),
    ASN1_IMP_OPT(struct tbs, issuer_uid, ASN1_BIT_STRING, 1),
    ASN1_IMP_OPT(struct tbs, subject_uid, ASN1_BIT_STRING, 2),
    ASN1_EXP_SEQUENCE_OF_OPT(struct tbs, extensions, X509_EXTENSION, 3),
};
ITEM(tbs)

static const ASN1_TEMPLATE body_parts[] = {
    ASN1_SIMPLE(struct body, tbs, tbs),
    ASN1_SIMPLE(struct body, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct body, signature, ASN1_BIT_STRING),
};
ITEM(body)

struct attest_cert {
    struct body *body;
    EVP_PKEY *key;
    uint8_t *signed_part; /* the bytes under the signature, as received */
    size_t signed_n;
};

/* ---- keys ---- */

static EVP_PKEY *make_key(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *rsa_of(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (b && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(b);
    if (params) key = make_key("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    return key;
}

/* RSAPublicKey: two positive integers and nothing behind them. */
static EVP_PKEY *rsa_key(struct qr_bytes s)
{
    EVP_PKEY *key = NULL;
    const uint8_t *p = s.p;
    ASN1_SEQUENCE_ANY *all = d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)s.n);
    BIGNUM *part[2] = {NULL, NULL};
    bool ok = all && p == s.p + s.n && sk_ASN1_TYPE_num(all) == 2;
    for (int i = 0; ok && i < 2; i++) {
        const ASN1_TYPE *t = sk_ASN1_TYPE_value(all, i);
        ok = t->type == V_ASN1_INTEGER && (part[i] = ASN1_INTEGER_to_BN(t->value.integer, NULL)) &&
             BN_is_odd(part[i]) && !BN_is_one(part[i]);
    }
    if (ok) key = rsa_of(part[0], part[1]);
    BN_free(part[0]);
    BN_free(part[1]);
    sk_ASN1_TYPE_pop_free(all, ASN1_TYPE_free);
    return key;
}

/* A point of a named curve, uncompressed; OpenSSL looks whether it is on it. */
static EVP_PKEY *ec_key(const X509_ALGOR *a, struct qr_bytes point)
{
    const void *value = NULL;
    char group[64];
    int type = 0;
    X509_ALGOR_get0(NULL, &type, &value, a);
    if (type != V_ASN1_OBJECT || point.n == 0 || point.p[0] != POINT_CONVERSION_UNCOMPRESSED)
        return NULL;
    const char *name = OBJ_nid2sn(OBJ_obj2nid(value));
    struct qr_bytes s = qr_str(name ? name : "");
    if (s.n == 0 || s.n >= sizeof group) return NULL;
    qr_copy(group, s.p, s.n + 1);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                             (void *)(uintptr_t)point.p, point.n),
                           OSSL_PARAM_construct_end()};
    return make_key("EC", params);
}

/* Any other kind, by way of OpenSSL's decoders: it is refused later, as a key of
 * the wrong kind. */
static EVP_PKEY *other_key(const struct spki *s)
{
    uint8_t *der = NULL;
    int n = ASN1_item_i2d((const ASN1_VALUE *)s, &der, ASN1_ITEM_rptr(spki));
    const uint8_t *p = der;
    EVP_PKEY *key = n > 0 ? d2i_PUBKEY(NULL, &p, n) : NULL;
    OPENSSL_free(der);
    return key;
}

static EVP_PKEY *read_key(const struct spki *s)
{
    const ASN1_OBJECT *o = NULL;
    int type = 0;
    struct qr_bytes key =
        QR_BYTES(ASN1_STRING_get0_data(s->key), (size_t)ASN1_STRING_length(s->key));
    X509_ALGOR_get0(&o, &type, NULL, s->algorithm);
    if (s->key->flags & 7) return NULL; /* not whole bytes */
    switch (OBJ_obj2nid(o)) {
    case NID_rsaEncryption: return type == V_ASN1_NULL ? rsa_key(key) : NULL;
    case NID_X9_62_id_ecPublicKey: {
        EVP_PKEY *k = ec_key(s->algorithm, key);
        return k ? k : other_key(s);
    }
    default: return other_key(s);
    }
}

/* ---- reading ---- */

/* The bytes of the first element inside the outer SEQUENCE, copied. */
static bool keep_signed(struct attest_cert *c, struct qr_bytes der)
{
    const uint8_t *p = der.p, *at = NULL;
    long n = 0;
    int tag = 0, class = 0;
    if (ASN1_get_object(&p, &n, &tag, &class, (long)der.n) != V_ASN1_CONSTRUCTED) return false;
    at = p;
    if (ASN1_get_object(&p, &n, &tag, &class, (long)(der.n - (size_t)(p - der.p))) !=
        V_ASN1_CONSTRUCTED)
        return false;
    c->signed_n = (size_t)(p - at) + (size_t)n;
    c->signed_part = malloc(c->signed_n);
    if (!c->signed_part) qr_fatal("out of memory");
    qr_copy(c->signed_part, at, c->signed_n);
    return true;
}

struct attest_cert *attest_cert_open(struct qr_bytes der)
{
    if (der.n == 0 || der.n > QR_MAX_CERT_DER) return NULL;
    const uint8_t *p = der.p;
    struct attest_cert *c = calloc(1, sizeof *c);
    if (!c) qr_fatal("out of memory");
    c->body = (struct body *)ASN1_item_d2i(NULL, &p, (long)der.n, ASN1_ITEM_rptr(body));
    if (c->body && p == der.p + der.n && keep_signed(c, der)) c->key = read_key(c->body->tbs->spki);
    if (c->key) return c;
    attest_cert_close(c);
    return NULL;
}

void attest_cert_close(struct attest_cert *c)
{
    if (!c) return;
    EVP_PKEY_free(c->key);
    ASN1_item_free((ASN1_VALUE *)c->body, ASN1_ITEM_rptr(body));
    free(c->signed_part);
    free(c);
}

EVP_PKEY *attest_cert_key(const struct attest_cert *c) { return c->key; }
X509_NAME *attest_cert_subject(const struct attest_cert *c) { return c->body->tbs->subject; }
const ASN1_INTEGER *attest_cert_serial(const struct attest_cert *c) { return c->body->tbs->serial; }
const X509_VAL *attest_cert_validity(const struct attest_cert *c) { return c->body->tbs->validity; }
int attest_cert_ext_count(const struct attest_cert *c)
{
    int n = sk_X509_EXTENSION_num(c->body->tbs->extensions);
    return n < 0 ? 0 : n;
}
X509_EXTENSION *attest_cert_ext(const struct attest_cert *c, int i)
{
    return sk_X509_EXTENSION_value(c->body->tbs->extensions, i);
}

/* ---- what it may do ---- */

static bool read_constraints(X509_EXTENSION *e, bool *ca)
{
    BASIC_CONSTRAINTS *b = X509V3_EXT_d2i(e);
    bool ok = b && (!b->pathlen || (b->ca && ASN1_INTEGER_get(b->pathlen) >= 0));
    *ca = ok && b->ca;
    BASIC_CONSTRAINTS_free(b);
    return ok;
}

static bool read_usage(X509_EXTENSION *e, bool *signs)
{
    ASN1_BIT_STRING *u = X509V3_EXT_d2i(e);
    *signs = u && ASN1_BIT_STRING_get_bit(u, KEY_CERT_SIGN) == 1;
    bool ok = u != NULL;
    ASN1_BIT_STRING_free(u);
    return ok;
}

/* An extension that OpenSSL knows has the form it must have. */
static bool is_formed(X509_EXTENSION *e)
{
    const X509V3_EXT_METHOD *m = X509V3_EXT_get(e);
    if (!m || !m->it) return true;
    ASN1_VALUE *v = X509V3_EXT_d2i(e);
    ASN1_item_free(v, ASN1_ITEM_ptr(m->it));
    return v != NULL;
}

bool attest_cert_flags_ok(const struct attest_cert *c, bool want_ca)
{
    const struct tbs *t = c->body->tbs;
    bool ca = false, signs = false;
    unsigned constraints = 0, usages = 0;
    if (!t->version || ASN1_INTEGER_get(t->version) != X509_VERSION_3) return false;
    for (int i = 0; i < attest_cert_ext_count(c); i++) {
        X509_EXTENSION *e = attest_cert_ext(c, i);
        switch (OBJ_obj2nid(X509_EXTENSION_get_object(e))) {
        case NID_basic_constraints:
            if (constraints++ || !read_constraints(e, &ca)) return false;
            break;
        case NID_key_usage:
            if (usages++ || !read_usage(e, &signs)) return false;
            break;
        default:
            if (X509_EXTENSION_get_critical(e) || !is_formed(e)) return false;
        }
    }
    return want_ca ? ca && signs : !ca;
}

static bool algorithm_is(const X509_ALGOR *a, int nid)
{
    const ASN1_OBJECT *o = NULL;
    if (!a) return false;
    X509_ALGOR_get0(&o, NULL, NULL, a);
    return OBJ_obj2nid(o) == nid;
}

bool attest_pss_ok(const X509_ALGOR *alg)
{
    if (!algorithm_is(alg, NID_rsassaPss)) return false;
    RSA_PSS_PARAMS *pss = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter);
    X509_ALGOR *mask = NULL;
    bool ok = pss && algorithm_is(pss->hashAlgorithm, NID_sha384) &&
              algorithm_is(pss->maskGenAlgorithm, NID_mgf1);
    if (ok)
        mask =
            ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), pss->maskGenAlgorithm->parameter);
    ok = ok && algorithm_is(mask, NID_sha384) && pss->saltLength &&
         ASN1_INTEGER_get(pss->saltLength) == SALT_SIZE &&
         (!pss->trailerField || ASN1_INTEGER_get(pss->trailerField) == 1);
    X509_ALGOR_free(mask);
    RSA_PSS_PARAMS_free(pss);
    return ok;
}

static bool signature_ok(const struct attest_cert *c, EVP_PKEY *key)
{
    const ASN1_BIT_STRING *sig = c->body->signature;
    EVP_PKEY_CTX *ctx = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && !(sig->flags & 7) && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
              EVP_DigestVerifyInit(md, &ctx, EVP_sha384(), NULL, key) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, SALT_SIZE) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha384()) == 1 &&
              EVP_DigestVerify(md, ASN1_STRING_get0_data(sig), (size_t)ASN1_STRING_length(sig),
                               c->signed_part, c->signed_n) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

bool attest_cert_signed_by(const struct attest_cert *child, const struct attest_cert *parent)
{
    const struct body *b = child->body;
    return X509_NAME_cmp(b->tbs->issuer, parent->body->tbs->subject) == 0 &&
           X509_ALGOR_cmp(b->algorithm, b->tbs->algorithm) == 0 && attest_pss_ok(b->algorithm) &&
           signature_ok(child, parent->key);
}
