/* row.h - one exported row: what an entry says, in named columns.
 *
 * Every format prints the same cells, and a verifier makes them anew: a cell is
 * a function of the entry's bytes, its place, the export's header and the rows
 * before it in the same file, and of nothing else.  Not thread-safe.
 *
 * Spec: docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_ROW_H
#define QUORATE_EXPORT_ROW_H

#include "export/header.h"

enum export_from { EXPORT_OWN, EXPORT_FILE, EXPORT_EMPTY };

enum export_column {
#define EXPORT_COLUMN(id, name, from, text) EXPORT_##id,
#include "export/columns.def"
#undef EXPORT_COLUMN
    EXPORT_COLUMNS
};

/* Its name in every format. */
const char *export_column_name(enum export_column c);
/* In words. */
const char *export_column_text(enum export_column c);
/* What its cells are made of. */
enum export_from export_column_from(enum export_column c);

enum export_what {
    EXPORT_ENTRY,
    EXPORT_EXCLUDED, /* by the filter: place and leaf hash are left */
    EXPORT_FOREIGN   /* not an entry of ours: its bytes are kept */
};
/* "entry", "excluded", "foreign". */
const char *export_what_name(enum export_what w);

struct export_row {
    enum export_what what;
    uint64_t index;
    struct qr_hash leaf;
    struct qr_bytes bytes; /* of the entry; borrowed; empty when excluded */
    struct leaf_entry e;   /* EXPORT_ENTRY */
    struct qr_buf text;
    struct {
        size_t at, n; /* in text */
    } cell[EXPORT_COLUMNS];
};

void export_row_init(struct export_row *r);
void export_row_fini(struct export_row *r);
struct qr_bytes export_cell(const struct export_row *r, enum export_column c); /* borrows */

/* What earlier rows say, for the cells of later ones. */
struct export_model;
/* Keeps h.  Gives export_model_free. */
struct export_model *export_model_new(const struct export_header *h);
void export_model_free(struct export_model *m); /* NULL is allowed */

/* The entry at a place: its own cells.  r is used again for each row. */
void export_row_read(struct export_row *r, const struct export_header *h, uint64_t index,
                     struct qr_bytes bytes);
/* A place of which only the leaf hash is known. */
void export_row_excluded(struct export_row *r, const struct export_header *h, uint64_t index,
                         const struct qr_hash *leaf);
/* Does the row pass the header's filter?  A foreign one passes only without. */
bool export_row_passes(const struct export_row *r, const struct export_header *h);
/* The row is in the file: its other cells, and what later rows need of it. */
void export_row_take(struct export_row *r, struct export_model *m);

#endif
