/* log.c - creating, opening and closing a log.
 *
 * At open the tree's right edge is read from the database and must have the root
 * of the last checkpoint there; then the anchor is compared: it must not be
 * ahead, and the tree it saw must be a beginning of ours.  Only then does the
 * log sign again. */
#include "tlog/log.h"

#include "tlog/files.h"
#include "tlog/note.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void store_row_init(struct store_row *row)
{
    row->first = 0;
    qr_buf_init(&row->data, 1 << 18);
    qr_buf_init(&row->ck, TLOG_CHECKPOINT_MAX);
}

void store_row_fini(struct store_row *row)
{
    qr_buf_fini(&row->data);
    qr_buf_fini(&row->ck);
}

enum tlog_rc log_sign(const struct tlog_signer *signer, const struct tlog_head *head,
                      struct tlog_signed *out, struct tlog_err *err)
{
    /* Room for a NUL is kept, as everywhere the text is stored. */
    struct tlog_out text = {out->text, sizeof out->text - 1, 0};
    enum tlog_rc rc = tlog_checkpoint_sign(head, signer, &text);
    if (rc != TLOG_OK) return fail_with(err, TLOG_STATE, "the signer failed: %s", tlog_rc_name(rc));
    out->head = *head;
    out->n = text.n;
    out->text[text.n] = 0;
    return TLOG_OK;
}

/* Signs and verifies: a key that does not match its vkey must not publish. */
static enum tlog_rc sign_checked(const struct tlog_signer *signer, const struct tlog_head *head,
                                 struct tlog_signed *out, struct tlog_err *err)
{
    struct tlog_checkpoint cp;
    struct tlog_trust trust = {signer->key.name, &signer->key, 1};
    TLOG_TRY(log_sign(signer, head, out, err));
    if (tlog_checkpoint_open((struct tlog_bytes){(const uint8_t *)out->text, out->n}, &trust,
                             &cp) == TLOG_OK)
        return TLOG_OK;
    return fail_with(err, TLOG_STATE, "the signer's signature does not verify under its key");
}

static uint32_t id_of(const struct tlog_config *cfg) { return cfg->log_id ? cfg->log_id : 1; }

enum tlog_rc log_anchor_path(const char *path, const char *anchor_path, uint32_t log_id,
                             char out[PATH_MAX], struct tlog_err *err)
{
    int n;
    if (anchor_path)
        n = snprintf(out, PATH_MAX, "%s", anchor_path);
    else if (log_id <= 1)
        n = snprintf(out, PATH_MAX, "%s.anchor", path);
    else
        n = snprintf(out, PATH_MAX, "%s.%u.anchor", path, (unsigned)log_id);
    return n > 0 && n < PATH_MAX ? TLOG_OK : fail_with(err, TLOG_RANGE, "path too long");
}

static enum tlog_rc anchor_path(const struct tlog_config *cfg, char out[PATH_MAX],
                                struct tlog_err *err)
{
    return log_anchor_path(cfg->path, cfg->anchor_path, id_of(cfg), out, err);
}

static enum tlog_rc check_config(const struct tlog_config *cfg, struct tlog_err *err)
{
    if (!cfg->signer.sign || !note_name_ok(qr_str(cfg->signer.key.name)))
        return fail_with(err, TLOG_MALFORMED, "the signer has no key name");
    if (id_of(cfg) > INT32_MAX) return fail_with(err, TLOG_RANGE, "log_id too large");
    return TLOG_OK;
}

/* ---- a handle ---- */

static struct tlog_log *log_new(const struct tlog_config *cfg)
{
    struct tlog_log *log = calloc(1, sizeof *log);
    if (!log) return NULL;
    log->magic = LOG_MAGIC;
    log->cfg = *cfg;
    log->cfg.path = log->cfg.anchor_path = NULL;
    log->lock_fd = -1;
    log->anchor = ANCHOR_NONE;
    log->upper = upper_new();
    struct qr_bytes path = cfg->path ? qr_str(cfg->path) : QR_BYTES_NONE;
    log->path = cfg->path ? calloc(1, path.n + 1) : NULL;
    if (log->path) qr_copy(log->path, path.p, path.n);
    (void)pthread_mutex_init(&log->lock, NULL);
    (void)pthread_cond_init(&log->work, NULL);
    (void)pthread_cond_init(&log->untidy, NULL);
    return log;
}

void tlog_close(struct tlog_log *log)
{
    if (!log) return;
    writer_stop(log);
    while (log->readers > 0) reader_free(log->reader[--log->readers]);
    if (log->store) log->store->ops->close(log->store);
    anchor_close(&log->anchor);
    if (log->lock_fd >= 0) (void)close(log->lock_fd);
    upper_free(log->upper);
    (void)pthread_cond_destroy(&log->untidy);
    (void)pthread_cond_destroy(&log->work);
    (void)pthread_mutex_destroy(&log->lock);
    free(log->path);
    log->magic = 0;
    free(log);
}

