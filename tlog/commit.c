/* commit.c - one transaction of the log: from queued appends to a published
 * checkpoint.
 *
 * Order: stage (keys, admission), hash, sign, write, read back and hash again,
 * COMMIT, anchor, publish.  Before COMMIT everything can be taken back.  The
 * checkpoint is signed inside the transaction, because it is stored with the
 * entries, but it leaves only after the anchor holds it: a crash between COMMIT
 * and anchor leaves a database that is ahead of its anchor by entries nobody was
 * told of, which is consistent with it. */
#include "tlog/log.h"

#include "tlog/files.h"

#include <assert.h>
#include <stdlib.h>

#define ROW_MAX 4040 /* a larger row would spill over its page */

struct sealed {
    struct tile_id id;
    struct tlog_hash root;
    uint8_t nodes[TILE_STORED];
};

struct commit {
    struct tlog_log *log;
    struct store *s;
    uint64_t base; /* size before */
    struct {
        const struct tlog_entry *entry;
        const struct tlog_hash *leaf;
    } * entry; /* accepted, from index base on */
    size_t n, room;
    struct sealed *sealed;
    size_t sealed_n, sealed_room;
    struct tlog_signed head;
};

/* ---- stage ---- */

static void settle(const struct commit *c, uint64_t from, uint64_t to, bool kept)
{
    const struct tlog_config *cfg = &c->log->cfg;
    if (cfg->settle && to > from) cfg->settle(cfg->ctx, from, to, kept);
}

static enum tlog_rc admit(const struct commit *c, const struct tlog_entry *e, struct tlog_err *err)
{
    const struct tlog_config *cfg = &c->log->cfg;
    if (!cfg->admit) return TLOG_OK;
    struct tlog_candidate cand = {.entry = e->data,
                                  .key = e->key,
                                  .index = c->base + c->n,
                                  .now_us = cfg->now_us ? cfg->now_us(cfg->ctx) : 0};
    return cfg->admit(cfg->ctx, &cand, err);
}

static enum tlog_rc put_lookups(struct commit *c, const struct tlog_entry *e,
                                const struct tlog_hash *leaf, struct tlog_err *err)
{
    struct store_key at = {c->base + c->n, *leaf};
    if (e->key.n > 0) TLOG_TRY(c->s->ops->put_key(c->s, as_qr(e->key), &at, err));
    for (size_t i = 0; i < e->tag_count; i++)
        TLOG_TRY(c->s->ops->put_tag(c->s, as_qr(e->tags[i]), at.index, err));
    return TLOG_OK;
}

/* Entry i of a job.  A refusal goes to job->rc; the result is the store's. */
static enum tlog_rc stage_entry(struct commit *c, struct job *job, size_t i, struct tlog_err *err)
{
    const struct tlog_entry *e = &job->entries[i];
    struct store_key at = {0};
    enum tlog_rc rc = TLOG_NOTFOUND;
    if (e->key.n > 0) rc = c->s->ops->get_key(c->s, as_qr(e->key), &at, err);
    if (rc == TLOG_OK) {
        job->index[i] = at.index;
        job->duplicate[i] = true;
        if (!tlog_hash_equal(&at.leaf, &job->leaf[i]))
            job->rc = fail_with(&job->err, TLOG_CONFLICT, "entry %llu has this key and other bytes",
                                (unsigned long long)at.index);
        return TLOG_OK;
    }
    /* Whether it is there cannot be told: this one is refused, nothing is in doubt. */
    if (rc == TLOG_CORRUPT) {
        job->rc = fail_with(&job->err, rc, "%s", err->text);
        return TLOG_OK;
    }
    if (rc != TLOG_NOTFOUND) return rc;
    job->rc = admit(c, e, &job->err);
    if (job->rc != TLOG_OK) return TLOG_OK;
    job->index[i] = c->base + c->n;
    job->duplicate[i] = false;
    TLOG_TRY(put_lookups(c, e, &job->leaf[i], err));
    assert(c->n < c->room);
    c->entry[c->n].entry = e;
    c->entry[c->n].leaf = &job->leaf[i];
    c->n++;
    return TLOG_OK;
}

