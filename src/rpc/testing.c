/* testing.c - see testing.h. */
#include "rpc/testing.h"

#include "base/file.h"
#include "rpc/engine.h"
#include "rpc/flight.h"

#include <grpc/compression.h>

#define MAX_HEADERS 32

enum qr_rc rpc_testing_server(struct rpc_server **out, const struct rpc_server_conf *conf,
                              struct qr_err *err)
{
    return engine_new(out, conf, grpc_insecure_server_credentials_create(), err);
}

enum qr_rc rpc_testing_channel(struct rpc_channel **out, const struct rpc_channel_conf *conf,
                               struct qr_err *err)
{
    return flight_channel_new(out, conf, grpc_insecure_credentials_create(), err);
}

size_t rpc_testing_live(struct rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->live_count;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static enum qr_rc creds_of(const struct rpc_testing_raw *raw, grpc_channel_credentials **out,
                           struct qr_err *err)
{
    struct qr_buf b[3];
    const char *const paths[3] = {raw->ca_file, raw->cert_file, raw->key_file};
    const char *pem[3] = {NULL, NULL, NULL};
    enum qr_rc rc = QR_OK;
    for (int i = 0; i < 3; i++) qr_buf_init(&b[i], 65536);
    for (int i = 0; i < 3 && rc == QR_OK; i++) {
        if (paths[i]) rc = qr_file_read(paths[i], &b[i], err);
        if (paths[i] && rc == QR_OK) pem[i] = qr_buf_cstr(&b[i]);
    }
    grpc_ssl_pem_key_cert_pair pair = {.cert_chain = pem[1], .private_key = pem[2]};
    if (rc == QR_OK)
        *out = raw->ca_file
                   ? grpc_ssl_credentials_create(pem[0], raw->cert_file ? &pair : NULL, NULL, NULL)
                   : grpc_insecure_credentials_create();
    for (int i = 0; i < 3; i++) qr_buf_fini(&b[i]);
    return rc;
}

struct raw_call {
    grpc_completion_queue *cq;
    grpc_call *call;
    grpc_metadata md[MAX_HEADERS + 1];
    size_t md_count;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *sent, *received;
    grpc_status_code status;
    grpc_slice details;
};

static void raw_headers(struct raw_call *c, const struct rpc_testing_raw *raw)
{
    for (size_t i = 0; i < raw->header_count && i < MAX_HEADERS; i++) {
        const struct rpc_testing_header *h = &raw->headers[i];
        c->md[c->md_count++] = (grpc_metadata){
            .key = grpc_slice_from_copied_string(h->key),
            .value = grpc_slice_from_copied_buffer((const char *)h->value.p, h->value.n)};
    }
    if (raw->gzip)
        c->md[c->md_count++] = (grpc_metadata){
            .key = grpc_slice_from_static_string(GRPC_COMPRESSION_REQUEST_ALGORITHM_MD_KEY),
            .value = grpc_slice_from_static_string("gzip")};
}

static void raw_run(struct raw_call *c, const struct rpc_testing_raw *raw)
{
    grpc_op ops[6] = {{0}};
    size_t n = 0;
    grpc_slice body = grpc_slice_from_copied_buffer((const char *)raw->body.p, raw->body.n);
    raw_headers(c, raw);
    ops[n].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[n].data.send_initial_metadata.count = c->md_count;
    ops[n++].data.send_initial_metadata.metadata = c->md;
    if (!raw->no_body) {
        c->sent = wire_buffer(body);
        ops[n].op = GRPC_OP_SEND_MESSAGE;
        ops[n++].data.send_message.send_message = c->sent;
    }
    ops[n++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[n].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[n++].data.recv_initial_metadata.recv_initial_metadata = &c->initial;
    ops[n].op = GRPC_OP_RECV_MESSAGE;
    ops[n++].data.recv_message.recv_message = &c->received;
    ops[n].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[n].data.recv_status_on_client.trailing_metadata = &c->trailing;
    ops[n].data.recv_status_on_client.status = &c->status;
    ops[n++].data.recv_status_on_client.status_details = &c->details;
    grpc_call_error e = grpc_call_start_batch(c->call, ops, n, c, NULL);
    if (e != GRPC_CALL_OK) qr_fatal("grpc_call_start_batch: %d", (int)e);
    (void)grpc_completion_queue_pluck(c->cq, c, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_slice_unref(body);
    for (size_t i = 0; i < c->md_count; i++) {
        grpc_slice_unref(c->md[i].key);
        grpc_slice_unref(c->md[i].value);
    }
}

static void raw_close(struct raw_call *c)
{
    if (c->sent) grpc_byte_buffer_destroy(c->sent);
    if (c->received) grpc_byte_buffer_destroy(c->received);
    grpc_metadata_array_destroy(&c->initial);
    grpc_metadata_array_destroy(&c->trailing);
    grpc_slice_unref(c->details);
    grpc_call_unref(c->call);
    grpc_completion_queue_shutdown(c->cq);
    (void)grpc_completion_queue_pluck(c->cq, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(c->cq);
}

enum qr_rc rpc_testing_call(const struct rpc_testing_raw *raw, int *status, struct qr_buf *text,
                            struct qr_buf *reply, struct qr_err *err)
{
    grpc_channel_credentials *creds;
    struct raw_call c = {.status = GRPC_STATUS_OK};
    struct wire_args a = {.n = 0};
    QR_TRY(creds_of(raw, &creds, err));
    wire_arg_int(&a, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    wire_arg_int(&a, GRPC_ARG_MAX_METADATA_SIZE, 1 << 20);
    wire_arg_int(&a, GRPC_ARG_ENABLE_RETRIES, 0);
    grpc_channel_args args = wire_args_of(&a);
    grpc_channel *ch = grpc_channel_create(raw->target, creds, &args);
    grpc_channel_credentials_release(creds);
    c.cq = grpc_completion_queue_create_for_pluck(NULL);
    grpc_metadata_array_init(&c.initial);
    grpc_metadata_array_init(&c.trailing);
    c.details = grpc_empty_slice();
    grpc_slice path = grpc_slice_from_copied_string(raw->path);
    c.call =
        grpc_channel_create_call(ch, NULL, GRPC_PROPAGATE_DEFAULTS, c.cq, path, NULL,
                                 wire_time(wire_now_us() + (int64_t)raw->timeout_ms * 1000), NULL);
    grpc_slice_unref(path);
    raw_run(&c, raw);
    *status = (int)c.status;
    qr_buf_put_bytes(text, wire_view(&c.details));
    enum qr_rc rc = c.received ? wire_read(c.received, reply->cap, reply) : QR_OK;
    raw_close(&c);
    grpc_channel_destroy(ch);
    return rc;
}
