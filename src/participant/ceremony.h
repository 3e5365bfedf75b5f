/* ceremony.h - one participant's part in one session, from the freeze to the
 * share: what it checks, what it sends, what it never does twice.
 *
 * Bytes in, bytes out: it opens no connection and reads no clock but the one
 * it is given.  Whoever brings the bytes is untrusted; every step verifies the
 * material it is based on with the same verifier an auditor uses, and compares
 * it with what this process itself approved and sent.  A refusal ends the
 * attempt for this participant, never loosens a check.
 *
 * Order of calls in one attempt: frozen -> dkg1 -> sign (-> chain).  A new attempt starts
 * again with frozen; shares and nonces of the old one are wiped first.
 *
 * Spec: TRUST.md sections 6 and 7, docs/FORMATS.md sections 6 and 9. */
#ifndef QUORATE_PARTICIPANT_CEREMONY_H
#define QUORATE_PARTICIPANT_CEREMONY_H

#include "bundle/verify.h"
#include "leaf/message.h"
#include "participant/keys.h"

/* What this process approved: fixed before the first step. */
struct ceremony_setup {
    const struct trust_dir *trust;       /* keeps */
    const struct participant_keys *keys; /* keeps */
    struct qr_clock clock;
    struct qr_rand rand;
    struct qr_hash session_leaf;
    struct qr_hash approval;       /* leaf hash of our approval.given */
    struct leaf_policies policies; /* that we approved under */
    struct qr_hash artifact;
    const struct bundle_known *known; /* what was judged before; NULL: nothing */
    bool allow_simulated;
    struct qr_bytes file; /* keeps; p NULL: we do not have the file */
    bool has_file;
    /* Is this checkpoint of the log we know, fresh, and not beside another
     * history?  Asks the log itself.  QR_FORK, QR_STALE, QR_UNAVAILABLE. */
    enum qr_rc (*consider)(void *ctx, const struct bundle *b, const struct bundle_facts *facts,
                           struct qr_err *err);
    void *ctx;
};

struct ceremony;

enum qr_rc ceremony_new(struct ceremony **out, const struct ceremony_setup *setup,
                        struct qr_err *err) QR_MUST_CHECK;
void ceremony_free(struct ceremony *c); /* wipes; NULL allowed */

/* An envelope ready to be sent: canonical bytes and our signature. */
struct ceremony_letter {
    struct qr_buf bytes; /* owned; ceremony_letter_fini */
    struct qr_sig sig;
};
void ceremony_letter_fini(struct ceremony_letter *l);

/* Answer to the presence check of an attempt. */
enum qr_rc ceremony_presence(struct ceremony *c, uint32_t attempt, struct ceremony_letter *out)
    QR_MUST_CHECK;
/* Material of stage `open`, while others are awaited: judges the approvals in
 * it, so that the freeze, which judges all of them, finds most of that work
 * done.  Decides nothing. */
void ceremony_preview(struct ceremony *c, struct qr_bytes material);
/* Material of stage `frozen`: verifies all of it, finds our place, deals.
 * QR_NOTFOUND: we are not a member of this attempt (no letter). */
enum qr_rc ceremony_frozen(struct ceremony *c, struct qr_bytes material,
                           struct ceremony_letter *out, struct qr_err *err) QR_MUST_CHECK;
/* The message-1 envelopes of all members.  QR_FALSE with blame when a member
 * cheated. */
enum qr_rc ceremony_dkg1(struct ceremony *c, const struct leaf_signed *list, size_t n,
                         struct ceremony_letter *out, struct qr_err *err) QR_MUST_CHECK;
/* The dkg2 envelopes of all members and material of stage `started`.  The
 * share leaves only after everything holds; keys and nonces are gone when it
 * returns, whatever the result, but for those of a second signature, which go
 * with ceremony_chain. */
struct ceremony_sign_in {
    const struct leaf_signed *list;
    size_t n;
    struct qr_bytes material;
};
enum qr_rc ceremony_sign(struct ceremony *c, const struct ceremony_sign_in *in,
                         struct ceremony_letter *out, struct qr_err *err) QR_MUST_CHECK;
/* The share envelopes of all members, where a second signature is over the first
 * (minisign): puts the first together, verifies it, and answers with our share
 * of the second.  QR_FALSE with blame when a member's share is wrong. */
enum qr_rc ceremony_chain(struct ceremony *c, const struct leaf_signed *list, size_t n,
                          struct ceremony_letter *out, struct qr_err *err) QR_MUST_CHECK;
/* Our refusal to go on, to be sent: step, reason code and blamed member of the
 * last failure. */
enum qr_rc ceremony_abort(struct ceremony *c, struct ceremony_letter *out) QR_MUST_CHECK;
/* Ends the running attempt: wipes what belongs to it. */
void ceremony_reset(struct ceremony *c);
/* The group key of the attempt that reached `sign`; zeros before. */
struct qr_pub ceremony_group_key(const struct ceremony *c);

#endif
