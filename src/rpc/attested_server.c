/* attested_server.c - the sessions of a server: opened by quorate.v1.Attest,
 * found again by the guard at each call.
 *
 * Sessions stand in buckets by the first byte of their random id.  An expired
 * one is dropped when it is met or when another one is opened; a dropped
 * session lives on in the calls that hold it.  A session belongs to the TLS key
 * that opened it and is refused from another connection's key. */
#include "rpc/attested.h"

#include "base/removal.h"
#include "rpc/attested_limit.h"
#include "rpc/attested_node.h"

#include "quorate/v1/attest.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define BUCKETS 256
#define MAX_BEGIN 2048
#define MAX_FINISH 40960

struct entry {
    struct entry *next;
    struct attest_session *session;
    uint64_t born; /* order of opening */
};

struct attested_server {
    Quorate__V1__Attest_Service service; /* first: the handlers get it */
    struct attested_server_conf conf;
    struct attest_self self;
    struct rpc_guard guard;
    struct attest_server *handshakes;
    pthread_mutex_t lock; /* all below */
    struct entry *buckets[BUCKETS];
    size_t count;
    uint64_t opened;
    struct attested_limit limit;
};

/* What the guard knows of a call. */
struct call_state {
    struct attest_session *session;
    struct attested_call call;
};

/* ---- the table; under s->lock ---- */

static void entry_drop(struct attested_server *s, struct entry **at)
{
    struct entry *e = *at;
    *at = e->next;
    attest_session_free(e->session);
    free(e);
    s->count--;
}

static bool same_key(const struct attest_session *a, const struct qr_hash *spki)
{
    return qr_hash_equal(&attest_session_peer(a)->tls_spki, spki);
}

/* Drops expired ones; counts those of the key and finds its oldest. */
static size_t table_sweep(struct attested_server *s, const struct qr_hash *spki,
                          struct entry ***oldest)
{
    size_t n = 0;
    uint64_t least = UINT64_MAX;
    *oldest = NULL;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry **at = &s->buckets[i];
        while (*at) {
            if (attest_session_age((*at)->session) == ATTEST_EXPIRED) {
                entry_drop(s, at);
                continue;
            }
            if (same_key((*at)->session, spki)) {
                n++;
                if ((*at)->born < least) *oldest = at;
                if ((*at)->born < least) least = (*at)->born;
            }
            at = &(*at)->next;
        }
    }
    return n;
}

/* Takes session. */
static enum qr_rc table_add(struct attested_server *s, struct attest_session *session)
{
    struct entry **oldest, *e = calloc(1, sizeof *e);
    enum qr_rc rc = e ? QR_OK : QR_NOMEM;
    pthread_mutex_lock(&s->lock);
    size_t of_peer = table_sweep(s, &attest_session_peer(session)->tls_spki, &oldest);
    if (of_peer >= s->conf.per_peer_max && oldest) entry_drop(s, oldest);
    if (rc == QR_OK && s->count >= s->conf.sessions_max) rc = QR_EXHAUSTED;
    if (rc == QR_OK) {
        struct entry **head = &s->buckets[attest_session_id(session).p[0]];
        *e = (struct entry){.next = *head, .session = session, .born = s->opened++};
        *head = e;
        s->count++;
    }
    pthread_mutex_unlock(&s->lock);
    if (rc != QR_OK) {
        attest_session_free(session);
        free(e);
    }
    return rc;
}

/* A reference, or NULL. */
static struct attest_session *table_find(struct attested_server *s,
                                         const uint8_t id[ATTEST_SESSION_ID_SIZE])
{
    struct attest_session *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (struct entry *e = s->buckets[id[0]]; e && !found; e = e->next)
        if (qr_bytes_equal(attest_session_id(e->session), QR_BYTES(id, ATTEST_SESSION_ID_SIZE)))
            found = attest_session_hold(e->session);
    pthread_mutex_unlock(&s->lock);
    return found;
}

