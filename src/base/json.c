/* json.c - the canonical writer, the strict parse, the field reader.
 *
 * RFC 8785 sorts keys by UTF-16 code units; our keys are ASCII, where that is
 * byte order, and other keys are refused. */
#include "base/json.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_SAFE 9007199254740992LL /* 2^53, RFC 8785 section 3.2.2.3 */

/* NULL: the character stands as it is, or has no short form. */
static const char *escape_of(unsigned char c)
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\t': return "\\t";
    case '\n': return "\\n";
    case '\f': return "\\f";
    case '\r': return "\\r";
    default: return NULL;
    }
}

static void write_string(const char *s, size_t n, struct qr_buf *out)
{
    qr_buf_put_u8(out, '"');
    for (size_t i = 0; i < n;) {
        size_t from = i;
        while (i < n && (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') i++;
        if (i > from) qr_buf_put(out, s + from, i - from);
        if (i == n) break;
        unsigned char c = (unsigned char)s[i++];
        const char *esc = escape_of(c);
        if (esc)
            qr_buf_put_str(out, esc);
        else
            qr_buf_printf(out, "\\u%04x", c);
    }
    qr_buf_put_u8(out, '"');
}

static enum qr_rc write_value(const json_t *v, int depth, struct qr_buf *out);

static int key_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool key_ok(const char *key)
{
    for (; *key; key++)
        if ((unsigned char)*key < 0x20 || (unsigned char)*key > 0x7e) return false;
    return true;
}

static enum qr_rc write_object(const json_t *v, int depth, struct qr_buf *out)
{
    size_t n = json_object_size(v);
    const char **keys = calloc(n ? n : 1, sizeof *keys);
    if (!keys) return QR_NOMEM;
    size_t i = 0;
    enum qr_rc rc = QR_OK;
    for (void *it = json_object_iter((json_t *)v); it;
         it = json_object_iter_next((json_t *)v, it)) {
        keys[i] = json_object_iter_key(it);
        if (!key_ok(keys[i])) rc = QR_MALFORMED;
        i++;
    }
    qsort(keys, n, sizeof *keys, key_order);
    qr_buf_put_u8(out, '{');
    for (i = 0; i < n && rc == QR_OK; i++) {
        if (i > 0) qr_buf_put_u8(out, ',');
        write_string(keys[i], strlen(keys[i]), out);
        qr_buf_put_u8(out, ':');
        rc = write_value(json_object_get(v, keys[i]), depth + 1, out);
    }
    qr_buf_put_u8(out, '}');
    free(keys);
    return rc;
}

static enum qr_rc write_array(const json_t *v, int depth, struct qr_buf *out)
{
    qr_buf_put_u8(out, '[');
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i > 0) qr_buf_put_u8(out, ',');
        QR_TRY(write_value(json_array_get(v, i), depth + 1, out));
    }
    qr_buf_put_u8(out, ']');
    return QR_OK;
}

/* Depth is bounded, so the recursion is too. */
static enum qr_rc write_value(const json_t *v, int depth, struct qr_buf *out)
{
    if (depth > MAX_DEPTH) return QR_MALFORMED;
    switch (json_typeof(v)) {
    case JSON_OBJECT: return write_object(v, depth, out);
    case JSON_ARRAY: return write_array(v, depth, out);
    case JSON_STRING: write_string(json_string_value(v), json_string_length(v), out); return QR_OK;
    case JSON_INTEGER: {
        json_int_t i = json_integer_value(v);
        if (i > MAX_SAFE || i < -MAX_SAFE) return QR_MALFORMED;
        qr_buf_printf(out, "%" JSON_INTEGER_FORMAT, i);
        return QR_OK;
    }
    case JSON_TRUE: qr_buf_put_str(out, "true"); return QR_OK;
    case JSON_FALSE: qr_buf_put_str(out, "false"); return QR_OK;
    case JSON_NULL: qr_buf_put_str(out, "null"); return QR_OK;
    case JSON_REAL: break;
    }
    return QR_MALFORMED;
}

enum qr_rc qr_json_write(const json_t *v, struct qr_buf *out)
{
    QR_TRY(write_value(v, 0, out));
    return qr_buf_ok(out);
}

