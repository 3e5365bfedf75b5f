/* service.c - the daemon's life: its settings, keys and parts; what it finds
 * after a restart. */
#include "coordinatord/service.h"

#include "coordinatord/ceremony.h"
#include "coordinatord/handlers.h"
#include "coordinatord/material.h"
#include "coordinatord/step.h"
#include "coordinatord/watch.h"
#include "coordinatord/work.h"

#include <stdlib.h>

struct daemon {
    struct coord c;
    struct handlers handlers;
    struct service_client *peers[COORD_PEERS];
};

static struct coord *coord_of(struct service *s)
{
    return s->self ? &((struct daemon *)s->self)->c : NULL;
}

/* ---- settings ---- */

enum { HOUR_MS = 3600 * 1000 };

const struct qr_setting coordinator_settings[COORDINATOR_SETTING_COUNT] = {
    {"PRESENCE_MS", "presence-ms", QR_SET_INT, "5000", 50, HOUR_MS,
     "how long members have to answer the presence check"},
    {"ROUND_MS", "round-ms", QR_SET_INT, "30000", 50, HOUR_MS,
     "how long they have for a round of key generation or signing"},
    {"SERVICE_MS", "service-ms", QR_SET_INT, "30000", 50, HOUR_MS,
     "how long authd, cad and the log have"},
    {"GRACE_MS", "grace-ms", QR_SET_INT, "3000", 0, HOUR_MS,
     "how long an approver may be away and still count"},
    {"BACKOFF_MS", "backoff-ms", QR_SET_INT, "1000", 0, HOUR_MS,
     "pause after an attempt that failed through nobody's fault"},
    {"ATTEMPTS_MAX", "attempts-max", QR_SET_INT, "10", 1, 1000,
     "attempts before a session has failed"}};

static enum qr_rc agree(struct service *s, const char *name, uint32_t policy, struct qr_err *err)
{
    if (!qr_config_str(s->config, name)) return QR_OK;
    int64_t given = qr_config_int(s->config, name, 0);
    if (given == (int64_t)policy) return QR_OK;
    return qr_fail(err, QR_POLICY, "%s is %lld, but the signing policy asks for %u", name,
                   (long long)given, policy);
}

static int64_t setting_us(struct service *s, const char *name)
{
    return qr_config_int(s->config, name, 0) * 1000;
}

static enum qr_rc set_rules(struct coord *c, struct qr_err *err)
{
    struct service *s = c->s;
    const struct signing_policy *p = &s->trust->signing;
    QR_TRY(agree(s, "REQUIRED_ENGINEERS", p->engineers, err));
    QR_TRY(agree(s, "REQUIRED_STEWARDS", p->stewards, err));
    c->rules = (struct session_rules){.engineers = p->engineers,
                                      .stewards = p->stewards,
                                      .requester_may_approve = p->requester_may_approve,
                                      .presence_us = setting_us(s, "PRESENCE_MS"),
                                      .round_us = setting_us(s, "ROUND_MS"),
                                      .service_us = setting_us(s, "SERVICE_MS"),
                                      .grace_us = setting_us(s, "GRACE_MS"),
                                      .backoff_us = setting_us(s, "BACKOFF_MS"),
                                      .attempts_max =
                                          (uint32_t)qr_config_int(s->config, "ATTEMPTS_MAX", 10)};
    return QR_OK;
}

static enum qr_rc load_key(struct coord *c, struct qr_err *err)
{
    struct service_path path = path_in2(c->s->state, LAYOUT_COORDINATORD, LAYOUT_ENVELOPE_KEY);
    QR_TRY(service_key_load(c->s, path.s, &c->envelope_key, err));
    if (trust_keys_have(&c->s->trust->coordinator_envelope, &c->envelope_key.pub)) return QR_OK;
    return qr_fail(err, QR_POLICY, "%s: not an envelope key of the trust directory", path.s);
}

/* ---- hooks ---- */

static enum qr_rc ask_peer(void *ctx, enum coord_peer peer, const struct service_call *call,
                           struct rpc_answer *out, struct qr_err *err)
{
    struct daemon *d = ctx;
    return service_client_call(d->peers[peer], call, out, err);
}

enum qr_rc coordinator_open(struct service *s, struct qr_err *err)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (!d) return qr_fail(err, QR_NOMEM, "out of memory");
    struct coord *c = &d->c;
    s->self = d;
    c->s = s;
    trust_context_of(s->trust, 0, &c->ctx);
    QR_TRY(set_rules(c, err));
    QR_TRY(load_key(c, err));
    QR_TRY(service_client_new(s, qr_config_str(s->config, "AUTH_ADDR"), LAYOUT_AUTHD,
                              &d->peers[COORD_AUTHD], err));
    QR_TRY(service_client_new(s, qr_config_str(s->config, "CA_ADDR"), LAYOUT_CAD,
                              &d->peers[COORD_CAD], err));
    c->ask = ask_peer;
    c->ask_ctx = d;
    handlers_init(&d->handlers, c);
    return coord_open(c, err);
}

enum qr_rc coordinator_add(struct service *s, struct qr_err *err)
{
    /* A file to be signed raw travels with its request. */
    static const struct rpc_method methods[] = {{"Request", 0, QR_MAX_MESSAGE_DKG}};
    struct daemon *d = s->self;
    return rpc_server_add(s->server, &d->handlers.base.base, methods, 1, err);
}

enum qr_rc coordinator_sync(struct service *s, struct qr_err *err)
{
    struct coord *c = coord_of(s);
    enum qr_rc rc = material_find_policies(c, err);
    /* authd logs the policies when it starts. */
    if (rc == QR_NOTFOUND) return QR_UNAVAILABLE;
    return rc == QR_OK ? work_start(c->work, err) : rc;
}

enum qr_rc coordinator_logged(void *ctx, const struct outbox_logged *l, struct qr_err *err)
{
    return step_logged(coord_of(ctx), l, err);
}

void coordinator_settled(void *ctx, const struct outbox_logged *l)
{
    step_settled(coord_of(ctx), l);
}

void coordinator_stop(struct service *s)
{
    struct coord *c = coord_of(s);
    if (c && c->work) work_stop(c->work);
}

void coordinator_close(struct service *s)
{
    struct coord *c = coord_of(s);
    if (!c) return;
    struct daemon *d = s->self;
    coord_close(c);
    for (int i = 0; i < COORD_PEERS; i++) service_client_free(d->peers[i]);
    qr_signer_fini(&c->envelope_key);
    free(d);
    s->self = NULL;
}
