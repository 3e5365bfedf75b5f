/* entry_check.h - who wrote an entry, and may he: inclusion is not authorship,
 * so every reader of the log asks this about every entry it relies on.
 *
 * Pure; records named checks.  Spec: TRUST.md sections 3 and 10 (e). */
#ifndef QUORATE_TRUST_ENTRY_CHECK_H
#define QUORATE_TRUST_ENTRY_CHECK_H

#include "leaf/people.h"
#include "trust/report.h"
#include "trust/trust_dir.h"

/* Where an entry stands in the log and what its envelope says.  An index of
 * TRUST_NOT_LOGGED: it is about to be logged, after everything else. */
#define TRUST_NOT_LOGGED UINT64_MAX
struct trust_place {
    uint64_t index;
    struct qr_hash leaf;
    int64_t time_us;
    unsigned classes;
};

/* What a session is judged by. */
struct trust_context {
    const struct trust_dir *dir;
    struct signing_policy signing; /* the one in force, at least the directory's */
    struct leaf_policies policies; /* hashes of both in force */
    unsigned classes;              /* trust classes accepted here */
    /* What the log says, whole or a bundle's part of it: policies are those in
     * force then.  Else attestation is the directory's, which knows from where on
     * its next one is in force. */
    bool of_log;
    const struct attest_policy *attestation; /* of_log: whose hash is in policies, where
                                                the directory has only its hash */
};

/* The directory's own policies, accepting its classes and the extra ones. */
void trust_context_of(const struct trust_dir *dir, unsigned extra_classes,
                      struct trust_context *out);

/* Known key of its author, kind allowed for it, signature, classes accepted.
 * QR_FALSE; QR_ATTESTATION for a class. */
enum qr_rc trust_entry_check(const struct trust_context *ctx, const struct leaf_entry *e,
                             struct trust_report *r) QR_MUST_CHECK;

/* Both policies in force for an entry at this index. */
struct leaf_policies trust_policies_at(const struct trust_context *ctx, uint64_t index);
/* The attestation policy of this hash; the directory's where it is none of ours
 * (such a session is refused by its request). */
const struct attest_policy *trust_attestation(const struct trust_context *ctx,
                                              const struct qr_hash *hash);

/* A policy.changed body: admins, text, hash, and at least the directory's
 * policy (apart from classes that ctx accepts beyond it).  The attestation
 * policy must be one that the directory names.  signing (may be NULL) receives a signing
 * policy. */
enum qr_rc trust_policy_check(const struct trust_context *ctx, const struct leaf_policy *p,
                              const json_t *body, struct signing_policy *signing,
                              struct trust_report *r) QR_MUST_CHECK;

/* An identity entry (enrolled or role_changed): enough admins signed it. */
struct trust_identity {
    struct trust_place at;
    enum leaf_kind kind;
    const json_t *body; /* borrows from the entry */
    struct leaf_identity is;
};
enum qr_rc trust_enrolment_check(const struct trust_context *ctx, const struct trust_identity *id,
                                 struct trust_report *r) QR_MUST_CHECK;

#endif
