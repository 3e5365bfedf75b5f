/* server.c - the server object: methods, listening, the poller, the end.
 *
 * The order of the end is gRPC's, and every step needs the one before it: shut
 * the server down (no new calls), wait, cancel what is left, wait for the last
 * call to be freed, stop the workers, shut the completion queue down, drain it,
 * destroy the server, destroy the queue. */
#include "rpc/engine.h"

#include "base/removal.h"
#include "base/wait.h"
#include "rpc/decode.h"
#include "rpc/gate.h"

#include "quorate/v1/common.pb-c.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_METHODS 256
#define NO_SWEEP INT64_MAX

/* ---- making ---- */

static char *copy_str(const char *s)
{
    if (!s) return NULL;
    size_t n = qr_str(s).n;
    char *c = calloc(1, n + 1);
    if (!c) qr_fatal("no memory");
    qr_copy(c, s, n);
    return c;
}

static void conf_default(int *v, int def)
{
    if (*v <= 0) *v = def;
}

static void conf_take(struct rpc_server *s, const struct rpc_server_conf *conf)
{
    s->conf = *conf;
    s->conf.listen = s->listen = copy_str(conf->listen);
    s->conf.probe_name = s->probe_name = copy_str(conf->probe_name);
    s->conf.tls.cert_file = s->files[0] = copy_str(conf->tls.cert_file);
    s->conf.tls.key_file = s->files[1] = copy_str(conf->tls.key_file);
    s->conf.tls.ca_file = s->files[2] = copy_str(conf->tls.ca_file);
    conf_default(&s->conf.workers, 4);
    conf_default(&s->conf.queue_max, 256);
    conf_default(&s->conf.calls_max, 1024);
    conf_default(&s->conf.calls_per_node, QR_MAX_NODE_CALLS);
    conf_default(&s->conf.max_call_ms, QR_MAX_CALL_MS);
    conf_default(&s->conf.max_stream_ms, QR_MAX_STREAM_MS);
    conf_default(&s->conf.conn_age_ms, 900000);
    conf_default(&s->conf.probe_ms, 5000);
}

enum qr_rc engine_new(struct rpc_server **out, const struct rpc_server_conf *conf,
                      grpc_server_credentials *creds, struct qr_err *err)
{
    struct rpc_server *s = calloc(1, sizeof *s);
    if (!s) return qr_fail(err, QR_NOMEM, "no memory");
    conf_take(s, conf);
    s->creds = creds;
    s->next_sweep_us = NO_SWEEP;
    s->methods = calloc(MAX_METHODS, sizeof *s->methods);
    s->workers = calloc((size_t)s->conf.workers, sizeof *s->workers);
    if (!s->methods || !s->workers) qr_fatal("no memory");
    pthread_mutex_init(&s->lock, NULL);
    qr_cond_init(&s->changed);
    queue_init(&s->queue, (size_t)s->conf.queue_max);
    s->peers = tls_cache_new();
    s->health = health_new(s);
    static const struct rpc_method small[] = {{"Check", RPC_UNATTESTED, 1024},
                                              {"Watch", RPC_UNATTESTED, 1024}};
    enum qr_rc rc = rpc_server_add(s, health_service(s->health), small, 2, err);
    if (rc != QR_OK) {
        rpc_server_free(s);
        return rc;
    }
    *out = s;
    return QR_OK;
}

enum qr_rc rpc_server_new(struct rpc_server **out, const struct rpc_server_conf *conf,
                          struct qr_err *err)
{
    struct tls_source *tls;
    if (!conf->listen) return qr_fail(err, QR_USAGE, "no address to listen at");
    QR_TRY(tls_source_new(&tls, &conf->tls, conf->log, err));
    enum qr_rc rc = engine_new(out, conf, tls_server_creds(tls), err);
    if (rc == QR_OK)
        (*out)->tls = tls;
    else
        tls_source_free(tls);
    return rc;
}

const struct engine_method *engine_find(const struct rpc_server *s, const char *path)
{
    struct qr_bytes want = qr_str(path);
    for (size_t i = 0; i < s->method_count; i++)
        if (qr_bytes_is(want, s->methods[i].path)) return &s->methods[i];
    return NULL;
}

static bool is_type(const ProtobufCMessageDescriptor *d, const char *name)
{
    return qr_bytes_is(qr_str(d->name), name);
}

