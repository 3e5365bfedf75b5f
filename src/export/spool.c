/* spool.c - by parts of 48 KiB, which are whole groups of base64. */
#include "export/spool.h"

#define PART ((size_t)48 * 1024)

FILE *export_spool_new(void) { return tmpfile(); }

enum qr_rc export_spool_put(void *ctx, struct qr_bytes s)
{
    return s.n == 0 || fwrite(s.p, 1, s.n, ctx) == s.n ? QR_OK : QR_IO;
}

static enum qr_rc each_part(FILE *f, bool base64, const struct export_sink *to)
{
    uint8_t part[PART];
    struct qr_buf coded;
    enum qr_rc rc = QR_OK;
    if (fseek(f, 0, SEEK_SET) != 0) return QR_IO;
    qr_buf_init(&coded, 2 * PART);
    for (size_t n; rc == QR_OK && (n = fread(part, 1, PART, f)) > 0;) {
        qr_buf_reset(&coded);
        if (base64) qr_buf_put_base64(&coded, QR_BYTES(part, n));
        rc = to->put(to->ctx, base64 ? qr_buf_bytes(&coded) : QR_BYTES(part, n));
    }
    qr_buf_fini(&coded);
    return rc == QR_OK && ferror(f) ? QR_IO : rc;
}

enum qr_rc export_spool_copy(FILE *f, const struct export_sink *to)
{
    return each_part(f, false, to);
}

enum qr_rc export_spool_base64(FILE *f, const struct export_sink *to)
{
    return each_part(f, true, to);
}

static enum qr_rc seek_behind(FILE *f, const char *text)
{
    size_t k = 0;
    if (fseek(f, 0, SEEK_SET) != 0) return QR_IO;
    for (int c; text[k] && (c = getc_unlocked(f)) != EOF;)
        k = c == text[k] ? k + 1 : c == text[0] ? 1 : 0;
    return text[k] ? QR_MALFORMED : QR_OK;
}

enum qr_rc export_spool_decode(FILE *f, const char *begins, char ends, FILE *out)
{
    uint8_t part[PART / 3 * 4];
    struct qr_buf plain;
    int c = 0;
    enum qr_rc rc = seek_behind(f, begins);
    qr_buf_init(&plain, PART);
    while (rc == QR_OK && c != ends) {
        size_t n = 0;
        while (n < sizeof part && (c = getc_unlocked(f)) != EOF && c != ends)
            part[n++] = (uint8_t)c;
        if (c == EOF) rc = QR_MALFORMED;
        qr_buf_reset(&plain);
        if (rc == QR_OK) rc = qr_unbase64(QR_BYTES(part, n), &plain);
        if (rc == QR_OK) rc = export_spool_put(out, qr_buf_bytes(&plain));
    }
    qr_buf_fini(&plain);
    return rc;
}
