/* header.c - the header to and from canonical JSON. */
#include "export/header.h"

#include "export/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void export_header_init(struct export_header *h)
{
    *h = (struct export_header){.format = ""};
    qr_buf_init(&h->checkpoint_start, TLOG_NOTE_MAX);
    qr_buf_init(&h->checkpoint_end, TLOG_NOTE_MAX);
}

void export_header_fini(struct export_header *h)
{
    free(h->erased);
    export_controls_fini(&h->controls);
    qr_buf_fini(&h->checkpoint_start);
    qr_buf_fini(&h->checkpoint_end);
    json_decref(h->json);
    *h = (struct export_header){.format = ""};
}

enum qr_rc export_filter_add(struct export_header *h, struct qr_bytes text, struct qr_err *err)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != '=') n++;
    if (n == text.n) return qr_fail(err, QR_USAGE, "a filter is COLUMN=VALUE");
    if (h->filters == EXPORT_FILTERS_MAX)
        return qr_fail(err, QR_USAGE, "at most %d filters", EXPORT_FILTERS_MAX);
    unsigned c = 0;
    while (c < EXPORT_COLUMNS &&
           !qr_bytes_is(QR_BYTES(text.p, n), export_column_name((enum export_column)c)))
        c++;
    if (c == EXPORT_COLUMNS) return qr_fail(err, QR_USAGE, "a filter names no such column");
    if (export_column_from((enum export_column)c) != EXPORT_OWN)
        return qr_fail(err, QR_USAGE, "%s cannot be filtered by: the entry alone does not show it",
                       export_column_name((enum export_column)c));
    h->filter[h->filters++] = (struct export_filter){c, QR_BYTES(text.p + n + 1, text.n - n - 1)};
    return QR_OK;
}

enum qr_rc export_erased_add(struct export_header *h, const struct qr_hash *commitment,
                             uint64_t index)
{
    if (h->erased_count == EXPORT_ERASED_MAX) return QR_NOMEM;
    if ((h->erased_count & (h->erased_count - 1)) == 0) {
        size_t room = h->erased_count ? 2 * h->erased_count : 1;
        struct export_erased *p = realloc(h->erased, room * sizeof *p);
        if (!p) qr_fatal("out of memory");
        h->erased = p;
    }
    h->erased[h->erased_count++] = (struct export_erased){*commitment, index};
    return QR_OK;
}

/* ---- writing ---- */

static json_t *proof_json(const struct tlog_proof *p)
{
    json_t *list = qr_json_array();
    for (size_t i = 0; i < p->n; i++) {
        struct qr_buf b;
        qr_buf_init(&b, 64);
        qr_buf_put_base64(&b, QR_BYTES_OF(p->h[i].b));
        qr_json_add(list, qr_json_text(qr_buf_bytes(&b)));
        qr_buf_fini(&b);
    }
    return list;
}

static json_t *counts_json(const struct export_header *h)
{
    json_t *o = qr_json_object();
    for (unsigned k = 0; k < LEAF_KIND_COUNT; k++)
        if (h->counts[k]) qr_json_set_u64str(o, leaf_kind_name((enum leaf_kind)k), h->counts[k]);
    if (h->foreign) qr_json_set_u64str(o, "foreign", h->foreign);
    return o;
}

static json_t *filters_json(const struct export_header *h)
{
    json_t *list = qr_json_array();
    for (size_t i = 0; i < h->filters; i++) {
        struct qr_buf b;
        qr_buf_init(&b, 1024 * 1024);
        qr_buf_printf(&b, "%s=", export_column_name((enum export_column)h->filter[i].column));
        qr_buf_put_bytes(&b, h->filter[i].value);
        qr_json_add(list, qr_json_text(qr_buf_bytes(&b)));
        qr_buf_fini(&b);
    }
    return list;
}

static json_t *erased_json(const struct export_header *h)
{
    json_t *list = qr_json_array();
    for (size_t i = 0; i < h->erased_count; i++) {
        json_t *o = qr_json_object();
        qr_json_set_hex(o, "commitment", h->erased[i].commitment.b, QR_SHA256_SIZE);
        qr_json_set_u64str(o, "leaf_index", h->erased[i].index);
        qr_json_add(list, o);
    }
    return list;
}

