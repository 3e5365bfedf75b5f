/* serve.c - libmicrohttpd behind http/serve.h.
 *
 * The target is judged as it came over the wire: libmicrohttpd is told not to
 * decode it, so that a path has one spelling only. */
#include "http/serve.h"

#include "crypto/crypto.h"
#include "http/pack.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Limits of public readers: sockets, of one address, idle seconds, and memory of
 * a connection, which bounds the header (FAULTS: N1, N3, N8). */
#define MAX_CONNECTIONS 512
#define MAX_OF_ONE_ADDRESS 128
#define IDLE_S 15
#define HEADER_BYTES (16 * 1024)
#define THREADS 4
#define BACKLOG 64
#define DISCARD_MAX ((size_t)1 << 20)
/* Answers that readers have not taken yet, all together. */
#define UNDER_WAY_MAX ((size_t)128 << 20)
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http_server {
    struct http_conf conf;
    struct MHD_Daemon *daemon;
    char address[80];
    atomic_uint_least64_t answered[6];
    atomic_size_t under_way;
};

/* One request on its way. */
struct call {
    char target[HTTP_TARGET_MAX + 1];
    size_t n;
    bool plain; /* the target is a path that a handler may see */
    bool begun;
    struct qr_buf body;
    size_t discarded;
    size_t held; /* of under_way */
};

/* ---- what came ---- */

static void *on_target(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct call *c = calloc(1, sizeof *c);
    struct qr_bytes s = qr_str(uri);
    (void)cls;
    (void)conn;
    if (!c) return NULL;
    qr_buf_init(&c->body, DISCARD_MAX);
    c->n = s.n < HTTP_TARGET_MAX ? s.n : HTTP_TARGET_MAX;
    qr_copy(c->target, s.p, c->n);
    c->plain = s.n <= HTTP_TARGET_MAX && http_plain_target(QR_BYTES(c->target, c->n));
    return c;
}

static void on_done(void *cls, struct MHD_Connection *conn, void **con_cls,
                    enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    struct call *c = *con_cls;
    (void)conn;
    (void)why;
    if (c) atomic_fetch_sub(&s->under_way, c->held);
    if (c) qr_buf_fini(&c->body);
    free(c);
    *con_cls = NULL;
}

static size_t keep_as_is(void *cls, struct MHD_Connection *conn, char *s)
{
    (void)cls;
    (void)conn;
    return strlen(s);
}

/* ---- what goes ---- */

void http_say(struct http_reply *reply, unsigned status, const char *text)
{
    reply->status = status;
    qr_buf_reset(&reply->body);
    qr_buf_put_str(&reply->body, text);
    qr_buf_put_u8(&reply->body, '\n');
}

static const char *header(struct MHD_Connection *conn, const char *name)
{
    return MHD_lookup_connection_value(conn, MHD_HEADER_KIND, name);
}

static void make_etag(const struct http_reply *reply, bool packed, char etag[48])
{
    struct qr_hash h = qr_sha256_one(qr_buf_bytes(&reply->body));
    char hex[33];
    qr_hex(h.b, 16, hex);
    (void)snprintf(etag, 48, "\"%s%s\"", hex, packed ? "-gz" : "");
}

static void add(struct MHD_Response *r, const char *name, const char *value)
{
    if (MHD_add_response_header(r, name, value) != MHD_YES) qr_fatal("out of memory");
}

static struct MHD_Response *response_of(struct http_reply *reply, const char *etag, bool packed,
                                        bool posts)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(reply->body.n, reply->body.p, MHD_RESPMEM_MUST_FREE);
    if (!r) return NULL;
    reply->body.p = NULL;
    add(r, "Content-Type", reply->type ? reply->type : "text/plain; charset=utf-8");
    add(r, "Cache-Control", reply->cache ? reply->cache : "no-store");
    add(r, "X-Content-Type-Options", "nosniff");
    if (etag[0]) add(r, "ETag", etag);
    if (reply->compress) add(r, "Vary", "Accept-Encoding");
    if (packed) add(r, "Content-Encoding", "gzip");
    if (reply->status == 405) add(r, "Allow", posts ? "GET, HEAD, POST" : "GET, HEAD");
    return r;
}

/* Slow readers of large answers must not fill the memory. */
static void take_room(struct http_server *s, struct call *c, struct http_reply *reply)
{
    size_t n = reply->body.n;
    if (atomic_fetch_add(&s->under_way, n) + n > UNDER_WAY_MAX && n > 0) {
        atomic_fetch_sub(&s->under_way, n);
        reply->cache = reply->type = NULL;
        reply->compress = false;
        http_say(reply, 503, "too many answers are under way");
    } else {
        c->held += n;
    }
}

static enum MHD_Result send_reply(struct http_server *s, struct MHD_Connection *conn,
                                  struct http_reply *reply)
{
    char etag[48] = "";
    bool packed = false;
    if (qr_buf_ok(&reply->body) != QR_OK) http_say(reply, 500, "the answer is too large");
    if (reply->status == 200) {
        const char *accepts = header(conn, "Accept-Encoding");
        const char *have = header(conn, "If-None-Match");
        packed = reply->compress && accepts && http_accepts_gzip(qr_str(accepts));
        if (reply->cache) make_etag(reply, packed, etag);
        if (have && etag[0] && http_etag_in(qr_str(have), etag)) {
            reply->status = 304;
            qr_buf_reset(&reply->body);
            packed = false;
        }
        if (packed && http_gzip(&reply->body) != QR_OK) {
            packed = false;
            make_etag(reply, packed, etag);
        }
    }
    struct MHD_Response *r = response_of(reply, etag, packed, s->conf.posts);
    if (!r) return MHD_NO;
    if (reply->status >= 100 && reply->status < 600)
        atomic_fetch_add(&s->answered[reply->status / 100], 1);
    enum MHD_Result ok = MHD_queue_response(conn, reply->status, r);
    MHD_destroy_response(r);
    return ok;
}

