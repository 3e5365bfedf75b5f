/* evil_tlogd.c - the real log daemon, with its note key, that lies.
 *
 * victim=NODE, victim=NODE+: lies to that node, or only to the next attested
 * session that it opens; victim=NODE%: to every other session; without, to
 * everybody.  admits: any author may log any kind.
 *
 * A second tree, complete and signed, which the victim gets instead:
 *   own          one entry more, of tlogd's own, where the lie begins
 *   twin         one other entry of tlogd's own than in the honest one
 *   drop=KIND    without the entries of that kind
 *   freeze       as the log is now, for ever
 *   lose=KIND    appends of that kind go only there, and are acknowledged
 *   stay         once something went there, all else does; the honest one has an
 *                entry of tlogd's own in its place
 * Single answers:
 *   stale=N      GetCheckpoint gives a tree N entries smaller, signed anew
 *   bytes        an append is answered with entry 0 and its proof
 *   index        so is every question for proofs
 *   alter        entries have another digit in their time
 *   noproof      proofs of inclusion are left out
 *   hide=KIND    Find does not find that kind
 *   gap=KIND     a walk shows entry 0 in the place of that kind
 *   conflict=KIND  an append of that kind is refused as a conflict */
#include "adversary/moves.h"
#include "base/limits.h"
#include "service/log_client.h"
#include "service/receipt.h"
#include "service/run.h"
#include "tlog/qr.h"
#include "tlogd/admission.h"
#include "tlogd/service.h"

#include "quorate/v1/log.pb-c.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WRAP(ret, name, args) \
    ret __real_##name args;   \
    ret __wrap_##name args

WRAP(bool, service_admits, (struct service * s, struct rpc_call *call, const char *const *roles));
WRAP(enum qr_rc, rpc_send, (struct rpc_call * call, const ProtobufCMessage *m));
WRAP(enum qr_rc, rpc_send_wait, (struct rpc_call * call, const ProtobufCMessage *m));
WRAP(enum qr_rc, tlogd_log_own,
     (struct service * s, enum leaf_kind kind, const json_t *body, struct qr_err *err));
WRAP(enum tlog_rc, tlog_open,
     (const struct tlog_config *cfg, struct tlog_log **out, struct tlog_err *err));
WRAP(void, tlog_latest, (struct tlog_log * log, struct tlog_signed *out));
WRAP(enum tlog_rc, tlog_append,
     (struct tlog_log * log, const struct tlog_entry *entry, struct tlog_receipt *receipt,
      struct tlog_signed *cp, struct tlog_err *err));
WRAP(enum tlog_rc, tlog_append_batch,
     (struct tlog_log * log, const struct tlog_entry *entries, size_t count,
      struct tlog_receipt *receipts, struct tlog_signed *cp, struct tlog_err *err));
WRAP(enum tlog_rc, tlog_leaf_at,
     (struct tlog_log * log, uint64_t index, struct tlog_hash *out, struct tlog_err *err));
WRAP(enum tlog_rc, tlog_inclusion,
     (struct tlog_log * log, uint64_t index, uint64_t size, struct tlog_proof *out,
      struct tlog_err *err));
WRAP(enum tlog_rc, tlog_consistency,
     (struct tlog_log * log, uint64_t earlier, uint64_t later, struct tlog_proof *out,
      struct tlog_err *err));
WRAP(enum tlog_rc, tlog_entries,
     (struct tlog_log * log, uint64_t from, uint64_t to,
      enum tlog_rc (*each)(void *, uint64_t, struct tlog_bytes), void *ctx, struct tlog_err *err));
WRAP(enum tlog_rc, tlog_find_key,
     (struct tlog_log * log, struct tlog_bytes key, uint64_t *index, struct tlog_err *err));
WRAP(enum tlog_rc, tlog_find_tag,
     (struct tlog_log * log, struct tlog_bytes tag, uint64_t from, uint64_t *indexes, size_t *count,
      struct tlog_err *err));

static struct {
    pthread_mutex_t mutex;
    struct service *s;
    struct tlog_signer note;
    struct tlog_log *log; /* the honest one */
    struct tlog_log *alt; /* what victims are shown */
    uint64_t taken;       /* entries of log that alt has or leaves out */
    uint8_t session[4096][16];
    size_t sessions, old; /* seen; seen before victim=NODE+ was played */
    bool waiting;
} evil = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The call that this thread works on. */
static _Thread_local struct {
    bool victim;
    bool append;   /* an Append or AppendBatch */
    uint64_t size; /* of the checkpoint that it is answered with */
} now;

static void need(bool ok)
{
    if (!ok) abort();
}

/* ---- whom it lies to ---- */

