/* controls.c - reading and writing the mapping. */
#include "export/controls.h"

/* Made from data/controls.json at build. */
extern const unsigned char qr_controls_json[];
extern const size_t qr_controls_json_len;

/* A string of at most max bytes without control characters. */
static const char *text_of(struct qr_obj *o, const char *key, size_t max)
{
    struct qr_bytes s = qr_obj_text(o, key, max);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f) qr_obj_bad(o, key);
    return s.n > 0 ? (const char *)s.p : "";
}

static uint32_t kinds_of(struct qr_obj *o)
{
    const json_t *list = qr_obj_array(o, "kinds", LEAF_KIND_COUNT);
    uint32_t mask = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *s = json_array_get(list, i);
        enum leaf_kind k = LEAF_KIND_COUNT;
        if (!json_is_string(s) ||
            leaf_kind_from_name(QR_BYTES(json_string_value(s), json_string_length(s)), &k) !=
                QR_OK ||
            (mask >> k & 1)) {
            qr_obj_bad(o, "kinds");
            return 0;
        }
        mask |= UINT32_C(1) << k;
    }
    return mask;
}

enum qr_rc export_controls_read(const json_t *list, struct export_controls *out, struct qr_err *err)
{
    size_t n = json_array_size(list);
    *out = (struct export_controls){.n = 0};
    if (!json_is_array(list) || n > EXPORT_CONTROLS_MAX)
        return qr_fail(err, QR_MALFORMED, "controls: not a list of at most %d",
                       EXPORT_CONTROLS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct export_control *c = &out->c[i];
        struct qr_obj o = qr_obj_of(json_array_get(list, i), "control");
        c->id = text_of(&o, "id", 64);
        for (const char *p = c->id; *p; p++)
            if (*p == ' ' || *p == ',' || *p == ';') qr_obj_bad(&o, "id");
        c->title = text_of(&o, "title", 256);
        c->shows = text_of(&o, "shows", 512);
        c->command = text_of(&o, "command", 256);
        c->kinds = kinds_of(&o);
        QR_TRY(qr_obj_done(&o, err));
    }
    out->n = n;
    out->json = json_incref((json_t *)list);
    return QR_OK;
}

enum qr_rc export_controls_parse(struct qr_bytes text, struct export_controls *out,
                                 struct qr_err *err)
{
    json_t *list = NULL;
    *out = (struct export_controls){.n = 0};
    QR_TRY(qr_json_parse_loose(text, &list, err));
    enum qr_rc rc = export_controls_read(list, out, err);
    json_decref(list);
    return rc;
}

enum qr_rc export_controls_builtin(struct export_controls *out, struct qr_err *err)
{
    return export_controls_parse(QR_BYTES(qr_controls_json, qr_controls_json_len), out, err);
}

json_t *export_controls_write(const struct export_controls *c)
{
    json_t *list = qr_json_array();
    for (size_t i = 0; i < c->n; i++) {
        json_t *o = qr_json_object(), *kinds = qr_json_array();
        qr_json_set_str(o, "id", c->c[i].id);
        qr_json_set_str(o, "title", c->c[i].title);
        qr_json_set_str(o, "shows", c->c[i].shows);
        qr_json_set_str(o, "command", c->c[i].command);
        for (unsigned k = 0; k < LEAF_KIND_COUNT; k++)
            if (c->c[i].kinds >> k & 1)
                qr_json_add(kinds, qr_json_text(qr_str(leaf_kind_name((enum leaf_kind)k))));
        qr_json_set(o, "kinds", kinds);
        qr_json_add(list, o);
    }
    return list;
}

bool export_controls_equal(const struct export_controls *a, const struct export_controls *b)
{
    json_t *x = export_controls_write(a), *y = export_controls_write(b);
    bool same = json_equal(x, y) == 1;
    json_decref(x);
    json_decref(y);
    return same;
}

void export_controls_fini(struct export_controls *c)
{
    json_decref(c->json);
    *c = (struct export_controls){.n = 0};
}

void export_controls_of(const struct export_controls *c, enum leaf_kind k, struct qr_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < c->n; i++) {
        if (!(c->c[i].kinds >> k & 1)) continue;
        if (any) qr_buf_put_u8(out, ' ');
        qr_buf_put_str(out, c->c[i].id);
        any = true;
    }
}
