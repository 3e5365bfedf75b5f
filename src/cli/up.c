/* up.c - `quorate up`: the four services as children, on loopback.
 *
 * The log is started first, because the others wait for it; each writes a
 * ready file with its address, which the next ones are given.  A service that
 * dies is started again on the same address, unless it dies too often or says
 * by its exit code that starting again is no use.  SIGTERM or SIGINT stops all
 * of them, the log last. */
#include <config.h>

#include "base/file.h"
#include "cli/init.h"
#include "cli/programs.h"
#include "service/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 30000
#define STOP_MS 12000
#define MAX_FLAGS 32
#define RESTART_LIMIT 5 /* deaths in a row before it was ready */

enum { UP_TLOGD, UP_AUTHD, UP_CAD, UP_COORDINATORD, UP_COUNT };

static const struct {
    const char *node;
    const char *program;
    const char *bind; /* tunable of its address */
    const char *addr; /* tunable its clients read */
    const char *port; /* default */
} services[UP_COUNT] = {
    [UP_TLOGD] = {LAYOUT_TLOGD, "quorate-tlogd", "TLOG_BIND", "TLOG_ADDR", "7702"},
    [UP_AUTHD] = {LAYOUT_AUTHD, "quorate-authd", "AUTH_BIND", "AUTH_ADDR", "7703"},
    [UP_CAD] = {LAYOUT_CAD, "quorate-cad", "CA_BIND", "CA_ADDR", "7701"},
    [UP_COORDINATORD] = {LAYOUT_COORDINATORD, "quorate-coordinatord", "COORD_BIND",
                         "COORDINATOR_ADDR", "7700"},
};

struct child {
    pid_t pid;     /* 0: not running */
    char addr[64]; /* "127.0.0.1:7702", port 0 until known */
    bool ready;
    int deaths;
};

struct up {
    struct cli *c;
    const char *dir;
    struct child child[UP_COUNT];
    bool stopping;
    struct qr_err *err;
};

static struct service_path ready_file(const struct up *u, int i)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.ready", services[i].node);
    return path_in2(u->dir, LAYOUT_RUN, name);
}

