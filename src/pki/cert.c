/* cert.c - certificates as a pure function of a few fields, and back.
 *
 * tbs_put writes the one TBSCertificate that the fields of struct pki_cert
 * stand for.  Reading picks the fields out of the DER, lets tbs_put write them
 * again and compares: what differs in anything at all is refused. */
#include "pki/cert.h"

#include "base/clock.h"
#include "base/limits.h"
#include "pki/der.h"

#include <stdio.h>

/* The arc A of docs/FORMATS.md section 5, then .1.1, .1.2, .2.1, .2.2. */
#define ARC                                                                                   \
    0x69, 0x81, 0xb6, 0x8d, 0xa6, 0x87, 0xd1, 0xf3, 0xba, 0xb1, 0xb5, 0x9a, 0xa9, 0x8f, 0xe3, \
        0xf0, 0xf3, 0xb5, 0xf8, 0x21
static const uint8_t oid_eku_participant[] = {ARC, 1, 1};
static const uint8_t oid_eku_group[] = {ARC, 1, 2};
static const uint8_t oid_ext_participant[] = {ARC, 2, 1};
static const uint8_t oid_ext_group[] = {ARC, 2, 2};
static const uint8_t oid_ed25519[] = {0x2b, 0x65, 0x70};
static const uint8_t oid_cn[] = {0x55, 0x04, 0x03};
static const uint8_t oid_basic[] = {0x55, 0x1d, 0x13};
static const uint8_t oid_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t oid_eku[] = {0x55, 0x1d, 0x25};
static const uint8_t oid_ski[] = {0x55, 0x1d, 0x0e};
static const uint8_t oid_aki[] = {0x55, 0x1d, 0x23};
static const uint8_t der_true[] = {DER_BOOLEAN, 1, 0xff};
/* BIT STRING values of KeyUsage: bit 5 keyCertSign, bit 0 digitalSignature. */
static const uint8_t usage_cert_sign[] = {DER_BIT_STRING, 2, 2, 0x04};
static const uint8_t usage_signature[] = {DER_BIT_STRING, 2, 7, 0x80};

#define ROOT_NAME "quorate root CA"
#define KEY_ID_SIZE 20
#define US_PER_S 1000000LL
#define SPKI_PREFIX 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00

/* What follows from the kind. */
struct kind {
    const char *name;
    const char *subject; /* fixed, or NULL */
    const char *issuer;
    struct qr_bytes eku; /* empty: none */
    struct qr_bytes ext;
    int path_len; /* -1: not a CA */
};

static const struct kind kinds[] = {
    [PKI_ROOT_CA] = {"root CA", ROOT_NAME, ROOT_NAME, {NULL, 0}, {NULL, 0}, 1},
    [PKI_PARTICIPANT_CA] = {"participant CA",
                            "quorate participant CA",
                            ROOT_NAME,
                            {oid_eku_participant, sizeof oid_eku_participant},
                            {NULL, 0},
                            0},
    [PKI_GROUP_CA] = {"group CA",
                      "quorate group CA",
                      ROOT_NAME,
                      {oid_eku_group, sizeof oid_eku_group},
                      {NULL, 0},
                      0},
    [PKI_PARTICIPANT] = {"participant",
                         NULL,
                         "quorate participant CA",
                         {oid_eku_participant, sizeof oid_eku_participant},
                         {oid_ext_participant, sizeof oid_ext_participant},
                         -1},
    [PKI_GROUP] = {"group",
                   NULL,
                   "quorate group CA",
                   {oid_eku_group, sizeof oid_eku_group},
                   {oid_ext_group, sizeof oid_ext_group},
                   -1},
};

const char *pki_kind_name(enum pki_kind kind)
{
    return (unsigned)kind < sizeof kinds / sizeof kinds[0] ? kinds[kind].name : "?";
}

/* RFC 7093 section 2, method 1. */
static void key_id(const struct qr_pub *key, uint8_t out[KEY_ID_SIZE])
{
    struct qr_hash h = qr_sha256_one(QR_BYTES_OF(key->b));
    qr_copy(out, h.b, KEY_ID_SIZE);
}

static void put_algorithm(struct qr_buf *out)
{
    struct qr_buf a;
    qr_buf_init(&a, 16);
    der_put(&a, DER_OID, QR_BYTES_OF(oid_ed25519));
    der_wrap(out, DER_SEQUENCE, &a);
    qr_buf_fini(&a);
}