enum qr_rc export_header_write(const struct export_header *h, struct qr_buf *out)
{
    json_t *o = qr_json_object(), *range = qr_json_object();
    qr_json_set_bytes(o, "checkpoint_end", qr_buf_bytes(&h->checkpoint_end));
    qr_json_set_bytes(o, "checkpoint_start", qr_buf_bytes(&h->checkpoint_start));
    qr_json_set(o, "consistency_proof", proof_json(&h->consistency));
    qr_json_set(o, "controls", export_controls_write(&h->controls));
    qr_json_set(o, "counts_by_type", counts_json(h));
    qr_json_set(o, "erased", erased_json(h));
    qr_json_set_str(o, "exported_at", h->exported_at);
    qr_json_set(o, "filter", filters_json(h));
    qr_json_set_str(o, "format", h->format);
    qr_json_set_str(o, "log_origin", h->origin);
    qr_json_set_u64str(o, "range_end", h->end);
    qr_json_set(range, "left", proof_json(&h->left));
    qr_json_set(range, "right", proof_json(&h->right));
    qr_json_set(o, "range_proof", range);
    qr_json_set_u64str(o, "range_start", h->start);
    qr_json_set_u64str(o, "rows", h->rows);
    qr_json_set_u64str(o, "rows_total_in_range", h->end - h->start);
    qr_json_set_str(o, "schema", EXPORT_SCHEMA);
    qr_json_set_str(o, "tool_version", h->tool_version);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

/* ---- reading ---- */

static void read_proof(struct qr_obj *o, const char *key, struct tlog_proof *out)
{
    const json_t *list = qr_obj_array(o, key, TLOG_PROOF_MAX);
    out->n = json_array_size(list);
    for (size_t i = 0; i < out->n; i++) {
        const json_t *s = json_array_get(list, i);
        if (!json_is_string(s) ||
            qr_unbase64_n(QR_BYTES(json_string_value(s), json_string_length(s)), out->h[i].b,
                          TLOG_HASH_SIZE) != QR_OK) {
            qr_obj_bad(o, key);
            return;
        }
    }
}

static void read_note(struct qr_obj *o, const char *key, struct qr_buf *out)
{
    qr_buf_put_bytes(out, qr_obj_str(o, key, TLOG_NOTE_MAX));
}

static void read_counts(struct qr_obj *o, struct export_header *h)
{
    struct qr_obj c = qr_obj_obj(o, "counts_by_type");
    for (unsigned k = 0; k < LEAF_KIND_COUNT; k++) {
        const char *name = leaf_kind_name((enum leaf_kind)k);
        if (qr_obj_has(&c, name)) h->counts[k] = qr_obj_u64str(&c, name);
    }
    if (qr_obj_has(&c, "foreign")) h->foreign = qr_obj_u64str(&c, "foreign");
    if (qr_obj_done(&c, NULL) != QR_OK) qr_obj_bad(o, "counts_by_type");
}

static void read_filters(struct qr_obj *o, struct export_header *h)
{
    const json_t *list = qr_obj_array(o, "filter", EXPORT_FILTERS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *s = json_array_get(list, i);
        if (!json_is_string(s) ||
            export_filter_add(h, QR_BYTES(json_string_value(s), json_string_length(s)), NULL) !=
                QR_OK)
            qr_obj_bad(o, "filter");
    }
}

static void read_erased(struct qr_obj *o, struct export_header *h)
{
    const json_t *list = qr_obj_array(o, "erased", EXPORT_ERASED_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct qr_obj e = qr_obj_of(json_array_get(list, i), "erased");
        struct qr_hash c = {{0}};
        qr_obj_hex(&e, "commitment", c.b, QR_SHA256_SIZE);
        uint64_t at = qr_obj_u64str(&e, "leaf_index");
        if (qr_obj_done(&e, NULL) != QR_OK || export_erased_add(h, &c, at) != QR_OK)
            qr_obj_bad(o, "erased");
    }
}

/* A string into a fixed array. */
static void read_text(struct qr_obj *o, const char *key, char *out, size_t room)
{
    struct qr_bytes s = qr_obj_text(o, key, room - 1);
    qr_copy(out, s.p, s.n);
    out[s.n] = 0;
}

static const char *read_format(struct qr_obj *o)
{
    static const char *const known[] = {"jsonl", "csv", "ocsf", "syslog", "oscal", "dsse", "html"};
    struct qr_bytes s = qr_obj_str(o, "format", 16);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (qr_bytes_is(s, known[i])) return known[i];
    qr_obj_bad(o, "format");
    return "";
}

static void read_all(struct qr_obj *o, struct export_header *h)
{
    read_note(o, "checkpoint_end", &h->checkpoint_end);
    read_note(o, "checkpoint_start", &h->checkpoint_start);
    read_proof(o, "consistency_proof", &h->consistency);
    const json_t *controls = qr_obj_array(o, "controls", EXPORT_CONTROLS_MAX);
    if (!controls || export_controls_read(controls, &h->controls, NULL) != QR_OK)
        qr_obj_bad(o, "controls");
    read_counts(o, h);
    read_erased(o, h);
    read_text(o, "exported_at", h->exported_at, sizeof h->exported_at);
    read_filters(o, h);
    h->format = read_format(o);
    read_text(o, "log_origin", h->origin, sizeof h->origin);
    h->start = qr_obj_u64str(o, "range_start");
    h->end = qr_obj_u64str(o, "range_end");
    if (h->start > h->end) qr_obj_bad(o, "range_end");
    struct qr_obj range = qr_obj_obj(o, "range_proof");
    read_proof(&range, "left", &h->left);
    read_proof(&range, "right", &h->right);
    if (qr_obj_done(&range, NULL) != QR_OK) qr_obj_bad(o, "range_proof");
    h->rows = qr_obj_u64str(o, "rows");
    if (qr_obj_u64str(o, "rows_total_in_range") != h->end - h->start)
        qr_obj_bad(o, "rows_total_in_range");
    read_text(o, "tool_version", h->tool_version, sizeof h->tool_version);
}

enum qr_rc export_header_read(struct qr_bytes json, struct export_header *out, struct qr_err *err)
{
    export_header_init(out);
    enum qr_rc rc = qr_json_parse(json, &out->json, err);
    if (rc != QR_OK) return rc;
    struct qr_obj o = qr_obj_of(out->json, "header");
    if (!qr_bytes_is(qr_obj_str(&o, "schema", 64), EXPORT_SCHEMA))
        rc = qr_fail(err, QR_STALE, "not an export of %s", EXPORT_SCHEMA);
    if (rc == QR_OK) read_all(&o, out);
    if (rc == QR_OK) rc = qr_obj_done(&o, err);
    if (rc != QR_OK) export_header_fini(out);
    return rc;
}
