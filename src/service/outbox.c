/* outbox.c - see outbox.h.
 *
 * Rows are sent in order.  A batch is all or nothing at the log, so a refusal
 * does not say which row is at fault: the batch is then carried one by one, and
 * only a row that alone was found stale is signed again.  That is safe because
 * the log answers a repeat of recorded bytes before it looks at the time: stale
 * means that this event id is not in the log. */
#include "service/outbox.h"

#include "base/wait.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define BATCH_ROWS 64
#define BATCH_BYTES ((size_t)192 * 1024)
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define RECEIPTS_KEPT 1024

struct kept {
    int64_t row;
    struct log_answer answer;
};

struct outbox {
    struct outbox_conf conf;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    pthread_t thread;
    bool started, stop, woken;
    struct kept kept[RECEIPTS_KEPT]; /* receipts of late, by row modulo */
    int64_t refused_row;             /* what the log said to the row in front */
    enum qr_rc refused_rc;
    struct qr_err refused_err;
    uint64_t refusals; /* counted: a waiter hears of those to come */
    bool resigned;     /* the row in front was signed again just now */
};

/* Rows read for one trip. */
struct batch {
    size_t n;
    int64_t row[BATCH_ROWS];
    enum leaf_kind kind[BATCH_ROWS];
    char event_id[BATCH_ROWS][QR_ULID_LEN + 1];
    struct qr_bytes entry[BATCH_ROWS];
    struct qr_arena arena;
};

static void lock(struct outbox *ob)
{
    if (pthread_mutex_lock(&ob->mutex) != 0) qr_fatal("mutex");
}

static void unlock(struct outbox *ob)
{
    if (pthread_mutex_unlock(&ob->mutex) != 0) qr_fatal("mutex");
}

/* ---- putting ---- */

/* Strictly after every time this author has used. */
static enum qr_rc next_time(struct outbox *ob, int64_t *us, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(ob->conf.db, "SELECT last_us FROM outbox_clock", QR_DB_NOARGS, &st, err));
    int64_t last = qr_stmt_int(st, 0), now = qr_now_us(&ob->conf.clock);
    *us = now > last ? now : last + 1;
    return qr_db_run(ob->conf.db, "UPDATE outbox_clock SET last_us = ?1",
                     QR_DB_ARGS(QR_DB_INT(*us)), err);
}

static enum qr_rc sign_entry(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t us, struct qr_buf *out,
                             struct qr_err *err)
{
    struct leaf_draft d = {.kind = kind,
                           .author = ob->conf.author,
                           .event_id = event_id,
                           .time_us = us,
                           .classes = ob->conf.classes,
                           .body = body};
    enum qr_rc rc = leaf_sign(&d, ob->conf.key, out);
    if (rc == QR_OK) return QR_OK;
    return qr_fail(err, rc, "the entry %s cannot be written", leaf_kind_name(kind));
}

enum qr_rc outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                      const char *event_id, int64_t *row, struct qr_err *err)
{
    char fresh[QR_ULID_LEN + 1];
    int64_t us = 0;
    assert(qr_db_in_write(ob->conf.db));
    assert(leaf_author_may(ob->conf.author, kind));
    QR_TRY(next_time(ob, &us, err));
    if (!event_id) {
        qr_ulid(&ob->conf.rand, us, fresh);
        event_id = fresh;
    }
    struct qr_buf entry;
    qr_buf_init(&entry, QR_MAX_ENTRY);
    enum qr_rc rc = sign_entry(ob, kind, body, event_id, us, &entry, err);
    if (rc == QR_OK)
        rc = qr_db_run(ob->conf.db,
                       "INSERT INTO outbox(event_id, kind, entry, time_us) VALUES (?1,?2,?3,?4)",
                       QR_DB_ARGS(QR_DB_STR(event_id), QR_DB_STR(leaf_kind_name(kind)),
                                  QR_DB_BLOB(qr_buf_bytes(&entry)), QR_DB_INT(us)),
                       err);
    if (rc == QR_OK) *row = qr_db_rowid(ob->conf.db);
    qr_buf_fini(&entry);
    return rc;
}

