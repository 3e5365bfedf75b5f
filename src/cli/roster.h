/* roster.h - the roster file of the state directory, when somebody in it is
 * erased: it is authd's input and names people in the clear. */
#ifndef QUORATE_CLI_ROSTER_H
#define QUORATE_CLI_ROSTER_H

#include "base/bytes.h"

/* Rewrites the file without the lines of this commitment (hex); *removed counts
 * them.  No file: QR_OK, 0. */
enum qr_rc roster_forget(const char *path, const char *commitment, size_t *removed,
                         struct qr_err *err) QR_MUST_CHECK;

#endif
