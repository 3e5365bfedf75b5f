/* log.c - a whole log replayed from its first entry: is it whole, and did all
 * that was signed follow the rules?  (replay.c, src/audit)
 *
 * Two commands read alike and tell differently: log says what broke a rule,
 * duties also says for every signature who asked and who approved. */
#include "base/file.h"
#include "tools/tlog-verify/command.h"
#include "tools/tlog-verify/fsck.h"
#include "tools/tlog-verify/replay.h"

#include <inttypes.h>
#include <stdlib.h>

#define SAVE_S 30

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

static enum qr_rc broken_log(struct replay *r, enum tlog_rc rc, const struct tlog_err *err)
{
    return answer_fail(r->a, rc == TLOG_CORRUPT ? QR_FORK : QR_IO, NULL, "%s",
                       err->text[0] ? err->text : tlog_rc_text(rc));
}

static enum qr_rc open_db(struct replay *r)
{
    struct tlog_err err = {{0}};
    struct tlog_signed latest;
    struct arg_keys keys = own_keys(&r->dir);
    if (!r->hashes_only) QR_TRY(fsck_db(r->db, &keys, r->log_id, &r->pace, r->a));
    enum tlog_rc rc = tlog_open_readonly(r->db, (uint32_t)r->log_id, &r->log, &err);
    if (rc != TLOG_OK) return broken_log(r, rc, &err);
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
    if (!r->hashes_only) QR_TRY(fsck_tiles(r->tiles, &keys, &r->pace, r->a));
    r->from = tlog_dir_source(r->tiles);
    qr_buf_init(&note, TLOG_NOTE_MAX);
    (void)snprintf(path, sizeof path, "%s/checkpoint", r->tiles);
    enum qr_rc rc = qr_file_read(path, &note, &err);
    rc = rc == QR_OK ? believed(r, (struct tlog_bytes){note.p, note.n})
                     : answer_fail(r->a, rc, NULL, "%s", err.text);
    qr_buf_fini(&note);
    return rc;
}

enum qr_rc replay_open(struct replay *r) { return r->db ? open_db(r) : open_tiles(r); }

/* ---- what came out ---- */

static void fact_u64(struct answer *a, const char *key, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    answer_fact(a, key, qr_str(text));
}

static void tell_hashed(struct replay *r)
{
    struct qr_buf root;
    qr_buf_init(&root, 64);
    qr_buf_put_base64(&root, QR_BYTES_OF(r->head.root.b));
    fact_u64(r->a, "size", r->head.size);
    answer_fact(r->a, "root", qr_buf_bytes(&root));
    answer_fact(r->a, "signature", qr_str("verified"));
    answer_fact(r->a, "judged",
                qr_str("nothing: leaf hashes, root and checkpoint alone were checked"));
    qr_buf_fini(&root);
}

static void tell_judged(struct replay *r)
{
    const struct audit_counts *c = audit_counts(r->audit);
    fact_u64(r->a, "sessions", c->kinds[LEAF_SESSION_REQUESTED]);
    fact_u64(r->a, "open", c->open);
    fact_u64(r->a, "signed", r->signings);
    fact_u64(r->a, "signatures", c->signatures);
    fact_u64(r->a, "unchecked", c->unchecked);
}

/* The most memory that this process ever had, the pages of its programs and of
 * SQLite's cache included; 0: not known here. */
static double peak_mib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %lu", &kib) != 1) continue;
    if (f) (void)fclose(f);
    return (double)kib / 1024;
}

static void set_figure(json_t *o, const char *key, int decimals, double v)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.*f", decimals, v);
    qr_json_set_str(o, key, text);
}

/* Entries and bytes of this run by all the time it took, beside SHA-256 alone over
 * the same bytes. */
static void tell_speed(struct replay *r, int64_t took_us)
{
    json_t *o = qr_json_object();
    double entries = (double)(r->tree.size - r->resumed), mb = (double)r->bytes / 1e6;
    double all_s = (double)took_us / 1e6;
    double bare_s = (double)r->floor_us / 1e6;
    set_figure(o, "seconds", 2, all_s);
    set_figure(o, "entries_per_s", 0, entries / all_s);
    set_figure(o, "mb_per_s", 1, mb / all_s);
    set_figure(o, "floor_mb_per_s", 1, bare_s > 0 ? mb / bare_s : 0);
    set_figure(o, "ratio", 4, bare_s / all_s);
    set_figure(o, "peak_mib", 1, peak_mib());
    answer_item(r->a, "speed", o);
}

