/* oscal.c - OSCAL assessment results (JSON, model 1.1): an observation for each
 * session that was requested in the range, and the export itself in the back
 * matter, in base64.
 *
 * Identifiers come of hashes: the same rows give the same document. */
#include "crypto/crypto.h"
#include "export/document.h"
#include "export/sessions.h"
#include "export/spool.h"

#include <inttypes.h>

#define BEGINS "{\"assessment-result"
#define VERSION "1.1.2"
#define MEDIA_TYPE "application/x-ndjson"
/* The rows are the document's first "value". */
#define DATA_BEGINS "x-ndjson\",\"value\":\""
/* All but rows and observations; an observation. */
#define PART_MAX ((size_t)64 * 1024 * 1024)
#define NS "urn:quorate:export"

struct results {
    struct export_sessions *sessions;
    json_t *controls;
    char first[QR_TIME_LEN + 1], last[QR_TIME_LEN + 1], exported[QR_TIME_LEN + 1];
    char origin[TLOG_NAME_MAX + 1];
    uint64_t start, end, rows;
    struct qr_buf text; /* the document but for observations and rows */
    char resource[48];  /* what observations refer to */
};

static void uuid_begin(struct qr_sha256_ctx **c, const char *what)
{
    *c = qr_sha256_new();
    qr_sha256_update(*c, qr_str("quorate/uuid/v1"));
    qr_sha256_update(*c, QR_BYTES("", 1));
    qr_sha256_update(*c, qr_str(what));
    qr_sha256_update(*c, QR_BYTES("", 1));
}

/* A UUID of form 5 (name-based) from the hash of what it names. */
static void uuid_end(struct qr_sha256_ctx *c, json_t *o)
{
    char hex[33], text[37];
    struct qr_hash h = qr_sha256_free(c);
    h.b[6] = (uint8_t)((h.b[6] & 0x0f) | 0x50);
    h.b[8] = (uint8_t)((h.b[8] & 0x3f) | 0x80);
    qr_hex(h.b, 16, hex);
    (void)snprintf(text, sizeof text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    qr_json_set_str(o, "uuid", text);
}

static void put_uuid(json_t *o, const char *what, struct qr_bytes of)
{
    struct qr_sha256_ctx *c;
    uuid_begin(&c, what);
    qr_sha256_update(c, of);
    uuid_end(c, o);
}

/* The same of three parts of the document, of the rows. */
enum { ROWS_DOCUMENT, ROWS_RESULT, ROWS_RESOURCE, ROWS_UUIDS };

static enum qr_rc hash_put(void *ctx, struct qr_bytes s)
{
    struct qr_sha256_ctx **c = ctx;
    for (unsigned i = 0; i < ROWS_UUIDS; i++) qr_sha256_update(c[i], s);
    return QR_OK;
}

static enum qr_rc put_uuids(json_t *const o[ROWS_UUIDS], FILE *jsonl)
{
    static const char *const what[ROWS_UUIDS] = {"document", "result", "resource"};
    struct qr_sha256_ctx *c[ROWS_UUIDS];
    const struct export_sink to = {hash_put, c};
    for (unsigned i = 0; i < ROWS_UUIDS; i++) uuid_begin(&c[i], what[i]);
    enum qr_rc rc = export_spool_copy(jsonl, &to);
    for (unsigned i = 0; i < ROWS_UUIDS; i++) uuid_end(c[i], o[i]);
    return rc;
}

/* "NIST:AC-3(2)" is ac-3.2 of the catalog of SP 800-53. */
static void add_control(json_t *list, const char *id)
{
    static const char nist[] = "NIST:";
    char out[64];
    size_t n = 0;
    if (!qr_bytes_is(QR_BYTES(id, sizeof nist - 1), nist)) return;
    for (const char *p = id + sizeof nist - 1; *p && n < sizeof out - 1; p++) {
        if (*p == ')') continue;
        out[n++] = *p == '(' ? '.' : *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    }
    out[n] = 0;
    json_t *o = qr_json_object();
    qr_json_set_str(o, "control-id", out);
    qr_json_add(list, o);
}

static enum qr_rc on_header(void *ctx, const struct export_header *h, struct qr_err *err)
{
    struct results *r = ctx;
    (void)err;
    for (size_t i = 0; i < h->controls.n; i++)
        if (qr_str(h->controls.c[i].id).n > 5) add_control(r->controls, h->controls.c[i].id);
    (void)snprintf(r->origin, sizeof r->origin, "%s", h->origin);
    (void)snprintf(r->exported, sizeof r->exported, "%s", h->exported_at);
    r->start = h->start;
    r->end = h->end;
    r->rows = h->rows;
    return QR_OK;
}

static enum qr_rc on_row(void *ctx, const struct export_row *row, struct qr_err *err)
{
    struct results *r = ctx;
    (void)err;
    export_sessions_take(r->sessions, row);
    if (row->what != EXPORT_ENTRY) return QR_OK;
    qr_time_format(row->e.time_us, r->last);
    if (!r->first[0]) (void)snprintf(r->first, sizeof r->first, "%s", r->last);
    return QR_OK;
}

/* ---- parts ---- */

static void set_text(json_t *o, const char *key, const char *fmt, ...) QR_PRINTF(3, 4);
static void set_text(json_t *o, const char *key, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    qr_json_set_str(o, key, text);
}

static void add_prop(json_t *list, const char *name, struct qr_bytes value)
{
    if (value.n == 0) return;
    json_t *p = qr_json_object();
    qr_json_set_str(p, "name", name);
    qr_json_set_str(p, "ns", NS);
    qr_json_set_bytes(p, "value", value);
    qr_json_add(list, p);
}

static struct qr_bytes text_of(const json_t *o, const char *key)
{
    const json_t *s = json_object_get(o, key);
    return json_is_string(s) ? QR_BYTES(json_string_value(s), json_string_length(s))
                             : QR_BYTES_NONE;
}

/* Values are tokens without blanks at their ends: a name that has some is left to
 * the rows. */
static bool plain(struct qr_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20) return false;
    return true;
}

