/* replay.c - entries in groups of up to 256: their leaf hashes go into the tree
 * together, then each entry is judged. */
#include "tools/tlog-verify/feed.h"
#include "tools/tlog-verify/replay.h"

#include <inttypes.h>

#define BUNDLE 256
/* More than these are counted, but not told one by one. */
#define MAX_BREACHES 1000
#define MAX_SIGNINGS 100000

const char replay_repair[] = "--explain names every entry that broke a rule, and the rule";

/* ---- what is found ---- */

static void on_breach(void *ctx, const struct audit_breach *b)
{
    struct replay *r = ctx;
    char text[2 * TRUST_DETAIL_SIZE + 40];
    if (r->told++ >= MAX_BREACHES) return;
    (void)snprintf(text, sizeof text, "entry %" PRIu64 ": %s", b->index, b->text);
    answer_check(r->a, b->rule, false, text);
    if (r->broke_rc == QR_OK) r->broke_rc = qr_fail(&r->broke, b->rc, "%s: %s", b->rule, text);
}

static void set_hex(json_t *o, const char *key, const struct qr_hash *h)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(h->b, QR_SHA256_SIZE, hex);
    qr_json_set_str(o, key, hex);
}

static void on_signing(void *ctx, const struct audit_signing *s)
{
    struct replay *r = ctx;
    char text[QR_TIME_LEN + 1];
    r->signings++;
    if (!r->duties || r->signings > MAX_SIGNINGS) return;
    json_t *o = qr_json_object(), *people = qr_json_array();
    (void)snprintf(text, sizeof text, "%" PRIu64, s->index);
    qr_json_set_str(o, "entry", text);
    qr_time_format(s->time_us, text);
    qr_json_set_str(o, "time", text);
    qr_json_set_str(o, "verdict", s->clean ? "clean" : "broken");
    qr_json_set_str(o, "session", s->request->is.session);
    qr_json_set_str(o, "policy", s->policy->name);
    set_hex(o, "artifact", &s->request->is.artifact.sha256);
    set_hex(o, "requester", &s->request->is.requester);
    for (size_t i = 0; i < s->n; i++) {
        char who[2 * QR_SHA256_SIZE + 16], hex[2 * QR_SHA256_SIZE + 1];
        qr_hex(s->approvals[i].is.commitment.b, QR_SHA256_SIZE, hex);
        if (s->approvals[i].at.index == 0)
            (void)snprintf(who, sizeof who, "missing");
        else
            (void)snprintf(who, sizeof who, "%s:%s", qr_role_name(s->approvals[i].is.role), hex);
        if (json_array_append_new(people, json_string(who)) != 0) qr_fatal("out of memory");
    }
    qr_json_set(o, "approvers", people);
    answer_item(r->a, "signing", o);
}

/* ---- reading ---- */

static enum qr_rc broken_source(struct replay *r, enum tlog_rc rc, const struct tlog_err *err)
{
    return answer_fail(r->a, rc == TLOG_CORRUPT ? QR_FORK : QR_IO, NULL, "%s",
                       err->text[0] ? err->text : tlog_rc_text(rc));
}

enum qr_rc replay_root_at(void *ctx, uint64_t size, struct qr_hash *root)
{
    struct replay *r = ctx;
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX], got;
    struct tlog_err err = {{0}};
    tlog_root_plan(size, &plan);
    enum tlog_rc rc = tlog_source_plan(&r->from, r->head.size, &plan, read, &err);
    if (rc != TLOG_OK) return broken_source(r, rc, &err);
    tlog_plan_root(&plan, read, &got);
    qr_copy(root->b, got.b, QR_SHA256_SIZE);
    return QR_OK;
}

/* The bundle that holds an entry, read into r->room and cut: each entry stands
 * after its length, big-endian (C2SP tlog-tiles).  *width is how many there are. */
static enum tlog_rc read_bundle(struct replay *r, uint64_t index, unsigned *width,
                                struct tlog_bytes entry[BUNDLE], struct tlog_err *err)
{
    uint64_t left = r->head.size - index / BUNDLE * BUNDLE;
    struct tlog_resource res = {
        .entries = true, .index = index / BUNDLE, .width = left < BUNDLE ? (unsigned)left : BUNDLE};
    struct tlog_out out = {(char *)r->room, TLOG_RESOURCE_MAX, 0};
    enum tlog_rc rc = r->from.read(r->from.ctx, &res, &out, err);
    if (rc != TLOG_OK) return rc;
    struct qr_reader in = qr_reader_of(QR_BYTES(r->room, out.n));
    for (unsigned i = 0; i < res.width; i++) {
        struct qr_bytes e = qr_read_bytes(&in, qr_read_be16(&in));
        entry[i] = (struct tlog_bytes){e.p, e.n};
    }
    *width = res.width;
    if (qr_reader_done(&in) == QR_OK) return TLOG_OK;
    (void)snprintf(err->text, sizeof err->text, "a bundle of entries is cut short, or too long");
    return TLOG_CORRUPT;
}

enum qr_rc replay_entry(void *ctx, uint64_t index, struct qr_bytes *entry)
{
    struct replay *r = ctx;
    struct tlog_bytes all[BUNDLE];
    struct tlog_err err = {{0}};
    unsigned width;
    if (index >= r->head.size) return answer_fail(r->a, QR_RANGE, NULL, "no such entry");
    enum tlog_rc rc = read_bundle(r, index, &width, all, &err);
    if (rc != TLOG_OK) return broken_source(r, rc, &err);
    *entry = QR_BYTES(all[index % BUNDLE].p, all[index % BUNDLE].n);
    return QR_OK;
}

