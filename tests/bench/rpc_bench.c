/* rpc_bench.c - the log behind attested gRPC: rpc_bench STATE ADDRESS SECONDS [one] [batch]
 *
 * A client of a running tlogd, over the product's own client: 64 threads share
 * one attested session and one connection.  It calls as the coordinator does,
 * whose keys it reads from STATE.  Entries are signed before the clock runs. */
#include "attest/simulator.h"
#include "base/limits.h"
#include "frost/known.h"
#include "leaf/entry.h"
#include "rpc/attested.h"
#include "rpc/rpc.h"
#include "service/path.h"
#include "trust/trust_dir.h"

#include "quorate/v1/log.pb-c.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define IN_FLIGHT 64
#define BATCH 1000
#define BATCHES_IN_FLIGHT 2
#define CALL_MS 60000
#define AHEAD_US (QR_MAX_TIME_SKEW_US - 1000000) /* of the clock: valid for longer */
#define ROUND 8000                               /* entries signed at a time */

struct bench {
    struct trust_dir trust;
    struct attest_device device;
    struct attest_self self;
    struct service_path cert, key, ca;
    struct attested_client *client;
    struct qr_signer author;
    struct qr_clock clock;
    struct qr_rand rand;
};

static void must(enum qr_rc rc, const struct qr_err *err, const char *what)
{
    if (rc == QR_OK) return;
    (void)fprintf(stderr, "rpc_bench: %s: %s: %s\n", what, qr_rc_name(rc), err ? err->text : "");
    exit(1);
}

static void open_client(struct bench *b, const char *state, const char *address)
{
    struct qr_err err = {{0}};
    struct service_path trust = path_in(state, LAYOUT_TRUST);
    struct service_path tee = path_in2(state, LAYOUT_TEE, LAYOUT_COORDINATORD);
    struct service_path author = path_in2(state, LAYOUT_COORDINATORD, LAYOUT_ENTRY_KEY);
    b->cert = path_in2(state, LAYOUT_COORDINATORD, LAYOUT_TLS_CRT);
    b->key = path_in2(state, LAYOUT_COORDINATORD, LAYOUT_TLS_KEY);
    b->ca = path_in(state, LAYOUT_TRANSPORT_CA);
    b->clock = qr_clock_system();
    b->rand = qr_rand_system();
    must(trust_dir_load(trust.s, &b->trust, &err), &err, trust.s);
    must(attest_sim_open(tee.s, NULL, &b->device, &err), &err, tee.s);
    must(qr_signer_load(&b->author, author.s, &err), &err, author.s);
    b->self = (struct attest_self){.node_id = qr_str(LAYOUT_COORDINATORD),
                                   .role = qr_str(LAYOUT_COORDINATORD),
                                   .device = &b->device,
                                   .pin = b->trust.attestation,
                                   .clock = b->clock,
                                   .rand = b->rand};
    struct attested_client_conf conf = {
        .channel = {.target = address,
                    .tls = {.cert_file = b->cert.s, .key_file = b->key.s, .ca_file = b->ca.s},
                    .server_name = "localhost",
                    .clock = b->clock},
        .self = &b->self,
        .audience = LAYOUT_TLOGD};
    must(attested_client_new(&b->client, &conf, &err), &err, "client");
}

/* ---- entries ---- */

struct entries {
    size_t n;
    struct qr_buf *e;
};

static struct entries entries_sign(struct bench *b, size_t n)
{
    struct entries out = {n, calloc(n, sizeof *out.e)};
    char event[QR_ULID_LEN + 1], session[QR_ULID_LEN + 1];
    int64_t at = qr_now_us(&b->clock) + AHEAD_US;
    if (!out.e) abort();
    for (size_t i = 0; i < n; i++) {
        qr_ulid(&b->rand, at, event);
        if (i % 16 == 0) qr_ulid(&b->rand, at, session);
        json_t *body = json_pack("{s:s,s:s}", "reason", "bench", "session", session);
        struct leaf_draft d = {LEAF_SESSION_ENDED, LEAF_COORDINATOR, event, at, 2, body};
        qr_buf_init(&out.e[i], QR_MAX_ENTRY);
        must(leaf_sign(&d, &b->author, &out.e[i]), NULL, "signing an entry");
        json_decref(body);
    }
    return out;
}