void attested_server_end(struct attested_server *s, const char *node)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct entry **at = &s->buckets[i]; *at;) {
            const char *of = attest_session_peer((*at)->session)->node_id;
            if (node && !qr_bytes_is(qr_str(of), node)) {
                at = &(*at)->next;
                continue;
            }
            attest_session_end((*at)->session);
            entry_drop(s, at);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static bool stale(const struct attested_server *s, const struct attest_session *session)
{
    return !qr_hash_equal(&attest_session_peer(session)->policy_hash,
                          &attest_self_policy(&s->self)->hash);
}

void attested_server_policy(struct attested_server *s)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry **at = &s->buckets[i]; *at;)
            if (stale(s, (*at)->session))
                entry_drop(s, at);
            else
                at = &(*at)->next;
    pthread_mutex_unlock(&s->lock);
}

/* ---- the guard ---- */

static void caller_fill(const struct attest_session *session, struct rpc_caller *c)
{
    const struct attest_peer *p = attest_session_peer(session);
    *c = (struct rpc_caller){.attested = true,
                             .evidence = p->claims.evidence_digest,
                             .policy = p->policy_hash,
                             .transcript = *attest_session_transcript(session)};
    qr_copy(c->session_id, attest_session_id(session).p, sizeof c->session_id);
    (void)snprintf(c->node, sizeof c->node, "%s", p->node_id);
    (void)snprintf(c->role, sizeof c->role, "%s", p->role);
    (void)snprintf(c->trust_class, sizeof c->trust_class, "%s",
                   attest_class_name(p->claims.trust_class));
}

static enum qr_rc open_call(struct attested_server *s, const struct rpc_guard_call *in,
                            struct call_state *state, struct qr_err *err)
{
    struct attested_in a = {.header = in->attest,
                            .method = in->method,
                            .request = in->request,
                            .pinned = &attest_self_policy(&s->self)->hash};
    return attested_call_open(state->session, &a, &state->call, err);
}

/* What the metadata says by itself.  Gives a reference to its session. */
static enum qr_rc find_session(struct attested_server *s, const struct rpc_guard_call *in,
                               struct attest_session **out, struct qr_err *err)
{
    uint8_t id[ATTEST_SESSION_ID_SIZE];
    if (!QR_HOLDS(CALLS_HEADER_ONE, in->attest_count == 1))
        return qr_fail(err, QR_UNAUTHENTICATED, "%s quorate-attest-bin",
                       in->attest_count == 0 ? "no" : "more than one");
    if (attested_call_session_id(in->attest, id) != QR_OK)
        return qr_fail(err, QR_UNAUTHENTICATED, "quorate-attest-bin is malformed");
    struct attest_session *found = table_find(s, id);
    if (!found) return qr_fail(err, QR_UNAUTHENTICATED, "no such session");
    if (!QR_HOLDS(CALLS_SESSION_PEER, same_key(found, &in->peer->spki_sha256))) {
        attest_session_free(found);
        return qr_fail(err, QR_UNAUTHENTICATED, "the session belongs to another TLS key");
    }
    *out = found;
    return QR_OK;
}

static enum qr_rc guard_greet(void *ctx, const struct rpc_guard_call *in, struct qr_err *err)
{
    struct attest_session *session;
    QR_TRY(find_session(ctx, in, &session, err));
    attest_session_free(session);
    return QR_OK;
}

static enum qr_rc guard_check(void *ctx, const struct rpc_guard_call *in,
                              struct rpc_guard_verdict *v, struct qr_err *err)
{
    struct attested_server *s = ctx;
    struct call_state *state = calloc(1, sizeof *state);
    if (!state) return qr_fail(err, QR_NOMEM, "no memory");
    enum qr_rc rc = find_session(s, in, &state->session, err);
    if (rc == QR_OK) rc = open_call(s, in, state, err);
    if (rc == QR_OK) {
        caller_fill(state->session, &v->caller);
        v->state = state;
        v->deadline_us = state->call.deadline_us;
    } else {
        attest_session_free(state->session);
        free(state);
    }
    return rc;
}

