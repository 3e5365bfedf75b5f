/* document.h - exports for people: documents that are made from the rows of a
 * JSON Lines export and carry it inside, so that a verifier can make them again.
 *
 * The whole document is in memory.  Spec: docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_DOCUMENT_H
#define QUORATE_EXPORT_DOCUMENT_H

#include "export/verify.h"

#define EXPORT_DOCUMENT_MAX ((size_t)256 * 1024 * 1024)

struct export_document;

/* "oscal", "html"; NULL: no such document. */
const struct export_document *export_document_find(struct qr_bytes name);
/* Whose first bytes these are; NULL: none's. */
const struct export_document *export_document_sniff(struct qr_bytes first);

struct export_document {
    const char *name, *begins;
    /* Appends the document made from the rows, which are verified. */
    enum qr_rc (*make)(struct qr_bytes jsonl, struct qr_buf *out, struct qr_err *err);
    /* The export inside a document; appends.  QR_MALFORMED. */
    enum qr_rc (*inner)(struct qr_bytes document, struct qr_buf *jsonl);
    /* Which part of `must` the document `is` does not have as it must be; *at is the
     * first byte that differs.  Writes words for a reader, or "". */
    void (*differs)(struct qr_bytes is, struct qr_bytes must, size_t at, char *text, size_t room);
};

/* Makes it; QR_NOMEM: too large. */
enum qr_rc export_document_make(const struct export_document *d, struct qr_bytes jsonl,
                                struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;
/* As export_verify: the rows inside, and that the document is what they make. */
enum qr_rc export_document_verify(struct export_input *in, const struct export_watch *watch,
                                  struct export_verdict *out) QR_MUST_CHECK;

extern const struct export_document export_html, export_oscal;

#endif
