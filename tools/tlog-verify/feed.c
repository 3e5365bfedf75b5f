/* feed.c - a ring of slots: the reader fills where the taker is not.
 *
 * Who has to wait waits for many: the taker until half of the slots or bytes are
 * there, the reader until but a quarter is left, so that they wake one another
 * seldom. */
#include "tools/tlog-verify/feed.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 32
#define WIDTH 256
#define WAITING_MAX ((size_t)4 << 20)
/* A slot that was larger gives its memory back. */
#define SLOT_KEPT ((size_t)1 << 20)

struct slot {
    uint64_t first;
    size_t n;
    uint32_t length[WIDTH];
    struct qr_buf bytes;
    struct tlog_bytes entry[WIDTH];
};

struct feed {
    feed_source *source;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled, taken;
    struct slot slot[SLOTS];
    uint64_t put, got; /* groups; the taker holds number got - 1 */
    size_t waiting;    /* bytes */
    bool ended, stopped;
    enum tlog_rc rc;
    struct tlog_err err;
};

static void *run(void *arg)
{
    struct feed *f = arg;
    enum tlog_rc rc = f->source(f->ctx, f, &f->err);
    (void)pthread_mutex_lock(&f->lock);
    f->rc = rc;
    f->ended = true;
    (void)pthread_cond_signal(&f->filled);
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

struct feed *feed_start(feed_source *source, void *ctx)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f) qr_fatal("out of memory");
    f->source = source;
    f->ctx = ctx;
    for (size_t i = 0; i < SLOTS; i++) qr_buf_init(&f->slot[i].bytes, TLOG_RESOURCE_MAX);
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->filled, NULL);
    (void)pthread_cond_init(&f->taken, NULL);
    if (pthread_create(&f->thread, NULL, run, f) != 0) qr_fatal("no thread");
    return f;
}

static void fill(struct slot *s, const struct tlog_group *g)
{
    if (s->bytes.room > SLOT_KEPT) {
        qr_buf_fini(&s->bytes);
        qr_buf_init(&s->bytes, TLOG_RESOURCE_MAX);
    }
    qr_buf_reset(&s->bytes);
    s->first = g->first;
    s->n = g->n;
    for (size_t i = 0; i < g->n; i++) {
        s->length[i] = (uint32_t)g->entry[i].n;
        qr_buf_put(&s->bytes, g->entry[i].p, g->entry[i].n);
    }
}

/* One slot is the taker's. */
static bool is_full(const struct feed *f)
{
    return f->put - f->got >= SLOTS - 1 || f->waiting >= WAITING_MAX;
}
static bool has_many(const struct feed *f)
{
    return f->put - f->got >= SLOTS / 2 || f->waiting >= WAITING_MAX / 2;
}
static bool has_few(const struct feed *f)
{
    return f->put - f->got <= SLOTS / 4 && f->waiting <= WAITING_MAX / 4;
}

enum tlog_rc feed_put(struct feed *f, const struct tlog_group *g)
{
    (void)pthread_mutex_lock(&f->lock);
    if (is_full(f))
        while (!f->stopped && !has_few(f)) (void)pthread_cond_wait(&f->taken, &f->lock);
    bool stopped = f->stopped;
    struct slot *s = &f->slot[f->put % SLOTS];
    (void)pthread_mutex_unlock(&f->lock);
    if (stopped) return TLOG_STATE;
    fill(s, g);
    if (qr_buf_ok(&s->bytes) != QR_OK) return TLOG_NOMEM;
    (void)pthread_mutex_lock(&f->lock);
    f->put++;
    f->waiting += s->bytes.n;
    if (has_many(f)) (void)pthread_cond_signal(&f->filled);
    (void)pthread_mutex_unlock(&f->lock);
    return TLOG_OK;
}

bool feed_next(struct feed *f, struct tlog_group *g)
{
    (void)pthread_mutex_lock(&f->lock);
    if (f->put == f->got)
        while (!f->ended && !has_many(f)) (void)pthread_cond_wait(&f->filled, &f->lock);
    bool any = f->put != f->got;
    struct slot *s = &f->slot[f->got % SLOTS];
    if (any) {
        f->got++;
        f->waiting -= s->bytes.n;
        if (has_few(f)) (void)pthread_cond_signal(&f->taken);
    }
    (void)pthread_mutex_unlock(&f->lock);
    if (!any) return false;
    const uint8_t *p = s->bytes.p;
    for (size_t i = 0; i < s->n; p += s->length[i++])
        s->entry[i] = (struct tlog_bytes){p, s->length[i]};
    *g = (struct tlog_group){s->first, s->n, s->entry};
    return true;
}

enum tlog_rc feed_stop(struct feed *f, struct tlog_err *err)
{
    (void)pthread_mutex_lock(&f->lock);
    f->stopped = true;
    (void)pthread_cond_signal(&f->taken);
    (void)pthread_mutex_unlock(&f->lock);
    (void)pthread_join(f->thread, NULL);
    enum tlog_rc rc = f->rc;
    *err = f->err;
    for (size_t i = 0; i < SLOTS; i++) qr_buf_fini(&f->slot[i].bytes);
    (void)pthread_mutex_destroy(&f->lock);
    (void)pthread_cond_destroy(&f->filled);
    (void)pthread_cond_destroy(&f->taken);
    free(f);
    return rc;
}
