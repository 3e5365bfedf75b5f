/* replay.c - entries in groups of up to 256: their leaf hashes go into the tree
 * together, then each entry is judged. */
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

/* The bundle that holds an entry, in r->room. */
static enum qr_rc read_bundle(struct replay *r, uint64_t index, unsigned *width,
                              struct qr_bytes *bundle)
{
    uint64_t left = r->head.size - index / BUNDLE * BUNDLE;
    struct tlog_resource res = {
        .entries = true, .index = index / BUNDLE, .width = left < BUNDLE ? (unsigned)left : BUNDLE};
    struct tlog_out out = {(char *)r->room, TLOG_RESOURCE_MAX, 0};
    struct tlog_err err = {{0}};
    enum tlog_rc rc = r->from.read(r->from.ctx, &res, &out, &err);
    if (rc != TLOG_OK) return broken_source(r, rc, &err);
    *width = res.width;
    *bundle = QR_BYTES(r->room, out.n);
    return QR_OK;
}

/* The entries of one tlog-tiles bundle: each after its length, big-endian. */
static enum qr_rc cut_bundle(struct replay *r, struct qr_bytes bundle, unsigned width,
                             struct tlog_bytes entry[BUNDLE])
{
    struct qr_reader in = qr_reader_of(bundle);
    for (unsigned i = 0; i < width; i++) {
        struct qr_bytes e = qr_read_bytes(&in, qr_read_be16(&in));
        entry[i] = (struct tlog_bytes){e.p, e.n};
    }
    if (qr_reader_done(&in) == QR_OK) return QR_OK;
    return answer_fail(r->a, QR_FORK, NULL, "a bundle of entries is cut short, or too long");
}

enum qr_rc replay_entry(void *ctx, uint64_t index, struct qr_bytes *entry)
{
    struct replay *r = ctx;
    struct tlog_bytes all[BUNDLE];
    struct qr_bytes bundle;
    unsigned width;
    if (index >= r->head.size) return answer_fail(r->a, QR_RANGE, NULL, "no such entry");
    QR_TRY(read_bundle(r, index, &width, &bundle));
    QR_TRY(cut_bundle(r, bundle, width, all));
    *entry = QR_BYTES(all[index % BUNDLE].p, all[index % BUNDLE].n);
    return QR_OK;
}

/* ---- one group ---- */

/* What SHA-256 alone takes for these bytes, in one piece and from the cache. */
static void measure_floor(struct replay *r, const struct tlog_group *g)
{
    int64_t begun_us = qr_mono_us(&r->pace.clock);
    qr_buf_reset(&r->flat);
    for (size_t i = 0; i < g->n; i++) qr_buf_put(&r->flat, g->entry[i].p, g->entry[i].n);
    int64_t flat_us = qr_mono_us(&r->pace.clock);
    r->bare = qr_sha256_one(qr_buf_bytes(&r->flat));
    int64_t ended_us = qr_mono_us(&r->pace.clock);
    r->floor_us += ended_us - flat_us;
    r->aside_us += ended_us - begun_us;
    r->bytes += r->flat.n;
}

static enum qr_rc take_group(struct replay *r, const struct tlog_group *g)
{
    if (r->floor) measure_floor(r, g);
    if (tlog_frontier_add_all(&r->tree, g->leaf, g->n) != TLOG_OK)
        return answer_fail(r->a, QR_RANGE, NULL, "too many entries");
    for (size_t i = 0; r->audit && i < g->n; i++) {
        enum qr_rc rc = audit_entry(r->audit, QR_BYTES(g->entry[i].p, g->entry[i].n));
        if (rc != QR_OK) return answer_fail(r->a, rc, NULL, "the replay cannot go on");
    }
    pace_show(&r->pace, r->tree.size, r->head.size);
    return resume_tick(r);
}

static enum tlog_rc on_group(void *ctx, const struct tlog_group *g)
{
    return take_group(ctx, g) == QR_OK ? TLOG_OK : TLOG_REFUSED;
}

static enum qr_rc read_db(struct replay *r)
{
    struct tlog_err err = {{0}};
    enum tlog_rc rc = tlog_groups(r->log, r->tree.size, r->head.size, on_group, r, &err);
    if (rc == TLOG_OK) return QR_OK;
    return r->a->rc != QR_OK ? r->a->rc : broken_source(r, rc, &err);
}

static enum qr_rc read_tiles(struct replay *r)
{
    struct tlog_bytes entry[BUNDLE];
    struct tlog_hash leaf[BUNDLE];
    while (r->tree.size < r->head.size) {
        struct qr_bytes bundle;
        unsigned width, skip = (unsigned)(r->tree.size % BUNDLE);
        QR_TRY(read_bundle(r, r->tree.size, &width, &bundle));
        QR_TRY(cut_bundle(r, bundle, width, entry));
        tlog_leaf_hashes(entry + skip, width - skip, leaf);
        struct tlog_group g = {r->tree.size, width - skip, entry + skip, leaf};
        QR_TRY(take_group(r, &g));
    }
    return QR_OK;
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
    enum qr_rc rc = r->log ? read_db(r) : read_tiles(r);
    pace_end(&r->pace);
    if (rc == QR_OK && r->state) rc = resume_save(r);
    if (rc == QR_OK) rc = same_root(r);
    return rc == QR_OK ? judged(r) : rc;
}
