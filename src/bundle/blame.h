/* blame.h - who is shown to be at fault by the signed letters of an attempt, for
 * somebody who was not there.
 *
 * The file holds the letters (leaf/evidence.h) and the material of that attempt,
 * which says, proven in the log, whose envelope keys these are.  Nobody's word is
 * taken: each letter is checked as its recipients checked it, and of a share that
 * only one could open, his proof.  What could also be the coordinator's doing is
 * nobody's fault here.
 *
 * Pure.  Spec: docs/FORMATS.md section 9 "Blame". */
#ifndef QUORATE_BUNDLE_BLAME_H
#define QUORATE_BUNDLE_BLAME_H

#include "bundle/verify.h"
#include "leaf/evidence.h"

#define BLAME_MAX_FILE (QR_MAX_BUNDLE + 2 * LEAF_MAX_EVIDENCE)

/* Appends the file of both texts.  QR_MALFORMED: one of them is no text. */
enum qr_rc blame_write(struct qr_bytes material, struct qr_bytes evidence, struct qr_buf *out)
    QR_MUST_CHECK;

struct blame_file {
    struct qr_buf material; /* a bundle's text, not verified */
    struct qr_buf evidence; /* canonical */
    struct qr_hash digest;  /* of the evidence, as in attempt.failed */
};
/* Form alone; blame_file_fini in every case. */
enum qr_rc blame_read(struct qr_bytes text, struct blame_file *out, struct qr_err *err)
    QR_MUST_CHECK;
void blame_file_fini(struct blame_file *f);

struct blame_verdict {
    uint64_t culprits;                    /* bit i-1: member i */
    const char *why[QR_MAX_PARTICIPANTS]; /* of each culprit; constants */
    size_t letters;                       /* how many were judged */
};
/* Judges the evidence by facts of stage `frozen` or later of the bundle b.  file
 * (n 0: none) is the artifact, for raw payloads.
 * QR_OK: out says who is at fault, maybe nobody.  QR_FALSE: the evidence is not
 * of this attempt, or a letter is not its member's; QR_MALFORMED. */
struct blame_case {
    const struct bundle *b;
    const struct bundle_facts *facts;
    struct qr_bytes evidence;
    struct qr_bytes file;
};
enum qr_rc blame_judge(const struct blame_case *k, struct blame_verdict *out, struct qr_err *err)
    QR_MUST_CHECK;

/* Whether the body of a dkg2 letter is as long as its signature of the transcript and
 * two commitments for each of so many payloads, and each commitment is a point
 * that signing takes (RFC 9591 section 5.1). */
bool blame_commitments_fit(struct qr_bytes body, size_t payloads);

#endif
