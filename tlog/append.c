/* append.c - callers queue, one thread commits, another one copies the
 * write-ahead log into the database.
 *
 * Nobody waits for a timer: the writer commits whatever is queued, and while it
 * waits for the disk the next group gathers. */
#include "tlog/log.h"

#include <assert.h>
#include <semaphore.h>
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

/* Cuts the next group off the front of the writer's own list. */
static struct job *take_group(struct job **list)
{
    struct job *group = *list, *last = group;
    size_t entries = group->count, bytes = bytes_of(group);
    while (last->next) {
        entries += last->next->count;
        bytes += bytes_of(last->next);
        if (entries > GROUP_ENTRIES || bytes > GROUP_BYTES) break;
        last = last->next;
    }
    *list = last->next;
    last->next = NULL;
    return group;
}

/* A job is its owner's again as soon as it is finished. */
static void finish_group(struct tlog_log *log, struct job *group)
{
    while (group) {
        struct job *next = group->next;
        group->finish(log, group);
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

static void refuse_group(struct tlog_log *log, struct job *group)
{
    struct tlog_err why;
    (void)pthread_mutex_lock(&log->lock);
    qr_copy(why.text, log->why, sizeof why.text);
    (void)pthread_mutex_unlock(&log->lock);
    for (struct job *j = group; j; j = j->next)
        j->rc = fail_with(&j->err, TLOG_STATE, "the log has stopped: %s", why.text);
}

/* Waits for work; everything that was offered, or NULL at the end. */
static struct job *take_all(struct tlog_log *log, bool *stopped)
{
    (void)pthread_mutex_lock(&log->lock);
    while (!log->first && !log->closing) (void)pthread_cond_wait(&log->work, &log->lock);
    struct job *all = log->first;
    log->first = log->last = NULL;
    *stopped = log->failed != TLOG_OK;
    (void)pthread_mutex_unlock(&log->lock);
    return all;
}

static bool commit_group(struct tlog_log *log, struct job *group)
{
    struct tlog_err err = {{0}};
    enum tlog_rc rc = log_commit(log, group, &err);
    if (rc != TLOG_OK) log_fatal(log, rc, err.text);
    for (struct job *j = group; j && rc != TLOG_OK; j = j->next) j->err = err;
    return rc == TLOG_OK;
}

static void *writer_main(void *arg)
{
    struct tlog_log *log = arg;
    bool stopped = false;
    struct job *list;
    while ((list = take_all(log, &stopped)) != NULL) {
        while (list) {
            struct job *group = take_group(&list);
            bool committed = !stopped && commit_group(log, group);
            if (stopped) refuse_group(log, group);
            stopped = !committed;
            finish_group(log, group);
            if (committed) tidy_after(log);
        }
    }
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

/* Takes the job; it may be finished before this returns. */
static void offer(struct tlog_log *log, struct job *job)
{
    (void)pthread_mutex_lock(&log->lock);
    bool first = !log->first;
    if (first)
        log->first = job;
    else
        log->last->next = job;
    log->last = job;
    /* The writer waits only when nothing is there. */
    if (first) (void)pthread_cond_signal(&log->work);
    (void)pthread_mutex_unlock(&log->lock);
}

/* A job on the stack of the thread that waits for it. */
struct waiting {
    struct job job;
    sem_t done;
};

static void wake(struct tlog_log *log, struct job *job)
{
    (void)log;
    (void)sem_post(&((struct waiting *)job)->done);
}

static void offer_and_wait(struct tlog_log *log, struct waiting *w)
{
    w->job.finish = wake;
    if (sem_init(&w->done, 0, 0) != 0) qr_fatal("no semaphore");
    offer(log, &w->job);
    while (sem_wait(&w->done) != 0) continue;
    (void)sem_destroy(&w->done);
}

/* Receipt of the job's entry i under the newest checkpoint; the end-to-end check
 * before the caller sees it. */
static enum tlog_rc prove(struct tlog_log *log, const struct job *job, size_t i,
                          struct tlog_receipt *r, struct tlog_signed *head, struct tlog_err *err)
{
    r->index = job->index[i];
    r->duplicate = job->duplicate[i];
    r->leaf = job->leaf[i];
    TLOG_TRY(prove_latest(log, r->index, head, &r->proof, err));
    if (tlog_inclusion_check(r->index, &head->head, &r->leaf, &r->proof) == TLOG_OK) return TLOG_OK;
    return fail_with(err, TLOG_CORRUPT, "entry %llu is not in the tree under its checkpoint",
                     (unsigned long long)r->index);
}

/* All receipts of a batch are under one checkpoint: the first one's. */
static enum tlog_rc prove_rest(struct tlog_log *log, const struct job *job,
                               struct tlog_receipt *receipts, const struct tlog_head *head,
                               struct tlog_err *err)
{
    struct reader *r = NULL;
    enum tlog_rc rc = job->count > 1 ? reader_take(log, &r, err) : TLOG_OK;
    for (size_t i = 1; i < job->count && rc == TLOG_OK; i++) {
        struct tlog_plan plan;
        struct tlog_hash read[TLOG_PLAN_MAX];
        receipts[i].index = job->index[i];
        receipts[i].duplicate = job->duplicate[i];
        receipts[i].leaf = job->leaf[i];
        if (tlog_inclusion_plan(job->index[i], head->size, &plan) != TLOG_OK)
            rc = fail_with(err, TLOG_CORRUPT, "a key's row names an entry beyond the log");
        if (rc == TLOG_OK) rc = plan_read(log, r, &plan, read, err);
        if (rc != TLOG_OK) break;
        tlog_plan_proof(&plan, read, &receipts[i].proof);
        if (tlog_inclusion_check(job->index[i], head, &job->leaf[i], &receipts[i].proof) != TLOG_OK)
            rc = fail_with(err, TLOG_CORRUPT, "entry %llu is not in the tree under its checkpoint",
                           (unsigned long long)job->index[i]);
    }
    if (r) reader_give(log, r);
    return rc;
}

static enum tlog_rc hash_entries(const struct tlog_entry *e, size_t count, struct tlog_hash *leaf,
                                 struct tlog_err *err)
{
    enum { AT_ONCE = 64 };
    struct tlog_bytes data[AT_ONCE];
    for (size_t at = 0; at < count;) {
        size_t n = count - at < AT_ONCE ? count - at : AT_ONCE;
        for (size_t i = 0; i < n; i++) {
            TLOG_TRY(check_entry(&e[at + i], err));
            data[i] = e[at + i].data;
        }
        tlog_leaf_hashes(data, n, leaf + at);
        at += n;
    }
    return TLOG_OK;
}

static enum tlog_rc run_job(struct tlog_log *log, struct waiting *w, struct tlog_receipt *receipts,
                            struct tlog_signed *checkpoint, struct tlog_err *err)
{
    struct job *job = &w->job;
    TLOG_TRY(hash_entries(job->entries, job->count, job->leaf, err));
    offer_and_wait(log, w);
    if (job->rc != TLOG_OK) return fail_with(err, job->rc, "%s", job->err.text);
    if (!receipts) {
        tlog_latest(log, checkpoint);
        return TLOG_OK;
    }
    TLOG_TRY(prove(log, job, 0, receipts, checkpoint, err));
    return prove_rest(log, job, receipts, &checkpoint->head, err);
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
    struct waiting w = {
        .job = {
            .entries = entry, .leaf = &leaf, .index = &index, .duplicate = &duplicate, .count = 1}};
    TLOG_TRY(check_writable(log, err));
    return run_job(log, &w, receipt, checkpoint, err);
}

enum tlog_rc tlog_append_batch(struct tlog_log *log, const struct tlog_entry *entries, size_t count,
                               struct tlog_receipt *receipts, struct tlog_signed *checkpoint,
                               struct tlog_err *err)
{
    TLOG_TRY(check_writable(log, err));
    if (count == 0 || count > TLOG_BATCH_MAX)
        return fail_with(err, TLOG_RANGE, "a batch has 1 to %d entries", TLOG_BATCH_MAX);
    struct waiting w = {.job = {.entries = entries, .count = count}};
    struct job *job = &w.job;
    job->leaf = calloc(count, sizeof *job->leaf);
    job->index = calloc(count, sizeof *job->index);
    job->duplicate = calloc(count, sizeof *job->duplicate);
    enum tlog_rc rc = job->leaf && job->index && job->duplicate
                          ? run_job(log, &w, receipts, checkpoint, err)
                          : fail_with(err, TLOG_NOMEM, "out of memory");
    free(job->leaf);
    free(job->index);
    free(job->duplicate);
    return rc;
}

/* ---- callers that do not wait ---- */

/* Owns a copy of the entry; freed when it is finished. */
struct submitted {
    struct job job;
    struct tlog_entry entry;
    struct tlog_bytes tags[TLOG_TAGS_MAX];
    struct tlog_hash leaf;
    uint64_t index;
    bool duplicate;
    struct tlog_callback done;
    uint8_t bytes[];
};

static void tell(struct tlog_log *log, struct job *job)
{
    struct submitted *s = (struct submitted *)job;
    struct tlog_outcome o = {.rc = job->rc, .index = s->index, .duplicate = s->duplicate};
    o.leaf = &s->leaf;
    o.text = job->err.text;
    /* The writer alone changes the head. */
    o.checkpoint = job->rc == TLOG_OK ? &log->head : NULL;
    s->done.done(s->done.ctx, &o);
    free(s);
}

static struct tlog_bytes keep_bytes(uint8_t **to, struct tlog_bytes b)
{
    uint8_t *at = *to;
    qr_copy(at, b.p, b.n);
    *to += b.n;
    return (struct tlog_bytes){at, b.n};
}

static struct submitted *submitted_new(const struct tlog_entry *e)
{
    size_t n = e->data.n + e->key.n;
    for (size_t i = 0; i < e->tag_count; i++) n += e->tags[i].n;
    struct submitted *s = malloc(sizeof *s + n);
    if (!s) return NULL;
    uint8_t *to = s->bytes;
    s->job = (struct job){.entries = &s->entry,
                          .leaf = &s->leaf,
                          .index = &s->index,
                          .duplicate = &s->duplicate,
                          .count = 1,
                          .finish = tell};
    s->entry = (struct tlog_entry){.tags = s->tags, .tag_count = e->tag_count};
    s->entry.data = keep_bytes(&to, e->data);
    s->entry.key = keep_bytes(&to, e->key);
    for (size_t i = 0; i < e->tag_count; i++) s->tags[i] = keep_bytes(&to, e->tags[i]);
    return s;
}

enum tlog_rc tlog_submit(struct tlog_log *log, const struct tlog_entry *entry,
                         const struct tlog_callback *done, struct tlog_err *err)
{
    TLOG_TRY(check_writable(log, err));
    TLOG_TRY(check_entry(entry, err));
    struct submitted *s = submitted_new(entry);
    if (!s) return fail_with(err, TLOG_NOMEM, "out of memory");
    s->done = *done;
    tlog_leaf_hash(s->entry.data, &s->leaf);
    offer(log, &s->job);
    return TLOG_OK;
}
