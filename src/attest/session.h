/* session.h - an attested session: two peers that have verified each other's
 * evidence, and the keys between them.
 *
 * Made by handshake.h.  The handshake's client calls, its server answers; every
 * call, reply and stream frame carries a MAC under a key of its own direction.
 * A MAC is not evidence: it convinces the peer and nobody else.  All functions
 * may be called from several threads on one session.  No sockets, no I/O.
 *
 * Bytes, integers big-endian, lp(x) = be32(len) || x, direction = 1 (client to
 * server) or 2 (server to client):
 *   header "quorate-attest-bin" of a call, 129 bytes:
 *     version 1 || session id 16 || counter 8 || evidence digest 32 ||
 *     policy hash 32 || deadline in microseconds 8 || mac 32
 *     mac = HMAC-SHA-256("quorate/call/v1" 0 || 1 || session id || counter ||
 *       evidence digest || policy hash || deadline || lp(method) || SHA-256(request))
 *   trailer "quorate-attest-bin" of a reply, 33 bytes: version 1 || mac
 *     mac over "quorate/reply/v1" 0 || 2 || session id || counter || lp(method) ||
 *       SHA-256(request) || be32(status) || lp(status message) || SHA-256(reply)
 *   mac of a stream frame, 32 bytes:
 *     over "quorate/stream/v1" 0 || 2 || session id || counter || lp(method) ||
 *       SHA-256(request) || be64(sequence) || final 1 || SHA-256(body)
 *   secret: version 1 || counter 8 || XChaCha20-Poly1305, nonce = counter || 16 zeros,
 *     additional data "quorate/secret/v1" 0 || direction || session id || counter || lp(label)
 * Spec: TRUST.md section 8, SNP.md 5.4. */
#ifndef QUORATE_ATTEST_SESSION_H
#define QUORATE_ATTEST_SESSION_H

#include "attest/verdict.h"
#include "base/clock.h"

#define ATTEST_SESSION_ID_SIZE 16
#define ATTEST_REATTEST_S 300  /* open a new session from here on */
#define ATTEST_HARD_STOP_S 600 /* nothing is sealed or opened from here on */
#define ATTEST_WINDOW 1024     /* counters this far behind are refused */
#define ATTEST_METHOD_MAX 128  /* full method name */
#define ATTEST_NAME_MAX 64     /* node id, role, audience; UTF-8 */
#define ATTESTED_CALL_SIZE 129
#define ATTESTED_REPLY_SIZE 33
#define ATTESTED_FRAME_SIZE 32
#define ATTESTED_SECRET_OVERHEAD 25 /* version, counter, tag */

/* The other side, as verified in the handshake. */
struct attest_peer {
    char node_id[ATTEST_NAME_MAX + 1];
    char role[ATTEST_NAME_MAX + 1];
    struct qr_hash tls_spki;
    struct qr_hash policy_hash;  /* equal to ours */
    struct attest_claims claims; /* claims.evidence_digest */
};

struct attest_session;

/* One more reference; every reference ends with attest_session_free, the last
 * one wipes the keys. */
struct attest_session *attest_session_hold(struct attest_session *s);
void attest_session_free(struct attest_session *s); /* NULL allowed */

/* 16 bytes; borrowed from the session, as all below. */
struct qr_bytes attest_session_id(const struct attest_session *s);
const struct attest_peer *attest_session_peer(const struct attest_session *s);
/* Digest of the evidence we showed; SHA-256 of the handshake (field 13 of
 * step-up bindings). */
const struct qr_hash *attest_session_own_digest(const struct attest_session *s);
const struct qr_hash *attest_session_transcript(const struct attest_session *s);

enum attest_session_age { ATTEST_FRESH, ATTEST_RENEW, ATTEST_EXPIRED };
/* RENEW: still usable, open another one.  EXPIRED: seals and opens nothing. */
enum attest_session_age attest_session_age(struct attest_session *s);
/* Makes it expired at once (policy changed, peer revoked). */
void attest_session_end(struct attest_session *s);

/* A call as both ends know it: needed again for its reply and frames.  Caller's
 * memory, no secret inside, nothing to free. */
struct attested_call {
    uint64_t counter;
    int64_t deadline_us; /* wall clock, absolute */
    char method[ATTEST_METHOD_MAX + 1];
    struct qr_hash request;
};

