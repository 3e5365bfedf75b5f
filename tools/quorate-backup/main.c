/* main.c - quorate-backup: copies the databases of a state directory while they
 * are in use, and puts them back, but never behind what the log has signed.
 *
 * The anchor is read before the log's database is copied: what the anchor saw is
 * then in the copy.  Keys are not copied: they are secrets, and kept elsewhere. */
#include "base/config.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "db/copy.h"
#include "http/fetch.h"
#include "tlog/qr.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define ANCHOR_FILE_MAX (64 * 1024)
#define ANSWER_MAX 16384
#define ASK_MS 10000

/* Below the state directory and below a backup; the log comes first. */
#define LOG "tlogd/log.db"
#define LOG_ANCHOR "tlogd/log.db.anchor"
#define LOG_WITNESSED "tlogd/log.witnessed"
static const char *const dirs[] = {"tlogd", "authd", "cad", "coordinatord"};
static const char *const others[] = {"authd/auth.db", "cad/ca.db", "coordinatord/coordinator.db"};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *const names[] = {"QUORATE_STATE_DIR", NULL};
static const struct qr_setting own[] = {
    {"BACKUP_DIR", "dir", QR_SET_PATH, NULL, 0, 0, "the backup's directory"},
    {"BACKUP_ANCHOR", "anchor", QR_SET_PATH, NULL, 0, 0,
     "restore: what the log signed last (default STATE/tlogd/log.db.anchor)"},
    {"BACKUP_POLICY", "witness-policy", QR_SET_PATH, NULL, 0, 0,
     "restore: a tlog-policy whose witnesses are asked"},
};
static const struct qr_config_spec spec = {
    .program = "quorate-backup",
    .summary = "copies the databases of a state directory, and puts them back",
    .examples = "  quorate-backup save    --dir /backup/monday\n"
                "  quorate-backup check   --dir /backup/monday\n"
                "  quorate-backup restore --dir /backup/monday\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .operands = "save | check | restore",
    .notes = "Exit codes: 0 ok, 2 usage, 3 unreadable, 5 nothing there, 7 a witness is not\n"
             "reachable, 8 there already, 10 damaged, or behind what the log has signed.\n",
};

struct path {
    char s[PATH_MAX];
};

static struct path in(const char *dir, const char *name)
{
    struct path p;
    int n = snprintf(p.s, sizeof p.s, "%s/%s", dir, name);
    if (n < 0 || n >= PATH_MAX) p.s[0] = 0; /* no such file */
    return p;
}

static enum qr_rc make_dirs(const char *top, struct qr_err *err)
{
    QR_TRY(qr_dir_private(top, err));
    for (size_t i = 0; i < COUNT(dirs); i++) QR_TRY(qr_dir_private(in(top, dirs[i]).s, err));
    return QR_OK;
}

/* A small file that may be missing. */
static enum qr_rc copy_file(const char *from, const char *to, struct qr_err *err)
{
    struct qr_buf b;
    if (!qr_file_exists(from)) return QR_OK;
    qr_buf_init(&b, ANCHOR_FILE_MAX);
    enum qr_rc rc = qr_file_read(from, &b, err);
    if (rc == QR_OK) rc = qr_file_write(to, qr_buf_bytes(&b), 0600, err);
    qr_buf_fini(&b);
    return rc;
}

/* The log's database against an anchor: damage, or behind it. */
static enum qr_rc check_log(const char *db, const char *anchor, struct tlog_head *head,
                            struct qr_err *err)
{
    struct tlog_err terr = {{0}};
    struct tlog_fsck what = {.path = db, .anchor_path = anchor};
    return tlog_to_qr(tlog_fsck(&what, head, &terr), &terr, err);
}

static enum qr_rc check_backup(const char *dir, struct tlog_head *head, struct qr_err *err)
{
    return check_log(in(dir, LOG).s, in(dir, LOG_ANCHOR).s, head, err);
}

static enum qr_rc save(const char *state, const char *dir, struct qr_err *err)
{
    struct tlog_head head;
    if (!qr_file_exists(in(state, LOG).s))
        return qr_fail(err, QR_NOTFOUND, "%s: no log there", state);
    if (qr_file_exists(dir)) return qr_fail(err, QR_EXISTS, "%s: there already", dir);
    QR_TRY(make_dirs(dir, err));
    QR_TRY(copy_file(in(state, LOG_ANCHOR).s, in(dir, LOG_ANCHOR).s, err));
    QR_TRY(copy_file(in(state, LOG_WITNESSED).s, in(dir, LOG_WITNESSED).s, err));
    /* The services' databases first: what they think is in the log is there. */
    for (size_t i = 0; i < COUNT(others); i++)
        if (qr_file_exists(in(state, others[i]).s))
            QR_TRY(qr_db_copy(in(state, others[i]).s, in(dir, others[i]).s, err));
    QR_TRY(qr_db_copy(in(state, LOG).s, in(dir, LOG).s, err));
    QR_TRY(check_backup(dir, &head, err));
    (void)printf("%" PRIu64 "\n", head.size);
    return QR_OK;
}

