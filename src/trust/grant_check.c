/* grant_check.c - form, signature, audience, time, binding, use. */
#include "trust/grant_check.h"

#include "base/limits.h"

#define US_PER_S 1000000LL

void trust_grant_fini(struct trust_grant *g)
{
    json_decref(g->json);
    *g = (struct trust_grant){.json = NULL};
}

static enum qr_rc read_grant(struct qr_bytes bytes, struct trust_grant *g, struct trust_report *r)
{
    struct qr_err err = {{0}};
    enum qr_rc rc = leaf_grant_parse(bytes, &g->is, &g->json, &err);
    if (rc != QR_OK) return trust_stop(r, TRUST_GRANT_FORM, rc, "%s", err.text);
    g->sha256 = qr_sha256_one(bytes);
    int64_t life = g->is.expires_us - g->is.issued_us;
    return trust_check(r, TRUST_GRANT_FORM, life > 0 && life <= QR_MAX_GRANT_S * US_PER_S, QR_FALSE,
                       "it lives longer than %d s", QR_MAX_GRANT_S);
}

static bool signed_by_authd(const struct trust_dir *dir, const struct trust_grant *g)
{
    for (size_t i = 0; i < dir->grant.n; i++)
        if (leaf_grant_verify(g->json, &g->is, &dir->grant.k[i]) == QR_OK) return true;
    return false;
}

/* Session, person, role, node and classes; the keys are compared with the
 * certificate and the approval. */
static enum qr_rc binding_check(const struct trust_context *ctx, const struct leaf_grant *g,
                                const struct trust_grant_use *use, struct trust_report *r)
{
    const struct leaf_identity *id = &use->identity->is;
    const char *what = NULL;
    if (!qr_hash_equal(&g->keys.session_leaf, use->session_leaf))
        what = "another session";
    else if (!qr_hash_equal(&g->keys.commitment, &id->commitment))
        what = "another person";
    else if (!qr_hash_equal(&g->enrolment, &use->identity->at.leaf))
        what = "another enrolment";
    else if (g->role != id->role)
        what = "another role";
    else if (id->node[0] && !qr_bytes_is(qr_str(g->keys.node), id->node))
        what = "a node that the person is not enrolled for";
    else if (g->login == LEAF_LOGIN_DEMO_TOKEN && !(g->classes & QR_CLASS_DEMO))
        what = "a demo login without its class";
    QR_TRY(trust_check(r, TRUST_GRANT_BINDING, !what, QR_FALSE, "it is for %s", what ? what : ""));
    char lesser[64];
    qr_classes_text(g->classes & ~ctx->classes, lesser);
    return trust_check(r, TRUST_CLASS_ACCEPTED, (g->classes & ~ctx->classes) == 0, QR_ATTESTATION,
                       "the grant is of class %s, which is not accepted", lesser);
}

static enum qr_rc check_all(const struct trust_context *ctx, struct qr_bytes bytes,
                            const struct trust_grant_use *use, struct trust_grant *g,
                            struct trust_report *r)
{
    QR_TRY(read_grant(bytes, g, r));
    QR_TRY(trust_check(r, TRUST_GRANT_SIGNATURE, signed_by_authd(ctx->dir, g), QR_FALSE, NULL));
    QR_TRY(trust_check(r, TRUST_GRANT_AUDIENCE, g->is.audience == use->audience, QR_FALSE,
                       "it is for another service"));
    QR_TRY(trust_check(r, TRUST_GRANT_TIME,
                       use->at_us >= g->is.issued_us - QR_MAX_TIME_SKEW_US &&
                           use->at_us <= g->is.expires_us + QR_MAX_TIME_SKEW_US,
                       QR_STALE, "it was not valid at its use"));
    return binding_check(ctx, &g->is, use, r);
}

enum qr_rc trust_grant_check(const struct trust_context *ctx, struct qr_bytes bytes,
                             const struct trust_grant_use *use, struct trust_grant *out,
                             struct trust_report *r)
{
    *out = (struct trust_grant){.json = NULL};
    enum qr_rc rc = check_all(ctx, bytes, use, out, r);
    if (rc != QR_OK) trust_grant_fini(out);
    return rc;
}

enum qr_rc trust_grant_use_check(const struct trust_grant *g, const struct trust_call *call,
                                 struct trust_report *r)
{
    return trust_check(r, TRUST_GRANT_USE,
                       leaf_grant_use_verify(&g->is, call->method, call->body, &call->sig) == QR_OK,
                       QR_UNAUTHENTICATED, NULL);
}
