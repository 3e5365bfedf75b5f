/* pace.c - a line a second. */
#include "tools/tlog-verify/pace.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define SHOW_US 1000000

void pace_init(struct pace *p, bool always)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    *p = (struct pace){
        .clock = qr_clock_system(), .shown = always || terminal, .terminal = terminal};
}

void pace_begin(struct pace *p, const char *what, uint64_t from)
{
    p->what = what;
    p->from = p->done = p->of = from;
    p->begun_us = p->shown_us = qr_mono_us(&p->clock);
}

static void print(struct pace *p, const char *end)
{
    double s = (double)(p->shown_us - p->begun_us) / 1e6;
    double rate = s > 0 ? (double)(p->done - p->from) / s : 0;
    (void)fprintf(stderr, "%s%s: %" PRIu64 " of %" PRIu64 " entries, %.0f/s, %.0f s left%s",
                  p->terminal ? "\r" : "", p->what, p->done, p->of, rate,
                  rate > 0 ? (double)(p->of - p->done) / rate : 0, end);
}

void pace_show(struct pace *p, uint64_t done, uint64_t of)
{
    if (!p->shown) return;
    int64_t now_us = qr_mono_us(&p->clock);
    p->done = done;
    p->of = of;
    if (now_us - p->shown_us < SHOW_US) return;
    p->shown_us = now_us;
    print(p, p->terminal ? "  " : "\n");
}

void pace_end(struct pace *p)
{
    if (!p->shown || p->of == 0) return;
    p->shown_us = qr_mono_us(&p->clock);
    print(p, "\n");
}
