/* feed.h - entries read ahead by another thread, so that reading and hashing take
 * place at once.
 *
 * At most 31 groups wait, and 4 MiB of them but for one; each is copied once.  One
 * thread takes them, in their order. */
#ifndef TLOG_VERIFY_FEED_H
#define TLOG_VERIFY_FEED_H

#include "base/bytes.h"
#include "tlog/tlog.h"

struct feed;

/* Reads, on the other thread, and gives each group to feed_put; anything but TLOG_OK
 * from that ends it. */
typedef enum tlog_rc feed_source(void *ctx, struct feed *f, struct tlog_err *err);

/* Gives feed_stop. */
struct feed *feed_start(feed_source *source, void *ctx);
/* TLOG_STATE: nobody takes any more. */
enum tlog_rc feed_put(struct feed *f, const struct tlog_group *g) TLOG_MUST_CHECK;
/* The next group, borrowed until the next call; false at the end. */
bool feed_next(struct feed *f, struct tlog_group *g);
/* What the source said; it is stopped when it still reads. */
enum tlog_rc feed_stop(struct feed *f, struct tlog_err *err) TLOG_MUST_CHECK;

#endif
