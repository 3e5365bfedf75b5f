/* rc.c - names and texts of libtlog's results. */
#include "tlog/fail.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    const char *text;
} table[TLOG_RC_COUNT] = {
    [TLOG_OK] = {"OK", "ok"},
    [TLOG_FALSE] = {"FALSE", "verification failed"},
    [TLOG_MALFORMED] = {"MALFORMED", "malformed input"},
    [TLOG_RANGE] = {"RANGE", "value out of range"},
    [TLOG_NOTFOUND] = {"NOTFOUND", "not found"},
    [TLOG_CONFLICT] = {"CONFLICT", "the key is recorded with other bytes"},
    [TLOG_REFUSED] = {"REFUSED", "refused by admission or policy"},
    [TLOG_BUSY] = {"BUSY", "another process writes this log"},
    [TLOG_FULL] = {"FULL", "too little free space on the disk"},
    [TLOG_ROLLBACK] = {"ROLLBACK", "the database is not the one the anchor saw"},
    [TLOG_CORRUPT] = {"CORRUPT", "what was read is not what was written"},
    [TLOG_VERSION] = {"VERSION", "the database has an unknown schema"},
    [TLOG_EXISTS] = {"EXISTS", "the log is already there"},
    [TLOG_STATE] = {"STATE", "not possible on this handle"},
    [TLOG_IO] = {"IO", "input or output failed"},
    [TLOG_NOMEM] = {"NOMEM", "out of memory"},
};

const char *tlog_rc_name(enum tlog_rc rc)
{
    return (unsigned)rc < TLOG_RC_COUNT ? table[rc].name : "UNKNOWN";
}

const char *tlog_rc_text(enum tlog_rc rc)
{
    return (unsigned)rc < TLOG_RC_COUNT ? table[rc].text : "unknown result";
}

enum tlog_rc fail_with(struct tlog_err *err, enum tlog_rc rc, const char *fmt, ...)
{
    if (!err) return rc;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    for (char *c = err->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    return rc;
}