/* ---- not behind ---- */

static enum qr_rc behind(const char *who, uint64_t theirs, const struct tlog_head *head,
                         struct qr_err *err)
{
    return qr_fail(err, QR_FORK,
                   "%.60s saw %" PRIu64 " entries, the backup has %" PRIu64
                   ": going back would fork the log",
                   who, theirs, head->size);
}

/* A checkpoint that this log signed must not be larger than the backup's tree,
 * and of one that is not, the tree must be the beginning. */
static enum qr_rc not_behind(const char *who, struct tlog_bytes note, const char *db,
                             const struct tlog_head *head, struct qr_err *err)
{
    struct tlog_note n;
    struct tlog_checkpoint cp;
    struct tlog_log *log = NULL;
    struct tlog_hash root = {{0}};
    struct tlog_err terr = {{0}};
    if (tlog_note_parse(note, &n) != TLOG_OK || tlog_checkpoint_parse(n.text, &cp) != TLOG_OK)
        return qr_fail(err, QR_MALFORMED, "%.80s: not a signed checkpoint", who);
    if (cp.head.size > head->size) return behind(who, cp.head.size, head, err);
    enum tlog_rc rc = tlog_open_readonly(db, 1, &log, &terr);
    if (rc == TLOG_OK) rc = tlog_root_at(log, cp.head.size, &root, &terr);
    tlog_close(log);
    if (rc != TLOG_OK) return tlog_to_qr(rc, &terr, err);
    if (tlog_hash_equal(&root, &cp.head.root)) return QR_OK;
    return qr_fail(err, QR_FORK, "%.60s saw another tree of %" PRIu64 " entries", who,
                   cp.head.size);
}

/* What one witness holds of the log; 404 is nothing. */
static enum qr_rc ask_witness(struct http_client *client, const struct tlog_party *log,
                              const struct tlog_party *w, struct qr_buf *out, struct qr_err *err)
{
    char url[1024], hex[2 * QR_SHA256_SIZE + 1];
    struct qr_hash h = qr_sha256_one(qr_str(log->key.name));
    struct tlog_trust trust = {log->key.name, &log->key, 1};
    struct tlog_checkpoint cp;
    qr_hex(h.b, sizeof h.b, hex);
    int n =
        snprintf(url, sizeof url, "%.*s/%s/checkpoint", (int)w->url.n, (const char *)w->url.p, hex);
    if (n < 0 || n >= (int)sizeof url) return qr_fail(err, QR_RANGE, "a URL is too long");
    struct http_ask ask = {.url = url, .timeout_ms = ASK_MS};
    struct http_got got = {.out = out};
    QR_TRY(http_client_ask(client, &ask, &got, err));
    if (got.status == 404) {
        qr_buf_reset(out);
        return QR_OK;
    }
    if (got.status != 200 ||
        tlog_checkpoint_open((struct tlog_bytes){out->p, out->n}, &trust, &cp) != TLOG_OK)
        return qr_fail(err, QR_UNAVAILABLE, "%.80s shows no checkpoint of this log", w->key.name);
    return QR_OK;
}

static enum qr_rc ask_all(const struct tlog_policy *policy, struct http_client *client,
                          const char *db, const struct tlog_head *head, struct qr_err *err)
{
    const struct tlog_party *log, *w;
    struct qr_buf note;
    uint32_t answered = 0;
    enum qr_rc rc = QR_OK;
    if (tlog_policy_logs(policy, &log) != 1)
        return qr_fail(err, QR_POLICY, "the policy must name this log alone");
    size_t n = tlog_policy_witnesses(policy, &w);
    qr_buf_init(&note, ANSWER_MAX);
    for (size_t i = 0; i < n && rc == QR_OK; i++) {
        qr_buf_reset(&note);
        if (w[i].url.n == 0 || ask_witness(client, log, &w[i], &note, err) != QR_OK) continue;
        answered |= UINT32_C(1) << i;
        if (note.n > 0)
            rc = not_behind(w[i].key.name, (struct tlog_bytes){note.p, note.n}, db, head, err);
    }
    qr_buf_fini(&note);
    if (rc != QR_OK) return rc;
    if (tlog_policy_quorum(policy, answered)) return QR_OK;
    return qr_fail(err, QR_UNAVAILABLE, "too few witnesses answer; nothing was restored");
}

static enum qr_rc check_witnesses(const char *file, const char *db, const struct tlog_head *head,
                                  struct qr_err *err)
{
    struct qr_buf text;
    struct tlog_policy *policy = NULL;
    struct tlog_err terr = {{0}};
    struct http_client *client = NULL;
    qr_buf_init(&text, TLOG_POLICY_TEXT_MAX);
    enum qr_rc rc = qr_file_read(file, &text, err);
    if (rc == QR_OK)
        rc = tlog_to_qr(tlog_policy_parse(tlog_of_qr(qr_buf_bytes(&text)), &policy, &terr), &terr,
                        err);
    if (rc == QR_OK) rc = http_client_start(err);
    if (rc == QR_OK) rc = http_client_new(&client, err);
    if (rc == QR_OK) rc = ask_all(policy, client, db, head, err);
    http_client_free(client);
    tlog_policy_free(policy);
    qr_buf_fini(&text);
    return rc;
}

