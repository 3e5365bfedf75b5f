/* aggregate.h - from signature shares to one Ed25519 signature, or to the
 * names of those who sent bad shares.
 *
 * For the coordinator, which is untrusted, and for any signer.  A signature is
 * given out only after it verified under the group's key.
 *
 * Spec: RFC 9591 sections 5.3 and 5.4. */
#ifndef QUORATE_FROST_AGGREGATE_H
#define QUORATE_FROST_AGGREGATE_H

#include "frost/package.h"

#define FROST_SIG_SIZE 64

/* Round 2 output of signer id (of the authenticated channel). */
struct frost_sig_share {
    uint32_t id;
    uint8_t z[SCALAR_SIZE];
};

struct frost_result {
    uint8_t sig[FROST_SIG_SIZE]; /* R || z; zeros unless QR_OK */
    struct frost_culprits culprits;
};

/* shares[i] answers p->list[i]; both hold p->count entries with equal ids.
 * QR_FALSE with culprits: each of them, and nobody else, sent a share that is
 * not canonical or does not fit its commitment.  QR_MALFORMED with culprits:
 * they sent commitments that do not decode.  QR_RANGE, QR_MALFORMED or
 * QR_FALSE without culprits: the list is wrong, nobody is to blame
 * (frost_attempt_init).  QR_BUG: all shares verify but their sum does not:
 * wrong group, or a bug; never blame. */
enum qr_rc frost_aggregate(const struct frost_group *g, const struct frost_package *p,
                           const struct frost_sig_share *shares, struct frost_result *out,
                           struct qr_err *err) QR_MUST_CHECK;

#endif