static void entries_free(struct entries *e)
{
    for (size_t i = 0; i < e->n; i++) qr_buf_fini(&e->e[i]);
    free(e->e);
}

static ProtobufCBinaryData field(const struct qr_buf *b)
{
    return (ProtobufCBinaryData){b->n, b->p};
}

/* ---- calls from many threads ---- */

struct load {
    struct bench *b;
    void (*call)(struct load *l, size_t i);
    size_t n; /* calls to make */
    const struct entries *entries;
    atomic_size_t next;
    int64_t *took_us;
};

static void ask(struct load *l, const char *method, const ProtobufCMessage *in,
                struct rpc_answer *out)
{
    struct qr_err err = {{0}};
    struct rpc_ask a = {.service = &quorate__v1__log__descriptor,
                        .method = method,
                        .in = in,
                        .timeout_ms = CALL_MS};
    must(attested_client_call(l->b->client, &a, NULL, out, &err), &err, method);
}

/* The server does nothing for it but answer. */
static void call_empty(struct load *l, size_t i)
{
    Quorate__V1__CheckpointRequest in = QUORATE__V1__CHECKPOINT_REQUEST__INIT;
    struct rpc_answer out;
    (void)i;
    ask(l, "GetCheckpoint", &in.base, &out);
    rpc_answer_fini(&out);
}

static void call_append(struct load *l, size_t i)
{
    Quorate__V1__AppendRequest in = QUORATE__V1__APPEND_REQUEST__INIT;
    struct rpc_answer out;
    in.entry = field(&l->entries->e[i]);
    ask(l, "Append", &in.base, &out);
    const Quorate__V1__Receipt *r = (const Quorate__V1__Receipt *)out.msg;
    if (!r->entry || r->entry->n_path == 0 || !r->checkpoint) must(QR_FALSE, NULL, "receipt");
    rpc_answer_fini(&out);
}

static void call_batch(struct load *l, size_t i)
{
    Quorate__V1__AppendBatchRequest in = QUORATE__V1__APPEND_BATCH_REQUEST__INIT;
    ProtobufCBinaryData list[BATCH];
    struct rpc_answer out;
    for (size_t k = 0; k < BATCH; k++) list[k] = field(&l->entries->e[i * BATCH + k]);
    in.n_entries = BATCH;
    in.entries = list;
    ask(l, "AppendBatch", &in.base, &out);
    const Quorate__V1__ProofsReply *r = (const Quorate__V1__ProofsReply *)out.msg;
    if (r->n_entries != BATCH || !r->checkpoint) must(QR_FALSE, NULL, "receipts");
    rpc_answer_fini(&out);
}

static void *caller(void *arg)
{
    struct load *l = arg;
    for (size_t i; (i = atomic_fetch_add(&l->next, 1)) < l->n;) {
        int64_t from = qr_mono_us(&l->b->clock);
        l->call(l, i);
        l->took_us[i] = qr_mono_us(&l->b->clock) - from;
    }
    return NULL;
}

/* Makes all calls of l; gives the seconds that it took. */
static double run(struct load *l, int threads)
{
    pthread_t t[IN_FLIGHT];
    atomic_store(&l->next, 0);
    int64_t from = qr_mono_us(&l->b->clock);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&t[i], NULL, caller, l) != 0) abort();
    for (int i = 0; i < threads; i++) (void)pthread_join(t[i], NULL);
    return (double)(qr_mono_us(&l->b->clock) - from) / 1e6;
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

struct figures {
    double rate, p50_ms, p99_ms;
};

