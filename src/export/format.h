/* format.h - the ways in which rows are written, and read back.
 *
 * A file is a head, then a unit for each row in the order of the log; some
 * formats put a block of leaf hashes before every EXPORT_BLOCK rows, because
 * their rows do not carry their own.  Writing is a pure function of header and
 * rows, so that a reader can do it again and compare.
 *
 * Spec: docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_FORMAT_H
#define QUORATE_EXPORT_FORMAT_H

#include "export/row.h"

#define EXPORT_BLOCK 256
/* A unit with everything around it; a header may be this long too. */
#define EXPORT_UNIT_MAX (EXPORT_HEADER_MAX + 65536)

/* What a unit says it is, before it is believed. */
struct export_claim {
    enum export_what what;
    bool placed; /* index is stated */
    uint64_t index;
    bool hashed; /* leaf is stated */
    struct qr_hash leaf;
    struct qr_buf bytes; /* of the entry, unless excluded */
};

struct export_format {
    const char *name;
    unsigned head_units;
    bool records; /* units end as CSV records do, else with a line */
    bool blocks;
    /* All append to out. */
    void (*head)(struct qr_bytes header, struct qr_buf *out);
    void (*row)(const struct export_row *r, struct qr_buf *out);
    /* The header's JSON in the last unit of a head; a unit without its end of
     * line.  QR_MALFORMED. */
    enum qr_rc (*read_head)(struct qr_bytes unit, struct qr_buf *header);
    /* What a row's unit claims; c->bytes is empty before.  QR_MALFORMED. */
    enum qr_rc (*read_row)(struct qr_bytes unit, struct export_claim *c);
};

/* NULL: no such format.  oscal and html are documents around jsonl: they are
 * not here. */
const struct export_format *export_format_find(struct qr_bytes name);
/* The one that a file's first bytes show; NULL: none. */
const struct export_format *export_format_sniff(struct qr_bytes first);

/* The line of leaf hashes of n rows from index on, and back: *n is at most
 * EXPORT_BLOCK.  QR_MALFORMED. */
void export_block_write(uint64_t index, const struct qr_hash *leaf, size_t n, struct qr_buf *out);
enum qr_rc export_block_read(struct qr_bytes line, uint64_t *index, struct qr_hash *leaf, size_t *n)
    QR_MUST_CHECK;

extern const struct export_format export_jsonl, export_dsse, export_csv, export_ocsf, export_syslog;

#endif
