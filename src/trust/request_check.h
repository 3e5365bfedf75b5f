/* request_check.h - may this request be signed at all?
 *
 * Pure; records named checks.  Spec: docs/FORMATS.md section 3.1, TRUST.md
 * section 7. */
#ifndef QUORATE_TRUST_REQUEST_CHECK_H
#define QUORATE_TRUST_REQUEST_CHECK_H

#include "leaf/session.h"
#include "trust/entry_check.h"

struct trust_request {
    struct trust_place at;
    const json_t *body; /* borrows from the entry */
    struct leaf_request is;
};

/* The person's signature, enrolment (a lower index, same commitment), the
 * session's policies, payload types allowed, times (created with the entry,
 * life within the policy). */
enum qr_rc trust_request_check(const struct trust_context *ctx, const struct trust_request *req,
                               const struct trust_identity *requester, struct trust_report *r)
    QR_MUST_CHECK;

/* Not expired at this time: now, or that of a later entry.  QR_STALE. */
enum qr_rc trust_request_alive(const struct trust_request *req, int64_t now_us,
                               struct trust_report *r) QR_MUST_CHECK;

#endif
