/* outbox.h - entries on their way to the log.
 *
 * A service writes its state and the entry to be logged in one transaction
 * (outbox_put), then wakes the outbox, then waits for the receipt.  One thread
 * carries the rows to the log in order, in batches, and marks them in a
 * transaction in which the service may note where its entry stands (logged).
 * After a crash the rows that were not marked are sent again; the log answers
 * a repeat with the first index, so nothing is lost and nothing doubled.
 *
 * An entry whose time the log finds stale (it could not be sent in time) is
 * signed again with a fresh time under the same event id: its leaf hash is
 * known only once it is logged.  Times of one author strictly increase.
 *
 * The outbox's tables are script schema/outbox-001.sql, the first of every
 * service's database.  Spec: ARCHITECTURE.md "A signing session". */
#ifndef QUORATE_SERVICE_OUTBOX_H
#define QUORATE_SERVICE_OUTBOX_H

#include "base/logline.h"
#include "db/db.h"
#include "leaf/entry.h"
#include "service/log_client.h"

struct outbox;

/* A row that is in the log now.  Everything is borrowed. */
struct outbox_logged {
    int64_t row;
    enum leaf_kind kind;
    const char *event_id;
    const struct log_entry *entry;
    const struct log_head *head;
};

struct outbox_conf {
    struct qr_db *db;            /* keeps */
    const struct qr_signer *key; /* keeps: the author's entry key */
    enum leaf_author author;
    unsigned classes; /* put into every entry */
    struct qr_clock clock;
    struct qr_rand rand;
    const struct qr_log *log; /* keeps */
    /* Carries entries to the log: log_client_append, or a test's. */
    enum qr_rc (*append)(void *ctx, const struct qr_bytes *entries, size_t n,
                         struct log_answer *out, struct qr_err *err);
    void *append_ctx;
    /* Called inside the write transaction that marks the row, on the outbox's
     * thread; must not begin another.  A failure rolls back, and the row is
     * carried again.  May be NULL. */
    enum qr_rc (*logged)(void *ctx, const struct outbox_logged *l, struct qr_err *err);
    /* After that transaction is durable; no transaction is open.  May be NULL. */
    void (*settled)(void *ctx, const struct outbox_logged *l);
    void *ctx;
    /* The service must stop: the database failed, or the log holds other bytes
     * under one of our event ids, or shows two histories. */
    void (*fatal)(void *ctx, enum qr_rc rc, const char *text);
};

/* Gives.  No thread yet: outbox_start. */
enum qr_rc outbox_new(struct outbox **out, const struct outbox_conf *conf, struct qr_err *err)
    QR_MUST_CHECK;
/* Starts the thread; rows that wait from an earlier run go first. */
enum qr_rc outbox_start(struct outbox *ob, struct qr_err *err) QR_MUST_CHECK;
/* Ends waits with QR_UNAVAILABLE and joins the thread; rows stay. */
void outbox_stop(struct outbox *ob);
void outbox_free(struct outbox *ob); /* stops; NULL allowed */

/* Inside a write transaction of the database: signs and stores an entry.
 * event_id NULL: a fresh one.  *row names it for outbox_wait; it counts only if
 * the transaction commits.  QR_EXISTS: the event id is there; QR_RANGE: larger
 * than an entry may be. */
enum qr_rc outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                      const char *event_id, int64_t *row, struct qr_err *err) QR_MUST_CHECK;
/* After the commit: there is something to carry.  Never blocks. */
void outbox_wake(struct outbox *ob);
/* Waits until the row is in the log, at most until deadline (monotonic clock of
 * conf).  Gives the receipt in out (log_answer_fini).  QR_DEADLINE: not yet, it
 * will still be carried; QR_UNAVAILABLE: stopping; or what the log says to it
 * meanwhile (QR_DENIED ...), after which it is still tried. */
enum qr_rc outbox_wait(struct outbox *ob, int64_t row, int64_t deadline_us, struct log_answer *out,
                       struct qr_err *err) QR_MUST_CHECK;
/* Whether outbox_wait would have the receipt at once: only the newest thousand
 * are kept. */
bool outbox_at_hand(struct outbox *ob, int64_t row);
/* put in a transaction of its own, wake, wait. */
enum qr_rc outbox_log(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                      int64_t deadline_us, struct log_answer *out, struct qr_err *err)
    QR_MUST_CHECK;
/* Wakes, and waits until every row put so far is in the log.  As outbox_wait. */
enum qr_rc outbox_flush(struct outbox *ob, int64_t deadline_us, struct qr_err *err) QR_MUST_CHECK;
/* Inside a transaction: where a row stands.  QR_NOTFOUND: no such row, or not
 * logged yet. */
enum qr_rc outbox_where(struct outbox *ob, int64_t row, uint64_t *index, struct qr_hash *leaf,
                        struct qr_err *err) QR_MUST_CHECK;
/* Rows that wait. */
enum qr_rc outbox_pending(struct outbox *ob, size_t *count, struct qr_err *err) QR_MUST_CHECK;

#endif
