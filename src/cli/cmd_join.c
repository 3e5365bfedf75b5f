/* cmd_join.c - `quorate join`: look, decide, approve, take part, keep the
 * bundle. */
#include <config.h>

#include "base/file.h"
#include "base/limits.h"
#include "bundle/blame.h"
#include "bundle/verify_cmd.h"
#include "cli/open.h"
#include "cli/screen.h"
#include "participant/follow.h"
#include "participant/standing.h"
#include "trust/payload_x509.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    OPEN_PERSON_SETTINGS,
    {"SESSION", "session", QR_SET_TEXT, NULL, 0, 0, "session id, as request printed it"},
    {"FILE", "file", QR_SET_PATH, NULL, 0, 0,
     "the file itself: its hash is compared; raw, minisign and x509-cert need it"},
    {"YES", "yes", QR_SET_SWITCH, NULL, 0, 0, "approve without asking (class unattended)"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "where the bundle goes (default NAME.quorate)"},
    {"ALLOW_SIMULATED", "allow-simulated", QR_SET_SWITCH, NULL, 0, 0,
     "accept simulated attestation beyond the policy"},
};
static const struct qr_config_spec spec = {
    .program = "quorate join",
    .summary = "shows a request, asks, approves it and takes part in signing",
    .examples = "  quorate join --session ID --email alice@ex.com\n"
                "  quorate join --session ID --email bob@ex.com --file release.tar.gz\n",
    .names = open_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
};

/* NAME_MAX less ".quorate" and what a write beside it appends. */
#define MAX_FILE_NAME 220

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static bool stop(void *ctx)
{
    (void)ctx;
    return interrupted != 0;
}

struct joining {
    struct cli *c;
    struct open_all all;
    struct open_facts *facts;
    struct participant_keys keys;
    struct approve_papers papers;
    struct receipt_facts where;
    struct qr_buf file; /* of --file */
    bool has_file;
    struct qr_buf bundle;
};

/* Neither expired by our clock nor ended in the log. */
static enum qr_rc still_open(struct joining *j, struct qr_err *err)
{
    if (qr_now_us(&j->c->clock) >= j->facts->facts.request.is.expires_us)
        return qr_fail(err, QR_STALE, "the session has expired");
    return standing_check(j->all.services, &j->facts->facts, err);
}

/* --file must be the artifact. */
static enum qr_rc read_file(struct joining *j, struct qr_err *err)
{
    const char *path = qr_config_str(j->c->config, "FILE");
    qr_buf_init(&j->file, QR_MAX_RAW_FILE);
    if (!path) return QR_OK;
    QR_TRY(qr_file_read(path, &j->file, err));
    struct qr_hash h = qr_sha256_one(qr_buf_bytes(&j->file));
    const struct leaf_artifact *a = &j->facts->facts.request.is.artifact;
    if (!qr_hash_equal(&h, &a->sha256) || (a->has_size && a->size != j->file.n))
        return qr_fail(err, QR_FALSE, "your file is not the one that the session is about");
    j->has_file = true;
    const struct leaf_payloads *p = &j->facts->facts.request.is.payloads;
    for (size_t i = 0; i < p->n; i++)
        QR_TRY(payload_x509_check(&p->p[i], qr_buf_bytes(&j->file), err));
    return QR_OK;
}

static enum qr_rc ask(struct joining *j, const struct qr_buf *screen, struct qr_err *err)
{
    fprintf(stderr, "\n%.*s\n", (int)screen->n, (const char *)screen->p);
    if (qr_config_on(j->c->config, "YES")) return QR_OK;
    fprintf(stderr, "Approve this? Type yes: ");
    (void)fflush(stderr);
    char line[16];
    if (!fgets(line, sizeof line, stdin) || strcmp(line, "yes\n") != 0)
        return qr_fail(err, QR_CANCELLED, "not approved");
    return QR_OK;
}

