/* group.h - standing groups: the plan that a quorum approves, the letters of
 * those who carry it out, and the bodies of the entries that record it.
 *
 * A plan is a file.  A quorum approves it by signing it in an ordinary session;
 * what is logged of a group names that session's signature.made.  Pure: who may
 * change what is judged in trust/group_check.h.  docs/FORMATS.md section 25. */
#ifndef QUORATE_LEAF_GROUP_H
#define QUORATE_LEAF_GROUP_H

#include "leaf/session.h"

#define LEAF_GROUP_DIGEST_SIZE 64          /* frost/standing.h */
#define LEAF_GROUP_NAME LEAF_MAX_NAMESPACE /* and of the same characters */
#define LEAF_TAG_GROUP_JOIN "quorate/group-join/v1"
#define LEAF_TAG_GROUP_LETTER "quorate/group-letter/v1"
#define LEAF_TAG_GROUP_CONSENT "quorate/group-consent/v1"

enum leaf_group_step {
    LEAF_GROUP_CREATE,
    LEAF_GROUP_REFRESH,
    LEAF_GROUP_REPAIR,
    LEAF_GROUP_RESHARE,
    LEAF_GROUP_RETIRE,
    LEAF_GROUP_STEPS
};
const char *leaf_group_step_name(enum leaf_group_step s); /* "refresh" */
/* The kind of entry that records it. */
enum leaf_kind leaf_group_kind(enum leaf_group_step s);

/* A group with the shares of one epoch. */
struct leaf_group_ref {
    struct qr_hash group; /* SHA-256 of the plan that made it */
    uint32_t epoch;
    uint8_t digest[LEAF_GROUP_DIGEST_SIZE]; /* standing_digest */
};
bool leaf_group_ref_equal(const struct leaf_group_ref *a, const struct leaf_group_ref *b);

struct leaf_group_person {
    struct qr_hash commitment;
    struct qr_hash enrolment; /* leaf hash */
};

/* Parties: first those who will have shares, in the order of their numbers, then
 * dealers who leave; together at most QR_MAX_PARTICIPANTS. */
struct leaf_group_plan {
    enum leaf_group_step step;
    struct leaf_group_ref from; /* create: zeros */
    char name[LEAF_GROUP_NAME + 1];
    enum qr_role role;
    uint32_t t;
    size_t n;       /* of parties who will have shares; retire: 0 */
    size_t parties; /* n and those who leave */
    struct leaf_group_person party[QR_MAX_PARTICIPANTS];
    size_t dealers; /* numbers of the old group that deal, ascending; create: none */
    uint32_t dealer[QR_MAX_PARTICIPANTS];
    uint8_t nonce[16];
};
/* Canonical text, without a line end: what the file holds.  QR_NOMEM. */
enum qr_rc leaf_group_plan_write(const struct leaf_group_plan *p, struct qr_buf *out) QR_MUST_CHECK;
enum qr_rc leaf_group_plan_read(struct qr_bytes text, struct leaf_group_plan *out,
                                struct qr_err *err) QR_MUST_CHECK;

/* What the request for it must call it, so that nobody who approves takes it for
 * anything else: "standing group plan: retire releases". */
#define LEAF_GROUP_TITLE (40 + LEAF_GROUP_NAME)
void leaf_group_plan_title(const struct leaf_group_plan *p, char out[LEAF_GROUP_TITLE]);

/* What signers agree on before they sign with a group what a quorum has signed. */
struct leaf_group_signing {
    struct leaf_group_ref with;
    char session[QR_ULID_LEN + 1]; /* of the quorum */
    struct qr_hash approved;       /* leaf hash of its signature.made */
};
enum qr_rc leaf_group_signing_write(const struct leaf_group_signing *s, struct qr_buf *out)
    QR_MUST_CHECK;
enum qr_rc leaf_group_signing_read(struct qr_bytes text, struct leaf_group_signing *out,
                                   struct qr_err *err) QR_MUST_CHECK;
/* Which of the two a text is. */
bool leaf_group_is_signing(struct qr_bytes text);

/* ---- letters ---- */

enum leaf_group_round {
    LEAF_GROUP_JOIN,
    LEAF_GROUP_DEAL,
    LEAF_GROUP_AGREE,
    LEAF_GROUP_SHARE,
    LEAF_GROUP_MADE,
    LEAF_GROUP_ROUNDS
};
const char *leaf_group_round_name(enum leaf_group_round r); /* "join" */
/* The tag of its signature: join by the person key, all others by the envelope
 * key that join names. */
const char *leaf_group_round_tag(enum leaf_group_round r);

