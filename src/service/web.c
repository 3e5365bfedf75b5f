/* web.c - what every daemon tells over HTTP: /metrics (Prometheus) and /readyz. */
#include "service/life.h"

#include <inttypes.h>
#include <stdio.h>

static void put_metrics(struct service *s, struct qr_buf *b)
{
    const struct service_life *l = s->life;
    qr_buf_printf(b, "# TYPE quorate_ready gauge\nquorate_ready{service=\"%s\"} %d\n",
                  s->spec->name, service_ready(s));
    qr_buf_put_str(b, "# TYPE quorate_calls_total counter\n");
    for (size_t i = 0; i < QR_RC_COUNT; i++) {
        uint64_t n = atomic_load(&l->calls[i]);
        if (n > 0 || i == QR_OK)
            qr_buf_printf(b, "quorate_calls_total{result=\"%s\"} %" PRIu64 "\n",
                          qr_rc_name((enum qr_rc)i), n);
    }
    qr_buf_put_str(b, "# TYPE quorate_http_answers_total counter\n");
    for (unsigned i = 2; i < 6; i++)
        qr_buf_printf(b, "quorate_http_answers_total{status=\"%uxx\"} %" PRIu64 "\n", i,
                      http_answered(l->web, i));
    if (s->spec->hooks.metrics) s->spec->hooks.metrics(s, b);
}

static void handle(void *ctx, const struct http_request *in, struct http_reply *reply)
{
    struct service *s = ctx;
    if (qr_bytes_is(in->path, "metrics")) {
        reply->status = 200;
        reply->type = "text/plain; version=0.0.4";
        put_metrics(s, &reply->body);
    } else if (qr_bytes_is(in->path, "readyz")) {
        bool ready = service_ready(s);
        http_say(reply, ready ? 200 : 503, ready ? "ready" : "not ready");
        if (ready && s->spec->hooks.metrics) s->spec->hooks.metrics(s, &reply->body);
    } else {
        http_say(reply, 404, "not found");
        if (s->spec->hooks.web) s->spec->hooks.web(s, in, reply);
    }
}

enum qr_rc web_start(struct service *s, struct qr_err *err)
{
    struct http_conf conf = {
        .listen = identity_setting(s, "HTTP_BIND"), .handle = handle, .ctx = s};
    if (!conf.listen) return QR_OK;
    QR_TRY(http_serve(&conf, &s->life->web, err));
    qr_log_text(&s->log, "http.serving", "%s on %s", s->spec->name, http_address(s->life->web));
    return QR_OK;
}
