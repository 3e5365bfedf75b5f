/* run.c - see run.h.
 *
 * Threads: the main thread waits for signals; gRPC's serve; the outbox carries;
 * one thread waits for the log, replays it and then says SERVING.  Whoever
 * finds that the daemon must not go on calls service_fatal, which only wakes
 * the main thread: it stops serving and chooses the exit code. */
#include "service/run.h"

#include "base/file.h"
#include "base/wait.h"
#include "leaf/service.h"
#include "rpc/rpc.h"
#include "service/life.h"

#include <config.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 10000
#define TICK_MS 1000
#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 2000
#define POLICY_LOOK_MS 500
#define STARTED_WAIT_US (20 * 1000000LL)

const struct qr_setting service_flags[SERVICE_FLAG_COUNT] = {
    {"INIT", "init", QR_SET_SWITCH, NULL, 0, 0, "make what is missing (database), then exit"},
    {"READY_FILE", "ready-file", QR_SET_PATH, NULL, 0, 0, "written with HOST:PORT once serving"}};

const char service_notes[] =
    "STATE is the state directory that `quorate init` makes; TRUST its trust directory.\n"
    "SIGTERM or SIGINT: no new calls, those under way end within 10 s; a second one ends\n"
    "at once.  One JSON line per call on stderr.\n\n"
    "Exit codes: 0 ok, 2 usage, 3 unreadable file, 4 refused by policy (hash, keys, class),\n"
    "5 a file is not there, 7 unavailable, 8 in use by another process or of a newer\n"
    "version, 9 attestation failed, 10 the log is inconsistent,\n"
    "11 no SEV-SNP device here, 70 bug.\n";

/* ---- the end ---- */

void service_fatal(struct service *s, enum qr_rc rc, const char *text)
{
    struct service_life *l = s->life;
    (void)pthread_mutex_lock(&l->mutex);
    bool first = l->fatal_rc == QR_OK;
    if (first) {
        l->fatal_rc = rc;
        (void)qr_fail(&l->fatal_err, rc, "%s", text);
    }
    atomic_store(&l->ready, false);
    (void)pthread_mutex_unlock(&l->mutex);
    if (!first) return;
    qr_log_text(&s->log, "service.fatal", "%s: %s", qr_rc_name(rc), text);
    (void)kill(getpid(), SIGUSR1);
}

static void probe_dead(void *ctx)
{
    service_fatal(ctx, QR_UNAVAILABLE, "our own port does not answer any more");
}

static void outbox_fatal(void *ctx, enum qr_rc rc, const char *text)
{
    service_fatal(ctx, rc, text);
}

/* ---- entries about attestation ---- */

static void emit_verdict(void *ctx, enum leaf_kind kind, const struct leaf_attestation *a)
{
    struct service *s = ctx;
    struct qr_err err = {{0}};
    int64_t row = 0;
    json_t *body = leaf_attestation_write(a);
    enum qr_rc rc;
    if (s->spec->hooks.log_own) {
        rc = s->spec->hooks.log_own(s, kind, body, &err);
    } else {
        rc = qr_db_begin(s->db, &err);
        if (rc == QR_OK)
            rc = qr_db_end(s->db, outbox_put(s->outbox, kind, body, NULL, &row, &err), &err);
        if (rc == QR_OK) outbox_wake(s->outbox);
    }
    json_decref(body);
    if (rc != QR_OK) qr_log_text(&s->log, "verdict.lost", "%s: %s", qr_rc_name(rc), err.text);
}

