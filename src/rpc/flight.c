/* flight.c - one client call, and the unary kind of it.
 *
 * A completion queue of its own per call (plucked, never polled by others)
 * keeps the threads of a client apart. */
#include "rpc/flight.h"

#include "base/removal.h"
#include "rpc/decode.h"

#include <assert.h>
#include <stdio.h>

#define RECONNECT_MS 2500 /* longest pause between two attempts, and some */

/* ---- the guard's header ---- */

static enum qr_rc sign(struct flight *f, int timeout_ms, struct qr_err *err)
{
    if (!f->guarded) return QR_OK;
    struct rpc_guard_request r = {.method = f->path,
                                  .request = wire_view(&f->request),
                                  .deadline_us = qr_now_us(&flight_conf(f->ch)->clock) +
                                                 (int64_t)timeout_ms * 1000};
    QR_TRY(f->guard.sign(f->guard.ctx, &r, &f->state, &f->header, err));
    f->signed_off = true;
    return qr_buf_ok(&f->header);
}

/* gRPC makes connections only while somebody polls, and fails every call at
 * once between two attempts: a caller that sleeps between its calls would
 * never see a restarted server.  So after a failed attempt the next call polls
 * until a connection stands, for a while. */
static void await_connection(struct flight *f, int timeout_ms)
{
    grpc_channel *core = flight_core(f->ch);
    int64_t end = wire_now_us() + (timeout_ms < RECONNECT_MS ? timeout_ms : RECONNECT_MS) * 1000LL;
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(core, 1);
    if (state != GRPC_CHANNEL_TRANSIENT_FAILURE) return;
    while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_SHUTDOWN && wire_now_us() < end) {
        grpc_channel_watch_connectivity_state(core, state, wire_time(end), f->cq, f);
        (void)grpc_completion_queue_pluck(f->cq, f, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        state = grpc_channel_check_connectivity_state(core, 1);
    }
}

static grpc_call *call_make(struct flight *f)
{
    grpc_slice path = grpc_slice_from_copied_string(f->path);
    grpc_call *call = grpc_channel_create_call(flight_core(f->ch), NULL, GRPC_PROPAGATE_DEFAULTS,
                                               f->cq, path, NULL, wire_time(f->deadline_us), NULL);
    grpc_slice_unref(path);
    return call;
}

enum qr_rc flight_open(struct flight *f, struct rpc_channel *ch, const struct rpc_ask *ask,
                       struct qr_err *err)
{
    *f = (struct flight){.ch = ch, .guarded = ask->guard != NULL};
    if (ask->guard) f->guard = *ask->guard;
    qr_buf_init(&f->header, QR_MAX_METADATA);
    grpc_metadata_array_init(&f->initial);
    grpc_metadata_array_init(&f->trailing);
    f->details = grpc_empty_slice();
    f->request = grpc_empty_slice();
    f->method = protobuf_c_service_descriptor_get_method_by_name(ask->service, ask->method);
    if (!f->method) return qr_fail(err, QR_BUG, "no method %s", ask->method);
    int n = snprintf(f->path, sizeof f->path, "/%s/%s", ask->service->name, ask->method);
    if (n > FLIGHT_PATH_MAX) return qr_fail(err, QR_BUG, "%s: name too long", ask->method);
    int timeout_ms = ask->timeout_ms < 1 ? 1 : ask->timeout_ms;
    if (timeout_ms > QR_MAX_STREAM_MS) timeout_ms = QR_MAX_STREAM_MS;
    f->request = wire_pack(ask->in);
    QR_TRY(sign(f, timeout_ms, err));
    f->deadline_us = wire_now_us() + (int64_t)timeout_ms * 1000;
    f->cq = grpc_completion_queue_create_for_pluck(NULL);
    await_connection(f, timeout_ms);
    f->core = call_make(f);
    return QR_OK;
}

enum qr_rc flight_again(struct flight *f, grpc_call **out, struct qr_err *err)
{
    int64_t left_us = f->deadline_us - wire_now_us();
    if (left_us < 1000) return qr_fail(err, QR_DEADLINE, "no time to ask again");
    if (f->signed_off && f->guard.done) f->guard.done(f->guard.ctx, f->state);
    f->signed_off = false;
    qr_buf_reset(&f->header);
    QR_TRY(sign(f, (int)(left_us / 1000), err));
    grpc_metadata_array_destroy(&f->initial);
    grpc_metadata_array_destroy(&f->trailing);
    grpc_metadata_array_init(&f->initial);
    grpc_metadata_array_init(&f->trailing);
    grpc_slice_unref(f->details);
    f->details = grpc_empty_slice();
    *out = call_make(f);
    return QR_OK;
}

size_t flight_ops_send(struct flight *f, grpc_op *ops, grpc_metadata *md, grpc_byte_buffer *msg)
{
    ops[0] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    ops[0].data.send_initial_metadata.count = f->guarded ? 1 : 0;
    ops[0].data.send_initial_metadata.metadata = md;
    ops[1] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    ops[1].data.send_message.send_message = msg;
    ops[2] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    md->key = grpc_slice_from_static_string(RPC_ATTEST_KEY);
    md->value = grpc_slice_from_copied_buffer((const char *)f->header.p, f->header.n);
    return 3;
}

