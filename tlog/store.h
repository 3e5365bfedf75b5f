/* store.h - what the log asks of the thing that keeps it.
 *
 * A struct store is one connection: used by one thread at a time.  Writes
 * happen between begin and commit, are durable when commit returns TLOG_OK, and
 * appear to other connections all at once.  A store knows rows, not trees: it
 * verifies nothing.  Everything read is copied into the caller's memory. */
#ifndef TLOG_STORE_H
#define TLOG_STORE_H

#include "tlog/tile.h"

/* What is recorded about a log itself. */
struct store_info {
    char origin[TLOG_NAME_MAX + 1];
    uint64_t epoch;
    bool lookup; /* an index of leaf hashes is kept */
    size_t empty_ck_n;
    char empty_ck[TLOG_CHECKPOINT_MAX];
};

/* A row of packed entries; the caller owns the buffers. */
struct store_row {
    uint64_t first;
    struct qr_buf data;
    struct qr_buf ck; /* empty: none */
};

/* Where the entry of a key stands. */
struct store_key {
    uint64_t index;
    struct tlog_hash leaf;
};

/* Told what is wrong with a database. */
struct store_finder {
    void (*found)(void *ctx, const char *text);
    void *ctx;
};

/* Where a name (a key or a tag) leads to.  whole: neither its row nor its place
 * among the others is damaged. */
struct store_name {
    struct qr_bytes name;
    struct store_key at; /* leaf: of a key only */
    bool whole;
};

/* Shown every name of a log, in order, and a damaged beginning of them. */
struct store_name_walk {
    void (*each)(void *ctx, const struct store_name *name);
    void *ctx;
};

struct store;

struct store_ops {
    void (*close)(struct store *s);
    /* Another connection to the same log, for another thread. */
    enum tlog_rc (*another)(struct store *s, struct store **out, struct tlog_err *err);

    enum tlog_rc (*begin)(struct store *s, struct tlog_err *err);
    enum tlog_rc (*commit)(struct store *s, struct tlog_err *err);
    void (*rollback)(struct store *s);
    /* Remembers this point of the transaction; unmark forgets it again, after
     * returning to it unless keep is set.  Marks do not nest. */
    enum tlog_rc (*mark)(struct store *s, struct tlog_err *err);
    enum tlog_rc (*unmark)(struct store *s, bool keep, struct tlog_err *err);

    /* TLOG_NOTFOUND: the database does not hold this log.  TLOG_CORRUPT: *out is what
     * can be read. */
    enum tlog_rc (*info)(struct store *s, struct store_info *out, struct tlog_err *err);
    /* Adds the log.  In a transaction. */
    enum tlog_rc (*add_log)(struct store *s, const struct store_info *in, struct tlog_err *err);
    enum tlog_rc (*put_info)(struct store *s, const struct store_info *in, struct tlog_err *err);

    enum tlog_rc (*put_row)(struct store *s, const struct store_row *row, struct tlog_err *err);
    /* The last row whose first is <= index.  TLOG_NOTFOUND. */
    enum tlog_rc (*get_row)(struct store *s, uint64_t index, struct store_row *out,
                            struct tlog_err *err);
    enum tlog_rc (*put_tile)(struct store *s, uint64_t seq, const struct tlog_hash *root,
                             const uint8_t nodes[TILE_STORED], struct tlog_err *err);
    /* nodes may be NULL.  TLOG_NOTFOUND. */
    enum tlog_rc (*get_tile)(struct store *s, uint64_t seq, struct tlog_hash *root,
                             uint8_t nodes[TILE_STORED], struct tlog_err *err);
    /* The 16 hashes of the tile from number 16 * part on; part 16 is those four
     * levels up.  TLOG_NOTFOUND: not there, or not in the snapshot that this
     * connection keeps between calls until it rests. */
    enum tlog_rc (*read_tile)(struct store *s, uint64_t seq, unsigned part,
                              uint8_t out[TWIG_STORED], struct tlog_err *err);
    void (*rest)(struct store *s);
    /* A part of the index of leaf hashes.  TLOG_NOTFOUND; TLOG_CORRUPT: it is not what
     * was put. */
    enum tlog_rc (*put_part)(struct store *s, uint64_t part, struct qr_bytes hashes,
                             struct tlog_err *err);
    enum tlog_rc (*get_part)(struct store *s, uint64_t part, struct qr_buf *out,
                             struct tlog_err *err);
    /* Removes the parts [from, to]. */
    enum tlog_rc (*clear_parts)(struct store *s, uint64_t from, uint64_t to, struct tlog_err *err);
    enum tlog_rc (*count_parts)(struct store *s, uint64_t *out, struct tlog_err *err);
    /* Keys and tags.  Also that there is none is what was written: TLOG_CORRUPT. */
    enum tlog_rc (*put_key)(struct store *s, struct qr_bytes key, const struct store_key *at,
                            struct tlog_err *err);
    enum tlog_rc (*get_key)(struct store *s, struct qr_bytes key, struct store_key *out,
                            struct tlog_err *err);
    enum tlog_rc (*put_tag)(struct store *s, struct qr_bytes tag, uint64_t index,
                            struct tlog_err *err);
    /* Up to *n indexes >= from, ascending. */
    enum tlog_rc (*find_tag)(struct store *s, struct qr_bytes tag, uint64_t from, uint64_t *indexes,
                             size_t *n, struct tlog_err *err);

    /* Frames of the write-ahead log after this connection's last commit; 0 when
     * there is none. */
    unsigned (*frames)(const struct store *s);
    /* Copies committed frames into the database; *moved of them are there now. */
    enum tlog_rc (*tidy)(struct store *s, unsigned *moved, struct tlog_err *err);

    /* Searches for damage that lies below the rows.  A result other than TLOG_OK
     * means that the search ended early. */
    enum tlog_rc (*check)(struct store *s, const struct store_finder *to, struct tlog_err *err);
    enum tlog_rc (*each_key)(struct store *s, const struct store_name_walk *walk,
                             struct tlog_err *err);
    enum tlog_rc (*each_tag)(struct store *s, const struct store_name_walk *walk,
                             struct tlog_err *err);
};

struct store {
    const struct store_ops *ops;
};

enum store_mode {
    STORE_CREATE, /* make the database when it is not there */
    STORE_WRITE,
    STORE_TRY, /* as WRITE, but a migration is taken back */
    STORE_READ
};

enum tlog_rc store_sqlite_open(const char *path, uint32_t log_id, enum store_mode mode,
                               struct store **out, struct tlog_err *err);
/* Migrates, or tries to; the versions before and after. */
enum tlog_rc store_sqlite_migrate(const char *path, bool dry_run, int *from, int *to,
                                  struct tlog_err *err);
/* A log in memory, gone when its last connection is closed. */
enum tlog_rc store_mem_open(struct store **out, struct tlog_err *err);

/* An empty row; fini frees its buffers. */
void store_row_init(struct store_row *row);
void store_row_fini(struct store_row *row);

#endif
