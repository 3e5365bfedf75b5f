/* crypto.h - hashes, MACs, Ed25519, X25519 and the AEAD, over OpenSSL and
 * libsodium.
 *
 * Everything of ours that is signed begins with a domain tag "quorate/<kind>/v1"
 * and a NUL (qr_sign_tagged); formats fixed elsewhere (notes, X.509, SSH,
 * COCKTAIL) call qr_sign.  qr_crypto_init must have succeeded once.
 *
 * Spec: FIPS 180-4, RFC 2104, RFC 5869, RFC 8032, RFC 7748. */
#ifndef QUORATE_CRYPTO_CRYPTO_H
#define QUORATE_CRYPTO_CRYPTO_H

#include "base/bytes.h"
#include "base/rand.h"
#include "base/secret.h"

#define QR_SHA256_SIZE 32
#define QR_SHA512_SIZE 64
#define QR_KEY_SIZE 32 /* Ed25519 and X25519 public keys and seeds */
#define QR_SIG_SIZE 64
#define QR_AEAD_OVERHEAD 16
#define QR_AEAD_NONCE 24

struct qr_hash {
    uint8_t b[QR_SHA256_SIZE];
};
struct qr_pub {
    uint8_t b[QR_KEY_SIZE];
};
struct qr_sig {
    uint8_t b[QR_SIG_SIZE];
};

/* Starts libsodium and its self-test of the subgroup check (CVE-2025-69277).
 * QR_BUG: the library must not be used. */
enum qr_rc qr_crypto_init(struct qr_err *err) QR_MUST_CHECK;

/* SHA-256 of the concatenation of count parts. */
struct qr_hash qr_sha256(const struct qr_bytes *parts, size_t count);
struct qr_hash qr_sha256_one(struct qr_bytes s);
void qr_sha512(const struct qr_bytes *parts, size_t count, uint8_t out[QR_SHA512_SIZE]);
/* SHA-256(tag || 0x00 || s). */
struct qr_hash qr_sha256_tagged(const char *tag, struct qr_bytes s);
bool qr_hash_equal(const struct qr_hash *a, const struct qr_hash *b);

/* SHA-256 in steps, for files. */
struct qr_sha256_ctx;
struct qr_sha256_ctx *qr_sha256_new(void); /* aborts on no memory */
void qr_sha256_update(struct qr_sha256_ctx *c, struct qr_bytes s);
struct qr_hash qr_sha256_free(struct qr_sha256_ctx *c); /* takes; the digest */

void qr_hmac_sha256(struct qr_bytes key, const struct qr_bytes *parts, size_t count,
                    uint8_t out[QR_SHA256_SIZE]);
/* HKDF-SHA-256, extract and expand (RFC 5869); out_len <= 255 * 32. */
void qr_hkdf_sha256(struct qr_bytes ikm, struct qr_bytes salt, struct qr_bytes info, uint8_t *out,
                    size_t out_len);

/* An Ed25519 or X25519 private key.  The 32-byte seed (64 bytes expanded for
 * Ed25519) stays in locked memory. */
struct qr_signer {
    struct qr_secret secret; /* seed || public */
    struct qr_pub pub;
};
enum qr_rc qr_signer_new(struct qr_signer *s, const struct qr_rand *r, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc qr_signer_from_seed(struct qr_signer *s, const uint8_t seed[QR_KEY_SIZE],
                               struct qr_err *err) QR_MUST_CHECK;
void qr_signer_fini(struct qr_signer *s);
/* For OpenSSL, wherever it reads a private key in PEM: an encrypted one is
 * refused; without this it would ask on the terminal. */
int qr_pem_no_password(char *out, int room, int writing, void *ctx);
/* From PEM PKCS#8; QR_MALFORMED. */
enum qr_rc qr_signer_from_pem(struct qr_signer *s, struct qr_bytes pem, struct qr_err *err)
    QR_MUST_CHECK;
/* Appends PEM PKCS#8, which the caller wipes.  QR_NOMEM: the buffer's cap. */
enum qr_rc qr_signer_to_pem(const struct qr_signer *s, struct qr_buf *pem) QR_MUST_CHECK;
/* The private key as PEM PKCS#8 in a private file, and back. */
enum qr_rc qr_signer_load(struct qr_signer *s, const char *path, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc qr_signer_save(const struct qr_signer *s, const char *path, struct qr_err *err)
    QR_MUST_CHECK;
void qr_sign(const struct qr_signer *s, struct qr_bytes msg, struct qr_sig *out);
/* Ed25519 over tag || 0x00 || msg. */
void qr_sign_tagged(const struct qr_signer *s, const char *tag, struct qr_bytes msg,
                    struct qr_sig *out);
/* Strict verification (canonical, no small order).  QR_FALSE when it fails. */
enum qr_rc qr_verify(const struct qr_pub *pub, struct qr_bytes msg, const struct qr_sig *sig)
    QR_MUST_CHECK;
enum qr_rc qr_verify_tagged(const struct qr_pub *pub, const char *tag, struct qr_bytes msg,
                            const struct qr_sig *sig) QR_MUST_CHECK;
/* A canonical point of the prime-order subgroup: what qr_verify asks of a key. */
bool qr_pub_valid(const struct qr_pub *pub);
/* As qr_verify_tagged in half the time, for a key that passed qr_pub_valid when
 * it was pinned. */
enum qr_rc qr_verify_pinned(const struct qr_pub *pub, const char *tag, struct qr_bytes msg,
                            const struct qr_sig *sig) QR_MUST_CHECK;
/* Key id of an entry author or a note: first 8 bytes of SHA-256(pub), hex. */
#define QR_KEY_ID_LEN 16
void qr_key_id(const struct qr_pub *pub, char out[QR_KEY_ID_LEN + 1]);

/* X25519 with a fresh key.  qr_dh: QR_MALFORMED for a low-order peer key. */
enum qr_rc qr_dh_new(struct qr_signer *s, const struct qr_rand *r, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc qr_dh(const struct qr_signer *own, const struct qr_pub *peer, uint8_t out[QR_KEY_SIZE])
    QR_MUST_CHECK;

/* XChaCha20-Poly1305.  Appends ciphertext || tag.  The nonce must be unique. */
enum qr_rc qr_seal(const uint8_t key[32], const uint8_t nonce[QR_AEAD_NONCE], struct qr_bytes aad,
                   struct qr_bytes plain, struct qr_buf *out) QR_MUST_CHECK;
/* Appends the plaintext.  QR_FALSE: not authentic. */
enum qr_rc qr_unseal(const uint8_t key[32], const uint8_t nonce[QR_AEAD_NONCE], struct qr_bytes aad,
                     struct qr_bytes cipher, struct qr_buf *out) QR_MUST_CHECK;

#endif
