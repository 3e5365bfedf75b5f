/* pack.h - gzip of whole buffers, and what a request may say: its target, and the
 * two headers that choose what is sent.  Pure but for the memory zlib takes. */
#ifndef QUORATE_HTTP_PACK_H
#define QUORATE_HTTP_PACK_H

#include "base/bytes.h"

/* Replaces the bytes by their gzip form.  QR_NOMEM: b is unchanged. */
enum qr_rc http_gzip(struct qr_buf *b) QR_MUST_CHECK;
/* "/a/b.p/1": begins with a slash; letters, digits, "-_.~" only; no empty segment,
 * none of dots only. */
bool http_plain_target(struct qr_bytes target);
/* Does this Accept-Encoding take gzip?  (RFC 9110 section 12.5.3) */
bool http_accepts_gzip(struct qr_bytes value);
/* Is this entity tag in that If-None-Match?  (RFC 9110 section 13.1.2) */
bool http_etag_in(struct qr_bytes value, const char *etag);

#endif
