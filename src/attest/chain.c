/* chain.c - the certificate checks, link by link.
 *
 * cert.c reads one and verifies its signature; which certificates are
 * trusted, what they must be called and which parameters they must use is
 * decided here, because X509_STORE has no notion of a root per product and
 * accepts weaker PSS parameters.  The AMD extensions are read from their raw
 * bytes: there are three DER forms in all, and strictness matters more than
 * generality. */
#include "attest/chain.h"

#include "attest/cert.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { VEK, ASK, ARK, CERTS };

/* AMD's extensions: 1.3.6.1.4.1.3704.1 and one of these (SNP.md 2.3). */
enum ext {
    EXT_STRUCT_VERSION,
    EXT_PRODUCT,
    EXT_BL,
    EXT_TEE,
    EXT_SNP,
    EXT_SPL_4,
    EXT_SPL_5,
    EXT_SPL_6,
    EXT_SPL_7,
    EXT_UCODE,
    EXT_FMC,
    EXT_HWID,
    EXT_CSP,
    EXTS
};
static const uint8_t amd_arc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01};
static const struct {
    uint8_t suffix[2];
    uint8_t n;
} ext_oids[EXTS] = {
    [EXT_STRUCT_VERSION] = {{1}, 1},
    [EXT_PRODUCT] = {{2}, 1},
    [EXT_BL] = {{3, 1}, 2},
    [EXT_TEE] = {{3, 2}, 2},
    [EXT_SNP] = {{3, 3}, 2},
    [EXT_SPL_4] = {{3, 4}, 2},
    [EXT_SPL_5] = {{3, 5}, 2},
    [EXT_SPL_6] = {{3, 6}, 2},
    [EXT_SPL_7] = {{3, 7}, 2},
    [EXT_UCODE] = {{3, 8}, 2},
    [EXT_FMC] = {{3, 9}, 2},
    [EXT_HWID] = {{4}, 1},
    [EXT_CSP] = {{5}, 1},
};

struct attest_chain {
    struct attest_cert *x[CERTS];
    struct qr_hash root;
    struct qr_bytes ext[EXTS]; /* borrowed from x[VEK] */
    unsigned count[EXTS];
    atomic_uint owners;
    atomic_uint linked; /* bits of (product, signer) that passed rule 9 */
};

static void collect_extensions(struct attest_chain *c)
{
    const struct attest_cert *x = c->x[VEK];
    for (int i = 0; i < attest_cert_ext_count(x); i++) {
        X509_EXTENSION *e = attest_cert_ext(x, i);
        const ASN1_OBJECT *o = X509_EXTENSION_get_object(e);
        struct qr_bytes oid = QR_BYTES(OBJ_get0_data(o), OBJ_length(o));
        if (oid.n <= sizeof amd_arc ||
            !qr_bytes_equal(QR_BYTES(oid.p, sizeof amd_arc), QR_BYTES_OF(amd_arc)))
            continue;
        oid = QR_BYTES(oid.p + sizeof amd_arc, oid.n - sizeof amd_arc);
        for (int k = 0; k < EXTS; k++) {
            if (!qr_bytes_equal(oid, QR_BYTES(ext_oids[k].suffix, ext_oids[k].n))) continue;
            const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);
            c->ext[k] = QR_BYTES(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
            c->count[k]++;
        }
    }
}

enum attest_reason attest_chain_open(const struct attest_certs *certs, struct attest_chain **out)
{
    const struct qr_bytes der[CERTS] = {certs->vek, certs->ask, certs->ark};
    struct attest_chain *c = calloc(1, sizeof *c);
    if (!c) qr_fatal("out of memory");
    *out = NULL;
    atomic_init(&c->owners, 1);
    for (int i = 0; i < CERTS; i++) {
        c->x[i] = attest_cert_open(der[i]);
        if (!c->x[i]) {
            attest_chain_close(c);
            return ATTEST_CERT_PARSE;
        }
    }
    c->root = qr_sha256_one(certs->ark);
    collect_extensions(c);
    *out = c;
    return ATTEST_OK;
}

