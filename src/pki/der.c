/* der.c - tag, length, content. */
#include "pki/der.h"

#include <assert.h>

void der_put(struct qr_buf *out, uint8_t tag, struct qr_bytes content)
{
    assert(content.n <= 65535);
    qr_buf_put_u8(out, tag);
    if (content.n >= 256) {
        qr_buf_put_u8(out, 0x82);
        qr_buf_put_be16(out, (uint16_t)content.n);
    } else {
        if (content.n >= 128) qr_buf_put_u8(out, 0x81);
        qr_buf_put_u8(out, (uint8_t)content.n);
    }
    qr_buf_put_bytes(out, content);
}

void der_wrap(struct qr_buf *out, uint8_t tag, struct qr_buf *content)
{
    if (content->failed) out->failed = true;
    der_put(out, tag, qr_buf_bytes(content));
    qr_buf_reset(content);
}

struct qr_bytes der_read(struct qr_reader *r, uint8_t tag)
{
    if (qr_read_u8(r) != tag) r->failed = true;
    size_t n = qr_read_u8(r);
    if (n == 0x81)
        n = qr_read_u8(r);
    else if (n == 0x82)
        n = qr_read_be16(r);
    else if (n >= 128)
        r->failed = true;
    return qr_read_bytes(r, n);
}

uint8_t der_peek(const struct qr_reader *r)
{
    return r->failed || r->rest.n == 0 ? 0 : r->rest.p[0];
}
