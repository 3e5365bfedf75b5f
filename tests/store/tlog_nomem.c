/* tlog_nomem.c - the log when the Nth allocation fails, for every N.
 *
 * Usage: tlog_nomem DIR once|for-ever STEP.  Allocations of libtlog (linked with
 * --wrap) and of SQLite (its own hook) are counted together.  For N = 1, 1 + STEP,
 * ... a log is opened, appended to in several ways, read and closed while the Nth
 * fails; then, with memory again, it must open, hold all that was acknowledged under
 * the roots that were signed, and go on.  Ends when no allocation was left to
 * fail.  Prints what is wrong and, last, how many failures were tried. */
#include "tlog/tlog.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 300

static atomic_long count, fail_at; /* fail_at 0: none */
static bool for_ever;
static atomic_bool hit;

static bool refuses(void)
{
    long at = atomic_load(&fail_at), n = atomic_fetch_add(&count, 1) + 1;
    if (at == 0 || n < at || (n > at && !for_ever)) return false;
    atomic_store(&hit, true);
    return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n) { return refuses() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return refuses() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return refuses() ? NULL : __real_realloc(p, n); }

static sqlite3_mem_methods real_methods;
static void *sqlite_malloc(int n) { return refuses() ? NULL : real_methods.xMalloc(n); }
static void *sqlite_realloc(void *p, int n)
{
    return refuses() ? NULL : real_methods.xRealloc(p, n);
}

static struct tlog_config cfg;
static uint8_t secret[64];
static unsigned bad;

static enum tlog_rc sign(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    return crypto_sign_detached(sig, NULL, msg.p, msg.n, ctx) == 0 ? TLOG_OK : TLOG_IO;
}

static void on_fatal(void *ctx, enum tlog_rc rc, const char *text)
{
    (void)rc;
    (void)text;
    *(bool *)ctx = true;
}

/* What was acknowledged: entries 0 .. n, the root at each size that was signed. */
struct acked {
    uint64_t size;
    struct tlog_hash root;
};

static void wrong(long n, const char *what, enum tlog_rc rc, const char *text)
{
    if (bad++ < 20) printf("allocation %ld: %s: %s %s\n", n, what, tlog_rc_name(rc), text);
}

static bool allowed(enum tlog_rc rc)
{
    return rc == TLOG_OK || rc == TLOG_NOMEM || rc == TLOG_STATE || rc == TLOG_IO;
}

static struct tlog_entry entry_of(char text[32], unsigned i)
{
    int n = snprintf(text, 32, "entry %u", i);
    struct tlog_bytes b = {(const uint8_t *)text, (size_t)n};
    return (struct tlog_entry){.data = b, .key = b};
}

static enum tlog_rc append_one(struct tlog_log *log, unsigned i, struct acked *a)
{
    char text[32];
    struct tlog_entry e = entry_of(text, i);
    struct tlog_receipt r;
    struct tlog_signed ck;
    enum tlog_rc rc = tlog_append(log, &e, &r, &ck, NULL);
    if (rc == TLOG_OK) *a = (struct acked){ck.head.size, ck.head.root};
    return rc;
}

static enum tlog_rc append_batch(struct tlog_log *log, unsigned from, struct acked *a)
{
    static char text[BATCH][32];
    static struct tlog_entry e[BATCH];
    static struct tlog_receipt r[BATCH];
    struct tlog_signed ck;
    for (unsigned i = 0; i < BATCH; i++) e[i] = entry_of(text[i], from + i);
    enum tlog_rc rc = tlog_append_batch(log, e, BATCH, r, &ck, NULL);
    if (rc == TLOG_OK) *a = (struct acked){ck.head.size, ck.head.root};
    return rc;
}

static enum tlog_rc nothing(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    (void)ctx;
    (void)index;
    (void)entry;
    return TLOG_OK;
}

/* The run whose Nth allocation fails.  After a fatal error nothing is signed. */
static void run(long n, struct acked *last)
{
    struct tlog_log *log = NULL;
    struct tlog_proof proof;
    struct acked a = {0};
    struct tlog_err err = {{0}};
    bool fatal = false;
    cfg.ctx = &fatal;
    enum tlog_rc rc = tlog_open(&cfg, &log, &err);
    if (rc != TLOG_OK) {
        if (!allowed(rc)) wrong(n, "open", rc, err.text);
        return;
    }
    for (unsigned step = 0; step < 5; step++) {
        bool before = fatal;
        rc = step == 2 ? append_batch(log, 1000, &a) : append_one(log, step, &a);
        if (!allowed(rc)) wrong(n, "append", rc, "");
        if (rc == TLOG_OK && before) wrong(n, "signed after a fatal error", rc, "");
        if (rc == TLOG_OK) *last = a;
    }
    struct tlog_signed ck;
    tlog_latest(log, &ck);
    rc = tlog_entries(log, 0, ck.head.size, nothing, NULL, NULL);
    if (!allowed(rc)) wrong(n, "entries", rc, "");
    if (ck.head.size > 0) rc = tlog_inclusion(log, 0, ck.head.size, &proof, NULL);
    if (!allowed(rc)) wrong(n, "inclusion", rc, "");
    tlog_close(log);
}

static void judge(long n, const struct acked *last)
{
    struct tlog_log *log = NULL;
    struct tlog_err err = {{0}};
    struct tlog_hash root;
    struct acked a;
    bool fatal = false;
    cfg.ctx = &fatal;
    enum tlog_rc rc = tlog_open(&cfg, &log, &err);
    if (rc == TLOG_OK) rc = tlog_audit(log, &err);
    if (rc != TLOG_OK) wrong(n, "afterwards", rc, err.text);
    if (rc == TLOG_OK && last->size > 0) {
        rc = tlog_root_at(log, last->size, &root, &err);
        if (rc != TLOG_OK || !tlog_hash_equal(&root, &last->root))
            wrong(n, "lost or forked", rc, err.text);
    }
    if (log && append_one(log, 7, &a) != TLOG_OK) wrong(n, "does not go on", rc, "");
    tlog_close(log);
}

static void start_again(const char *path)
{
    char name[400];
    struct tlog_err err = {{0}};
    static const char *const ends[] = {"", "-wal", "-shm", ".anchor"};
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    if (tlog_create(&cfg, &err) != TLOG_OK) {
        printf("create: %s\n", err.text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    uint8_t pub[32], seed[32] = {3};
    char path[300];
    long tried = 0, step;
    if (argc < 4 || sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK) return 2;
    sqlite3_mem_methods ours = real_methods;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK || sodium_init() < 0 ||
        crypto_sign_seed_keypair(pub, secret, seed) != 0)
        return 2;
    for_ever = argv[2][0] == 'f';
    step = strtol(argv[3], NULL, 10);
    snprintf(path, sizeof path, "%s/n.db", argv[1]);
    cfg = (struct tlog_config){.path = path, .low_water_bytes = UINT64_MAX, .fatal = on_fatal};
    cfg.signer.sign = sign;
    cfg.signer.ctx = secret;
    if (tlog_vkey_make("log.test/nomem", pub, &cfg.signer.key) != TLOG_OK) return 2;
    for (long n = argc > 4 ? atol(argv[4]) : 1; n < 1000000; n += step, tried++) {
        struct acked last = {0};
        start_again(path);
        atomic_store(&hit, false);
        atomic_store(&count, 0);
        atomic_store(&fail_at, n);
        run(n, &last);
        atomic_store(&fail_at, 0);
        judge(n, &last);
        if (!atomic_load(&hit)) break;
    }
    printf("%ld failures, %u wrong\n", tried, bad);
    return bad > 0;
}
