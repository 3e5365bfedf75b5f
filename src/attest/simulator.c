/* simulator.c - a development root, nodes under it, and their reports.
 *
 * Certificates and reports have AMD's names and encodings, so that the whole
 * verifier is exercised; the organisation in the names says that it is not AMD. */
#include "attest/simulator.h"

#include "attest/tcb.h"
#include "base/file.h"
#include "base/limits.h"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define DAY_S 86400
#define YEAR_S (365 * (int64_t)DAY_S)
#define PRODUCT "Genoa"
static const struct attest_tcb sim_tcb = {.bl = 10, .snp = 25, .ucode = 84};
static const struct attest_fw sim_fw = {.major = 1, .minor = 55, .build = 40};

static enum qr_rc path_in(const char *dir, const char *name, char out[PATH_SIZE],
                          struct qr_err *err)
{
    int n = snprintf(out, PATH_SIZE, "%s/%s", dir, name);
    return n > 0 && n < PATH_SIZE ? QR_OK : qr_fail(err, QR_USAGE, "path is too long");
}

static enum qr_rc write_in(const char *dir, const char *name, struct qr_bytes data, unsigned mode,
                           struct qr_err *err)
{
    char path[PATH_SIZE];
    QR_TRY(path_in(dir, name, path, err));
    return qr_file_write(path, data, mode, err);
}

static enum qr_rc read_in(const char *dir, const char *name, struct qr_buf *out, struct qr_err *err)
{
    char path[PATH_SIZE];
    QR_TRY(path_in(dir, name, path, err));
    return qr_file_read(path, out, err);
}

static enum qr_rc refuse_existing(const char *dir, const char *name, struct qr_err *err)
{
    char path[PATH_SIZE];
    QR_TRY(path_in(dir, name, path, err));
    return qr_file_exists(path) ? qr_fail(err, QR_EXISTS, "%s is there already", path) : QR_OK;
}

static enum qr_rc write_key(const char *dir, const char *name, EVP_PKEY *key, struct qr_err *err)
{
    char *p = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        qr_fatal("cannot encode a key");
    long n = BIO_get_mem_data(bio, &p);
    enum qr_rc rc = write_in(dir, name, QR_BYTES(p, (size_t)n), 0600, err);
    qr_wipe(p, (size_t)n);
    BIO_free(bio);
    return rc;
}

static enum qr_rc read_key(const char *dir, const char *name, EVP_PKEY **out, struct qr_err *err)
{
    char path[PATH_SIZE];
    struct qr_buf pem;
    *out = NULL;
    QR_TRY(path_in(dir, name, path, err));
    qr_buf_init(&pem, 8192);
    enum qr_rc rc = qr_file_read_private(path, &pem, err);
    if (rc == QR_OK) {
        BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
        *out = bio ? PEM_read_bio_PrivateKey(bio, NULL, qr_pem_no_password, NULL) : NULL;
        BIO_free(bio);
        if (!*out) rc = qr_fail(err, QR_MALFORMED, "%s: not a private key in PEM", path);
    }
    if (pem.p) qr_wipe(pem.p, pem.n);
    qr_buf_fini(&pem);
    return rc;
}

static enum qr_rc write_cert(const char *dir, const char *name, X509 *x, struct qr_err *err)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der);
    if (n <= 0) qr_fatal("cannot encode a certificate");
    enum qr_rc rc = write_in(dir, name, QR_BYTES(der, (size_t)n), 0644, err);
    OPENSSL_free(der);
    return rc;
}

static enum qr_rc read_cert(const char *dir, const char *name, X509 **out, struct qr_err *err)
{
    struct qr_buf der;
    qr_buf_init(&der, QR_MAX_CERT_DER);
    enum qr_rc rc = read_in(dir, name, &der, err);
    const uint8_t *p = der.p;
    *out = rc == QR_OK ? d2i_X509(NULL, &p, (long)der.n) : NULL;
    if (rc == QR_OK && !*out) rc = qr_fail(err, QR_MALFORMED, "%s: not a certificate", name);
    qr_buf_fini(&der);
    return rc;
}

