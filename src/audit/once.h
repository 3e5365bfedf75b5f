/* once.h - which of very many values occur twice?
 *
 * Up to a million are held in memory; more go to an unnamed file and are sorted
 * by parts of their range, so that ten million take no more memory than one.
 * 24 bytes each. */
#ifndef QUORATE_AUDIT_ONCE_H
#define QUORATE_AUDIT_ONCE_H

#include "crypto/crypto.h"

enum once_kind { ONCE_EVENT, ONCE_SESSION, ONCE_CERTIFICATE, ONCE_SERIAL, ONCE_NONCE, ONCE_KINDS };
/* "event id", "nonce commitment". */
const char *once_kind_name(enum once_kind k);

struct once;

struct once *once_new(void);
void once_free(struct once *o); /* NULL is allowed */
/* Entry number index uses the value; the kind and scope (may be empty) make it
 * another than the same bytes of another kind or scope.  QR_IO. */
enum qr_rc once_add(struct once *o, enum once_kind k, struct qr_bytes scope, struct qr_bytes value,
                    uint64_t index) QR_MUST_CHECK;
/* Calls twice for each further use of a value with the index before it, in the
 * order of the values.  Call it once, at the end.  QR_IO. */
enum qr_rc once_finish(struct once *o,
                       void (*twice)(void *ctx, enum once_kind k, uint64_t before, uint64_t again),
                       void *ctx) QR_MUST_CHECK;

#endif
