/* group_join.c - `quorate group join` and `sign`: a member's part, with the shares
 * that this machine keeps. */
#include <config.h>

#include "base/file.h"
#include "bundle/verify_cmd.h"
#include "cli/group.h"
#include "service/layout.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define OWN_SETTINGS                                                                              \
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},               \
        OPEN_PERSON_SETTINGS,                                                                     \
        {"SESSION", "session", QR_SET_TEXT, NULL, 0, 0, "session in which the quorum signed"},    \
        {"WAIT", "wait", QR_SET_INT, "600", 1, 86400, "seconds to wait for the others"},          \
        {"YES", "yes", QR_SET_SWITCH, NULL, 0, 0, "take part without asking (class unattended)"}, \
    {                                                                                             \
        "ALLOW_SIMULATED", "allow-simulated", QR_SET_SWITCH, NULL, 0, 0,                          \
            "accept simulated attestation beyond the policy"                                      \
    }

static const struct qr_setting join_own[] = {
    OWN_SETTINGS,
    {"PLAN", "plan", QR_SET_PATH, NULL, 0, 0, "the plan that the quorum signed"},
};
static const struct qr_setting sign_own[] = {
    OWN_SETTINGS,
    {"GROUP", "group", QR_SET_TEXT, NULL, 0, 0, "the group's id, its beginning, or its name"},
    {"FILE", "file", QR_SET_PATH, NULL, 0, 0, "the file itself: raw needs it"},
    {"EMIT_KEY", "emit-key", QR_SET_PATH, NULL, 0, 0,
     "write the group's key and signatures for stock tools to this file and beside it"},
};
/* What a participant needs, and what closes its shares at rest. */
static const char *const names[] = {"QUORATE_STATE_DIR",
                                    "QUORATE_TRUST_DIR",
                                    "QUORATE_PERSON_KEY",
                                    "COORDINATOR_ADDR",
                                    "TLOG_ADDR",
                                    "CA_ADDR",
                                    "AUTH_ADDR",
                                    "CLIENT_TLS_CA",
                                    "CLIENT_TLS_CERT",
                                    "CLIENT_TLS_KEY",
                                    "TEE_POLICY_HASH",
                                    "TEE_DEVICE",
                                    "TEE_CERTS",
                                    "TEE_LEVEL",
                                    "SEAL",
                                    "SEAL_SECRET",
                                    NULL};
static const struct qr_config_spec join_spec = {
    .program = "quorate group join",
    .summary = "takes part in a step of a standing group that a quorum approved",
    .examples = "  quorate group join --session ID --plan PLAN --email bob@ex.com\n",
    .names = names,
    .own = join_own,
    .own_count = sizeof join_own / sizeof join_own[0],
};
static const struct qr_config_spec sign_spec = {
    .program = "quorate group sign",
    .summary = "signs with a standing group what a quorum signed",
    .examples = "  quorate group sign --session ID --group releases --email bob@ex.com "
                "--emit-key KEY\n",
    .names = names,
    .own = sign_own,
    .own_count = sizeof sign_own / sizeof sign_own[0],
};

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
static void tell(void *ctx, const char *text) { cli_say(ctx, "  %s", text); }

struct taking_part {
    struct cli *c;
    struct open_all all;
    struct attest_sealer *sealer;
    struct share_store *store;
    struct qr_buf text; /* the plan */
    struct qr_buf file;
    struct group_run_conf conf;
};

/* ---- opening ---- */

static enum qr_rc open_sealer(struct taking_part *t, struct qr_err *err)
{
    const struct qr_config *config = t->c->config;
    struct qr_bytes seal = qr_str(qr_config_str(config, "SEAL"));
    bool hardware = qr_bytes_is(seal, "hardware");
    if (qr_bytes_is(seal, "off")) return QR_OK;
    if (!hardware && !qr_bytes_is(seal, "software"))
        return qr_fail(err, QR_USAGE, "SEAL is off, software or hardware");
    if (!hardware) t->conf.classes |= QR_CLASS_SOFTSEAL;
    const struct attest_sealer_conf conf = {.device =
                                                hardware ? services_device(t->all.services) : NULL,
                                            .secret = qr_config_secret(config, "SEAL_SECRET"),
                                            .node = qr_str(services_node(t->all.services)),
                                            .rand = t->c->rand};
    return attest_sealer_open(&conf, &t->sealer, err);
}