static enum tlog_rc stage_job(struct commit *c, struct job *job, struct tlog_err *err)
{
    /* A single entry is refused before anything of it is written. */
    bool marked = job->count > 1;
    size_t before = c->n;
    job->rc = TLOG_OK;
    if (marked) TLOG_TRY(c->s->ops->mark(c->s, err));
    for (size_t i = 0; i < job->count && job->rc == TLOG_OK; i++)
        TLOG_TRY(stage_entry(c, job, i, err));
    if (marked) TLOG_TRY(c->s->ops->unmark(c->s, job->rc == TLOG_OK, err));
    if (job->rc != TLOG_OK) {
        settle(c, c->base + before, c->base + c->n, false);
        c->n = before;
    }
    return TLOG_OK;
}

/* The transaction holds the write lock now: nobody may have written between. */
static enum tlog_rc compare_state(struct commit *c, struct tlog_err *err)
{
    struct store_info info;
    struct store_row row;
    struct tlog_bytes entry;
    TLOG_TRY(c->s->ops->info(c->s, &info, err));
    store_row_init(&row);
    enum tlog_rc rc = c->s->ops->get_row(c->s, UINT64_MAX, &row, err);
    uint64_t size = 0;
    if (rc == TLOG_OK) {
        struct row_walk w = row_walk_of(&row);
        while (row_next(&w, &entry)) continue;
        size = w.index;
    }
    store_row_fini(&row);
    if (rc != TLOG_OK && rc != TLOG_NOTFOUND) return rc;
    if (info.epoch == c->log->epoch && size == c->base) return anchor_check(&c->log->anchor, err);
    return fail_with(err, TLOG_ROLLBACK, "another process has written this log");
}

/* ---- hash and sign ---- */

static void on_full(void *ctx, struct tile_id id, const struct tile *t)
{
    struct commit *c = ctx;
    assert(c->sealed_n < c->sealed_room);
    struct sealed *s = &c->sealed[c->sealed_n++];
    s->id = id;
    s->root = *tile_root(t);
    tile_write(t, s->nodes);
}

static enum tlog_rc grow_tree(struct commit *c, struct tlog_err *err)
{
    struct tile_sink sink = {on_full, c};
    struct tlog_head head;
    c->sealed_room = c->n / TILE_WIDTH + TILE_LEVELS + c->n / TILE_WIDTH / TILE_WIDTH + 1;
    c->sealed = malloc(c->sealed_room * sizeof *c->sealed);
    if (!c->sealed) return fail_with(err, TLOG_NOMEM, "out of memory");
    struct tlog_hash leaf[TILE_WIDTH];
    for (size_t at = 0; at < c->n;) {
        size_t n = 0;
        while (n < TILE_WIDTH && at + n < c->n) {
            leaf[n] = *c->entry[at + n].leaf;
            n++;
        }
        edge_add(&c->log->next, leaf, n, &sink);
        at += n;
    }
    edge_head(&c->log->next, &head);
    assert(head.size == c->base + c->n && head.size > c->log->anchor.last.head.size);
    return log_sign(&c->log->cfg.signer, &head, &c->head, err);
}

/* ---- write ---- */

static enum tlog_rc put_part(struct commit *c, struct store_row *row, size_t n, bool last,
                             struct tlog_err *err)
{
    size_t all = row->data.n;
    row->data.n = n;
    if (last) qr_buf_put(&row->ck, c->head.text, c->head.n);
    enum tlog_rc rc = c->s->ops->put_row(c->s, row, err);
    row->data.n = all;
    return rc;
}

/* The commit's last row carries the checkpoint; its last entry gets a row of its
 * own when both would not fit. */
static enum tlog_rc put_last(struct commit *c, struct store_row *row, size_t last_at,
                             struct tlog_err *err)
{
    if (row->data.n + c->head.n > ROW_MAX && last_at > 0) {
        TLOG_TRY(put_part(c, row, last_at, false, err));
        struct store_row tail;
        store_row_init(&tail);
        tail.first = c->base + c->n - 1;
        qr_buf_put(&tail.data, row->data.p + last_at, row->data.n - last_at);
        enum tlog_rc rc = put_part(c, &tail, tail.data.n, true, err);
        store_row_fini(&tail);
        return rc;
    }
    return put_part(c, row, row->data.n, true, err);
}

