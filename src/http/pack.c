/* pack.c - zlib, and lists in headers. */
#include "http/pack.h"

#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* 16 asks zlib for gzip's header and trailer */

enum qr_rc http_gzip(struct qr_buf *b)
{
    z_stream z = {.next_in = b->p, .avail_in = (uInt)b->n};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return QR_NOMEM;
    size_t room = deflateBound(&z, (uLong)b->n);
    uint8_t *out = malloc(room);
    z.next_out = out;
    z.avail_out = (uInt)room;
    bool ok = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
    if (ok) {
        qr_buf_reset(b);
        qr_buf_put(b, out, z.total_out);
        ok = qr_buf_ok(b) == QR_OK;
    }
    (void)deflateEnd(&z);
    free(out);
    return ok ? QR_OK : QR_NOMEM;
}

static bool plain_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/' || c == '~';
}

bool http_plain_target(struct qr_bytes s)
{
    if (s.n < 2 || s.p[0] != '/' || s.p[s.n - 1] == '/') return false;
    bool dots = true;
    for (size_t i = 1; i < s.n; i++) {
        if (!plain_char(s.p[i])) return false;
        if (s.p[i] == '/' && dots) return false;
        dots = s.p[i] == '/' || (dots && s.p[i] == '.');
    }
    return !dots;
}

static struct qr_bytes trim(struct qr_bytes s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s = QR_BYTES(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

/* Cuts off what stands before the first c. */
static struct qr_bytes cut(struct qr_bytes *rest, char c)
{
    size_t i = 0;
    while (i < rest->n && rest->p[i] != (uint8_t)c) i++;
    struct qr_bytes head = QR_BYTES(rest->p, i);
    *rest = i < rest->n ? QR_BYTES(rest->p + i + 1, rest->n - i - 1) : QR_BYTES_NONE;
    return trim(head);
}

/* "q=0", "q=0.000": not acceptable. */
static bool is_zero(struct qr_bytes q)
{
    if (q.n < 3 || (q.p[0] | 0x20) != 'q' || q.p[1] != '=') return false;
    for (size_t i = 2; i < q.n; i++)
        if (q.p[i] != '0' && q.p[i] != '.') return false;
    return true;
}

bool http_accepts_gzip(struct qr_bytes value)
{
    while (value.n > 0) {
        struct qr_bytes item = cut(&value, ','), name = cut(&item, ';');
        if (qr_bytes_is(name, "gzip")) return !is_zero(trim(item));
    }
    return false;
}

bool http_etag_in(struct qr_bytes value, const char *etag)
{
    if (qr_bytes_is(trim(value), "*")) return true;
    while (value.n > 0) {
        struct qr_bytes item = cut(&value, ',');
        if (item.n > 2 && item.p[0] == 'W' && item.p[1] == '/')
            item = QR_BYTES(item.p + 2, item.n - 2);
        if (qr_bytes_is(item, etag)) return true;
    }
    return false;
}
