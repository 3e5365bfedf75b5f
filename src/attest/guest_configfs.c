/* guest_configfs.c - configfs-tsm.
 *
 * A directory is a request: made, written, read, removed.  The kernel counts
 * the writes; when it counts others than ours, what was read is not an answer
 * to what was written. */
#include "attest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define PREFIX "quorate."
#define PATH_SIZE 128
#define SMALL 64
#define BUSY_PAUSE_US (2 * 1000000LL)
#define BUSY_TRIES 30

struct tsm {
    struct attest_kernel kernel;
    int level; /* written when not negative */
    uint64_t counter;
    struct qr_err dead;
};

struct tsm_dir {
    struct tsm *t;
    char path[PATH_SIZE];
    uint64_t writes;
};

static enum qr_rc is_dead(const struct tsm *t, struct qr_err *err)
{
    return qr_fail(err, QR_ATTESTATION, "%s", t->dead.text);
}

static enum qr_rc die(struct tsm *t, struct qr_err *err, const char *why, int error)
{
    (void)qr_fail(&t->dead, QR_ATTESTATION,
                  "configfs-tsm: %s (%d): node-fatal, no reports until the guest restarts", why,
                  error);
    return is_dead(t, err);
}

static int64_t read_once(struct tsm_dir *d, const char *name, uint8_t *out, size_t room)
{
    const struct attest_kernel *k = &d->t->kernel;
    char path[PATH_SIZE + 32];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", d->path, name);
    int fd = k->open(k->ctx, path, O_RDONLY);
    if (fd < 0) return fd;
    int64_t got = 1;
    while (n < room && (got = k->read(k->ctx, fd, out + n, room - n)) > 0) n += (size_t)got;
    k->close(k->ctx, fd);
    return got < 0 ? got : (int64_t)n;
}

/* Reading asks the firmware.  After a signal or "again" the same is asked: the
 * directory has kept what was written. */
static int64_t read_file(struct tsm_dir *d, const char *name, uint8_t *out, size_t room)
{
    int64_t n = read_once(d, name, out, room);
    for (int tries = 0; (n == -EINTR || n == -EAGAIN) && tries < BUSY_TRIES; tries++) {
        d->t->kernel.pause(d->t->kernel.ctx, BUSY_PAUSE_US);
        n = read_once(d, name, out, room);
    }
    return n;
}

static enum qr_rc read_number(struct tsm_dir *d, const char *name, uint64_t *out,
                              struct qr_err *err)
{
    uint8_t text[SMALL];
    int64_t n = read_file(d, name, text, sizeof text);
    while (n > 0 && text[n - 1] == '\n') n--;
    if (n > 0 && qr_parse_u64(QR_BYTES(text, (size_t)n), UINT32_MAX, out) == QR_OK) return QR_OK;
    return qr_fail(err, QR_IO, "configfs-tsm: cannot read %s (%lld)", name, (long long)n);
}

