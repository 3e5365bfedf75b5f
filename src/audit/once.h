/* once.h - which of very many values occur twice?
 *
 * 2^18 are held in memory; more go to a file, as sorted runs of that many, which
 * are merged at the end: memory does not grow with them but for a few KiB a run.
 * 24 bytes each.  The file is unnamed, or named by who wants to go on later. */
#ifndef QUORATE_AUDIT_ONCE_H
#define QUORATE_AUDIT_ONCE_H

#include "crypto/crypto.h"

enum once_kind { ONCE_EVENT, ONCE_SESSION, ONCE_CERTIFICATE, ONCE_SERIAL, ONCE_NONCE, ONCE_KINDS };
/* "event id", "nonce commitment". */
const char *once_kind_name(enum once_kind k);

struct once;

/* path: of the file, which is opened when it is needed; NULL: unnamed.  Kept. */
struct once *once_new(const char *path);
void once_free(struct once *o); /* NULL is allowed; a named file stays */
/* Entry number index uses the value; the kind and scope (may be empty) make it
 * another than the same bytes of another kind or scope.  QR_IO. */
enum qr_rc once_add(struct once *o, enum once_kind k, struct qr_bytes scope, struct qr_bytes value,
                    uint64_t index) QR_MUST_CHECK;
/* Calls twice for each further use of a value with the index before it, in the
 * order of the values.  Call it once, at the end; the file is only read.  QR_IO. */
enum qr_rc once_finish(struct once *o,
                       void (*twice)(void *ctx, enum once_kind k, uint64_t before, uint64_t again),
                       void *ctx) QR_MUST_CHECK;
/* Appends what once_load needs beside the named file, which is durable then.
 * QR_IO, QR_NOMEM. */
enum qr_rc once_save(struct once *o, struct qr_buf *out) QR_MUST_CHECK;
/* Into a new one of the same path.  What the file has beyond what was saved is cut
 * off.  QR_MALFORMED: the file is not the one that was saved; err says how. */
enum qr_rc once_load(struct once *o, struct qr_reader *in, struct qr_err *err) QR_MUST_CHECK;

#endif