static enum qr_rc method_add(struct rpc_server *s, ProtobufCService *svc, unsigned index,
                             struct qr_err *err)
{
    const ProtobufCMethodDescriptor *d = &svc->descriptor->methods[index];
    struct engine_method m = {.service = svc, .input = d->input, .index = index};
    int n = snprintf(m.path, sizeof m.path, "/%s/%s", svc->descriptor->name, d->name);
    if (n > ENGINE_PATH_MAX) return qr_fail(err, QR_RANGE, "%s: name too long", d->name);
    if (engine_find(s, m.path)) return qr_fail(err, QR_EXISTS, "%s is there already", m.path);
    if (!rpc_type_is_finite(d->input) || !rpc_type_is_finite(d->output))
        return qr_fail(err, QR_MALFORMED, "%s: a message type contains itself", m.path);
    if (s->method_count == MAX_METHODS) return qr_fail(err, QR_EXHAUSTED, "too many methods");
    m.max_recv = QR_MAX_MESSAGE;
    m.framed = d->output == &quorate__v1__stream_frame__descriptor;
    bool health = is_type(d->output, "grpc.health.v1.HealthCheckResponse");
    m.bidi = is_type(d->output, "grpc.reflection.v1alpha.ServerReflectionResponse");
    m.stream = m.framed || m.bidi || (health && qr_bytes_is(qr_str(d->name), "Watch"));
    m.on_poller = health || m.bidi;
    s->methods[s->method_count++] = m;
    return QR_OK;
}

static enum qr_rc method_except(struct rpc_server *s, ProtobufCService *svc,
                                const struct rpc_method *x, struct qr_err *err)
{
    for (size_t i = 0; i < s->method_count; i++) {
        struct engine_method *m = &s->methods[i];
        if (m->service != svc ||
            !qr_bytes_is(qr_str(svc->descriptor->methods[m->index].name), x->name))
            continue;
        m->flags = x->flags;
        if (x->max_recv > 0) m->max_recv = x->max_recv;
        return QR_OK;
    }
    return qr_fail(err, QR_NOTFOUND, "%s has no method %s", svc->descriptor->name, x->name);
}

enum qr_rc rpc_server_add(struct rpc_server *s, ProtobufCService *svc,
                          const struct rpc_method *methods, size_t method_count, struct qr_err *err)
{
    assert(!s->started);
    for (unsigned i = 0; i < svc->descriptor->n_methods; i++) QR_TRY(method_add(s, svc, i, err));
    for (size_t i = 0; i < method_count; i++) QR_TRY(method_except(s, svc, &methods[i], err));
    return QR_OK;
}

/* ---- live calls ---- */

/* Under s->lock: how many calls of c's node are alive, c not counted. */
static size_t live_of_node(const struct rpc_server *s, const struct rpc_call *c)
{
    size_t n = 0;
    for (const struct rpc_call *o = s->live; o; o = o->live_next)
        if (o->peer.tls && qr_hash_equal(&o->node, &c->node)) n++;
    return n;
}

enum qr_rc engine_live(struct rpc_server *s, struct rpc_call *c)
{
    pthread_mutex_lock(&s->lock);
    /* Nobody can have more than all. */
    size_t share = (size_t)s->conf.calls_per_node;
    bool greedy = c->peer.tls && s->live_count >= share && live_of_node(s, c) >= share;
    c->stopping = s->stopping;
    c->live_next = s->live;
    if (s->live) s->live->live_prev = c;
    s->live = c;
    bool full = ++s->live_count > (size_t)s->conf.calls_max;
    if (c->limit_us < s->next_sweep_us) s->next_sweep_us = c->limit_us;
    pthread_mutex_unlock(&s->lock);
    return full || !QR_HOLDS(CALLS_SHARE, !greedy) ? QR_EXHAUSTED : QR_OK;
}

void engine_limit(struct rpc_server *s, struct rpc_call *c, int64_t limit_us)
{
    pthread_mutex_lock(&s->lock);
    c->limit_us = limit_us;
    if (limit_us < s->next_sweep_us) s->next_sweep_us = limit_us;
    pthread_mutex_unlock(&s->lock);
}