/* Place of an attested session in the order of their first calls. */
static size_t place(const uint8_t id[16])
{
    for (size_t i = 0; i < evil.sessions; i++)
        if (memcmp(evil.session[i], id, 16) == 0) return i;
    need(evil.sessions < sizeof evil.session / sizeof evil.session[0]);
    memcpy(evil.session[evil.sessions], id, 16);
    return evil.sessions++;
}

static bool is_victim(const struct rpc_caller *c)
{
    const char *who = move_value("victim");
    (void)pthread_mutex_lock(&evil.mutex);
    bool next = who && who[0] && who[strlen(who) - 1] == '+';
    bool half = who && who[0] && who[strlen(who) - 1] == '%';
    if (next && !evil.waiting) evil.old = evil.sessions;
    evil.waiting = next;
    size_t n = place(c->session_id), len = strlen(c->node);
    bool ok = !who || (strncmp(who, c->node, len) == 0 && strcmp(who + len, next   ? "+"
                                                                            : half ? "%"
                                                                                   : "") == 0);
    if (half && n % 2 == 0) ok = false;
    if (ok && next) {
        ok = n >= evil.old;
        /* The first one that came: those of others are as before. */
        if (ok && n > evil.old) ok = false;
    } else if (next && n == evil.old) {
        evil.old++;
    }
    (void)pthread_mutex_unlock(&evil.mutex);
    return ok;
}

bool __wrap_service_admits(struct service *s, struct rpc_call *call, const char *const *roles)
{
    memset(&now, 0, sizeof now);
    evil.s = s;
    if (!__real_service_admits(s, call, roles)) return false;
    now.victim = is_victim(rpc_call_caller(call));
    return true;
}

enum qr_rc __wrap_tlogd_log_own(struct service *s, enum leaf_kind kind, const json_t *body,
                                struct qr_err *err)
{
    memset(&now, 0, sizeof now);
    return __real_tlogd_log_own(s, kind, body, err);
}

WRAP(bool, leaf_author_may, (enum leaf_author a, enum leaf_kind k));

bool __wrap_leaf_author_may(enum leaf_author a, enum leaf_kind k)
{
    return move_played("admits") || __real_leaf_author_may(a, k);
}

/* ---- the second tree ---- */

enum tlog_rc __wrap_tlog_open(const struct tlog_config *cfg, struct tlog_log **out,
                              struct tlog_err *err)
{
    enum tlog_rc rc = __real_tlog_open(cfg, out, err);
    evil.note = cfg->signer;
    evil.log = rc == TLOG_OK ? *out : NULL;
    return rc;
}

static bool is_kind(struct qr_bytes entry, const char *kind)
{
    struct leaf_entry e;
    if (!kind || leaf_parse(entry, &e, NULL) != QR_OK) return false;
    bool is = strcmp(leaf_kind_name(e.kind), kind) == 0;
    leaf_fini(&e);
    return is;
}

static enum tlog_rc add_to(struct tlog_log *log, struct qr_bytes entry, struct tlog_receipt *r,
                           struct tlog_signed *cp)
{
    struct admission_entry a;
    need(admission_judge(&(struct admission){.trust = evil.s->trust}, entry, &a, NULL) == QR_OK);
    struct tlog_entry t = {.data = tlog_of_qr(entry),
                           .key = tlog_of_qr(qr_str(a.key)),
                           .tags = a.tags,
                           .tag_count = a.tag_count};
    return __real_tlog_append(log, &t, r, cp, NULL);
}

static enum tlog_rc add_alt(struct qr_bytes entry, struct tlog_receipt *r, struct tlog_signed *cp)
{
    return add_to(evil.alt, entry, r, cp);
}

static enum tlog_rc copy_one(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    struct tlog_receipt r;
    struct tlog_signed cp;
    (void)ctx;
    (void)index;
    if (is_kind(qr_of_tlog(entry), move_value("drop"))) return TLOG_OK;
    return add_alt(qr_of_tlog(entry), &r, &cp);
}

/* To alt, or to the honest one. */
static void add_own(struct tlog_log *log)
{
    char id[QR_ULID_LEN + 1];
    struct tlog_receipt r;
    struct tlog_signed cp;
    struct qr_buf b;
    int64_t us = qr_now_us(&evil.s->clock);
    json_t *body = json_pack("{s:s}", "x", "y");
    qr_ulid(&evil.s->rand, us, id);
    struct leaf_draft d = {LEAF_SERVICE_STARTED, LEAF_TLOGD, id, us, evil.s->classes, body};
    qr_buf_init(&b, QR_MAX_ENTRY);
    need(body && leaf_sign(&d, &evil.s->entry_key, &b) == QR_OK);
    need(add_to(log, qr_buf_bytes(&b), &r, &cp) == TLOG_OK);
    qr_buf_fini(&b);
    json_decref(body);
}

