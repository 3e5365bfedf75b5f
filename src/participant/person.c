/* person.c - login and enrolment.
 *
 * authd says who a key belongs to; the log is what proves it, and it is asked
 * by commitment for every identity entry, so that a later revocation shows. */
#include "participant/person.h"

#include "participant/pb.h"

#include "quorate/v1/auth.pb-c.h"
#include "trust/entry_check.h"

#include <stdlib.h>

#define CALL_MS 20000

enum qr_rc person_challenge(struct services *s, const struct qr_pub *key, uint8_t out[32],
                            struct qr_err *err)
{
    Quorate__V1__BeginLoginRequest in = QUORATE__V1__BEGIN_LOGIN_REQUEST__INIT;
    in.person_key = pb_of(QR_BYTES_OF(key->b));
    struct rpc_answer a;
    struct services_ask ask = {SERVICE_AUTH, "BeginLogin", &in.base, CALL_MS};
    enum qr_rc rc = services_call(s, &ask, &a, err);
    if (rc == QR_OK) {
        const Quorate__V1__BeginLoginReply *r = (const void *)a.msg;
        if (r->challenge.len == 32)
            qr_copy(out, r->challenge.data, 32);
        else
            rc = qr_fail(err, QR_MALFORMED, "authd's challenge has a wrong length");
    }
    rpc_answer_fini(&a);
    return rc;
}

static enum qr_rc who_am_i(struct person *p, struct services *s, struct qr_err *err)
{
    uint8_t nonce[32];
    QR_TRY(person_challenge(s, &p->key.pub, nonce, err));
    struct qr_sig sig;
    qr_sign_tagged(&p->key, LEAF_TAG_WHOAMI, QR_BYTES_OF(nonce), &sig);
    Quorate__V1__WhoAmIRequest in = QUORATE__V1__WHO_AM_IREQUEST__INIT;
    in.person_key = pb_of(QR_BYTES_OF(p->key.pub.b));
    in.challenge = pb_of(QR_BYTES_OF(nonce));
    in.proof_sig = pb_of(QR_BYTES_OF(sig.b));
    struct rpc_answer a;
    struct services_ask ask = {SERVICE_AUTH, "WhoAmI", &in.base, CALL_MS};
    enum qr_rc rc = services_call(s, &ask, &a, err);
    if (rc == QR_OK) {
        const Quorate__V1__WhoAmIReply *r = (const void *)a.msg;
        if (r->commitment.len != QR_SHA256_SIZE || r->enrolment_leaf.len != QR_SHA256_SIZE ||
            qr_role_parse(qr_str(r->role), &p->role) != QR_OK)
            rc = qr_fail(err, QR_MALFORMED, "authd's answer is malformed");
        else {
            qr_copy(p->commitment.b, r->commitment.data, QR_SHA256_SIZE);
            qr_copy(p->enrolment.b, r->enrolment_leaf.data, QR_SHA256_SIZE);
            p->enrolment_index = r->enrolment_index;
        }
    }
    rpc_answer_fini(&a);
    return rc;
}

/* Identity entries of our commitment, in log order. */
struct enrolment {
    struct leaf_standing stands;
    bool ours; /* the one that authd names is of our key and role */
};

static enum qr_rc judge_identity(const struct person *p, const struct trust_context *ctx,
                                 const struct log_entry *e, struct enrolment *is,
                                 struct qr_err *err)
{
    struct leaf_entry entry;
    QR_TRY(leaf_parse(e->bytes, &entry, err));
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = trust_entry_check(ctx, &entry, &r);
    if (rc == QR_OK) rc = leaf_standing_take(&is->stands, &entry, &e->leaf, err);
    if (rc == QR_OK && qr_hash_equal(&e->leaf, &p->enrolment)) {
        struct trust_identity id = {.at = {e->index, e->leaf, entry.time_us, entry.classes},
                                    .kind = entry.kind,
                                    .body = entry.body};
        rc = leaf_identity_read(entry.body, entry.kind, &id.is, err);
        if (rc == QR_OK) rc = trust_enrolment_check(ctx, &id, &r);
        is->ours = rc == QR_OK && qr_hash_equal(&id.is.commitment, &p->commitment) &&
                   id.is.role == p->role &&
                   qr_equal_ct(id.is.person_key.b, p->key.pub.b, QR_KEY_SIZE);
    }
    if (rc != QR_OK && r.failed) (void)trust_report_err(&r, err);
    trust_report_fini(&r);
    leaf_fini(&entry);
    return rc;
}

