/* population.c - two ways to the same rows. */
#include "export/population.h"

#include "base/file.h"
#include "export/document.h"
#include "export/range.h"

#include <inttypes.h>
#include <stdio.h>

struct reading {
    const struct export_source *s;
    struct export_population *p;
    export_each *each;
    void *ctx;
    struct export_row row;
    struct export_model *model;
};

/* Words separated by blanks; each is a filter. */
static enum qr_rc add_filters(struct export_header *h, const char *text, struct qr_err *err)
{
    struct qr_bytes s = qr_str(text ? text : "");
    if (!qr_utf8_ok(s)) return qr_fail(err, QR_USAGE, "a filter that is not UTF-8");
    for (size_t i = 0; i < s.n;) {
        size_t n = 0;
        while (i + n < s.n && s.p[i + n] != ' ') n++;
        if (n > 0) QR_TRY(export_filter_add(h, QR_BYTES(s.p + i, n), err));
        i += n + 1;
    }
    return QR_OK;
}

static enum qr_rc own_controls(const struct export_source *s, struct export_controls *out,
                               struct qr_err *err)
{
    struct qr_buf text;
    if (!s->controls) return export_controls_builtin(out, err);
    qr_buf_init(&text, EXPORT_CONTROLS_FILE_MAX);
    enum qr_rc rc = qr_file_read(s->controls, &text, err);
    if (rc == QR_OK) rc = export_controls_parse(qr_buf_bytes(&text), out, err);
    qr_buf_fini(&text);
    return rc;
}

static enum qr_rc show(struct reading *x, const struct export_row *r, struct qr_err *err)
{
    const struct export_header *h = &x->p->h;
    if (r->index < h->start || r->index >= h->end || !export_row_passes(r, h)) return QR_OK;
    x->p->n++;
    return x->each(x->ctx, r, err);
}

/* ---- from a log ---- */

static enum qr_rc from_entry(void *ctx, uint64_t index, struct qr_bytes entry, struct qr_err *err)
{
    struct reading *x = ctx;
    export_row_read(&x->row, &x->p->h, index, entry);
    export_row_take(&x->row, x->model);
    return show(x, &x->row, err);
}

static enum qr_rc walk(struct reading *x, const struct export_log *log, struct qr_err *err)
{
    struct export_header *h = &x->p->h;
    const struct export_walk w = {from_entry, x};
    (void)snprintf(h->origin, sizeof h->origin, "%s", log->origin);
    QR_TRY(export_place(log, x->s->from, 0, &h->start, err));
    QR_TRY(export_place(log, x->s->to, log->head.size, &h->end, err));
    if (h->start > h->end || h->end > log->head.size)
        return qr_fail(err, QR_RANGE, "the log has %" PRIu64 " entries only", log->head.size);
    QR_TRY(own_controls(x->s, &h->controls, err));
    x->model = export_model_new(h);
    return export_walk(log, h->start, h->end, &w, err);
}

static enum qr_rc from_log(struct reading *x, struct qr_err *err)
{
    struct export_log log;
    const char *path = x->s->db ? x->s->db : x->s->tiles;
    enum qr_rc rc = export_log_open(&log, path, x->s->log_id, x->s->tiles != NULL, err);
    if (rc == QR_OK) rc = walk(x, &log, err);
    export_log_close(&log);
    return rc;
}

/* ---- from an export ---- */

static enum qr_rc place_in(const char *text, uint64_t dflt, uint64_t *at, struct qr_err *err)
{
    *at = dflt;
    if (!text || qr_parse_u64(qr_str(text), UINT64_MAX, at) == QR_OK) return QR_OK;
    return qr_fail(err, QR_USAGE, "of an export, --from and --to are indexes");
}

static enum qr_rc on_header(void *ctx, const struct export_header *h, struct qr_err *err)
{
    struct reading *x = ctx;
    struct export_header *to = &x->p->h;
    (void)snprintf(to->origin, sizeof to->origin, "%s", h->origin);
    QR_TRY(place_in(x->s->from, h->start, &to->start, err));
    QR_TRY(place_in(x->s->to, h->end, &to->end, err));
    if (to->start > to->end || to->start < h->start || to->end > h->end)
        return qr_fail(err, QR_RANGE, "the export has entries %" PRIu64 " to %" PRIu64 " only",
                       h->start, h->end);
    if (x->s->controls) return own_controls(x->s, &to->controls, err);
    return export_controls_read(h->controls.json, &to->controls, err);
}

static enum qr_rc on_row(void *ctx, const struct export_row *r, struct qr_err *err)
{
    return show(ctx, r, err);
}

static enum qr_rc from_file(struct reading *x, struct qr_err *err)
{
    struct export_verdict v;
    struct export_input in;
    const struct export_watch watch = {on_header, on_row, x};
    FILE *f = fopen(x->s->file, "rb");
    if (!f) return qr_fail(err, QR_NOTFOUND, "%.100s cannot be opened", x->s->file);
    export_input_init(&in, f, QR_BYTES_NONE, EXPORT_UNIT_MAX);
    enum qr_rc rc = export_document_sniff(export_input_peek(&in, 20))
                        ? export_document_verify(&in, &watch, &v)
                        : export_verify(&in, &watch, &v);
    export_input_fini(&in);
    (void)fclose(f);
    return rc == QR_OK ? QR_OK : qr_fail(err, rc, "%s", v.err.text);
}

enum qr_rc export_population_read(const struct export_source *s, struct export_population *p,
                                  export_each *each, void *ctx, struct qr_err *err)
{
    struct reading x = {.s = s, .p = p, .each = each, .ctx = ctx};
    *p = (struct export_population){.n = 0};
    export_header_init(&p->h);
    if ((s->db != NULL) + (s->tiles != NULL) + (s->file != NULL) != 1)
        return qr_fail(err, QR_USAGE, "one of --db, --tiles and --export is needed");
    export_row_init(&x.row);
    enum qr_rc rc = add_filters(&p->h, s->filters, err);
    if (rc == QR_OK) rc = s->file ? from_file(&x, err) : from_log(&x, err);
    export_model_free(x.model);
    export_row_fini(&x.row);
    return rc;
}

void export_population_fini(struct export_population *p) { export_header_fini(&p->h); }
