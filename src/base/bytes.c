/* bytes.c - the checked copies, the capped buffer, hex and base64.
 *
 * A buffer grows by doubling up to its cap.  Failure is sticky, so that a
 * writer of many fields has one check at its end and no half-written field. */
#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qr_bytes qr_str(const char *s) { return QR_BYTES(s, strlen(s)); }

void qr_copy(void *dst, const void *src, size_t n)
{
    if (n == 0) return;
    assert(dst && src);
    memcpy(dst, src, n);
}

void qr_zero(void *dst, size_t n)
{
    if (n > 0) memset(dst, 0, n);
}

bool qr_bytes_equal(struct qr_bytes a, struct qr_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool qr_bytes_is(struct qr_bytes a, const char *s) { return qr_bytes_equal(a, qr_str(s)); }

bool qr_equal_ct(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < n; i++) diff = (uint8_t)(diff | (x[i] ^ y[i]));
    return diff == 0;
}

/* Length of the well-formed sequence that starts at p (RFC 3629 section 4),
 * 0 when there is none. */
static size_t utf8_step(const uint8_t *p, size_t n)
{
    if (p[0] < 0x80) return p[0] == 0 ? 0 : 1;
    if (p[0] < 0xc2) return 0;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (len == 0 || len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    if (p[0] == 0xed && p[1] > 0x9f) return 0;
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return len;
}

bool qr_utf8_ok(struct qr_bytes s)
{
    for (size_t i = 0; i < s.n;) {
        size_t step = utf8_step(s.p + i, s.n - i);
        if (step == 0) return false;
        i += step;
    }
    return true;
}

void qr_buf_init(struct qr_buf *b, size_t cap) { *b = (struct qr_buf){.cap = cap}; }

void qr_buf_fini(struct qr_buf *b)
{
    free(b->p);
    *b = (struct qr_buf){.cap = b->cap};
}

void qr_buf_reset(struct qr_buf *b)
{
    b->n = 0;
    b->failed = false;
}

enum qr_rc qr_buf_ok(const struct qr_buf *b) { return b->failed ? QR_NOMEM : QR_OK; }
struct qr_bytes qr_buf_bytes(const struct qr_buf *b) { return QR_BYTES(b->p, b->n); }

/* Makes room for n more bytes and an uncounted NUL. */
static bool buf_reserve(struct qr_buf *b, size_t n)
{
    assert(b->n <= b->cap);
    if (b->failed || n > b->cap - b->n) {
        b->failed = true;
        return false;
    }
    size_t need = b->n + n + 1;
    if (need <= b->room) return true;
    size_t room = b->room ? b->room : 64;
    while (room < need) room *= 2;
    uint8_t *p = realloc(b->p, room);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->room = room;
    return true;
}

void qr_buf_put(struct qr_buf *b, const void *p, size_t n)
{
    if (!buf_reserve(b, n)) return;
    qr_copy(b->p + b->n, p, n);
    b->n += n;
}

void qr_buf_put_bytes(struct qr_buf *b, struct qr_bytes s) { qr_buf_put(b, s.p, s.n); }
void qr_buf_put_str(struct qr_buf *b, const char *s) { qr_buf_put_bytes(b, qr_str(s)); }
void qr_buf_put_u8(struct qr_buf *b, uint8_t v) { qr_buf_put(b, &v, 1); }

void qr_buf_put_be16(struct qr_buf *b, uint16_t v)
{
    uint8_t t[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    qr_buf_put(b, t, sizeof t);
}

void qr_set_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

void qr_set_be64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (56 - 8 * i));
}

void qr_set_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

void qr_set_le64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (8 * i));
}

void qr_buf_put_be32(struct qr_buf *b, uint32_t v)
{
    uint8_t t[4];
    qr_set_be32(t, v);
    qr_buf_put(b, t, sizeof t);
}

