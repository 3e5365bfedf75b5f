/* remote.h - a log over HTTP (C2SP tlog-tiles): its checkpoint, and its tiles as
 * a struct tlog_source.  Believes nothing: callers verify.  One thread. */
#ifndef TLOG_MONITOR_REMOTE_H
#define TLOG_MONITOR_REMOTE_H

#include "http/fetch.h"
#include "tlog/tlog.h"

struct remote {
    struct http_client *client;
    const char *url; /* prefix; kept */
    int timeout_ms;
    struct qr_buf body;
};

/* Gives remote_fini. */
enum qr_rc remote_init(struct remote *r, const char *url, int timeout_ms, struct qr_err *err)
    QR_MUST_CHECK;
void remote_fini(struct remote *r);
/* The signed checkpoint, into r->body.  QR_UNAVAILABLE, QR_DEADLINE; QR_NOTFOUND:
 * another status than 200. */
enum qr_rc remote_checkpoint(struct remote *r, struct qr_err *err) QR_MUST_CHECK;
/* Its tiles and bundles; a partial one that is gone is cut from the full one. */
struct tlog_source remote_source(struct remote *r);

#endif