struct leaf_group_letter {
    struct qr_hash step; /* SHA-256 of the plan or of the text of a signing */
    uint32_t attempt;
    struct qr_hash commitment; /* the sender */
    enum leaf_group_round round;
    struct qr_bytes body; /* read: in the buffer that the caller gave */
};
enum qr_rc leaf_group_letter_write(const struct leaf_group_letter *l, struct qr_buf *out)
    QR_MUST_CHECK;
enum qr_rc leaf_group_letter_read(struct qr_bytes text, struct leaf_group_letter *out,
                                  struct qr_buf *body, struct qr_err *err) QR_MUST_CHECK;

/* Body of a join: keys for this attempt alone.  A signer has commitments instead
 * of a static key: hiding || binding for each payload. */
struct leaf_group_join {
    bool signs;
    unsigned classes;
    struct qr_hash enrolment;
    struct qr_pub envelope_key;
    struct qr_pub cocktail_key; /* not signs */
    struct qr_sig pop;          /* not signs: leaf_group_pop_message */
    size_t pairs;               /* signs */
    uint8_t pair[QR_MAX_PAYLOADS][2 * QR_KEY_SIZE];
};
enum qr_rc leaf_group_join_write(const struct leaf_group_join *j, struct qr_buf *out) QR_MUST_CHECK;
enum qr_rc leaf_group_join_read(struct qr_bytes body, struct leaf_group_join *out,
                                struct qr_err *err) QR_MUST_CHECK;
/* What pop covers: step || be32 attempt || commitment || envelope key || P_i. */
void leaf_group_pop_message(const struct leaf_group_letter *l, const struct leaf_group_join *j,
                            struct qr_buf *out);
/* Text of the join letter of a party, as it was signed.  Appends. */
enum qr_rc leaf_group_join_letter(const struct leaf_group_letter *l,
                                  const struct leaf_group_join *j, struct qr_buf *out)
    QR_MUST_CHECK;

/* Body of agree: signature over the transcript || consent || what is consented
 * to (leaf_group_change without sigs, canonical). */
#define LEAF_GROUP_AGREE_HEAD (64 + 64)

/* ---- entries ---- */

struct leaf_group_party {
    struct leaf_group_person is;
    struct leaf_group_join join;
    struct qr_sig person_sig; /* over the join letter */
    struct qr_pub share;      /* Y_i; who leaves has none: zeros */
    struct qr_sig consent;    /* over the body without sigs */
};
/* group.created, .refreshed, .repaired, .reshared. */
struct leaf_group_change {
    struct qr_hash approved;
    uint32_t attempt;
    struct leaf_group_ref to;
    struct qr_pub group_key;
    struct qr_bytes plan; /* text; read: borrows from the body */
    struct qr_hash transcript;
    size_t n;       /* the first n have shares */
    size_t parties; /* in the plan's order */
    struct leaf_group_party party[QR_MAX_PARTICIPANTS];
};
/* with_sigs false: what consent covers. */
json_t *leaf_group_change_write(const struct leaf_group_change *c, bool with_sigs);
enum qr_rc leaf_group_change_read(const json_t *body, bool with_sigs, struct leaf_group_change *out,
                                  struct qr_err *err) QR_MUST_CHECK;
extern const char *const leaf_without_sigs[]; /* sigs */

/* group.retired. */
struct leaf_group_retired {
    struct qr_hash approved;
    struct leaf_group_ref of;
    struct qr_bytes plan;
};
json_t *leaf_group_retired_write(const struct leaf_group_retired *r);
enum qr_rc leaf_group_retired_read(const json_t *body, struct leaf_group_retired *out,
                                   struct qr_err *err) QR_MUST_CHECK;

/* group.signing_started. */
struct leaf_group_started {
    struct qr_hash approved;
    uint32_t attempt;
    struct leaf_group_ref with;
    struct qr_pub group_key;
    size_t n; /* signers in every list */
    size_t payload_count;
    struct leaf_started_payload payloads[QR_MAX_PAYLOADS];
};
json_t *leaf_group_started_write(const struct leaf_group_started *s);
enum qr_rc leaf_group_started_read(const json_t *body, struct leaf_group_started *out,
                                   struct qr_err *err) QR_MUST_CHECK;

/* group.signature_made. */
struct leaf_group_made {
    struct qr_hash approved;
    uint32_t attempt;
    struct leaf_group_ref with;
    struct qr_pub group_key;
    struct qr_hash started; /* leaf hash of group.signing_started */
    size_t n;
    struct leaf_signed_payload signatures[QR_MAX_PAYLOADS];
};
json_t *leaf_group_made_write(const struct leaf_group_made *m);
enum qr_rc leaf_group_made_read(const json_t *body, struct leaf_group_made *out, struct qr_err *err)
    QR_MUST_CHECK;

#endif
