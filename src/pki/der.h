/* der.h - the little of DER that our certificates need: writing values from
 * the inside out, and stepping over them in order.
 *
 * Inside src/pki only.  The reader is not a judge of DER: cert.c builds what
 * it read again and compares bytes.  Spec: X.690. */
#ifndef QUORATE_PKI_DER_H
#define QUORATE_PKI_DER_H

#include "base/bytes.h"

#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_OID 0x06
#define DER_UTF8 0x0c
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CONTEXT_0 0xa0 /* constructed */
#define DER_CONTEXT_3 0xa3

/* Appends tag, definite length and content (at most 65535 bytes). */
void der_put(struct qr_buf *out, uint8_t tag, struct qr_bytes content);
/* Same, then empties content: for nesting. */
void der_wrap(struct qr_buf *out, uint8_t tag, struct qr_buf *content);
/* Content of the next value, which must have this tag; on a mistake r fails
 * and the content is empty.  Borrows. */
struct qr_bytes der_read(struct qr_reader *r, uint8_t tag);
/* Tag of the next value; 0 at the end. */
uint8_t der_peek(const struct qr_reader *r);

#endif
