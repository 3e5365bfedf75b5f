/* document.c - finding a document's rows, and comparing it with what they make while
 * that is made. */
#include "export/document.h"

#include "export/spool.h"

#include "config.h"

#include <inttypes.h>

static const struct export_document *const documents[] = {&export_html, &export_oscal, NULL};

const struct export_document *export_document_find(struct qr_bytes name)
{
    for (size_t i = 0; documents[i]; i++)
        if (qr_bytes_is(name, documents[i]->name)) return documents[i];
    return NULL;
}

const struct export_document *export_document_sniff(struct qr_bytes first)
{
    for (size_t i = 0; documents[i]; i++) {
        struct qr_bytes b = qr_str(documents[i]->begins);
        if (first.n >= b.n && qr_bytes_equal(QR_BYTES(first.p, b.n), b)) return documents[i];
    }
    return NULL;
}

/* ---- making ---- */

struct both {
    const struct export_watch *first, *second;
};

static enum qr_rc both_header(void *ctx, const struct export_header *h, struct qr_err *err)
{
    const struct both *b = ctx;
    if (b->first->header) QR_TRY(b->first->header(b->first->ctx, h, err));
    return b->second->header(b->second->ctx, h, err);
}

static enum qr_rc both_row(void *ctx, const struct export_row *r, struct qr_err *err)
{
    const struct both *b = ctx;
    if (b->first->row) QR_TRY(b->first->row(b->first->ctx, r, err));
    return b->second->row(b->second->ctx, r, err);
}

enum qr_rc export_making_read(const struct export_making *m, const struct export_watch *own,
                              struct qr_err *err)
{
    struct export_input in;
    struct both b = {m->watch, own};
    const struct export_watch watch = {both_header, both_row, &b};
    if (fseek(m->jsonl, 0, SEEK_SET) != 0) return qr_fail(err, QR_IO, "the rows cannot be read");
    export_input_init(&in, m->jsonl, QR_BYTES_NONE, EXPORT_UNIT_MAX);
    enum qr_rc rc = export_verify(&in, &watch, m->verdict);
    export_input_fini(&in);
    return rc == QR_OK ? QR_OK : qr_fail(err, rc, "%s", m->verdict->err.text);
}

enum qr_rc export_document_make(const struct export_document *d, FILE *jsonl,
                                const struct export_sink *to, struct qr_err *err)
{
    const struct export_watch none = {NULL, NULL, NULL};
    struct export_verdict v;
    const struct export_making m = {jsonl, &none, to, &v};
    struct qr_err why = {{0}};
    enum qr_rc rc = d->make(&m, &why);
    if (rc == QR_OK) return QR_OK;
    return qr_fail(err, rc, "%s", why.text[0] ? why.text : "the export cannot be written");
}

/* ---- comparing ---- */

/* Where the first difference is looked at: what must stand before it, and behind. */
#define BEFORE ((size_t)64 * 1024)
#define BEHIND ((size_t)16 * 1024)

struct compare {
    FILE *is;
    struct qr_buf older, newer; /* the last bytes that were as they must be */
    bool differs;
    uint64_t at, line;
    size_t within; /* place of the difference in the newer */
};

static enum qr_rc take(struct compare *c, struct qr_bytes must)
{
    if (!c->differs && c->newer.n > BEFORE) {
        struct qr_buf b = c->older;
        c->older = c->newer;
        c->newer = b;
        qr_buf_reset(&c->newer);
    }
    qr_buf_put_bytes(&c->newer, must);
    return qr_buf_ok(&c->newer);
}

/* A part of what the document must be, of PART bytes at most. */
static enum qr_rc compare_part(struct compare *c, struct qr_bytes must)
{
    uint8_t is[BEHIND];
    size_t n = 0, same = 0;
    if (!c->differs) {
        n = fread(is, 1, must.n, c->is);
        if (n < must.n && ferror(c->is)) return QR_IO;
        while (same < n && is[same] == must.p[same]) {
            if (is[same] == '\n') c->line++;
            same++;
        }
        c->at += same;
    }
    bool begins = !c->differs && same < must.n;
    QR_TRY(take(c, must));
    if (begins) {
        c->differs = true;
        c->within = c->newer.n - must.n + same;
    }
    return c->differs && c->newer.n - c->within > BEHIND ? QR_FALSE : QR_OK;
}

