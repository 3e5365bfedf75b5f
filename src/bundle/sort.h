/* sort.h - which entry of a bundle plays which part.
 *
 * Inside src/bundle only.  Parses every leaf, finds the entries that a stage
 * has once, gives each approval the identity, certificate, issuance, grant and
 * evidence it names, and refuses what is missing or belongs to nothing.
 * Nothing is judged here beyond form and presence.
 * Spec: docs/FORMATS.md section 10. */
#ifndef QUORATE_BUNDLE_SORT_H
#define QUORATE_BUNDLE_SORT_H

#include "bundle/verify.h"

#define SORT_NONE SIZE_MAX

struct sorted {
    const struct bundle *b;
    const struct leaf_entry *parsed; /* of every entry */
    struct qr_hash leaf[BUNDLE_MAX_ENTRIES];
    bool used[BUNDLE_MAX_ENTRIES];
    size_t only[LEAF_KIND_COUNT]; /* position of a kind that stands once */
    size_t policies[2];           /* by enum leaf_policy_name */
    size_t group_issued;
    struct qr_bytes group_der; /* the certificate that no approval names */
};

/* Parses, counts by kind and finds the single ones.  facts->parsed is filled
 * also on failure. */
enum qr_rc sort_entries(const struct bundle *b, struct bundle_facts *f, struct sorted *s,
                        struct trust_report *r) QR_MUST_CHECK;
/* Where an entry stands. */
struct trust_place sort_place(const struct sorted *s, size_t position);
/* The identity entry with this leaf hash.  QR_FALSE recorded as `bundle.stage`. */
enum qr_rc sort_identity(struct sorted *s, const struct qr_hash *leaf, struct trust_identity *out,
                         struct trust_report *r) QR_MUST_CHECK;
/* Fills f->approvals, and checks that no object is left over. */
enum qr_rc sort_approvals(struct sorted *s, struct bundle_facts *f, struct trust_report *r)
    QR_MUST_CHECK;

#endif
