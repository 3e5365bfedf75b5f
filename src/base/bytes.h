/* bytes.h - runs of bytes: borrowed (struct qr_bytes), owned with a cap
 * (struct qr_buf), read in order (struct qr_reader), and their hex and base64
 * spellings.
 *
 * This is the only place of the program that copies memory: everything else
 * calls qr_copy and the append functions, whose lengths are checked. */
#ifndef QUORATE_BASE_BYTES_H
#define QUORATE_BASE_BYTES_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; p may be NULL only when n is 0. */
struct qr_bytes {
    const uint8_t *p;
    size_t n;
};

#define QR_BYTES(ptr, len) ((struct qr_bytes){(const uint8_t *)(ptr), (len)})
#define QR_BYTES_OF(array) QR_BYTES((array), sizeof(array))
#define QR_BYTES_NONE ((struct qr_bytes){NULL, 0})

/* Bytes of a C string without its NUL; borrows. */
struct qr_bytes qr_str(const char *s);

/* Copies n bytes; the ranges must not overlap; n == 0 allows NULL. */
void qr_copy(void *dst, const void *src, size_t n);
void qr_zero(void *dst, size_t n); /* plain clearing, not for secrets */

bool qr_bytes_equal(struct qr_bytes a, struct qr_bytes b);
bool qr_bytes_is(struct qr_bytes a, const char *s);
/* Equality in time that depends on n only. */
bool qr_equal_ct(const void *a, const void *b, size_t n);
/* Strict UTF-8 (RFC 3629) without NUL. */
bool qr_utf8_ok(struct qr_bytes s);

/* Owned, growing bytes.  cap is the most it may ever hold; an append that
 * would pass it sets failed, changes nothing, and so do all later ones: a
 * writer appends freely and asks qr_buf_ok once. */
struct qr_buf {
    uint8_t *p;
    size_t n;
    size_t room;
    size_t cap;
    bool failed;
};

void qr_buf_init(struct qr_buf *b, size_t cap);
void qr_buf_fini(struct qr_buf *b);                         /* frees; b is empty again */
void qr_buf_reset(struct qr_buf *b);                        /* n = 0, failed = false */
enum qr_rc qr_buf_ok(const struct qr_buf *b) QR_MUST_CHECK; /* QR_NOMEM if failed */
struct qr_bytes qr_buf_bytes(const struct qr_buf *b);       /* borrows */

void qr_buf_put(struct qr_buf *b, const void *p, size_t n);
void qr_buf_put_bytes(struct qr_buf *b, struct qr_bytes s);
void qr_buf_put_str(struct qr_buf *b, const char *s);
void qr_buf_put_u8(struct qr_buf *b, uint8_t v);
void qr_buf_put_be16(struct qr_buf *b, uint16_t v);
void qr_buf_put_be32(struct qr_buf *b, uint32_t v);
void qr_buf_put_be64(struct qr_buf *b, uint64_t v);
void qr_buf_put_le32(struct qr_buf *b, uint32_t v);
void qr_buf_put_le64(struct qr_buf *b, uint64_t v);
/* be32(n) || bytes: the length-prefixed form of everything we hash. */
void qr_buf_put_lp(struct qr_buf *b, struct qr_bytes s);
void qr_buf_printf(struct qr_buf *b, const char *fmt, ...) QR_PRINTF(2, 3);
void qr_buf_put_hex(struct qr_buf *b, struct qr_bytes s);
void qr_buf_put_base64(struct qr_buf *b, struct qr_bytes s);
/* Appends a NUL that is not counted in n, so p is a C string. */
const char *qr_buf_cstr(struct qr_buf *b); /* NULL when failed */

/* Integers at p, which has room for them. */
uint16_t qr_get_be16(const uint8_t *p);
uint32_t qr_get_be32(const uint8_t *p);
uint64_t qr_get_be64(const uint8_t *p);
uint32_t qr_get_le32(const uint8_t *p);
uint64_t qr_get_le64(const uint8_t *p);
void qr_set_be32(uint8_t *p, uint32_t v);
void qr_set_be64(uint8_t *p, uint64_t v);
void qr_set_le32(uint8_t *p, uint32_t v);
void qr_set_le64(uint8_t *p, uint64_t v);

/* Reads in order; a read past the end sets failed, gives zeros or an empty
 * run, and so do all later ones: parse, then ask qr_reader_done once. */
struct qr_reader {
    struct qr_bytes rest;
    bool failed;
};

struct qr_reader qr_reader_of(struct qr_bytes s);
uint8_t qr_read_u8(struct qr_reader *r);
uint16_t qr_read_be16(struct qr_reader *r);
uint32_t qr_read_be32(struct qr_reader *r);
uint64_t qr_read_be64(struct qr_reader *r);
uint32_t qr_read_le32(struct qr_reader *r);
uint64_t qr_read_le64(struct qr_reader *r);
struct qr_bytes qr_read_bytes(struct qr_reader *r, size_t n); /* borrows */
struct qr_bytes qr_read_lp(struct qr_reader *r, size_t max);  /* borrows */
void qr_read_into(struct qr_reader *r, void *dst, size_t n);
/* QR_OK only if nothing failed and nothing is left; else QR_MALFORMED. */
enum qr_rc qr_reader_done(const struct qr_reader *r) QR_MUST_CHECK;

/* Lower-case hex.  out has 2n + 1 bytes. */
void qr_hex(const void *p, size_t n, char *out);
/* Exactly 2n lower-case hex digits.  QR_MALFORMED otherwise. */
enum qr_rc qr_unhex(struct qr_bytes s, void *out, size_t n) QR_MUST_CHECK;
/* Standard base64 with padding, canonical only (RFC 4648 section 4; unused
 * bits zero).  Appends the decoded bytes.  QR_MALFORMED, QR_NOMEM. */
enum qr_rc qr_unbase64(struct qr_bytes s, struct qr_buf *out) QR_MUST_CHECK;
/* Same into exactly n bytes; another length is QR_MALFORMED. */
enum qr_rc qr_unbase64_n(struct qr_bytes s, void *out, size_t n) QR_MUST_CHECK;

/* Decimal without sign or leading zeros, at most max. */
enum qr_rc qr_parse_u64(struct qr_bytes s, uint64_t max, uint64_t *out) QR_MUST_CHECK;

#endif