/* ---- in between ---- */

/* More of a body; false: enough of it was thrown away. */
static bool take_body(struct http_server *s, struct call *c, const char *data, size_t *n)
{
    bool fits = c->discarded == 0 && c->body.n + *n <= s->conf.max_body && s->conf.posts;
    if (fits)
        qr_buf_put(&c->body, data, *n);
    else
        c->discarded += *n;
    *n = 0;
    return c->discarded <= DISCARD_MAX;
}

static void answer(struct http_server *s, const struct call *c, bool get, bool post,
                   struct http_reply *reply)
{
    struct http_request in = {post, QR_BYTES(c->target + 1, c->n - 1), qr_buf_bytes(&c->body)};
    if (!get && !(post && s->conf.posts))
        http_say(reply, 405, "method not allowed");
    else if (!c->plain)
        http_say(reply, 400, "the target must be a plain path");
    else if (c->discarded > 0)
        http_say(reply, 413, "the body is too large");
    else
        s->conf.handle(s->conf.ctx, &in, reply);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_n, void **con_cls)
{
    struct http_server *s = cls;
    struct call *c = *con_cls;
    (void)url;
    (void)version;
    if (!c) return MHD_NO;
    if (!c->begun) {
        c->begun = true;
        return MHD_YES;
    }
    if (*data_n > 0) return take_body(s, c, data, data_n) ? MHD_YES : MHD_NO;
    struct http_reply reply = {.status = 500};
    struct qr_bytes m = qr_str(method);
    qr_buf_init(&reply.body, HTTP_BODY_MAX);
    bool get = qr_bytes_is(m, MHD_HTTP_METHOD_GET) || qr_bytes_is(m, MHD_HTTP_METHOD_HEAD);
    answer(s, c, get, qr_bytes_is(m, MHD_HTTP_METHOD_POST), &reply);
    take_room(s, c, &reply);
    enum MHD_Result rc = send_reply(s, conn, &reply);
    qr_buf_fini(&reply.body);
    return rc;
}

/* ---- listening ---- */

static enum qr_rc cut_address(const char *listen, char host[64], char port[8], struct qr_err *err)
{
    size_t n = qr_str(listen).n, at = n;
    while (at > 0 && listen[at - 1] != ':') at--;
    size_t from = 0, to = at > 0 ? at - 1 : 0;
    if (to > 2 && listen[0] == '[' && listen[to - 1] == ']') from = 1, to--;
    if (at == 0 || to <= from || to - from >= 64 || n - at == 0 || n - at >= 8)
        return qr_fail(err, QR_USAGE, "%s: not HOST:PORT", listen);
    (void)snprintf(host, 64, "%.*s", (int)(to - from), listen + from);
    (void)snprintf(port, 8, "%s", listen + at);
    return QR_OK;
}

static enum qr_rc bind_to(const struct addrinfo *ai, int *out)
{
    int one = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return QR_IO;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        (void)close(fd);
        return QR_IO;
    }
    *out = fd;
    return QR_OK;
}

static enum qr_rc open_socket(struct http_server *s, const char *listen, int *fd,
                              struct qr_err *err)
{
    char host[64], port[8];
    struct addrinfo want = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                            .ai_socktype = SOCK_STREAM},
                    *ai = NULL;
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    QR_TRY(cut_address(listen, host, port, err));
    if (getaddrinfo(host, port, &want, &ai) != 0)
        return qr_fail(err, QR_USAGE, "%s: not a numeric address and port", listen);
    enum qr_rc rc = bind_to(ai, fd);
    freeaddrinfo(ai);
    if (rc != QR_OK) return qr_fail(err, QR_IO, "%s: cannot listen there", listen);
    if (getsockname(*fd, (struct sockaddr *)&ss, &len) != 0 ||
        getnameinfo((struct sockaddr *)&ss, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        (void)close(*fd);
        return qr_fail(err, QR_IO, "%s: no name for the socket", listen);
    }
    (void)snprintf(s->address, sizeof s->address, ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
                   host, port);
    return QR_OK;
}

enum qr_rc http_serve(const struct http_conf *conf, struct http_server **out, struct qr_err *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    int fd = -1;
    if (!s) return QR_NOMEM;
    s->conf = *conf;
    *out = s; /* a first request may come before this function returns */
    enum qr_rc rc = open_socket(s, conf->listen, &fd, err);
    if (rc != QR_OK) {
        free(s);
        *out = NULL;
        return rc;
    }
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)conf->cert.p},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)conf->key.p},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL}};
    if (!conf->cert.p) tls[0] = tls[3];
    s->daemon = MHD_start_daemon(
        (conf->cert.p ? (unsigned)MHD_USE_TLS : 0) | MHD_USE_AUTO |
            MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC,
        0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)MAX_OF_ONE_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HEADER_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, NULL, MHD_OPTION_UNESCAPE_CALLBACK, keep_as_is, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_done, s, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!s->daemon) {
        (void)close(fd);
        free(s);
        *out = NULL;
        return qr_fail(err, conf->cert.p ? QR_MALFORMED : QR_IO, "the HTTP server does not start%s",
                       conf->cert.p ? ": are certificate and key PEM, and of each other?" : "");
    }
    return QR_OK;
}

const char *http_address(const struct http_server *s) { return s->address; }

uint64_t http_answered(const struct http_server *s, unsigned hundred)
{
    return hundred < 6 ? atomic_load(&s->answered[hundred]) : 0;
}

void http_stop(struct http_server *s)
{
    if (!s) return;
    MHD_stop_daemon(s->daemon);
    free(s);
}
