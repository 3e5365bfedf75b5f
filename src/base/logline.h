/* logline.h - one JSON object per line on stderr: what an operator reads.
 *
 * Never a secret, a token or personal data: callers pass digests and
 * commitments.  Lines are written with one write(2), so lines of several
 * threads do not mix; control characters are escaped. */
#ifndef QUORATE_BASE_LOGLINE_H
#define QUORATE_BASE_LOGLINE_H

#include "base/clock.h"

#include <jansson.h>

struct qr_log {
    int fd;
    const char *service; /* keeps */
    struct qr_clock clock;
};

/* Adds time and service to fields, writes the line, releases fields (takes). */
void qr_log_line(const struct qr_log *log, const char *event, json_t *fields);
/* A line with a text only. */
void qr_log_text(const struct qr_log *log, const char *event, const char *fmt, ...) QR_PRINTF(3, 4);

#endif
