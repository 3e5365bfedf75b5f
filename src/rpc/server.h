/* server.h - serves protobuf-c services over gRPC.
 *
 * One thread moves bytes; handlers run on worker threads and may block there.
 * A call is: guard (guard.h) -> strict decoding into a capped arena -> handler.
 * A method whose output is quorate.v1.StreamFrame is a server stream: every
 * message sent becomes the body of one frame, and a frame marked final ends it.
 * Handlers are those of the generated XService struct; closure_data is the
 * struct rpc_call, and calling the closure is the same as rpc_send.
 *
 * The layer serves grpc.health.v1 by itself.  It decides nothing about who may
 * call what.  Spec: docs/ARCHITECTURE.md; limits in base/limits.h. */
#ifndef QUORATE_RPC_SERVER_H
#define QUORATE_RPC_SERVER_H

#include "base/arena.h"
#include "base/logline.h"
#include "rpc/guard.h"

#include <protobuf-c/protobuf-c.h>

struct rpc_server;
struct rpc_call;

/* PEM files.  They are read again when they change, at the next handshake; a
 * half-written set is ignored until it is whole. */
struct rpc_tls {
    const char *cert_file; /* leaf first, then intermediates */
    const char *key_file;  /* private: mode 0600 */
    const char *ca_file;   /* roots that the other end must chain to */
};

/* What one call was, when it is over. */
struct rpc_audit {
    int64_t begin_us; /* wall clock */
    int64_t duration_us;
    const char *method;          /* as asked, at most 128 bytes */
    const struct rpc_peer *peer; /* NULL: the call ended before it was known */
    const struct rpc_caller *caller;
    enum qr_rc outcome;
    int status;       /* gRPC status code sent, or 1 or 4 when cut */
    const char *text; /* status message; never a secret */
};

struct rpc_server_conf {
    const char *listen; /* "127.0.0.1:0", "[::]:7702"; port 0: any */
    struct rpc_tls tls;
    int workers;                   /* 0: 4 */
    int queue_max;                 /* 0: 256 calls waiting for a worker */
    int calls_max;                 /* 0: 1024 calls alive, held ones included */
    int calls_per_node;            /* 0: QR_MAX_NODE_CALLS of them by one node's certificates */
    int max_call_ms;               /* 0: QR_MAX_CALL_MS */
    int max_stream_ms;             /* 0: QR_MAX_STREAM_MS */
    int conn_age_ms;               /* 0: 900000; a connection is asked to leave then */
    bool reflection;               /* serve grpc.reflection.v1alpha, unattested */
    const struct rpc_guard *guard; /* keeps; NULL: calls go straight (tests) */
    const struct qr_log *log;      /* keeps; may be NULL */
    struct qr_clock clock;
    void (*audit)(void *ctx, const struct rpc_audit *a); /* one per call; any thread; may be NULL */
    void *audit_ctx;
    /* Self-probe: a fresh TLS connection and a health check to our own port
     * every probe_ms; after three failures in a row dead is called once, on
     * the probe's thread, where the server must not be stopped: it makes the
     * process end.  The certificate in tls must be good for a client too.
     * NULL: no probe. */
    void (*dead)(void *ctx);
    void *dead_ctx;
    int probe_ms;           /* 0: 5000 */
    const char *probe_name; /* name in our certificate; NULL: the host in listen */
};

#define RPC_UNATTESTED 1u /* the guard is not asked */

/* An exception from the defaults for one method of a service. */
struct rpc_method {
    const char *name; /* "Init" */
    unsigned flags;
    uint32_t max_recv; /* bytes; 0: QR_MAX_MESSAGE */
};

/* Makes a server that does not listen yet; conf's strings are copied.
 * Gives: rpc_server_free. */
enum qr_rc rpc_server_new(struct rpc_server **out, const struct rpc_server_conf *conf,
                          struct qr_err *err) QR_MUST_CHECK;
