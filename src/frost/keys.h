/* keys.h - what a key group is (public, pinned by every signer and by the
 * coordinator) and the secret share that one member holds.
 *
 * Both are made from a DKG certificate (frost/certificate.h, frost/cocktail.h,
 * frost/recover.h) or, for tests and stored groups, from bytes.  A share never
 * leaves locked memory through this header.
 *
 * Spec: RFC 9591 sections 4 and 5. */
#ifndef QUORATE_FROST_KEYS_H
#define QUORATE_FROST_KEYS_H

#include "frost/group.h"

/* Copies freely; shares[i - 1] is Y_i. */
struct frost_group {
    uint32_t n;
    uint32_t t;
    struct point key; /* Y, an ordinary Ed25519 public key */
    struct point shares[QR_MAX_MEMBERS];
};

/* shares is Y_1 || ... || Y_n.  QR_RANGE: not 1 <= t <= n <=
 * QR_MAX_MEMBERS, or shares is not n points long; QR_MALFORMED: a point
 * that point_decode refuses. */
enum qr_rc frost_group_init(struct frost_group *g, uint32_t n, uint32_t t, struct qr_bytes key,
                            struct qr_bytes shares) QR_MUST_CHECK;

struct frost_share {
    struct qr_secret x;
    uint32_t id;
    struct frost_group group;
};

/* Copies x into locked memory.  QR_RANGE: id is not 1..n; QR_MALFORMED: x is
 * not canonical; QR_FALSE: x*B is not Y_id; QR_NOMEM: qr_secret_init.  On
 * failure there is nothing to finish. */
enum qr_rc frost_share_init(struct frost_share *s, const struct frost_group *g, uint32_t id,
                            const uint8_t x[SCALAR_SIZE], struct qr_err *err) QR_MUST_CHECK;
void frost_share_fini(struct frost_share *s); /* wipes; idempotent */

#endif
