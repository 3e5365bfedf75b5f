/* append.c - callers queue, one thread commits, another one copies the
 * write-ahead log into the database.
 *
 * Nobody waits for a timer: the writer commits whatever is queued, and while it
 * waits for the disk the next group gathers. */
#include "tlog/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUP_ENTRIES 8192 /* of one commit, unless one batch is larger */
#define GROUP_BYTES (16u << 20)
#define TIDY_FRAMES 1000       /* the tidier starts above this */
#define TIDY_SELF_FRAMES 2000  /* the writer finishes its work above this ... */
#define TIDY_SELF_LEFT 300     /* ... when no more than this is left, or ... */
#define TIDY_MUST_FRAMES 16000 /* ... in any case above this */

void log_fatal(struct tlog_log *log, enum tlog_rc rc, const char *text)
{
    (void)pthread_mutex_lock(&log->lock);
    bool first = log->failed == TLOG_OK;
    if (first) {
        log->failed = rc;
        (void)snprintf(log->why, sizeof log->why, "%s", text);
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (!first) return;
    if (!log->cfg.fatal) qr_fatal("the log stops: %s: %s", tlog_rc_name(rc), text);
    log->cfg.fatal(log->cfg.ctx, rc, text);
}

/* ---- writer ---- */

static size_t bytes_of(const struct job *j)
{
    size_t n = 0;
    for (size_t i = 0; i < j->count; i++) n += j->entries[i].data.n;
    return n;
}

/* Takes the next group off the queue.  The lock is held. */
static struct job *take_group(struct tlog_log *log)
{
    struct job *group = log->first, *last = group;
    size_t entries = group->count, bytes = bytes_of(group);
    while (last->next) {
        entries += last->next->count;
        bytes += bytes_of(last->next);
        if (entries > GROUP_ENTRIES || bytes > GROUP_BYTES) break;
        last = last->next;
    }
    log->first = last->next;
    if (!log->first) log->last = NULL;
    last->next = NULL;
    return group;
}

/* The lock is held: a job is its caller's again as soon as done is set. */
static void finish_group(struct job *group)
{
    while (group) {
        struct job *next = group->next;
        group->done = true;
        (void)pthread_cond_signal(&group->wake);
        group = next;
    }
}

/* A long WAL makes recovery and reads slow; it starts again at its beginning
 * once all of it was copied, which under load only the writer can achieve. */
static void tidy_after(struct tlog_log *log)
{
    struct tlog_err err = {{0}};
    unsigned frames = log->store->ops->frames(log->store), moved = 0;
    (void)pthread_mutex_lock(&log->lock);
    if (frames < log->frames) log->tidied = 0;
    log->frames = frames;
    unsigned left = frames > log->tidied ? frames - log->tidied : 0;
    if (left > TIDY_FRAMES) (void)pthread_cond_signal(&log->untidy);
    (void)pthread_mutex_unlock(&log->lock);
    bool self = (frames > TIDY_SELF_FRAMES && left > 0 && left < TIDY_SELF_LEFT) ||
                (frames > TIDY_MUST_FRAMES && left > TIDY_FRAMES);
    if (!self) return;
    readers_rest(log);
    enum tlog_rc rc = log->store->ops->tidy(log->store, &moved, &err);
    if (rc != TLOG_OK) {
        log_fatal(log, rc, err.text);
        return;
    }
    (void)pthread_mutex_lock(&log->lock);
    log->tidied = moved;
    (void)pthread_mutex_unlock(&log->lock);
}

static void refuse_group(const struct tlog_log *log, struct job *group)
{
    for (struct job *j = group; j; j = j->next)
        j->rc = fail_with(&j->err, TLOG_STATE, "the log has stopped: %s", log->why);
}

static void *writer_main(void *arg)
{
    struct tlog_log *log = arg;
    (void)pthread_mutex_lock(&log->lock);
    for (;;) {
        while (!log->first && !log->closing) (void)pthread_cond_wait(&log->work, &log->lock);
        if (!log->first) break;
        struct job *group = take_group(log);
        if (log->failed != TLOG_OK) {
            refuse_group(log, group);
        } else {
            struct tlog_err err = {{0}};
            (void)pthread_mutex_unlock(&log->lock);
            enum tlog_rc rc = log_commit(log, group, &err);
            if (rc != TLOG_OK) log_fatal(log, rc, err.text);
            for (struct job *j = group; j && rc != TLOG_OK; j = j->next) j->err = err;
            if (rc == TLOG_OK) tidy_after(log);
            (void)pthread_mutex_lock(&log->lock);
        }
        finish_group(group);
    }
    (void)pthread_mutex_unlock(&log->lock);
    return NULL;
}

/* ---- tidier ---- */

static bool tidy_wanted(const struct tlog_log *log)
{
    return log->frames > log->tidied && log->frames - log->tidied > TIDY_FRAMES;
}

static void *tidier_main(void *arg)
{
    struct tlog_log *log = arg;
    struct store *s = NULL;
    struct tlog_err err = {{0}};
    enum tlog_rc rc = log->store->ops->another(log->store, &s, &err);
    (void)pthread_mutex_lock(&log->lock);
    while (rc == TLOG_OK && !log->closing && log->failed == TLOG_OK) {
        unsigned moved = 0;
        if (!tidy_wanted(log)) {
            (void)pthread_cond_wait(&log->untidy, &log->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&log->lock);
        readers_rest(log);
        rc = s->ops->tidy(s, &moved, &err);
        (void)pthread_mutex_lock(&log->lock);
        if (rc == TLOG_OK) log->tidied = moved < log->frames ? moved : log->frames;
        /* A long reader can hold it up: ask again after the next commit. */
        if (rc == TLOG_OK && tidy_wanted(log) && !log->closing)
            (void)pthread_cond_wait(&log->untidy, &log->lock);
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (rc != TLOG_OK) log_fatal(log, rc, err.text);
    if (s) s->ops->close(s);
    return NULL;
}

enum tlog_rc writer_start(struct tlog_log *log, struct tlog_err *err)
{
    log->writer_runs = pthread_create(&log->writer, NULL, writer_main, log) == 0;
    if (log->writer_runs && log->path)
        log->tidier_runs = pthread_create(&log->tidier, NULL, tidier_main, log) == 0;
    if (log->writer_runs && (log->tidier_runs || !log->path)) return TLOG_OK;
    writer_stop(log);
    return fail_with(err, TLOG_NOMEM, "no thread for the writer");
}

void writer_stop(struct tlog_log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    log->closing = true;
    (void)pthread_cond_signal(&log->work);
    (void)pthread_cond_signal(&log->untidy);
    (void)pthread_mutex_unlock(&log->lock);
    if (log->writer_runs) (void)pthread_join(log->writer, NULL);
    if (log->tidier_runs) (void)pthread_join(log->tidier, NULL);
    log->writer_runs = log->tidier_runs = false;
}

/* ---- callers ---- */

static enum tlog_rc check_entry(const struct tlog_entry *e, struct tlog_err *err)
{
    if (e->data.n > TLOG_ENTRY_MAX)
        return fail_with(err, TLOG_RANGE, "an entry has at most %d bytes", TLOG_ENTRY_MAX);
    if (e->key.n > TLOG_KEY_MAX)
        return fail_with(err, TLOG_RANGE, "a key has at most %d bytes", TLOG_KEY_MAX);
    if (e->tag_count > TLOG_TAGS_MAX)
        return fail_with(err, TLOG_RANGE, "an entry has at most %d tags", TLOG_TAGS_MAX);
    for (size_t i = 0; i < e->tag_count; i++)
        if (e->tags[i].n == 0 || e->tags[i].n > TLOG_KEY_MAX)
            return fail_with(err, TLOG_RANGE, "a tag has 1 to %d bytes", TLOG_KEY_MAX);
    return TLOG_OK;
}

static void queue_and_wait(struct tlog_log *log, struct job *job)
{
    (void)pthread_mutex_lock(&log->lock);
    if (log->failed != TLOG_OK) {
        refuse_group(log, job);
        job->done = true;
    } else {
        if (log->last)
            log->last->next = job;
        else
            log->first = job;
        log->last = job;
        (void)pthread_cond_signal(&log->work);
    }
    while (!job->done) (void)pthread_cond_wait(&job->wake, &log->lock);
    (void)pthread_mutex_unlock(&log->lock);
}

/* Proof of one receipt in the tree of head; the end-to-end check before the
 * caller sees it. */
static enum tlog_rc prove(struct tlog_log *log, struct reader *s, const struct tlog_head *head,
                          struct tlog_receipt *r, struct tlog_err *err)
{
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    if (tlog_inclusion_plan(r->index, head->size, &plan) != TLOG_OK)
        return fail_with(err, TLOG_CORRUPT, "a key's row names an entry beyond the log");
    TLOG_TRY(plan_read(log, s, &plan, read, err));
    tlog_plan_proof(&plan, read, &r->proof);
    if (tlog_inclusion_check(r->index, head, &r->leaf, &r->proof) == TLOG_OK) return TLOG_OK;
    return fail_with(err, TLOG_CORRUPT, "entry %llu is not in the tree under its checkpoint",
                     (unsigned long long)r->index);
}

static enum tlog_rc prove_all(struct tlog_log *log, const struct job *job,
                              struct tlog_receipt *receipts, struct tlog_err *err)
{
    struct reader *s;
    enum tlog_rc rc = reader_take(log, &s, err);
    if (rc != TLOG_OK) return rc;
    for (size_t i = 0; i < job->count && rc == TLOG_OK; i++) {
        receipts[i].index = job->index[i];
        receipts[i].duplicate = job->duplicate[i];
        receipts[i].leaf = job->leaf[i];
        rc = prove(log, s, &job->checkpoint.head, &receipts[i], err);
    }
    reader_give(log, s);
    return rc;
}

static enum tlog_rc run_job(struct tlog_log *log, struct job *job, struct tlog_receipt *receipts,
                            struct tlog_signed *checkpoint, struct tlog_err *err)
{
    for (size_t i = 0; i < job->count; i++) {
        TLOG_TRY(check_entry(&job->entries[i], err));
        tlog_leaf_hash(job->entries[i].data, &job->leaf[i]);
    }
    (void)pthread_cond_init(&job->wake, NULL);
    queue_and_wait(log, job);
    (void)pthread_cond_destroy(&job->wake);
    if (job->rc != TLOG_OK) return fail_with(err, job->rc, "%s", job->err.text);
    *checkpoint = job->checkpoint;
    return receipts ? prove_all(log, job, receipts, err) : TLOG_OK;
}

static enum tlog_rc check_writable(const struct tlog_log *log, struct tlog_err *err)
{
    assert(log->magic == LOG_MAGIC);
    return log->writable ? TLOG_OK : fail_with(err, TLOG_STATE, "the log is open for reading only");
}

enum tlog_rc tlog_append(struct tlog_log *log, const struct tlog_entry *entry,
                         struct tlog_receipt *receipt, struct tlog_signed *checkpoint,
                         struct tlog_err *err)
{
    struct tlog_hash leaf;
    uint64_t index = 0;
    bool duplicate = false;
    struct job job = {
        .entries = entry, .leaf = &leaf, .index = &index, .duplicate = &duplicate, .count = 1};
    TLOG_TRY(check_writable(log, err));
    return run_job(log, &job, receipt, checkpoint, err);
}

enum tlog_rc tlog_append_batch(struct tlog_log *log, const struct tlog_entry *entries, size_t count,
                               struct tlog_receipt *receipts, struct tlog_signed *checkpoint,
                               struct tlog_err *err)
{
    TLOG_TRY(check_writable(log, err));
    if (count == 0 || count > TLOG_BATCH_MAX)
        return fail_with(err, TLOG_RANGE, "a batch has 1 to %d entries", TLOG_BATCH_MAX);
    struct job job = {.entries = entries, .count = count};
    job.leaf = calloc(count, sizeof *job.leaf);
    job.index = calloc(count, sizeof *job.index);
    job.duplicate = calloc(count, sizeof *job.duplicate);
    enum tlog_rc rc = job.leaf && job.index && job.duplicate
                          ? run_job(log, &job, receipts, checkpoint, err)
                          : fail_with(err, TLOG_NOMEM, "out of memory");
    free(job.leaf);
    free(job.index);
    free(job.duplicate);
    return rc;
}