/* In the child: output to run/NAME.log, addresses in the environment. */
static void child_setup(const struct up *u, int i)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.log", services[i].node);
    struct service_path log = path_in2(u->dir, LAYOUT_RUN, name);
    int fd = open(log.s, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int null = open("/dev/null", O_RDONLY);
    if (fd < 0 || null < 0 || dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) _exit(71);
    (void)close(fd);
    (void)close(null);
    (void)setpgid(0, 0); /* the terminal's Ctrl-C is for us; we stop them in order */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (setenv("QUORATE_STATE_DIR", u->dir, 1) != 0) _exit(71);
    for (int k = 0; k < UP_COUNT; k++)
        if (setenv(services[k].addr, u->child[k].addr, 1) != 0) _exit(71);
    if (setenv(services[i].bind, u->child[i].addr, 1) != 0) _exit(71);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Cuts --coordinator-flags at its spaces, in the child. */
static void add_flags(const struct up *u, char **argv)
{
    static char text[1024];
    const char *given = qr_config_str(u->c->config, "COORDINATOR_FLAGS");
    (void)snprintf(text, sizeof text, "%s", given ? given : "");
    size_t n = 0;
    for (char *p = text; *p && n < MAX_FLAGS;) {
        while (*p == ' ') *p++ = 0;
        if (*p) argv[n++] = p;
        while (*p && *p != ' ') p++;
    }
    argv[n] = NULL;
}

static enum qr_rc start(struct up *u, int i)
{
    char program[PATH_MAX];
    QR_TRY(program_find(services[i].program, program, u->err));
    struct service_path ready = ready_file(u, i);
    (void)unlink(ready.s);
    u->child[i].ready = false;
    pid_t pid = fork();
    if (pid < 0) return qr_fail(u->err, QR_IO, "fork: %s", strerror(errno));
    if (pid == 0) {
        char *argv[4 + MAX_FLAGS] = {program, (char *)"--ready-file", ready.s, NULL};
        child_setup(u, i);
        if (i == UP_COORDINATORD) add_flags(u, argv + 3);
        (void)execv(program, argv);
        _exit(72);
    }
    u->child[i].pid = pid;
    return QR_OK;
}

/* Takes the address from the ready file once it is there. */
static void look_ready(struct up *u, int i)
{
    struct service_path ready = ready_file(u, i);
    struct qr_buf b;
    qr_buf_init(&b, 60);
    struct qr_err ignored = {{0}};
    if (qr_file_exists(ready.s) && qr_file_read(ready.s, &b, &ignored) == QR_OK && b.n > 0) {
        struct qr_bytes s = qr_buf_bytes(&b);
        if (s.p[s.n - 1] == '\n') s.n--;
        (void)snprintf(u->child[i].addr, sizeof u->child[i].addr, "%.*s", (int)s.n,
                       (const char *)s.p);
        u->child[i].ready = true;
    }
    qr_buf_fini(&b);
}

/* Exit codes after which another start would end the same way: usage,
 * unreadable or refused configuration, attestation, fork.  Not conflict: an
 * outgoing connection of somebody may hold the port for a moment. */
static bool hopeless(int status)
{
    if (!WIFEXITED(status)) return false;
    int code = WEXITSTATUS(status);
    return code == 2 || code == 3 || code == 4 || code == 9 || code == 10 || code == 71 ||
           code == 72;
}

static enum qr_rc on_death(struct up *u, int i, int status)
{
    struct child *ch = &u->child[i];
    ch->pid = 0;
    if (u->stopping) return QR_OK;
    if (!ch->ready) look_ready(u, i);
    if (ch->ready) ch->deaths = 0;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (hopeless(status) || ++ch->deaths > RESTART_LIMIT) {
        u->c->exit_code = WIFEXITED(status) ? code : 7;
        return qr_fail(u->err, QR_UNAVAILABLE, "%s ended with %d; see %s/%s/%s.log",
                       services[i].program, code, u->dir, LAYOUT_RUN, services[i].node);
    }
    cli_say(u->c, "%s ended with %d, starting it again", services[i].program, code);
    if (ch->deaths > 1) {
        struct timespec pause = {0, (ch->deaths - 1) * 200 * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    return start(u, i);
}

static enum qr_rc reap(struct up *u)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (int i = 0; i < UP_COUNT; i++)
            if (u->child[i].pid == pid) QR_TRY(on_death(u, i, status));
    return QR_OK;
}

/* The signals that end the cluster, and that of a child's end. */
static sigset_t our_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    return set;
}

/* Waits for a signal up to ms.  The signal's number, 0 when none came. */
static int wait_signal(int ms)
{
    sigset_t set = our_signals();
    struct timespec ts = {ms / 1000, (ms % 1000) * 1000000L};
    int sig = sigtimedwait(&set, NULL, &ts);
    return sig > 0 ? sig : 0;
}

/* QR_CANCELLED: told to stop meanwhile. */
static enum qr_rc wait_ready(struct up *u, int i)
{
    int64_t until = qr_mono_us(&u->c->clock) + READY_MS * 1000LL;
    while (!u->child[i].ready) {
        int sig = wait_signal(5);
        if (sig != 0 && sig != SIGCHLD) return qr_fail(u->err, QR_CANCELLED, "stopped");
        QR_TRY(reap(u));
        look_ready(u, i);
        if (qr_mono_us(&u->c->clock) > until)
            return qr_fail(u->err, QR_UNAVAILABLE, "%s is not ready after %d s; see %s/%s/%s.log",
                           services[i].program, READY_MS / 1000, u->dir, LAYOUT_RUN,
                           services[i].node);
    }
    return QR_OK;
}

static void stop_one(struct up *u, int i)
{
    struct child *ch = &u->child[i];
    if (ch->pid == 0) return;
    (void)kill(ch->pid, SIGTERM);
    int64_t until = qr_mono_us(&u->c->clock) + STOP_MS * 1000LL;
    while (ch->pid != 0) {
        int status;
        if (waitpid(ch->pid, &status, WNOHANG) == ch->pid) {
            ch->pid = 0;
        } else if (qr_mono_us(&u->c->clock) > until) {
            (void)kill(ch->pid, SIGKILL);
            (void)waitpid(ch->pid, &status, 0);
            ch->pid = 0;
        } else {
            (void)wait_signal(5);
        }
    }
}

static void stop_all(struct up *u)
{
    u->stopping = true;
    for (int i = UP_COUNT - 1; i >= 0; i--) stop_one(u, i);
}

/* What a participant's shell needs. */
static enum qr_rc announce(struct up *u, const char *ready_path)
{
    struct qr_buf b;
    qr_buf_init(&b, 16384);
    enum qr_rc rc = init_exports(u->dir, &b, u->err);
    for (int i = 0; i < UP_COUNT; i++)
        qr_buf_printf(&b, "export %s=%s\n", services[i].addr, u->child[i].addr);
    if (rc == QR_OK) rc = qr_buf_ok(&b);
    if (rc == QR_OK && ready_path) rc = qr_file_write(ready_path, qr_buf_bytes(&b), 0600, u->err);
    const char *text = rc == QR_OK ? qr_buf_cstr(&b) : NULL;
    if (text && !u->c->json) {
        fputs(text, stdout);
        (void)fflush(stdout);
    }
    qr_buf_fini(&b);
    if (rc == QR_OK) cli_say(u->c, "All four services are running. Stop them with Ctrl-C.");
    return rc;
}

static enum qr_rc run(struct up *u, const char *ready_path)
{
    bool any_port = qr_config_on(u->c->config, "ANY_PORT");
    for (int i = 0; i < UP_COUNT; i++)
        (void)snprintf(u->child[i].addr, sizeof u->child[i].addr, "127.0.0.1:%s",
                       any_port ? "0" : services[i].port);
    for (int i = 0; i < UP_COUNT; i++) {
        QR_TRY(start(u, i));
        if (any_port) QR_TRY(wait_ready(u, i)); /* the next ones need its address */
    }
    for (int i = 0; i < UP_COUNT; i++) QR_TRY(wait_ready(u, i));
    QR_TRY(announce(u, ready_path));
    for (;;) {
        int sig = wait_signal(1000);
        if (sig != 0 && sig != SIGCHLD) return QR_OK;
        QR_TRY(reap(u));
    }
}

static void block_signals(void)
{
    sigset_t set = our_signals();
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static const char *const names[] = {"QUORATE_STATE_DIR", "REQUIRED_ENGINEERS", "REQUIRED_STEWARDS",
                                    NULL};
static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"ANY_PORT", "any-port", QR_SET_SWITCH, NULL, 0, 0, "take free ports instead of 7700 to 7703"},
    {"READY_FILE", "ready-file", QR_SET_PATH, NULL, 0, 0,
     "written with the exports when all are ready"},
    {"COORDINATOR_FLAGS", "coordinator-flags", QR_SET_TEXT, NULL, 0, 0,
     "more flags for quorate-coordinatord, separated by spaces"},
    {"ORIGIN", "origin", QR_SET_TEXT, "dev.quorate.local/audit", 0, 0, "name of the log"},
    {"TEE_ROOT", "tee-root", QR_SET_PATH, NULL, 0, 0,
     "STATE/tee/root of another state directory, to share its simulated root"},
    {"PEOPLE", "people", QR_SET_TEXT, NULL, 0, 0, "people of a new state directory, as in init"},
    {"INIT_SIGNING_POLICY", "signing-policy", QR_SET_PATH, NULL, 0, 0,
     "signing policy of a new state directory, as in init"},
};
static const struct qr_config_spec spec = {
    .program = "quorate up",
    .summary = "runs log, auth, CA and coordinator here for development",
    .examples = "  quorate up\n"
                "  quorate up --state-dir /tmp/q --any-port --ready-file /tmp/q.env &\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "Makes the state directory (quorate init) when it is not there. Each service logs to\n"
             "STATE/run/NAME.log.\n",
};

enum qr_rc cli_up(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    char dir[PATH_MAX];
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    QR_TRY(init_state_dir(c, dir, err));
    struct service_path trust = path_in2(dir, LAYOUT_TRUST, LAYOUT_TRUST_JSON);
    if (!qr_file_exists(trust.s)) QR_TRY(init_development(c, dir, err));
    struct up *u = calloc(1, sizeof *u);
    if (!u) return QR_NOMEM;
    u->c = c;
    u->dir = dir;
    u->err = err;
    block_signals();
    enum qr_rc rc = run(u, qr_config_str(c->config, "READY_FILE"));
    stop_all(u);
    free(u);
    return rc;
}
