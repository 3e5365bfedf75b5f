/* wire.c - conversions between gRPC's types and ours. */
#include "rpc/wire.h"

#include "base/limits.h"

#include <assert.h>
#include <stdio.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>

void wire_arg_int(struct wire_args *a, const char *key, int value)
{
    assert(a->n < WIRE_MAX_ARGS);
    a->v[a->n++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

void wire_arg_str(struct wire_args *a, const char *key, const char *value)
{
    assert(a->n < WIRE_MAX_ARGS);
    a->v[a->n++] = (grpc_arg){.type = GRPC_ARG_STRING,
                              .key = (char *)(uintptr_t)key,
                              .value.string = (char *)(uintptr_t)value};
}

grpc_channel_args wire_args_of(struct wire_args *a)
{
    return (grpc_channel_args){.num_args = a->n, .args = a->v};
}

void wire_args_common(struct wire_args *a)
{
    /* A compressed message is inflated before its length is checked. */
    wire_arg_int(a, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);
    wire_arg_int(a, GRPC_ARG_MAX_METADATA_SIZE, QR_MAX_METADATA);
    wire_arg_int(a, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
}

struct qr_bytes wire_view(const grpc_slice *s)
{
    return QR_BYTES(GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

grpc_slice wire_pack(const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    grpc_slice s = grpc_slice_malloc(n);
    size_t put = protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(s));
    assert(put == n);
    return s;
}

grpc_byte_buffer *wire_buffer(grpc_slice s) { return grpc_raw_byte_buffer_create(&s, 1); }

enum qr_rc wire_read(grpc_byte_buffer *bb, size_t max, struct qr_buf *out)
{
    if (grpc_byte_buffer_length(bb) > max) return QR_EXHAUSTED;
    grpc_byte_buffer_reader r;
    if (!grpc_byte_buffer_reader_init(&r, bb)) return QR_MALFORMED;
    grpc_slice s;
    while (grpc_byte_buffer_reader_next(&r, &s)) {
        qr_buf_put_bytes(out, wire_view(&s));
        grpc_slice_unref(s);
    }
    grpc_byte_buffer_reader_destroy(&r);
    return qr_buf_ok(out);
}

struct qr_bytes wire_md(const grpc_metadata_array *md, const char *key, size_t *count)
{
    struct qr_bytes first = QR_BYTES_NONE;
    *count = 0;
    for (size_t i = 0; i < md->count; i++) {
        if (!qr_bytes_is(wire_view(&md->metadata[i].key), key)) continue;
        if ((*count)++ == 0) first = wire_view(&md->metadata[i].value);
    }
    return first;
}

void wire_status_text(char out[WIRE_TEXT_SIZE], enum qr_rc rc, const char *text)
{
    (void)snprintf(out, WIRE_TEXT_SIZE, "%s %s", qr_rc_name(rc),
                   text && text[0] ? text : qr_rc_text(rc));
}

enum qr_rc wire_status_rc(int status, struct qr_bytes message, struct qr_bytes *text)
{
    char name[24] = "";
    size_t n = 0;
    *text = message;
    while (n < message.n && n < sizeof name && message.p[n] != ' ') n++;
    if (n < message.n && n < sizeof name) {
        qr_copy(name, message.p, n);
        name[n] = 0;
        enum qr_rc rc = qr_rc_from_name(name);
        bool known = qr_bytes_is(qr_str(qr_rc_name(rc)), name);
        if (known && rc != QR_OK && qr_rc_grpc(rc) == status) {
            *text = QR_BYTES(message.p + n + 1, message.n - n - 1);
            return rc;
        }
    }
    return qr_rc_from_grpc(status);
}

int64_t wire_us(gpr_timespec t)
{
    if (gpr_time_cmp(t, gpr_inf_future(t.clock_type)) == 0) return INT64_MAX;
    t = gpr_convert_clock_type(t, GPR_CLOCK_MONOTONIC);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t wire_now_us(void) { return wire_us(gpr_now(GPR_CLOCK_MONOTONIC)); }

gpr_timespec wire_time(int64_t mono_us)
{
    if (mono_us == INT64_MAX) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_from_micros(mono_us, GPR_CLOCK_MONOTONIC);
}
