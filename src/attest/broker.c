/* broker.c - requests in a list, one thread that works them off.
 *
 * A caller that gives up leaves its job behind if the device is at work on it;
 * whoever is last frees it.  Step-up jobs are taken first.  Credit is counted
 * in microseconds: one report costs refill_us, at most burst of them are saved
 * up. */
#include "attest/broker.h"

#include "base/wait.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define IDLE_US (60 * 1000000LL)

enum job_state { WAITING, RUNNING, DONE, LEFT };

struct job {
    struct job *next;
    enum job_state state;
    bool is_key;
    struct attest_ask ask;
    struct attest_key_mix mix;
    uint8_t key[ATTEST_DERIVED_SIZE];
    struct attest_evidence evidence;
    enum qr_rc rc;
    struct qr_err err;
};

struct broker {
    struct attest_device device;
    struct attest_broker_conf conf;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t work, done;
    struct job *queue; /* in order of arrival */
    int64_t credit_us, counted_us;
    bool stopping, dead;
    struct qr_err why;
};

static void lock(struct broker *b)
{
    if (pthread_mutex_lock(&b->mutex) != 0) qr_fatal("lock");
}

static void unlock(struct broker *b)
{
    if (pthread_mutex_unlock(&b->mutex) != 0) qr_fatal("unlock");
}

static void job_free(struct job *j)
{
    attest_evidence_fini(&j->evidence);
    qr_wipe(j->key, sizeof j->key);
    free(j);
}

/* ---- budget ---- */

static void count_credit(struct broker *b)
{
    const struct attest_pace *p = &b->device.pace;
    int64_t now = qr_mono_us(&b->conf.clock), most = (int64_t)p->burst * p->refill_us;
    b->credit_us += now - b->counted_us;
    if (b->credit_us > most) b->credit_us = most;
    b->counted_us = now;
}

/* Microseconds until this job's turn if ahead others go first; 0: now. */
static int64_t wait_for_credit(const struct broker *b, const struct job *j, size_t ahead)
{
    const struct attest_pace *p = &b->device.pace;
    if (p->refill_us == 0 || j->is_key) return 0;
    int64_t kept = j->ask.step_up || p->burst <= ATTEST_RESERVE ? 0 : ATTEST_RESERVE;
    int64_t needed = ((int64_t)ahead + 1 + kept) * p->refill_us;
    return needed > b->credit_us ? needed - b->credit_us : 0;
}

/* ---- the thread ---- */

/* The next job: the oldest step-up or key, else the oldest. */
static struct job **next_job(struct broker *b)
{
    struct job **oldest = NULL;
    for (struct job **j = &b->queue; *j; j = &(*j)->next) {
        if ((*j)->is_key || (*j)->ask.step_up) return j;
        if (!oldest) oldest = j;
    }
    return oldest;
}

/* Takes a job that may run now; else NULL and how long to wait. */
static struct job *take_job(struct broker *b, int64_t *wait_us)
{
    struct job **at = next_job(b);
    *wait_us = IDLE_US;
    if (!at) return NULL;
    count_credit(b);
    *wait_us = wait_for_credit(b, *at, 0);
    if (*wait_us > 0) return NULL;
    struct job *j = *at;
    *at = j->next;
    j->next = NULL;
    j->state = RUNNING;
    if (!j->is_key) b->credit_us -= b->device.pace.refill_us;
    return j;
}

/* Without the lock: this is where the driver may stand still. */
static void run_job(struct broker *b, struct job *j)
{
    const struct attest_device *d = &b->device;
    j->rc = j->is_key ? attest_device_key(d, &j->mix, j->key, &j->err)
                      : d->get_report(d->ctx, &j->ask, &j->evidence, &j->err);
}

/* With the lock. */
static void end_job(struct broker *b, struct job *j)
{
    if (j->state == LEFT)
        job_free(j);
    else
        j->state = DONE;
    (void)pthread_cond_broadcast(&b->done);
}

static void fail_all(struct broker *b)
{
    while (b->queue) {
        struct job *j = b->queue;
        b->queue = j->next;
        j->rc = QR_ATTESTATION;
        j->err = b->why;
        end_job(b, j);
    }
}

static void *work(void *ctx)
{
    struct broker *b = ctx;
    lock(b);
    while (!b->stopping) {
        int64_t wait_us = 0;
        struct job *j = take_job(b, &wait_us);
        if (!j) {
            qr_cond_wait(&b->work, &b->mutex, wait_us);
            continue;
        }
        unlock(b);
        run_job(b, j);
        bool died = !b->dead && b->device.dead && b->device.dead(b->device.ctx);
        struct qr_err why = j->err;
        lock(b);
        end_job(b, j);
        if (!died) continue;
        b->dead = true;
        b->why = why;
        fail_all(b);
        unlock(b);
        if (b->conf.dead) b->conf.dead(b->conf.ctx, why.text);
        lock(b);
    }
    unlock(b);
    return NULL;
}

/* ---- callers ---- */

