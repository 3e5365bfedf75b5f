/* attested_client.c - a channel and the attested session over it.
 *
 * One thread at a time opens a session; while it does, others go on under the
 * old one as long as that lives.  The handshake first learns the server's TLS
 * key by an ordinary health check and pins the channel to it, because evidence
 * on both sides is bound to both TLS keys. */
#include "rpc/attested.h"

#include "base/removal.h"
#include "base/wait.h"
#include "rpc/attested_node.h"

#include "grpc/health/v1/health.pb-c.h"
#include "quorate/v1/attest.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* A host that throttles its guests lets a report wait ten seconds, once on
 * either side. */
#define HANDSHAKE_MS 30000
#define UNAUTHENTICATED 16 /* gRPC's statuses */
#define UNAVAILABLE 14
#define RENEW_AGAIN_US 10000000 /* after a renewal that failed */

struct attested_client {
    struct rpc_channel *channel;
    bool plain;
    struct attest_self self;
    char audience[ATTEST_NAME_MAX + 1];
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    struct attest_session *session;
    bool opening;
    int64_t renew_after_us; /* monotonic, self.clock */
};

/* ---- the handshake ---- */

/* One of the handshake's calls.  Its status is not authenticated: a refusal of
 * our evidence is reported as such, all else means unavailable. */
static enum qr_rc step(struct attested_client *c, const struct rpc_ask *ask, struct rpc_answer *out,
                       struct qr_err *err)
{
    enum qr_rc rc = rpc_unary(c->channel, ask, out, err);
    bool known = rc == QR_OK || rc == QR_ATTESTATION || rc == QR_DEADLINE || rc == QR_MALFORMED;
    return known ? rc : QR_UNAVAILABLE;
}

static enum qr_rc find_server(struct attested_client *c, int timeout_ms, struct rpc_peer *peer,
                              struct qr_err *err)
{
    Grpc__Health__V1__HealthCheckRequest in = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct rpc_ask ask = {.service = &grpc__health__v1__health__descriptor,
                          .method = "Check",
                          .in = &in.base,
                          .timeout_ms = timeout_ms};
    struct rpc_answer out;
    rpc_channel_pin(c->channel, NULL);
    enum qr_rc rc = step(c, &ask, &out, err);
    rpc_answer_fini(&out);
    if (rc != QR_OK) return rc;
    /* Without TLS (tests) there is nobody to name and nothing to pin. */
    if (rpc_channel_server(c->channel, peer) != QR_OK)
        *peer = (struct rpc_peer){.tls = false};
    else
        rpc_channel_pin(c->channel, &peer->spki_sha256);
    return QR_OK;
}

static enum qr_rc begin(struct attested_client *c, struct qr_bytes m1, int timeout_ms,
                        struct rpc_answer *out, struct qr_err *err)
{
    Quorate__V1__BeginRequest in = QUORATE__V1__BEGIN_REQUEST__INIT;
    in.message = (ProtobufCBinaryData){.len = m1.n, .data = (uint8_t *)(uintptr_t)m1.p};
    struct rpc_ask ask = {.service = &quorate__v1__attest__descriptor,
                          .method = "Begin",
                          .in = &in.base,
                          .timeout_ms = timeout_ms};
    enum qr_rc rc = step(c, &ask, out, err);
    /* It is under another policy.  One of the two ends may not have read yet that
     * the next one is in force. */
    if (rc == QR_ATTESTATION && c->self.pin && attest_pin_next(c->self.pin))
        return qr_fail(err, QR_UNAVAILABLE, ATTEST_CHANGING);
    return rc;
}

static enum qr_rc finish(struct attested_client *c, struct qr_bytes m3, int timeout_ms,
                         struct rpc_answer *out, struct qr_err *err)
{
    Quorate__V1__FinishRequest in = QUORATE__V1__FINISH_REQUEST__INIT;
    in.message = (ProtobufCBinaryData){.len = m3.n, .data = (uint8_t *)(uintptr_t)m3.p};
    struct rpc_ask ask = {.service = &quorate__v1__attest__descriptor,
                          .method = "Finish",
                          .in = &in.base,
                          .timeout_ms = timeout_ms};
    return step(c, &ask, out, err);
}