/* Brings alt up to the honest log.  Under the mutex. */
static void follow(void)
{
    struct tlog_signed at;
    bool made = !evil.alt;
    if (made) {
        struct tlog_config cfg = {.signer = evil.note};
        need(__real_tlog_open(&cfg, &evil.alt, NULL) == TLOG_OK);
    } else if (move_played("freeze")) {
        return;
    }
    __real_tlog_latest(evil.log, &at);
    if (at.head.size > evil.taken)
        need(__real_tlog_entries(evil.log, evil.taken, at.head.size, copy_one, NULL, NULL) ==
             TLOG_OK);
    evil.taken = at.head.size;
    if (made && (move_played("own") || move_played("twin"))) add_own(evil.alt);
    if (made && move_played("twin")) {
        add_own(evil.log);
        evil.taken++; /* not for alt */
    }
}

static struct tlog_log *shown(struct tlog_log *log)
{
    if (log != evil.log || !now.victim) return log;
    bool there = move_played("stay") && evil.alt;
    if (!there && !move_played("own") && !move_played("twin") && !move_played("drop") &&
        !move_played("freeze"))
        return log;
    (void)pthread_mutex_lock(&evil.mutex);
    follow();
    (void)pthread_mutex_unlock(&evil.mutex);
    return evil.alt;
}

void __wrap_tlog_latest(struct tlog_log *log, struct tlog_signed *out)
{
    __real_tlog_latest(shown(log), out);
    now.size = out->head.size;
}

enum tlog_rc __wrap_tlog_append(struct tlog_log *log, const struct tlog_entry *entry,
                                struct tlog_receipt *receipt, struct tlog_signed *cp,
                                struct tlog_err *err)
{
    enum tlog_rc rc;
    struct qr_bytes bytes = qr_of_tlog(entry->data);
    now.append = true;
    if (now.victim && is_kind(bytes, move_value("conflict"))) return TLOG_CONFLICT;
    if (now.victim && is_kind(bytes, move_value("lose"))) {
        (void)pthread_mutex_lock(&evil.mutex);
        follow();
        rc = add_alt(bytes, receipt, cp);
        if (move_played("stay")) {
            add_own(evil.log);
            evil.taken++; /* not for alt */
        }
        (void)pthread_mutex_unlock(&evil.mutex);
    } else {
        struct tlog_log *l = shown(log);
        rc = __real_tlog_append(l, entry, receipt, cp, err);
    }
    now.size = cp->head.size;
    return rc;
}

/* One by one: the moves are about single entries. */
enum tlog_rc __wrap_tlog_append_batch(struct tlog_log *log, const struct tlog_entry *entries,
                                      size_t count, struct tlog_receipt *receipts,
                                      struct tlog_signed *cp, struct tlog_err *err)
{
    for (size_t i = 0; now.victim && i < count; i++) {
        struct qr_bytes bytes = qr_of_tlog(entries[i].data);
        /* The sender comes back with each alone. */
        if (is_kind(bytes, move_value("conflict")) || is_kind(bytes, move_value("lose")))
            return TLOG_CONFLICT;
    }
    now.append = true;
    enum tlog_rc rc = __real_tlog_append_batch(shown(log), entries, count, receipts, cp, err);
    now.size = cp->head.size;
    return rc;
}

enum tlog_rc __wrap_tlog_leaf_at(struct tlog_log *log, uint64_t index, struct tlog_hash *out,
                                 struct tlog_err *err)
{
    return __real_tlog_leaf_at(shown(log), index, out, err);
}

enum tlog_rc __wrap_tlog_inclusion(struct tlog_log *log, uint64_t index, uint64_t size,
                                   struct tlog_proof *out, struct tlog_err *err)
{
    return __real_tlog_inclusion(shown(log), index, size, out, err);
}

enum tlog_rc __wrap_tlog_consistency(struct tlog_log *log, uint64_t earlier, uint64_t later,
                                     struct tlog_proof *out, struct tlog_err *err)
{
    return __real_tlog_consistency(shown(log), earlier, later, out, err);
}

enum tlog_rc __wrap_tlog_entries(struct tlog_log *log, uint64_t from, uint64_t to,
                                 enum tlog_rc (*each)(void *, uint64_t, struct tlog_bytes),
                                 void *ctx, struct tlog_err *err)
{
    return __real_tlog_entries(shown(log), from, to, each, ctx, err);
}

enum tlog_rc __wrap_tlog_find_key(struct tlog_log *log, struct tlog_bytes key, uint64_t *index,
                                  struct tlog_err *err)
{
    return __real_tlog_find_key(shown(log), key, index, err);
}

enum tlog_rc __wrap_tlog_find_tag(struct tlog_log *log, struct tlog_bytes tag, uint64_t from,
                                  uint64_t *indexes, size_t *count, struct tlog_err *err)
{
    return __real_tlog_find_tag(shown(log), tag, from, indexes, count, err);
}

