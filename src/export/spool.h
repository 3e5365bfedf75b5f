/* spool.h - unnamed files for what is too long to be held in memory: rows while a
 * document is made of them, and a document while it is compared.
 *
 * Each is gone when it is closed.  Not thread-safe. */
#ifndef QUORATE_EXPORT_SPOOL_H
#define QUORATE_EXPORT_SPOOL_H

#include "export/write.h"

#include <stdio.h>

/* An empty one, open for both; the caller closes it.  NULL: there is no room. */
FILE *export_spool_new(void);
/* A sink's put: ctx is the FILE. */
enum qr_rc export_spool_put(void *ctx, struct qr_bytes s);
/* Everything in f from its beginning, as it is or in base64.  QR_IO, or what the
 * sink said. */
enum qr_rc export_spool_copy(FILE *f, const struct export_sink *to) QR_MUST_CHECK;
enum qr_rc export_spool_base64(FILE *f, const struct export_sink *to) QR_MUST_CHECK;
/* Decodes what stands in f between the first text `begins`, whose first letter it
 * has only once, and the next letter `ends`.  QR_MALFORMED: there is none; QR_IO. */
enum qr_rc export_spool_decode(FILE *f, const char *begins, char ends, FILE *out) QR_MUST_CHECK;

#endif
