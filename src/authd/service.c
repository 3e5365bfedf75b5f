/* service.c - the auth service: hooks, enrolment and changes.  Logins are in
 * grants.c, rosters in roster.c. */
#include "authd/service.h"

#include "authd/state.h"
#include "base/file.h"
#include "base/limits.h"
#include "trust/trust_dir.h"

#include <stdlib.h>

#define SECRET_IDENTITY "enroll/identity"
#define SECRET_SALT "enroll/salt"

static int by_key(const void *a, const void *b)
{
    const struct leaf_admin_sig *x = a, *y = b;
    for (size_t i = 0; i < QR_KEY_SIZE; i++)
        if (x->key.b[i] != y->key.b[i]) return x->key.b[i] < y->key.b[i] ? -1 : 1;
    return 0;
}

/* The body with the admins' signatures; body is owned by the caller. */
static enum qr_rc take_body(struct qr_bytes text, Quorate__V1__AdminSig **in, size_t n,
                            json_t **body, struct qr_err *err)
{
    struct leaf_admin_sigs sigs = {.n = n};
    if (n > LEAF_MAX_ADMINS)
        return qr_fail(err, QR_RANGE, "at most %d admin signatures", LEAF_MAX_ADMINS);
    for (size_t i = 0; i < n; i++) {
        if (in[i]->key.len != QR_KEY_SIZE || in[i]->sig.len != QR_SIG_SIZE)
            return qr_fail(err, QR_MALFORMED, "admin key or signature has a wrong length");
        qr_copy(sigs.s[i].key.b, in[i]->key.data, QR_KEY_SIZE);
        qr_copy(sigs.s[i].sig.b, in[i]->sig.data, QR_SIG_SIZE);
    }
    qsort(sigs.s, sigs.n, sizeof sigs.s[0], by_key);
    QR_TRY(qr_json_parse(text, body, err));
    if (!json_is_object(*body) || json_object_get(*body, "admin_sigs"))
        return qr_fail(err, QR_MALFORMED, "the body must be an object without admin_sigs");
    qr_json_set(*body, "admin_sigs", leaf_admin_sigs_write(&sigs));
    return QR_OK;
}

/* ---- Enroll ---- */

static enum qr_rc take_secrets(struct authd *d, struct rpc_call *call,
                               const Quorate__V1__EnrollRequest *in, struct enrolment *e,
                               struct qr_err *err)
{
    struct qr_buf salt;
    QR_TRY(service_open_secret(d->s, call, SECRET_IDENTITY, authd_bytes(in->identity), &e->identity,
                               err));
    qr_buf_init(&salt, 64);
    enum qr_rc rc = service_open_secret(d->s, call, SECRET_SALT, authd_bytes(in->salt), &salt, err);
    if (rc == QR_OK && salt.n != sizeof e->salt)
        rc = qr_fail(err, QR_MALFORMED, "the salt has 32 bytes");
    if (rc == QR_OK) qr_copy(e->salt, salt.p, sizeof e->salt);
    qr_wipe(salt.p, salt.n);
    qr_buf_fini(&salt);
    return rc;
}

static void enroll(Quorate__V1__Auth_Service *rpc, const Quorate__V1__EnrollRequest *in,
                   Quorate__V1__Receipt_Closure closure, void *call)
{
    struct authd *d = authd_of(rpc);
    struct enrolment e = {.body = NULL};
    struct qr_err err = {{0}};
    int64_t row = 0;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    qr_buf_init(&e.identity, 1024);
    enum qr_rc rc =
        take_body(authd_bytes(in->body), in->admin_sigs, in->n_admin_sigs, &e.body, &err);
    if (rc == QR_OK) rc = take_secrets(d, call, in, &e, &err);
    if (rc == QR_OK) rc = people_check(&d->people, &e, &err);
    if (rc == QR_OK) rc = qr_db_begin(d->s->db, &err);
    /* COMMIT POINT: the sealed identity and the entry on its way. */
    if (rc == QR_OK) rc = qr_db_end(d->s->db, people_enroll(&d->people, &e, &row, &err), &err);
    enrolment_fini(&e);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    outbox_wake(d->s->outbox);
    service_answer_row(d->s, call, row);
}

/* ---- Change ---- */

static enum qr_rc take_kind(const char *name, enum leaf_kind *kind, struct qr_err *err)
{
    if (leaf_kind_from_name(qr_str(name), kind) == QR_OK &&
        (*kind == LEAF_IDENTITY_ROLE_CHANGED || *kind == LEAF_IDENTITY_REVOKED ||
         *kind == LEAF_IDENTITY_ERASED || *kind == LEAF_POLICY_CHANGED))
        return QR_OK;
    return qr_fail(err, QR_MALFORMED, "not a kind of change");
}

