/* syslog.c - RFC 5424 messages, one a line (RFC 6587 section 3.4.2).
 *
 * MSGID is the entry's kind, the structured data has every cell that is not
 * empty by its column's name, the message is the entry as it was hashed.
 * Control characters in a cell are written as question marks: a message has no
 * line end within it, and the entry has the value whole. */
#include "base/limits.h"
#include "crypto/crypto.h"
#include "export/format.h"

/* The enterprise number that RFC 5612 sets aside for documentation: quorate has
 * none of its own. */
#define SD_ID "quorate@32473"
#define LOG_AUDIT_INFO 110 /* facility 13, severity 6 */
#define LOG_AUDIT_WARNING 108

/* RFC 5424 section 6.3.3: '"', '\' and ']' MUST be escaped. */
static void put_value(struct qr_bytes s, struct qr_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '"' || c == '\\' || c == ']') qr_buf_put_u8(out, '\\');
        qr_buf_put_u8(out, c < 0x20 || c == 0x7f ? '?' : c);
    }
}

static void put_param(const char *name, struct qr_bytes value, struct qr_buf *out)
{
    if (value.n == 0) return;
    qr_buf_printf(out, " %s=\"", name);
    put_value(value, out);
    qr_buf_put_u8(out, '"');
}

/* HOSTNAME: 1 to 255 printable ASCII characters without blanks, else "-". */
static struct qr_bytes hostname(struct qr_bytes s)
{
    bool ok = s.n > 0 && s.n <= 255;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f) ok = false;
    return ok ? s : qr_str("-");
}

static void put_header(int pri, struct qr_bytes time, struct qr_bytes host, struct qr_bytes msgid,
                       struct qr_buf *out)
{
    qr_buf_printf(out, "<%d>1 ", pri);
    qr_buf_put_bytes(out, time);
    qr_buf_put_u8(out, ' ');
    qr_buf_put_bytes(out, hostname(host));
    qr_buf_put_str(out, " quorate - ");
    qr_buf_put_bytes(out, msgid);
    qr_buf_put_str(out, " [" SD_ID);
}

static void syslog_head(struct qr_bytes header, struct qr_buf *out)
{
    put_header(LOG_AUDIT_INFO, qr_str("-"), qr_str("-"), qr_str("export"), out);
    put_param("row", qr_str("export"), out);
    qr_buf_put_str(out, "] ");
    qr_buf_put_bytes(out, header);
    qr_buf_put_u8(out, '\n');
}

static void syslog_row(const struct export_row *r, struct qr_buf *out)
{
    bool entry = r->what == EXPORT_ENTRY;
    bool good = !entry || qr_bytes_is(export_cell(r, EXPORT_OUTCOME), "success");
    put_header(good ? LOG_AUDIT_INFO : LOG_AUDIT_WARNING,
               entry ? export_cell(r, EXPORT_EVENT_TIME) : qr_str("-"),
               export_cell(r, EXPORT_LOG_ORIGIN),
               entry ? export_cell(r, EXPORT_EVENT_TYPE) : qr_str(export_what_name(r->what)), out);
    put_param("row", qr_str(export_what_name(r->what)), out);
    for (unsigned c = 0; c < EXPORT_COLUMNS; c++)
        put_param(export_column_name((enum export_column)c), export_cell(r, (enum export_column)c),
                  out);
    qr_buf_put_str(out, "] ");
    if (entry) qr_buf_put_bytes(out, r->bytes);
    if (r->what == EXPORT_FOREIGN) qr_buf_put_base64(out, r->bytes);
    /* once more: nothing else in the file would show which row was damaged */
    if (r->what == EXPORT_EXCLUDED) qr_buf_put_base64(out, QR_BYTES_OF(r->leaf.b));
    qr_buf_put_u8(out, '\n');
}

/* ---- reading ---- */

