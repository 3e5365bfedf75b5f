/* service.h - quorate-coordinatord behind service/run.h: its hooks. */
#ifndef QUORATE_COORDINATORD_SERVICE_H
#define QUORATE_COORDINATORD_SERVICE_H

#include "service/run.h"

/* Own settings of the daemon: limits of a ceremony, for tests and slow
 * networks, besides service_flags. */
extern const struct qr_setting coordinator_settings[];
#define COORDINATOR_SETTING_COUNT 6

/* Keys, parts, and the restart of every session that is not over. */
enum qr_rc coordinator_open(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* The service Coordinator. */
enum qr_rc coordinator_add(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Finds the policies in the log; then the threads start. */
enum qr_rc coordinator_sync(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* The outbox's hooks: step.h. */
enum qr_rc coordinator_logged(void *ctx, const struct outbox_logged *l, struct qr_err *err)
    QR_MUST_CHECK;
/* The other one. */
void coordinator_settled(void *ctx, const struct outbox_logged *l);
/* Ends the threads. */
void coordinator_stop(struct service *s);
/* Releases everything. */
void coordinator_close(struct service *s);

#endif
