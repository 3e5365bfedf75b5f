/* entry_check.c - authors, admins, policies. */
#include "trust/entry_check.h"

void trust_context_of(const struct trust_dir *dir, unsigned extra_classes,
                      struct trust_context *out)
{
    *out = (struct trust_context){
        .dir = dir,
        .signing = dir->signing,
        .policies = {.attestation = dir->attestation_hash, .signing = dir->signing_hash},
        .classes = trust_origin_lesser(dir->origin) ? dir->signing.classes | extra_classes : 0};
}

struct leaf_policies trust_policies_at(const struct trust_context *ctx, uint64_t index)
{
    struct leaf_policies p = ctx->policies;
    if (!ctx->of_log) p.attestation = attest_pin_at(ctx->dir->attestation, index)->hash;
    return p;
}

const struct attest_policy *trust_attestation(const struct trust_context *ctx,
                                              const struct qr_hash *hash)
{
    if (ctx->attestation && qr_hash_equal(&ctx->attestation->hash, hash)) return ctx->attestation;
    const struct attest_policy *own = attest_pin_find(ctx->dir->attestation, hash);
    return own ? own : attest_pin_now(ctx->dir->attestation);
}

enum qr_rc trust_entry_check(const struct trust_context *ctx, const struct leaf_entry *e,
                             struct trust_report *r)
{
    const struct qr_pub *key = trust_author_key(ctx->dir, e->author, qr_str(e->key_id));
    const char *kind = leaf_kind_name(e->kind), *author = leaf_author_name(e->author);
    QR_TRY(trust_check(r, TRUST_ENTRY_AUTHOR, key && leaf_author_may(e->author, e->kind), QR_FALSE,
                       key ? "%s may not be logged by %s" : "%s by an unknown key of %s", kind,
                       author));
    QR_TRY(trust_check(r, TRUST_ENTRY_SIGNATURE, key && leaf_verify(e, key) == QR_OK, QR_FALSE,
                       "%s is not signed by %s", kind, author));
    char lesser[64];
    qr_classes_text(e->classes & ~ctx->classes, lesser);
    return trust_check(r, TRUST_ENTRY_CLASS, (e->classes & ~ctx->classes) == 0, QR_ATTESTATION,
                       "%s is of class %s, which is not accepted", kind, lesser);
}

static enum qr_rc admins_check(const struct trust_dir *dir, enum trust_check_id id,
                               enum leaf_kind kind, const struct leaf_admin_sigs *sigs,
                               const json_t *body, struct trust_report *r)
{
    size_t good =
        leaf_admin_sigs_good(sigs, body, leaf_admin_tag(kind), dir->admins.k, dir->admins.n);
    uint32_t need = signing_policy_admins(&dir->signing);
    return trust_check(r, id, good >= need, QR_FALSE, "%u of %u admin signatures on %s",
                       (unsigned)good, need, leaf_kind_name(kind));
}

static enum qr_rc signing_text(const struct trust_context *ctx, const struct leaf_policy *p,
                               struct signing_policy *out, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct signing_policy policy = {.name = ""};
    enum qr_rc rc = signing_policy_parse_canonical(p->text, &policy, &err);
    if (rc != QR_OK) return trust_stop(r, TRUST_POLICY_TEXT, rc, "%s", err.text);
    struct qr_hash hash = signing_policy_hash(&policy);
    QR_TRY(trust_check(r, TRUST_POLICY_TEXT, qr_hash_equal(&hash, &p->hash), QR_FALSE,
                       "the signing policy's text has another hash"));
    if (out) *out = policy;
    struct signing_policy floor = ctx->dir->signing;
    floor.classes |= ctx->classes;
    return trust_result(r, TRUST_POLICY_FLOOR, signing_policy_at_least(&policy, &floor, &err),
                        &err);
}

static enum qr_rc attestation_text(const struct trust_dir *dir, const struct leaf_policy *p,
                                   struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct attest_policy *policy = NULL;
    enum qr_rc rc = attest_policy_parse(p->text, &policy, &err);
    if (rc != QR_OK) return trust_stop(r, TRUST_POLICY_TEXT, rc, "%s", err.text);
    bool same = qr_hash_equal(&policy->hash, &p->hash);
    attest_policy_free(policy);
    QR_TRY(trust_check(r, TRUST_POLICY_TEXT, same, QR_FALSE,
                       "the attestation policy's text has another hash"));
    return trust_check(r, TRUST_POLICY_FLOOR, trust_attestation_known(dir, &p->hash), QR_POLICY,
                       "the attestation policy is not a trusted one");
}

enum qr_rc trust_policy_check(const struct trust_context *ctx, const struct leaf_policy *p,
                              const json_t *body, struct signing_policy *signing,
                              struct trust_report *r)
{
    const struct trust_dir *dir = ctx->dir;
    QR_TRY(admins_check(dir, TRUST_POLICY_ADMINS, LEAF_POLICY_CHANGED, &p->admin_sigs, body, r));
    if (p->name == LEAF_POLICY_SIGNING) return signing_text(ctx, p, signing, r);
    return attestation_text(dir, p, r);
}

enum qr_rc trust_enrolment_check(const struct trust_context *ctx, const struct trust_identity *id,
                                 struct trust_report *r)
{
    return admins_check(ctx->dir, TRUST_ENROLMENT_ADMINS, id->kind, &id->is.admin_sigs, id->body,
                        r);
}