static enum qr_rc check_enrolment(const struct person *p, struct services *s, struct qr_err *err)
{
    struct trust_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return QR_NOMEM;
    trust_context_of(services_trust(s), QR_CLASS_ALL, ctx);
    struct log_answer found;
    struct log_query q = {.by = LOG_FIND_COMMITMENT, .hash = &p->commitment};
    enum qr_rc rc = log_client_find(services_log(s), &q, &found, err);
    struct enrolment is = {.stands = {.of = &p->commitment}};
    for (size_t i = 0; rc == QR_OK && i < found.n; i++)
        rc = judge_identity(p, ctx, &found.entries[i], &is, err);
    log_answer_fini(&found);
    free(ctx);
    if (rc == QR_OK && !(is.ours && leaf_standing_is(&is.stands, &p->enrolment)))
        rc = qr_fail(err, QR_DENIED, "the log has no enrolment in force for this person key");
    return rc;
}

enum qr_rc person_open(struct person *p, struct services *s, const char *key_path,
                       struct qr_err *err)
{
    *p = (struct person){.role = QR_ENGINEER};
    QR_TRY(qr_signer_load(&p->key, key_path, err));
    enum qr_rc rc = who_am_i(p, s, err);
    if (rc == QR_OK) rc = check_enrolment(p, s, err);
    if (rc != QR_OK) person_fini(p);
    return rc;
}

void person_fini(struct person *p) { qr_signer_fini(&p->key); }

enum qr_rc person_login(const struct person *p, struct services *s,
                        const struct leaf_grant_request *request, struct qr_buf *cad,
                        struct qr_buf *coordinator, struct qr_err *err)
{
    uint8_t nonce[32], message[64];
    struct qr_buf body;
    qr_buf_init(&body, LEAF_MAX_GRANT);
    json_t *o = leaf_grant_request_write(request);
    enum qr_rc rc = qr_json_write(o, &body);
    json_decref(o);
    if (rc == QR_OK) rc = person_challenge(s, &p->key.pub, nonce, err);
    if (rc != QR_OK) {
        qr_buf_fini(&body);
        return rc;
    }
    struct qr_sig sig;
    leaf_login_message(nonce, qr_buf_bytes(&body), message);
    qr_sign_tagged(&p->key, LEAF_TAG_LOGIN, QR_BYTES_OF(message), &sig);
    char *audiences[2] = {(char *)(uintptr_t) "cad", (char *)(uintptr_t) "coordinator"};
    Quorate__V1__LoginRequest in = QUORATE__V1__LOGIN_REQUEST__INIT;
    in.challenge = pb_of(QR_BYTES_OF(nonce));
    in.grant_request = pb_of(qr_buf_bytes(&body));
    in.person_sig = pb_of(QR_BYTES_OF(sig.b));
    in.n_audiences = 2;
    in.audiences = audiences;
    struct rpc_answer a;
    struct services_ask ask = {SERVICE_AUTH, "Login", &in.base, CALL_MS};
    rc = services_call(s, &ask, &a, err);
    if (rc == QR_OK) {
        const Quorate__V1__LoginReply *r = (const void *)a.msg;
        if (r->n_grants != 2)
            rc = qr_fail(err, QR_MALFORMED, "authd answered %zu grants instead of 2", r->n_grants);
        else {
            qr_buf_put(cad, r->grants[0].data, r->grants[0].len);
            qr_buf_put(coordinator, r->grants[1].data, r->grants[1].len);
            rc = qr_buf_ok(cad) == QR_OK ? qr_buf_ok(coordinator) : QR_MALFORMED;
        }
    }
    rpc_answer_fini(&a);
    qr_buf_fini(&body);
    return rc;
}
