/* service.h - the auth service: handlers of proto/quorate/v1/auth.proto.
 * main.c is the only caller; hooks are those of service/run.h. */
#ifndef QUORATE_AUTHD_SERVICE_H
#define QUORATE_AUTHD_SERVICE_H

#include "service/run.h"

/* The hooks, in the order in which service/run.h calls them. */
/* Keys, roster and genesis files; what is wrong with them is said here. */
enum qr_rc authd_open(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Adds quorate.v1.Auth. */
enum qr_rc authd_add(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Replays the log, then logs policies and people that it lacks. */
enum qr_rc authd_sync(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Takes a logged entry about people into the cache. */
enum qr_rc authd_logged(void *ctx, const struct outbox_logged *l, struct qr_err *err) QR_MUST_CHECK;
/* Releases what authd_open made. */
void authd_close(struct service *s);

#endif
