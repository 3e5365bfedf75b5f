/* service.c - bodies that services log about themselves and their peers. */
#include "leaf/service.h"

json_t *leaf_service_started_write(const struct leaf_service_started *s)
{
    json_t *o = qr_json_object();
    qr_json_set_str(o, "boot", s->boot);
    qr_json_set_str(o, "node", s->node);
    qr_json_set(o, "policies", leaf_policies_write(&s->policies));
    qr_json_set_str(o, "service", s->service);
    qr_json_set_str(o, "version", s->version);
    return o;
}

enum qr_rc leaf_service_started_read(const json_t *body, struct leaf_service_started *out,
                                     struct qr_err *err)
{
    *out = (struct leaf_service_started){0};
    struct qr_obj o = qr_obj_of(body, "service.started");
    leaf_ulid_read(&o, "boot", out->boot);
    leaf_text_read(&o, "node", out->node, sizeof out->node);
    leaf_policies_read(&o, "policies", &out->policies);
    leaf_text_read(&o, "service", out->service, sizeof out->service);
    leaf_text_read(&o, "version", out->version, sizeof out->version);
    return qr_obj_done(&o, err);
}

json_t *leaf_attestation_write(const struct leaf_attestation *a)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "count", a->count);
    qr_json_set_hex(o, "evidence", a->evidence.b, sizeof a->evidence.b);
    qr_json_set_str(o, "peer_node", a->peer_node);
    qr_json_set_str(o, "peer_role", a->peer_role);
    qr_json_set_hex(o, "policy", a->policy.b, sizeof a->policy.b);
    qr_json_set_str(o, "reason", a->reason);
    qr_json_set_str(o, "service", a->service);
    return o;
}

enum qr_rc leaf_attestation_read(const json_t *body, struct leaf_attestation *out,
                                 struct qr_err *err)
{
    *out = (struct leaf_attestation){0};
    struct qr_obj o = qr_obj_of(body, "attestation");
    out->count = (uint32_t)qr_obj_int(&o, "count", 1, UINT32_MAX);
    qr_obj_hex(&o, "evidence", out->evidence.b, sizeof out->evidence.b);
    leaf_text_read(&o, "peer_node", out->peer_node, sizeof out->peer_node);
    leaf_text_read(&o, "peer_role", out->peer_role, sizeof out->peer_role);
    qr_obj_hex(&o, "policy", out->policy.b, sizeof out->policy.b);
    leaf_text_read(&o, "reason", out->reason, sizeof out->reason);
    leaf_text_read(&o, "service", out->service, sizeof out->service);
    return qr_obj_done(&o, err);
}
