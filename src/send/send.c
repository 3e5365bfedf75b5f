/* send.c - a Unix socket, or TLS by OpenSSL. */
#include "send/send.h"

#include "base/file.h"
#include "base/limits.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_S 30
#define PEM_MAX 16384
#define MESSAGE_MAX ((size_t)1024 * 1024)

struct sender {
    int fd;
    bool datagram; /* a message is a datagram, else a line */
    SSL_CTX *ctx;
    SSL *tls;
    struct qr_buf line; /* begun, without its end */
    char reason[160];
};

const char *send_reason(const struct sender *s) { return s->reason; }

static enum qr_rc fail(struct sender *s, enum qr_rc rc, const char *why)
{
    (void)snprintf(s->reason, sizeof s->reason, "%s", why);
    return rc;
}

static void set_timeouts(int fd)
{
    const struct timeval t = {.tv_sec = TIMEOUT_S};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

/* ---- Unix socket ---- */

static int connect_unix(const char *path, int type)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct qr_bytes p = qr_str(path);
    if (p.n == 0 || p.n >= sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    qr_copy(a.sun_path, p.p, p.n);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set_timeouts(fd);
    if (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0) return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

static enum qr_rc open_unix(struct sender *s, const char *path, struct qr_err *err)
{
    s->datagram = true;
    s->fd = connect_unix(path, SOCK_DGRAM);
    if (s->fd < 0 && errno == EPROTOTYPE) {
        s->datagram = false;
        s->fd = connect_unix(path, SOCK_STREAM);
    }
    if (s->fd >= 0) return QR_OK;
    return qr_fail(err, QR_UNAVAILABLE, "%.80s: %s", path, strerror(errno));
}

static enum qr_rc write_unix(struct sender *s, struct qr_bytes b)
{
    while (b.n > 0) {
        ssize_t n = send(s->fd, b.p, b.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EMSGSIZE)
            return fail(s, QR_RANGE, "a message is longer than the receiver's socket takes");
        if (n < 0) return fail(s, QR_UNAVAILABLE, strerror(errno));
        b = QR_BYTES(b.p + n, b.n - (size_t)n);
    }
    return QR_OK;
}

/* ---- TLS ---- */

static const char *tls_reason(void)
{
    unsigned long e = ERR_peek_last_error();
    const char *text = e ? ERR_reason_error_string(e) : NULL;
    return text ? text : "the connection ended";
}

static enum qr_rc read_key(struct sender *s, const char *path, struct qr_err *err)
{
    struct qr_buf pem;
    qr_buf_init(&pem, PEM_MAX);
    enum qr_rc rc = qr_file_read_private(path, &pem, err);
    BIO *b = rc == QR_OK ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, qr_pem_no_password, NULL) : NULL;
    if (rc == QR_OK && (!key || SSL_CTX_use_PrivateKey(s->ctx, key) != 1 ||
                        SSL_CTX_check_private_key(s->ctx) != 1))
        rc = qr_fail(err, QR_MALFORMED, "%.80s: not the certificate's key", path);
    EVP_PKEY_free(key);
    BIO_free(b);
    if (pem.p) qr_wipe(pem.p, pem.n);
    qr_buf_fini(&pem);
    return rc;
}

static enum qr_rc read_files(struct sender *s, const struct send_to *to, struct qr_err *err)
{
    if (SSL_CTX_load_verify_locations(s->ctx, to->ca, NULL) != 1)
        return qr_fail(err, QR_IO, "%.80s: no CA certificate to be read", to->ca);
    if (!to->cert) return QR_OK;
    if (SSL_CTX_use_certificate_chain_file(s->ctx, to->cert) != 1)
        return qr_fail(err, QR_IO, "%.80s: no certificate to be read", to->cert);
    return read_key(s, to->key, err);
}

static enum qr_rc set_up_tls(struct sender *s, const struct send_to *to, struct qr_err *err)
{
    s->ctx = SSL_CTX_new(TLS_client_method());
    if (!s->ctx || SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION) != 1)
        return qr_fail(err, QR_NOMEM, "TLS does not start");
    SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
    return read_files(s, to, err);
}

struct peer {
    char host[QR_MAX_NAME + 1];
    const char *port;
};

/* "HOST:PORT" or "[ADDRESS]:PORT". */
static enum qr_rc read_peer(const char *text, struct peer *p, struct qr_err *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    const char *from = text;
    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        from++;
        n -= 2;
    }
    if (n == 0 || n > QR_MAX_NAME || !colon[1])
        return qr_fail(err, QR_USAGE, "--send is unix:PATH or tls:HOST:PORT");
    qr_copy(p->host, from, n);
    p->host[n] = 0;
    p->port = colon + 1;
    return QR_OK;
}

/* The send timeout is the time to connect, too (socket(7)). */
static int connect_tcp(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) return -1;
    set_timeouts(fd);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

static enum qr_rc connect_peer(struct sender *s, const struct peer *p, struct qr_err *err)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    int why = getaddrinfo(p->host, p->port, &want, &all);
    if (why != 0) return qr_fail(err, QR_UNAVAILABLE, "%.80s: %s", p->host, gai_strerror(why));
    for (const struct addrinfo *a = all; a && s->fd < 0; a = a->ai_next) s->fd = connect_tcp(a);
    why = errno;
    freeaddrinfo(all);
    if (s->fd >= 0) return QR_OK;
    return qr_fail(err, QR_UNAVAILABLE, "%.80s: %s", p->host,
                   why == EINPROGRESS ? "no connection in time" : strerror(why));
}

