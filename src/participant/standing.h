/* standing.h - whether a session still stands, by the log and not by whoever
 * carries its messages.
 *
 * A coordinator that has recorded an end, or a withdrawal, could go on as if
 * it had not: so a participant asks the log itself, before it approves and at
 * each step, and reads every entry since the request, lest the log leave one
 * out.  Spec: TRUST.md section 7. */
#ifndef QUORATE_PARTICIPANT_STANDING_H
#define QUORATE_PARTICIPANT_STANDING_H

#include "participant/services.h"

/* QR_STATE: the log has session.ended of this session, or approval.withdrawn
 * of one of the approvals in facts; from stage `frozen`, also a newer identity
 * entry about an approver than the one he approved with; from `started`, also
 * another signing.started, of any session, with one of the same commitments.
 * QR_EXHAUSTED: more entries than are looked through, so that it cannot be
 * known.  QR_FORK, QR_UNAVAILABLE as log_view_find. */
enum qr_rc standing_check(struct services *s, const struct bundle_facts *facts, struct qr_err *err)
    QR_MUST_CHECK;

#endif
