/* answer.c - collecting and printing. */
#include "tools/tlog-verify/answer.h"

#include <stdarg.h>

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

static void print_json(const struct answer *a, FILE *out)
{
    struct qr_buf b;
    json_t *doc = json_deep_copy(a->facts);
    if (!doc) qr_fatal("out of memory");
    if (a->rc != QR_OK) {
        json_t *e = qr_json_object();
        (void)json_object_clear(doc);
        qr_json_set_str(e, "code", qr_rc_name(a->rc));
        qr_json_set_str(e, "message", a->message.text);
        qr_json_set_str(e, "hint", a->hint ? a->hint : "");
        qr_json_set_int(e, "exit", a->exit);
        qr_json_set(doc, "error", e);
    }
    qr_json_set(doc, "ok", json_boolean(a->rc == QR_OK));
    qr_json_set(doc, "checks", json_deep_copy(a->checks));
    qr_buf_init(&b, 1 << 20);
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

int answer_print(const struct answer *a, FILE *out, FILE *err)
{
    if (a->json) {
        print_json(a, out);
        return a->exit;
    }
    if (a->explain) print_checks(a, err);
    if (a->rc != QR_OK) {
        (void)fprintf(err, "tlog-verify: %s\n", a->message.text);
        if (a->hint) (void)fprintf(err, "%s\n", a->hint);
        return a->exit;
    }
    const char *key;
    json_t *value;
    json_object_foreach(a->facts, key, value)(void)
        fprintf(out, "%s %s\n", key, json_string_value(value));
    return 0;
}
