/* input.h - a file cut into units: lines, or records of CSV. */
#ifndef QUORATE_EXPORT_INPUT_H
#define QUORATE_EXPORT_INPUT_H

#include "base/bytes.h"

#include <stdio.h>

struct export_input {
    FILE *file;          /* NULL: the bytes of mem */
    struct qr_bytes mem; /* what is left of it */
    struct qr_buf unit;  /* the unit under hand */
    uint64_t units;      /* read so far */
};

/* Keeps file, or mem; units are at most max bytes. */
void export_input_init(struct export_input *in, FILE *file, struct qr_bytes mem, size_t max);
void export_input_fini(struct export_input *in); /* does not close the file */
/* The first n bytes at most, without taking them. */
struct qr_bytes export_input_peek(struct export_input *in, size_t n);
/* The next unit without its newline, borrowed until the next call.
 * records: a newline within quotes does not end it.  QR_NOTFOUND: the end;
 * QR_MALFORMED: the last unit has no newline; QR_NOMEM: too long; QR_IO. */
enum qr_rc export_input_next(struct export_input *in, bool records, struct qr_bytes *unit)
    QR_MUST_CHECK;

struct export_sink;
/* Puts everything that is left, what was peeked included.  QR_IO, or what the sink
 * said. */
enum qr_rc export_input_rest(struct export_input *in, const struct export_sink *to) QR_MUST_CHECK;

#endif
