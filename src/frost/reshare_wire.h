/* reshare_wire.h - what all parties of a change of a standing group agree on,
 * and its result that anyone can check.
 *
 * One operation serves refresh (same members, same t), repair (a member that
 * lost its share receives again) and reshare (other members or another t): a
 * quorum of the old group deals, all new members receive new shares of the
 * same key, and the epoch goes up by one.  Shares of two epochs lie on
 * different polynomials and never sign together.  The public key cannot
 * change: every dealer's constant term is fixed by its old verification share.
 *
 * Pure functions over public bytes.  Who may change a group, and that the old
 * group is the newest one, is the caller's to know.
 *
 * Spec: the messages of COCKTAIL-DKG v0.2.1 with another context and suite;
 * docs/FORMATS.md section 23. */
#ifndef QUORATE_FROST_RESHARE_WIRE_H
#define QUORATE_FROST_RESHARE_WIRE_H

#include "frost/cocktail_wire.h"
#include "frost/keys.h"
#include "frost/public.h"

#define RESHARE_SUITE "quorate-reshare(Ed25519, SHA-512)"
/* Application bytes in a transcript are cocktail_ext's. */
#define RESHARE_MAX_TRANSCRIPT \
    (256 + 32 * QR_MAX_MEMBERS * QR_MAX_MEMBERS + 96 * QR_MAX_MEMBERS + COCKTAIL_EXT_SIZE)
#define RESHARE_MAX_CERTIFICATE (RESHARE_MAX_TRANSCRIPT + 64 * QR_MAX_MEMBERS)

/* One of the old group that deals: its place among the parties, its old id. */
struct reshare_dealer {
    uint32_t party;
    uint32_t id;
};

/* Equal for all parties; made by reshare_terms_init alone. */
struct reshare_terms {
    struct frost_group from;
    uint32_t epoch; /* of from; the new shares are of epoch + 1 */
    uint32_t n;     /* parties 1..n receive, as members 1..n */
    uint32_t t;
    struct cocktail_params parties; /* static keys and context; its t is t */
    uint32_t dealers;               /* from.t of them, in ascending id */
    struct reshare_dealer dealer[QR_MAX_MEMBERS];
    struct scalar lambda[QR_MAX_MEMBERS];  /* of each dealer */
    struct point constant[QR_MAX_MEMBERS]; /* lambda * Y_id */
};

/* Borrows.  keys are the static keys of all parties: first those that receive,
 * then dealers that leave. */
struct reshare_plan {
    const struct frost_group *from;
    uint32_t epoch;
    uint32_t n;
    uint32_t t;
    struct qr_bytes keys;
    const struct reshare_dealer *dealers;
    size_t dealer_count;
    struct qr_bytes session_id; /* unique; for us the descriptor hash */
};

/* QR_RANGE: n, t or epoch; t or the old t below 2, where each share is the key
 * itself and no epoch ends; not exactly from.t dealers; a dealer's party or id;
 * QR_MALFORMED: ids not ascending, a party deals twice, or neither deals nor
 * receives, or a key that is no point; QR_CONFLICT: a key occurs twice. */
enum qr_rc reshare_terms_init(struct reshare_terms *out, const struct reshare_plan *plan,
                              struct qr_err *err) QR_MUST_CHECK;

/* What the dealers published, in their order; room made by reshare_dealt_init. */
struct reshare_dealt {
    struct point *commitments;    /* dealers * t; checked by reshare_dealt_check */
    struct public_point *decoded; /* the same */
    struct point ephemerals[QR_MAX_MEMBERS];
    const uint8_t *pops[QR_MAX_MEMBERS]; /* borrowed */
};
enum qr_rc reshare_dealt_init(struct reshare_dealt *d, const struct reshare_terms *terms)
    QR_MUST_CHECK;
void reshare_dealt_fini(struct reshare_dealt *d); /* idempotent */

/* raw[i] is what dealer i sent, taken apart.  Checks every point, proof of
 * possession and constant term, and gives the new group, whose key is the old
 * one's.  QR_MALFORMED, QR_FALSE or QR_RANGE with blame (index: the party);
 * QR_NOMEM. */
enum qr_rc reshare_dealt_check(struct reshare_dealt *d, const struct reshare_terms *terms,
                               const struct cocktail_raw1 *raw, struct frost_group *group,
                               struct dkg_blame *blame) QR_MUST_CHECK;

/* Appends the transcript that all parties sign. */
enum qr_rc reshare_transcript_write(const struct reshare_terms *terms,
                                    const struct reshare_dealt *d,
                                    const uint8_t ext[COCKTAIL_EXT_SIZE], struct qr_buf *out)
    QR_MUST_CHECK;

/* A certificate is the transcript and a signature of every party, in order.
 * The reader brings the terms: from the old group's certificate and the
 * descriptor of the change.  group and ext are set on QR_OK only.
 * QR_MALFORMED: of other terms, a wrong length or point; QR_FALSE: a proof of
 * possession, a constant term or a signature; QR_RANGE: a key of the new group
 * is the identity; QR_NOMEM. */
struct reshare_certificate {
    struct qr_bytes transcript; /* borrowed */
    struct qr_bytes ext;        /* borrowed; COCKTAIL_EXT_SIZE */
    struct frost_group group;
};
enum qr_rc reshare_certificate_verify(const struct reshare_terms *terms, struct qr_bytes bytes,
                                      struct reshare_certificate *out, struct qr_err *err)
    QR_MUST_CHECK;

#endif
