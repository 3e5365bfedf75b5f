/* tlog_killer.c - kill -9 at random moments, many times.
 *
 * Usage: tlog_killer DIR ROUNDS SEED.  Each round a child opens the log, appends
 * in several ways and writes a receipt into a pipe for each answer that it gets;
 * it is killed after a random time, perhaps while it still opens.  In the end
 * every receipt of all rounds must hold: entry, index, root at its size; no size
 * may have two roots; batches are whole or absent.  Prints what does not hold and,
 * last, what was done. */
#include "tlog/tlog.h"

#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 60
#define MOST_US 12000 /* a round lives at most that long, once the log is open */

/* What an answer said. */
struct receipt {
    uint32_t round, number;
    uint32_t batch; /* 1: first of a batch */
    uint64_t index, size;
    uint8_t root[32];
};

static struct tlog_config cfg;
static uint8_t secret[64];
static uint64_t state;
static unsigned bad;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void wrong(const char *what, const struct receipt *r)
{
    if (bad++ < 20)
        printf("%s: round %u number %u index %llu size %llu\n", what, r->round, r->number,
               (unsigned long long)r->index, (unsigned long long)r->size);
}

static enum tlog_rc sign(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    return crypto_sign_detached(sig, NULL, msg.p, msg.n, ctx) == 0 ? TLOG_OK : TLOG_IO;
}

static struct tlog_bytes name_of(char text[64], uint32_t round, uint32_t number, uint32_t part)
{
    int n = snprintf(text, 64, "%u-%u-%u", round, number, part);
    return (struct tlog_bytes){(const uint8_t *)text, (size_t)n};
}

/* ---- the child ---- */

struct child {
    struct tlog_log *log;
    int to;
    uint32_t round;
    pthread_mutex_t lock;
    uint32_t next;
};

static void give(const struct child *c, const struct receipt *r)
{
    if (write(c->to, r, sizeof *r) != (ssize_t)sizeof *r) _exit(3);
}

static void note(struct child *c, struct receipt r, const struct tlog_head *head)
{
    r.round = c->round;
    r.size = head->size;
    memcpy(r.root, head->root.b, sizeof r.root);
    give(c, &r);
}

static uint32_t number_of(struct child *c)
{
    (void)pthread_mutex_lock(&c->lock);
    uint32_t n = c->next++;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

static void append_one(struct child *c)
{
    char text[64];
    uint32_t n = number_of(c);
    struct tlog_entry e = {.data = name_of(text, c->round, n, 0)};
    struct tlog_receipt got;
    struct tlog_signed ck;
    e.key = e.data;
    if (tlog_append(c->log, &e, &got, &ck, NULL) != TLOG_OK) _exit(4);
    note(c, (struct receipt){.number = n, .index = got.index}, &ck.head);
}

static void append_batch(struct child *c)
{
    static char text[BATCH][64];
    struct tlog_entry e[BATCH] = {{{0}, {0}, 0, 0}};
    struct tlog_receipt got[BATCH];
    struct tlog_signed ck;
    uint32_t n = number_of(c);
    for (uint32_t i = 0; i < BATCH; i++) e[i].key = e[i].data = name_of(text[i], c->round, n, i);
    if (tlog_append_batch(c->log, e, BATCH, got, &ck, NULL) != TLOG_OK) _exit(4);
    note(c, (struct receipt){.number = n, .batch = 1, .index = got[0].index}, &ck.head);
}

struct promise {
    struct child *c;
    uint32_t number;
};

static void on_done(void *ctx, const struct tlog_outcome *o)
{
    struct promise *p = ctx;
    if (o->rc != TLOG_OK) _exit(4);
    note(p->c, (struct receipt){.number = p->number, .index = o->index}, &o->checkpoint->head);
    free(p);
}

static void submit_one(struct child *c)
{
    char text[64];
    struct promise *p = malloc(sizeof *p);
    if (!p) _exit(4);
    *p = (struct promise){c, number_of(c)};
    struct tlog_entry e = {.data = name_of(text, c->round, p->number, 0)};
    e.key = e.data;
    if (tlog_submit(c->log, &e, &(struct tlog_callback){on_done, p}, NULL) != TLOG_OK) _exit(4);
}

static void *second_thread(void *arg)
{
    for (;;) append_one(arg);
    return NULL;
}

static void child(uint32_t round, int to)
{
    static struct child c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct tlog_err err = {{0}};
    pthread_t thread;
    c.to = to;
    c.round = round;
    enum tlog_rc rc = tlog_open(&cfg, &c.log, &err);
    if (rc != TLOG_OK) {
        fprintf(stderr, "round %u does not open: %s: %s\n", round, tlog_rc_name(rc), err.text);
        _exit(5);
    }
    give(&c, &(struct receipt){.round = round});
    if (round % 2 && pthread_create(&thread, NULL, second_thread, &c) != 0) _exit(4);
    for (uint32_t i = round; i < 100000; i++) {
        if (i % 7 == 3)
            append_batch(&c);
        else if (i % 3 == 0)
            submit_one(&c);
        else
            append_one(&c);
    }
    _exit(0);
}

/* ---- the parent ---- */

static struct receipt *receipts;
static size_t count, room;

static void collect(int from)
{
    struct receipt r;
    while (read(from, &r, sizeof r) == (ssize_t)sizeof r) {
        if (r.size == 0) continue; /* it only says that the log is open */
        if (count == room) {
            room = room ? room * 2 : 4096;
            receipts = realloc(receipts, room * sizeof *receipts);
            if (!receipts) abort();
        }
        receipts[count++] = r;
    }
}

/* True when the child was killed, false when it ended by itself. */
static bool one_round(uint32_t round)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0) abort();
    pid_t pid = fork();
    if (pid < 0) abort();
    if (pid == 0) child(round, ends[1]);
    close(ends[1]);
    /* Most live for a while after they have opened the log. */
    struct receipt ready;
    if (round % 5 != 0 && read(ends[0], &ready, sizeof ready) < 0) abort();
    struct timespec ts = {0, (long)(rnd() % MOST_US) * 1000};
    nanosleep(&ts, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    collect(ends[0]);
    close(ends[0]);
    return WIFSIGNALED(status);
}

