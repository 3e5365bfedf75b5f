/* screen.h - what a person is shown before approving: the text whose digest
 * stands in the approval.
 *
 * Everything that others wrote (artifact names) is made safe for a terminal
 * first.  The same facts give the same text. */
#ifndef QUORATE_CLI_SCREEN_H
#define QUORATE_CLI_SCREEN_H

#include "bundle/verify.h"

/* checked_file: the digest was compared with a file here; else name and size
 * are the requester's claim. */
void screen_write(const struct bundle_facts *f, enum qr_role role, bool checked_file,
                  struct qr_buf *out);

#endif
