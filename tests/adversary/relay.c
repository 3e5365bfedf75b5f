/* relay.c - see relay.h.
 *
 * One thread takes calls in; each call has a thread that walks it from end to
 * end, with completion queues of its own, so that the walk reads like a list. */
#include "tests/adversary/relay.h"

#include "tests/adversary/moves.h"
#include "base/file.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY "quorate-attest-bin"
#define MAX_CALLS 4096
#define MAX_BYTES (20 << 20)

struct relay {
    char target[128], name[64];
    char *pem[6];
    grpc_server *server;
    grpc_channel *channel;
    grpc_completion_queue *cq;
    int port;
    pthread_t acceptor;
    pthread_mutex_t lock; /* all below */
    struct leg *legs[MAX_CALLS];
    size_t count;
    char method[64], moves[256];
    int times;
    bool stopping;
};

/* One call on both sides. */
struct leg {
    struct relay *relay;
    struct relay_call seen;
    char moves[256];
    pthread_t thread;
    grpc_completion_queue *near_cq, *far_cq;
    grpc_call *near, *far;
    grpc_call_details details;
    grpc_metadata_array md, far_initial, far_trailing;
    gpr_timespec deadline;
    int gone; /* cancelled, as gRPC tells it */
    struct qr_buf header, body;
    char path[160];
    bool opened; /* the client has our initial metadata */
    size_t sent;
    struct qr_buf kept; /* a frame that waits for the next one */
    bool keeping;
};

/* ---- moves ---- */

static bool move(const struct leg *l, const char *name, char out[256])
{
    const char *v = move_value_in(l->moves, name);
    if (v) (void)snprintf(out, 256, "%s", v);
    return v != NULL;
}
static bool plays(const struct leg *l, const char *name)
{
    char v[256];
    return move(l, name, v);
}
static bool move_int(const struct leg *l, const char *name, size_t *n)
{
    char v[256];
    if (!move(l, name, v)) return false;
    *n = (size_t)strtoul(v, NULL, 10);
    return true;
}

static void set(struct qr_buf *b, struct qr_bytes s)
{
    qr_buf_reset(b);
    qr_buf_put_bytes(b, s);
}
static void flip(struct qr_buf *b, size_t at)
{
    if (b->n > 0) b->p[at < b->n ? at : b->n - 1] ^= 1;
}
static void cut(struct qr_buf *b, size_t n)
{
    if (n < b->n) b->n = n;
}
static void lengthen(struct qr_buf *b, size_t n)
{
    while (n-- > 0) qr_buf_put_u8(b, 0);
}

/* The moves that all byte strings have: PART-flip, -cut, -long. */
static void bend(const struct leg *l, const char *part, struct qr_buf *b)
{
    char name[32];
    size_t n;
    (void)snprintf(name, sizeof name, "%s-flip", part);
    if (move_int(l, name, &n)) flip(b, n);
    (void)snprintf(name, sizeof name, "%s-cut", part);
    if (move_int(l, name, &n)) cut(b, n);
    (void)snprintf(name, sizeof name, "%s-long", part);
    if (move_int(l, name, &n)) lengthen(b, n);
    (void)snprintf(name, sizeof name, "%s-drop", part);
    if (plays(l, name)) qr_buf_reset(b);
}

static const struct relay_call *other(const struct leg *l, const char *name)
{
    size_t k;
    return move_int(l, name, &k) ? relay_call_at(l->relay, k) : NULL;
}

/* ---- gRPC, blocking ---- */