void engine_gone(struct rpc_server *s, struct rpc_call *c)
{
    pthread_mutex_lock(&s->lock);
    if (c->live_prev)
        c->live_prev->live_next = c->live_next;
    else
        s->live = c->live_next;
    if (c->live_next) c->live_next->live_prev = c->live_prev;
    pthread_mutex_unlock(&s->lock);
    grpc_call_unref(c->core);
    free(c);
    pthread_mutex_lock(&s->lock);
    s->live_count--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Cancels calls whose time is up.  A call stays listed, and its core object
 * alive, until engine_gone has had the lock; so no reference is needed. */
static void sweep(struct rpc_server *s)
{
    int64_t now = wire_now_us(), next = NO_SWEEP;
    pthread_mutex_lock(&s->lock);
    for (struct rpc_call *c = s->live; c; c = c->live_next) {
        if (c->limit_us <= now) {
            c->limit_us = NO_SWEEP;
            call_cancel(c, QR_DEADLINE);
        }
        if (c->limit_us < next) next = c->limit_us;
    }
    s->next_sweep_us = next;
    pthread_mutex_unlock(&s->lock);
}

/* ---- the poller ---- */

static void slot_arm(struct engine_slot *slot)
{
    struct rpc_server *s = slot->server;
    grpc_call_details_init(&slot->details);
    grpc_metadata_array_init(&slot->md);
    slot->core = NULL;
    grpc_call_error e = grpc_server_request_call(s->core, &slot->core, &slot->details, &slot->md,
                                                 s->cq, s->cq, &slot->tag);
    if (e != GRPC_CALL_OK && e != GRPC_CALL_ERROR_COMPLETION_QUEUE_SHUTDOWN)
        qr_fatal("grpc_server_request_call: %d", (int)e);
}

static void on_arrival(void *owner, bool ok)
{
    struct engine_slot *slot = owner;
    if (ok) call_begin(slot->server, slot);
    grpc_call_details_destroy(&slot->details);
    grpc_metadata_array_destroy(&slot->md);
    if (ok) slot_arm(slot);
}

static void on_shut(void *owner, bool ok)
{
    struct rpc_server *s = owner;
    (void)ok;
    pthread_mutex_lock(&s->lock);
    s->shut = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void *poller(void *arg)
{
    struct rpc_server *s = arg;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        int64_t until = s->next_sweep_us;
        pthread_mutex_unlock(&s->lock);
        grpc_event ev = grpc_completion_queue_next(s->cq, wire_time(until), NULL);
        if (ev.type == GRPC_QUEUE_SHUTDOWN) return NULL;
        if (ev.type == GRPC_OP_COMPLETE) {
            struct engine_tag *t = ev.tag;
            t->on(t->owner, ev.success != 0);
        }
        if (wire_now_us() >= until) sweep(s);
    }
}

static void *worker(void *arg)
{
    struct rpc_server *s = arg;
    queue_work(&s->queue);
    return NULL;
}

/* ---- start ---- */

static void server_create(struct rpc_server *s)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < s->method_count; i++)
        if (s->methods[i].max_recv > largest) largest = s->methods[i].max_recv;
    struct wire_args a = {.n = 0};
    wire_args_common(&a);
    wire_arg_int(&a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)largest);
    wire_arg_int(&a, GRPC_ARG_MAX_CONCURRENT_STREAMS, QR_MAX_STREAMS);
    wire_arg_int(&a, GRPC_ARG_ALLOW_REUSEPORT, 0);
    wire_arg_int(&a, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, QR_HANDSHAKE_MS);
    wire_arg_int(&a, GRPC_ARG_MAX_CONNECTION_AGE_MS, s->conf.conn_age_ms);
    wire_arg_int(&a, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, QR_MAX_STREAM_MS);
    wire_arg_int(&a, GRPC_ARG_KEEPALIVE_TIME_MS, QR_KEEPALIVE_MS);
    wire_arg_int(&a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, QR_KEEPALIVE_TIMEOUT_MS);
    wire_arg_int(&a, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    wire_arg_int(&a, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, QR_KEEPALIVE_MS / 2);
    grpc_channel_args args = wire_args_of(&a);
    s->core = grpc_server_create(&args, NULL);
    s->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(s->core, s->cq, NULL);
}

