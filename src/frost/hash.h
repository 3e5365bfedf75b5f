/* hash.h - SHA-512 behind a domain prefix, to bytes or to a scalar, and the
 * five hash functions that RFC 9591 builds from it.
 *
 * Used by the files of src/frost only.  The state is wiped when it is read
 * out, because nonce and key derivations run through it.
 *
 * Spec: RFC 9591 section 6.1; COCKTAIL-DKG "Schnorr Hash-to-Scalar". */
#ifndef QUORATE_FROST_HASH_H
#define QUORATE_FROST_HASH_H

#include "frost/group.h"

#include <sodium.h>

#define HASH_SIZE 64

struct hasher {
    crypto_hash_sha512_state state;
};

/* Starts with the characters of prefix, without its NUL. */
void hasher_init(struct hasher *h, const char *prefix);
void hasher_add(struct hasher *h, struct qr_bytes s);
void hasher_add_le32(struct hasher *h, uint32_t v);
void hasher_add_le64(struct hasher *h, uint64_t v);
void hasher_add_be64(struct hasher *h, uint64_t v);
/* Reads out and wipes. */
void hasher_done(struct hasher *h, uint8_t out[HASH_SIZE]);
void hasher_done_scalar(struct hasher *h, struct scalar *out);

/* H1 (binding factor), H2 (challenge), H3 (nonce) of the concatenated parts;
 * H4 (message) and H5 (commitment list) of one run of bytes. */
void frost_h1(const struct qr_bytes *parts, size_t count, struct scalar *out);
void frost_h2(const struct qr_bytes *parts, size_t count, struct scalar *out);
void frost_h3(const struct qr_bytes *parts, size_t count, struct scalar *out);
void frost_h4(struct qr_bytes msg, uint8_t out[HASH_SIZE]);
void frost_h5(struct qr_bytes list, uint8_t out[HASH_SIZE]);

#endif
