/* request_check.c - the person behind a request, its policies and its life. */
#include "trust/request_check.h"

#include "base/limits.h"

#define US_PER_S 1000000LL

static bool life_ok(const struct trust_context *ctx, const struct trust_request *req)
{
    const struct leaf_request *q = &req->is;
    int64_t max_us = (int64_t)ctx->signing.max_session_s * US_PER_S;
    return q->created_us < q->expires_us && q->expires_us - q->created_us <= max_us &&
           q->expires_us > req->at.time_us &&
           q->expires_us - req->at.time_us <= max_us + QR_MAX_TIME_SKEW_US;
}

static enum qr_rc payloads_check(const struct trust_context *ctx, const struct leaf_payloads *p,
                                 struct trust_report *r)
{
    for (size_t i = 0; i < p->n; i++)
        /* Who may sign for minisign may make both of its signatures. */
        if (p->p[i].type != QR_MINISIGN_GLOBAL && !(ctx->signing.payloads & (1u << p->p[i].type)))
            QR_TRY(trust_fail(r, TRUST_REQUEST_PAYLOADS, QR_POLICY, "the policy does not allow %s",
                              qr_payload_name(p->p[i].type)));
    trust_pass(r, TRUST_REQUEST_PAYLOADS);
    return QR_OK;
}

enum qr_rc trust_request_check(const struct trust_context *ctx, const struct trust_request *req,
                               const struct trust_identity *requester, struct trust_report *r)
{
    const struct leaf_request *q = &req->is;
    struct leaf_policies in_force = trust_policies_at(ctx, req->at.index);
    QR_TRY(trust_check(r, TRUST_POLICY_HASH, leaf_policies_equal(&q->policies, &in_force),
                       QR_POLICY, "the request names other policies"));
    QR_TRY(trust_enrolment_check(ctx, requester, r));
    QR_TRY(trust_check(r, TRUST_REQUEST_ENROLMENT,
                       qr_hash_equal(&q->enrolment, &requester->at.leaf) &&
                           qr_hash_equal(&q->requester, &requester->is.commitment) &&
                           requester->at.index < req->at.index,
                       QR_FALSE, "the requester's enrolment is another entry"));
    QR_TRY(trust_check(r, TRUST_REQUEST_SIGNATURE,
                       leaf_object_verify(req->body, leaf_without_request_sig, LEAF_TAG_REQUEST,
                                          &requester->is.person_key, &q->request_sig) == QR_OK,
                       QR_FALSE, NULL));
    QR_TRY(payloads_check(ctx, &q->payloads, r));
    return trust_check(r, TRUST_REQUEST_EXPIRY, life_ok(ctx, req), QR_POLICY,
                       "expires is not within %u s of its making", ctx->signing.max_session_s);
}

enum qr_rc trust_request_alive(const struct trust_request *req, int64_t now_us,
                               struct trust_report *r)
{
    return trust_check(r, TRUST_REQUEST_EXPIRY, now_us < req->is.expires_us, QR_STALE,
                       "the session has expired");
}
