/* message.c - envelopes, orders and the Statement. */
#include "leaf/message.h"

#include <stdio.h>

#define MAX_BODY QR_MAX_MESSAGE_DKG

static const char *const rounds[LEAF_ROUND_COUNT] = {
    [LEAF_ROUND_PRESENCE] = "presence", [LEAF_ROUND_DKG1] = "dkg1",   [LEAF_ROUND_DKG2] = "dkg2",
    [LEAF_ROUND_SHARE] = "share",       [LEAF_ROUND_ABORT] = "abort", [LEAF_ROUND_CHAIN] = "chain",
};

static const char *const orders[LEAF_ORDER_COUNT] = {
    [LEAF_ORDER_PROGRESS] = "progress", [LEAF_ORDER_PRESENCE] = "presence",
    [LEAF_ORDER_FROZEN] = "frozen",     [LEAF_ORDER_DKG1] = "dkg1",
    [LEAF_ORDER_SIGN] = "sign",         [LEAF_ORDER_CHAIN] = "chain",
    [LEAF_ORDER_SIGNED] = "signed",     [LEAF_ORDER_ATTEMPT_FAILED] = "attempt_failed",
    [LEAF_ORDER_ENDED] = "ended",
};

const char *leaf_round_name(enum leaf_round r)
{
    return (unsigned)r < LEAF_ROUND_COUNT ? rounds[r] : "?";
}

const char *leaf_order_name(enum leaf_order_type t)
{
    return (unsigned)t < LEAF_ORDER_COUNT ? orders[t] : "?";
}

size_t leaf_payloads_shares(const struct leaf_payloads *p, enum leaf_round round)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += (p->p[i].type == QR_MINISIGN_GLOBAL) == (round == LEAF_ROUND_CHAIN);
    return n;
}

/* Position of a string field among names; marks the field bad when absent. */
static unsigned name_read(struct qr_obj *o, const char *key, const char *const *names, unsigned n)
{
    struct qr_bytes s = qr_obj_str(o, key, 32);
    for (unsigned i = 0; i < n; i++)
        if (qr_bytes_is(s, names[i])) return i;
    qr_obj_bad(o, key);
    return 0;
}

enum qr_rc leaf_envelope_write(const struct leaf_envelope *e, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "approval", e->approval.b, sizeof e->approval.b);
    qr_json_set_int(o, "attempt", e->attempt);
    qr_json_set_base64(o, "body", e->body);
    if (e->has_descriptor)
        qr_json_set_hex(o, "descriptor", e->descriptor.b, sizeof e->descriptor.b);
    else
        qr_json_set_str(o, "descriptor", "");
    qr_json_set_str(o, "round", leaf_round_name(e->round));
    qr_json_set_int(o, "sequence", e->sequence);
    qr_json_set_hex(o, "session_leaf", e->session_leaf.b, sizeof e->session_leaf.b);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

static void descriptor_read(struct qr_obj *o, struct leaf_envelope *out)
{
    struct qr_bytes s = qr_obj_str(o, "descriptor", 2 * QR_SHA256_SIZE);
    out->has_descriptor = s.n > 0;
    if (out->has_descriptor && qr_unhex(s, out->descriptor.b, sizeof out->descriptor.b) != QR_OK)
        qr_obj_bad(o, "descriptor");
}

enum qr_rc leaf_envelope_read(struct qr_bytes bytes, struct leaf_envelope *out, struct qr_err *err)
{
    *out = (struct leaf_envelope){0};
    json_t *v = NULL;
    if (bytes.n > 2 * MAX_BODY) return qr_fail(err, QR_MALFORMED, "envelope: too long");
    QR_TRY(qr_json_parse(bytes, &v, err));
    qr_buf_init(&out->body_buf, MAX_BODY);
    struct qr_obj o = qr_obj_of(v, "envelope");
    qr_obj_hex(&o, "approval", out->approval.b, sizeof out->approval.b);
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, 1000000);
    qr_obj_base64_buf(&o, "body", &out->body_buf);
    descriptor_read(&o, out);
    out->round = (enum leaf_round)name_read(&o, "round", rounds, LEAF_ROUND_COUNT);
    out->sequence = (uint32_t)qr_obj_int(&o, "sequence", 0, UINT32_MAX);
    qr_obj_hex(&o, "session_leaf", out->session_leaf.b, sizeof out->session_leaf.b);
    out->body = qr_buf_bytes(&out->body_buf);
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(v);
    if (rc != QR_OK) leaf_envelope_fini(out);
    return rc;
}

void leaf_envelope_fini(struct leaf_envelope *e)
{
    qr_buf_fini(&e->body_buf);
    e->body = QR_BYTES_NONE;
}

enum qr_rc leaf_abort_write(const struct leaf_abort *a, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "blame", a->blame);
    if (a->has_dispute) qr_json_set_base64(o, "dispute", QR_BYTES_OF(a->dispute));
    qr_json_set_str(o, "reason", a->reason);
    qr_json_set_str(o, "step", a->step);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

enum qr_rc leaf_abort_read(struct qr_bytes bytes, struct leaf_abort *out, struct qr_err *err)
{
    *out = (struct leaf_abort){0};
    json_t *v = NULL;
    QR_TRY(qr_json_parse(bytes, &v, err));
    struct qr_obj o = qr_obj_of(v, "abort");
    out->blame = (uint32_t)qr_obj_int(&o, "blame", 0, QR_MAX_PARTICIPANTS);
    out->has_dispute = qr_obj_has(&o, "dispute");
    if (out->has_dispute) qr_obj_base64(&o, "dispute", out->dispute, sizeof out->dispute);
    if (out->has_dispute && out->blame == 0) qr_obj_bad(&o, "dispute");
    leaf_text_read(&o, "reason", out->reason, sizeof out->reason);
    leaf_text_read(&o, "step", out->step, sizeof out->step);
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(v);
    return rc;
}

