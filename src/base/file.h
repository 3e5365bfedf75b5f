/* file.h - whole small files: read with a cap, written beside and renamed. */
#ifndef QUORATE_BASE_FILE_H
#define QUORATE_BASE_FILE_H

#include "base/bytes.h"

/* Appends the file's bytes to out (at most out->cap).  "-" is stdin.
 * QR_NOTFOUND, QR_IO, QR_NOMEM (larger than the cap); err names the path. */
enum qr_rc qr_file_read(const char *path, struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;
/* Same for a file that holds a secret: refuses one that group or others can
 * read or write, or that another user owns (QR_PERMS). */
enum qr_rc qr_file_read_private(const char *path, struct qr_buf *out, struct qr_err *err)
    QR_MUST_CHECK;
/* Writes path.tmp.PID, fsyncs, renames, fsyncs the directory.  mode as in
 * open(2). */
enum qr_rc qr_file_write(const char *path, struct qr_bytes data, unsigned mode, struct qr_err *err)
    QR_MUST_CHECK;
/* Writes a new file of a fresh name in $TMPDIR, else /tmp, closed to others;
 * path has PATH_MAX bytes.  The caller removes it. */
enum qr_rc qr_file_write_temp(struct qr_bytes data, char *path, struct qr_err *err) QR_MUST_CHECK;
/* Overwrites a file with zeros, durably, and removes it; one that is not there
 * is no error.  What a copying file system or a drive keeps elsewhere stays. */
enum qr_rc qr_file_destroy(const char *path, struct qr_err *err) QR_MUST_CHECK;
/* Makes a directory with mode 0700 unless it is there; refuses one that group
 * or others can enter (QR_PERMS). */
enum qr_rc qr_dir_private(const char *path, struct qr_err *err) QR_MUST_CHECK;
bool qr_file_exists(const char *path);

#endif
