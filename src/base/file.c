/* file.c - whole files.  A write is whole or absent: the data and then the
 * directory entry are durable before the call returns. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum qr_rc read_fd(int fd, const char *path, struct qr_buf *out, struct qr_err *err)
{
    uint8_t chunk[16384];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return qr_fail(err, QR_IO, "%s: %s", path, strerror(errno));
        if (got == 0) break;
        qr_buf_put(out, chunk, (size_t)got);
        if (out->failed) return qr_fail(err, QR_NOMEM, "%s: larger than %zu bytes", path, out->cap);
    }
    explicit_bzero(chunk, sizeof chunk);
    return QR_OK;
}

static enum qr_rc open_for_read(const char *path, int *fd, struct qr_err *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0) return QR_OK;
    enum qr_rc rc = errno == ENOENT ? QR_NOTFOUND : QR_IO;
    return qr_fail(err, rc, "%s: %s", path, strerror(errno));
}

enum qr_rc qr_file_read(const char *path, struct qr_buf *out, struct qr_err *err)
{
    if (strcmp(path, "-") == 0) return read_fd(STDIN_FILENO, "stdin", out, err);
    int fd;
    QR_TRY(open_for_read(path, &fd, err));
    enum qr_rc rc = read_fd(fd, path, out, err);
    (void)close(fd);
    return rc;
}

enum qr_rc qr_file_read_private(const char *path, struct qr_buf *out, struct qr_err *err)
{
    int fd;
    QR_TRY(open_for_read(path, &fd, err));
    struct stat st;
    enum qr_rc rc = QR_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = qr_fail(err, QR_IO, "%s: not a regular file", path);
    else if ((st.st_mode & 077) != 0 || st.st_uid != geteuid())
        rc = qr_fail(err, QR_PERMS, "%s: must be yours and closed to others (chmod 600)", path);
    else
        rc = read_fd(fd, path, out, err);
    (void)close(fd);
    return rc;
}

static enum qr_rc write_all(int fd, struct qr_bytes data)
{
    while (data.n > 0) {
        ssize_t put = write(fd, data.p, data.n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return QR_IO;
        data = QR_BYTES(data.p + put, data.n - (size_t)put);
    }
    return fsync(fd) == 0 ? QR_OK : QR_IO;
}

static enum qr_rc sync_parent(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) : 1;
    (void)snprintf(dir, sizeof dir, "%.*s", len > 0 ? len : 1, slash ? path : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return QR_IO;
    enum qr_rc rc = fsync(fd) == 0 ? QR_OK : QR_IO;
    (void)close(fd);
    return rc;
}

enum qr_rc qr_file_write(const char *path, struct qr_bytes data, unsigned mode, struct qr_err *err)
{
    char tmp[PATH_MAX];
    int len = snprintf(tmp, sizeof tmp, "%s.tmp.%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof tmp) return qr_fail(err, QR_IO, "path too long");
    (void)unlink(tmp);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) return qr_fail(err, QR_IO, "%s: %s", tmp, strerror(errno));
    enum qr_rc rc = write_all(fd, data);
    if (close(fd) != 0) rc = QR_IO;
    if (rc == QR_OK && rename(tmp, path) != 0) rc = QR_IO;
    if (rc == QR_OK) rc = sync_parent(path);
    if (rc != QR_OK) {
        int why = errno;
        (void)unlink(tmp);
        return qr_fail(err, rc, "%s: %s", path, strerror(why));
    }
    return QR_OK;
}

enum qr_rc qr_file_write_temp(struct qr_bytes data, char *path, struct qr_err *err)
{
    const char *dir = getenv("TMPDIR");
    int len = snprintf(path, PATH_MAX, "%s/quorate-XXXXXX", dir && *dir ? dir : "/tmp");
    if (len < 0 || len >= PATH_MAX) return qr_fail(err, QR_IO, "TMPDIR: path too long");
    int fd = mkstemp(path);
    if (fd < 0) return qr_fail(err, QR_IO, "%s: %s", path, strerror(errno));
    enum qr_rc rc = write_all(fd, data);
    if (close(fd) != 0) rc = QR_IO;
    if (rc == QR_OK) return QR_OK;
    int why = errno;
    (void)unlink(path);
    return qr_fail(err, rc, "%s: %s", path, strerror(why));
}

static enum qr_rc overwrite(int fd)
{
    static const uint8_t zeros[4096];
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return QR_IO;
    for (off_t left = st.st_size; left > 0;) {
        size_t n = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        QR_TRY(write_all(fd, QR_BYTES(zeros, n)));
        left -= (off_t)n;
    }
    return QR_OK;
}

enum qr_rc qr_file_destroy(const char *path, struct qr_err *err)
{
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return QR_OK;
    if (fd < 0) return qr_fail(err, QR_IO, "%s: %s", path, strerror(errno));
    enum qr_rc rc = overwrite(fd);
    (void)close(fd);
    if (rc == QR_OK && unlink(path) != 0) rc = QR_IO;
    if (rc == QR_OK) rc = sync_parent(path);
    return rc == QR_OK ? rc
                       : qr_fail(err, rc, "%s: cannot be destroyed: %s", path, strerror(errno));
}

enum qr_rc qr_dir_private(const char *path, struct qr_err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return qr_fail(err, QR_IO, "%s: %s", path, strerror(errno));
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return qr_fail(err, QR_IO, "%s: not a directory", path);
    if ((st.st_mode & 077) != 0 || st.st_uid != geteuid())
        return qr_fail(err, QR_PERMS, "%s: must be yours and closed to others (chmod 700)", path);
    return QR_OK;
}

bool qr_file_exists(const char *path) { return access(path, F_OK) == 0; }
