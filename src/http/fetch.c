/* fetch.c - libcurl behind http/fetch.h. */
#include "http/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 10000L

struct http_client {
    CURL *easy;
};

enum qr_rc http_client_start(struct qr_err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return QR_OK;
    return qr_fail(err, QR_BUG, "libcurl does not start");
}

void http_client_end(void) { curl_global_cleanup(); }

enum qr_rc http_client_new(struct http_client **out, struct qr_err *err)
{
    struct http_client *c = calloc(1, sizeof *c);
    if (c) c->easy = curl_easy_init();
    if (!c || !c->easy) {
        free(c);
        return qr_fail(err, QR_NOMEM, "no HTTP client");
    }
    *out = c;
    return QR_OK;
}

void http_client_free(struct http_client *c)
{
    if (c) curl_easy_cleanup(c->easy);
    free(c);
}

static size_t on_data(char *p, size_t one, size_t n, void *ctx)
{
    struct qr_buf *out = ctx;
    qr_buf_put(out, p, one * n);
    return qr_buf_ok(out) == QR_OK ? one * n : 0;
}

static enum qr_rc result(CURLcode code, const struct http_ask *ask, const struct qr_buf *out,
                         struct qr_err *err)
{
    if (code == CURLE_OK) return QR_OK;
    if (out->failed) return qr_fail(err, QR_RANGE, "%.90s: the answer is too large", ask->url);
    enum qr_rc rc = code == CURLE_OPERATION_TIMEDOUT ? QR_DEADLINE : QR_UNAVAILABLE;
    return qr_fail(err, rc, "%.90s: %s", ask->url, curl_easy_strerror(code));
}

static CURLcode configure(CURL *e, const struct http_ask *ask, struct qr_buf *out)
{
    curl_easy_reset(e);
    CURLcode rc = curl_easy_setopt(e, CURLOPT_URL, ask->url);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_PROXY, "");
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, identity");
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_USERAGENT, "quorate");
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_WRITEDATA, out);
    if (rc != CURLE_OK || !ask->post) return rc;
    rc = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.n);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, (const char *)ask->body.p);
    return rc;
}

enum qr_rc http_client_ask(struct http_client *c, const struct http_ask *ask, struct http_got *got,
                           struct qr_err *err)
{
    struct curl_slist *headers = NULL;
    long status = 0;
    const char *type = NULL;
    CURLcode code = configure(c->easy, ask, got->out);
    if (code == CURLE_OK && ask->post) {
        headers = curl_slist_append(NULL, "Content-Type: text/plain; charset=utf-8");
        code = curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, headers);
    }
    if (code == CURLE_OK) code = curl_easy_perform(c->easy);
    if (code == CURLE_OK) code = curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) code = curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
    got->status = (unsigned)status;
    (void)snprintf(got->type, sizeof got->type, "%s", type ? type : "");
    curl_slist_free_all(headers);
    return result(code, ask, got->out, err);
}
