/* show.h - sessions for people to read.  Nothing is decided from it. */
#ifndef QUORATE_COORDINATORD_SHOW_H
#define QUORATE_COORDINATORD_SHOW_H

#include "coordinatord/coord.h"

#include "quorate/v1/coordinator.pb-c.h"

/* A session's number from its id.  QR_NOTFOUND. */
enum qr_rc show_number(struct coord *c, const char *id, int64_t *n, struct qr_err *err)
    QR_MUST_CHECK;
/* One session with every entry; what it points to lives in arena. */
enum qr_rc show_session(struct coord *c, const char *id, struct qr_arena *arena,
                        Quorate__V1__SessionView *out, struct qr_err *err) QR_MUST_CHECK;
/* Newest first, without entries; at most 1000. */
enum qr_rc show_list(struct coord *c, const struct store_list *what, struct qr_arena *arena,
                     Quorate__V1__ListReply *out, struct qr_err *err) QR_MUST_CHECK;

#endif