static bool run(grpc_call *call, grpc_completion_queue *cq, const grpc_op *ops, size_t n)
{
    int tag;
    if (grpc_call_start_batch(call, ops, n, &tag, NULL) != GRPC_CALL_OK) abort();
    grpc_event ev = grpc_completion_queue_pluck(cq, &tag, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    return ev.success != 0;
}

static void take(grpc_byte_buffer *bb, struct qr_buf *out)
{
    grpc_byte_buffer_reader r;
    grpc_slice s;
    if (!grpc_byte_buffer_reader_init(&r, bb)) abort();
    while (grpc_byte_buffer_reader_next(&r, &s)) {
        qr_buf_put(out, GRPC_SLICE_START_PTR(s), GRPC_SLICE_LENGTH(s));
        grpc_slice_unref(s);
    }
    grpc_byte_buffer_reader_destroy(&r);
    grpc_byte_buffer_destroy(bb);
}

static grpc_slice slice(const struct qr_buf *b)
{
    return grpc_slice_from_copied_buffer(b->n > 0 ? (const char *)b->p : "", b->n);
}

static grpc_byte_buffer *buffer(const struct qr_buf *b)
{
    grpc_slice s = slice(b);
    grpc_byte_buffer *bb = grpc_raw_byte_buffer_create(&s, 1);
    grpc_slice_unref(s);
    return bb;
}

static size_t read_md(const grpc_metadata_array *md, struct qr_buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < md->count; i++) {
        const grpc_metadata *m = &md->metadata[i];
        if (grpc_slice_str_cmp(m->key, KEY) != 0) continue;
        if (n++ == 0) qr_buf_put(out, GRPC_SLICE_START_PTR(m->value), GRPC_SLICE_LENGTH(m->value));
    }
    return n;
}

static void md_put(grpc_metadata *md, size_t *n, const struct qr_buf *value)
{
    md[(*n)++] = (grpc_metadata){.key = grpc_slice_from_static_string(KEY), .value = slice(value)};
}
static void md_free(grpc_metadata *md, size_t n)
{
    for (size_t i = 0; i < n; i++) grpc_slice_unref(md[i].value);
}

/* ---- to the server ---- */

static bool read_request(struct leg *l)
{
    grpc_byte_buffer *bb = NULL;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &bb;
    if (!run(l->near, l->near_cq, &op, 1) || !bb) return false;
    take(bb, &l->seen.body);
    l->seen.header_count = read_md(&l->md, &l->seen.header);
    return true;
}

static void bend_request(struct leg *l)
{
    const struct relay_call *k;
    (void)snprintf(l->path, sizeof l->path, "%s", l->seen.path);
    char path[256];
    if (move(l, "path", path)) (void)snprintf(l->path, sizeof l->path, "%.150s", path);
    set(&l->header, qr_buf_bytes(&l->seen.header));
    set(&l->body, qr_buf_bytes(&l->seen.body));
    if ((k = other(l, "header-of"))) set(&l->header, qr_buf_bytes(&k->header));
    if ((k = other(l, "body-of"))) set(&l->body, qr_buf_bytes(&k->body));
    bend(l, "header", &l->header);
    bend(l, "body", &l->body);
}

static void dial(struct leg *l)
{
    grpc_metadata md[3];
    size_t md_count = 0, pad;
    grpc_slice path = grpc_slice_from_copied_string(l->path);
    l->far = grpc_channel_create_call(l->relay->channel, NULL, GRPC_PROPAGATE_DEFAULTS, l->far_cq,
                                      path, NULL, l->deadline, NULL);
    grpc_slice_unref(path);
    if (l->seen.header_count > 0 && !plays(l, "header-drop")) md_put(md, &md_count, &l->header);
    if (plays(l, "header-double")) md_put(md, &md_count, &l->header);
    if (move_int(l, "pad", &pad)) {
        struct qr_buf b;
        qr_buf_init(&b, MAX_BYTES);
        for (size_t i = 0; i < pad; i++) qr_buf_put_u8(&b, 'x');
        md[md_count++] =
            (grpc_metadata){.key = grpc_slice_from_static_string("x-pad"), .value = slice(&b)};
        qr_buf_fini(&b);
    }
    grpc_byte_buffer *bb = buffer(&l->body);
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    ops[0].data.send_initial_metadata.count = md_count;
    ops[0].data.send_initial_metadata.metadata = md;
    ops[1].data.send_message.send_message = bb;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &l->far_initial;
    (void)run(l->far, l->far_cq, ops, 4);
    grpc_byte_buffer_destroy(bb);
    md_free(md, md_count);
}

