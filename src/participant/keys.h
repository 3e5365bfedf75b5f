/* keys.h - the keys that a participant's process makes for one session and
 * forgets at its end: approval key, envelope key, COCKTAIL static key.
 *
 * They exist in locked memory only; nothing here writes them anywhere.
 * Spec: TRUST.md section 2. */
#ifndef QUORATE_PARTICIPANT_KEYS_H
#define QUORATE_PARTICIPANT_KEYS_H

#include "frost/cocktail.h"
#include "leaf/grant.h"

struct participant_keys {
    struct qr_signer approval;
    struct qr_signer envelope;
    struct cocktail_static cocktail;
};

/* QR_NOMEM: no locked memory. */
enum qr_rc participant_keys_new(struct participant_keys *k, const struct qr_rand *rand,
                                struct qr_err *err) QR_MUST_CHECK;
void participant_keys_fini(struct participant_keys *k); /* wipes; idempotent */

/* The three public halves, into the fields of a grant request. */
void participant_keys_public(const struct participant_keys *k, struct leaf_grant_request *out);

#endif
