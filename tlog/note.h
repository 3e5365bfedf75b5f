/* note.h - what the log itself needs of signed notes beyond tlog.h. */
#ifndef TLOG_NOTE_H
#define TLOG_NOTE_H

#include "tlog/fail.h"

/* A key name: 1 to TLOG_NAME_MAX bytes of UTF-8 without Unicode spaces,
 * control characters and '+' (C2SP signed-note, Format). */
bool note_name_ok(struct qr_bytes name);

/* Copies text into the caller's memory.  TLOG_NOMEM: b failed; TLOG_RANGE: it
 * does not fit. */
enum tlog_rc note_give(const struct qr_buf *b, struct tlog_out *out);

#endif
