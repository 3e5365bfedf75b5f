/* flight.h - one call as the client sees it, common to unary calls and
 * streams.  Internal to src/rpc. */
#ifndef QUORATE_RPC_FLIGHT_H
#define QUORATE_RPC_FLIGHT_H

#include "base/limits.h"
#include "rpc/channel.h"
#include "rpc/wire.h"

#define FLIGHT_PATH_MAX 128

struct flight {
    struct rpc_channel *ch;
    struct rpc_client_guard guard;
    bool guarded;
    const ProtobufCMethodDescriptor *method;
    char path[FLIGHT_PATH_MAX + 1];
    int64_t deadline_us; /* wire_now_us */
    void *state;         /* the guard's */
    bool signed_off;     /* state is to be released */
    grpc_slice request;
    struct qr_buf header;
    grpc_completion_queue *cq;
    grpc_call *core;
    /* filled by gRPC */
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *received;
    grpc_status_code status;
    grpc_slice details;
};

/* Packs, asks the guard for the header, makes the call object.  After a failure
 * flight_close is still due. */
enum qr_rc flight_open(struct flight *f, struct rpc_channel *ch, const struct rpc_ask *ask,
                       struct qr_err *err) QR_MUST_CHECK;
/* The same request once more, with a new header and within the same deadline;
 * no batch may be in flight.  Gives the new call, which the caller puts in
 * place of core. */
enum qr_rc flight_again(struct flight *f, grpc_call **out, struct qr_err *err) QR_MUST_CHECK;
/* Operations: initial metadata, message and half-close (returns 3); status. */
size_t flight_ops_send(struct flight *f, grpc_op *ops, grpc_metadata *md, grpc_byte_buffer *msg);
void flight_op_status(struct flight *f, grpc_op *op);
/* The end: status and trailers are in; reply is what the server sent.  Gives the
 * result that the caller sees. */
enum qr_rc flight_judge(struct flight *f, struct qr_bytes reply, struct rpc_answer *out,
                        struct qr_err *err) QR_MUST_CHECK;
/* No batch may be in flight. */
void flight_close(struct flight *f);

/* channel.c: with these credentials (taken) instead of conf->tls. */
enum qr_rc flight_channel_new(struct rpc_channel **out, const struct rpc_channel_conf *conf,
                              grpc_channel_credentials *creds, struct qr_err *err) QR_MUST_CHECK;
grpc_channel *flight_core(const struct rpc_channel *ch);
const struct rpc_channel_conf *flight_conf(const struct rpc_channel *ch);

#endif