static int by_size(const void *a, const void *b)
{
    const struct receipt *x = a, *y = b;
    return x->size < y->size ? -1 : x->size > y->size;
}

static enum tlog_rc is_text(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    struct tlog_bytes *want = ctx;
    (void)index;
    return entry.n == want->n && memcmp(entry.p, want->p, entry.n) == 0 ? TLOG_OK : TLOG_FALSE;
}

static void check(struct tlog_log *log, const struct receipt *r)
{
    uint32_t parts = r->batch ? BATCH : 1;
    struct tlog_hash root;
    for (uint32_t i = 0; i < parts; i++) {
        char text[64];
        uint64_t index = 0;
        struct tlog_bytes want = name_of(text, r->round, r->number, i);
        if (tlog_find_key(log, want, &index, NULL) != TLOG_OK || index != r->index + i)
            wrong("lost or moved", r);
        else if (tlog_entries(log, index, index + 1, is_text, &want, NULL) != TLOG_OK)
            wrong("another entry", r);
    }
    if (tlog_root_at(log, r->size, &root, NULL) != TLOG_OK || memcmp(root.b, r->root, 32) != 0)
        wrong("fork", r);
}

/* Batches are whole or absent: where the last part is, the first is, and the
 * other way round. */
struct parts {
    uint64_t first, last;
};

static enum tlog_rc count_parts(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    struct parts *p = ctx;
    char text[64];
    unsigned round, number, part;
    (void)index;
    snprintf(text, sizeof text, "%.*s", (int)entry.n, (const char *)entry.p);
    if (sscanf(text, "%u-%u-%u", &round, &number, &part) != 3) return TLOG_FALSE;
    if (part == 1) p->first++;
    if (part == BATCH - 1) p->last++;
    return TLOG_OK;
}

int main(int argc, char **argv)
{
    uint8_t pub[32], seed[32] = {9};
    char path[300];
    struct tlog_log *log = NULL;
    struct tlog_err err = {{0}};
    unsigned rounds, killed = 0;
    if (argc != 4 || sodium_init() < 0 || crypto_sign_seed_keypair(pub, secret, seed) != 0)
        return 2;
    rounds = (unsigned)atoi(argv[2]);
    state = strtoull(argv[3], NULL, 10) * 2654435761u + 1;
    snprintf(path, sizeof path, "%s/k.db", argv[1]);
    cfg = (struct tlog_config){.path = path, .low_water_bytes = UINT64_MAX};
    cfg.signer.sign = sign;
    cfg.signer.ctx = secret;
    if (tlog_vkey_make("log.test/kill", pub, &cfg.signer.key) != TLOG_OK ||
        tlog_create(&cfg, &err) != TLOG_OK) {
        printf("create: %s\n", err.text);
        return 1;
    }
    for (uint32_t i = 0; i < rounds; i++) killed += one_round(i);
    if (tlog_open(&cfg, &log, &err) != TLOG_OK || tlog_audit(log, &err) != TLOG_OK) {
        printf("in the end: %s\n", err.text);
        return 1;
    }
    for (size_t i = 0; i < count; i++) check(log, &receipts[i]);
    qsort(receipts, count, sizeof *receipts, by_size);
    for (size_t i = 1; i < count; i++)
        if (receipts[i].size == receipts[i - 1].size &&
            memcmp(receipts[i].root, receipts[i - 1].root, 32) != 0)
            wrong("two roots", &receipts[i]);
    struct tlog_signed ck;
    struct parts parts = {0};
    tlog_latest(log, &ck);
    if (tlog_entries(log, 0, ck.head.size, count_parts, &parts, NULL) != TLOG_OK ||
        parts.first != parts.last) {
        printf("half a batch\n");
        bad++;
    }
    tlog_close(log);
    struct tlog_fsck what = {.path = path, .key = &cfg.signer.key};
    if (tlog_fsck(&what, NULL, &err) != TLOG_OK) {
        printf("fsck: %s\n", err.text);
        bad++;
    }
    printf("%u rounds, %u killed, %zu receipts, %llu entries, %u wrong\n", rounds, killed, count,
           (unsigned long long)ck.head.size, bad);
    return bad > 0;
}