static void judged(void *ctx, const struct attested_judged *j)
{
    struct service *s = ctx;
    const struct attest_outcome *o = j->outcome;
    struct leaf_attestation a = {.policy = o->peer.policy_hash, .count = 1};
    enum attest_reason reason = o ? o->reason : ATTEST_OK;
    const char *why = j->rc == QR_OK        ? "OK"
                      : reason != ATTEST_OK ? attest_reason_name(reason)
                                            : qr_rc_name(j->rc);
    (void)snprintf(a.service, sizeof a.service, "%s", s->spec->name);
    (void)snprintf(a.peer_node, sizeof a.peer_node, "%s", o ? o->peer.node_id : "");
    (void)snprintf(a.peer_role, sizeof a.peer_role, "%.32s", o ? o->peer.role : "");
    (void)snprintf(a.reason, sizeof a.reason, "%.32s", why);
    if (o) a.evidence = o->peer.claims.evidence_digest;
    if (j->rc == QR_OK)
        verdicts_accepted(s->life->verdicts, &a);
    else
        verdicts_refused(s->life->verdicts, &a);
}

/* A daemon's node has that daemon's role; every other node is a participant's. */
static const char *role_of(void *ctx, const char *node)
{
    static const char *const daemons[] = {LAYOUT_TLOGD, LAYOUT_AUTHD, LAYOUT_CAD,
                                          LAYOUT_COORDINATORD};
    (void)ctx;
    for (size_t i = 0; i < sizeof daemons / sizeof daemons[0]; i++)
        if (strcmp(node, daemons[i]) == 0) return daemons[i];
    return SERVICE_ROLE_PARTICIPANT;
}

/* ---- starting ---- */

static enum qr_rc open_database(struct service *s, bool create, struct qr_err *err)
{
    const struct service_spec *spec = s->spec;
    if (!spec->db_file) return QR_OK;
    struct service_path path = path_in2(s->state, spec->name, spec->db_file);
    struct qr_db_conf conf = {.path = path.s,
                              .create = create,
                              .app_id = spec->app_id,
                              .scripts = spec->scripts,
                              .script_count = spec->script_count};
    enum qr_rc rc = qr_db_open(&s->db, &conf, err);
    if (rc == QR_NOTFOUND)
        return qr_fail(err, rc, "%s: no database there; --init makes one", path.s);
    if (rc == QR_OK) rc = qr_db_check(s->db, err);
    return rc;
}

static enum qr_rc initialise(struct service *s, struct qr_err *err)
{
    QR_TRY(open_database(s, true, err));
    qr_db_close(s->db);
    s->db = NULL;
    return s->spec->hooks.create ? s->spec->hooks.create(s, err) : QR_OK;
}

static enum qr_rc open_log(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    struct service_path seen = path_in2(s->state, s->spec->name, SERVICE_LOG_SEEN);
    struct log_client_conf lc = {.anchor_path = seen.s,
                                 .origin = s->trust->origin,
                                 .keys = s->trust->log_keys,
                                 .key_count = s->trust->log_key_count,
                                 .log = &s->log,
                                 .clock = s->clock,
                                 .call = link_call,
                                 .stream = link_stream,
                                 .ctx = s};
    QR_TRY(service_client_new(s, qr_config_str(s->config, "TLOG_ADDR"), LAYOUT_TLOGD,
                              &l->log_service, err));
    return log_client_new(&s->log_client, &lc, err);
}

static enum qr_rc open_policy(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    struct service_path seen = path_in2(s->state, s->spec->name, SERVICE_LOG_SEEN ".next");
    struct policy_watch_conf conf = {.trust = s->trust,
                                     .self = &l->self,
                                     .channel =
                                         service_channel(s, qr_config_str(s->config, "TLOG_ADDR")),
                                     .anchor_path = seen.s,
                                     .log = s->log_client};
    if (!attest_pin_waits(s->trust->attestation)) return QR_OK;
    return policy_watch_new(&l->policy, &conf, err);
}

