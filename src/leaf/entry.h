/* entry.h - a log entry: who says what kind of thing, when, signed by its
 * author.
 *
 * Anyone that makes or reads entries calls this: it knows the envelope of
 * docs/FORMATS.md section 2 and the table of kinds and authors; the bodies are
 * the business of the other headers here.  It knows nothing of the log. */
#ifndef QUORATE_LEAF_ENTRY_H
#define QUORATE_LEAF_ENTRY_H

#include "base/clock.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/words.h"
#include "crypto/crypto.h"

enum leaf_kind {
    LEAF_SERVICE_STARTED,
    LEAF_POLICY_CHANGED,
    LEAF_IDENTITY_ENROLLED,
    LEAF_IDENTITY_ROLE_CHANGED,
    LEAF_IDENTITY_REVOKED,
    LEAF_IDENTITY_ERASED,
    LEAF_CERTIFICATE_ISSUED,
    LEAF_ATTESTATION_ACCEPTED,
    LEAF_ATTESTATION_REFUSED,
    LEAF_SESSION_REQUESTED,
    LEAF_APPROVAL_GIVEN,
    LEAF_APPROVAL_REFUSED,
    LEAF_APPROVAL_WITHDRAWN,
    LEAF_ROSTER_ATTESTED,
    LEAF_ROSTER_FROZEN,
    LEAF_DKG_COMPLETED,
    LEAF_SIGNING_STARTED,
    LEAF_SIGNATURE_MADE,
    LEAF_ATTEMPT_FAILED,
    LEAF_SESSION_ENDED,
    LEAF_KEY_ROTATED,
    LEAF_GROUP_CREATED,
    LEAF_GROUP_REFRESHED,
    LEAF_GROUP_REPAIRED,
    LEAF_GROUP_RESHARED,
    LEAF_GROUP_RETIRED,
    LEAF_GROUP_SIGNING_STARTED,
    LEAF_GROUP_SIGNATURE_MADE,
    LEAF_KIND_COUNT
};

enum leaf_author { LEAF_TLOGD, LEAF_AUTHD, LEAF_CAD, LEAF_COORDINATOR, LEAF_AUTHOR_COUNT };

const char *leaf_kind_name(enum leaf_kind k);
const char *leaf_author_name(enum leaf_author a);
/* QR_MALFORMED: no such name. */
enum qr_rc leaf_kind_from_name(struct qr_bytes s, enum leaf_kind *out) QR_MUST_CHECK;
enum qr_rc leaf_author_from_name(struct qr_bytes s, enum leaf_author *out) QR_MUST_CHECK;
/* Whether the table of kinds lets this author log this kind. */
bool leaf_author_may(enum leaf_author a, enum leaf_kind k);

struct leaf_entry {
    enum leaf_kind kind;
    enum leaf_author author;
    char key_id[QR_KEY_ID_LEN + 1];
    char event_id[QR_ULID_LEN + 1];
    int64_t time_us;
    unsigned classes;
    struct qr_sig sig;
    json_t *json;       /* the whole entry; owned */
    const json_t *body; /* part of json */
};

/* Strict parse of entry bytes.  Does not check the signature.  QR_MALFORMED. */
enum qr_rc leaf_parse(struct qr_bytes bytes, struct leaf_entry *out, struct qr_err *err)
    QR_MUST_CHECK;
void leaf_fini(struct leaf_entry *e);
/* The author's signature, and that pub, of the trust directory, has the entry's
 * key id.  QR_FALSE. */
enum qr_rc leaf_verify(const struct leaf_entry *e, const struct qr_pub *pub) QR_MUST_CHECK;

/* The bytes that the author of an entry signed, one part after the other: a tag
 * and all but the member "sig", which canonical JSON of this form has at one place.
 * bytes: what leaf_parse accepted; the parts borrow from it.  QR_MALFORMED: it is
 * not there. */
#define LEAF_SIGNED_PARTS 3
enum qr_rc leaf_signed_parts(struct qr_bytes bytes, struct qr_bytes parts[LEAF_SIGNED_PARTS])
    QR_MUST_CHECK;

/* What an entry is made from. */
struct leaf_draft {
    enum leaf_kind kind;
    enum leaf_author author;
    const char *event_id; /* borrows; a ULID */
    int64_t time_us;
    unsigned classes;
    const json_t *body; /* borrows */
};
/* Signs and appends the canonical bytes.  QR_NOMEM: over out's cap;
 * QR_RANGE: over QR_MAX_ENTRY. */
enum qr_rc leaf_sign(const struct leaf_draft *d, const struct qr_signer *key, struct qr_buf *out)
    QR_MUST_CHECK;

/* RFC 6962 leaf hash: SHA-256(0x00 || bytes). */
struct qr_hash leaf_hash(struct qr_bytes bytes);

/* Appends the canonical form of obj without the keys of the NULL-ended list:
 * the bytes that a signature inside an object covers. */
enum qr_rc leaf_signed_part(const json_t *obj, const char *const *without, struct qr_buf *out)
    QR_MUST_CHECK;
/* Signature by key with tag over the signed part; sets obj[field] to base64. */
enum qr_rc leaf_object_sign(json_t *obj, const char *const *without, const char *tag,
                            const struct qr_signer *key, const char *field) QR_MUST_CHECK;
/* QR_FALSE when sig does not verify. */
enum qr_rc leaf_object_verify(const json_t *obj, const char *const *without, const char *tag,
                              const struct qr_pub *pub, const struct qr_sig *sig) QR_MUST_CHECK;
/* The same for a key of the trust directory: qr_verify_pinned. */
enum qr_rc leaf_object_verify_pinned(const json_t *obj, const char *const *without, const char *tag,
                                     const struct qr_pub *pub, const struct qr_sig *sig)
    QR_MUST_CHECK;

#endif
