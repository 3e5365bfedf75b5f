/* signing_check.h - what is logged before signing and after it: does it say what
 * descriptor, key generation and group certificate say?
 *
 * Pure; records named checks.  Spec: docs/FORMATS.md section 3.5, TRUST.md
 * sections 7 and 10 (n). */
#ifndef QUORATE_TRUST_SIGNING_CHECK_H
#define QUORATE_TRUST_SIGNING_CHECK_H

#include "trust/quorum_check.h"

/* What an attempt signs with. */
struct trust_signing {
    const struct trust_descriptor *d; /* borrows */
    struct qr_pub group_key;
    struct qr_hash certificate; /* SHA-256 of the group's */
};

/* Attempt, descriptor, key, certificate and payloads; each member once in every
 * list, every point valid and unlike all others. */
enum qr_rc trust_started_check(const struct trust_signing *s, const struct leaf_started *st,
                               struct trust_report *r) QR_MUST_CHECK;
/* Attempt, descriptor, key, signing.started (its leaf hash) and payloads.  The
 * signatures are not verified. */
enum qr_rc trust_made_check(const struct trust_signing *s, const struct qr_hash *started,
                            const struct leaf_made *m, struct trust_report *r) QR_MUST_CHECK;

#endif
