/* enrolment.h - authd's people, from the side of those who keep them: admins who
 * enrol, change, revoke and erase, auditors who open commitments.
 *
 * What authd says of a person is a claim; a change that was recorded is proven
 * against the log before it counts as done.
 * Spec: TRUST.md sections 3 and 4, docs/FORMATS.md section 2. */
#ifndef QUORATE_PARTICIPANT_ENROLMENT_H
#define QUORATE_PARTICIPANT_ENROLMENT_H

#include "base/limits.h"
#include "leaf/people.h"
#include "participant/person.h"

/* A person as authd has it. */
struct enrolled {
    struct leaf_identity is; /* enrolment: the entry in force; no admin_sigs */
    uint64_t index;          /* of that entry */
    bool active;             /* not revoked */
};
/* Whose e-mail address (UTF-8, lower case) this is; admin is a key of the trust
 * directory.  QR_DENIED, QR_NOTFOUND. */
enum qr_rc enrolment_find(struct services *s, const struct qr_signer *admin, struct qr_bytes email,
                          struct enrolled *out, struct qr_err *err) QR_MUST_CHECK;

/* A change that enough admins signed. */
struct enrolment_change {
    enum leaf_kind kind;      /* identity.enrolled, role_changed, revoked, erased,
                                 policy.changed */
    const json_t *body;       /* with admin_sigs */
    struct qr_bytes identity; /* enrolled: canonical identity, and its 32-byte salt */
    struct qr_bytes salt;
};
/* Has authd record it, and proves the receipt.  QR_POLICY: too few admins. */
enum qr_rc enrolment_submit(struct services *s, const struct enrolment_change *change,
                            struct receipt_facts *where, struct qr_err *err) QR_MUST_CHECK;

/* What stands behind a commitment. */
enum enrolment_state {
    ENROLMENT_ACTIVE,
    ENROLMENT_REVOKED,
    ENROLMENT_ERASED,
    ENROLMENT_UNKNOWN,
    ENROLMENT_STATES
};
const char *enrolment_state_name(enum enrolment_state state); /* "erased" */
struct enrolment_opened {
    enum enrolment_state state;
    uint64_t last_index;         /* newest entry about the person */
    char name[QR_MAX_NAME + 1];  /* "" when erased or unknown */
    char email[QR_MAX_NAME + 1]; /* likewise */
};
/* Opens one commitment as an enrolled auditor; the opening is checked against
 * it.  out holds personal data.  QR_DENIED: not an auditor. */
enum qr_rc enrolment_open(struct services *s, const struct person *auditor,
                          const struct qr_hash *commitment, struct enrolment_opened *out,
                          struct qr_err *err) QR_MUST_CHECK;

#endif