static json_t *observation(const json_t *s, const char *resource)
{
    static const char *const names[] = {
        "session_id", "request_index", "request_leaf", "artifact_digest", "artifact_name",
        "requester",  "requested",     "policy_id",    "quorum_have",     "quorum_need",
        "state",      "ended",         "last_index",   "group_key_id",    "trust_classes"};
    json_t *o = qr_json_object(), *props = qr_json_array(), *methods = qr_json_array();
    json_t *evidence = qr_json_array(), *e = qr_json_object();
    const json_t *decisions = json_object_get(s, "decisions");
    put_uuid(o, "observation", text_of(s, "request_leaf"));
    set_text(o, "title", "Signing session %s", json_string_value(json_object_get(s, "session_id")));
    set_text(o, "description",
             "Requested by entry %s; %zu decisions; %s as of entry %s. The rows are in the export.",
             json_string_value(json_object_get(s, "request_index")), json_array_size(decisions),
             json_string_value(json_object_get(s, "state")),
             json_string_value(json_object_get(s, "last_index")));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (plain(text_of(s, names[i]))) add_prop(props, names[i], text_of(s, names[i]));
    for (size_t i = 0; i < json_array_size(decisions); i++) {
        const json_t *d = json_array_get(decisions, i);
        add_prop(props, json_string_value(json_object_get(d, "meaning")), text_of(d, "leaf_index"));
    }
    qr_json_set(o, "props", props);
    qr_json_add(methods, qr_json_text(qr_str("TEST")));
    qr_json_set(o, "methods", methods);
    struct qr_bytes ended = text_of(s, "ended");
    qr_json_set_bytes(o, "collected", ended.n > 0 ? ended : text_of(s, "requested"));
    qr_json_set_str(e, "href", resource);
    qr_json_set_str(e, "description", "The export; tlog-verify export proves that it is complete.");
    qr_json_add(evidence, e);
    qr_json_set(o, "relevant-evidence", evidence);
    return o;
}

