/* people.h - policy.changed, identity.*, key.rotated: what admins decide.
 * docs/FORMATS.md section 2. */
#ifndef QUORATE_LEAF_PEOPLE_H
#define QUORATE_LEAF_PEOPLE_H

#include "leaf/parts.h"

#define LEAF_TAG_POLICY "quorate/policy/v1"
#define LEAF_TAG_ENROLL "quorate/enroll/v1"
#define LEAF_TAG_ROLE "quorate/role/v1"
#define LEAF_TAG_REVOKE "quorate/revoke/v1"
#define LEAF_TAG_ERASE "quorate/erase/v1"
#define LEAF_TAG_ROTATE "quorate/rotate/v1"
/* Over a challenge of authd, by an admin who looks a person up. */
#define LEAF_TAG_FIND "quorate/find/v1"

enum leaf_policy_name { LEAF_POLICY_SIGNING, LEAF_POLICY_ATTESTATION };

struct leaf_policy {
    enum leaf_policy_name name;
    struct qr_hash hash;
    struct qr_bytes text; /* canonical form; read: borrows from the body */
    struct leaf_admin_sigs admin_sigs;
};
json_t *leaf_policy_write(const struct leaf_policy *p);
enum qr_rc leaf_policy_read(const json_t *body, struct leaf_policy *out, struct qr_err *err)
    QR_MUST_CHECK;

#define LEAF_MAX_NODE 64
/* identity.enrolled, and identity.role_changed with the leaf it replaces. */
struct leaf_identity {
    struct qr_hash commitment;
    enum qr_role role;
    struct qr_pub person_key;
    char node[LEAF_MAX_NODE + 1]; /* "" = any */
    struct qr_hash enrolment;     /* role_changed only: replaced leaf */
    struct leaf_admin_sigs admin_sigs;
};
json_t *leaf_identity_write(const struct leaf_identity *p, enum leaf_kind kind);
/* kind: LEAF_IDENTITY_ENROLLED or LEAF_IDENTITY_ROLE_CHANGED. */
enum qr_rc leaf_identity_read(const json_t *body, enum leaf_kind kind, struct leaf_identity *out,
                              struct qr_err *err) QR_MUST_CHECK;

/* identity.revoked and identity.erased (no reason). */
struct leaf_revocation {
    struct qr_hash commitment;
    struct qr_hash enrolment;
    char reason[33]; /* a code, [a-z-]; erased: "" */
    struct leaf_admin_sigs admin_sigs;
};
json_t *leaf_revocation_write(const struct leaf_revocation *p, enum leaf_kind kind);
enum qr_rc leaf_revocation_read(const json_t *body, enum leaf_kind kind,
                                struct leaf_revocation *out, struct qr_err *err) QR_MUST_CHECK;

/* Whether a person is enrolled, from all identity entries of one commitment in
 * the order of the log.  A commitment is enrolled once, by its first entry; a
 * role is changed from the entry that is in force; an end is for good.  What
 * does not fit is of no effect: the admins' signatures stand in the entries, so
 * that an old one could be logged again (TRUST.md section 4).  Begin with of. */
struct leaf_standing {
    const struct qr_hash *of; /* the commitment; borrowed */
    bool ever, over;
    struct qr_hash enrolment; /* ever: leaf of the last entry in force */
};
/* The next of those entries: its author is authd, its signature was checked; its
 * admins' signatures need not be.  An entry of another kind or person is of no
 * effect.  QR_MALFORMED. */
enum qr_rc leaf_standing_take(struct leaf_standing *s, const struct leaf_entry *e,
                              const struct qr_hash *leaf, struct qr_err *err) QR_MUST_CHECK;
/* Whether this leaf is the enrolment in force. */
bool leaf_standing_is(const struct leaf_standing *s, const struct qr_hash *enrolment);

/* The tag that admins sign a kind with; NULL for kinds without admins. */
const char *leaf_admin_tag(enum leaf_kind kind);

/* Commitment to a person: SHA-256("quorate/id/v1\0" || lp(salt 32) ||
 * lp(canonical identity)). */
struct qr_hash leaf_commitment(const uint8_t salt[32], struct qr_bytes identity);
/* Canonical identity of a name and an e-mail address (lower-cased ASCII).
 * QR_MALFORMED: not one '@', control characters, too long. */
enum qr_rc leaf_identity_text(struct qr_bytes name, struct qr_bytes email, struct qr_buf *out)
    QR_MUST_CHECK;

#endif
