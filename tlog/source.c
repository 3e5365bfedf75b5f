/* source.c - proofs from tiles, checking a whole tree, mirrors of it.
 *
 * A check derives the tree from the entries in order, with no more than the
 * right edge in memory; whenever a tile becomes full it must be the one that
 * the source has, and so must the partial ones at the end. */
#include "tlog/files.h"
#include "tlog/tile.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Width of a tile in a tree of size leaves. */
static unsigned width_of(struct tile_id id, uint64_t size)
{
    uint64_t hashes = id.level < TILE_LEVELS ? size >> (TILE_HEIGHT * id.level) : 0;
    uint64_t from = id.index * TILE_WIDTH;
    if (from >= hashes) return 0;
    return hashes - from < TILE_WIDTH ? (unsigned)(hashes - from) : TILE_WIDTH;
}

static enum tlog_rc read_tile(const struct tlog_source *from, struct tile_id id, unsigned width,
                              struct tlog_hash out[TILE_WIDTH], struct tlog_err *err)
{
    struct tlog_resource r = {false, id.level, id.index, width};
    char path[TLOG_RESOURCE_PATH_MAX];
    struct tlog_out to = {(char *)out[0].b, TILE_WIDTH * sizeof out[0], 0};
    enum tlog_rc rc = from->read(from->ctx, &r, &to, err);
    tlog_resource_path(&r, path);
    if (rc == TLOG_NOTFOUND) return fail_with(err, TLOG_CORRUPT, "%s is missing", path);
    if (rc == TLOG_OK && to.n == width * sizeof out[0]) return TLOG_OK;
    if (rc == TLOG_OK || rc == TLOG_RANGE)
        return fail_with(err, TLOG_CORRUPT, "%s does not have %u hashes", path, width);
    return rc;
}

enum tlog_rc tlog_source_plan(const struct tlog_source *from, uint64_t size,
                              const struct tlog_plan *plan, struct tlog_hash *read,
                              struct tlog_err *err)
{
    struct tlog_hash h[TILE_WIDTH];
    struct tile_id have = {TILE_LEVELS, 0};
    for (size_t i = 0; i < plan->n; i++) {
        struct tile_id id = tile_of(&plan->node[i]);
        unsigned height = plan->node[i].level % TILE_HEIGHT, width = width_of(id, size);
        unsigned first = (unsigned)((plan->node[i].index << height) % TILE_WIDTH);
        if (first + (1u << height) > width)
            return fail_with(err, TLOG_RANGE, "a tree of %" PRIu64 " leaves has no such node",
                             size);
        if (have.level != id.level || have.index != id.index)
            TLOG_TRY(read_tile(from, id, width, h, err));
        have = id;
        /* Folds in place: the tile is read again when it is needed again. */
        struct tlog_hash part[TILE_WIDTH];
        for (unsigned k = 0; k < 1u << height; k++) part[k] = h[first + k];
        for (unsigned n = 1u << height; n > 1; n /= 2)
            for (unsigned k = 0; k < n / 2; k++)
                tlog_node_hash(&part[2 * k], &part[2 * k + 1], &part[k]);
        read[i] = part[0];
    }
    return TLOG_OK;
}

/* ---- checking ---- */

struct check {
    const struct tlog_source *from;
    struct tlog_err *err;
    enum tlog_rc rc; /* of the first tile that is wrong */
    struct edge edge, before;
    struct tlog_hash tile[TILE_WIDTH]; /* as the source has it */
    struct tlog_hash leaf[TILE_WIDTH]; /* of the entries */
    char *room;
};

static enum tlog_rc same_tile(struct check *c, struct tile_id id, const struct tile *t,
                              unsigned width)
{
    char path[TLOG_RESOURCE_PATH_MAX];
    TLOG_TRY(read_tile(c->from, id, width, c->tile, c->err));
    for (unsigned i = 0; i < width; i++) {
        if (tlog_hash_equal(&c->tile[i], tile_node(t, 0, i))) continue;
        tlog_resource_path(&(struct tlog_resource){false, id.level, id.index, width}, path);
        return fail_with(c->err, TLOG_CORRUPT, "hash %u of %s is not that of the entries", i, path);
    }
    return TLOG_OK;
}

