/* text.h - values as they stand in CSV and in HTML. */
#ifndef QUORATE_EXPORT_TEXT_H
#define QUORATE_EXPORT_TEXT_H

#include "base/bytes.h"

/* A field of RFC 4180, quoted only where needed; what a spreadsheet would take
 * for a formula gets an apostrophe in front.  Appends. */
void export_csv_cell(struct qr_bytes s, struct qr_buf *out);
/* Text of an element or an attribute; control characters become blanks, so that
 * a value is never more than one line.  Appends. */
void export_html_text(struct qr_bytes s, struct qr_buf *out);
/* Everything up to the body's first element. */
extern const char export_html_top[];

#endif
