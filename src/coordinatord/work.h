/* work.h - the coordinator's own threads: workers that carry out what a
 * ceremony asks for, and the timer that ticks sessions.
 *
 * Nothing polls: a step that was committed adds a job or moves the timer. */
#ifndef QUORATE_COORDINATORD_WORK_H
#define QUORATE_COORDINATORD_WORK_H

#include "coordinatord/coord.h"

/* A wait of an attempt that the coordinator itself has to end. */
struct work_job {
    int64_t n;
    uint32_t attempt;
    enum session_wait wait;
};

enum qr_rc work_new(struct coord *c, struct coord_work **out, struct qr_err *err) QR_MUST_CHECK;
/* Jobs that were added before wait until now. */
enum qr_rc work_start(struct coord_work *w, struct qr_err *err) QR_MUST_CHECK;
/* Ends pauses, joins the threads; jobs in the queue are dropped. */
void work_stop(struct coord_work *w);
void work_free(struct coord_work *w); /* stops; NULL allowed */

/* Adds a job unless its wait needs none of ours or the job is there already. */
void work_add(struct coord_work *w, const struct work_job *job);
/* A tick is due then (wall clock). */
void work_due(struct coord_work *w, int64_t due_us);
/* One job on the calling thread; false: there is none.  What a worker does. */
bool work_run(struct coord_work *w);
/* Ticks every session that is due; when to look again.  What the timer does. */
int64_t work_tick(struct coord_work *w);
/* Inside a job: waits a while.  False: the service stops, give up. */
bool work_pause(struct coord_work *w, int64_t us);

#endif
