/* session.c - request, approval, refusal, withdrawal.  roster.c and ceremony.c
 * hold the bodies from the freeze on. */
#include "leaf/session.h"

#include <stdio.h>

const char *const leaf_without_request_sig[] = {"request_sig", NULL};
const char *const leaf_without_approval_sigs[] = {"approval_sig", "person_sig", NULL};
const char *const leaf_without_person_sig[] = {"person_sig", NULL};

static json_t *artifact_write(const struct leaf_artifact *a)
{
    json_t *o = qr_json_object();
    qr_json_set_str(o, "name", a->name);
    qr_json_set_hex(o, "sha256", a->sha256.b, sizeof a->sha256.b);
    if (a->has_size)
        qr_json_set_u64str(o, "size", a->size);
    else
        qr_json_set_str(o, "size", "");
    return o;
}

static void artifact_read(struct qr_obj *parent, struct leaf_artifact *out)
{
    struct qr_obj o = qr_obj_obj(parent, "artifact");
    leaf_text_read(&o, "name", out->name, sizeof out->name);
    qr_obj_hex(&o, "sha256", out->sha256.b, sizeof out->sha256.b);
    struct qr_bytes size = qr_obj_str(&o, "size", 20);
    out->has_size = size.n > 0;
    if (out->has_size && qr_parse_u64(size, UINT64_MAX, &out->size) != QR_OK)
        qr_obj_bad(&o, "size");
    if (qr_obj_done(&o, NULL) != QR_OK) qr_obj_bad(parent, "artifact");
}

json_t *leaf_request_write(const struct leaf_request *r)
{
    json_t *o = qr_json_object();
    qr_json_set(o, "artifact", artifact_write(&r->artifact));
    qr_json_set_time(o, "created", r->created_us);
    qr_json_set_hex(o, "enrolment", r->enrolment.b, sizeof r->enrolment.b);
    qr_json_set_time(o, "expires", r->expires_us);
    qr_json_set_hex(o, "nonce", r->nonce, sizeof r->nonce);
    qr_json_set(o, "payloads", leaf_payloads_write(&r->payloads, false));
    qr_json_set(o, "policies", leaf_policies_write(&r->policies));
    qr_json_set_base64(o, "request_sig", QR_BYTES_OF(r->request_sig.b));
    qr_json_set_hex(o, "requester", r->requester.b, sizeof r->requester.b);
    qr_json_set_str(o, "session", r->session);
    return o;
}

enum qr_rc leaf_request_read(const json_t *body, struct leaf_request *out, struct qr_err *err)
{
    *out = (struct leaf_request){0};
    struct qr_obj o = qr_obj_of(body, "session.requested");
    artifact_read(&o, &out->artifact);
    out->created_us = qr_obj_time(&o, "created");
    qr_obj_hex(&o, "enrolment", out->enrolment.b, sizeof out->enrolment.b);
    out->expires_us = qr_obj_time(&o, "expires");
    qr_obj_hex(&o, "nonce", out->nonce, sizeof out->nonce);
    leaf_payloads_read(&o, "payloads", false, &out->payloads);
    leaf_policies_read(&o, "policies", &out->policies);
    qr_obj_base64(&o, "request_sig", out->request_sig.b, sizeof out->request_sig.b);
    qr_obj_hex(&o, "requester", out->requester.b, sizeof out->requester.b);
    leaf_ulid_read(&o, "session", out->session);
    return qr_obj_done(&o, err);
}

json_t *leaf_approval_write(const struct leaf_approval *a)
{
    json_t *o = qr_json_object();
    leaf_session_ref_write(o, &a->session);
    qr_json_set_hex(o, "approval_key", a->approval_key.b, QR_KEY_SIZE);
    qr_json_set_base64(o, "approval_sig", QR_BYTES_OF(a->approval_sig.b));
    qr_json_set_hex(o, "certificate", a->certificate.b, sizeof a->certificate.b);
    qr_json_set(o, "checkpoint", leaf_checkpoint_write(&a->checkpoint));
    qr_json_set(o, "classes", qr_classes_json(a->classes));
    qr_json_set_hex(o, "cocktail_key", a->cocktail_key.b, QR_KEY_SIZE);
    qr_json_set_hex(o, "commitment", a->commitment.b, sizeof a->commitment.b);
    qr_json_set_hex(o, "enrolment", a->enrolment.b, sizeof a->enrolment.b);
    qr_json_set_hex(o, "envelope_key", a->envelope_key.b, QR_KEY_SIZE);
    qr_json_set_hex(o, "evidence", a->evidence.b, sizeof a->evidence.b);
    qr_json_set(o, "payloads", leaf_payloads_write(&a->payloads, false));
    qr_json_set_base64(o, "person_sig", QR_BYTES_OF(a->person_sig.b));
    qr_json_set(o, "policies", leaf_policies_write(&a->policies));
    qr_json_set_base64(o, "pop", QR_BYTES_OF(a->pop.b));
    qr_json_set_str(o, "role", qr_role_name(a->role));
    qr_json_set_hex(o, "screen", a->screen.b, sizeof a->screen.b);
    return o;
}

