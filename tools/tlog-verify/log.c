/* log.c - a whole log replayed from its first entry: is it whole, and did all
 * that was signed follow the rules?  (src/audit)
 *
 * Two commands read alike and tell differently: log says what broke a rule,
 * duties also says for every signature who asked and who approved. */
#include "audit/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "tools/tlog-verify/command.h"
#include "tools/tlog-verify/fsck.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* More than these are counted, but not told one by one. */
#define MAX_BREACHES 1000
#define MAX_SIGNINGS 100000
#define BUNDLE 256
#define PROGRESS_US 1000000

static const char repair[] = "--explain names every entry that broke a rule, and the rule";

struct replay {
    const char *db, *tiles, *trust;
    uint64_t log_id;
    bool simulated, duties;
    struct trust_dir dir;
    struct tlog_log *log; /* of a database */
    struct tlog_source from;
    struct tlog_head head;
    struct audit *audit;
    struct answer *a;
    uint64_t told, signings, unclean;
    struct qr_hash edge[64];
    uint64_t grown; /* entries */
    struct qr_clock clock;
    int64_t begun_us, shown_us;
};

/* ---- what is found ---- */

static void on_breach(void *ctx, const struct audit_breach *b)
{
    struct replay *r = ctx;
    char text[TRUST_DETAIL_SIZE + 40];
    if (r->told++ >= MAX_BREACHES) return;
    (void)snprintf(text, sizeof text, "entry %" PRIu64 ": %s", b->index, b->text);
    answer_check(r->a, b->rule, false, text);
    (void)answer_fail(r->a, b->rc, repair, "%s: %s", b->rule, text);
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
    if (!s->clean) r->unclean++;
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

static enum qr_rc root_at(void *ctx, uint64_t size, struct qr_hash *root)
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

static void progress(struct replay *r)
{
    uint64_t done = audit_counts(r->audit)->entries;
    int64_t now_us = qr_mono_us(&r->clock);
    if (now_us - r->shown_us < PROGRESS_US || !isatty(STDERR_FILENO)) return;
    r->shown_us = now_us;
    double s = (double)(now_us - r->begun_us) / 1e6, rate = (double)done / s;
    (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries, %.0f/s, %.0f s left  ", done,
                  r->head.size, rate, (double)(r->head.size - done) / rate);
}

static struct qr_hash pair(const struct qr_hash *left, const struct qr_hash *right)
{
    uint8_t one = 1;
    const struct qr_bytes parts[] = {QR_BYTES(&one, 1), QR_BYTES_OF(left->b),
                                     QR_BYTES_OF(right->b)};
    return qr_sha256(parts, 3);
}

/* Adds a leaf to the tree of what is replayed (RFC 6962 section 2.1): edge[l] is
 * the root of a full subtree of 2^l leaves where bit l of grown is set. */
static void grow(struct replay *r, struct qr_bytes entry)
{
    struct qr_hash h = leaf_hash(entry);
    unsigned l = 0;
    for (; r->grown >> l & 1; l++) h = pair(&r->edge[l], &h);
    r->edge[l] = h;
    r->grown++;
}

/* What was replayed is what the checkpoint was signed for. */
static enum qr_rc same_root(struct replay *r)
{
    struct qr_hash root = qr_sha256_one(QR_BYTES_NONE);
    bool any = false;
    for (unsigned l = 0; l < 64; l++) {
        if (!(r->grown >> l & 1)) continue;
        root = any ? pair(&r->edge[l], &root) : r->edge[l];
        any = true;
    }
    bool same = qr_bytes_equal(QR_BYTES_OF(root.b), QR_BYTES_OF(r->head.root.b));
    answer_check(r->a, "checkpoint.root", same, "the entries replayed make the signed root");
    return same ? QR_OK
                : answer_fail(r->a, QR_FORK, NULL, "the entries are not those of the checkpoint");
}

/* The entries of one tlog-tiles bundle: each after its length, big-endian. */
static enum qr_rc replay_bundle(struct replay *r, struct qr_bytes bundle, unsigned width)
{
    static const char cut[] = "a bundle of entries is cut short, or too long";
    size_t at = 0;
    for (unsigned i = 0; i < width; i++) {
        if (bundle.n - at < 2) return answer_fail(r->a, QR_FORK, NULL, "%s", cut);
        size_t n = (size_t)bundle.p[at] << 8 | bundle.p[at + 1];
        if (n > bundle.n - at - 2) return answer_fail(r->a, QR_FORK, NULL, "%s", cut);
        grow(r, QR_BYTES(bundle.p + at + 2, n));
        enum qr_rc rc = audit_entry(r->audit, QR_BYTES(bundle.p + at + 2, n));
        if (rc != QR_OK) return answer_fail(r->a, rc, NULL, "the replay cannot go on");
        at += 2 + n;
    }
    return at == bundle.n ? QR_OK : answer_fail(r->a, QR_FORK, NULL, "%s", cut);
}

static enum qr_rc replay_all(struct replay *r)
{
    uint8_t *room = malloc(TLOG_RESOURCE_MAX);
    if (!room) qr_fatal("out of memory");
    enum qr_rc rc = QR_OK;
    for (uint64_t at = 0; rc == QR_OK && at < r->head.size; at += BUNDLE) {
        uint64_t left = r->head.size - at;
        struct tlog_resource res = {.entries = true,
                                    .index = at / BUNDLE,
                                    .width = left < BUNDLE ? (unsigned)left : BUNDLE};
        struct tlog_out out = {(char *)room, TLOG_RESOURCE_MAX, 0};
        struct tlog_err err = {{0}};
        enum tlog_rc trc = r->from.read(r->from.ctx, &res, &out, &err);
        rc = trc == TLOG_OK ? replay_bundle(r, QR_BYTES(room, out.n), res.width)
                            : broken_source(r, trc, &err);
        progress(r);
    }
    if (r->shown_us != r->begun_us) (void)fprintf(stderr, "\n");
    free(room);
    if (rc == QR_OK) rc = same_root(r);
    if (rc == QR_OK && audit_finish(r->audit) != QR_OK)
        rc = answer_fail(r->a, QR_IO, NULL, "no room for a temporary file");
    return rc;
}

/* ---- what is replayed ---- */

static enum qr_rc believed(struct replay *r, struct tlog_bytes note)
{
    struct tlog_note parsed;
    struct tlog_checkpoint cp;
    struct tlog_vkey keys[TRUST_MAX_KEYS];
    unsigned witnesses = 0;
    if (tlog_note_parse(note, &parsed) != TLOG_OK ||
        tlog_checkpoint_parse(parsed.text, &cp) != TLOG_OK)
        return answer_fail(r->a, QR_MALFORMED, NULL, "the log's checkpoint cannot be read");
    struct tlog_trust trust = {.origin = r->dir.origin, .keys = keys};
    trust.key_count = trust_log_keys(&r->dir, cp.head.size, keys);
    bool ok = trust.key_count > 0 && tlog_checkpoint_open(note, &trust, &cp) == TLOG_OK;
    answer_check(r->a, "checkpoint.signature", ok, "by a key that the trust directory names");
    if (!ok)
        return answer_fail(r->a, QR_FALSE, NULL, "no trusted key of %.80s signed the checkpoint",
                           r->dir.origin);
    bool right = trust_witnesses_count(&r->dir, &parsed, &witnesses, NULL) == QR_OK;
    bool enough = right && witnesses >= r->dir.signing.witnesses;
    answer_check(r->a, "checkpoint.witnesses", enough, "as many as the trusted policy asks");
    r->head = cp.head;
    if (!right) return answer_fail(r->a, QR_FALSE, NULL, "a trusted witness's line is wrong");
    return enough ? QR_OK
                  : answer_fail(r->a, QR_POLICY, NULL, "%u of %u witnesses cosigned", witnesses,
                                r->dir.signing.witnesses);
}

/* The log's own keys, for the checkpoints inside a database: only a log that
 * never changed its key can be asked for all of them. */
static struct arg_keys own_keys(const struct trust_dir *dir)
{
    struct arg_keys keys = {.n = 0};
    if (dir->log_key_count == 1) keys.key[keys.n++] = dir->log_keys[0].vkey;
    return keys;
}

static enum qr_rc open_db(struct replay *r)
{
    struct tlog_err err = {{0}};
    struct tlog_signed latest;
    struct arg_keys keys = own_keys(&r->dir);
    QR_TRY(fsck_db(r->db, &keys, r->log_id, r->a));
    enum tlog_rc rc = tlog_open_readonly(r->db, (uint32_t)r->log_id, &r->log, &err);
    if (rc != TLOG_OK) return broken_source(r, rc, &err);
    tlog_latest(r->log, &latest);
    r->from = tlog_log_source(r->log);
    return believed(r, (struct tlog_bytes){(const uint8_t *)latest.text, latest.n});
}

static enum qr_rc open_tiles(struct replay *r)
{
    char path[PATH_MAX];
    struct qr_err err = {{0}};
    struct qr_buf note;
    struct arg_keys keys = own_keys(&r->dir);
    QR_TRY(fsck_tiles(r->tiles, &keys, r->a));
    r->from = tlog_dir_source(r->tiles);
    qr_buf_init(&note, TLOG_NOTE_MAX);
    (void)snprintf(path, sizeof path, "%s/checkpoint", r->tiles);
    enum qr_rc rc = qr_file_read(path, &note, &err);
    rc = rc == QR_OK ? believed(r, (struct tlog_bytes){note.p, note.n})
                     : answer_fail(r->a, rc, NULL, "%s", err.text);
    qr_buf_fini(&note);
    return rc;
}

static void fact_u64(struct answer *a, const char *key, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    answer_fact(a, key, qr_str(text));
}

static enum qr_rc tell(struct replay *r)
{
    const struct audit_counts *c = audit_counts(r->audit);
    answer_check(r->a, "replay", c->breaches == 0, "every entry follows the rules");
    if (c->breaches > 0) return c->first;
    fact_u64(r->a, "sessions", c->kinds[LEAF_SESSION_REQUESTED]);
    fact_u64(r->a, "open", c->open);
    fact_u64(r->a, "signed", r->signings);
    fact_u64(r->a, "signatures", c->signatures);
    fact_u64(r->a, "unchecked", c->unchecked);
    return QR_OK;
}

static enum qr_rc replay(struct replay *r)
{
    QR_TRY(r->db ? open_db(r) : open_tiles(r));
    struct audit_conf conf = {.dir = &r->dir,
                              .extra_classes = r->simulated ? QR_CLASS_SIMULATED : 0,
                              .breach = on_breach,
                              .signing = on_signing,
                              .root_at = root_at,
                              .ctx = r};
    r->clock = qr_clock_system();
    r->begun_us = r->shown_us = qr_mono_us(&r->clock);
    r->audit = audit_new(&conf);
    enum qr_rc rc = replay_all(r);
    if (rc == QR_OK) rc = tell(r);
    audit_free(r->audit);
    return rc;
}

static enum qr_rc run_as(bool duties, int argc, char **argv, struct answer *a)
{
    struct qr_err err = {{0}};
    struct replay r = {.log_id = 1, .duties = duties, .a = a};
    const struct arg args[] = {{"db", ARG_TEXT, &r.db, false},
                               {"tiles", ARG_TEXT, &r.tiles, false},
                               {"trust", ARG_TEXT, &r.trust, true},
                               {"log-id", ARG_U64, &r.log_id, false},
                               {"allow-simulated", ARG_FLAG, &r.simulated, false}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], NULL, a));
    if ((r.db != NULL) == (r.tiles != NULL))
        return answer_fail(a, QR_USAGE, NULL, "one of --db and --tiles is needed");
    if (r.log_id == 0 || r.log_id > UINT32_MAX)
        return answer_fail(a, QR_USAGE, NULL, "--log-id is 1 to 4294967295");
    if (qr_crypto_init(&err) != QR_OK) return answer_fail(a, QR_BUG, NULL, "%s", err.text);
    enum qr_rc rc = trust_dir_load(r.trust, &r.dir, &err);
    if (rc != QR_OK) return answer_fail(a, rc, NULL, "%s", err.text);
    rc = replay(&r);
    tlog_close(r.log);
    trust_dir_fini(&r.dir);
    return rc;
}

static enum qr_rc run_log(int argc, char **argv, struct answer *a)
{
    return run_as(false, argc, argv, a);
}

static enum qr_rc run_duties(int argc, char **argv, struct answer *a)
{
    return run_as(true, argc, argv, a);
}

#define OPTIONS                                                        \
    "  --trust DIR        the trust directory, held beforehand\n"      \
    "  --db FILE          the log's database; it may be in use\n"      \
    "  --log-id N         which log of the database; default 1\n"      \
    "  --tiles DIR        a tree of files, C2SP tlog-tiles, instead\n" \
    "  --allow-simulated  accept the TEE simulator beyond the policy\n"

const struct command command_log = {
    .name = "log",
    .help = "does a whole log, from its first entry, follow the rules?",
    .examples = "  tlog-verify log --trust trust --db /var/lib/quorate/tlogd/log.db\n"
                "  tlog-verify log --trust trust --tiles /srv/log --json\n",
    .options = OPTIONS,
    .run = run_log,
};

const struct command command_duties = {
    .name = "duties",
    .help = "who asked for each signature, who approved it, and was that a quorum?",
    .examples = "  tlog-verify duties --trust trust --tiles /srv/log\n",
    .options = OPTIONS,
    .run = run_duties,
};
