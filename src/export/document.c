/* document.c - finding a document's rows, and comparing it with what they make. */
#include "export/document.h"

#include "config.h"

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

enum qr_rc export_document_make(const struct export_document *d, struct qr_bytes jsonl,
                                struct qr_buf *out, struct qr_err *err)
{
    QR_TRY(d->make(jsonl, out, err));
    return qr_buf_ok(out) == QR_OK ? QR_OK
                                   : qr_fail(err, QR_NOMEM, "the document would be too large");
}

/* A document says which program made it; another version may lay it out in
 * another way. */
static bool of_other_version(struct qr_bytes rows)
{
    struct export_header h;
    size_t n = 0;
    while (n < rows.n && rows.p[n] != '\n') n++;
    if (export_header_read(QR_BYTES(rows.p, n), &h, NULL) != QR_OK) return false;
    bool other = !qr_bytes_is(qr_str(h.tool_version), PACKAGE_VERSION);
    export_header_fini(&h);
    return other;
}

static enum qr_rc compare(const struct export_document *d, struct qr_bytes is, struct qr_bytes must,
                          struct export_verdict *out)
{
    char text[128] = "";
    size_t at = 0, line = 1;
    if (qr_bytes_equal(is, must)) return QR_OK;
    for (; at < is.n && at < must.n && is.p[at] == must.p[at]; at++)
        if (must.p[at] == '\n') line++;
    d->differs(is, must, at, text, sizeof text);
    return qr_fail(&out->err, QR_FALSE, "line %zu, byte %zu: not what the rows make%s%s", line, at,
                   text[0] ? ": " : "", text);
}

static enum qr_rc verify(const struct export_document *d, struct qr_bytes document,
                         const struct export_watch *watch, struct export_verdict *out)
{
    struct qr_buf rows, again;
    struct export_input in;
    qr_buf_init(&rows, EXPORT_DOCUMENT_MAX);
    qr_buf_init(&again, 8 * EXPORT_DOCUMENT_MAX);
    enum qr_rc rc = d->inner(document, &rows);
    if (rc == QR_OK) rc = qr_buf_ok(&rows);
    if (rc != QR_OK) {
        rc = qr_fail(&out->err, QR_MALFORMED, "the document does not hold its rows");
    } else {
        export_input_init(&in, NULL, qr_buf_bytes(&rows), EXPORT_UNIT_MAX);
        rc = export_verify(&in, watch, out);
        export_input_fini(&in);
    }
    if (rc == QR_OK) rc = export_document_make(d, qr_buf_bytes(&rows), &again, &out->err);
    if (rc == QR_OK) rc = compare(d, document, qr_buf_bytes(&again), out);
    if (rc == QR_FALSE && !out->at_row && again.n > 0 && of_other_version(qr_buf_bytes(&rows))) {
        qr_zero(&out->err, sizeof out->err);
        rc = qr_fail(&out->err, QR_STALE,
                     "the rows inside are proven, but the document is of another version: "
                     "check it with the program that made it");
    }
    qr_buf_fini(&rows);
    qr_buf_fini(&again);
    return out->rc = rc;
}

enum qr_rc export_document_verify(struct export_input *in, const struct export_watch *watch,
                                  struct export_verdict *out)
{
    struct qr_buf all;
    *out = (struct export_verdict){.rc = QR_OK};
    const struct export_document *d = export_document_sniff(export_input_peek(in, 20));
    if (!d) return out->rc = qr_fail(&out->err, QR_MALFORMED, "this is not an export");
    qr_buf_init(&all, 8 * EXPORT_DOCUMENT_MAX);
    enum qr_rc rc = export_input_rest(in, &all);
    if (rc == QR_OK)
        rc = verify(d, qr_buf_bytes(&all), watch, out);
    else
        rc = qr_fail(&out->err, rc, "the document cannot be read");
    qr_buf_fini(&all);
    return out->rc = rc;
}