/* Adds a service (keeps svc) and its methods' exceptions (copied) before
 * rpc_server_start.  QR_EXISTS; QR_NOTFOUND: no such method; QR_MALFORMED: a
 * message type that contains itself. */
enum qr_rc rpc_server_add(struct rpc_server *s, ProtobufCService *svc,
                          const struct rpc_method *methods, size_t method_count, struct qr_err *err)
    QR_MUST_CHECK;
/* Listens and serves.  *port gets the bound port (may be NULL).  Health is
 * NOT_SERVING until rpc_server_set_health.  QR_BUSY: the address is taken. */
enum qr_rc rpc_server_start(struct rpc_server *s, int *port, struct qr_err *err) QR_MUST_CHECK;
void rpc_server_set_health(struct rpc_server *s, bool serving);
/* How many handlers can run at once. */
int rpc_server_workers(const struct rpc_server *s);
/* Refuses new calls, tells held ones (their gone callback), waits up to
 * grace_ms for calls to end, cancels the rest, waits for their handlers and
 * owners, joins all threads.  Idempotent.  Not from a handler. */
void rpc_server_stop(struct rpc_server *s, int grace_ms);
void rpc_server_free(struct rpc_server *s); /* stops it if need be; NULL is fine */

/* ---- inside a handler, or by the owner of a held call ---- */

/* Sends a message (packed before it returns): the reply of a unary call, or one
 * element of a stream.  From any thread, one at a time per call.
 * QR_CANCELLED: the caller is gone.  QR_EXHAUSTED: the outbox of the stream is
 * full (QR_MAX_OUTBOX elements).  QR_STATE: a second reply, or after the end. */
enum qr_rc rpc_send(struct rpc_call *call, const ProtobufCMessage *msg) QR_MUST_CHECK;
/* Same, but waits for room in the outbox; for handlers on a worker. */
enum qr_rc rpc_send_wait(struct rpc_call *call, const ProtobufCMessage *msg) QR_MUST_CHECK;
/* The call will end with this result instead of a reply.  The client's rc is
 * exactly rc; text (may be NULL) goes to people and must hold no secret. */
void rpc_fail(struct rpc_call *call, enum qr_rc rc, const char *text);

/* Keeps the call open after the handler returns; its one owner must call
 * rpc_finish exactly once.  gone (may be NULL) is called at most once, on a
 * worker, never before the handler has returned, when the caller went away, the
 * deadline passed or the server stops.  It may still be running or about to run
 * when another thread calls rpc_finish; so ctx must outlive the server, and gone
 * looks the call up in the owner's own list, under the owner's own lock: found
 * means that gone removes it and calls rpc_finish. */
void rpc_hold(struct rpc_call *call, void (*gone)(struct rpc_call *call, void *ctx), void *ctx);
/* Ends a held call: with what was sent (QR_OK), or with rc and text.  The call
 * must not be used any more. */
void rpc_finish(struct rpc_call *call, enum qr_rc rc, const char *text);

bool rpc_call_gone(const struct rpc_call *call);   /* nobody waits any more */
int rpc_call_left_ms(const struct rpc_call *call); /* until the deadline, >= 0 */
const char *rpc_call_method(const struct rpc_call *call);
const struct rpc_peer *rpc_call_peer(const struct rpc_call *call);
const struct rpc_caller *rpc_call_caller(const struct rpc_call *call);
void *rpc_call_state(const struct rpc_call *call); /* the guard's; NULL without */
/* Raw bytes of the request, and the arena that lives as long as the call.
 * The decoded request lives there too: until the handler returns, or until
 * rpc_finish for a held call. */
struct qr_bytes rpc_call_request(const struct rpc_call *call);
struct qr_arena *rpc_call_arena(struct rpc_call *call);

/* Writes a as one line of log, leaving out successful health checks. */
void rpc_audit_line(const struct qr_log *log, const struct rpc_audit *a);

#endif