void qr_buf_put_be64(struct qr_buf *b, uint64_t v)
{
    uint8_t t[8];
    qr_set_be64(t, v);
    qr_buf_put(b, t, sizeof t);
}

void qr_buf_put_le32(struct qr_buf *b, uint32_t v)
{
    uint8_t t[4];
    qr_set_le32(t, v);
    qr_buf_put(b, t, sizeof t);
}

void qr_buf_put_le64(struct qr_buf *b, uint64_t v)
{
    uint8_t t[8];
    qr_set_le64(t, v);
    qr_buf_put(b, t, sizeof t);
}

void qr_buf_put_lp(struct qr_buf *b, struct qr_bytes s)
{
    assert(s.n <= UINT32_MAX);
    qr_buf_put_be32(b, (uint32_t)s.n);
    qr_buf_put_bytes(b, s);
}

void qr_buf_printf(struct qr_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(len >= 0);
    if (buf_reserve(b, (size_t)len)) {
        (void)vsnprintf((char *)b->p + b->n, (size_t)len + 1, fmt, again);
        b->n += (size_t)len;
    }
    va_end(again);
}

static const char hex_digits[] = "0123456789abcdef";

void qr_buf_put_hex(struct qr_buf *b, struct qr_bytes s)
{
    for (size_t i = 0; i < s.n; i++) {
        char t[2] = {hex_digits[s.p[i] >> 4], hex_digits[s.p[i] & 15]};
        qr_buf_put(b, t, 2);
    }
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void qr_buf_put_base64(struct qr_buf *b, struct qr_bytes s)
{
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        uint32_t v = (uint32_t)s.p[i] << 16;
        if (left > 1) v |= (uint32_t)s.p[i + 1] << 8;
        if (left > 2) v |= s.p[i + 2];
        char t[4] = {base64_digits[v >> 18], base64_digits[(v >> 12) & 63],
                     left > 1 ? base64_digits[(v >> 6) & 63] : '=',
                     left > 2 ? base64_digits[v & 63] : '='};
        qr_buf_put(b, t, 4);
    }
}

const char *qr_buf_cstr(struct qr_buf *b)
{
    if (!buf_reserve(b, 0)) return NULL;
    b->p[b->n] = 0;
    return (const char *)b->p;
}

uint16_t qr_get_be16(const uint8_t *p) { return (uint16_t)((p[0] << 8) | p[1]); }

uint32_t qr_get_be32(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) v = (v << 8) | p[i];
    return v;
}

uint64_t qr_get_be64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v = (v << 8) | p[i];
    return v;
}

uint32_t qr_get_le32(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 3; i >= 0; i--) v = (v << 8) | p[i];
    return v;
}

uint64_t qr_get_le64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = (v << 8) | p[i];
    return v;
}

struct qr_reader qr_reader_of(struct qr_bytes s) { return (struct qr_reader){s, false}; }

struct qr_bytes qr_read_bytes(struct qr_reader *r, size_t n)
{
    if (r->failed || n > r->rest.n) {
        r->failed = true;
        return QR_BYTES_NONE;
    }
    struct qr_bytes out = {r->rest.p, n};
    if (n > 0) r->rest = QR_BYTES(r->rest.p + n, r->rest.n - n);
    return out;
}

void qr_read_into(struct qr_reader *r, void *dst, size_t n)
{
    struct qr_bytes s = qr_read_bytes(r, n);
    if (s.n == n)
        qr_copy(dst, s.p, n);
    else
        qr_zero(dst, n);
}

uint8_t qr_read_u8(struct qr_reader *r)
{
    uint8_t t[1];
    qr_read_into(r, t, sizeof t);
    return t[0];
}

uint16_t qr_read_be16(struct qr_reader *r)
{
    uint8_t t[2];
    qr_read_into(r, t, sizeof t);
    return qr_get_be16(t);
}

