/* grant.h - what authd hands a participant after a login: short-lived, for one
 * service, bound to the participant's keys.  docs/FORMATS.md section 4. */
#ifndef QUORATE_LEAF_GRANT_H
#define QUORATE_LEAF_GRANT_H

#include "leaf/people.h"

#define LEAF_TAG_GRANT "quorate/grant/v1"
#define LEAF_TAG_GRANT_USE "quorate/grant-use/v1"
#define LEAF_TAG_LOGIN "quorate/login/v1"
#define LEAF_TAG_WHOAMI "quorate/whoami/v1"
#define LEAF_MAX_GRANT 4096

enum leaf_audience { LEAF_FOR_CAD, LEAF_FOR_COORDINATOR };
enum leaf_login { LEAF_LOGIN_PERSON_KEY, LEAF_LOGIN_DEMO_TOKEN };

/* The keys and the session that a participant asks grants for. */
struct leaf_grant_request {
    struct qr_hash session_leaf;
    struct qr_hash commitment;
    struct qr_pub approval_key;
    struct qr_pub envelope_key;
    struct qr_pub cocktail_key;
    char node[LEAF_MAX_NODE + 1];
};
json_t *leaf_grant_request_write(const struct leaf_grant_request *r);
enum qr_rc leaf_grant_request_read(const json_t *v, struct leaf_grant_request *out,
                                   struct qr_err *err) QR_MUST_CHECK;

struct leaf_grant {
    enum leaf_audience audience; /* cad: purpose issue; coordinator: purpose join */
    struct leaf_grant_request keys;
    struct qr_hash enrolment;
    enum qr_role role;
    enum leaf_login login;
    unsigned classes;
    char jti[QR_ULID_LEN + 1];
    int64_t issued_us;
    int64_t expires_us;
    struct qr_sig sig;
};
/* Signs g (its sig is ignored) and appends the canonical grant. */
enum qr_rc leaf_grant_sign(const struct leaf_grant *g, const struct qr_signer *key,
                           struct qr_buf *out) QR_MUST_CHECK;
/* Strict parse.  Gives the JSON in *json for leaf_grant_verify; caller
 * json_decrefs it. */
enum qr_rc leaf_grant_parse(struct qr_bytes bytes, struct leaf_grant *out, json_t **json,
                            struct qr_err *err) QR_MUST_CHECK;
/* QR_FALSE: not signed by pub. */
enum qr_rc leaf_grant_verify(const json_t *json, const struct leaf_grant *g,
                             const struct qr_pub *pub) QR_MUST_CHECK;

/* Signature of a use: over lp(method) || lp(jti) || SHA-256(request body). */
void leaf_grant_use_sign(const struct leaf_grant *g, const char *method, struct qr_bytes body,
                         const struct qr_signer *approval_key, struct qr_sig *out);
enum qr_rc leaf_grant_use_verify(const struct leaf_grant *g, const char *method,
                                 struct qr_bytes body, const struct qr_sig *sig) QR_MUST_CHECK;
/* What a person key signs to log in: challenge || SHA-256(grant request). */
void leaf_login_message(const uint8_t challenge[32], struct qr_bytes grant_request,
                        uint8_t out[64]);

#endif
