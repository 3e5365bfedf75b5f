/* ceremony.c - dkg.completed, signing.started, signature.made and the two ways
 * to fail. */
#include "leaf/session.h"

#include <string.h>

#define MAX_ATTEMPT 1000000

static void attempt_write(json_t *o, const struct leaf_session_ref *s, uint32_t attempt)
{
    leaf_session_ref_write(o, s);
    qr_json_set_int(o, "attempt", attempt);
}

static uint32_t attempt_read(struct qr_obj *o, struct leaf_session_ref *s, int64_t least)
{
    leaf_session_ref_read(o, s);
    return (uint32_t)qr_obj_int(o, "attempt", least, MAX_ATTEMPT);
}

json_t *leaf_dkg_write(const struct leaf_dkg *d)
{
    json_t *o = qr_json_object();
    attempt_write(o, &d->session, d->attempt);
    qr_json_set_hex(o, "descriptor", d->descriptor.b, sizeof d->descriptor.b);
    qr_json_set_hex(o, "frames", d->frames, sizeof d->frames);
    qr_json_set_hex(o, "group_key", d->group_key.b, QR_KEY_SIZE);
    qr_json_set_hex(o, "transcript", d->transcript.b, sizeof d->transcript.b);
    return o;
}

enum qr_rc leaf_dkg_read(const json_t *body, struct leaf_dkg *out, struct qr_err *err)
{
    *out = (struct leaf_dkg){0};
    struct qr_obj o = qr_obj_of(body, "dkg.completed");
    out->attempt = attempt_read(&o, &out->session, 1);
    qr_obj_hex(&o, "descriptor", out->descriptor.b, sizeof out->descriptor.b);
    qr_obj_hex(&o, "frames", out->frames, sizeof out->frames);
    qr_obj_hex(&o, "group_key", out->group_key.b, QR_KEY_SIZE);
    qr_obj_hex(&o, "transcript", out->transcript.b, sizeof out->transcript.b);
    return qr_obj_done(&o, err);
}

static json_t *pair_write(const struct leaf_commitment_pair *p)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "binding", p->binding.b, QR_KEY_SIZE);
    qr_json_set_hex(o, "hiding", p->hiding.b, QR_KEY_SIZE);
    qr_json_set_int(o, "index", p->index);
    return o;
}

json_t *leaf_started_payloads_write(const struct leaf_started_payload *list, size_t count, size_t n)
{
    json_t *payloads = qr_json_array();
    for (size_t i = 0; i < count; i++) {
        const struct leaf_started_payload *p = &list[i];
        json_t *pairs = qr_json_array();
        for (size_t k = 0; k < n; k++) qr_json_add(pairs, pair_write(&p->pairs[k]));
        json_t *e = qr_json_object();
        qr_json_set(e, "commitments", pairs);
        qr_json_set_hex(e, "digest", p->digest.b, sizeof p->digest.b);
        qr_json_set_str(e, "type", qr_payload_name(p->type));
        qr_json_add(payloads, e);
    }
    return payloads;
}

json_t *leaf_started_write(const struct leaf_started *s)
{
    json_t *o = qr_json_object();
    attempt_write(o, &s->session, s->attempt);
    qr_json_set_hex(o, "certificate", s->certificate.b, sizeof s->certificate.b);
    qr_json_set_hex(o, "descriptor", s->descriptor.b, sizeof s->descriptor.b);
    qr_json_set_hex(o, "group_key", s->group_key.b, QR_KEY_SIZE);
    qr_json_set(o, "payloads", leaf_started_payloads_write(s->payloads, s->payload_count, s->n));
    return o;
}

/* One payload of signing.started; every list has the signers of the first. */
static void started_payload_read(const json_t *v, struct leaf_started_payload *list, size_t at,
                                 size_t *signers, struct qr_obj *parent)
{
    struct leaf_started_payload *p = &list[at];
    struct qr_obj o = qr_obj_of(v, "payload");
    const json_t *a = qr_obj_array(&o, "commitments", QR_MAX_PARTICIPANTS);
    size_t n = json_array_size(a);
    if (at == 0) *signers = n;
    if (n == 0 || n != *signers) qr_obj_bad(&o, "commitments");
    for (size_t i = 0; i < n; i++) {
        struct qr_obj c = qr_obj_of(json_array_get(a, i), "commitment");
        qr_obj_hex(&c, "binding", p->pairs[i].binding.b, QR_KEY_SIZE);
        qr_obj_hex(&c, "hiding", p->pairs[i].hiding.b, QR_KEY_SIZE);
        p->pairs[i].index = (uint32_t)qr_obj_int(&c, "index", 1, QR_MAX_PARTICIPANTS);
        if (qr_obj_done(&c, NULL) != QR_OK || p->pairs[i].index != list[0].pairs[i].index ||
            (i > 0 && p->pairs[i].index <= p->pairs[i - 1].index))
            qr_obj_bad(&o, "commitments");
    }
    qr_obj_hex(&o, "digest", p->digest.b, sizeof p->digest.b);
    if (qr_payload_parse(qr_obj_str(&o, "type", 16), &p->type) != QR_OK) qr_obj_bad(&o, "type");
    if (qr_obj_done(&o, NULL) != QR_OK || (at > 0 && p->type <= list[at - 1].type))
        qr_obj_bad(parent, "payloads");
}

