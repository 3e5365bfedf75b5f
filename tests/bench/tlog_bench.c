/* tlog_bench.c - libtlog's figures beside their floors, in one run.
 *
 * Usage: tlog_bench DIR ENTRIES [PART...].  Parts: hash sync commit fill threads
 * open proofs audit grown names growth; without any, all.  A big log that is in DIR
 * is used, and grown to ENTRIES; growth compares with what was noted there at 10^6.  Every figure is printed with the floor it
 * is compared with, measured a moment before or after.  tests/bench/tlog.tcl
 * starts it and explains the lines.  A part submit:RATE:THREADS offers that load. */
#include "tlog/tlog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENTRY 200
#define SAMPLES 4000

static char dir[200];
static uint64_t entries_wanted;
static uint8_t secret[crypto_sign_SECRETKEYBYTES];
static struct tlog_config cfg;
static char db_path[256];
static uint64_t made; /* entries in the big log */

static void die(const char *what, const char *why)
{
    fprintf(stderr, "tlog_bench: %s: %s\n", what, why);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static _Thread_local uint64_t rnd_state = 88172645463325252u;
static uint64_t rnd(void)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 7;
    rnd_state ^= rnd_state << 17;
    return rnd_state;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double *v, size_t n, double q)
{
    qsort(v, n, sizeof *v, by_value);
    size_t i = (size_t)(q * (double)n);
    return n ? v[i < n ? i : n - 1] : 0;
}

/* name, figure with unit, what it is compared with, ratio, goal */
static void line(const char *name, double figure, const char *unit, const char *floor, double ratio,
                 const char *goal)
{
    printf("%-44s %12.5g %-10s %-34s %8.3f  %s\n", name, figure, unit, floor, ratio, goal);
    fflush(stdout);
}

/* Notes what a figure costs at this size, in any unit, for the table of growth. */
static void cost(const char *name, double figure)
{
    char path[300];
    snprintf(path, sizeof path, "%s/figures.%llu", dir, (unsigned long long)entries_wanted);
    FILE *f = fopen(path, "a");
    if (!f || fprintf(f, "%.9g %s\n", figure, name) < 0 || fclose(f) != 0)
        die(path, strerror(errno));
}

static enum tlog_rc sign(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    return crypto_sign_detached(sig, NULL, msg.p, msg.n, ctx) == 0 ? TLOG_OK : TLOG_IO;
}

static void check(const char *what, enum tlog_rc rc, const struct tlog_err *err)
{
    if (rc != TLOG_OK) die(what, err && err->text[0] ? err->text : tlog_rc_name(rc));
}

static const char *path_of(const char *name)
{
    static char out[8][300];
    static unsigned k;
    char *p = out[k++ % 8];
    snprintf(p, sizeof out[0], "%s/%s", dir, name);
    return p;
}

/* Entries of ENTRY bytes that all differ. */
struct bag {
    size_t n;
    uint8_t *bytes;
    struct tlog_entry *entry;
};

static struct bag bag_new(size_t n)
{
    struct bag b = {n, malloc(n * ENTRY), calloc(n, sizeof(struct tlog_entry))};
    if (!b.bytes || !b.entry) die("memory", "out of it");
    for (size_t i = 0; i < n * ENTRY / 8; i++) ((uint64_t *)(void *)b.bytes)[i] = rnd();
    for (size_t i = 0; i < n; i++)
        b.entry[i].data = (struct tlog_bytes){b.bytes + i * ENTRY, ENTRY};
    return b;
}

static void bag_renew(struct bag *b, uint64_t from)
{
    for (size_t i = 0; i < b->n; i++) memcpy(b->bytes + i * ENTRY, &(uint64_t){from + i}, 8);
}

static void bag_free(struct bag *b)
{
    free(b->bytes);
    free(b->entry);
}

/* ---- hashing ---- */

static double leaf_ns, node_ns; /* of this library */

static double openssl_ns(size_t bytes)
{
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    uint8_t in[512] = {0}, out[32];
    double t = now();
    for (int i = 0; i < 300000; i++) {
        in[0] = (uint8_t)i;
        if (!EVP_DigestInit_ex2(c, md, NULL) || !EVP_DigestUpdate(c, in, bytes) ||
            !EVP_DigestFinal_ex(c, out, NULL))
            die("hash", "openssl");
    }
    t = (now() - t) / 300000 * 1e9;
    EVP_MD_CTX_free(c);
    EVP_MD_free(md);
    return t;
}

