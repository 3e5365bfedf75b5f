/* wire.h - gRPC's slices, buffers, metadata and times in our terms.  Internal
 * to src/rpc. */
#ifndef QUORATE_RPC_WIRE_H
#define QUORATE_RPC_WIRE_H

#include "rpc/server.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#define WIRE_TEXT_SIZE (QR_ERR_SIZE + 24) /* result name, space, text */
#define WIRE_MAX_ARGS 24

/* Channel arguments under construction.  Strings must be constants. */
struct wire_args {
    grpc_arg v[WIRE_MAX_ARGS];
    size_t n;
};
void wire_arg_int(struct wire_args *a, const char *key, int value);
void wire_arg_str(struct wire_args *a, const char *key, const char *value);
grpc_channel_args wire_args_of(struct wire_args *a);
/* What both ends set: identity encoding only, metadata limit. */
void wire_args_common(struct wire_args *a);

struct qr_bytes wire_view(const grpc_slice *s); /* borrows */
/* A packed message.  gives: grpc_slice_unref. */
grpc_slice wire_pack(const ProtobufCMessage *m);
/* Takes nothing; gives a buffer of one slice: grpc_byte_buffer_destroy. */
grpc_byte_buffer *wire_buffer(grpc_slice s);
/* Appends a received message.  QR_EXHAUSTED: more than max bytes; QR_MALFORMED:
 * it cannot be read. */
enum qr_rc wire_read(grpc_byte_buffer *bb, size_t max, struct qr_buf *out) QR_MUST_CHECK;
/* The first value of key and the number of values. */
struct qr_bytes wire_md(const grpc_metadata_array *md, const char *key, size_t *count);

/* "NAME text", cut to fit. */
void wire_status_text(char out[WIRE_TEXT_SIZE], enum qr_rc rc, const char *text);
/* The result that a status and its message stand for; *text points behind the
 * name, or at the whole message. */
enum qr_rc wire_status_rc(int status, struct qr_bytes message, struct qr_bytes *text);

int64_t wire_now_us(void); /* gRPC's monotonic clock */
gpr_timespec wire_time(int64_t mono_us);
int64_t wire_us(gpr_timespec t); /* INT64_MAX: for ever */

#endif
