/* queue.c - what the workers do next: gone callbacks first, then calls in the
 * order of their arrival. */
#include "rpc/engine.h"

void queue_init(struct engine_queue *q, size_t max)
{
    *q = (struct engine_queue){.max = max};
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->more, NULL);
}

void queue_fini(struct engine_queue *q)
{
    pthread_cond_destroy(&q->more);
    pthread_mutex_destroy(&q->lock);
}

bool queue_push(struct engine_queue *q, struct rpc_call *c)
{
    bool ok = false;
    pthread_mutex_lock(&q->lock);
    if (q->count < q->max) {
        c->queue_next = NULL;
        if (q->last)
            q->last->queue_next = c;
        else
            q->first = c;
        q->last = c;
        q->count++;
        ok = true;
        pthread_cond_signal(&q->more);
    }
    pthread_mutex_unlock(&q->lock);
    return ok;
}

void queue_push_gone(struct engine_queue *q, struct rpc_call *c)
{
    pthread_mutex_lock(&q->lock);
    c->gone_next = NULL;
    if (q->gone_last)
        q->gone_last->gone_next = c;
    else
        q->gone_first = c;
    q->gone_last = c;
    pthread_cond_signal(&q->more);
    pthread_mutex_unlock(&q->lock);
}

void queue_stop(struct engine_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->more);
    pthread_mutex_unlock(&q->lock);
}

/* Takes one task; false when the queue is empty and stopped. */
static bool take(struct engine_queue *q, struct rpc_call **call, struct rpc_call **gone)
{
    *call = *gone = NULL;
    pthread_mutex_lock(&q->lock);
    while (!q->gone_first && !q->first && !q->stop) pthread_cond_wait(&q->more, &q->lock);
    if (q->gone_first) {
        *gone = q->gone_first;
        q->gone_first = (*gone)->gone_next;
        if (!q->gone_first) q->gone_last = NULL;
    } else if (q->first) {
        *call = q->first;
        q->first = (*call)->queue_next;
        if (!q->first) q->last = NULL;
        q->count--;
    }
    pthread_mutex_unlock(&q->lock);
    return *call || *gone;
}

void queue_work(struct engine_queue *q)
{
    struct rpc_call *call, *gone;
    while (take(q, &call, &gone)) {
        if (gone) call_tell_gone(gone);
        if (call) call_run(call);
    }
}