/* What follows the structured data's id; the header has six fields before it. */
static struct qr_bytes after_id(struct qr_bytes s)
{
    static const char id[] = "[" SD_ID;
    for (unsigned field = 0; field < 6 && s.n > 0; field++) {
        size_t i = 0;
        while (i < s.n && s.p[i] != ' ') i++;
        s = i < s.n ? QR_BYTES(s.p + i + 1, s.n - i - 1) : QR_BYTES_NONE;
    }
    if (s.n < sizeof id - 1 || !qr_bytes_is(QR_BYTES(s.p, sizeof id - 1), id)) return QR_BYTES_NONE;
    return QR_BYTES(s.p + sizeof id - 1, s.n - (sizeof id - 1));
}

/* The next parameter's name and value, unescaped; false at the end of them. */
static bool next_param(struct qr_bytes *s, struct qr_bytes *name, struct qr_buf *value)
{
    size_t i = 1, end;
    if (s->n < 2 || s->p[0] != ' ') return false;
    while (i < s->n && s->p[i] != '=') i++;
    *name = QR_BYTES(s->p + 1, i - 1);
    if (i + 1 >= s->n || s->p[i + 1] != '"') return false;
    for (end = i + 2; end < s->n && s->p[end] != '"'; end++) {
        if (s->p[end] == '\\' && end + 1 < s->n) end++;
        qr_buf_put_u8(value, s->p[end]);
    }
    if (end == s->n) return false;
    *s = QR_BYTES(s->p + end + 1, s->n - end - 1);
    return true;
}

/* The message behind "]"; empty when there is none. */
static struct qr_bytes message(struct qr_bytes s)
{
    return s.n > 2 && s.p[0] == ']' && s.p[1] == ' ' ? QR_BYTES(s.p + 2, s.n - 2) : QR_BYTES_NONE;
}

static enum qr_rc take_param(struct qr_bytes name, struct qr_bytes value, struct export_claim *c,
                             unsigned *found)
{
    if (qr_bytes_is(name, "row")) {
        unsigned w = 0;
        while (w <= EXPORT_FOREIGN && !qr_bytes_is(value, export_what_name((enum export_what)w)))
            w++;
        if (w > EXPORT_FOREIGN) return QR_MALFORMED;
        c->what = (enum export_what)w;
        *found |= 1;
    } else if (qr_bytes_is(name, "leaf_index")) {
        QR_TRY(qr_parse_u64(value, UINT64_MAX, &c->index));
        *found |= 2;
    } else if (qr_bytes_is(name, "leaf_hash")) {
        QR_TRY(qr_unhex(value, c->leaf.b, QR_SHA256_SIZE));
        *found |= 4;
    }
    return QR_OK;
}

static enum qr_rc syslog_read_row(struct qr_bytes unit, struct export_claim *c)
{
    struct qr_bytes s = after_id(unit), name;
    struct qr_buf value;
    unsigned found = 0;
    enum qr_rc rc = QR_OK;
    qr_buf_init(&value, EXPORT_UNIT_MAX);
    while (rc == QR_OK && next_param(&s, &name, &value)) {
        rc = take_param(name, qr_buf_bytes(&value), c, &found);
        qr_buf_reset(&value);
    }
    qr_buf_fini(&value);
    if (rc != QR_OK || found != 7) return QR_MALFORMED;
    c->placed = c->hashed = true;
    if (c->what == EXPORT_FOREIGN) return qr_unbase64(message(s), &c->bytes);
    if (c->what == EXPORT_ENTRY) qr_buf_put_bytes(&c->bytes, message(s));
    return QR_OK;
}

static enum qr_rc syslog_read_head(struct qr_bytes unit, struct qr_buf *header)
{
    struct qr_bytes s = after_id(unit), name;
    struct qr_buf value;
    qr_buf_init(&value, EXPORT_UNIT_MAX);
    while (next_param(&s, &name, &value)) qr_buf_reset(&value);
    qr_buf_fini(&value);
    qr_buf_put_bytes(header, message(s));
    return QR_OK;
}

const struct export_format export_syslog = {.name = "syslog",
                                            .head_units = 1,
                                            .head = syslog_head,
                                            .row = syslog_row,
                                            .read_head = syslog_read_head,
                                            .read_row = syslog_read_row};
