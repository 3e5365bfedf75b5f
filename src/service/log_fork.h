/* log_fork.h - keeps the evidence when a log shows two histories: a fork file,
 * which `tlog-verify fork` judges without the log. */
#ifndef QUORATE_SERVICE_LOG_FORK_H
#define QUORATE_SERVICE_LOG_FORK_H

#include "service/log_client.h"

/* Two signed checkpoints that were not shown to be of one tree, in any order. */
struct log_fork {
    const struct leaf_checkpoint *at[2];
    struct qr_bytes note[2];
};

/* Writes the fork file.  For different sizes the log is asked for the proof that
 * the larger tree has another beginning; *shown says whether it gave one, or none
 * is needed: none is had for a beginning of one leaf, nor of a power of two with
 * one leaf more.  QR_IO; what is not shown is written too. */
enum qr_rc log_fork_write(struct log_client *c, const struct log_fork *f, const char *path,
                          bool *shown, struct qr_err *err) QR_MUST_CHECK;

#endif