static void hang_up(struct leg *l)
{
    if (!l->far) return;
    pthread_mutex_lock(&l->relay->lock);
    grpc_call *far = l->far;
    l->far = NULL;
    pthread_mutex_unlock(&l->relay->lock);
    grpc_call_unref(far);
}

/* ---- to the client ---- */

static size_t opening(struct leg *l, grpc_op *ops)
{
    if (l->opened) return 0;
    l->opened = true;
    ops[0] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    return 1;
}

static void send_one(struct leg *l, const struct qr_buf *frame)
{
    grpc_op ops[2] = {{0}};
    size_t n = opening(l, ops);
    grpc_byte_buffer *bb = buffer(frame);
    ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    ops[n++].data.send_message.send_message = bb;
    (void)run(l->near, l->near_cq, ops, n);
    grpc_byte_buffer_destroy(bb);
}

/* The nth message of the answer. */
static void pass_frame(struct leg *l, size_t nth, struct qr_buf *frame)
{
    size_t n, k;
    char v[256];
    if (plays(l, "reply-drop") || (move_int(l, "frame-drop", &n) && n == nth) ||
        (move_int(l, "frame-cut", &n) && nth >= n))
        return;
    if (move_int(l, "reply-flip", &n)) flip(frame, n);
    if (move_int(l, "reply-cut", &n)) cut(frame, n);
    const struct relay_call *o = other(l, "reply-of");
    if (o) set(frame, qr_buf_bytes(&o->reply));
    if (move_int(l, "frame-flip", &n) && n == nth) flip(frame, 3);
    if (move_int(l, "frame-final", &n) && n == nth)
        qr_buf_put(frame, "\x18\x01", 2); /* StreamFrame.final = true */
    if (move(l, "frame-of", v) && sscanf(v, "%zu/%zu", &n, &k) == 2 && n == nth)
        set(frame, qr_buf_bytes(&relay_call_at(l->relay, k)->frames[nth]));
    if (move_int(l, "frame-swap", &n) && n == nth) {
        set(&l->kept, qr_buf_bytes(frame));
        l->keeping = true;
        return;
    }
    send_one(l, frame);
    if (move_int(l, "frame-twice", &n) && n == nth) send_one(l, frame);
    if (l->keeping) send_one(l, &l->kept);
    l->keeping = false;
}

static void pass_messages(struct leg *l)
{
    for (size_t nth = 0;; nth++) {
        grpc_byte_buffer *bb = NULL;
        struct qr_buf frame;
        grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
        op.data.recv_message.recv_message = &bb;
        if (!run(l->far, l->far_cq, &op, 1) || !bb) return;
        qr_buf_init(&frame, MAX_BYTES);
        take(bb, &frame);
        if (nth == 0) set(&l->seen.reply, qr_buf_bytes(&frame));
        if (nth < RELAY_FRAMES) {
            if (nth >= l->seen.frame_count) qr_buf_init(&l->seen.frames[nth], MAX_BYTES);
            set(&l->seen.frames[nth], qr_buf_bytes(&frame));
            if (nth >= l->seen.frame_count) l->seen.frame_count = nth + 1;
        }
        pass_frame(l, nth, &frame);
        qr_buf_fini(&frame);
    }
}

