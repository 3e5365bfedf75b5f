/* rc.c - the table of results, expanded once for each of its five views. */
#include "base/rc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rc_row {
    const char *name;
    const char *text;
    int grpc;
    int http;
    int exit_code;
};

static const struct rc_row rows[QR_RC_COUNT] = {
#define QR_RC(name, text, grpc, http, exit) {#name, text, grpc, http, exit},
#include "base/rc.def"
#undef QR_RC
};

static const struct rc_row *row_of(enum qr_rc rc)
{
    unsigned i = (unsigned)rc;
    return i < QR_RC_COUNT ? &rows[i] : &rows[QR_BUG];
}

const char *qr_rc_name(enum qr_rc rc) { return row_of(rc)->name; }
const char *qr_rc_text(enum qr_rc rc) { return row_of(rc)->text; }
int qr_rc_grpc(enum qr_rc rc) { return row_of(rc)->grpc; }
int qr_rc_http(enum qr_rc rc) { return row_of(rc)->http; }
int qr_rc_exit(enum qr_rc rc) { return row_of(rc)->exit_code; }

enum qr_rc qr_rc_from_name(const char *name)
{
    for (unsigned i = 0; i < QR_RC_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0) return (enum qr_rc)i;
    return QR_BUG;
}

enum qr_rc qr_rc_from_grpc(int grpc)
{
    for (unsigned i = 0; i < QR_RC_COUNT; i++)
        if (rows[i].grpc == grpc) return (enum qr_rc)i;
    return QR_UNAVAILABLE;
}

enum qr_rc qr_fail(struct qr_err *err, enum qr_rc rc, const char *fmt, ...)
{
    if (!err) return rc;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    for (char *p = err->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
    return rc;
}

_Noreturn void qr_fatal_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "quorate: fatal: %s:%d: ", file, line);
    (void)vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}
