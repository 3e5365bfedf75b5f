/* log.h - the open log, shared by its files: log.c (create, open, close),
 * append.c (the writer), commit.c (one transaction), node.c (verified nodes), read.c
 * (everything else).
 *
 * Who owns what: the writer thread owns store, next, anchor and epoch.  lock
 * guards the queue, the published tree (edge, head), the pool of reading
 * connections and the flags.  The upper tiles need no lock.  What is
 * published is anchored; nothing else is ever shown to a caller. */
#ifndef TLOG_LOG_H
#define TLOG_LOG_H

#include "tlog/anchor.h"
#include "tlog/store.h"
#include "tlog/upper.h"

#include <limits.h>
#include <pthread.h>

#define LOG_MAGIC 0x746c6f67u
#define READERS_KEPT 16
#define DEFAULT_LOW_WATER (64u << 20)

/* One append, until it is finished: then finish is called, once, by the writer,
 * and the job is its owner's again. */
struct job {
    const struct tlog_entry *entries;
    struct tlog_hash *leaf; /* per entry */
    uint64_t *index;
    bool *duplicate;
    size_t count;
    enum tlog_rc rc;
    struct tlog_err err;
    void (*finish)(struct tlog_log *log, struct job *job);
    struct job *next;
};

/* A connection that reads, and what it read and verified last of a tile of
 * leaves: the nodes above (from four levels up) and one part below them. */
struct reader {
    struct store *s;
    uint64_t seen; /* size of the published tree when its snapshot may have begun */
    uint64_t tile; /* UINT64_MAX: none */
    unsigned part; /* UINT32_MAX: none */
    struct twig above, below;
    /* Right ends of the tree of fold_size leaves: the hash of its k smallest
     * perfect subtrees, for the k whose bit is set. */
    uint64_t fold_size, folded;
    struct tlog_hash fold[64];
};

struct tlog_log {
    uint32_t magic;
    struct tlog_config cfg; /* its strings are not ours and not used */
    char *path;             /* NULL: in memory */
    int lock_fd;
    bool writable;

    struct store *store;
    struct edge next;
    struct anchor anchor;
    uint64_t epoch;
    bool lookup; /* an index of leaf hashes is kept */

    struct upper *upper;

    pthread_mutex_t lock;
    struct edge edge;
    struct tlog_signed head;
    struct reader *reader[READERS_KEPT];
    size_t readers;
    struct job *first, *last; /* offered, not taken by the writer yet */
    pthread_cond_t work;
    bool closing;
    enum tlog_rc failed; /* not TLOG_OK: why nothing is appended any more */
    char why[sizeof(struct tlog_err)];

    pthread_t writer, tidier;
    bool writer_runs, tidier_runs;
    pthread_cond_t untidy;
    unsigned frames; /* of the write-ahead log */
    unsigned tidied; /* of these, copied into the database */
};

/* Marks the log failed and tells the owner (cfg.fatal, or abort). */
void log_fatal(struct tlog_log *log, enum tlog_rc rc, const char *text);

/* Commits a list of jobs in one transaction; each gets its result and, when it
 * is TLOG_OK, its indexes.  Publishes.  Writer thread only.  A result
 * other than TLOG_OK means that the disk is in doubt: nothing may be signed any
 * more. */
enum tlog_rc log_commit(struct tlog_log *log, struct job *jobs, struct tlog_err *err);

/* Signs a head. */
enum tlog_rc log_sign(const struct tlog_signer *signer, const struct tlog_head *head,
                      struct tlog_signed *out, struct tlog_err *err);

/* The anchor of the log in path; anchor_path, when given, is it. */
enum tlog_rc log_anchor_path(const char *path, const char *anchor_path, uint32_t log_id,
                             char out[PATH_MAX], struct tlog_err *err);

/* The index of leaf hashes: so many parts for each full tile of level 1. */
#define LOOKUP_RUN (TILE_WIDTH * TILE_WIDTH)
#define LOOKUP_PARTS 256
/* Writes the parts of a tile: in the transaction that fills it. */
enum tlog_rc lookup_write(struct store *s, uint64_t tile, struct tlog_err *err);
/* Writes what is missing at the end of the index of a tree of size leaves; anew: all. */
enum tlog_rc lookup_complete(struct store *s, uint64_t size, bool anew, struct tlog_err *err);
/* The parts of a tile that are not what its leaves make; *n of them. */
enum tlog_rc lookup_compare(struct store *s, uint64_t tile, const struct tlog_hash leaf[LOOKUP_RUN],
                            uint64_t bad[LOOKUP_PARTS], size_t *n);

/* Starts the writer and the tidier; stop waits for what is queued, then ends them. */
enum tlog_rc writer_start(struct tlog_log *log, struct tlog_err *err);
void writer_stop(struct tlog_log *log);

/* A reading connection of the pool, and back. */
enum tlog_rc reader_take(struct tlog_log *log, struct reader **out, struct tlog_err *err);
void reader_give(struct tlog_log *log, struct reader *r);
void reader_free(struct reader *r);
/* Makes all that are in the pool give up their snapshots. */
void readers_rest(struct tlog_log *log);

/* A node of the published tree, verified up to its root. */
enum tlog_rc node_read(struct tlog_log *log, struct reader *r, const struct tlog_node *node,
                       struct tlog_hash *out, struct tlog_err *err);
/* The same for all nodes of a plan. */
enum tlog_rc plan_read(struct tlog_log *log, struct reader *r, const struct tlog_plan *plan,
                       struct tlog_hash *out, struct tlog_err *err);
/* The proof by a plan for a tree of size leaves. */
enum tlog_rc proof_read(struct tlog_log *log, struct reader *r, const struct tlog_plan *plan,
                        uint64_t size, struct tlog_proof *out, struct tlog_err *err);
/* The newest head, and a proof of entry index in its tree.  TLOG_CORRUPT when the
 * tree has no such entry. */
enum tlog_rc prove_latest(struct tlog_log *log, uint64_t index, struct tlog_signed *head,
                          struct tlog_proof *out, struct tlog_err *err);
/* The same for the root of a full tile of leaves. */
enum tlog_rc tile_root_read(struct tlog_log *log, struct reader *r, uint64_t tile,
                            struct tlog_hash *out, struct tlog_err *err);

/* Reads the tree's right edge and the last checkpoint from the store, and checks
 * that they belong together. */
enum tlog_rc recover(struct store *s, const struct store_info *info, struct edge *edge,
                     struct tlog_signed *head, struct tlog_err *err);

/* Walks a row's packed entries: next one, or false at the end.  bad is set when
 * a length runs past the end. */
struct row_walk {
    struct qr_bytes rest;
    uint64_t index;
    bool bad;
};
/* A walk over a row, and its next entry; borrows the row. */
struct row_walk row_walk_of(const struct store_row *row);
bool row_next(struct row_walk *w, struct tlog_bytes *entry);

#endif
