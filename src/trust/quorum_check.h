/* quorum_check.h - are these approvals the quorum that the policy asks for,
 * and is this descriptor the one they give?
 *
 * Pure; records named checks.  Spec: TRUST.md sections 4, 6 and 10 (j), (k). */
#ifndef QUORATE_TRUST_QUORUM_CHECK_H
#define QUORATE_TRUST_QUORUM_CHECK_H

#include "trust/approval_check.h"

/* Distinct people, one slot each; distinct keys,
 * none of them of the trust directory; the counts of both roles met
 * exactly; the requester rule; distinct nodes if asked; classes. */
enum qr_rc trust_quorum_check(const struct trust_context *ctx, const struct trust_request *req,
                              const struct trust_approval *approvals, size_t n,
                              struct trust_report *r) QR_MUST_CHECK;
/* The same without the counts: what may stand together before a quorum is
 * complete. */
enum qr_rc trust_people_check(const struct trust_context *ctx, const struct trust_request *req,
                              const struct trust_approval *approvals, size_t n,
                              struct trust_report *r) QR_MUST_CHECK;

/* roster.attested and roster.frozen. */
struct trust_roster {
    struct trust_place at;
    struct leaf_roster is;
};
struct trust_descriptor {
    struct trust_place at;
    struct qr_hash hash;
    struct leaf_descriptor is;
};
/* What some payloads are made of besides the entries; borrows. */
struct trust_given {
    struct qr_bytes file;           /* raw; minisign and x509-cert compare it; p NULL: none */
    const struct qr_sig *first;     /* minisign-global: the signature minisign; NULL: none */
    const struct qr_pub *group_key; /* x509-*: stands in the bytes; NULL: not made yet */
};
/* Appends the message that a payload stands for.  The file's digest is compared:
 * QR_FALSE; QR_POLICY: a file that would mean something else to another
 * protocol; QR_RANGE: what it is made of is not given. */
enum qr_rc trust_payload_message(const struct trust_dir *dir, const struct leaf_request *req,
                                 const struct leaf_descriptor *d, const struct leaf_payload *p,
                                 const struct trust_given *given, struct qr_buf *out) QR_MUST_CHECK;
/* What names that message in entries: its SHA-256, or where it holds what the
 * session makes (minisign-global, x509-*), the digest of what it is made of
 * (docs/FORMATS.md section 8).  Needs neither file nor signature nor key. */
enum qr_rc trust_payload_digest(const struct trust_dir *dir, const struct leaf_request *req,
                                const struct leaf_descriptor *d, const struct leaf_payload *p,
                                struct qr_hash *out) QR_MUST_CHECK;
/* The same from the message itself, where that can be. */
enum qr_rc trust_payload_named(const struct leaf_request *req, const struct leaf_payload *p,
                               struct qr_bytes msg, struct qr_hash *out) QR_MUST_CHECK;
/* A certificate or request for one as PEM.  QR_FALSE: not signed by the group;
 * QR_RANGE: p is no such payload, or no key is given. */
enum qr_rc trust_payload_pem(const struct leaf_request *req, const struct leaf_descriptor *d,
                             const struct leaf_payload *p, const struct trust_given *given,
                             const struct qr_sig *sig, struct qr_buf *out, struct qr_err *err)
    QR_MUST_CHECK;
/* A freeze and everything it was made from; borrows. */
struct trust_freeze {
    const struct trust_request *req;
    const struct trust_approval *approvals; /* ascending index */
    size_t n;
    const struct trust_roster *roster;
    const struct trust_descriptor *d;
};
/* roster.attested names exactly these approvals in this order, was made after
 * them and before any of them was too old.  f->d is not looked at. */
enum qr_rc trust_roster_check(const struct trust_context *ctx, const struct trust_freeze *f,
                              struct trust_report *r) QR_MUST_CHECK;
/* The descriptor rebuilt from the leaves: members in ascending approval index,
 * n = t = the policy's quorum, roster, policies, expiry, checkpoint behind the
 * roster, payload digests. */
enum qr_rc trust_descriptor_check(const struct trust_context *ctx, const struct trust_freeze *f,
                                  struct trust_report *r) QR_MUST_CHECK;

#endif
