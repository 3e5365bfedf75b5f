/* signed.h - who signed what an export holds, by a trust directory: the
 * checkpoints in its header, and the entry in each row.
 *
 * export_verify shows that the rows are those of the checkpoints; this, that the
 * checkpoints are the log's and the entries the services'.
 * Spec: TRUST.md section 3, docs/FORMATS.md section 18. */
#ifndef QUORATE_EXPORT_SIGNED_H
#define QUORATE_EXPORT_SIGNED_H

#include "export/header.h"
#include "export/row.h"
#include "trust/trust_dir.h"

/* By one of these keys, as this origin's.  QR_FALSE; QR_MALFORMED. */
enum qr_rc export_note_signed(struct qr_bytes note, const char *origin,
                              const struct tlog_vkey *keys, size_t count, struct qr_err *err)
    QR_MUST_CHECK;
/* Both checkpoints of a header by the log's keys of the directory, each valid at
 * its size.  QR_FALSE; QR_MALFORMED. */
enum qr_rc export_header_signed(const struct export_header *h, const struct trust_dir *dir,
                                struct qr_err *err) QR_MUST_CHECK;
/* As many witnesses as the directory's policy asks cosigned the end.  QR_POLICY. */
enum qr_rc export_header_witnessed(const struct export_header *h, const struct trust_dir *dir,
                                   struct qr_err *err) QR_MUST_CHECK;
/* The entry of the row, if it is there, is of an author who may log its kind, and
 * signed by him.  QR_FALSE names the row. */
enum qr_rc export_row_signed(const struct export_row *r, const struct trust_dir *dir,
                             struct qr_err *err) QR_MUST_CHECK;

#endif
