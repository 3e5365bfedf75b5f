/* programs.h - where the four daemons are, and running one to its end. */
#ifndef QUORATE_CLI_PROGRAMS_H
#define QUORATE_CLI_PROGRAMS_H

#include "base/rc.h"

/* Path of a program beside this one (build tree, bindir) or in sbindir; out
 * has PATH_MAX bytes.  QR_NOTFOUND. */
enum qr_rc program_find(const char *name, char *out, struct qr_err *err) QR_MUST_CHECK;

/* Runs `name --init` on a state directory: makes its database.  stdout is
 * closed, stderr is ours.  QR_IO when it fails. */
enum qr_rc program_init(const char *name, const char *state_dir, struct qr_err *err) QR_MUST_CHECK;

#endif
