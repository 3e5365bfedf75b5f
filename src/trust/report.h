/* report.h - what was checked, in order, and how it went.
 *
 * Every check has a stable name ("approval.person_signature"); --explain
 * prints them all, a failure names the first that failed, and a check that
 * could not be made is recorded as skipped with its reason: nothing is passed
 * over in silence.  Names are never reused for another meaning.
 *
 * Spec: TRUST.md section 10. */
#ifndef QUORATE_TRUST_REPORT_H
#define QUORATE_TRUST_REPORT_H

#include "base/json.h"

enum trust_check_id {
#define TRUST_CHECK(id, name, text) TRUST_##id,
#include "trust/checks.def"
#undef TRUST_CHECK
    TRUST_CHECK_COUNT
};

/* "checkpoint.signature" and one line of what it means.  Never NULL. */
const char *trust_check_name(enum trust_check_id id);
const char *trust_check_text(enum trust_check_id id);

enum trust_outcome { TRUST_PASS, TRUST_FAIL, TRUST_SKIP };

#define TRUST_DETAIL_SIZE 120
#define TRUST_SUBJECT_SIZE 24
/* QR_MAX_PARTICIPANTS approvals with every check that exists. */
#define TRUST_MAX_FINDINGS 4096

struct trust_finding {
    enum trust_check_id id;
    enum trust_outcome outcome;
    char subject[TRUST_SUBJECT_SIZE]; /* "approval 2"; "" for the whole */
    char detail[TRUST_DETAIL_SIZE];   /* for people; "" = none */
};

struct trust_report {
    struct trust_finding *items; /* in the order made */
    size_t count;
    size_t room;
    size_t failed; /* 1 + position of the first failure; 0: none */
    enum qr_rc rc; /* of the first failure; QR_OK */
    char subject[TRUST_SUBJECT_SIZE];
};

void trust_report_init(struct trust_report *r);
void trust_report_fini(struct trust_report *r);
/* Subject of the findings that follow; "" to end it. */
void trust_report_subject(struct trust_report *r, const char *fmt, ...) QR_PRINTF(2, 3);

/* Records.  _check records a pass when ok, else a failure with rc, and returns
 * QR_OK or rc; detail is recorded with a failure only.  NULL fmt: no detail. */
void trust_pass(struct trust_report *r, enum trust_check_id id);
enum qr_rc trust_fail(struct trust_report *r, enum trust_check_id id, enum qr_rc rc,
                      const char *fmt, ...) QR_PRINTF(4, 5);
void trust_skip(struct trust_report *r, enum trust_check_id id, const char *fmt, ...)
    QR_PRINTF(3, 4);
/* As trust_fail, where nothing is left to go on with: what cannot be read, or is
 * not there.  No test build passes that over. */
enum qr_rc trust_stop(struct trust_report *r, enum trust_check_id id, enum qr_rc rc,
                      const char *fmt, ...) QR_PRINTF(4, 5);
enum qr_rc trust_check(struct trust_report *r, enum trust_check_id id, bool ok, enum qr_rc rc,
                       const char *fmt, ...) QR_PRINTF(5, 6) QR_MUST_CHECK;
/* A result of another module: QR_OK is a pass, else err's text is the detail. */
enum qr_rc trust_result(struct trust_report *r, enum trust_check_id id, enum qr_rc rc,
                        const struct qr_err *err) QR_MUST_CHECK;

/* The first failure, or NULL. */
const struct trust_finding *trust_report_first(const struct trust_report *r);
/* "approval.chain (approval 2): detail" into err; returns the failure's rc. */
enum qr_rc trust_report_err(const struct trust_report *r, struct qr_err *err);
/* Array of {"check","detail","outcome","subject"}; a new reference. */
json_t *trust_report_json(const struct trust_report *r);
/* One line per finding: outcome, name, subject, detail. */
void trust_report_text(const struct trust_report *r, struct qr_buf *out);

#endif
