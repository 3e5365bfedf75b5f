/* anchor.h - what the log signed last, kept apart from its database.
 *
 * A file of two slots written in turn, each with a number and a checksum, so
 * that a torn write leaves the other slot.  A checkpoint leaves the log only
 * after the anchor holds it: a database that is behind its anchor has lost or
 * unlearned something that was signed, and is not opened. */
#ifndef TLOG_ANCHOR_H
#define TLOG_ANCHOR_H

#include "tlog/fail.h"

struct anchor {
    int fd; /* -1: no anchor (a log in memory) */
    uint64_t seq;
    struct tlog_signed last;
};

#define ANCHOR_NONE ((struct anchor){.fd = -1})

/* Makes the file, durable, or writes over one that holds a tree without leaves.
 * TLOG_EXISTS: it holds a tree with leaves. */
enum tlog_rc anchor_create(const char *path, const struct tlog_signed *first, struct tlog_err *err);
/* TLOG_ROLLBACK: the file is missing.  TLOG_CORRUPT: no slot is whole. */
enum tlog_rc anchor_open(const char *path, struct anchor *out, struct tlog_err *err);
/* Only reads: what was signed last.  As anchor_open; TLOG_NOTFOUND: no file. */
enum tlog_rc anchor_read(const char *path, struct tlog_signed *out, struct tlog_err *err);
/* Durable on return.  Any failure is final: the caller must not sign again. */
enum tlog_rc anchor_write(struct anchor *a, const struct tlog_signed *next, struct tlog_err *err);
/* TLOG_ROLLBACK: the file no longer holds what this process read or wrote last,
 * so another process signs too.  Asked before each signature. */
enum tlog_rc anchor_check(const struct anchor *a, struct tlog_err *err);
void anchor_close(struct anchor *a);

#endif
