/* send.c - what goes back to the client: replies, stream elements, the status.
 *
 * gRPC allows one SEND_MESSAGE in flight per call, so elements wait in a ring
 * (outbox) and call_pump starts the next one whenever something changed.  The
 * status goes last, in one batch with the unary reply or the final frame; once
 * it has begun nothing else is sent. */
#include "rpc/engine.h"

#include "quorate/v1/common.pb-c.h"

#include <assert.h>
#include <stdio.h>

#define MAX_OPS 3

static void batch(struct rpc_call *c, const grpc_op *ops, size_t n, int tag)
{
    call_ref(c);
    grpc_call_error e = grpc_call_start_batch(c->core, ops, n, &c->tags[tag], NULL);
    if (e != GRPC_CALL_OK) qr_fatal("grpc_call_start_batch: %d", (int)e);
}

void call_receive(struct rpc_call *c)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &c->received;
    batch(c, &op, 1, TAG_RECV);
}

static void outbox_pop(struct rpc_call *c)
{
    grpc_byte_buffer_destroy(c->outbox[c->out_first]);
    c->outbox[c->out_first] = NULL;
    c->out_first = (c->out_first + 1) % QR_MAX_OUTBOX;
    c->out_count--;
}

static size_t op_open(struct rpc_call *c, grpc_op *ops, size_t n)
{
    if (c->opened) return n;
    c->opened = true;
    ops[n].op = GRPC_OP_SEND_INITIAL_METADATA;
    return n + 1;
}

static void send_element(struct rpc_call *c)
{
    grpc_op ops[MAX_OPS] = {{0}};
    size_t n = op_open(c, ops, 0);
    ops[n].op = GRPC_OP_SEND_MESSAGE;
    ops[n++].data.send_message.send_message = c->outbox[c->out_first];
    c->sending = true;
    batch(c, ops, n, TAG_SEND);
}

/* A frame around body, with the guard's MAC. */
static enum qr_rc frame_pack(struct rpc_call *c, struct qr_bytes body, bool final, grpc_slice *out)
{
    const struct rpc_guard *g = c->server->conf.guard;
    Quorate__V1__StreamFrame f = QUORATE__V1__STREAM_FRAME__INIT;
    uint8_t mac[RPC_MAC_SIZE];
    f.body = (ProtobufCBinaryData){.len = body.n, .data = (uint8_t *)(uintptr_t)body.p};
    f.sequence = c->sequence;
    f.final = final;
    if (c->guarded) {
        struct rpc_guard_frame in = {
            .method = c->path, .sequence = c->sequence, .final = final, .body = body};
        QR_TRY(g->seal_frame(g->ctx, c->state, &in, mac));
        f.mac = (ProtobufCBinaryData){.len = sizeof mac, .data = mac};
    }
    c->sequence++;
    *out = wire_pack(&f.base);
    return QR_OK;
}

/* The reply or the final frame; NULL when there is none. */
static grpc_byte_buffer *last_message(struct rpc_call *c)
{
    if (c->rc != QR_OK) return NULL;
    if (!c->method->stream) return wire_buffer(c->reply);
    if (!c->method->framed) return NULL;
    grpc_slice s;
    c->rc = frame_pack(c, QR_BYTES_NONE, true, &s);
    if (c->rc != QR_OK) return NULL;
    grpc_byte_buffer *b = wire_buffer(s);
    grpc_slice_unref(s);
    return b;
}

/* The trailer's bytes; none when the call passed no guard. */
static void seal(struct rpc_call *c, const char *message, struct qr_buf *out)
{
    const struct rpc_guard *g = c->server->conf.guard;
    if (!c->guarded) return;
    struct rpc_guard_reply r = {.method = c->path, .status = qr_rc_grpc(c->rc)};
    r.message = qr_str(message);
    if (c->has_reply && c->rc == QR_OK) r.reply = wire_view(&c->reply);
    if (g->seal(g->ctx, c->state, &r, out) != QR_OK) qr_buf_reset(out);
}

static void send_status(struct rpc_call *c)
{
    char message[WIRE_TEXT_SIZE] = "";
    uint8_t trailer_key[] = RPC_ATTEST_KEY;
    struct qr_buf sealed;
    grpc_op ops[MAX_OPS] = {{0}};
    c->status_begun = true;
    c->cut = c->gone;
    c->last = last_message(c);
    if (c->rc != QR_OK) wire_status_text(message, c->rc, c->text);
    qr_buf_init(&sealed, RPC_MAX_SEAL);
    seal(c, message, &sealed);

    size_t n = op_open(c, ops, 0);
    if (c->last) {
        ops[n].op = GRPC_OP_SEND_MESSAGE;
        ops[n++].data.send_message.send_message = c->last;
    }
    grpc_slice text = grpc_slice_from_copied_string(message);
    grpc_metadata trailer = {
        .key = grpc_slice_from_copied_buffer((const char *)trailer_key, sizeof trailer_key - 1),
        .value = grpc_slice_from_copied_buffer((const char *)sealed.p, sealed.n)};
    ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[n].data.send_status_from_server.status = (grpc_status_code)qr_rc_grpc(c->rc);
    ops[n].data.send_status_from_server.status_details = &text;
    ops[n].data.send_status_from_server.trailing_metadata = &trailer;
    ops[n++].data.send_status_from_server.trailing_metadata_count = sealed.n > 0;
    batch(c, ops, n, TAG_STATUS);
    grpc_slice_unref(text);
    grpc_slice_unref(trailer.key);
    grpc_slice_unref(trailer.value);
    qr_buf_fini(&sealed);
}

