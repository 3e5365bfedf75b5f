/* page.c - see page.h. */
#include <config.h> /* memmem */

#include "evidence/page.h"

#include "base/json.h"
#include "crypto/crypto.h"

#include <assert.h>
#include <string.h>

extern const unsigned char qr_pack_html[];
extern const size_t qr_pack_html_len;

#define MARK_POLICY "@POLICY@"
#define MARK_DATA "@DATA@"

/* What stands between two marks of the template, which is ours: both are there. */
static struct qr_bytes between(struct qr_bytes s, const char *open, const char *close)
{
    const uint8_t *from = memmem(s.p, s.n, open, strlen(open));
    assert(from);
    from += strlen(open);
    size_t left = s.n - (size_t)(from - s.p);
    const uint8_t *to = memmem(from, left, close, strlen(close));
    assert(to);
    return QR_BYTES(from, (size_t)(to - from));
}

static void put_digest(struct qr_bytes inline_text, struct qr_buf *out)
{
    struct qr_hash h = qr_sha256_one(inline_text);
    qr_buf_put_str(out, "'sha256-");
    qr_buf_put_base64(out, QR_BYTES_OF(h.b));
    qr_buf_put_str(out, "'");
}

static void put_policy(struct qr_bytes page, struct qr_buf *out)
{
    qr_buf_put_str(out, "default-src 'none'; base-uri 'none'; form-action 'none'; script-src ");
    put_digest(between(page, "<script>", "</script>"), out);
    qr_buf_put_str(out, "; style-src ");
    put_digest(between(page, "<style>", "</style>"), out);
}

/* One JSON object: path -> base64, in the pack's order. */
static void put_data(const struct pack *p, struct qr_buf *out)
{
    qr_buf_put_str(out, "{");
    for (size_t i = 0; i < p->n; i++) {
        qr_buf_put_str(out, i ? ",\n\"" : "\n\"");
        qr_buf_put_str(out, p->file[i].path);
        qr_buf_put_str(out, "\":\"");
        qr_buf_put_base64(out, p->file[i].data);
        qr_buf_put_str(out, "\"");
    }
    qr_buf_put_str(out, "}");
}

enum qr_rc evidence_page(const struct pack *p, struct qr_buf *out, struct qr_err *err)
{
    struct qr_bytes page = QR_BYTES(qr_pack_html, qr_pack_html_len);
    struct qr_bytes before = QR_BYTES(page.p, 0), middle = between(page, MARK_POLICY, MARK_DATA);
    before.n = (size_t)(middle.p - page.p) - strlen(MARK_POLICY);
    const uint8_t *rest = middle.p + middle.n + strlen(MARK_DATA);
    qr_buf_put_bytes(out, before);
    put_policy(page, out);
    qr_buf_put_bytes(out, middle);
    put_data(p, out);
    qr_buf_put(out, rest, page.n - (size_t)(rest - page.p));
    return out->failed ? qr_fail(err, QR_NOMEM, "the page would be too large") : QR_OK;
}