static json_t *reviewed(const struct results *r)
{
    json_t *o = qr_json_object(), *list = qr_json_array(), *selection = qr_json_object();
    if (json_array_size(r->controls) > 0)
        qr_json_set(selection, "include-controls", json_incref(r->controls));
    else
        qr_json_set(selection, "include-all", qr_json_object());
    qr_json_add(list, selection);
    qr_json_set(o, "control-selections", list);
    return o;
}

/* Without its observations and its UUID. */
static json_t *result(const struct results *r)
{
    json_t *o = qr_json_object();
    size_t sessions = json_array_size(export_sessions_list(r->sessions));
    set_text(o, "title", "Entries %" PRIu64 " to %" PRIu64 " of %.200s", r->start, r->end,
             r->origin);
    set_text(o, "description",
             "%" PRIu64 " rows, %zu signing sessions requested. Which controls they are evidence "
             "for is a mapping in the export, not a finding.",
             r->rows, sessions);
    qr_json_set_str(o, "start", r->first[0] ? r->first : r->exported);
    qr_json_set_str(o, "end", r->first[0] ? r->last : r->exported);
    qr_json_set(o, "reviewed-controls", reviewed(r));
    if (sessions > 0) qr_json_set(o, "observations", qr_json_array());
    return o;
}

/* Without the rows and its UUID. */
static json_t *resource_new(void)
{
    json_t *o = qr_json_object(), *b = qr_json_object();
    qr_json_set_str(o, "title", "The export as JSON Lines");
    qr_json_set_str(b, "value", "");
    qr_json_set_str(b, "filename", "export.jsonl");
    qr_json_set_str(b, "media-type", MEDIA_TYPE);
    qr_json_set(o, "base64", b);
    return o;
}

static json_t *plan_new(void)
{
    json_t *o = qr_json_object();
    put_uuid(o, "plan", QR_BYTES_NONE);
    qr_json_set_str(o, "title", "No assessment plan");
    qr_json_set_str(
        o, "description",
        "The export is made from the log, not to a plan; whoever uses it replaces this.");
    return o;
}

/* Everything but the rows and the observations, in r->text. */
static enum qr_rc frame(struct results *r, FILE *jsonl)
{
    json_t *all = qr_json_object(), *o = qr_json_object(), *m = qr_json_object();
    json_t *import = qr_json_object(), *results = qr_json_array(), *back = qr_json_object();
    json_t *resources = qr_json_array(), *resource = resource_new(), *plan = plan_new();
    json_t *of_rows[ROWS_UUIDS] = {o, result(r), resource};
    enum qr_rc rc = put_uuids(of_rows, jsonl);
    (void)snprintf(r->resource, sizeof r->resource, "#%.40s",
                   json_string_value(json_object_get(resource, "uuid")));
    set_text(m, "title", "Log export of %.200s", r->origin);
    qr_json_set_str(m, "last-modified", r->exported);
    qr_json_set_str(m, "version", "1");
    qr_json_set_str(m, "oscal-version", VERSION);
    qr_json_set(o, "metadata", m);
    set_text(import, "href", "#%s", json_string_value(json_object_get(plan, "uuid")));
    qr_json_set(o, "import-ap", import);
    qr_json_add(results, of_rows[ROWS_RESULT]);
    qr_json_set(o, "results", results);
    qr_json_add(resources, plan);
    qr_json_add(resources, resource);
    qr_json_set(back, "resources", resources);
    qr_json_set(o, "back-matter", back);
    qr_json_set(all, "assessment-results", o);
    if (rc == QR_OK) rc = qr_json_write(all, &r->text);
    qr_buf_put_u8(&r->text, '\n');
    json_decref(all);
    return rc;
}