/* Ends a server that never listened; there is no poller yet. */
static void server_abandon(struct rpc_server *s)
{
    grpc_server_shutdown_and_notify(s->core, s->cq, &s->shutdown_tag);
    (void)grpc_completion_queue_next(s->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_shutdown(s->cq);
    while (grpc_completion_queue_next(s->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_server_destroy(s->core);
    grpc_completion_queue_destroy(s->cq);
    s->core = NULL;
}

static enum qr_rc threads_start(struct rpc_server *s)
{
    for (size_t i = 0; i < ENGINE_SLOTS; i++) {
        s->slots[i].tag = (struct engine_tag){on_arrival, &s->slots[i]};
        s->slots[i].server = s;
        slot_arm(&s->slots[i]);
    }
    if (pthread_create(&s->poller, NULL, poller, s) != 0) return QR_NOMEM;
    for (int i = 0; i < s->conf.workers; i++) {
        if (pthread_create(&s->workers[i], NULL, worker, s) != 0) return QR_NOMEM;
        s->worker_count++;
    }
    return QR_OK;
}

enum qr_rc rpc_server_start(struct rpc_server *s, int *port, struct qr_err *err)
{
    assert(!s->started);
    if (s->conf.reflection) {
        static const struct rpc_method free_for_all[] = {
            {"ServerReflectionInfo", RPC_UNATTESTED, 4096}};
        s->reflection = reflection_new(s);
        QR_TRY(rpc_server_add(s, s->reflection, free_for_all, 1, err));
    }
    s->shutdown_tag = (struct engine_tag){on_shut, s};
    server_create(s);
    gate_close_at_limit();
    s->port = grpc_server_add_http2_port(s->core, s->conf.listen, s->creds);
    grpc_server_credentials_release(s->creds);
    s->creds = NULL;
    if (s->port == 0) {
        server_abandon(s);
        return qr_fail(err, QR_BUSY, "cannot listen at %s", s->conf.listen);
    }
    grpc_server_start(s->core);
    s->started = true;
    if (threads_start(s) != QR_OK) qr_fatal("no thread could be made");
    if (s->conf.dead) s->probe = probe_start(s);
    if (port) *port = s->port;
    return QR_OK;
}

void rpc_server_set_health(struct rpc_server *s, bool serving) { health_set(s->health, serving); }

int rpc_server_workers(const struct rpc_server *s) { return s->conf.workers; }

/* ---- stop ---- */

/* Under s->lock. */
static void wait_empty(struct rpc_server *s, int grace_ms)
{
    int64_t until = wire_now_us() + (int64_t)grace_ms * 1000, left;
    while (s->live_count > 0 && (left = until - wire_now_us()) > 0)
        qr_cond_wait(&s->changed, &s->lock, left);
}

/* Tells every stream.  Calls are collected first: call_stop and call_drop may
 * need server.lock. */
static void streams_tell(struct rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = 0;
    struct rpc_call **list = calloc(s->live_count + 1, sizeof(struct rpc_call *));
    if (!list) qr_fatal("no memory");
    for (struct rpc_call *c = s->live; c; c = c->live_next)
        if (call_try_ref(c)) list[n++] = c;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n; i++) {
        call_stop(list[i]);
        call_drop(list[i]);
    }
    free(list);
}

void rpc_server_stop(struct rpc_server *s, int grace_ms)
{
    pthread_mutex_lock(&s->lock);
    bool mine = s->started && !s->stopping;
    s->stopping = true;
    while (s->started && !mine && !s->stopped) pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    if (!mine) return;
    probe_stop(s->probe);
    s->probe = NULL;
    health_set(s->health, false);
    grpc_server_shutdown_and_notify(s->core, s->cq, &s->shutdown_tag);
    streams_tell(s);
    pthread_mutex_lock(&s->lock);
    wait_empty(s, grace_ms);
    pthread_mutex_unlock(&s->lock);
    grpc_server_cancel_all_calls(s->core);
    pthread_mutex_lock(&s->lock);
    while (s->live_count > 0 || !s->shut) pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    queue_stop(&s->queue);
    for (int i = 0; i < s->worker_count; i++) pthread_join(s->workers[i], NULL);
    grpc_completion_queue_shutdown(s->cq);
    pthread_join(s->poller, NULL);
    grpc_server_destroy(s->core);
    grpc_completion_queue_destroy(s->cq);
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void rpc_server_free(struct rpc_server *s)
{
    if (!s) return;
    rpc_server_stop(s, 0);
    if (s->creds) grpc_server_credentials_release(s->creds);
    tls_source_free(s->tls);
    health_free(s->health);
    tls_cache_free(s->peers);
    if (s->reflection) reflection_free(s->reflection);
    queue_fini(&s->queue);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    for (int i = 0; i < 3; i++) free(s->files[i]);
    free(s->listen);
    free(s->probe_name);
    free(s->methods);
    free(s->workers);
    free(s);
}
