/* call.c - the life of a call on the server: arrival, request, guard, handler,
 * end.
 *
 * RECV_CLOSE_ON_SERVER is started at arrival, alone in its batch: it is the
 * only sign that the client went away or its deadline passed.  A call that
 * nobody waits for any more is dropped before it costs anything. */
#include "rpc/engine.h"

#include "base/removal.h"
#include "rpc/attested_node.h"
#include "rpc/decode.h"

#include <assert.h>
#include <stdlib.h>

/* ---- references ---- */

void call_ref(struct rpc_call *c) { atomic_fetch_add(&c->refs, 1); }

bool call_try_ref(struct rpc_call *c)
{
    unsigned n = atomic_load(&c->refs);
    while (n > 0)
        if (atomic_compare_exchange_weak(&c->refs, &n, n + 1)) return true;
    return false;
}

static void audit(const struct rpc_call *c)
{
    const struct rpc_server *s = c->server;
    if (!s->conf.audit) return;
    struct rpc_audit a = {.begin_us = c->begin_wall_us,
                          .duration_us = qr_mono_us(&s->conf.clock) - c->begin_us,
                          .method = c->path,
                          .peer = c->peer_known ? &c->peer : NULL,
                          .caller = &c->caller,
                          .outcome = c->rc,
                          .text = c->text};
    if (!c->status_begun || c->cut)
        a.outcome = wire_now_us() >= c->deadline_us ? QR_DEADLINE : QR_CANCELLED;
    if (a.outcome != c->rc) a.text = "";
    a.status = qr_rc_grpc(a.outcome);
    s->conf.audit(s->conf.audit_ctx, &a);
}

static void call_free(struct rpc_call *c)
{
    struct rpc_server *s = c->server;
    audit(c);
    if (c->guarded && s->conf.guard->done) s->conf.guard->done(s->conf.guard->ctx, c->state);
    while (c->out_count > 0) {
        grpc_byte_buffer_destroy(c->outbox[c->out_first]);
        c->out_first = (c->out_first + 1) % QR_MAX_OUTBOX;
        c->out_count--;
    }
    if (c->last) grpc_byte_buffer_destroy(c->last);
    if (c->received) grpc_byte_buffer_destroy(c->received);
    if (c->has_reply) grpc_slice_unref(c->reply);
    qr_buf_fini(&c->request);
    qr_arena_fini(&c->arena);
    pthread_cond_destroy(&c->room);
    pthread_mutex_destroy(&c->lock);
    engine_gone(s, c);
}

void call_drop(struct rpc_call *c)
{
    if (atomic_fetch_sub(&c->refs, 1) == 1) call_free(c);
}

/* ---- the guard and the handler ---- */

static enum qr_rc guard(struct rpc_call *c, struct qr_err *err)
{
    const struct rpc_guard *g = c->server->conf.guard;
    if (!g || (c->method->flags & RPC_UNATTESTED)) return QR_OK;
    int64_t left_us = c->deadline_us - wire_now_us();
    struct rpc_guard_call in = {.method = c->path,
                                .peer = &c->peer,
                                .attest = c->attest,
                                .attest_count = c->attest_count,
                                .request = qr_buf_bytes(&c->request),
                                .deadline_us = qr_now_us(&c->server->conf.clock) + left_us};
    struct rpc_guard_verdict v = {{0}, NULL, 0};
    enum qr_rc rc = g->check(g->ctx, &in, &v, err);
    if (!QR_HOLDS(CALLS_ATTESTED, rc == QR_OK)) return rc;
    pthread_mutex_lock(&c->lock);
    c->caller = v.caller;
    c->state = v.state;
    c->guarded = rc == QR_OK;
    pthread_mutex_unlock(&c->lock);
    if (v.deadline_us > 0) {
        int64_t mine = wire_now_us() + (v.deadline_us - qr_now_us(&c->server->conf.clock));
        if (mine < c->deadline_us) {
            c->deadline_us = mine;
            engine_limit(c->server, c, mine);
        }
    }
    return QR_OK;
}

static enum qr_rc admit(struct rpc_call *c, ProtobufCMessage **in, struct qr_err *err)
{
    if (!c->admitted) {
        c->admitted = true;
        QR_TRY(guard(c, err));
    }
    return rpc_decode(c->method->input, qr_buf_bytes(&c->request), &c->arena, in, err);
}

/* What the generated code calls with a reply. */
static void closure(const ProtobufCMessage *msg, void *data)
{
    enum qr_rc rc = msg ? rpc_send(data, msg) : QR_BUG;
    if (rc != QR_OK && rc != QR_CANCELLED) rpc_fail(data, rc, NULL);
}

/* Whether the owner is to be told now; at most once.  Under call.lock. */
static bool due_to_tell(struct rpc_call *c)
{
    bool over = c->gone || (c->stopping && c->method && c->method->stream);
    if (!over || !c->held || !c->returned || c->told || c->finished) return false;
    c->told = true;
    return c->on_gone != NULL;
}

