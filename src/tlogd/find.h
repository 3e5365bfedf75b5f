/* find.h - which entries a Find asks for, by the tags that admission.h gave them.
 *
 * Reads the log, decides nothing; any thread.  Spec: proto/quorate/v1/log.proto. */
#ifndef QUORATE_TLOGD_FIND_H
#define QUORATE_TLOGD_FIND_H

#include "base/bytes.h"
#include "tlog/tlog.h"

#include "quorate/v1/log.pb-c.h"

#define FIND_MAX 1024
/* One place more than an answer has: whoever asks what is in the log must not
 * take a part for the whole. */
#define FIND_ROOM (FIND_MAX + 1)
struct found {
    size_t n;
    uint64_t index[FIND_ROOM]; /* ascending, each once */
};

/* QR_MALFORMED: not exactly one field, or a digest of another length;
 * QR_EXHAUSTED: more than FIND_MAX entries. */
enum qr_rc find_entries(struct tlog_log *log, const Quorate__V1__FindRequest *in, struct found *out,
                        struct qr_err *err) QR_MUST_CHECK;

#endif
