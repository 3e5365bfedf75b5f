/* relay.h - a man in the middle above TLS: he holds copies of both ends' TLS
 * keys, reads every call, and passes it on as his moves say.
 *
 * A move is `name` or `name=value`; several stand with spaces between.  K is a
 * number that relay_call_count counted, N counts from 0.
 *   on the way to the server
 *     swallow        the call is read and never passed on
 *     twice          passed on twice; the client gets the first answer
 *     hold=MS        passed on that much later
 *     path=/S/M      another method
 *     header-drop header-double header-flip=N header-cut=N header-long=N
 *     header-of=K    the header of another call
 *     body-flip=N body-cut=N body-long=N body-of=K
 *     pad=N          a header of N bytes more
 *   on the way to the client
 *     status=N message=TEXT (_ is a space)
 *     reply-drop reply-flip=N reply-cut=N reply-of=K
 *     trailer-drop trailer-double trailer-flip=N trailer-long=N trailer-of=K
 *     frame-drop=N frame-twice=N frame-swap=N frame-flip=N frame-final=N
 *     frame-of=N/K   the nth frame is the nth one of call K
 *     frame-cut=N    only the first N frames, then the status as it came
 * Tests only. */
#ifndef QUORATE_TESTS_RELAY_H
#define QUORATE_TESTS_RELAY_H

#include "base/bytes.h"

#define RELAY_FRAMES 64

struct relay_conf {
    const char *target;        /* the server */
    const char *name;          /* in its certificate */
    const char *listen_pem[3]; /* files cert, key, CA of the server: what clients see */
    const char *dial_pem[3];   /* of the client: what the server sees */
};

/* A call as the ends sent it, before any move. */
struct relay_call {
    char path[160];
    struct qr_buf header, body; /* the first quorate-attest-bin */
    size_t header_count;
    int status; /* -1: no answer yet */
    struct qr_buf message, reply, trailer;
    struct qr_buf frames[RELAY_FRAMES]; /* all messages of the answer */
    size_t frame_count;
};

struct relay;

/* NULL: it cannot listen or read the files.  Gives: relay_free. */
struct relay *relay_new(const struct relay_conf *conf);
void relay_free(struct relay *r);
int relay_port(const struct relay *r);
/* The next `times` calls whose path contains method are played with moves. */
void relay_play(struct relay *r, const char *method, const char *moves, int times);
size_t relay_call_count(struct relay *r);
/* Borrowed until relay_free; complete once its status is not -1. */
const struct relay_call *relay_call_at(struct relay *r, size_t k);

#endif