/* client/shares/COMMITMENT: one database and lock for each person. */
static enum qr_rc open_store(struct taking_part *t, struct qr_err *err)
{
    char shares[PATH_MAX], dir[PATH_MAX], hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(t->all.person.commitment.b, QR_SHA256_SIZE, hex);
    QR_TRY(cli_path(shares, t->all.state, LAYOUT_CLIENT, LAYOUT_SHARES, err));
    QR_TRY(qr_dir_private(shares, err));
    QR_TRY(cli_path(dir, shares, hex, NULL, err));
    const struct share_store_conf conf = {.dir = dir, .sealer = t->sealer, .rand = t->c->rand};
    enum qr_rc rc = share_store_open(&t->store, &conf, err);
    return rc == QR_BUSY ? qr_fail(err, rc, "another process works with your shares") : rc;
}

static enum qr_rc read_file(const struct qr_config *config, const char *name, struct qr_buf *out,
                            struct qr_err *err)
{
    const char *path = qr_config_str(config, name);
    return path ? qr_file_read(path, out, err) : QR_OK;
}

static enum qr_rc open_part(struct taking_part *t, struct qr_err *err)
{
    const struct qr_config *config = t->c->config;
    const char *session = qr_config_str(config, "SESSION");
    if (!session || !qr_ulid_ok(qr_str(session)))
        return qr_fail(err, QR_USAGE, "give --session ID, in which the quorum signed");
    QR_TRY(open_services(t->c, &t->all, err));
    t->all.allow_simulated = qr_config_on(config, "ALLOW_SIMULATED");
    if (!t->all.allow_simulated) QR_TRY(trust_dir_serviceable(t->all.trust, err));
    QR_TRY(open_person(t->c, &t->all, err));
    t->conf = (struct group_run_conf){.services = t->all.services,
                                      .person = &t->all.person,
                                      .session = session,
                                      .allow_simulated = t->all.allow_simulated,
                                      .wait_us = qr_config_int(config, "WAIT", 600) * 1000000,
                                      .tell = tell,
                                      .stop = stop,
                                      .ctx = t->c};
    if (qr_config_on(config, "YES")) t->conf.classes |= QR_CLASS_UNATTENDED;
    if (services_device(t->all.services)->trust_class == ATTEST_SIMULATED)
        t->conf.classes |= QR_CLASS_SIMULATED;
    QR_TRY(open_sealer(t, err));
    QR_TRY(open_store(t, err));
    t->conf.store = t->store;
    return QR_OK;
}

static enum qr_rc ask(struct taking_part *t, const char *what, struct qr_err *err)
{
    char answer[16];
    if (qr_config_on(t->c->config, "YES")) return QR_OK;
    fprintf(stderr, "%s Type yes: ", what);
    (void)fflush(stderr);
    if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "yes\n") != 0)
        return qr_fail(err, QR_CANCELLED, "not taking part");
    return QR_OK;
}

/* ---- join ---- */

