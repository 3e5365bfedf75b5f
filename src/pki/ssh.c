/* ssh.c - see ssh.h.  The CA's key and its signature stand last and have fixed
 * lengths: whatever is before them, they are found from the end. */
#include "pki/ssh.h"

#include "base/bytes.h"

#define TYPE "ssh-ed25519-cert-v01@openssh.com"
#define ALGORITHM "ssh-ed25519"
#define USER_CERTIFICATE 1
#define NONCE_TAG "quorate/ssh-nonce/v1"
#define US_PER_S 1000000LL
/* lp(lp(algorithm) || lp(64 bytes)) */
#define SIGNATURE_SIZE (4 + 4 + sizeof ALGORITHM - 1 + 4 + QR_SIG_SIZE)

static void put_pair(struct qr_buf *out, struct qr_bytes value)
{
    struct qr_buf pair;
    qr_buf_init(&pair, 128);
    qr_buf_put_lp(&pair, qr_str(ALGORITHM));
    qr_buf_put_lp(&pair, value);
    qr_buf_put_lp(out, qr_buf_bytes(&pair));
    qr_buf_fini(&pair);
}

static void put_principals(const struct pki_ssh_terms *t, struct qr_buf *out)
{
    struct qr_buf list;
    qr_buf_init(&list, PKI_SSH_MAX);
    qr_buf_put_lp(&list, qr_str(PKI_SSH_PRINCIPAL));
    if (!qr_bytes_is(qr_str(t->policy), PKI_SSH_PRINCIPAL)) qr_buf_put_lp(&list, qr_str(t->policy));
    qr_buf_put_lp(out, qr_buf_bytes(&list));
    qr_buf_fini(&list);
}

/* PROTOCOL.certkeys, up to and including the signature key.  The nonce comes of
 * the group certificate, in which cad drew a serial number at random. */
static void put_body(const struct pki_ssh_terms *t, const struct qr_pub *ca, struct qr_buf *out)
{
    struct qr_hash nonce = qr_sha256_tagged(NONCE_TAG, QR_BYTES_OF(t->group->sha256.b));
    qr_buf_put_lp(out, qr_str(TYPE));
    qr_buf_put_lp(out, QR_BYTES_OF(nonce.b));
    qr_buf_put_lp(out, QR_BYTES_OF(t->group->key.b));
    qr_buf_put(out, t->group->serial, 8);
    qr_buf_put_be32(out, USER_CERTIFICATE);
    qr_buf_put_lp(out, qr_str(t->session));
    put_principals(t, out);
    qr_buf_put_be64(out, (uint64_t)(t->after_us / US_PER_S));
    qr_buf_put_be64(out, (uint64_t)(t->group->not_after_us / US_PER_S));
    for (int empty = 0; empty < 3; empty++) /* critical options, extensions, reserved */
        qr_buf_put_lp(out, QR_BYTES_NONE);
    put_pair(out, QR_BYTES_OF(ca->b));
}

enum qr_rc pki_ssh_issue(const struct pki_ssh_terms *terms, const struct qr_signer *ca,
                         struct qr_buf *out)
{
    struct qr_sig sig;
    size_t start = out->n;
    put_body(terms, &ca->pub, out);
    QR_TRY(qr_buf_ok(out));
    qr_sign(ca, QR_BYTES(out->p + start, out->n - start), &sig);
    put_pair(out, QR_BYTES_OF(sig.b));
    return qr_buf_ok(out);
}

enum qr_rc pki_ssh_ca(struct qr_bytes cert, struct qr_pub *ca)
{
    if (cert.n < SIGNATURE_SIZE + sizeof ca->b) return QR_MALFORMED;
    qr_copy(ca->b, cert.p + cert.n - SIGNATURE_SIZE - sizeof ca->b, sizeof ca->b);
    return QR_OK;
}

bool pki_ssh_fits(struct qr_bytes cert, const struct pki_ssh_terms *terms, const struct qr_pub *ca)
{
    struct qr_buf want;
    if (cert.n < SIGNATURE_SIZE) return false;
    qr_buf_init(&want, PKI_SSH_MAX);
    put_body(terms, ca, &want);
    put_pair(&want, QR_BYTES(cert.p + cert.n - QR_SIG_SIZE, QR_SIG_SIZE));
    bool fits = qr_buf_ok(&want) == QR_OK && qr_bytes_equal(qr_buf_bytes(&want), cert);
    qr_buf_fini(&want);
    return fits;
}

bool pki_ssh_signed(struct qr_bytes cert, const struct qr_pub *ca)
{
    struct qr_sig sig;
    if (cert.n < SIGNATURE_SIZE) return false;
    qr_copy(sig.b, cert.p + cert.n - QR_SIG_SIZE, sizeof sig.b);
    return qr_verify(ca, QR_BYTES(cert.p, cert.n - SIGNATURE_SIZE), &sig) == QR_OK;
}
