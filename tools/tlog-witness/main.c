/* main.c - tlog-witness: a small witness server for any C2SP log. */
#include "base/config.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "tools/tlog-witness/store.h"
#include "tools/tlog-witness/witness.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define TICK_MS 500

static const char *const names[] = {NULL};
static const struct qr_setting own[] = {
    {"WITNESS_DB", "db", QR_SET_PATH, "witness.db", 0, 0, "what was cosigned; made by --init"},
    {"WITNESS_KEY", "key", QR_SET_PATH, "witness.key", 0, 0,
     "private key of the witness; made by --init"},
    {"WITNESS_NAME", "name", QR_SET_TEXT, NULL, 0, 0, "key name, such as witness.example/w1"},
    {"WITNESS_POLICY", "policy", QR_SET_PATH, "witness.policy", 0, 0,
     "the logs that are cosigned, a tlog-policy"},
    {"WITNESS_LISTEN", "listen", QR_SET_ADDR, "127.0.0.1:7781", 0, 0, "where to answer"},
    {"WITNESS_READY_FILE", "ready-file", QR_SET_PATH, NULL, 0, 0,
     "written with HOST:PORT once serving"},
    {"WITNESS_INIT", "init", QR_SET_SWITCH, NULL, 0, 0, "make database and key, print the vkey"},
    {"WITNESS_VKEY", "vkey", QR_SET_SWITCH, NULL, 0, 0, "print the vkey and end"},
};

static const struct qr_config_spec spec = {
    .program = "tlog-witness",
    .summary = "a witness of transparency logs (C2SP tlog-witness)",
    .examples = "  tlog-witness --init --name witness.example/w1\n"
                "  tlog-witness --name witness.example/w1 --policy logs.policy\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "Exit codes: 0 ok, 2 usage, 3 unreadable, 5 no database, 8 in use or made already.\n",
};

static enum tlog_rc sign(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    struct qr_sig out;
    qr_sign(ctx, QR_BYTES(msg.p, msg.n), &out);
    qr_copy(sig, out.b, TLOG_SIG_SIZE);
    return TLOG_OK;
}

static enum qr_rc open_db(const struct qr_config *c, bool create, struct qr_db **out,
                          struct qr_err *err)
{
    struct qr_db_conf conf = {.path = qr_config_str(c, "WITNESS_DB"),
                              .create = create,
                              .app_id = WITNESS_APP_ID,
                              .scripts = witness_scripts,
                              .script_count = WITNESS_SCRIPT_COUNT};
    return qr_db_open(out, &conf, err);
}

static enum qr_rc make_all(const struct qr_config *c, struct qr_signer *key, struct qr_err *err)
{
    struct qr_rand rand = qr_rand_system();
    struct qr_db *db = NULL;
    const char *path = qr_config_str(c, "WITNESS_KEY");
    if (qr_file_exists(path)) return qr_fail(err, QR_EXISTS, "%s: there already", path);
    QR_TRY(qr_signer_new(key, &rand, err));
    QR_TRY(open_db(c, true, &db, err));
    qr_db_close(db);
    return qr_signer_save(key, path, err);
}

static enum qr_rc read_policy(const char *path, struct tlog_policy **out, struct qr_err *err)
{
    struct qr_buf text;
    struct tlog_err terr = {{0}};
    qr_buf_init(&text, TLOG_POLICY_TEXT_MAX);
    enum qr_rc rc = qr_file_read(path, &text, err);
    if (rc == QR_OK &&
        tlog_policy_parse((struct tlog_bytes){text.p, text.n}, out, &terr) != TLOG_OK)
        rc = qr_fail(err, QR_MALFORMED, "%s: %s", path, terr.text);
    qr_buf_fini(&text);
    return rc;
}

