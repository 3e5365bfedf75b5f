/* fsck.c - everything that is wrong with a log's database.
 *
 * The entries are hashed in groups of 256, the width of a tile.  A full group is
 * stored twice: as entries and as the hashes of its tile, which themselves are
 * under two levels of stored nodes.  When both differ, the tile is believed if
 * it agrees with itself, else the entries: so the part that is damaged is named,
 * and the search goes on with the other.  The tree that is derived in this way
 * is compared with all upper tiles, with the checkpoint of every commit, with
 * the index of hashes, with every key and with the anchor; tags and keys have
 * checksums of their own. */
#include "tlog/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct ck_text {
    uint64_t size; /* of the tree when it was stored */
    struct tlog_signed text;
};

struct fsck {
    const struct tlog_fsck *what;
    struct store *s;
    struct store_info info;
    struct tlog_err *err;
    uint64_t faults, size;
    struct tlog_signed anchor;
    bool anchored, anchor_seen;
    struct edge tree;
    enum tlog_rc broken; /* not TLOG_OK: the search cannot go on */
    /* The group under way. */
    uint64_t first;
    unsigned n;
    bool have[TILE_WIDTH];
    struct tlog_hash leaf[TILE_WIDTH];
    size_t cks;
    struct ck_text ck[TILE_WIDTH];
    struct store_row row;
    struct tile scratch;
    /* Leaves of the tile of level 1 under way; NULL: no index of hashes is kept. */
    struct tlog_hash *run;
};

static void fault(struct fsck *f, const struct tlog_fault *at)
{
    if (f->faults++ == 0) (void)fail_with(f->err, TLOG_CORRUPT, "%s", at->text);
    if (f->what->found) f->what->found(f->what->ctx, at);
}

static void bad_entries(struct fsck *f, uint64_t from, uint64_t to, const char *why)
{
    char text[160];
    if (to == from + 1)
        (void)snprintf(text, sizeof text, "entry %" PRIu64 " %s", from, why);
    else
        (void)snprintf(text, sizeof text, "entries %" PRIu64 " to %" PRIu64 " %s", from, to - 1,
                       why);
    fault(f, &(struct tlog_fault){TLOG_FAULT_ENTRY, 0, from, to, text});
}

static void bad_tile(struct fsck *f, struct tile_id id, const char *why)
{
    char text[160];
    (void)snprintf(text, sizeof text, "tile %u/%" PRIu64 " %s", id.level, id.index, why);
    fault(f, &(struct tlog_fault){TLOG_FAULT_TILE, id.level, id.index, id.index + 1, text});
}

static void bad_at(struct fsck *f, enum tlog_fault_kind kind, uint64_t index, const char *why)
{
    char text[160];
    (void)snprintf(text, sizeof text, "%s %" PRIu64 " %s",
                   kind == TLOG_FAULT_CHECKPOINT ? "the checkpoint for size"
                   : kind == TLOG_FAULT_KEY      ? "a key of entry"
                   : kind == TLOG_FAULT_TAG      ? "a tag of entry"
                                                 : "the anchor's tree of size",
                   index, why);
    fault(f, &(struct tlog_fault){kind, 0, index, index + 1, text});
}

static void bad_index(struct fsck *f, uint64_t part)
{
    char text[160];
    uint64_t tile = part / LOOKUP_PARTS;
    (void)snprintf(text, sizeof text,
                   "part %" PRIu64 " of the index of hashes is not what tile 1/%" PRIu64 " makes",
                   part, tile);
    fault(f, &(struct tlog_fault){TLOG_FAULT_INDEX, 1, tile, tile + 1, text});
}

static void bad_database(void *ctx, const char *why)
{
    char text[180];
    (void)snprintf(text, sizeof text, "the database: %s", why);
    fault(ctx, &(struct tlog_fault){TLOG_FAULT_DATABASE, 0, 0, 0, text});
}

