/* channel.h - calls protobuf-c services over gRPC, blocking.
 *
 * A channel connects on demand, over TLS with a client certificate, and never
 * retries by itself.  A channel may be used by several threads; a stream has
 * one reader.  Results are exactly the server's: it sends the name of its
 * result before the text.  A result that the client guard cannot authenticate
 * is QR_UNAVAILABLE, a reply that it cannot is QR_ATTESTATION (TRUST.md
 * section 8).  For calls under an attested session see attested.h. */
#ifndef QUORATE_RPC_CHANNEL_H
#define QUORATE_RPC_CHANNEL_H

#include "base/arena.h"
#include "rpc/guard.h"
#include "rpc/server.h"

struct rpc_channel;
struct rpc_stream;

struct rpc_channel_conf {
    const char *target;      /* "127.0.0.1:7702" */
    struct rpc_tls tls;      /* read once: a new certificate needs a new channel */
    const char *server_name; /* name in the server's certificate; NULL: target's host */
    uint32_t max_recv;       /* bytes of a reply; 0: QR_MAX_REPLY */
    struct qr_clock clock;
};

/* Gives: rpc_channel_free, when no call uses it any more. */
enum qr_rc rpc_channel_new(struct rpc_channel **out, const struct rpc_channel_conf *conf,
                           struct qr_err *err) QR_MUST_CHECK;
void rpc_channel_free(struct rpc_channel *ch);
/* SHA-256 of our own certificate's SubjectPublicKeyInfo; zeros without TLS. */
struct qr_hash rpc_channel_own_spki(const struct rpc_channel *ch);
/* The server that the latest call went to; cert_der and address are empty.
 * QR_NOTFOUND: no call has reached one yet, or there is no TLS. */
enum qr_rc rpc_channel_server(struct rpc_channel *ch, struct rpc_peer *out) QR_MUST_CHECK;
/* From now on calls go only to a server with this key (NULL: to any that the
 * CA vouches for); another one ends a call with QR_UNAVAILABLE unsent. */
void rpc_channel_pin(struct rpc_channel *ch, const struct qr_hash *spki);

/* One question. */
struct rpc_ask {
    const ProtobufCServiceDescriptor *service;
    const char *method; /* "Append" */
    const ProtobufCMessage *in;
    int timeout_ms;                       /* 1 .. QR_MAX_STREAM_MS */
    const struct rpc_client_guard *guard; /* copied; NULL: not attested */
};

/* What came back; release with rpc_answer_fini, also after a failure. */
struct rpc_answer {
    ProtobufCMessage *msg; /* decoded strictly, lives in arena */
    struct qr_arena arena;
    bool ended;     /* of a stream: this was the end, msg is NULL */
    bool authentic; /* the guard vouched for the status */
    int status;     /* gRPC status code; a hint unless authentic */
};
void rpc_answer_fini(struct rpc_answer *a);

/* Calls and waits.  QR_OK: out->msg is the reply.  err gets the server's text.
 * QR_UNAVAILABLE, QR_DEADLINE, QR_ATTESTATION, QR_MALFORMED (the reply), or the
 * server's result.  out is initialised here. */
enum qr_rc rpc_unary(struct rpc_channel *ch, const struct rpc_ask *ask, struct rpc_answer *out,
                     struct qr_err *err) QR_MUST_CHECK;

/* Opens a server stream whose elements are messages of type element.  Gives:
 * rpc_stream_close.  Failures of the server are seen by rpc_stream_next. */
enum qr_rc rpc_stream_open(struct rpc_channel *ch, const struct rpc_ask *ask,
                           const ProtobufCMessageDescriptor *element, struct rpc_stream **out,
                           struct qr_err *err) QR_MUST_CHECK;
/* Waits up to timeout_ms for the next element.  QR_OK with out->msg: an
 * element; with neither msg nor ended: nothing came in time, ask again; with
 * ended: the stream is complete.  Any failure is final; a stream without its
 * final frame is QR_UNAVAILABLE.  out is initialised here. */
enum qr_rc rpc_stream_next(struct rpc_stream *st, int timeout_ms, struct rpc_answer *out,
                           struct qr_err *err) QR_MUST_CHECK;
/* Ends it early; from any thread while it is open.  next gives QR_CANCELLED. */
void rpc_stream_cancel(struct rpc_stream *st);
void rpc_stream_close(struct rpc_stream *st); /* cancels if need be, waits, frees */

#endif