/* On another thread: it uses of r only what is read, and r->room. */
static enum tlog_rc on_group(void *ctx, const struct tlog_group *g) { return feed_put(ctx, g); }

static enum tlog_rc source(void *ctx, struct feed *f, struct tlog_err *err)
{
    struct replay *r = ctx;
    struct tlog_bytes entry[BUNDLE];
    unsigned width;
    if (r->log) return tlog_groups(r->log, r->resumed, r->head.size, on_group, f, err);
    for (uint64_t at = r->resumed; at < r->head.size;) {
        unsigned skip = (unsigned)(at % BUNDLE);
        enum tlog_rc rc = read_bundle(r, at, &width, entry, err);
        struct tlog_group g = {at, width - skip, entry + skip};
        if (rc == TLOG_OK) rc = feed_put(f, &g);
        if (rc != TLOG_OK) return rc;
        at += g.n;
    }
    return TLOG_OK;
}

/* Everything from where this run began, a group at a time. */
static enum qr_rc read_all(struct replay *r,
                           enum qr_rc (*take)(struct replay *r, const struct tlog_group *g))
{
    struct tlog_group g;
    struct tlog_err err = {{0}};
    struct feed *f = feed_start(source, r);
    enum qr_rc rc = QR_OK;
    while (rc == QR_OK && feed_next(f, &g)) rc = take(r, &g);
    enum tlog_rc trc = feed_stop(f, &err);
    return rc == QR_OK && trc != TLOG_OK ? broken_source(r, trc, &err) : rc;
}

/* ---- one group ---- */

/* What SHA-256 alone takes for these bytes, in one piece and from the cache. */
static enum qr_rc measure(struct replay *r, const struct tlog_group *g)
{
    qr_buf_reset(&r->flat);
    for (size_t i = 0; i < g->n; i++) qr_buf_put(&r->flat, g->entry[i].p, g->entry[i].n);
    int64_t begun_us = qr_mono_us(&r->pace.clock);
    r->bare = qr_sha256_one(qr_buf_bytes(&r->flat));
    r->floor_us += qr_mono_us(&r->pace.clock) - begun_us;
    r->bytes += r->flat.n;
    return QR_OK;
}

/* Whether an entry is to be judged yet. */
static bool wanted(struct replay_until *u, uint64_t index, const struct tlog_bytes *entry)
{
    struct leaf_entry e;
    if (index > u->index) u->reached = true;
    if (!u->reached && u->time_us != INT64_MAX &&
        leaf_parse(QR_BYTES(entry->p, entry->n), &e, NULL) == QR_OK) {
        u->reached = e.time_us > u->time_us;
        leaf_fini(&e);
    }
    if (!u->reached) u->judged = index + 1;
    return !u->reached;
}

static enum qr_rc take_group(struct replay *r, const struct tlog_group *g)
{
    struct tlog_hash leaf[BUNDLE];
    tlog_leaf_hashes(g->entry, g->n, leaf);
    if (tlog_frontier_add_all(&r->tree, leaf, g->n) != TLOG_OK)
        return answer_fail(r->a, QR_RANGE, NULL, "too many entries");
    for (size_t i = 0; r->audit && i < g->n; i++) {
        if (r->until && !wanted(r->until, g->first + i, &g->entry[i])) break;
        enum qr_rc rc = audit_entry(r->audit, QR_BYTES(g->entry[i].p, g->entry[i].n));
        if (rc != QR_OK) return answer_fail(r->a, rc, NULL, "the replay cannot go on");
    }
    pace_show(&r->pace, r->tree.size, r->head.size);
    return resume_tick(r);
}

/* ---- the whole ---- */

/* What was read is what the checkpoint was signed for. */
static enum qr_rc same_root(struct replay *r)
{
    struct tlog_head is;
    tlog_frontier_head(&r->tree, &is);
    bool same = is.size == r->head.size && tlog_hash_equal(&is.root, &r->head.root);
    answer_check(r->a, "checkpoint.root", same, "the entries replayed make the signed root");
    return same ? QR_OK
                : answer_fail(r->a, QR_FORK, NULL, "the entries are not those of the checkpoint");
}

static enum qr_rc judged(struct replay *r)
{
    if (!r->audit) return QR_OK;
    if (audit_finish(r->audit) != QR_OK)
        return answer_fail(r->a, QR_IO, NULL, "no room for a temporary file");
    const struct audit_counts *c = audit_counts(r->audit);
    if (r->broke_rc != QR_OK)
        (void)answer_fail(r->a, r->broke_rc, replay_repair, "%s", r->broke.text);
    answer_check(r->a, "replay", c->breaches == 0, "every entry follows the rules");
    return c->breaches == 0 ? QR_OK : c->first;
}

enum qr_rc replay_floor(struct replay *r) { return read_all(r, measure); }

enum qr_rc replay_all(struct replay *r)
{
    struct audit_conf conf = {.dir = &r->dir,
                              .extra_classes = r->simulated ? QR_CLASS_SIMULATED : 0,
                              .breach = on_breach,
                              .signing = on_signing,
                              .root_at = replay_root_at,
                              .ctx = r,
                              .used_path = r->state ? r->used_path : NULL};
    if (!r->hashes_only) r->audit = audit_new(&conf);
    if (r->state) QR_TRY(resume_load(r));
    pace_begin(&r->pace, r->hashes_only ? "hashed" : "judged", r->tree.size);
    enum qr_rc rc = read_all(r, take_group);
    pace_end(&r->pace);
    if (rc == QR_OK && r->state) rc = resume_save(r);
    if (rc == QR_OK) rc = same_root(r);
    return rc == QR_OK ? judged(r) : rc;
}
