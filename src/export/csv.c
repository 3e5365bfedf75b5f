/* csv.c - a table for spreadsheets (RFC 4180): a record of names, the record of
 * the export itself, then a record for each row.
 *
 * The first column says what a record is, the last one holds the entry's bytes
 * (the header's in the second record), from which a verifier makes all the other
 * cells again.  Of an excluded row it has the leaf hash once more: nothing else
 * in the file would show which one was damaged.  A cell that a spreadsheet would take for a formula gets an
 * apostrophe in front. */
#include "export/format.h"
#include "export/text.h"

#include "base/limits.h"

#define CELLS (EXPORT_COLUMNS + 2)

static void csv_head(struct qr_bytes header, struct qr_buf *out)
{
    qr_buf_put_str(out, "row");
    for (unsigned c = 0; c < EXPORT_COLUMNS; c++)
        qr_buf_printf(out, ",%s", export_column_name((enum export_column)c));
    qr_buf_put_str(out, ",entry\r\nexport");
    for (unsigned c = 0; c <= EXPORT_COLUMNS; c++) qr_buf_put_u8(out, ',');
    export_csv_cell(header, out);
    qr_buf_put_str(out, "\r\n");
}

static void put_base64(struct qr_bytes s, struct qr_buf *out)
{
    struct qr_buf b;
    qr_buf_init(&b, 2 * QR_MAX_ENTRY);
    qr_buf_put_base64(&b, s);
    export_csv_cell(qr_buf_bytes(&b), out);
    qr_buf_fini(&b);
}

/* What export_csv_cell put in front of a formula is not part of the value. */
static struct qr_bytes without_guard(struct qr_bytes s)
{
    return s.n > 0 && s.p[0] == '\'' ? QR_BYTES(s.p + 1, s.n - 1) : s;
}

static void csv_row(const struct export_row *r, struct qr_buf *out)
{
    qr_buf_put_str(out, export_what_name(r->what));
    for (unsigned c = 0; c < EXPORT_COLUMNS; c++) {
        qr_buf_put_u8(out, ',');
        export_csv_cell(export_cell(r, (enum export_column)c), out);
    }
    qr_buf_put_u8(out, ',');
    if (r->what == EXPORT_ENTRY)
        export_csv_cell(r->bytes, out);
    else
        put_base64(r->what == EXPORT_FOREIGN ? r->bytes : QR_BYTES_OF(r->leaf.b), out);
    qr_buf_put_str(out, "\r\n");
}

/* ---- reading ---- */

/* Appends the next cell's value; *s is what is left of the record.  A record
 * that was cut at a line end outside quotes has no other form than this. */
static enum qr_rc next_cell(struct qr_bytes *s, struct qr_buf *out)
{
    size_t i = 0;
    bool quoted = s->n > 0 && s->p[0] == '"';
    if (quoted) i++;
    for (; i < s->n; i++) {
        if (quoted && s->p[i] == '"') {
            if (i + 1 < s->n && s->p[i + 1] == '"') {
                i++;
            } else {
                i++;
                quoted = false;
                break;
            }
        } else if (!quoted && s->p[i] == ',') {
            break;
        }
        qr_buf_put_u8(out, s->p[i]);
    }
    if (quoted || (i < s->n && s->p[i] != ',')) return QR_MALFORMED;
    *s = i < s->n ? QR_BYTES(s->p + i + 1, s->n - i - 1) : QR_BYTES_NONE;
    return qr_buf_ok(out);
}

/* Reads the cells of a record: number `want` goes to out, *first is the first
 * two letters of the record's kind. */
static enum qr_rc cell_at(struct qr_bytes unit, unsigned want, struct qr_buf *out)
{
    enum qr_rc rc = QR_OK;
    struct qr_buf other;
    if (unit.n > 0 && unit.p[unit.n - 1] == '\r') unit.n--;
    qr_buf_init(&other, EXPORT_UNIT_MAX);
    for (unsigned c = 0; rc == QR_OK && c <= want; c++) {
        qr_buf_reset(&other);
        rc = next_cell(&unit, c == want ? out : &other);
    }
    qr_buf_fini(&other);
    return rc;
}

static enum qr_rc csv_read_head(struct qr_bytes unit, struct qr_buf *header)
{
    return cell_at(unit, CELLS - 1, header);
}

static enum qr_rc read_place(struct qr_bytes unit, struct export_claim *c)
{
    struct qr_buf b;
    qr_buf_init(&b, EXPORT_UNIT_MAX);
    enum qr_rc rc = cell_at(unit, 1 + EXPORT_LEAF_INDEX, &b);
    if (rc == QR_OK) rc = qr_parse_u64(qr_buf_bytes(&b), UINT64_MAX, &c->index);
    qr_buf_reset(&b);
    if (rc == QR_OK) rc = cell_at(unit, 1 + EXPORT_LEAF_HASH, &b);
    if (rc == QR_OK) rc = qr_unhex(qr_buf_bytes(&b), c->leaf.b, QR_SHA256_SIZE);
    qr_buf_fini(&b);
    c->placed = c->hashed = rc == QR_OK;
    return rc;
}

static enum qr_rc csv_read_row(struct qr_bytes unit, struct export_claim *c)
{
    struct qr_buf b;
    qr_buf_init(&b, EXPORT_UNIT_MAX);
    enum qr_rc rc = cell_at(unit, 0, &b);
    if (rc == QR_OK) {
        rc = QR_MALFORMED;
        for (unsigned w = 0; w <= EXPORT_FOREIGN && rc != QR_OK; w++) {
            c->what = (enum export_what)w;
            if (qr_bytes_is(qr_buf_bytes(&b), export_what_name(c->what))) rc = QR_OK;
        }
    }
    if (rc == QR_OK) rc = read_place(unit, c);
    qr_buf_reset(&b);
    if (rc == QR_OK && c->what != EXPORT_EXCLUDED) {
        rc = cell_at(unit, CELLS - 1, &b);
        if (rc == QR_OK && c->what == EXPORT_FOREIGN)
            rc = qr_unbase64(without_guard(qr_buf_bytes(&b)), &c->bytes);
        if (rc == QR_OK && c->what == EXPORT_ENTRY) qr_buf_put_bytes(&c->bytes, qr_buf_bytes(&b));
    }
    qr_buf_fini(&b);
    return rc == QR_OK ? QR_OK : QR_MALFORMED;
}

const struct export_format export_csv = {.name = "csv",
                                         .head_units = 2,
                                         .records = true,
                                         .head = csv_head,
                                         .row = csv_row,
                                         .read_head = csv_read_head,
                                         .read_row = csv_read_row};
