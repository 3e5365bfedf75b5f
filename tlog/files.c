/* files.c - lock, free space and directories. */
#include "tlog/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Directory part of path. */
static void dir_of(const char *path, char out[PATH_MAX])
{
    size_t len = 0, n = qr_str(path).n;
    for (size_t i = 0; i < n && i < PATH_MAX - 1; i++)
        if (path[i] == '/') len = i ? i : 1;
    if (len == 0)
        (void)snprintf(out, PATH_MAX, ".");
    else
        (void)snprintf(out, PATH_MAX, "%.*s", (int)len, path);
}

enum tlog_rc file_lock(const char *path, int *fd, struct tlog_err *err)
{
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s.lock", path);
    if (n < 0 || (size_t)n >= sizeof name) return fail_with(err, TLOG_RANGE, "path too long");
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0) return fail_with(err, TLOG_IO, "%s: %s", name, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return TLOG_OK;
    int why = errno;
    (void)close(*fd);
    *fd = -1;
    if (why == EWOULDBLOCK)
        return fail_with(err, TLOG_BUSY, "%s: another process writes this log", path);
    return fail_with(err, TLOG_IO, "%s: %s", name, strerror(why));
}

enum tlog_rc file_space(const char *path, uint64_t least, struct tlog_err *err)
{
    struct statvfs v;
    if (least == UINT64_MAX) return TLOG_OK;
    if (statvfs(path, &v) != 0)
        return fail_with(err, TLOG_IO, "%s: statvfs: %s", path, strerror(errno));
    uint64_t avail = (uint64_t)v.f_bavail * v.f_frsize;
    if (avail >= least) return TLOG_OK;
    return fail_with(err, TLOG_FULL, "%llu bytes free where the log lies, %llu are kept in reserve",
                     (unsigned long long)avail, (unsigned long long)least);
}

enum tlog_rc file_sync_dir(const char *path, struct tlog_err *err)
{
    char dir[PATH_MAX];
    dir_of(path, dir);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail_with(err, TLOG_IO, "%s: %s", dir, strerror(errno));
    bool done = fsync(fd) == 0;
    int why = errno;
    (void)close(fd);
    return done ? TLOG_OK : fail_with(err, TLOG_IO, "%s: fsync: %s", dir, strerror(why));
}

static enum tlog_rc failed(const char *path, struct tlog_err *err)
{
    return fail_with(err, TLOG_IO, "%s: %s", path, strerror(errno));
}

enum tlog_rc file_read(const char *path, struct tlog_out *out, struct tlog_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return fail_with(err, TLOG_NOTFOUND, "%s: not there", path);
    if (fd < 0) return failed(path, err);
    ssize_t got = 1;
    for (out->n = 0; got > 0 && out->n < out->room;) {
        got = read(fd, out->p + out->n, out->room - out->n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            out->n += (size_t)got;
    }
    char more;
    enum tlog_rc rc = got < 0 ? failed(path, err) : TLOG_OK;
    if (rc == TLOG_OK && out->n == out->room && read(fd, &more, 1) != 0)
        rc = fail_with(err, TLOG_RANGE, "%s: too large", path);
    (void)close(fd);
    return rc;
}

/* Makes the directories that lead to path. */
static enum tlog_rc make_dirs(const char *path, struct tlog_err *err)
{
    char dir[PATH_MAX];
    for (size_t i = 1; path[i]; i++) {
        if (path[i] != '/') continue;
        (void)snprintf(dir, sizeof dir, "%.*s", (int)i, path);
        if (mkdir(dir, 0777) != 0 && errno != EEXIST) return failed(dir, err);
    }
    return TLOG_OK;
}

static enum tlog_rc write_new(const char *name, struct tlog_bytes data, struct tlog_err *err)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return failed(name, err);
    bool ok = true;
    while (ok && data.n > 0) {
        ssize_t put = write(fd, data.p, data.n);
        if (put < 0) {
            ok = errno == EINTR;
            continue;
        }
        data.p += put;
        data.n -= (size_t)put;
    }
    ok = ok && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && ok) return failed(name, err);
    return ok ? TLOG_OK : fail_with(err, TLOG_IO, "%s: %s", name, strerror(why));
}

enum tlog_rc file_write(const char *path, struct tlog_bytes data, struct tlog_err *err)
{
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof name) return fail_with(err, TLOG_RANGE, "path too long");
    TLOG_TRY(make_dirs(path, err));
    enum tlog_rc rc = write_new(name, data, err);
    if (rc == TLOG_OK && rename(name, path) != 0) rc = failed(path, err);
    if (rc != TLOG_OK) {
        (void)unlink(name);
        return rc;
    }
    return file_sync_dir(path, err);
}

bool file_is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}
