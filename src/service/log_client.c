/* log_client.c - see log_client.h.
 *
 * `seen` only ever moves to a checkpoint that was proven to extend it.  A
 * thread proves against a copy and then looks again: when another thread was
 * faster, it proves against the new one, so that any two checkpoints ever
 * given out are consistent with each other. */
#include "service/log_client.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/removal.h"
#include "service/log_fork.h"
#include "tlog/qr.h"

#include "quorate/v1/log.pb-c.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ANSWER ((size_t)64 * 1024 * 1024)
#define MAX_PROOFS 1024
#define OBSERVE_TRIES 16
#define WRITE_EVERY_US 1000000

struct log_client {
    struct log_client_conf conf;
    char *anchor_path;
    pthread_mutex_t mutex;
    struct leaf_checkpoint seen;
    struct qr_buf note; /* of seen; empty: nothing was seen yet */
    bool unwritten;
    int64_t written_us; /* monotonic */
    bool forked;
    int64_t grown_us, heard_us; /* monotonic; 0: not since the start */
};

void log_answer_fini(struct log_answer *a)
{
    qr_arena_fini(&a->arena);
    *a = (struct log_answer){0};
}

enum qr_rc log_answer_copy(const struct log_answer *a, size_t i, struct log_answer *out)
{
    *out = (struct log_answer){.head = a->head, .n = 1};
    qr_arena_init(&out->arena, MAX_ANSWER);
    out->head.note = qr_arena_dup(&out->arena, a->head.note);
    out->entries = qr_arena_alloc(&out->arena, sizeof *out->entries);
    if (out->entries) {
        out->entries[0] = a->entries[i];
        out->entries[0].bytes = qr_arena_dup(&out->arena, a->entries[i].bytes);
    }
    if (out->head.note.p && out->entries && out->entries[0].bytes.p) return QR_OK;
    log_answer_fini(out);
    return QR_NOMEM;
}

/* ---- checkpoints ---- */

static struct qr_bytes of_pb(ProtobufCBinaryData d) { return QR_BYTES(d.data, d.len); }

static ProtobufCBinaryData to_pb(struct qr_bytes s)
{
    /* protobuf-c only reads a request's bytes. */
    return (ProtobufCBinaryData){s.n, (uint8_t *)(uintptr_t)s.p};
}

/* Keys whose range covers the size that the note states. */
static enum qr_rc keys_for(const struct log_client *c, struct qr_bytes note,
                           struct tlog_vkey keys[TRUST_MAX_KEYS], size_t *count, struct qr_err *err)
{
    struct tlog_note parsed;
    struct tlog_checkpoint cp;
    enum tlog_rc rc = tlog_note_parse(tlog_of_qr(note), &parsed);
    if (rc == TLOG_OK) rc = tlog_checkpoint_parse(parsed.text, &cp);
    if (rc != TLOG_OK) return qr_fail(err, QR_MALFORMED, "the log's checkpoint is malformed");
    *count = 0;
    for (size_t i = 0; i < c->conf.key_count; i++) {
        const struct trust_log_key *k = &c->conf.keys[i];
        if (cp.head.size >= k->from && cp.head.size <= k->to) keys[(*count)++] = k->vkey;
    }
    return *count ? QR_OK : qr_fail(err, QR_FALSE, "no key of the log is valid at this size");
}

static enum qr_rc open_note(const struct log_client *c, struct qr_bytes note, struct log_head *out,
                            struct qr_err *err)
{
    struct tlog_vkey keys[TRUST_MAX_KEYS];
    struct tlog_trust trust = {.origin = c->conf.origin, .keys = keys};
    struct tlog_checkpoint cp;
    QR_TRY(keys_for(c, note, keys, &trust.key_count, err));
    enum tlog_rc rc = tlog_checkpoint_open(tlog_of_qr(note), &trust, &cp);
    if (rc != TLOG_OK)
        return qr_fail(err, QR_FALSE, "the log's checkpoint is not of the log that we trust");
    out->note = note;
    out->at.size = cp.head.size;
    qr_copy(out->at.root.b, cp.head.root.b, sizeof out->at.root.b);
    return QR_OK;
}

