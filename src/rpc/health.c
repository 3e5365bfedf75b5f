/* health.c - grpc.health.v1: Check answers at once, Watch is a held stream that
 * hears of every change.  Runs on the poller, so that it answers even when all
 * workers are busy: it says whether the process serves, not whether it is
 * fast. */
#include "rpc/engine.h"

#include "grpc/health/v1/health.pb-c.h"

#include <stdlib.h>

#define MAX_WATCHERS 100

typedef Grpc__Health__V1__HealthCheckRequest check_request;
typedef Grpc__Health__V1__HealthCheckResponse check_response;
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

struct watcher {
    struct rpc_call *call;
    bool known; /* the service asked for is one of ours */
};

struct engine_health {
    Grpc__Health__V1__Health_Service base; /* first: the handlers get it */
    struct rpc_server *server;
    pthread_mutex_t lock;
    bool serving;
    struct watcher watchers[MAX_WATCHERS];
    size_t count;
};

static bool service_known(const struct rpc_server *s, struct qr_bytes name)
{
    if (name.n == 0) return true;
    for (size_t i = 0; i < s->method_count; i++)
        if (qr_bytes_is(name, s->methods[i].service->descriptor->name)) return true;
    return false;
}

static check_response response_of(bool serving, bool known)
{
    check_response r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    r.status = serving ? STATUS(SERVING) : STATUS(NOT_SERVING);
    if (!known) r.status = STATUS(SERVICE_UNKNOWN);
    return r;
}

static void on_check(Grpc__Health__V1__Health_Service *svc, const check_request *in,
                     Grpc__Health__V1__HealthCheckResponse_Closure closure, void *data)
{
    struct engine_health *h = (struct engine_health *)svc;
    if (!service_known(h->server, qr_str(in->service))) {
        rpc_fail(data, QR_NOTFOUND, "no such service");
        return;
    }
    pthread_mutex_lock(&h->lock);
    check_response r = response_of(h->serving, true);
    pthread_mutex_unlock(&h->lock);
    closure(&r, data);
}

static void watcher_gone(struct rpc_call *call, void *ctx)
{
    struct engine_health *h = ctx;
    bool found = false;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->count && !found; i++) {
        if (h->watchers[i].call != call) continue;
        h->watchers[i] = h->watchers[--h->count];
        found = true;
    }
    pthread_mutex_unlock(&h->lock);
    if (found) rpc_finish(call, QR_OK, NULL);
}

/* A watcher that does not read loses changes in between, never the stream. */
static void watcher_send(const struct engine_health *h, const struct watcher *w)
{
    check_response r = response_of(h->serving, w->known);
    enum qr_rc rc = rpc_send(w->call, &r.base);
    (void)rc;
}

static void on_watch(Grpc__Health__V1__Health_Service *svc, const check_request *in,
                     Grpc__Health__V1__HealthCheckResponse_Closure closure, void *data)
{
    struct engine_health *h = (struct engine_health *)svc;
    struct watcher w = {.call = data, .known = service_known(h->server, qr_str(in->service))};
    (void)closure;
    pthread_mutex_lock(&h->lock);
    bool room = h->count < MAX_WATCHERS;
    if (room) {
        rpc_hold(w.call, watcher_gone, h);
        h->watchers[h->count++] = w;
        watcher_send(h, &w);
    }
    pthread_mutex_unlock(&h->lock);
    if (!room) rpc_fail(w.call, QR_EXHAUSTED, "too many watchers");
}

struct engine_health *health_new(struct rpc_server *s)
{
    struct engine_health *h = calloc(1, sizeof *h);
    if (!h) qr_fatal("no memory");
    static const Grpc__Health__V1__Health_Service init = GRPC__HEALTH__V1__HEALTH__INIT(on_);
    h->base = init;
    h->server = s;
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

ProtobufCService *health_service(struct engine_health *h) { return &h->base.base; }

void health_set(struct engine_health *h, bool serving)
{
    pthread_mutex_lock(&h->lock);
    if (h->serving != serving) {
        h->serving = serving;
        for (size_t i = 0; i < h->count; i++) watcher_send(h, &h->watchers[i]);
    }
    pthread_mutex_unlock(&h->lock);
}

void health_free(struct engine_health *h)
{
    if (!h) return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}