/* ---- restoring ---- */

static enum qr_rc check_kept(const char *state, const char *db, const struct tlog_head *head,
                             struct qr_err *err)
{
    struct path p = in(state, LOG_WITNESSED);
    struct qr_buf b;
    if (!qr_file_exists(p.s)) return QR_OK;
    qr_buf_init(&b, ANCHOR_FILE_MAX);
    enum qr_rc rc = qr_file_read(p.s, &b, err);
    if (rc == QR_OK) rc = not_behind("log.witnessed", (struct tlog_bytes){b.p, b.n}, db, head, err);
    qr_buf_fini(&b);
    return rc;
}

static enum qr_rc nothing_there(const char *state, struct qr_err *err)
{
    if (qr_file_exists(in(state, LOG).s))
        return qr_fail(err, QR_EXISTS, "%s: a log is there; move it away, but not its anchor",
                       in(state, LOG).s);
    for (size_t i = 0; i < COUNT(others); i++)
        if (qr_file_exists(in(state, others[i]).s))
            return qr_fail(err, QR_EXISTS, "%s: there already", in(state, others[i]).s);
    return QR_OK;
}

static enum qr_rc restore(const struct qr_config *c, const char *state, const char *dir,
                          struct qr_err *err)
{
    struct tlog_head head;
    struct path db = in(dir, LOG), live = in(state, LOG_ANCHOR);
    const char *given = qr_config_str(c, "BACKUP_ANCHOR");
    const char *policy = qr_config_str(c, "BACKUP_POLICY");
    const char *anchor = given ? given : live.s;
    QR_TRY(nothing_there(state, err));
    QR_TRY(check_backup(dir, &head, err));
    bool have = qr_file_exists(anchor);
    if (!have && (given || !policy))
        return qr_fail(err, QR_FORK,
                       "%.70s: not there: only --anchor or --witness-policy can tell that the "
                       "backup is not behind",
                       anchor);
    if (have) QR_TRY(check_log(db.s, anchor, &head, err));
    QR_TRY(check_kept(state, db.s, &head, err));
    if (policy) QR_TRY(check_witnesses(policy, db.s, &head, err));
    QR_TRY(make_dirs(state, err));
    for (size_t i = 0; i < COUNT(others); i++)
        if (qr_file_exists(in(dir, others[i]).s))
            QR_TRY(qr_db_copy(in(dir, others[i]).s, in(state, others[i]).s, err));
    if (!qr_file_exists(live.s))
        QR_TRY(copy_file(have ? anchor : in(dir, LOG_ANCHOR).s, live.s, err));
    if (!qr_file_exists(in(state, LOG_WITNESSED).s))
        QR_TRY(copy_file(in(dir, LOG_WITNESSED).s, in(state, LOG_WITNESSED).s, err));
    QR_TRY(qr_db_copy(db.s, in(state, LOG).s, err));
    (void)printf("%" PRIu64 "\n", head.size);
    return QR_OK;
}

static enum qr_rc run(const struct qr_config *c, struct qr_err *err)
{
    char **operand;
    struct tlog_head head;
    const char *state = qr_config_str(c, "QUORATE_STATE_DIR");
    const char *dir = qr_config_str(c, "BACKUP_DIR");
    if (qr_config_operands(c, &operand) != 1)
        return qr_fail(err, QR_USAGE, "one of save, check and restore is needed");
    if (!dir) return qr_fail(err, QR_USAGE, "--dir is needed");
    struct qr_bytes command = qr_str(operand[0]);
    bool check = qr_bytes_is(command, "check");
    if (!state && !check) return qr_fail(err, QR_USAGE, "--state-dir is needed");
    if (qr_bytes_is(command, "save")) return save(state, dir, err);
    if (qr_bytes_is(command, "restore")) return restore(c, state, dir, err);
    if (!check) return qr_fail(err, QR_USAGE, "unknown command: %.60s", operand[0]);
    QR_TRY(check_backup(dir, &head, err));
    (void)printf("%" PRIu64 "\n", head.size);
    return QR_OK;
}

int main(int argc, char **argv)
{
    struct qr_err err = {{0}};
    struct qr_config *config = NULL;
    enum qr_rc rc = qr_config_load(&config, &spec, argc, argv, &err);
    if (rc == QR_OK && qr_config_wants_text(config)) {
        qr_config_print(config, stdout);
    } else if (rc == QR_OK) {
        rc = qr_crypto_init(&err);
        if (rc == QR_OK) rc = run(config, &err);
    }
    qr_config_free(config);
    if (rc != QR_OK)
        (void)fprintf(stderr, "quorate-backup: %s\n", err.text[0] ? err.text : qr_rc_text(rc));
    return fflush(stdout) == 0 ? qr_rc_exit(rc) : qr_rc_exit(QR_IO);
}