/* Damage is a finding; what ends the search is not. */
static bool stops(struct fsck *f, enum tlog_rc rc)
{
    if (rc == TLOG_NOMEM || rc == TLOG_BUSY) f->broken = rc;
    return f->broken != TLOG_OK;
}

/* ---- one group of entries ---- */

static void keep_checkpoint(struct fsck *f, uint64_t size)
{
    struct ck_text *c = &f->ck[f->cks];
    if (f->row.ck.n == 0) return;
    if (f->row.ck.n >= sizeof c->text.text || f->cks == TILE_WIDTH) {
        bad_at(f, TLOG_FAULT_CHECKPOINT, size, "is too long");
        return;
    }
    c->size = size;
    c->text.n = f->row.ck.n;
    qr_copy(c->text.text, f->row.ck.p, f->row.ck.n);
    f->cks++;
}

/* Entries of the row, from its first on; the index after them. */
static uint64_t take_row(struct fsck *f)
{
    struct row_walk w = row_walk_of(&f->row);
    struct tlog_bytes entry[TILE_WIDTH];
    unsigned from = (unsigned)(w.index - f->first), n = 0;
    while (w.index < f->first + f->n && row_next(&w, &entry[n])) f->have[from + n++] = true;
    tlog_leaf_hashes(entry, n, &f->leaf[from]);
    if (w.rest.n > 0 && !w.bad)
        bad_entries(f, f->row.first, w.index, "share a row with later ones");
    else if (!w.bad)
        keep_checkpoint(f, w.index);
    return w.index;
}

static void read_group(struct fsck *f, uint64_t first, unsigned n)
{
    uint64_t at = first, missing = UINT64_MAX;
    f->first = first;
    f->n = n;
    f->cks = 0;
    for (unsigned i = 0; i < n; i++) f->have[i] = false;
    while (at < first + n) {
        enum tlog_rc rc = f->s->ops->get_row(f->s, at, &f->row, NULL);
        if (stops(f, rc)) return;
        uint64_t next = rc == TLOG_OK && f->row.first == at ? take_row(f) : at;
        if (next > at && missing != UINT64_MAX) {
            bad_entries(f, missing, at, "cannot be read");
            missing = UINT64_MAX;
        } else if (next == at) {
            if (missing == UINT64_MAX) missing = at;
            next++;
        }
        at = next;
    }
    if (missing != UINT64_MAX) bad_entries(f, missing, at, "cannot be read");
}

/* The tile of the group as it is stored; NULL when there is nothing to believe. */
static const struct tile *group_tile(struct fsck *f, struct tile *t)
{
    struct tile_id id = {0, f->first / TILE_WIDTH};
    struct tlog_hash root;
    uint8_t nodes[TILE_STORED];
    enum tlog_rc rc = f->s->ops->get_tile(f->s, tile_seq(id), &root, nodes, NULL);
    if (stops(f, rc)) return NULL;
    if (rc != TLOG_OK) {
        bad_tile(f, id, "cannot be read");
        return NULL;
    }
    if (!tile_read(nodes, t) || !tlog_hash_equal(tile_root(t), &root)) {
        bad_tile(f, id, "does not agree with itself");
        return NULL;
    }
    return t;
}

/* Names the entries that differ from a tile, and takes its hashes instead. */
static void compare_group(struct fsck *f, const struct tile *t)
{
    unsigned from = TILE_WIDTH;
    for (unsigned i = 0; i <= f->n; i++) {
        bool differs =
            i < f->n && f->have[i] && t && !tlog_hash_equal(&f->leaf[i], tile_node(t, 0, i));
        if (differs && from == TILE_WIDTH) from = i;
        if (!differs && from < TILE_WIDTH) {
            bad_entries(f, f->first + from, f->first + i, "not what the tile above has");
            from = TILE_WIDTH;
        }
        if (i < f->n && t) f->leaf[i] = *tile_node(t, 0, i);
    }
}

/* ---- the tree ---- */

