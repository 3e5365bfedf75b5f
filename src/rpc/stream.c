/* stream.c - reading a server stream, one element at a time.
 *
 * Three batches: the request; the status, which completes when the stream is
 * over; and the next message, started when the reader asks for it, so that a
 * slow reader holds the server back.  All are plucked from the call's own
 * queue by the one reader. */
#include "rpc/flight.h"

#include "base/removal.h"
#include "rpc/decode.h"

#include "quorate/v1/common.pb-c.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct rpc_stream {
    struct flight f;
    const ProtobufCMessageDescriptor *element;
    bool framed;
    grpc_byte_buffer *request;
    grpc_metadata md;
    bool reading, opened; /* a RECV_MESSAGE in flight; initial metadata asked for */
    bool over;            /* failed or ended: nothing more comes */
    bool final_seen;
    bool repeated; /* opened once more */
    uint64_t sequence;
    int send_tag, status_tag, read_tag;
    bool status_in;
    pthread_mutex_t lock; /* of cancelled, and of f.core where it changes */
    bool cancelled;
};

static bool pluck(struct rpc_stream *st, void *tag, gpr_timespec until)
{
    return grpc_completion_queue_pluck(st->f.cq, tag, until, NULL).type == GRPC_OP_COMPLETE;
}

static void start(struct rpc_stream *st, const grpc_op *ops, size_t n, void *tag)
{
    grpc_call_error e = grpc_call_start_batch(st->f.core, ops, n, tag, NULL);
    if (e != GRPC_CALL_OK) qr_fatal("grpc_call_start_batch: %d", (int)e);
}

/* The request, and the wait for the end. */
static void begin(struct rpc_stream *st)
{
    grpc_op ops[3], status;
    st->request = wire_buffer(st->f.request);
    size_t n = flight_ops_send(&st->f, ops, &st->md, st->request);
    start(st, ops, n, &st->send_tag);
    flight_op_status(&st->f, &status);
    start(st, &status, 1, &st->status_tag);
}

enum qr_rc rpc_stream_open(struct rpc_channel *ch, const struct rpc_ask *ask,
                           const ProtobufCMessageDescriptor *element, struct rpc_stream **out,
                           struct qr_err *err)
{
    struct rpc_stream *st = calloc(1, sizeof *st);
    if (!st) return qr_fail(err, QR_NOMEM, "no memory");
    enum qr_rc rc = flight_open(&st->f, ch, ask, err);
    if (rc != QR_OK) {
        flight_close(&st->f);
        free(st);
        return rc;
    }
    st->element = element;
    st->framed = st->f.method->output == &quorate__v1__stream_frame__descriptor;
    pthread_mutex_init(&st->lock, NULL);
    begin(st);
    *out = st;
    return QR_OK;
}

static void read_start(struct rpc_stream *st)
{
    grpc_op ops[2] = {{0}};
    size_t n = 0;
    if (!st->opened) {
        ops[n].op = GRPC_OP_RECV_INITIAL_METADATA;
        ops[n++].data.recv_initial_metadata.recv_initial_metadata = &st->f.initial;
        st->opened = true;
    }
    ops[n].op = GRPC_OP_RECV_MESSAGE;
    ops[n++].data.recv_message.recv_message = &st->f.received;
    st->reading = true;
    start(st, ops, n, &st->read_tag);
}

static bool is_cancelled(struct rpc_stream *st)
{
    pthread_mutex_lock(&st->lock);
    bool cancelled = st->cancelled;
    pthread_mutex_unlock(&st->lock);
    return cancelled;
}

/* Nothing of the stream was seen, and the guard thinks that another session
 * helps. */
static bool worth_repeating(const struct rpc_stream *st, const struct rpc_answer *out)
{
    const struct rpc_client_guard *g = &st->f.guard;
    return st->f.guarded && g->again && !st->repeated && st->sequence == 0 && !out->authentic &&
           g->again(g->ctx, st->f.state, (int)st->f.status);
}

static enum qr_rc repeat(struct rpc_stream *st, struct qr_err *err)
{
    grpc_call *fresh;
    st->repeated = true;
    (void)pluck(st, &st->send_tag, gpr_inf_future(GPR_CLOCK_MONOTONIC));
    grpc_byte_buffer_destroy(st->request);
    grpc_slice_unref(st->md.value);
    st->request = NULL;
    st->md.value = grpc_empty_slice();
    QR_TRY(flight_again(&st->f, &fresh, err));
    pthread_mutex_lock(&st->lock);
    grpc_call_unref(st->f.core);
    st->f.core = fresh;
    if (st->cancelled) (void)grpc_call_cancel(fresh, NULL);
    pthread_mutex_unlock(&st->lock);
    st->opened = st->status_in = false;
    begin(st);
    return QR_OK;
}

