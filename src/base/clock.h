/* clock.h - time, passed in.  Nothing outside main.c files and this module
 * reads a clock of the system.
 *
 * Times are int64_t microseconds since 1970-01-01T00:00:00Z (wall) or since an
 * arbitrary start (mono).  On the wire and in log entries a time is RFC 3339
 * UTC with exactly six decimals: 2026-11-23T15:34:00.123456Z. */
#ifndef QUORATE_BASE_CLOCK_H
#define QUORATE_BASE_CLOCK_H

#include "base/bytes.h"

struct qr_clock {
    int64_t (*wall_us)(void *ctx);
    int64_t (*mono_us)(void *ctx);
    void *ctx;
};

/* The system's clocks. */
struct qr_clock qr_clock_system(void);

/* A clock that stands still until it is told; for tests.  *now_us is kept and
 * read as both wall and monotonic time. */
struct qr_clock qr_clock_fixed(int64_t *now_us);

/* Wall and monotonic time in microseconds. */
int64_t qr_now_us(const struct qr_clock *c);
int64_t qr_mono_us(const struct qr_clock *c);

#define QR_TIME_LEN 27
/* Writes the RFC 3339 form and a NUL: out has QR_TIME_LEN + 1 bytes.
 * us must lie in the years 1970 to 9999. */
void qr_time_format(int64_t us, char out[QR_TIME_LEN + 1]);
/* Strictly the form above.  QR_MALFORMED otherwise. */
enum qr_rc qr_time_parse(struct qr_bytes s, int64_t *us) QR_MUST_CHECK;

#endif
