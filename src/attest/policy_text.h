/* policy_text.h - an attestation policy in words, for people who write one.
 *
 * Tools that print call this; no verdict depends on it.  Pure functions.
 * Spec: SNP.md sections 3 and 6. */
#ifndef QUORATE_ATTEST_POLICY_TEXT_H
#define QUORATE_ATTEST_POLICY_TEXT_H

#include "attest/policy.h"

/* What a key of the policy asks for, in one line; NULL: there is no such key. */
const char *attest_policy_key_text(struct qr_bytes key);

#define ATTEST_WARNINGS_MAX 16
/* What the policy accepts although the example that is shipped does not: one
 * line each, constants.  Gives their number. */
size_t attest_policy_warnings(const struct attest_policy *p, const char *out[ATTEST_WARNINGS_MAX]);

#endif
