/* work.c - see work.h. */
#include "coordinatord/work.h"

#include "base/wait.h"
#include "coordinatord/ceremony.h"
#include "coordinatord/step.h"

#include <pthread.h>
#include <stdlib.h>

/* Jobs that ask authd or cad may wait for as long as a step may take.  One
 * worker is left for those that only compute, so that a service that hangs
 * delays the sessions which need it and no other; theirs end with
 * service-timeout and are tried again. */
enum { WORKERS = 3, ASKING = WORKERS - 1, DUE_BATCH = 32 };
#define LONGEST_SLEEP_US 60000000LL
/* Between two looks at what is due, whatever the sessions say. */
#define SHORTEST_SLEEP_US 5000LL
#define AFTER_TROUBLE_US 1000000LL

struct node {
    struct node *next;
    struct work_job job;
    bool running;
};

struct coord_work {
    struct coord *c;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    pthread_t workers[WORKERS];
    pthread_t timer;
    int started; /* workers */
    bool timing, stop;
    struct node *jobs; /* in order; running ones stay until they are done */
    int64_t due_us;
};

static void lock(struct coord_work *w)
{
    if (pthread_mutex_lock(&w->mutex) != 0) qr_fatal("mutex");
}

static void unlock(struct coord_work *w)
{
    if (pthread_mutex_unlock(&w->mutex) != 0) qr_fatal("mutex");
}

static void wake(struct coord_work *w) { (void)pthread_cond_broadcast(&w->cond); }

enum qr_rc work_new(struct coord *c, struct coord_work **out, struct qr_err *err)
{
    struct coord_work *w = calloc(1, sizeof *w);
    if (!w) return qr_fail(err, QR_NOMEM, "out of memory");
    w->c = c;
    w->due_us = INT64_MIN;
    if (pthread_mutex_init(&w->mutex, NULL) != 0) qr_fatal("cannot make a mutex");
    qr_cond_init(&w->cond);
    *out = w;
    return QR_OK;
}

/* ---- jobs ---- */

/* Besides what a wait asks us to do: material is made before its readers ask. */
static bool is_ours(enum session_wait wait)
{
    return wait == SESSION_WAIT_DKG1 || wait == SESSION_WAIT_SHARE || wait == SESSION_WAIT_ROSTER ||
           wait == SESSION_WAIT_VERIFY || wait == SESSION_WAIT_CERTIFY ||
           wait == SESSION_WAIT_AGGREGATE || wait == SESSION_WAIT_SEAL || wait == SESSION_WAIT_NONE;
}

static bool same(const struct work_job *a, const struct work_job *b)
{
    return a->n == b->n && a->attempt == b->attempt && a->wait == b->wait;
}

void work_add(struct coord_work *w, const struct work_job *job)
{
    if (!is_ours(job->wait)) return;
    struct node *x = calloc(1, sizeof *x);
    if (!x) qr_fatal("out of memory");
    x->job = *job;
    lock(w);
    struct node **p = &w->jobs;
    while (*p && !same(&(*p)->job, job)) p = &(*p)->next;
    if (*p || w->stop) {
        free(x);
    } else {
        *p = x;
        wake(w);
    }
    unlock(w);
}

static bool asks(const struct work_job *job)
{
    return job->wait == SESSION_WAIT_ROSTER || job->wait == SESSION_WAIT_DKG1 ||
           job->wait == SESSION_WAIT_CERTIFY;
}

/* Under the mutex. */
static struct node *take(struct coord_work *w)
{
    int asking = 0;
    for (struct node *x = w->jobs; x; x = x->next) asking += x->running && asks(&x->job);
    for (struct node *x = w->jobs; x; x = x->next) {
        if (x->running || (asking >= ASKING && asks(&x->job))) continue;
        x->running = true;
        return x;
    }
    return NULL;
}

static void drop(struct coord_work *w, struct node *x)
{
    struct node **p = &w->jobs;
    while (*p != x) p = &(*p)->next;
    *p = x->next;
    free(x);
}

/* Under the mutex, which is let go for the time of the job. */
static bool run_one(struct coord_work *w)
{
    struct node *x = take(w);
    if (!x) return false;
    struct work_job job = x->job;
    unlock(w);
    ceremony_run(w->c, &job);
    lock(w);
    /* One that waits to ask may go now, and everybody else may be asleep. */
    if (asks(&x->job)) wake(w);
    drop(w, x);
    return true;
}

bool work_run(struct coord_work *w)
{
    lock(w);
    bool ran = run_one(w);
    unlock(w);
    return ran;
}