static enum qr_rc guard_seal(void *ctx, void *state, const struct rpc_guard_reply *r,
                             struct qr_buf *out)
{
    struct call_state *c = state;
    uint8_t trailer[ATTESTED_REPLY_SIZE];
    struct attested_result result = {
        .status = (uint32_t)r->status, .message = r->message, .reply = r->reply};
    (void)ctx;
    QR_TRY(attested_reply_seal(c->session, &c->call, &result, trailer));
    qr_buf_put(out, trailer, sizeof trailer);
    return qr_buf_ok(out);
}

static enum qr_rc guard_seal_frame(void *ctx, void *state, const struct rpc_guard_frame *f,
                                   uint8_t mac[RPC_MAC_SIZE])
{
    struct call_state *c = state;
    struct attested_frame frame = {.sequence = f->sequence, .final = f->final, .body = f->body};
    if (stale(ctx, c->session)) return QR_ATTESTATION;
    return attested_stream_seal(c->session, &c->call, &frame, mac);
}

static void guard_done(void *ctx, void *state)
{
    struct call_state *c = state;
    (void)ctx;
    attest_session_free(c->session);
    free(c);
}

_Static_assert(RPC_MAC_SIZE == ATTESTED_FRAME_SIZE, "one MAC");
_Static_assert(RPC_MAX_NODE >= ATTEST_NAME_MAX, "a node's name fits");

/* ---- quorate.v1.Attest ---- */

static struct attest_tls_peer tls_peer_of(const struct attested_server *s,
                                          const struct rpc_peer *peer, char node[RPC_MAX_SAN + 1])
{
    struct attest_tls_peer t = {.spki = peer->spki_sha256, .node_id = attested_node(peer)};
    (void)snprintf(node, RPC_MAX_SAN + 1, "%.*s", (int)t.node_id.n, (const char *)t.node_id.p);
    const char *role = s->conf.role_of ? s->conf.role_of(s->conf.ctx, node) : NULL;
    if (role) t.role = qr_str(role);
    return t;
}