void outbox_wake(struct outbox *ob)
{
    lock(ob);
    ob->woken = true;
    (void)pthread_cond_broadcast(&ob->cond);
    unlock(ob);
}

enum qr_rc outbox_where(struct outbox *ob, int64_t row, uint64_t *index, struct qr_hash *leaf,
                        struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_one(ob->conf.db, "SELECT idx, leaf FROM outbox WHERE id = ?1 AND idx IS NOT NULL",
                     QR_DB_ARGS(QR_DB_INT(row)), &st, err));
    struct qr_bytes l = qr_stmt_bytes(st, 1);
    if (l.n != sizeof leaf->b) return qr_fail(err, QR_IO, "outbox: damaged row");
    *index = (uint64_t)qr_stmt_int(st, 0);
    qr_copy(leaf->b, l.p, l.n);
    return QR_OK;
}

enum qr_rc outbox_pending(struct outbox *ob, size_t *count, struct qr_err *err)
{
    struct qr_stmt *st;
    QR_TRY(qr_db_read(ob->conf.db, err));
    enum qr_rc rc = qr_db_one(ob->conf.db, "SELECT count(*) FROM outbox WHERE idx IS NULL",
                              QR_DB_NOARGS, &st, err);
    if (rc == QR_OK) *count = (size_t)qr_stmt_int(st, 0);
    qr_db_read_end(ob->conf.db);
    return rc;
}

/* ---- carrying ---- */

static enum qr_rc read_row(struct qr_stmt *st, struct batch *b, size_t *bytes, struct qr_err *err)
{
    struct qr_bytes event = qr_stmt_bytes(st, 1), entry = qr_stmt_bytes(st, 3);
    size_t i = b->n;
    if (i > 0 && *bytes + entry.n > BATCH_BYTES) return QR_EXHAUSTED;
    if (event.n != QR_ULID_LEN || leaf_kind_from_name(qr_stmt_bytes(st, 2), &b->kind[i]) != QR_OK)
        return qr_fail(err, QR_IO, "outbox: damaged row");
    b->row[i] = qr_stmt_int(st, 0);
    qr_copy(b->event_id[i], event.p, event.n);
    b->event_id[i][QR_ULID_LEN] = 0;
    b->entry[i] = qr_arena_dup(&b->arena, entry);
    if (!b->entry[i].p) return QR_NOMEM;
    *bytes += entry.n;
    b->n++;
    return QR_OK;
}

static enum qr_rc read_batch(struct outbox *ob, struct batch *b, struct qr_err *err)
{
    struct qr_stmt *st;
    size_t bytes = 0;
    bool row = true;
    QR_TRY(qr_db_read(ob->conf.db, err));
    enum qr_rc rc = qr_db_query(ob->conf.db,
                                "SELECT id, event_id, kind, entry FROM outbox"
                                " WHERE idx IS NULL ORDER BY id LIMIT ?1",
                                QR_DB_ARGS(QR_DB_INT(BATCH_ROWS)), &st, err);
    while (rc == QR_OK && row) {
        rc = qr_stmt_step(st, &row, err);
        if (rc == QR_OK && row) rc = read_row(st, b, &bytes, err);
    }
    qr_db_read_end(ob->conf.db);
    return rc == QR_EXHAUSTED ? QR_OK : rc;
}

static enum qr_rc mark(struct outbox *ob, const struct outbox_logged *l, struct qr_err *err)
{
    QR_TRY(qr_db_run(ob->conf.db, "UPDATE outbox SET idx = ?2, leaf = ?3 WHERE id = ?1",
                     QR_DB_ARGS(QR_DB_INT(l->row), QR_DB_INT(l->entry->index),
                                QR_DB_BLOB(QR_BYTES_OF(l->entry->leaf.b))),
                     err));
    return ob->conf.logged ? ob->conf.logged(ob->conf.ctx, l, err) : QR_OK;
}

static struct outbox_logged logged_of(const struct batch *b, const struct log_answer *a, size_t i,
                                      size_t base)
{
    return (struct outbox_logged){.row = b->row[base + i],
                                  .kind = b->kind[base + i],
                                  .event_id = b->event_id[base + i],
                                  .entry = &a->entries[i],
                                  .head = &a->head};
}