/* Puts a job at the end of the queue; the lock is held. */
static enum qr_rc enqueue(struct broker *b, struct job *j, int64_t wait_us, struct qr_err *err)
{
    size_t ahead = 0;
    struct job **end = &b->queue;
    if (b->dead) return qr_fail(err, QR_ATTESTATION, "%s", b->why.text);
    for (; *end; end = &(*end)->next) ahead++;
    count_credit(b);
    if (ahead >= ATTEST_QUEUE_MAX || wait_for_credit(b, j, ahead) > wait_us)
        return qr_fail(err, QR_EXHAUSTED, "this node makes no more attestation reports just now");
    *end = j;
    (void)pthread_cond_signal(&b->work);
    return QR_OK;
}

static void remove_job(struct broker *b, const struct job *j)
{
    for (struct job **at = &b->queue; *at; at = &(*at)->next)
        if (*at == j) {
            *at = j->next;
            return;
        }
}

/* Waits for it; false: gave up, and j belongs to the thread or is freed.  The
 * lock is held. */
static bool await_job(struct broker *b, struct job *j, int64_t wait_us)
{
    int64_t until = qr_mono_us(&b->conf.clock) + wait_us;
    while (j->state != DONE) {
        int64_t left = until - qr_mono_us(&b->conf.clock);
        if (left <= 0) break;
        qr_cond_wait(&b->done, &b->mutex, left);
    }
    if (j->state == DONE) return true;
    if (j->state == WAITING) {
        remove_job(b, j);
        job_free(j);
    } else {
        j->state = LEFT;
    }
    return false;
}

/* Runs j, which is ours again when this gives QR_OK or its own failure through
 * *out; NULL: given up. */
static enum qr_rc submit(struct broker *b, struct job *j, struct job **out, struct qr_err *err)
{
    int64_t wait_us =
        (j->is_key || j->ask.step_up ? ATTEST_STEP_UP_WAIT_S : ATTEST_CHANNEL_WAIT_S) * 1000000LL;
    *out = NULL;
    lock(b);
    enum qr_rc rc = enqueue(b, j, wait_us, err);
    bool done = rc == QR_OK && await_job(b, j, wait_us);
    unlock(b);
    if (rc != QR_OK) {
        job_free(j);
        return rc;
    }
    if (!done) return qr_fail(err, QR_DEADLINE, "the attestation device did not answer in time");
    *out = j;
    if (j->rc != QR_OK && err) *err = j->err;
    return j->rc;
}

static enum qr_rc broker_report(void *ctx, const struct attest_ask *ask,
                                struct attest_evidence *out, struct qr_err *err)
{
    struct job *j = calloc(1, sizeof *j), *done = NULL;
    if (!j) return QR_NOMEM;
    j->ask = *ask;
    enum qr_rc rc = submit(ctx, j, &done, err);
    if (rc == QR_OK) {
        *out = done->evidence;
        done->evidence = (struct attest_evidence){.report = QR_BYTES_NONE};
    }
    if (done) job_free(done);
    return rc;
}

static enum qr_rc broker_key(void *ctx, const struct attest_key_mix *mix,
                             uint8_t out[ATTEST_DERIVED_SIZE], struct qr_err *err)
{
    struct job *j = calloc(1, sizeof *j), *done = NULL;
    if (!j) return QR_NOMEM;
    j->is_key = true;
    j->mix = *mix;
    enum qr_rc rc = submit(ctx, j, &done, err);
    if (rc == QR_OK) qr_copy(out, done->key, ATTEST_DERIVED_SIZE);
    if (done) job_free(done);
    return rc;
}

static bool broker_dead(void *ctx)
{
    struct broker *b = ctx;
    lock(b);
    bool dead = b->dead;
    unlock(b);
    return dead;
}

static void broker_close(void *ctx)
{
    struct broker *b = ctx;
    lock(b);
    b->stopping = true;
    (void)pthread_cond_signal(&b->work);
    unlock(b);
    if (pthread_join(b->thread, NULL) != 0) qr_fatal("cannot join a thread");
    assert(!b->queue);
    attest_device_close(&b->device);
    (void)pthread_cond_destroy(&b->work);
    (void)pthread_cond_destroy(&b->done);
    (void)pthread_mutex_destroy(&b->mutex);
    free(b);
}

enum qr_rc attest_broker_start(struct attest_device *d, const struct attest_broker_conf *conf,
                               struct qr_err *err)
{
    struct broker *b = calloc(1, sizeof *b);
    if (!b) return QR_NOMEM;
    b->device = *d;
    b->conf = *conf;
    b->credit_us = (int64_t)d->pace.burst * d->pace.refill_us;
    b->counted_us = qr_mono_us(&conf->clock);
    if (pthread_mutex_init(&b->mutex, NULL) != 0) qr_fatal("cannot make a lock");
    qr_cond_init(&b->work);
    qr_cond_init(&b->done);
    if (pthread_create(&b->thread, NULL, work, b) != 0) {
        free(b);
        return qr_fail(err, QR_NOMEM, "cannot start the attestation broker");
    }
    *d = (struct attest_device){.get_report = broker_report,
                                .get_key = b->device.get_key ? broker_key : NULL,
                                .dead = broker_dead,
                                .close = broker_close,
                                .trust_class = b->device.trust_class,
                                .pace = b->device.pace,
                                .ctx = b};
    return QR_OK;
}
