/* probe.c - dials our own port, as a client would.
 *
 * gRPC 1.51's listener stops accepting for ever after one failed accept(2),
 * while everything else looks well.  gate.h keeps it from that as far as known;
 * but only a new connection shows it, so every probe is a new TLS connection.
 * Three failures in a row and the process had better be replaced; unless
 * connections were turned away meanwhile: to be replaced when crowded would be
 * what the crowd wants. */
#include "rpc/engine.h"

#include "base/wait.h"
#include "rpc/channel.h"
#include "rpc/gate.h"

#include "grpc/health/v1/health.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define FAILURES 3
/* A probe may take as long as the pause before it, within these. */
#define PROBE_MIN_MS 1000
#define PROBE_MAX_MS 5000

struct engine_probe {
    struct rpc_server *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    char target[128];
};

/* Where to dial for what we listen at: a wildcard becomes loopback. */
static void target_of(const struct rpc_server *s, char *out, size_t room)
{
    struct qr_bytes listen = qr_str(s->conf.listen);
    size_t n = listen.n;
    while (n > 0 && listen.p[n - 1] != ':') n--;
    struct qr_bytes host = QR_BYTES(listen.p, n > 0 ? n - 1 : 0);
    if (qr_bytes_is(host, "0.0.0.0"))
        (void)snprintf(out, room, "127.0.0.1:%d", s->port);
    else if (qr_bytes_is(host, "[::]"))
        (void)snprintf(out, room, "[::1]:%d", s->port);
    else
        (void)snprintf(out, room, "%.*s:%d", (int)host.n, (const char *)host.p, s->port);
}

static enum qr_rc probe_once(const struct engine_probe *p, struct qr_err *err)
{
    const struct rpc_server_conf *sc = &p->server->conf;
    struct rpc_channel_conf conf = {
        .target = p->target, .tls = sc->tls, .server_name = sc->probe_name, .clock = sc->clock};
    struct rpc_channel *ch;
    QR_TRY(rpc_channel_new(&ch, &conf, err));
    Grpc__Health__V1__HealthCheckRequest in = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    int timeout = sc->probe_ms < PROBE_MAX_MS ? sc->probe_ms : PROBE_MAX_MS;
    if (timeout < PROBE_MIN_MS) timeout = PROBE_MIN_MS;
    struct rpc_ask ask = {.service = &grpc__health__v1__health__descriptor,
                          .method = "Check",
                          .in = &in.base,
                          .timeout_ms = timeout};
    struct rpc_answer answer;
    enum qr_rc rc = rpc_unary(ch, &ask, &answer, err);
    rpc_answer_fini(&answer);
    rpc_channel_free(ch);
    return rc;
}

/* Waits for the next probe; false when it is to end. */
static bool probe_wait(struct engine_probe *p)
{
    int64_t until = wire_now_us() + (int64_t)p->server->conf.probe_ms * 1000, left;
    pthread_mutex_lock(&p->lock);
    while (!p->stop && (left = until - wire_now_us()) > 0) qr_cond_wait(&p->wake, &p->lock, left);
    bool go = !p->stop;
    pthread_mutex_unlock(&p->lock);
    return go;
}

static void *probe_main(void *arg)
{
    struct engine_probe *p = arg;
    const struct rpc_server_conf *conf = &p->server->conf;
    int failures = 0;
    while (failures < FAILURES && probe_wait(p)) {
        struct qr_err err = {{0}};
        uint64_t before = gate_turned_away();
        if (probe_once(p, &err) == QR_OK) {
            failures = 0;
            continue;
        }
        if (gate_turned_away() > before) {
            if (conf->log) qr_log_text(conf->log, "probe.crowded", "%s", err.text);
            continue;
        }
        failures++;
        if (conf->log)
            qr_log_text(conf->log, "probe.failed", "%d of %d: %s", failures, FAILURES, err.text);
    }
    if (failures == FAILURES) conf->dead(conf->dead_ctx);
    return NULL;
}

struct engine_probe *probe_start(struct rpc_server *s)
{
    if (!s->tls) return NULL;
    struct engine_probe *p = calloc(1, sizeof *p);
    if (!p) qr_fatal("no memory");
    p->server = s;
    target_of(s, p->target, sizeof p->target);
    pthread_mutex_init(&p->lock, NULL);
    qr_cond_init(&p->wake);
    if (pthread_create(&p->thread, NULL, probe_main, p) != 0) qr_fatal("no thread could be made");
    return p;
}

void probe_stop(struct engine_probe *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
