/* reshare.h - a party's side of a change of a standing group, message by
 * message: refresh, repair and reshare alike (frost/reshare_wire.h).
 *
 * reshare_deal gives a dealer's message, reshare_accept takes the messages of
 * all dealers and gives a signature over the transcript, reshare_finish takes
 * the signatures of all parties and gives the certificate and, to who receives,
 * the new share.  Whoever relays is untrusted.  From a successful accept on the
 * change is pending: it holds as soon as anyone shows all signatures, so the new
 * share must be stored (reshare_pending) before the signature is sent, and the
 * old one is kept until reshare_finish: this module erases neither.
 *
 * What it does not do: an old quorum that keeps its shares can still sign with
 * them.  A change takes a share's use away only from fewer than t members.
 *
 * Spec: frost/reshare_wire.h. */
#ifndef QUORATE_FROST_RESHARE_H
#define QUORATE_FROST_RESHARE_H

#include "frost/cocktail.h"
#include "frost/reshare_wire.h"

struct reshare;

struct reshare_setup {
    const struct reshare_terms *terms; /* copied */
    const struct cocktail_static *key; /* kept until reshare_free */
    const struct frost_share *old;     /* kept likewise; NULL: does not deal */
    struct qr_rand rand;
    uint32_t party; /* own, from 1 */
};

/* Gives *out (reshare_free).  QR_RANGE: party; QR_CONFLICT: its key is not
 * ours, or we are to deal and have no share, or a share and are not to deal;
 * QR_STALE: the share is not of the group that is to be changed (an older
 * epoch); QR_NOMEM. */
enum qr_rc reshare_new(struct reshare **out, const struct reshare_setup *setup, struct qr_err *err)
    QR_MUST_CHECK;
void reshare_free(struct reshare *r); /* wipes; NULL is allowed */

/* A dealer's message: commitments, proof of possession, ephemeral key, a frame
 * for each who receives.  QR_STATE: done before, or not a dealer; QR_NOMEM;
 * QR_BUG: give the change up. */
enum qr_rc reshare_deal(struct reshare *r, struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;

/* msgs[i] is the message of dealer i, our own included.  ext_prefix as in
 * dkg_round2.  On refusal the object is dead and reshare_blamed tells whom (a
 * party) and why.  Return values as dkg_round2. */
enum qr_rc reshare_accept(struct reshare *r, const struct qr_bytes *msgs,
                          struct qr_bytes ext_prefix, uint8_t sig[SCHNORR_SIZE], struct qr_err *err)
    QR_MUST_CHECK;

/* After accept, for who receives: the share that will hold, to be stored
 * (frost_share_fini).  QR_STATE: not the time; QR_NOTFOUND: we leave. */
enum qr_rc reshare_pending(const struct reshare *r, struct frost_share *share, struct qr_err *err)
    QR_MUST_CHECK;

/* From accept on, borrowed until reshare_free: what all parties sign, and the new
 * group.  QR_STATE before. */
struct reshare_result {
    struct qr_bytes transcript;
    const struct frost_group *group;
};
enum qr_rc reshare_result_get(const struct reshare *r, struct reshare_result *out) QR_MUST_CHECK;

/* sigs is sig_1 || ... of all parties.  Appends the certificate and ends the
 * change; share (frost_share_fini) is given where we receive, else it may be
 * NULL.  QR_MALFORMED: another number of signatures; QR_FALSE: one does not
 * verify (reshare_blamed), may be called again with others; QR_STATE; QR_NOMEM. */
enum qr_rc reshare_finish(struct reshare *r, struct qr_bytes sigs, struct qr_buf *certificate,
                          struct frost_share *share, struct qr_err *err) QR_MUST_CHECK;

/* Of the last refusal; reason DKG_FINE when there was none. */
struct dkg_blame reshare_blamed(const struct reshare *r);

#endif
