/* fail.h - how libtlog's own files report a failure.
 *
 * Inside tlog/ only.  Internal names do not begin with tlog_: whatever does is
 * exported by the library, whatever does not is hidden (tlog/tlog.am). */
#ifndef TLOG_FAIL_H
#define TLOG_FAIL_H

#include "base/bytes.h"
#include "tlog/tlog.h"

/* Writes the detail (control characters become '?') and returns rc, so that a
 * failing path is one line.  err may be NULL. */
enum tlog_rc fail_with(struct tlog_err *err, enum tlog_rc rc, const char *fmt, ...) QR_PRINTF(3, 4);

#define TLOG_TRY(expr)                                    \
    do {                                                  \
        enum tlog_rc tlog_try_rc_ = (expr);               \
        if (tlog_try_rc_ != TLOG_OK) return tlog_try_rc_; \
    } while (0)

static inline struct qr_bytes as_qr(struct tlog_bytes s) { return QR_BYTES(s.p, s.n); }
static inline struct tlog_bytes as_tlog(struct qr_bytes s) { return (struct tlog_bytes){s.p, s.n}; }

#endif
