/* own_certs.c - endorsement certificates from the host and from files. */
#include "attest/own_certs.h"

#include "attest/certtable.h"
#include "base/file.h"
#include "base/limits.h"
#include "crypto/crypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

void attest_own_certs_init(struct attest_own_certs *c)
{
    qr_buf_init(&c->vek, QR_MAX_CERT_DER);
    qr_buf_init(&c->ask, QR_MAX_CERT_DER);
    qr_buf_init(&c->ark, QR_MAX_CERT_DER);
}

void attest_own_certs_fini(struct attest_own_certs *c)
{
    qr_buf_fini(&c->vek);
    qr_buf_fini(&c->ask);
    qr_buf_fini(&c->ark);
}

/* ---- certificates ---- */

/* The certificate at *bio, PEM. */
static X509 *next_pem(BIO *bio) { return PEM_read_bio_X509(bio, NULL, qr_pem_no_password, NULL); }

static enum qr_rc put_der(X509 *x, struct qr_buf *out)
{
    uint8_t *der = NULL;
    int n = x ? i2d_X509(x, &der) : 0;
    if (n <= 0) return QR_MALFORMED;
    qr_buf_put(out, der, (size_t)n);
    OPENSSL_free(der);
    return qr_buf_ok(out) == QR_OK ? QR_OK : QR_MALFORMED;
}

/* One certificate in DER or PEM, and nothing else. */
static enum qr_rc put_one(struct qr_bytes s, struct qr_buf *out)
{
    QR_TRY(attest_cert_to_der(s, out));
    const uint8_t *p = out->p;
    X509 *x = d2i_X509(NULL, &p, (long)out->n);
    enum qr_rc rc = x && p == out->p + out->n ? QR_OK : QR_MALFORMED;
    X509_free(x);
    ERR_clear_error();
    return rc;
}

static enum qr_rc take(struct qr_bytes s, struct qr_buf *out, struct qr_err *err)
{
    if (out->n || s.n == 0 || put_one(s, out) == QR_OK) return QR_OK;
    return qr_fail(err, QR_MALFORMED, "the host's certificate table: an entry is no certificate");
}

enum qr_rc attest_certs_from_table(struct attest_own_certs *c, struct qr_bytes table,
                                   enum attest_signer signer, struct qr_err *err)
{
    struct attest_certtable t;
    QR_TRY(attest_certtable_parse(table, &t, err));
    QR_TRY(take(signer == ATTEST_VLEK ? t.vlek : t.vcek, &c->vek, err));
    QR_TRY(take(t.ask, &c->ask, err));
    return take(t.ark, &c->ark, err);
}

/* ---- files ---- */

static enum qr_rc read_name(const char *dir, const char *name, const char *suffix,
                            struct qr_buf *out, struct qr_err *err)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
    if (n < 0 || (size_t)n >= sizeof path) return qr_fail(err, QR_RANGE, "path too long");
    qr_buf_reset(out);
    enum qr_rc rc = qr_file_read(path, out, err);
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

static enum qr_rc from_file(const char *dir, const char *name, struct qr_buf *text,
                            struct qr_buf *out, struct qr_err *err)
{
    if (out->n) return QR_OK;
    QR_TRY(read_name(dir, name, ".der", text, err));
    if (text->n == 0) QR_TRY(read_name(dir, name, ".pem", text, err));
    if (text->n == 0 || put_one(qr_buf_bytes(text), out) == QR_OK) return QR_OK;
    return qr_fail(err, QR_MALFORMED, "%s/%s: not a certificate", dir, name);
}

/* cert_chain.pem: the CA below the root, then the root. */
static enum qr_rc from_chain(const char *dir, struct qr_buf *text, struct attest_own_certs *c,
                             struct qr_err *err)
{
    QR_TRY(read_name(dir, "cert_chain", ".pem", text, err));
    if (text->n == 0) return QR_OK;
    BIO *bio = BIO_new_mem_buf(text->p, (int)text->n);
    X509 *ask = bio ? next_pem(bio) : NULL, *ark = ask ? next_pem(bio) : NULL;
    enum qr_rc rc = ark ? QR_OK : QR_MALFORMED;
    if (rc == QR_OK && c->ask.n == 0) rc = put_der(ask, &c->ask);
    if (rc == QR_OK && c->ark.n == 0) rc = put_der(ark, &c->ark);
    X509_free(ask);
    X509_free(ark);
    BIO_free(bio);
    ERR_clear_error();
    if (rc == QR_OK) return rc;
    return qr_fail(err, rc, "%s/cert_chain.pem: not two certificates", dir);
}

enum qr_rc attest_certs_from_dir(struct attest_own_certs *c, const char *dir,
                                 enum attest_signer signer, struct qr_err *err)
{
    struct qr_buf text;
    qr_buf_init(&text, ATTEST_CERTS_TEXT_MAX);
    enum qr_rc rc = from_file(dir, signer == ATTEST_VLEK ? "vlek" : "vcek", &text, &c->vek, err);
    if (rc == QR_OK) rc = from_file(dir, "ask", &text, &c->ask, err);
    if (rc == QR_OK) rc = from_file(dir, "ark", &text, &c->ark, err);
    if (rc == QR_OK) rc = from_chain(dir, &text, c, err);
    qr_buf_fini(&text);
    return rc;
}

enum qr_rc attest_certs_complete(const struct attest_own_certs *c, struct qr_err *err)
{
    if (c->vek.n && c->ask.n && c->ark.n) return QR_OK;
    return qr_fail(
        err, QR_NOTFOUND,
        "the host gives no certificate for%s%s%s: put it into the directory of TEE_CERTS",
        c->vek.n ? "" : " the VEK", c->ask.n ? "" : " the ASK", c->ark.n ? "" : " the ARK");
}
