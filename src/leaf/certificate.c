/* certificate.c - one body with three shapes, told apart by purpose. */
#include "leaf/certificate.h"

static const char *const purposes[] = {"participant", "group", "transport"};

json_t *leaf_certificate_write(const struct leaf_certificate *c)
{
    json_t *o = qr_json_object();
    qr_json_set_time(o, "not_after", c->not_after_us);
    qr_json_set_time(o, "not_before", c->not_before_us);
    qr_json_set_str(o, "purpose", purposes[c->purpose]);
    qr_json_set_hex(o, "serial", c->serial, sizeof c->serial);
    qr_json_set_hex(o, "sha256", c->sha256.b, sizeof c->sha256.b);
    qr_json_set_hex(o, "spki", c->spki.b, sizeof c->spki.b);
    switch (c->purpose) {
    case LEAF_PURPOSE_PARTICIPANT:
        qr_json_set_hex(o, "commitment", c->commitment.b, sizeof c->commitment.b);
        qr_json_set_hex(o, "grant", c->grant.b, sizeof c->grant.b);
        qr_json_set_hex(o, "session_leaf", c->session_leaf.b, sizeof c->session_leaf.b);
        break;
    case LEAF_PURPOSE_GROUP:
        qr_json_set_int(o, "attempt", c->attempt);
        qr_json_set_hex(o, "descriptor", c->descriptor.b, sizeof c->descriptor.b);
        qr_json_set_hex(o, "group_key", c->group_key.b, QR_KEY_SIZE);
        qr_json_set_hex(o, "session_leaf", c->session_leaf.b, sizeof c->session_leaf.b);
        if (c->has_ssh) qr_json_set_hex(o, "ssh_certificate", c->ssh.b, sizeof c->ssh.b);
        qr_json_set_hex(o, "transcript", c->transcript.b, sizeof c->transcript.b);
        break;
    case LEAF_PURPOSE_TRANSPORT: qr_json_set_str(o, "node", c->node); break;
    }
    return o;
}

static void read_special(struct qr_obj *o, struct leaf_certificate *out)
{
    switch (out->purpose) {
    case LEAF_PURPOSE_PARTICIPANT:
        qr_obj_hex(o, "commitment", out->commitment.b, sizeof out->commitment.b);
        qr_obj_hex(o, "grant", out->grant.b, sizeof out->grant.b);
        qr_obj_hex(o, "session_leaf", out->session_leaf.b, sizeof out->session_leaf.b);
        break;
    case LEAF_PURPOSE_GROUP:
        out->attempt = (uint32_t)qr_obj_int(o, "attempt", 1, 1000000);
        qr_obj_hex(o, "descriptor", out->descriptor.b, sizeof out->descriptor.b);
        qr_obj_hex(o, "group_key", out->group_key.b, QR_KEY_SIZE);
        qr_obj_hex(o, "session_leaf", out->session_leaf.b, sizeof out->session_leaf.b);
        out->has_ssh = qr_obj_has(o, "ssh_certificate");
        if (out->has_ssh) qr_obj_hex(o, "ssh_certificate", out->ssh.b, sizeof out->ssh.b);
        qr_obj_hex(o, "transcript", out->transcript.b, sizeof out->transcript.b);
        break;
    case LEAF_PURPOSE_TRANSPORT: leaf_text_read(o, "node", out->node, sizeof out->node); break;
    }
}

enum qr_rc leaf_certificate_read(const json_t *body, struct leaf_certificate *out,
                                 struct qr_err *err)
{
    *out = (struct leaf_certificate){0};
    struct qr_obj o = qr_obj_of(body, "certificate.issued");
    out->not_after_us = qr_obj_time(&o, "not_after");
    out->not_before_us = qr_obj_time(&o, "not_before");
    struct qr_bytes purpose = qr_obj_str(&o, "purpose", 16);
    unsigned i = 0;
    while (i < 3 && !qr_bytes_is(purpose, purposes[i])) i++;
    if (i == 3) {
        qr_obj_bad(&o, "purpose");
        i = 0;
    }
    out->purpose = (enum leaf_purpose)i;
    qr_obj_hex(&o, "serial", out->serial, sizeof out->serial);
    qr_obj_hex(&o, "sha256", out->sha256.b, sizeof out->sha256.b);
    qr_obj_hex(&o, "spki", out->spki.b, sizeof out->spki.b);
    read_special(&o, out);
    return qr_obj_done(&o, err);
}
