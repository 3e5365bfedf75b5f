/* qr.h - the one bridge between libtlog's results and quorate's.
 *
 * For quorate's own code, not installed: libtlog itself never includes it. */
#ifndef QUORATE_TLOG_QR_H
#define QUORATE_TLOG_QR_H

#include "base/bytes.h"
#include "tlog/tlog.h"

/* Passes a libtlog result and its detail on.  err may be NULL. */
static inline enum qr_rc tlog_to_qr(enum tlog_rc rc, const struct tlog_err *detail,
                                    struct qr_err *err)
{
    static const enum qr_rc map[TLOG_RC_COUNT] = {
        [TLOG_OK] = QR_OK,          [TLOG_FALSE] = QR_FALSE,       [TLOG_MALFORMED] = QR_MALFORMED,
        [TLOG_RANGE] = QR_RANGE,    [TLOG_NOTFOUND] = QR_NOTFOUND, [TLOG_CONFLICT] = QR_CONFLICT,
        [TLOG_REFUSED] = QR_POLICY, [TLOG_BUSY] = QR_BUSY,         [TLOG_FULL] = QR_EXHAUSTED,
        [TLOG_ROLLBACK] = QR_FORK,  [TLOG_CORRUPT] = QR_FORK,      [TLOG_VERSION] = QR_STATE,
        [TLOG_EXISTS] = QR_EXISTS,  [TLOG_STATE] = QR_STATE,       [TLOG_IO] = QR_IO,
        [TLOG_NOMEM] = QR_NOMEM,
    };
    if (rc == TLOG_OK) return QR_OK;
    const char *text = detail && detail->text[0] ? detail->text : tlog_rc_text(rc);
    return qr_fail(err, map[rc], "%s", text);
}

static inline struct tlog_bytes tlog_of_qr(struct qr_bytes s)
{
    return (struct tlog_bytes){s.p, s.n};
}

static inline struct qr_bytes qr_of_tlog(struct tlog_bytes s) { return QR_BYTES(s.p, s.n); }

#endif
