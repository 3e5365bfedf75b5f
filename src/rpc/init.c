/* init.c - the process-wide start of gRPC's C core.
 *
 * The core reads some thirty environment variables: a different cipher list,
 * other roots, a proxy.  All are removed before it starts.  Its log lines can
 * be provoked from outside (a failed handshake is one line), so at most
 * HOOK_LINES of them pass in HOOK_PERIOD_US. */
#include "rpc/rpc.h"

#include "base/env.h"

#include <pthread.h>

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#define HOOK_LINES 20
#define HOOK_PERIOD_US 10000000

/* gRPC's hook takes no context, so this one pointer is global. */
static struct {
    pthread_mutex_t lock;
    const struct qr_log *log;
    int64_t period_begin_us;
    uint64_t lines;
    uint64_t dropped;
} hook = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Whether a line may pass; *dropped gets the number kept back before it. */
static bool hook_admit(const struct qr_log *log, uint64_t *dropped)
{
    bool admit = true;
    *dropped = 0;
    pthread_mutex_lock(&hook.lock);
    int64_t now = qr_mono_us(&log->clock);
    if (hook.lines == 0 || now - hook.period_begin_us > HOOK_PERIOD_US) {
        hook.period_begin_us = now;
        hook.lines = 0;
        *dropped = hook.dropped;
        hook.dropped = 0;
    }
    if (hook.lines < HOOK_LINES) {
        hook.lines++;
    } else {
        hook.dropped++;
        admit = false;
    }
    pthread_mutex_unlock(&hook.lock);
    return admit;
}

static void on_log(gpr_log_func_args *a)
{
    pthread_mutex_lock(&hook.lock);
    const struct qr_log *log = hook.log;
    pthread_mutex_unlock(&hook.lock);
    uint64_t dropped;
    if (!log || a->severity < GPR_LOG_SEVERITY_ERROR || !hook_admit(log, &dropped)) return;
    if (dropped) qr_log_text(log, "grpc", "%llu lines left out", (unsigned long long)dropped);
    qr_log_text(log, "grpc", "%s", a->message);
}

/* Prefixes end in '*'. */
static void env_scrub(void)
{
    static const char *const names[] = {"GRPC_*",        "http_proxy",  "https_proxy",
                                        "HTTP_PROXY",    "HTTPS_PROXY", "no_proxy",
                                        "no_grpc_proxy", "NO_PROXY",    "grpc_proxy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) qr_env_remove(names[i]);
}

void rpc_init(const struct qr_log *log)
{
    env_scrub();
    pthread_mutex_lock(&hook.lock);
    hook.log = log;
    pthread_mutex_unlock(&hook.lock);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    gpr_set_log_function(on_log);
    grpc_init();
}

void rpc_fini(void)
{
    grpc_shutdown_blocking();
    pthread_mutex_lock(&hook.lock);
    hook.log = NULL;
    pthread_mutex_unlock(&hook.lock);
}
