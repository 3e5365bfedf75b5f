/* pem.h - DER in PEM, RFC 7468 section 3 (stricttextualmsg): one block of lines of 64
 * characters and nothing around it. */
#ifndef QUORATE_PKI_PEM_H
#define QUORATE_PKI_PEM_H

#include "base/bytes.h"

/* Appends the DER of the one block with this label ("CERTIFICATE").
 * QR_MALFORMED. */
enum qr_rc pki_pem_read(struct qr_bytes pem, const char *label, struct qr_buf *der) QR_MUST_CHECK;
/* Appends the block. */
void pki_pem_write(struct qr_bytes der, const char *label, struct qr_buf *pem);

#endif