/* What OpenSSL can refuse here only for want of memory. */
static void must(int ok)
{
    if (ok <= 0) qr_fatal("the simulator cannot build a certificate");
}

static void add_name(X509_NAME *n, const char *key, const char *value)
{
    must(X509_NAME_add_entry_by_txt(n, key, MBSTRING_ASC, (const unsigned char *)value, -1, -1, 0));
}

static X509 *new_cert(const char *cn, EVP_PKEY *key, long serial, int64_t now_us, int64_t life_s)
{
    X509 *x = X509_new();
    if (!x) qr_fatal("out of memory");
    must(X509_set_version(x, X509_VERSION_3));
    must(ASN1_INTEGER_set(X509_get_serialNumber(x), serial));
    must(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now_us / 1000000 - DAY_S)) != NULL);
    must(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now_us / 1000000 + life_s)) != NULL);
    X509_NAME *n = X509_get_subject_name(x);
    add_name(n, "OU", "Engineering");
    add_name(n, "O", "quorate TEE simulator");
    add_name(n, "CN", cn);
    must(X509_set_pubkey(x, key));
    return x;
}

static void add_ca_extensions(X509 *x)
{
    static const struct {
        int nid;
        const char *value;
    } all[] = {
        {NID_basic_constraints, "critical,CA:TRUE"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, all[i].nid, all[i].value);
        must(e != NULL);
        must(X509_add_ext(x, e, -1));
        X509_EXTENSION_free(e);
    }
}

/* RSASSA-PSS as AMD signs: SHA-384, MGF1 with it, 48 bytes of salt. */
static void sign_cert(X509 *x, X509 *issuer, EVP_PKEY *key)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    must(X509_set_issuer_name(x, X509_get_subject_name(issuer)));
    must(md && EVP_DigestSignInit(md, &ctx, EVP_sha384(), NULL, key));
    must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING));
    must(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 48));
    must(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha384()));
    must(X509_sign_ctx(x, md));
    EVP_MD_CTX_free(md);
}

enum qr_rc attest_sim_root_make(const char *dir, int64_t now_us, struct qr_err *err)
{
    QR_TRY(refuse_existing(dir, "ark.der", err));
    EVP_PKEY *ark_key = EVP_RSA_gen(4096), *ask_key = EVP_RSA_gen(4096);
    must(ark_key && ask_key);
    X509 *ark = new_cert("ARK-" PRODUCT, ark_key, 1, now_us, 25 * YEAR_S);
    X509 *ask = new_cert("SEV-" PRODUCT, ask_key, 2, now_us, 25 * YEAR_S);
    add_ca_extensions(ark);
    add_ca_extensions(ask);
    sign_cert(ark, ark, ark_key);
    sign_cert(ask, ark, ark_key);
    enum qr_rc rc = write_key(dir, "ask.key", ask_key, err);
    if (rc == QR_OK) rc = write_cert(dir, "ask.der", ask, err);
    if (rc == QR_OK) rc = write_cert(dir, "ark.der", ark, err);
    X509_free(ark);
    X509_free(ask);
    EVP_PKEY_free(ark_key);
    EVP_PKEY_free(ask_key);
    return rc;
}

static void add_amd_extension(X509 *x, const char *suffix, struct qr_bytes value)
{
    char oid[64];
    snprintf(oid, sizeof oid, "1.3.6.1.4.1.3704.1.%s", suffix);
    ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
    must(o && s && ASN1_OCTET_STRING_set(s, value.p, (int)value.n));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, o, 0, s);
    must(e != NULL);
    must(X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(s);
    ASN1_OBJECT_free(o);
}

