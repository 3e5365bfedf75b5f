/* ca.c - making CAs, requests and the certificates they ask for. */
#include "pki/ca.h"

#include "base/file.h"
#include "pki/der.h"
#include "pki/pem.h"

#define US_PER_S 1000000LL
#define CSR_MAX 256

void pki_ca_fini(struct pki_ca *ca) { qr_signer_fini(&ca->key); }

/* Kind, serial number, validity and issuer of a certificate to be. */
static struct pki_cert blank(const struct pki_issuance *i, enum pki_kind kind)
{
    struct pki_cert c = {.kind = kind};
    qr_rand_fill(i->rand, c.serial, sizeof c.serial);
    /* Positive and of one length, whatever the draw. */
    c.serial[0] = (uint8_t)((c.serial[0] & 0x3f) | 0x40);
    c.not_before_us = i->validity.not_before_us - i->validity.not_before_us % US_PER_S;
    c.not_after_us = i->validity.not_after_us - i->validity.not_after_us % US_PER_S;
    if (i->ca) c.issuer_key = i->ca->cert.key;
    return c;
}

static void set_text(char *out, size_t room, struct qr_bytes s)
{
    size_t n = s.n < room ? s.n : room - 1;
    qr_copy(out, s.p, n);
    out[n] = 0;
}

/* Issues and reads back what was issued: what leaves here passes a reader. */
static enum qr_rc issue(const struct pki_cert *c, const struct qr_signer *signer,
                        const struct pki_cert *issuer, struct qr_buf *der, struct pki_cert *out)
{
    size_t start = der->n;
    QR_TRY(pki_cert_issue(c, signer, der, NULL));
    return pki_cert_read(c->kind, QR_BYTES(der->p + start, der->n - start), issuer, out, NULL);
}

enum qr_rc pki_ca_make(const struct pki_issuance *i, enum pki_kind kind, struct pki_ca *ca,
                       struct qr_buf *der, struct qr_err *err)
{
    static const char *const subjects[] = {"quorate root CA", "quorate participant CA",
                                           "quorate group CA"};
    if (kind > PKI_GROUP_CA || (kind == PKI_ROOT_CA) != (i->ca == NULL))
        return qr_fail(err, QR_RANGE, "not a kind of CA, or no root for it");
    struct pki_cert c = blank(i, kind);
    QR_TRY(qr_signer_new(&ca->key, i->rand, err));
    c.key = ca->key.pub;
    if (!i->ca) c.issuer_key = c.key;
    set_text(c.subject, sizeof c.subject, qr_str(subjects[kind]));
    enum qr_rc rc =
        issue(&c, i->ca ? &i->ca->key : &ca->key, i->ca ? &i->ca->cert : NULL, der, &ca->cert);
    if (rc != QR_OK) {
        pki_ca_fini(ca);
        return qr_fail(err, rc, "cannot make a %s", pki_kind_name(kind));
    }
    return QR_OK;
}

enum qr_rc pki_ca_load(enum pki_kind kind, const struct pki_cert *root, struct pki_ca_files files,
                       struct pki_ca *ca, struct qr_err *err)
{
    struct qr_signer key = {.secret = {0}};
    QR_TRY(qr_signer_load(&key, files.key, err));
    return pki_ca_take(kind, root, files, &key, ca, err);
}

enum qr_rc pki_ca_take(enum pki_kind kind, const struct pki_cert *root, struct pki_ca_files files,
                       struct qr_signer *key, struct pki_ca *ca, struct qr_err *err)
{
    struct qr_buf pem, der;
    ca->key = *key;
    *key = (struct qr_signer){.secret = {0}};
    qr_buf_init(&pem, QR_MAX_CONFIG_FILE);
    qr_buf_init(&der, PKI_MAX_DER);
    enum qr_rc rc = qr_file_read(files.cert, &pem, err);
    if (rc == QR_OK && pki_pem_read(qr_buf_bytes(&pem), "CERTIFICATE", &der) != QR_OK)
        rc = qr_fail(err, QR_MALFORMED, "%s: not one certificate in PEM", files.cert);
    if (rc == QR_OK) rc = pki_cert_read(kind, qr_buf_bytes(&der), root, &ca->cert, err);
    if (rc == QR_OK && !qr_bytes_equal(QR_BYTES_OF(ca->cert.key.b), QR_BYTES_OF(ca->key.pub.b)))
        rc = qr_fail(err, QR_MALFORMED, "%s: not the key of %s", files.key, files.cert);
    qr_buf_fini(&pem);
    qr_buf_fini(&der);
    if (rc != QR_OK) pki_ca_fini(ca);
    return rc;
}