static void bench_hash(void)
{
    enum { N = 4096, TIMES = 100 };
    struct bag b = bag_new(N);
    static struct tlog_bytes in[N];
    static struct tlog_hash out[N], h;
    for (int i = 0; i < N; i++) in[i] = b.entry[i].data;
    double t = now();
    for (int k = 0; k < TIMES; k++) tlog_leaf_hashes(in, N, out);
    leaf_ns = (now() - t) / (N * TIMES) * 1e9;
    t = now();
    for (int k = 0; k < TIMES; k++)
        for (int i = 0; i < N; i++) tlog_node_hash(&h, &out[i], &h);
    node_ns = (now() - t) / (N * TIMES) * 1e9;
    double e = openssl_ns(ENTRY + 1), f = openssl_ns(65);
    line("hash: leaf of 200 bytes, many", leaf_ns, "ns", "OpenSSL, reused context", leaf_ns / e,
         "");
    line("hash: node, one after the other", node_ns, "ns", "OpenSSL, reused context", node_ns / f,
         "");
    bag_free(&b);
}

/* ---- the disk ---- */

static double sync_p50; /* seconds for one overwrite and fdatasync */
static double sync_two_p50;

static void write_at(int fd, const void *p, size_t n, off_t at)
{
    if (pwrite(fd, p, n, at) != (ssize_t)n) die("pwrite", strerror(errno));
}

static int file_filled(const char *name, size_t n)
{
    static uint8_t zero[1 << 20];
    int fd = open(path_of(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) die(name, strerror(errno));
    for (size_t at = 0; at < n; at += sizeof zero) write_at(fd, zero, sizeof zero, (off_t)at);
    if (fsync(fd) != 0) die("fsync", strerror(errno));
    return fd;
}

static void sync_now(int fd)
{
    if (fdatasync(fd) != 0) die("fdatasync", strerror(errno));
}

static void bench_sync(void)
{
    enum { N = 600 };
    static uint8_t page[4096];
    double one[N], two[N];
    int a = file_filled("floor.a", 1 << 20), b = file_filled("floor.b", 1 << 20);
    for (int i = 0; i < N; i++) {
        off_t at = (off_t)(i % 256) * 4096;
        double t = now();
        page[0] = (uint8_t)i;
        write_at(a, page, sizeof page, at);
        sync_now(a);
        one[i] = now() - t;
        t = now();
        write_at(a, page, sizeof page, at);
        sync_now(a);
        write_at(b, page, sizeof page, at % 8192);
        sync_now(b);
        two[i] = now() - t;
    }
    close(a);
    close(b);
    sync_p50 = quantile(one, N, 0.5);
    sync_two_p50 = quantile(two, N, 0.5);
    line("sync: 4 KiB overwritten + fdatasync, p50", sync_p50 * 1e6, "us", "(floor)", 1, "");
    line("sync: two files in turn, p50", sync_two_p50 * 1e6, "us", "one fdatasync",
         sync_two_p50 / sync_p50, "");
}

/* Entries a second of a file that takes the same bytes (entries with their
 * lengths, leaf hashes), with all hashing of the tree, one fdatasync a commit. */
static double raw_rate(size_t batch, double seconds)
{
    struct bag b = bag_new(batch);
    struct tlog_bytes *in = calloc(batch, sizeof *in);
    struct tlog_hash *leaf = calloc(batch, sizeof *leaf);
    size_t step = (batch * (2 + ENTRY + TLOG_HASH_SIZE) + 4095) / 4096 * 4096, size = 64u << 20;
    uint8_t *out = calloc(1, step);
    if (!in || !leaf || !out) die("memory", "out of it");
    int fd = file_filled("raw", size);
    struct tlog_frontier f = {0};
    uint64_t n = 0;
    double start = now();
    for (off_t at = 0; now() - start < seconds; at += (off_t)step) {
        if ((size_t)at + step > size) at = 0;
        uint8_t *p = out;
        for (size_t i = 0; i < batch; i++) {
            in[i] = b.entry[i].data;
            p[0] = ENTRY >> 8;
            p[1] = ENTRY & 0xff;
            memcpy(p + 2, in[i].p, ENTRY);
            p += 2 + ENTRY;
        }
        tlog_leaf_hashes(in, batch, leaf);
        for (size_t i = 0; i < batch; i++) check("frontier", tlog_frontier_add(&f, &leaf[i]), NULL);
        memcpy(p, leaf, batch * sizeof *leaf);
        write_at(fd, out, step, at);
        sync_now(fd);
        n += batch;
    }
    double rate = (double)n / (now() - start);
    close(fd);
    free(in);
    free(leaf);
    free(out);
    bag_free(&b);
    return rate;
}

/* ---- a file per tile ---- */

/* What Tessera's POSIX storage does for a batch (storage/posix/files.go and
 * file_ops.go, commit 1811ae1a): each entry bundle and each tile that changed, then
 * the tree's state, then the checkpoint, one after the other, is a temporary file
 * written with O_SYNC in one write, renamed to its name, and an fsync of its
 * directory.  A partial bundle or tile stands in a directory of its own, whose
 * making is an fsync of the directory above.  Not emulated: its reads, its locks,
 * its other languages' costs, and the removal of old partial files. */
static uint64_t fpt_syncs;

static void sync_dir(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || fsync(fd) != 0) die(name, strerror(errno));
    close(fd);
    fpt_syncs++;
}