void call_pump(struct rpc_call *c)
{
    if (c->sending || c->status_begun) return;
    if (c->gone)
        while (c->out_count > 0) outbox_pop(c);
    if (c->out_count > 0)
        send_element(c);
    else if (c->finished)
        send_status(c);
}

void call_on_sent(void *owner, bool ok)
{
    struct rpc_call *c = owner;
    pthread_mutex_lock(&c->lock);
    c->sending = false;
    if (!ok) c->gone = true;
    outbox_pop(c);
    pthread_cond_broadcast(&c->room);
    bool next = c->method->bidi && c->returned && !c->finished && c->out_count == 0;
    call_pump(c);
    if (next && !c->gone) call_receive(c);
    pthread_mutex_unlock(&c->lock);
    call_drop(c);
}

void call_on_status(void *owner, bool ok)
{
    (void)ok;
    call_drop(owner);
}

void call_finish(struct rpc_call *c, enum qr_rc rc, const char *text)
{
    pthread_mutex_lock(&c->lock);
    assert(!c->finished);
    c->finished = true;
    if (c->rc == QR_OK) {
        c->rc = rc;
        (void)snprintf(c->text, sizeof c->text, "%s", text ? text : "");
    }
    bool stream = c->method && c->method->stream;
    if (c->rc == QR_OK && stream && c->stopping && (c->told || c->hinted)) {
        c->rc = QR_UNAVAILABLE;
        (void)snprintf(c->text, sizeof c->text, "the server is stopping");
    }
    if (c->rc == QR_OK && !stream && !c->has_reply) {
        c->rc = QR_BUG;
        (void)snprintf(c->text, sizeof c->text, "no reply was made");
    }
    pthread_cond_broadcast(&c->room);
    call_pump(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- public ---- */

static enum qr_rc send_reply(struct rpc_call *c, grpc_slice s)
{
    if (c->has_reply) {
        grpc_slice_unref(s);
        return QR_STATE;
    }
    c->has_reply = true;
    c->reply = s;
    return QR_OK;
}

static enum qr_rc queue_element(struct rpc_call *c, grpc_slice s)
{
    enum qr_rc rc = c->out_count == QR_MAX_OUTBOX ? QR_EXHAUSTED : QR_OK;
    if (rc == QR_OK && c->method->framed) {
        grpc_slice framed;
        rc = frame_pack(c, wire_view(&s), false, &framed);
        grpc_slice_unref(s);
        if (rc != QR_OK) return rc;
        s = framed;
    }
    if (rc == QR_OK) c->outbox[(c->out_first + c->out_count++) % QR_MAX_OUTBOX] = wire_buffer(s);
    grpc_slice_unref(s);
    call_pump(c);
    return rc;
}

static enum qr_rc send_message(struct rpc_call *c, const ProtobufCMessage *msg, bool wait)
{
    enum qr_rc rc;
    grpc_slice s = wire_pack(msg);
    pthread_mutex_lock(&c->lock);
    while (wait && c->method->stream && c->out_count == QR_MAX_OUTBOX && !c->gone && !c->finished)
        pthread_cond_wait(&c->room, &c->lock);
    if (c->finished || c->rc != QR_OK) {
        grpc_slice_unref(s);
        rc = QR_STATE;
    } else if (c->gone) {
        grpc_slice_unref(s);
        rc = QR_CANCELLED;
    } else if (c->method->stream) {
        rc = queue_element(c, s);
    } else {
        rc = send_reply(c, s);
    }
    pthread_mutex_unlock(&c->lock);
    return rc;
}

enum qr_rc rpc_send(struct rpc_call *call, const ProtobufCMessage *msg)
{
    return send_message(call, msg, false);
}

enum qr_rc rpc_send_wait(struct rpc_call *call, const ProtobufCMessage *msg)
{
    return send_message(call, msg, true);
}

void rpc_fail(struct rpc_call *call, enum qr_rc rc, const char *text)
{
    assert(rc != QR_OK);
    pthread_mutex_lock(&call->lock);
    if (call->rc == QR_OK && !call->finished) {
        call->rc = rc;
        (void)snprintf(call->text, sizeof call->text, "%s", text ? text : "");
    }
    pthread_mutex_unlock(&call->lock);
}

void rpc_finish(struct rpc_call *call, enum qr_rc rc, const char *text)
{
    assert(call->held);
    call_finish(call, rc, text);
    call_drop(call);
}
