/* logline.c - one line, one write. */
#include "base/logline.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_LINE 8192

void qr_log_line(const struct qr_log *log, const char *event, json_t *fields)
{
    qr_json_set_time(fields, "time", qr_now_us(&log->clock));
    qr_json_set_str(fields, "service", log->service);
    qr_json_set_str(fields, "event", event);
    struct qr_buf b;
    qr_buf_init(&b, MAX_LINE);
    if (qr_json_write(fields, &b) == QR_OK) {
        qr_buf_put_u8(&b, '\n');
        /* A lost log line must not stop the service (closed stderr, EPIPE). */
        ssize_t put = b.failed ? 0 : write(log->fd, b.p, b.n);
        (void)put;
    }
    qr_buf_fini(&b);
    json_decref(fields);
}

void qr_log_text(const struct qr_log *log, const char *event, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_t *f = qr_json_object();
    json_t *t = json_string(text);
    qr_json_set(f, "text", t ? t : json_string("(not UTF-8)"));
    qr_log_line(log, event, f);
}