static json_t *load(struct qr_bytes s, json_error_t *je)
{
    return json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES, je);
}

enum qr_rc qr_json_parse_loose(struct qr_bytes s, json_t **out, struct qr_err *err)
{
    json_error_t je;
    json_t *v = load(s, &je);
    if (!v) return qr_fail(err, QR_MALFORMED, "line %d: %s", je.line, je.text);
    *out = v;
    return QR_OK;
}

enum qr_rc qr_json_parse(struct qr_bytes s, json_t **out, struct qr_err *err)
{
    json_error_t je;
    json_t *v = load(s, &je);
    /* jansson's text quotes the input, which may be a person's identity. */
    if (!v) return qr_fail(err, QR_MALFORMED, "not JSON at byte %d", je.position);
    struct qr_buf again;
    qr_buf_init(&again, s.n);
    enum qr_rc rc = qr_json_write(v, &again);
    if (rc == QR_OK && !qr_bytes_equal(qr_buf_bytes(&again), s)) rc = QR_MALFORMED;
    qr_buf_fini(&again);
    if (rc != QR_OK) {
        json_decref(v);
        return qr_fail(err, QR_MALFORMED, "JSON is not canonical (RFC 8785)");
    }
    *out = v;
    return QR_OK;
}

struct qr_obj qr_obj_of(const json_t *v, const char *where)
{
    struct qr_obj o = {.o = v, .where = where};
    if (!json_is_object(v)) {
        o.o = NULL;
        qr_obj_bad(&o, "(object)");
    }
    return o;
}

void qr_obj_bad(struct qr_obj *o, const char *key)
{
    if (o->rc != QR_OK) return;
    o->rc = QR_MALFORMED;
    (void)snprintf(o->bad, sizeof o->bad, "%s", key);
}

static const json_t *field(struct qr_obj *o, const char *key)
{
    const json_t *v = o->o ? json_object_get(o->o, key) : NULL;
    if (!v)
        qr_obj_bad(o, key);
    else
        o->seen++;
    return v;
}

bool qr_obj_has(const struct qr_obj *o, const char *key)
{
    return o->o && json_object_get(o->o, key) != NULL;
}

struct qr_bytes qr_obj_str(struct qr_obj *o, const char *key, size_t max)
{
    const json_t *v = field(o, key);
    if (!json_is_string(v) || json_string_length(v) > max) {
        qr_obj_bad(o, key);
        return QR_BYTES("", 0);
    }
    return QR_BYTES(json_string_value(v), json_string_length(v));
}

struct qr_bytes qr_obj_text(struct qr_obj *o, const char *key, size_t max)
{
    struct qr_bytes s = qr_obj_str(o, key, max);
    if (s.n == 0 || !qr_utf8_ok(s)) qr_obj_bad(o, key);
    return s;
}

void qr_obj_hex(struct qr_obj *o, const char *key, void *out, size_t n)
{
    qr_zero(out, n);
    struct qr_bytes s = qr_obj_str(o, key, 2 * n);
    if (qr_unhex(s, out, n) != QR_OK) qr_obj_bad(o, key);
}

void qr_obj_base64(struct qr_obj *o, const char *key, void *out, size_t n)
{
    qr_zero(out, n);
    struct qr_bytes s = qr_obj_str(o, key, (n + 2) / 3 * 4);
    if (qr_unbase64_n(s, out, n) != QR_OK) qr_obj_bad(o, key);
}

void qr_obj_base64_buf(struct qr_obj *o, const char *key, struct qr_buf *out)
{
    struct qr_bytes s = qr_obj_str(o, key, (out->cap - out->n + 2) / 3 * 4);
    if (qr_unbase64(s, out) != QR_OK) qr_obj_bad(o, key);
}

int64_t qr_obj_int(struct qr_obj *o, const char *key, int64_t lo, int64_t hi)
{
    const json_t *v = field(o, key);
    int64_t i = json_is_integer(v) ? json_integer_value(v) : lo;
    if (!json_is_integer(v) || i < lo || i > hi) {
        qr_obj_bad(o, key);
        return lo;
    }
    return i;
}