static void change(Quorate__V1__Auth_Service *rpc, const Quorate__V1__ChangeRequest *in,
                   Quorate__V1__Receipt_Closure closure, void *call)
{
    struct authd *d = authd_of(rpc);
    enum leaf_kind kind = LEAF_KIND_COUNT;
    json_t *body = NULL;
    struct qr_err err = {{0}};
    int64_t row = 0;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    enum qr_rc rc = take_kind(in->kind, &kind, &err);
    if (rc == QR_OK)
        rc = take_body(authd_bytes(in->body), in->admin_sigs, in->n_admin_sigs, &body, &err);
    if (rc == QR_OK) rc = qr_db_begin(d->s->db, &err);
    /* COMMIT POINT: a revoked person is gone from here on. */
    if (rc == QR_OK)
        rc = qr_db_end(d->s->db, people_change(&d->people, kind, body, &row, &err), &err);
    json_decref(body);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    outbox_wake(d->s->outbox);
    service_answer_row(d->s, call, row);
}

/* ---- hooks ---- */

static enum qr_rc take_demo_token(struct authd *d, struct qr_err *err)
{
    struct qr_bytes token = qr_config_secret(d->s->config, "AUTH_DEMO_TOKEN");
    if (token.n == 0) return QR_OK;
    if (!(d->s->trust->signing.classes & QR_CLASS_DEMO))
        return qr_fail(err, QR_ATTESTATION,
                       "AUTH_DEMO_TOKEN is set, but the signing policy does not accept class demo");
    QR_TRY(qr_secret_init(&d->demo_token, QR_SHA256_SIZE, err));
    struct qr_hash h = qr_sha256_one(token);
    qr_copy(d->demo_token.p, h.b, sizeof h.b);
    qr_wipe(h.b, sizeof h.b);
    return QR_OK;
}

static enum qr_rc load_grant_key(struct authd *d, struct qr_err *err)
{
    struct service_path path = path_in2(d->s->state, LAYOUT_AUTHD, LAYOUT_GRANT_KEY);
    QR_TRY(service_key_load(d->s, path.s, &d->grant_key, err));
    if (trust_keys_have(&d->s->trust->grant, &d->grant_key.pub)) return QR_OK;
    return qr_fail(err, QR_POLICY, "%s: not a grant key of the trust directory", path.s);
}

static enum qr_rc load_roster(struct authd *d, struct qr_err *err)
{
    const char *given = qr_config_str(d->s->config, "ROSTER_FILE");
    struct service_path dflt = path_in(d->s->state, LAYOUT_ROSTER);
    if (!given && !qr_file_exists(dflt.s)) return QR_OK;
    return people_roster_load(&d->people, given ? given : dflt.s, &d->roster, err);
}

enum qr_rc authd_open(struct service *s, struct qr_err *err)
{
    struct authd *d = calloc(1, sizeof *d);
    if (!d) return QR_NOMEM;
    s->self = d;
    d->s = s;
    d->login = login_new(s->clock, s->rand);
    QR_TRY(take_demo_token(d, err));
    QR_TRY(load_grant_key(d, err));
    QR_TRY(people_init(&d->people, s, err));
    QR_TRY(load_roster(d, err));
    return genesis_check(d, err);
}

enum qr_rc authd_add(struct service *s, struct qr_err *err)
{
    static const Quorate__V1__Auth_Service handlers = {QUORATE__V1__AUTH__BASE_INIT,
                                                       .begin_login = grants_begin_login,
                                                       .login = grants_login,
                                                       .who_am_i = grants_who_am_i,
                                                       .enroll = enroll,
                                                       .change = change,
                                                       .find_person = identities_find,
                                                       .open_identities = identities_open,
                                                       .attest_roster = roster_attest};
    struct authd *d = s->self;
    d->rpc = handlers;
    return rpc_server_add(s->server, &d->rpc.base, NULL, 0, err);
}

enum qr_rc authd_sync(struct service *s, struct qr_err *err)
{
    struct authd *d = s->self;
    QR_TRY(people_replay(&d->people, err));
    return genesis_log(d, err);
}

enum qr_rc authd_logged(void *ctx, const struct outbox_logged *l, struct qr_err *err)
{
    struct authd *d = ((struct service *)ctx)->self;
    return people_apply(&d->people, l->entry->index, l->entry->bytes, err);
}

void authd_close(struct service *s)
{
    struct authd *d = s->self;
    if (!d) return;
    people_roster_fini(&d->roster);
    people_fini(&d->people);
    login_free(d->login);
    qr_signer_fini(&d->grant_key);
    qr_secret_fini(&d->demo_token);
    free(d);
    s->self = NULL;
}
