/* cocktail_wire.h - what travels in a COCKTAIL-DKG and what all participants
 * agree on beforehand: parameters, context, the first message, blame.
 *
 * Pure functions over public bytes, for participants, for a coordinator that
 * wants to refuse bad messages early, and for verifiers.
 *
 * Spec: COCKTAIL-DKG v0.2.1 "Message Formats", "Setup", "Round 2". */
#ifndef QUORATE_FROST_COCKTAIL_WIRE_H
#define QUORATE_FROST_COCKTAIL_WIRE_H

#include "frost/schnorr.h"

#define COCKTAIL_SUITE "COCKTAIL(Ed25519, SHA-512)"
#define COCKTAIL_CONTEXT_SIZE 64
#define COCKTAIL_EXT_SIZE 64
#define COCKTAIL_DIGEST_SIZE 64
/* Share of 32 bytes and AEAD tag; the upper bound is the text's SHOULD. */
#define COCKTAIL_MIN_CIPHERTEXT 48
#define COCKTAIL_MAX_CIPHERTEXT 65536
#define COCKTAIL_MAX_PAYLOAD (COCKTAIL_MAX_CIPHERTEXT - COCKTAIL_MIN_CIPHERTEXT)

/* Equal for all participants.  Made by cocktail_params_init, which sets all
 * but the context; cocktail_context sets that. */
struct cocktail_params {
    uint32_t n;
    uint32_t t;
    struct point keys[QR_MAX_MEMBERS]; /* P_1 .. P_n, in the agreed order */
    uint8_t context[COCKTAIL_CONTEXT_SIZE];
};

/* keys is P_1 || ... || P_n.  QR_RANGE: not 1 <= t <= n <=
 * QR_MAX_MEMBERS, or keys is not n points long; QR_MALFORMED: a key that
 * is no valid point; QR_CONFLICT: a key occurs twice. */
enum qr_rc cocktail_params_init(struct cocktail_params *p, uint32_t n, uint32_t t,
                                struct qr_bytes keys, struct qr_err *err) QR_MUST_CHECK;

/* The recommended construction from a session id that is unique (for us: the
 * SHA-256 of the session's descriptor, which also binds t). */
void cocktail_context(struct cocktail_params *p, struct qr_bytes session_id);

/* Why a message was refused, and what that proves. */
enum dkg_reason {
    DKG_FINE,
    DKG_LENGTH,    /* message too short or too long for n and t */
    DKG_FRAME,     /* a frame's length is outside 48 .. 65536 */
    DKG_POINT,     /* C or E is no valid point */
    DKG_POP,       /* proof of possession fails */
    DKG_DUPLICATE, /* the two of pair sent the same C_0 or E; one copied */
    DKG_OWN,       /* our own message came back altered: the coordinator */
    DKG_DECRYPT,   /* ciphertext not authentic: local knowledge, no proof */
    DKG_SCALAR,    /* share not canonical: local knowledge */
    DKG_SHARE,     /* share does not fit the commitment: local knowledge */
    DKG_KEY,       /* a public key of the group is the identity: nobody */
    DKG_CERTEQ,    /* signature not over our transcript: compare transcripts
                      before blaming, the coordinator may have split views */
    DKG_CONSTANT   /* not what the dealer's old share gives (frost/reshare.h) */
};

struct dkg_blame {
    enum dkg_reason reason;
    uint32_t index;   /* whose message; 0: nobody in particular */
    uint32_t pair[2]; /* for DKG_DUPLICATE, ascending */
};

/* "frame", "pop" ... for logs and entries. */
const char *dkg_reason_name(enum dkg_reason reason);

/* A parsed first message.  commitments has room for t points (caller's);
 * frames borrow from the message and are the ciphertexts without length. */
struct cocktail_msg1 {
    struct point *commitments;
    struct point ephemeral;
    uint8_t pop[SCHNORR_SIZE];
    struct qr_bytes frames[QR_MAX_MEMBERS];
};

/* The lengths alone, which settle where everything lies: pop and frames are
 * set, *commitments borrows the t points, ephemeral is undecoded bytes.
 * DKG_LENGTH or DKG_FRAME when they are wrong. */
struct cocktail_raw1 {
    struct qr_bytes commitments;
    const uint8_t *pop;
    const uint8_t *ephemeral;
    struct qr_bytes frames[QR_MAX_MEMBERS];
};
enum dkg_reason cocktail_msg1_split(struct cocktail_raw1 *raw, const struct cocktail_params *p,
                                    struct qr_bytes s) QR_MUST_CHECK;
/* Exact parse: n frames and not a byte more.  Lengths first, points after.
 * QR_MALFORMED with *reason DKG_LENGTH, DKG_FRAME or DKG_POINT. */
enum qr_rc cocktail_msg1_parse(struct cocktail_msg1 *m, const struct cocktail_params *p,
                               struct qr_bytes s, enum dkg_reason *reason) QR_MUST_CHECK;

/* Proof of possession over context || C || E.  QR_FALSE. */
enum qr_rc cocktail_pop_check(const struct cocktail_params *p, const struct point *commitments,
                              const struct point *ephemeral, const uint8_t pop[SCHNORR_SIZE])
    QR_MUST_CHECK;

/* All that a coordinator can tell about message s of participant index:
 * QR_MALFORMED or QR_FALSE with blame.  Only DKG_POP, DKG_POINT and a wrong
 * number of commitments can be shown to third parties. */
enum qr_rc cocktail_msg1_check(const struct cocktail_params *p, uint32_t index, struct qr_bytes s,
                               struct dkg_blame *blame, struct qr_err *err) QR_MUST_CHECK;

/* Bytes of a first message before its frames. */
size_t cocktail_msg1_head(const struct cocktail_params *p);

/* SHA-512 of all frames, lengths included, in (sender, recipient) order.
 * msgs are the n first messages; QR_MALFORMED: one is too short. */
enum qr_rc cocktail_frames_digest(const struct cocktail_params *p, const struct qr_bytes *msgs,
                                  uint8_t out[COCKTAIL_DIGEST_SIZE]) QR_MUST_CHECK;

/* The extension of our transcripts: SHA-512("quorate/dkg-ext/v1\0" ||
 * be32(len prefix) || prefix || frames digest).  The prefix is what the
 * caller binds to the key besides (the freeze checkpoint, policies). */
void cocktail_ext(struct qr_bytes prefix, const uint8_t frames_digest[COCKTAIL_DIGEST_SIZE],
                  uint8_t out[COCKTAIL_EXT_SIZE]);

#endif
