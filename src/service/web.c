/* web.c - what every daemon tells over HTTP: /metrics (Prometheus) and /readyz. */
#include "base/file.h"
#include "base/limits.h"
#include "service/life.h"

#include <inttypes.h>
#include <stdio.h>

static void put_seconds(struct qr_buf *b, const char *name, int64_t us)
{
    if (us < 0) return;
    qr_buf_printf(b, "# TYPE %s gauge\n%s %" PRId64 ".%06" PRId64 "\n", name, name, us / 1000000,
                  us % 1000000);
}

/* Of the head that this daemon saw last; the log itself tells its own. */
static void put_log(struct service *s, struct qr_buf *b)
{
    if (s->spec->hooks.metrics) s->spec->hooks.metrics(s, b);
    if (!s->log_client) return;
    struct log_age age = log_client_age(s->log_client);
    qr_buf_printf(b, "# TYPE quorate_log_size gauge\nquorate_log_size %" PRIu64 "\n", age.size);
    put_seconds(b, "quorate_log_age_seconds", age.grown_us);
    put_seconds(b, "quorate_log_heard_seconds", age.heard_us);
}

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
    put_log(s, b);
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
        if (ready) put_log(s, &reply->body);
    } else {
        http_say(reply, 404, "not found");
        if (s->spec->hooks.web) s->spec->hooks.web(s, in, reply);
    }
}

/* As C strings: that is how the library wants PEM. */
static enum qr_rc load_tls(const char *cert, const char *key, struct qr_buf pem[2],
                           struct http_conf *conf, struct qr_err *err)
{
    QR_TRY(qr_file_read(cert, &pem[0], err));
    QR_TRY(qr_file_read_private(key, &pem[1], err));
    for (size_t i = 0; i < 2; i++) {
        qr_buf_put_u8(&pem[i], 0);
        QR_TRY(qr_buf_ok(&pem[i]));
    }
    conf->cert = qr_buf_bytes(&pem[0]);
    conf->key = qr_buf_bytes(&pem[1]);
    return QR_OK;
}

enum qr_rc web_start(struct service *s, struct qr_err *err)
{
    const char *cert = identity_setting(s, "HTTP_CERT"), *key = identity_setting(s, "HTTP_KEY");
    struct http_conf conf = {
        .listen = identity_setting(s, "HTTP_BIND"), .handle = handle, .ctx = s};
    struct qr_buf pem[2];
    if (!cert != !key) return qr_fail(err, QR_USAGE, "HTTP_CERT and HTTP_KEY need each other");
    if (!conf.listen) return QR_OK;
    for (size_t i = 0; i < 2; i++) qr_buf_init(&pem[i], QR_MAX_CONFIG_FILE);
    enum qr_rc rc = QR_OK;
    if (cert) rc = load_tls(cert, key, pem, &conf, err);
    if (rc == QR_OK) rc = http_serve(&conf, &s->life->web, err);
    qr_wipe(pem[1].p, pem[1].n);
    for (size_t i = 0; i < 2; i++) qr_buf_fini(&pem[i]);
    if (rc != QR_OK) return rc;
    qr_log_text(&s->log, cert ? "https.serving" : "http.serving", "%s on %s", s->spec->name,
                http_address(s->life->web));
    return QR_OK;
}