uint64_t qr_obj_u64str(struct qr_obj *o, const char *key)
{
    uint64_t v = 0;
    if (qr_parse_u64(qr_obj_str(o, key, 20), UINT64_MAX, &v) != QR_OK) qr_obj_bad(o, key);
    return v;
}

bool qr_obj_bool(struct qr_obj *o, const char *key)
{
    const json_t *v = field(o, key);
    if (!json_is_boolean(v)) qr_obj_bad(o, key);
    return json_is_true(v);
}

int64_t qr_obj_time(struct qr_obj *o, const char *key)
{
    int64_t us = 0;
    if (qr_time_parse(qr_obj_str(o, key, QR_TIME_LEN), &us) != QR_OK) qr_obj_bad(o, key);
    return us;
}

const json_t *qr_obj_array(struct qr_obj *o, const char *key, size_t max)
{
    const json_t *v = field(o, key);
    if (!json_is_array(v) || json_array_size(v) > max) {
        qr_obj_bad(o, key);
        return NULL;
    }
    return v;
}

struct qr_obj qr_obj_obj(struct qr_obj *o, const char *key)
{
    const json_t *v = field(o, key);
    if (!json_is_object(v)) qr_obj_bad(o, key);
    return qr_obj_of(v, key);
}

enum qr_rc qr_obj_done(const struct qr_obj *o, struct qr_err *err)
{
    if (o->rc != QR_OK)
        return qr_fail(err, o->rc, "%s: field \"%s\" is missing or malformed", o->where, o->bad);
    if (o->seen != json_object_size(o->o))
        return qr_fail(err, QR_MALFORMED, "%s: unknown field", o->where);
    return QR_OK;
}

json_t *qr_json_object(void)
{
    json_t *o = json_object();
    if (!o) qr_fatal("out of memory");
    return o;
}

json_t *qr_json_array(void)
{
    json_t *a = json_array();
    if (!a) qr_fatal("out of memory");
    return a;
}

void qr_json_set(json_t *o, const char *key, json_t *value)
{
    if (!value || json_object_set_new(o, key, value) != 0)
        qr_fatal("JSON field %s: no memory or not UTF-8", key);
}

void qr_json_add(json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value) != 0)
        qr_fatal("JSON element: no memory or not UTF-8");
}

json_t *qr_json_text(struct qr_bytes s) { return json_stringn(s.n ? (const char *)s.p : "", s.n); }

json_t *qr_json_hex(const void *p, size_t n)
{
    struct qr_buf b;
    qr_buf_init(&b, 2 * n);
    qr_buf_put_hex(&b, QR_BYTES(p, n));
    json_t *v = qr_json_text(qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return v;
}

void qr_json_set_str(json_t *o, const char *key, const char *s)
{
    qr_json_set(o, key, json_string(s));
}

void qr_json_set_bytes(json_t *o, const char *key, struct qr_bytes s)
{
    qr_json_set(o, key, qr_json_text(s));
}

void qr_json_set_hex(json_t *o, const char *key, const void *p, size_t n)
{
    qr_json_set(o, key, qr_json_hex(p, n));
}

void qr_json_set_base64(json_t *o, const char *key, struct qr_bytes s)
{
    struct qr_buf b;
    qr_buf_init(&b, s.n / 3 * 4 + 8);
    qr_buf_put_base64(&b, s);
    qr_json_set(o, key, qr_json_text(qr_buf_bytes(&b)));
    qr_buf_fini(&b);
}

void qr_json_set_int(json_t *o, const char *key, int64_t v)
{
    assert(v <= MAX_SAFE && v >= -MAX_SAFE);
    qr_json_set(o, key, json_integer(v));
}

void qr_json_set_u64str(json_t *o, const char *key, uint64_t v)
{
    char t[24];
    (void)snprintf(t, sizeof t, "%llu", (unsigned long long)v);
    qr_json_set_str(o, key, t);
}

void qr_json_set_time(json_t *o, const char *key, int64_t us)
{
    char t[QR_TIME_LEN + 1];
    qr_time_format(us, t);
    qr_json_set_str(o, key, t);
}