/* The certificate must be for this name or, if it is one, this address. */
static bool expect_host(SSL *ssl, const char *host)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1) return true;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static enum qr_rc handshake(struct sender *s, const struct peer *p, struct qr_err *err)
{
    s->tls = SSL_new(s->ctx);
    if (!s->tls || !expect_host(s->tls, p->host) || SSL_set_fd(s->tls, s->fd) != 1)
        return qr_fail(err, QR_NOMEM, "TLS does not start");
    ERR_clear_error();
    if (SSL_connect(s->tls) == 1) return QR_OK;
    long v = SSL_get_verify_result(s->tls);
    return qr_fail(err, QR_UNAVAILABLE, "%.80s: %s", p->host,
                   v != X509_V_OK ? X509_verify_cert_error_string(v) : tls_reason());
}

static enum qr_rc open_tls(struct sender *s, const struct send_to *to, struct qr_err *err)
{
    if (!to->ca) return qr_fail(err, QR_USAGE, "--send tls: needs --send-ca, the receiver's CA");
    if ((to->cert != NULL) != (to->key != NULL))
        return qr_fail(err, QR_USAGE, "--send-cert and --send-key go together");
    struct peer p;
    QR_TRY(read_peer(to->where + sizeof "tls:" - 1, &p, err));
    QR_TRY(set_up_tls(s, to, err));
    QR_TRY(connect_peer(s, &p, err));
    return handshake(s, &p, err);
}

static enum qr_rc write_tls(struct sender *s, struct qr_bytes b)
{
    size_t n = 0;
    ERR_clear_error();
    if (SSL_write_ex(s->tls, b.p, b.n, &n) == 1 && n == b.n) return QR_OK;
    return fail(s, QR_UNAVAILABLE, tls_reason());
}

/* ---- messages ---- */

static bool begins(const char *s, const char *with)
{
    struct qr_bytes a = qr_str(s), w = qr_str(with);
    return a.n > w.n && qr_bytes_equal(QR_BYTES(a.p, w.n), w);
}

enum qr_rc send_open(const struct send_to *to, struct sender **out, struct qr_err *err)
{
    struct sender *s = calloc(1, sizeof *s);
    if (!s) return QR_NOMEM;
    s->fd = -1;
    qr_buf_init(&s->line, MESSAGE_MAX);
    enum qr_rc rc;
    if (begins(to->where, "unix:"))
        rc = open_unix(s, to->where + sizeof "unix:" - 1, err);
    else if (begins(to->where, "tls:"))
        rc = open_tls(s, to, err);
    else
        rc = qr_fail(err, QR_USAGE, "--send is unix:PATH or tls:HOST:PORT");
    if (rc == QR_OK)
        *out = s;
    else
        send_drop(s);
    return rc;
}

/* RFC 5425 section 4.3: "MSG-LEN SP SYSLOG-MSG". */
static enum qr_rc put_message(struct sender *s, struct qr_bytes m)
{
    struct qr_buf frame;
    if (s->datagram) return write_unix(s, m);
    qr_buf_init(&frame, MESSAGE_MAX + 32);
    if (s->tls) qr_buf_printf(&frame, "%zu ", m.n);
    qr_buf_put_bytes(&frame, m);
    if (!s->tls) qr_buf_put_u8(&frame, '\n');
    enum qr_rc rc = qr_buf_ok(&frame);
    if (rc == QR_OK)
        rc = s->tls ? write_tls(s, qr_buf_bytes(&frame)) : write_unix(s, qr_buf_bytes(&frame));
    qr_buf_fini(&frame);
    return rc;
}

enum qr_rc send_put(struct sender *s, struct qr_bytes b)
{
    for (size_t i = 0, from = 0; i < b.n; i++) {
        if (b.p[i] != '\n' && i + 1 < b.n) continue;
        bool ends = b.p[i] == '\n';
        qr_buf_put(&s->line, b.p + from, i + !ends - from);
        from = i + 1;
        if (qr_buf_ok(&s->line) != QR_OK) return fail(s, QR_RANGE, "a message without end");
        if (!ends) continue;
        QR_TRY(put_message(s, qr_buf_bytes(&s->line)));
        qr_buf_reset(&s->line);
    }
    return QR_OK;
}

/* Says goodbye and waits for the same, so that what was written is known to be
 * read as far as TLS. */
static enum qr_rc end_tls(struct sender *s, struct qr_err *err)
{
    char rest[256];
    ERR_clear_error();
    int rc = SSL_shutdown(s->tls);
    while (rc == 0 && SSL_read(s->tls, rest, sizeof rest) > 0) continue;
    if (rc == 1 || (rc == 0 && (SSL_get_shutdown(s->tls) & SSL_RECEIVED_SHUTDOWN))) return QR_OK;
    return qr_fail(err, QR_UNAVAILABLE,
                   "the receiver did not close in order: what it took is unknown (%s)",
                   tls_reason());
}

enum qr_rc send_close(struct sender *s, struct qr_err *err)
{
    enum qr_rc rc = s && s->tls ? end_tls(s, err) : QR_OK;
    send_drop(s);
    return rc;
}

void send_drop(struct sender *s)
{
    if (!s) return;
    SSL_free(s->tls);
    if (s->fd >= 0) (void)close(s->fd);
    SSL_CTX_free(s->ctx);
    qr_buf_fini(&s->line);
    free(s);
}