size_t leaf_started_payloads_read(struct qr_obj *o, struct leaf_started_payload *list, size_t *n)
{
    const json_t *a = qr_obj_array(o, "payloads", QR_MAX_PAYLOADS);
    size_t count = json_array_size(a);
    if (count == 0) qr_obj_bad(o, "payloads");
    for (size_t i = 0; i < count; i++) started_payload_read(json_array_get(a, i), list, i, n, o);
    return count;
}

enum qr_rc leaf_started_read(const json_t *body, struct leaf_started *out, struct qr_err *err)
{
    *out = (struct leaf_started){0};
    struct qr_obj o = qr_obj_of(body, "signing.started");
    out->attempt = attempt_read(&o, &out->session, 1);
    qr_obj_hex(&o, "certificate", out->certificate.b, sizeof out->certificate.b);
    qr_obj_hex(&o, "descriptor", out->descriptor.b, sizeof out->descriptor.b);
    qr_obj_hex(&o, "group_key", out->group_key.b, QR_KEY_SIZE);
    out->payload_count = leaf_started_payloads_read(&o, out->payloads, &out->n);
    return qr_obj_done(&o, err);
}

json_t *leaf_signatures_write(const struct leaf_signed_payload *list, size_t n)
{
    json_t *sigs = qr_json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *e = qr_json_object();
        qr_json_set_hex(e, "digest", list[i].digest.b, QR_SHA256_SIZE);
        qr_json_set_base64(e, "sig", QR_BYTES_OF(list[i].sig.b));
        qr_json_set_str(e, "type", qr_payload_name(list[i].type));
        qr_json_add(sigs, e);
    }
    return sigs;
}

size_t leaf_signatures_read(struct qr_obj *o, struct leaf_signed_payload *list)
{
    const json_t *a = qr_obj_array(o, "signatures", QR_MAX_PAYLOADS);
    size_t n = json_array_size(a);
    if (n == 0) qr_obj_bad(o, "signatures");
    for (size_t i = 0; i < n; i++) {
        struct leaf_signed_payload *p = &list[i];
        struct qr_obj e = qr_obj_of(json_array_get(a, i), "signature");
        qr_obj_hex(&e, "digest", p->digest.b, sizeof p->digest.b);
        qr_obj_base64(&e, "sig", p->sig.b, sizeof p->sig.b);
        if (qr_payload_parse(qr_obj_str(&e, "type", 16), &p->type) != QR_OK ||
            qr_obj_done(&e, NULL) != QR_OK || (i > 0 && p->type <= list[i - 1].type))
            qr_obj_bad(o, "signatures");
    }
    return n;
}

json_t *leaf_made_write(const struct leaf_made *m)
{
    json_t *o = qr_json_object();
    attempt_write(o, &m->session, m->attempt);
    qr_json_set_hex(o, "descriptor", m->descriptor.b, sizeof m->descriptor.b);
    qr_json_set_hex(o, "group_key", m->group_key.b, QR_KEY_SIZE);
    qr_json_set(o, "signatures", leaf_signatures_write(m->signatures, m->n));
    qr_json_set_hex(o, "started", m->started.b, sizeof m->started.b);
    return o;
}

enum qr_rc leaf_made_read(const json_t *body, struct leaf_made *out, struct qr_err *err)
{
    *out = (struct leaf_made){0};
    struct qr_obj o = qr_obj_of(body, "signature.made");
    out->attempt = attempt_read(&o, &out->session, 1);
    qr_obj_hex(&o, "descriptor", out->descriptor.b, sizeof out->descriptor.b);
    qr_obj_hex(&o, "group_key", out->group_key.b, QR_KEY_SIZE);
    out->n = leaf_signatures_read(&o, out->signatures);
    qr_obj_hex(&o, "started", out->started.b, sizeof out->started.b);
    return qr_obj_done(&o, err);
}

