/* html.c - a report for people, in one file without scripts, that prints well.
 *
 * What is said of the range, the sessions, and every row; the rows themselves are
 * inside, in base64.  Nothing is loaded: the content security policy of the page
 * forbids it. */
#include "export/document.h"
#include "export/sessions.h"
#include "export/spool.h"
#include "export/text.h"

#include <inttypes.h>

#define BEGINS "<!DOCTYPE html>\n"
#define DATA_BEGINS "<template id=\"export\">"
/* All but rows and sessions; a row; a session. */
#define PAGE_MAX ((size_t)64 * 1024 * 1024)

struct page {
    struct export_sessions *sessions;
    struct qr_buf head, counts, part;
    FILE *rows;
};

/* The first letters of a hash, with all of it to hover over. */
static void put_short(struct qr_bytes s, struct qr_buf *out)
{
    if (s.n <= 20) {
        export_html_text(s, out);
        return;
    }
    qr_buf_put_str(out, "<code title=\"");
    export_html_text(s, out);
    qr_buf_put_str(out, "\">");
    export_html_text(QR_BYTES(s.p, 16), out);
    qr_buf_put_str(out, "…</code>");
}

static void put_pair(const char *name, struct qr_bytes value, struct qr_buf *out)
{
    qr_buf_printf(out, "<tr><th>%s</th><td>", name);
    export_html_text(value, out);
    qr_buf_put_str(out, "</td></tr>\n");
}

static void put_pair_u64(const char *name, uint64_t v, struct qr_buf *out)
{
    qr_buf_printf(out, "<tr><th>%s</th><td>%" PRIu64 "</td></tr>\n", name, v);
}

/* ---- the head ---- */

static void put_note(const char *name, const struct qr_buf *note, struct qr_buf *out)
{
    if (note->n == 0) return;
    qr_buf_printf(out, "<h2>%s</h2>\n<pre>", name);
    for (size_t i = 0; i < note->n; i++)
        if (note->p[i] == '\n')
            qr_buf_put_u8(out, '\n');
        else
            export_html_text(QR_BYTES(note->p + i, 1), out);
    qr_buf_put_str(out, "</pre>\n");
}

static void put_counts(const struct export_header *h, struct qr_buf *out)
{
    qr_buf_put_str(out, "<h2>Rows by kind</h2>\n<table>\n");
    for (unsigned k = 0; k < LEAF_KIND_COUNT; k++)
        if (h->counts[k]) put_pair_u64(leaf_kind_name((enum leaf_kind)k), h->counts[k], out);
    if (h->foreign) put_pair_u64("foreign", h->foreign, out);
    qr_buf_put_str(out, "</table>\n");
}

static void put_controls(const struct export_header *h, struct qr_buf *out)
{
    qr_buf_put_str(out, "<h2>Controls</h2>\n<table><thead><tr><th>control</th><th>what it is</th>"
                        "<th>rows</th><th>evidence</th><th>it shows</th></tr></thead>\n");
    for (size_t i = 0; i < h->controls.n; i++) {
        const struct export_control *c = &h->controls.c[i];
        uint64_t rows = 0;
        for (unsigned k = 0; k < LEAF_KIND_COUNT; k++)
            if (c->kinds >> k & 1) rows += h->counts[k];
        qr_buf_put_str(out, "<tr><td class=\"k\">");
        export_html_text(qr_str(c->id), out);
        qr_buf_put_str(out, "</td><td>");
        export_html_text(qr_str(c->title), out);
        qr_buf_printf(out, "</td><td>%" PRIu64 "</td><td>", rows);
        export_html_text(qr_str(c->command), out);
        qr_buf_put_str(out, "</td><td>");
        export_html_text(qr_str(c->shows), out);
        qr_buf_put_str(out, "</td></tr>\n");
    }
    qr_buf_put_str(out, "</table>\n");
}

static enum qr_rc on_header(void *ctx, const struct export_header *h, struct qr_err *err)
{
    struct page *p = ctx;
    struct qr_buf *out = &p->head;
    (void)err;
    qr_buf_put_str(out, "<h1>Log export</h1>\n"
                        "<p>The rows of the range stand below; what a filter left out is in the "
                        "file as index and leaf hash. This page proves nothing by "
                        "itself: <code>tlog-verify export --trust DIR FILE</code> proves from this "
                        "file that no entry is missing, changed, moved or doubled, and that the "
                        "log signed it.</p>\n<table>\n");
    put_pair("log", qr_str(h->origin), out);
    put_pair_u64("first entry", h->start, out);
    put_pair_u64("first entry after the range", h->end, out);
    put_pair_u64("entries in the range", h->end - h->start, out);
    put_pair_u64("rows shown", h->rows, out);
    for (size_t i = 0; i < h->filters; i++) {
        struct qr_buf b;
        qr_buf_init(&b, 1024 * 1024);
        qr_buf_printf(&b, "%s=", export_column_name((enum export_column)h->filter[i].column));
        qr_buf_put_bytes(&b, h->filter[i].value);
        put_pair("filter", qr_buf_bytes(&b), out);
        qr_buf_fini(&b);
    }
    put_pair("exported", qr_str(h->exported_at), out);
    put_pair("by quorate-export", qr_str(h->tool_version), out);
    qr_buf_put_str(out, "</table>\n");
    put_counts(h, out);
    put_note("Checkpoint", &h->checkpoint_end, &p->counts);
    put_note("Earlier checkpoint, of the same log", &h->checkpoint_start, &p->counts);
    put_controls(h, &p->counts);
    return QR_OK;
}

