/* life.h - what run.c and its parts share about a running daemon.  Private to
 * src/service. */
#ifndef QUORATE_SERVICE_LIFE_H
#define QUORATE_SERVICE_LIFE_H

#include "attest/device.h"
#include "attest/handshake.h"
#include "attest/seal.h"
#include "rpc/attested.h"
#include "service/policy_watch.h"
#include "service/run.h"
#include "service/verdicts.h"
#include "trust/trust_dir.h"

#include <pthread.h>
#include <stdatomic.h>

struct service_life {
    struct trust_dir trust;
    struct attest_device device;
    struct attest_sealer *sealer; /* NULL: keys lie in the clear */
    struct attest_self self;
    char tls_cert[SERVICE_PATH_MAX], tls_key[SERVICE_PATH_MAX], tls_ca[SERVICE_PATH_MAX];
    struct attested_server *attested;
    struct policy_watch *policy; /* NULL: no next policy, or tlogd */
    pthread_t policy_thread;
    bool policy_started;
    struct service_client *log_service; /* how the log is reached */
    struct verdicts *verdicts;
    struct trust_log_key *log_keys;
    int port;
    struct http_server *web; /* NULL: off */
    atomic_uint_least64_t calls[QR_RC_COUNT];
    pthread_t sync_thread;
    bool sync_started;
    atomic_bool ready;
    atomic_bool stopping;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t cond;
    enum qr_rc fatal_rc;
    struct qr_err fatal_err;
};

/* identity.c: keys, certificate, policies, trust; fills s and its life. */
enum qr_rc identity_load(struct service *s, struct qr_err *err) QR_MUST_CHECK;
void identity_fini(struct service *s);
/* Value of the daemon's own tunable, "BIND" of "AUTH_BIND". */
const char *identity_setting(const struct service *s, const char *suffix);

/* web.c: /metrics, /readyz and the daemon's own paths over HTTP, when there is an
 * address for it. */
enum qr_rc web_start(struct service *s, struct qr_err *err) QR_MUST_CHECK;

/* link.c: how a daemon connects to another one. */
struct rpc_channel_conf service_channel(struct service *s, const char *addr);

/* link.c: the log over an attested client, for log_client_conf. */
enum qr_rc link_call(void *ctx, const char *method, const ProtobufCMessage *in,
                     struct rpc_answer *out, struct qr_err *err);
enum qr_rc link_stream(void *ctx, uint64_t from, uint64_t to, log_each *each, void *each_ctx,
                       struct qr_err *err);

#endif
