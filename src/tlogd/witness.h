/* witness.h - has new checkpoints cosigned by the witnesses of a tlog-policy.
 *
 * One thread for each witness that has a URL; all ask for the same checkpoint,
 * and when the policy's quorum has answered it is kept in a file and shown.
 * Witnesses that are down, slow or lying cost nothing but their cosignature.
 * Spec: C2SP tlog-witness, tlog-policy. */
#ifndef QUORATE_TLOGD_WITNESS_H
#define QUORATE_TLOGD_WITNESS_H

#include "base/clock.h"
#include "base/logline.h"
#include "tlog/tlog.h"

/* The log's own checkpoint and a line of each witness. */
#define WITNESS_NOTE_MAX (TLOG_CHECKPOINT_MAX + TLOG_NOTE_SIGS_MAX * TLOG_COSIGNATURE_MAX)

/* A signed checkpoint, with cosignatures or without. */
struct head_note {
    struct tlog_head head;
    size_t n;
    char text[WITNESS_NOTE_MAX];
};

struct witnesses_conf {
    const char *policy; /* file; its log lines must name this log */
    const char *file;   /* the newest checkpoint that has the quorum */
    struct tlog_log *log;
    const struct tlog_vkey *key; /* of the log; all pointers are kept */
    struct qr_clock clock;
    const struct qr_log *lines;
    /* A witness holds a checkpoint that this log signed and does not have: the
     * database is an old copy.  Any thread; the log must not sign again. */
    void (*behind)(void *ctx, const char *text);
    void *ctx;
};

struct witnesses;

/* Reads policy and file, starts the threads.  QR_MALFORMED, QR_POLICY: not of
 * this log, or no URL; QR_FORK: the file holds a checkpoint that this log does
 * not continue. */
enum qr_rc witnesses_new(struct witnesses **out, const struct witnesses_conf *conf,
                         struct qr_err *err) QR_MUST_CHECK;
void witnesses_free(struct witnesses *w); /* NULL is allowed */
/* The log has grown. */
void witnesses_wake(struct witnesses *w);
/* The newest checkpoint with the quorum; n is 0 when there is none. */
void witnesses_latest(struct witnesses *w, struct head_note *out);
/* Waits until a checkpoint of at least size leaves has the quorum.  QR_DEADLINE. */
enum qr_rc witnesses_wait(struct witnesses *w, uint64_t size, int64_t timeout_us,
                          struct head_note *out, struct qr_err *err) QR_MUST_CHECK;
/* Lines for /metrics. */
void witnesses_metrics(struct witnesses *w, struct qr_buf *out);

#endif
