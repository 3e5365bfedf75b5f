/* message.h - what travels in a ceremony without being an entry: envelopes of
 * participants, orders of the coordinator, the signed Statement.
 * docs/FORMATS.md sections 8 and 9. */
#ifndef QUORATE_LEAF_MESSAGE_H
#define QUORATE_LEAF_MESSAGE_H

#include "leaf/session.h"

#define LEAF_TAG_ENVELOPE "quorate/envelope/v1"
#define LEAF_TAG_ORDER "quorate/order/v1"

enum leaf_round {
    LEAF_ROUND_PRESENCE,
    LEAF_ROUND_DKG1,
    LEAF_ROUND_DKG2,
    LEAF_ROUND_SHARE,
    LEAF_ROUND_ABORT, /* the numbers are in the coordinator's store */
    LEAF_ROUND_CHAIN,
    LEAF_ROUND_COUNT
};
/* The word that stands in a message. */
const char *leaf_round_name(enum leaf_round r);

/* How many signature shares a `share` or a `chain` envelope holds: those of the
 * payloads whose bytes are known, then those of minisign-global. */
size_t leaf_payloads_shares(const struct leaf_payloads *p, enum leaf_round round);

struct leaf_envelope {
    struct qr_hash session_leaf;
    struct qr_hash approval; /* leaf hash of the sender's approval */
    uint32_t attempt;
    bool has_descriptor; /* false before the freeze */
    struct qr_hash descriptor;
    enum leaf_round round;
    uint32_t sequence;
    struct qr_bytes body;   /* write: borrows; read: into body_buf */
    struct qr_buf body_buf; /* owned by a read envelope */
};
/* Appends the canonical bytes that are signed. */
enum qr_rc leaf_envelope_write(const struct leaf_envelope *e, struct qr_buf *out) QR_MUST_CHECK;
/* Strict parse; leaf_envelope_fini when QR_OK. */
enum qr_rc leaf_envelope_read(struct qr_bytes bytes, struct leaf_envelope *out, struct qr_err *err)
    QR_MUST_CHECK;
void leaf_envelope_fini(struct leaf_envelope *e);

/* Body of an abort envelope: index of the blamed member (0 = nobody), reason
 * and step as codes, and where a dealt share is disputed its proof. */
#define LEAF_DISPUTE_SIZE 128
struct leaf_abort {
    uint32_t blame;
    bool has_dispute;
    uint8_t dispute[LEAF_DISPUTE_SIZE]; /* frost/dispute.h */
    char reason[LEAF_MAX_CODE + 1];
    char step[LEAF_MAX_CODE + 1];
};
enum qr_rc leaf_abort_write(const struct leaf_abort *a, struct qr_buf *out) QR_MUST_CHECK;
enum qr_rc leaf_abort_read(struct qr_bytes bytes, struct leaf_abort *out, struct qr_err *err)
    QR_MUST_CHECK;

/* An envelope as relayed: the bytes its sender signed, and the signature. */
struct leaf_signed {
    struct qr_bytes bytes; /* borrows */
    struct qr_sig sig;
};
/* [{"envelope":B64,"sig":B64}] for the orders dkg1, sign and chain. */
json_t *leaf_signed_list_write(const struct leaf_signed *list, size_t n);
/* Decodes into arena-free memory: every envelope's bytes are appended to pool,
 * list borrows from pool (whose cap bounds the whole). */
enum qr_rc leaf_signed_list_read(const json_t *array, struct leaf_signed *list, size_t max,
                                 size_t *n, struct qr_buf *pool) QR_MUST_CHECK;

enum leaf_order_type {
    LEAF_ORDER_PROGRESS, /* {engineers_have,engineers_need,stewards_have,stewards_need,state} */
    LEAF_ORDER_PRESENCE, /* {members} : these answer with a presence envelope */
    LEAF_ORDER_FROZEN,   /* {descriptor} : fetch material `frozen`, send dkg1 */
    LEAF_ORDER_DKG1,     /* {descriptor,messages} : send dkg2 */
    LEAF_ORDER_SIGN,     /* {descriptor,messages,started} : material `started`, send share */
    LEAF_ORDER_CHAIN,    /* {descriptor,messages} : all shares; send chain */
    LEAF_ORDER_SIGNED,   /* {made} : leaf hash of signature.made */
    LEAF_ORDER_ATTEMPT_FAILED, /* {blame,dropped,reason,step} */
    LEAF_ORDER_ENDED,          /* {blame,reason,state,step} */
    LEAF_ORDER_COUNT
};
const char *leaf_order_name(enum leaf_order_type t);

struct leaf_order {
    struct qr_hash session_leaf;
    uint32_t attempt;
    uint64_t sequence;
    enum leaf_order_type type;
    const json_t *body; /* write: borrows; read: part of json */
    json_t *json;       /* read: owned */
};
enum qr_rc leaf_order_write(const struct leaf_order *o, struct qr_buf *out) QR_MUST_CHECK;
enum qr_rc leaf_order_read(struct qr_bytes bytes, struct leaf_order *out, struct qr_err *err)
    QR_MUST_CHECK;
void leaf_order_fini(struct leaf_order *o);

/* The in-toto Statement of a dsse payload, from the request and the frozen
 * members (payload digests of d are not read).  Appends canonical JSON. */
enum qr_rc leaf_statement(const struct leaf_request *r, const struct leaf_descriptor *d,
                          struct qr_bytes origin, struct qr_buf *out) QR_MUST_CHECK;
/* The trusted comment of a minisign payload, from the request alone: time, file
 * name (where it is printable ASCII) and session.  Appends. */
enum qr_rc leaf_trusted_comment(const struct leaf_request *r, struct qr_buf *out) QR_MUST_CHECK;
#define LEAF_STATEMENT_TYPE "application/vnd.in-toto+json"

#endif
