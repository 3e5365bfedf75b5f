/* wait.h - waiting on a condition for a length of time, not until a time.
 *
 * The system's monotonic clock is read here, so that no caller has to.  What a
 * caller decides still comes from its struct qr_clock: it waits, looks again. */
#ifndef QUORATE_BASE_WAIT_H
#define QUORATE_BASE_WAIT_H

#include <pthread.h>
#include <stdint.h>

/* A condition for qr_cond_wait; fatal on failure.  End with
 * pthread_cond_destroy. */
void qr_cond_init(pthread_cond_t *cond);
/* Waits at most us microseconds; mutex is held before and after.  May return
 * early, like pthread_cond_wait. */
void qr_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t us);

#endif