/* From m1 to the session. */
static enum qr_rc converse(struct attested_client *c, struct attest_client *hs, struct qr_bytes m1,
                           int timeout_ms, struct attest_session **out, struct qr_err *err)
{
    struct rpc_answer a1, a2 = {.msg = NULL};
    struct qr_buf m3;
    qr_buf_init(&m3, ATTEST_HANDSHAKE_MAX);
    enum qr_rc rc = begin(c, m1, timeout_ms, &a1, err);
    if (rc == QR_OK) {
        const Quorate__V1__BeginReply *r = (const Quorate__V1__BeginReply *)a1.msg;
        rc = attest_client_challenge(hs, QR_BYTES(r->message.data, r->message.len), &m3, err);
    }
    if (rc == QR_OK) rc = finish(c, qr_buf_bytes(&m3), timeout_ms, &a2, err);
    if (rc == QR_OK) {
        const Quorate__V1__FinishReply *r = (const Quorate__V1__FinishReply *)a2.msg;
        rc = attest_client_finish(hs, QR_BYTES(r->message.data, r->message.len), out, err);
    }
    rpc_answer_fini(&a1);
    rpc_answer_fini(&a2);
    qr_buf_fini(&m3);
    return rc;
}

static enum qr_rc handshake(struct attested_client *c, int timeout_ms, struct attest_session **out,
                            struct qr_err *err)
{
    struct rpc_peer server;
    struct attest_client *hs = NULL;
    struct qr_buf m1;
    if (timeout_ms > HANDSHAKE_MS) timeout_ms = HANDSHAKE_MS;
    QR_TRY(find_server(c, timeout_ms, &server, err));
    struct qr_bytes node = attested_node(&server);
    /* Every node has a certificate of this CA, and a role is what a node says
     * of itself: a service is known by its node's name. */
    if (!QR_HOLDS(HANDSHAKE_SERVER_NODE, !server.tls || qr_bytes_is(node, c->audience)))
        return qr_fail(err, QR_ATTESTATION, "the certificate there is of node \"%.*s\", not of %s",
                       (int)node.n, (const char *)node.p, c->audience);
    struct attest_tls_peer peer = {
        .spki = server.spki_sha256, .node_id = node, .role = qr_str(c->audience)};
    qr_buf_init(&m1, ATTEST_INIT_MAX);
    enum qr_rc rc = attest_client_new(&c->self, &peer, qr_str(c->audience), &hs, &m1);
    if (rc == QR_OK) rc = converse(c, hs, qr_buf_bytes(&m1), timeout_ms, out, err);
    attest_client_free(hs);
    qr_buf_fini(&m1);
    return rc;
}

/* ---- the session ---- */

/* Under c->lock: nothing more goes under the old session, not even calls that
 * hold it. */
static void session_revoke(struct attested_client *c)
{
    if (!c->session) return;
    attest_session_end(c->session);
    attest_session_free(c->session);
    c->session = NULL;
}

/* Whether another policy is in force than the one it was opened under. */
static bool session_stale(const struct attested_client *c, const struct attest_session *session)
{
    return !qr_hash_equal(&attest_session_peer(session)->policy_hash,
                          &attest_self_policy(&c->self)->hash);
}

/* Opens one; the caller has set opening.  A server that cannot be reached
 * leaves an old one that still lives in use; one that no longer proves what it
 * is, or no longer believes us, does not. */
