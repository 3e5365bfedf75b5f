/* range.h - the entries of a range of a tree, one after another, from a database
 * or from a directory of tiles. */
#ifndef QUORATE_EXPORT_RANGE_H
#define QUORATE_EXPORT_RANGE_H

#include "base/bytes.h"
#include "tlog/tlog.h"

/* An open log: one of both. */
struct export_log {
    struct tlog_log *db;
    struct tlog_source from;
    struct qr_buf checkpoint; /* the signed note */
    struct tlog_head head;
    char origin[TLOG_NAME_MAX + 1];
};

/* Opens path, a database when it is a file, else tiles; keeps path.  Checkpoint
 * and head are as they are stored: nothing is verified.  QR_NOTFOUND,
 * QR_MALFORMED, QR_IO; close it in any case. */
enum qr_rc export_log_open(struct export_log *l, const char *path, uint32_t log_id, bool tiles,
                           struct qr_err *err) QR_MUST_CHECK;
void export_log_close(struct export_log *l);

/* Calls each(ctx, index, entry) for entries [from, to) of the tree; entry is
 * borrowed.  A result other than QR_OK ends the walk and is returned. */
struct export_walk {
    enum qr_rc (*each)(void *ctx, uint64_t index, struct qr_bytes entry, struct qr_err *err);
    void *ctx;
};
enum qr_rc export_walk(const struct export_log *l, uint64_t from, uint64_t to,
                       const struct export_walk *w, struct qr_err *err) QR_MUST_CHECK;

/* An index, or the first entry that is not older than a time
 * ("2026-10-01T00:00:00Z", with or without six decimals); NULL is dflt.
 * QR_USAGE: neither. */
enum qr_rc export_place(const struct export_log *l, const char *text, uint64_t dflt, uint64_t *at,
                        struct qr_err *err) QR_MUST_CHECK;

#endif
