/* service.c - the log service.
 *
 * A handler parses and judges on its own thread; the log's writer only compares
 * times.  Every answer is of one published checkpoint. */
#include "tlogd/service.h"

#include "base/limits.h"
#include "service/receipt.h"
#include "tlog/qr.h"
#include "tlogd/admission.h"
#include "tlogd/find.h"
#include "tlogd/web.h"
#include "tlogd/witness.h"
#include "trust/trust_dir.h"

#include "quorate/v1/log.pb-c.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INDEXES FIND_MAX
#define MAX_ANSWER_BYTES ((size_t)3 * 1024 * 1024)
#define START_CHUNK 1024
#define READERS_MAX 64
#define READERS_PER_NODE 2

struct tlogd {
    Quorate__V1__Log_Service rpc; /* first: handlers get a pointer to it */
    struct service *s;
    struct qr_signer note_key;
    struct tlog_vkey vkey;
    struct tlog_log *log;
    struct witnesses *witnesses; /* NULL: no policy names any */
    int64_t wait_us;             /* how long an append waits for them; 0: not at all */
    struct head_note at_open;    /* before any witness was asked */
    struct service_path witnessed;
    atomic_int_least64_t grown_us; /* when an entry was appended last */
    struct admission admission;
    pthread_mutex_t own_mutex; /* entries of our own, in order of time */
    int64_t own_last_us;
    pthread_mutex_t readers_mutex; /* both below */
    size_t reader_count;
    char readers[READERS_MAX][RPC_MAX_NODE + 1]; /* nodes that GetEntries is sending to */
};

static struct tlogd *of(Quorate__V1__Log_Service *rpc) { return (struct tlogd *)rpc; }

/* ---- what libtlog asks of us ---- */

static enum tlog_rc sign_note(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    struct tlogd *d = ctx;
    struct qr_sig out;
    qr_sign(&d->note_key, qr_of_tlog(msg), &out);
    qr_copy(sig, out.b, TLOG_SIG_SIZE);
    return TLOG_OK;
}

static int64_t wall(void *ctx) { return qr_now_us(&((struct tlogd *)ctx)->s->clock); }

static enum tlog_rc admit(void *ctx, const struct tlog_candidate *c, struct tlog_err *err)
{
    struct tlogd *d = ctx;
    struct qr_err e = {{0}};
    if (admission_time(d->admission.clock, c->index, qr_of_tlog(c->entry), c->now_us, &e) == QR_OK)
        return TLOG_OK;
    qr_copy(err->text, e.text, sizeof e.text);
    return TLOG_REFUSED;
}

static void settle(void *ctx, uint64_t from, uint64_t to, bool kept)
{
    struct tlogd *d = ctx;
    if (kept && to > from) atomic_store(&d->grown_us, qr_now_us(&d->s->clock));
    admission_clock_settle(d->admission.clock, from, kept);
}

static void fatal(void *ctx, enum tlog_rc rc, const char *text)
{
    service_fatal(((struct tlogd *)ctx)->s, tlog_to_qr(rc, NULL, NULL), text);
}

/* Only the time is judged inside the log. */
static enum qr_rc result(enum tlog_rc rc, const struct tlog_err *detail, struct qr_err *err)
{
    enum qr_rc out = tlog_to_qr(rc, detail, err);
    return out == QR_POLICY ? QR_STALE : out;
}

/* ---- opening ---- */

static enum qr_rc load_note_key(struct tlogd *d, struct tlog_vkey *vkey, struct qr_err *err)
{
    const struct trust_dir *t = d->s->trust;
    struct service_path path = path_in2(d->s->state, LAYOUT_TLOGD, LAYOUT_NOTE_KEY);
    QR_TRY(service_key_load(d->s, path.s, &d->note_key, err));
    if (tlog_vkey_make(t->origin, d->note_key.pub.b, vkey) != TLOG_OK)
        return qr_fail(err, QR_MALFORMED, "the log's origin is not a key name");
    for (size_t i = 0; i < t->log_key_count; i++) {
        const struct tlog_vkey *k = &t->log_keys[i].vkey;
        if (k->id == vkey->id && qr_equal_ct(k->pub, vkey->pub, sizeof k->pub)) return QR_OK;
    }
    return qr_fail(err, QR_POLICY, "%s: the trust directory names another key of the log", path.s);
}