static enum tlog_rc put_rows(struct commit *c, struct store_row *row, struct tlog_err *err)
{
    size_t last_at = 0;
    row->first = c->base;
    for (size_t i = 0; i < c->n; i++) {
        struct tlog_bytes e = c->entry[i].entry->data;
        uint64_t index = c->base + i;
        if (row->data.n > 0 && (index % TILE_WIDTH == 0 || row->data.n + 2 + e.n > ROW_MAX)) {
            TLOG_TRY(put_part(c, row, row->data.n, false, err));
            qr_buf_reset(&row->data);
            row->first = index;
        }
        last_at = row->data.n;
        qr_buf_put_be16(&row->data, (uint16_t)e.n);
        qr_buf_put(&row->data, e.p, e.n);
    }
    if (qr_buf_ok(&row->data) != QR_OK) return fail_with(err, TLOG_NOMEM, "out of memory");
    return put_last(c, row, last_at, err);
}

static enum tlog_rc put_tiles(struct commit *c, struct tlog_err *err)
{
    for (size_t i = 0; i < c->sealed_n; i++) {
        const struct sealed *t = &c->sealed[i];
        TLOG_TRY(c->s->ops->put_tile(c->s, tile_seq(t->id), &t->root, t->nodes, err));
        if (c->log->lookup && t->id.level == 1) TLOG_TRY(lookup_write(c->s, t->id.index, err));
    }
    return TLOG_OK;
}

/* ---- read back ---- */

/* A bit that flips after hashing would be signed over for ever: what is about to
 * be committed is read from the transaction and hashed again.  Gives how many
 * entries of the row at index base + at are right. */
static enum tlog_rc check_row(const struct commit *c, const struct store_row *row, size_t at,
                              size_t *right, struct tlog_err *err)
{
    struct tlog_bytes entry[TILE_WIDTH];
    struct tlog_hash leaf[TILE_WIDTH];
    struct row_walk w = row_walk_of(row);
    size_t n = 0;
    while (row->first == c->base + at && n < TILE_WIDTH && at + n < c->n && row_next(&w, &entry[n]))
        n++;
    if (n == 0) return fail_with(err, TLOG_CORRUPT, "a row changed before its commit");
    tlog_leaf_hashes(entry, n, leaf);
    for (size_t i = 0; i < n; i++)
        if (!tlog_hash_equal(&leaf[i], c->entry[at + i].leaf))
            return fail_with(err, TLOG_CORRUPT, "entry %llu changed before its commit",
                             (unsigned long long)(c->base + at + i));
    *right = n;
    return TLOG_OK;
}

static enum tlog_rc check_rows(struct commit *c, struct store_row *row, struct tlog_err *err)
{
    for (size_t at = 0, n = 0; at < c->n; at += n) {
        TLOG_TRY(c->s->ops->get_row(c->s, c->base + at, row, err));
        TLOG_TRY(check_row(c, row, at, &n, err));
    }
    if (qr_bytes_equal(qr_buf_bytes(&row->ck), QR_BYTES(c->head.text, c->head.n))) return TLOG_OK;
    return fail_with(err, TLOG_CORRUPT, "the checkpoint changed before its commit");
}

static enum tlog_rc check_tiles(struct commit *c, struct tlog_err *err)
{
    uint8_t stored[TILE_STORED];
    struct tlog_hash root;
    for (size_t i = 0; i < c->sealed_n; i++) {
        const struct sealed *t = &c->sealed[i];
        TLOG_TRY(c->s->ops->get_tile(c->s, tile_seq(t->id), &root, stored, err));
        if (!tlog_hash_equal(&root, &t->root) ||
            !qr_bytes_equal(QR_BYTES_OF(stored), QR_BYTES_OF(t->nodes)))
            return fail_with(err, TLOG_CORRUPT, "a tile changed before its commit");
    }
    return TLOG_OK;
}