json_t *leaf_failed_write(const struct leaf_failed *f)
{
    json_t *o = qr_json_object();
    attempt_write(o, &f->session, f->attempt);
    qr_json_set(o, "blame", leaf_people_write(&f->blame));
    if (f->has_evidence) qr_json_set_hex(o, "evidence", f->evidence.b, sizeof f->evidence.b);
    qr_json_set_str(o, "reason", f->reason);
    qr_json_set_str(o, "step", f->step);
    return o;
}

enum qr_rc leaf_failed_read(const json_t *body, struct leaf_failed *out, struct qr_err *err)
{
    *out = (struct leaf_failed){0};
    struct qr_obj o = qr_obj_of(body, "attempt.failed");
    out->attempt = attempt_read(&o, &out->session, 1);
    leaf_people_read(&o, "blame", &out->blame);
    out->has_evidence = qr_obj_has(&o, "evidence");
    if (out->has_evidence) qr_obj_hex(&o, "evidence", out->evidence.b, sizeof out->evidence.b);
    if (out->has_evidence && out->blame.n == 0) qr_obj_bad(&o, "evidence");
    leaf_text_read(&o, "reason", out->reason, sizeof out->reason);
    leaf_text_read(&o, "step", out->step, sizeof out->step);
    return qr_obj_done(&o, err);
}

static const char *const ends[LEAF_END_COUNT] = {
    [LEAF_EXPIRED] = "EXPIRED",
    [LEAF_CANCELLED] = "CANCELLED",
    [LEAF_FAILED] = "FAILED",
};

const char *leaf_end_name(enum leaf_end e) { return (unsigned)e < LEAF_END_COUNT ? ends[e] : "?"; }

json_t *leaf_ended_write(const struct leaf_ended *e)
{
    json_t *o = qr_json_object();
    attempt_write(o, &e->session, e->attempt);
    qr_json_set(o, "blame", leaf_people_write(&e->blame));
    if (e->by_person) {
        qr_json_set_hex(o, "by", e->by.b, sizeof e->by.b);
        qr_json_set_base64(o, "person_sig", QR_BYTES_OF(e->person_sig.b));
    } else {
        qr_json_set_str(o, "by", "");
        qr_json_set_str(o, "person_sig", "");
    }
    qr_json_set_str(o, "reason", e->reason);
    qr_json_set_str(o, "state", leaf_end_name(e->state));
    qr_json_set_str(o, "step", e->step);
    return o;
}

static void ended_by_read(struct qr_obj *o, struct leaf_ended *out)
{
    struct qr_bytes by = qr_obj_str(o, "by", 2 * QR_SHA256_SIZE);
    struct qr_bytes sig = qr_obj_str(o, "person_sig", 88);
    out->by_person = by.n > 0;
    if (!out->by_person && sig.n == 0) return;
    if (qr_unhex(by, out->by.b, sizeof out->by.b) != QR_OK ||
        qr_unbase64_n(sig, out->person_sig.b, sizeof out->person_sig.b) != QR_OK)
        qr_obj_bad(o, "by");
}

enum qr_rc leaf_ended_read(const json_t *body, struct leaf_ended *out, struct qr_err *err)
{
    *out = (struct leaf_ended){0};
    struct qr_obj o = qr_obj_of(body, "session.ended");
    out->attempt = attempt_read(&o, &out->session, 0);
    leaf_people_read(&o, "blame", &out->blame);
    ended_by_read(&o, out);
    leaf_text_read(&o, "reason", out->reason, sizeof out->reason);
    struct qr_bytes state = qr_obj_str(&o, "state", 16);
    while (out->state < LEAF_END_COUNT && !qr_bytes_is(state, ends[out->state])) out->state++;
    if (out->state == LEAF_END_COUNT) {
        out->state = LEAF_FAILED;
        qr_obj_bad(&o, "state");
    }
    /* Only a person cancels, and nothing else has one's name. */
    if ((out->state == LEAF_CANCELLED) != out->by_person) qr_obj_bad(&o, "by");
    leaf_text_read(&o, "step", out->step, sizeof out->step);
    return qr_obj_done(&o, err);
}

json_t *leaf_cancel_object(const struct qr_hash *session_leaf)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "session_leaf", session_leaf->b, sizeof session_leaf->b);
    qr_json_set_str(o, "state", "CANCELLED");
    return o;
}
