/* log_client.h - a daemon's view of the log: appends, reads, and never
 * believes.
 *
 * Every answer is checked before it is given: the checkpoint against the
 * pinned origin and keys, each entry's inclusion, an appended entry against
 * the hash of our own bytes, and every checkpoint against the newest one seen
 * so far, which is kept in a file across restarts.  A log that shows two
 * histories gives QR_FORK, from then on for ever; so does one answer with an
 * older tree than the log had shown before it was asked.  All functions may be called
 * from any thread and block; no lock is held during a call.
 *
 * Spec: docs/FORMATS.md section 2, TRUST.md sections 3 and 9. */
#ifndef QUORATE_SERVICE_LOG_CLIENT_H
#define QUORATE_SERVICE_LOG_CLIENT_H

#include "base/arena.h"
#include "base/logline.h"
#include "crypto/crypto.h"
#include "leaf/parts.h"
#include "rpc/channel.h"
#include "tlog/tlog.h"
#include "trust/trust_dir.h"

struct log_client;

/* What a service answers before it has reached the log; nothing was done. */
#define SERVICE_STARTING "starting: the log is not reachable yet"

/* Gets one entry of a walk; anything but QR_OK ends it. */
typedef enum qr_rc log_each(void *ctx, uint64_t index, struct qr_bytes entry);

/* A checkpoint that was verified. */
struct log_head {
    struct leaf_checkpoint at;
    struct qr_bytes note; /* signed text */
};

/* An entry with its proof to the checkpoint of the same answer. */
struct log_entry {
    uint64_t index;
    struct qr_bytes bytes;
    struct qr_hash leaf;
    struct tlog_proof proof;
};

/* One consistent answer; everything in it lives in arena until
 * log_answer_fini. */
struct log_answer {
    struct log_head head;
    size_t n;
    struct log_entry *entries;
    uint64_t found_at; /* log_client_find: size of the tree that was searched */
    /* The log's clock as it answered, 0 if it did not say; ours around the call. */
    int64_t log_us, asked_us, answered_us;
    struct qr_arena arena;
};
void log_answer_fini(struct log_answer *a); /* idempotent; also after a failure */

/* Whether our clock and the log's are at most limit_us apart, whatever time the
 * call took: QR_UNAVAILABLE when they are not, or the log did not say. */
enum qr_rc log_answer_clock(const struct log_answer *a, int64_t limit_us, struct qr_err *err)
    QR_MUST_CHECK;

/* Deep copy of entry number i of a, with its head; log_answer_fini. */
enum qr_rc log_answer_copy(const struct log_answer *a, size_t i, struct log_answer *out)
    QR_MUST_CHECK;

/* How to reach the log; run.c fills this, tests bring their own.  call makes
 * one attested exchange of service Log ("Append" ...), and reconnects as
 * needed; stream walks GetEntries [from, to). */
struct log_client_conf {
    const char *anchor_path;          /* copied */
    const char *origin;               /* keeps */
    const struct trust_log_key *keys; /* keeps */
    size_t key_count;
    const struct qr_log *log; /* keeps; may be NULL */
    struct qr_clock clock;
    enum qr_rc (*call)(void *ctx, const char *method, const ProtobufCMessage *in,
                       struct rpc_answer *out, struct qr_err *err);
    enum qr_rc (*stream)(void *ctx, uint64_t from, uint64_t to, log_each *each, void *each_ctx,
                         struct qr_err *err);
    void *ctx;
};

/* Reads the anchor file (none: nothing seen yet).  Gives.  QR_MALFORMED: the
 * anchor file is damaged. */
enum qr_rc log_client_new(struct log_client **out, const struct log_client_conf *conf,
                          struct qr_err *err) QR_MUST_CHECK;
void log_client_free(struct log_client *c);

