/* run.h - the life of a daemon, the same for all four: configuration, keys,
 * database, attested server, log, signals, orderly end.
 *
 * main.c of a daemon fills a struct service_spec and calls service_main; its
 * service.c implements the hooks and the handlers.  Order: configuration ->
 * keys, policies, trust -> database -> open -> server listens, NOT_SERVING ->
 * log reachable (retried with backoff) -> service.started is logged -> sync ->
 * SERVING, ready file -> signal -> drain -> close.
 * A hook that fails ends the process with the result's exit code and one line
 * on stderr.  Spec: docs/ARCHITECTURE.md "Attested calls", "Tunables". */
#ifndef QUORATE_SERVICE_RUN_H
#define QUORATE_SERVICE_RUN_H

#include "attest/policy.h"
#include "base/config.h"
#include "base/logline.h"
#include "db/db.h"
#include "http/serve.h"
#include "leaf/parts.h"
#include "rpc/channel.h"
#include "rpc/server.h"
#include "service/log_client.h"
#include "service/outbox.h"
#include "service/path.h"

struct trust_dir;
struct service_spec;

/* What a running daemon has; handlers read it, nobody changes it after open. */
struct service {
    const struct service_spec *spec;
    const struct qr_config *config;
    struct qr_clock clock;
    struct qr_rand rand;
    struct qr_log log;
    const char *state; /* the state directory */
    char node[65];     /* our node's name, from our certificate */
    struct qr_signer entry_key;
    struct attest_policy *tee_policy;
    const struct trust_dir *trust; /* trust directory, signing policy in it */
    struct leaf_policies policies; /* both hashes, as the directory has them (current) */
    unsigned classes;              /* of our own entries: simulated, softseal */
    struct qr_db *db;              /* NULL for tlogd */
    struct outbox *outbox;         /* NULL for tlogd */
    struct log_client *log_client; /* NULL for tlogd */
    struct rpc_server *server;
    void *self;                /* the daemon's own state, from open */
    struct service_life *life; /* of run.c */
};

/* A daemon's key from its file: as SEAL says, in the clear or sealed, and no
 * other way.  A box of older firmware is made again in its place.  QR_POLICY:
 * sealed otherwise than SEAL says; QR_ATTESTATION: it does not open here. */
enum qr_rc service_key_load(struct service *s, const char *path, struct qr_signer *out,
                            struct qr_err *err) QR_MUST_CHECK;
/* A new key in a file of its own, in the form that service_key_load wants. */
enum qr_rc service_key_make(struct service *s, const char *path, struct qr_err *err) QR_MUST_CHECK;

/* Called in this order on the main thread, but for sync, logged and settled.
 * NULL: nothing to do. */
struct service_hooks {
    /* --init: makes what the daemon itself has to make besides its database. */
    enum qr_rc (*create)(struct service *s, struct qr_err *err);
    /* Opens own keys, fills s->self.  The database is open. */
    enum qr_rc (*open)(struct service *s, struct qr_err *err);
    /* Adds services to s->server. */
    enum qr_rc (*add)(struct service *s, struct qr_err *err);
    /* The log is reachable: replay it, log what is owed at start.  Own thread.
     * QR_UNAVAILABLE and QR_DEADLINE are retried, anything else ends the
     * process.  Handlers run only afterwards. */
    enum qr_rc (*sync)(struct service *s, struct qr_err *err);
    /* outbox.h; ctx is the struct service. */
    enum qr_rc (*logged)(void *ctx, const struct outbox_logged *l, struct qr_err *err);
    void (*settled)(void *ctx, const struct outbox_logged *l);
    /* tlogd: puts an entry into its own log instead of an outbox. */
    enum qr_rc (*log_own)(struct service *s, enum leaf_kind kind, const json_t *body,
                          struct qr_err *err);
    /* tlogd: entries of a policy in its own log (service/policy_watch.h). */
    enum qr_rc (*find_policy)(void *s, const struct qr_hash *hash, log_each *each, void *each_ctx,
                              struct qr_err *err);
    /* A request over HTTP (http/serve.h) for what is not /metrics or /readyz;
     * reply->status is 404.  Several at once. */
    void (*web)(struct service *s, const struct http_request *in, struct http_reply *reply);
    /* Appends own lines of /metrics. */
    void (*metrics)(struct service *s, struct qr_buf *out);
    /* Calls have ended; stops own threads. */
    void (*stop)(struct service *s);
    /* Releases s->self; also after a failed open. */
    void (*close)(struct service *s);
};