static struct tlog_head as_tlog(const struct leaf_checkpoint *at)
{
    struct tlog_head h = {.size = at->size};
    qr_copy(h.root.b, at->root.b, sizeof h.root.b);
    return h;
}

static enum qr_rc take_path(size_t n, const ProtobufCBinaryData *path, struct tlog_proof *out,
                            struct qr_err *err)
{
    if (n > TLOG_PROOF_MAX) return qr_fail(err, QR_MALFORMED, "the log's proof is too long");
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        if (path[i].len != TLOG_HASH_SIZE)
            return qr_fail(err, QR_MALFORMED, "the log's proof is malformed");
        qr_copy(out->h[i].b, path[i].data, TLOG_HASH_SIZE);
    }
    return QR_OK;
}

/* A failure inside the log is no failure of ours. */
static enum qr_rc ask(struct log_client *c, const char *method, const ProtobufCMessage *in,
                      struct rpc_answer *ans, struct qr_err *err)
{
    enum qr_rc rc = c->conf.call(c->conf.ctx, method, in, ans, err);
    return rc == QR_IO || rc == QR_BUG || rc == QR_NOMEM ? QR_UNAVAILABLE : rc;
}

enum qr_rc log_client_consistency(struct log_client *c, const struct leaf_checkpoint *earlier,
                                  const struct leaf_checkpoint *later, struct tlog_proof *out,
                                  struct qr_err *err)
{
    struct tlog_head a = as_tlog(earlier), b = as_tlog(later);
    *out = (struct tlog_proof){0};
    if (earlier->size > 0 && earlier->size < later->size) {
        Quorate__V1__ConsistencyRequest in = QUORATE__V1__CONSISTENCY_REQUEST__INIT;
        struct rpc_answer ans;
        in.first = earlier->size;
        in.second = later->size;
        enum qr_rc rc = ask(c, "GetConsistencyProof", &in.base, &ans, err);
        const Quorate__V1__ConsistencyReply *r = (const void *)ans.msg;
        if (rc == QR_OK) rc = take_path(r->n_path, r->path, out, err);
        rpc_answer_fini(&ans);
        /* A log that does not reach a size which it has signed was cut. */
        if (rc == QR_RANGE) return QR_FALSE;
        if (rc != QR_OK) return rc;
    }
    return tlog_consistency_check(&a, &b, out) == TLOG_OK ? QR_OK : QR_FALSE;
}

/* QR_FALSE: not shown to be consistent. */
static enum qr_rc prove(struct log_client *c, const struct leaf_checkpoint *old,
                        const struct leaf_checkpoint *new, struct qr_err *err)
{
    struct tlog_proof proof;
    return log_client_consistency(c, old, new, &proof, err);
}

static enum qr_rc fork_found(struct log_client *c, const struct log_head *head,
                             const struct leaf_checkpoint *seen, struct qr_err *err)
{
    char path[1100];
    bool shown = false;
    struct qr_buf before;
    qr_buf_init(&before, TLOG_NOTE_MAX);
    (void)pthread_mutex_lock(&c->mutex);
    c->forked = true;
    const struct leaf_checkpoint kept_at = c->seen;
    qr_buf_put_bytes(&before, qr_buf_bytes(&c->note));
    (void)pthread_mutex_unlock(&c->mutex);
    (void)snprintf(path, sizeof path, "%s.fork", c->anchor_path);
    const struct log_fork f = {{&kept_at, &head->at}, {qr_buf_bytes(&before), head->note}};
    enum qr_rc kept = log_fork_write(c, &f, path, &shown, NULL);
    qr_buf_fini(&before);
    if (c->conf.log)
        qr_log_text(c->conf.log, "log.fork", "checkpoint of size %llu kept in %s%s: %s",
                    (unsigned long long)head->at.size, path, shown ? "" : " without a proof",
                    qr_rc_name(kept));
    return qr_fail(err, QR_FORK,
                   "the log shows two histories: sizes %llu (seen before) and %llu (now)",
                   (unsigned long long)seen->size, (unsigned long long)head->at.size);
}