/* Client: the header for one call.  deadline_us is absolute wall time.  Fills
 * call.  QR_ATTESTATION: expired, or counters used up; QR_STATE: we are the
 * server; QR_RANGE: method too long. */
enum qr_rc attested_call_seal(struct attest_session *s, const char *method, struct qr_bytes request,
                              int64_t deadline_us, struct attested_call *call,
                              uint8_t header[ATTESTED_CALL_SIZE]) QR_MUST_CHECK;

/* Server: session id inside a header, to find the session by.  QR_MALFORMED:
 * not exactly ATTESTED_CALL_SIZE bytes of version 1. */
enum qr_rc attested_call_session_id(struct qr_bytes header, uint8_t out[ATTEST_SESSION_ID_SIZE])
    QR_MUST_CHECK;

/* Server: checks, in this order: length and version (QR_MALFORMED), session
 * alive (QR_ATTESTATION), session id and MAC (QR_UNAUTHENTICATED), policy hash
 * equal to pinned and to the handshake's, evidence digest equal to the peer's
 * (QR_ATTESTATION), deadline not past by more than the allowed skew
 * (QR_DEADLINE), counter within the window and never seen (QR_UNAUTHENTICATED,
 * "replayed").  Consumes the counter only when all hold; then fills call. */
struct attested_in {
    struct qr_bytes header;
    const char *method;           /* as the transport delivered it */
    struct qr_bytes request;      /* the serialised message */
    const struct qr_hash *pinned; /* hash of the policy in force now */
};
enum qr_rc attested_call_open(struct attest_session *s, const struct attested_in *in,
                              struct attested_call *call, struct qr_err *err) QR_MUST_CHECK;

/* What a call ended with.  reply is empty unless status is 0. */
struct attested_result {
    uint32_t status;         /* gRPC status number */
    struct qr_bytes message; /* gRPC status message */
    struct qr_bytes reply;   /* the serialised message */
};
/* Server: the trailer of a reply.  For a stream: reply empty, sent at its end. */
enum qr_rc attested_reply_seal(struct attest_session *s, const struct attested_call *call,
                               const struct attested_result *result,
                               uint8_t trailer[ATTESTED_REPLY_SIZE]) QR_MUST_CHECK;
/* Client.  QR_MALFORMED: length or version; QR_UNAUTHENTICATED: the status and
 * reply are not the server's, and mean no more than "unavailable". */
enum qr_rc attested_reply_open(struct attest_session *s, const struct attested_call *call,
                               const struct attested_result *result, struct qr_bytes trailer,
                               struct qr_err *err) QR_MUST_CHECK;

/* One frame of a server stream.  Sequences count from 0 without a gap; exactly
 * the last one is final, and a stream that ends without it is an error. */
struct attested_frame {
    uint64_t sequence;
    bool final;
    struct qr_bytes body;
};
enum qr_rc attested_stream_seal(struct attest_session *s, const struct attested_call *call,
                                const struct attested_frame *frame,
                                uint8_t mac[ATTESTED_FRAME_SIZE]) QR_MUST_CHECK;
/* Client.  next is the sequence number expected, counted by this function from
 * 0; it becomes UINT64_MAX after the final frame.  QR_UNAUTHENTICATED: not the
 * server's; QR_STATE: out of sequence, or after the final frame. */
enum qr_rc attested_stream_open(struct attest_session *s, const struct attested_call *call,
                                const struct attested_frame *frame, struct qr_bytes mac,
                                uint64_t *next) QR_MUST_CHECK;

/* A token or secret inside a message body, for the peer only.  label says what
 * it is, "login/token".  Appends ATTESTED_SECRET_OVERHEAD more bytes than plain.
 * It is not protected against replay: the call that carries it is. */
enum qr_rc attested_secret_seal(struct attest_session *s, const char *label, struct qr_bytes plain,
                                struct qr_buf *out) QR_MUST_CHECK;
/* QR_MALFORMED, QR_UNAUTHENTICATED.  Appends the plaintext to out, whose memory
 * the caller wipes. */
enum qr_rc attested_secret_open(struct attest_session *s, const char *label, struct qr_bytes sealed,
                                struct qr_buf *out) QR_MUST_CHECK;

#endif
