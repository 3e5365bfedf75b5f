/* link.c - attested calls to other daemons, and the log among them. */
#include "service/life.h"

#include "quorate/v1/log.pb-c.h"

#include <stdlib.h>

#define LOG_CALL_MS 15000
#define LOG_STREAM_MS 120000
#define LOG_CHUNK 20000 /* entries asked for in one stream */
#define NEXT_MS 10000

struct service_client {
    struct service *s;
    struct attested_client *client;
};

struct rpc_channel_conf service_channel(struct service *s, const char *addr)
{
    struct service_life *l = s->life;
    return (struct rpc_channel_conf){
        .target = addr,
        .tls = {.cert_file = l->tls_cert, .key_file = l->tls_key, .ca_file = l->tls_ca},
        .server_name = "localhost",
        .clock = s->clock};
}

enum qr_rc service_client_new(struct service *s, const char *addr, const char *role,
                              struct service_client **out, struct qr_err *err)
{
    struct attested_client_conf conf = {
        .channel = service_channel(s, addr), .self = &s->life->self, .audience = role};
    struct service_client *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return qr_fail(err, QR_NOMEM, "out of memory");
    c->s = s;
    enum qr_rc rc = attested_client_new(&c->client, &conf, err);
    if (rc != QR_OK) {
        free(c);
        return rc;
    }
    *out = c;
    return QR_OK;
}

void service_client_free(struct service_client *c)
{
    if (!c) return;
    attested_client_free(c->client);
    free(c);
}

enum qr_rc service_client_call(struct service_client *c, const struct service_call *call,
                               struct rpc_answer *out, struct qr_err *err)
{
    struct rpc_ask ask = {.service = call->service,
                          .method = call->method,
                          .in = call->in,
                          .timeout_ms = call->timeout_ms};
    return attested_client_call(c->client, &ask, NULL, out, err);
}

enum qr_rc link_call(void *ctx, const char *method, const ProtobufCMessage *in,
                     struct rpc_answer *out, struct qr_err *err)
{
    struct service *s = ctx;
    struct service_call call = {&quorate__v1__log__descriptor, method, in, LOG_CALL_MS};
    return service_client_call(s->life->log_service, &call, out, err);
}

/* One stream; *at is the index expected next. */
static enum qr_rc walk(struct rpc_stream *st, uint64_t *at, uint64_t to, log_each *each,
                       void *each_ctx, struct qr_err *err)
{
    for (;;) {
        struct rpc_answer a;
        enum qr_rc rc = rpc_stream_next(st, NEXT_MS, &a, err);
        const Quorate__V1__ProvenEntry *e = rc == QR_OK ? (const void *)a.msg : NULL;
        bool ended = rc == QR_OK && a.ended;
        if (rc == QR_OK && !e && !ended) rc = qr_fail(err, QR_UNAVAILABLE, "the log is silent");
        if (e && (e->index != *at || *at >= to))
            rc = qr_fail(err, QR_FORK, "the log answers other entries than asked for");
        if (rc == QR_OK && e) {
            rc = each(each_ctx, e->index, QR_BYTES(e->entry.data, e->entry.len));
            (*at)++;
        }
        rpc_answer_fini(&a);
        if (rc != QR_OK || ended) return rc;
    }
}

enum qr_rc link_stream(void *ctx, uint64_t from, uint64_t to, log_each *each, void *each_ctx,
                       struct qr_err *err)
{
    struct service *s = ctx;
    for (uint64_t at = from; at < to;) {
        Quorate__V1__EntriesRequest in = QUORATE__V1__ENTRIES_REQUEST__INIT;
        struct rpc_ask ask = {.service = &quorate__v1__log__descriptor,
                              .method = "GetEntries",
                              .in = &in.base,
                              .timeout_ms = LOG_STREAM_MS};
        struct rpc_stream *st = NULL;
        in.from = at;
        in.to = to - at > LOG_CHUNK ? at + LOG_CHUNK : to;
        QR_TRY(attested_client_stream(s->life->log_service->client, &ask,
                                      &quorate__v1__proven_entry__descriptor, &st, err));
        enum qr_rc rc = walk(st, &at, in.to, each, each_ctx, err);
        rpc_stream_close(st);
        if (rc != QR_OK) return rc;
        if (at != in.to) return qr_fail(err, QR_UNAVAILABLE, "the log's stream ended early");
    }
    return QR_OK;
}
