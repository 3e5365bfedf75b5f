/* document.h - exports for people: documents that are made from the rows of a
 * JSON Lines export and carry it inside, so that a verifier can make them again.
 *
 * Rows and documents of any length: they are kept in unnamed files, only sessions
 * in memory.  Spec: docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_DOCUMENT_H
#define QUORATE_EXPORT_DOCUMENT_H

#include "export/verify.h"
#include "export/write.h"

struct export_document;

/* "oscal", "html"; NULL: no such document. */
const struct export_document *export_document_find(struct qr_bytes name);
/* Whose first bytes these are; NULL: none's. */
const struct export_document *export_document_sniff(struct qr_bytes first);

/* What a document is made of. */
struct export_making {
    FILE *jsonl;                      /* the rows; read from the beginning */
    const struct export_watch *watch; /* told of header and rows, too */
    const struct export_sink *to;     /* gets the document */
    struct export_verdict *verdict;   /* on the rows */
};

struct export_document {
    const char *name, *begins;
    /* Between these the rows stand in base64 (export_spool_decode). */
    const char *data_begins;
    char data_ends;
    /* Verifies the rows, then puts the document. */
    enum qr_rc (*make)(const struct export_making *m, struct qr_err *err);
    /* Which row byte `at` of a part of the document belongs to, in words for a
     * reader whose document differs from there on; "": none. */
    void (*differs)(struct qr_bytes must, size_t at, char *text, size_t room);
};

/* For make: reads the rows for m's watch and for own. */
enum qr_rc export_making_read(const struct export_making *m, const struct export_watch *own,
                              struct qr_err *err) QR_MUST_CHECK;

/* Puts the document of the rows in jsonl, after it has verified them. */
enum qr_rc export_document_make(const struct export_document *d, FILE *jsonl,
                                const struct export_sink *to, struct qr_err *err) QR_MUST_CHECK;
/* As export_verify: the rows inside, and that the document is what they make. */
enum qr_rc export_document_verify(struct export_input *in, const struct export_watch *watch,
                                  struct export_verdict *out) QR_MUST_CHECK;

extern const struct export_document export_html, export_oscal;

#endif
