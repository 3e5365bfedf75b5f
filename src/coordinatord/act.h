/* act.h - what people do with a session: request, join, renew, refuse,
 * withdraw, cancel.  Each is checked here as far as the coordinator can, so that
 * a mistake is told at once and by name; participants and readers check again.
 *
 * Called by service.c with decoded messages.  *row names the outbox row of the
 * entry that records the act. */
#ifndef QUORATE_COORDINATORD_ACT_H
#define QUORATE_COORDINATORD_ACT_H

#include "coordinatord/coord.h"

/* body: canonical session.requested body; file: only for a raw payload, p NULL
 * = none.  The same body again gives the first row.  QR_CONFLICT: another body
 * under the session id; QR_USAGE: raw without the file; QR_EXHAUSTED: too many
 * sessions of this requester are open; QR_DENIED, QR_POLICY,
 * QR_MALFORMED ... */
enum qr_rc act_request(struct coord *c, struct qr_bytes body, struct qr_bytes file, int64_t *row,
                       struct qr_err *err) QR_MUST_CHECK;

struct act_join {
    struct qr_bytes approval; /* canonical approval.given body */
    struct qr_bytes certificate;
    struct qr_bytes grant; /* audience coordinator */
    struct qr_bytes use_sig;
    struct qr_bytes evidence;
    struct qr_bytes cad_grant;
};
/* Results of the checks of src/trust; QR_STATE: the session is over; QR_CONFLICT:
 * a slot is filled, or the grant was used. */
enum qr_rc act_join(struct coord *c, const struct act_join *j, int64_t *row, struct qr_err *err)
    QR_MUST_CHECK;

struct act_renew {
    struct qr_hash approval;
    struct qr_bytes certificate;
    struct qr_bytes cad_grant;
};
/* Whether a certificate for the keys of a standing approval is in order: the
 * approver learns it while he waits.  Nothing is kept, because a bundle holds
 * the certificate that the approval names. */
enum qr_rc act_renew(struct coord *c, const struct act_renew *r, struct qr_err *err) QR_MUST_CHECK;

/* body: canonical entry body with person_sig. */
enum qr_rc act_refuse(struct coord *c, struct qr_bytes body, int64_t *row, struct qr_err *err)
    QR_MUST_CHECK;
/* Likewise; a running attempt that the person is a member of fails. */
enum qr_rc act_withdraw(struct coord *c, struct qr_bytes body, int64_t *row, struct qr_err *err)
    QR_MUST_CHECK;

struct act_cancel {
    const char *session;
    struct qr_hash commitment;
    struct qr_sig person_sig;
};
/* Only by the requester; ends the session. */
enum qr_rc act_cancel(struct coord *c, const struct act_cancel *a, int64_t *row, struct qr_err *err)
    QR_MUST_CHECK;

/* An envelope from a member.  A byte-identical repeat changes nothing;
 * QR_CONFLICT: other bytes for the same round, kept as evidence.  submit.c */
enum qr_rc act_submit(struct coord *c, struct qr_bytes envelope, const struct qr_sig *sig,
                      struct qr_err *err) QR_MUST_CHECK;

#endif
