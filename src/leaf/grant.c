/* grant.c - encoding and signatures of grants and of their use. */
#include "leaf/grant.h"

static const char *const audiences[] = {"cad", "coordinator"};
static const char *const purposes[] = {"issue", "join"};
static const char *const logins[] = {"person-key", "demo-token"};
static const char *const without_sig[] = {"sig", NULL};

static void keys_write(json_t *o, const struct leaf_grant_request *r)
{
    qr_json_set_hex(o, "approval_key", r->approval_key.b, QR_KEY_SIZE);
    qr_json_set_hex(o, "cocktail_key", r->cocktail_key.b, QR_KEY_SIZE);
    qr_json_set_hex(o, "commitment", r->commitment.b, sizeof r->commitment.b);
    qr_json_set_hex(o, "envelope_key", r->envelope_key.b, QR_KEY_SIZE);
    qr_json_set_str(o, "node", r->node);
    qr_json_set_hex(o, "session_leaf", r->session_leaf.b, sizeof r->session_leaf.b);
}

static void keys_read(struct qr_obj *o, struct leaf_grant_request *out)
{
    qr_obj_hex(o, "approval_key", out->approval_key.b, QR_KEY_SIZE);
    qr_obj_hex(o, "cocktail_key", out->cocktail_key.b, QR_KEY_SIZE);
    qr_obj_hex(o, "commitment", out->commitment.b, sizeof out->commitment.b);
    qr_obj_hex(o, "envelope_key", out->envelope_key.b, QR_KEY_SIZE);
    leaf_text_read(o, "node", out->node, sizeof out->node);
    qr_obj_hex(o, "session_leaf", out->session_leaf.b, sizeof out->session_leaf.b);
}

json_t *leaf_grant_request_write(const struct leaf_grant_request *r)
{
    json_t *o = qr_json_object();
    keys_write(o, r);
    return o;
}

enum qr_rc leaf_grant_request_read(const json_t *v, struct leaf_grant_request *out,
                                   struct qr_err *err)
{
    *out = (struct leaf_grant_request){0};
    struct qr_obj o = qr_obj_of(v, "grant request");
    keys_read(&o, out);
    return qr_obj_done(&o, err);
}

enum qr_rc leaf_grant_sign(const struct leaf_grant *g, const struct qr_signer *key,
                           struct qr_buf *out)
{
    json_t *o = qr_json_object();
    keys_write(o, &g->keys);
    qr_json_set_str(o, "audience", audiences[g->audience]);
    qr_json_set(o, "classes", qr_classes_json(g->classes));
    qr_json_set_hex(o, "enrolment", g->enrolment.b, sizeof g->enrolment.b);
    qr_json_set_time(o, "expires", g->expires_us);
    qr_json_set_time(o, "issued", g->issued_us);
    qr_json_set_str(o, "jti", g->jti);
    qr_json_set_str(o, "login", logins[g->login]);
    qr_json_set_str(o, "purpose", purposes[g->audience]);
    qr_json_set_str(o, "role", qr_role_name(g->role));
    qr_json_set_int(o, "v", 1);
    enum qr_rc rc = leaf_object_sign(o, without_sig, LEAF_TAG_GRANT, key, "sig");
    if (rc == QR_OK) rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

static unsigned word_read(struct qr_obj *o, const char *key, const char *const *words)
{
    struct qr_bytes s = qr_obj_str(o, key, 16);
    if (qr_bytes_is(s, words[1])) return 1;
    if (!qr_bytes_is(s, words[0])) qr_obj_bad(o, key);
    return 0;
}

enum qr_rc leaf_grant_parse(struct qr_bytes bytes, struct leaf_grant *out, json_t **json,
                            struct qr_err *err)
{
    *out = (struct leaf_grant){0};
    *json = NULL;
    if (bytes.n > LEAF_MAX_GRANT) return qr_fail(err, QR_MALFORMED, "grant: too long");
    json_t *v = NULL;
    QR_TRY(qr_json_parse(bytes, &v, err));
    struct qr_obj o = qr_obj_of(v, "grant");
    keys_read(&o, &out->keys);
    out->audience = (enum leaf_audience)word_read(&o, "audience", audiences);
    out->classes = qr_obj_classes(&o, "classes");
    qr_obj_hex(&o, "enrolment", out->enrolment.b, sizeof out->enrolment.b);
    out->expires_us = qr_obj_time(&o, "expires");
    out->issued_us = qr_obj_time(&o, "issued");
    leaf_ulid_read(&o, "jti", out->jti);
    out->login = (enum leaf_login)word_read(&o, "login", logins);
    if (word_read(&o, "purpose", purposes) != (unsigned)out->audience) qr_obj_bad(&o, "purpose");
    out->role = qr_obj_role(&o, "role");
    qr_obj_base64(&o, "sig", out->sig.b, sizeof out->sig.b);
    (void)qr_obj_int(&o, "v", 1, 1);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc == QR_OK)
        *json = v;
    else
        json_decref(v);
    return rc;
}

enum qr_rc leaf_grant_verify(const json_t *json, const struct leaf_grant *g,
                             const struct qr_pub *pub)
{
    return leaf_object_verify_pinned(json, without_sig, LEAF_TAG_GRANT, pub, &g->sig);
}

static void use_message(const struct leaf_grant *g, const char *method, struct qr_bytes body,
                        struct qr_buf *out)
{
    struct qr_hash h = qr_sha256_one(body);
    qr_buf_put_lp(out, qr_str(method));
    qr_buf_put_lp(out, qr_str(g->jti));
    qr_buf_put(out, h.b, sizeof h.b);
    if (out->failed) qr_fatal("a method name over its cap");
}

void leaf_grant_use_sign(const struct leaf_grant *g, const char *method, struct qr_bytes body,
                         const struct qr_signer *approval_key, struct qr_sig *out)
{
    struct qr_buf b;
    qr_buf_init(&b, 512);
    use_message(g, method, body, &b);
    qr_sign_tagged(approval_key, LEAF_TAG_GRANT_USE, qr_buf_bytes(&b), out);
    qr_buf_fini(&b);
}

enum qr_rc leaf_grant_use_verify(const struct leaf_grant *g, const char *method,
                                 struct qr_bytes body, const struct qr_sig *sig)
{
    struct qr_buf b;
    qr_buf_init(&b, 512);
    use_message(g, method, body, &b);
    enum qr_rc rc =
        qr_verify_tagged(&g->keys.approval_key, LEAF_TAG_GRANT_USE, qr_buf_bytes(&b), sig);
    qr_buf_fini(&b);
    return rc;
}

void leaf_login_message(const uint8_t challenge[32], struct qr_bytes grant_request, uint8_t out[64])
{
    struct qr_hash h = qr_sha256_one(grant_request);
    qr_copy(out, challenge, 32);
    qr_copy(out + 32, h.b, sizeof h.b);
}
