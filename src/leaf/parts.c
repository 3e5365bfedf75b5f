/* parts.c - readers and writers of the shared pieces. */
#include "leaf/parts.h"

#include <stdio.h>
#include <string.h>

json_t *leaf_policies_write(const struct leaf_policies *p)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "attestation", p->attestation.b, sizeof p->attestation.b);
    qr_json_set_hex(o, "signing", p->signing.b, sizeof p->signing.b);
    return o;
}

void leaf_policies_read(struct qr_obj *o, const char *key, struct leaf_policies *out)
{
    struct qr_obj p = qr_obj_obj(o, key);
    qr_obj_hex(&p, "attestation", out->attestation.b, sizeof out->attestation.b);
    qr_obj_hex(&p, "signing", out->signing.b, sizeof out->signing.b);
    if (qr_obj_done(&p, NULL) != QR_OK) qr_obj_bad(o, key);
}

bool leaf_policies_equal(const struct leaf_policies *a, const struct leaf_policies *b)
{
    return qr_hash_equal(&a->attestation, &b->attestation) &&
           qr_hash_equal(&a->signing, &b->signing);
}

static void x509_write(json_t *o, const struct leaf_payload *p)
{
    const struct leaf_x509 *x = &p->x509;
    qr_json_set_str(o, "subject", x->subject);
    if (p->type == QR_X509_CSR) return;
    qr_json_set_int(o, "days", x->days);
    if (p->type == QR_X509_CA) return;
    qr_json_set_base64(o, "key", QR_BYTES(x->key, x->key_n));
    qr_json_set_str(o, "usage", qr_usage_name(x->usage));
}

json_t *leaf_payloads_write(const struct leaf_payloads *ps, bool with_digest)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < ps->n; i++) {
        const struct leaf_payload *p = &ps->p[i];
        json_t *o = qr_json_object();
        qr_json_set_str(o, "type", qr_payload_name(p->type));
        if (p->type == QR_SSHSIG) qr_json_set_str(o, "namespace", p->ns);
        if (p->type == QR_MINISIGN) qr_json_set_hex(o, "blake2b", p->blake2b, sizeof p->blake2b);
        if (qr_payload_is_x509(p->type)) x509_write(o, p);
        if (with_digest) qr_json_set_hex(o, "digest", p->digest.b, sizeof p->digest.b);
        qr_json_add(a, o);
    }
    return a;
}

bool leaf_namespace_ok(struct qr_bytes s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.@-";
    if (s.n == 0 || s.n > LEAF_MAX_NAMESPACE) return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == 0 || !strchr(allowed, s.p[i])) return false;
    return true;
}

bool leaf_subject_ok(struct qr_bytes s)
{
    if (s.n == 0 || s.n > LEAF_MAX_SUBJECT || s.p[0] == ' ' || s.p[s.n - 1] == ' ') return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~') return false;
    return true;
}

bool leaf_host_ok(struct qr_bytes s)
{
    size_t label = 0, dots = 0;
    if (s.n > LEAF_MAX_SUBJECT) return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool end = i + 1 == s.n || s.p[i + 1] == '.';
        if (c == '.' ? label == 0 : !word && (c != '-' || label == 0 || end)) return false;
        label = c == '.' ? 0 : label + 1;
        dots += c == '.';
    }
    return label > 0 && dots > 0;
}

static void x509_read(struct qr_obj *o, enum qr_payload type, struct leaf_x509 *out)
{
    struct qr_bytes s = qr_obj_str(o, "subject", LEAF_MAX_SUBJECT);
    if (leaf_subject_ok(s))
        qr_copy(out->subject, s.p, s.n);
    else
        qr_obj_bad(o, "subject");
    if (type == QR_X509_CSR) return;
    out->days = (uint32_t)qr_obj_int(o, "days", 1, LEAF_MAX_DAYS);
    if (type == QR_X509_CA) return;
    struct qr_buf key;
    qr_buf_init(&key, sizeof out->key);
    qr_obj_base64_buf(o, "key", &key);
    if (qr_buf_ok(&key) == QR_OK && key.n > 0) {
        qr_copy(out->key, key.p, key.n);
        out->key_n = key.n;
    } else {
        qr_obj_bad(o, "key");
    }
    qr_buf_fini(&key);
    out->usage = qr_obj_usage(o, "usage");
    if (out->usage == QR_SERVER && !leaf_host_ok(s)) qr_obj_bad(o, "subject");
}

