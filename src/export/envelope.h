/* envelope.h - the DSSE envelopes of an export: one for each signature of type
 * dsse that the rows show, made from the session's request, descriptor and
 * signatures.  Nothing is signed here: the signature is the quorum's.
 *
 * Spec: DSSE v1, docs/FORMATS.md sections 8 and 18. */
#ifndef QUORATE_EXPORT_ENVELOPE_H
#define QUORATE_EXPORT_ENVELOPE_H

#include "export/row.h"

struct envelopes;

/* Keeps h.  Gives envelopes_free. */
struct envelopes *envelopes_new(const struct export_header *h);
void envelopes_free(struct envelopes *e); /* NULL is allowed */
/* The next row of the file. */
void envelopes_take(struct envelopes *e, const struct export_row *r);
/* A line for each; borrows. */
struct qr_bytes envelopes_lines(const struct envelopes *e);

#endif