/* Name with one common name. */
static void put_name(struct qr_buf *out, const char *cn)
{
    struct qr_buf a, b;
    qr_buf_init(&a, PKI_MAX_SUBJECT + 32);
    qr_buf_init(&b, PKI_MAX_SUBJECT + 32);
    der_put(&a, DER_OID, QR_BYTES_OF(oid_cn));
    der_put(&a, DER_UTF8, qr_str(cn));
    der_wrap(&b, DER_SEQUENCE, &a);
    der_wrap(&a, DER_SET, &b);
    der_wrap(out, DER_SEQUENCE, &a);
    qr_buf_fini(&a);
    qr_buf_fini(&b);
}

/* RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
static void put_time(struct qr_buf *out, int64_t us)
{
    char t[QR_TIME_LEN + 1];
    qr_time_format(us, t);
    char s[24];
    (void)snprintf(s, sizeof s, "%.4s%.2s%.2s%.2s%.2s%.2sZ", t, t + 5, t + 8, t + 11, t + 14,
                   t + 17);
    bool utc = qr_bytes_equal(QR_BYTES(t, 2), qr_str("20")) && t[2] < '5';
    der_put(out, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, qr_str(utc ? s + 2 : s));
}

static void put_extension(struct qr_buf *out, struct qr_bytes oid, bool critical,
                          struct qr_bytes value)
{
    struct qr_buf a;
    qr_buf_init(&a, PKI_MAX_DER);
    der_put(&a, DER_OID, oid);
    if (critical) qr_buf_put_bytes(&a, QR_BYTES_OF(der_true));
    der_put(&a, DER_OCTET_STRING, value);
    der_wrap(out, DER_SEQUENCE, &a);
    qr_buf_fini(&a);
}

static void put_basic_constraints(struct qr_buf *out, int path_len)
{
    struct qr_buf a, b;
    qr_buf_init(&a, 64);
    qr_buf_init(&b, 64);
    if (path_len >= 0) {
        uint8_t len = (uint8_t)path_len;
        qr_buf_put_bytes(&a, QR_BYTES_OF(der_true));
        der_put(&a, DER_INTEGER, QR_BYTES(&len, 1));
    }
    der_wrap(&b, DER_SEQUENCE, &a);
    put_extension(out, QR_BYTES_OF(oid_basic), true, qr_buf_bytes(&b));
    qr_buf_fini(&a);
    qr_buf_fini(&b);
}

static void put_extensions(struct qr_buf *out, const struct kind *k, const struct pki_cert *c)
{
    struct qr_buf all, v, w;
    uint8_t id[KEY_ID_SIZE];
    qr_buf_init(&all, PKI_MAX_DER);
    qr_buf_init(&v, PKI_MAX_DER);
    qr_buf_init(&w, PKI_MAX_DER);
    put_basic_constraints(&all, k->path_len);
    put_extension(&all, QR_BYTES_OF(oid_usage), true,
                  k->path_len >= 0 ? QR_BYTES_OF(usage_cert_sign) : QR_BYTES_OF(usage_signature));
    if (k->eku.n > 0) {
        der_put(&v, DER_OID, k->eku);
        der_wrap(&w, DER_SEQUENCE, &v);
        put_extension(&all, QR_BYTES_OF(oid_eku), true, qr_buf_bytes(&w));
        qr_buf_reset(&w);
    }
    if (k->path_len >= 0) {
        key_id(&c->key, id);
        der_put(&v, DER_OCTET_STRING, QR_BYTES_OF(id));
        put_extension(&all, QR_BYTES_OF(oid_ski), false, qr_buf_bytes(&v));
        qr_buf_reset(&v);
    }
    if (c->kind != PKI_ROOT_CA) {
        key_id(&c->issuer_key, id);
        der_put(&v, 0x80, QR_BYTES_OF(id)); /* [0] keyIdentifier */
        der_wrap(&w, DER_SEQUENCE, &v);
        put_extension(&all, QR_BYTES_OF(oid_aki), false, qr_buf_bytes(&w));
        qr_buf_reset(&w);
    }
    if (k->ext.n > 0) {
        der_put(&v, DER_UTF8, qr_str(c->ext));
        put_extension(&all, k->ext, true, qr_buf_bytes(&v));
    }
    qr_buf_reset(&v);
    der_wrap(&v, DER_SEQUENCE, &all);
    der_wrap(out, DER_CONTEXT_3, &v);
    qr_buf_fini(&all);
    qr_buf_fini(&v);
    qr_buf_fini(&w);
}