/* ---- create ---- */

static enum tlog_rc add_log(const struct tlog_config *cfg, struct store *s,
                            const struct tlog_signed *empty, struct tlog_err *err)
{
    struct store_info info;
    enum tlog_rc rc = s->ops->info(s, &info, NULL);
    if (rc == TLOG_OK) return fail_with(err, TLOG_EXISTS, "%s: the log is there", cfg->path);
    if (rc != TLOG_NOTFOUND) return fail_with(err, rc, "the log's row cannot be read");
    info = (struct store_info){.empty_ck_n = empty->n, .lookup = cfg->index_hashes};
    qr_copy(info.origin, cfg->signer.key.name, qr_str(cfg->signer.key.name).n);
    qr_copy(info.empty_ck, empty->text, empty->n);
    TLOG_TRY(s->ops->begin(s, err));
    rc = s->ops->add_log(s, &info, err);
    if (rc == TLOG_OK) rc = s->ops->commit(s, err);
    if (rc != TLOG_OK) s->ops->rollback(s);
    return rc;
}

/* Anchor first: a crash in between leaves an anchor without leaves, over which
 * the next create writes, never a log without an anchor. */
static enum tlog_rc create_files(const struct tlog_config *cfg, struct tlog_err *err)
{
    char anchor[PATH_MAX];
    struct tlog_head head = {0};
    struct tlog_signed empty = {0};
    struct store *s = NULL;
    tlog_empty_root(&head.root);
    TLOG_TRY(sign_checked(&cfg->signer, &head, &empty, err));
    TLOG_TRY(anchor_path(cfg, anchor, err));
    if (file_is_there(cfg->path)) {
        struct store_info info;
        enum tlog_rc rc = store_sqlite_open(cfg->path, id_of(cfg), STORE_CREATE, &s, err);
        if (rc != TLOG_OK) return rc;
        rc = s->ops->info(s, &info, NULL);
        s->ops->close(s);
        if (rc == TLOG_OK) return fail_with(err, TLOG_EXISTS, "%s: the log is there", cfg->path);
    }
    TLOG_TRY(anchor_create(anchor, &empty, err));
    TLOG_TRY(store_sqlite_open(cfg->path, id_of(cfg), STORE_CREATE, &s, err));
    enum tlog_rc rc = add_log(cfg, s, &empty, err);
    s->ops->close(s);
    return rc == TLOG_OK ? file_sync_dir(cfg->path, err) : rc;
}

enum tlog_rc tlog_create(const struct tlog_config *cfg, struct tlog_err *err)
{
    int lock_fd = -1;
    TLOG_TRY(check_config(cfg, err));
    if (!cfg->path) return fail_with(err, TLOG_STATE, "a log in memory is made by opening it");
    TLOG_TRY(file_lock(cfg->path, &lock_fd, err));
    enum tlog_rc rc = create_files(cfg, err);
    (void)close(lock_fd);
    return rc;
}

/* ---- open ---- */

/* The tree that the anchor saw is a beginning of ours. */
static enum tlog_rc compare_anchor(struct tlog_log *log, struct tlog_err *err)
{
    const struct tlog_head *seen = &log->anchor.last.head;
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX], root;
    if (seen->size > log->head.head.size)
        return fail_with(err, TLOG_ROLLBACK,
                         "the anchor saw %llu entries, the database has %llu: it is an old copy, "
                         "or its -wal file is missing",
                         (unsigned long long)seen->size, (unsigned long long)log->head.head.size);
    tlog_root_plan(seen->size, &plan);
    struct reader r = {.s = log->store, .tile = UINT64_MAX};
    enum tlog_rc rc = plan_read(log, &r, &plan, read, err);
    log->store->ops->rest(log->store);
    if (rc != TLOG_OK) return rc;
    tlog_plan_root(&plan, read, &root);
    if (tlog_hash_equal(&root, &seen->root)) return TLOG_OK;
    return fail_with(err, TLOG_ROLLBACK, "the first %llu entries are not those that the anchor saw",
                     (unsigned long long)seen->size);
}

static enum tlog_rc open_anchor(struct tlog_log *log, const struct tlog_config *cfg,
                                struct tlog_err *err)
{
    char path[PATH_MAX];
    TLOG_TRY(anchor_path(cfg, path, err));
    TLOG_TRY(anchor_open(path, &log->anchor, err));
    return compare_anchor(log, err);
}

/* Raises the epoch, so that a process that still thinks it is the writer is
 * refused by its next comparison. */
static enum tlog_rc claim(struct tlog_log *log, struct store_info *info, struct tlog_err *err)
{
    struct store *s = log->store;
    TLOG_TRY(s->ops->begin(s, err));
    enum tlog_rc rc = s->ops->info(s, info, err);
    info->epoch++;
    info->lookup = info->lookup || log->cfg.index_hashes || log->cfg.rebuild_hashes;
    if (rc == TLOG_OK) rc = s->ops->put_info(s, info, err);
    if (rc == TLOG_OK) rc = s->ops->commit(s, err);
    if (rc != TLOG_OK) s->ops->rollback(s);
    log->epoch = info->epoch;
    log->lookup = info->lookup;
    return rc;
}

