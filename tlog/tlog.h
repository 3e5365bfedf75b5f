/* tlog.h - an append-only, publicly checkable log (RFC 6962) in one file.
 *
 * First the pure half, for anyone who checks a log: hashes, proofs, signed
 * notes, checkpoints.  It does no I/O, keeps no state and may be called from
 * any thread.  Then the log itself, over SQLite: an append returns when its
 * entry is durable, in the tree and under a signed, anchored checkpoint.  The
 * log never interprets an entry and never opens a socket.  A handle may be
 * used by any number of threads at once.
 *
 * Link with libsqlite3, libcrypto, libsodium and -pthread (tlog.pc).
 *
 * Words: borrows = used during the call only; keeps = must outlive the handle.
 * Specs: RFC 6962 section 2.1, RFC 9162 section 2.1, C2SP signed-note,
 * tlog-checkpoint, tlog-cosignature, tlog-policy, tlog-proof and tlog-tiles. */
#ifndef TLOG_H
#define TLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TLOG_MUST_CHECK __attribute__((warn_unused_result))

enum tlog_rc {
    TLOG_OK,
    TLOG_FALSE,     /* well-formed, but the proof or signature does not hold */
    TLOG_MALFORMED, /* not the form the spec demands */
    TLOG_RANGE,     /* an index, size, count or length out of range */
    TLOG_NOTFOUND,
    TLOG_CONFLICT, /* the same key is recorded with other bytes */
    TLOG_REFUSED,  /* the admission callback or a policy said no */
    TLOG_BUSY,     /* another process writes this log */
    TLOG_FULL,     /* disk below the low-water mark; nothing was changed */
    TLOG_ROLLBACK, /* database is older than, or not the one, the anchor saw */
    TLOG_CORRUPT,  /* what was read is not what was written */
    TLOG_VERSION,  /* the database has a schema this library does not know */
    TLOG_EXISTS,   /* create: the log is already there */
    TLOG_STATE,    /* not possible on this handle (read-only, or it failed) */
    TLOG_IO,       /* the operating system or SQLite failed */
    TLOG_NOMEM,
    TLOG_RC_COUNT
};

/* Detail for humans; caller's memory, may be passed as NULL. */
struct tlog_err {
    char text[192];
};

/* Name ("MALFORMED") and one-line text of a result.  Never NULL. */
const char *tlog_rc_name(enum tlog_rc rc);
const char *tlog_rc_text(enum tlog_rc rc);

/* Borrowed bytes; p may be NULL only when n is 0. */
struct tlog_bytes {
    const uint8_t *p;
    size_t n;
};

/* Caller's memory for text that a call writes: room bytes at p.  n is set to
 * the length; a NUL that is not counted follows when there is room. */
struct tlog_out {
    char *p;
    size_t room;
    size_t n;
};

/* ---- Hashes and trees (RFC 6962 section 2.1) ---- */

#define TLOG_HASH_SIZE 32

struct tlog_hash {
    uint8_t b[TLOG_HASH_SIZE];
};

/* A tree: how many leaves it has and its root. */
struct tlog_head {
    uint64_t size;
    struct tlog_hash root;
};

bool tlog_hash_equal(const struct tlog_hash *a, const struct tlog_hash *b);
/* SHA-256(0x00 || entry). */
void tlog_leaf_hash(struct tlog_bytes entry, struct tlog_hash *out);
/* The same for n entries, two at a time where the CPU can. */
void tlog_leaf_hashes(const struct tlog_bytes *entries, size_t n, struct tlog_hash *out);
/* SHA-256(0x01 || left || right).  out may be left or right. */
void tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *out);
/* Root of the tree without leaves: SHA-256 of nothing. */
void tlog_empty_root(struct tlog_hash *out);

/* A tree of which only the roots of its perfect subtrees are kept: enough to
 * append leaves and to compute the root.  peak[k] is meaningful when bit k of
 * size is set.  Set it to all zeros to begin. */
struct tlog_frontier {
    uint64_t size;
    struct tlog_hash peak[64];
};

/* TLOG_RANGE: the tree has 2^64 - 1 leaves. */
enum tlog_rc tlog_frontier_add(struct tlog_frontier *f, const struct tlog_hash *leaf)
    TLOG_MUST_CHECK;
/* The same for n leaves, many nodes at a time where the CPU can.  TLOG_RANGE:
 * nothing is added. */
