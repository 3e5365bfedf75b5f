/* service.h - service.started, attestation.accepted, attestation.refused.
 * docs/FORMATS.md section 2. */
#ifndef QUORATE_LEAF_SERVICE_H
#define QUORATE_LEAF_SERVICE_H

#include "leaf/people.h"

struct leaf_service_started {
    char service[17];
    char node[LEAF_MAX_NODE + 1];
    char version[33];
    char boot[QR_ULID_LEN + 1];
    struct leaf_policies policies;
};
/* write gives the body; read is strict (QR_MALFORMED names the field). */
json_t *leaf_service_started_write(const struct leaf_service_started *s);
enum qr_rc leaf_service_started_read(const json_t *body, struct leaf_service_started *out,
                                     struct qr_err *err) QR_MUST_CHECK;

struct leaf_attestation {
    char service[17]; /* who judged */
    char peer_node[LEAF_MAX_NODE + 1];
    char peer_role[33];
    struct qr_hash evidence; /* digest; refused before parsing: zeros */
    struct qr_hash policy;   /* attestation policy judged by */
    char reason[33];         /* reason code; accepted: "OK" */
    uint32_t count;          /* verdicts this entry stands for, from 1 */
};
json_t *leaf_attestation_write(const struct leaf_attestation *a);
enum qr_rc leaf_attestation_read(const json_t *body, struct leaf_attestation *out,
                                 struct qr_err *err) QR_MUST_CHECK;

#endif
