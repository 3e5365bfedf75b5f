/* paper.c - three forms of one table. */
#include "export/paper.h"

#include "export/text.h"

enum qr_rc paper_form_parse(const char *name, enum paper_form *out, struct qr_err *err)
{
    static const char *const names[] = {"text", "csv", "html"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (qr_bytes_is(qr_str(name), names[i])) return *out = (enum paper_form)i, QR_OK;
    return qr_fail(err, QR_USAGE, "no such form: %.40s; text, csv or html", name);
}

static struct qr_bytes cell(const json_t *row, const char *key)
{
    const json_t *s = json_object_get(row, key);
    return json_is_string(s) ? QR_BYTES(json_string_value(s), json_string_length(s))
                             : QR_BYTES_NONE;
}

/* ---- text ---- */

/* Control characters of others' words do not reach a terminal. */
static void put_plain(struct qr_bytes s, struct qr_buf *out)
{
    for (size_t i = 0; i < s.n; i++)
        qr_buf_put_u8(out, s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
}

static void write_text(const struct paper *p, struct qr_buf *out)
{
    const char *key;
    json_t *v;
    qr_buf_printf(out, "%s\n", p->title);
    json_object_foreach((json_t *)p->facts, key, v)
    {
        qr_buf_printf(out, "%s ", key);
        put_plain(cell(p->facts, key), out);
        qr_buf_put_u8(out, '\n');
    }
    for (size_t i = 0; i < json_array_size(p->rows); i++) {
        const json_t *row = json_array_get(p->rows, i);
        qr_buf_put_str(out, i == 0 ? "\n" : "");
        for (const char *const *c = p->columns; *c; c++) {
            if (cell(row, *c).n == 0) continue;
            qr_buf_printf(out, "%s%s ", c == p->columns ? "" : "  ", *c);
            put_plain(cell(row, *c), out);
            qr_buf_put_u8(out, '\n');
        }
    }
}

/* ---- CSV ---- */

static void write_csv(const struct paper *p, struct qr_buf *out)
{
    const char *key;
    json_t *v;
    const char *const *c;
    for (c = p->columns; *c; c++) qr_buf_printf(out, "%s%s", c == p->columns ? "" : ",", *c);
    for (c = p->blank; *c; c++) qr_buf_printf(out, ",%s", *c);
    json_object_foreach((json_t *)p->facts, key, v) { qr_buf_printf(out, ",%s", key); }
    qr_buf_put_str(out, "\r\n");
    for (size_t i = 0; i < json_array_size(p->rows); i++) {
        const json_t *row = json_array_get(p->rows, i);
        for (c = p->columns; *c; c++) {
            if (c != p->columns) qr_buf_put_u8(out, ',');
            export_csv_cell(cell(row, *c), out);
        }
        for (c = p->blank; *c; c++) qr_buf_put_u8(out, ',');
        json_object_foreach((json_t *)p->facts, key, v)
        {
            qr_buf_put_u8(out, ',');
            export_csv_cell(cell(p->facts, key), out);
        }
        qr_buf_put_str(out, "\r\n");
    }
}

/* ---- HTML ---- */

static void write_html(const struct paper *p, struct qr_buf *out)
{
    const char *key;
    json_t *v;
    const char *const *c;
    qr_buf_put_str(out, export_html_top);
    qr_buf_printf(out, "<h1>%s</h1>\n<table>\n", p->title);
    json_object_foreach((json_t *)p->facts, key, v)
    {
        qr_buf_printf(out, "<tr><th>%s</th><td>", key);
        export_html_text(cell(p->facts, key), out);
        qr_buf_put_str(out, "</td></tr>\n");
    }
    qr_buf_put_str(out, "</table>\n<h2>Items</h2>\n<table><thead><tr>");
    for (c = p->columns; *c; c++) qr_buf_printf(out, "<th>%s</th>", *c);
    for (c = p->blank; *c; c++) qr_buf_printf(out, "<th>%s</th>", *c);
    qr_buf_put_str(out, "</tr></thead>\n");
    for (size_t i = 0; i < json_array_size(p->rows); i++) {
        qr_buf_put_str(out, "<tr>");
        for (c = p->columns; *c; c++) {
            qr_buf_put_str(out, "<td>");
            export_html_text(cell(json_array_get(p->rows, i), *c), out);
            qr_buf_put_str(out, "</td>");
        }
        for (c = p->blank; *c; c++) qr_buf_put_str(out, "<td class=\"blank\"></td>");
        qr_buf_put_str(out, "</tr>\n");
    }
    qr_buf_put_str(out, "</table>\n</body></html>\n");
}

void paper_write(const struct paper *p, enum paper_form form, struct qr_buf *out)
{
    switch (form) {
    case PAPER_TEXT: write_text(p, out); break;
    case PAPER_CSV: write_csv(p, out); break;
    case PAPER_HTML: write_html(p, out); break;
    }
}