enum tlog_rc tlog_frontier_add_all(struct tlog_frontier *f, const struct tlog_hash *leaves,
                                   size_t n) TLOG_MUST_CHECK;
void tlog_frontier_head(const struct tlog_frontier *f, struct tlog_head *out);

/* ---- Proofs (RFC 9162 section 2.1.3 and 2.1.4) ---- */

#define TLOG_PROOF_MAX 65

struct tlog_proof {
    size_t n;
    struct tlog_hash h[TLOG_PROOF_MAX];
};

/* Root that a leaf and its proof lead to in a tree of size leaves.
 * TLOG_RANGE: index >= size.  TLOG_MALFORMED: the proof is not exactly as long
 * as index and size require. */
enum tlog_rc tlog_inclusion_root(uint64_t index, uint64_t size, const struct tlog_hash *leaf,
                                 const struct tlog_proof *proof, struct tlog_hash *root)
    TLOG_MUST_CHECK;
/* TLOG_OK: leaf is entry number index of the tree head.  TLOG_FALSE: it is not
 * shown to be.  TLOG_RANGE, TLOG_MALFORMED as above. */
enum tlog_rc tlog_inclusion_check(uint64_t index, const struct tlog_head *head,
                                  const struct tlog_hash *leaf, const struct tlog_proof *proof)
    TLOG_MUST_CHECK;
/* TLOG_OK: the tree `later` begins with all of the tree `earlier`.  Equal sizes
 * and an earlier size of 0 take the empty proof.  TLOG_FALSE: not shown.
 * TLOG_RANGE: earlier is larger.  TLOG_MALFORMED: wrong length of proof. */
enum tlog_rc tlog_consistency_check(const struct tlog_head *earlier, const struct tlog_head *later,
                                    const struct tlog_proof *proof) TLOG_MUST_CHECK;

/* A perfect subtree: root of leaves [index << level, (index + 1) << level). */
struct tlog_node {
    uint64_t index;
    unsigned level;
};

#define TLOG_PLAN_MAX 130

/* Which stored hashes a proof needs.  node[fold_from .. fold_to) are folded
 * into one hash of the proof; the others are hashes of the proof as they are. */
struct tlog_plan {
    size_t n;
    size_t fold_from;
    size_t fold_to;
    struct tlog_node node[TLOG_PLAN_MAX];
};

/* What to read for a proof.  TLOG_RANGE as for the checks. */
enum tlog_rc tlog_inclusion_plan(uint64_t index, uint64_t size, struct tlog_plan *plan)
    TLOG_MUST_CHECK;
enum tlog_rc tlog_consistency_plan(uint64_t earlier, uint64_t later, struct tlog_plan *plan)
    TLOG_MUST_CHECK;
/* What to read for the root of a tree of size leaves; n is 0 when size is 0. */
void tlog_root_plan(uint64_t size, struct tlog_plan *plan);
/* The proof, from plan->n hashes read in the plan's order. */
void tlog_plan_proof(const struct tlog_plan *plan, const struct tlog_hash *read,
                     struct tlog_proof *proof);
/* The root, from the hashes of a tlog_root_plan. */
void tlog_plan_root(const struct tlog_plan *plan, const struct tlog_hash *read,
                    struct tlog_hash *root);

/* ---- Signed notes (C2SP signed-note) ---- */

#define TLOG_NAME_MAX 255     /* bytes of a key name */
#define TLOG_VKEY_MAX 320     /* bytes of a vkey string with its NUL */
#define TLOG_NOTE_MAX 131072  /* bytes of a note */
#define TLOG_NOTE_SIGS_MAX 16 /* signatures of a note */
#define TLOG_SIG_SIZE 64
#define TLOG_PUB_SIZE 32

#define TLOG_KEY_NOTE 0x01     /* signature types: an Ed25519 signature of a note ... */
#define TLOG_KEY_COSIGNER 0x04 /* ... and a witness's timestamped one of a checkpoint */

/* An Ed25519 verifier key. */
struct tlog_vkey {
    char name[TLOG_NAME_MAX + 1];
    uint8_t type; /* TLOG_KEY_... */
    uint32_t id;
    uint8_t pub[TLOG_PUB_SIZE];
};

/* Makes a verifier key; computes its id.  TLOG_MALFORMED: not a key name. */
enum tlog_rc tlog_vkey_make(const char *name, const uint8_t pub[TLOG_PUB_SIZE],
                            struct tlog_vkey *out) TLOG_MUST_CHECK;
