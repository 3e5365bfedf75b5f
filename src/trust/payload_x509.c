/* payload_x509.c - the typed request as src/pki/x509.h wants it. */
#include "trust/payload_x509.h"

#include "pki/x509.h"

#define US_PER_S 1000000LL
#define US_PER_DAY (86400 * US_PER_S)
/* All payloads of a request as JSON. */
#define MAX_ASKED 8192
#define MAX_ABOUT 256

enum qr_rc payload_x509_digest(const struct leaf_request *req, enum qr_payload type,
                               struct qr_hash *out)
{
    struct qr_buf b;
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "artifact", req->artifact.sha256.b, sizeof req->artifact.sha256.b);
    qr_json_set_time(o, "created", req->created_us);
    qr_json_set(o, "payloads", leaf_payloads_write(&req->payloads, false));
    qr_json_set_str(o, "session", req->session);
    qr_json_set_str(o, "type", qr_payload_name(type));
    qr_buf_init(&b, MAX_ASKED);
    enum qr_rc rc = qr_json_write(o, &b);
    if (rc == QR_OK) *out = qr_sha256_tagged("quorate/x509/v1", qr_buf_bytes(&b));
    qr_buf_fini(&b);
    json_decref(o);
    return rc;
}

static const char *issuer_of(const struct leaf_request *req)
{
    for (size_t i = 0; i < req->payloads.n; i++)
        if (req->payloads.p[i].type == QR_X509_CA) return req->payloads.p[i].x509.subject;
    return "";
}

/* about holds what x borrows. */
static enum qr_rc fill(const struct leaf_request *req, const struct leaf_descriptor *d,
                       const struct leaf_payload *p, struct qr_buf *about, struct pki_x509 *x)
{
    static const enum pki_x509_kind kinds[QR_PAYLOADS] = {
        [QR_X509_CSR] = PKI_X509_CSR, [QR_X509_CA] = PKI_X509_CA, [QR_X509_CERT] = PKI_X509_CERT};
    struct qr_hash digest;
    QR_TRY(payload_x509_digest(req, p->type, &digest));
    json_t *o = qr_json_object();
    leaf_session_ref_write(o, &d->session);
    enum qr_rc rc = qr_json_write(o, about);
    json_decref(o);
    if (rc != QR_OK) return rc;
    x->kind = kinds[p->type];
    x->subject = p->x509.subject;
    x->issuer = issuer_of(req);
    x->spki = QR_BYTES(p->x509.key, p->x509.key_n);
    x->usage = p->x509.usage;
    qr_copy(x->serial, digest.b, sizeof x->serial);
    x->serial[0] = (uint8_t)((x->serial[0] & 0x3f) | 0x40);
    x->not_before_us = req->created_us / US_PER_S * US_PER_S;
    x->not_after_us = x->not_before_us + p->x509.days * US_PER_DAY;
    x->about = qr_buf_bytes(about);
    return QR_OK;
}

enum qr_rc payload_x509_check(const struct leaf_payload *p, struct qr_bytes file,
                              struct qr_err *err)
{
    const char *name;
    struct qr_bytes key = QR_BYTES(p->x509.key, p->x509.key_n);
    if (p->type != QR_X509_CERT) return QR_OK;
    if (pki_x509_key_name(key, &name) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "not a key that a certificate may have");
    return file.p ? pki_x509_request_is(file, p->x509.subject, key, err) : QR_OK;
}

enum qr_rc payload_x509_message(const struct leaf_request *req, const struct leaf_descriptor *d,
                                const struct leaf_payload *p, const struct trust_given *given,
                                struct qr_buf *out)
{
    struct qr_buf about;
    struct pki_x509 x = {.kind = PKI_X509_CSR};
    if (!given->group_key) return QR_RANGE;
    QR_TRY(payload_x509_check(p, given->file, NULL));
    qr_buf_init(&about, MAX_ABOUT);
    enum qr_rc rc = fill(req, d, p, &about, &x);
    x.group_key = *given->group_key;
    if (rc == QR_OK) rc = pki_x509_message(&x, out, NULL);
    qr_buf_fini(&about);
    return rc;
}

enum qr_rc trust_payload_pem(const struct leaf_request *req, const struct leaf_descriptor *d,
                             const struct leaf_payload *p, const struct trust_given *given,
                             const struct qr_sig *sig, struct qr_buf *out, struct qr_err *err)
{
    struct qr_buf about;
    struct pki_x509 x = {.kind = PKI_X509_CSR};
    if (!qr_payload_is_x509(p->type) || !given->group_key) return QR_RANGE;
    qr_buf_init(&about, MAX_ABOUT);
    enum qr_rc rc = fill(req, d, p, &about, &x);
    x.group_key = *given->group_key;
    if (rc == QR_OK) rc = pki_x509_pem(&x, sig, out, err);
    qr_buf_fini(&about);
    return rc;
}