uint32_t qr_read_be32(struct qr_reader *r)
{
    uint8_t t[4];
    qr_read_into(r, t, sizeof t);
    return qr_get_be32(t);
}

uint64_t qr_read_be64(struct qr_reader *r)
{
    uint8_t t[8];
    qr_read_into(r, t, sizeof t);
    return qr_get_be64(t);
}

uint32_t qr_read_le32(struct qr_reader *r)
{
    uint8_t t[4];
    qr_read_into(r, t, sizeof t);
    return qr_get_le32(t);
}

uint64_t qr_read_le64(struct qr_reader *r)
{
    uint8_t t[8];
    qr_read_into(r, t, sizeof t);
    return qr_get_le64(t);
}

struct qr_bytes qr_read_lp(struct qr_reader *r, size_t max)
{
    uint32_t n = qr_read_be32(r);
    if (n > max) r->failed = true;
    return qr_read_bytes(r, n);
}

enum qr_rc qr_reader_done(const struct qr_reader *r)
{
    return r->failed || r->rest.n > 0 ? QR_MALFORMED : QR_OK;
}

void qr_hex(const void *p, size_t n, char *out)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex_digits[b[i] >> 4];
        out[2 * i + 1] = hex_digits[b[i] & 15];
    }
    out[2 * n] = 0;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

enum qr_rc qr_unhex(struct qr_bytes s, void *out, size_t n)
{
    uint8_t *o = out;
    if (s.n != 2 * n) return QR_MALFORMED;
    for (size_t i = 0; i < n; i++) {
        int hi = hex_value(s.p[2 * i]);
        int lo = hex_value(s.p[2 * i + 1]);
        if (hi < 0 || lo < 0) return QR_MALFORMED;
        o[i] = (uint8_t)(hi << 4 | lo);
    }
    return QR_OK;
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum qr_rc qr_unbase64(struct qr_bytes s, struct qr_buf *out)
{
    if (s.n % 4 != 0) return QR_MALFORMED;
    for (size_t i = 0; i < s.n; i += 4) {
        bool last = i + 4 == s.n;
        int pad = last ? (s.p[i + 3] == '=') + (s.p[i + 2] == '=') : 0;
        if (last && s.p[i + 2] == '=' && s.p[i + 3] != '=') return QR_MALFORMED;
        uint32_t v = 0;
        for (int k = 0; k < 4; k++) {
            int d = k >= 4 - pad ? 0 : base64_value(s.p[i + (size_t)k]);
            if (d < 0) return QR_MALFORMED;
            v = v << 6 | (uint32_t)d;
        }
        if (v & ((1u << (8 * pad)) - 1)) return QR_MALFORMED;
        uint8_t t[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        qr_buf_put(out, t, (size_t)(3 - pad));
    }
    return qr_buf_ok(out);
}

enum qr_rc qr_unbase64_n(struct qr_bytes s, void *out, size_t n)
{
    struct qr_buf b;
    /* Known beforehand, so that missing memory is not taken for a wrong length. */
    size_t pad = s.n < 4 ? 0 : (size_t)(s.p[s.n - 1] == '=') + (s.p[s.n - 2] == '=');
    if (s.n % 4 != 0 || s.n / 4 * 3 != n + pad) return QR_MALFORMED;
    qr_buf_init(&b, n);
    enum qr_rc rc = qr_unbase64(s, &b);
    if (rc == QR_OK && b.n != n) rc = QR_MALFORMED;
    if (rc == QR_OK) qr_copy(out, b.p, n);
    qr_buf_fini(&b);
    return rc;
}

enum qr_rc qr_parse_u64(struct qr_bytes s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || (s.n > 1 && s.p[0] == '0')) return QR_MALFORMED;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return QR_MALFORMED;
        uint64_t d = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - d) / 10) return QR_RANGE;
        v = v * 10 + d;
    }
    if (v > max) return QR_RANGE;
    *out = v;
    return QR_OK;
}
