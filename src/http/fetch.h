/* fetch.h - asks an HTTP or HTTPS server one thing after the other, over one
 * connection where it can.
 *
 * Follows no redirect, uses no proxy, reads no environment, believes nothing:
 * the caller checks what comes.  One thread at a time per client. */
#ifndef QUORATE_HTTP_FETCH_H
#define QUORATE_HTTP_FETCH_H

#include "base/bytes.h"

struct http_client;

/* Once in a process, before any thread is made, and at its end. */
enum qr_rc http_client_start(struct qr_err *err) QR_MUST_CHECK;
void http_client_end(void);

/* Gives http_client_free.  QR_NOMEM. */
enum qr_rc http_client_new(struct http_client **out, struct qr_err *err) QR_MUST_CHECK;
void http_client_free(struct http_client *c); /* NULL is allowed */

struct http_ask {
    const char *url;
    bool post; /* body is sent as text/plain */
    struct qr_bytes body;
    int timeout_ms; /* for all of it */
};

struct http_got {
    unsigned status;
    char type[64];      /* Content-Type, cut */
    struct qr_buf *out; /* the decoded body is appended; its cap is the limit */
};

/* QR_OK: there is an answer, of whatever status.  QR_UNAVAILABLE: none;
 * QR_DEADLINE; QR_RANGE: larger than the cap of out. */
enum qr_rc http_client_ask(struct http_client *c, const struct http_ask *ask, struct http_got *got,
                           struct qr_err *err) QR_MUST_CHECK;

#endif