/* Whether the next policy is in force; says so once. */
static enum qr_rc look_for_policy(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    struct attest_pin *pin = s->trust->attestation;
    char hash[2 * QR_SHA256_SIZE + 1];
    if (!attest_pin_waits(pin)) return QR_OK;
    if (l->policy)
        QR_TRY(policy_watch_look(l->policy, err));
    else
        QR_TRY(policy_look(s->trust, s->spec->hooks.find_policy, s, err));
    if (attest_pin_waits(pin)) return QR_OK;
    /* Who satisfies it too comes back at once. */
    if (l->attested) attested_server_policy(l->attested);
    qr_hex(attest_pin_now(pin)->hash.b, QR_SHA256_SIZE, hash);
    qr_log_text(&s->log, "policy.in_force", "attestation policy %s since entry %llu", hash,
                (unsigned long long)attest_pin_from(pin));
    return QR_OK;
}

static bool pause_ms(struct service *s, int ms);

/* Whether the log takes us, and we it, under the policy that is in force. */
static enum qr_rc still_one_of_us(struct service *s, struct qr_err *err)
{
    struct log_answer head;
    if (!s->log_client) return QR_OK;
    enum qr_rc rc = log_client_head(s->log_client, &head, err);
    log_answer_fini(&head);
    return rc;
}

static void *policy_watcher(void *arg)
{
    struct service *s = arg;
    bool done = false;
    while (!done && pause_ms(s, POLICY_LOOK_MS)) {
        struct qr_err err = {{0}};
        enum qr_rc rc = look_for_policy(s, &err);
        if (rc == QR_OK && !attest_pin_waits(s->trust->attestation)) {
            rc = still_one_of_us(s, &err);
            done = rc == QR_OK;
        }
        if (rc == QR_FORK || rc == QR_ATTESTATION) {
            service_fatal(s, rc, err.text);
            done = true;
        }
    }
    return NULL;
}

static enum qr_rc start_policy(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    if (!attest_pin_waits(s->trust->attestation)) return QR_OK;
    if (pthread_create(&l->policy_thread, NULL, policy_watcher, s) != 0)
        return qr_fail(err, QR_NOMEM, "no thread");
    l->policy_started = true;
    return QR_OK;
}

static enum qr_rc append_to_log(void *ctx, const struct qr_bytes *entries, size_t n,
                                struct log_answer *out, struct qr_err *err)
{
    return log_client_append(((struct service *)ctx)->log_client, entries, n, out, err);
}

static enum qr_rc open_outbox(struct service *s, struct qr_err *err)
{
    struct outbox_conf conf = {.db = s->db,
                               .key = &s->entry_key,
                               .author = s->spec->author,
                               .classes = s->classes,
                               .clock = s->clock,
                               .rand = s->rand,
                               .log = &s->log,
                               .append = append_to_log,
                               .append_ctx = s,
                               .logged = s->spec->hooks.logged,
                               .settled = s->spec->hooks.settled,
                               .ctx = s,
                               .fatal = outbox_fatal};
    return outbox_new(&s->outbox, &conf, err);
}

static enum qr_rc open_parts(struct service *s, struct qr_err *err)
{
    struct verdicts_conf vc = {s->clock, emit_verdict, s};
    QR_TRY(open_database(s, false, err));
    s->life->verdicts = verdicts_new(&vc);
    if (s->db) {
        QR_TRY(open_log(s, err));
        QR_TRY(open_policy(s, err));
        QR_TRY(open_outbox(s, err));
    }
    return s->spec->hooks.open(s, err);
}

static void audit(void *ctx, const struct rpc_audit *a)
{
    struct service *s = ctx;
    if (a->outcome < QR_RC_COUNT) atomic_fetch_add(&s->life->calls[a->outcome], 1);
    rpc_audit_line(&s->log, a);
}

