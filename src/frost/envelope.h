/* envelope.h - one share on its way from one participant to another: sealed
 * by the sender, opened and checked by the recipient.
 *
 * Internal to src/frost: the DKG and recovery share it.
 *
 * Spec: COCKTAIL-DKG v0.2.1 "Round 1" step 5, "Round 2" step 3. */
#ifndef QUORATE_FROST_ENVELOPE_H
#define QUORATE_FROST_ENVELOPE_H

#include "frost/cocktail_wire.h"
#include "frost/public.h"

struct envelope_route {
    const struct cocktail_params *params;
    uint32_t from;
    uint32_t to;
    const struct point *ephemeral; /* E of the sender */
    const struct point *dh_static; /* d*P of the two, secret; NULL: made here */
};

struct envelope_content {
    const struct scalar *share;
    struct qr_bytes payload; /* at most COCKTAIL_MAX_PAYLOAD bytes */
};

/* Appends the frame: be64 length, ciphertext of share || payload.  ephemeral
 * and own are the sender's e and d.  QR_RANGE: the payload is too long;
 * QR_NOMEM: the buffer's cap, or no locked memory. */
enum qr_rc envelope_seal(const struct envelope_route *route, const struct scalar *ephemeral,
                         const struct scalar *own, const struct envelope_content *content,
                         struct qr_buf *out) QR_MUST_CHECK;

/* Opens the ciphertext with the recipient's d and checks the share against the
 * sender's commitments.  QR_FALSE or QR_MALFORMED with *reason DKG_DECRYPT,
 * DKG_SCALAR or DKG_SHARE; QR_NOMEM.  The payload is not given. */
enum qr_rc envelope_open(const struct envelope_route *route, const struct scalar *own,
                         const struct public_point *commitments, struct qr_bytes cipher,
                         struct scalar *share, enum dkg_reason *reason) QR_MUST_CHECK;

/* The same with both Diffie-Hellman values at hand, of the ephemeral and of the
 * static key. */
enum qr_rc envelope_open_with(const struct envelope_route *route, const struct point dh[2],
                              const struct public_point *commitments, struct qr_bytes cipher,
                              struct scalar *share, enum dkg_reason *reason) QR_MUST_CHECK;

#endif
