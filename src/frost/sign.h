/* sign.h - the signer's two rounds: commit to nonces, then sign with them once.
 *
 * Three answers with one pair of nonces give the share away by linear algebra,
 * so nonces exist only behind an opaque handle in locked memory: no function
 * reads, writes, copies or stores them, they die with the process, and the
 * first call of frost_sign uses the handle up, whatever comes of it.  For the
 * same reason frost_commit draws from the system and takes no struct qr_rand.
 *
 * The caller has already decided that it approves the message and has rebuilt
 * its bytes itself (frost/payload.h); nothing here judges that.
 *
 * Spec: RFC 9591 sections 5.1 and 5.2. */
#ifndef QUORATE_FROST_SIGN_H
#define QUORATE_FROST_SIGN_H

#include "frost/package.h"

struct frost_nonces;

/* Round 1.  Gives *out (frost_nonces_free) and the commitment to send.
 * QR_NOMEM: memory, or no locked memory. */
enum qr_rc frost_commit(const struct frost_share *share, struct frost_nonces **out,
                        struct frost_commitment *commitment, struct qr_err *err) QR_MUST_CHECK;
/* Wipes; NULL is allowed. */
void frost_nonces_free(struct frost_nonces *n);

/* Round 2: the signature share z.  The handle is used up by this call, also
 * when it fails; the caller still frees it.
 * QR_STATE: used before, made by another process or for another share;
 * QR_CONFLICT: the list
 * does not hold exactly the commitment of this handle (suspect the
 * coordinator); QR_RANGE, QR_MALFORMED, QR_FALSE: frost_attempt_init. */
enum qr_rc frost_sign(struct frost_nonces *n, const struct frost_share *share,
                      const struct frost_package *p, uint8_t z[SCALAR_SIZE], struct qr_err *err)
    QR_MUST_CHECK;

#endif