static void overwrite(const char *d, const char *name, const void *p, size_t n)
{
    char tmp[700];
    int dirfd = open(d, O_RDONLY | O_DIRECTORY);
    snprintf(tmp, sizeof tmp, "%s%llu", name, (unsigned long long)(rnd() % 1000000000));
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_SYNC, 0644);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd) != 0) die(tmp, strerror(errno));
    if (rename(tmp, name) != 0 || dirfd < 0 || fsync(dirfd) != 0) die(name, strerror(errno));
    close(dirfd);
    fpt_syncs += 2;
}

/* width 0: full. */
static void object(const char *sub, uint64_t number, unsigned width, const void *p, size_t n)
{
    char name[600], d[500], above[300];
    struct stat st;
    snprintf(above, sizeof above, "%s/fpt/%s", dir, sub);
    snprintf(d, sizeof d, "%s", above);
    if (width) snprintf(d, sizeof d, "%s/%03llu.p", above, (unsigned long long)number);
    if (width && stat(d, &st) != 0) {
        if (mkdir(d, 0755) != 0) die(d, strerror(errno));
        sync_dir(above);
    }
    if (width)
        snprintf(name, sizeof name, "%s/%u", d, width);
    else
        snprintf(name, sizeof name, "%s/%03llu", d, (unsigned long long)number);
    overwrite(d, name, p, n);
}

struct fpt {
    double rate, syncs; /* entries a second; syncs a commit */
};

/* apart: seconds between checkpoints, as Tessera has them (0.1 is its least); 0:
 * one for each commit, which is what this log promises. */
static struct fpt file_per_tile(size_t batch, double seconds, double apart)
{
    static uint8_t bundle[256 * (2 + ENTRY)], tile[256 * TLOG_HASH_SIZE];
    struct bag b = bag_new(batch);
    struct tlog_bytes *in = calloc(batch, sizeof *in);
    struct tlog_hash *leaf = calloc(batch, sizeof *leaf);
    if (!in || !leaf) die("memory", "out of it");
    char clean[2000], root[300], name[320];
    snprintf(root, sizeof root, "%s/fpt", dir);
    snprintf(clean, sizeof clean,
             "rm -rf '%s'; mkdir -p '%s/entries' '%s/0' '%s/1' '%s/.state' && sync -f '%s'", root,
             root, root, root, root, root);
    if (system(clean) != 0) die("mkdir", dir);
    struct tlog_frontier f = {0};
    uint64_t n = 0, commits = 0;
    fpt_syncs = 0;
    double start = now(), published = 0;
    for (; now() - start < seconds; commits++) {
        for (size_t i = 0; i < batch; i++) in[i] = b.entry[i].data;
        tlog_leaf_hashes(in, batch, leaf);
        bool upper = false;
        for (size_t i = 0; i < batch; i++) {
            size_t at = n % 256;
            check("frontier", tlog_frontier_add(&f, &leaf[i]), NULL);
            memcpy(bundle + at * (2 + ENTRY) + 2, in[i].p, ENTRY);
            memcpy(tile + at * TLOG_HASH_SIZE, &leaf[i], TLOG_HASH_SIZE);
            n++;
            if (at != 255 && i + 1 < batch) continue;
            unsigned width = at == 255 ? 0 : (unsigned)at + 1;
            object("entries", (n - 1) / 256, width, bundle, (at + 1) * (2 + ENTRY));
            object("0", (n - 1) / 256, width, tile, (at + 1) * TLOG_HASH_SIZE);
            upper = upper || at == 255;
        }
        unsigned above = (unsigned)((n / 256) % 256);
        if (upper) object("1", (n - 1) / 65536, above, tile, (above ? above : 256) * 32);
        struct tlog_head head;
        tlog_frontier_head(&f, &head);
        char text[TLOG_CHECKPOINT_MAX] = "";
        struct tlog_out out = {text, sizeof text, 0};
        snprintf(name, sizeof name, "%s/.state", root);
        char state[340];
        snprintf(state, sizeof state, "%s/treeState", name);
        overwrite(name, state, bundle, 75);
        if (now() - published < apart) continue;
        check("sign", tlog_checkpoint_sign(&head, &cfg.signer, &out), NULL);
        snprintf(name, sizeof name, "%s/checkpoint", root);
        overwrite(root, name, text, out.n);
        published = now();
    }
    struct fpt r = {(double)n / (now() - start), (double)fpt_syncs / (double)commits};
    free(in);
    free(leaf);
    bag_free(&b);
    return r;
}