static enum qr_rc session_open(struct attested_client *c, int timeout_ms,
                               struct attest_session **out, struct qr_err *err)
{
    struct attest_session *fresh = NULL;
    enum qr_rc rc = handshake(c, timeout_ms, &fresh, err);
    pthread_mutex_lock(&c->lock);
    c->opening = false;
    if (rc == QR_OK) {
        attest_session_free(c->session);
        c->session = fresh;
    } else if (rc == QR_ATTESTATION) {
        session_revoke(c);
    } else if (c->session && session_stale(c, c->session)) {
        /* Calls under way are answered still. */
        attest_session_free(c->session);
        c->session = NULL;
    } else if (c->session && attest_session_age(c->session) != ATTEST_EXPIRED) {
        c->renew_after_us = qr_mono_us(&c->self.clock) + RENEW_AGAIN_US;
        rc = QR_OK;
    }
    if (rc == QR_OK) *out = attest_session_hold(c->session);
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

/* Whether the session at hand will do.  Under c->lock. */
static bool session_usable(const struct attested_client *c)
{
    if (!c->session || session_stale(c, c->session)) return false;
    switch (attest_session_age(c->session)) {
    case ATTEST_FRESH: return true;
    case ATTEST_RENEW: return c->opening || qr_mono_us(&c->self.clock) < c->renew_after_us;
    default: return false;
    }
}

static enum qr_rc session_get(struct attested_client *c, int timeout_ms,
                              struct attest_session **out, struct qr_err *err)
{
    pthread_mutex_lock(&c->lock);
    while (!session_usable(c) && c->opening) pthread_cond_wait(&c->changed, &c->lock);
    bool usable = session_usable(c);
    if (usable)
        *out = attest_session_hold(c->session);
    else
        c->opening = true;
    pthread_mutex_unlock(&c->lock);
    return usable ? QR_OK : session_open(c, timeout_ms, out, err);
}

/* The server does not know it any more. */
static void session_forget(struct attested_client *c, const struct attest_session *session)
{
    pthread_mutex_lock(&c->lock);
    if (c->session == session) {
        attest_session_free(c->session);
        c->session = NULL;
    }
    pthread_mutex_unlock(&c->lock);
}

/* The server's key is not the one the session was opened with. */
static bool server_moved(struct attested_client *c, const struct attest_session *session)
{
    struct rpc_peer now;
    return rpc_channel_server(c->channel, &now) == QR_OK &&
           !qr_hash_equal(&now.spki_sha256, &attest_session_peer(session)->tls_spki);
}

/* ---- the guard: ctx is read by sign only, the rest lives in the state ---- */

struct call_ctx {
    struct attested_client *client;
    struct attest_session *session;
};

struct call_state {
    struct attested_client *client;
    struct attest_session *session; /* a reference */
    struct attested_call call;
    uint64_t next;
};

static enum qr_rc guard_sign(void *ctx, const struct rpc_guard_request *r, void **out,
                             struct qr_buf *header, struct qr_err *err)
{
    const struct call_ctx *x = ctx;
    uint8_t bytes[ATTESTED_CALL_SIZE];
    struct call_state *s = calloc(1, sizeof *s);
    if (!s) return qr_fail(err, QR_NOMEM, "no memory");
    enum qr_rc rc =
        attested_call_seal(x->session, r->method, r->request, r->deadline_us, &s->call, bytes);
    if (rc != QR_OK) {
        free(s);
        return qr_fail(err, rc, "the attested session cannot be used");
    }
    s->client = x->client;
    s->session = attest_session_hold(x->session);
    qr_buf_put(header, bytes, sizeof bytes);
    *out = s;
    return QR_OK;
}

static enum qr_rc guard_verify(void *ctx, void *state, const struct rpc_guard_reply *r,
                               struct qr_bytes seal)
{
    struct call_state *s = state;
    struct attested_result result = {
        .status = (uint32_t)r->status, .message = r->message, .reply = r->reply};
    (void)ctx;
    enum qr_rc rc = attested_reply_open(s->session, &s->call, &result, seal, NULL);
    /* Anyone can say this; believing it costs one more handshake. */
    if (rc != QR_OK && r->status == UNAUTHENTICATED) session_forget(s->client, s->session);
    return rc;
}

static enum qr_rc guard_verify_frame(void *ctx, void *state, const struct rpc_guard_frame *f,
                                     struct qr_bytes mac)
{
    struct call_state *s = state;
    struct attested_frame frame = {.sequence = f->sequence, .final = f->final, .body = f->body};
    (void)ctx;
    if (session_stale(s->client, s->session)) return QR_ATTESTATION;
    return attested_stream_open(s->session, &s->call, &frame, mac, &s->next);
}

/* Of a stream: ctx is the client, which outlives it; so a stream that is opened
 * once more may need another session. */
static enum qr_rc stream_sign(void *ctx, const struct rpc_guard_request *r, void **out,
                              struct qr_buf *header, struct qr_err *err)
{
    struct call_ctx x = {.client = ctx};
    QR_TRY(session_get(ctx, HANDSHAKE_MS, &x.session, err));
    enum qr_rc rc = guard_sign(&x, r, out, header, err);
    attest_session_free(x.session);
    return rc;
}

static bool stream_again(void *ctx, void *state, int status)
{
    struct call_state *s = state;
    if (status == UNAUTHENTICATED) return true; /* guard_verify forgot the session */
    bool moved = status == UNAVAILABLE && server_moved(ctx, s->session);
    if (moved) session_forget(ctx, s->session);
    return moved;
}

static void guard_done(void *ctx, void *state)
{
    struct call_state *s = state;
    (void)ctx;
    attest_session_free(s->session);
    free(s);
}

static struct rpc_client_guard guard_of(struct call_ctx *x)
{
    return (struct rpc_client_guard){.ctx = x,
                                     .sign = guard_sign,
                                     .verify = guard_verify,
                                     .verify_frame = guard_verify_frame,
                                     .done = guard_done};
}

/* ---- public ---- */

enum qr_rc attested_client_over(struct attested_client **out, struct rpc_channel *channel,
                                const struct attested_client_conf *conf, struct qr_err *err)
{
    struct attested_client *c = calloc(1, sizeof *c);
    if (!c) {
        rpc_channel_free(channel);
        return qr_fail(err, QR_NOMEM, "no memory");
    }
    c->channel = channel;
    c->plain = conf->self == NULL;
    if (conf->self) c->self = *conf->self;
    c->self.tls_spki = rpc_channel_own_spki(channel);
    int n = snprintf(c->audience, sizeof c->audience, "%s", conf->audience ? conf->audience : "");
    pthread_mutex_init(&c->lock, NULL);
    qr_cond_init(&c->changed);
    if (n >= (int)sizeof c->audience) {
        attested_client_free(c);
        return qr_fail(err, QR_RANGE, "%s: name too long", conf->audience);
    }
    *out = c;
    return QR_OK;
}

enum qr_rc attested_client_new(struct attested_client **out,
                               const struct attested_client_conf *conf, struct qr_err *err)
{
    struct rpc_channel *channel;
    QR_TRY(rpc_channel_new(&channel, &conf->channel, err));
    return attested_client_over(out, channel, conf, err);
}

void attested_client_free(struct attested_client *c)
{
    if (!c) return;
    attest_session_free(c->session);
    rpc_channel_free(c->channel);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static enum qr_rc call_under(struct attested_client *c, const struct rpc_ask *ask,
                             struct attest_session *session, struct rpc_answer *out,
                             struct qr_err *err)
{
    struct call_ctx x = {.client = c, .session = session};
    struct rpc_client_guard guard = guard_of(&x);
    struct rpc_ask mine = *ask;
    mine.guard = &guard;
    return rpc_unary(c->channel, &mine, out, err);
}

/* One try; *again when the server did not see the request and a new session
 * may help. */
static enum qr_rc call_once(struct attested_client *c, const struct rpc_ask *ask,
                            struct rpc_answer *out, bool *again, struct qr_err *err)
{
    struct attest_session *session;
    *out = (struct rpc_answer){.msg = NULL};
    *again = false;
    QR_TRY(session_get(c, ask->timeout_ms, &session, err));
    enum qr_rc rc = call_under(c, ask, session, out, err);
    if (rc != QR_OK && !out->authentic) {
        bool moved = rc == QR_UNAVAILABLE && server_moved(c, session);
        if (moved) session_forget(c, session);
        *again = moved || out->status == UNAUTHENTICATED;
    }
    attest_session_free(session);
    return rc;
}

enum qr_rc attested_client_call(struct attested_client *c, const struct rpc_ask *ask,
                                struct attest_session *session, struct rpc_answer *out,
                                struct qr_err *err)
{
    struct rpc_ask bare = *ask;
    bool again;
    bare.guard = NULL;
    if (c->plain) return rpc_unary(c->channel, &bare, out, err);
    if (session) return call_under(c, ask, session, out, err);
    enum qr_rc rc = call_once(c, ask, out, &again, err);
    if (!again) return rc;
    rpc_answer_fini(out);
    return call_once(c, ask, out, &again, err);
}

enum qr_rc attested_client_stream(struct attested_client *c, const struct rpc_ask *ask,
                                  const ProtobufCMessageDescriptor *element,
                                  struct rpc_stream **out, struct qr_err *err)
{
    struct attest_session *session;
    struct rpc_ask mine = *ask;
    mine.guard = NULL;
    if (c->plain) return rpc_stream_open(c->channel, &mine, element, out, err);
    /* Here, where the caller's patience is known; stream_sign finds it. */
    QR_TRY(session_get(c, ask->timeout_ms, &session, err));
    attest_session_free(session);
    struct rpc_client_guard guard = {.ctx = c,
                                     .sign = stream_sign,
                                     .verify = guard_verify,
                                     .verify_frame = guard_verify_frame,
                                     .again = stream_again,
                                     .done = guard_done};
    mine.guard = &guard;
    if (mine.timeout_ms > ATTESTED_STREAM_MS) mine.timeout_ms = ATTESTED_STREAM_MS;
    return rpc_stream_open(c->channel, &mine, element, out, err);
}

enum qr_rc attested_client_session(struct attested_client *c, int timeout_ms,
                                   struct attest_session **out, struct qr_err *err)
{
    if (c->plain) return qr_fail(err, QR_STATE, "calls are not attested");
    return session_get(c, timeout_ms, out, err);
}