static enum qr_rc join(struct taking_part *t, struct qr_err *err)
{
    struct leaf_group_plan p;
    struct leaf_group_ref now;
    struct qr_buf screen;
    char hex[2 * QR_SHA256_SIZE + 1];
    if (!qr_config_str(t->c->config, "PLAN")) return qr_fail(err, QR_USAGE, "give --plan");
    QR_TRY(read_file(t->c->config, "PLAN", &t->text, err));
    QR_TRY(leaf_group_plan_read(qr_buf_bytes(&t->text), &p, err));
    QR_TRY(open_part(t, err));
    t->conf.text = qr_buf_bytes(&t->text);
    const struct qr_hash hash = qr_sha256_one(t->conf.text);
    qr_buf_init(&screen, 16384);
    group_plan_text(&p, &hash, &screen);
    if (!t->c->json) fprintf(stderr, "%.*s", (int)screen.n, (const char *)screen.p);
    qr_buf_fini(&screen);
    QR_TRY(ask(t, "Take part in this?", err));
    QR_TRY(group_change_run(&t->conf, &now, err));
    qr_hex(now.group.b, sizeof now.group.b, hex);
    t->c->result = qr_json_object();
    qr_json_set_str(t->c->result, "group", hex);
    qr_json_set_int(t->c->result, "epoch", now.epoch);
    qr_json_set_hex(t->c->result, "digest", now.digest, sizeof now.digest);
    cli_say(t->c, "Done: the log shows the group in epoch %u%s.", now.epoch,
            p.step == LEAF_GROUP_RETIRE ? ", retired" : "");
    cli_out(t->c, "%s", hex);
    return QR_OK;
}

/* ---- sign ---- */

static enum qr_rc report(struct taking_part *t, const struct group_signed *s, struct qr_err *err)
{
    const char *emit = qr_config_str(t->c->config, "EMIT_KEY");
    struct qr_bytes file = t->conf.has_file ? t->conf.file : QR_BYTES_NONE;
    char hex[2 * QR_KEY_SIZE + 1];
    if (emit) QR_TRY(verify_emit(&s->facts, t->all.trust, file, emit, err));
    qr_hex(s->made.group_key.b, QR_KEY_SIZE, hex);
    t->c->result = qr_json_object();
    qr_json_set_str(t->c->result, "group_key", hex);
    qr_json_set_int(t->c->result, "epoch", s->made.with.epoch);
    qr_json_set_u64str(t->c->result, "index", s->index);
    qr_json_set(t->c->result, "signatures", leaf_signatures_write(s->made.signatures, s->made.n));
    cli_say(t->c, "Signed with the group: log entry %llu.", (unsigned long long)s->index);
    cli_out(t->c, "%s", hex);
    return QR_OK;
}

static enum qr_rc sign(struct taking_part *t, struct qr_err *err)
{
    struct group_signed s;
    QR_TRY(open_part(t, err));
    QR_TRY(read_file(t->c->config, "FILE", &t->file, err));
    t->conf.has_file = qr_config_str(t->c->config, "FILE") != NULL;
    t->conf.file = qr_buf_bytes(&t->file);
    t->conf.group = qr_config_str(t->c->config, "GROUP");
    if (!t->conf.group) return qr_fail(err, QR_USAGE, "give --group");
    QR_TRY(ask(t, "Sign with the group what this session's quorum signed?", err));
    enum qr_rc rc = group_sign_run(&t->conf, &s, err);
    if (rc == QR_OK) rc = report(t, &s, err);
    group_signed_free(&s);
    return rc;
}

/* ---- both ---- */

static enum qr_rc with_part(struct cli *c, enum qr_rc (*fn)(struct taking_part *, struct qr_err *),
                            struct qr_err *err)
{
    struct taking_part *t = calloc(1, sizeof *t);
    if (!t) return QR_NOMEM;
    struct sigaction sa = {.sa_handler = on_interrupt};
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    t->c = c;
    qr_buf_init(&t->text, QR_MAX_ENTRY);
    qr_buf_init(&t->file, QR_MAX_RAW_FILE);
    enum qr_rc rc = fn(t, err);
    share_store_close(t->store);
    attest_sealer_close(t->sealer);
    qr_buf_fini(&t->text);
    qr_buf_fini(&t->file);
    open_close(&t->all);
    free(t);
    return rc;
}

enum qr_rc cli_group_join(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &join_spec, argc, argv, err));
    return with_part(c, join, err);
}

enum qr_rc cli_group_sign(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &sign_spec, argc, argv, err));
    return with_part(c, sign, err);
}
