/* cocktail.h - a participant's side of a COCKTAIL-DKG, message by message.
 *
 * The caller relays byte strings: dkg_round1 gives the first message, dkg_round2
 * takes the first messages of all n in order and gives a signature over the
 * transcript, dkg_finish takes all n signatures and gives the certificate and
 * the key share.  Whoever relays is untrusted.  A refused round 2 ends the
 * object; a refused dkg_finish does not, because another party may already
 * hold the complete certificate: from round 2 on the session is pending, and
 * becomes valid whenever all n signatures are shown.
 *
 * Before dkg_new all participants must have agreed on the parameters including
 * the context (every one signs the session's descriptor); a context that
 * differs would otherwise look like a bad proof of possession.
 *
 * Spec: COCKTAIL-DKG v0.2.1, suite COCKTAIL(Ed25519, SHA-512). */
#ifndef QUORATE_FROST_COCKTAIL_H
#define QUORATE_FROST_COCKTAIL_H

#include "frost/certificate.h"
#include "frost/sign.h"

/* A participant's static key (d, P = d*B), used for nothing but COCKTAIL. */
struct cocktail_static {
    struct qr_secret d;
    struct point pub;
};

/* A fresh key.  QR_NOMEM: qr_secret_init. */
enum qr_rc cocktail_static_new(struct cocktail_static *s, const struct qr_rand *rand,
                               struct qr_err *err) QR_MUST_CHECK;
/* A stored key, for recovery.  QR_MALFORMED: zero or not canonical. */
enum qr_rc cocktail_static_load(struct cocktail_static *s, const uint8_t d[SCALAR_SIZE],
                                struct qr_err *err) QR_MUST_CHECK;
void cocktail_static_fini(struct cocktail_static *s); /* wipes; idempotent */

/* Proof of possession of d: the suite's signature over "quorate/pop/v1\0" ||
 * bytes.  QR_BUG: schnorr_sign. */
enum qr_rc cocktail_static_prove(const struct cocktail_static *s, struct qr_bytes bytes,
                                 const struct qr_rand *rand, uint8_t sig[SCHNORR_SIZE])
    QR_MUST_CHECK;
/* pub is the 32 bytes of P.  QR_MALFORMED: pub is no valid point; QR_FALSE. */
enum qr_rc cocktail_static_check(const uint8_t pub[POINT_SIZE], struct qr_bytes bytes,
                                 const uint8_t sig[SCHNORR_SIZE]) QR_MUST_CHECK;

struct dkg;

struct dkg_setup {
    const struct cocktail_params *params; /* copied; with context */
    const struct cocktail_static *key;    /* kept until dkg_free */
    struct qr_rand rand;
    uint32_t index; /* own, 1..n */
};

/* Gives *out (dkg_free).  Nothing secret is made here.  QR_RANGE: index;
 * QR_CONFLICT: keys[index - 1] is not our key; QR_NOMEM. */
enum qr_rc dkg_new(struct dkg **out, const struct dkg_setup *setup, struct qr_err *err)
    QR_MUST_CHECK;
void dkg_free(struct dkg *d); /* wipes; NULL is allowed */

/* Round 1: appends the first message.  payload (usually none) reaches every
 * participant encrypted beside its share.  QR_STATE: called before; QR_RANGE:
 * payload too long; QR_NOMEM; QR_BUG: give the session up. */
enum qr_rc dkg_round1(struct dkg *d, struct qr_bytes payload, struct qr_buf *out,
                      struct qr_err *err) QR_MUST_CHECK;

/* Round 2: msgs[j - 1] is the first message of participant j, our own
 * included.  ext_prefix goes into the extension (cocktail_ext).  Gives the
 * signature over the transcript.  On refusal dkg_blamed tells whom and why:
 * QR_MALFORMED or QR_FALSE as in enum dkg_reason, QR_CONFLICT for DKG_OWN and
 * DKG_DUPLICATE, QR_RANGE for DKG_KEY.  QR_STATE: wrong order of calls;
 * QR_NOMEM. */
enum qr_rc dkg_round2(struct dkg *d, const struct qr_bytes *msgs, struct qr_bytes ext_prefix,
                      uint8_t sig[SCHNORR_SIZE], struct qr_err *err) QR_MUST_CHECK;

/* After round 2: RFC 9591 round 1 with the share that dkg_finish will give, so
 * that commitments travel with the signature over the transcript.  The nonces
 * sign only with that share.  Gives *out (frost_nonces_free).  QR_STATE;
 * QR_NOMEM. */
enum qr_rc dkg_commit(const struct dkg *d, struct frost_nonces **out,
                      struct frost_commitment *commitment, struct qr_err *err) QR_MUST_CHECK;

/* Likewise: the share that will hold, for who has to store it before the
 * signature over the transcript is sent (frost_share_fini).  QR_STATE; QR_NOMEM. */
enum qr_rc dkg_pending(const struct dkg *d, struct frost_share *share, struct qr_err *err)
    QR_MUST_CHECK;

/* Round 3: sigs is sig_1 || ... || sig_n.  Appends the certificate, gives the
 * share (frost_share_fini).  QR_MALFORMED: not n signatures; QR_FALSE: one
 * does not verify (dkg_blamed), may be called again with others; QR_STATE;
 * QR_NOMEM. */
enum qr_rc dkg_finish(struct dkg *d, struct qr_bytes sigs, struct qr_buf *certificate,
                      struct frost_share *share, struct qr_err *err) QR_MUST_CHECK;

/* Of the last refusal; reason DKG_FINE when there was none. */
struct dkg_blame dkg_blamed(const struct dkg *d);

/* After a successful round 2, borrowed until dkg_free: transcript, digest of
 * all frames (cocktail_frames_digest), group, and the n frames addressed to us
 * (C_rec), which with d and the certificate recover the share.  QR_STATE
 * before. */
struct dkg_result {
    struct qr_bytes transcript;
    struct qr_bytes recovery;
    const struct frost_group *group;
    uint8_t frames_digest[COCKTAIL_DIGEST_SIZE];
};
enum qr_rc dkg_result_get(const struct dkg *d, struct dkg_result *out) QR_MUST_CHECK;

#endif
