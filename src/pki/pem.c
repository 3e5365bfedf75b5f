/* pem.c - the one layout that OpenSSL writes, read strictly. */
#include "pki/pem.h"

#include <stdio.h>

void pki_pem_write(struct qr_bytes der, const char *label, struct qr_buf *pem)
{
    struct qr_buf base64;
    qr_buf_init(&base64, 2 * der.n + 8);
    qr_buf_put_base64(&base64, der);
    if (qr_buf_ok(&base64) != QR_OK) pem->failed = true;
    qr_buf_printf(pem, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < base64.n; i += 64) {
        size_t n = base64.n - i < 64 ? base64.n - i : 64;
        qr_buf_put(pem, base64.p + i, n);
        qr_buf_put_u8(pem, '\n');
    }
    qr_buf_printf(pem, "-----END %s-----\n", label);
    qr_buf_fini(&base64);
}

/* Without regard to where its lines break. */
static enum qr_rc decode(struct qr_bytes pem, const char *label, struct qr_buf *der)
{
    char line[64];
    struct qr_bytes begin, end;
    (void)snprintf(line, sizeof line, "-----BEGIN %s-----\n", label);
    begin = qr_str(line);
    if (pem.n < begin.n || !qr_bytes_equal(QR_BYTES(pem.p, begin.n), begin)) return QR_MALFORMED;
    struct qr_bytes rest = QR_BYTES(pem.p + begin.n, pem.n - begin.n);
    (void)snprintf(line, sizeof line, "-----END %s-----\n", label);
    end = qr_str(line);
    if (rest.n < end.n || !qr_bytes_equal(QR_BYTES(rest.p + rest.n - end.n, end.n), end))
        return QR_MALFORMED;
    struct qr_buf base64;
    qr_buf_init(&base64, rest.n);
    for (size_t i = 0; i < rest.n - end.n; i++)
        if (rest.p[i] != '\n') qr_buf_put_u8(&base64, rest.p[i]);
    enum qr_rc rc = qr_unbase64(qr_buf_bytes(&base64), der);
    qr_buf_fini(&base64);
    return rc;
}

enum qr_rc pki_pem_read(struct qr_bytes pem, const char *label, struct qr_buf *der)
{
    struct qr_buf again;
    size_t start = der->n;
    QR_TRY(decode(pem, label, der));
    qr_buf_init(&again, 2 * pem.n + 128);
    pki_pem_write(QR_BYTES(der->p + start, der->n - start), label, &again);
    bool same = qr_bytes_equal(qr_buf_bytes(&again), pem);
    qr_buf_fini(&again);
    return same ? QR_OK : QR_MALFORMED;
}