json_t *leaf_signed_list_write(const struct leaf_signed *list, size_t n)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = qr_json_object();
        qr_json_set_base64(o, "envelope", list[i].bytes);
        qr_json_set_base64(o, "sig", QR_BYTES_OF(list[i].sig.b));
        qr_json_add(a, o);
    }
    return a;
}

enum qr_rc leaf_signed_list_read(const json_t *array, struct leaf_signed *list, size_t max,
                                 size_t *n, struct qr_buf *pool)
{
    size_t start[QR_MAX_PARTICIPANTS + 1];
    *n = json_array_size(array);
    if (!json_is_array(array) || *n > max || *n > QR_MAX_PARTICIPANTS) return QR_MALFORMED;
    for (size_t i = 0; i < *n; i++) {
        struct qr_obj o = qr_obj_of(json_array_get(array, i), "message");
        start[i] = pool->n;
        qr_obj_base64_buf(&o, "envelope", pool);
        qr_obj_base64(&o, "sig", list[i].sig.b, sizeof list[i].sig.b);
        QR_TRY(qr_obj_done(&o, NULL));
    }
    start[*n] = pool->n;
    for (size_t i = 0; i < *n; i++) /* only now has the pool stopped moving */
        list[i].bytes = QR_BYTES(pool->p + start[i], start[i + 1] - start[i]);
    return QR_OK;
}

enum qr_rc leaf_order_write(const struct leaf_order *d, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "attempt", d->attempt);
    qr_json_set(o, "body", json_incref((json_t *)d->body));
    qr_json_set_u64str(o, "sequence", d->sequence);
    qr_json_set_hex(o, "session_leaf", d->session_leaf.b, sizeof d->session_leaf.b);
    qr_json_set_str(o, "type", leaf_order_name(d->type));
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

enum qr_rc leaf_order_read(struct qr_bytes bytes, struct leaf_order *out, struct qr_err *err)
{
    *out = (struct leaf_order){0};
    QR_TRY(qr_json_parse(bytes, &out->json, err));
    struct qr_obj o = qr_obj_of(out->json, "order");
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 0, 1000000);
    (void)qr_obj_obj(&o, "body");
    out->body = json_object_get(out->json, "body");
    out->sequence = qr_obj_u64str(&o, "sequence");
    qr_obj_hex(&o, "session_leaf", out->session_leaf.b, sizeof out->session_leaf.b);
    out->type = (enum leaf_order_type)name_read(&o, "type", orders, LEAF_ORDER_COUNT);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc != QR_OK) leaf_order_fini(out);
    return rc;
}

void leaf_order_fini(struct leaf_order *o)
{
    json_decref(o->json);
    *o = (struct leaf_order){0};
}

static json_t *statement_subject(const struct leaf_artifact *a)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(a->sha256.b, sizeof a->sha256.b, hex);
    json_t *digest = qr_json_object();
    qr_json_set_str(digest, "sha256", hex);
    json_t *s = qr_json_object();
    qr_json_set(s, "digest", digest);
    qr_json_set_str(s, "name", a->name[0] ? a->name : hex);
    json_t *list = qr_json_array();
    qr_json_add(list, s);
    return list;
}

static json_t *statement_predicate(const struct leaf_descriptor *d, struct qr_bytes origin)
{
    json_t *approvals = qr_json_array();
    for (size_t i = 0; i < d->n; i++) {
        json_t *a = qr_json_object();
        qr_json_set_u64str(a, "index", d->members[i].approval_index);
        qr_json_set_hex(a, "leaf", d->members[i].approval.b, QR_SHA256_SIZE);
        qr_json_set_str(a, "role", qr_role_name(d->members[i].role));
        qr_json_add(approvals, a);
    }
    json_t *p = qr_json_object();
    qr_json_set(p, "approvals", approvals);
    qr_json_set_int(p, "attempt", d->attempt);
    qr_json_set_bytes(p, "log", origin);
    qr_json_set(p, "policies", leaf_policies_write(&d->policies));
    leaf_session_ref_write(p, &d->session);
    return p;
}

enum qr_rc leaf_statement(const struct leaf_request *r, const struct leaf_descriptor *d,
                          struct qr_bytes origin, struct qr_buf *out)
{
    json_t *s = qr_json_object();
    qr_json_set_str(s, "_type", "https://in-toto.io/Statement/v1");
    qr_json_set(s, "predicate", statement_predicate(d, origin));
    qr_json_set_str(s, "predicateType", "urn:quorate:approval:v1");
    qr_json_set(s, "subject", statement_subject(&r->artifact));
    enum qr_rc rc = qr_json_write(s, out);
    json_decref(s);
    return rc;
}

static bool is_printable(struct qr_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e) return false;
    return s.n > 0;
}

enum qr_rc leaf_trusted_comment(const struct leaf_request *r, struct qr_buf *out)
{
    qr_buf_printf(out, "timestamp:%lld", (long long)(r->created_us / 1000000));
    if (is_printable(qr_str(r->artifact.name))) qr_buf_printf(out, "\tfile:%s", r->artifact.name);
    qr_buf_printf(out, "\thashed\tquorate:%s", r->session);
    return qr_buf_ok(out);
}