struct attest_chain *attest_chain_hold(struct attest_chain *c)
{
    atomic_fetch_add(&c->owners, 1);
    return c;
}

void attest_chain_close(struct attest_chain *c)
{
    if (!c || atomic_fetch_sub(&c->owners, 1) > 1) return;
    for (int i = 0; i < CERTS; i++) attest_cert_close(c->x[i]);
    free(c);
    /* Refused input leaves texts in this thread's error queue. */
    ERR_clear_error();
}

/* An IA5String of 1..127 bytes and nothing behind it. */
static bool read_ia5(struct qr_bytes v, struct qr_bytes *out)
{
    if (v.n < 3 || v.p[0] != V_ASN1_IA5STRING || v.p[1] > 127 || v.p[1] != v.n - 2) return false;
    *out = QR_BYTES(v.p + 2, v.n - 2);
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] < 0x20 || out->p[i] > 0x7e) return false;
    return true;
}

/* A minimal INTEGER of 0..255 and nothing behind it. */
static bool read_u8(struct qr_bytes v, uint8_t *out)
{
    bool one = v.n == 3 && v.p[0] == V_ASN1_INTEGER && v.p[1] == 1 && v.p[2] < 0x80;
    bool two = v.n == 4 && v.p[0] == V_ASN1_INTEGER && v.p[1] == 2 && v.p[2] == 0 && v.p[3] >= 0x80;
    if (!one && !two) return false;
    *out = v.p[v.n - 1];
    return true;
}

enum attest_product attest_chain_product(const struct attest_chain *c)
{
    struct qr_bytes name;
    if (c->count[EXT_PRODUCT] != 1 || !read_ia5(c->ext[EXT_PRODUCT], &name))
        return ATTEST_PRODUCT_UNKNOWN;
    size_t n = 0;
    while (n < name.n && name.p[n] != '-') n++;
    return attest_product_from_name(QR_BYTES(name.p, n));
}

struct qr_hash attest_chain_root(const struct attest_chain *c) { return c->root; }

static bool name_is(const struct attest_cert *x, const char *head, const char *tail)
{
    X509_NAME *n = attest_cert_subject(x);
    int i = X509_NAME_get_index_by_NID(n, NID_commonName, -1);
    if (i < 0 || X509_NAME_get_index_by_NID(n, NID_commonName, i) >= 0) return false;
    const ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(n, i));
    struct qr_bytes cn = QR_BYTES(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    struct qr_bytes h = qr_str(head);
    return cn.n >= h.n && qr_bytes_equal(QR_BYTES(cn.p, h.n), h) &&
           qr_bytes_is(QR_BYTES(cn.p + h.n, cn.n - h.n), tail);
}

static bool rsa_4096(const struct attest_cert *x)
{
    const EVP_PKEY *k = attest_cert_key(x);
    return EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA && EVP_PKEY_get_bits(k) == 4096;
}

static bool p384(const struct attest_cert *x)
{
    const EVP_PKEY *k = attest_cert_key(x);
    char group[32];
    size_t n = 0;
    return EVP_PKEY_get_base_id(k) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(k, group, sizeof group, &n) == 1 &&
           OBJ_txt2nid(group) == NID_secp384r1;
}

