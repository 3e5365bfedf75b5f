/* known.h - what was judged before and needs no second judgement: whoever
 * verifies one session at several stages hands the same struct to each call.
 *
 * A fact is a hash over every byte that its verdict depends on, under one trust
 * directory; only what passed is remembered.  Not for two threads at once.
 * Spec: docs/ARCHITECTURE.md, "What is judged once". */
#ifndef QUORATE_BUNDLE_KNOWN_H
#define QUORATE_BUNDLE_KNOWN_H

#include "base/limits.h"
#include "crypto/crypto.h"

/* Entries, approvals and a certificate of the largest session. */
#define BUNDLE_KNOWN_MAX (5 * QR_MAX_PARTICIPANTS)

/* Zeroed at first; the oldest are forgotten. */
struct bundle_known {
    size_t count; /* ever added */
    struct qr_hash h[BUNDLE_KNOWN_MAX];
};

enum bundle_fact {
    BUNDLE_FACT_APPROVAL,
    BUNDLE_FACT_ENTRY, /* author and kind of an entry, under the classes accepted */
    BUNDLE_FACT_DKG    /* that all members signed a transcript */
};
struct qr_hash bundle_fact_hash(enum bundle_fact fact, const struct qr_bytes *parts, size_t count);

/* known may be NULL: nothing is known, nothing is kept. */
bool bundle_known_has(const struct bundle_known *known, const struct qr_hash *fact);
void bundle_known_add(struct bundle_known *known, const struct qr_hash *fact);

/* That everybody signed this DKG certificate: from whoever verified it. */
struct qr_hash bundle_fact_dkg(struct qr_bytes certificate);

#endif