static void add_vcek_extensions(X509 *x, const uint8_t hwid[ATTEST_CHIP_ID_SIZE])
{
    static const char product[] = "\x16\x05" PRODUCT;
    const struct {
        const char *suffix;
        uint8_t level;
    } all[] = {
        {"1", 0},   {"3.1", sim_tcb.bl},  {"3.2", sim_tcb.tee},
        {"3.4", 0}, {"3.5", 0},           {"3.6", 0},
        {"3.7", 0}, {"3.3", sim_tcb.snp}, {"3.8", sim_tcb.ucode},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        uint8_t der[3] = {0x02, 0x01, all[i].level};
        add_amd_extension(x, all[i].suffix, QR_BYTES_OF(der));
    }
    add_amd_extension(x, "2", QR_BYTES(product, sizeof product - 1));
    add_amd_extension(x, "4", QR_BYTES(hwid, ATTEST_CHIP_ID_SIZE));
}

static enum qr_rc copy_cert(const char *from, const char *to, const char *name, struct qr_err *err)
{
    struct qr_buf der;
    qr_buf_init(&der, QR_MAX_CERT_DER);
    enum qr_rc rc = read_in(from, name, &der, err);
    if (rc == QR_OK) rc = write_in(to, name, qr_buf_bytes(&der), 0644, err);
    qr_buf_fini(&der);
    return rc;
}

enum qr_rc attest_sim_node_make(const char *root_dir, const char *node_dir, int64_t now_us,
                                const struct qr_rand *rand, struct qr_err *err)
{
    uint8_t hwid[ATTEST_CHIP_ID_SIZE];
    EVP_PKEY *ask_key = NULL, *key = NULL;
    X509 *ask = NULL, *vcek = NULL;
    QR_TRY(refuse_existing(node_dir, "vcek.der", err));
    enum qr_rc rc = read_key(root_dir, "ask.key", &ask_key, err);
    if (rc == QR_OK) rc = read_cert(root_dir, "ask.der", &ask, err);
    if (rc != QR_OK) goto done;
    qr_rand_fill(rand, hwid, sizeof hwid);
    key = EVP_EC_gen("P-384");
    must(key != NULL);
    vcek = new_cert("SEV-VCEK", key, 0, now_us, 7 * YEAR_S);
    add_vcek_extensions(vcek, hwid);
    sign_cert(vcek, ask, ask_key);
    rc = copy_cert(root_dir, node_dir, "ark.der", err);
    if (rc == QR_OK) rc = copy_cert(root_dir, node_dir, "ask.der", err);
    if (rc == QR_OK) rc = write_key(node_dir, "vcek.key", key, err);
    if (rc == QR_OK) rc = write_cert(node_dir, "vcek.der", vcek, err);
done:
    X509_free(vcek);
    X509_free(ask);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ask_key);
    return rc;
}

struct simulator {
    EVP_PKEY *key;
    struct attest_report report; /* everything but REPORT_DATA and signature */
    struct qr_buf vek, ask, ark;
    uint64_t stall_every, stall_ms; /* every 0: never */
    atomic_uint_least64_t made;
    int reports; /* where each is written down; -1: nowhere */
};

static void sim_close(void *ctx)
{
    struct simulator *s = ctx;
    EVP_PKEY_free(s->key);
    qr_buf_fini(&s->vek);
    qr_buf_fini(&s->ask);
    qr_buf_fini(&s->ark);
    if (s->reports >= 0) (void)close(s->reports);
    free(s);
}

static void sim_sign(const struct simulator *s, struct attest_report *r)
{
    uint8_t bytes[ATTEST_REPORT_SIZE], der[128];
    size_t n = sizeof der;
    attest_report_encode(r, bytes);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    must(md && EVP_DigestSignInit(md, NULL, EVP_sha384(), NULL, s->key));
    must(EVP_DigestSign(md, der, &n, bytes, ATTEST_REPORT_SIGNED));
    EVP_MD_CTX_free(md);
    const uint8_t *p = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
    must(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), r->r, sizeof r->r));
    must(BN_bn2binpad(ECDSA_SIG_get0_s(sig), r->s, sizeof r->s));
    ECDSA_SIG_free(sig);
}

