/* test_hooks.h - deterministic entry points for test vectors.
 *
 * They exist only where FROST_TEST_HOOKS is defined, which is the library of
 * the test fixture (libfrosttest.a) and never the product's (libfrost.a; a
 * test reads its symbols).  Each would be a way to lose a key: nonces that a
 * caller chooses or reads, signatures without fresh randomness, a transcript
 * extension that nobody computed. */
#ifndef QUORATE_FROST_TEST_HOOKS_H
#define QUORATE_FROST_TEST_HOOKS_H

#ifdef FROST_TEST_HOOKS
#include "frost/cocktail.h"
#include "frost/sign.h"

/* frost_commit with the 32-byte draws taken from random: hiding, then binding. */
enum qr_rc frost_test_commit(const struct frost_share *share, const struct qr_rand *random,
                             struct frost_nonces **out, struct frost_commitment *commitment)
    QR_MUST_CHECK;
/* hiding || binding of an unused handle. */
void frost_test_nonces(const struct frost_nonces *n, uint8_t out[2 * SCALAR_SIZE]);

/* From now on the signatures of d are those of the vectors. */
void dkg_test_plain_signatures(struct dkg *d);
/* dkg_round2 with the extension given as it is. */
enum qr_rc dkg_test_round2(struct dkg *d, const struct qr_bytes *msgs, struct qr_bytes ext,
                           uint8_t sig[64], struct qr_err *err) QR_MUST_CHECK;
#endif

#endif
