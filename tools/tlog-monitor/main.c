/* main.c - tlog-monitor: watches a log over the network. */
#include "base/clock.h"
#include "base/config.h"
#include "base/file.h"
#include "tlog/qr.h"
#include "tools/tlog-monitor/monitor.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>

static const char *const names[] = {NULL};
static const struct qr_setting own[] = {
    {"MONITOR_URL", "url", QR_SET_TEXT, NULL, 0, 0, "prefix of the log, http:// or https://"},
    {"MONITOR_POLICY", "policy", QR_SET_PATH, "log.policy", 0, 0,
     "the log's key and its witnesses, a tlog-policy"},
    {"MONITOR_SEEN", "seen", QR_SET_PATH, "log.seen", 0, 0,
     "file that remembers the newest checkpoint believed"},
    {"MONITOR_FORK", "fork-file", QR_SET_PATH, "log.fork", 0, 0,
     "written when the log contradicts itself"},
    {"MONITOR_OUTPUT", "output", QR_SET_PATH, NULL, 0, 0, "mirror: where to"},
    {"MONITOR_INDEX", "index", QR_SET_TEXT, NULL, 0, 0, "proof: which entry, from 0"},
    {"MONITOR_EVERY", "every", QR_SET_INT, "60", 0, 86400,
     "follow: seconds between looks; 0: once"},
    {"MONITOR_TIMEOUT", "timeout", QR_SET_INT, "30", 1, 3600, "seconds for one answer"},
};

static const struct qr_config_spec spec = {
    .program = "tlog-monitor",
    .summary = "watches a transparency log over the network",
    .examples = "  tlog-monitor follow --url https://log.example --policy log.policy\n"
                "  tlog-monitor fsck   --url https://log.example --policy log.policy\n"
                "  tlog-monitor mirror --url https://log.example --output /srv/mirror\n"
                "  tlog-monitor proof  --url https://log.example --index 7 > e.tlog-proof\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .operands = "follow | fsck | mirror | proof",
    .notes = "Exit codes: 0 ok, 1 not signed by the log, 2 usage, 3 unreadable, 4 too few\n"
             "witnesses, 5 no log there, 7 unavailable, 8 older than what was seen, 10 fork or\n"
             "damage.\n",
};

struct job {
    const struct qr_config *c;
    struct monitor m;
    sigset_t set;
};

static enum qr_rc follow(struct job *j, struct qr_err *err)
{
    int64_t every = qr_config_int(j->c, "MONITOR_EVERY", 60);
    (void)sigprocmask(SIG_BLOCK, &j->set, NULL);
    for (;;) {
        enum monitor_news news = MONITOR_SAME;
        struct timespec pause = {every, 0};
        enum qr_rc rc = monitor_look(&j->m, &news, err);
        bool weather = rc == QR_UNAVAILABLE || rc == QR_DEADLINE || rc == QR_NOTFOUND ||
                       rc == QR_STALE || rc == QR_POLICY;
        if (rc == QR_OK && news != MONITOR_SAME) {
            (void)printf("%" PRIu64 "\n", j->m.head.size);
            (void)fflush(stdout);
        }
        if (every == 0 || (rc != QR_OK && !weather)) return rc;
        if (rc != QR_OK) (void)fprintf(stderr, "tlog-monitor: %s\n", err->text);
        if (sigtimedwait(&j->set, NULL, &pause) > 0) return QR_OK;
    }
}

static enum qr_rc checked(enum tlog_rc rc, const struct tlog_err *terr, struct qr_err *err)
{
    return rc == TLOG_IO ? qr_fail(err, QR_UNAVAILABLE, "%s", terr->text)
                         : tlog_to_qr(rc, terr, err);
}

static enum qr_rc whole(struct job *j, bool copy, struct qr_err *err)
{
    enum monitor_news news;
    struct tlog_err terr = {{0}};
    struct tlog_source from = remote_source(&j->m.remote);
    const char *dir = qr_config_str(j->c, "MONITOR_OUTPUT");
    if (copy && !dir) return qr_fail(err, QR_USAGE, "mirror: --output DIR is needed");
    QR_TRY(monitor_look(&j->m, &news, err));
    enum tlog_rc rc = copy ? tlog_mirror(&from, dir, &j->m.head, &terr)
                           : tlog_source_check(&from, &j->m.head, &terr);
    if (rc == TLOG_OK && copy)
        rc = tlog_mirror_publish(dir, tlog_of_qr(qr_buf_bytes(&j->m.note)), &terr);
    QR_TRY(checked(rc, &terr, err));
    (void)printf("%" PRIu64 "\n", j->m.head.size);
    return QR_OK;
}