static void check_index(struct fsck *f, uint64_t tile)
{
    uint64_t bad[LOOKUP_PARTS];
    size_t n = 0;
    (void)stops(f, lookup_compare(f->s, tile, f->run, bad, &n));
    for (size_t i = 0; i < n && f->broken == TLOG_OK; i++) bad_index(f, bad[i]);
}

/* A tile of the derived tree is full: the stored one must be it. */
static void on_full(void *ctx, struct tile_id id, const struct tile *t)
{
    struct fsck *f = ctx;
    struct tlog_hash root;
    uint8_t stored[TILE_STORED], nodes[TILE_STORED];
    /* The lowest were compared with their entries already. */
    if (id.level == 0 || f->broken != TLOG_OK) return;
    if (id.level == 1 && f->run) check_index(f, id.index);
    enum tlog_rc rc = f->s->ops->get_tile(f->s, tile_seq(id), &root, stored, NULL);
    if (stops(f, rc)) return;
    if (rc != TLOG_OK) {
        bad_tile(f, id, "cannot be read");
        return;
    }
    tile_write(t, nodes);
    if (!tlog_hash_equal(&root, tile_root(t)) ||
        !qr_bytes_equal(QR_BYTES_OF(stored), QR_BYTES_OF(nodes)))
        bad_tile(f, id, "is not the one of the tree");
}

static bool same_head(const struct tlog_head *a, const struct tlog_head *b)
{
    return a->size == b->size && tlog_hash_equal(&a->root, &b->root);
}

static void check_checkpoint(struct fsck *f, const struct tlog_signed *ck, uint64_t size)
{
    struct tlog_note note;
    struct tlog_checkpoint cp;
    struct tlog_head head;
    struct tlog_bytes text = {(const uint8_t *)ck->text, ck->n};
    edge_head(&f->tree, &head);
    if (tlog_note_parse(text, &note) != TLOG_OK || tlog_checkpoint_parse(note.text, &cp) != TLOG_OK)
        bad_at(f, TLOG_FAULT_CHECKPOINT, size, "is not one");
    else if (!qr_bytes_is(as_qr(cp.origin), f->info.origin))
        bad_at(f, TLOG_FAULT_CHECKPOINT, size, "is of another log");
    else if (!same_head(&cp.head, &head))
        bad_at(f, TLOG_FAULT_CHECKPOINT, size, "is for another tree than the entries make");
    else if (f->what->key && tlog_note_verify(&note, f->what->key, 1, NULL) != TLOG_OK)
        bad_at(f, TLOG_FAULT_CHECKPOINT, size, "is not signed by the log's key");
}

static void check_anchor(struct fsck *f)
{
    struct tlog_head head;
    if (!f->anchored || f->anchor_seen || f->tree.size != f->anchor.head.size) return;
    f->anchor_seen = true;
    edge_head(&f->tree, &head);
    if (!same_head(&head, &f->anchor.head))
        bad_at(f, TLOG_FAULT_ANCHOR, head.size, "is not the one that the entries make");
}

static void add_group(struct fsck *f)
{
    struct tile_sink sink = {on_full, f};
    size_t k = 0;
    for (unsigned i = 0; i < f->n && f->broken == TLOG_OK; i++) {
        if (f->run) f->run[f->tree.size % LOOKUP_RUN] = f->leaf[i];
        edge_add(&f->tree, &f->leaf[i], 1, &sink);
        check_anchor(f);
        if (k < f->cks && f->ck[k].size == f->tree.size) {
            check_checkpoint(f, &f->ck[k].text, f->ck[k].size);
            k++;
        }
    }
}

/* The last commit's checkpoint says what the log is. */
static void need_last(struct fsck *f)
{
    if (f->size > 0 && (f->cks == 0 || f->ck[f->cks - 1].size != f->size))
        bad_at(f, TLOG_FAULT_CHECKPOINT, f->size, "is missing");
}