enum qr_rc leaf_approval_read(const json_t *body, struct leaf_approval *out, struct qr_err *err)
{
    *out = (struct leaf_approval){0};
    struct qr_obj o = qr_obj_of(body, "approval.given");
    leaf_session_ref_read(&o, &out->session);
    qr_obj_hex(&o, "approval_key", out->approval_key.b, QR_KEY_SIZE);
    qr_obj_base64(&o, "approval_sig", out->approval_sig.b, QR_SIG_SIZE);
    qr_obj_hex(&o, "certificate", out->certificate.b, sizeof out->certificate.b);
    leaf_checkpoint_read(&o, "checkpoint", &out->checkpoint);
    out->classes = qr_obj_classes(&o, "classes");
    qr_obj_hex(&o, "cocktail_key", out->cocktail_key.b, QR_KEY_SIZE);
    qr_obj_hex(&o, "commitment", out->commitment.b, sizeof out->commitment.b);
    qr_obj_hex(&o, "enrolment", out->enrolment.b, sizeof out->enrolment.b);
    qr_obj_hex(&o, "envelope_key", out->envelope_key.b, QR_KEY_SIZE);
    qr_obj_hex(&o, "evidence", out->evidence.b, sizeof out->evidence.b);
    leaf_payloads_read(&o, "payloads", false, &out->payloads);
    qr_obj_base64(&o, "person_sig", out->person_sig.b, QR_SIG_SIZE);
    leaf_policies_read(&o, "policies", &out->policies);
    qr_obj_base64(&o, "pop", out->pop.b, QR_SIG_SIZE);
    out->role = qr_obj_role(&o, "role");
    qr_obj_hex(&o, "screen", out->screen.b, sizeof out->screen.b);
    return qr_obj_done(&o, err);
}

void leaf_approval_pop_message(const struct leaf_approval *a, struct qr_buf *out)
{
    qr_buf_put(out, a->session.leaf.b, sizeof a->session.leaf.b);
    qr_buf_put(out, a->approval_key.b, QR_KEY_SIZE);
    qr_buf_put(out, a->envelope_key.b, QR_KEY_SIZE);
    qr_buf_put(out, a->cocktail_key.b, QR_KEY_SIZE);
}

json_t *leaf_refusal_write(const struct leaf_refusal *r)
{
    json_t *o = qr_json_object();
    leaf_session_ref_write(o, &r->session);
    qr_json_set_hex(o, "commitment", r->commitment.b, sizeof r->commitment.b);
    qr_json_set_hex(o, "enrolment", r->enrolment.b, sizeof r->enrolment.b);
    qr_json_set_base64(o, "person_sig", QR_BYTES_OF(r->person_sig.b));
    qr_json_set_hex(o, "reason", r->reason.b, sizeof r->reason.b);
    qr_json_set_str(o, "role", qr_role_name(r->role));
    return o;
}

enum qr_rc leaf_refusal_read(const json_t *body, struct leaf_refusal *out, struct qr_err *err)
{
    *out = (struct leaf_refusal){0};
    struct qr_obj o = qr_obj_of(body, "approval.refused");
    leaf_session_ref_read(&o, &out->session);
    qr_obj_hex(&o, "commitment", out->commitment.b, sizeof out->commitment.b);
    qr_obj_hex(&o, "enrolment", out->enrolment.b, sizeof out->enrolment.b);
    qr_obj_base64(&o, "person_sig", out->person_sig.b, QR_SIG_SIZE);
    qr_obj_hex(&o, "reason", out->reason.b, sizeof out->reason.b);
    out->role = qr_obj_role(&o, "role");
    return qr_obj_done(&o, err);
}

json_t *leaf_withdrawal_write(const struct leaf_withdrawal *w)
{
    json_t *o = qr_json_object();
    leaf_session_ref_write(o, &w->session);
    qr_json_set_hex(o, "approval", w->approval.b, sizeof w->approval.b);
    qr_json_set_hex(o, "commitment", w->commitment.b, sizeof w->commitment.b);
    qr_json_set_hex(o, "enrolment", w->enrolment.b, sizeof w->enrolment.b);
    qr_json_set_base64(o, "person_sig", QR_BYTES_OF(w->person_sig.b));
    return o;
}

enum qr_rc leaf_withdrawal_read(const json_t *body, struct leaf_withdrawal *out, struct qr_err *err)
{
    *out = (struct leaf_withdrawal){0};
    struct qr_obj o = qr_obj_of(body, "approval.withdrawn");
    leaf_session_ref_read(&o, &out->session);
    qr_obj_hex(&o, "approval", out->approval.b, sizeof out->approval.b);
    qr_obj_hex(&o, "commitment", out->commitment.b, sizeof out->commitment.b);
    qr_obj_hex(&o, "enrolment", out->enrolment.b, sizeof out->enrolment.b);
    qr_obj_base64(&o, "person_sig", out->person_sig.b, QR_SIG_SIZE);
    return qr_obj_done(&o, err);
}