static void read_status(struct leg *l)
{
    grpc_status_code status = GRPC_STATUS_UNKNOWN;
    grpc_slice details = grpc_empty_slice();
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op.data.recv_status_on_client.trailing_metadata = &l->far_trailing;
    op.data.recv_status_on_client.status = &status;
    op.data.recv_status_on_client.status_details = &details;
    (void)run(l->far, l->far_cq, &op, 1);
    qr_buf_reset(&l->seen.message);
    qr_buf_put(&l->seen.message, GRPC_SLICE_START_PTR(details), GRPC_SLICE_LENGTH(details));
    qr_buf_reset(&l->seen.trailer);
    (void)read_md(&l->far_trailing, &l->seen.trailer);
    pthread_mutex_lock(&l->relay->lock);
    l->seen.status = (int)status;
    pthread_mutex_unlock(&l->relay->lock);
    grpc_slice_unref(details);
}

static void send_end(struct leg *l, int status, const char *text, const struct qr_buf *trailer)
{
    grpc_metadata md[2];
    size_t md_count = 0;
    grpc_op ops[2] = {{0}};
    size_t n = opening(l, ops);
    grpc_slice details = grpc_slice_from_copied_string(text);
    if (trailer->n > 0) md_put(md, &md_count, trailer);
    if (trailer->n > 0 && plays(l, "trailer-double")) md_put(md, &md_count, trailer);
    ops[n] = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    ops[n].data.send_status_from_server.status = (grpc_status_code)status;
    ops[n].data.send_status_from_server.status_details = &details;
    ops[n].data.send_status_from_server.trailing_metadata = md;
    ops[n++].data.send_status_from_server.trailing_metadata_count = md_count;
    (void)run(l->near, l->near_cq, ops, n);
    grpc_slice_unref(details);
    md_free(md, md_count);
}

static void pass_end(struct leg *l)
{
    const struct relay_call *o;
    struct qr_buf trailer;
    size_t status = (size_t)l->seen.status;
    char text[256];
    qr_buf_init(&trailer, MAX_BYTES);
    set(&trailer, qr_buf_bytes(&l->seen.trailer));
    if ((o = other(l, "reply-of")) || (o = other(l, "trailer-of")))
        set(&trailer, qr_buf_bytes(&o->trailer));
    bend(l, "trailer", &trailer);
    (void)snprintf(text, sizeof text, "%.*s", (int)l->seen.message.n,
                   (const char *)l->seen.message.p);
    if (move(l, "message", text))
        for (char *p = text; *p; p++) *p = *p == '_' ? ' ' : *p;
    (void)move_int(l, "status", &status);
    /* A status alone, and what it hides: an answer where there was a failure. */
    if (status == 0 && l->seen.status != 0 && (o = other(l, "reply-of"))) send_one(l, &o->reply);
    send_end(l, (int)status, text, &trailer);
    qr_buf_fini(&trailer);
}

/* Once more, and nobody hears the answer. */
static void dial_again(struct leg *l)
{
    grpc_byte_buffer *bb = NULL;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &bb;
    grpc_metadata_array_destroy(&l->far_initial);
    grpc_metadata_array_init(&l->far_initial);
    dial(l);
    (void)run(l->far, l->far_cq, &op, 1);
    if (bb) grpc_byte_buffer_destroy(bb);
    hang_up(l);
}

static void answer(struct leg *l)
{
    size_t ms = 0;
    bend_request(l);
    if (move_int(l, "hold", &ms)) (void)usleep((useconds_t)ms * 1000);
    dial(l);
    pass_messages(l);
    read_status(l);
    hang_up(l);
    if (plays(l, "twice")) dial_again(l);
    pass_end(l);
}

static void *walk(void *arg)
{
    struct leg *l = arg;
    struct qr_buf none;
    qr_buf_init(&none, 1);
    if (!read_request(l))
        send_end(l, GRPC_STATUS_UNAVAILABLE, "no request", &none);
    else if (plays(l, "swallow"))
        send_end(l, GRPC_STATUS_UNAVAILABLE, "swallowed", &none);
    else
        answer(l);
    qr_buf_fini(&none);
    return NULL;
}

/* ---- taking calls in ---- */