static enum qr_rc open_server(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    struct rpc_tls tls = {l->tls_cert, l->tls_key, l->tls_ca};
    struct attested_server_conf ac = {.self = &l->self,
                                      .audience = s->spec->name,
                                      .tls = tls,
                                      .role_of = role_of,
                                      .judged = judged,
                                      .ctx = s};
    const char *threads = identity_setting(s, "THREADS");
    uint64_t workers = 0;
    if (threads) QR_TRY(qr_parse_u64(qr_str(threads), INT_MAX, &workers));
    QR_TRY(attested_server_new(&l->attested, &ac, err));
    struct rpc_server_conf rc = {.listen = identity_setting(s, "BIND"),
                                 .tls = tls,
                                 .workers = (int)workers,
                                 .guard = attested_server_guard(l->attested),
                                 .log = &s->log,
                                 .clock = s->clock,
                                 .audit = audit,
                                 .audit_ctx = s,
                                 .dead = probe_dead,
                                 .dead_ctx = s,
                                 .probe_name = "localhost"};
    QR_TRY(rpc_server_new(&s->server, &rc, err));
    QR_TRY(attested_server_add(l->attested, s->server, err));
    QR_TRY(s->spec->hooks.add(s, err));
    return rpc_server_start(s->server, &l->port, err);
}

/* ---- reaching the log ---- */

static json_t *started_body(struct service *s)
{
    struct leaf_service_started b = {.policies = s->policies};
    b.policies.attestation = attest_pin_now(s->trust->attestation)->hash;
    (void)snprintf(b.service, sizeof b.service, "%s", s->spec->name);
    (void)snprintf(b.node, sizeof b.node, "%s", s->node);
    (void)snprintf(b.version, sizeof b.version, "%s", PACKAGE_VERSION);
    qr_ulid(&s->rand, qr_now_us(&s->clock), b.boot);
    return leaf_service_started_write(&b);
}

static enum qr_rc put_started(struct service *s, const json_t *body, struct qr_err *err)
{
    int64_t row = 0;
    if (s->spec->hooks.log_own) return s->spec->hooks.log_own(s, LEAF_SERVICE_STARTED, body, err);
    QR_TRY(qr_db_begin(s->db, err));
    return qr_db_end(s->db, outbox_put(s->outbox, LEAF_SERVICE_STARTED, body, NULL, &row, err),
                     err);
}

static enum qr_rc log_started(struct service *s, struct qr_err *err)
{
    json_t *body = started_body(s);
    enum qr_rc rc = put_started(s, body, err);
    json_decref(body);
    return rc;
}

/* "127.0.0.1:0" and the bound port: "127.0.0.1:41234\n". */
static enum qr_rc write_ready(struct service *s, struct qr_err *err)
{
    const char *path = qr_config_str(s->config, "READY_FILE");
    const char *bind = identity_setting(s, "BIND");
    const char *colon = strrchr(bind, ':');
    char text[160];
    if (!path) return QR_OK;
    int n = snprintf(text, sizeof text, "%.*s:%d\n", (int)(colon - bind), bind, s->life->port);
    return qr_file_write(path, QR_BYTES(text, (size_t)n), 0600, err);
}

/* Nothing when the daemon is already ending.  The mutex keeps the end from
 * coming in between: it takes back what stands by then. */
