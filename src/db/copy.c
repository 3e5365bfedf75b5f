/* copy.c - SQLite's backup API.
 *
 * All pages are copied in one step, under one read transaction, so that a
 * database that is written meanwhile does not begin anew again and again. */
#include "db/copy.h"

#include "base/bytes.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 30000

static enum qr_rc failed(sqlite3 *sq, const char *path, int code, struct qr_err *err)
{
    return qr_fail(err, QR_IO, "%s: %s", path, sq ? sqlite3_errmsg(sq) : sqlite3_errstr(code));
}

static enum qr_rc make_file(const char *path, struct qr_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return qr_fail(err, errno == EEXIST ? QR_EXISTS : QR_IO, "%s: %s", path, strerror(errno));
    return close(fd) == 0 ? QR_OK : QR_IO;
}

static enum qr_rc copy_pages(sqlite3 *from, sqlite3 *to, const char *path, struct qr_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b) return failed(to, path, SQLITE_ERROR, err);
    int code = sqlite3_backup_step(b, -1);
    int end = sqlite3_backup_finish(b);
    if (code == SQLITE_DONE && end == SQLITE_OK) return QR_OK;
    return failed(to, path, end, err);
}

/* The copy has no files beside it, and is whole. */
static enum qr_rc finish(sqlite3 *to, const char *path, struct qr_err *err)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(to, "PRAGMA integrity_check(1)", -1, &st, NULL);
    enum qr_rc rc = QR_OK;
    if (code != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
        rc = failed(to, path, code, err);
    else if (!qr_bytes_is(qr_str((const char *)sqlite3_column_text(st, 0)), "ok"))
        rc = qr_fail(err, QR_IO, "%s: %.100s", path, (const char *)sqlite3_column_text(st, 0));
    (void)sqlite3_finalize(st);
    return rc;
}

static enum qr_rc copy_open(sqlite3 *from, const char *path, struct qr_err *err)
{
    sqlite3 *to = NULL;
    QR_TRY(make_file(path, err));
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);
    enum qr_rc rc = code == SQLITE_OK ? QR_OK : failed(to, path, code, err);
    if (rc == QR_OK) (void)sqlite3_exec(to, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    if (rc == QR_OK) rc = copy_pages(from, to, path, err);
    if (rc == QR_OK) rc = finish(to, path, err);
    if (sqlite3_close(to) != SQLITE_OK && rc == QR_OK) rc = qr_fail(err, QR_IO, "%s: close", path);
    if (rc != QR_OK) (void)unlink(path);
    return rc;
}

enum qr_rc qr_db_copy(const char *from, const char *to, struct qr_err *err)
{
    sqlite3 *sq = NULL;
    if (!qr_file_exists(from)) return qr_fail(err, QR_NOTFOUND, "%s: not there", from);
    int code = sqlite3_open_v2(from, &sq, SQLITE_OPEN_READWRITE, NULL);
    enum qr_rc rc = code == SQLITE_OK ? QR_OK : failed(sq, from, code, err);
    if (rc == QR_OK) (void)sqlite3_busy_timeout(sq, BUSY_MS);
    if (rc == QR_OK) rc = copy_open(sq, to, err);
    (void)sqlite3_close(sq);
    return rc;
}