/* Reads "name+hex id+base64" of type TLOG_KEY_NOTE.  TLOG_MALFORMED: not that,
 * another type, or an id that is not this key's. */
enum tlog_rc tlog_vkey_parse(struct tlog_bytes text, struct tlog_vkey *out) TLOG_MUST_CHECK;
void tlog_vkey_format(const struct tlog_vkey *key, char out[TLOG_VKEY_MAX]);

/* A key that signs.  sign makes the Ed25519 signature of msg by the private
 * half of key; anything but TLOG_OK is passed on. */
struct tlog_signer {
    struct tlog_vkey key;
    enum tlog_rc (*sign)(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE]);
    void *ctx;
};

/* One signature line: key name, key id, and the base64 text; borrowed. */
struct tlog_note_sig {
    struct tlog_bytes name;
    uint32_t id;
    struct tlog_bytes base64;
};

/* A parsed note; everything is borrowed from the parsed bytes. */
struct tlog_note {
    struct tlog_bytes text; /* with its final newline */
    size_t sigs;
    struct tlog_note_sig sig[TLOG_NOTE_SIGS_MAX];
};

/* Strict parse.  TLOG_MALFORMED; TLOG_RANGE: larger than TLOG_NOTE_MAX or more
 * than TLOG_NOTE_SIGS_MAX signatures. */
enum tlog_rc tlog_note_parse(struct tlog_bytes note, struct tlog_note *out) TLOG_MUST_CHECK;
/* TLOG_OK: at least one of keys signed, and none of them signed wrongly.  Bit k
 * of *who says that keys[k] signed; key_count <= 32; who may be NULL. */
enum tlog_rc tlog_note_verify(const struct tlog_note *note, const struct tlog_vkey *keys,
                              size_t key_count, uint32_t *who) TLOG_MUST_CHECK;
/* Writes text, the blank line and one signature line per signer.
 * TLOG_MALFORMED: text is not a note's; TLOG_RANGE: no room; else the signer's. */
enum tlog_rc tlog_note_sign(struct tlog_bytes text, const struct tlog_signer *signers, size_t count,
                            struct tlog_out *out) TLOG_MUST_CHECK;

/* ---- Checkpoints (C2SP tlog-checkpoint) ---- */

/* The text of a checkpoint; borrowed from what was parsed.  extensions are the
 * further lines, each with its newline. */
struct tlog_checkpoint {
    struct tlog_bytes origin;
    struct tlog_head head;
    struct tlog_bytes extensions;
};

/* Reads a note's text.  TLOG_MALFORMED. */
enum tlog_rc tlog_checkpoint_parse(struct tlog_bytes text, struct tlog_checkpoint *out)
    TLOG_MUST_CHECK;

/* Which checkpoints are believed: this origin, signed by one of these keys. */
struct tlog_trust {
    const char *origin;
    const struct tlog_vkey *keys;
    size_t key_count;
};

/* Parses a signed checkpoint and checks origin and signature.  TLOG_FALSE:
 * another origin, no signature of a known key, or a wrong one. */
enum tlog_rc tlog_checkpoint_open(struct tlog_bytes note, const struct tlog_trust *trust,
                                  struct tlog_checkpoint *out) TLOG_MUST_CHECK;
/* Writes the checkpoint without extensions, signed; the origin is the key's
 * name. */
enum tlog_rc tlog_checkpoint_sign(const struct tlog_head *head, const struct tlog_signer *signer,
                                  struct tlog_out *out) TLOG_MUST_CHECK;

/* ---- Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519) ---- */

#define TLOG_COSIGNATURE_MAX 384 /* bytes of a witness's signature line */

/* As tlog_vkey_make and tlog_vkey_parse, for the key of a witness. */
enum tlog_rc tlog_cosigner_make(const char *name, const uint8_t pub[TLOG_PUB_SIZE],
                                struct tlog_vkey *out) TLOG_MUST_CHECK;
enum tlog_rc tlog_cosigner_parse(struct tlog_bytes text, struct tlog_vkey *out) TLOG_MUST_CHECK;
/* Writes the signature line of a witness for a checkpoint's text, as of time_s
 * (POSIX seconds); it goes behind the checkpoint's other lines.
 * TLOG_MALFORMED: not a checkpoint; TLOG_RANGE: no room, or the time is 0 or
 * 2^63 and more; TLOG_STATE: the key is not a cosigner's; else the signer's. */
enum tlog_rc tlog_cosign(struct tlog_bytes text, uint64_t time_s, const struct tlog_signer *witness,
                         struct tlog_out *out) TLOG_MUST_CHECK;