static void handler_returned(struct rpc_call *c)
{
    pthread_mutex_lock(&c->lock);
    c->returned = true;
    bool held = c->held;
    bool failed = c->rc != QR_OK;
    bool tell = due_to_tell(c);
    bool bidi = c->method->bidi;
    /* A bidi reply that is already sent: its completion did not ask for more. */
    if (bidi && !failed && !c->sending && c->out_count == 0) call_receive(c);
    pthread_mutex_unlock(&c->lock);
    if (tell) {
        call_ref(c);
        queue_push_gone(&c->server->queue, c);
    }
    if (!held && (!bidi || failed)) call_finish(c, QR_OK, NULL);
}

static void handle(struct rpc_call *c)
{
    struct qr_err err = {{0}};
    ProtobufCMessage *in = NULL;
    enum qr_rc rc = admit(c, &in, &err);
    if (rc != QR_OK) {
        call_finish(c, rc, err.text);
        return;
    }
    ProtobufCService *svc = c->method->service;
    pthread_mutex_lock(&c->lock);
    c->returned = false;
    pthread_mutex_unlock(&c->lock);
    svc->invoke(svc, c->method->index, in, closure, c);
    handler_returned(c);
}

void call_run(struct rpc_call *c)
{
    if (wire_now_us() >= c->deadline_us)
        call_cancel(c, QR_DEADLINE);
    else if (!rpc_call_gone(c))
        handle(c);
    call_drop(c);
}

/* ---- completions, on the poller ---- */

static void request_arrived(struct rpc_call *c)
{
    enum qr_rc rc = wire_read(c->received, c->method->max_recv, &c->request);
    grpc_byte_buffer_destroy(c->received);
    c->received = NULL;
    if (rc != QR_OK) {
        call_finish(c, rc, rc == QR_EXHAUSTED ? "the request is too large" : NULL);
        return;
    }
    engine_limit(c->server, c, c->deadline_us);
    if (c->method->on_poller) {
        handle(c);
        return;
    }
    call_ref(c);
    if (queue_push(&c->server->queue, c)) return;
    call_finish(c, QR_EXHAUSTED, "the server is busy");
    call_drop(c);
}

static void on_request(void *owner, bool ok)
{
    struct rpc_call *c = owner;
    qr_buf_reset(&c->request);
    if (ok && c->received)
        request_arrived(c);
    else if (c->method->bidi && c->admitted)
        call_finish(c, QR_OK, NULL);
    else if (!rpc_call_gone(c))
        call_finish(c, QR_MALFORMED, "no request");
    call_drop(c);
}

static void on_close(void *owner, bool ok)
{
    struct rpc_call *c = owner;
    (void)ok;
    pthread_mutex_lock(&c->lock);
    if (c->cancelled) c->gone = true;
    pthread_cond_broadcast(&c->room);
    bool tell = due_to_tell(c);
    call_pump(c);
    pthread_mutex_unlock(&c->lock);
    if (tell) {
        call_ref(c);
        queue_push_gone(&c->server->queue, c);
    }
    call_drop(c);
}

void call_tell_gone(struct rpc_call *c)
{
    pthread_mutex_lock(&c->lock);
    bool finished = c->finished;
    pthread_mutex_unlock(&c->lock);
    if (!finished) c->on_gone(c, c->on_gone_ctx);
    call_drop(c);
}

void call_stop(struct rpc_call *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->room);
    bool tell = due_to_tell(c);
    pthread_mutex_unlock(&c->lock);
    if (!tell) return;
    call_ref(c);
    queue_push_gone(&c->server->queue, c);
}

void call_cancel(struct rpc_call *c, enum qr_rc rc)
{
    char text[WIRE_TEXT_SIZE];
    wire_status_text(text, rc, NULL);
    (void)grpc_call_cancel_with_status(c->core, (grpc_status_code)qr_rc_grpc(rc), text, NULL);
}

/* ---- arrival ---- */

static void deadlines_set(struct rpc_call *c, gpr_timespec asked)
{
    const struct rpc_server_conf *conf = &c->server->conf;
    int64_t now = wire_now_us(), wanted = wire_us(asked);
    int max_ms = c->method && c->method->stream ? conf->max_stream_ms : conf->max_call_ms;
    c->deadline_us = now + (int64_t)max_ms * 1000;
    if (wanted < c->deadline_us) c->deadline_us = wanted;
    int64_t recv_us = now + (int64_t)QR_MAX_RECV_MS * 1000;
    c->limit_us = recv_us < c->deadline_us ? recv_us : c->deadline_us;
}