enum qr_rc pki_ca_save(const struct pki_ca *ca, struct qr_bytes der, struct pki_ca_files files,
                       struct qr_err *err)
{
    struct qr_buf pem;
    qr_buf_init(&pem, 2 * PKI_MAX_DER);
    pki_pem_write(der, "CERTIFICATE", &pem);
    enum qr_rc rc = qr_buf_ok(&pem);
    if (rc == QR_OK) rc = qr_signer_save(&ca->key, files.key, err);
    if (rc == QR_OK) rc = qr_file_write(files.cert, qr_buf_bytes(&pem), 0644, err);
    qr_buf_fini(&pem);
    return rc;
}

/* CertificationRequestInfo: version 0, empty subject, the key, no attributes. */
static void csr_info(const struct qr_pub *key, struct qr_buf *out)
{
    static const uint8_t head[] = {DER_INTEGER, 1, 0, DER_SEQUENCE, 0};
    uint8_t spki[PKI_ED25519_SPKI_SIZE];
    struct qr_buf a;
    qr_buf_init(&a, CSR_MAX);
    pki_spki(key, spki);
    qr_buf_put_bytes(&a, QR_BYTES_OF(head));
    qr_buf_put_bytes(&a, QR_BYTES_OF(spki));
    der_put(&a, DER_CONTEXT_0, QR_BYTES_NONE);
    der_wrap(out, DER_SEQUENCE, &a);
    qr_buf_fini(&a);
}

static void csr_put(struct qr_bytes info, const struct qr_sig *sig, struct qr_buf *out)
{
    static const uint8_t alg[] = {DER_SEQUENCE, 5, DER_OID, 3, 0x2b, 0x65, 0x70};
    struct qr_buf a, bits;
    qr_buf_init(&a, CSR_MAX);
    qr_buf_init(&bits, 80);
    qr_buf_put_bytes(&a, info);
    qr_buf_put_bytes(&a, QR_BYTES_OF(alg));
    qr_buf_put_u8(&bits, 0);
    qr_buf_put_bytes(&bits, QR_BYTES_OF(sig->b));
    der_wrap(&a, DER_BIT_STRING, &bits);
    der_wrap(out, DER_SEQUENCE, &a);
    qr_buf_fini(&a);
    qr_buf_fini(&bits);
}

enum qr_rc pki_csr_make(const struct qr_signer *key, struct qr_buf *der, struct qr_err *err)
{
    struct qr_buf info;
    struct qr_sig sig;
    qr_buf_init(&info, CSR_MAX);
    csr_info(&key->pub, &info);
    enum qr_rc rc = qr_buf_ok(&info);
    if (rc == QR_OK) {
        qr_sign(key, qr_buf_bytes(&info), &sig);
        csr_put(qr_buf_bytes(&info), &sig, der);
        rc = qr_buf_ok(der);
    }
    qr_buf_fini(&info);
    return rc == QR_OK ? rc : qr_fail(err, rc, "certificate request");
}