static enum qr_rc become_ready(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    enum qr_rc rc = QR_OK;
    (void)pthread_mutex_lock(&l->mutex);
    if (!atomic_load(&l->stopping) && l->fatal_rc == QR_OK) {
        atomic_store(&l->ready, true);
        rpc_server_set_health(s->server, true);
        qr_log_text(&s->log, "service.serving", "%s on port %d", s->spec->name, l->port);
        rc = write_ready(s, err);
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return rc;
}

static bool is_weather(enum qr_rc rc)
{
    return rc == QR_UNAVAILABLE || rc == QR_DEADLINE || rc == QR_EXHAUSTED;
}

/* Sleeps; false: the daemon is stopping. */
static bool pause_ms(struct service *s, int ms)
{
    struct service_life *l = s->life;
    int64_t end = qr_mono_us(&s->clock) + ms * 1000LL;
    (void)pthread_mutex_lock(&l->mutex);
    for (;;) {
        int64_t left = end - qr_mono_us(&s->clock);
        if (atomic_load(&l->stopping) || left <= 0) break;
        qr_cond_wait(&l->cond, &l->mutex, left);
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return !atomic_load(&l->stopping);
}

static enum qr_rc reach_log(struct service *s, struct qr_err *err)
{
    struct log_answer head;
    QR_TRY(look_for_policy(s, err));
    QR_TRY(log_client_head(s->log_client, &head, err));
    log_answer_fini(&head);
    return QR_OK;
}

static enum qr_rc sync_once(struct service *s, struct qr_err *err)
{
    QR_TRY(outbox_flush(s->outbox, qr_mono_us(&s->clock) + STARTED_WAIT_US, err));
    return s->spec->hooks.sync ? s->spec->hooks.sync(s, err) : QR_OK;
}

/* Tries until it works: step after step, each from where it failed. */
static enum qr_rc bring_up(struct service *s, struct qr_err *err)
{
    enum { REACH, START, SYNC, DONE } step = REACH;
    int wait = RETRY_MIN_MS;
    while (step != DONE) {
        enum qr_rc rc = QR_BUG;
        if (step == REACH) rc = reach_log(s, err);
        if (step == START) {
            rc = log_started(s, err);
            if (rc == QR_OK) rc = outbox_start(s->outbox, err);
        }
        if (step == SYNC) rc = sync_once(s, err);
        if (rc == QR_OK) {
            step++;
            wait = RETRY_MIN_MS;
            continue;
        }
        if (!is_weather(rc)) return rc;
        if (wait == RETRY_MAX_MS) qr_log_text(&s->log, "log.unreachable", "%s", err->text);
        if (!pause_ms(s, wait)) return QR_CANCELLED;
        wait = 2 * wait < RETRY_MAX_MS ? 2 * wait : RETRY_MAX_MS;
    }
    return become_ready(s, err);
}

static void *syncer(void *arg)
{
    struct service *s = arg;
    struct qr_err err = {{0}};
    enum qr_rc rc = bring_up(s, &err);
    if (rc != QR_OK && rc != QR_CANCELLED) service_fatal(s, rc, err.text);
    return NULL;
}

static enum qr_rc start_sync(struct service *s, struct qr_err *err)
{
    if (!s->db) {
        QR_TRY(log_started(s, err));
        QR_TRY(start_policy(s, err));
        return become_ready(s, err);
    }
    QR_TRY(start_policy(s, err));
    if (pthread_create(&s->life->sync_thread, NULL, syncer, s) != 0)
        return qr_fail(err, QR_NOMEM, "no thread");
    s->life->sync_started = true;
    return QR_OK;
}

/* ---- signals ---- */

static void signal_set(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGUSR1);
}

/* Until a signal says stop. */
static void wait_for_end(struct service *s)
{
    sigset_t set;
    signal_set(&set);
    for (;;) {
        struct timespec tick = {TICK_MS / 1000, TICK_MS % 1000 * 1000000L};
        int sig = sigtimedwait(&set, NULL, &tick);
        if (sig == SIGTERM || sig == SIGINT || sig == SIGUSR1) return;
        verdicts_flush(s->life->verdicts, false);
        if (s->db && qr_db_broken(s->db))
            service_fatal(s, QR_IO, "the database failed and may not be trusted until a restart");
    }
}

/* The second signal ends the process where it stands: what counts is durable. */
static void *impatient(void *arg)
{
    sigset_t set;
    int sig = 0;
    (void)arg;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (sigwait(&set, &sig) == 0) _exit(qr_rc_exit(QR_CANCELLED));
    return NULL;
}

static void stop_all(struct service *s)
{
    struct service_life *l = s->life;
    pthread_t waiter;
    if (pthread_create(&waiter, NULL, impatient, NULL) == 0) (void)pthread_detach(waiter);
    qr_log_text(&s->log, "service.stopping", "%s", s->spec->name);
    (void)pthread_mutex_lock(&l->mutex);
    atomic_store(&l->ready, false);
    atomic_store(&l->stopping, true);
    (void)pthread_cond_broadcast(&l->cond);
    (void)pthread_mutex_unlock(&l->mutex);
    const char *ready = qr_config_str(s->config, "READY_FILE");
    if (ready) (void)unlink(ready);
    rpc_server_set_health(s->server, false);
    rpc_server_stop(s->server, GRACE_MS);
    verdicts_flush(l->verdicts, true);
    if (s->outbox) outbox_stop(s->outbox);
    if (l->sync_started) (void)pthread_join(l->sync_thread, NULL);
    if (l->policy_started) (void)pthread_join(l->policy_thread, NULL);
    /* The syncer may have started it in between; what it tells is freed next. */
    if (s->outbox) outbox_stop(s->outbox);
    if (s->spec->hooks.stop) s->spec->hooks.stop(s);
}

/* ---- life ---- */

static enum qr_rc serve(struct service *s, struct qr_err *err)
{
    struct service_life *l = s->life;
    QR_TRY(open_parts(s, err));
    if (!s->db) QR_TRY(look_for_policy(s, err));
    QR_TRY(open_server(s, err));
    QR_TRY(web_start(s, err));
    enum qr_rc rc = start_sync(s, err);
    if (rc == QR_OK) wait_for_end(s);
    stop_all(s);
    if (rc != QR_OK) return rc;
    return qr_fail(err, l->fatal_rc, "%s", l->fatal_err.text);
}

static void close_all(struct service *s)
{
    struct service_life *l = s->life;
    http_stop(l->web);
    if (s->server) rpc_server_free(s->server);
    if (l->attested) attested_server_free(l->attested);
    if (s->spec->hooks.close) s->spec->hooks.close(s);
    outbox_free(s->outbox);
    policy_watch_free(l->policy);
    log_client_free(s->log_client);
    service_client_free(l->log_service);
    verdicts_free(l->verdicts);
    qr_db_close(s->db);
}

static enum qr_rc live(struct service *s, struct qr_err *err)
{
    s->state = qr_config_str(s->config, "QUORATE_STATE_DIR");
    QR_TRY(qr_secret_process_init(err));
    QR_TRY(qr_crypto_init(err));
    enum qr_rc rc = identity_load(s, err);
    if (rc == QR_OK && qr_config_on(s->config, "INIT")) {
        rc = initialise(s, err);
    } else if (rc == QR_OK) {
        rpc_init(&s->log);
        rc = serve(s, err);
        close_all(s);
        rpc_fini();
    }
    identity_fini(s);
    return rc;
}

/* File descriptors 0 to 2 are open, whatever the caller did: a database must
 * never get one of them. */
static void keep_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(71);
}