void pki_spki(const struct qr_pub *key, uint8_t out[PKI_ED25519_SPKI_SIZE])
{
    static const uint8_t prefix[] = {SPKI_PREFIX};
    qr_copy(out, prefix, sizeof prefix);
    qr_copy(out + sizeof prefix, key->b, sizeof key->b);
}

struct qr_hash pki_spki_sha256(const struct qr_pub *key)
{
    uint8_t spki[PKI_ED25519_SPKI_SIZE];
    pki_spki(key, spki);
    return qr_sha256_one(QR_BYTES_OF(spki));
}

/* The TBSCertificate of c. */
static void tbs_put(struct qr_buf *out, const struct pki_cert *c)
{
    static const uint8_t v3[] = {DER_INTEGER, 1, 2};
    const struct kind *k = &kinds[c->kind];
    struct qr_buf t, v;
    uint8_t spki[PKI_ED25519_SPKI_SIZE];
    qr_buf_init(&t, PKI_MAX_DER);
    qr_buf_init(&v, 64);
    der_put(&t, DER_CONTEXT_0, QR_BYTES_OF(v3));
    der_put(&t, DER_INTEGER, QR_BYTES_OF(c->serial));
    put_algorithm(&t);
    put_name(&t, k->issuer);
    put_time(&v, c->not_before_us);
    put_time(&v, c->not_after_us);
    der_wrap(&t, DER_SEQUENCE, &v);
    put_name(&t, c->subject);
    pki_spki(&c->key, spki);
    qr_buf_put_bytes(&t, QR_BYTES_OF(spki));
    put_extensions(&t, k, c);
    der_wrap(out, DER_SEQUENCE, &t);
    qr_buf_fini(&t);
    qr_buf_fini(&v);
}

static void cert_put(struct qr_buf *out, struct qr_bytes tbs, const struct qr_sig *sig)
{
    struct qr_buf a, b;
    qr_buf_init(&a, PKI_MAX_DER);
    qr_buf_init(&b, 80);
    qr_buf_put_bytes(&a, tbs);
    put_algorithm(&a);
    qr_buf_put_u8(&b, 0);
    qr_buf_put_bytes(&b, QR_BYTES_OF(sig->b));
    der_wrap(&a, DER_BIT_STRING, &b);
    der_wrap(out, DER_SEQUENCE, &a);
    qr_buf_fini(&a);
    qr_buf_fini(&b);
}

static enum qr_rc fields_check(const struct pki_cert *c, struct qr_err *err)
{
    const struct kind *k = &kinds[c->kind];
    if (c->serial[0] == 0 || c->serial[0] > 127)
        return qr_fail(err, QR_RANGE, "%s certificate: serial number", k->name);
    int64_t max_us;
    QR_TRY(qr_time_parse(qr_str("9999-12-31T23:59:59.000000Z"), &max_us));
    if (c->not_before_us < 0 || c->not_after_us > max_us || c->not_before_us > c->not_after_us ||
        c->not_before_us % US_PER_S || c->not_after_us % US_PER_S)
        return qr_fail(err, QR_RANGE, "%s certificate: validity", k->name);
    if (!c->subject[0] || !qr_utf8_ok(qr_str(c->subject)) ||
        (k->subject && !qr_bytes_is(qr_str(c->subject), k->subject)))
        return qr_fail(err, QR_RANGE, "%s certificate: subject", k->name);
    if ((k->ext.n > 0) != (c->ext[0] != 0) || !qr_utf8_ok(qr_str(c->ext)))
        return qr_fail(err, QR_RANGE, "%s certificate: extension", k->name);
    return QR_OK;
}

