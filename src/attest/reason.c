/* reason.c - the names of reasons and classes; one table, reason.def. */
#include "attest/reason.h"

static const struct {
    const char *name, *text;
} reasons[] = {
#define ATTEST_REASON(name, text) {#name, text},
#include "attest/reason.def"
#undef ATTEST_REASON
};

const char *attest_reason_name(enum attest_reason reason)
{
    return reason < ATTEST_REASON_COUNT ? reasons[reason].name : "?";
}

const char *attest_reason_text(enum attest_reason reason)
{
    return reason < ATTEST_REASON_COUNT ? reasons[reason].text : "?";
}

enum attest_reason attest_reason_from_name(struct qr_bytes name)
{
    int i = 0;
    while (i < ATTEST_REASON_COUNT && !qr_bytes_is(name, reasons[i].name)) i++;
    return (enum attest_reason)i;
}

const char *attest_class_name(enum attest_class c)
{
    return c == ATTEST_PRODUCTION ? "production" : "simulated";
}

enum qr_rc attest_class_from_name(struct qr_bytes name, enum attest_class *out)
{
    if (qr_bytes_is(name, "production"))
        *out = ATTEST_PRODUCTION;
    else if (qr_bytes_is(name, "simulated"))
        *out = ATTEST_SIMULATED;
    else
        return QR_MALFORMED;
    return QR_OK;
}
