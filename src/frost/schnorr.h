/* schnorr.h - COCKTAIL-DKG's Schnorr signatures, suite Ed25519.
 *
 * Deliberately not Ed25519: the challenge has its own prefix, so that neither
 * verifier accepts the other's signatures.  Used for the proof of possession
 * of a DKG contribution, for the certificate, and for the proof of possession
 * of a static key (frost/cocktail.h).
 *
 * Spec: COCKTAIL-DKG v0.2.1 "Schnorr Signature Scheme". */
#ifndef QUORATE_FROST_SCHNORR_H
#define QUORATE_FROST_SCHNORR_H

#include "frost/group.h"

#define SCHNORR_SIZE 64 /* R || z */

/* The message is the concatenation of the parts.  The nonce is derived from
 * the key, 32 bytes of rand and the message; rand NULL leaves the random bytes
 * out (the deterministic scheme of the text).  QR_BUG: the nonce is zero, and
 * the session must be given up. */
enum qr_rc schnorr_sign(const struct scalar *key, const struct qr_bytes *parts, size_t count,
                        const struct qr_rand *rand, uint8_t sig[SCHNORR_SIZE]) QR_MUST_CHECK;

/* QR_FALSE: z not canonical, R not a valid point, or the equation fails. */
enum qr_rc schnorr_verify(const struct point *pub, const struct qr_bytes *parts, size_t count,
                          const uint8_t sig[SCHNORR_SIZE]) QR_MUST_CHECK;

#endif