static void on_full(void *ctx, struct tile_id id, const struct tile *t)
{
    struct check *c = ctx;
    if (c->rc == TLOG_OK && id.level > 0) c->rc = same_tile(c, id, t, TILE_WIDTH);
}

/* Root of a full tile of level 0. */
static struct tlog_hash root_of(const struct tlog_hash h[TILE_WIDTH])
{
    struct tlog_frontier f = {0};
    struct tlog_head head;
    for (unsigned i = 0; i < TILE_WIDTH; i++)
        if (tlog_frontier_add(&f, &h[i]) != TLOG_OK) assert(!"a tile is no large tree");
    tlog_frontier_head(&f, &head);
    return head.root;
}

/* What the rest of the tree says that bundle n must hash to: the root of its
 * tile, or for the last, partial one that of the tree. */
static bool agrees(struct check *c, uint64_t n, unsigned width, const struct tlog_hash *leaf,
                   const struct tlog_head *head)
{
    struct tlog_hash up[TILE_WIDTH];
    if (width == TILE_WIDTH) {
        struct tile_id id = {1, n / TILE_WIDTH};
        struct tlog_err ignored;
        struct tlog_hash root = root_of(leaf);
        return read_tile(c->from, id, width_of(id, head->size), up, &ignored) == TLOG_OK &&
               tlog_hash_equal(&up[n % TILE_WIDTH], &root);
    }
    struct tlog_head is;
    edge_add(&c->before, leaf, width, NULL);
    edge_head(&c->before, &is);
    edge_follow(&c->before, &c->edge);
    return tlog_hash_equal(&is.root, &head->root);
}

/* Entry and hash differ: which of them does the tree above hold? */
static enum tlog_rc blame(struct check *c, uint64_t n, unsigned width, unsigned i,
                          const struct tlog_head *head)
{
    char path[TLOG_RESOURCE_PATH_MAX];
    uint64_t entry = n * TILE_WIDTH + i;
    tlog_resource_path(&(struct tlog_resource){false, 0, n, width}, path);
    if (agrees(c, n, width, c->tile, head))
        return fail_with(c->err, TLOG_CORRUPT, "entry %" PRIu64 " is not the one of the tree",
                         entry);
    if (agrees(c, n, width, c->leaf, head))
        return fail_with(c->err, TLOG_CORRUPT, "hash %u of %s is not that of entry %" PRIu64, i,
                         path, entry);
    return fail_with(c->err, TLOG_CORRUPT, "entry %" PRIu64 " and %s differ", entry, path);
}

/* Leaf hashes of bundle n. */
static enum tlog_rc read_bundle(struct check *c, uint64_t n, unsigned width)
{
    struct tlog_resource r = {true, 0, n, width};
    struct tlog_out out = {c->room, TLOG_RESOURCE_MAX, 0};
    char path[TLOG_RESOURCE_PATH_MAX];
    tlog_resource_path(&r, path);
    enum tlog_rc rc = c->from->read(c->from->ctx, &r, &out, c->err);
    if (rc == TLOG_NOTFOUND) return fail_with(c->err, TLOG_CORRUPT, "%s is missing", path);
    if (rc != TLOG_OK && rc != TLOG_RANGE) return rc;
    struct tlog_bytes entry[TILE_WIDTH];
    struct qr_reader in = qr_reader_of(QR_BYTES(c->room, out.n));
    for (unsigned i = 0; i < width; i++) entry[i] = as_tlog(qr_read_bytes(&in, qr_read_be16(&in)));
    tlog_leaf_hashes(entry, width, c->leaf);
    if (rc == TLOG_OK && qr_reader_done(&in) == QR_OK) return TLOG_OK;
    return fail_with(c->err, TLOG_CORRUPT, "%s is not a bundle of %u entries", path, width);
}

