/* channel.c - the client's channel.
 *
 * The server's leaf certificate is seen in one place before a request leaves:
 * the call-credentials plugin, which gRPC asks for metadata once the
 * connection stands.  Ours adds no metadata; it notes the key and stops a call
 * that would go to another key than the pinned one.  It outlives the channel by
 * as long as gRPC needs, hence the references. */
#include "rpc/flight.h"

#include "rpc/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <grpc/support/string_util.h>

#define MAX_PEM_SEEN (16 * 1024)

struct pin {
    atomic_uint refs;
    pthread_mutex_t lock;
    struct qr_buf pem; /* certificate that seen belongs to */
    bool known, pinned;
    struct rpc_peer seen;
    struct qr_hash wanted;
};

struct rpc_channel {
    struct rpc_channel_conf conf;
    grpc_channel *core;
    struct pin *pin;
    struct qr_hash own_spki;
};

static struct pin *pin_new(void)
{
    struct pin *p = calloc(1, sizeof *p);
    if (!p) qr_fatal("no memory");
    atomic_init(&p->refs, 1);
    pthread_mutex_init(&p->lock, NULL);
    qr_buf_init(&p->pem, MAX_PEM_SEEN);
    return p;
}

static void pin_drop(void *state)
{
    struct pin *p = state;
    if (atomic_fetch_sub(&p->refs, 1) != 1) return;
    qr_buf_fini(&p->pem);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Under p->lock: notes the key of the certificate in ctx. */
static void pin_note(struct pin *p, const grpc_auth_context *ctx)
{
    grpc_auth_property_iterator it =
        grpc_auth_context_find_properties_by_name(ctx, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    const grpc_auth_property *prop = grpc_auth_property_iterator_next(&it);
    struct qr_bytes pem = prop ? QR_BYTES(prop->value, prop->value_length) : QR_BYTES_NONE;
    if (p->known && qr_bytes_equal(pem, qr_buf_bytes(&p->pem))) return;
    p->known = tls_context_peer(ctx, &p->seen) == QR_OK;
    qr_buf_reset(&p->pem);
    qr_buf_put_bytes(&p->pem, pem);
}

static int plugin_get(void *state, grpc_auth_metadata_context context,
                      grpc_credentials_plugin_metadata_cb cb, void *user_data,
                      grpc_metadata md[GRPC_METADATA_CREDENTIALS_PLUGIN_SYNC_MAX], size_t *md_count,
                      grpc_status_code *status, const char **details)
{
    struct pin *p = state;
    (void)cb;
    (void)user_data;
    (void)md;
    pthread_mutex_lock(&p->lock);
    pin_note(p, context.channel_auth_context);
    bool refused = !p->known || (p->pinned && !qr_hash_equal(&p->seen.spki_sha256, &p->wanted));
    pthread_mutex_unlock(&p->lock);
    *md_count = 0;
    *status = refused ? GRPC_STATUS_UNAVAILABLE : GRPC_STATUS_OK;
    *details = refused ? gpr_strdup("the server has another TLS key than before") : NULL;
    return 1;
}

static char *plugin_debug(void *state)
{
    (void)state;
    return gpr_strdup("quorate");
}

static grpc_channel_credentials *creds_of(const struct tls_pem *pem, struct pin *pin)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = (const char *)pem->key.p,
                                       .cert_chain = (const char *)pem->cert.p};
    grpc_channel_credentials *ssl =
        grpc_ssl_credentials_create((const char *)pem->ca.p, &pair, NULL, NULL);
    atomic_fetch_add(&pin->refs, 1);
    grpc_metadata_credentials_plugin plugin = {.get_metadata = plugin_get,
                                               .debug_string = plugin_debug,
                                               .destroy = pin_drop,
                                               .state = pin,
                                               .type = "quorate"};
    grpc_call_credentials *call =
        grpc_metadata_credentials_create_from_plugin(plugin, GRPC_PRIVACY_AND_INTEGRITY, NULL);
    grpc_channel_credentials *both = grpc_composite_channel_credentials_create(ssl, call, NULL);
    grpc_call_credentials_release(call);
    grpc_channel_credentials_release(ssl);
    return both;
}