static void walk_entries(struct fsck *f)
{
    struct tile t;
    check_anchor(f);
    for (uint64_t at = 0; at < f->size && f->broken == TLOG_OK; at += TILE_WIDTH) {
        uint64_t left = f->size - at;
        bool full = left >= TILE_WIDTH;
        read_group(f, at, full ? TILE_WIDTH : (unsigned)left);
        if (full && f->broken == TLOG_OK) compare_group(f, group_tile(f, &t));
        if (f->broken == TLOG_OK) add_group(f);
        if (f->what->walked) f->what->walked(f->what->ctx, f->tree.size, f->size);
    }
    if (f->broken == TLOG_OK) need_last(f);
}

/* ---- keys, tags, hashes ---- */

static bool name_whole(struct fsck *f, enum tlog_fault_kind kind, const struct store_name *name)
{
    bool whole = name->whole && name->at.index < f->size && name->name.n > 0;
    if (!whole) bad_at(f, kind, name->at.index, "has a damaged row, or one beside it is gone");
    return whole;
}

static void on_tag(void *ctx, const struct store_name *name)
{
    (void)name_whole(ctx, TLOG_FAULT_TAG, name);
}

static void on_key(void *ctx, const struct store_name *name)
{
    struct fsck *f = ctx;
    struct tlog_hash root;
    uint8_t nodes[TILE_STORED];
    const struct store_key *at = &name->at;
    uint64_t index = at->index;
    if (f->broken != TLOG_OK || !name_whole(f, TLOG_FAULT_KEY, name)) return;
    const struct tlog_hash *h = edge_node(&f->tree, &(struct tlog_node){index, 0});
    if (!h) {
        struct tile_id id = {0, index / TILE_WIDTH};
        enum tlog_rc rc = f->s->ops->get_tile(f->s, tile_seq(id), &root, nodes, NULL);
        if (stops(f, rc) || rc != TLOG_OK) return; /* the tile was named already */
        qr_copy(root.b, nodes + index % TILE_WIDTH * TLOG_HASH_SIZE, TLOG_HASH_SIZE);
        h = &root;
        if (!tlog_hash_equal(h, &at->leaf) && !tile_read(nodes, &f->scratch)) return;
    }
    if (!tlog_hash_equal(h, &at->leaf)) bad_at(f, TLOG_FAULT_KEY, index, "names another one");
}

static void check_names(struct fsck *f)
{
    struct tlog_err err = {{0}};
    struct store_name_walk keys = {on_key, f}, tags = {on_tag, f};
    enum tlog_rc rc = f->s->ops->each_key(f->s, &keys, &err);
    if (rc == TLOG_OK) rc = f->s->ops->each_tag(f->s, &tags, &err);
    if (!stops(f, rc) && rc != TLOG_OK) bad_database(f, err.text);
}

/* Of the parts that must be there each was compared. */
static void count_index(struct fsck *f)
{
    struct tlog_err err = {{0}};
    uint64_t is = 0, must = f->info.lookup ? f->size / LOOKUP_RUN * LOOKUP_PARTS : 0;
    enum tlog_rc rc = f->s->ops->count_parts(f->s, &is, &err);
    if (stops(f, rc)) return;
    if (rc != TLOG_OK) bad_database(f, err.text);
    if (rc == TLOG_OK && is != must)
        fault(f, &(struct tlog_fault){TLOG_FAULT_INDEX, 1, 0, 0,
                                      "the index of hashes has other rows than it should have"});
}

/* ---- the whole ---- */

/* Index after the last row before `before`; its first is *first.  0: no row. */
static uint64_t row_end(struct fsck *f, uint64_t before, uint64_t *first)
{
    struct tlog_bytes entry;
    enum tlog_rc rc = f->s->ops->get_row(f->s, before, &f->row, NULL);
    if (stops(f, rc) || rc == TLOG_NOTFOUND) return 0;
    if (rc != TLOG_OK) {
        bad_database(f, "the last row of entries cannot be read");
        return 0;
    }
    struct row_walk w = row_walk_of(&f->row);
    while (row_next(&w, &entry)) continue;
    *first = f->row.first;
    return w.index;
}

/* By the last row; by the anchor when that saw more.  A row that stands far
 * behind the one before it has a damaged number. */
