/* grant_check.h - is this grant authd's, for this service, now, for these keys?
 *
 * Pure; records named checks.  Single use of a jti is the service's own
 * memory.  Spec: docs/FORMATS.md section 4, TRUST.md section 5. */
#ifndef QUORATE_TRUST_GRANT_CHECK_H
#define QUORATE_TRUST_GRANT_CHECK_H

#include "leaf/grant.h"
#include "trust/request_check.h"

/* A grant with its parsed form; json is owned: trust_grant_fini. */
struct trust_grant {
    struct leaf_grant is;
    struct qr_hash sha256; /* of the grant's bytes */
    json_t *json;
};

/* What a grant is held against. */
struct trust_grant_use {
    enum leaf_audience audience;
    const struct qr_hash *session_leaf;
    const struct trust_identity *identity;
    int64_t at_us; /* when it is, or was, used */
};

/* Parse and check everything but the use's signature: form, life, a trusted
 * grant key, audience, time, session, person, role, enrolment, node, classes.
 * Fills out in every case in which it returns QR_OK. */
enum qr_rc trust_grant_check(const struct trust_context *ctx, struct qr_bytes bytes,
                             const struct trust_grant_use *use, struct trust_grant *out,
                             struct trust_report *r) QR_MUST_CHECK;
void trust_grant_fini(struct trust_grant *g); /* idempotent */

/* The approval key signed this call. */
struct trust_call {
    const char *method; /* full name */
    struct qr_bytes body;
    struct qr_sig sig;
};
enum qr_rc trust_grant_use_check(const struct trust_grant *g, const struct trust_call *call,
                                 struct trust_report *r) QR_MUST_CHECK;

#endif