static struct service_life *life_new(void)
{
    struct service_life *l = calloc(1, sizeof *l);
    if (!l || pthread_mutex_init(&l->mutex, NULL) != 0) qr_fatal("out of memory");
    qr_cond_init(&l->cond);
    return l;
}

int service_main(const struct service_spec *spec, int argc, char **argv)
{
    struct qr_err err = {{0}};
    struct qr_config *config = NULL;
    sigset_t set;
    keep_standard_files();
    (void)signal(SIGPIPE, SIG_IGN);
    signal_set(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    enum qr_rc rc = qr_config_load(&config, &spec->config, argc, argv, &err);
    if (rc == QR_OK && qr_config_wants_text(config)) {
        qr_config_print(config, stdout);
    } else if (rc == QR_OK) {
        struct service s = {.spec = spec,
                            .config = config,
                            .clock = qr_clock_system(),
                            .rand = qr_rand_system(),
                            .life = life_new()};
        s.log = (struct qr_log){STDERR_FILENO, spec->name, s.clock};
        rc = live(&s, &err);
        free(s.life);
    }
    qr_config_free(config);
    if (rc != QR_OK)
        (void)fprintf(stderr, "%s: %s\n", spec->config.program,
                      err.text[0] ? err.text : qr_rc_text(rc));
    return qr_rc_exit(rc);
}
