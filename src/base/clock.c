/* clock.c - system and fixed clocks, and the one time format. */
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define US_PER_S 1000000LL
#define MAX_US (253402300799LL * US_PER_S + 999999) /* end of the year 9999 */

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0) qr_fatal("clock_gettime failed");
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static int64_t system_wall(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t fixed_now(void *ctx) { return *(const int64_t *)ctx; }

struct qr_clock qr_clock_system(void) { return (struct qr_clock){system_wall, system_mono, NULL}; }

struct qr_clock qr_clock_fixed(int64_t *now_us)
{
    return (struct qr_clock){fixed_now, fixed_now, now_us};
}

int64_t qr_now_us(const struct qr_clock *c) { return c->wall_us(c->ctx); }
int64_t qr_mono_us(const struct qr_clock *c) { return c->mono_us(c->ctx); }

void qr_time_format(int64_t us, char out[QR_TIME_LEN + 1])
{
    assert(us >= 0 && us <= MAX_US);
    time_t s = (time_t)(us / US_PER_S);
    struct tm tm;
    if (!gmtime_r(&s, &tm)) qr_fatal("gmtime_r failed");
    char day[24];
    size_t n = strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    assert(n == 19);
    int len = snprintf(out, QR_TIME_LEN + 1, "%s.%06dZ", day, (int)(us % US_PER_S));
    assert(len == QR_TIME_LEN);
    (void)len;
}

static bool two_digits(const uint8_t *p, int lo, int hi, int *out)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return *out >= lo && *out <= hi;
}

enum qr_rc qr_time_parse(struct qr_bytes s, int64_t *us)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    if (s.n != QR_TIME_LEN) return QR_MALFORMED;
    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (shape[i] == 'd' ? !digit : s.p[i] != (uint8_t)shape[i]) return QR_MALFORMED;
    }
    int c, y, mo, d, h, mi, sec;
    if (!two_digits(s.p, 19, 99, &c) || !two_digits(s.p + 2, 0, 99, &y) ||
        !two_digits(s.p + 5, 1, 12, &mo) || !two_digits(s.p + 8, 1, 31, &d) ||
        !two_digits(s.p + 11, 0, 23, &h) || !two_digits(s.p + 14, 0, 59, &mi) ||
        !two_digits(s.p + 17, 0, 59, &sec))
        return QR_MALFORMED;
    struct tm tm = {.tm_year = c * 100 + y - 1900,
                    .tm_mon = mo - 1,
                    .tm_mday = d,
                    .tm_hour = h,
                    .tm_min = mi,
                    .tm_sec = sec};
    time_t t = timegm(&tm);
    if (t < 0 || tm.tm_mday != d || tm.tm_mon != mo - 1) return QR_MALFORMED;
    int64_t frac = 0;
    for (size_t i = 20; i < 26; i++) frac = frac * 10 + (s.p[i] - '0');
    *us = (int64_t)t * US_PER_S + frac;
    return QR_OK;
}
