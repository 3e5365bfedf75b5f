/* services.c - four attested clients and a log client over one of them. */
#include <config.h>

#include "participant/services.h"

#include "base/file.h"
#include "base/limits.h"
#include "participant/pb.h"
#include "pki/transport.h"
#include "rpc/rpc.h"
#include "service/policy_watch.h"

#include "quorate/v1/auth.pb-c.h"
#include "quorate/v1/ca.pb-c.h"
#include "quorate/v1/coordinator.pb-c.h"
#include "quorate/v1/log.pb-c.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How long a service that says it is starting is waited for. */
#define STARTING_TRIES 50
#define STARTING_MS 200
#define SECRET_MS 20000
#define LOG_MS 20000
#define WATCH_MS QR_MAX_STREAM_MS
#define STREAM_MS 60000
#define LOOK_EVERY_US 5000000

struct services {
    struct services_conf conf;
    char node[PKI_NODE_NAME_MAX + 1];
    struct attest_device device;
    struct attest_self self;
    struct attested_client *client[SERVICE_COUNT];
    struct log_client *log;
    struct log_view *view;
    struct policy_watch *policy;    /* NULL: the directory knows no next policy */
    atomic_int_least64_t looked_us; /* monotonic; 0: never */
    atomic_bool looking;            /* its calls of the log are not repeated */
};

static const char *const audiences[SERVICE_COUNT] = {
    [SERVICE_LOG] = "tlogd",
    [SERVICE_AUTH] = "authd",
    [SERVICE_CA] = "cad",
    [SERVICE_COORDINATOR] = "coordinatord",
};

static const ProtobufCServiceDescriptor *descriptor(enum service_id id)
{
    switch (id) {
    case SERVICE_LOG: return &quorate__v1__log__descriptor;
    case SERVICE_AUTH: return &quorate__v1__auth__descriptor;
    case SERVICE_CA: return &quorate__v1__ca__descriptor;
    case SERVICE_COORDINATOR: return &quorate__v1__coordinator__descriptor;
    case SERVICE_COUNT: break;
    }
    return NULL;
}

/* ---- the log through our own client ---- */

static enum qr_rc log_call(void *ctx, const char *method, const ProtobufCMessage *in,
                           struct rpc_answer *out, struct qr_err *err)
{
    struct services_ask ask = {SERVICE_LOG, method, in, LOG_MS};
    return services_call(ctx, &ask, out, err);
}

static enum qr_rc log_stream(void *ctx, uint64_t from, uint64_t to, log_each *each, void *each_ctx,
                             struct qr_err *err)
{
    struct services *s = ctx;
    Quorate__V1__EntriesRequest in = QUORATE__V1__ENTRIES_REQUEST__INIT;
    in.from = from;
    in.to = to;
    struct rpc_ask ask = {.service = descriptor(SERVICE_LOG),
                          .method = "GetEntries",
                          .in = &in.base,
                          .timeout_ms = STREAM_MS};
    struct rpc_stream *st = NULL;
    QR_TRY(attested_client_stream(s->client[SERVICE_LOG], &ask,
                                  &quorate__v1__proven_entry__descriptor, &st, err));
    enum qr_rc rc = QR_OK;
    bool ended = false;
    while (rc == QR_OK && !ended) {
        struct rpc_answer a;
        rc = rpc_stream_next(st, STREAM_MS, &a, err);
        const Quorate__V1__ProvenEntry *e = (const void *)a.msg;
        if (rc == QR_OK && e) rc = each(each_ctx, e->index, pb_bytes(e->entry));
        ended = a.ended;
        rpc_answer_fini(&a);
    }
    rpc_stream_close(st);
    return rc;
}

/* ---- opening ---- */