/* Writes a .tlog-proof; whoever has the entry checks it with tlog-verify. */
static enum qr_rc prove(struct job *j, struct qr_err *err)
{
    enum monitor_news news;
    struct tlog_err terr = {{0}};
    struct tlog_source from = remote_source(&j->m.remote);
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    struct tlog_proof_file f = {.index = 0};
    static char text[TLOG_PROOF_FILE_MAX];
    struct tlog_out out = {text, sizeof text, 0};
    const char *index = qr_config_str(j->c, "MONITOR_INDEX");
    if (!index || qr_parse_u64(qr_str(index), UINT64_MAX, &f.index) != QR_OK)
        return qr_fail(err, QR_USAGE, "proof: --index N is needed");
    QR_TRY(monitor_look(&j->m, &news, err));
    if (tlog_inclusion_plan(f.index, j->m.head.size, &plan) != TLOG_OK)
        return qr_fail(err, QR_NOTFOUND, "the log has %" PRIu64 " entries", j->m.head.size);
    QR_TRY(checked(tlog_source_plan(&from, j->m.head.size, &plan, read, &terr), &terr, err));
    tlog_plan_proof(&plan, read, &f.proof);
    f.checkpoint = tlog_of_qr(qr_buf_bytes(&j->m.note));
    QR_TRY(checked(tlog_proof_file_write(&f, &out), &terr, err));
    (void)fwrite(out.p, 1, out.n, stdout);
    return QR_OK;
}

static enum qr_rc act(struct job *j, const char *command, struct qr_err *err)
{
    struct qr_bytes c = qr_str(command);
    if (qr_bytes_is(c, "follow")) return follow(j, err);
    if (qr_bytes_is(c, "fsck")) return whole(j, false, err);
    if (qr_bytes_is(c, "mirror")) return whole(j, true, err);
    if (qr_bytes_is(c, "proof")) return prove(j, err);
    return qr_fail(err, QR_USAGE, "unknown command: %.60s", command);
}

static enum qr_rc run(struct job *j, struct qr_err *err)
{
    char **operand;
    struct qr_buf text;
    struct tlog_policy *policy = NULL;
    struct tlog_err terr = {{0}};
    const char *file = qr_config_str(j->c, "MONITOR_POLICY");
    if (qr_config_operands(j->c, &operand) != 1)
        return qr_fail(err, QR_USAGE, "one of follow, fsck, mirror and proof is needed");
    const char *url = qr_config_str(j->c, "MONITOR_URL");
    if (!url) return qr_fail(err, QR_USAGE, "--url is needed");
    j->m.seen = qr_config_str(j->c, "MONITOR_SEEN");
    j->m.fork = qr_config_str(j->c, "MONITOR_FORK");
    qr_buf_init(&text, TLOG_POLICY_TEXT_MAX);
    qr_buf_init(&j->m.note, TLOG_NOTE_MAX);
    enum qr_rc rc = qr_file_read(file, &text, err);
    if (rc == QR_NOTFOUND) rc = QR_IO;
    if (rc == QR_OK &&
        tlog_policy_parse(tlog_of_qr(qr_buf_bytes(&text)), &policy, &terr) != TLOG_OK)
        rc = qr_fail(err, QR_MALFORMED, "%s: %s", file, terr.text);
    j->m.policy = policy;
    if (rc == QR_OK) rc = http_client_start(err);
    if (rc == QR_OK) {
        rc = remote_init(&j->m.remote, url,
                         (int)(1000 * qr_config_int(j->c, "MONITOR_TIMEOUT", 30)), err);
        if (rc == QR_OK) rc = act(j, operand[0], err);
        remote_fini(&j->m.remote);
        http_client_end();
    }
    tlog_policy_free(policy);
    qr_buf_fini(&text);
    qr_buf_fini(&j->m.note);
    return rc;
}

int main(int argc, char **argv)
{
    struct qr_err err = {{0}};
    struct qr_config *config = NULL;
    struct job j = {.c = NULL};
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&j.set);
    (void)sigaddset(&j.set, SIGTERM);
    (void)sigaddset(&j.set, SIGINT);
    enum qr_rc rc = qr_config_load(&config, &spec, argc, argv, &err);
    if (rc == QR_OK && qr_config_wants_text(config)) {
        qr_config_print(config, stdout);
    } else if (rc == QR_OK) {
        j.c = config;
        rc = run(&j, &err);
    }
    qr_config_free(config);
    if (rc != QR_OK)
        (void)fprintf(stderr, "tlog-monitor: %s\n", err.text[0] ? err.text : qr_rc_text(rc));
    return fflush(stdout) == 0 ? qr_rc_exit(rc) : qr_rc_exit(QR_IO);
}
