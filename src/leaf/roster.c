/* roster.c - roster.attested and the descriptor (roster.frozen). */
#include "leaf/session.h"

#define MAX_ATTEMPT 1000000

json_t *leaf_roster_write(const struct leaf_roster *r)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct leaf_approver *p = &r->approvers[i];
        json_t *m = qr_json_object();
        qr_json_set_hex(m, "approval", p->approval.b, sizeof p->approval.b);
        qr_json_set_hex(m, "commitment", p->commitment.b, sizeof p->commitment.b);
        qr_json_set_hex(m, "enrolment", p->enrolment.b, sizeof p->enrolment.b);
        qr_json_set_str(m, "role", qr_role_name(p->role));
        qr_json_add(a, m);
    }
    json_t *o = qr_json_object();
    leaf_session_ref_write(o, &r->session);
    qr_json_set(o, "approvers", a);
    qr_json_set_int(o, "attempt", r->attempt);
    qr_json_set_u64str(o, "log_size", r->log_size);
    return o;
}

enum qr_rc leaf_roster_read(const json_t *body, struct leaf_roster *out, struct qr_err *err)
{
    *out = (struct leaf_roster){0};
    struct qr_obj o = qr_obj_of(body, "roster.attested");
    leaf_session_ref_read(&o, &out->session);
    const json_t *a = qr_obj_array(&o, "approvers", QR_MAX_PARTICIPANTS);
    for (size_t i = 0; i < json_array_size(a); i++) {
        struct leaf_approver *p = &out->approvers[i];
        struct qr_obj m = qr_obj_of(json_array_get(a, i), "approver");
        qr_obj_hex(&m, "approval", p->approval.b, sizeof p->approval.b);
        qr_obj_hex(&m, "commitment", p->commitment.b, sizeof p->commitment.b);
        qr_obj_hex(&m, "enrolment", p->enrolment.b, sizeof p->enrolment.b);
        p->role = qr_obj_role(&m, "role");
        if (qr_obj_done(&m, NULL) != QR_OK) qr_obj_bad(&o, "approvers");
    }
    out->n = json_array_size(a);
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, MAX_ATTEMPT);
    out->log_size = qr_obj_u64str(&o, "log_size");
    return qr_obj_done(&o, err);
}

static json_t *member_write(const struct leaf_member *m)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "approval", m->approval.b, sizeof m->approval.b);
    qr_json_set_u64str(o, "approval_index", m->approval_index);
    qr_json_set_hex(o, "cocktail_key", m->cocktail_key.b, QR_KEY_SIZE);
    qr_json_set_hex(o, "commitment", m->commitment.b, sizeof m->commitment.b);
    qr_json_set_hex(o, "envelope_key", m->envelope_key.b, QR_KEY_SIZE);
    qr_json_set_int(o, "index", m->index);
    qr_json_set_str(o, "role", qr_role_name(m->role));
    return o;
}

static void member_read(const json_t *v, struct leaf_member *out, struct qr_obj *parent)
{
    struct qr_obj o = qr_obj_of(v, "member");
    qr_obj_hex(&o, "approval", out->approval.b, sizeof out->approval.b);
    out->approval_index = qr_obj_u64str(&o, "approval_index");
    qr_obj_hex(&o, "cocktail_key", out->cocktail_key.b, QR_KEY_SIZE);
    qr_obj_hex(&o, "commitment", out->commitment.b, sizeof out->commitment.b);
    qr_obj_hex(&o, "envelope_key", out->envelope_key.b, QR_KEY_SIZE);
    out->index = (uint32_t)qr_obj_int(&o, "index", 1, QR_MAX_PARTICIPANTS);
    out->role = qr_obj_role(&o, "role");
    if (qr_obj_done(&o, NULL) != QR_OK) qr_obj_bad(parent, "members");
}

json_t *leaf_descriptor_write(const struct leaf_descriptor *d)
{
    json_t *members = qr_json_array();
    for (size_t i = 0; i < d->n; i++) qr_json_add(members, member_write(&d->members[i]));
    json_t *o = qr_json_object();
    leaf_session_ref_write(o, &d->session);
    qr_json_set_int(o, "attempt", d->attempt);
    qr_json_set(o, "checkpoint", leaf_checkpoint_write(&d->checkpoint));
    qr_json_set_time(o, "expires", d->expires_us);
    qr_json_set(o, "members", members);
    qr_json_set_int(o, "n", d->n);
    qr_json_set(o, "payloads", leaf_payloads_write(&d->payloads, true));
    qr_json_set(o, "policies", leaf_policies_write(&d->policies));
    qr_json_set_hex(o, "roster", d->roster.b, sizeof d->roster.b);
    qr_json_set_int(o, "t", d->t);
    return o;
}

/* Members stand in ascending approval index and are numbered 1..n. */
static bool members_in_order(const struct leaf_descriptor *d)
{
    for (size_t i = 0; i < d->n; i++) {
        if (d->members[i].index != i + 1) return false;
        if (i > 0 && d->members[i].approval_index <= d->members[i - 1].approval_index) return false;
    }
    return true;
}

enum qr_rc leaf_descriptor_read(const json_t *body, struct leaf_descriptor *out, struct qr_err *err)
{
    *out = (struct leaf_descriptor){0};
    struct qr_obj o = qr_obj_of(body, "roster.frozen");
    leaf_session_ref_read(&o, &out->session);
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, MAX_ATTEMPT);
    leaf_checkpoint_read(&o, "checkpoint", &out->checkpoint);
    out->expires_us = qr_obj_time(&o, "expires");
    const json_t *a = qr_obj_array(&o, "members", QR_MAX_PARTICIPANTS);
    for (size_t i = 0; i < json_array_size(a); i++)
        member_read(json_array_get(a, i), &out->members[i], &o);
    out->n = (uint32_t)qr_obj_int(&o, "n", 1, QR_MAX_PARTICIPANTS);
    out->t = (uint32_t)qr_obj_int(&o, "t", 1, QR_MAX_PARTICIPANTS);
    if (json_array_size(a) != out->n || out->t > out->n || !members_in_order(out))
        qr_obj_bad(&o, "members");
    leaf_payloads_read(&o, "payloads", true, &out->payloads);
    leaf_policies_read(&o, "policies", &out->policies);
    qr_obj_hex(&o, "roster", out->roster.b, sizeof out->roster.b);
    return qr_obj_done(&o, err);
}

struct qr_hash leaf_descriptor_hash(const json_t *body)
{
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_ENTRY);
    if (qr_json_write(body, &b) != QR_OK) qr_fatal("a descriptor over the entry cap");
    struct qr_hash h = qr_sha256_tagged(LEAF_TAG_DESCRIPTOR, qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return h;
}

void leaf_descriptor_ext_prefix(const struct leaf_descriptor *d, const struct qr_hash *hash,
                                struct qr_bytes origin, struct qr_buf *out)
{
    qr_buf_put(out, hash->b, sizeof hash->b);
    qr_buf_put_be64(out, d->checkpoint.size);
    qr_buf_put(out, d->checkpoint.root.b, sizeof d->checkpoint.root.b);
    qr_buf_put_bytes(out, origin);
}