static enum qr_rc configure(struct tlogd *d, struct service_path *path, struct tlog_config *cfg,
                            struct qr_err *err)
{
    *path = path_in2(d->s->state, LAYOUT_TLOGD, LAYOUT_LOG_DB);
    *cfg = (struct tlog_config){.path = path->s,
                                .signer = {.sign = sign_note, .ctx = d},
                                .now_us = wall,
                                .admit = admit,
                                .settle = settle,
                                .fatal = fatal,
                                .ctx = d,
                                .index_hashes = true};
    return load_note_key(d, &cfg->signer.key, err);
}

enum qr_rc tlogd_create(struct service *s, struct qr_err *err)
{
    struct tlogd *d = calloc(1, sizeof *d);
    struct service_path path;
    struct tlog_config cfg;
    struct tlog_err terr = {{0}};
    if (!d) return QR_NOMEM;
    d->s = s;
    enum qr_rc rc = configure(d, &path, &cfg, err);
    if (rc == QR_OK) rc = result(tlog_create(&cfg, &terr), &terr, err);
    qr_signer_fini(&d->note_key);
    free(d);
    return rc;
}

/* Goes back through the log until no entry can matter any more: an entry now
 * may be no older than the skew, and all times are within it of log order. */
struct recent {
    struct tlogd *d;
    int64_t oldest_us;
};

static enum tlog_rc note_recent(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    struct recent *r = ctx;
    struct leaf_entry e;
    (void)index;
    if (leaf_parse(qr_of_tlog(entry), &e, NULL) != QR_OK) return TLOG_CORRUPT;
    admission_clock_note(r->d->admission.clock, &e);
    if (e.time_us < r->oldest_us) r->oldest_us = e.time_us;
    leaf_fini(&e);
    return TLOG_OK;
}

static enum qr_rc load_times(struct tlogd *d, struct qr_err *err)
{
    struct tlog_signed at;
    struct tlog_err terr = {{0}};
    tlog_latest(d->log, &at);
    int64_t enough = qr_now_us(&d->s->clock) - 4 * QR_MAX_TIME_SKEW_US;
    for (uint64_t to = at.head.size; to > 0;) {
        uint64_t from = to > START_CHUNK ? to - START_CHUNK : 0;
        struct recent r = {d, INT64_MAX};
        QR_TRY(result(tlog_entries(d->log, from, to, note_recent, &r, &terr), &terr, err));
        if (r.oldest_us < enough) break;
        to = from;
    }
    return QR_OK;
}

static void plain(const struct tlog_signed *is, struct head_note *out);

static void behind(void *ctx, const char *text) { service_fatal(ctx, QR_FORK, text); }

static enum qr_rc open_witnesses(struct tlogd *d, struct qr_err *err)
{
    struct tlog_signed now;
    struct service_path file = path_in2(d->s->state, LAYOUT_TLOGD, LAYOUT_LOG_WITNESSED);
    struct witnesses_conf conf = {.policy = qr_config_str(d->s->config, "TLOG_WITNESS_POLICY"),
                                  .file = d->witnessed.s,
                                  .log = d->log,
                                  .key = &d->vkey,
                                  .clock = d->s->clock,
                                  .lines = &d->s->log,
                                  .behind = behind,
                                  .ctx = d->s};
    d->witnessed = file;
    d->wait_us = 1000 * qr_config_int(d->s->config, "TLOG_WITNESS_WAIT_MS", 0);
    tlog_latest(d->log, &now);
    plain(&now, &d->at_open);
    if (conf.policy) return witnesses_new(&d->witnesses, &conf, err);
    if (d->wait_us == 0) return QR_OK;
    return qr_fail(err, QR_USAGE, "TLOG_WITNESS_WAIT_MS needs TLOG_WITNESS_POLICY");
}

