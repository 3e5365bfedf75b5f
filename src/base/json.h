/* json.h - canonical JSON (RFC 8785, integers only) over jansson.
 *
 * What we hash and sign is canonical: keys sorted, no white space, shortest
 * escapes, integers within 2^53, no floating point.  64-bit values are decimal
 * strings, bytes are lower-case hex (digests, keys) or base64 (blobs).
 * Parsing is strict: jansson reads, then the value is written canonically
 * again and must be the same bytes, so duplicate keys, other spellings and
 * trailing bytes are refused.
 *
 * struct qr_obj reads an object field by field and remembers the first
 * mistake; qr_obj_done refuses keys that nobody asked for. */
#ifndef QUORATE_BASE_JSON_H
#define QUORATE_BASE_JSON_H

#include "base/bytes.h"

#include <jansson.h>

/* Appends the canonical form.  QR_MALFORMED: a real number, an integer beyond
 * 2^53, a non-ASCII key; QR_NOMEM: the buffer's cap. */
enum qr_rc qr_json_write(const json_t *v, struct qr_buf *out) QR_MUST_CHECK;

/* Strict canonical parse.  Gives a new reference (json_decref).  err says where,
 * never what: the input may be secret or personal. */
enum qr_rc qr_json_parse(struct qr_bytes s, json_t **out, struct qr_err *err) QR_MUST_CHECK;

/* Ordinary JSON as people write it (any white space and key order); duplicate
 * keys are refused, err names the line and quotes it.  For configuration files
 * only. */
enum qr_rc qr_json_parse_loose(struct qr_bytes s, json_t **out, struct qr_err *err) QR_MUST_CHECK;

/* Fields of an object, read one by one.  Every getter records the first
 * failure and gives zeros then; all borrow from the json_t. */
struct qr_obj {
    const json_t *o;
    size_t seen; /* fields asked for and present */
    enum qr_rc rc;
    const char *where; /* name used in error texts */
    char bad[64];      /* field that failed first */
};

struct qr_obj qr_obj_of(const json_t *v, const char *where);
struct qr_bytes qr_obj_str(struct qr_obj *o, const char *key, size_t max);
/* String of 1..max bytes, strict UTF-8. */
struct qr_bytes qr_obj_text(struct qr_obj *o, const char *key, size_t max);
void qr_obj_hex(struct qr_obj *o, const char *key, void *out, size_t n);
void qr_obj_base64(struct qr_obj *o, const char *key, void *out, size_t n);
/* Appends the decoded bytes to out. */
void qr_obj_base64_buf(struct qr_obj *o, const char *key, struct qr_buf *out);
int64_t qr_obj_int(struct qr_obj *o, const char *key, int64_t lo, int64_t hi);
uint64_t qr_obj_u64str(struct qr_obj *o, const char *key); /* decimal string */
bool qr_obj_bool(struct qr_obj *o, const char *key);
int64_t qr_obj_time(struct qr_obj *o, const char *key); /* microseconds */
const json_t *qr_obj_array(struct qr_obj *o, const char *key, size_t max);
struct qr_obj qr_obj_obj(struct qr_obj *o, const char *key);
bool qr_obj_has(const struct qr_obj *o, const char *key);
/* Marks a failure found by the caller. */
void qr_obj_bad(struct qr_obj *o, const char *key);
/* QR_OK only if all went well and every key was asked for. */
enum qr_rc qr_obj_done(const struct qr_obj *o, struct qr_err *err) QR_MUST_CHECK;

/* Writers: set a field of an object under construction; abort on no memory. */
void qr_json_set(json_t *o, const char *key, json_t *value); /* takes value */
void qr_json_set_str(json_t *o, const char *key, const char *s);
void qr_json_set_bytes(json_t *o, const char *key, struct qr_bytes s); /* UTF-8 */
void qr_json_set_hex(json_t *o, const char *key, const void *p, size_t n);
void qr_json_set_base64(json_t *o, const char *key, struct qr_bytes s);
void qr_json_set_int(json_t *o, const char *key, int64_t v);
void qr_json_set_u64str(json_t *o, const char *key, uint64_t v);
void qr_json_set_time(json_t *o, const char *key, int64_t us);
void qr_json_add(json_t *array, json_t *value); /* takes value */
json_t *qr_json_object(void);
json_t *qr_json_array(void);
json_t *qr_json_hex(const void *p, size_t n);
json_t *qr_json_text(struct qr_bytes s);

#endif