/* ---- commits ---- */

static struct tlog_log *fresh(const char *name)
{
    struct tlog_err err = {{0}};
    struct tlog_log *log = NULL;
    for (const char *const *e = (const char *const[]){"", "-wal", "-shm", ".anchor", NULL}; *e;
         e++) {
        char p[320];
        snprintf(p, sizeof p, "%s/%s%s", dir, name, *e);
        unlink(p);
    }
    cfg.path = path_of(name);
    check("create", tlog_create(&cfg, &err), &err);
    check("open", tlog_open(&cfg, &log, &err), &err);
    return log;
}

static double commit_rate(struct tlog_log *log, size_t batch, double seconds, double *p50)
{
    struct bag b = bag_new(batch);
    struct tlog_signed ck;
    struct tlog_receipt r;
    struct tlog_err err = {{0}};
    static double times[SAMPLES];
    size_t k = 0;
    uint64_t n = 0;
    double start = now();
    while (now() - start < seconds) {
        bag_renew(&b, n);
        double t = now();
        if (batch == 1)
            check("append", tlog_append(log, b.entry, &r, &ck, &err), &err);
        else
            check("batch", tlog_append_batch(log, b.entry, batch, NULL, &ck, &err), &err);
        if (k < SAMPLES) times[k++] = now() - t;
        n += batch;
    }
    double rate = (double)n / (now() - start);
    *p50 = quantile(times, k, 0.5);
    bag_free(&b);
    return rate;
}

static void bench_commit(void)
{
    static const size_t batch[] = {1, 100, 10000};
    static const char *const goals[] = {">= 8", ">= 15", ">= 14"};
    if (sync_p50 == 0) bench_sync();
    for (int i = 0; i < 3; i++) {
        char name[64];
        double p50, seconds = 2.5;
        struct fpt fpt = file_per_tile(batch[i], 1.5, 0), own = file_per_tile(batch[i], 1.5, 0.1);
        double raw = raw_rate(batch[i], 1.0);
        struct tlog_log *log = fresh("commit.db");
        double warm = commit_rate(log, 1000, 0.5, &p50);
        (void)warm;
        double rate = commit_rate(log, batch[i], seconds, &p50);
        double raw2 = raw_rate(batch[i], 1.0);
        raw = (raw + raw2) / 2;
        tlog_close(log);
        snprintf(name, sizeof name, "commit: %zu entries each", batch[i]);
        if (i == 0)
            line("commit: 1 entry, p50", p50 * 1e6, "us", "2 x fdatasync (WAL, anchor)",
                 p50 / sync_two_p50, "<= 1.3");
        line(name, rate, "entries/s", "raw file, same bytes and hashing", rate / raw,
             batch[i] == 10000 ? ">= 0.25" : "");
        printf("%-44s %12.5g entries/s\n", "  raw file", raw);
        line(name, rate, "entries/s", "a file per tile, same promise", rate / fpt.rate, goals[i]);
        printf("%-44s %12.5g entries/s  %.1f syncs a commit\n", "  file per tile", fpt.rate,
               fpt.syncs);
        /* Two files, as the anchor is apart: what no layout of this log could pass. */
        double at_most = 1 / (1 / raw + (sync_two_p50 - sync_p50) / (double)batch[i]);
        line("  at most: raw file and a second sync", at_most, "entries/s",
             "a file per tile, same promise", at_most / fpt.rate, "");
        line(name, rate, "entries/s", "a checkpoint each 100 ms only", rate / own.rate, "");
        printf("%-44s %12.5g entries/s  %.1f syncs a commit\n", "  file per tile", own.rate,
               own.syncs);
    }
}

