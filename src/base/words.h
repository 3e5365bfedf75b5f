/* words.h - the closed vocabularies that entries, grants, certificates and
 * policies share: trust classes, roles, payload types.
 *
 * Sets are bit masks whose bits stand in the order in which the names sort, so
 * that writing a mask from bit 0 upwards gives the canonical, sorted array.
 * Spec: docs/FORMATS.md sections 1, 8 and 12. */
#ifndef QUORATE_BASE_WORDS_H
#define QUORATE_BASE_WORDS_H

#include "base/json.h"

/* Trust classes below production; the empty set is production. */
#define QR_CLASS_DEMO 1u
#define QR_CLASS_SIMULATED 2u
#define QR_CLASS_SOFTSEAL 4u
#define QR_CLASS_UNATTENDED 8u
#define QR_CLASS_ALL 15u

enum qr_role { QR_ENGINEER, QR_STEWARD, QR_AUDITOR, QR_ADMIN, QR_ROLES };

/* minisign's two signatures are two payloads; the second one's bytes begin with
 * the first signature. */
enum qr_payload {
    QR_DSSE,
    QR_RAW,
    QR_SSHSIG,
    QR_MINISIGN,
    QR_MINISIGN_GLOBAL,
    QR_X509_CSR,
    QR_X509_CA,
    QR_X509_CERT,
    QR_PAYLOADS
};

/* What a certificate of the group is for. */
enum qr_usage { QR_SERVER, QR_CLIENT, QR_CODE, QR_USAGES };

/* Names ("simulated", "steward", "sshsig").  Never NULL; index is a bit
 * number for a class. */
const char *qr_class_name(unsigned bit);
const char *qr_role_name(enum qr_role role);
const char *qr_payload_name(enum qr_payload type);
const char *qr_usage_name(enum qr_usage usage);
/* Whether its signature is over the file itself, or something taken from it that
 * only who has the file can compare: no signer signs it without. */
bool qr_payload_needs_file(enum qr_payload type);

/* QR_MALFORMED: no such word. */
enum qr_rc qr_class_parse(struct qr_bytes s, uint32_t *mask) QR_MUST_CHECK;
enum qr_rc qr_role_parse(struct qr_bytes s, enum qr_role *out) QR_MUST_CHECK;
enum qr_rc qr_payload_parse(struct qr_bytes s, enum qr_payload *out) QR_MUST_CHECK;
enum qr_rc qr_usage_parse(struct qr_bytes s, enum qr_usage *out) QR_MUST_CHECK;
/* x509-csr, x509-ca, x509-cert: their bytes hold the group's key. */
bool qr_payload_is_x509(enum qr_payload type);

/* Sorted array of names; a new reference. */
json_t *qr_classes_json(uint32_t classes);
/* The field must be an array of class names, each once, sorted. */
uint32_t qr_obj_classes(struct qr_obj *o, const char *key);
enum qr_role qr_obj_role(struct qr_obj *o, const char *key);
enum qr_payload qr_obj_payload(struct qr_obj *o, const char *key);
enum qr_usage qr_obj_usage(struct qr_obj *o, const char *key);

/* "demo, simulated", or "production" for the empty set. */
void qr_classes_text(uint32_t classes, char out[64]);

#endif