enum qr_rc pki_cert_issue(const struct pki_cert *c, const struct qr_signer *signer,
                          struct qr_buf *der, struct qr_err *err)
{
    QR_TRY(fields_check(c, err));
    if (!qr_bytes_equal(QR_BYTES_OF(signer->pub.b), QR_BYTES_OF(c->issuer_key.b)))
        return qr_fail(err, QR_MALFORMED, "%s certificate: not the issuer's key",
                       kinds[c->kind].name);
    struct qr_buf tbs;
    struct qr_sig sig;
    qr_buf_init(&tbs, PKI_MAX_DER);
    tbs_put(&tbs, c);
    enum qr_rc rc = qr_buf_ok(&tbs);
    if (rc == QR_OK) {
        qr_sign(signer, qr_buf_bytes(&tbs), &sig);
        cert_put(der, qr_buf_bytes(&tbs), &sig);
        rc = qr_buf_ok(der);
    }
    qr_buf_fini(&tbs);
    return rc;
}

static void read_time(struct qr_reader *r, int64_t *us)
{
    bool utc = der_peek(r) == DER_UTC_TIME;
    struct qr_bytes s = der_read(r, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME);
    char t[64];
    if (s.n != (utc ? 13u : 15u)) {
        r->failed = true;
        return;
    }
    const char *p = (const char *)s.p, *year = utc ? "20" : "";
    size_t y = utc ? 2 : 4;
    (void)snprintf(t, sizeof t, "%s%.*s-%.2s-%.2sT%.2s:%.2s:%.2s.000000Z", year, (int)y, p, p + y,
                   p + y + 2, p + y + 4, p + y + 6, p + y + 8);
    if (qr_time_parse(qr_str(t), us) != QR_OK) r->failed = true;
}

static void read_text(struct qr_reader *r, struct qr_bytes s, char *out, size_t max)
{
    if (s.n > max || !qr_utf8_ok(s)) {
        r->failed = true;
        return;
    }
    qr_copy(out, s.p, s.n);
    out[s.n] = 0;
}

static void read_subject(struct qr_reader *r, struct pki_cert *c)
{
    struct qr_reader name = qr_reader_of(der_read(r, DER_SEQUENCE));
    struct qr_reader set = qr_reader_of(der_read(&name, DER_SET));
    struct qr_reader pair = qr_reader_of(der_read(&set, DER_SEQUENCE));
    (void)der_read(&pair, DER_OID);
    struct qr_bytes cn = der_read(&pair, DER_UTF8);
    if (qr_reader_done(&pair) != QR_OK) r->failed = true;
    read_text(r, cn, c->subject, PKI_MAX_SUBJECT);
}

static void read_key(struct qr_reader *r, struct pki_cert *c)
{
    struct qr_reader spki = qr_reader_of(der_read(r, DER_SEQUENCE));
    (void)der_read(&spki, DER_SEQUENCE);
    struct qr_bytes bits = der_read(&spki, DER_BIT_STRING);
    if (bits.n != 1 + QR_KEY_SIZE)
        r->failed = true;
    else
        qr_copy(c->key.b, bits.p + 1, QR_KEY_SIZE);
}

/* Finds our own extension; the others follow from the kind. */
static void read_ext(struct qr_reader *r, struct qr_bytes want, struct pki_cert *c)
{
    struct qr_reader outer = qr_reader_of(der_read(r, DER_CONTEXT_3));
    struct qr_reader all = qr_reader_of(der_read(&outer, DER_SEQUENCE));
    while (want.n > 0 && !all.failed && all.rest.n > 0) {
        struct qr_reader one = qr_reader_of(der_read(&all, DER_SEQUENCE));
        struct qr_bytes oid = der_read(&one, DER_OID);
        if (one.failed || !qr_bytes_equal(oid, want)) continue;
        if (der_peek(&one) == DER_BOOLEAN) (void)der_read(&one, DER_BOOLEAN);
        struct qr_reader value = qr_reader_of(der_read(&one, DER_OCTET_STRING));
        read_text(r, der_read(&value, DER_UTF8), c->ext, PKI_MAX_EXT);
        return;
    }
}

