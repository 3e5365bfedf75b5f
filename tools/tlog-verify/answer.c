/* answer.c - collecting and printing. */
#include "tools/tlog-verify/answer.h"

#include <stdarg.h>

#define MAX_TEXT (1u << 28)

void answer_init(struct answer *a)
{
    *a = (struct answer){.checks = qr_json_array(), .facts = qr_json_object()};
}

void answer_fini(struct answer *a)
{
    json_decref(a->checks);
    json_decref(a->facts);
}

void answer_check(struct answer *a, const char *name, bool ok, const char *detail)
{
    json_t *c = qr_json_object();
    qr_json_set_str(c, "name", name);
    qr_json_set(c, "ok", json_boolean(ok));
    qr_json_set_str(c, "detail", detail ? detail : "");
    qr_json_add(a->checks, c);
}

void answer_fact(struct answer *a, const char *key, struct qr_bytes value)
{
    qr_json_set_bytes(a->facts, key, value);
}

void answer_item(struct answer *a, const char *key, json_t *item)
{
    json_t *list = json_object_get(a->facts, key);
    if (!list) {
        list = qr_json_array();
        qr_json_set(a->facts, key, list);
    }
    if (json_array_append_new(list, item) != 0) qr_fatal("out of memory");
}

enum qr_rc answer_fail(struct answer *a, enum qr_rc rc, const char *hint, const char *fmt, ...)
{
    if (a->rc != QR_OK) return rc;
    va_list ap;
    char text[QR_ERR_SIZE];
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    /* Names of files and arguments may be any bytes; JSON is UTF-8. */
    bool clean = qr_utf8_ok(qr_str(text));
    for (char *p = text; *p && !clean; p++)
        if ((unsigned char)*p >= 0x80) *p = '?';
    a->rc = qr_fail(&a->message, rc, "%s", text);
    a->exit = rc == QR_NOTFOUND ? qr_rc_exit(QR_IO) : qr_rc_exit(rc);
    a->hint = hint;
    return rc;
}

/* A failure takes the facts back, but not the lists: they are what was seen. */
static void keep_lists(json_t *facts)
{
    const char *key;
    void *next;
    json_t *v;
    json_object_foreach_safe(facts, next, key, v) if (json_is_string(v))(void)
        json_object_del(facts, key);
}

static void print_json(const struct answer *a, FILE *out)
{
    struct qr_buf b;
    json_t *doc = json_deep_copy(a->facts);
    if (!doc) qr_fatal("out of memory");
    if (a->rc != QR_OK) {
        json_t *e = qr_json_object();
        keep_lists(doc);
        qr_json_set_str(e, "code", qr_rc_name(a->rc));
        qr_json_set_str(e, "message", a->message.text);
        qr_json_set_str(e, "hint", a->hint ? a->hint : "");
        qr_json_set_int(e, "exit", a->exit);
        qr_json_set(doc, "error", e);
    }
    qr_json_set(doc, "ok", json_boolean(a->rc == QR_OK));
    qr_json_set(doc, "checks", json_deep_copy(a->checks));
    qr_buf_init(&b, MAX_TEXT);
    if (qr_json_write(doc, &b) != QR_OK) qr_fatal("an answer that is no JSON");
    (void)fprintf(out, "%.*s\n", (int)b.n, (const char *)b.p);
    qr_buf_fini(&b);
    json_decref(doc);
}

static void print_checks(const struct answer *a, FILE *out)
{
    for (size_t i = 0; i < json_array_size(a->checks); i++) {
        const json_t *c = json_array_get(a->checks, i);
        const char *detail = json_string_value(json_object_get(c, "detail"));
        (void)fprintf(out, "%s %s%s%s\n", json_is_true(json_object_get(c, "ok")) ? "ok  " : "FAIL",
                      json_string_value(json_object_get(c, "name")), *detail ? ": " : "", detail);
    }
}

/* "key value" for a string; for a list of objects a line for each, "key name
 * value name value,value". */
static void print_fact(const char *key, const json_t *value, FILE *out)
{
    if (json_is_string(value)) {
        (void)fprintf(out, "%s %s\n", key, json_string_value(value));
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name;
        json_t *v;
        (void)fprintf(out, "%s", key);
        json_object_foreach(json_array_get(value, i), name, v)
        {
            (void)fprintf(out, " %s ", name);
            if (json_is_string(v)) (void)fprintf(out, "%s", json_string_value(v));
            for (size_t k = 0; k < json_array_size(v); k++)
                (void)fprintf(out, "%s%s", k ? "," : "", json_string_value(json_array_get(v, k)));
        }
        (void)fprintf(out, "\n");
    }
}

int answer_print(const struct answer *a, FILE *out, FILE *err)
{
    if (a->json) {
        print_json(a, out);
        return a->exit;
    }
    const char *key;
    json_t *value;
    if (a->explain) print_checks(a, err);
    json_object_foreach(a->facts, key, value)
    {
        if (a->rc == QR_OK || json_is_array(value)) print_fact(key, value, out);
    }
    if (a->rc != QR_OK) {
        (void)fprintf(err, "tlog-verify: %s\n", a->message.text);
        if (a->hint) (void)fprintf(err, "%s\n", a->hint);
        return a->exit;
    }
    return 0;
}
