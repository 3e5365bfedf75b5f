/* log_view.h - finds entries of the log and knows that none is left out.
 *
 * Find gives what is there with proofs; that something is missing no proof
 * shows.  A view reads every entry from one index on, each proven at its place,
 * and remembers which session and which person it is about: what Find answers
 * must have all of them.  Where it has not, the log lies: QR_FORK.
 *
 * Whoever relies on an entry not being there (an end, a withdrawal, a
 * revocation) asks a view.  Any thread; no lock is held during a call.
 * Spec: TRUST.md sections 7 and 9. */
#ifndef QUORATE_SERVICE_LOG_VIEW_H
#define QUORATE_SERVICE_LOG_VIEW_H

#include "service/log_client.h"

struct log_view;

/* Answers for entries `from` and later; reads nothing yet.  c is kept.  Gives. */
struct log_view *log_view_new(struct log_client *c, uint64_t from);
void log_view_free(struct log_view *v); /* NULL allowed */
uint64_t log_view_from(const struct log_view *v);

/* Reads all that there is by one walk, which suits a long log; only as the
 * first call, and for a view from 0.  As log_client_replay. */
enum qr_rc log_view_replay(struct log_view *v, struct qr_err *err) QR_MUST_CHECK;
/* log_client_find for LOG_FIND_SESSION or LOG_FIND_COMMITMENT.  QR_FORK: the
 * answer leaves out an entry. */
enum qr_rc log_view_find(struct log_view *v, const struct log_query *q, struct log_answer *out,
                         struct qr_err *err) QR_MUST_CHECK;

#endif
