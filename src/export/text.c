/* text.c - quoting. */
#include "export/text.h"

void export_csv_cell(struct qr_bytes s, struct qr_buf *out)
{
    bool quote = false;
    bool formula = s.n > 0 && (s.p[0] == '=' || s.p[0] == '+' || s.p[0] == '-' || s.p[0] == '@' ||
                               s.p[0] == '\t' || s.p[0] == '\r');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\r' || s.p[i] == '\n') quote = true;
    if (quote) qr_buf_put_u8(out, '"');
    if (formula) qr_buf_put_u8(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') qr_buf_put_u8(out, '"');
        qr_buf_put_u8(out, s.p[i]);
    }
    if (quote) qr_buf_put_u8(out, '"');
}

void export_html_text(struct qr_bytes s, struct qr_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '<': qr_buf_put_str(out, "&lt;"); break;
        case '>': qr_buf_put_str(out, "&gt;"); break;
        case '&': qr_buf_put_str(out, "&amp;"); break;
        case '"': qr_buf_put_str(out, "&quot;"); break;
        case '\'': qr_buf_put_str(out, "&#39;"); break;
        /* also a line end: every row of the table is one line of the file */
        default: qr_buf_put_u8(out, s.p[i] < 0x20 ? ' ' : s.p[i]);
        }
    }
}

const char export_html_top[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Log export</title>\n<style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 "
    "1em;color:#1a1a1a;background:#fff}\n"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}\n"
    "table{border-collapse:collapse;width:100%;font-size:.86em}\n"
    "th,td{text-align:left;vertical-align:top;padding:.25em .6em .25em 0;border-bottom:1px "
    "solid #ddd}\n"
    "thead th{border-bottom:2px solid #666}tbody th{width:18em;font-weight:600}\n"
    "code,pre{font:.92em/1.4 ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "pre{background:#f4f4f4;padding:.7em;white-space:pre-wrap}\n"
    ".blank{min-width:7em}.k{white-space:nowrap}.denied,.error{color:#9a1c00}\n"
    "@media "
    "print{body{margin:0;max-width:none;font-size:9.5pt}thead{display:table-header-group}tr{"
    "break-inside:avoid}h2{break-after:avoid}}\n"
    "</style></head><body>\n";
