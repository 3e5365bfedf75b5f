/* standing.h - a share of a standing group at rest: sealed with a key of its
 * holder, and bound to one group in one epoch.
 *
 * What is stored opens only beside exactly the group it belongs to: identity,
 * epoch, n, t, Y and every Y_i are additional data.  A blob of an older epoch is
 * told apart from a damaged one.  Where the key comes from, where the blob lies
 * and when it is erased is the caller's; a restored copy opens again, so old
 * epochs must be refused by who knows the newest (the log).
 *
 * Spec: docs/FORMATS.md section 23. */
#ifndef QUORATE_FROST_STANDING_H
#define QUORATE_FROST_STANDING_H

#include "frost/keys.h"

#define STANDING_ID_SIZE 32
#define STANDING_KEY_SIZE 32
#define STANDING_DIGEST_SIZE 64
#define STANDING_BLOB_SIZE (15 + 4 + 4 + 24 + SCALAR_SIZE + 16)

/* Borrows. */
struct standing_group {
    const uint8_t *id; /* STANDING_ID_SIZE: for us the hash of the plan that made it */
    uint32_t epoch;
    const struct frost_group *is;
};

/* SHA-512 over all of it: what requests and entries name when they mean this
 * group with these shares. */
void standing_digest(const struct standing_group *g, uint8_t out[STANDING_DIGEST_SIZE]);

/* Appends STANDING_BLOB_SIZE bytes.  QR_CONFLICT: the share is not of g;
 * QR_NOMEM. */
enum qr_rc standing_seal(const struct standing_group *g, const struct frost_share *share,
                         const uint8_t key[STANDING_KEY_SIZE], const struct qr_rand *rand,
                         struct qr_buf *out) QR_MUST_CHECK;

/* Gives the share (frost_share_fini).  QR_MALFORMED: no such blob; QR_STALE: of
 * another epoch; QR_FALSE: another key, another group or damaged; QR_NOMEM. */
enum qr_rc standing_open(const struct standing_group *g, struct qr_bytes blob,
                         const uint8_t key[STANDING_KEY_SIZE], struct frost_share *share,
                         struct qr_err *err) QR_MUST_CHECK;

#endif
