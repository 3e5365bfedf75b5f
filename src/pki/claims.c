/* claims.c - the two extensions as canonical JSON. */
#include "pki/claims.h"

#include "pki/cert.h"

#define HEX(o, key, field) qr_json_set_hex(o, key, (field).b, sizeof(field).b)
#define UNHEX(o, key, field) qr_obj_hex(o, key, (field).b, sizeof(field).b)

static enum qr_rc finish(json_t *o, struct qr_buf *out)
{
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

enum qr_rc pki_participant_claims_write(const struct pki_participant_claims *c, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    qr_json_set(o, "classes", qr_classes_json(c->classes));
    HEX(o, "cocktail_key", c->cocktail_key);
    HEX(o, "commitment", c->commitment);
    HEX(o, "enrolment", c->enrolment);
    HEX(o, "envelope_key", c->envelope_key);
    HEX(o, "evidence", c->evidence);
    HEX(o, "grant", c->grant);
    qr_json_set_str(o, "role", qr_role_name(c->role));
    HEX(o, "session_leaf", c->session_leaf);
    return finish(o, out);
}

enum qr_rc pki_participant_claims_parse(struct qr_bytes json, struct pki_participant_claims *out,
                                        struct qr_err *err)
{
    json_t *v = NULL;
    QR_TRY(qr_json_parse(json, &v, err));
    struct qr_obj o = qr_obj_of(v, "participant certificate");
    struct pki_participant_claims c = {.classes = qr_obj_classes(&o, "classes")};
    UNHEX(&o, "cocktail_key", c.cocktail_key);
    UNHEX(&o, "commitment", c.commitment);
    UNHEX(&o, "enrolment", c.enrolment);
    UNHEX(&o, "envelope_key", c.envelope_key);
    UNHEX(&o, "evidence", c.evidence);
    UNHEX(&o, "grant", c.grant);
    c.role = qr_obj_role(&o, "role");
    UNHEX(&o, "session_leaf", c.session_leaf);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc == QR_OK) *out = c;
    json_decref(v);
    return rc;
}

enum qr_rc pki_group_claims_write(const struct pki_group_claims *c, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "attempt", c->attempt);
    qr_json_set(o, "classes", qr_classes_json(c->classes));
    HEX(o, "descriptor", c->descriptor);
    json_t *payloads = qr_json_array();
    for (size_t i = 0; i < c->payload_count; i++) {
        json_t *p = qr_json_object();
        HEX(p, "digest", c->payloads[i].digest);
        qr_json_set_str(p, "type", qr_payload_name(c->payloads[i].type));
        qr_json_add(payloads, p);
    }
    qr_json_set(o, "payloads", payloads);
    HEX(o, "session_leaf", c->session_leaf);
    HEX(o, "transcript", c->transcript);
    return finish(o, out);
}

static void read_payloads(struct qr_obj *o, struct pki_group_claims *c)
{
    const json_t *a = qr_obj_array(o, "payloads", QR_MAX_PAYLOADS);
    c->payload_count = json_array_size(a);
    if (c->payload_count == 0) qr_obj_bad(o, "payloads");
    for (size_t i = 0; i < c->payload_count; i++) {
        struct qr_obj p = qr_obj_of(json_array_get(a, i), "payload");
        UNHEX(&p, "digest", c->payloads[i].digest);
        c->payloads[i].type = qr_obj_payload(&p, "type");
        if (qr_obj_done(&p, NULL) != QR_OK) qr_obj_bad(o, "payloads");
    }
}

enum qr_rc pki_group_claims_parse(struct qr_bytes json, struct pki_group_claims *out,
                                  struct qr_err *err)
{
    json_t *v = NULL;
    QR_TRY(qr_json_parse(json, &v, err));
    struct qr_obj o = qr_obj_of(v, "group certificate");
    struct pki_group_claims c = {.attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, UINT32_MAX),
                                 .classes = qr_obj_classes(&o, "classes")};
    UNHEX(&o, "descriptor", c.descriptor);
    read_payloads(&o, &c);
    UNHEX(&o, "session_leaf", c.session_leaf);
    UNHEX(&o, "transcript", c.transcript);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc == QR_OK) *out = c;
    json_decref(v);
    return rc;
}
