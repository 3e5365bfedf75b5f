/* wait.c - conditions on the monotonic clock. */
#include "base/wait.h"

#include "base/rc.h"

#include <errno.h>
#include <time.h>

void qr_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0 ||
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(cond, &attr) != 0)
        qr_fatal("cannot make a condition");
    (void)pthread_condattr_destroy(&attr);
}

void qr_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t us)
{
    struct timespec ts;
    if (us < 0) us = 0;
    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0) qr_fatal("cannot read the clock");
    int64_t ns = ts.tv_nsec + us % 1000000 * 1000;
    ts.tv_sec += (time_t)(us / 1000000 + ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    int e = pthread_cond_timedwait(cond, mutex, &ts);
    if (e != 0 && e != ETIMEDOUT) qr_fatal("cannot wait on a condition");
}