enum qr_rc tlogd_open(struct service *s, struct qr_err *err)
{
    struct tlogd *d = calloc(1, sizeof *d);
    struct service_path path;
    struct tlog_config cfg;
    struct tlog_err terr = {{0}};
    if (!d) return QR_NOMEM;
    s->self = d;
    d->s = s;
    if (pthread_mutex_init(&d->own_mutex, NULL) != 0 ||
        pthread_mutex_init(&d->readers_mutex, NULL) != 0)
        qr_fatal("mutex");
    QR_TRY(admission_init(&d->admission, s->trust, err));
    QR_TRY(configure(d, &path, &cfg, err));
    d->vkey = cfg.signer.key;
    atomic_store(&d->grown_us, qr_now_us(&s->clock));
    enum tlog_rc rc = tlog_open(&cfg, &d->log, &terr);
    if (rc == TLOG_NOTFOUND)
        return qr_fail(err, QR_NOTFOUND, "%s: no log there; --init makes one", path.s);
    /* The exit code of a newer schema is the same for all daemons. */
    if (rc == TLOG_VERSION) return qr_fail(err, QR_STALE, "%s", terr.text);
    QR_TRY(result(rc, &terr, err));
    QR_TRY(load_times(d, err));
    return open_witnesses(d, err);
}

void tlogd_close(struct service *s)
{
    struct tlogd *d = s->self;
    if (!d) return;
    witnesses_free(d->witnesses);
    tlog_close(d->log);
    qr_signer_fini(&d->note_key);
    admission_fini(&d->admission);
    (void)pthread_mutex_destroy(&d->own_mutex);
    (void)pthread_mutex_destroy(&d->readers_mutex);
    free(d);
    s->self = NULL;
}

/* ---- appending ---- */

static void take_receipt(const struct tlog_receipt *r, struct qr_bytes entry, struct log_entry *out)
{
    out->index = r->index;
    out->bytes = entry;
    qr_copy(out->leaf.b, r->leaf.b, sizeof out->leaf.b);
    out->proof = r->proof;
}

static void take_head(const struct head_note *cp, struct log_answer *out)
{
    out->head.note = QR_BYTES(cp->text, cp->n);
    out->head.at.size = cp->head.size;
    qr_copy(out->head.at.root.b, cp->head.root.b, sizeof cp->head.root.b);
}

static void plain(const struct tlog_signed *is, struct head_note *out)
{
    out->head = is->head;
    out->n = is->n;
    qr_copy(out->text, is->text, is->n);
}

/* The checkpoint that answers are for: the newest, cosigned when it is by now;
 * where appends wait for witnesses, the newest that has their quorum.  It never
 * becomes smaller. */
static void shown(struct tlogd *d, struct head_note *out)
{
    struct tlog_signed now;
    if (d->witnesses && d->wait_us > 0) {
        witnesses_latest(d->witnesses, out);
        if (out->n == 0 || out->head.size < d->at_open.head.size) *out = d->at_open;
        return;
    }
    tlog_latest(d->log, &now);
    if (d->witnesses) witnesses_latest(d->witnesses, out);
    if (!d->witnesses || out->n == 0 || out->head.size != now.head.size) plain(&now, out);
}

/* Has entries witnessed before they are acknowledged, where that is configured;
 * their proofs are then for the cosigned checkpoint. */
static enum qr_rc witnessed(struct tlogd *d, struct log_entry *e, size_t n, struct head_note *cp,
                            struct qr_err *err)
{
    uint64_t need = 0;
    struct tlog_err terr = {{0}};
    if (!d->witnesses) return QR_OK;
    if (d->wait_us == 0) {
        witnesses_wake(d->witnesses);
        return QR_OK;
    }
    for (size_t i = 0; i < n; i++)
        if (e[i].index >= need) need = e[i].index + 1;
    if (need < d->at_open.head.size) need = d->at_open.head.size;
    QR_TRY(witnesses_wait(d->witnesses, need, d->wait_us, cp, err));
    for (size_t i = 0; i < n; i++)
        QR_TRY(result(tlog_inclusion(d->log, e[i].index, cp->head.size, &e[i].proof, &terr), &terr,
                      err));
    return QR_OK;
}

/* A checkpoint as a message, with what it borrows from. */
struct head_msg {
    Quorate__V1__Checkpoint msg;
    struct tlog_proof proof;
    ProtobufCBinaryData path[TLOG_PROOF_MAX];
};

