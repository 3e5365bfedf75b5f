/* enrolment.c - see enrolment.h. */
#include "participant/enrolment.h"

#include "participant/pb.h"

#include "quorate/v1/auth.pb-c.h"

#include <stdlib.h>

#define CALL_MS 30000
#define SECRET_EMAIL "find/email"
#define SECRET_IDENTITY "enroll/identity"
#define SECRET_SALT "enroll/salt"
#define SECRET_OPENING "open/identity"
#define MAX_OPENING (1024 + 32)

static const char *const state_names[ENROLMENT_STATES] = {"active", "revoked", "erased", "unknown"};

const char *enrolment_state_name(enum enrolment_state state) { return state_names[state]; }

/* ---- finding ---- */

static enum qr_rc malformed(struct qr_err *err)
{
    return qr_fail(err, QR_MALFORMED, "authd's answer is malformed");
}

static enum qr_rc read_found(const Quorate__V1__PersonReply *r, struct enrolled *out,
                             struct qr_err *err)
{
    struct qr_bytes node = qr_str(r->node);
    *out = (struct enrolled){.index = r->enrolment_index,
                             .active = qr_bytes_is(qr_str(r->state), "active")};
    if (r->commitment.len != QR_SHA256_SIZE || r->enrolment_leaf.len != QR_SHA256_SIZE ||
        r->person_key.len != QR_KEY_SIZE || node.n > LEAF_MAX_NODE ||
        qr_role_parse(qr_str(r->role), &out->is.role) != QR_OK)
        return malformed(err);
    qr_copy(out->is.commitment.b, r->commitment.data, QR_SHA256_SIZE);
    qr_copy(out->is.enrolment.b, r->enrolment_leaf.data, QR_SHA256_SIZE);
    qr_copy(out->is.person_key.b, r->person_key.data, QR_KEY_SIZE);
    qr_copy(out->is.node, node.p, node.n);
    return QR_OK;
}

enum qr_rc enrolment_find(struct services *s, const struct qr_signer *admin, struct qr_bytes email,
                          struct enrolled *out, struct qr_err *err)
{
    uint8_t nonce[32];
    struct qr_sig sig;
    struct qr_buf sealed;
    struct rpc_answer a;
    Quorate__V1__FindPersonRequest in = QUORATE__V1__FIND_PERSON_REQUEST__INIT;
    QR_TRY(person_challenge(s, &admin->pub, nonce, err));
    qr_sign_tagged(admin, LEAF_TAG_FIND, QR_BYTES_OF(nonce), &sig);
    qr_buf_init(&sealed, 1024);
    struct services_secret secret = {SERVICE_AUTH, SECRET_EMAIL, email};
    enum qr_rc rc = services_seal(s, &secret, &sealed, err);
    if (rc == QR_OK) {
        in.email = pb_of(qr_buf_bytes(&sealed));
        in.admin_key = pb_of(QR_BYTES_OF(admin->pub.b));
        in.challenge = pb_of(QR_BYTES_OF(nonce));
        in.proof_sig = pb_of(QR_BYTES_OF(sig.b));
        struct services_ask ask = {SERVICE_AUTH, "FindPerson", &in.base, CALL_MS};
        rc = services_call(s, &ask, &a, err);
        if (rc == QR_OK) rc = read_found((const void *)a.msg, out, err);
        rpc_answer_fini(&a);
    }
    qr_buf_fini(&sealed);
    return rc;
}

/* ---- changing ---- */

struct admin_sigs_pb {
    Quorate__V1__AdminSig msg[LEAF_MAX_ADMINS];
    Quorate__V1__AdminSig *list[LEAF_MAX_ADMINS];
    struct leaf_admin_sigs sigs;
};

/* The signatures of body as messages, and the rest of it as bytes. */
static enum qr_rc split(const json_t *body, struct admin_sigs_pb *out, struct qr_buf *rest,
                        struct qr_err *err)
{
    static const char *const without[] = {"admin_sigs", NULL};
    enum qr_rc rc = leaf_admin_sigs_of(body, &out->sigs, err);
    for (size_t i = 0; rc == QR_OK && i < out->sigs.n; i++) {
        quorate__v1__admin_sig__init(&out->msg[i]);
        out->msg[i].key = pb_of(QR_BYTES_OF(out->sigs.s[i].key.b));
        out->msg[i].sig = pb_of(QR_BYTES_OF(out->sigs.s[i].sig.b));
        out->list[i] = &out->msg[i];
    }
    return rc == QR_OK ? leaf_signed_part(body, without, rest) : rc;
}

static enum qr_rc record(struct services *s, const char *method, const ProtobufCMessage *in,
                         struct receipt_facts *where, struct qr_err *err)
{
    struct services_ask ask = {SERVICE_AUTH, method, in, CALL_MS};
    struct rpc_answer a;
    struct qr_bytes entry;
    enum qr_rc rc = services_call(s, &ask, &a, err);
    if (rc == QR_OK) rc = services_receipt(s, a.msg, where, &entry, err);
    rpc_answer_fini(&a);
    return rc;
}

static enum qr_rc submit_enrolled(struct services *s, const struct enrolment_change *change,
                                  Quorate__V1__EnrollRequest *in, struct receipt_facts *where,
                                  struct qr_err *err)
{
    struct qr_buf identity, salt;
    qr_buf_init(&identity, 2048);
    qr_buf_init(&salt, 256);
    struct services_secret who = {SERVICE_AUTH, SECRET_IDENTITY, change->identity};
    struct services_secret open = {SERVICE_AUTH, SECRET_SALT, change->salt};
    enum qr_rc rc = services_seal(s, &who, &identity, err);
    if (rc == QR_OK) rc = services_seal(s, &open, &salt, err);
    in->identity = pb_of(qr_buf_bytes(&identity));
    in->salt = pb_of(qr_buf_bytes(&salt));
    if (rc == QR_OK) rc = record(s, "Enroll", &in->base, where, err);
    qr_buf_fini(&identity);
    qr_buf_fini(&salt);
    return rc;
}

