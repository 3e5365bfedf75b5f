/* certificate.h - the result of a DKG that anyone can check: the transcript T
 * and a signature over it by every participant.
 *
 * For the CA, for participants and for offline verifiers.  The group's key and
 * its members' verification shares are recomputed from T, never taken from
 * elsewhere.  What the caller must still compare with its own knowledge: the
 * list of static keys, n, t, the context (cocktail_context) and the extension
 * (cocktail_ext).
 *
 * Spec: COCKTAIL-DKG v0.2.1 "Round 3: Certification". */
#ifndef QUORATE_FROST_CERTIFICATE_H
#define QUORATE_FROST_CERTIFICATE_H

#include "frost/cocktail_wire.h"
#include "frost/keys.h"
#include "frost/public.h"

/* Application bytes in a transcript; ours are COCKTAIL_EXT_SIZE long. */
#define COCKTAIL_MAX_EXT 4096
#define COCKTAIL_MAX_TRANSCRIPT \
    (122 + 32 * QR_MAX_MEMBERS * QR_MAX_MEMBERS + 128 * QR_MAX_MEMBERS + COCKTAIL_MAX_EXT)
#define COCKTAIL_MAX_CERTIFICATE (COCKTAIL_MAX_TRANSCRIPT + 64 * QR_MAX_MEMBERS)

/* Everything that T says, checked.  Borrows from the certificate's bytes. */
struct cocktail_certificate {
    struct cocktail_params params;
    struct qr_bytes transcript;  /* T */
    struct qr_bytes commitments; /* C_1 || ... || C_n, each t points */
    struct qr_bytes ephemerals;  /* E_1 || ... || E_n */
    struct qr_bytes ext;
    struct qr_bytes signatures; /* n of them */
    struct frost_group group;   /* Y, Y_1 .. Y_n, recomputed */
};

/* Appends T.  commitments is n*t points, pops n signatures, ephemerals n
 * points; ext.n <= COCKTAIL_MAX_EXT.  QR_NOMEM: the buffer's cap. */
struct cocktail_transcript {
    const struct cocktail_params *params;
    const struct point *commitments;
    const uint8_t (*pops)[SCHNORR_SIZE];
    const struct point *ephemerals;
    struct qr_bytes ext;
};
enum qr_rc cocktail_transcript_write(const struct cocktail_transcript *t, struct qr_buf *out)
    QR_MUST_CHECK;

/* Y = sum of C_{j,0}, Y_m = sum over k of m^k * sum over j of C_{j,k}.
 * QR_RANGE: one of them is the identity. */
enum qr_rc cocktail_group(const struct cocktail_params *p, const struct public_point *commitments,
                          struct frost_group *out) QR_MUST_CHECK;

/* Checks everything: exact length, suite, parameters, every point, every proof
 * of possession, no copied contribution, all n signatures.
 * QR_MALFORMED: not a transcript of ours with n signatures (err says what);
 * QR_RANGE: n or t, or a key of the group is the identity; QR_CONFLICT: a
 * static key or a contribution occurs twice; QR_FALSE: a proof of possession
 * or a signature fails; QR_NOMEM. */
enum qr_rc cocktail_certificate_verify(struct qr_bytes bytes, struct cocktail_certificate *out,
                                       struct qr_err *err) QR_MUST_CHECK;
/* Its two halves, for who reports them apart: everything but the signatures;
 * then these (QR_FALSE), of a certificate that was read. */
enum qr_rc cocktail_certificate_read(struct qr_bytes bytes, struct cocktail_certificate *out,
                                     struct qr_err *err) QR_MUST_CHECK;
enum qr_rc cocktail_certificate_signed(const struct cocktail_certificate *c, struct qr_err *err)
    QR_MUST_CHECK;

/* First pair of participants with the same C_{j,0} or E_j: a proof of
 * possession does not contain the index, so it can be copied.  False: none. */
bool cocktail_find_copy(const struct cocktail_params *p, const struct point *commitments,
                        const struct point *ephemerals, uint32_t pair[2]);

#endif