/* Keeps the newest note in the anchor file.  Two syncs for each checkpoint of a
 * busy log would cost more than the calls: the file is written once in
 * WRITE_EVERY_US and at the end.  What a crash can lose is that last moment of
 * what we saw, never a moment of what the log keeps.  Under the mutex. */
static enum qr_rc write_anchor(struct log_client *c, bool now, struct qr_err *err)
{
    int64_t t = qr_mono_us(&c->conf.clock);
    if (!c->unwritten || (!now && t < c->written_us + WRITE_EVERY_US)) return QR_OK;
    QR_TRY(qr_file_write(c->anchor_path, qr_buf_bytes(&c->note), 0600, err));
    c->unwritten = false;
    c->written_us = t;
    return QR_OK;
}

/* Takes head as seen when it is newer; *again: another thread was faster. */
static enum qr_rc advance(struct log_client *c, const struct log_head *head,
                          const struct leaf_checkpoint *base, bool *again, struct qr_err *err)
{
    enum qr_rc rc = QR_OK;
    (void)pthread_mutex_lock(&c->mutex);
    *again = c->seen.size != base->size || !qr_hash_equal(&c->seen.root, &base->root);
    if (!*again && head->at.size > base->size) {
        qr_buf_reset(&c->note);
        qr_buf_put_bytes(&c->note, head->note);
        c->unwritten = true;
        rc = write_anchor(c, false, err);
        if (rc == QR_OK) c->seen = head->at;
        c->grown_us = qr_mono_us(&c->conf.clock);
    }
    if (!*again) c->heard_us = qr_mono_us(&c->conf.clock);
    (void)pthread_mutex_unlock(&c->mutex);
    return rc;
}

/* A consistency proof that came with a checkpoint: from the size that was seen
 * when it was asked for.  A wrong one proves nothing, and we ask. */
struct since {
    uint64_t size;
    size_t n;
    const ProtobufCBinaryData *path;
};

static bool since_proves(const struct since *s, const struct leaf_checkpoint *old,
                         const struct leaf_checkpoint *new)
{
    struct tlog_proof proof;
    struct tlog_head a = as_tlog(old), b = as_tlog(new);
    return s && s->n > 0 && s->size == old->size &&
           take_path(s->n, s->path, &proof, NULL) == QR_OK &&
           tlog_consistency_check(&a, &b, &proof) == TLOG_OK;
}

static enum qr_rc observe(struct log_client *c, const struct log_head *head,
                          const struct since *since, struct qr_err *err)
{
    for (int tries = 0; tries < OBSERVE_TRIES; tries++) {
        (void)pthread_mutex_lock(&c->mutex);
        struct leaf_checkpoint base = c->seen;
        bool forked = c->forked;
        (void)pthread_mutex_unlock(&c->mutex);
        if (forked) return qr_fail(err, QR_FORK, "the log has shown two histories");
        bool newer = head->at.size >= base.size;
        enum qr_rc rc = newer && since_proves(since, &base, &head->at)
                            ? QR_OK
                            : prove(c, newer ? &base : &head->at, newer ? &head->at : &base, err);
        if (!QR_HOLDS(LOG_CONSISTENCY, rc != QR_FALSE)) return fork_found(c, head, &base, err);
        if (rc != QR_OK && rc != QR_FALSE) return rc;
        bool again = false;
        QR_TRY(advance(c, head, &base, &again, err));
        if (!again) return QR_OK;
    }
    return qr_fail(err, QR_UNAVAILABLE, "the log moves too fast to be checked");
}

/* ---- opening ---- */

