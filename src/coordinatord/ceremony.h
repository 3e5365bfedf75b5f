/* ceremony.h - the coordinator's part in an attempt: freeze the roster, verify
 * the key generation, have the group certified, combine the shares.
 *
 * Each part reads the session as it stands, does its work without holding
 * anything, and applies one event.  What it finds out of date it leaves alone.
 * The coordinator holds no secret and is not believed by anyone; that it
 * verifies all the same is what lets it name culprits. */
#ifndef QUORATE_COORDINATORD_CEREMONY_H
#define QUORATE_COORDINATORD_CEREMONY_H

#include "coordinatord/view.h"
#include "coordinatord/work.h"
#include "frost/cocktail_wire.h"

/* Carries out a job to its end: on a worker's thread.  Trouble that passes is
 * waited for, within the session's limit; any other fails the attempt. */
void ceremony_run(struct coord *c, const struct work_job *job);

/* One part at work.  v is the session with the envelopes the part needs. */
struct ceremony_part {
    struct coord *c;
    const struct work_job *job;
    struct view v;
};

/* The parts; freeze.c, keygen.c, combine.c.  QR_OK: the event was applied.
 * QR_UNAVAILABLE, QR_DEADLINE, QR_EXHAUSTED: may be tried again. */
enum qr_rc freeze_roster(struct ceremony_part *p, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc keygen_verify(struct ceremony_part *p, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc keygen_certify(struct ceremony_part *p, struct qr_err *err) QR_MUST_CHECK;
/* Beside the parts: shows cad the freeze while the members deal.  Nothing
 * depends on the answer. */
void keygen_review(struct coord *c, int64_t n);
enum qr_rc combine_shares(struct ceremony_part *p, struct qr_err *err) QR_MUST_CHECK;

/* The parameters of an attempt's key generation, from its descriptor. */
enum qr_rc keygen_params(const struct leaf_descriptor *d, const struct qr_hash *hash,
                         struct cocktail_params *out, struct qr_err *err) QR_MUST_CHECK;

/* ---- for the parts ---- */

/* What an event brings with it into the store. */
struct ceremony_news {
    struct session_event ev;
    const json_t *body;           /* of the entry it causes, or NULL */
    struct store_attempt attempt; /* fields to set */
    bool has_entry;               /* an entry of authd or cad to note */
    struct store_logged entry;
};
/* One step of the job's session; the attempt is filled in. */
enum qr_rc ceremony_apply(struct ceremony_part *p, struct ceremony_news *news, struct qr_err *err)
    QR_MUST_CHECK;
/* Members' bytes fail their check: bit i-1 for member i. */
enum qr_rc ceremony_blame(struct ceremony_part *p, uint64_t culprits, struct qr_err *err)
    QR_MUST_CHECK;

/* An entry another service answered with a receipt: proven to be in the log
 * that we know, its author and kind checked.  Borrows from receipt (a
 * Quorate__V1__Receipt or NULL).  ceremony_entry_fini in every case. */
struct ceremony_entry {
    struct log_entry log;
    struct leaf_entry entry;
    struct trust_place at;
};
enum qr_rc ceremony_take(struct coord *c, const ProtobufCMessage *receipt, enum leaf_kind kind,
                         struct ceremony_entry *out, struct qr_err *err) QR_MUST_CHECK;
void ceremony_entry_fini(struct ceremony_entry *e);
/* The row that notes it. */
struct store_logged ceremony_row(const struct ceremony_entry *e, enum leaf_kind kind,
                                 uint32_t attempt);

#endif
