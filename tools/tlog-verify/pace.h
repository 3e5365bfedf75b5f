/* pace.h - how far something long is, how fast it goes, and how long it will take:
 * a line on standard error, on a terminal or when it is asked for. */
#ifndef TLOG_VERIFY_PACE_H
#define TLOG_VERIFY_PACE_H

#include "base/clock.h"

struct pace {
    struct qr_clock clock;
    bool shown, terminal;
    const char *what;
    uint64_t from, done, of;
    int64_t begun_us, shown_us;
};

/* always: also when standard error is no terminal, a line each second then. */
void pace_init(struct pace *p, bool always);
/* A part of the work: `from` of it are done already. */
void pace_begin(struct pace *p, const char *what, uint64_t from);
void pace_show(struct pace *p, uint64_t done, uint64_t of);
/* The last line of a part. */
void pace_end(struct pace *p);

#endif