static enum qr_rc compare_put(void *ctx, struct qr_bytes must)
{
    while (must.n > 0) {
        size_t n = must.n < BEHIND ? must.n : BEHIND;
        QR_TRY(compare_part(ctx, QR_BYTES(must.p, n)));
        must = QR_BYTES(must.p + n, must.n - n);
    }
    return QR_OK;
}

static enum qr_rc compared(struct compare *c, const struct export_document *d, struct qr_err *err)
{
    char text[128] = "";
    if (!c->differs && getc(c->is) == EOF) return QR_OK;
    if (!c->differs) c->within = c->newer.n;
    struct qr_buf part;
    qr_buf_init(&part, 4 * BEFORE + 2 * BEHIND);
    qr_buf_put_bytes(&part, qr_buf_bytes(&c->older));
    qr_buf_put_bytes(&part, qr_buf_bytes(&c->newer));
    if (qr_buf_ok(&part) == QR_OK)
        d->differs(qr_buf_bytes(&part), c->older.n + c->within, text, sizeof text);
    qr_buf_fini(&part);
    qr_zero(err, sizeof *err);
    return qr_fail(err, QR_FALSE, "line %" PRIu64 ", byte %" PRIu64 ": not what the rows make%s%s",
                   c->line, c->at, text[0] ? ": " : "", text);
}

/* A document says which program made it; another version may lay it out in
 * another way. */
static bool of_other_version(FILE *rows)
{
    struct export_header h;
    struct export_input in;
    struct qr_bytes line;
    bool other = false;
    if (fseek(rows, 0, SEEK_SET) != 0) return false;
    export_input_init(&in, rows, QR_BYTES_NONE, EXPORT_UNIT_MAX);
    if (export_input_next(&in, false, &line) == QR_OK &&
        export_header_read(line, &h, NULL) == QR_OK) {
        other = !qr_bytes_is(qr_str(h.tool_version), PACKAGE_VERSION);
        export_header_fini(&h);
    }
    export_input_fini(&in);
    return other;
}

static enum qr_rc make_again(const struct export_document *d, FILE *document, FILE *rows,
                             const struct export_watch *watch, struct export_verdict *out)
{
    struct compare c = {.is = document, .line = 1};
    struct qr_err err = {{0}};
    const struct export_sink to = {compare_put, &c};
    const struct export_making m = {rows, watch, &to, out};
    qr_buf_init(&c.older, 2 * BEFORE);
    qr_buf_init(&c.newer, 2 * BEFORE);
    if (fseek(document, 0, SEEK_SET) != 0) return QR_IO;
    enum qr_rc rc = d->make(&m, &err);
    bool proven = out->rc == QR_OK;
    if (proven && (rc == QR_OK || c.differs)) rc = compared(&c, d, &err);
    if (rc == QR_FALSE && proven && of_other_version(rows)) {
        qr_zero(&err, sizeof err);
        rc = qr_fail(&err, QR_STALE,
                     "the rows inside are proven, but the document is of another version: "
                     "check it with the program that made it");
    }
    if (rc != QR_OK) out->err = err;
    qr_buf_fini(&c.older);
    qr_buf_fini(&c.newer);
    return rc;
}

static enum qr_rc verify(const struct export_document *d, FILE *document, FILE *rows,
                         struct export_input *in, const struct export_watch *watch,
                         struct export_verdict *out)
{
    const struct export_sink to = {export_spool_put, document};
    if (!document || !rows || export_input_rest(in, &to) != QR_OK)
        return qr_fail(&out->err, QR_IO, "the document cannot be kept in a temporary file");
    enum qr_rc rc = export_spool_decode(document, d->data_begins, d->data_ends, rows);
    if (rc != QR_OK) return qr_fail(&out->err, rc, "the document does not hold its rows");
    return make_again(d, document, rows, watch, out);
}

enum qr_rc export_document_verify(struct export_input *in, const struct export_watch *watch,
                                  struct export_verdict *out)
{
    *out = (struct export_verdict){.rc = QR_OK};
    const struct export_document *d = export_document_sniff(export_input_peek(in, 20));
    if (!d) return out->rc = qr_fail(&out->err, QR_MALFORMED, "this is not an export");
    FILE *document = export_spool_new(), *rows = export_spool_new();
    out->rc = verify(d, document, rows, in, watch, out);
    if (document) (void)fclose(document);
    if (rows) (void)fclose(rows);
    return out->rc;
}