static void keep(struct outbox *ob, const struct log_answer *a, size_t i, int64_t row)
{
    struct log_answer copy;
    /* Without memory the waiter times out; the entry is logged all the same. */
    if (log_answer_copy(a, i, &copy) != QR_OK) return;
    lock(ob);
    struct kept *k = &ob->kept[(size_t)row % RECEIPTS_KEPT];
    struct log_answer old = k->answer;
    *k = (struct kept){row, copy};
    unlock(ob);
    log_answer_fini(&old);
}

/* Rows base.. of b stand in the log as a says. */
static enum qr_rc settle(struct outbox *ob, const struct batch *b, size_t base,
                         const struct log_answer *a, struct qr_err *err)
{
    QR_TRY(qr_db_begin(ob->conf.db, err));
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; rc == QR_OK && i < a->n; i++) {
        struct outbox_logged l = logged_of(b, a, i, base);
        rc = mark(ob, &l, err);
    }
    /* COMMIT POINT: the rows are settled, and so is what the service noted. */
    QR_TRY(qr_db_end(ob->conf.db, rc, err));
    for (size_t i = 0; i < a->n; i++) keep(ob, a, i, b->row[base + i]);
    lock(ob);
    ob->resigned = false;
    ob->refused_row = 0;
    (void)pthread_cond_broadcast(&ob->cond);
    unlock(ob);
    for (size_t i = 0; ob->conf.settled && i < a->n; i++) {
        struct outbox_logged l = logged_of(b, a, i, base);
        ob->conf.settled(ob->conf.ctx, &l);
    }
    return QR_OK;
}

static enum qr_rc send(struct outbox *ob, const struct batch *b, size_t base, size_t n,
                       struct qr_err *err)
{
    struct log_answer a = {0};
    enum qr_rc rc = ob->conf.append(ob->conf.append_ctx, b->entry + base, n, &a, err);
    if (rc != QR_OK) return rc;
    assert(a.n == n);
    rc = settle(ob, b, base, &a, err);
    log_answer_fini(&a);
    return rc;
}

static enum qr_rc store_again(struct outbox *ob, int64_t row, const struct leaf_entry *e,
                              struct qr_err *err)
{
    struct qr_buf out;
    int64_t us = 0;
    QR_TRY(next_time(ob, &us, err));
    qr_buf_init(&out, QR_MAX_ENTRY);
    enum qr_rc rc = sign_entry(ob, e->kind, e->body, e->event_id, us, &out, err);
    if (rc == QR_OK)
        rc = qr_db_run(ob->conf.db, "UPDATE outbox SET entry = ?2, time_us = ?3 WHERE id = ?1",
                       QR_DB_ARGS(QR_DB_INT(row), QR_DB_BLOB(qr_buf_bytes(&out)), QR_DB_INT(us)),
                       err);
    qr_buf_fini(&out);
    return rc;
}

/* The same event and body with a fresh time, stored before it is sent. */
static enum qr_rc sign_again(struct outbox *ob, int64_t row, struct qr_bytes entry,
                             struct qr_err *err)
{
    struct leaf_entry e;
    QR_TRY(leaf_parse(entry, &e, err));
    enum qr_rc rc = qr_db_begin(ob->conf.db, err);
    if (rc == QR_OK) rc = qr_db_end(ob->conf.db, store_again(ob, row, &e, err), err);
    leaf_fini(&e);
    return rc;
}

static bool is_fatal(enum qr_rc rc)
{
    return rc == QR_FORK || rc == QR_CONFLICT || rc == QR_IO || rc == QR_BUG;
}

/* Nothing is known about the entry itself: the log was not reached. */
static bool is_weather(enum qr_rc rc)
{
    return rc == QR_UNAVAILABLE || rc == QR_DEADLINE || rc == QR_EXHAUSTED || rc == QR_CANCELLED ||
           rc == QR_ATTESTATION || rc == QR_UNAUTHENTICATED;
}

static void note_refusal(struct outbox *ob, int64_t row, enum qr_rc rc, const struct qr_err *err)
{
    lock(ob);
    ob->refused_row = row;
    ob->refused_rc = rc;
    ob->refused_err = *err;
    ob->refusals++;
    (void)pthread_cond_broadcast(&ob->cond);
    unlock(ob);
}

