/* verify.h - shows from an export's bytes alone that every entry of its range is
 * there, once, unchanged and in order; or names the first row where that fails.
 *
 * Each unit is read for what it claims, made again from the entry it holds, and
 * compared; the leaf hashes lead to the signed root.  Who signed the checkpoints
 * is the caller's question.  Spec: docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_VERIFY_H
#define QUORATE_EXPORT_VERIFY_H

#include "export/format.h"
#include "export/input.h"

struct export_verdict {
    enum qr_rc rc;
    bool at_row;  /* the fault is of this row: */
    uint64_t row; /* place in the log */
    struct qr_err err;
    uint64_t entries, excluded; /* rows read */
    uint64_t envelopes;
};

/* Called once, when the header was read and its proofs of checkpoints hold;
 * anything but QR_OK ends the reading.  May be NULL. */
typedef enum qr_rc export_on_header(void *ctx, const struct export_header *h, struct qr_err *err);
/* Called for each row whose entry is there, after it was compared; the same. */
typedef enum qr_rc export_on_row(void *ctx, const struct export_row *r, struct qr_err *err);

struct export_watch {
    export_on_header *header;
    export_on_row *row;
    void *ctx;
};

/* Reads in to its end.  QR_FALSE: a row is missing, changed, moved, doubled, or
 * the proof fails; QR_MALFORMED: not an export; QR_STALE: of another version;
 * QR_IO, or what a callback said. */
enum qr_rc export_verify(struct export_input *in, const struct export_watch *watch,
                         struct export_verdict *out) QR_MUST_CHECK;

#endif