static struct rpc_call *call_new(struct rpc_server *s, struct engine_slot *slot)
{
    struct rpc_call *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->server = s;
    c->core = slot->core;
    c->begin_us = qr_mono_us(&s->conf.clock);
    c->begin_wall_us = qr_now_us(&s->conf.clock);
    atomic_init(&c->refs, 1);
    void (*const on[TAG_COUNT])(void *, bool) = {on_close, on_request, call_on_sent,
                                                 call_on_status};
    for (int i = 0; i < TAG_COUNT; i++) c->tags[i] = (struct engine_tag){on[i], c};
    struct qr_bytes path = wire_view(&slot->details.method);
    if (path.n <= ENGINE_PATH_MAX) qr_copy(c->path, path.p, path.n);
    c->method = engine_find(s, c->path);
    qr_arena_init(&c->arena, QR_MAX_REQUEST_ARENA);
    qr_buf_init(&c->request, c->method ? c->method->max_recv : 0);
    c->attest = qr_arena_dup(&c->arena, wire_md(&slot->md, RPC_ATTEST_KEY, &c->attest_count));
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->room, NULL);
    deadlines_set(c, slot->details.deadline);
    return c;
}

/* Size of all metadata as HTTP/2 counts it (RFC 9113 section 6.5.2); what gRPC
 * takes for itself is not in md. */
static size_t metadata_size(const grpc_metadata_array *md)
{
    size_t n = 0;
    for (size_t i = 0; i < md->count; i++)
        n += GRPC_SLICE_LENGTH(md->metadata[i].key) + GRPC_SLICE_LENGTH(md->metadata[i].value) + 32;
    return n;
}

/* What can be said before the request is read. */
static enum qr_rc greet(struct rpc_call *c, enum qr_rc live, struct qr_err *err)
{
    const struct rpc_guard *g = c->server->conf.guard;
    if (!c->method) return qr_fail(err, QR_NOTIMPL, "no such method");
    if (live != QR_OK) return qr_fail(err, live, "too many calls");
    if (!c->peer_known) return qr_fail(err, QR_UNAUTHENTICATED, "no readable client certificate");
    if (!g || !g->greet || (c->method->flags & RPC_UNATTESTED)) return QR_OK;
    struct rpc_guard_call in = {
        .method = c->path, .peer = &c->peer, .attest = c->attest, .attest_count = c->attest_count};
    enum qr_rc rc = g->greet(g->ctx, &in, err);
    return QR_HOLDS(CALLS_ATTESTED, rc == QR_OK) ? QR_OK : rc;
}

void call_begin(struct rpc_server *s, struct engine_slot *slot)
{
    struct rpc_call *c = call_new(s, slot);
    struct qr_err err = {{0}};
    if (!c) {
        grpc_call_unref(slot->core);
        return;
    }
    c->peer_known = tls_peer(s->peers, c->core, &c->arena, &c->peer) == QR_OK;
    struct qr_bytes node = attested_node(&c->peer);
    c->node = node.n > 0 ? qr_sha256_one(node) : c->peer.spki_sha256;
    enum qr_rc live = engine_live(s, c);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &c->cancelled;
    call_ref(c);
    grpc_call_error e = grpc_call_start_batch(c->core, &op, 1, &c->tags[TAG_CLOSE], NULL);
    if (e != GRPC_CALL_OK) qr_fatal("grpc_call_start_batch: %d", (int)e);
    /* gRPC holds a peer to its limit only once that has acknowledged it */
    bool fits = metadata_size(&slot->md) <= QR_MAX_METADATA;
    enum qr_rc rc = fits ? greet(c, live, &err)
                         : qr_fail(&err, QR_EXHAUSTED, "metadata over %d bytes", QR_MAX_METADATA);
    if (rc != QR_OK) {
        call_finish(c, rc, err.text);
    } else {
        pthread_mutex_lock(&c->lock);
        call_receive(c);
        pthread_mutex_unlock(&c->lock);
    }
    call_drop(c);
}

/* ---- public ---- */

void rpc_hold(struct rpc_call *call, void (*gone)(struct rpc_call *call, void *ctx), void *ctx)
{
    pthread_mutex_lock(&call->lock);
    assert(!call->held && !call->finished);
    call->held = true;
    call->on_gone = gone;
    call->on_gone_ctx = ctx;
    pthread_mutex_unlock(&call->lock);
    call_ref(call);
}

bool rpc_call_gone(const struct rpc_call *call)
{
    struct rpc_call *c = (struct rpc_call *)(uintptr_t)call;
    pthread_mutex_lock(&c->lock);
    bool stop = c->stopping && c->method && c->method->stream;
    if (stop) c->hinted = true;
    bool gone = c->gone || stop;
    pthread_mutex_unlock(&c->lock);
    return gone;
}

int rpc_call_left_ms(const struct rpc_call *call)
{
    int64_t left = (call->deadline_us - wire_now_us()) / 1000;
    return left > 0 ? (int)left : 0;
}

const char *rpc_call_method(const struct rpc_call *call) { return call->path; }
const struct rpc_peer *rpc_call_peer(const struct rpc_call *call) { return &call->peer; }
const struct rpc_caller *rpc_call_caller(const struct rpc_call *call) { return &call->caller; }
void *rpc_call_state(const struct rpc_call *call) { return call->state; }

struct qr_bytes rpc_call_request(const struct rpc_call *call)
{
    return qr_buf_bytes(&call->request);
}

struct qr_arena *rpc_call_arena(struct rpc_call *call) { return &call->arena; }