/* A size that proves nothing, or is not ours, gives no path; whoever needs one
 * asks for it and hears why. */
static void fill_head(struct tlogd *d, const struct head_note *cp, uint64_t since,
                      struct head_msg *h)
{
    struct tlog_err ignored = {{0}};
    quorate__v1__checkpoint__init(&h->msg);
    h->msg.note = receipt_bytes(QR_BYTES(cp->text, cp->n));
    h->msg.log_time_us = (uint64_t)qr_now_us(&d->s->clock);
    if (since == 0 || since >= cp->head.size ||
        tlog_consistency(d->log, since, cp->head.size, &h->proof, &ignored) != TLOG_OK)
        return;
    for (size_t i = 0; i < h->proof.n; i++)
        h->path[i] = receipt_bytes(QR_BYTES_OF(h->proof.h[i].b));
    h->msg.n_consistency = h->proof.n;
    h->msg.consistency = h->path;
}

static enum qr_rc append_one(struct tlogd *d, struct qr_bytes entry, struct log_entry *e,
                             struct head_note *cp, struct qr_err *err)
{
    struct admission_entry a;
    struct tlog_receipt receipt;
    struct tlog_signed is;
    struct tlog_err terr = {{0}};
    QR_TRY(admission_judge(&d->admission, entry, &a, err));
    struct tlog_entry t = {.data = tlog_of_qr(entry),
                           .key = tlog_of_qr(qr_str(a.key)),
                           .tags = a.tags,
                           .tag_count = a.tag_count};
    QR_TRY(result(tlog_append(d->log, &t, &receipt, &is, &terr), &terr, err));
    take_receipt(&receipt, entry, e);
    plain(&is, cp);
    return QR_OK;
}

