/* input.c - from a stream or from memory. */
#include "export/input.h"

#include "export/write.h"

void export_input_init(struct export_input *in, FILE *file, struct qr_bytes mem, size_t max)
{
    *in = (struct export_input){.file = file, .mem = mem};
    qr_buf_init(&in->unit, max);
}

void export_input_fini(struct export_input *in) { qr_buf_fini(&in->unit); }

static int next_byte(struct export_input *in)
{
    if (in->file) return getc_unlocked(in->file);
    if (in->mem.n == 0) return EOF;
    int c = in->mem.p[0];
    in->mem = QR_BYTES(in->mem.p + 1, in->mem.n - 1);
    return c;
}

struct qr_bytes export_input_peek(struct export_input *in, size_t n)
{
    if (in->file && in->unit.n == 0)
        for (int c; in->unit.n < n && (c = next_byte(in)) != EOF;)
            qr_buf_put_u8(&in->unit, (uint8_t)c);
    if (in->file) return qr_buf_bytes(&in->unit);
    return QR_BYTES(in->mem.p, in->mem.n < n ? in->mem.n : n);
}

/* Where the unit ends in what was peeked; its length when it does not. */
static size_t end_of(struct qr_bytes s, bool records, bool *quoted)
{
    for (size_t i = 0; i < s.n; i++) {
        if (records && s.p[i] == '"') *quoted = !*quoted;
        if (s.p[i] == '\n' && !*quoted) return i;
    }
    return s.n;
}

enum qr_rc export_input_next(struct export_input *in, bool records, struct qr_bytes *unit)
{
    bool quoted = false;
    size_t peeked = in->units == 0 ? in->unit.n : 0;
    if (peeked > 0) {
        size_t end = end_of(qr_buf_bytes(&in->unit), records, &quoted);
        if (end < peeked) return QR_MALFORMED; /* no head is that short */
    } else {
        qr_buf_reset(&in->unit);
    }
    for (int c; (c = next_byte(in)) != EOF;) {
        if (records && c == '"') quoted = !quoted;
        if (c == '\n' && !quoted) {
            in->units++;
            *unit = qr_buf_bytes(&in->unit);
            return qr_buf_ok(&in->unit);
        }
        qr_buf_put_u8(&in->unit, (uint8_t)c);
        if (in->unit.failed) return QR_NOMEM;
    }
    if (in->file && ferror(in->file)) return QR_IO;
    return in->unit.n == 0 ? QR_NOTFOUND : QR_MALFORMED;
}

enum qr_rc export_input_rest(struct export_input *in, const struct export_sink *to)
{
    uint8_t part[16384];
    if (!in->file) return to->put(to->ctx, in->mem);
    if (in->units == 0) QR_TRY(to->put(to->ctx, qr_buf_bytes(&in->unit)));
    for (size_t n; (n = fread(part, 1, sizeof part, in->file)) > 0;)
        QR_TRY(to->put(to->ctx, QR_BYTES(part, n)));
    return ferror(in->file) ? QR_IO : QR_OK;
}
