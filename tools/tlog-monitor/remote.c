/* remote.c - see remote.h. */
#include "tools/tlog-monitor/remote.h"

#include <stdio.h>

#define URL_MAX 1024
#define FULL 256

static enum qr_rc get(struct remote *r, const char *path, struct qr_err *err)
{
    char url[URL_MAX];
    size_t n = qr_str(r->url).n;
    while (n > 0 && r->url[n - 1] == '/') n--;
    int len = snprintf(url, sizeof url, "%.*s/%s", (int)n, r->url, path);
    if (len < 0 || len >= URL_MAX) return qr_fail(err, QR_RANGE, "the URL is too long");
    struct http_ask ask = {.url = url, .timeout_ms = r->timeout_ms};
    struct http_got got = {.out = &r->body};
    qr_buf_reset(&r->body);
    QR_TRY(http_client_ask(r->client, &ask, &got, err));
    if (got.status == 200) return QR_OK;
    return qr_fail(err, QR_NOTFOUND, "%.100s: status %u", url, got.status);
}

enum qr_rc remote_init(struct remote *r, const char *url, int timeout_ms, struct qr_err *err)
{
    *r = (struct remote){.url = url, .timeout_ms = timeout_ms};
    qr_buf_init(&r->body, TLOG_RESOURCE_MAX);
    return http_client_new(&r->client, err);
}

void remote_fini(struct remote *r)
{
    http_client_free(r->client);
    qr_buf_fini(&r->body);
}

enum qr_rc remote_checkpoint(struct remote *r, struct qr_err *err)
{
    return get(r, "checkpoint", err);
}

/* The first width parts of a full tile or bundle, in place. */
static void cut(struct qr_buf *b, const struct tlog_resource *want)
{
    if (!want->entries) {
        if (b->n > (size_t)want->width * TLOG_HASH_SIZE)
            b->n = (size_t)want->width * TLOG_HASH_SIZE;
        return;
    }
    struct qr_reader in = qr_reader_of(qr_buf_bytes(b));
    for (unsigned i = 0; i < want->width; i++) (void)qr_read_bytes(&in, qr_read_be16(&in));
    if (!in.failed) b->n -= in.rest.n;
}

static enum tlog_rc fetch(void *ctx, const struct tlog_resource *want, struct tlog_out *out,
                          struct tlog_err *err)
{
    struct remote *r = ctx;
    struct qr_err why = {{0}};
    char path[TLOG_RESOURCE_PATH_MAX];
    tlog_resource_path(want, path);
    enum qr_rc rc = get(r, path, &why);
    /* tlog-tiles, Partial Tiles: a log MAY delete a partial tile once the full
     * one is available. */
    if (rc == QR_NOTFOUND && want->width < FULL) {
        struct tlog_resource full = *want;
        full.width = FULL;
        tlog_resource_path(&full, path);
        rc = get(r, path, &why);
        if (rc == QR_OK) cut(&r->body, want);
    }
    if (err && rc != QR_OK) (void)snprintf(err->text, sizeof err->text, "%s", why.text);
    if (rc == QR_NOTFOUND) return TLOG_NOTFOUND;
    if (rc != QR_OK) return rc == QR_RANGE ? TLOG_RANGE : TLOG_IO;
    if (r->body.n > out->room) return TLOG_RANGE;
    qr_copy(out->p, r->body.p, r->body.n);
    out->n = r->body.n;
    return TLOG_OK;
}

struct tlog_source remote_source(struct remote *r) { return (struct tlog_source){fetch, r}; }
