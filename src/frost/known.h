/* known.h - Ed25519 signatures of public keys that are known beforehand, each
 * checked in a fifth of the time that a key takes which is seen once.
 *
 * For whoever verifies many signatures of the same few authors.  It accepts what
 * crypto_sign_verify_detached of libsodium accepts of a key that qr_pub_valid
 * accepts, and nothing else: each signature by itself, without cofactors or
 * random sums.  PUBLIC DATA ONLY, as frost/edv.h.  Threads may share it.
 *
 * Spec: RFC 8032 section 5.1.7. */
#ifndef QUORATE_FROST_KNOWN_H
#define QUORATE_FROST_KNOWN_H

#include "crypto/crypto.h"

struct known_keys;

/* Gives *out, empty; known_keys_free takes it back, or NULL.  QR_NOMEM. */
enum qr_rc known_keys_new(struct known_keys **out) QR_MUST_CHECK;
void known_keys_free(struct known_keys *k);
/* Half a megabyte and a millisecond for each key; a key that is there already
 * costs nothing.  QR_FALSE: qr_pub_valid refuses it; QR_NOMEM. */
enum qr_rc known_keys_add(struct known_keys *k, const struct qr_pub *pub) QR_MUST_CHECK;

/* Is sig the key's over the parts, one after the other?  QR_FALSE: it is not, or
 * the key was not added. */
enum qr_rc known_keys_verify(const struct known_keys *k, const struct qr_pub *pub,
                             const struct qr_bytes *parts, size_t count, const struct qr_sig *sig)
    QR_MUST_CHECK;

#endif