/* ---- single answers ---- */

static enum tlog_rc keep_entry(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    (void)index;
    ProtobufCBinaryData *out = ctx;
    out->data = malloc(entry.n); /* never freed: an adversary does not live long */
    need(out->data != NULL);
    memcpy(out->data, entry.p, entry.n);
    out->len = entry.n;
    return TLOG_OK;
}

static void read_entry(uint64_t index, ProtobufCBinaryData *out)
{
    need(tlog_entries(evil.log, index, index + 1, keep_entry, out, NULL) == TLOG_OK);
}

/* Entry 0 of the honest log, proven to the tree of the answer. */
static void put_first(Quorate__V1__ProvenEntry *e)
{
    struct tlog_proof *p = malloc(sizeof *p);
    need(p && __real_tlog_inclusion(evil.log, 0, now.size, p, NULL) == TLOG_OK);
    e->index = 0;
    read_entry(0, &e->entry);
    e->path = calloc(p->n + 1, sizeof *e->path);
    need(e->path != NULL);
    e->n_path = p->n;
    for (size_t i = 0; i < p->n; i++) e->path[i] = (ProtobufCBinaryData){TLOG_HASH_SIZE, p->h[i].b};
}

/* The last digit of its time: ..."time":"2026-01-01T00:00:00.123456Z","v":1} */
static void alter(Quorate__V1__ProvenEntry *e)
{
    ProtobufCBinaryData copy;
    (void)keep_entry(&copy, 0, (struct tlog_bytes){e->entry.data, e->entry.len});
    need(copy.len > 20);
    uint8_t *digit = copy.data + copy.len - sizeof "0Z\",\"v\":1}" + 1;
    *digit = *digit == '1' ? '2' : '1';
    e->entry = copy;
}

static void spoil(Quorate__V1__ProvenEntry *e)
{
    if (!e) return;
    if (move_played(now.append ? "bytes" : "index")) put_first(e);
    if (move_played("alter") && !now.append) alter(e);
    if (move_played("noproof")) e->n_path = 0;
}

static void hide(Quorate__V1__FindReply *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_indexes; i++) {
        ProtobufCBinaryData e;
        read_entry(r->indexes[i], &e);
        bool gone = is_kind(QR_BYTES(e.data, e.len), move_value("hide"));
        free(e.data);
        if (gone) continue;
        if (r->n_entries > 0) r->entries[n] = r->entries[i];
        r->indexes[n++] = r->indexes[i];
    }
    if (r->n_entries > 0) r->n_entries = n;
    r->n_indexes = n;
}

static void go_back(Quorate__V1__Checkpoint *cp)
{
    static _Thread_local char text[TLOG_CHECKPOINT_MAX];
    const char *by = move_value("stale");
    uint64_t n = by ? strtoull(by, NULL, 10) : 0;
    if (n == 0 || now.size <= n) return;
    struct tlog_head head = {.size = now.size - n};
    struct tlog_out out = {.p = text, .room = sizeof text};
    need(tlog_root_at(shown(evil.log), head.size, &head.root, NULL) == TLOG_OK);
    need(tlog_checkpoint_sign(&head, &evil.note, &out) == TLOG_OK);
    cp->note = (ProtobufCBinaryData){out.n, (uint8_t *)text};
}

enum qr_rc __wrap_rpc_send(struct rpc_call *call, const ProtobufCMessage *m)
{
    void *msg = (void *)(uintptr_t)m;
    if (now.victim && m->descriptor == &quorate__v1__checkpoint__descriptor) go_back(msg);
    if (now.victim && m->descriptor == &quorate__v1__receipt__descriptor)
        spoil(((Quorate__V1__Receipt *)msg)->entry);
    if (now.victim && m->descriptor == &quorate__v1__proofs_reply__descriptor) {
        Quorate__V1__ProofsReply *r = msg;
        for (size_t i = 0; i < r->n_entries; i++) spoil(r->entries[i]);
    }
    if (now.victim && m->descriptor == &quorate__v1__find_reply__descriptor) {
        Quorate__V1__FindReply *r = msg;
        hide(r);
        for (size_t i = 0; i < r->n_entries; i++) spoil(r->entries[i]);
    }
    return __real_rpc_send(call, m);
}

enum qr_rc __wrap_rpc_send_wait(struct rpc_call *call, const ProtobufCMessage *m)
{
    Quorate__V1__ProvenEntry *e = (void *)(uintptr_t)m;
    if (now.victim && m->descriptor == &quorate__v1__proven_entry__descriptor &&
        is_kind(QR_BYTES(e->entry.data, e->entry.len), move_value("gap")))
        read_entry(0, &e->entry);
    return __real_rpc_send_wait(call, m);
}