static struct leg *leg_new(struct relay *r)
{
    struct leg *l = calloc(1, sizeof *l);
    if (!l) abort();
    l->relay = r;
    l->seen.status = -1;
    struct qr_buf *all[] = {&l->seen.header, &l->seen.body,    &l->seen.message, &l->seen.reply,
                            &l->header,      &l->seen.trailer, &l->body,         &l->kept};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) qr_buf_init(all[i], MAX_BYTES);
    l->near_cq = grpc_completion_queue_create_for_pluck(NULL);
    l->far_cq = grpc_completion_queue_create_for_pluck(NULL);
    grpc_call_details_init(&l->details);
    grpc_metadata_array_init(&l->md);
    grpc_metadata_array_init(&l->far_initial);
    grpc_metadata_array_init(&l->far_trailing);
    return l;
}

static void cq_end(grpc_completion_queue *cq)
{
    grpc_completion_queue_shutdown(cq);
    (void)grpc_completion_queue_pluck(cq, NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_completion_queue_destroy(cq);
}

static void leg_free(struct leg *l)
{
    struct qr_buf *all[] = {&l->seen.header, &l->seen.body,    &l->seen.message, &l->seen.reply,
                            &l->header,      &l->seen.trailer, &l->body,         &l->kept};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) qr_buf_fini(all[i]);
    for (size_t i = 0; i < l->seen.frame_count; i++) qr_buf_fini(&l->seen.frames[i]);
    if (l->near) grpc_call_unref(l->near);
    grpc_call_details_destroy(&l->details);
    grpc_metadata_array_destroy(&l->md);
    grpc_metadata_array_destroy(&l->far_initial);
    grpc_metadata_array_destroy(&l->far_trailing);
    cq_end(l->near_cq);
    cq_end(l->far_cq);
    free(l);
}

/* Numbers the call and gives it its moves. */
static bool enlist(struct relay *r, struct leg *l)
{
    (void)snprintf(l->seen.path, sizeof l->seen.path, "%.*s",
                   (int)GRPC_SLICE_LENGTH(l->details.method),
                   (const char *)GRPC_SLICE_START_PTR(l->details.method));
    l->deadline = l->details.deadline;
    pthread_mutex_lock(&r->lock);
    bool ok = !r->stopping && r->count < MAX_CALLS;
    if (ok) r->legs[r->count++] = l;
    if (ok && r->times > 0 && strstr(l->seen.path, r->method)) {
        r->times--;
        (void)snprintf(l->moves, sizeof l->moves, "%s", r->moves);
    }
    pthread_mutex_unlock(&r->lock);
    return ok;
}

