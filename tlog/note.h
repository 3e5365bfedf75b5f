/* note.h - what the log itself needs of signed notes beyond tlog.h. */
#ifndef TLOG_NOTE_H
#define TLOG_NOTE_H

#include "tlog/fail.h"

/* A key name: 1 to TLOG_NAME_MAX bytes of UTF-8 without Unicode spaces,
 * control characters and '+' (C2SP signed-note, Format). */
bool note_name_ok(struct qr_bytes name);

/* Is this signature line one that key would write? */
bool note_sig_is_of(const struct tlog_note_sig *sig, const struct tlog_vkey *key);
/* Appends key's signature line. */
void note_put_sig(struct qr_buf *b, const struct tlog_vkey *key, struct qr_bytes signature);
bool note_ed25519_ok(const uint8_t sig[TLOG_SIG_SIZE], struct qr_bytes msg,
                     const uint8_t pub[TLOG_PUB_SIZE]);

/* Cuts the first line off *rest; false when it has no newline. */
bool note_next_line(struct qr_bytes *rest, struct qr_bytes *line);

/* Copies text into the caller's memory.  TLOG_NOMEM: b failed; TLOG_RANGE: it
 * does not fit. */
enum tlog_rc note_give(const struct qr_buf *b, struct tlog_out *out);

#endif