/* TLOG_OK: the witness cosigned this checkpoint; *time_s (may be NULL) says
 * when it did last.  TLOG_NOTFOUND: no line of it.  TLOG_FALSE: a wrong one. */
enum tlog_rc tlog_cosignature_check(const struct tlog_note *note, const struct tlog_vkey *witness,
                                    uint64_t *time_s) TLOG_MUST_CHECK;

/* ---- Policies: which logs and how many witnesses (C2SP tlog-policy) ---- */

#define TLOG_POLICY_MAX 32         /* logs; witnesses; groups */
#define TLOG_POLICY_TEXT_MAX 65536 /* bytes of a policy file */

struct tlog_policy;

/* A log or a witness of a policy; lives as long as the policy. */
struct tlog_party {
    struct tlog_bytes name; /* of a witness; empty for a log */
    struct tlog_vkey key;
    struct tlog_bytes url; /* may be empty */
};

/* Strict parse; gives tlog_policy_free.  TLOG_MALFORMED: err names line and
 * mistake; TLOG_RANGE: more than the limits; TLOG_NOMEM. */
enum tlog_rc tlog_policy_parse(struct tlog_bytes text, struct tlog_policy **out,
                               struct tlog_err *err) TLOG_MUST_CHECK;
void tlog_policy_free(struct tlog_policy *policy); /* NULL is allowed */
/* How many there are, in the order of the file; *out points to the first. */
size_t tlog_policy_logs(const struct tlog_policy *policy, const struct tlog_party **out);
size_t tlog_policy_witnesses(const struct tlog_policy *policy, const struct tlog_party **out);
/* Do these witnesses (bit k: number k of the policy) make the quorum? */
bool tlog_policy_quorum(const struct tlog_policy *policy, uint32_t cosigned);

/* What a policy found in a checkpoint; borrowed from the note. */
struct tlog_judgement {
    struct tlog_checkpoint checkpoint;
    size_t log;        /* number of the log that signed */
    uint32_t cosigned; /* bit k: witness number k cosigned */
};

/* Judges a signed checkpoint.  TLOG_MALFORMED, TLOG_RANGE: its form.
 * TLOG_FALSE: of no log of the policy, or a known log's or witness's signature
 * is missing (the log's) or wrong (any).  TLOG_REFUSED: too few witnesses. */
enum tlog_rc tlog_policy_check(const struct tlog_policy *policy, struct tlog_bytes note,
                               struct tlog_judgement *out, struct tlog_err *err) TLOG_MUST_CHECK;

/* ---- Proof files (C2SP tlog-proof) ---- */

#define TLOG_PROOF_EXTRA_MAX 65536    /* bytes of decoded extra data */
#define TLOG_PROOF_FILE_MAX (4 << 16) /* bytes of a proof file */

/* A .tlog-proof file; extra and checkpoint are borrowed. */
struct tlog_proof_file {
    struct tlog_bytes extra; /* base64 as it stands there, unauthenticated; may be empty */
    uint64_t index;
    struct tlog_proof proof;
    struct tlog_bytes checkpoint; /* the signed note */
};

/* Strict parse, checkpoint included.  TLOG_MALFORMED, TLOG_RANGE; err names the
 * line. */
enum tlog_rc tlog_proof_file_parse(struct tlog_bytes file, struct tlog_proof_file *out,
                                   struct tlog_err *err) TLOG_MUST_CHECK;
/* Writes the file.  What tlog_proof_file_parse would refuse is TLOG_MALFORMED;
 * TLOG_RANGE: no room. */
enum tlog_rc tlog_proof_file_write(const struct tlog_proof_file *in, struct tlog_out *out)
    TLOG_MUST_CHECK;
/* TLOG_OK: a checkpoint that the policy accepts holds this leaf.  TLOG_FALSE:
 * the proof does not lead to its root, has the wrong length, or what
 * tlog_policy_check says; out may be NULL. */
enum tlog_rc tlog_proof_file_check(const struct tlog_proof_file *in,
                                   const struct tlog_policy *policy, const struct tlog_hash *leaf,
                                   struct tlog_judgement *out, struct tlog_err *err)
    TLOG_MUST_CHECK;

/* ---- The log ---- */

