/* evidence.h - the letters of an attempt in which somebody is blamed, as they
 * were signed: what attempt.failed names by its digest.
 *
 * Says nothing about who is to blame; bundle/blame.h judges that.
 * docs/FORMATS.md section 9. */
#ifndef QUORATE_LEAF_EVIDENCE_H
#define QUORATE_LEAF_EVIDENCE_H

#include "leaf/message.h"

/* Each round once, and once more for second letters of a round. */
#define LEAF_EVIDENCE_LISTS (2 * LEAF_ROUND_COUNT)
#define LEAF_MAX_EVIDENCE (4 * 1024 * 1024)

struct leaf_evidence {
    struct qr_hash session_leaf;
    uint32_t attempt;
    struct qr_hash descriptor;
    size_t n;
    struct {
        size_t n;
        struct leaf_signed letters[QR_MAX_PARTICIPANTS];
    } lists[LEAF_EVIDENCE_LISTS];
    struct qr_buf pools[LEAF_EVIDENCE_LISTS]; /* owned by what was read */
};

/* Appends canonical JSON. */
enum qr_rc leaf_evidence_write(const struct leaf_evidence *e, struct qr_buf *out) QR_MUST_CHECK;
/* Strict; leaf_evidence_fini in every case.  QR_MALFORMED. */
enum qr_rc leaf_evidence_read(struct qr_bytes text, struct leaf_evidence *out, struct qr_err *err)
    QR_MUST_CHECK;
void leaf_evidence_fini(struct leaf_evidence *e);

/* H[quorate/evidence-of-blame/v1](canonical text). */
struct qr_hash leaf_evidence_digest(struct qr_bytes text);

#endif