static enum attest_reason check_links(const struct attest_chain *c, enum attest_product product,
                                      enum attest_signer signer)
{
    const char *name = attest_product_name(product);
    bool vlek = signer == ATTEST_VLEK;
    const struct attest_cert *ark = c->x[ARK], *ask = c->x[ASK], *vek = c->x[VEK];
    if (!name_is(ark, "ARK-", name) || !attest_cert_flags_ok(ark, true) || !rsa_4096(ark) ||
        !attest_cert_signed_by(ark, ark))
        return ATTEST_CHAIN;
    if (!name_is(vek, vlek ? "SEV-VLEK" : "SEV-VCEK", "") ||
        !name_is(ask, vlek ? "SEV-VLEK-" : "SEV-", name) || !p384(vek))
        return ATTEST_VEK_KIND;
    if (!attest_cert_flags_ok(ask, true) || !rsa_4096(ask) || !attest_cert_signed_by(ask, ark))
        return ATTEST_CHAIN;
    return attest_cert_flags_ok(vek, false) && attest_cert_signed_by(vek, ask) ? ATTEST_OK
                                                                               : ATTEST_CHAIN;
}

enum attest_reason attest_chain_links(struct attest_chain *c, enum attest_product product,
                                      enum attest_signer signer)
{
    unsigned bit = 1u << (2 * (unsigned)product + (unsigned)signer);
    if (atomic_load(&c->linked) & bit) return ATTEST_OK;
    enum attest_reason why = check_links(c, product, signer);
    if (why == ATTEST_OK) atomic_fetch_or(&c->linked, bit);
    return why;
}

static bool between(const ASN1_TIME *from, const ASN1_TIME *to, int64_t now_us)
{
    time_t now = (time_t)(now_us / 1000000);
    /* -2 tells of a time that cannot be read. */
    int before = from ? ASN1_TIME_cmp_time_t(from, now) : -2;
    int after = to ? ASN1_TIME_cmp_time_t(to, now) : -2;
    return (before == -1 || before == 0) && (after == 1 || after == 0);
}

enum attest_reason attest_chain_time(const struct attest_chain *c, int64_t now_us)
{
    for (int i = 0; i < CERTS; i++) {
        const X509_VAL *v = attest_cert_validity(c->x[i]);
        if (!between(v->notBefore, v->notAfter, now_us)) return ATTEST_CHAIN_TIME;
    }
    return ATTEST_OK;
}

static enum attest_reason check_crl(const struct attest_chain *c, X509_CRL *crl, int64_t now_us)
{
    const X509_ALGOR *alg = NULL;
    X509_REVOKED *found = NULL;
    X509_CRL_get0_signature(crl, NULL, &alg);
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), attest_cert_subject(c->x[ARK])) != 0 ||
        !attest_pss_ok(alg) || X509_CRL_verify(crl, attest_cert_key(c->x[ARK])) != 1)
        return ATTEST_CRL_BAD;
    if (!between(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl), now_us))
        return ATTEST_CRL_STALE;
    if (X509_CRL_get0_by_serial(crl, &found, attest_cert_serial(c->x[ASK])) != 0)
        return ATTEST_REVOKED;
    return ATTEST_OK;
}

enum attest_reason attest_chain_crl(const struct attest_chain *c, struct qr_bytes crl,
                                    int64_t now_us)
{
    if (crl.n > ATTEST_CRL_MAX) return ATTEST_CRL_BAD;
    const uint8_t *p = crl.p;
    X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)crl.n);
    enum attest_reason reason = ATTEST_CRL_BAD;
    if (x && p == crl.p + crl.n) reason = check_crl(c, x, now_us);
    X509_CRL_free(x);
    return reason;
}

/* The levels: each once, those the product does not have not at all or 0. */
static bool read_levels(const struct attest_chain *c, bool turin, struct attest_tcb *out)
{
    *out = (struct attest_tcb){0};
    uint8_t *const parts[EXTS] = {[EXT_BL] = &out->bl,
                                  [EXT_TEE] = &out->tee,
                                  [EXT_SNP] = &out->snp,
                                  [EXT_UCODE] = &out->ucode,
                                  [EXT_FMC] = &out->fmc};
    for (int k = EXT_BL; k <= EXT_FMC; k++) {
        uint8_t level = 0;
        bool wanted = parts[k] && (k != EXT_FMC || turin);
        if (c->count[k] > 1 || (c->count[k] == 0 && wanted)) return false;
        if (c->count[k] == 0) continue;
        if (!read_u8(c->ext[k], &level) || (!wanted && (level != 0 || k == EXT_FMC))) return false;
        if (wanted) *parts[k] = level;
    }
    return true;
}