static void payload_read(const json_t *v, bool with_digest, struct leaf_payload *out,
                         struct qr_obj *parent, const char *key)
{
    struct qr_obj o = qr_obj_of(v, "payload");
    if (qr_payload_parse(qr_obj_str(&o, "type", 16), &out->type) != QR_OK) qr_obj_bad(&o, "type");
    if (out->type == QR_SSHSIG) {
        struct qr_bytes ns = qr_obj_str(&o, "namespace", LEAF_MAX_NAMESPACE);
        if (leaf_namespace_ok(ns))
            qr_copy(out->ns, ns.p, ns.n);
        else
            qr_obj_bad(&o, "namespace");
    }
    if (out->type == QR_MINISIGN) qr_obj_hex(&o, "blake2b", out->blake2b, sizeof out->blake2b);
    if (qr_payload_is_x509(out->type)) x509_read(&o, out->type, &out->x509);
    if (with_digest) qr_obj_hex(&o, "digest", out->digest.b, sizeof out->digest.b);
    if (qr_obj_done(&o, NULL) != QR_OK) qr_obj_bad(parent, key);
}

/* Who is certified, by whom: the CA stands before, and outlives it. */
static bool has_ca(const struct leaf_payload *cert, const struct leaf_payload *before)
{
    return before && before->type == QR_X509_CA && before->x509.days >= cert->x509.days;
}

void leaf_payloads_read(struct qr_obj *o, const char *key, bool with_digest,
                        struct leaf_payloads *out)
{
    *out = (struct leaf_payloads){0};
    const json_t *a = qr_obj_array(o, key, QR_MAX_PAYLOADS);
    size_t n = json_array_size(a);
    if (n == 0) qr_obj_bad(o, key);
    for (size_t i = 0; i < n; i++) {
        payload_read(json_array_get(a, i), with_digest, &out->p[i], o, key);
        if (i > 0 && out->p[i].type <= out->p[i - 1].type) qr_obj_bad(o, key);
        if ((out->p[i].type == QR_MINISIGN_GLOBAL) != (i > 0 && out->p[i - 1].type == QR_MINISIGN))
            qr_obj_bad(o, key);
        if (out->p[i].type == QR_X509_CERT && !has_ca(&out->p[i], i > 0 ? &out->p[i - 1] : NULL))
            qr_obj_bad(o, key);
    }
    if (n > 0 && out->p[n - 1].type == QR_MINISIGN) qr_obj_bad(o, key);
    out->n = n;
}

static bool x509_same(const struct leaf_x509 *a, const struct leaf_x509 *b)
{
    return strcmp(a->subject, b->subject) == 0 && a->days == b->days && a->usage == b->usage &&
           qr_bytes_equal(QR_BYTES(a->key, a->key_n), QR_BYTES(b->key, b->key_n));
}

bool leaf_payloads_same(const struct leaf_payloads *a, const struct leaf_payloads *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->p[i].type != b->p[i].type || strcmp(a->p[i].ns, b->p[i].ns) != 0 ||
            !qr_bytes_equal(QR_BYTES_OF(a->p[i].blake2b), QR_BYTES_OF(b->p[i].blake2b)) ||
            !x509_same(&a->p[i].x509, &b->p[i].x509))
            return false;
    return true;
}

json_t *leaf_checkpoint_write(const struct leaf_checkpoint *c)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "root", c->root.b, sizeof c->root.b);
    qr_json_set_u64str(o, "size", c->size);
    return o;
}

void leaf_checkpoint_read(struct qr_obj *o, const char *key, struct leaf_checkpoint *out)
{
    struct qr_obj c = qr_obj_obj(o, key);
    qr_obj_hex(&c, "root", out->root.b, sizeof out->root.b);
    out->size = qr_obj_u64str(&c, "size");
    if (qr_obj_done(&c, NULL) != QR_OK) qr_obj_bad(o, key);
}

json_t *leaf_admin_sigs_write(const struct leaf_admin_sigs *as)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < as->n; i++) {
        json_t *o = qr_json_object();
        qr_json_set_hex(o, "key", as->s[i].key.b, sizeof as->s[i].key.b);
        qr_json_set_base64(o, "sig", QR_BYTES_OF(as->s[i].sig.b));
        qr_json_add(a, o);
    }
    return a;
}

void leaf_admin_sigs_read(struct qr_obj *o, const char *key, struct leaf_admin_sigs *out)
{
    *out = (struct leaf_admin_sigs){0};
    const json_t *a = qr_obj_array(o, key, LEAF_MAX_ADMINS);
    for (size_t i = 0; i < json_array_size(a); i++) {
        struct leaf_admin_sig *s = &out->s[i];
        struct qr_obj e = qr_obj_of(json_array_get(a, i), key);
        qr_obj_hex(&e, "key", s->key.b, sizeof s->key.b);
        qr_obj_base64(&e, "sig", s->sig.b, sizeof s->sig.b);
        if (qr_obj_done(&e, NULL) != QR_OK) qr_obj_bad(o, key);
        if (i > 0 && memcmp(out->s[i - 1].key.b, s->key.b, sizeof s->key.b) >= 0)
            qr_obj_bad(o, key);
    }
    out->n = json_array_size(a);
}

