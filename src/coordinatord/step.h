/* step.h - one step of a session: its state out of the store, an event, the new
 * state with the entries and orders it causes back into the store, in one
 * transaction.
 *
 * Handlers, the ceremony's workers, the timer and the outbox's hook all move
 * sessions through here and nowhere else.  What must happen after the commit
 * (wake the outbox, tell watchers, start work) is done by step_end, or by
 * step_settled for the outbox. */
#ifndef QUORATE_COORDINATORD_STEP_H
#define QUORATE_COORDINATORD_STEP_H

#include "coordinatord/coord.h"

struct step {
    struct coord *c;
    struct qr_arena arena;
    struct store_session row;
    struct session state;      /* as it is now */
    struct session_effects fx; /* of the last event */
    struct session scratch;
    bool logs;                /* the outbox has something new */
    bool orders;              /* watchers have something new */
    struct qr_bytes evidence; /* why somebody is blamed, in arena; n 0: nothing */
    int64_t log_row;          /* outbox row of the caller's body, 0: none */
};

/* Begins a write transaction and reads the session.  Gives *out (step_end).
 * QR_NOTFOUND. */
enum qr_rc step_begin(struct coord *c, const char *id, struct step **out, struct qr_err *err)
    QR_MUST_CHECK;
enum qr_rc step_begin_n(struct coord *c, int64_t n, struct step **out, struct qr_err *err)
    QR_MUST_CHECK;
/* Applies one event (its time is set here) and stores what follows.  body is
 * that of the entry this event causes, where the caller has to know it.
 * Results are those of session_step; nothing may be applied after a failure. */
enum qr_rc step_event(struct step *st, struct session_event *ev, const json_t *body,
                      struct qr_err *err) QR_MUST_CHECK;
/* COMMIT POINT when rc is QR_OK, else rolls back; then does what has to follow
 * and releases st.  The result of both. */
enum qr_rc step_end(struct step *st, enum qr_rc rc, struct qr_err *err) QR_MUST_CHECK;

/* A new session: begins a write transaction, stores, asks for the log entry;
 * ends it.  *row: the outbox row of session.requested.  QR_EXISTS: the id;
 * QR_EXHAUSTED: QR_MAX_OPEN_SESSIONS of this requester. */
struct step_request {
    const struct leaf_request *request;
    const json_t *body;
    struct qr_bytes bytes; /* the body, canonical */
    struct qr_bytes file;  /* p NULL: none */
    uint64_t requester_index;
};
enum qr_rc step_request(struct coord *c, const struct step_request *r, int64_t *row,
                        struct qr_err *err) QR_MUST_CHECK;

/* The hooks of the outbox (service/run.h). */
enum qr_rc step_logged(struct coord *c, const struct outbox_logged *l, struct qr_err *err)
    QR_MUST_CHECK;
void step_settled(struct coord *c, const struct outbox_logged *l);
/* Forgets what waits between the two. */
void step_fini(struct coord *c);

#endif