static enum qr_rc load_anchor(struct log_client *c, struct qr_err *err)
{
    struct qr_buf b;
    struct log_head head;
    qr_buf_init(&b, TLOG_NOTE_MAX);
    enum qr_rc rc = qr_file_read(c->anchor_path, &b, err);
    if (rc == QR_OK && open_note(c, qr_buf_bytes(&b), &head, err) != QR_OK)
        rc = qr_fail(err, QR_MALFORMED, "%s: not a checkpoint of the log that we trust",
                     c->anchor_path);
    if (rc == QR_OK) {
        c->seen = head.at;
        qr_buf_put_bytes(&c->note, qr_buf_bytes(&b));
    }
    qr_buf_fini(&b);
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

enum qr_rc log_client_new(struct log_client **out, const struct log_client_conf *conf,
                          struct qr_err *err)
{
    *out = NULL;
    struct log_client *c = calloc(1, sizeof *c);
    size_t n = strlen(conf->anchor_path) + 1;
    char *path = malloc(n);
    if (!c || !path) qr_fatal("out of memory");
    qr_copy(path, conf->anchor_path, n);
    c->conf = *conf;
    c->anchor_path = path;
    c->conf.anchor_path = path;
    c->written_us = INT64_MIN / 2;
    qr_buf_init(&c->note, TLOG_NOTE_MAX);
    if (pthread_mutex_init(&c->mutex, NULL) != 0) qr_fatal("mutex");
    /* The empty tree is consistent with everything. */
    struct tlog_hash empty;
    tlog_empty_root(&empty);
    qr_copy(c->seen.root.b, empty.b, sizeof empty.b);
    enum qr_rc rc = load_anchor(c, err);
    if (rc != QR_OK) {
        log_client_free(c);
        return rc;
    }
    *out = c;
    return QR_OK;
}

void log_client_free(struct log_client *c)
{
    if (!c) return;
    struct qr_err err = {{0}};
    if (write_anchor(c, true, &err) != QR_OK && c->conf.log)
        qr_log_text(c->conf.log, "log.anchor", "%s", err.text);
    qr_buf_fini(&c->note);
    (void)pthread_mutex_destroy(&c->mutex);
    free(c->anchor_path);
    free(c);
}

struct leaf_checkpoint log_client_seen(struct log_client *c)
{
    (void)pthread_mutex_lock(&c->mutex);
    struct leaf_checkpoint at = c->seen;
    (void)pthread_mutex_unlock(&c->mutex);
    return at;
}

struct log_age log_client_age(struct log_client *c)
{
    (void)pthread_mutex_lock(&c->mutex);
    int64_t now = qr_mono_us(&c->conf.clock);
    struct log_age age = {c->seen.size, c->heard_us ? now - c->heard_us : -1,
                          c->grown_us ? now - c->grown_us : -1};
    (void)pthread_mutex_unlock(&c->mutex);
    return age;
}

enum qr_rc log_client_knows(struct log_client *c, const struct leaf_checkpoint *at,
                            struct qr_err *err)
{
    struct leaf_checkpoint seen = log_client_seen(c);
    if (at->size > seen.size)
        return qr_fail(err, QR_STALE, "a checkpoint of size %llu is not known here yet",
                       (unsigned long long)at->size);
    if (at->size == 0) return qr_fail(err, QR_FALSE, "an empty checkpoint says nothing");
    enum qr_rc rc = prove(c, at, &seen, err);
    if (!QR_HOLDS(LOG_KNOWN, rc != QR_FALSE))
        return qr_fail(err, rc, "the checkpoint is not of this log");
    return rc == QR_FALSE ? QR_OK : rc;
}

/* ---- answers ---- */

/* The reply's memory becomes the answer's. */
static void take_arena(struct log_answer *out, struct rpc_answer *ans)
{
    *out = (struct log_answer){.arena = ans->arena};
    ans->arena = (struct qr_arena){0};
    ans->msg = NULL;
}

/* asked: the size that the request named as seen, 0 for none. */
static enum qr_rc take_head(struct log_client *c, const Quorate__V1__Checkpoint *cp, uint64_t asked,
                            struct log_answer *out, struct qr_err *err)
{
    if (!cp) return qr_fail(err, QR_MALFORMED, "the log's answer has no checkpoint");
    struct since since = {asked, cp->n_consistency, cp->consistency};
    QR_TRY(open_note(c, of_pb(cp->note), &out->head, err));
    out->log_us = cp->log_time_us <= INT64_MAX ? (int64_t)cp->log_time_us : 0;
    if (!QR_HOLDS(LOG_STALE, out->head.at.size >= asked))
        return qr_fail(err, QR_FALSE, "the log has gone back: to size %llu, from %llu",
                       (unsigned long long)out->head.at.size, (unsigned long long)asked);
    return observe(c, &out->head, &since, err);
}

static enum qr_rc take_entry(const Quorate__V1__ProvenEntry *e, const struct log_answer *a,
                             struct log_entry *out, struct qr_err *err)
{
    struct tlog_head head = as_tlog(&a->head.at);
    struct tlog_hash leaf;
    if (!e) return qr_fail(err, QR_MALFORMED, "the log's answer lacks an entry");
    out->index = e->index;
    out->bytes = of_pb(e->entry);
    out->leaf = leaf_hash(out->bytes);
    QR_TRY(take_path(e->n_path, e->path, &out->proof, err));
    qr_copy(leaf.b, out->leaf.b, sizeof leaf.b);
    if (!QR_HOLDS(LOG_INCLUSION,
                  tlog_inclusion_check(e->index, &head, &leaf, &out->proof) == TLOG_OK))
        return qr_fail(err, QR_FALSE, "the log does not prove entry %llu",
                       (unsigned long long)e->index);
    return QR_OK;
}

static enum qr_rc take_entries(size_t n, Quorate__V1__ProvenEntry **list, size_t want,
                               struct log_answer *out, struct qr_err *err)
{
    if (n != want) return qr_fail(err, QR_MALFORMED, "the log answers another number of entries");
    out->entries = qr_arena_alloc(&out->arena, (n ? n : 1) * sizeof *out->entries);
    if (!out->entries) return QR_NOMEM;
    for (size_t i = 0; i < n; i++) QR_TRY(take_entry(list[i], out, &out->entries[i], err));
    out->n = n;
    return QR_OK;
}

/* A verdict about the log's honesty is not a verdict about our request. */
static enum qr_rc finish(enum qr_rc rc, struct log_answer *out)
{
    if (rc != QR_OK) log_answer_fini(out);
    return rc == QR_FALSE || rc == QR_MALFORMED ? QR_FORK : rc;
}

static enum qr_rc call(struct log_client *c, const char *method, const ProtobufCMessage *in,
                       const ProtobufCMessage **msg, struct log_answer *out, struct qr_err *err)
{
    struct rpc_answer ans;
    int64_t asked_us = qr_now_us(&c->conf.clock);
    enum qr_rc rc = ask(c, method, in, &ans, err);
    if (rc != QR_OK) {
        rpc_answer_fini(&ans);
        *out = (struct log_answer){0};
        return rc;
    }
    *msg = ans.msg;
    take_arena(out, &ans);
    out->asked_us = asked_us;
    out->answered_us = qr_now_us(&c->conf.clock);
    return QR_OK;
}

enum qr_rc log_answer_clock(const struct log_answer *a, int64_t limit_us, struct qr_err *err)
{
    if (a->log_us <= 0) return qr_fail(err, QR_UNAVAILABLE, "the log does not say what time it is");
    int64_t ahead = a->asked_us - a->log_us, behind = a->log_us - a->answered_us;
    int64_t apart = ahead > behind ? ahead : behind;
    if (apart <= limit_us) return QR_OK;
    return qr_fail(err, QR_UNAVAILABLE, "the clock here is %lld ms %s the log's",
                   (long long)(apart / 1000), ahead > behind ? "ahead of" : "behind");
}

enum qr_rc log_client_receipt(struct log_client *c, const ProtobufCMessage *receipt,
                              struct log_entry *out, struct qr_err *err)
{
    const Quorate__V1__Receipt *r = (const void *)receipt;
    struct log_answer a = {.n = 0};
    if (!r) return qr_fail(err, QR_MALFORMED, "an answer without a receipt");
    QR_TRY(take_head(c, r->checkpoint, 0, &a, err));
    return take_entry(r->entry, &a, out, err);
}

static enum qr_rc append_one(struct log_client *c, struct qr_bytes entry, struct log_answer *out,
                             struct qr_err *err)
{
    Quorate__V1__AppendRequest in = QUORATE__V1__APPEND_REQUEST__INIT;
    const ProtobufCMessage *msg = NULL;
    in.entry = to_pb(entry);
    in.since = log_client_seen(c).size;
    QR_TRY(call(c, "Append", &in.base, &msg, out, err));
    const Quorate__V1__Receipt *r = (const void *)msg;
    enum qr_rc rc = take_head(c, r->checkpoint, in.since, out, err);
    Quorate__V1__ProvenEntry *list[1] = {r->entry};
    if (rc == QR_OK) rc = take_entries(1, list, 1, out, err);
    return finish(rc, out);
}

static enum qr_rc append_batch(struct log_client *c, const struct qr_bytes *entries, size_t n,
                               struct log_answer *out, struct qr_err *err)
{
    Quorate__V1__AppendBatchRequest in = QUORATE__V1__APPEND_BATCH_REQUEST__INIT;
    const ProtobufCMessage *msg = NULL;
    ProtobufCBinaryData *list = calloc(n, sizeof *list);
    if (!list) return QR_NOMEM;
    for (size_t i = 0; i < n; i++) list[i] = to_pb(entries[i]);
    in.n_entries = n;
    in.entries = list;
    in.since = log_client_seen(c).size;
    enum qr_rc rc = call(c, "AppendBatch", &in.base, &msg, out, err);
    free(list);
    if (rc != QR_OK) return rc;
    const Quorate__V1__ProofsReply *r = (const void *)msg;
    rc = take_head(c, r->checkpoint, in.since, out, err);
    if (rc == QR_OK) rc = take_entries(r->n_entries, r->entries, n, out, err);
    return finish(rc, out);
}

enum qr_rc log_client_append(struct log_client *c, const struct qr_bytes *entries, size_t n,
                             struct log_answer *out, struct qr_err *err)
{
    assert(n >= 1 && n <= QR_MAX_BATCH);
    QR_TRY(n == 1 ? append_one(c, entries[0], out, err) : append_batch(c, entries, n, out, err));
    for (size_t i = 0; i < n; i++) {
        if (QR_HOLDS(LOG_OWN_BYTES, qr_bytes_equal(out->entries[i].bytes, entries[i]))) continue;
        log_answer_fini(out);
        return qr_fail(err, QR_FORK, "the log proves another entry than ours");
    }
    return QR_OK;
}

enum qr_rc log_client_consider(struct log_client *c, struct qr_bytes note, struct qr_err *err)
{
    struct log_head head;
    QR_TRY(open_note(c, note, &head, err));
    return observe(c, &head, NULL, err);
}

enum qr_rc log_client_head(struct log_client *c, struct log_answer *out, struct qr_err *err)
{
    Quorate__V1__CheckpointRequest in = QUORATE__V1__CHECKPOINT_REQUEST__INIT;
    const ProtobufCMessage *msg = NULL;
    in.since = log_client_seen(c).size;
    QR_TRY(call(c, "GetCheckpoint", &in.base, &msg, out, err));
    return finish(take_head(c, (const void *)msg, in.since, out, err), out);
}

static enum qr_rc are_asked(const struct log_answer *a, const uint64_t *indexes, struct qr_err *err)
{
    for (size_t i = 0; i < a->n; i++)
        if (!QR_HOLDS(LOG_INDEX, a->entries[i].index == indexes[i]))
            return qr_fail(err, QR_MALFORMED, "the log answers another entry than asked for");
    return QR_OK;
}

enum qr_rc log_client_proofs(struct log_client *c, const uint64_t *indexes, size_t n,
                             struct log_answer *out, struct qr_err *err)
{
    Quorate__V1__ProofsRequest in = QUORATE__V1__PROOFS_REQUEST__INIT;
    const ProtobufCMessage *msg = NULL;
    assert(n <= MAX_PROOFS);
    in.n_indexes = n;
    in.indexes = (uint64_t *)(uintptr_t)indexes;
    in.since = log_client_seen(c).size;
    QR_TRY(call(c, "GetProofs", &in.base, &msg, out, err));
    const Quorate__V1__ProofsReply *r = (const void *)msg;
    enum qr_rc rc = take_head(c, r->checkpoint, in.since, out, err);
    if (rc == QR_OK) rc = take_entries(r->n_entries, r->entries, n, out, err);
    return finish(rc == QR_OK ? are_asked(out, indexes, err) : rc, out);
}

static void fill_query(const struct log_query *q, Quorate__V1__FindRequest *in)
{
    ProtobufCBinaryData hash = {0};
    if (q->hash) hash = to_pb(QR_BYTES_OF(q->hash->b));
    char *text = (char *)(uintptr_t)(q->text ? q->text : "");
    switch (q->by) {
    case LOG_FIND_SESSION: in->session = text; break;
    case LOG_FIND_ARTIFACT: in->artifact_sha256 = hash; break;
    case LOG_FIND_COMMITMENT: in->commitment = hash; break;
    case LOG_FIND_POLICY: in->policy_hash = hash; break;
    case LOG_FIND_CERTIFICATE: in->certificate = hash; break;
    case LOG_FIND_LEAF: in->leaf_hash = hash; break;
    case LOG_FIND_AUTHOR_EVENT: in->author_event = text; break;
    }
}

/* What a Find answered in full. */
static enum qr_rc take_found(struct log_client *c, const Quorate__V1__FindReply *r, uint64_t since,
                             struct log_answer *out, struct qr_err *err)
{
    enum qr_rc rc = take_head(c, r->checkpoint, since, out, err);
    if (rc == QR_OK) rc = take_entries(r->n_entries, r->entries, r->n_indexes, out, err);
    out->found_at = out->head.at.size;
    return finish(rc == QR_OK ? are_asked(out, r->indexes, err) : rc, out);
}

enum qr_rc log_client_find(struct log_client *c, const struct log_query *q, struct log_answer *out,
                           struct qr_err *err)
{
    Quorate__V1__FindRequest in = QUORATE__V1__FIND_REQUEST__INIT;
    const ProtobufCMessage *msg = NULL;
    fill_query(q, &in);
    in.since = log_client_seen(c).size;
    QR_TRY(call(c, "Find", &in.base, &msg, out, err));
    const Quorate__V1__FindReply *r = (const void *)msg;
    if (r->n_indexes > MAX_PROOFS) {
        log_answer_fini(out);
        return qr_fail(err, QR_MALFORMED, "the log answers too many entries");
    }
    if (r->n_entries == r->n_indexes) return take_found(c, r, in.since, out, err);
    struct log_answer indexes = *out; /* r lies in it */
    enum qr_rc rc = take_head(c, r->checkpoint, in.since, &indexes, err);
    rc = rc == QR_OK ? log_client_proofs(c, r->indexes, r->n_indexes, out, err) : finish(rc, out);
    if (rc == QR_OK) out->found_at = indexes.head.at.size;
    log_answer_fini(&indexes);
    return rc;
}

/* ---- replay ---- */

struct replay {
    struct tlog_frontier f;
    log_each *each;
    void *ctx;
    struct qr_err *err;
};

static enum qr_rc replay_one(void *ctx, uint64_t index, struct qr_bytes entry)
{
    struct replay *r = ctx;
    struct qr_hash leaf = leaf_hash(entry);
    struct tlog_hash h;
    if (index != r->f.size) return qr_fail(r->err, QR_FORK, "the log leaves out entries");
    qr_copy(h.b, leaf.b, sizeof h.b);
    if (tlog_frontier_add(&r->f, &h) != TLOG_OK) return QR_RANGE;
    return r->each(r->ctx, index, entry);
}

enum qr_rc log_client_replay(struct log_client *c, struct tlog_frontier *frontier, log_each *each,
                             void *ctx, struct qr_err *err)
{
    struct log_answer head;
    struct replay r = {*frontier, each, ctx, err};
    QR_TRY(log_client_head(c, &head, err));
    struct leaf_checkpoint at = head.head.at;
    log_answer_fini(&head);
    if (at.size < r.f.size) return qr_fail(err, QR_FORK, "the log has become shorter");
    if (at.size > r.f.size)
        QR_TRY(c->conf.stream(c->conf.ctx, r.f.size, at.size, replay_one, &r, err));
    if (r.f.size != at.size) return qr_fail(err, QR_UNAVAILABLE, "the log's stream ended early");
    struct tlog_head got;
    tlog_frontier_head(&r.f, &got);
    if (!QR_HOLDS(LOG_REPLAY, qr_equal_ct(got.root.b, at.root.b, sizeof at.root.b)))
        return qr_fail(err, QR_FORK, "the log's entries do not lead to its checkpoint");
    *frontier = r.f;
    return QR_OK;
}