/* Row i alone.  QR_OK: logged, or signed again and to be sent at once. */
static enum qr_rc carry_one(struct outbox *ob, const struct batch *b, size_t i, struct qr_err *err)
{
    enum qr_rc rc = send(ob, b, i, 1, err);
    if (rc == QR_STALE && !ob->resigned) {
        rc = sign_again(ob, b->row[i], b->entry[i], err);
        ob->resigned = rc == QR_OK;
        return rc == QR_OK ? QR_STALE : rc;
    }
    /* A fresh time is stale as well: the two clocks disagree. */
    if (rc == QR_STALE) ob->resigned = false;
    if (rc != QR_OK && !is_weather(rc) && !is_fatal(rc)) note_refusal(ob, b->row[i], rc, err);
    return rc;
}

/* One trip.  *more: something was there to carry. */
static enum qr_rc carry(struct outbox *ob, bool *more, struct qr_err *err)
{
    struct batch *b = calloc(1, sizeof *b);
    if (!b) return QR_NOMEM;
    qr_arena_init(&b->arena, (size_t)BATCH_ROWS * (QR_MAX_ENTRY + 64));
    enum qr_rc rc = read_batch(ob, b, err);
    *more = rc == QR_OK && b->n > 0;
    if (*more) {
        rc = b->n > 1 ? send(ob, b, 0, b->n, err) : QR_STATE;
        if (rc != QR_OK && !is_weather(rc) && rc != QR_FORK && rc != QR_IO) {
            rc = QR_OK;
            for (size_t i = 0; rc == QR_OK && i < b->n; i++) rc = carry_one(ob, b, i, err);
        }
        /* Signed again: the next trip reads it anew, without a pause. */
        if (rc == QR_STALE && ob->resigned) rc = QR_OK;
    }
    qr_arena_fini(&b->arena);
    free(b);
    return rc;
}

/* ---- waiting ---- */

/* Sleeps until woken (pause_ms 0) or for a pause.  False: stop. */
static bool rest(struct outbox *ob, int pause_ms)
{
    lock(ob);
    if (pause_ms > 0) {
        int64_t end = qr_mono_us(&ob->conf.clock) + pause_ms * 1000LL;
        for (;;) {
            int64_t left = end - qr_mono_us(&ob->conf.clock);
            if (ob->stop || left <= 0) break;
            qr_cond_wait(&ob->cond, &ob->mutex, left);
        }
    } else {
        while (!ob->stop && !ob->woken) qr_cond_wait(&ob->cond, &ob->mutex, 1000000);
    }
    ob->woken = false;
    bool go = !ob->stop;
    unlock(ob);
    return go;
}

static void *carrier(void *arg)
{
    struct outbox *ob = arg;
    int pause_ms = 0;
    for (;;) {
        struct qr_err err = {{0}};
        bool more = false;
        enum qr_rc rc = carry(ob, &more, &err);
        if (rc == QR_OK && more) {
            pause_ms = 0;
            lock(ob);
            bool stop = ob->stop;
            unlock(ob);
            if (stop) return NULL;
            continue;
        }
        if (is_fatal(rc)) {
            ob->conf.fatal(ob->conf.ctx, rc, err.text);
            return NULL;
        }
        if (rc != QR_OK) {
            pause_ms = pause_ms ? pause_ms * 2 : BACKOFF_MIN_MS;
            if (pause_ms > BACKOFF_MAX_MS) pause_ms = BACKOFF_MAX_MS;
            qr_log_text(ob->conf.log, "outbox.waits", "%s: %s", qr_rc_name(rc), err.text);
            ob->resigned = false;
        }
        if (!rest(ob, rc == QR_OK ? 0 : pause_ms)) return NULL;
    }
}

/* Under the mutex: the receipt of row, if it is at hand. */
static bool take_kept(struct outbox *ob, int64_t row, struct log_answer *out, enum qr_rc *rc)
{
    const struct kept *k = &ob->kept[(size_t)row % RECEIPTS_KEPT];
    if (k->row != row) return false;
    *rc = log_answer_copy(&k->answer, 0, out);
    return true;
}

