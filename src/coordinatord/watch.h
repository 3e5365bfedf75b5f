/* watch.h - the open streams of watchers.
 *
 * A stream is a held call: it costs no thread.  Orders are read from the store
 * behind the last one sent, so a stream can be cut at any moment and resumed by
 * sequence number.  A stream that names a standing approval counts as its
 * presence. */
#ifndef QUORATE_COORDINATORD_WATCH_H
#define QUORATE_COORDINATORD_WATCH_H

#include "coordinatord/coord.h"

enum qr_rc watch_new(struct coord *c, struct coord_watch **out, struct qr_err *err) QR_MUST_CHECK;
/* After the server has stopped. */
void watch_free(struct coord_watch *w); /* NULL allowed */

struct watch_who {
    int64_t n;         /* session */
    uint32_t approval; /* 0: an onlooker */
    uint64_t after;    /* sequence number already seen */
};
/* Inside the handler of Watch: takes the call over, sends what is there.  After
 * QR_OK the call must not be used. */
enum qr_rc watch_open(struct coord_watch *w, const struct watch_who *who, struct rpc_call *call,
                      struct qr_err *err) QR_MUST_CHECK;
/* New orders of a session are in the store; final: the last ones, the streams
 * end. */
void watch_push(struct coord_watch *w, int64_t n, bool final);

#endif