void flight_op_status(struct flight *f, grpc_op *op)
{
    *op = (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op->data.recv_status_on_client.trailing_metadata = &f->trailing;
    op->data.recv_status_on_client.status = &f->status;
    op->data.recv_status_on_client.status_details = &f->details;
}

void flight_close(struct flight *f)
{
    if (f->signed_off && f->guard.done) f->guard.done(f->guard.ctx, f->state);
    if (f->received) grpc_byte_buffer_destroy(f->received);
    grpc_metadata_array_destroy(&f->initial);
    grpc_metadata_array_destroy(&f->trailing);
    grpc_slice_unref(f->details);
    grpc_slice_unref(f->request);
    qr_buf_fini(&f->header);
    if (f->core) grpc_call_unref(f->core);
    if (!f->cq) return;
    grpc_completion_queue_shutdown(f->cq);
    (void)grpc_completion_queue_pluck(f->cq, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(f->cq);
}

/* ---- the end ---- */

static void text_to(struct qr_err *err, const char *before, struct qr_bytes text)
{
    (void)qr_fail(err, QR_OK, "%s%.*s", before, (int)(text.n < 200 ? text.n : 200),
                  (const char *)text.p);
}

static enum qr_rc unproven(struct flight *f, struct qr_bytes message, struct qr_err *err)
{
    if (f->status == GRPC_STATUS_OK)
        return qr_fail(err, QR_ATTESTATION, "the reply is not authentic");
    text_to(err, "unavailable; not authenticated: ", message);
    return wire_now_us() >= f->deadline_us ? QR_DEADLINE : QR_UNAVAILABLE;
}

enum qr_rc flight_judge(struct flight *f, struct qr_bytes reply, struct rpc_answer *out,
                        struct qr_err *err)
{
    struct qr_bytes message = wire_view(&f->details), text;
    out->status = (int)f->status;
    if (f->guarded) {
        size_t count;
        struct qr_bytes seal = wire_md(&f->trailing, RPC_ATTEST_KEY, &count);
        struct rpc_guard_reply r = {
            .method = f->path, .status = (int)f->status, .message = message, .reply = reply};
        if (!QR_HOLDS(CALLS_TRAILER_ONE, count == 1)) seal = QR_BYTES_NONE;
        out->authentic = f->guard.verify(f->guard.ctx, f->state, &r, seal) == QR_OK;
        if (!QR_HOLDS(CALLS_REPLY, out->authentic)) return unproven(f, message, err);
    }
    if (f->status == GRPC_STATUS_OK) return QR_OK;
    enum qr_rc rc = wire_status_rc((int)f->status, message, &text);
    text_to(err, "", text);
    return rc;
}

/* ---- unary ---- */

void rpc_answer_fini(struct rpc_answer *a)
{
    qr_arena_fini(&a->arena);
    a->msg = NULL;
}

static void exchange(struct flight *f)
{
    grpc_op ops[6];
    grpc_metadata md = {.key = {0}};
    grpc_byte_buffer *msg = wire_buffer(f->request);
    size_t n = flight_ops_send(f, ops, &md, msg);
    ops[n] = (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA};
    ops[n++].data.recv_initial_metadata.recv_initial_metadata = &f->initial;
    ops[n] = (grpc_op){.op = GRPC_OP_RECV_MESSAGE};
    ops[n++].data.recv_message.recv_message = &f->received;
    flight_op_status(f, &ops[n++]);
    grpc_call_error e = grpc_call_start_batch(f->core, ops, n, f, NULL);
    if (e != GRPC_CALL_OK) qr_fatal("grpc_call_start_batch: %d", (int)e);
    grpc_event ev =
        grpc_completion_queue_pluck(f->cq, f, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    assert(ev.type == GRPC_OP_COMPLETE);
    grpc_byte_buffer_destroy(msg);
    grpc_slice_unref(md.value);
}

static enum qr_rc take_reply(struct flight *f, struct rpc_answer *out, struct qr_err *err)
{
    struct qr_buf raw;
    qr_buf_init(&raw, flight_conf(f->ch)->max_recv);
    enum qr_rc rc = QR_OK;
    if (f->received) rc = wire_read(f->received, raw.cap, &raw);
    /* Only a reply that goes with an OK means anything. */
    struct qr_bytes reply = f->status == GRPC_STATUS_OK ? qr_buf_bytes(&raw) : QR_BYTES_NONE;
    if (rc == QR_OK) rc = flight_judge(f, reply, out, err);
    if (rc == QR_OK && !f->received) rc = qr_fail(err, QR_MALFORMED, "no reply");
    if (rc == QR_OK) rc = rpc_decode(f->method->output, reply, &out->arena, &out->msg, err);
    qr_buf_fini(&raw);
    return rc;
}

enum qr_rc rpc_unary(struct rpc_channel *ch, const struct rpc_ask *ask, struct rpc_answer *out,
                     struct qr_err *err)
{
    struct flight f;
    *out = (struct rpc_answer){0};
    qr_arena_init(&out->arena, QR_MAX_REQUEST_ARENA + flight_conf(ch)->max_recv);
    enum qr_rc rc = flight_open(&f, ch, ask, err);
    if (rc == QR_OK) {
        exchange(&f);
        rc = take_reply(&f, out, err);
    }
    flight_close(&f);
    return rc;
}