#define TLOG_ENTRY_MAX 65535     /* bytes of an entry (tlog-tiles bundles) */
#define TLOG_KEY_MAX 64          /* bytes of a key or a tag */
#define TLOG_TAGS_MAX 8          /* tags of an entry */
#define TLOG_BATCH_MAX 16384     /* entries of a batch */
#define TLOG_CHECKPOINT_MAX 1024 /* bytes of a checkpoint this log signs */

struct tlog_log;

/* What the writer shows the admission callback. */
struct tlog_candidate {
    struct tlog_bytes entry;
    struct tlog_bytes key;
    uint64_t index; /* the one it would get */
    int64_t now_us; /* by the log's clock */
};

struct tlog_config {
    const char *path;          /* database; NULL: in memory, for tests */
    const char *anchor_path;   /* NULL: path + ".anchor" */
    uint32_t log_id;           /* 0 means 1; several logs share a database */
    struct tlog_signer signer; /* its key's name is the log's origin; ctx is kept */
    /* Wall clock in microseconds; NULL: candidates show 0.  ctx is kept. */
    int64_t (*now_us)(void *ctx);
    /* Called by the writer for each new entry, in log order.  Anything but
     * TLOG_OK refuses the entry (and its batch) with that result and text.
     * NULL: all are admitted. */
    enum tlog_rc (*admit)(void *ctx, const struct tlog_candidate *c, struct tlog_err *err);
    /* What became of admitted candidates with indexes [from, to): kept, they are
     * in the log; else they are not, and their indexes are used again.  NULL: none. */
    void (*settle)(void *ctx, uint64_t from, uint64_t to, bool kept);
    /* Called once when a write failed in a way that leaves the disk in doubt.
     * Must not return to serving; NULL: abort().  If it returns, every later
     * append fails with TLOG_STATE. */
    void (*fatal)(void *ctx, enum tlog_rc rc, const char *text);
    void *ctx;
    uint64_t low_water_bytes; /* 0: 64 MiB; UINT64_MAX: no check */
    /* Keeps an index for tlog_find_hash, 10 bytes an entry; once asked for, it is
     * kept by every later open.  What it lacks is written by the open that finds it
     * missing, 10^6 entries a second or so. */
    bool index_hashes;
    bool rebuild_hashes; /* writes all of it anew: when tlog_fsck names it */
};

/* Makes an empty log and its anchor.  The only call that ever creates a file of
 * a log.  TLOG_EXISTS: the log or the anchor is there. */
enum tlog_rc tlog_create(const struct tlog_config *cfg, struct tlog_err *err) TLOG_MUST_CHECK;
/* Opens for appending.  TLOG_NOTFOUND, TLOG_BUSY, TLOG_VERSION, TLOG_CORRUPT,
 * TLOG_ROLLBACK (the anchor is missing, ahead of the database, or saw another
 * tree), TLOG_IO.  Strings of cfg are borrowed, ctx pointers kept. */
enum tlog_rc tlog_open(const struct tlog_config *cfg, struct tlog_log **out, struct tlog_err *err)
    TLOG_MUST_CHECK;
/* Brings a database that nobody has open to this library's schema, in one
 * transaction; tlog_open does it too.  dry_run: everything is tried, nothing is
 * kept.  *from and *to are the versions before and after.  TLOG_VERSION: the
 * database is newer, or not a log's; TLOG_BUSY. */
enum tlog_rc tlog_migrate(const char *path, bool dry_run, int *from, int *to, struct tlog_err *err)
    TLOG_MUST_CHECK;
/* Opens for reading as it stands now: no lock, no anchor, nothing is written.
 * The caller judges the checkpoint's signature. */
enum tlog_rc tlog_open_readonly(const char *path, uint32_t log_id, struct tlog_log **out,
                                struct tlog_err *err) TLOG_MUST_CHECK;
/* Waits for appends under way, then closes.  NULL is allowed. */
void tlog_close(struct tlog_log *log);

/* An entry to append; borrows.  key (0 to 64 bytes) makes the append
 * idempotent: the same key and bytes give the first index again, other bytes
 * TLOG_CONFLICT.  tags are what tlog_find_tag finds it by. */
struct tlog_entry {
    struct tlog_bytes data;
    struct tlog_bytes key;
    const struct tlog_bytes *tags;
    size_t tag_count;
};

/* A signed checkpoint and what it says. */
struct tlog_signed {
    struct tlog_head head;
    size_t n;
    char text[TLOG_CHECKPOINT_MAX];
};

/* Where an entry stands; proof is for the tree of the checkpoint given with it. */
struct tlog_receipt {
    uint64_t index;
    bool duplicate; /* it was there before */
    struct tlog_hash leaf;
    struct tlog_proof proof;
};