/* hwID is raw in every real certificate; an OCTET STRING is accepted too. */
static bool read_hwid(struct qr_bytes v, size_t size, uint8_t out[ATTEST_CHIP_ID_SIZE])
{
    if (v.n == size + 2 && v.p[0] == V_ASN1_OCTET_STRING && v.p[1] == size)
        v = QR_BYTES(v.p + 2, size);
    if (v.n != size) return false;
    qr_zero(out, ATTEST_CHIP_ID_SIZE);
    qr_copy(out, v.p, size);
    return true;
}

static bool read_identity(const struct attest_chain *c, bool turin, enum attest_signer signer,
                          struct attest_vek *out)
{
    struct qr_bytes csp;
    qr_zero(out->csp_id, sizeof out->csp_id);
    qr_zero(out->hwid, sizeof out->hwid);
    if (signer == ATTEST_VCEK)
        return c->count[EXT_HWID] == 1 && c->count[EXT_CSP] == 0 &&
               read_hwid(c->ext[EXT_HWID], turin ? 8 : 64, out->hwid);
    if (c->count[EXT_CSP] != 1 || c->count[EXT_HWID] != 0 || !read_ia5(c->ext[EXT_CSP], &csp) ||
        csp.n > ATTEST_CSP_MAX)
        return false;
    qr_copy(out->csp_id, csp.p, csp.n);
    return true;
}

enum attest_reason attest_chain_extensions(const struct attest_chain *c,
                                           enum attest_product product, enum attest_signer signer,
                                           struct attest_vek *out)
{
    bool turin = product == ATTEST_TURIN;
    uint8_t version = 0;
    struct qr_bytes name;
    if (c->count[EXT_STRUCT_VERSION] != 1 || !read_u8(c->ext[EXT_STRUCT_VERSION], &version) ||
        version != (turin ? 1 : 0))
        return ATTEST_VEK_EXT;
    if (c->count[EXT_PRODUCT] != 1 || !read_ia5(c->ext[EXT_PRODUCT], &name)) return ATTEST_VEK_EXT;
    if (!read_levels(c, turin, &out->tcb) || !read_identity(c, turin, signer, out))
        return ATTEST_VEK_EXT;
    out->product = attest_chain_product(c);
    return out->product == product ? ATTEST_OK : ATTEST_VEK_PRODUCT;
}

/* R and S as a DER ECDSA-Sig-Value; the caller frees *der with OPENSSL_free. */
static int signature_der(const struct attest_report *r, uint8_t **der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *br = BN_bin2bn(r->r, sizeof r->r, NULL);
    BIGNUM *bs = BN_bin2bn(r->s, sizeof r->s, NULL);
    if (!sig || !br || !bs || ECDSA_SIG_set0(sig, br, bs) != 1) qr_fatal("out of memory");
    int n = i2d_ECDSA_SIG(sig, der);
    ECDSA_SIG_free(sig);
    return n;
}

enum attest_reason attest_chain_signature(const struct attest_chain *c, struct qr_bytes report,
                                          const struct attest_report *parsed)
{
    uint8_t *der = NULL;
    int n = signature_der(parsed, &der);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = n > 0 && md && report.n == ATTEST_REPORT_SIZE &&
              EVP_DigestVerifyInit(md, NULL, EVP_sha384(), NULL, attest_cert_key(c->x[VEK])) == 1 &&
              EVP_DigestVerify(md, der, (size_t)n, report.p, ATTEST_REPORT_SIGNED) == 1;
    EVP_MD_CTX_free(md);
    OPENSSL_free(der);
    return ok ? ATTEST_OK : ATTEST_BAD_SIGNATURE;
}