bool outbox_at_hand(struct outbox *ob, int64_t row)
{
    lock(ob);
    bool have = ob->kept[(size_t)row % RECEIPTS_KEPT].row == row;
    unlock(ob);
    return have;
}

enum qr_rc outbox_wait(struct outbox *ob, int64_t row, int64_t deadline_us, struct log_answer *out,
                       struct qr_err *err)
{
    enum qr_rc rc = QR_OK;
    *out = (struct log_answer){0};
    lock(ob);
    uint64_t before = ob->refusals;
    for (;;) {
        if (take_kept(ob, row, out, &rc)) break;
        int64_t left = deadline_us - qr_mono_us(&ob->conf.clock);
        if (ob->refused_row == row && ob->refusals > before)
            rc =
                qr_fail(err, ob->refused_rc, "the log refuses the entry: %s", ob->refused_err.text);
        else if (ob->stop)
            rc = qr_fail(err, QR_UNAVAILABLE, "the service is stopping");
        else if (left <= 0)
            rc = qr_fail(err, QR_DEADLINE, "recorded, but not in the log yet; it will be");
        if (rc != QR_OK) break;
        qr_cond_wait(&ob->cond, &ob->mutex, left < 1000000 ? left : 1000000);
    }
    unlock(ob);
    return rc;
}

enum qr_rc outbox_flush(struct outbox *ob, int64_t deadline_us, struct qr_err *err)
{
    struct log_answer a;
    struct qr_stmt *st;
    int64_t newest = 0;
    outbox_wake(ob);
    QR_TRY(qr_db_read(ob->conf.db, err));
    enum qr_rc rc = qr_db_one(ob->conf.db,
                              "SELECT coalesce(max(id), 0) FROM outbox"
                              " WHERE idx IS NULL",
                              QR_DB_NOARGS, &st, err);
    if (rc == QR_OK) newest = qr_stmt_int(st, 0);
    qr_db_read_end(ob->conf.db);
    if (rc != QR_OK || newest == 0) return rc;
    /* Rows are carried in order: the newest is the last to arrive. */
    rc = outbox_wait(ob, newest, deadline_us, &a, err);
    log_answer_fini(&a);
    return rc;
}

enum qr_rc outbox_log(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                      int64_t deadline_us, struct log_answer *out, struct qr_err *err)
{
    int64_t row = 0;
    *out = (struct log_answer){0};
    QR_TRY(qr_db_begin(ob->conf.db, err));
    QR_TRY(qr_db_end(ob->conf.db, outbox_put(ob, kind, body, NULL, &row, err), err));
    outbox_wake(ob);
    return outbox_wait(ob, row, deadline_us, out, err);
}

/* ---- life ---- */

enum qr_rc outbox_new(struct outbox **out, const struct outbox_conf *conf, struct qr_err *err)
{
    struct outbox *ob = calloc(1, sizeof *ob);
    *out = NULL;
    if (!ob) return qr_fail(err, QR_NOMEM, "out of memory");
    ob->conf = *conf;
    if (pthread_mutex_init(&ob->mutex, NULL) != 0) qr_fatal("cannot make a mutex");
    qr_cond_init(&ob->cond);
    *out = ob;
    return QR_OK;
}

enum qr_rc outbox_start(struct outbox *ob, struct qr_err *err)
{
    assert(!ob->started);
    if (pthread_create(&ob->thread, NULL, carrier, ob) != 0)
        return qr_fail(err, QR_NOMEM, "no thread for the outbox");
    ob->started = true;
    return QR_OK;
}

void outbox_stop(struct outbox *ob)
{
    lock(ob);
    ob->stop = true;
    (void)pthread_cond_broadcast(&ob->cond);
    unlock(ob);
    if (ob->started) (void)pthread_join(ob->thread, NULL);
    ob->started = false;
}

void outbox_free(struct outbox *ob)
{
    if (!ob) return;
    outbox_stop(ob);
    for (size_t i = 0; i < RECEIPTS_KEPT; i++) log_answer_fini(&ob->kept[i].answer);
    (void)pthread_cond_destroy(&ob->cond);
    (void)pthread_mutex_destroy(&ob->mutex);
    free(ob);
}
