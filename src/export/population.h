/* population.h - the rows of a range, from a log or from an export that somebody
 * else wrote: the same rows either way.
 *
 * Spec: docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_POPULATION_H
#define QUORATE_EXPORT_POPULATION_H

#include "export/row.h"

/* Where from, and which; everything is kept. */
struct export_source {
    const char *db, *tiles, *file; /* one of them; file: an export */
    uint32_t log_id;
    const char *from, *to; /* NULL, an index, or a time (not with file) */
    const char *filters;   /* "column=value ..." separated by blanks; may be NULL */
    const char *controls;  /* a mapping's file; NULL: the export's, or the one built in */
};

struct export_population {
    struct export_header h; /* origin, range, filters, controls */
    uint64_t n;             /* rows that were shown */
};

/* Calls each(ctx, row) for every row of the range that passes, in order.  Of an
 * export the proof is checked as well (QR_FALSE), not who signed it; what its
 * own filter left out is not in it.  p is filled before the first call; call
 * export_population_fini in any case. */
typedef enum qr_rc export_each(void *ctx, const struct export_row *r, struct qr_err *err);
enum qr_rc export_population_read(const struct export_source *s, struct export_population *p,
                                  export_each *each, void *ctx, struct qr_err *err) QR_MUST_CHECK;
void export_population_fini(struct export_population *p);

#endif