/* Appends 1..QR_MAX_BATCH entries in order.  Answers each with its proof.  QR_STALE (the
 * time inside), QR_CONFLICT (other bytes under the event id), QR_DENIED,
 * QR_MALFORMED, QR_EXHAUSTED: nothing was appended.  QR_UNAVAILABLE,
 * QR_DEADLINE: unknown; the same bytes may be sent again. */
enum qr_rc log_client_append(struct log_client *c, const struct qr_bytes *entries, size_t n,
                             struct log_answer *out, struct qr_err *err) QR_MUST_CHECK;
/* The current checkpoint; out->n is 0. */
enum qr_rc log_client_head(struct log_client *c, struct log_answer *out, struct qr_err *err)
    QR_MUST_CHECK;
/* Entries (at most 1024, any order) with proofs to one checkpoint. */
enum qr_rc log_client_proofs(struct log_client *c, const uint64_t *indexes, size_t n,
                             struct log_answer *out, struct qr_err *err) QR_MUST_CHECK;

/* What Find looks for: one of these. */
enum log_find_by {
    LOG_FIND_SESSION,  /* text: session id */
    LOG_FIND_ARTIFACT, /* hash: artifact */
    LOG_FIND_COMMITMENT,
    LOG_FIND_POLICY,
    LOG_FIND_CERTIFICATE,
    LOG_FIND_LEAF,
    LOG_FIND_AUTHOR_EVENT /* text: "<key id>/<event id>" */
};
struct log_query {
    enum log_find_by by;
    const struct qr_hash *hash;
    const char *text;
};
/* Finds, then fetches what was found with proofs to one checkpoint; ascending.
 * An empty answer (out->n == 0) is QR_OK.  That entries are left out cannot be
 * seen from the answer: log_view.h. */
enum qr_rc log_client_find(struct log_client *c, const struct log_query *q, struct log_answer *out,
                           struct qr_err *err) QR_MUST_CHECK;

/* Walks every entry of [from, size of a fresh checkpoint) in order and
 * recomputes the root over the whole.  from is the size that *frontier has
 * reached; *frontier is advanced.  What each was shown is the log only if the
 * result is QR_OK: until then its effects must be undoable (a transaction). */
enum qr_rc log_client_replay(struct log_client *c, struct tlog_frontier *frontier, log_each *each,
                             void *ctx, struct qr_err *err) QR_MUST_CHECK;

/* A signed checkpoint that came from somebody else: of this log, signed by a
 * key valid at its size, and of one history with all seen so far.  QR_FORK. */
enum qr_rc log_client_consider(struct log_client *c, struct qr_bytes note, struct qr_err *err)
    QR_MUST_CHECK;
/* A Quorate__V1__Receipt that another service answered: its checkpoint as
 * above, its entry included.  out borrows from it.  QR_FORK, QR_MALFORMED. */
enum qr_rc log_client_receipt(struct log_client *c, const ProtobufCMessage *receipt,
                              struct log_entry *out, struct qr_err *err) QR_MUST_CHECK;

/* Whether a checkpoint that somebody names is of this log: proven against the
 * newest seen.  QR_STALE: larger than that; QR_FALSE: of another history (which
 * is its bearer's fault, not the log's). */
enum qr_rc log_client_knows(struct log_client *c, const struct leaf_checkpoint *at,
                            struct qr_err *err) QR_MUST_CHECK;
/* A proof that later begins with all of earlier, checked; for whoever hands
 * both on.  QR_FALSE: the log does not show it. */
enum qr_rc log_client_consistency(struct log_client *c, const struct leaf_checkpoint *earlier,
                                  const struct leaf_checkpoint *later, struct tlog_proof *out,
                                  struct qr_err *err) QR_MUST_CHECK;
/* Newest checkpoint seen; size 0 when none. */
struct leaf_checkpoint log_client_seen(struct log_client *c);
/* The same, and how long ago a checkpoint of the log was verified last, and one
 * that was larger than all before; -1: not since the start. */
struct log_age {
    uint64_t size;
    int64_t heard_us, grown_us;
};
struct log_age log_client_age(struct log_client *c);

#endif
