/* approve.h - from a verified request to a recorded approval: grants, evidence,
 * certificate, the signed body, and the coordinator's receipt.
 *
 * The person has seen the screen and said yes before approve_send is called.
 * Spec: TRUST.md sections 5 and 6, docs/FORMATS.md sections 3.2, 4, 5 and 7. */
#ifndef QUORATE_PARTICIPANT_APPROVE_H
#define QUORATE_PARTICIPANT_APPROVE_H

#include "participant/keys.h"
#include "participant/person.h"

struct approve_plan {
    struct services *services;
    const struct person *person;
    const struct participant_keys *keys;
    const struct bundle_facts *facts; /* verified material of stage `open` */
    struct qr_hash screen;            /* SHA-256 of the text shown */
    bool unattended;                  /* --yes: nobody was asked */
};

/* What stands behind one certificate. */
struct approve_papers {
    struct qr_buf cad_grant;
    struct qr_buf coordinator_grant;
    struct qr_buf evidence;
    struct qr_buf certificate; /* DER */
    struct qr_hash evidence_digest;
    struct leaf_checkpoint checkpoint; /* that the evidence binds */
    unsigned classes;
    int64_t expires_us; /* of the certificate */
};
void approve_papers_init(struct approve_papers *p);
void approve_papers_fini(struct approve_papers *p);

/* Logs in, gets grants, makes the evidence, has cad certify the approval key.
 * Also how a waiting participant renews: same keys, new papers. */
enum qr_rc approve_papers_get(const struct approve_plan *plan, struct approve_papers *out,
                              struct qr_err *err) QR_MUST_CHECK;
/* Builds and signs approval.given, checks it as every reader will, sends it.
 * out: where it stands in the log. */
enum qr_rc approve_send(const struct approve_plan *plan, const struct approve_papers *papers,
                        struct receipt_facts *out, struct qr_err *err) QR_MUST_CHECK;
/* Hands the coordinator a renewed certificate for a standing approval. */
enum qr_rc approve_renew(const struct approve_plan *plan, const struct approve_papers *papers,
                         const struct qr_hash *approval, struct qr_err *err) QR_MUST_CHECK;

#endif
