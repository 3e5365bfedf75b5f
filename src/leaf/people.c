/* people.c - bodies that carry admins' signatures. */
#include "leaf/people.h"

#include "base/removal.h"

static const char *const policy_names[] = {"signing", "attestation"};

json_t *leaf_policy_write(const struct leaf_policy *p)
{
    json_t *o = qr_json_object();
    qr_json_set(o, "admin_sigs", leaf_admin_sigs_write(&p->admin_sigs));
    qr_json_set_hex(o, "hash", p->hash.b, sizeof p->hash.b);
    qr_json_set_str(o, "name", policy_names[p->name]);
    qr_json_set_bytes(o, "text", p->text);
    return o;
}

enum qr_rc leaf_policy_read(const json_t *body, struct leaf_policy *out, struct qr_err *err)
{
    *out = (struct leaf_policy){0};
    struct qr_obj o = qr_obj_of(body, "policy.changed");
    leaf_admin_sigs_read(&o, "admin_sigs", &out->admin_sigs);
    qr_obj_hex(&o, "hash", out->hash.b, sizeof out->hash.b);
    struct qr_bytes name = qr_obj_str(&o, "name", 16);
    if (qr_bytes_is(name, "attestation"))
        out->name = LEAF_POLICY_ATTESTATION;
    else if (!qr_bytes_is(name, "signing"))
        qr_obj_bad(&o, "name");
    out->text = qr_obj_text(&o, "text", QR_MAX_ENTRY);
    return qr_obj_done(&o, err);
}

json_t *leaf_identity_write(const struct leaf_identity *p, enum leaf_kind kind)
{
    json_t *o = qr_json_object();
    qr_json_set(o, "admin_sigs", leaf_admin_sigs_write(&p->admin_sigs));
    qr_json_set_hex(o, "commitment", p->commitment.b, sizeof p->commitment.b);
    if (kind == LEAF_IDENTITY_ROLE_CHANGED)
        qr_json_set_hex(o, "enrolment", p->enrolment.b, sizeof p->enrolment.b);
    qr_json_set_str(o, "node", p->node);
    qr_json_set_hex(o, "person_key", p->person_key.b, sizeof p->person_key.b);
    qr_json_set_str(o, "role", qr_role_name(p->role));
    return o;
}

enum qr_rc leaf_identity_read(const json_t *body, enum leaf_kind kind, struct leaf_identity *out,
                              struct qr_err *err)
{
    *out = (struct leaf_identity){0};
    struct qr_obj o = qr_obj_of(body, leaf_kind_name(kind));
    leaf_admin_sigs_read(&o, "admin_sigs", &out->admin_sigs);
    qr_obj_hex(&o, "commitment", out->commitment.b, sizeof out->commitment.b);
    if (kind == LEAF_IDENTITY_ROLE_CHANGED)
        qr_obj_hex(&o, "enrolment", out->enrolment.b, sizeof out->enrolment.b);
    leaf_text_read(&o, "node", out->node, sizeof out->node);
    qr_obj_hex(&o, "person_key", out->person_key.b, sizeof out->person_key.b);
    out->role = qr_obj_role(&o, "role");
    return qr_obj_done(&o, err);
}

json_t *leaf_revocation_write(const struct leaf_revocation *p, enum leaf_kind kind)
{
    json_t *o = qr_json_object();
    qr_json_set(o, "admin_sigs", leaf_admin_sigs_write(&p->admin_sigs));
    qr_json_set_hex(o, "commitment", p->commitment.b, sizeof p->commitment.b);
    qr_json_set_hex(o, "enrolment", p->enrolment.b, sizeof p->enrolment.b);
    if (kind == LEAF_IDENTITY_REVOKED) qr_json_set_str(o, "reason", p->reason);
    return o;
}

enum qr_rc leaf_revocation_read(const json_t *body, enum leaf_kind kind,
                                struct leaf_revocation *out, struct qr_err *err)
{
    *out = (struct leaf_revocation){0};
    struct qr_obj o = qr_obj_of(body, leaf_kind_name(kind));
    leaf_admin_sigs_read(&o, "admin_sigs", &out->admin_sigs);
    qr_obj_hex(&o, "commitment", out->commitment.b, sizeof out->commitment.b);
    qr_obj_hex(&o, "enrolment", out->enrolment.b, sizeof out->enrolment.b);
    if (kind == LEAF_IDENTITY_REVOKED)
        leaf_text_read(&o, "reason", out->reason, sizeof out->reason);
    return qr_obj_done(&o, err);
}