/* Whether this key may try (refused false), or takes note that it failed. */
static bool limit(struct attested_server *s, const struct rpc_peer *peer, bool refused)
{
    int64_t now = qr_mono_us(&s->self.clock);
    bool ok = true;
    pthread_mutex_lock(&s->lock);
    if (refused)
        attested_limit_refused(&s->limit, &peer->spki_sha256, now);
    else
        ok = attested_limit_begin(&s->limit, &peer->spki_sha256, now);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static void attest_begin(Quorate__V1__Attest_Service *svc, const Quorate__V1__BeginRequest *in,
                         Quorate__V1__BeginReply_Closure closure, void *data)
{
    struct attested_server *s = (struct attested_server *)svc;
    char node[RPC_MAX_SAN + 1];
    struct attest_tls_peer peer = tls_peer_of(s, rpc_call_peer(data), node);
    struct qr_err err = {{0}};
    struct qr_buf m2;
    if (!limit(s, rpc_call_peer(data), false)) {
        rpc_fail(data, QR_EXHAUSTED, "too many attempts to open an attested session");
        return;
    }
    qr_buf_init(&m2, ATTEST_HANDSHAKE_MAX);
    enum qr_rc rc = QR_OK;
    /* A peer whose certificate names no node could say that it is any. */
    if (rpc_call_peer(data)->tls && peer.node_id.n == 0)
        rc = qr_fail(&err, QR_DENIED, "the certificate names no node");
    if (rc == QR_OK)
        rc = attest_server_init(s->handshakes, &peer, QR_BYTES(in->message.data, in->message.len),
                                &m2, &err);
    if (rc == QR_OK) {
        Quorate__V1__BeginReply reply = QUORATE__V1__BEGIN_REPLY__INIT;
        reply.message = (ProtobufCBinaryData){.len = m2.n, .data = m2.p};
        closure(&reply, data);
    } else {
        rpc_fail(data, rc, err.text);
    }
    qr_buf_fini(&m2);
}

static void judged(const struct attested_server *s, const struct attested_judged *j)
{
    if (s->conf.judged && (j->rc == QR_OK || j->outcome->reason != ATTEST_OK))
        s->conf.judged(s->conf.ctx, j);
}

static void attest_finish(Quorate__V1__Attest_Service *svc, const Quorate__V1__FinishRequest *in,
                          Quorate__V1__FinishReply_Closure closure, void *data)
{
    struct attested_server *s = (struct attested_server *)svc;
    char node[RPC_MAX_SAN + 1];
    struct attest_tls_peer peer = tls_peer_of(s, rpc_call_peer(data), node);
    struct attest_outcome outcome = {.session = NULL};
    struct qr_err err = {{0}};
    struct qr_buf m4;
    qr_buf_init(&m4, ATTEST_INIT_MAX);
    enum qr_rc rc = attest_server_finish(
        s->handshakes, &peer, QR_BYTES(in->message.data, in->message.len), &m4, &outcome, &err);
    if (rc != QR_OK) (void)limit(s, rpc_call_peer(data), true);
    if (rc == QR_OK) {
        rc = table_add(s, outcome.session);
        if (rc != QR_OK) (void)qr_fail(&err, rc, "too many attested sessions");
    }
    outcome.session = NULL;
    struct attested_judged j = {
        .rc = rc, .text = err.text, .tls = rpc_call_peer(data), .outcome = &outcome};
    judged(s, &j);
    if (rc == QR_OK) {
        Quorate__V1__FinishReply reply = QUORATE__V1__FINISH_REPLY__INIT;
        reply.message = (ProtobufCBinaryData){.len = m4.n, .data = m4.p};
        closure(&reply, data);
    } else {
        rpc_fail(data, rc, err.text);
    }
    qr_buf_fini(&m4);
}

/* ---- public ---- */

enum qr_rc attested_server_new(struct attested_server **out,
                               const struct attested_server_conf *conf, struct qr_err *err)
{
    struct attested_server *s = calloc(1, sizeof *s);
    if (!s) return qr_fail(err, QR_NOMEM, "no memory");
    static const Quorate__V1__Attest_Service service = QUORATE__V1__ATTEST__INIT(attest_);
    s->service = service;
    s->conf = *conf;
    if (s->conf.sessions_max == 0) s->conf.sessions_max = 4096;
    if (s->conf.per_peer_max == 0) s->conf.per_peer_max = 16;
    s->self = *conf->self;
    s->guard = (struct rpc_guard){.ctx = s,
                                  .greet = guard_greet,
                                  .check = guard_check,
                                  .seal = guard_seal,
                                  .seal_frame = guard_seal_frame,
                                  .done = guard_done};
    pthread_mutex_init(&s->lock, NULL);
    enum qr_rc rc = attested_own_spki(&conf->tls, &s->self.tls_spki, err);
    if (rc == QR_OK) rc = attest_server_new(&s->self, qr_str(conf->audience), &s->handshakes);
    if (rc != QR_OK) {
        attested_server_free(s);
        return rc;
    }
    *out = s;
    return QR_OK;
}

void attested_server_free(struct attested_server *s)
{
    if (!s) return;
    attested_server_end(s, NULL);
    attest_server_free(s->handshakes);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const struct rpc_guard *attested_server_guard(struct attested_server *s) { return &s->guard; }

enum qr_rc attested_server_add(struct attested_server *s, struct rpc_server *rpc,
                               struct qr_err *err)
{
    static const struct rpc_method methods[] = {{"Begin", RPC_UNATTESTED, MAX_BEGIN},
                                                {"Finish", RPC_UNATTESTED, MAX_FINISH}};
    return rpc_server_add(rpc, &s->service.base, methods, 2, err);
}

struct attest_session *attested_session_of(const struct rpc_call *call)
{
    struct call_state *c = rpc_call_state(call);
    return c ? c->session : NULL;
}
