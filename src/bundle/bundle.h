/* bundle.h - everything about one signing session in one file, or as far as a
 * session has come (material of a stage).
 *
 * Reading checks form only: size, canonical bytes, known version, no unknown
 * field.  Whether any of it is true is verify.h's question.
 *
 * Spec: docs/FORMATS.md section 10. */
#ifndef QUORATE_BUNDLE_BUNDLE_H
#define QUORATE_BUNDLE_BUNDLE_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/words.h"
#include "crypto/crypto.h"
#include "tlog/tlog.h"

enum bundle_stage { BUNDLE_OPEN, BUNDLE_FROZEN, BUNDLE_STARTED, BUNDLE_SIGNED };
/* The word of a stage, and back. */
const char *bundle_stage_name(enum bundle_stage s);
enum qr_rc bundle_stage_parse(struct qr_bytes s, enum bundle_stage *out) QR_MUST_CHECK;

/* Two policies, request, requester, three entries a person, six of the end. */
#define BUNDLE_MAX_ENTRIES (16 + 3 * QR_MAX_PARTICIPANTS)

/* Certificates, pieces of evidence or grants. */
#define BUNDLE_MAX_ITEMS (2 * QR_MAX_PARTICIPANTS)

struct bundle_entry {
    uint64_t index;
    struct qr_bytes leaf;
    struct tlog_proof proof;
};

/* That the tree of size leaves is the beginning of the bundle's. */
struct bundle_consistency {
    uint64_t size;
    struct tlog_proof proof;
};
/* One checkpoint of each approval, one of the descriptor. */
#define BUNDLE_MAX_CONSISTENCY (QR_MAX_PARTICIPANTS + 1)

struct bundle_payload {
    enum qr_payload type;
    bool has_sig;
    struct qr_sig sig;
};

/* Arrays and bytes are borrowed from whoever made the struct; after
 * bundle_read they lie in arena. */
struct bundle {
    enum bundle_stage stage;
    char session[QR_ULID_LEN + 1];
    struct qr_bytes origin;
    struct qr_bytes checkpoint; /* signed note */
    const struct bundle_consistency *consistency;
    size_t consistency_count; /* ascending size */
    const struct bundle_entry *entries;
    size_t entry_count; /* ascending index */
    const struct qr_bytes *certificates;
    size_t certificate_count;
    const struct qr_bytes *evidence;
    size_t evidence_count;
    const struct qr_bytes *grants;
    size_t grant_count;
    const struct bundle_payload *payloads;
    size_t payload_count;
    bool has_frames;
    uint8_t frames[QR_SHA512_SIZE];
    struct qr_bytes transcript; /* DKG certificate; empty before `started` */
    struct qr_bytes ssh;        /* OpenSSH certificate of the group key; may be empty */
    struct qr_arena arena;
};

/* Strict.  QR_RANGE: larger than QR_MAX_BUNDLE; QR_MALFORMED.  bundle_fini
 * after QR_OK.  Does not keep s. */
enum qr_rc bundle_read(struct qr_bytes s, struct bundle *out, struct qr_err *err) QR_MUST_CHECK;
void bundle_fini(struct bundle *b);
/* Appends the canonical form.  QR_RANGE: more than a reader takes. */
enum qr_rc bundle_write(const struct bundle *b, struct qr_buf *out) QR_MUST_CHECK;

#endif