/* Appends one entry and waits until it is durable under a signed and anchored
 * checkpoint.  TLOG_CONFLICT, TLOG_RANGE, TLOG_FULL, TLOG_STATE, or what admit
 * said: nothing was appended.  TLOG_CORRUPT: nothing either, when the rows around its
 * key are damaged, else as TLOG_IO.  TLOG_IO: unknown; ask again with the same key. */
enum tlog_rc tlog_append(struct tlog_log *log, const struct tlog_entry *entry,
                         struct tlog_receipt *receipt, struct tlog_signed *checkpoint,
                         struct tlog_err *err) TLOG_MUST_CHECK;
/* Appends count entries, all or none, under one checkpoint; receipts has room
 * for count, or is NULL: proofs can be had later. */
enum tlog_rc tlog_append_batch(struct tlog_log *log, const struct tlog_entry *entries, size_t count,
                               struct tlog_receipt *receipts, struct tlog_signed *checkpoint,
                               struct tlog_err *err) TLOG_MUST_CHECK;

/* What became of a submitted entry; everything is borrowed.  As tlog_append, but
 * without a proof: tlog_inclusion gives it. */
struct tlog_outcome {
    enum tlog_rc rc;
    uint64_t index;
    bool duplicate;
    const struct tlog_hash *leaf;
    const struct tlog_signed *checkpoint; /* NULL unless rc is TLOG_OK */
    const char *text;                     /* why, when rc is not TLOG_OK */
};

/* done is called once, by the log's writer, in log order: it must be quick and
 * must not append. */
struct tlog_callback {
    void (*done)(void *ctx, const struct tlog_outcome *outcome);
    void *ctx;
};

/* Like tlog_append without waiting: takes a copy of the entry, and calls done when
 * it is durable under a signed and anchored checkpoint, or refused.  Many that are
 * submitted together share a commit, also from one thread.  The caller bounds how
 * many are under way.  Other than TLOG_OK: done is not called. */
enum tlog_rc tlog_submit(struct tlog_log *log, const struct tlog_entry *entry,
                         const struct tlog_callback *done, struct tlog_err *err) TLOG_MUST_CHECK;

/* The newest published checkpoint. */
void tlog_latest(struct tlog_log *log, struct tlog_signed *out);
/* Reads below see the log up to the newest published checkpoint.  Everything
 * read is hashed up to it again: TLOG_CORRUPT is never served.  TLOG_RANGE:
 * beyond it; TLOG_IO. */
enum tlog_rc tlog_root_at(struct tlog_log *log, uint64_t size, struct tlog_hash *out,
                          struct tlog_err *err) TLOG_MUST_CHECK;
enum tlog_rc tlog_leaf_at(struct tlog_log *log, uint64_t index, struct tlog_hash *out,
                          struct tlog_err *err) TLOG_MUST_CHECK;
enum tlog_rc tlog_inclusion(struct tlog_log *log, uint64_t index, uint64_t size,
                            struct tlog_proof *out, struct tlog_err *err) TLOG_MUST_CHECK;
enum tlog_rc tlog_consistency(struct tlog_log *log, uint64_t earlier, uint64_t later,
                              struct tlog_proof *out, struct tlog_err *err) TLOG_MUST_CHECK;
/* Calls each(ctx, index, entry) for entries [from, to) in order; entry is
 * borrowed.  A result other than TLOG_OK ends the walk and is returned. */
enum tlog_rc tlog_entries(struct tlog_log *log, uint64_t from, uint64_t to,
                          enum tlog_rc (*each)(void *ctx, uint64_t index, struct tlog_bytes entry),
                          void *ctx, struct tlog_err *err) TLOG_MUST_CHECK;
/* Entries that follow each other; borrowed. */
struct tlog_group {
    uint64_t first;
    size_t n; /* 1 to 256 */
    const struct tlog_bytes *entry;
};
/* As tlog_entries, but nothing is hashed and compared with the tree: the caller
 * derives the root of all entries (tlog_leaf_hashes, tlog_frontier_add_all), and
 * compares that. */
enum tlog_rc tlog_groups(struct tlog_log *log, uint64_t from, uint64_t to,
                         enum tlog_rc (*each)(void *ctx, const struct tlog_group *g), void *ctx,
                         struct tlog_err *err) TLOG_MUST_CHECK;