static enum tlog_rc write_all(struct commit *c, struct tlog_err *err)
{
    struct store_row row;
    store_row_init(&row);
    enum tlog_rc rc = put_rows(c, &row, err);
    if (rc == TLOG_OK) rc = put_tiles(c, err);
    if (rc == TLOG_OK) rc = check_rows(c, &row, err);
    if (rc == TLOG_OK) rc = check_tiles(c, err);
    store_row_fini(&row);
    return rc;
}

/* ---- the whole ---- */

/* Up to, not including, COMMIT.  c->n is 0 when there is nothing to commit. */
static enum tlog_rc prepare(struct commit *c, struct job *jobs, struct tlog_err *err)
{
    TLOG_TRY(compare_state(c, err));
    for (struct job *j = jobs; j; j = j->next) TLOG_TRY(stage_job(c, j, err));
    if (c->n == 0) return TLOG_OK;
    TLOG_TRY(grow_tree(c, err));
    return write_all(c, err);
}

static void publish(struct commit *c)
{
    struct tlog_log *log = c->log;
    for (size_t i = 0; i < c->sealed_n; i++) {
        struct tile t;
        if (c->sealed[i].id.level > 0 && tile_read(c->sealed[i].nodes, &t))
            upper_put(log->upper, c->sealed[i].id, &t);
    }
    (void)pthread_mutex_lock(&log->lock);
    edge_follow(&log->edge, &log->next);
    log->head = c->head;
    (void)pthread_mutex_unlock(&log->lock);
    settle(c, c->base, c->base + c->n, true);
}

/* Everything is as it was before; every job that was not refused fails. */
static void take_back(struct commit *c, struct job *jobs, enum tlog_rc rc,
                      const struct tlog_err *err)
{
    c->s->ops->rollback(c->s);
    edge_follow(&c->log->next, &c->log->edge);
    settle(c, c->base, c->base + c->n, false);
    for (struct job *j = jobs; j; j = j->next) {
        if (j->rc != TLOG_OK) continue;
        j->rc = rc;
        j->err = *err;
    }
}

/* Failures that leave the disk as it was. */
static bool harmless(enum tlog_rc rc)
{
    return rc == TLOG_FULL || rc == TLOG_BUSY || rc == TLOG_NOMEM || rc == TLOG_STATE;
}

static enum tlog_rc run(struct commit *c, struct job *jobs, struct tlog_err *err)
{
    struct tlog_log *log = c->log;
    uint64_t low = log->cfg.low_water_bytes ? log->cfg.low_water_bytes : DEFAULT_LOW_WATER;
    enum tlog_rc rc = log->path ? file_space(log->path, low, err) : TLOG_OK;
    if (rc == TLOG_OK) rc = c->s->ops->begin(c->s, err);
    if (rc == TLOG_OK) rc = prepare(c, jobs, err);
    if (rc == TLOG_OK && c->n == 0) {
        c->s->ops->rollback(c->s);
        return TLOG_OK;
    }
    /* COMMIT POINT: the entries are durable when commit returns. */
    bool tried = rc == TLOG_OK;
    if (tried) rc = c->s->ops->commit(c->s, err);
    if (rc != TLOG_OK) {
        take_back(c, jobs, rc, err);
        return tried ? (rc == TLOG_FULL ? TLOG_OK : rc) : harmless(rc) ? TLOG_OK : rc;
    }
    TLOG_TRY(anchor_write(&log->anchor, &c->head, err));
    publish(c);
    return TLOG_OK;
}

enum tlog_rc log_commit(struct tlog_log *log, struct job *jobs, struct tlog_err *err)
{
    struct commit c = {.log = log, .s = log->store, .base = log->next.size};
    for (struct job *j = jobs; j; j = j->next) c.room += j->count;
    c.entry = calloc(c.room, sizeof *c.entry);
    enum tlog_rc rc = TLOG_OK;
    if (c.entry) {
        rc = run(&c, jobs, err);
    } else {
        for (struct job *j = jobs; j; j = j->next) j->rc = TLOG_NOMEM;
    }
    for (struct job *j = jobs; j; j = j->next) {
        if (rc != TLOG_OK) j->rc = TLOG_IO;
    }
    free(c.sealed);
    free(c.entry);
    return rc;
}
