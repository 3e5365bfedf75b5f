/* proof.h - from the leaf hashes of a range to the root that was signed.
 *
 * The roots of the perfect subtrees before the range and the range's leaves make
 * the tree of `end` entries; a consistency proof leads from it to the signed one,
 * another from the earlier checkpoint.  Spec: RFC 6962 section 2.1. */
#ifndef QUORATE_EXPORT_PROOF_H
#define QUORATE_EXPORT_PROOF_H

#include "export/header.h"

/* The head that a note of this origin states; its signatures are not looked at.
 * QR_MALFORMED; QR_FALSE: of another log. */
enum qr_rc export_checkpoint_read(const struct qr_buf *note, const char *origin,
                                  struct tlog_head *head, struct qr_err *err) QR_MUST_CHECK;

struct export_proof {
    const struct export_header *h; /* keeps */
    struct tlog_frontier f;
    struct tlog_head start, end; /* of the checkpoints; start.size 0: none */
};

/* Reads the checkpoints, and the proof before the range.  Signatures are the
 * caller's business.  QR_MALFORMED; QR_FALSE: they are not of one log, not
 * consistent, or do not cover the range. */
enum qr_rc export_proof_init(struct export_proof *p, const struct export_header *h,
                             struct qr_err *err) QR_MUST_CHECK;
void export_proof_add(struct export_proof *p, const struct qr_hash *leaf);
/* QR_FALSE: these are not the entries of the range. */
enum qr_rc export_proof_done(const struct export_proof *p, struct qr_err *err) QR_MUST_CHECK;

/* Makes checkpoint, left, right and consistency of h for its range from a tree
 * under h->checkpoint_end.  Nothing is verified: export_proof_done is. */
enum qr_rc export_proof_make(struct export_header *h, const struct tlog_source *from,
                             struct qr_err *err) QR_MUST_CHECK;

#endif
