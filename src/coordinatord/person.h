/* person.h - what the log says about a person and a certificate, looked up for
 * one act and checked; never remembered, because roles are revoked. */
#ifndef QUORATE_COORDINATORD_PERSON_H
#define QUORATE_COORDINATORD_PERSON_H

#include "coordinatord/coord.h"

/* The enrolment in force. */
struct person {
    struct log_answer answer;
    struct leaf_entry entry;
    struct trust_identity is;
    struct qr_bytes bytes; /* of the entry */
};
/* The person's newest identity entry must be the enrolment named: QR_DENIED
 * when there is none, when it was revoked or erased, or when it is another.
 * person_fini in every case. */
enum qr_rc person_find(struct coord *c, const struct qr_hash *commitment,
                       const struct qr_hash *enrolment, struct person *out, struct qr_err *err)
    QR_MUST_CHECK;
void person_fini(struct person *p);

/* certificate.issued of a participant certificate. */
struct issued {
    struct trust_place at;
    struct leaf_certificate is;
};
/* QR_DENIED: it is not in the log. */
enum qr_rc person_issued(struct coord *c, struct qr_bytes der, struct issued *out,
                         struct qr_err *err) QR_MUST_CHECK;

#endif
