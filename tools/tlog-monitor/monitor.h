/* monitor.h - watching a log: a checkpoint is believed only when it is signed,
 * witnessed as the policy asks, and continues the one that was believed last.
 *
 * What was believed last is kept in a file.  Two signed checkpoints that do not
 * fit are written into a fork file, which proves to anybody that the log lies. */
#ifndef TLOG_MONITOR_MONITOR_H
#define TLOG_MONITOR_MONITOR_H

#include "tools/tlog-monitor/remote.h"

struct monitor {
    struct remote remote;
    const struct tlog_policy *policy;
    const char *seen;   /* file of the checkpoint believed last */
    const char *fork;   /* file that is written when the log contradicts itself */
    struct qr_buf note; /* the checkpoint believed now */
    struct tlog_head head;
};

enum monitor_news { MONITOR_SAME, MONITOR_GROWN, MONITOR_FIRST };

/* Fetches the checkpoint, judges it, compares it with the one believed last and
 * remembers it.  QR_UNAVAILABLE, QR_DEADLINE, QR_NOTFOUND; QR_FALSE: not signed;
 * QR_POLICY: too few witnesses; QR_STALE: older than what was seen, and not
 * shown to be of another tree; QR_FORK: it contradicts it, or shows no proof that it does not. */
enum qr_rc monitor_look(struct monitor *m, enum monitor_news *news, struct qr_err *err)
    QR_MUST_CHECK;

#endif
