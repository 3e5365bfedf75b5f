/* web.c - see web.h. */
#include "tlogd/web.h"

#include <stdlib.h>

static void answer_resource(const struct web_log *w, const struct tlog_resource *r,
                            struct http_reply *reply)
{
    const struct tlog_source from = tlog_log_source(w->log);
    struct tlog_err err = {{0}};
    struct tlog_out out = {malloc(TLOG_RESOURCE_MAX), TLOG_RESOURCE_MAX, 0};
    enum tlog_rc rc = out.p ? from.read(from.ctx, r, &out, &err) : TLOG_NOMEM;
    if (rc == TLOG_OK) {
        reply->status = 200;
        reply->type = "application/octet-stream";
        reply->cache = HTTP_FOREVER;
        reply->compress = r->entries;
        qr_buf_reset(&reply->body);
        qr_buf_put(&reply->body, out.p, out.n);
    } else if (rc != TLOG_NOTFOUND) {
        http_say(reply, 500, tlog_rc_text(rc));
    }
    free(out.p);
}

void web_answer(const struct web_log *w, const struct http_request *in, struct http_reply *reply)
{
    struct tlog_resource r;
    struct qr_bytes p = in->path;
    if (qr_bytes_is(p, "checkpoint")) {
        reply->status = 200;
        reply->cache = HTTP_ASK_AGAIN;
        qr_buf_reset(&reply->body);
        qr_buf_put_bytes(&reply->body, w->checkpoint);
    } else if (qr_bytes_is(p, "vkey")) {
        char vkey[TLOG_VKEY_MAX];
        tlog_vkey_format(w->vkey, vkey);
        http_say(reply, 200, vkey);
        reply->cache = HTTP_ASK_AGAIN;
    } else if (tlog_resource_parse((struct tlog_bytes){p.p, p.n}, &r) == TLOG_OK) {
        answer_resource(w, &r, reply);
    } else if (p.n >= 5 && qr_bytes_is(QR_BYTES(p.p, 5), "tile/")) {
        http_say(reply, 400, "not the path of a tile");
    }
}
