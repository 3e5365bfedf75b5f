/* web.h - the log for everyone: C2SP tlog-tiles, read-only, public by design.
 *
 * Answers from the published tree alone, and opens no file: a path is a tile,
 * a bundle, checkpoint or vkey, or there is no such thing. */
#ifndef QUORATE_TLOGD_WEB_H
#define QUORATE_TLOGD_WEB_H

#include "http/serve.h"
#include "tlog/tlog.h"

struct web_log {
    struct tlog_log *log;
    const struct tlog_vkey *vkey;
    struct qr_bytes checkpoint; /* the one to show, signed; may carry cosignatures */
};

/* Fills reply for a path that is one of the log's; else leaves it. */
void web_answer(const struct web_log *w, const struct http_request *in, struct http_reply *reply);

#endif