static uint32_t max_recv(const struct rpc_channel_conf *conf)
{
    return conf->max_recv ? conf->max_recv : QR_MAX_REPLY;
}

static grpc_channel *core_new(const struct rpc_channel_conf *conf, grpc_channel_credentials *creds)
{
    struct wire_args a = {.n = 0};
    wire_args_common(&a);
    wire_arg_int(&a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)max_recv(conf));
    wire_arg_int(&a, GRPC_ARG_ENABLE_RETRIES, 0);
    wire_arg_int(&a, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    wire_arg_int(&a, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    wire_arg_int(&a, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    wire_arg_int(&a, GRPC_ARG_KEEPALIVE_TIME_MS, QR_KEEPALIVE_MS);
    wire_arg_int(&a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, QR_KEEPALIVE_TIMEOUT_MS);
    wire_arg_int(&a, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    wire_arg_int(&a, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    wire_arg_int(&a, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
    wire_arg_int(&a, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
    if (conf->server_name) wire_arg_str(&a, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, conf->server_name);
    grpc_channel_args args = wire_args_of(&a);
    return grpc_channel_create(conf->target, creds, &args);
}

static struct rpc_channel *channel_alloc(const struct rpc_channel_conf *conf)
{
    struct rpc_channel *ch = calloc(1, sizeof *ch);
    if (!ch) qr_fatal("no memory");
    /* The strings are needed only until the channel is made. */
    ch->conf.max_recv = max_recv(conf);
    ch->conf.clock = conf->clock;
    ch->pin = pin_new();
    return ch;
}

enum qr_rc flight_channel_new(struct rpc_channel **out, const struct rpc_channel_conf *conf,
                              grpc_channel_credentials *creds, struct qr_err *err)
{
    struct rpc_channel *ch = channel_alloc(conf);
    ch->core = core_new(conf, creds);
    grpc_channel_credentials_release(creds);
    if (!ch->core) {
        rpc_channel_free(ch);
        return qr_fail(err, QR_USAGE, "%s: no such target", conf->target);
    }
    *out = ch;
    return QR_OK;
}

enum qr_rc rpc_channel_new(struct rpc_channel **out, const struct rpc_channel_conf *conf,
                           struct qr_err *err)
{
    struct tls_pem pem;
    if (!conf->target) return qr_fail(err, QR_USAGE, "no target");
    QR_TRY(tls_pem_load(&pem, &conf->tls, err));
    struct rpc_channel *ch = channel_alloc(conf);
    enum qr_rc rc = tls_pem_spki(&pem, &ch->own_spki);
    if (rc == QR_OK) {
        grpc_channel_credentials *creds = creds_of(&pem, ch->pin);
        ch->core = core_new(conf, creds);
        grpc_channel_credentials_release(creds);
        if (!ch->core) rc = qr_fail(err, QR_USAGE, "%s: no such target", conf->target);
    }
    tls_pem_fini(&pem);
    if (rc == QR_OK)
        *out = ch;
    else
        rpc_channel_free(ch);
    return rc;
}

void rpc_channel_free(struct rpc_channel *ch)
{
    if (!ch) return;
    if (ch->core) grpc_channel_destroy(ch->core);
    pin_drop(ch->pin);
    free(ch);
}

struct qr_hash rpc_channel_own_spki(const struct rpc_channel *ch) { return ch->own_spki; }

enum qr_rc rpc_channel_server(struct rpc_channel *ch, struct rpc_peer *out)
{
    pthread_mutex_lock(&ch->pin->lock);
    bool known = ch->pin->known;
    *out = ch->pin->seen;
    pthread_mutex_unlock(&ch->pin->lock);
    return known ? QR_OK : QR_NOTFOUND;
}

void rpc_channel_pin(struct rpc_channel *ch, const struct qr_hash *spki)
{
    pthread_mutex_lock(&ch->pin->lock);
    ch->pin->pinned = spki != NULL;
    if (spki) ch->pin->wanted = *spki;
    pthread_mutex_unlock(&ch->pin->lock);
}

grpc_channel *flight_core(const struct rpc_channel *ch) { return ch->core; }
const struct rpc_channel_conf *flight_conf(const struct rpc_channel *ch) { return &ch->conf; }