/* Until a signal, or until the database cannot be trusted any more. */
static enum qr_rc wait_for_end(const struct witness *w, const sigset_t *set, struct qr_err *err)
{
    const struct timespec tick = {0, TICK_MS * 1000000L};
    for (;;) {
        int sig = sigtimedwait(set, NULL, &tick);
        if (sig == SIGTERM || sig == SIGINT) return QR_OK;
        if (qr_db_broken(w->db)) return qr_fail(err, QR_IO, "the database failed; start anew");
    }
}

static enum qr_rc serve(const struct qr_config *c, struct witness *w, const sigset_t *set,
                        struct qr_err *err)
{
    struct http_server *server = NULL;
    struct http_conf conf = {.listen = qr_config_str(c, "WITNESS_LISTEN"),
                             .posts = true,
                             .max_body = WITNESS_BODY_MAX,
                             .handle = witness_handle,
                             .ctx = w};
    const char *ready = qr_config_str(c, "WITNESS_READY_FILE");
    QR_TRY(http_serve(&conf, &server, err));
    char text[128];
    int n = snprintf(text, sizeof text, "%s\n", http_address(server));
    qr_log_text(w->log, "http.serving", "tlog-witness on %s", http_address(server));
    enum qr_rc rc = ready ? qr_file_write(ready, QR_BYTES(text, (size_t)n), 0600, err) : QR_OK;
    if (rc == QR_OK) rc = wait_for_end(w, set, err);
    http_stop(server);
    if (ready) (void)unlink(ready);
    return rc;
}

static enum qr_rc run(const struct qr_config *c, struct qr_signer *key, const sigset_t *set,
                      struct qr_err *err)
{
    const char *name = qr_config_str(c, "WITNESS_NAME");
    struct qr_log log = {STDERR_FILENO, "tlog-witness", qr_clock_system()};
    struct witness w = {.clock = qr_clock_system(), .log = &log};
    struct tlog_policy *logs = NULL;
    char vkey[TLOG_VKEY_MAX];
    if (!name) return qr_fail(err, QR_USAGE, "--name is needed");
    if (qr_config_on(c, "WITNESS_INIT"))
        QR_TRY(make_all(c, key, err));
    else
        QR_TRY(qr_signer_load(key, qr_config_str(c, "WITNESS_KEY"), err));
    if (tlog_cosigner_make(name, key->pub.b, &w.key.key) != TLOG_OK)
        return qr_fail(err, QR_USAGE, "--name is not a key name: %.80s", name);
    tlog_vkey_format(&w.key.key, vkey);
    if (qr_config_on(c, "WITNESS_INIT") || qr_config_on(c, "WITNESS_VKEY")) {
        (void)printf("%s\n", vkey);
        return QR_OK;
    }
    w.key.sign = sign;
    w.key.ctx = key;
    QR_TRY(read_policy(qr_config_str(c, "WITNESS_POLICY"), &logs, err));
    w.logs = logs;
    enum qr_rc rc = open_db(c, false, &w.db, err);
    if (rc == QR_OK) rc = serve(c, &w, set, err);
    qr_db_close(w.db);
    tlog_policy_free(logs);
    return rc;
}

int main(int argc, char **argv)
{
    struct qr_err err = {{0}};
    struct qr_config *config = NULL;
    struct qr_signer key = {0};
    sigset_t set;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    enum qr_rc rc = qr_config_load(&config, &spec, argc, argv, &err);
    if (rc == QR_OK && qr_config_wants_text(config)) {
        qr_config_print(config, stdout);
    } else if (rc == QR_OK) {
        rc = qr_secret_process_init(&err);
        if (rc == QR_OK) rc = qr_crypto_init(&err);
        if (rc == QR_OK) rc = run(config, &key, &set, &err);
        qr_signer_fini(&key);
    }
    qr_config_free(config);
    if (rc != QR_OK)
        (void)fprintf(stderr, "tlog-witness: %s\n", err.text[0] ? err.text : qr_rc_text(rc));
    return qr_rc_exit(rc);
}
