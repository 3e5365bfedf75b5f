/* paper.h - a working paper: facts and a table, as text, CSV or HTML. */
#ifndef QUORATE_EXPORT_PAPER_H
#define QUORATE_EXPORT_PAPER_H

#include "base/json.h"

enum paper_form { PAPER_TEXT, PAPER_CSV, PAPER_HTML };

/* QR_USAGE: none of "text", "csv", "html". */
enum qr_rc paper_form_parse(const char *name, enum paper_form *out, struct qr_err *err)
    QR_MUST_CHECK;

struct paper {
    const char *title;
    const json_t *facts;        /* object of strings, in its order */
    const char *const *columns; /* NULL at the end */
    const char *const *blank;   /* columns for the auditor to fill in; NULL at the end */
    const json_t *rows;         /* list of objects of strings */
};

/* Appends the paper.  CSV has the table alone, with the facts as its last
 * columns. */
void paper_write(const struct paper *p, enum paper_form form, struct qr_buf *out);

#endif
