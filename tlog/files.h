/* files.h - what the log needs of the directory its database lies in. */
#ifndef TLOG_FILES_H
#define TLOG_FILES_H

#include "tlog/fail.h"

/* Takes path + ".lock" for this process; it is given back by close(*fd) and by
 * the process's end.  TLOG_BUSY. */
enum tlog_rc file_lock(const char *path, int *fd, struct tlog_err *err);
/* TLOG_FULL when fewer than least bytes are free where path lies. */
enum tlog_rc file_space(const char *path, uint64_t least, struct tlog_err *err);
/* Makes the directory entry of path durable. */
enum tlog_rc file_sync_dir(const char *path, struct tlog_err *err);
/* Reads a file into out.  TLOG_NOTFOUND; TLOG_RANGE: larger than the room. */
enum tlog_rc file_read(const char *path, struct tlog_out *out, struct tlog_err *err);
/* Writes a file, whole and durable or not at all; makes its directories. */
enum tlog_rc file_write(const char *path, struct tlog_bytes data, struct tlog_err *err);
bool file_is_there(const char *path);

#endif
