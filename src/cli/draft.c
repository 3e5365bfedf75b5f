/* draft.c - see draft.h. */
#include <config.h>

#include "cli/draft.h"

#include "base/file.h"
#include "base/limits.h"

#define MAX_DRAFT (QR_MAX_ENTRY + 4096)

void draft_init(struct draft *d, enum leaf_kind kind, json_t *body)
{
    *d = (struct draft){.kind = kind, .body = body};
    qr_buf_init(&d->identity, 1024);
}

void draft_fini(struct draft *d)
{
    json_decref(d->body);
    d->body = NULL;
    qr_wipe(d->identity.p, d->identity.n);
    qr_buf_fini(&d->identity);
    qr_wipe(d->salt, sizeof d->salt);
}

struct draft_count draft_signatures(const struct draft *d, const struct trust_dir *trust)
{
    struct leaf_admin_sigs sigs;
    struct draft_count n = {.need = signing_policy_admins(&trust->signing)};
    if (leaf_admin_sigs_of(d->body, &sigs, NULL) == QR_OK)
        n.good = leaf_admin_sigs_good(&sigs, d->body, leaf_admin_tag(d->kind), trust->admins.k,
                                      trust->admins.n);
    return n;
}

enum qr_rc draft_sign(struct draft *d, const struct trust_dir *trust, const struct qr_signer *admin,
                      struct qr_err *err)
{
    if (!trust_keys_have(&trust->admins, &admin->pub))
        return qr_fail(err, QR_DENIED, "this key is not an admin's in the trust directory");
    return leaf_admin_sign(d->body, leaf_admin_tag(d->kind), admin, err);
}

/* ---- the file ---- */

enum qr_rc draft_save(const struct draft *d, const char *path, struct qr_err *err)
{
    struct qr_buf b;
    qr_buf_init(&b, MAX_DRAFT);
    json_t *o = qr_json_object(), *who = NULL;
    qr_json_set(o, "body", json_incref(d->body));
    qr_json_set_str(o, "kind", leaf_kind_name(d->kind));
    enum qr_rc rc = QR_OK;
    if (d->kind == LEAF_IDENTITY_ENROLLED) {
        rc = qr_json_parse(qr_buf_bytes(&d->identity), &who, err);
        if (rc == QR_OK) qr_json_set(o, "identity", who);
        qr_json_set_hex(o, "salt", d->salt, sizeof d->salt);
    }
    if (rc == QR_OK) rc = qr_json_write(o, &b);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&b), 0600, err);
    json_decref(o);
    qr_wipe(b.p, b.n);
    qr_buf_fini(&b);
    return rc;
}

/* The body is of its kind, and an identity opens its commitment. */
static enum qr_rc check(const struct draft *d, struct qr_err *err)
{
    struct leaf_identity id;
    struct leaf_revocation r;
    struct leaf_policy p;
    if (d->kind == LEAF_POLICY_CHANGED) return leaf_policy_read(d->body, &p, err);
    if (d->kind == LEAF_IDENTITY_REVOKED || d->kind == LEAF_IDENTITY_ERASED)
        return leaf_revocation_read(d->body, d->kind, &r, err);
    QR_TRY(leaf_identity_read(d->body, d->kind, &id, err));
    if (d->kind == LEAF_IDENTITY_ROLE_CHANGED) return QR_OK;
    struct qr_hash is = leaf_commitment(d->salt, qr_buf_bytes(&d->identity));
    if (qr_hash_equal(&is, &id.commitment)) return QR_OK;
    return qr_fail(err, QR_MALFORMED, "its commitment is not that of identity and salt");
}

static enum qr_rc read(const json_t *v, struct draft *d, struct qr_err *err)
{
    struct qr_obj o = qr_obj_of(v, "draft");
    struct qr_obj body = qr_obj_obj(&o, "body");
    struct qr_bytes kind = qr_obj_str(&o, "kind", 32);
    if (leaf_kind_from_name(kind, &d->kind) != QR_OK ||
        (d->kind != LEAF_POLICY_CHANGED &&
         (d->kind < LEAF_IDENTITY_ENROLLED || d->kind > LEAF_IDENTITY_ERASED)))
        qr_obj_bad(&o, "kind");
    enum qr_rc rc = QR_OK;
    if (d->kind == LEAF_IDENTITY_ENROLLED) {
        struct qr_obj who = qr_obj_obj(&o, "identity");
        qr_obj_hex(&o, "salt", d->salt, sizeof d->salt);
        if (who.o) rc = qr_json_write(who.o, &d->identity);
    }
    QR_TRY(qr_obj_done(&o, err));
    if (rc != QR_OK) return qr_fail(err, QR_MALFORMED, "its identity is too large");
    d->body = json_deep_copy(body.o);
    return d->body ? check(d, err) : QR_NOMEM;
}

enum qr_rc draft_load(const char *path, struct draft *d, struct qr_err *err)
{
    struct qr_buf b;
    struct qr_err why = {{0}};
    json_t *v = NULL;
    draft_init(d, LEAF_KIND_COUNT, NULL);
    qr_buf_init(&b, MAX_DRAFT);
    enum qr_rc rc = qr_file_read_private(path, &b, err);
    if (rc == QR_OK) {
        rc = qr_json_parse(qr_buf_bytes(&b), &v, &why);
        if (rc == QR_OK) rc = read(v, d, &why);
        if (rc != QR_OK) rc = qr_fail(err, rc, "%s: %s", path, why.text);
    }
    json_decref(v);
    qr_wipe(b.p, b.n);
    qr_buf_fini(&b);
    return rc;
}

/* ---- showing ---- */

static void show_field(struct cli *c, const struct draft *d, const char *key)
{
    const char *s = json_string_value(json_object_get(d->body, key));
    char clean[QR_MAX_NAME + 1];
    if (!s || !*s) return;
    cli_clean(qr_str(s), clean, sizeof clean);
    cli_say(c, "  %-11s %s", key, clean);
}

static void show_identity(struct cli *c, const struct draft *d)
{
    static const char *const keys[] = {"name", "email"};
    json_t *v = NULL;
    char clean[QR_MAX_NAME + 1];
    if (qr_json_parse(qr_buf_bytes(&d->identity), &v, NULL) != QR_OK) return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *s = json_string_value(json_object_get(v, keys[i]));
        cli_clean(qr_str(s ? s : ""), clean, sizeof clean);
        cli_say(c, "  %-11s %s", keys[i], clean);
    }
    json_decref(v);
}

/* Line by line: who signs a policy sees what it says. */
static void show_policy(struct cli *c, const struct draft *d)
{
    struct leaf_policy p;
    char clean[256];
    if (leaf_policy_read(d->body, &p, NULL) != QR_OK) return;
    for (size_t at = 0; at < p.text.n;) {
        size_t n = 0;
        while (at + n < p.text.n && p.text.p[at + n] != '\n') n++;
        cli_clean(QR_BYTES(p.text.p + at, n), clean, sizeof clean);
        cli_say(c, "  | %s%s", clean, n >= sizeof clean ? "..." : "");
        at += n + 1;
    }
}

void draft_show(struct cli *c, const struct draft *d)
{
    static const char *const fields[] = {"role",      "node",   "person_key", "commitment",
                                         "enrolment", "reason", "hash"};
    cli_say(c, "%s:", leaf_kind_name(d->kind));
    if (d->kind == LEAF_IDENTITY_ENROLLED) show_identity(c, d);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) show_field(c, d, fields[i]);
    if (d->kind == LEAF_POLICY_CHANGED) show_policy(c, d);
}
