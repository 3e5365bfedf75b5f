/* header.h - what an export says of itself: which entries of which log, under
 * which checkpoints, with what proof, chosen by which filter.
 *
 * Canonical JSON; the first line, record, message or resource of a file.
 * Spec: docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_HEADER_H
#define QUORATE_EXPORT_HEADER_H

#include "export/controls.h"
#include "tlog/tlog.h"

#define EXPORT_SCHEMA "urn:quorate:export:v1"
#define EXPORT_FILTERS_MAX 16
#define EXPORT_HEADER_MAX (16 * 1024 * 1024)
/* Erasures that one export can tell of. */
#define EXPORT_ERASED_MAX 100000

/* "column=value". */
struct export_filter {
    unsigned column; /* enum export_column */
    struct qr_bytes value;
};

/* identity.erased in the file. */
struct export_erased {
    struct qr_hash commitment;
    uint64_t index;
};

struct export_header {
    const char *format; /* a constant */
    char origin[TLOG_NAME_MAX + 1];
    uint64_t start, end; /* entries [start, end) */
    size_t filters;
    struct export_filter filter[EXPORT_FILTERS_MAX];
    uint64_t rows; /* that pass the filter */
    uint64_t counts[LEAF_KIND_COUNT];
    uint64_t foreign;
    struct export_erased *erased; /* in ascending index; owned */
    size_t erased_count;
    char exported_at[QR_TIME_LEN + 1];
    char tool_version[33];
    struct export_controls controls;
    struct qr_buf checkpoint_start, checkpoint_end; /* signed notes; start may be empty */
    struct tlog_proof consistency;                  /* start to end */
    struct tlog_proof left;  /* roots of the perfect subtrees before the range */
    struct tlog_proof right; /* consistency of the tree of `end` entries with checkpoint_end */
    json_t *json;            /* read: values borrow from it; owned */
};

void export_header_init(struct export_header *h);
void export_header_fini(struct export_header *h);
/* "column=value", kept.  QR_USAGE: no such column, not one of the entry's own,
 * or too many. */
enum qr_rc export_filter_add(struct export_header *h, struct qr_bytes text, struct qr_err *err)
    QR_MUST_CHECK;
/* QR_NOMEM: more erasures than a header holds. */
enum qr_rc export_erased_add(struct export_header *h, const struct qr_hash *commitment,
                             uint64_t index) QR_MUST_CHECK;
/* Canonical bytes; appends. */
enum qr_rc export_header_write(const struct export_header *h, struct qr_buf *out) QR_MUST_CHECK;
/* Strict.  QR_MALFORMED; QR_STALE: another schema. */
enum qr_rc export_header_read(struct qr_bytes json, struct export_header *out, struct qr_err *err)
    QR_MUST_CHECK;

#endif
