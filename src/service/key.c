/* key.c - a daemon's private keys, in the clear or sealed. */
#include "base/file.h"
#include "service/life.h"

/* The key's name in its box: the last part of its path. */
static struct qr_bytes name_of(const char *path)
{
    struct qr_bytes s = qr_str(path);
    size_t from = s.n;
    while (from > 0 && s.p[from - 1] != '/') from--;
    return QR_BYTES(s.p + from, s.n - from);
}

static enum qr_rc seal_to(struct service *s, const char *path, struct qr_bytes plain,
                          struct qr_err *err)
{
    struct qr_buf box;
    qr_buf_init(&box, ATTEST_SEAL_MAX);
    enum qr_rc rc = attest_seal(s->life->sealer, name_of(path), plain, &box, err);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&box), 0600, err);
    qr_buf_fini(&box);
    return rc;
}

/* Appends the key's PEM. */
static enum qr_rc open_file(struct service *s, const char *path, struct qr_bytes file,
                            struct qr_buf *pem, struct qr_err *err)
{
    bool sealed = attest_is_sealed(file), stale = false;
    if (!s->life->sealer && sealed) return qr_fail(err, QR_POLICY, "it is sealed, and SEAL is off");
    if (s->life->sealer && !sealed)
        return qr_fail(err, QR_POLICY, "it is not sealed: see `quorate attest seal`");
    if (!sealed) {
        qr_buf_put_bytes(pem, file);
        return qr_buf_ok(pem);
    }
    QR_TRY(attest_unseal(s->life->sealer, name_of(path), file, pem, &stale, err));
    return stale ? seal_to(s, path, qr_buf_bytes(pem), err) : QR_OK;
}

enum qr_rc service_key_load(struct service *s, const char *path, struct qr_signer *out,
                            struct qr_err *err)
{
    struct qr_buf file, pem;
    struct qr_err why = {{0}};
    qr_buf_init(&file, ATTEST_SEAL_MAX);
    qr_buf_init(&pem, ATTEST_SEAL_PLAIN_MAX);
    enum qr_rc rc = qr_file_read_private(path, &file, err);
    if (rc == QR_OK) {
        rc = open_file(s, path, qr_buf_bytes(&file), &pem, &why);
        if (rc == QR_OK) rc = qr_signer_from_pem(out, qr_buf_bytes(&pem), &why);
        if (rc != QR_OK)
            rc = qr_fail(err, rc, "%s: %s", path, why.text[0] ? why.text : qr_rc_text(rc));
    }
    qr_wipe(file.p, file.n);
    qr_wipe(pem.p, pem.n);
    qr_buf_fini(&file);
    qr_buf_fini(&pem);
    return rc;
}

enum qr_rc service_key_make(struct service *s, const char *path, struct qr_err *err)
{
    struct qr_signer key = {.secret = {0}};
    struct qr_buf pem;
    QR_TRY(qr_signer_new(&key, &s->rand, err));
    qr_buf_init(&pem, ATTEST_SEAL_PLAIN_MAX);
    enum qr_rc rc = qr_signer_to_pem(&key, &pem);
    if (rc == QR_OK && s->life->sealer)
        rc = seal_to(s, path, qr_buf_bytes(&pem), err);
    else if (rc == QR_OK)
        rc = qr_file_write(path, qr_buf_bytes(&pem), 0600, err);
    if (pem.p) qr_wipe(pem.p, pem.n);
    qr_buf_fini(&pem);
    qr_signer_fini(&key);
    return rc;
}
