/* evil_clock.c - the time that an adversary program believes.
 *
 * Moves: clock=S, the wall clock is that far ahead; at=US, it stands there;
 * mono=US, the monotonic clock stands there. */
#include <config.h>

#include "adversary/moves.h"
#include "base/clock.h"

#include <stdlib.h>

int64_t __real_qr_now_us(const struct qr_clock *c);
int64_t __wrap_qr_now_us(const struct qr_clock *c);
int64_t __real_qr_mono_us(const struct qr_clock *c);
int64_t __wrap_qr_mono_us(const struct qr_clock *c);

int64_t __wrap_qr_now_us(const struct qr_clock *c)
{
    const char *v = move_value("at");
    if (v) return strtoll(v, NULL, 10);
    v = move_value("clock");
    return __real_qr_now_us(c) + (v ? strtoll(v, NULL, 10) * 1000000LL : 0);
}

int64_t __wrap_qr_mono_us(const struct qr_clock *c)
{
    const char *v = move_value("mono");
    return v ? strtoll(v, NULL, 10) : __real_qr_mono_us(c);
}
