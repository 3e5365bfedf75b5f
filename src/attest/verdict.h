/* verdict.h - does this evidence satisfy that policy, at that time, for this
 * exchange?
 *
 * One reentrant function: no I/O, no clock, no globals, so that anybody
 * re-verifies later with the recorded time and gets the same answer; the policy
 * remembers chains (links.h), which changes the time it takes and nothing else.  The
 * simulator's reports pass through the same rules as AMD's; only the pinned
 * roots differ.  Spec: SNP.md section 3 (the order of its rules), TRUST.md 10(i). */
#ifndef QUORATE_ATTEST_VERDICT_H
#define QUORATE_ATTEST_VERDICT_H

#include "attest/chain.h"
#include "attest/evidence.h"
#include "attest/policy.h"

struct attest_question {
    struct qr_bytes report; /* as received */
    struct attest_certs certs;
    const struct attest_policy *policy;
    int64_t time_us; /* the verifier's own clock */
    /* 64 bytes that REPORT_DATA must equal.  Empty: the rule is off, and the
     * report proves nothing about any exchange; only tools that print do so. */
    struct qr_bytes report_data;
};

/* What an accepted report says.  Filled only from signed bytes. */
struct attest_claims {
    enum attest_class trust_class;
    enum attest_product product;
    struct attest_report report;
    struct attest_tcb current, reported, committed, launch;
    struct attest_vek vek;
    struct qr_hash evidence_digest; /* attest_evidence_digest */
    struct qr_hash vek_digest;      /* SHA-256 of the certificate */
};

struct attest_verdict {
    enum attest_reason reason; /* ATTEST_OK: accepted */
    bool authentic;            /* claims are filled: the signature held */
    /* Bit 1 << reason of each rule that did not hold: of an authentic report
     * every rule on its claims has been asked, before that only the first. */
    uint64_t failed;
    struct attest_claims claims;
};

/* Judges.  The result is in out->reason; out->claims may be used for anything
 * but display only when that is ATTEST_OK. */
void attest_verify(const struct attest_question *q, struct attest_verdict *out);

/* The same for evidence: also compares its class with the policy's (CLASS).
 * crl may be empty.  QR_ATTESTATION with the reason's name and text in err, or
 * QR_OK; out may be NULL. */
struct attest_expectation {
    const struct attest_policy *policy;
    struct qr_bytes report_data; /* 64 */
    struct qr_bytes crl;
    int64_t time_us;
};
enum qr_rc attest_verify_evidence(const struct attest_evidence *e,
                                  const struct attest_expectation *want, struct attest_verdict *out,
                                  struct qr_err *err) QR_MUST_CHECK;

#endif
