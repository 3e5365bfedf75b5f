/* guard.h - what the guard of a call sees and answers, on both ends.
 *
 * The rpc layer moves bytes and decides nothing: whether a call is attested,
 * fresh and allowed is the guard's answer, given before the request is decoded;
 * whether a reply is authentic is the client guard's answer.  attested.h has
 * the guards that the daemons use; tests bring their own.
 *
 * All pointers given to a callback are borrowed for that call.  Callbacks run
 * on worker threads (server) and on the caller's thread (client), several at a
 * time.  Spec: TRUST.md section 8. */
#ifndef QUORATE_RPC_GUARD_H
#define QUORATE_RPC_GUARD_H

#include "base/json.h"
#include "crypto/crypto.h"

/* The metadata key of both directions. */
#define RPC_ATTEST_KEY "quorate-attest-bin"

#define RPC_MAX_CN 64
#define RPC_MAX_SANS 8
#define RPC_MAX_SAN 127

/* The other end of a TLS connection, from its leaf certificate.  tls false
 * (an in-process test without TLS): everything else is empty. */
struct rpc_peer {
    bool tls;
    struct qr_bytes cert_der;
    struct qr_hash cert_sha256; /* of cert_der */
    struct qr_hash spki_sha256; /* of the SubjectPublicKeyInfo in DER */
    char cn[RPC_MAX_CN + 1];
    size_t san_count; /* DNS and URI names */
    char san[RPC_MAX_SANS][RPC_MAX_SAN + 1];
    char address[64]; /* "ipv4:127.0.0.1:4711" */
};

#define RPC_MAX_NODE 64
#define RPC_MAX_ROLE 64

/* Who the guard says is calling.  attested false: nothing was checked and the
 * rest is empty. */
struct rpc_caller {
    bool attested;
    char node[RPC_MAX_NODE + 1];
    char role[RPC_MAX_ROLE + 1];
    char trust_class[RPC_MAX_ROLE + 1]; /* production, simulated ... */
    uint8_t session_id[16];
    struct qr_hash evidence;   /* SHA-256 of the evidence */
    struct qr_hash policy;     /* attestation policy it was judged by */
    struct qr_hash transcript; /* of the attested session */
};

/* A call as it arrived, not yet decoded. */
struct rpc_guard_call {
    const char *method; /* "/quorate.v1.Log/Append" */
    const struct rpc_peer *peer;
    struct qr_bytes attest;  /* the first RPC_ATTEST_KEY header */
    size_t attest_count;     /* how many there are: 1 is the only good number */
    struct qr_bytes request; /* raw bytes of the message */
    int64_t deadline_us;     /* wall clock, as this end sees it (some ms off) */
};

struct rpc_guard_verdict {
    struct rpc_caller caller;
    void *state;         /* of this call; given back to every later callback */
    int64_t deadline_us; /* authenticated deadline: shortens the call; 0: none */
};

/* The end of a call. */
struct rpc_guard_reply {
    const char *method;
    int status;              /* gRPC status code */
    struct qr_bytes message; /* status message */
    struct qr_bytes reply;   /* raw bytes of the reply; empty for streams and failures */
};

/* One element of a stream. */
struct rpc_guard_frame {
    const char *method;
    uint64_t sequence; /* from 0 */
    bool final;
    struct qr_bytes body;
};

#define RPC_MAC_SIZE 32
#define RPC_MAX_SEAL 512 /* bytes of the reply's RPC_ATTEST_KEY */

/* Server side. */
struct rpc_guard {
    void *ctx; /* keeps */
    /* The part of check that needs no request: asked before a byte of it is
     * read, on the poller, so it must not block; request and deadline are not
     * set.  May be NULL. */
    enum qr_rc (*greet)(void *ctx, const struct rpc_guard_call *call, struct qr_err *err);
    /* Judges the call before it is decoded.  Anything but QR_OK refuses it
     * with err's text; verdict->state is then ignored. */
    enum qr_rc (*check)(void *ctx, const struct rpc_guard_call *call,
                        struct rpc_guard_verdict *verdict, struct qr_err *err);
    /* Appends the bytes that authenticate the end of the call. */
    enum qr_rc (*seal)(void *ctx, void *state, const struct rpc_guard_reply *reply,
                       struct qr_buf *out);
    /* MAC of one stream element; called in order of sequence. */
    enum qr_rc (*seal_frame)(void *ctx, void *state, const struct rpc_guard_frame *frame,
                             uint8_t mac[RPC_MAC_SIZE]);
    /* The call is over: releases state.  Called once per accepted call. */
    void (*done)(void *ctx, void *state);
};

/* A request about to be sent. */
struct rpc_guard_request {
    const char *method;
    struct qr_bytes request;
    int64_t deadline_us; /* wall clock */
};

/* Client side. */
struct rpc_client_guard {
    void *ctx; /* keeps */
    /* Appends the RPC_ATTEST_KEY header.  *state is given back to the others. */
    enum qr_rc (*sign)(void *ctx, const struct rpc_guard_request *request, void **state,
                       struct qr_buf *header, struct qr_err *err);
    /* Judges the end of a call.  seal is the reply's RPC_ATTEST_KEY, empty when
     * there is not exactly one.  QR_OK: reply and status are authentic. */
    enum qr_rc (*verify)(void *ctx, void *state, const struct rpc_guard_reply *reply,
                         struct qr_bytes seal);
    /* Judges one stream element. */
    enum qr_rc (*verify_frame)(void *ctx, void *state, const struct rpc_guard_frame *frame,
                               struct qr_bytes mac);
    /* A stream ended with this status, that nobody vouches for, before its first
     * element: whether it is worth opening once more, which sign is then asked
     * for; state is released.  May be NULL. */
    bool (*again)(void *ctx, void *state, int status);
    /* The call is over: releases state. */
    void (*done)(void *ctx, void *state);
};

#endif
