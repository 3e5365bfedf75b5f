/* reason.h - why a piece of evidence was refused: one fixed code per rule.
 * Codes stand in log entries and in tests; any module may name them. */
#ifndef QUORATE_ATTEST_REASON_H
#define QUORATE_ATTEST_REASON_H

#include "base/bytes.h"

enum attest_reason {
#define ATTEST_REASON(name, text) ATTEST_##name,
#include "attest/reason.def"
#undef ATTEST_REASON
    ATTEST_REASON_COUNT
};

/* Name ("VEK_TCB") and one-line text.  Never NULL. */
const char *attest_reason_name(enum attest_reason reason);
const char *attest_reason_text(enum attest_reason reason);
/* The code that a name stands for; ATTEST_REASON_COUNT when none has it. */
enum attest_reason attest_reason_from_name(struct qr_bytes name);

/* What stands behind an attestation (TRUST.md section 1).  An ARK that is not
 * AMD's is of class simulated, whatever anybody calls it. */
enum attest_class { ATTEST_PRODUCTION, ATTEST_SIMULATED };

/* "production" or "simulated". */
const char *attest_class_name(enum attest_class c);
/* QR_MALFORMED: no class has the name. */
enum qr_rc attest_class_from_name(struct qr_bytes name, enum attest_class *out) QR_MUST_CHECK;

#endif
