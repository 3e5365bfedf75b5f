/* store.h - where a person's shares of standing groups lie: a database of this
 * machine, each share sealed with a key of its own, and the keys in files beside
 * it, which SEAL closes to this node or not.
 *
 * A share is put in before anything leaves that could make it the group's, and
 * stays pending until the log shows the change; only then older ones go.  To
 * erase a share is to destroy its key file.
 *
 * All SQL of the participant.  Schema: schema/participant-*.sql.  Spec:
 * docs/FORMATS.md sections 23 and 25. */
#ifndef QUORATE_PARTICIPANT_STORE_H
#define QUORATE_PARTICIPANT_STORE_H

#include "attest/seal.h"
#include "frost/standing.h"
#include "leaf/group.h"

struct share_store;

struct share_store_conf {
    const char *dir;              /* of this person; made when it is not there */
    struct attest_sealer *sealer; /* keeps; NULL: keys in the clear, as SEAL=off says */
    struct qr_rand rand;
};
/* Gives.  QR_BUSY: another process works with this person's shares. */
enum qr_rc share_store_open(struct share_store **out, const struct share_store_conf *conf,
                            struct qr_err *err) QR_MUST_CHECK;
void share_store_close(struct share_store *s); /* NULL allowed */

/* Seals and keeps a pending share; durable when it returns QR_OK.  The same
 * again changes nothing. */
enum qr_rc share_store_put(struct share_store *s, const struct standing_group *g,
                           const struct frost_share *share, struct qr_err *err) QR_MUST_CHECK;
/* Gives the share of exactly this group in this epoch (frost_share_fini).
 * QR_NOTFOUND; QR_FALSE: damaged, or sealed for another. */
enum qr_rc share_store_get(struct share_store *s, const struct standing_group *g,
                           struct frost_share *share, struct qr_err *err) QR_MUST_CHECK;
bool share_store_has(struct share_store *s, const struct leaf_group_ref *ref);
/* The log shows this epoch: its share is the current one, all of older epochs and
 * of changes that came to nothing are erased.  later: shares of pending changes
 * behind it stay. */
enum qr_rc share_store_settle(struct share_store *s, const struct leaf_group_ref *now,
                              struct qr_err *err) QR_MUST_CHECK;
/* Erases all shares of a group. */
enum qr_rc share_store_erase(struct share_store *s, const struct qr_hash *group, struct qr_err *err)
    QR_MUST_CHECK;

#endif