/* Every so many reports the host stands still. */
static void sim_stall(struct simulator *s)
{
    if (s->stall_every == 0 || (atomic_fetch_add(&s->made, 1) + 1) % s->stall_every != 0) return;
    struct timespec t = {(time_t)(s->stall_ms / 1000), (long)(s->stall_ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

/* One write: several processes of a node share the file. */
static void note_report(const struct simulator *s)
{
    struct qr_clock clock = qr_clock_system();
    char line[64];
    if (s->reports < 0) return;
    int n =
        snprintf(line, sizeof line, "%ld %lld\n", (long)getpid(), (long long)qr_mono_us(&clock));
    if (write(s->reports, line, (size_t)n) != n)
        qr_fatal("simulator: a report is not written down");
}

static enum qr_rc sim_report(void *ctx, const struct attest_ask *ask, struct attest_evidence *out,
                             struct qr_err *err)
{
    struct simulator *s = ctx;
    struct attest_report r = s->report;
    uint8_t bytes[ATTEST_REPORT_SIZE];
    sim_stall(s);
    note_report(s);
    qr_copy(r.report_data, ask->report_data, sizeof r.report_data);
    sim_sign(s, &r);
    attest_report_encode(&r, bytes);
    struct attest_evidence e = {
        .report = QR_BYTES_OF(bytes),
        .vek = qr_buf_bytes(&s->vek),
        .ask = qr_buf_bytes(&s->ask),
        .ark = qr_buf_bytes(&s->ark),
        .trust_class = ATTEST_SIMULATED,
    };
    return attest_evidence_copy(&e, out, err);
}

static uint64_t raw_u64(const uint8_t raw[8])
{
    return (uint64_t)qr_get_le32(raw + 4) << 32 | qr_get_le32(raw);
}

/* As firmware does: from a secret of the chip and what is asked for.  No level
 * above our own is. */
static enum qr_rc sim_key(void *ctx, const struct attest_key_mix *mix,
                          uint8_t out[ATTEST_DERIVED_SIZE], struct qr_err *err)
{
    const struct simulator *s = ctx;
    const struct attest_report *r = &s->report;
    uint8_t chip[ATTEST_SCALAR_SIZE];
    struct qr_buf info;
    BIGNUM *d = NULL;
    for (unsigned i = 0; i < 64; i += 8)
        if ((mix->tcb >> i & 0xff) > (raw_u64(r->committed_tcb) >> i & 0xff))
            return qr_fail(err, QR_RANGE, "the simulator derives no key of newer firmware");
    if (mix->vmpl < r->vmpl || mix->guest_svn > r->guest_svn)
        return qr_fail(err, QR_RANGE, "the simulator derives no such key");
    must(EVP_PKEY_get_bn_param(s->key, "priv", &d));
    must(BN_bn2binpad(d, chip, sizeof chip));
    BN_clear_free(d);
    qr_buf_init(&info, 512);
    qr_buf_put_le64(&info, mix->fields);
    qr_buf_put_le32(&info, mix->root);
    qr_buf_put_le32(&info, mix->vmpl);
    if (mix->fields & ATTEST_MIX_POLICY) qr_buf_put_le64(&info, r->policy);
    if (mix->fields & ATTEST_MIX_IMAGE_ID) qr_buf_put_bytes(&info, QR_BYTES_OF(r->image_id));
    if (mix->fields & ATTEST_MIX_FAMILY_ID) qr_buf_put_bytes(&info, QR_BYTES_OF(r->family_id));
    if (mix->fields & ATTEST_MIX_MEASUREMENT) qr_buf_put_bytes(&info, QR_BYTES_OF(r->measurement));
    if (mix->fields & ATTEST_MIX_SVN) qr_buf_put_le32(&info, mix->guest_svn);
    if (mix->fields & ATTEST_MIX_TCB) qr_buf_put_le64(&info, mix->tcb);
    enum qr_rc rc = qr_buf_ok(&info);
    if (rc == QR_OK)
        qr_hkdf_sha256(QR_BYTES_OF(chip), qr_str("quorate/sim-key/v1"), qr_buf_bytes(&info), out,
                       ATTEST_DERIVED_SIZE);
    qr_wipe(chip, sizeof chip);
    qr_buf_fini(&info);
    return rc;
}

/* The chip id as its certificate has it: the extension's raw bytes. */
static enum qr_rc read_hwid(const char *dir, uint8_t out[ATTEST_CHIP_ID_SIZE], struct qr_err *err)
{
    X509 *x = NULL;
    QR_TRY(read_cert(dir, "vcek.der", &x, err));
    ASN1_OBJECT *o = OBJ_txt2obj("1.3.6.1.4.1.3704.1.4", 1);
    int i = X509_get_ext_by_OBJ(x, o, -1);
    const ASN1_OCTET_STRING *v = i < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, i));
    bool ok = v && ASN1_STRING_length(v) == ATTEST_CHIP_ID_SIZE;
    if (ok) qr_copy(out, ASN1_STRING_get0_data(v), ATTEST_CHIP_ID_SIZE);
    ASN1_OBJECT_free(o);
    X509_free(x);
    return ok ? QR_OK : qr_fail(err, QR_MALFORMED, "%s/vcek.der: no chip id", dir);
}

static void fill_report(struct attest_report *r, const char *image)
{
    uint8_t raw[8];
    struct qr_hash id = qr_sha256_tagged("quorate/sim-report-id/v1", QR_BYTES_OF(r->chip_id));
    r->version = 5;
    r->policy = ATTEST_GUEST_MUST_BE_ONE | ATTEST_GUEST_SMT;
    r->platform_info = 0x25; /* SMT, ECC, alias check complete */
    r->signer = ATTEST_VCEK;
    r->cpuid_family = 0x19;
    r->cpuid_model = 0x11;
    r->current_fw = r->committed_fw = sim_fw;
    attest_sim_measurement(image, r->measurement);
    qr_copy(r->report_id, id.b, sizeof r->report_id);
    for (size_t i = 0; i < sizeof r->report_id_ma; i++) r->report_id_ma[i] = 0xff;
    attest_tcb_write(&sim_tcb, ATTEST_GENOA, raw);
    qr_copy(r->current_tcb, raw, sizeof raw);
    qr_copy(r->reported_tcb, raw, sizeof raw);
    qr_copy(r->committed_tcb, raw, sizeof raw);
    qr_copy(r->launch_tcb, raw, sizeof raw);
}

/* "EVERY MS" of the file throttle, if there is one. */
static enum qr_rc read_throttle(const char *dir, struct simulator *s, struct qr_err *err)
{
    struct qr_buf text;
    size_t at = 0;
    qr_buf_init(&text, 64);
    enum qr_rc rc = read_in(dir, "throttle", &text, err);
    if (rc == QR_NOTFOUND) {
        qr_buf_fini(&text);
        return QR_OK;
    }
    while (text.n && text.p[text.n - 1] == '\n') text.n--;
    while (at < text.n && text.p[at] != ' ') at++;
    bool ok =
        rc == QR_OK && at < text.n &&
        qr_parse_u64(QR_BYTES(text.p, at), 1000, &s->stall_every) == QR_OK &&
        qr_parse_u64(QR_BYTES(text.p + at + 1, text.n - at - 1), 60000, &s->stall_ms) == QR_OK &&
        s->stall_every > 0;
    qr_buf_fini(&text);
    return ok ? QR_OK : qr_fail(err, QR_MALFORMED, "%s/throttle: give EVERY and MS", dir);
}

static enum qr_rc open_reports(const char *dir, struct simulator *s, struct qr_err *err)
{
    char path[PATH_SIZE];
    QR_TRY(path_in(dir, "reports", path, err));
    s->reports = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return s->reports >= 0 || errno == ENOENT ? QR_OK
                                              : qr_fail(err, QR_IO, "%s: cannot be written", path);
}

/* A little slower than what the stalls leave, as device.c does for hardware. */
static struct attest_pace sim_pace(const struct simulator *s)
{
    if (s->stall_every == 0) return (struct attest_pace){.burst = 0};
    return (struct attest_pace){.burst = s->stall_every > 1 ? (unsigned)s->stall_every - 1 : 1,
                                .refill_us = (int64_t)(s->stall_ms * 1000 / s->stall_every)};
}

enum qr_rc attest_sim_open(const char *node_dir, const char *image, struct attest_device *out,
                           struct qr_err *err)
{
    *out = (struct attest_device){.ctx = NULL};
    struct simulator *s = calloc(1, sizeof *s);
    if (!s) return QR_NOMEM;
    s->reports = -1;
    qr_buf_init(&s->vek, QR_MAX_CERT_DER);
    qr_buf_init(&s->ask, QR_MAX_CERT_DER);
    qr_buf_init(&s->ark, QR_MAX_CERT_DER);
    enum qr_rc rc = read_key(node_dir, "vcek.key", &s->key, err);
    if (rc == QR_OK) rc = read_in(node_dir, "vcek.der", &s->vek, err);
    if (rc == QR_OK) rc = read_in(node_dir, "ask.der", &s->ask, err);
    if (rc == QR_OK) rc = read_in(node_dir, "ark.der", &s->ark, err);
    if (rc == QR_OK) rc = read_hwid(node_dir, s->report.chip_id, err);
    if (rc == QR_OK) rc = read_throttle(node_dir, s, err);
    if (rc == QR_OK) rc = open_reports(node_dir, s, err);
    if (rc != QR_OK) {
        sim_close(s);
        return rc;
    }
    fill_report(&s->report, image);
    *out = (struct attest_device){.get_report = sim_report,
                                  .get_key = sim_key,
                                  .close = sim_close,
                                  .trust_class = ATTEST_SIMULATED,
                                  .pace = sim_pace(s),
                                  .ctx = s};
    return QR_OK;
}

void attest_sim_measurement(const char *image, uint8_t out[ATTEST_MEASUREMENT_SIZE])
{
    struct qr_bytes name = qr_str(image ? image : ATTEST_SIM_IMAGE);
    must(EVP_Digest(name.p, name.n, out, NULL, EVP_sha384(), NULL));
}

enum qr_rc attest_sim_policy(const char *root_dir, const char *image, struct qr_buf *out,
                             struct qr_err *err)
{
    struct qr_buf der;
    uint8_t measurement[ATTEST_MEASUREMENT_SIZE];
    qr_buf_init(&der, QR_MAX_CERT_DER);
    enum qr_rc rc = read_in(root_dir, "ark.der", &der, err);
    struct qr_hash root = qr_sha256_one(qr_buf_bytes(&der));
    qr_buf_fini(&der);
    if (rc != QR_OK) return rc;
    attest_sim_measurement(image, measurement);
    qr_buf_put_str(out, "# Attestation policy of the TEE simulator: for development only.\n"
                        "classes = simulated\n"
                        "products = " PRODUCT "\n"
                        "ark." PRODUCT " = ");
    qr_buf_put_hex(out, QR_BYTES_OF(root.b));
    qr_buf_printf(out, "\nmin_tcb." PRODUCT " = bl=%u tee=%u snp=%u ucode=%u\nmeasurements = ",
                  sim_tcb.bl, sim_tcb.tee, sim_tcb.snp, sim_tcb.ucode);
    qr_buf_put_hex(out, QR_BYTES_OF(measurement));
    qr_buf_put_str(out, "\nplatform_info_required = 0x20   # alias check complete\nvmpl = 0\n"
                        "forbid_migration_agent = yes\n");
    return qr_buf_ok(out);
}
