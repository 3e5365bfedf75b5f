/* serve.h - a small HTTP server for what anyone may read, and for witnesses.
 *
 * It hands a request on only when its target is a plain path: no query, no
 * percent sign, no empty or dotted segment.  GET and HEAD, and POST where the
 * owner wants it.  It adds ETag, answers If-None-Match, and compresses what the
 * handler marks, for clients that ask.  TLS 1.2 and 1.3 with a certificate of the
 * owner's.  This layer is the only place that includes <microhttpd.h>,
 * <curl/curl.h> and <zlib.h>. */
#ifndef QUORATE_HTTP_SERVE_H
#define QUORATE_HTTP_SERVE_H

#include "base/bytes.h"

#define HTTP_TARGET_MAX 255 /* bytes of a path */

struct http_request {
    bool post;
    struct qr_bytes path; /* without its first slash */
    struct qr_bytes body; /* of a POST */
};

struct http_reply {
    unsigned status;
    const char *type;  /* Content-Type; NULL: text/plain; charset=utf-8 */
    const char *cache; /* Cache-Control; NULL: no-store */
    bool compress;     /* may be sent as gzip */
    struct qr_buf body;
};

struct http_conf {
    const char *listen; /* HOST:PORT of a numeric address; port 0: any */
    /* PEM: certificate chain and private key, read once; NULL, 0: no TLS.  Borrowed
     * until http_serve returns. */
    struct qr_bytes cert, key;
    bool posts;      /* POST is taken at all */
    size_t max_body; /* bytes of a POST */
    /* Called on threads of the server, several at once.  Borrows the request;
     * appends to reply->body (its cap is HTTP_BODY_MAX). */
    void (*handle)(void *ctx, const struct http_request *in, struct http_reply *reply);
    void *ctx; /* kept */
};

#define HTTP_BODY_MAX ((size_t)32 << 20)
#define HTTP_FOREVER "public, max-age=31536000, immutable"
#define HTTP_ASK_AGAIN "no-cache"

struct http_server;

/* Starts serving.  Gives http_stop.  QR_USAGE: not an address; QR_MALFORMED: the
 * certificate and key; QR_IO: cannot listen there. */
enum qr_rc http_serve(const struct http_conf *conf, struct http_server **out, struct qr_err *err)
    QR_MUST_CHECK;
/* "127.0.0.1:7780", with the port that was bound. */
const char *http_address(const struct http_server *s);
/* Requests answered so far with a status of 100 * hundred to that + 99. */
uint64_t http_answered(const struct http_server *s, unsigned hundred);
/* Waits for requests under way.  NULL is allowed. */
void http_stop(struct http_server *s);

/* A short answer in words. */
void http_say(struct http_reply *reply, unsigned status, const char *text);

#endif
