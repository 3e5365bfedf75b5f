/* claims.h - what the extension of a participant or group certificate says:
 * canonical JSON and the structs for it.
 *
 * Parsing checks form, never truth; src/trust compares the claims with the
 * log.  Spec: docs/FORMATS.md section 5. */
#ifndef QUORATE_PKI_CLAIMS_H
#define QUORATE_PKI_CLAIMS_H

#include "base/limits.h"
#include "base/words.h"
#include "crypto/crypto.h"

struct pki_participant_claims {
    uint32_t classes; /* QR_CLASS_... */
    struct qr_pub cocktail_key;
    struct qr_hash commitment;
    struct qr_hash enrolment; /* leaf hash */
    struct qr_pub envelope_key;
    struct qr_hash evidence;
    struct qr_hash grant; /* SHA-256 of the grant's bytes */
    enum qr_role role;
    struct qr_hash session_leaf;
};

struct pki_group_payload {
    enum qr_payload type;
    struct qr_hash digest;
};

struct pki_group_claims {
    char session[QR_ULID_LEN + 1]; /* the subject, not in the JSON */
    uint32_t attempt;
    uint32_t classes;
    struct qr_hash descriptor;
    struct pki_group_payload payloads[QR_MAX_PAYLOADS];
    size_t payload_count;
    struct qr_hash session_leaf;
    struct qr_hash transcript;
};

/* Appends canonical JSON. */
enum qr_rc pki_participant_claims_write(const struct pki_participant_claims *c, struct qr_buf *out)
    QR_MUST_CHECK;
enum qr_rc pki_group_claims_write(const struct pki_group_claims *c, struct qr_buf *out)
    QR_MUST_CHECK;
/* Strict inverses.  The group's session is left empty: it is the subject.
 * QR_MALFORMED. */
enum qr_rc pki_participant_claims_parse(struct qr_bytes json, struct pki_participant_claims *out,
                                        struct qr_err *err) QR_MUST_CHECK;
enum qr_rc pki_group_claims_parse(struct qr_bytes json, struct pki_group_claims *out,
                                  struct qr_err *err) QR_MUST_CHECK;

#endif
