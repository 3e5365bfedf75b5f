/* verdicts.c - see verdicts.h.
 *
 * The first refusal of a peer and reason is emitted at once and opens a
 * window; those that follow are counted and emitted together when it closes.
 * A table that is full counts strangers together under an empty name. */
#include "service/verdicts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct window {
    bool used;
    int64_t until_us;
    struct leaf_attestation a; /* count: refusals not yet emitted */
};

struct verdicts {
    struct verdicts_conf conf;
    pthread_mutex_t mutex;
    struct window w[VERDICTS_OPEN_MAX];
};

struct verdicts *verdicts_new(const struct verdicts_conf *conf)
{
    struct verdicts *v = calloc(1, sizeof *v);
    if (!v || pthread_mutex_init(&v->mutex, NULL) != 0) qr_fatal("out of memory");
    v->conf = *conf;
    return v;
}

void verdicts_free(struct verdicts *v)
{
    if (!v) return;
    (void)pthread_mutex_destroy(&v->mutex);
    free(v);
}

void verdicts_accepted(struct verdicts *v, const struct leaf_attestation *a)
{
    v->conf.emit(v->conf.ctx, LEAF_ATTESTATION_ACCEPTED, a);
}

static bool same(const struct leaf_attestation *a, const struct leaf_attestation *b)
{
    return strcmp(a->peer_node, b->peer_node) == 0 && strcmp(a->reason, b->reason) == 0;
}

/* The window of a, or a free one (its last place is for strangers). */
static struct window *find(struct verdicts *v, const struct leaf_attestation *a)
{
    struct window *spare = NULL;
    for (size_t i = 0; i < VERDICTS_OPEN_MAX - 1; i++) {
        struct window *w = &v->w[i];
        if (w->used && same(&w->a, a)) return w;
        if (!w->used && !spare) spare = w;
    }
    return spare ? spare : &v->w[VERDICTS_OPEN_MAX - 1];
}

void verdicts_refused(struct verdicts *v, const struct leaf_attestation *a)
{
    struct leaf_attestation first = *a;
    (void)pthread_mutex_lock(&v->mutex);
    struct window *w = find(v, a);
    bool opens = !w->used;
    if (opens) {
        *w = (struct window){.used = true, .a = *a};
        w->until_us = qr_mono_us(&v->conf.clock) + VERDICTS_WINDOW_US;
        w->a.count = 0;
        if (w == &v->w[VERDICTS_OPEN_MAX - 1]) w->a.peer_node[0] = 0;
        first = w->a;
        first.count = 1;
    } else if (w->a.count < UINT32_MAX) {
        w->a.count++;
    }
    (void)pthread_mutex_unlock(&v->mutex);
    if (opens) v->conf.emit(v->conf.ctx, LEAF_ATTESTATION_REFUSED, &first);
}

void verdicts_flush(struct verdicts *v, bool all)
{
    for (size_t i = 0; i < VERDICTS_OPEN_MAX; i++) {
        struct leaf_attestation due = {.count = 0};
        (void)pthread_mutex_lock(&v->mutex);
        struct window *w = &v->w[i];
        if (w->used && (all || w->until_us <= qr_mono_us(&v->conf.clock))) {
            due = w->a;
            w->used = false;
        }
        (void)pthread_mutex_unlock(&v->mutex);
        if (due.count > 0) v->conf.emit(v->conf.ctx, LEAF_ATTESTATION_REFUSED, &due);
    }
}
