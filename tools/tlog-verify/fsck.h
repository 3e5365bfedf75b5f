/* fsck.h - is what is stored of a log what its entries make?  Private to
 * tlog-verify: the command fsck, and what must be whole before it is replayed. */
#ifndef TLOG_VERIFY_FSCK_H
#define TLOG_VERIFY_FSCK_H

#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/pace.h"

/* Of a database; signatures by the first key, if there is one.  pace may be NULL. */
enum qr_rc fsck_db(const char *path, const struct arg_keys *keys, uint64_t log_id,
                   struct pace *pace, struct answer *a) QR_MUST_CHECK;
/* Of a tree of files and its checkpoint, signed by one of the keys if there are
 * any. */
enum qr_rc fsck_tiles(const char *dir, const struct arg_keys *keys, struct pace *pace,
                      struct answer *a) QR_MUST_CHECK;

#endif
