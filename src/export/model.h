/* model.h - making cells; private to src/export. */
#ifndef QUORATE_EXPORT_MODEL_H
#define QUORATE_EXPORT_MODEL_H

#include "export/row.h"

/* Sets a cell; the older value is forgotten. */
void export_put(struct export_row *r, enum export_column c, struct qr_bytes s);
void export_put_u64(struct export_row *r, enum export_column c, uint64_t v);
void export_put_hex(struct export_row *r, enum export_column c, const void *p, size_t n);
/* A string of an object; empty when it has none of that name.  Borrows. */
struct qr_bytes export_string(const json_t *o, const char *key);

#endif