/* ---- rows ---- */

static enum qr_rc on_row(void *ctx, const struct export_row *r, struct qr_err *err)
{
    static const enum export_column plain[] = {EXPORT_EVENT_TIME, EXPORT_EVENT_TYPE},
                                    shorts[] = {EXPORT_ACTOR_ID, EXPORT_SUBJECT_ID};
    struct page *p = ctx;
    struct qr_buf *out = &p->part;
    export_sessions_take(p->sessions, r);
    qr_buf_reset(out);
    qr_buf_printf(out, "<tr id=\"row-%" PRIu64 "\"><td>%" PRIu64 "</td>", r->index, r->index);
    for (size_t i = 0; i < 2; i++) {
        qr_buf_put_str(out, "<td class=\"k\">");
        export_html_text(export_cell(r, plain[i]), out);
        qr_buf_put_str(out, "</td>");
    }
    for (size_t i = 0; i < 2; i++) {
        qr_buf_put_str(out, "<td>");
        put_short(export_cell(r, shorts[i]), out);
        qr_buf_put_str(out, "</td>");
    }
    qr_buf_put_str(out, "<td>");
    export_html_text(export_cell(r, EXPORT_ACTOR_ROLE), out);
    qr_buf_put_str(out, "</td><td class=\"");
    export_html_text(export_cell(r, EXPORT_OUTCOME), out);
    qr_buf_put_str(out, "\">");
    export_html_text(export_cell(r, EXPORT_OUTCOME), out);
    qr_buf_put_u8(out, ' ');
    export_html_text(export_cell(r, EXPORT_REASON_CODE), out);
    qr_buf_put_str(out, "</td><td>");
    export_html_text(export_cell(r, EXPORT_MEANING), out);
    qr_buf_put_str(out, "</td><td>");
    export_html_text(export_cell(r, EXPORT_SESSION_ID), out);
    if (export_cell(r, EXPORT_ERASED_UNDER).n > 0) {
        qr_buf_put_str(out, "</td><td>erased under entry ");
        export_html_text(export_cell(r, EXPORT_ERASED_UNDER), out);
    } else {
        qr_buf_put_str(out, "</td><td>");
    }
    qr_buf_put_str(out, "</td></tr>\n");
    enum qr_rc rc = qr_buf_ok(out);
    if (rc == QR_OK) rc = export_spool_put(p->rows, qr_buf_bytes(out));
    return rc == QR_OK ? QR_OK : qr_fail(err, rc, "the page cannot be kept in a temporary file");
}

/* ---- sessions ---- */

static struct qr_bytes text_of(const json_t *o, const char *key)
{
    const json_t *s = json_object_get(o, key);
    return json_is_string(s) ? QR_BYTES(json_string_value(s), json_string_length(s))
                             : QR_BYTES_NONE;
}

static void put_decisions(const json_t *list, struct qr_buf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *d = json_array_get(list, i);
        qr_buf_put_str(out, "<div><a href=\"#row-");
        export_html_text(text_of(d, "leaf_index"), out);
        qr_buf_put_str(out, "\">");
        export_html_text(text_of(d, "leaf_index"), out);
        qr_buf_put_str(out, "</a> ");
        export_html_text(text_of(d, "meaning"), out);
        qr_buf_put_str(out, " by ");
        export_html_text(text_of(d, "actor_role"), out);
        qr_buf_put_u8(out, ' ');
        put_short(text_of(d, "actor_id"), out);
        qr_buf_put_str(out, ", ");
        export_html_text(text_of(d, "event_time"), out);
        qr_buf_put_str(out, "</div>");
    }
}