/* No more messages: what the status says. */
static enum qr_rc stream_end(struct rpc_stream *st, struct rpc_answer *out, struct qr_err *err)
{
    bool got = pluck(st, &st->status_tag, gpr_inf_future(GPR_CLOCK_MONOTONIC));
    assert(got);
    st->status_in = true;
    enum qr_rc rc = is_cancelled(st) ? qr_fail(err, QR_CANCELLED, "cancelled")
                                     : flight_judge(&st->f, QR_BYTES_NONE, out, err);
    if (rc != QR_OK && rc != QR_CANCELLED && worth_repeating(st, out)) return repeat(st, err);
    st->over = true;
    if (rc != QR_OK) return rc;
    if (!QR_HOLDS(STREAM_FINAL, !st->framed || st->final_seen))
        return qr_fail(err, QR_UNAVAILABLE, "stream cut");
    out->ended = true;
    return QR_OK;
}

static enum qr_rc frame_open(struct rpc_stream *st, struct qr_bytes wire, struct rpc_answer *out,
                             struct qr_err *err)
{
    const struct rpc_client_guard *g = st->f.guarded ? &st->f.guard : NULL;
    ProtobufCMessage *m;
    QR_TRY(rpc_decode(&quorate__v1__stream_frame__descriptor, wire, &out->arena, &m, err));
    const Quorate__V1__StreamFrame *frame = (const Quorate__V1__StreamFrame *)m;
    struct rpc_guard_frame in = {.method = st->f.path,
                                 .sequence = frame->sequence,
                                 .final = frame->final,
                                 .body = QR_BYTES(frame->body.data, frame->body.len)};
    if (g && g->verify_frame(g->ctx, st->f.state, &in, QR_BYTES(frame->mac.data, frame->mac.len)) !=
                 QR_OK)
        return qr_fail(err, QR_ATTESTATION, "a stream element is not authentic");
    if (!QR_HOLDS(STREAM_ORDER, !st->final_seen && frame->sequence == st->sequence) ||
        (frame->final && in.body.n > 0))
        return qr_fail(err, QR_UNAVAILABLE, "stream out of order");
    st->sequence++;
    st->final_seen = frame->final;
    if (frame->final) return QR_OK;
    return rpc_decode(st->element, in.body, &out->arena, &out->msg, err);
}

static enum qr_rc element_take(struct rpc_stream *st, struct rpc_answer *out, struct qr_err *err)
{
    struct qr_buf raw;
    qr_buf_init(&raw, flight_conf(st->f.ch)->max_recv);
    enum qr_rc rc = wire_read(st->f.received, raw.cap, &raw);
    grpc_byte_buffer_destroy(st->f.received);
    st->f.received = NULL;
    if (rc == QR_OK)
        rc = st->framed ? frame_open(st, qr_buf_bytes(&raw), out, err)
                        : rpc_decode(st->element, qr_buf_bytes(&raw), &out->arena, &out->msg, err);
    qr_buf_fini(&raw);
    return rc;
}

enum qr_rc rpc_stream_next(struct rpc_stream *st, int timeout_ms, struct rpc_answer *out,
                           struct qr_err *err)
{
    int64_t until = wire_now_us() + (int64_t)timeout_ms * 1000;
    *out = (struct rpc_answer){0};
    qr_arena_init(&out->arena, QR_MAX_REQUEST_ARENA + flight_conf(st->f.ch)->max_recv);
    if (st->over) return qr_fail(err, QR_STATE, "the stream is over");
    enum qr_rc rc = QR_OK;
    /* The final frame carries nothing for the reader, so the walk goes on to
     * the status. */
    while (rc == QR_OK && !out->msg && !out->ended) {
        if (!st->reading) read_start(st);
        if (!pluck(st, &st->read_tag, wire_time(until))) return QR_OK;
        st->reading = false;
        rc = st->f.received ? element_take(st, out, err) : stream_end(st, out, err);
    }
    if (rc != QR_OK && !st->over) {
        st->over = true;
        (void)grpc_call_cancel(st->f.core, NULL);
    }
    return rc;
}

void rpc_stream_cancel(struct rpc_stream *st)
{
    pthread_mutex_lock(&st->lock);
    st->cancelled = true;
    (void)grpc_call_cancel(st->f.core, NULL);
    pthread_mutex_unlock(&st->lock);
}

void rpc_stream_close(struct rpc_stream *st)
{
    if (!st) return;
    gpr_timespec ever = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    (void)grpc_call_cancel(st->f.core, NULL);
    if (st->request) (void)pluck(st, &st->send_tag, ever);
    if (st->reading) (void)pluck(st, &st->read_tag, ever);
    if (!st->status_in) (void)pluck(st, &st->status_tag, ever);
    if (st->request) grpc_byte_buffer_destroy(st->request);
    grpc_slice_unref(st->md.value);
    flight_close(&st->f);
    pthread_mutex_destroy(&st->lock);
    free(st);
}
