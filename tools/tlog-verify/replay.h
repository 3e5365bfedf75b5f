/* replay.h - a log read from its first entry to its last, or from where an earlier
 * run left off: hashed, judged (src/audit), and remembered for a later run.
 * Private to tlog-verify: log.c and state.c say what is asked and what came out, replay.c
 * reads and judges, resume.c keeps the state. */
#ifndef TLOG_VERIFY_REPLAY_H
#define TLOG_VERIFY_REPLAY_H

#include "audit/audit.h"
#include "tools/tlog-verify/answer.h"
#include "tools/tlog-verify/pace.h"

#include <limits.h>

/* Where judging ends; what follows is only hashed. */
struct replay_until {
    uint64_t index;  /* the last one that is judged */
    int64_t time_us; /* and before the first one that is newer */
    uint64_t judged; /* out: entries */
    bool reached;    /* out */
};

struct replay {
    /* what is asked */
    const char *db, *tiles, *trust, *state;
    uint64_t log_id, save_s;
    struct replay_until *until; /* NULL: judge all */
    bool simulated, duties, hashes_only, floor, progress;
    /* the log */
    struct trust_dir dir;
    struct tlog_log *log; /* of a database */
    struct tlog_source from;
    struct tlog_head head;
    /* how far */
    struct tlog_frontier tree; /* of the entries that were read */
    uint64_t resumed;          /* entries that an earlier run read */
    struct audit *audit;       /* NULL: nothing is judged */
    struct answer *a;
    uint64_t told, signings;
    struct qr_err broke; /* the first breach, in words */
    enum qr_rc broke_rc;
    struct pace pace;
    /* resume.c */
    char used_path[PATH_MAX];
    int64_t saved_us;
    /* time */
    int64_t begun_us, floor_us; /* of the whole; of SHA-256 alone */
    uint64_t bytes;             /* of entries that were measured */
    struct qr_buf flat;
    struct qr_hash bare;
    uint8_t *room; /* TLOG_RESOURCE_MAX */
};

extern const char replay_repair[];

/* Checks --db, --tiles and --log-id, reads the trust directory, makes room;
 * replay_end in every case. */
enum qr_rc replay_begin(struct replay *r) QR_MUST_CHECK;
/* Opens the log and believes its checkpoint, or says why not. */
enum qr_rc replay_open(struct replay *r) QR_MUST_CHECK;
void replay_end(struct replay *r);

/* Reads and judges all that is left; the log is open and its head believed. */
enum qr_rc replay_all(struct replay *r) QR_MUST_CHECK;
/* Reads the entries of this run once more, for what SHA-256 alone takes. */
enum qr_rc replay_floor(struct replay *r) QR_MUST_CHECK;
/* The entry of an index, read anew into r->room; an audit_reader. */
enum qr_rc replay_entry(void *ctx, uint64_t index, struct qr_bytes *entry) QR_MUST_CHECK;
/* Root of the tree as it was, by the log's own tiles. */
enum qr_rc replay_root_at(void *ctx, uint64_t size, struct qr_hash *root) QR_MUST_CHECK;

/* Takes over what r->state says an earlier run knew, or begins such a file; r->audit
 * is new.  A state that does not fit is refused. */
enum qr_rc resume_load(struct replay *r) QR_MUST_CHECK;
/* Writes it, durably. */
enum qr_rc resume_save(struct replay *r) QR_MUST_CHECK;
/* The same when it is time to. */
enum qr_rc resume_tick(struct replay *r) QR_MUST_CHECK;

#endif
