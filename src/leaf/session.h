/* session.h - the bodies of a signing session, in the order in which they are
 * logged.  docs/FORMATS.md section 3. */
#ifndef QUORATE_LEAF_SESSION_H
#define QUORATE_LEAF_SESSION_H

#include "leaf/parts.h"

#define LEAF_TAG_REQUEST "quorate/request/v1"
#define LEAF_TAG_APPROVAL "quorate/approval/v1"
#define LEAF_TAG_REFUSAL "quorate/refusal/v1"
#define LEAF_TAG_WITHDRAWAL "quorate/withdrawal/v1"
#define LEAF_TAG_CANCEL "quorate/cancel/v1"
#define LEAF_TAG_DESCRIPTOR "quorate/descriptor/v1"

/* Signature fields left out of what is signed, per body. */
extern const char *const leaf_without_request_sig[];   /* request_sig */
extern const char *const leaf_without_approval_sigs[]; /* approval_sig, person_sig */
extern const char *const leaf_without_person_sig[];    /* person_sig */

struct leaf_artifact {
    char name[QR_MAX_NAME + 1]; /* "" = not stated */
    struct qr_hash sha256;
    bool has_size;
    uint64_t size; /* bytes; valid when has_size */
};

struct leaf_request {
    char session[QR_ULID_LEN + 1];
    struct leaf_artifact artifact;
    struct leaf_payloads payloads; /* without digests */
    struct leaf_policies policies;
    struct qr_hash requester; /* commitment */
    struct qr_hash enrolment; /* leaf hash */
    int64_t created_us;
    int64_t expires_us;
    uint8_t nonce[16];
    struct qr_sig request_sig;
};
json_t *leaf_request_write(const struct leaf_request *r);
enum qr_rc leaf_request_read(const json_t *body, struct leaf_request *out, struct qr_err *err)
    QR_MUST_CHECK;

struct leaf_approval {
    struct leaf_session_ref session;
    enum qr_role role;
    struct qr_hash commitment;
    struct qr_hash enrolment;
    struct qr_hash certificate; /* SHA-256 of the DER */
    struct qr_pub approval_key;
    struct qr_pub envelope_key;
    struct qr_pub cocktail_key; /* P_i */
    struct qr_sig pop;          /* COCKTAIL Sign, 64 bytes */
    struct qr_hash screen;
    struct leaf_payloads payloads;
    struct leaf_policies policies;
    struct qr_hash evidence; /* digest */
    struct leaf_checkpoint checkpoint;
    unsigned classes;
    struct qr_sig approval_sig;
    struct qr_sig person_sig;
};
json_t *leaf_approval_write(const struct leaf_approval *a);
enum qr_rc leaf_approval_read(const json_t *body, struct leaf_approval *out, struct qr_err *err)
    QR_MUST_CHECK;
/* What pop covers, after the tag that cocktail_static_prove puts in front:
 * session leaf || approval key || envelope key || P_i.  Appends. */
void leaf_approval_pop_message(const struct leaf_approval *a, struct qr_buf *out);

struct leaf_refusal {
    struct leaf_session_ref session;
    enum qr_role role;
    struct qr_hash commitment;
    struct qr_hash enrolment;
    struct qr_hash reason; /* openable commitment */
    struct qr_sig person_sig;
};
json_t *leaf_refusal_write(const struct leaf_refusal *r);
enum qr_rc leaf_refusal_read(const json_t *body, struct leaf_refusal *out, struct qr_err *err)
    QR_MUST_CHECK;

struct leaf_withdrawal {
    struct leaf_session_ref session;
    struct qr_hash commitment;
    struct qr_hash enrolment;
    struct qr_hash approval; /* leaf hash */
    struct qr_sig person_sig;
};
json_t *leaf_withdrawal_write(const struct leaf_withdrawal *w);
enum qr_rc leaf_withdrawal_read(const json_t *body, struct leaf_withdrawal *out, struct qr_err *err)
    QR_MUST_CHECK;

struct leaf_approver {
    struct qr_hash approval; /* leaf hash */
    struct qr_hash commitment;
    struct qr_hash enrolment;
    enum qr_role role;
};
struct leaf_roster {
    struct leaf_session_ref session;
    uint32_t attempt; /* from 1 */
    uint64_t log_size;
    size_t n;
    struct leaf_approver approvers[QR_MAX_PARTICIPANTS];
};
json_t *leaf_roster_write(const struct leaf_roster *r);
enum qr_rc leaf_roster_read(const json_t *body, struct leaf_roster *out, struct qr_err *err)
    QR_MUST_CHECK;

struct leaf_member {
    uint32_t index; /* 1..n */
    uint64_t approval_index;
    struct qr_hash approval;
    struct qr_hash commitment;
    enum qr_role role;
    struct qr_pub cocktail_key;
    struct qr_pub envelope_key;
};
struct leaf_descriptor {
    struct leaf_session_ref session;
    uint32_t attempt;
    uint32_t n;
    uint32_t t;
    struct leaf_member members[QR_MAX_PARTICIPANTS];
    struct leaf_payloads payloads; /* with digests */
    struct leaf_policies policies;
    int64_t expires_us;
    struct qr_hash roster; /* leaf hash of roster.attested */
    struct leaf_checkpoint checkpoint;
};
json_t *leaf_descriptor_write(const struct leaf_descriptor *d);
enum qr_rc leaf_descriptor_read(const json_t *body, struct leaf_descriptor *out, struct qr_err *err)
    QR_MUST_CHECK;