/* One write: the kernel takes each as a new request. */
static enum qr_rc write_file(struct tsm_dir *d, const char *name, const void *p, size_t n,
                             struct qr_err *err)
{
    const struct attest_kernel *k = &d->t->kernel;
    char path[PATH_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%s", d->path, name);
    int fd = k->open(k->ctx, path, O_WRONLY);
    int64_t put = fd < 0 ? fd : k->write(k->ctx, fd, p, n);
    if (fd >= 0) k->close(k->ctx, fd);
    if (put == -EINVAL) return qr_fail(err, QR_RANGE, "configfs-tsm: %s is refused", name);
    if (put != (int64_t)n)
        return qr_fail(err, QR_IO, "configfs-tsm: cannot write %s (%lld)", name, (long long)put);
    d->writes++;
    return QR_OK;
}

static enum qr_rc dir_open(struct tsm *t, struct tsm_dir *d, struct qr_err *err)
{
    const struct attest_kernel *k = &t->kernel;
    int rc = -EEXIST;
    *d = (struct tsm_dir){.t = t};
    for (int tries = 0; rc == -EEXIST && tries < 16; tries++) {
        (void)snprintf(d->path, sizeof d->path, "%s/" PREFIX "%lld.%llu", ATTEST_TSM_PATH,
                       (long long)k->pid(k->ctx), (unsigned long long)t->counter++);
        rc = k->mkdir(k->ctx, d->path, 0700);
    }
    if (rc == 0) return QR_OK;
    if (rc == -EACCES || rc == -EPERM)
        return qr_fail(err, QR_PERMS, ATTEST_TSM_PATH ": not for this user");
    if (rc == -ENOENT || rc == -ENXIO || rc == -ENODEV)
        return qr_fail(err, QR_NODEVICE,
                       ATTEST_TSM_PATH ": not there: configfs is not mounted, or this is no guest "
                                       "(%d)",
                       -rc);
    return qr_fail(err, QR_IO, "configfs-tsm: cannot make a request (%d)", -rc);
}

static void dir_close(struct tsm_dir *d) { (void)d->t->kernel.rmdir(d->t->kernel.ctx, d->path); }

static enum qr_rc read_failed(struct tsm *t, int64_t n, struct qr_err *err)
{
    if (n == -EINVAL) return qr_fail(err, QR_RANGE, "configfs-tsm: the firmware refuses");
    if (n == -ENOMEM) return qr_fail(err, QR_NOMEM, "configfs-tsm: out of memory");
    if (n == -EBUSY || n == -EWOULDBLOCK)
        return qr_fail(err, QR_CONFLICT, "configfs-tsm: somebody else wrote to our request");
    if (n >= 0) return die(t, err, "a report of another size", (int)n);
    return die(t, err, "the request failed with an unknown outcome", (int)-n);
}

/* The host's table; without one, or with one that is too large, there is none. */
static enum qr_rc read_table(struct tsm_dir *d, struct qr_buf *out)
{
    uint8_t *table = malloc(ATTEST_TABLE_MAX + 1);
    if (!table) return QR_NOMEM;
    int64_t n = read_file(d, "auxblob", table, ATTEST_TABLE_MAX + 1);
    if (n > 0 && n <= ATTEST_TABLE_MAX) qr_buf_put(out, table, (size_t)n);
    free(table);
    return qr_buf_ok(out);
}

static enum qr_rc converse(struct tsm_dir *d, const uint8_t data[ATTEST_REPORT_DATA_SIZE],
                           struct attest_answer *out, struct qr_err *err)
{
    uint64_t before = 0, after = 0;
    uint8_t report[ATTEST_REPORT_SIZE + 1];
    char level[4];
    QR_TRY(read_number(d, "generation", &before, err));
    QR_TRY(write_file(d, "inblob", data, ATTEST_REPORT_DATA_SIZE, err));
    if (d->t->level >= 0) {
        int n = snprintf(level, sizeof level, "%d", d->t->level);
        QR_TRY(write_file(d, "privlevel", level, (size_t)n, err));
    }
    int64_t n = read_file(d, "outblob", report, sizeof report);
    if (n != ATTEST_REPORT_SIZE) return read_failed(d->t, n, err);
    QR_TRY(read_table(d, &out->table));
    QR_TRY(read_number(d, "generation", &after, err));
    if (after != before + d->writes)
        return qr_fail(err, QR_CONFLICT, "configfs-tsm: somebody else wrote to our request");
    if (!qr_equal_ct(report + 0x50, data, ATTEST_REPORT_DATA_SIZE))
        return die(d->t, err, "a report about something else", 0);
    qr_copy(out->report, report, ATTEST_REPORT_SIZE);
    return QR_OK;
}

static enum qr_rc tsm_report(void *ctx, const uint8_t data[ATTEST_REPORT_DATA_SIZE],
                             struct attest_answer *out, struct qr_err *err)
{
    struct tsm *t = ctx;
    struct tsm_dir d;
    qr_buf_init(&out->table, ATTEST_TABLE_MAX);
    if (t->dead.text[0]) return is_dead(t, err);
    QR_TRY(dir_open(t, &d, err));
    enum qr_rc rc = converse(&d, data, out, err);
    dir_close(&d);
    if (rc != QR_OK) attest_answer_fini(out);
    return rc;
}

static bool tsm_dead(void *ctx)
{
    const struct tsm *t = ctx;
    return t->dead.text[0] != 0;
}

static void tsm_close(void *ctx) { free(ctx); }

/* "quorate.PID.N" of a process that runs no more. */
static void remove_stale(void *ctx, const char *name)
{
    struct tsm *t = ctx;
    struct qr_bytes s = qr_str(name), prefix = qr_str(PREFIX);
    uint64_t pid = 0;
    char path[PATH_SIZE];
    if (s.n <= prefix.n || !qr_bytes_equal(QR_BYTES(s.p, prefix.n), prefix)) return;
    size_t at = prefix.n, from = at;
    while (at < s.n && s.p[at] != '.') at++;
    if (at == s.n || qr_parse_u64(QR_BYTES(s.p + from, at - from), INT32_MAX, &pid) != QR_OK)
        return;
    if (t->kernel.alive(t->kernel.ctx, (int64_t)pid)) return;
    int n = snprintf(path, sizeof path, "%s/%s", ATTEST_TSM_PATH, name);
    if (n > 0 && (size_t)n < sizeof path) (void)t->kernel.rmdir(t->kernel.ctx, path);
}

static enum qr_rc check_provider(struct tsm *t, struct qr_err *err)
{
    struct tsm_dir d;
    uint8_t name[SMALL];
    uint64_t floor = 0;
    QR_TRY(dir_open(t, &d, err));
    int64_t n = read_file(&d, "provider", name, sizeof name);
    bool has_level = read_number(&d, "privlevel_floor", &floor, NULL) == QR_OK;
    dir_close(&d);
    if (n <= 0 || !qr_bytes_is(QR_BYTES(name, (size_t)n), "sev_guest\n"))
        return qr_fail(err, QR_NODEVICE, "configfs-tsm: the provider is not sev_guest but %.*s",
                       n > 1 ? (int)n - 1 : 4, n > 1 ? (const char *)name : "none");
    if (t->level >= 0 && (uint64_t)t->level < floor)
        return qr_fail(err, QR_RANGE, "privilege level %d is below the lowest allowed, %llu",
                       t->level, (unsigned long long)floor);
    if (t->level == ATTEST_LEVEL_ANY && has_level && floor > 0) t->level = (int)floor;
    return QR_OK;
}

enum qr_rc attest_guest_configfs(const struct attest_kernel *kernel, int level,
                                 struct attest_guest *out, struct qr_err *err)
{
    *out = (struct attest_guest){.ctx = NULL};
    if (level > 3) return qr_fail(err, QR_RANGE, "a privilege level is 0 to 3");
    struct tsm *t = calloc(1, sizeof *t);
    if (!t) return QR_NOMEM;
    t->kernel = *kernel;
    t->level = level;
    (void)kernel->list(kernel->ctx, ATTEST_TSM_PATH, remove_stale, t);
    enum qr_rc rc = check_provider(t, err);
    if (rc != QR_OK) {
        free(t);
        return rc;
    }
    *out = (struct attest_guest){.report = tsm_report,
                                 .key = NULL,
                                 .dead = tsm_dead,
                                 .close = tsm_close,
                                 .name = "configfs",
                                 .ctx = t};
    return QR_OK;
}