static void *accept_calls(void *arg)
{
    struct relay *r = arg;
    for (;;) {
        struct leg *l = leg_new(r);
        grpc_call_error e = grpc_server_request_call(r->server, &l->near, &l->details, &l->md,
                                                     l->near_cq, r->cq, l);
        grpc_event ev;
        if (e != GRPC_CALL_OK) abort();
        do ev = grpc_completion_queue_next(r->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        while (ev.type == GRPC_OP_COMPLETE && ev.tag != l);
        if (ev.type != GRPC_OP_COMPLETE || !ev.success || !enlist(r, l)) {
            leg_free(l);
            return NULL;
        }
        if (pthread_create(&l->thread, NULL, walk, l) != 0) abort();
    }
}

/* ---- public ---- */

static char *load(const char *path)
{
    struct qr_buf b;
    qr_buf_init(&b, 65536);
    char *copy = NULL;
    if (qr_file_read(path, &b, NULL) == QR_OK && qr_buf_cstr(&b)) copy = strdup((char *)b.p);
    qr_buf_fini(&b);
    return copy;
}

static grpc_arg number(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static void listen_at(struct relay *r)
{
    grpc_arg args[] = {number(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20),
                       number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, MAX_BYTES),
                       number(GRPC_ARG_ALLOW_REUSEPORT, 0)};
    grpc_channel_args all = {3, args};
    grpc_ssl_pem_key_cert_pair pair = {.private_key = r->pem[1], .cert_chain = r->pem[0]};
    grpc_server_credentials *creds =
        r->pem[0] ? grpc_ssl_server_credentials_create_ex(
                        r->pem[2], &pair, 1,
                        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, NULL)
                  : grpc_insecure_server_credentials_create();
    r->server = grpc_server_create(&all, NULL);
    r->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(r->server, r->cq, NULL);
    r->port = grpc_server_add_http2_port(r->server, "127.0.0.1:0", creds);
    grpc_server_credentials_release(creds);
    grpc_server_start(r->server);
}

static void connect_to(struct relay *r)
{
    grpc_arg args[] = {number(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20),
                       number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, MAX_BYTES),
                       number(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
                       number(GRPC_ARG_ENABLE_RETRIES, 0),
                       {.type = GRPC_ARG_STRING,
                        .key = (char *)(uintptr_t)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
                        .value.string = r->name}};
    grpc_channel_args all = {r->pem[3] ? 5 : 4, args};
    grpc_ssl_pem_key_cert_pair pair = {.private_key = r->pem[4], .cert_chain = r->pem[3]};
    grpc_channel_credentials *creds =
        r->pem[3] ? grpc_ssl_credentials_create(r->pem[5], &pair, NULL, NULL)
                  : grpc_insecure_credentials_create();
    r->channel = grpc_channel_create(r->target, creds, &all);
    grpc_channel_credentials_release(creds);
}

struct relay *relay_new(const struct relay_conf *conf)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r) abort();
    pthread_mutex_init(&r->lock, NULL);
    (void)snprintf(r->target, sizeof r->target, "%s", conf->target);
    (void)snprintf(r->name, sizeof r->name, "%s", conf->name);
    for (int i = 0; i < 3; i++) {
        if (conf->listen_pem[i]) r->pem[i] = load(conf->listen_pem[i]);
        if (conf->dial_pem[i]) r->pem[3 + i] = load(conf->dial_pem[i]);
    }
    listen_at(r);
    connect_to(r);
    if (pthread_create(&r->acceptor, NULL, accept_calls, r) != 0) abort();
    return r;
}

void relay_free(struct relay *r)
{
    int tag;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    for (size_t i = 0; i < r->count; i++)
        if (r->legs[i]->far) (void)grpc_call_cancel(r->legs[i]->far, NULL);
    pthread_mutex_unlock(&r->lock);
    grpc_server_shutdown_and_notify(r->server, r->cq, &tag);
    grpc_server_cancel_all_calls(r->server);
    pthread_join(r->acceptor, NULL);
    for (size_t i = 0; i < r->count; i++) {
        pthread_join(r->legs[i]->thread, NULL);
        leg_free(r->legs[i]);
    }
    grpc_completion_queue_shutdown(r->cq);
    while (grpc_completion_queue_next(r->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_server_destroy(r->server);
    grpc_completion_queue_destroy(r->cq);
    grpc_channel_destroy(r->channel);
    pthread_mutex_destroy(&r->lock);
    for (int i = 0; i < 6; i++) free(r->pem[i]);
    free(r);
}

int relay_port(const struct relay *r) { return r->port; }

void relay_play(struct relay *r, const char *method, const char *moves, int times)
{
    pthread_mutex_lock(&r->lock);
    (void)snprintf(r->method, sizeof r->method, "%s", method);
    (void)snprintf(r->moves, sizeof r->moves, "%s", moves);
    r->times = times;
    pthread_mutex_unlock(&r->lock);
}

size_t relay_call_count(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    size_t n = r->count;
    pthread_mutex_unlock(&r->lock);
    return n;
}

const struct relay_call *relay_call_at(struct relay *r, size_t k)
{
    pthread_mutex_lock(&r->lock);
    if (k >= r->count) abort();
    const struct relay_call *c = &r->legs[k]->seen;
    pthread_mutex_unlock(&r->lock);
    return c;
}