/* Repeats rounds of n calls until they have taken that many seconds. */
static struct figures measure(struct bench *b, void (*call)(struct load *l, size_t i), size_t n,
                              size_t entries_each, double seconds)
{
    size_t room = 0, done = 0;
    int64_t *all = NULL;
    double spent = 0;
    while (spent < seconds) {
        struct entries e = entries_sign(b, n * entries_each);
        if (done + n > room) all = reallocarray(all, room = 2 * (done + n), sizeof *all);
        if (!all) abort();
        struct load l = {.b = b, .call = call, .n = n, .entries = &e, .took_us = all + done};
        spent += run(&l, entries_each > 1 ? BATCHES_IN_FLIGHT : IN_FLIGHT);
        done += n;
        entries_free(&e);
    }
    qsort(all, done, sizeof *all, by_size);
    struct figures f = {(double)done / spent, (double)all[done / 2] / 1e3,
                        (double)all[done * 99 / 100] / 1e3};
    free(all);
    return f;
}

/* The same by a key that was prepared, as the log does. */
static double known_rate(struct bench *b, struct qr_bytes msg)
{
    struct known_keys *keys = NULL;
    struct qr_sig sig;
    size_t n = 0;
    must(known_keys_new(&keys), NULL, "keys");
    must(known_keys_add(keys, &b->author.pub), NULL, "own key");
    qr_sign(&b->author, msg, &sig);
    int64_t from = qr_mono_us(&b->clock), now = from;
    for (; now - from < 500000; now = qr_mono_us(&b->clock))
        for (int k = 0; k < 100; k++, n++)
            must(known_keys_verify(keys, &b->author.pub, &msg, 1, &sig), NULL, "own signature");
    known_keys_free(keys);
    return (double)n * 1e6 / (double)(now - from);
}

/* Bare verifications of an entry's signature on one core, the floor of admission. */
static double verify_rate(struct bench *b)
{
    struct entries e = entries_sign(b, 1);
    struct qr_bytes msg = qr_buf_bytes(&e.e[0]);
    struct qr_sig sig;
    size_t n = 0;
    qr_sign_tagged(&b->author, "bench", msg, &sig);
    int64_t from = qr_mono_us(&b->clock), now = from;
    for (; now - from < 500000; now = qr_mono_us(&b->clock))
        for (int k = 0; k < 100; k++, n++)
            must(qr_verify_pinned(&b->author.pub, "bench", msg, &sig), NULL, "own signature");
    (void)printf("entry                    %8zu bytes\n", msg.n);
    (void)printf("Ed25519, of a known key  %8.0f /s a core\n", known_rate(b, msg));
    entries_free(&e);
    return (double)n * 1e6 / (double)(now - from);
}

static void show(const char *what, struct figures f, double scale, double floor, const char *of)
{
    (void)printf("%-24s %8.0f /s  p50 %6.2f ms  p99 %6.2f ms  %5.2f of %s\n", what, f.rate * scale,
                 f.p50_ms, f.p99_ms, f.rate * scale / floor, of);
    (void)fflush(stdout);
}

/* No parts named: all. */
static bool asked(int argc, char **argv, const char *part)
{
    bool found = argc == 4;
    for (int i = 4; i < argc; i++) found = found || qr_bytes_is(qr_str(argv[i]), part);
    return found;
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (argc < 4) return 2;
    double seconds = strtod(argv[3], NULL);
    struct qr_err err = {{0}};
    must(qr_crypto_init(&err), &err, "libsodium");
    rpc_init(NULL);
    open_client(&b, argv[1], argv[2]);
    double verify = verify_rate(&b);
    (void)printf("Ed25519 verification     %8.0f /s a core\n", verify);
    (void)measure(&b, call_empty, 2000, 1, 0.1); /* opens the session, warms up */
    struct figures empty = measure(&b, call_empty, ROUND, 1, seconds);
    show("empty call", empty, 1, empty.rate, "itself");
    if (asked(argc, argv, "one"))
        show("append, one entry", measure(&b, call_append, ROUND, 1, seconds), 1, empty.rate,
             "the empty call (goal 0.5; 8000/s, p99 25 ms)");
    if (asked(argc, argv, "batch"))
        show("append, 1000 entries", measure(&b, call_batch, ROUND / BATCH, BATCH, seconds), BATCH,
             verify, "one core's verifications");
    attested_client_free(b.client);
    attest_device_close(&b.device);
    trust_dir_fini(&b.trust);
    qr_signer_fini(&b.author);
    rpc_fini();
    return 0;
}
