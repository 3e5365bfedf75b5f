/* certificate.h - certificate.issued.  docs/FORMATS.md section 5. */
#ifndef QUORATE_LEAF_CERTIFICATE_H
#define QUORATE_LEAF_CERTIFICATE_H

#include "leaf/people.h"

enum leaf_purpose { LEAF_PURPOSE_PARTICIPANT, LEAF_PURPOSE_GROUP, LEAF_PURPOSE_TRANSPORT };

struct leaf_certificate {
    enum leaf_purpose purpose;
    struct qr_hash sha256; /* of the DER */
    struct qr_hash spki;   /* of the SubjectPublicKeyInfo */
    uint8_t serial[16];
    int64_t not_before_us;
    int64_t not_after_us;
    struct qr_hash session_leaf;  /* participant, group */
    struct qr_hash commitment;    /* participant */
    struct qr_hash grant;         /* participant */
    uint32_t attempt;             /* group */
    struct qr_hash descriptor;    /* group */
    struct qr_hash transcript;    /* group */
    struct qr_pub group_key;      /* group */
    bool has_ssh;                 /* group, with an OpenSSH certificate */
    struct qr_hash ssh;           /* its SHA-256 */
    char node[LEAF_MAX_NODE + 1]; /* transport */
};
json_t *leaf_certificate_write(const struct leaf_certificate *c);
enum qr_rc leaf_certificate_read(const json_t *body, struct leaf_certificate *out,
                                 struct qr_err *err) QR_MUST_CHECK;

#endif
