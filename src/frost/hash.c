/* hash.c - one SHA-512 state, a prefix per purpose.  H2 has no prefix: that is
 * what makes the result an ordinary Ed25519 signature. */
#include "frost/hash.h"

#define CONTEXT "FROST-ED25519-SHA512-v1"

_Static_assert(HASH_SIZE == crypto_hash_sha512_BYTES, "SHA-512");

void hasher_init(struct hasher *h, const char *prefix)
{
    crypto_hash_sha512_init(&h->state);
    hasher_add(h, qr_str(prefix));
}

void hasher_add(struct hasher *h, struct qr_bytes s)
{
    if (s.n > 0) crypto_hash_sha512_update(&h->state, s.p, s.n);
}

void hasher_add_le32(struct hasher *h, uint32_t v)
{
    uint8_t b[4];
    qr_set_le32(b, v);
    hasher_add(h, QR_BYTES_OF(b));
}

void hasher_add_le64(struct hasher *h, uint64_t v)
{
    uint8_t b[8];
    qr_set_le64(b, v);
    hasher_add(h, QR_BYTES_OF(b));
}

void hasher_add_be64(struct hasher *h, uint64_t v)
{
    uint8_t b[8];
    qr_set_be64(b, v);
    hasher_add(h, QR_BYTES_OF(b));
}

void hasher_done(struct hasher *h, uint8_t out[HASH_SIZE])
{
    crypto_hash_sha512_final(&h->state, out);
    qr_wipe(h, sizeof *h);
}

void hasher_done_scalar(struct hasher *h, struct scalar *out)
{
    uint8_t wide[HASH_SIZE];
    hasher_done(h, wide);
    scalar_reduce(out, wide);
    qr_wipe(wide, sizeof wide);
}

static void to_scalar(const char *prefix, const struct qr_bytes *parts, size_t count,
                      struct scalar *out)
{
    struct hasher h;
    hasher_init(&h, prefix);
    for (size_t i = 0; i < count; i++) hasher_add(&h, parts[i]);
    hasher_done_scalar(&h, out);
}

static void to_bytes(const char *prefix, struct qr_bytes s, uint8_t out[HASH_SIZE])
{
    struct hasher h;
    hasher_init(&h, prefix);
    hasher_add(&h, s);
    hasher_done(&h, out);
}

void frost_h1(const struct qr_bytes *parts, size_t count, struct scalar *out)
{
    to_scalar(CONTEXT "rho", parts, count, out);
}

void frost_h2(const struct qr_bytes *parts, size_t count, struct scalar *out)
{
    to_scalar("", parts, count, out);
}

void frost_h3(const struct qr_bytes *parts, size_t count, struct scalar *out)
{
    to_scalar(CONTEXT "nonce", parts, count, out);
}

void frost_h4(struct qr_bytes msg, uint8_t out[HASH_SIZE]) { to_bytes(CONTEXT "msg", msg, out); }
void frost_h5(struct qr_bytes list, uint8_t out[HASH_SIZE]) { to_bytes(CONTEXT "com", list, out); }