static enum qr_rc approve(struct joining *j, struct approve_plan *plan, struct qr_err *err)
{
    struct qr_buf screen;
    qr_buf_init(&screen, 16384);
    screen_write(&j->facts->facts, j->all.person.role, j->has_file, &screen);
    enum qr_rc rc = qr_buf_ok(&screen);
    if (rc == QR_OK) rc = ask(j, &screen, err);
    *plan = (struct approve_plan){.services = j->all.services,
                                  .person = &j->all.person,
                                  .keys = &j->keys,
                                  .facts = &j->facts->facts,
                                  .screen = qr_sha256_one(qr_buf_bytes(&screen)),
                                  .unattended = qr_config_on(j->c->config, "YES")};
    qr_buf_fini(&screen);
    if (rc == QR_OK) rc = participant_keys_new(&j->keys, &j->c->rand, err);
    if (rc == QR_OK) rc = approve_papers_get(plan, &j->papers, err);
    if (rc == QR_OK) rc = approve_send(plan, &j->papers, &j->where, err);
    if (rc == QR_OK)
        cli_say(j->c, "Approved: log entry %llu. Keep this running until the session ends.",
                (unsigned long long)j->where.index);
    return rc;
}

/* --output, or the artifact's name with .quorate, in this directory. */
static void output_path(const struct joining *j, char out[PATH_MAX])
{
    const char *given = qr_config_str(j->c->config, "OUT");
    const struct leaf_artifact *a = &j->facts->facts.request.is.artifact;
    char name[QR_MAX_NAME + 1];
    if (given) {
        (void)snprintf(out, PATH_MAX, "%s", given);
        return;
    }
    if (a->name[0] && !strchr(a->name, '/') && a->name[0] != '.' &&
        qr_str(a->name).n <= MAX_FILE_NAME)
        cli_clean(qr_str(a->name), name, sizeof name);
    else
        qr_hex(a->sha256.b, 8, name);
    (void)snprintf(out, PATH_MAX, "%s.quorate", name);
}

/* The letters of a failed attempt and the material to judge them by, beside the
 * bundle that may still come: for `tlog-verify blame`. */
static void write_blame(const struct joining *j, const struct follow_news *n)
{
    char path[PATH_MAX], file[PATH_MAX + 24];
    struct qr_buf text;
    struct qr_err err = {{0}};
    if (n->evidence.n == 0 || n->material.n == 0) return;
    output_path(j, path);
    (void)snprintf(file, sizeof file, "%s.blame-%u", path, n->attempt);
    qr_buf_init(&text, BLAME_MAX_FILE);
    enum qr_rc rc = blame_write(n->material, n->evidence, &text);
    if (rc == QR_OK) rc = qr_file_write(file, qr_buf_bytes(&text), 0644, &err);
    qr_buf_fini(&text);
    if (rc == QR_OK)
        cli_say(j->c, "  what shows whose fault it was: %s", file);
    else
        cli_say(j->c, "  %s cannot be written", file);
}

static void tell(void *ctx, const struct follow_news *n)
{
    static const char *const steps[LEAF_ORDER_COUNT] = {
        [LEAF_ORDER_PRESENCE] = "quorum reached; checking that everybody is here",
        [LEAF_ORDER_FROZEN] = "roster frozen; verifying it, dealing shares",
        [LEAF_ORDER_DKG1] = "shares received; making the key",
        [LEAF_ORDER_SIGN] = "key certified and logged; verifying, signing",
        [LEAF_ORDER_CHAIN] = "first signature complete; verifying it, signing the second",
        [LEAF_ORDER_SIGNED] = "signed",
    };
    struct joining *j = ctx;
    if (n->type == LEAF_ORDER_ATTEMPT_FAILED) write_blame(j, n);
    if (n->note)
        cli_say(j->c, "  %s", n->note);
    else if (n->type == LEAF_ORDER_PROGRESS)
        cli_say(j->c, "  %s: %lld of %lld engineers, %lld of %lld stewards", n->state,
                (long long)n->engineers_have, (long long)n->engineers_need,
                (long long)n->stewards_have, (long long)n->stewards_need);
    else if (n->type == LEAF_ORDER_ATTEMPT_FAILED)
        cli_say(j->c, "  attempt %u failed at %s: %s", n->attempt, n->step, n->reason);
    else if (n->type < LEAF_ORDER_COUNT && steps[n->type])
        cli_say(j->c, "  %s", steps[n->type]);
}