enum qr_rc pki_csr_check(struct qr_bytes der, struct qr_pub *key, struct qr_err *err)
{
    struct qr_pub pub;
    struct qr_sig sig;
    struct qr_reader outer = qr_reader_of(der);
    struct qr_reader r = qr_reader_of(der_read(&outer, DER_SEQUENCE));
    struct qr_reader info = qr_reader_of(der_read(&r, DER_SEQUENCE));
    /* Version, empty subject and algorithm are the same in every request. */
    (void)qr_read_bytes(&info, 5 + 12);
    qr_read_into(&info, pub.b, sizeof pub.b);
    (void)der_read(&r, DER_SEQUENCE);
    struct qr_bytes bits = der_read(&r, DER_BIT_STRING);
    if (qr_reader_done(&r) != QR_OK || bits.n != 1 + sizeof sig.b)
        return qr_fail(err, QR_MALFORMED, "not our form of request");
    qr_copy(sig.b, bits.p + 1, sizeof sig.b);
    struct qr_buf again, tbs;
    qr_buf_init(&again, CSR_MAX);
    qr_buf_init(&tbs, CSR_MAX);
    csr_info(&pub, &tbs);
    csr_put(qr_buf_bytes(&tbs), &sig, &again);
    enum qr_rc rc = QR_OK;
    if (!qr_bytes_equal(qr_buf_bytes(&again), der))
        rc = qr_fail(err, QR_MALFORMED, "not our form of request");
    else if (qr_verify(&pub, qr_buf_bytes(&tbs), &sig) != QR_OK)
        rc = qr_fail(err, QR_FALSE, "request: the key's own signature");
    else
        *key = pub;
    qr_buf_fini(&again);
    qr_buf_fini(&tbs);
    return rc;
}

static void participant_subject(const struct pki_participant_claims *claims, struct pki_cert *c)
{
    qr_hex(claims->commitment.b, 8, c->subject);
}

enum qr_rc pki_issue_participant(const struct pki_issuance *i, const struct qr_pub *approval_key,
                                 const struct pki_participant_claims *claims, struct qr_buf *der,
                                 struct pki_cert *out)
{
    struct pki_cert c = blank(i, PKI_PARTICIPANT);
    struct qr_buf json;
    qr_buf_init(&json, PKI_MAX_EXT);
    c.key = *approval_key;
    participant_subject(claims, &c);
    enum qr_rc rc = pki_participant_claims_write(claims, &json);
    if (rc == QR_OK) {
        set_text(c.ext, sizeof c.ext, qr_buf_bytes(&json));
        rc = issue(&c, &i->ca->key, &i->ca->cert, der, out);
    }
    qr_buf_fini(&json);
    return rc;
}

enum qr_rc pki_issue_group(const struct pki_issuance *i, const struct qr_pub *group_key,
                           const struct pki_group_claims *claims, struct qr_buf *der,
                           struct pki_cert *out)
{
    struct pki_cert c = blank(i, PKI_GROUP);
    struct qr_buf json;
    qr_buf_init(&json, PKI_MAX_EXT);
    c.key = *group_key;
    set_text(c.subject, sizeof c.subject, qr_str(claims->session));
    enum qr_rc rc = pki_group_claims_write(claims, &json);
    if (rc == QR_OK) {
        set_text(c.ext, sizeof c.ext, qr_buf_bytes(&json));
        rc = issue(&c, &i->ca->key, &i->ca->cert, der, out);
    }
    qr_buf_fini(&json);
    return rc;
}

enum qr_rc pki_participant_read(struct qr_bytes der, const struct pki_cert *ca,
                                struct pki_cert *out, struct pki_participant_claims *claims,
                                struct qr_err *err)
{
    struct pki_cert want;
    enum qr_rc rc = pki_cert_read(PKI_PARTICIPANT, der, ca, out, err);
    if (rc != QR_OK && rc != QR_FALSE) return rc;
    QR_TRY(pki_participant_claims_parse(qr_str(out->ext), claims, err));
    participant_subject(claims, &want);
    if (!qr_bytes_is(qr_str(out->subject), want.subject))
        return qr_fail(err, QR_MALFORMED, "participant certificate: subject is not the commitment");
    return rc;
}

enum qr_rc pki_group_read(struct qr_bytes der, const struct pki_cert *ca, struct pki_cert *out,
                          struct pki_group_claims *claims, struct qr_err *err)
{
    enum qr_rc rc = pki_cert_read(PKI_GROUP, der, ca, out, err);
    if (rc != QR_OK && rc != QR_FALSE) return rc;
    QR_TRY(pki_group_claims_parse(qr_str(out->ext), claims, err));
    struct qr_bytes session = qr_str(out->subject);
    if (!qr_ulid_ok(session))
        return qr_fail(err, QR_MALFORMED, "group certificate: subject is not a session id");
    set_text(claims->session, sizeof claims->session, session);
    return rc;
}