/* First width hashes of a tlog-tiles tile: level 0 holds leaves.  TLOG_NOTFOUND:
 * the published tree has no such tile of that width (1 to 256). */
enum tlog_rc tlog_tile(struct tlog_log *log, const struct tlog_node *tile, size_t width,
                       struct tlog_hash *out, struct tlog_err *err) TLOG_MUST_CHECK;
/* Index of the entry appended with key.  TLOG_NOTFOUND; TLOG_CORRUPT, also when it
 * cannot be shown that there is none. */
enum tlog_rc tlog_find_key(struct tlog_log *log, struct tlog_bytes key, uint64_t *index,
                           struct tlog_err *err) TLOG_MUST_CHECK;
/* The first entry with this leaf hash.  TLOG_NOTFOUND; TLOG_STATE: the log keeps no
 * index of hashes.  Reads one row for each 65536 entries. */
enum tlog_rc tlog_find_hash(struct tlog_log *log, const struct tlog_hash *leaf, uint64_t *index,
                            struct tlog_err *err) TLOG_MUST_CHECK;
/* Up to *count indexes >= from of entries with that tag, ascending; *count is
 * set to how many. */
enum tlog_rc tlog_find_tag(struct tlog_log *log, struct tlog_bytes tag, uint64_t from,
                           uint64_t *indexes, size_t *count, struct tlog_err *err) TLOG_MUST_CHECK;
/* Reads every entry and tile and derives the published root anew.
 * TLOG_CORRUPT names the first entry that differs. */
enum tlog_rc tlog_audit(struct tlog_log *log, struct tlog_err *err) TLOG_MUST_CHECK;

/* ---- A tree as files: what any web server can hand out (C2SP tlog-tiles) ---- */

#define TLOG_RESOURCE_MAX (256 * (TLOG_ENTRY_MAX + 2)) /* bytes of a resource */
#define TLOG_RESOURCE_PATH_MAX 64                      /* bytes of its path with a NUL */

/* A tile of width hashes, or a bundle of width entries (then level is 0). */
struct tlog_resource {
    bool entries;
    unsigned level; /* 0 to 63 */
    uint64_t index;
    unsigned width; /* 1 to 256; below 256 it is partial */
};

/* "tile/0/x001/067.p/3", "tile/entries/000". */
void tlog_resource_path(const struct tlog_resource *r, char out[TLOG_RESOURCE_PATH_MAX]);
/* Reads exactly what the former writes.  TLOG_MALFORMED. */
enum tlog_rc tlog_resource_parse(struct tlog_bytes path, struct tlog_resource *out) TLOG_MUST_CHECK;

/* Where resources come from.  read fills caller's memory; TLOG_NOTFOUND when
 * there is no such resource; ctx is kept. */
struct tlog_source {
    enum tlog_rc (*read)(void *ctx, const struct tlog_resource *r, struct tlog_out *out,
                         struct tlog_err *err);
    void *ctx;
};

/* The published tree of an open log, which is kept.  TLOG_CORRUPT is never
 * served. */
struct tlog_source tlog_log_source(struct tlog_log *log);
/* A directory of such files; the string is kept. */
struct tlog_source tlog_dir_source(const char *dir);
/* Reads the hashes of a plan from the tiles of a tree of size leaves.  They are
 * not verified: what is made of them must be. */
enum tlog_rc tlog_source_plan(const struct tlog_source *from, uint64_t size,
                              const struct tlog_plan *plan, struct tlog_hash *read,
                              struct tlog_err *err) TLOG_MUST_CHECK;
/* Reads every entry and every tile of a tree and derives them anew.
 * TLOG_CORRUPT: err names the first entry or tile that is missing or wrong. */
enum tlog_rc tlog_source_check(const struct tlog_source *from, const struct tlog_head *head,
                               struct tlog_err *err) TLOG_MUST_CHECK;
/* Copies the tree into dir (made when it is not there), and checks all of it;
 * what is there already is checked, not read again from its source.  Each file
 * is whole or absent. */
enum tlog_rc tlog_mirror(const struct tlog_source *from, const char *dir,
                         const struct tlog_head *head, struct tlog_err *err) TLOG_MUST_CHECK;
/* Writes DIR/checkpoint; call it last. */
enum tlog_rc tlog_mirror_publish(const char *dir, struct tlog_bytes checkpoint,
                                 struct tlog_err *err) TLOG_MUST_CHECK;

/* ---- Fork files: proof, to anybody, that a log signed two histories ---- */