static void find_size(struct fsck *f)
{
    uint64_t first = 0, other = 0;
    f->size = row_end(f, UINT64_MAX, &first);
    uint64_t before = first > 0 ? row_end(f, first - 1, &other) : 0;
    if (first > before && first - before > TLOG_BATCH_MAX) {
        bad_entries(f, first, f->size, "stand behind a gap");
        f->size = before;
    }
    if (f->anchored && f->anchor.head.size > f->size) {
        bad_at(f, TLOG_FAULT_ANCHOR, f->anchor.head.size,
               "is larger than the database: an old copy, or its -wal file is missing");
        f->size = f->anchor.head.size;
        f->anchor_seen = true;
    }
}

static enum tlog_rc read_anchor(struct fsck *f)
{
    char path[PATH_MAX];
    struct tlog_err err = {{0}};
    TLOG_TRY(log_anchor_path(f->what->path, f->what->anchor_path, f->what->log_id, path, f->err));
    enum tlog_rc rc = anchor_read(path, &f->anchor, &err);
    f->anchored = rc == TLOG_OK;
    if (rc == TLOG_OK || (rc == TLOG_NOTFOUND && !f->what->anchor_path)) return TLOG_OK;
    if (rc != TLOG_CORRUPT) return fail_with(f->err, rc, "%s", err.text);
    fault(f, &(struct tlog_fault){.kind = TLOG_FAULT_ANCHOR, .text = err.text});
    return TLOG_OK;
}

static void check_empty(struct fsck *f)
{
    struct tlog_signed ck = {.n = f->info.empty_ck_n};
    qr_copy(ck.text, f->info.empty_ck, f->info.empty_ck_n);
    check_checkpoint(f, &ck, 0);
}

static enum tlog_rc search(struct fsck *f)
{
    struct tlog_err err = {{0}};
    uint32_t id = f->what->log_id ? f->what->log_id : 1;
    /* The anchor first: it is never ahead of a database that is read later. */
    TLOG_TRY(read_anchor(f));
    enum tlog_rc rc = store_sqlite_open(f->what->path, id, STORE_READ, &f->s, &err);
    if (rc == TLOG_OK) rc = f->s->ops->info(f->s, &f->info, &err);
    if (rc == TLOG_CORRUPT) bad_database(f, err.text);
    /* With a name the rest can be searched. */
    if (rc == TLOG_CORRUPT && !f->info.origin[0]) return TLOG_OK;
    if (rc != TLOG_OK && rc != TLOG_CORRUPT) return fail_with(f->err, rc, "%s", err.text);
    if (f->info.lookup && !(f->run = calloc(LOOKUP_RUN, sizeof *f->run)))
        return fail_with(f->err, TLOG_NOMEM, "out of memory");
    struct store_finder to = {bad_database, f};
    rc = f->s->ops->check(f->s, &to, &err);
    if (stops(f, rc)) return fail_with(f->err, rc, "%s", err.text);
    if (rc != TLOG_OK) bad_database(f, err.text);
    find_size(f);
    check_empty(f);
    walk_entries(f);
    if (f->broken == TLOG_OK) check_names(f);
    if (f->broken == TLOG_OK) count_index(f);
    return f->broken == TLOG_OK ? TLOG_OK : fail_with(f->err, f->broken, "%s", "stopped early");
}

enum tlog_rc tlog_fsck(const struct tlog_fsck *what, struct tlog_head *derived,
                       struct tlog_err *err)
{
    struct fsck *f = calloc(1, sizeof *f);
    if (!f) return fail_with(err, TLOG_NOMEM, "out of memory");
    f->what = what;
    f->err = err;
    store_row_init(&f->row);
    enum tlog_rc rc = search(f);
    if (rc == TLOG_OK && derived) edge_head(&f->tree, derived);
    if (rc == TLOG_OK && f->faults > 0) rc = TLOG_CORRUPT;
    if (f->s) f->s->ops->close(f->s);
    store_row_fini(&f->row);
    free(f->run);
    free(f);
    return rc;
}
