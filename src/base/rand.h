/* rand.h - randomness, passed in, and the identifiers made from it. */
#ifndef QUORATE_BASE_RAND_H
#define QUORATE_BASE_RAND_H

#include "base/bytes.h"

struct qr_rand {
    void (*fill)(void *ctx, uint8_t *out, size_t n); /* never fails: it aborts */
    void *ctx;
};

/* getrandom(2). */
struct qr_rand qr_rand_system(void);

/* A repeatable stream for tests: xoshiro-like, never for keys of users.
 * seed is kept and advanced. */
struct qr_rand qr_rand_seeded(uint64_t *seed);

/* Fills n bytes. */
void qr_rand_fill(const struct qr_rand *r, void *out, size_t n);

#define QR_ULID_LEN 26
/* ULID: 48 bits of milliseconds, 80 random bits, Crockford base32, upper case.
 * out has QR_ULID_LEN + 1 bytes. */
void qr_ulid(const struct qr_rand *r, int64_t wall_us, char out[QR_ULID_LEN + 1]);
bool qr_ulid_ok(struct qr_bytes s);

#endif
