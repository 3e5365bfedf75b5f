/* dispute.h - a recipient shows everybody that the share a dealer sealed for him
 * is wrong, and cannot show it of one that is right.
 *
 * He reveals the two Diffie-Hellman values of that one ciphertext with a proof
 * (Chaum-Pedersen) that both are by the key that is his: so anyone derives the
 * key, opens the dealer's own ciphertext and judges.  His static key stays
 * secret; the value of both static keys is known afterwards, so the two never
 * deal with these keys again.
 *
 * Spec: COCKTAIL-DKG v0.2.1 "Blame", docs/FORMATS.md section 9. */
#ifndef QUORATE_FROST_DISPUTE_H
#define QUORATE_FROST_DISPUTE_H

#include "frost/cocktail.h"

/* S_e || S_d || challenge || response */
#define DISPUTE_SIZE 128

struct dispute_case {
    const struct cocktail_params *params;
    uint32_t from;        /* the dealer's place, 1..n */
    uint32_t to;          /* the recipient's */
    struct qr_bytes msg1; /* the dealer's first message; borrowed */
};

/* The recipient's part.  QR_MALFORMED: the message cannot be taken apart, which
 * shows itself; QR_RANGE: no such places; QR_CONFLICT: own is not P_to. */
enum qr_rc dispute_prove(const struct dispute_case *k, const struct cocktail_static *own,
                         const struct qr_rand *rand, uint8_t out[DISPUTE_SIZE]) QR_MUST_CHECK;

/* Everybody's.  QR_OK: *found is what is wrong with the dealer's ciphertext, or
 * DKG_FINE: nothing, he is accused falsely.  QR_FALSE: the values are not those
 * of the recipient's key; QR_MALFORMED, QR_RANGE as above; QR_NOMEM. */
enum qr_rc dispute_judge(const struct dispute_case *k, const uint8_t proof[DISPUTE_SIZE],
                         enum dkg_reason *found) QR_MUST_CHECK;

#endif