/* ---- the document ---- */

/* Where text stands in s from `from` on; s.n: nowhere. */
static size_t find(struct qr_bytes s, size_t from, const char *text)
{
    struct qr_bytes t = qr_str(text);
    for (; from + t.n <= s.n; from++)
        if (s.p[from] == t.p[0] && qr_bytes_equal(QR_BYTES(s.p + from, t.n), t)) return from;
    return s.n;
}

static enum qr_rc put_observations(const struct results *r, const struct export_sink *to)
{
    const json_t *sessions = export_sessions_list(r->sessions);
    struct qr_buf b;
    enum qr_rc rc = QR_OK;
    qr_buf_init(&b, PART_MAX);
    for (size_t i = 0; rc == QR_OK && i < json_array_size(sessions); i++) {
        json_t *o = observation(json_array_get(sessions, i), r->resource);
        qr_buf_reset(&b);
        if (i > 0) qr_buf_put_u8(&b, ',');
        rc = qr_json_write(o, &b);
        if (rc == QR_OK) rc = to->put(to->ctx, qr_buf_bytes(&b));
        json_decref(o);
    }
    qr_buf_fini(&b);
    return rc;
}

/* Puts the frame up to text, which is the first of its kind behind *at. */
static enum qr_rc put_until(const struct results *r, size_t *at, const char *text,
                            const struct export_sink *to)
{
    struct qr_bytes s = qr_buf_bytes(&r->text);
    size_t from = *at;
    *at = text ? find(s, from, text) + qr_str(text).n : s.n;
    return to->put(to->ctx, QR_BYTES(s.p + from, *at - from));
}

static enum qr_rc assemble(struct results *r, const struct export_making *m)
{
    size_t at = 0;
    QR_TRY(frame(r, m->jsonl));
    QR_TRY(put_until(r, &at, DATA_BEGINS, m->to));
    QR_TRY(export_spool_base64(m->jsonl, m->to));
    if (json_array_size(export_sessions_list(r->sessions)) > 0) {
        QR_TRY(put_until(r, &at, "\"observations\":[", m->to));
        QR_TRY(put_observations(r, m->to));
    }
    return put_until(r, &at, NULL, m->to);
}

static enum qr_rc make(const struct export_making *m, struct qr_err *err)
{
    struct results r = {.sessions = export_sessions_new(), .controls = qr_json_array()};
    const struct export_watch watch = {on_header, on_row, &r};
    qr_buf_init(&r.text, PART_MAX);
    enum qr_rc rc = export_making_read(m, &watch, err);
    if (rc == QR_OK) rc = assemble(&r, m);
    qr_buf_fini(&r.text);
    export_sessions_free(r.sessions);
    json_decref(r.controls);
    return rc;
}

static void differs(struct qr_bytes must, size_t at, char *text, size_t room)
{
    static const char begins[] = "{\"collected\":", request[] = "\"Requested by entry ";
    size_t begin = at < must.n ? at : must.n, n = 0;
    if (find(must, begin, begins) == begin + 1) begin++; /* missing from here on */
    while (begin > 0 && !(must.p[begin] == begins[0] && find(must, begin, begins) == begin))
        begin--;
    if (begin == 0 || at > find(must, begin, "],\"reviewed-controls\"")) return;
    size_t row = find(must, begin, request) + sizeof request - 1;
    while (row + n < must.n && must.p[row + n] >= '0' && must.p[row + n] <= '9') n++;
    if (n > 0)
        (void)snprintf(text, room, "at the observation of the request in row %.*s", (int)n,
                       (const char *)must.p + row);
}

const struct export_document export_oscal = {.name = "oscal",
                                             .begins = BEGINS,
                                             .data_begins = DATA_BEGINS,
                                             .data_ends = '"',
                                             .make = make,
                                             .differs = differs};