static void put_session(const json_t *s, struct qr_buf *out)
{
    qr_buf_put_str(out, "<tr><td><a href=\"#row-");
    export_html_text(text_of(s, "request_index"), out);
    qr_buf_put_str(out, "\">");
    export_html_text(text_of(s, "session_id"), out);
    qr_buf_put_str(out, "</a></td><td>");
    export_html_text(text_of(s, "artifact_name"), out);
    qr_buf_put_str(out, "<div>");
    put_short(text_of(s, "artifact_digest"), out);
    qr_buf_put_str(out, "</div></td><td>");
    put_short(text_of(s, "requester"), out);
    qr_buf_put_str(out, "<div>");
    export_html_text(text_of(s, "requested"), out);
    qr_buf_put_str(out, "</div></td><td>");
    put_decisions(json_object_get(s, "decisions"), out);
    qr_buf_put_str(out, "</td><td>");
    export_html_text(text_of(s, "quorum_have"), out);
    if (text_of(s, "quorum_need").n > 0) qr_buf_put_str(out, " of ");
    export_html_text(text_of(s, "quorum_need"), out);
    qr_buf_put_str(out, "</td><td>");
    export_html_text(text_of(s, "state"), out);
    qr_buf_put_str(out, "<div>");
    export_html_text(text_of(s, "ended"), out);
    qr_buf_put_str(out, "</div>");
    export_html_text(text_of(s, "trust_classes"), out);
    qr_buf_put_str(out, "</td></tr>\n");
}

static enum qr_rc put(const struct export_sink *to, const struct qr_buf *b)
{
    QR_TRY(qr_buf_ok(b));
    return to->put(to->ctx, qr_buf_bytes(b));
}

static enum qr_rc put_str(const struct export_sink *to, const char *s)
{
    return to->put(to->ctx, qr_str(s));
}

static enum qr_rc put_sessions(struct page *p, const struct export_sink *to)
{
    const json_t *list = export_sessions_list(p->sessions);
    QR_TRY(put_str(to,
                   "<h2>Sessions requested in the range</h2>\n<table><thead><tr><th>session</th>"
                   "<th>artifact</th><th>requester</th><th>decisions</th><th>approvals</th>"
                   "<th>state</th></tr></thead>\n"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        qr_buf_reset(&p->part);
        put_session(json_array_get(list, i), &p->part);
        QR_TRY(put(to, &p->part));
    }
    return put_str(to, "</table>\n");
}

/* ---- the page ---- */

static enum qr_rc assemble(struct page *p, FILE *jsonl, const struct export_sink *to)
{
    QR_TRY(put_str(to, export_html_top));
    QR_TRY(put(to, &p->head));
    QR_TRY(put_sessions(p, to));
    QR_TRY(put(to, &p->counts));
    QR_TRY(put_str(to, "<h2>Rows</h2>\n<table><thead><tr><th>entry</th><th>time</th><th>kind</th>"
                       "<th>actor</th><th>about</th><th>role</th><th>outcome</th><th>meaning</th>"
                       "<th>session</th><th></th></tr></thead>\n"));
    QR_TRY(export_spool_copy(p->rows, to));
    QR_TRY(put_str(to, "</table>\n" DATA_BEGINS));
    QR_TRY(export_spool_base64(jsonl, to));
    return put_str(to, "</template>\n</body></html>\n");
}

static enum qr_rc make(const struct export_making *m, struct qr_err *err)
{
    struct page p = {.sessions = export_sessions_new(), .rows = export_spool_new()};
    const struct export_watch watch = {on_header, on_row, &p};
    qr_buf_init(&p.head, PAGE_MAX);
    qr_buf_init(&p.counts, PAGE_MAX);
    qr_buf_init(&p.part, PAGE_MAX);
    enum qr_rc rc = QR_IO;
    if (p.rows) rc = export_making_read(m, &watch, err);
    if (rc == QR_OK) rc = assemble(&p, m->jsonl, m->to);
    qr_buf_fini(&p.head);
    qr_buf_fini(&p.counts);
    qr_buf_fini(&p.part);
    if (p.rows) (void)fclose(p.rows);
    export_sessions_free(p.sessions);
    return rc;
}

/* The number of the row that the line at `from` shows; false: it shows none. */
static bool row_at(struct qr_bytes s, size_t from, uint64_t *row)
{
    static const char begins[] = "<tr id=\"row-";
    size_t n = sizeof begins - 1, end = from + n;
    if (end > s.n || !qr_bytes_is(QR_BYTES(s.p + from, n), begins)) return false;
    while (end < s.n && s.p[end] >= '0' && s.p[end] <= '9') end++;
    return qr_parse_u64(QR_BYTES(s.p + from + n, end - from - n), UINT64_MAX, row) == QR_OK;
}

static size_t line_of(struct qr_bytes s, size_t at)
{
    while (at > 0 && s.p[at - 1] != '\n') at--;
    return at;
}

static void differs(struct qr_bytes must, size_t at, char *text, size_t room)
{
    size_t line = line_of(must, at);
    uint64_t row;
    if (row_at(must, line, &row))
        (void)snprintf(text, room, "row %" PRIu64 " is changed, missing or moved", row);
    else if (line > 0 && row_at(must, line_of(must, line - 1), &row))
        (void)snprintf(text, room, "there is more after row %" PRIu64 ", the last one", row);
}

const struct export_document export_html = {.name = "html",
                                            .begins = BEGINS,
                                            .data_begins = DATA_BEGINS,
                                            .data_ends = '<',
                                            .make = make,
                                            .differs = differs};