#define TLOG_FORK_FILE_MAX (3 * TLOG_NOTE_MAX) /* bytes of a fork file */

/* Two signed checkpoints, the smaller one first; borrowed.  Of two sizes, prefix
 * is the root that the larger tree has at the smaller size, and proof leads from
 * there to the larger one (RFC 6962 section 2.1.2). */
struct tlog_fork {
    struct tlog_bytes first, second;
    bool shown; /* prefix and proof are there */
    struct tlog_hash prefix;
    struct tlog_proof proof;
};

/* The root that a tree has at an earlier size, by a consistency proof of its own.
 * TLOG_RANGE: that size is 0, a power of two (such a proof leaves its root out),
 * or not smaller; TLOG_FALSE: the proof does not lead to later; TLOG_MALFORMED. */
enum tlog_rc tlog_consistency_prefix(uint64_t earlier, const struct tlog_head *later,
                                     const struct tlog_proof *proof, struct tlog_hash *prefix)
    TLOG_MUST_CHECK;
/* Fills in prefix and proof from the tiles of the larger tree.  TLOG_OK: the two
 * are shown to be of different trees.  TLOG_FALSE: they are not; else what reading
 * said.  Signatures are not looked at. */
enum tlog_rc tlog_fork_find(const struct tlog_source *from, struct tlog_fork *fork,
                            struct tlog_err *err) TLOG_MUST_CHECK;
/* Writes the file.  TLOG_MALFORMED: not two checkpoints in order; TLOG_RANGE: no
 * room. */
enum tlog_rc tlog_fork_write(const struct tlog_fork *in, struct tlog_out *out) TLOG_MUST_CHECK;
/* Strict; gives borrowed parts.  TLOG_MALFORMED, TLOG_RANGE. */
enum tlog_rc tlog_fork_parse(struct tlog_bytes file, struct tlog_fork *out, struct tlog_err *err)
    TLOG_MUST_CHECK;
/* TLOG_OK: one log signed both, and no log can have both.  TLOG_FALSE: that is
 * not shown; err says why.  trust: for the first and for the second checkpoint.
 * heads are what they say. */
enum tlog_rc tlog_fork_check(const struct tlog_fork *in, const struct tlog_trust trust[2],
                             struct tlog_head heads[2], struct tlog_err *err) TLOG_MUST_CHECK;

/* ---- Searching a database for damage ---- */

enum tlog_fault_kind {
    TLOG_FAULT_DATABASE,   /* SQLite's structure, or the schema */
    TLOG_FAULT_ENTRY,      /* entries [index, to) are not what was appended, or missing */
    TLOG_FAULT_TILE,       /* the tile (level, index) does not belong to the entries */
    TLOG_FAULT_CHECKPOINT, /* stored for size index: damaged, or signed for another tree */
    TLOG_FAULT_KEY,        /* the row of a key that leads to entry index, or its place */
    TLOG_FAULT_TAG,        /* the same of a tag */
    TLOG_FAULT_INDEX,      /* of leaf hashes: that of tile (level, index), or extra rows */
    TLOG_FAULT_ANCHOR      /* the anchor saw another tree, or is damaged */
};

/* One thing that is wrong; text says it in words. */
struct tlog_fault {
    enum tlog_fault_kind kind;
    unsigned level;
    uint64_t index, to;
    const char *text;
};

struct tlog_fsck {
    const char *path;
    const char *anchor_path;     /* NULL: the default one, when it is there */
    uint32_t log_id;             /* 0 means 1 */
    const struct tlog_vkey *key; /* NULL: signatures are not verified */
    /* Called for each fault, in the order of the log; borrows.  May be NULL. */
    void (*found)(void *ctx, const struct tlog_fault *fault);
    /* Called now and then: how many of the entries were read.  May be NULL. */
    void (*walked)(void *ctx, uint64_t entries, uint64_t of);
    void *ctx;
};

/* Reads all of a database without changing it, derives the tree from the entries
 * and compares everything that is stored with it, and it with the anchor.
 * TLOG_CORRUPT: something is wrong; err says the first.  Else the search could
 * not be made: TLOG_NOTFOUND, TLOG_IO, TLOG_VERSION, TLOG_NOMEM.  *derived is
 * the tree by the entries; may be NULL.  Keys, tags and
 * the index of hashes have checksums: damage is found, forgery is not. */
enum tlog_rc tlog_fsck(const struct tlog_fsck *what, struct tlog_head *derived,
                       struct tlog_err *err) TLOG_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
