/* watch.c - see watch.h.
 *
 * One mutex guards the list and the sending, so that orders leave in sequence
 * and the owner of a call is whoever finds it in the list.  It is taken before
 * the database's bracket, never inside one. */
#include "coordinatord/watch.h"

#include "coordinatord/step.h"
#include "service/receipt.h"

#include "quorate/v1/coordinator.pb-c.h"

#include <pthread.h>
#include <stdlib.h>

enum { BATCH = 16, BATCH_ARENA = 64 * 1024 * 1024 };

struct watcher {
    struct watcher *next;
    struct watch_who who;
    struct rpc_call *call;
};

struct coord_watch {
    struct coord *c;
    pthread_mutex_t mutex;
    struct watcher *list;
};

enum qr_rc watch_new(struct coord *c, struct coord_watch **out, struct qr_err *err)
{
    struct coord_watch *w = calloc(1, sizeof *w);
    if (!w) return qr_fail(err, QR_NOMEM, "out of memory");
    w->c = c;
    if (pthread_mutex_init(&w->mutex, NULL) != 0) qr_fatal("cannot make a mutex");
    *out = w;
    return QR_OK;
}

static void lock(struct coord_watch *w)
{
    if (pthread_mutex_lock(&w->mutex) != 0) qr_fatal("mutex");
}

static void unlock(struct coord_watch *w)
{
    if (pthread_mutex_unlock(&w->mutex) != 0) qr_fatal("mutex");
}

void watch_free(struct coord_watch *w)
{
    if (!w) return;
    while (w->list) {
        struct watcher *x = w->list;
        w->list = x->next;
        free(x);
    }
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
}

/* ---- sending ---- */

static enum qr_rc send_order(struct watcher *x, const struct store_order *o)
{
    Quorate__V1__Order m = QUORATE__V1__ORDER__INIT;
    m.sequence = o->sequence;
    m.order = receipt_bytes(o->bytes);
    m.sig = receipt_bytes(QR_BYTES_OF(o->sig.b));
    QR_TRY(rpc_send(x->call, &m.base));
    x->who.after = o->sequence;
    return QR_OK;
}

/* One batch; *more: there may be another. */
static enum qr_rc send_batch(struct coord_watch *w, struct watcher *x, bool *more,
                             struct qr_err *err)
{
    struct store_order orders[BATCH];
    struct qr_arena arena;
    size_t count = 0;
    qr_arena_init(&arena, BATCH_ARENA);
    enum qr_rc rc = qr_db_read(w->c->s->db, err);
    if (rc == QR_OK) {
        rc = store_orders_after(w->c->s->db, x->who.n, x->who.after, &arena, orders, BATCH, &count,
                                err);
        qr_db_read_end(w->c->s->db);
    }
    for (size_t i = 0; i < count && rc == QR_OK; i++) rc = send_order(x, &orders[i]);
    qr_arena_fini(&arena);
    *more = count == BATCH;
    return rc;
}

static enum qr_rc send_all(struct coord_watch *w, struct watcher *x, struct qr_err *err)
{
    bool more = true;
    while (more) QR_TRY(send_batch(w, x, &more, err));
    return QR_OK;
}

/* Under the mutex: takes x out of the list. */
static bool unlink_watcher(struct coord_watch *w, const struct watcher *x)
{
    for (struct watcher **p = &w->list; *p; p = &(*p)->next) {
        if (*p != x) continue;
        *p = x->next;
        return true;
    }
    return false;
}

/* ---- coming and going ---- */

/* Tells the session that a watcher of an approval came or went; *over: the
 * session has ended. */
static enum qr_rc presence(struct coord *c, const struct watch_who *who,
                           enum session_event_kind kind, bool *over, struct qr_err *err)
{
    struct step *st = NULL;
    QR_TRY(step_begin_n(c, who->n, &st, err));
    struct session_event ev = {.kind = kind, .id = who->approval};
    *over = session_is_final(&st->state);
    enum qr_rc rc = who->approval && !*over ? step_event(st, &ev, NULL, err) : QR_OK;
    *over = session_is_final(&st->state);
    return step_end(st, rc, err);
}

static void detach(struct coord_watch *w, const struct watcher *x)
{
    struct qr_err err = {{0}};
    bool over = false;
    enum qr_rc rc = presence(w->c, &x->who, SESSION_EV_DETACHED, &over, &err);
    if (rc != QR_OK && rc != QR_NOTFOUND)
        qr_log_text(&w->c->s->log, "watch.detach", "%s: %s", qr_rc_name(rc), err.text);
}

/* A watcher that cannot keep up is cut; it resumes by sequence number.  Until
 * then it counts as gone: nobody else would ever say so. */
void watch_push(struct coord_watch *w, int64_t n, bool final)
{
    struct watcher *ended = NULL;
    lock(w);
    for (struct watcher *x = w->list, *next; x; x = next) {
        struct qr_err err = {{0}};
        next = x->next;
        if (x->who.n != n) continue;
        enum qr_rc rc = send_all(w, x, &err);
        if (rc == QR_CANCELLED || (rc == QR_OK && !final)) continue;
        (void)unlink_watcher(w, x);
        x->next = ended;
        ended = x;
        rpc_finish(x->call, rc, err.text);
    }
    unlock(w);
    while (ended) {
        struct watcher *x = ended;
        ended = x->next;
        if (!final) detach(w, x);
        free(x);
    }
}

static void gone(struct rpc_call *call, void *ctx)
{
    struct coord_watch *w = ctx;
    struct watcher *x;
    lock(w);
    for (x = w->list; x && x->call != call;) x = x->next;
    bool ours = x && unlink_watcher(w, x);
    unlock(w);
    if (!ours) return;
    rpc_finish(call, QR_OK, NULL);
    detach(w, x);
    free(x);
}

enum qr_rc watch_open(struct coord_watch *w, const struct watch_who *who, struct rpc_call *call,
                      struct qr_err *err)
{
    bool over = false;
    struct watcher *x = calloc(1, sizeof *x);
    if (!x) return qr_fail(err, QR_NOMEM, "out of memory");
    *x = (struct watcher){.who = *who, .call = call};
    enum qr_rc rc = presence(w->c, who, SESSION_EV_ATTACHED, &over, err);
    if (rc != QR_OK) {
        free(x);
        return rc;
    }
    rpc_hold(call, gone, w);
    lock(w);
    x->next = w->list;
    w->list = x;
    unlock(w);
    /* An order that was put after the look at the session is sent by whoever
     * put it: the watcher stands in the list already. */
    watch_push(w, who->n, over);
    return QR_OK;
}