static enum tlog_rc open_store(struct tlog_log *log, const struct tlog_config *cfg,
                               struct store_info *info, struct tlog_err *err)
{
    if (cfg->path && !file_is_there(cfg->path))
        return fail_with(err, TLOG_NOTFOUND, "%s: no log is there; create it first", cfg->path);
    if (cfg->path) {
        TLOG_TRY(file_lock(cfg->path, &log->lock_fd, err));
        TLOG_TRY(store_sqlite_open(cfg->path, id_of(cfg), STORE_WRITE, &log->store, err));
    } else {
        struct tlog_head head = {0};
        struct tlog_signed empty = {0};
        tlog_empty_root(&head.root);
        TLOG_TRY(log_sign(&cfg->signer, &head, &empty, err));
        TLOG_TRY(store_mem_open(&log->store, err));
        TLOG_TRY(add_log(cfg, log->store, &empty, err));
    }
    TLOG_TRY(log->store->ops->info(log->store, info, err));
    if (!qr_bytes_is(qr_str(info->origin), cfg->signer.key.name))
        return fail_with(err, TLOG_STATE, "the log's origin is %.100s, not %.60s", info->origin,
                         cfg->signer.key.name);
    return TLOG_OK;
}

/* Everything up to the writer's start. */
static enum tlog_rc open_checked(struct tlog_log *log, const struct tlog_config *cfg,
                                 struct tlog_err *err)
{
    struct store_info info;
    struct tlog_signed fresh = {0};
    TLOG_TRY(open_store(log, cfg, &info, err));
    TLOG_TRY(recover(log->store, &info, &log->edge, &log->head, err));
    if (cfg->path) TLOG_TRY(open_anchor(log, cfg, err));
    TLOG_TRY(claim(log, &info, err));
    if (log->lookup && log->path)
        TLOG_TRY(lookup_complete(log->store, log->edge.size, log->cfg.rebuild_hashes, err));
    edge_follow(&log->next, &log->edge);
    /* Signed anew: entries that were committed but never answered for are under
     * a checkpoint of this key, and the anchor holds it before anyone sees it. */
    TLOG_TRY(sign_checked(&cfg->signer, &log->head.head, &fresh, err));
    TLOG_TRY(anchor_write(&log->anchor, &fresh, err));
    log->head = fresh;
    return TLOG_OK;
}

enum tlog_rc tlog_open(const struct tlog_config *cfg, struct tlog_log **out, struct tlog_err *err)
{
    TLOG_TRY(check_config(cfg, err));
    struct tlog_log *log = log_new(cfg);
    if (!log) return fail_with(err, TLOG_NOMEM, "out of memory");
    enum tlog_rc rc = log->upper && (log->path || !cfg->path)
                          ? open_checked(log, cfg, err)
                          : fail_with(err, TLOG_NOMEM, "out of memory");
    log->writable = true;
    if (rc == TLOG_OK) rc = writer_start(log, err);
    if (rc == TLOG_OK)
        *out = log;
    else
        tlog_close(log);
    return rc;
}

enum tlog_rc tlog_migrate(const char *path, bool dry_run, int *from, int *to, struct tlog_err *err)
{
    int lock_fd = -1;
    if (!file_is_there(path)) return fail_with(err, TLOG_NOTFOUND, "%s: no log is there", path);
    TLOG_TRY(file_lock(path, &lock_fd, err));
    enum tlog_rc rc = store_sqlite_migrate(path, dry_run, from, to, err);
    (void)close(lock_fd);
    return rc;
}

static enum tlog_rc open_to_read(struct tlog_log *log, const char *path, uint32_t log_id,
                                 struct tlog_err *err)
{
    struct store_info info;
    if (!log->upper || !log->path) return fail_with(err, TLOG_NOMEM, "out of memory");
    if (!file_is_there(path)) return fail_with(err, TLOG_NOTFOUND, "%s: no log is there", path);
    TLOG_TRY(store_sqlite_open(path, log_id ? log_id : 1, STORE_READ, &log->store, err));
    TLOG_TRY(log->store->ops->info(log->store, &info, err));
    log->lookup = info.lookup;
    return recover(log->store, &info, &log->edge, &log->head, err);
}

enum tlog_rc tlog_open_readonly(const char *path, uint32_t log_id, struct tlog_log **out,
                                struct tlog_err *err)
{
    struct tlog_log *log = log_new(&(struct tlog_config){.path = path, .log_id = log_id});
    if (!log) return fail_with(err, TLOG_NOMEM, "out of memory");
    enum tlog_rc rc = open_to_read(log, path, log_id, err);
    if (rc == TLOG_OK)
        *out = log;
    else
        tlog_close(log);
    return rc;
}