struct service_spec {
    const char *name;   /* "authd": directory, log lines, attested role */
    const char *prefix; /* of its tunables: "AUTH" */
    enum leaf_author author;
    struct qr_config_spec config; /* own flags are added: see service_flags */
    const char *db_file;          /* LAYOUT_..._DB; NULL: no database here */
    uint32_t app_id;
    const struct qr_db_script *scripts;
    size_t script_count;
    struct service_hooks hooks;
};

/* Attested role of a node that is no daemon; a daemon's role and the audience
 * of calls to it are its name (LAYOUT_TLOGD ...). */
#define SERVICE_ROLE_PARTICIPANT "participant"
/* In a node's directory: the newest checkpoint that it has seen. */
#define SERVICE_LOG_SEEN "log.seen"

/* application_id of each database. */
#define SERVICE_AUTHD_APP_ID 0x51524155u
#define SERVICE_CAD_APP_ID 0x51524341u
#define SERVICE_COORDINATORD_APP_ID 0x5152434fu

/* Flags that every daemon has besides its tunables: --init, --ready-file. */
extern const struct qr_setting service_flags[];
#define SERVICE_FLAG_COUNT 2
/* Notes of --help: files and exit codes. */
extern const char service_notes[];

/* Runs the daemon; the process's exit code. */
int service_main(const struct service_spec *spec, int argc, char **argv);

/* From any thread: the daemon must not go on (database in doubt, fork).  Stops
 * serving at once and exits with rc's code. */
void service_fatal(struct service *s, enum qr_rc rc, const char *text);
/* True once sync has succeeded; handlers answer QR_UNAVAILABLE before. */
bool service_ready(const struct service *s);
/* Fails the call unless the daemon is ready and the caller's role is one of
 * the NULL-ended list (NULL: any).  True: go on. */
bool service_admits(struct service *s, struct rpc_call *call, const char *const *roles);
/* Deadline of a call as the outbox wants it (monotonic microseconds). */
int64_t service_deadline(struct service *s, struct rpc_call *call);
/* Answers a call with the receipt of entry number i of an answer. */
void service_reply_receipt(struct rpc_call *call, const struct log_answer *a, size_t i);

/* Waits for an outbox row's receipt, at most as long as the call, and answers
 * the call with it; a row logged long ago is proven anew. */
void service_answer_row(struct service *s, struct rpc_call *call, int64_t row);
/* The receipt itself, for replies that hold more (log_answer_fini). */
enum qr_rc service_receipt(struct service *s, struct rpc_call *call, int64_t row,
                           struct log_answer *out, struct qr_err *err) QR_MUST_CHECK;
/* Opens a secret that the caller sealed under the attested session of this
 * call; appends the plaintext, which the caller wipes.  QR_UNAUTHENTICATED. */
enum qr_rc service_open_secret(struct service *s, struct rpc_call *call, const char *label,
                               struct qr_bytes sealed, struct qr_buf *out, struct qr_err *err)
    QR_MUST_CHECK;
/* Seals a secret for the caller, likewise; appends to out. */
enum qr_rc service_seal_secret(struct service *s, struct rpc_call *call, const char *label,
                               struct qr_bytes plain, struct qr_buf *out, struct qr_err *err)
    QR_MUST_CHECK;

/* An attested client of another daemon (for the coordinator): one channel, its
 * attested session is renewed as needed. */
struct service_client;
enum qr_rc service_client_new(struct service *s, const char *addr, const char *name,
                              struct service_client **out, struct qr_err *err) QR_MUST_CHECK;
void service_client_free(struct service_client *c);
/* One call; *out lives in arena.  QR_UNAVAILABLE when it cannot be reached. */
struct service_call {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    const ProtobufCMessage *in;
    int timeout_ms;
};
enum qr_rc service_client_call(struct service_client *c, const struct service_call *call,
                               struct rpc_answer *out, struct qr_err *err) QR_MUST_CHECK;

#endif