/* H[quorate/descriptor/v1](canonical body). */
struct qr_hash leaf_descriptor_hash(const json_t *body);
/* Prefix of COCKTAIL's ext (docs/FORMATS.md section 6); appends. */
void leaf_descriptor_ext_prefix(const struct leaf_descriptor *d, const struct qr_hash *hash,
                                struct qr_bytes origin, struct qr_buf *out);

struct leaf_dkg {
    struct leaf_session_ref session;
    uint32_t attempt;
    struct qr_hash descriptor;
    uint8_t frames[QR_SHA512_SIZE];
    struct qr_pub group_key;
    struct qr_hash transcript; /* SHA-256 of T || signatures */
};
json_t *leaf_dkg_write(const struct leaf_dkg *d);
enum qr_rc leaf_dkg_read(const json_t *body, struct leaf_dkg *out, struct qr_err *err)
    QR_MUST_CHECK;

struct leaf_commitment_pair {
    uint32_t index;
    struct qr_pub hiding;
    struct qr_pub binding;
};
struct leaf_started_payload {
    enum qr_payload type;
    struct qr_hash digest;
    struct leaf_commitment_pair pairs[QR_MAX_PARTICIPANTS]; /* n of them */
};
struct leaf_started {
    struct leaf_session_ref session;
    uint32_t attempt;
    struct qr_hash descriptor;
    struct qr_pub group_key;
    struct qr_hash certificate; /* SHA-256 of the group certificate */
    size_t n;                   /* signers in every list */
    size_t payload_count;
    struct leaf_started_payload payloads[QR_MAX_PAYLOADS];
};
/* The field payloads of such a body, and of a standing group's (leaf/group.h). */
json_t *leaf_started_payloads_write(const struct leaf_started_payload *list, size_t count,
                                    size_t n);
size_t leaf_started_payloads_read(struct qr_obj *o, struct leaf_started_payload *list, size_t *n);
json_t *leaf_started_write(const struct leaf_started *s);
enum qr_rc leaf_started_read(const json_t *body, struct leaf_started *out, struct qr_err *err)
    QR_MUST_CHECK;

struct leaf_signed_payload {
    enum qr_payload type;
    struct qr_hash digest;
    struct qr_sig sig;
};
struct leaf_made {
    struct leaf_session_ref session;
    uint32_t attempt;
    struct qr_hash descriptor;
    struct qr_pub group_key;
    struct qr_hash started; /* leaf hash of signing.started */
    size_t n;
    struct leaf_signed_payload signatures[QR_MAX_PAYLOADS];
};
/* The field signatures, likewise. */
json_t *leaf_signatures_write(const struct leaf_signed_payload *list, size_t n);
size_t leaf_signatures_read(struct qr_obj *o, struct leaf_signed_payload *list);
json_t *leaf_made_write(const struct leaf_made *m);
enum qr_rc leaf_made_read(const json_t *body, struct leaf_made *out, struct qr_err *err)
    QR_MUST_CHECK;

#define LEAF_MAX_CODE 64
struct leaf_failed {
    struct leaf_session_ref session;
    uint32_t attempt;
    char step[LEAF_MAX_CODE + 1];
    char reason[LEAF_MAX_CODE + 1];
    struct leaf_people blame;
    bool has_evidence;
    struct qr_hash evidence; /* leaf_evidence_digest of what somebody is blamed for */
};
/* write gives the body; read is strict (QR_MALFORMED names the field). */
json_t *leaf_failed_write(const struct leaf_failed *f);
enum qr_rc leaf_failed_read(const json_t *body, struct leaf_failed *out, struct qr_err *err)
    QR_MUST_CHECK;

enum leaf_end { LEAF_EXPIRED, LEAF_CANCELLED, LEAF_FAILED, LEAF_END_COUNT };
const char *leaf_end_name(enum leaf_end e);
struct leaf_ended {
    struct leaf_session_ref session;
    uint32_t attempt;
    enum leaf_end state;
    char step[LEAF_MAX_CODE + 1];
    char reason[LEAF_MAX_CODE + 1];
    struct leaf_people blame;
    bool by_person; /* cancelled: by and person_sig are set */
    struct qr_hash by;
    struct qr_sig person_sig;
};
json_t *leaf_ended_write(const struct leaf_ended *e);
enum qr_rc leaf_ended_read(const json_t *body, struct leaf_ended *out, struct qr_err *err)
    QR_MUST_CHECK;
/* The object a person signs to cancel: {"session_leaf","state":"CANCELLED"}. */
json_t *leaf_cancel_object(const struct qr_hash *session_leaf);

#endif