static enum tlog_rc check_bundle(struct check *c, uint64_t n, unsigned width,
                                 const struct tlog_head *head)
{
    const struct tile_sink sink = {on_full, c};
    TLOG_TRY(read_bundle(c, n, width));
    TLOG_TRY(read_tile(c->from, (struct tile_id){0, n}, width, c->tile, c->err));
    for (unsigned i = 0; i < width; i++)
        if (!tlog_hash_equal(&c->leaf[i], &c->tile[i])) return blame(c, n, width, i, head);
    edge_add(&c->edge, c->leaf, width, &sink);
    edge_follow(&c->before, &c->edge);
    return c->rc;
}

static enum tlog_rc check_all(struct check *c, const struct tlog_head *head)
{
    struct tlog_head derived;
    for (uint64_t n = 0; n * TILE_WIDTH < head->size; n++)
        TLOG_TRY(check_bundle(c, n, width_of((struct tile_id){0, n}, head->size), head));
    for (unsigned l = 1; l < TILE_LEVELS; l++) {
        unsigned width = edge_width(&c->edge, l);
        struct tile_id id = {l, head->size >> (TILE_HEIGHT * l) >> TILE_HEIGHT};
        if (width > 0) TLOG_TRY(same_tile(c, id, &c->edge.level[l], width));
    }
    edge_head(&c->edge, &derived);
    if (tlog_hash_equal(&derived.root, &head->root)) return TLOG_OK;
    return fail_with(c->err, TLOG_CORRUPT,
                     "entries and tiles agree, but have another root than "
                     "the checkpoint");
}

enum tlog_rc tlog_source_check(const struct tlog_source *from, const struct tlog_head *head,
                               struct tlog_err *err)
{
    struct tlog_err own;
    struct check *c = calloc(1, sizeof *c);
    char *room = malloc(TLOG_RESOURCE_MAX);
    enum tlog_rc rc = TLOG_NOMEM;
    if (c && room) {
        c->from = from;
        c->err = err ? err : &own;
        c->room = room;
        rc = check_all(c, head);
    }
    free(room);
    free(c);
    return rc;
}

/* ---- directories ---- */

static enum tlog_rc path_in(const char *dir, const char *name, char out[PATH_MAX],
                            struct tlog_err *err)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    if (n > 0 && n < PATH_MAX) return TLOG_OK;
    return fail_with(err, TLOG_RANGE, "path too long");
}

static enum tlog_rc dir_read(void *ctx, const struct tlog_resource *r, struct tlog_out *out,
                             struct tlog_err *err)
{
    char name[TLOG_RESOURCE_PATH_MAX], path[PATH_MAX];
    tlog_resource_path(r, name);
    TLOG_TRY(path_in(ctx, name, path, err));
    return file_read(path, out, err);
}

struct tlog_source tlog_dir_source(const char *dir)
{
    return (struct tlog_source){dir_read, (void *)(uintptr_t)dir};
}

struct copy {
    const struct tlog_source *from;
    const char *dir;
};

static enum tlog_rc copy_read(void *ctx, const struct tlog_resource *r, struct tlog_out *out,
                              struct tlog_err *err)
{
    const struct copy *c = ctx;
    char name[TLOG_RESOURCE_PATH_MAX], path[PATH_MAX];
    tlog_resource_path(r, name);
    TLOG_TRY(path_in(c->dir, name, path, err));
    enum tlog_rc rc = file_read(path, out, err);
    if (rc != TLOG_NOTFOUND) return rc;
    TLOG_TRY(c->from->read(c->from->ctx, r, out, err));
    return file_write(path, (struct tlog_bytes){(const uint8_t *)out->p, out->n}, err);
}

enum tlog_rc tlog_mirror(const struct tlog_source *from, const char *dir,
                         const struct tlog_head *head, struct tlog_err *err)
{
    struct copy c = {from, dir};
    struct tlog_source through = {copy_read, &c};
    return tlog_source_check(&through, head, err);
}

enum tlog_rc tlog_mirror_publish(const char *dir, struct tlog_bytes checkpoint,
                                 struct tlog_err *err)
{
    char path[PATH_MAX];
    TLOG_TRY(path_in(dir, "checkpoint", path, err));
    return file_write(path, checkpoint, err);
}