static enum qr_rc standing_change(struct leaf_standing *s, const struct leaf_entry *e,
                                  const struct qr_hash *leaf, struct qr_err *err)
{
    struct leaf_identity id;
    QR_TRY(leaf_identity_read(e->body, e->kind, &id, err));
    if (!qr_hash_equal(&id.commitment, s->of)) return QR_OK;
    bool fits = e->kind == LEAF_IDENTITY_ENROLLED ? !s->ever : leaf_standing_is(s, &id.enrolment);
    if (!QR_HOLDS(PEOPLE_ONCE, fits)) return QR_OK;
    s->ever = true;
    s->over = s->over && fits;
    s->enrolment = *leaf;
    return QR_OK;
}

static enum qr_rc standing_end(struct leaf_standing *s, const struct leaf_entry *e,
                               struct qr_err *err)
{
    struct leaf_revocation r;
    QR_TRY(leaf_revocation_read(e->body, e->kind, &r, err));
    s->over = s->over || qr_hash_equal(&r.commitment, s->of);
    return QR_OK;
}

enum qr_rc leaf_standing_take(struct leaf_standing *s, const struct leaf_entry *e,
                              const struct qr_hash *leaf, struct qr_err *err)
{
    switch (e->kind) {
    case LEAF_IDENTITY_ENROLLED:
    case LEAF_IDENTITY_ROLE_CHANGED: return standing_change(s, e, leaf, err);
    case LEAF_IDENTITY_REVOKED:
    case LEAF_IDENTITY_ERASED: return standing_end(s, e, err);
    default: return QR_OK;
    }
}

bool leaf_standing_is(const struct leaf_standing *s, const struct qr_hash *enrolment)
{
    return s->ever && !s->over && qr_hash_equal(&s->enrolment, enrolment);
}

const char *leaf_admin_tag(enum leaf_kind kind)
{
    switch (kind) {
    case LEAF_POLICY_CHANGED: return LEAF_TAG_POLICY;
    case LEAF_IDENTITY_ENROLLED: return LEAF_TAG_ENROLL;
    case LEAF_IDENTITY_ROLE_CHANGED: return LEAF_TAG_ROLE;
    case LEAF_IDENTITY_REVOKED: return LEAF_TAG_REVOKE;
    case LEAF_IDENTITY_ERASED: return LEAF_TAG_ERASE;
    case LEAF_KEY_ROTATED: return LEAF_TAG_ROTATE;
    default: return NULL;
    }
}

struct qr_hash leaf_commitment(const uint8_t salt[32], struct qr_bytes identity)
{
    struct qr_buf b;
    qr_buf_init(&b, 2048);
    qr_buf_put_lp(&b, QR_BYTES(salt, 32));
    qr_buf_put_lp(&b, identity);
    if (b.failed) qr_fatal("identity over its cap");
    struct qr_hash h = qr_sha256_tagged("quorate/id/v1", qr_buf_bytes(&b));
    qr_wipe(b.p, b.n);
    qr_buf_fini(&b);
    return h;
}

static bool text_ok(struct qr_bytes s, size_t max)
{
    if (s.n == 0 || s.n > max || !qr_utf8_ok(s)) return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f) return false;
    return true;
}

enum qr_rc leaf_identity_text(struct qr_bytes name, struct qr_bytes email, struct qr_buf *out)
{
    char lower[QR_MAX_NAME + 1] = {0};
    size_t ats = 0;
    if (!text_ok(name, QR_MAX_NAME) || !text_ok(email, QR_MAX_NAME)) return QR_MALFORMED;
    for (size_t i = 0; i < email.n; i++) {
        uint8_t c = email.p[i];
        if (c == '@') ats++;
        if (c == ' ' || c == '/') return QR_MALFORMED;
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    if (ats != 1 || lower[0] == '@' || lower[email.n - 1] == '@') return QR_MALFORMED;
    json_t *o = qr_json_object();
    qr_json_set_str(o, "email", lower);
    qr_json_set_str(o, "issuer", "local");
    qr_json_set_bytes(o, "name", name);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}