/* ---- a big log ---- */

static double rss_kb(const char *field)
{
    char text[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(text, sizeof text, f))
        if (strncmp(text, field, strlen(field)) == 0) kb = atof(text + strlen(field) + 1);
    if (f) fclose(f);
    return kb;
}

static uint64_t file_bytes(const char *p)
{
    struct stat st;
    return stat(p, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static struct tlog_log *open_big(void)
{
    struct tlog_err err = {{0}};
    struct tlog_log *log = NULL;
    struct tlog_signed ck;
    cfg.path = db_path;
    check("open", tlog_open(&cfg, &log, &err), &err);
    tlog_latest(log, &ck);
    made = ck.head.size;
    return log;
}

static void bench_fill(void)
{
    struct tlog_signed ck;
    struct tlog_err err = {{0}};
    struct tlog_log *log;
    double base = rss_kb("RssAnon:");
    struct bag b = bag_new(10000);
    cfg.path = db_path;
    if (file_bytes(db_path) == 0) check("create", tlog_create(&cfg, &err), &err);
    log = open_big();
    if (made < entries_wanted) {
        uint64_t before = made;
        double t = now();
        while (made < entries_wanted) {
            bag_renew(&b, made);
            check("batch", tlog_append_batch(log, b.entry, b.n, NULL, &ck, &err), &err);
            made += b.n;
        }
        t = now() - t;
        line("fill: 10,000 a commit", (double)(made - before) / t, "entries/s", "(whole run)", 1,
             "");
        cost("fill: time an entry", t / (double)(made - before));
        double rss = rss_kb("RssAnon:") - base - (double)b.n * ENTRY / 1024;
        line("fill: memory but for SQLite's", rss / 1024 - (double)sqlite3_memory_used() / 1048576,
             "MiB", "all private memory, MiB", rss / 1024, "<= 24 (at 10^7)");
        tlog_close(log);
        log = NULL;
        uint64_t bytes = file_bytes(db_path);
        line("fill: bytes beyond the entry, no keys", (double)bytes / (double)made - ENTRY, "bytes",
             "database, GB", (double)bytes / 1e9, "<= 46");
        cost("fill: bytes an entry", (double)bytes / (double)made);
    }
    tlog_close(log);
    bag_free(&b);
}

/* The same commits on the big log: rates must not fall with its size. */
static void bench_grown(void)
{
    static const size_t batch[] = {1, 100, 10000};
    struct tlog_log *log = open_big();
    if (sync_p50 == 0) bench_sync();
    for (int i = 0; i < 3; i++) {
        char name[64];
        double p50, rate = commit_rate(log, batch[i], 2, &p50), raw = raw_rate(batch[i], 1);
        snprintf(name, sizeof name, "grown: %zu entries a commit", batch[i]);
        line(name, rate, "entries/s", "raw file, same bytes and hashing", rate / raw,
             batch[i] == 10000 ? ">= 0.25" : "");
        snprintf(name, sizeof name, "commit: %zu entries, by the raw file", batch[i]);
        cost(name, raw / rate);
        snprintf(name, sizeof name, "commit: %zu entries, p50", batch[i]);
        cost(name, p50);
    }
    tlog_close(log);
}

/* With an id for each entry, and the index of hashes. */
static void bench_names(void)
{
    uint64_t n = 0, want = entries_wanted < 1000000 ? entries_wanted : 1000000;
    static uint8_t id[1000][16];
    struct tlog_signed ck;
    struct tlog_err err = {{0}};
    cfg.index_hashes = true;
    struct tlog_log *log = fresh("names.db");
    cfg.index_hashes = false;
    struct bag b = bag_new(1000);
    for (size_t i = 0; i < b.n; i++) b.entry[i].key = (struct tlog_bytes){id[i], sizeof id[i]};
    double t = now();
    for (; n < want; n += b.n) {
        bag_renew(&b, n);
        for (size_t i = 0; i < b.n; i++)
            for (size_t k = 0; k < 2; k++) memcpy(id[i] + 8 * k, &(uint64_t){rnd()}, 8);
        check("batch", tlog_append_batch(log, b.entry, b.n, NULL, &ck, &err), &err);
    }
    t = now() - t;
    tlog_close(log);
    double bytes = (double)file_bytes(path_of("names.db"));
    line("names: 1,000 a commit, ids of 16 bytes, lookup", (double)n / t, "entries/s",
         "(whole run)", 1, "");
    line("names: bytes beyond the entry", bytes / (double)n - ENTRY, "bytes", "database, GB",
         bytes / 1e9, "");
    unlink(path_of("names.db"));
    bag_free(&b);
}

/* ---- growth ---- */

static size_t read_costs(uint64_t size, char name[64][80], double v[64])
{
    char path[300];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/figures.%llu", dir, (unsigned long long)size);
    FILE *f = fopen(path, "r");
    while (f && n < 64 && fscanf(f, "%lf %79[^\n]", &v[n], name[n]) == 2) n++;
    if (f) fclose(f);
    return n;
}

/* What each figure costs at this size, by what it cost at 10^6 in the same folder. */
static void bench_growth(void)
{
    static char small[64][80], big[64][80];
    double a[64], b[64];
    size_t n = read_costs(1000000, small, a), m = read_costs(entries_wanted, big, b);
    for (size_t i = 0; i < m && entries_wanted != 1000000; i++) {
        size_t k = n;
        for (size_t j = 0; j < n; j++)
            if (strcmp(small[j], big[i]) == 0) k = j;
        if (k == n) continue;
        char was[40], name[120];
        snprintf(was, sizeof was, "at 10^6: %.5g", a[k]);
        snprintf(name, sizeof name, "growth: %.79s", big[i]);
        line(name, b[i], "(cost)", was, b[i] / a[k],
             strncmp(big[i], "open", 4) == 0 ? "" : "<= 1.3");
    }
}

/* ---- many threads ---- */

struct offered {
    struct tlog_log *log;
    double rate; /* of this thread */
    double until;
    size_t n, room;
    float *ms;
    _Atomic size_t answered;
    struct bag bag;
    pthread_t id;
};

/* Exponential gaps, counted from when an entry was due: arrivals do not wait for
 * answers that are late. */
static double gap(double rate)
{
    return -__builtin_log((double)(rnd() % 1000000 + 1) / 1000001.0) / rate;
}

static void sleep_until(double due)
{
    double left = due - now();
    if (left < 100e-6) return;
    struct timespec ts = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    nanosleep(&ts, NULL);
}

struct submitted_at {
    double due;
    float *ms;
    _Atomic size_t *answered;
};

static void on_done(void *ctx, const struct tlog_outcome *o)
{
    struct submitted_at *s = ctx;
    check("submit", o->rc, NULL);
    *s->ms = (float)((now() - s->due) * 1e3);
    atomic_fetch_add(s->answered, 1);
}

static void *submit(void *arg)
{
    struct offered *o = arg;
    struct submitted_at *at = calloc(o->room, sizeof *at);
    double due = now();
    uint64_t salt = (uint64_t)(uintptr_t)o;
    rnd_state ^= salt * 2654435761u;
    if (!at) die("memory", "out of it");
    while (due < o->until && o->n < o->room) {
        sleep_until(due);
        bag_renew(&o->bag, salt++);
        at[o->n] = (struct submitted_at){due, &o->ms[o->n], &o->answered};
        check("submit",
              tlog_submit(o->log, o->bag.entry, &(struct tlog_callback){on_done, &at[o->n]}, NULL),
              NULL);
        o->n++;
        due += gap(o->rate);
    }
    /* They are answered in order. */
    while (o->n > atomic_load(&o->answered)) usleep(1000);
    free(at);
    return NULL;
}

static void *offer(void *arg)
{
    struct offered *o = arg;
    struct tlog_receipt r;
    struct tlog_signed ck;
    double due = now();
    uint64_t salt = (uint64_t)(uintptr_t)o;
    rnd_state ^= salt * 2654435761u;
    while (due < o->until) {
        sleep_until(due);
        bag_renew(&o->bag, salt++);
        check("append", tlog_append(o->log, o->bag.entry, &r, &ck, NULL), NULL);
        if (o->n < o->room) o->ms[o->n++] = (float)((now() - due) * 1e3);
        due += gap(o->rate);
    }
    return NULL;
}

static void offered_load(struct tlog_log *log, double rate, unsigned threads, bool wait,
                         const char *goal)
{
    struct offered *o = calloc(threads, sizeof *o);
    double seconds = 3;
    if (!o) die("memory", "out of it");
    double start = now();
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    for (unsigned i = 0; i < threads; i++) {
        o[i] = (struct offered){.log = log, .rate = rate / threads, .until = start + seconds};
        o[i].room = (size_t)(rate / threads * seconds * 2) + 100;
        o[i].ms = calloc(o[i].room, sizeof *o[i].ms);
        o[i].bag = bag_new(1);
        if (!o[i].ms || pthread_create(&o[i].id, &small, wait ? offer : submit, &o[i]) != 0)
            die("thread", "none");
    }
    size_t n = 0, at = 0;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(o[i].id, NULL);
        n += o[i].n;
    }
    double took = now() - start, *all = calloc(n + 1, sizeof *all);
    if (!all) die("memory", "out of it");
    for (unsigned i = 0; i < threads; i++) {
        for (size_t k = 0; k < o[i].n; k++) all[at++] = o[i].ms[k];
        free(o[i].ms);
        bag_free(&o[i].bag);
    }
    char name[80], extra[64];
    snprintf(name, sizeof name, "threads: %.0f/s %s by %u, p99", rate,
             wait ? "appended" : "submitted", threads);
    snprintf(extra, sizeof extra, "p50 %.2f ms, done %.0f/s", quantile(all, n, 0.5),
             (double)n / took);
    line(name, quantile(all, n, 0.99), "ms", extra, (double)n / took / rate, goal);
    free(all);
    free(o);
}

static void bench_threads(void)
{
    struct tlog_log *log = fresh("threads.db");
    double p50;
    (void)commit_rate(log, 1000, 0.5, &p50);
    offered_load(log, 10000, 64, true, "");
    offered_load(log, 50000, 128, true, "");
    offered_load(log, 100000, 4, false, "p50 <= 1, p99 <= 8");
    offered_load(log, 300000, 4, false, "p99 <= 25");
    tlog_close(log);
}

/* ---- proofs ---- */

static void bench_proofs(void)
{
    struct tlog_log *log = open_big();
    struct tlog_err err = {{0}};
    struct tlog_proof *proof = calloc(1000, sizeof *proof);
    struct tlog_signed ck;
    tlog_latest(log, &ck);
    uint64_t size = ck.head.size;
    for (uint64_t i = 0; i < size; i += 256)
        check("warm", tlog_inclusion(log, i, size, &proof[0], &err), &err);
    int n = 100000;
    double t = now();
    for (int i = 0; i < n; i++)
        check("inclusion", tlog_inclusion(log, rnd() % size, size, &proof[0], &err), &err);
    double rate = n / (now() - t);
    line("proofs: inclusion, random, one core", rate, "proofs/s", "goal", rate / 140000, ">= 1");
    cost("proofs: inclusion", 1e6 / rate);
    t = now();
    for (int i = 0; i < n; i++)
        check("consistency", tlog_consistency(log, 1 + rnd() % size, size, &proof[0], &err), &err);
    rate = n / (now() - t);
    line("proofs: consistency, random, one core", rate, "proofs/s", "goal", rate / 140000, ">= 1");
    cost("proofs: consistency", 1e6 / rate);
    uint64_t index[1000];
    struct tlog_hash leaf[1000];
    size_t hashes = 0;
    for (int i = 0; i < 1000; i++) {
        index[i] = rnd() % size;
        check("inclusion", tlog_inclusion(log, index[i], size, &proof[i], &err), &err);
        check("leaf", tlog_leaf_at(log, index[i], &leaf[i], &err), &err);
        hashes += proof[i].n;
    }
    t = now();
    for (int k = 0; k < 50; k++)
        for (int i = 0; i < 1000; i++)
            check("verify", tlog_inclusion_check(index[i], &ck.head, &leaf[i], &proof[i]), NULL);
    double us = (now() - t) / 50000 * 1e6;
    if (node_ns == 0) bench_hash();
    line("proofs: verification", us, "us", "its node hashes",
         us * 1e3 / (node_ns * (double)hashes / 1000), "<= 2.5 us");
    cost("proofs: verification", us);
    free(proof);
    tlog_close(log);
}

static void bench_audit(void)
{
    struct tlog_log *log = open_big();
    struct tlog_err err = {{0}};
    if (node_ns == 0) bench_hash();
    double t = now();
    check("audit", tlog_audit(log, &err), &err);
    t = now() - t;
    /* One leaf and one node an entry, as fast as many are hashed at a time. */
    struct bag b = bag_new(256);
    static struct tlog_bytes in[256];
    static struct tlog_hash out[256];
    for (int i = 0; i < 256; i++) in[i] = b.entry[i].data;
    double f = now();
    for (uint64_t i = 0; i < made; i += 256) {
        struct tlog_frontier fr = {0};
        tlog_leaf_hashes(in, 256, out);
        for (int k = 0; k < 256; k++) check("frontier", tlog_frontier_add(&fr, &out[k]), NULL);
    }
    f = now() - f;
    line("audit: all entries, one core", t, "s", "hashing in memory", t / f, "<= 2.6");
    cost("audit: by hashing in memory", t / f);
    bag_free(&b);
    tlog_close(log);
}

/* ---- open after kill -9 ---- */

static void child_appends(void)
{
    struct tlog_log *log = open_big();
    struct bag b = bag_new(1);
    struct tlog_receipt r;
    struct tlog_signed ck;
    for (int i = 0; i < 300; i++) {
        bag_renew(&b, rnd());
        check("append", tlog_append(log, b.entry, &r, &ck, NULL), NULL);
    }
    if (write(1, "", 0) < 0) _exit(1);
    kill(getpid(), SIGKILL);
}

static void bench_open(void)
{
    double times[9];
    struct bag b = bag_new(1);
    struct tlog_receipt r;
    struct tlog_signed ck;
    for (int i = 0; i < 9; i++) {
        pid_t pid = fork();
        if (pid == 0) child_appends();
        int status;
        waitpid(pid, &status, 0);
        if (!WIFSIGNALED(status)) die("open", "the child was not killed");
        double t = now();
        struct tlog_log *log = open_big();
        bag_renew(&b, rnd());
        check("append", tlog_append(log, b.entry, &r, &ck, NULL), NULL);
        times[i] = (now() - t) * 1e3;
        tlog_close(log);
    }
    line("open: after kill -9 to a durable append", quantile(times, 9, 0.5), "ms",
         "page cache as it was", 1, entries_wanted > 2000000 ? "<= 80" : "<= 20");
    cost("open: after kill -9", quantile(times, 9, 0.5));
    bag_free(&b);
}

/* ---- all ---- */

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {{"hash", bench_hash},     {"sync", bench_sync},       {"commit", bench_commit},
             {"fill", bench_fill},     {"threads", bench_threads}, {"open", bench_open},
             {"proofs", bench_proofs}, {"audit", bench_audit},     {"grown", bench_grown},
             {"names", bench_names},   {"growth", bench_growth}};

int main(int argc, char **argv)
{
    uint8_t pub[crypto_sign_PUBLICKEYBYTES];
    uint8_t seed[crypto_sign_SEEDBYTES] = {1};
    if (argc < 3) die("usage", "tlog_bench DIR ENTRIES [PART...]");
    snprintf(dir, sizeof dir, "%s", argv[1]);
    entries_wanted = strtoull(argv[2], NULL, 10);
    snprintf(db_path, sizeof db_path, "%s/big.db", dir);
    if (sodium_init() < 0 || crypto_sign_seed_keypair(pub, secret, seed) != 0) die("sodium", "");
    check("vkey", tlog_vkey_make("example.com/bench", pub, &cfg.signer.key), NULL);
    cfg.signer.sign = sign;
    cfg.signer.ctx = secret;
    cfg.path = db_path;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bool chosen = argc == 3;
        for (int k = 3; k < argc; k++) chosen = chosen || strcmp(argv[k], parts[i].name) == 0;
        if (chosen) parts[i].run();
    }
    for (int k = 3; k < argc; k++) {
        double rate;
        unsigned threads;
        if (sscanf(argv[k], "submit:%lf:%u", &rate, &threads) != 2) continue;
        struct tlog_log *log = fresh("threads.db");
        double warm;
        (void)commit_rate(log, 1000, 0.5, &warm);
        offered_load(log, rate, threads, false, "");
        tlog_close(log);
    }
    return 0;
}