static enum qr_rc keep_bundle(struct joining *j, struct qr_err *err)
{
    char path[PATH_MAX];
    output_path(j, path);
    if (strcmp(path, "-") == 0) {
        if (!j->c->json) (void)fwrite(j->bundle.p, 1, j->bundle.n, stdout);
    } else {
        QR_TRY(qr_file_write(path, qr_buf_bytes(&j->bundle), 0644, err));
    }
    if (j->c->json) {
        j->c->result = qr_json_object();
        char text[PATH_MAX]; /* JSON takes UTF-8 only */
        cli_clean(qr_str(path), text, sizeof text);
        qr_json_set_str(j->c->result, "bundle", text);
        qr_json_set_str(j->c->result, "session", j->facts->facts.request.is.session);
        qr_json_set_u64str(j->c->result, "approval_index", j->where.index);
    } else if (strcmp(path, "-") != 0) {
        cli_say(j->c, "Signed and verified. The bundle:");
        cli_out(j->c, "%s", path);
    }
    return QR_OK;
}

static enum qr_rc take_part(struct joining *j, const struct approve_plan *approved,
                            struct qr_err *err)
{
    struct follow_plan plan = {.approve = *approved,
                               .papers = &j->papers,
                               .approval = j->where.leaf,
                               .known = &j->facts->known,
                               .allow_simulated = j->all.allow_simulated,
                               .has_file = j->has_file,
                               .file = qr_buf_bytes(&j->file),
                               .tell = tell,
                               .stop = stop,
                               .ctx = j};
    QR_TRY(follow_run(&plan, &j->bundle, err));
    return keep_bundle(j, err);
}

static enum qr_rc join(struct joining *j, struct qr_err *err)
{
    const char *session = qr_config_str(j->c->config, "SESSION");
    struct approve_plan approved;
    if (!session) return qr_fail(err, QR_USAGE, "give --session ID");
    QR_TRY(open_services(j->c, &j->all, err));
    j->all.allow_simulated = qr_config_on(j->c->config, "ALLOW_SIMULATED");
    if (!j->all.allow_simulated) QR_TRY(trust_dir_serviceable(j->all.trust, err));
    QR_TRY(open_person(j->c, &j->all, err));
    if (j->all.person.role > QR_STEWARD)
        return qr_fail(err, QR_DENIED, "engineers and stewards approve; you are enrolled as %s",
                       qr_role_name(j->all.person.role));
    QR_TRY(open_session(&j->all, session, &j->facts, err));
    QR_TRY(still_open(j, err));
    QR_TRY(read_file(j, err));
    QR_TRY(approve(j, &approved, err));
    return take_part(j, &approved, err);
}

enum qr_rc cli_join(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    struct joining *j = calloc(1, sizeof *j);
    if (!j) return QR_NOMEM;
    struct sigaction sa = {.sa_handler = on_interrupt};
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    j->c = c;
    approve_papers_init(&j->papers);
    qr_buf_init(&j->bundle, QR_MAX_BUNDLE);
    enum qr_rc rc = join(j, err);
    participant_keys_fini(&j->keys);
    approve_papers_fini(&j->papers);
    qr_buf_fini(&j->file);
    qr_buf_fini(&j->bundle);
    open_facts_free(j->facts);
    open_close(&j->all);
    free(j);
    return rc;
}