static enum qr_rc replay(struct replay *r)
{
    r->begun_us = qr_mono_us(&r->pace.clock);
    QR_TRY(replay_open(r));
    enum qr_rc rc = replay_all(r);
    int64_t took_us = qr_mono_us(&r->pace.clock) - r->begun_us;
    if (r->floor && replay_floor(r) == QR_OK) tell_speed(r, took_us);
    if (rc == QR_OK && r->hashes_only) tell_hashed(r);
    if (rc == QR_OK && !r->hashes_only) tell_judged(r);
    return rc;
}

enum qr_rc replay_begin(struct replay *r)
{
    struct qr_err err = {{0}};
    if ((r->db != NULL) == (r->tiles != NULL))
        return answer_fail(r->a, QR_USAGE, NULL, "one of --db and --tiles is needed");
    if (r->log_id == 0 || r->log_id > UINT32_MAX)
        return answer_fail(r->a, QR_USAGE, NULL, "--log-id is 1 to 4294967295");
    if (r->save_s > 86400) return answer_fail(r->a, QR_USAGE, NULL, "--save-s is 0 to 86400");
    if (qr_crypto_init(&err) != QR_OK) return answer_fail(r->a, QR_BUG, NULL, "%s", err.text);
    enum qr_rc rc = trust_dir_load(r->trust, &r->dir, &err);
    if (rc != QR_OK) return answer_fail(r->a, rc, NULL, "%s", err.text);
    r->room = malloc(TLOG_RESOURCE_MAX);
    if (!r->room) qr_fatal("out of memory");
    qr_buf_init(&r->flat, TLOG_RESOURCE_MAX);
    pace_init(&r->pace, r->progress);
    return QR_OK;
}

void replay_end(struct replay *r)
{
    audit_free(r->audit);
    qr_buf_fini(&r->flat);
    free(r->room);
    tlog_close(r->log);
    trust_dir_fini(&r->dir);
}

static enum qr_rc run_as(bool duties, int argc, char **argv, struct answer *a)
{
    struct replay r = {.log_id = 1, .save_s = SAVE_S, .duties = duties, .a = a};
    const struct arg args[] = {{"db", ARG_TEXT, &r.db, false},
                               {"tiles", ARG_TEXT, &r.tiles, false},
                               {"trust", ARG_TEXT, &r.trust, true},
                               {"log-id", ARG_U64, &r.log_id, false},
                               {"allow-simulated", ARG_FLAG, &r.simulated, false},
                               {"resume", ARG_TEXT, &r.state, false},
                               {"save-s", ARG_U64, &r.save_s, false},
                               {"progress", ARG_FLAG, &r.progress, false},
                               {"floor", ARG_FLAG, &r.floor, false},
                               {"hashes-only", ARG_FLAG, &r.hashes_only, false}};
    size_t count = sizeof args / sizeof args[0];
    QR_TRY(args_read(argc, argv, args, duties ? count - 1 : count, NULL, a));
    enum qr_rc rc = replay_begin(&r);
    if (rc == QR_OK) rc = replay(&r);
    replay_end(&r);
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

#define OPTIONS                                                            \
    "  --trust DIR        the trust directory, held beforehand\n"          \
    "  --db FILE          the log's database; it may be in use\n"          \
    "  --log-id N         which log of the database; default 1\n"          \
    "  --tiles DIR        a tree of files, C2SP tlog-tiles, instead\n"     \
    "  --allow-simulated  accept the TEE simulator beyond the policy\n"    \
    "  --resume FILE      go on where FILE says; it is kept up to date\n"  \
    "  --save-s N         seconds between its writings; default 30\n"      \
    "  --progress         show progress where there is no terminal, too\n" \
    "  --floor            say how fast it went, beside SHA-256 alone\n"

const struct command command_log = {
    .name = "log",
    .help = "does a whole log, from its first entry, follow the rules?",
    .examples = "  tlog-verify log --trust trust --db /var/lib/quorate/tlogd/log.db\n"
                "  tlog-verify log --trust trust --tiles /srv/log --json\n",
    .options = OPTIONS "  --hashes-only      leaf hashes, root and checkpoint; judge nothing\n",
    .run = run_log,
};

const struct command command_duties = {
    .name = "duties",
    .help = "who asked for each signature, who approved it, and was that a quorum?",
    .examples = "  tlog-verify duties --trust trust --tiles /srv/log\n",
    .options = OPTIONS,
    .run = run_duties,
};