static void append(Quorate__V1__Log_Service *rpc, const Quorate__V1__AppendRequest *in,
                   Quorate__V1__Receipt_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct log_entry e;
    struct log_answer a = {.n = 1, .entries = &e};
    struct head_note cp;
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    enum qr_rc rc = append_one(d, QR_BYTES(in->entry.data, in->entry.len), &e, &cp, &err);
    if (rc == QR_OK) rc = witnessed(d, &e, 1, &cp, &err);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    struct receipt r;
    struct head_msg head;
    take_head(&cp, &a);
    receipt_fill(&r, &a, 0);
    fill_head(d, &cp, in->since, &head);
    r.msg.checkpoint = &head.msg;
    if (rpc_send(call, &r.msg.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

/* Everything a batch needs, in the call's arena. */
struct batch {
    size_t n;
    struct admission_entry *judged;
    struct tlog_entry *entries;
    struct tlog_receipt *receipts;
    struct head_note cp;
};

static enum qr_rc judge_batch(struct tlogd *d, const Quorate__V1__AppendBatchRequest *in,
                              struct qr_arena *arena, struct batch *b, struct qr_err *err)
{
    b->n = in->n_entries;
    if (b->n == 0 || b->n > QR_MAX_BATCH)
        return qr_fail(err, QR_RANGE, "a batch has 1 to %d entries", QR_MAX_BATCH);
    b->judged = qr_arena_alloc(arena, b->n * sizeof *b->judged);
    b->entries = qr_arena_alloc(arena, b->n * sizeof *b->entries);
    b->receipts = qr_arena_alloc(arena, b->n * sizeof *b->receipts);
    if (!b->judged || !b->entries || !b->receipts) return QR_NOMEM;
    for (size_t i = 0; i < b->n; i++) {
        struct qr_bytes e = QR_BYTES(in->entries[i].data, in->entries[i].len);
        QR_TRY(admission_judge(&d->admission, e, &b->judged[i], err));
        b->entries[i] = (struct tlog_entry){.data = tlog_of_qr(e),
                                            .key = tlog_of_qr(qr_str(b->judged[i].key)),
                                            .tags = b->judged[i].tags,
                                            .tag_count = b->judged[i].tag_count};
    }
    struct tlog_err terr = {{0}};
    struct tlog_signed is;
    QR_TRY(
        result(tlog_append_batch(d->log, b->entries, b->n, b->receipts, &is, &terr), &terr, err));
    plain(&is, &b->cp);
    return QR_OK;
}

/* Entries with proofs as messages, which borrow from the arena; NULL: no
 * memory. */
static Quorate__V1__ProvenEntry **entry_msgs(struct qr_arena *arena, const struct log_answer *a)
{
    struct receipt *r = qr_arena_alloc(arena, (a->n + 1) * sizeof *r);
    Quorate__V1__ProvenEntry **list = qr_arena_alloc(arena, (a->n + 1) * sizeof *list);
    for (size_t i = 0; r && list && i < a->n; i++) {
        receipt_fill(&r[i], a, i);
        list[i] = &r[i].entry;
    }
    return r ? list : NULL;
}

static void reply_proofs(struct rpc_call *call, const struct log_answer *a, struct head_msg *head)
{
    Quorate__V1__ProofsReply out = QUORATE__V1__PROOFS_REPLY__INIT;
    out.checkpoint = &head->msg;
    out.n_entries = a->n;
    out.entries = entry_msgs(rpc_call_arena(call), a);
    if (!out.entries)
        rpc_fail(call, QR_NOMEM, NULL);
    else if (rpc_send(call, &out.base) != QR_OK)
        rpc_fail(call, QR_CANCELLED, NULL);
}

static void append_batch(Quorate__V1__Log_Service *rpc, const Quorate__V1__AppendBatchRequest *in,
                         Quorate__V1__ProofsReply_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct batch b;
    struct log_answer a = {.n = 0};
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    enum qr_rc rc = judge_batch(d, in, rpc_call_arena(call), &b, &err);
    if (rc == QR_OK) {
        a.n = b.n;
        a.entries = qr_arena_alloc(rpc_call_arena(call), b.n * sizeof *a.entries);
        if (!a.entries) rc = QR_NOMEM;
    }
    for (size_t i = 0; rc == QR_OK && i < b.n; i++)
        take_receipt(&b.receipts[i], qr_of_tlog(b.entries[i].data), &a.entries[i]);
    if (rc == QR_OK) rc = witnessed(d, a.entries, a.n, &b.cp, &err);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    struct head_msg head;
    take_head(&b.cp, &a);
    fill_head(d, &b.cp, in->since, &head);
    reply_proofs(call, &a, &head);
}

enum qr_rc tlogd_log_own(struct service *s, enum leaf_kind kind, const json_t *body,
                         struct qr_err *err)
{
    struct tlogd *d = s->self;
    char event_id[QR_ULID_LEN + 1];
    struct log_entry e;
    struct head_note cp;
    struct qr_buf entry;
    qr_buf_init(&entry, QR_MAX_ENTRY);
    (void)pthread_mutex_lock(&d->own_mutex);
    int64_t now = qr_now_us(&s->clock);
    now = now > d->own_last_us ? now : d->own_last_us + 1;
    qr_ulid(&s->rand, now, event_id);
    struct leaf_draft draft = {kind, LEAF_TLOGD, event_id, now, s->classes, body};
    enum qr_rc rc = leaf_sign(&draft, &s->entry_key, &entry);
    if (rc == QR_OK) rc = append_one(d, qr_buf_bytes(&entry), &e, &cp, err);
    if (rc == QR_OK) d->own_last_us = now;
    if (rc == QR_OK && d->witnesses) witnesses_wake(d->witnesses);
    (void)pthread_mutex_unlock(&d->own_mutex);
    qr_buf_fini(&entry);
    return rc;
}

/* ---- reading ---- */

static void get_checkpoint(Quorate__V1__Log_Service *rpc, const Quorate__V1__CheckpointRequest *in,
                           Quorate__V1__Checkpoint_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct head_note cp;
    struct head_msg head;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    shown(d, &cp);
    fill_head(d, &cp, in->since, &head);
    if (rpc_send(call, &head.msg.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

struct one_entry {
    struct qr_arena *arena;
    struct qr_bytes bytes;
};

static enum tlog_rc copy_entry(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    struct one_entry *o = ctx;
    (void)index;
    o->bytes = qr_arena_dup(o->arena, qr_of_tlog(entry));
    return o->bytes.p ? TLOG_OK : TLOG_NOMEM;
}

/* Entry and proof to the tree of that size. */
static enum qr_rc prove(struct tlogd *d, uint64_t index, uint64_t size, struct qr_arena *arena,
                        struct log_entry *out, struct qr_err *err)
{
    struct one_entry one = {arena, QR_BYTES_NONE};
    struct tlog_err terr = {{0}};
    if (index >= size)
        return qr_fail(err, QR_RANGE, "the log has %llu entries", (unsigned long long)size);
    QR_TRY(result(tlog_entries(d->log, index, index + 1, copy_entry, &one, &terr), &terr, err));
    QR_TRY(result(tlog_inclusion(d->log, index, size, &out->proof, &terr), &terr, err));
    out->index = index;
    out->bytes = one.bytes;
    out->leaf = leaf_hash(one.bytes);
    return QR_OK;
}

static void get_inclusion_proof(Quorate__V1__Log_Service *rpc,
                                const Quorate__V1__InclusionRequest *in,
                                Quorate__V1__Receipt_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct log_entry e;
    struct log_answer a = {.n = 1, .entries = &e};
    struct head_note cp;
    struct receipt r;
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    shown(d, &cp);
    uint64_t size = in->tree_size ? in->tree_size : cp.head.size;
    enum qr_rc rc = size > cp.head.size ? QR_RANGE : QR_OK;
    if (rc == QR_OK) rc = prove(d, in->index, size, rpc_call_arena(call), &e, &err);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    take_head(&cp, &a);
    receipt_fill(&r, &a, 0);
    /* Only the current tree has a signed checkpoint. */
    if (size != cp.head.size) r.msg.checkpoint = NULL;
    if (rpc_send(call, &r.msg.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

static void get_consistency_proof(Quorate__V1__Log_Service *rpc,
                                  const Quorate__V1__ConsistencyRequest *in,
                                  Quorate__V1__ConsistencyReply_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct head_note cp;
    struct tlog_proof proof = {0};
    struct tlog_err terr = {{0}};
    struct qr_err err = {{0}};
    ProtobufCBinaryData path[TLOG_PROOF_MAX];
    Quorate__V1__ConsistencyReply out = QUORATE__V1__CONSISTENCY_REPLY__INIT;
    Quorate__V1__Checkpoint note = QUORATE__V1__CHECKPOINT__INIT;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    shown(d, &cp);
    uint64_t second = in->second ? in->second : cp.head.size;
    enum qr_rc rc =
        second > cp.head.size
            ? qr_fail(&err, QR_RANGE, "the log is not that long yet")
            : result(tlog_consistency(d->log, in->first, second, &proof, &terr), &terr, &err);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    for (size_t i = 0; i < proof.n; i++) path[i] = receipt_bytes(QR_BYTES_OF(proof.h[i].b));
    out.n_path = proof.n;
    out.path = path;
    out.second = second;
    note.note = receipt_bytes(QR_BYTES(cp.text, cp.n));
    if (second == cp.head.size) out.checkpoint = &note;
    if (rpc_send(call, &out.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

/* a->n indexes, with proofs to the tree of cp. */
static enum qr_rc prove_all(struct tlogd *d, const uint64_t *indexes, const struct head_note *cp,
                            struct qr_arena *arena, struct log_answer *a, struct qr_err *err)
{
    size_t bytes = 0, n = a->n;
    a->entries = qr_arena_alloc(arena, (n + 1) * sizeof *a->entries);
    if (!a->entries) return QR_NOMEM;
    for (a->n = 0; a->n < n; a->n++) {
        struct log_entry *e = &a->entries[a->n];
        QR_TRY(prove(d, indexes[a->n], cp->head.size, arena, e, err));
        bytes += e->bytes.n + e->proof.n * 34;
        if (bytes > MAX_ANSWER_BYTES)
            return qr_fail(err, QR_EXHAUSTED, "the answer would be too large; ask for fewer");
    }
    return QR_OK;
}

static void get_proofs(Quorate__V1__Log_Service *rpc, const Quorate__V1__ProofsRequest *in,
                       Quorate__V1__ProofsReply_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct head_note cp;
    struct log_answer a = {.n = in->n_indexes};
    struct head_msg head;
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    shown(d, &cp);
    enum qr_rc rc = in->n_indexes <= MAX_INDEXES
                        ? prove_all(d, in->indexes, &cp, rpc_call_arena(call), &a, &err)
                        : qr_fail(&err, QR_RANGE, "at most %d entries at once", MAX_INDEXES);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    take_head(&cp, &a);
    fill_head(d, &cp, in->since, &head);
    reply_proofs(call, &a, &head);
}

/* A reader holds a worker for as long as it is slow: one worker always stays
 * for everybody else, and no node has more than its share of the others. */
static bool reader_enter(struct tlogd *d, const char *node)
{
    size_t workers = (size_t)rpc_server_workers(d->s->server), of_node = 0;
    size_t room = workers > READERS_MAX ? READERS_MAX : workers > 1 ? workers - 1 : 1;
    (void)pthread_mutex_lock(&d->readers_mutex);
    for (size_t i = 0; i < d->reader_count; i++) of_node += strcmp(d->readers[i], node) == 0;
    bool ok = d->reader_count < room && of_node < READERS_PER_NODE;
    if (ok) (void)snprintf(d->readers[d->reader_count++], sizeof d->readers[0], "%s", node);
    (void)pthread_mutex_unlock(&d->readers_mutex);
    return ok;
}

static void reader_leave(struct tlogd *d, const char *node)
{
    (void)pthread_mutex_lock(&d->readers_mutex);
    size_t i = 0;
    while (strcmp(d->readers[i], node) != 0) i++; /* it entered */
    size_t last = --d->reader_count;
    if (i < last) qr_copy(d->readers[i], d->readers[last], sizeof d->readers[0]);
    (void)pthread_mutex_unlock(&d->readers_mutex);
}

static enum tlog_rc send_entry(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    Quorate__V1__ProvenEntry out = QUORATE__V1__PROVEN_ENTRY__INIT;
    out.index = index;
    out.entry = receipt_bytes(qr_of_tlog(entry));
    return rpc_send_wait(ctx, &out.base) == QR_OK ? TLOG_OK : TLOG_STATE;
}

static void get_entries(Quorate__V1__Log_Service *rpc, const Quorate__V1__EntriesRequest *in,
                        Quorate__V1__StreamFrame_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct head_note cp;
    struct tlog_err terr = {{0}};
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    shown(d, &cp);
    uint64_t to = in->to ? in->to : cp.head.size;
    if (to > cp.head.size || in->from > to) {
        rpc_fail(call, QR_RANGE, "no such entries");
        return;
    }
    if (in->from == to) return;
    const char *node = rpc_call_caller(call)->node;
    if (!reader_enter(d, node)) {
        rpc_fail(call, QR_EXHAUSTED, "too many readers of the log; try again");
        return;
    }
    enum qr_rc rc =
        result(tlog_entries(d->log, in->from, to, send_entry, call, &terr), &terr, &err);
    reader_leave(d, node);
    if (rc != QR_OK) rpc_fail(call, rpc_call_gone(call) ? QR_CANCELLED : rc, err.text);
}

static void find(Quorate__V1__Log_Service *rpc, const Quorate__V1__FindRequest *in,
                 Quorate__V1__FindReply_Closure closure, void *call)
{
    struct tlogd *d = of(rpc);
    struct qr_err err = {{0}};
    struct head_note cp;
    struct head_msg head;
    struct log_answer a;
    Quorate__V1__FindReply out = QUORATE__V1__FIND_REPLY__INIT;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    struct found *f = qr_arena_alloc(rpc_call_arena(call), sizeof *f);
    /* The answer is all that the tree of this checkpoint has, and no more. */
    shown(d, &cp);
    enum qr_rc rc = f ? find_entries(d->log, in, f, &err) : QR_NOMEM;
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    while (f->n > 0 && f->index[f->n - 1] >= cp.head.size) f->n--;
    a.n = f->n;
    rc = prove_all(d, f->index, &cp, rpc_call_arena(call), &a, &err);
    if (rc != QR_OK && rc != QR_EXHAUSTED) {
        rpc_fail(call, rc, err.text);
        return;
    }
    fill_head(d, &cp, in->since, &head);
    out.n_indexes = f->n;
    out.indexes = f->index;
    out.checkpoint = &head.msg;
    if (rc == QR_OK) out.entries = entry_msgs(rpc_call_arena(call), &a);
    if (out.entries) out.n_entries = a.n;
    if (rpc_send(call, &out.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

/* ---- our own policy ---- */

struct policy_entry {
    log_each *each;
    void *ctx;
    enum qr_rc rc;
};

static enum tlog_rc show_policy(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    struct policy_entry *p = ctx;
    p->rc = p->each(p->ctx, index, qr_of_tlog(entry));
    return p->rc == QR_OK ? TLOG_OK : TLOG_REFUSED;
}

/* What is shown to others counts for us, and no more. */
enum qr_rc tlogd_find_policy(void *service, const struct qr_hash *hash, log_each *each,
                             void *each_ctx, struct qr_err *err)
{
    struct tlogd *d = ((struct service *)service)->self;
    struct qr_hash wanted = *hash;
    struct head_note cp;
    Quorate__V1__FindRequest in = QUORATE__V1__FIND_REQUEST__INIT;
    in.policy_hash = (ProtobufCBinaryData){sizeof wanted.b, wanted.b};
    struct found *f = calloc(1, sizeof *f);
    if (!f) return qr_fail(err, QR_NOMEM, "out of memory");
    shown(d, &cp);
    enum qr_rc rc = find_entries(d->log, &in, f, err);
    for (size_t i = 0; rc == QR_OK && i < f->n && f->index[i] < cp.head.size; i++) {
        struct policy_entry p = {each, each_ctx, QR_OK};
        struct tlog_err terr = {{0}};
        enum tlog_rc got =
            tlog_entries(d->log, f->index[i], f->index[i] + 1, show_policy, &p, &terr);
        rc = p.rc != QR_OK ? p.rc : result(got, &terr, err);
    }
    free(f);
    return rc;
}

/* ---- for everyone ---- */

void tlogd_web(struct service *s, const struct http_request *in, struct http_reply *reply)
{
    struct tlogd *d = s->self;
    struct head_note cp;
    shown(d, &cp);
    struct web_log w = {d->log, &d->vkey, QR_BYTES(cp.text, cp.n)};
    web_answer(&w, in, reply);
}

void tlogd_metrics(struct service *s, struct qr_buf *out)
{
    struct tlogd *d = s->self;
    struct tlog_signed cp;
    tlog_latest(d->log, &cp);
    int64_t age_us = qr_now_us(&s->clock) - atomic_load(&d->grown_us);
    qr_buf_printf(out, "# TYPE quorate_log_size gauge\nquorate_log_size %" PRIu64 "\n",
                  cp.head.size);
    qr_buf_printf(out,
                  "# TYPE quorate_log_age_seconds gauge\nquorate_log_age_seconds %lld.%06lld\n",
                  (long long)(age_us > 0 ? age_us / 1000000 : 0),
                  (long long)(age_us > 0 ? age_us % 1000000 : 0));
    if (d->witnesses) witnesses_metrics(d->witnesses, out);
}

enum qr_rc tlogd_add(struct service *s, struct qr_err *err)
{
    static const Quorate__V1__Log_Service handlers = {QUORATE__V1__LOG__BASE_INIT,
                                                      .append = append,
                                                      .append_batch = append_batch,
                                                      .get_checkpoint = get_checkpoint,
                                                      .get_inclusion_proof = get_inclusion_proof,
                                                      .get_consistency_proof =
                                                          get_consistency_proof,
                                                      .get_proofs = get_proofs,
                                                      .get_entries = get_entries,
                                                      .find = find};
    static const struct rpc_method methods[] = {{"AppendBatch", 0, QR_MAX_MESSAGE_DKG}};
    struct tlogd *d = s->self;
    d->rpc = handlers;
    return rpc_server_add(s->server, &d->rpc.base, methods, 1, err);
}
