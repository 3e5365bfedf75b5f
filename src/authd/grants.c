/* grants.c - challenges, logins and the grants they end in.
 *
 * Order of a login: brake, challenge (taken away whatever comes), person,
 * signature, enrolment in force, node, classes; only then is a grant signed.
 * A refusal says no more than that the login failed where more would tell a
 * stranger who is enrolled. */
#include "authd/state.h"

#include "base/limits.h"
#include "base/removal.h"
#include "trust/trust_dir.h"

#include <string.h>

#define MAX_AUDIENCES 4
#define SECRET_TOKEN "login/token"

static enum qr_rc take_pub(ProtobufCBinaryData d, struct qr_pub *out, struct qr_err *err)
{
    if (d.len != QR_KEY_SIZE) return qr_fail(err, QR_MALFORMED, "a person key has 32 bytes");
    qr_copy(out->b, d.data, d.len);
    return QR_OK;
}

static enum qr_rc take_sig(ProtobufCBinaryData d, struct qr_sig *out, struct qr_err *err)
{
    if (d.len != QR_SIG_SIZE) return qr_fail(err, QR_MALFORMED, "a signature has 64 bytes");
    qr_copy(out->b, d.data, d.len);
    return QR_OK;
}

/* ---- BeginLogin ---- */

void grants_begin_login(Quorate__V1__Auth_Service *rpc, const Quorate__V1__BeginLoginRequest *in,
                        Quorate__V1__BeginLoginReply_Closure closure, void *call)
{
    struct authd *d = authd_of(rpc);
    struct qr_pub key = {{0}};
    struct qr_err err = {{0}};
    uint8_t challenge[32];
    Quorate__V1__BeginLoginReply out = QUORATE__V1__BEGIN_LOGIN_REPLY__INIT;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    const char *node = rpc_call_caller(call)->node;
    enum qr_rc rc = in->person_key.len ? take_pub(in->person_key, &key, &err) : QR_OK;
    if (rc == QR_OK) rc = login_begin(d->login, node, &key, challenge, &err);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    out.challenge = receipt_bytes(QR_BYTES_OF(challenge));
    if (rpc_send(call, &out.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

/* ---- Login ---- */

struct attempt {
    struct authd *d;
    struct rpc_call *call;
    const Quorate__V1__LoginRequest *in;
    const char *node;
    struct leaf_grant_request keys;
    struct person who;
    enum leaf_login login;
    unsigned classes;
};

static enum qr_rc read_request(struct attempt *a, struct qr_err *err)
{
    json_t *v = NULL;
    if (a->in->grant_request.len > LEAF_MAX_GRANT)
        return qr_fail(err, QR_RANGE, "grant request too large");
    QR_TRY(qr_json_parse(authd_bytes(a->in->grant_request), &v, err));
    enum qr_rc rc = leaf_grant_request_read(v, &a->keys, err);
    json_decref(v);
    return rc;
}

static enum qr_rc by_person_key(struct attempt *a, const struct qr_pub *key, struct qr_err *err)
{
    uint8_t message[64];
    struct qr_sig sig;
    QR_TRY(take_sig(a->in->person_sig, &sig, err));
    leaf_login_message(a->in->challenge.data, authd_bytes(a->in->grant_request), message);
    bool good = qr_verify_tagged(key, LEAF_TAG_LOGIN, QR_BYTES_OF(message), &sig) == QR_OK;
    if (!QR_HOLDS(AUTHD_LOGIN, good))
        return qr_fail(err, QR_UNAUTHENTICATED, "the person's signature does not verify");
    a->login = LEAF_LOGIN_PERSON_KEY;
    return people_by_key(&a->d->people, key, &a->who, err);
}

static enum qr_rc by_demo_token(struct attempt *a, struct qr_err *err)
{
    struct qr_buf token;
    if (a->d->demo_token.n == 0)
        return qr_fail(err, QR_UNAUTHENTICATED, "this service takes no demo token");
    qr_buf_init(&token, 1024);
    enum qr_rc rc = service_open_secret(a->d->s, a->call, SECRET_TOKEN,
                                        authd_bytes(a->in->demo_token), &token, err);
    if (rc == QR_OK) {
        struct qr_hash h = qr_sha256_one(qr_buf_bytes(&token));
        if (!qr_equal_ct(h.b, a->d->demo_token.p, sizeof h.b))
            rc = qr_fail(err, QR_UNAUTHENTICATED, "wrong demo token");
        qr_wipe(h.b, sizeof h.b);
    }
    qr_wipe(token.p, token.n);
    qr_buf_fini(&token);
    if (rc == QR_OK) rc = people_by_email(&a->d->people, qr_str(a->in->demo_email), &a->who, err);
    a->login = LEAF_LOGIN_DEMO_TOKEN;
    return rc;
}

static enum qr_rc authenticate(struct attempt *a, struct qr_err *err)
{
    static const struct qr_pub none = {{0}};
    struct qr_pub key;
    QR_TRY(login_take(a->d->login, a->node, authd_bytes(a->in->challenge), &key, err));
    bool demo = qr_equal_ct(key.b, none.b, sizeof key.b);
    return demo ? by_demo_token(a, err) : by_person_key(a, &key, err);
}

static enum qr_rc authorise(struct attempt *a, struct qr_err *err)
{
    const struct trust_dir *t = a->d->s->trust;
    const struct rpc_caller *caller = rpc_call_caller(a->call);
    if (!qr_hash_equal(&a->keys.commitment, &a->who.commitment))
        return qr_fail(err, QR_DENIED, "the grant request names another person");
    if (!QR_HOLDS(AUTHD_NODE, strcmp(a->keys.node, a->node) == 0))
        return qr_fail(err, QR_DENIED, "the grant request names another node than the caller's");
    if (a->who.node[0] && strcmp(a->who.node, a->node) != 0)
        return qr_fail(err, QR_DENIED, "this person is enrolled for another node");
    a->classes = a->d->s->classes;
    if (strcmp(caller->trust_class, "simulated") == 0) a->classes |= QR_CLASS_SIMULATED;
    if (a->login == LEAF_LOGIN_DEMO_TOKEN) a->classes |= QR_CLASS_DEMO;
    if (a->classes & ~t->signing.classes)
        return qr_fail(err, QR_ATTESTATION, "the policy does not accept the class of this login");
    return QR_OK;
}

static enum qr_rc grant_for(struct attempt *a, const char *audience, struct qr_buf *out,
                            struct qr_err *err)
{
    struct leaf_grant g = {.keys = a->keys,
                           .enrolment = a->who.enrolment,
                           .role = a->who.role,
                           .login = a->login,
                           .classes = a->classes,
                           .issued_us = qr_now_us(&a->d->s->clock)};
    if (strcmp(audience, "cad") == 0)
        g.audience = LEAF_FOR_CAD;
    else if (strcmp(audience, "coordinator") == 0)
        g.audience = LEAF_FOR_COORDINATOR;
    else
        return qr_fail(err, QR_MALFORMED, "no such audience");
    g.expires_us = g.issued_us + QR_MAX_GRANT_S * 1000000LL;
    qr_ulid(&a->d->s->rand, g.issued_us, g.jti);
    return leaf_grant_sign(&g, &a->d->grant_key, out);
}

static enum qr_rc answer(struct attempt *a, struct qr_err *err)
{
    Quorate__V1__LoginReply out = QUORATE__V1__LOGIN_REPLY__INIT;
    ProtobufCBinaryData list[MAX_AUDIENCES];
    struct qr_buf grant[MAX_AUDIENCES];
    size_t n = a->in->n_audiences;
    if (n == 0 || n > MAX_AUDIENCES)
        return qr_fail(err, QR_RANGE, "1 to %d audiences", MAX_AUDIENCES);
    for (size_t i = 0; i < n; i++) qr_buf_init(&grant[i], LEAF_MAX_GRANT);
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; rc == QR_OK && i < n; i++) {
        rc = grant_for(a, a->in->audiences[i], &grant[i], err);
        list[i] = receipt_bytes(qr_buf_bytes(&grant[i]));
    }
    out.n_grants = n;
    out.grants = list;
    if (rc == QR_OK && rpc_send(a->call, &out.base) != QR_OK) rc = QR_CANCELLED;
    for (size_t i = 0; i < n; i++) qr_buf_fini(&grant[i]);
    return rc;
}

static bool is_guess(enum qr_rc rc) { return rc == QR_UNAUTHENTICATED || rc == QR_DENIED; }

void grants_login(Quorate__V1__Auth_Service *rpc, const Quorate__V1__LoginRequest *in,
                  Quorate__V1__LoginReply_Closure closure, void *call)
{
    struct attempt a = {.d = authd_of(rpc), .call = call, .in = in};
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(a.d->s, call, NULL)) return;
    a.node = rpc_call_caller(call)->node;
    enum qr_rc rc = read_request(&a, &err);
    if (rc == QR_OK) rc = login_may_try(a.d->login, a.node, &err);
    if (rc == QR_OK) {
        rc = authenticate(&a, &err);
        if (rc == QR_OK) rc = authorise(&a, &err);
        if (is_guess(rc)) login_failed(a.d->login, a.node);
    }
    if (rc == QR_OK) rc = answer(&a, &err);
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
}

/* ---- WhoAmI ---- */

static enum qr_rc prove(struct authd *d, const char *node, const struct grants_proof *p,
                        struct qr_pub *key, struct qr_err *err)
{
    struct qr_pub given;
    struct qr_sig sig;
    QR_TRY(take_pub(receipt_bytes(p->key), &given, err));
    QR_TRY(take_sig(receipt_bytes(p->sig), &sig, err));
    QR_TRY(login_may_try(d->login, node, err));
    QR_TRY(login_take(d->login, node, p->challenge, key, err));
    if (qr_equal_ct(key->b, given.b, sizeof key->b) &&
        qr_verify_tagged(key, p->tag, p->challenge, &sig) == QR_OK)
        return QR_OK;
    return qr_fail(err, QR_UNAUTHENTICATED, "the signature over the challenge does not verify");
}

enum qr_rc grants_proven(struct authd *d, const char *node, const struct grants_proof *p,
                         struct qr_pub *key, struct qr_err *err)
{
    enum qr_rc rc = prove(d, node, p, key, err);
    if (is_guess(rc)) login_failed(d->login, node);
    return rc;
}

static enum qr_rc identify(struct authd *d, const char *node, const Quorate__V1__WhoAmIRequest *in,
                           struct person *who, struct qr_err *err)
{
    struct qr_pub key;
    struct grants_proof p = {authd_bytes(in->person_key), authd_bytes(in->challenge),
                             authd_bytes(in->proof_sig), LEAF_TAG_WHOAMI};
    QR_TRY(grants_proven(d, node, &p, &key, err));
    enum qr_rc rc = people_by_key(&d->people, &key, who, err);
    if (is_guess(rc)) login_failed(d->login, node);
    return rc;
}

void grants_who_am_i(Quorate__V1__Auth_Service *rpc, const Quorate__V1__WhoAmIRequest *in,
                     Quorate__V1__WhoAmIReply_Closure closure, void *call)
{
    struct authd *d = authd_of(rpc);
    struct person who;
    struct qr_err err = {{0}};
    Quorate__V1__WhoAmIReply out = QUORATE__V1__WHO_AM_IREPLY__INIT;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    enum qr_rc rc = identify(d, rpc_call_caller(call)->node, in, &who, &err);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    out.commitment = receipt_bytes(QR_BYTES_OF(who.commitment.b));
    out.enrolment_leaf = receipt_bytes(QR_BYTES_OF(who.enrolment.b));
    out.enrolment_index = who.index;
    out.role = (char *)(uintptr_t)qr_role_name(who.role);
    if (rpc_send(call, &out.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}
