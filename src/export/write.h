/* write.h - writes an export: head, blocks and rows in order.
 *
 * The caller made the header, counts included; rows are given with their own
 * cells, in the order of the log.  Output goes to a buffer's drain. */
#ifndef QUORATE_EXPORT_WRITE_H
#define QUORATE_EXPORT_WRITE_H

#include "export/format.h"

/* Where the bytes go; borrows.  Anything but QR_OK ends the export. */
struct export_sink {
    enum qr_rc (*put)(void *ctx, struct qr_bytes s);
    void *ctx;
};

struct export_writer;

/* Keeps h and the sink's ctx; writes the head.  Gives export_writer_free. */
enum qr_rc export_writer_new(const struct export_format *f, const struct export_header *h,
                             const struct export_sink *to, struct export_writer **out)
    QR_MUST_CHECK;
void export_writer_free(struct export_writer *w); /* NULL is allowed */
/* The next row: its cells that come of other rows are filled in here.  A row
 * that does not pass the filter becomes an excluded one. */
enum qr_rc export_writer_row(struct export_writer *w, struct export_row *r) QR_MUST_CHECK;
/* After the last row. */
enum qr_rc export_writer_end(struct export_writer *w) QR_MUST_CHECK;

#endif
