/* person.h - who is at the keyboard: the person key and the enrolment that the
 * log holds for it.
 *
 * Spec: TRUST.md sections 4 and 5. */
#ifndef QUORATE_PARTICIPANT_PERSON_H
#define QUORATE_PARTICIPANT_PERSON_H

#include "leaf/grant.h"
#include "participant/services.h"

struct person {
    struct qr_signer key;
    struct qr_hash commitment;
    struct qr_hash enrolment; /* leaf hash of the identity entry in force */
    uint64_t enrolment_index;
    enum qr_role role;
};

/* Loads the key and asks authd who that is; then finds the identity entry in
 * the log and checks it: admins' signatures, our key, the same role, not
 * revoked since.  person_fini afterwards.  QR_DENIED: not enrolled. */
enum qr_rc person_open(struct person *p, struct services *s, const char *key_path,
                       struct qr_err *err) QR_MUST_CHECK;
void person_fini(struct person *p); /* wipes; idempotent */

/* A fresh challenge of authd for the holder of a key. */
enum qr_rc person_challenge(struct services *s, const struct qr_pub *key, uint8_t out[32],
                            struct qr_err *err) QR_MUST_CHECK;

/* Grants for cad and for the coordinator, for these keys in this session.
 * Each is appended to its own buffer. */
enum qr_rc person_login(const struct person *p, struct services *s,
                        const struct leaf_grant_request *request, struct qr_buf *cad,
                        struct qr_buf *coordinator, struct qr_err *err) QR_MUST_CHECK;

#endif