static void read_tbs(struct qr_reader *cert, struct pki_cert *c)
{
    struct qr_reader r = qr_reader_of(der_read(cert, DER_SEQUENCE));
    (void)der_read(&r, DER_CONTEXT_0);
    struct qr_bytes serial = der_read(&r, DER_INTEGER);
    if (serial.n != PKI_SERIAL_SIZE)
        r.failed = true;
    else
        qr_copy(c->serial, serial.p, PKI_SERIAL_SIZE);
    (void)der_read(&r, DER_SEQUENCE);
    (void)der_read(&r, DER_SEQUENCE); /* issuer */
    struct qr_reader times = qr_reader_of(der_read(&r, DER_SEQUENCE));
    read_time(&times, &c->not_before_us);
    read_time(&times, &c->not_after_us);
    read_subject(&r, c);
    read_key(&r, c);
    read_ext(&r, kinds[c->kind].ext, c);
    if (times.failed || qr_reader_done(&r) != QR_OK) cert->failed = true;
}

/* Issuer's signature over the bytes rebuilt from c, and equality of all of
 * them with what was read. */
static enum qr_rc rebuild(const struct pki_cert *c, struct qr_bytes der, const struct qr_sig *sig,
                          struct qr_err *err)
{
    struct qr_buf tbs, again;
    qr_buf_init(&tbs, PKI_MAX_DER);
    qr_buf_init(&again, PKI_MAX_DER);
    tbs_put(&tbs, c);
    cert_put(&again, qr_buf_bytes(&tbs), sig);
    enum qr_rc rc = QR_OK;
    if (qr_buf_ok(&tbs) != QR_OK || qr_buf_ok(&again) != QR_OK ||
        !qr_bytes_equal(qr_buf_bytes(&again), der))
        rc = qr_fail(err, QR_MALFORMED, "not the %s certificate that its fields demand",
                     kinds[c->kind].name);
    else if (qr_verify(&c->issuer_key, qr_buf_bytes(&tbs), sig) != QR_OK)
        rc = qr_fail(err, QR_FALSE, "%s certificate: signature of its issuer", kinds[c->kind].name);
    qr_buf_fini(&tbs);
    qr_buf_fini(&again);
    return rc;
}

enum qr_rc pki_cert_read(enum pki_kind kind, struct qr_bytes der, const struct pki_cert *issuer,
                         struct pki_cert *out, struct qr_err *err)
{
    static const enum pki_kind parent[] = {[PKI_ROOT_CA] = PKI_ROOT_CA,
                                           [PKI_PARTICIPANT_CA] = PKI_ROOT_CA,
                                           [PKI_GROUP_CA] = PKI_ROOT_CA,
                                           [PKI_PARTICIPANT] = PKI_PARTICIPANT_CA,
                                           [PKI_GROUP] = PKI_GROUP_CA};
    struct pki_cert c = {.kind = kind};
    if ((kind == PKI_ROOT_CA) != (issuer == NULL) || (issuer && issuer->kind != parent[kind]))
        return qr_fail(err, QR_MALFORMED, "a %s certificate is not issued by a %s",
                       pki_kind_name(kind), issuer ? pki_kind_name(issuer->kind) : "nobody");
    if (der.n > PKI_MAX_DER) return qr_fail(err, QR_MALFORMED, "certificate too large");
    struct qr_reader outer = qr_reader_of(der);
    struct qr_reader r = qr_reader_of(der_read(&outer, DER_SEQUENCE));
    read_tbs(&r, &c);
    (void)der_read(&r, DER_SEQUENCE);
    struct qr_bytes bits = der_read(&r, DER_BIT_STRING);
    struct qr_sig sig;
    if (qr_reader_done(&r) != QR_OK || qr_reader_done(&outer) != QR_OK || bits.n != 1 + sizeof sig)
        return qr_fail(err, QR_MALFORMED, "not a %s certificate", pki_kind_name(kind));
    qr_copy(sig.b, bits.p + 1, sizeof sig.b);
    c.issuer_key = issuer ? issuer->key : c.key;
    QR_TRY(fields_check(&c, NULL) == QR_OK
               ? QR_OK
               : qr_fail(err, QR_MALFORMED, "not a %s certificate", pki_kind_name(kind)));
    enum qr_rc rc = rebuild(&c, der, &sig, err);
    if (rc != QR_OK && rc != QR_FALSE) return rc;
    c.sha256 = qr_sha256_one(der);
    *out = c;
    return rc;
}

bool pki_cert_valid_at(const struct pki_cert *c, int64_t at_us)
{
    return at_us >= c->not_before_us && at_us < c->not_after_us + US_PER_S;
}