enum qr_rc enrolment_submit(struct services *s, const struct enrolment_change *change,
                            struct receipt_facts *where, struct qr_err *err)
{
    struct admin_sigs_pb sigs;
    struct qr_buf body;
    qr_buf_init(&body, QR_MAX_ENTRY);
    enum qr_rc rc = split(change->body, &sigs, &body, err);
    if (rc == QR_OK && change->kind == LEAF_IDENTITY_ENROLLED) {
        Quorate__V1__EnrollRequest in = QUORATE__V1__ENROLL_REQUEST__INIT;
        in.body = pb_of(qr_buf_bytes(&body));
        in.admin_sigs = sigs.list;
        in.n_admin_sigs = sigs.sigs.n;
        rc = submit_enrolled(s, change, &in, where, err);
    } else if (rc == QR_OK) {
        Quorate__V1__ChangeRequest in = QUORATE__V1__CHANGE_REQUEST__INIT;
        in.kind = (char *)(uintptr_t)leaf_kind_name(change->kind);
        in.body = pb_of(qr_buf_bytes(&body));
        in.admin_sigs = sigs.list;
        in.n_admin_sigs = sigs.sigs.n;
        rc = record(s, "Change", &in.base, where, err);
    }
    qr_buf_fini(&body);
    return rc;
}

/* ---- opening ---- */

static enum qr_rc read_identity(struct qr_bytes identity, struct enrolment_opened *out,
                                struct qr_err *err)
{
    json_t *v = NULL;
    QR_TRY(qr_json_parse(identity, &v, err));
    struct qr_obj o = qr_obj_of(v, "identity");
    struct qr_bytes email = qr_obj_text(&o, "email", QR_MAX_NAME);
    (void)qr_obj_text(&o, "issuer", QR_MAX_NAME);
    struct qr_bytes name = qr_obj_text(&o, "name", QR_MAX_NAME);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc == QR_OK) {
        qr_copy(out->email, email.p, email.n);
        qr_copy(out->name, name.p, name.n);
    }
    json_decref(v);
    return rc;
}

static enum qr_rc read_opening(struct services *s, const Quorate__V1__OpenedIdentity *r,
                               const struct qr_hash *commitment, struct enrolment_opened *out,
                               struct qr_err *err)
{
    struct qr_buf clear;
    struct services_secret secret = {SERVICE_AUTH, SECRET_OPENING, pb_bytes(r->opening)};
    qr_buf_init(&clear, MAX_OPENING);
    enum qr_rc rc = services_unseal(s, &secret, &clear, err);
    if (rc == QR_OK && clear.n <= 32) rc = malformed(err);
    if (rc == QR_OK) {
        struct qr_bytes identity = QR_BYTES(clear.p + 32, clear.n - 32);
        struct qr_hash is = leaf_commitment(clear.p, identity);
        rc = qr_hash_equal(&is, commitment)
                 ? read_identity(identity, out, err)
                 : qr_fail(err, QR_FALSE, "authd's opening is not of this commitment");
    }
    qr_wipe(clear.p, clear.n);
    qr_buf_fini(&clear);
    return rc;
}

static enum qr_rc read_opened(struct services *s, const Quorate__V1__OpenIdentitiesReply *r,
                              const struct qr_hash *commitment, struct enrolment_opened *out,
                              struct qr_err *err)
{
    *out = (struct enrolment_opened){.state = ENROLMENT_STATES};
    if (r->n_identities != 1) return malformed(err);
    const Quorate__V1__OpenedIdentity *one = r->identities[0];
    for (unsigned i = 0; i < ENROLMENT_STATES; i++)
        if (qr_bytes_is(qr_str(one->state), state_names[i])) out->state = (enum enrolment_state)i;
    if (out->state == ENROLMENT_STATES) return malformed(err);
    out->last_index = one->last_index;
    bool opens = out->state == ENROLMENT_ACTIVE || out->state == ENROLMENT_REVOKED;
    return opens ? read_opening(s, one, commitment, out, err) : QR_OK;
}

enum qr_rc enrolment_open(struct services *s, const struct person *auditor,
                          const struct qr_hash *commitment, struct enrolment_opened *out,
                          struct qr_err *err)
{
    uint8_t nonce[32];
    struct qr_sig sig;
    struct rpc_answer a;
    ProtobufCBinaryData list[1] = {pb_of(QR_BYTES_OF(commitment->b))};
    Quorate__V1__OpenIdentitiesRequest in = QUORATE__V1__OPEN_IDENTITIES_REQUEST__INIT;
    QR_TRY(person_challenge(s, &auditor->key.pub, nonce, err));
    qr_sign_tagged(&auditor->key, LEAF_TAG_WHOAMI, QR_BYTES_OF(nonce), &sig);
    in.person_key = pb_of(QR_BYTES_OF(auditor->key.pub.b));
    in.challenge = pb_of(QR_BYTES_OF(nonce));
    in.proof_sig = pb_of(QR_BYTES_OF(sig.b));
    in.commitments = list;
    in.n_commitments = 1;
    struct services_ask ask = {SERVICE_AUTH, "OpenIdentities", &in.base, CALL_MS};
    enum qr_rc rc = services_call(s, &ask, &a, err);
    if (rc == QR_OK) rc = read_opened(s, (const void *)a.msg, commitment, out, err);
    rpc_answer_fini(&a);
    return rc;
}
