/* order.h - what the coordinator tells the watchers of a session: written from
 * the store, numbered, signed with its envelope key, and kept.
 *
 * Called by step.c inside its transaction.  Spec: docs/FORMATS.md section 9. */
#ifndef QUORATE_COORDINATORD_ORDER_H
#define QUORATE_COORDINATORD_ORDER_H

#include "coordinatord/step.h"

/* Appends the order that an effect asks for to the session's.  before: the
 * state in which the event arrived (who was dropped still stands in it). */
enum qr_rc order_put(struct step *st, const struct session *before, const struct session_effect *e,
                     struct qr_err *err) QR_MUST_CHECK;

#endif
