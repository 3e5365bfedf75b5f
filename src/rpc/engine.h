/* engine.h - the inside of the server: calls, the queue of the workers, the
 * poller.  Internal to src/rpc.
 *
 * Threads: one poller owns the completion queue and never runs a handler that
 * may block; workers run guards, decoding and handlers.  Locks, in the order in
 * which they may nest: server.lock, call.lock, queue.lock; none is held
 * while a handler, a guard's check or an audit runs (the guard's seals are
 * computed under call.lock: their order is the order on the wire).
 *
 * References: every batch in flight, the queue, the worker that runs a call and
 * the owner of a held call have one each; the last one frees the call, and only
 * then the server counts it as gone.  The completion queue is shut down after
 * the last call is gone. */
#ifndef QUORATE_RPC_ENGINE_H
#define QUORATE_RPC_ENGINE_H

#include "base/limits.h"
#include "rpc/tls.h"

#include <pthread.h>
#include <stdatomic.h>

#define ENGINE_SLOTS 16
#define ENGINE_PATH_MAX 128

/* What a completion means. */
struct engine_tag {
    void (*on)(void *owner, bool ok);
    void *owner;
};

struct engine_method {
    char path[ENGINE_PATH_MAX + 1];
    ProtobufCService *service;
    const ProtobufCMessageDescriptor *input;
    unsigned index;
    unsigned flags;
    uint32_t max_recv;
    bool stream;    /* many replies */
    bool framed;    /* they are StreamFrames */
    bool bidi;      /* every request gets one reply, in turn */
    bool on_poller; /* never blocks: answers even when all workers do */
};

enum { TAG_CLOSE, TAG_RECV, TAG_SEND, TAG_STATUS, TAG_COUNT };

struct rpc_call {
    struct rpc_server *server;
    const struct engine_method *method; /* NULL: not served */
    grpc_call *core;
    atomic_uint refs;
    struct engine_tag tags[TAG_COUNT];
    char path[ENGINE_PATH_MAX + 1];
    int64_t begin_wall_us, begin_us; /* conf.clock */
    int64_t deadline_us;             /* wire_now_us */
    struct qr_arena arena;
    struct qr_bytes attest;
    size_t attest_count;
    struct qr_buf request;
    struct rpc_peer peer;
    struct qr_hash node; /* whose share it takes, if peer.tls */
    bool peer_known;
    bool admitted; /* the guard was asked */
    struct rpc_caller caller;
    void *state;
    bool guarded; /* state is to be released */

    /* server.lock */
    struct rpc_call *live_next, *live_prev;
    int64_t limit_us; /* the sweep cancels it then */

    /* queue.lock */
    struct rpc_call *queue_next, *gone_next;

    /* out-parameters of batches: owned by gRPC while one is in flight */
    grpc_byte_buffer *received;
    int cancelled;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t room;
    bool gone, stopping;
    bool held, returned, told;
    bool hinted; /* the handler was told to stop early */
    void (*on_gone)(struct rpc_call *call, void *ctx);
    void *on_gone_ctx;
    bool sending, opened; /* a SEND in flight; initial metadata sent */
    bool finished, status_begun;
    bool cut; /* nobody was there any more when the status was sent */
    enum qr_rc rc;
    char text[QR_ERR_SIZE];
    bool has_reply;
    grpc_slice reply;
    grpc_byte_buffer *outbox[QR_MAX_OUTBOX];
    size_t out_first, out_count;
    grpc_byte_buffer *last; /* reply or final frame in the status batch */
    uint64_t sequence;
};

/* Calls waiting for a worker, bounded, and gone callbacks, bounded by calls. */
struct engine_queue {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct rpc_call *first, *last;
    struct rpc_call *gone_first, *gone_last;
    size_t count, max;
    bool stop;
};

struct engine_slot {
    struct engine_tag tag;
    struct rpc_server *server;
    grpc_call *core;
    grpc_call_details details;
    grpc_metadata_array md;
};

struct engine_health;
struct engine_probe;

struct rpc_server {
    struct rpc_server_conf conf;
    char *listen, *probe_name, *files[3];
    grpc_server_credentials *creds; /* until it listens */
    struct tls_source *tls;         /* NULL: without TLS, in a test */
    grpc_server *core;
    grpc_completion_queue *cq;
    int port;
    struct engine_method *methods;
    size_t method_count;
    struct engine_slot slots[ENGINE_SLOTS];
    struct engine_tag shutdown_tag;
    struct engine_queue queue;
    pthread_t poller;
    pthread_t *workers;
    int worker_count; /* started ones */
    struct tls_cache *peers;
    struct engine_health *health;
    struct engine_probe *probe;
    ProtobufCService *reflection;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    struct rpc_call *live;
    size_t live_count;
    int64_t next_sweep_us;
    bool started, stopping, shut, stopped;
};

/* ---- call.c ---- */
/* A new call out of a slot: takes core, details and the metadata's contents. */
void call_begin(struct rpc_server *s, struct engine_slot *slot);
void call_run(struct rpc_call *c);       /* on a worker: takes the queue's reference */
void call_tell_gone(struct rpc_call *c); /* on a worker: likewise */
void call_stop(struct rpc_call *c);      /* the server stops: tells streams */
void call_cancel(struct rpc_call *c, enum qr_rc rc);
void call_ref(struct rpc_call *c);
bool call_try_ref(struct rpc_call *c); /* false: the last one is gone */
void call_drop(struct rpc_call *c);

/* ---- send.c ---- */
/* Ends the call once: rc, text if not yet failed. */
void call_finish(struct rpc_call *c, enum qr_rc rc, const char *text);
/* Starts what is due next: an element, the status, the next request.  Under
 * call.lock. */
void call_pump(struct rpc_call *c);
/* Asks for a request.  Under call.lock. */
void call_receive(struct rpc_call *c);
void call_on_sent(void *owner, bool ok); /* completions */
void call_on_status(void *owner, bool ok);

/* ---- queue.c ---- */
void queue_init(struct engine_queue *q, size_t max);
void queue_fini(struct engine_queue *q);
bool queue_push(struct engine_queue *q, struct rpc_call *c); /* false: full */
void queue_push_gone(struct engine_queue *q, struct rpc_call *c);
void queue_stop(struct engine_queue *q);
void queue_work(struct engine_queue *q); /* a worker's life */

/* ---- server.c ---- */
/* As rpc_server_new with these credentials (taken) instead of conf->tls. */
enum qr_rc engine_new(struct rpc_server **out, const struct rpc_server_conf *conf,
                      grpc_server_credentials *creds, struct qr_err *err) QR_MUST_CHECK;
const struct engine_method *engine_find(const struct rpc_server *s, const char *path);
/* Lists c, whatever comes of it.  QR_EXHAUSTED: too many in all, or of its node. */
enum qr_rc engine_live(struct rpc_server *s, struct rpc_call *c) QR_MUST_CHECK;
void engine_limit(struct rpc_server *s, struct rpc_call *c, int64_t limit_us);
void engine_gone(struct rpc_server *s, struct rpc_call *c); /* c is freed next */

/* ---- health.c, reflect.c, probe.c ---- */
struct engine_health *health_new(struct rpc_server *s);
ProtobufCService *health_service(struct engine_health *h);
void health_set(struct engine_health *h, bool serving);
void health_free(struct engine_health *h);
ProtobufCService *reflection_new(const struct rpc_server *s);
void reflection_free(ProtobufCService *svc);
struct engine_probe *probe_start(struct rpc_server *s);
void probe_stop(struct engine_probe *p); /* joins, frees; NULL is fine */

#endif