static void *worker(void *arg)
{
    struct coord_work *w = arg;
    lock(w);
    while (!w->stop)
        if (!run_one(w)) qr_cond_wait(&w->cond, &w->mutex, LONGEST_SLEEP_US);
    unlock(w);
    return NULL;
}

bool work_pause(struct coord_work *w, int64_t us)
{
    int64_t end = qr_mono_us(&w->c->s->clock) + us;
    lock(w);
    for (;;) {
        int64_t left = end - qr_mono_us(&w->c->s->clock);
        if (w->stop || left <= 0) break;
        qr_cond_wait(&w->cond, &w->mutex, left);
    }
    bool go = !w->stop;
    unlock(w);
    return go;
}

/* ---- time ---- */

void work_due(struct coord_work *w, int64_t due_us)
{
    lock(w);
    if (due_us < w->due_us) {
        w->due_us = due_us;
        wake(w);
    }
    unlock(w);
}

static enum qr_rc tick(struct coord *c, int64_t n, struct qr_err *err)
{
    struct step *st = NULL;
    QR_TRY(step_begin_n(c, n, &st, err));
    struct session_event ev = {.kind = SESSION_EV_TICK};
    return step_end(st, step_event(st, &ev, NULL, err), err);
}

static enum qr_rc look(struct coord *c, int64_t *ns, size_t *count, int64_t *next,
                       struct qr_err *err)
{
    QR_TRY(qr_db_read(c->s->db, err));
    enum qr_rc rc = store_due(c->s->db, coord_now(c), ns, DUE_BATCH, count, err);
    if (rc == QR_OK) rc = store_next_due(c->s->db, next, err);
    qr_db_read_end(c->s->db);
    return rc;
}

static bool ticked(struct coord *c, enum qr_rc rc, const struct qr_err *err)
{
    if (rc == QR_OK) return true;
    if (rc == QR_IO) service_fatal(c->s, rc, err->text);
    qr_log_text(&c->s->log, "tick", "%s: %s", qr_rc_name(rc), err->text);
    return false;
}

int64_t work_tick(struct coord_work *w)
{
    struct coord *c = w->c;
    int64_t ns[DUE_BATCH], next = INT64_MAX;
    size_t count = 0;
    struct qr_err err = {{0}};
    bool well = ticked(c, look(c, ns, &count, &next, &err), &err);
    /* One that fails must not keep the others waiting. */
    for (size_t i = 0; i < count; i++) well = ticked(c, tick(c, ns[i], &err), &err) && well;
    int64_t again = coord_now(c) + AFTER_TROUBLE_US;
    return well || next > again ? next : again;
}

static void *timer(void *arg)
{
    struct coord_work *w = arg;
    lock(w);
    while (!w->stop) {
        int64_t left = w->due_us == INT64_MAX   ? LONGEST_SLEEP_US
                       : w->due_us == INT64_MIN ? 0
                                                : w->due_us - coord_now(w->c);
        if (left > 0) {
            qr_cond_wait(&w->cond, &w->mutex, left < LONGEST_SLEEP_US ? left : LONGEST_SLEEP_US);
            continue;
        }
        w->due_us = INT64_MAX;
        unlock(w);
        int64_t next = work_tick(w);
        int64_t soonest = coord_now(w->c) + SHORTEST_SLEEP_US;
        lock(w);
        if (next < soonest) next = soonest;
        if (next < w->due_us) w->due_us = next;
    }
    unlock(w);
    return NULL;
}

/* ---- life ---- */

enum qr_rc work_start(struct coord_work *w, struct qr_err *err)
{
    for (; w->started < WORKERS; w->started++)
        if (pthread_create(&w->workers[w->started], NULL, worker, w) != 0)
            return qr_fail(err, QR_NOMEM, "no thread for the ceremony");
    if (!w->timing && pthread_create(&w->timer, NULL, timer, w) != 0)
        return qr_fail(err, QR_NOMEM, "no thread for the timer");
    w->timing = true;
    return QR_OK;
}

void work_stop(struct coord_work *w)
{
    lock(w);
    w->stop = true;
    wake(w);
    unlock(w);
    for (int i = 0; i < w->started; i++) (void)pthread_join(w->workers[i], NULL);
    if (w->timing) (void)pthread_join(w->timer, NULL);
    w->started = 0;
    w->timing = false;
}

void work_free(struct coord_work *w)
{
    if (!w) return;
    work_stop(w);
    while (w->jobs) drop(w, w->jobs);
    (void)pthread_cond_destroy(&w->cond);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
}
