/* export.c - is an export complete: is every entry of its range there, once,
 * unchanged and in order?  (src/export) */
#include "export/document.h"
#include "export/signed.h"
#include "export/verify.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"
#include "trust/trust_dir.h"

#include <inttypes.h>

struct check {
    const char *trust_path, *controls_path;
    struct arg_keys keys;
    struct trust_dir dir;
    bool trusted; /* dir is loaded */
    struct answer *a;
};

/* ---- checkpoints ---- */

static enum qr_rc header_signed(const struct check *c, const struct export_header *h,
                                struct qr_err *err)
{
    if (c->trusted) return export_header_signed(h, &c->dir, err);
    if (!qr_bytes_is(qr_str(h->origin), c->keys.key[0].name))
        return qr_fail(err, QR_FALSE, "the export is of %.80s, not of the key's log", h->origin);
    QR_TRY(export_note_signed(qr_buf_bytes(&h->checkpoint_end), h->origin, c->keys.key, c->keys.n,
                              err));
    if (h->checkpoint_start.n == 0) return QR_OK;
    return export_note_signed(qr_buf_bytes(&h->checkpoint_start), h->origin, c->keys.key, c->keys.n,
                              err);
}

static void fact_u64(struct answer *a, const char *key, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    answer_fact(a, key, qr_str(text));
}

static void tell_header(struct answer *a, const struct export_header *h)
{
    struct export_controls own;
    char range[64];
    (void)snprintf(range, sizeof range, "%" PRIu64 " to %" PRIu64, h->start, h->end);
    answer_fact(a, "format", qr_str(h->format));
    answer_fact(a, "origin", qr_str(h->origin));
    answer_fact(a, "range", qr_str(range));
    fact_u64(a, "in_range", h->end - h->start);
    fact_u64(a, "rows", h->rows);
    fact_u64(a, "filters", h->filters);
    bool same =
        export_controls_builtin(&own, NULL) == QR_OK && export_controls_equal(&own, &h->controls);
    export_controls_fini(&own);
    answer_fact(a, "controls", qr_str(same ? "this program's mapping" : "another mapping"));
}

static enum qr_rc on_header(void *ctx, const struct export_header *h, struct qr_err *err)
{
    struct check *c = ctx;
    tell_header(c->a, h);
    answer_check(c->a, "checkpoints", true, "the range is covered, and both are of one tree");
    if (!c->trusted && c->keys.n == 0) return QR_OK;
    enum qr_rc rc = header_signed(c, h, err);
    answer_check(c->a, "signature", rc == QR_OK, "of the log's key, on both checkpoints");
    if (rc != QR_OK || !c->trusted) return rc;
    rc = export_header_witnessed(h, &c->dir, err);
    answer_check(c->a, "witnesses", rc == QR_OK, "as many as the trusted policy asks");
    return rc;
}

/* ---- rows ---- */

static enum qr_rc on_row(void *ctx, const struct export_row *r, struct qr_err *err)
{
    struct check *c = ctx;
    return c->trusted ? export_row_signed(r, &c->dir, err) : QR_OK;
}

static void tell(struct check *c, const struct export_verdict *v)
{
    answer_check(c->a, "rows", v->rc == QR_OK,
                 "every entry of the range is there, once, unchanged and in order");
    fact_u64(c->a, "entries", v->entries);
    fact_u64(c->a, "excluded", v->excluded);
    if (v->envelopes > 0) fact_u64(c->a, "envelopes", v->envelopes);
    bool keys = c->trusted || c->keys.n > 0;
    answer_fact(c->a, "signature", qr_str(keys ? "verified" : "unchecked"));
    answer_fact(c->a, "authors", qr_str(c->trusted ? "verified" : "unchecked"));
}

static enum qr_rc check_file(struct check *c, const char *path)
{
    struct export_verdict v;
    const struct export_watch watch = {on_header, on_row, c};
    bool standard = qr_bytes_is(qr_str(path), "-");
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (!f) return answer_fail(c->a, QR_NOTFOUND, NULL, "%.100s cannot be opened", path);
    struct export_input in;
    export_input_init(&in, f, QR_BYTES_NONE, EXPORT_UNIT_MAX);
    enum qr_rc rc = export_document_sniff(export_input_peek(&in, 20))
                        ? export_document_verify(&in, &watch, &v)
                        : export_verify(&in, &watch, &v);
    export_input_fini(&in);
    if (!standard) (void)fclose(f);
    tell(c, &v);
    if (rc == QR_OK) return QR_OK;
    return answer_fail(c->a, rc, NULL, "%s", v.err.text[0] ? v.err.text : qr_rc_text(rc));
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    struct qr_err err = {{0}};
    struct check c = {.a = a};
    const char *path = NULL;
    const struct arg args[] = {{"trust", ARG_TEXT, &c.trust_path, false},
                               {"vkey", ARG_KEYS, &c.keys, false}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], &path, a));
    if (c.trust_path && c.keys.n > 0)
        return answer_fail(a, QR_USAGE, NULL, "--trust names the log's keys: leave --vkey out");
    if (qr_crypto_init(&err) != QR_OK) return answer_fail(a, QR_BUG, NULL, "%s", err.text);
    if (c.trust_path) {
        enum qr_rc rc = trust_dir_load(c.trust_path, &c.dir, &err);
        if (rc != QR_OK) return answer_fail(a, rc, NULL, "%s", err.text);
        c.trusted = true;
    }
    enum qr_rc rc = check_file(&c, path);
    if (c.trusted) trust_dir_fini(&c.dir);
    return rc;
}

const struct command command_export = {
    .name = "export",
    .help = "is an export complete, and is each row what its entry says?",
    .examples = "  tlog-verify export --trust trust quarter.csv\n",
    .options = "  --trust DIR       the trust directory: keys of the log and of the authors\n"
               "  --vkey VKEY       the log's key instead; authors are not checked then\n"
               "  FILE              what quorate-export wrote; - is standard input\n",
    .run = run,
};