static enum qr_rc read_node(struct services *s, struct qr_err *err)
{
    struct qr_buf pem;
    struct pki_node_info info;
    qr_buf_init(&pem, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(s->conf.tls.cert_file, &pem, err);
    if (rc == QR_OK) rc = pki_node_read(qr_buf_bytes(&pem), &info, err);
    if (rc == QR_OK) {
        (void)snprintf(s->node, sizeof s->node, "%s", info.node);
        s->self.tls_spki = info.spki;
    }
    qr_buf_fini(&pem);
    return rc;
}

static enum qr_rc open_client(struct services *s, enum service_id id, struct qr_err *err)
{
    struct attested_client_conf conf = {
        .channel = {.target = s->conf.addr[id], .tls = s->conf.tls, .clock = s->conf.clock},
        .self = &s->self,
        .audience = audiences[id]};
    return attested_client_new(&s->client[id], &conf, err);
}

static enum qr_rc open_policy(struct services *s, struct qr_err *err)
{
    char anchor[1024];
    struct policy_watch_conf conf = {.trust = s->conf.trust,
                                     .self = &s->self,
                                     .channel = {.target = s->conf.addr[SERVICE_LOG],
                                                 .tls = s->conf.tls,
                                                 .clock = s->conf.clock},
                                     .anchor_path = anchor,
                                     .log = s->log};
    if (!attest_pin_waits(s->conf.trust->attestation)) return QR_OK;
    int n = snprintf(anchor, sizeof anchor, "%s.next", s->conf.anchor_path);
    if (n < 0 || (size_t)n >= sizeof anchor) return qr_fail(err, QR_RANGE, "path too long");
    return policy_watch_new(&s->policy, &conf, err);
}

static enum qr_rc open_all(struct services *s, struct qr_err *err)
{
    QR_TRY(read_node(s, err));
    QR_TRY(attest_open(&s->conf.tee, &s->device, err));
    s->self.node_id = qr_str(s->node);
    s->self.role = qr_str("participant");
    s->self.device = &s->device;
    s->self.pin = s->conf.trust->attestation;
    s->self.clock = s->conf.clock;
    s->self.rand = s->conf.rand;
    for (int i = 0; i < SERVICE_COUNT; i++) QR_TRY(open_client(s, (enum service_id)i, err));
    struct log_client_conf log = {.anchor_path = s->conf.anchor_path,
                                  .origin = s->conf.trust->origin,
                                  .keys = s->conf.trust->log_keys,
                                  .key_count = s->conf.trust->log_key_count,
                                  .log = s->conf.log,
                                  .clock = s->conf.clock,
                                  .call = log_call,
                                  .stream = log_stream,
                                  .ctx = s};
    QR_TRY(log_client_new(&s->log, &log, err));
    return open_policy(s, err);
}

enum qr_rc services_open(struct services **out, const struct services_conf *conf,
                         struct qr_err *err)
{
    struct services *s = calloc(1, sizeof *s);
    if (!s) return QR_NOMEM;
    s->conf = *conf;
    rpc_init(conf->log);
    enum qr_rc rc = open_all(s, err);
    if (rc != QR_OK) {
        services_free(s);
        return rc;
    }
    *out = s;
    return QR_OK;
}

void services_free(struct services *s)
{
    if (!s) return;
    log_view_free(s->view);
    policy_watch_free(s->policy);
    log_client_free(s->log);
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (s->client[i]) attested_client_free(s->client[i]);
    attest_device_close(&s->device);
    rpc_fini();
    free(s);
}

/* ---- calling ---- */

/* Whoever keeps a session for hours learns of a change as the services do. */
static enum qr_rc look(struct services *s, bool now, struct qr_err *err)
{
    int64_t at = qr_mono_us(&s->conf.clock);
    if (!s->policy || !attest_pin_waits(s->conf.trust->attestation)) return QR_OK;
    int64_t last = atomic_load(&s->looked_us);
    if (!now && last && at < last + LOOK_EVERY_US) return QR_OK;
    if (atomic_exchange(&s->looking, true)) return QR_OK;
    atomic_store(&s->looked_us, at);
    enum qr_rc rc = policy_watch_look(s->policy, err);
    atomic_store(&s->looking, false);
    return rc;
}

enum qr_rc services_policy(struct services *s, const struct attest_policy **out, struct qr_err *err)
{
    QR_TRY(look(s, true, err));
    *out = attest_pin_now(s->conf.trust->attestation);
    return QR_OK;
}

/* A handshake that fell into a change of policy: nothing was asked yet.  Who does
 * not satisfy the next one hears so, and need not try again. */
static bool changing(struct services *s, enum qr_rc *rc, struct qr_err *said)
{
    struct qr_err why = {{0}};
    if (atomic_load(&s->looking) || *rc != QR_UNAVAILABLE ||
        !qr_bytes_is(qr_str(said->text), ATTEST_CHANGING))
        return false;
    if (look(s, true, &why) != QR_ATTESTATION) return true;
    *rc = QR_ATTESTATION;
    *said = why;
    return false;
}

enum qr_rc services_call(struct services *s, const struct services_ask *ask, struct rpc_answer *out,
                         struct qr_err *err)
{
    struct rpc_ask one = {.service = descriptor(ask->service),
                          .method = ask->method,
                          .in = ask->in,
                          .timeout_ms = ask->timeout_ms};
    enum qr_rc rc = QR_UNAVAILABLE;
    for (int i = 0; i < STARTING_TRIES; i++) {
        struct timespec pause = {0, STARTING_MS * 1000000L};
        struct qr_err said = {{0}};
        (void)look(s, false, &said);
        said = (struct qr_err){{0}};
        rc = attested_client_call(s->client[ask->service], &one, NULL, out, &said);
        bool starting = rc == QR_UNAVAILABLE && qr_bytes_is(qr_str(said.text), SERVICE_STARTING);
        if (changing(s, &rc, &said)) starting = true;
        if (err) *err = said;
        if (!starting || i + 1 == STARTING_TRIES) break;
        rpc_answer_fini(out);
        (void)nanosleep(&pause, NULL);
    }
    if (rc != QR_UNAVAILABLE && rc != QR_DEADLINE) return rc;
    char why[QR_ERR_SIZE];
    (void)snprintf(why, sizeof why, "%s", err ? err->text : "");
    return qr_fail(err, rc, "%s at %s cannot be reached: %s", audiences[ask->service],
                   s->conf.addr[ask->service], why[0] ? why : qr_rc_text(rc));
}

static enum qr_rc secret_session(struct services *s, enum service_id service,
                                 struct attest_session **out, struct qr_err *err)
{
    struct qr_err said = {{0}};
    enum qr_rc rc = QR_UNAVAILABLE;
    for (int i = 0; i < STARTING_TRIES; i++) {
        struct timespec pause = {0, STARTING_MS * 1000000L};
        rc = attested_client_session(s->client[service], SECRET_MS, out, &said);
        if (!changing(s, &rc, &said)) break;
        (void)nanosleep(&pause, NULL);
    }
    return rc == QR_OK ? rc : qr_fail(err, rc, "%s", said.text);
}

enum qr_rc services_seal(struct services *s, const struct services_secret *secret,
                         struct qr_buf *out, struct qr_err *err)
{
    struct attest_session *session = NULL;
    QR_TRY(secret_session(s, secret->service, &session, err));
    enum qr_rc rc = attested_secret_seal(session, secret->label, secret->text, out);
    attest_session_free(session);
    return rc == QR_OK ? rc : qr_fail(err, rc, "a secret cannot be sealed");
}

enum qr_rc services_unseal(struct services *s, const struct services_secret *secret,
                           struct qr_buf *out, struct qr_err *err)
{
    struct attest_session *session = NULL;
    QR_TRY(secret_session(s, secret->service, &session, err));
    enum qr_rc rc = attested_secret_open(session, secret->label, secret->text, out);
    attest_session_free(session);
    return rc == QR_OK ? rc : qr_fail(err, rc, "the service's answer is not sealed for us");
}

enum qr_rc services_watch(struct services *s, const char *session, uint64_t after,
                          const struct qr_hash *approval, struct rpc_stream **out,
                          struct qr_err *err)
{
    Quorate__V1__WatchRequest in = QUORATE__V1__WATCH_REQUEST__INIT;
    in.session = (char *)(uintptr_t)session;
    in.after = after;
    if (approval) in.approval = pb_of(QR_BYTES_OF(approval->b));
    struct rpc_ask ask = {.service = descriptor(SERVICE_COORDINATOR),
                          .method = "Watch",
                          .in = &in.base,
                          .timeout_ms = WATCH_MS};
    struct qr_err said = {{0}};
    (void)look(s, false, &said);
    enum qr_rc rc = attested_client_stream(s->client[SERVICE_COORDINATOR], &ask,
                                           &quorate__v1__order__descriptor, out, &said);
    (void)changing(s, &rc, &said);
    return rc == QR_OK ? rc : qr_fail(err, rc, "%s", said.text);
}

struct log_client *services_log(struct services *s) { return s->log; }

struct log_view *services_view(struct services *s, uint64_t from)
{
    if (s->view && log_view_from(s->view) != from) {
        log_view_free(s->view);
        s->view = NULL;
    }
    if (!s->view) s->view = log_view_new(s->log, from);
    return s->view;
}

const struct trust_dir *services_trust(const struct services *s) { return s->conf.trust; }
const struct attest_device *services_device(const struct services *s) { return &s->device; }
const char *services_node(const struct services *s) { return s->node; }
struct qr_clock services_clock(const struct services *s) { return s->conf.clock; }
struct qr_rand services_rand(const struct services *s) { return s->conf.rand; }

enum qr_rc services_material(struct services *s, const char *session,
                             const struct qr_hash *artifact, enum bundle_stage stage,
                             struct qr_buf *out, struct qr_err *err)
{
    Quorate__V1__MaterialRequest in = QUORATE__V1__MATERIAL_REQUEST__INIT;
    if (session) in.session = (char *)(uintptr_t)session;
    if (artifact) in.artifact_sha256 = pb_of(QR_BYTES_OF(artifact->b));
    in.stage = (char *)(uintptr_t)bundle_stage_name(stage);
    struct services_ask ask = {SERVICE_COORDINATOR, "GetMaterial", &in.base, LOG_MS};
    struct rpc_answer a;
    enum qr_rc rc = services_call(s, &ask, &a, err);
    if (rc == QR_OK) {
        const Quorate__V1__MaterialReply *r = (const void *)a.msg;
        qr_buf_put_bytes(out, pb_bytes(r->bundle));
        rc = qr_buf_ok(out);
    }
    rpc_answer_fini(&a);
    return rc;
}

enum qr_rc services_receipt(struct services *s, const void *receipt, struct receipt_facts *out,
                            struct qr_bytes *entry, struct qr_err *err)
{
    struct log_entry e;
    QR_TRY(log_client_receipt(s->log, receipt, &e, err));
    *out = (struct receipt_facts){e.index, e.leaf};
    *entry = e.bytes;
    return QR_OK;
}
