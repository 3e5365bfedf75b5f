/* verdicts.h - attestation verdicts on their way to the log: an entry for each
 * session opened, and for refusals at most one a minute for each peer and
 * reason, with a count, so that nobody can flood the log by knocking.
 *
 * Any thread may call.  Spec: ARCHITECTURE.md "Attested calls". */
#ifndef QUORATE_SERVICE_VERDICTS_H
#define QUORATE_SERVICE_VERDICTS_H

#include "leaf/service.h"

#define VERDICTS_WINDOW_US (60 * 1000000LL)
#define VERDICTS_OPEN_MAX 256 /* peers and reasons counted at once */

struct verdicts;
struct verdicts_conf {
    struct qr_clock clock;
    /* Puts one entry on its way.  Called without a lock held. */
    void (*emit)(void *ctx, enum leaf_kind kind, const struct leaf_attestation *a);
    void *ctx;
};
struct verdicts *verdicts_new(const struct verdicts_conf *conf);
void verdicts_free(struct verdicts *v); /* NULL allowed */

void verdicts_accepted(struct verdicts *v, const struct leaf_attestation *a);
/* count is not read. */
void verdicts_refused(struct verdicts *v, const struct leaf_attestation *a);
/* Emits what was counted in windows that are over; all: in every window. */
void verdicts_flush(struct verdicts *v, bool all);

#endif