enum qr_rc leaf_admin_sigs_of(const json_t *body, struct leaf_admin_sigs *out, struct qr_err *err)
{
    json_t *alone = qr_json_object();
    json_t *had = json_object_get(body, "admin_sigs");
    if (had) qr_json_set(alone, "admin_sigs", json_incref(had));
    struct qr_obj o = qr_obj_of(alone, "admin_sigs");
    leaf_admin_sigs_read(&o, "admin_sigs", out);
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(alone);
    return rc;
}

enum qr_rc leaf_admin_sign(json_t *body, const char *tag, const struct qr_signer *admin,
                           struct qr_err *err)
{
    struct leaf_admin_sigs sigs = {.n = 0};
    struct qr_buf part;
    size_t at = 0;
    if (json_object_get(body, "admin_sigs")) QR_TRY(leaf_admin_sigs_of(body, &sigs, err));
    (void)json_object_del(body, "admin_sigs");
    while (at < sigs.n && memcmp(sigs.s[at].key.b, admin->pub.b, QR_KEY_SIZE) < 0) at++;
    bool again = at < sigs.n && memcmp(sigs.s[at].key.b, admin->pub.b, QR_KEY_SIZE) == 0;
    qr_buf_init(&part, QR_MAX_ENTRY);
    enum qr_rc rc = QR_OK;
    if (again)
        rc = qr_fail(err, QR_EXISTS, "this admin has signed already");
    else if (sigs.n == LEAF_MAX_ADMINS)
        rc = qr_fail(err, QR_RANGE, "%d admins have signed already", LEAF_MAX_ADMINS);
    else
        rc = qr_json_write(body, &part);
    if (rc == QR_OK) {
        for (size_t i = sigs.n++; i > at; i--) sigs.s[i] = sigs.s[i - 1];
        sigs.s[at].key = admin->pub;
        qr_sign_tagged(admin, tag, qr_buf_bytes(&part), &sigs.s[at].sig);
    }
    qr_json_set(body, "admin_sigs", leaf_admin_sigs_write(&sigs));
    qr_buf_fini(&part);
    return rc;
}

size_t leaf_admin_sigs_good(const struct leaf_admin_sigs *a, const json_t *body, const char *tag,
                            const struct qr_pub *admins, size_t admin_count)
{
    static const char *const without[] = {"admin_sigs", NULL};
    size_t good = 0;
    for (size_t i = 0; i < a->n; i++) {
        bool known = false;
        for (size_t k = 0; k < admin_count; k++)
            if (memcmp(admins[k].b, a->s[i].key.b, QR_KEY_SIZE) == 0) known = true;
        if (known &&
            leaf_object_verify_pinned(body, without, tag, &a->s[i].key, &a->s[i].sig) == QR_OK)
            good++;
    }
    return good;
}

void leaf_ulid_read(struct qr_obj *o, const char *key, char out[QR_ULID_LEN + 1])
{
    struct qr_bytes s = qr_obj_str(o, key, QR_ULID_LEN);
    qr_zero(out, QR_ULID_LEN + 1);
    if (qr_ulid_ok(s))
        qr_copy(out, s.p, s.n);
    else
        qr_obj_bad(o, key);
}

void leaf_text_read(struct qr_obj *o, const char *key, char *out, size_t room)
{
    struct qr_bytes s = qr_obj_str(o, key, room - 1);
    qr_zero(out, room);
    if (qr_utf8_ok(s))
        qr_copy(out, s.p, s.n);
    else
        qr_obj_bad(o, key);
}

void leaf_session_ref_write(json_t *o, const struct leaf_session_ref *s)
{
    qr_json_set_str(o, "session", s->id);
    qr_json_set_hex(o, "session_leaf", s->leaf.b, sizeof s->leaf.b);
}

void leaf_session_ref_read(struct qr_obj *o, struct leaf_session_ref *out)
{
    leaf_ulid_read(o, "session", out->id);
    qr_obj_hex(o, "session_leaf", out->leaf.b, sizeof out->leaf.b);
}

json_t *leaf_people_write(const struct leaf_people *p)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < p->n; i++) qr_json_add(a, qr_json_hex(p->p[i].b, sizeof p->p[i].b));
    return a;
}

void leaf_people_read(struct qr_obj *o, const char *key, struct leaf_people *out)
{
    const json_t *a = qr_obj_array(o, key, QR_MAX_PARTICIPANTS);
    *out = (struct leaf_people){0};
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *v = json_array_get(a, i);
        struct qr_bytes s = json_is_string(v)
                                ? QR_BYTES(json_string_value(v), json_string_length(v))
                                : QR_BYTES_NONE;
        if (qr_unhex(s, out->p[i].b, sizeof out->p[i].b) != QR_OK) qr_obj_bad(o, key);
    }
    out->n = json_array_size(a);
}
