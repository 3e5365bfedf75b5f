/* tlog_proofs.c - every proof of every pair of sizes up to 300, and random ones of
 * trees up to 2^40 leaves, against RFC 6962 section 2.1 as it is written there.
 *
 * The definitions here are recursive and hash with OpenSSL.  A large tree is
 * sparse: all leaves are equal but for a few, so that most subtrees are known by
 * their size.  Proofs come from a log in memory (up to 300) and from the plans
 * (beyond).  Each is accepted as it is, and refused with every byte changed.
 * Prints what is wrong and, last, how many proofs were compared. */
#include "tlog/tlog.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL 300
#define SPECIAL 24

static uint64_t compared, wrong, mutations;
static uint64_t state = 0x2545f4914f6cdd1du;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void bad(const char *what, uint64_t a, uint64_t b)
{
    if (wrong++ < 20) printf("%s %llu %llu\n", what, (unsigned long long)a, (unsigned long long)b);
}

static struct tlog_hash digest(const void *p, size_t n)
{
    struct tlog_hash h;
    if (EVP_Digest(p, n, h.b, NULL, EVP_sha256(), NULL) != 1) abort();
    return h;
}

static struct tlog_hash node(struct tlog_hash l, struct tlog_hash r)
{
    uint8_t in[65] = {1};
    memcpy(in + 1, l.b, 32);
    memcpy(in + 33, r.b, 32);
    return digest(in, sizeof in);
}

/* ---- the definitions; leaves are those of `tree` ---- */

struct tree {
    bool sparse;
    uint64_t special[SPECIAL];
    struct tlog_hash usual[64]; /* sparse: perfect trees of usual leaves */
    struct tlog_hash *small;    /* else: MTH of [from, to) at from * (SMALL + 1) + to */
};

static struct tlog_hash leaf_of(uint64_t i, bool usual)
{
    char text[40];
    int n =
        snprintf(text + 1, sizeof text - 1, usual ? "usual" : "leaf %llu", (unsigned long long)i);
    text[0] = 0;
    return digest(text, (size_t)n + 1);
}

static uint64_t half(uint64_t n)
{
    uint64_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
}

static bool all_usual(const struct tree *t, uint64_t from, uint64_t to)
{
    for (int i = 0; i < SPECIAL; i++)
        if (t->special[i] >= from && t->special[i] < to) return false;
    return true;
}

/* MTH(D[from:to]), from < to. */
static struct tlog_hash mth(const struct tree *t, uint64_t from, uint64_t to)
{
    uint64_t n = to - from;
    if (!t->sparse) return t->small[from * (SMALL + 1) + to];
    bool usual = all_usual(t, from, to);
    if (usual && (n & (n - 1)) == 0) return t->usual[__builtin_ctzll(n)];
    if (n == 1) return leaf_of(from, false);
    return node(mth(t, from, from + half(n)), mth(t, from + half(n), to));
}

/* PATH(m, D[from:to]) of RFC 6962 2.1.1. */
static void path(const struct tree *t, uint64_t m, uint64_t from, uint64_t to, struct tlog_proof *p)
{
    if (to - from == 1) return;
    uint64_t k = half(to - from);
    if (m < k) {
        path(t, m, from, from + k, p);
        p->h[p->n++] = mth(t, from + k, to);
    } else {
        path(t, m - k, from + k, to, p);
        p->h[p->n++] = mth(t, from, from + k);
    }
}

/* SUBPROOF(m, D[from:to], whole) of RFC 6962 2.1.2. */
static void subproof(const struct tree *t, uint64_t m, uint64_t from, uint64_t to, bool whole,
                     struct tlog_proof *p)
{
    if (m == to - from) {
        if (!whole) p->h[p->n++] = mth(t, from, to);
        return;
    }
    uint64_t k = half(to - from);
    if (m <= k) {
        subproof(t, m, from, from + k, whole, p);
        p->h[p->n++] = mth(t, from + k, to);
    } else {
        subproof(t, m - k, from + k, to, false, p);
        p->h[p->n++] = mth(t, from, from + k);
    }
}

static bool same(const struct tlog_proof *a, const struct tlog_proof *b)
{
    return a->n == b->n && memcmp(a->h, b->h, a->n * sizeof a->h[0]) == 0;
}

/* ---- what must be refused ---- */

static void mutate_inclusion(uint64_t m, struct tlog_head head, struct tlog_hash leaf,
                             struct tlog_proof p, size_t step)
{
    for (size_t i = 0; i < p.n * 32; i += step, mutations++) {
        uint8_t *b = &p.h[i / 32].b[i % 32], bit = (uint8_t)(1 << rnd() % 8);
        *b ^= bit;
        if (tlog_inclusion_check(m, &head, &leaf, &p) != TLOG_FALSE) bad("changed proof", m, i);
        *b ^= bit;
    }
    head.root.b[rnd() % 32] ^= 1;
    if (tlog_inclusion_check(m, &head, &leaf, &p) != TLOG_FALSE) bad("changed root", m, 0);
    if (p.n == 0) return;
    p.n--;
    if (tlog_inclusion_check(m, &head, &leaf, &p) != TLOG_MALFORMED) bad("short proof", m, 0);
    p.n += 2;
    if (tlog_inclusion_check(m, &head, &leaf, &p) != TLOG_MALFORMED) bad("long proof", m, 0);
}

static void mutate_consistency(struct tlog_head a, struct tlog_head b, struct tlog_proof p,
                               size_t step)
{
    for (size_t i = 0; i < p.n * 32; i += step, mutations++) {
        uint8_t *c = &p.h[i / 32].b[i % 32], bit = (uint8_t)(1 << rnd() % 8);
        *c ^= bit;
        if (tlog_consistency_check(&a, &b, &p) != TLOG_FALSE) bad("changed proof", a.size, b.size);
        *c ^= bit;
    }
    if (p.n == 0) return;
    p.n--;
    if (tlog_consistency_check(&a, &b, &p) != TLOG_MALFORMED) bad("short proof", a.size, b.size);
    p.n += 2;
    if (tlog_consistency_check(&a, &b, &p) != TLOG_MALFORMED) bad("long proof", a.size, b.size);
}

/* ---- every pair up to SMALL, from a log ---- */

static enum tlog_rc sign(void *ctx, struct tlog_bytes msg, uint8_t sig[TLOG_SIG_SIZE])
{
    return crypto_sign_detached(sig, NULL, msg.p, msg.n, ctx) == 0 ? TLOG_OK : TLOG_IO;
}

static struct tlog_log *small_log(void)
{
    static uint8_t pub[32], secret[64];
    struct tlog_config cfg = {.signer = {.sign = sign, .ctx = secret}};
    struct tlog_log *log = NULL;
    struct tlog_receipt r;
    struct tlog_signed ck;
    if (crypto_sign_keypair(pub, secret) != 0 ||
        tlog_vkey_make("example.com/proofs", pub, &cfg.signer.key) != TLOG_OK ||
        tlog_open(&cfg, &log, NULL) != TLOG_OK)
        abort();
    for (unsigned i = 0; i < SMALL; i++) {
        char text[40];
        int n = snprintf(text, sizeof text, "leaf %u", i);
        struct tlog_entry e = {.data = {(const uint8_t *)text, (size_t)n}};
        if (tlog_append(log, &e, &r, &ck, NULL) != TLOG_OK) abort();
    }
    return log;
}

static void small_tree(struct tree *t)
{
    t->small = calloc((SMALL + 1) * (SMALL + 1), sizeof *t->small);
    if (!t->small) abort();
    for (uint64_t n = 1; n <= SMALL; n++)
        for (uint64_t from = 0; from + n <= SMALL; from++)
            t->small[from * (SMALL + 1) + from + n] =
                n == 1 ? leaf_of(from, false)
                       : node(mth(t, from, from + half(n)), mth(t, from + half(n), from + n));
}

static void small_pairs(void)
{
    struct tree t = {0};
    struct tlog_log *log = small_log();
    small_tree(&t);
    for (uint64_t n = 1; n <= SMALL; n++) {
        struct tlog_head head = {n, mth(&t, 0, n)};
        for (uint64_t m = 0; m < n; m++, compared++) {
            struct tlog_proof want = {0}, got;
            struct tlog_hash leaf = mth(&t, m, m + 1);
            path(&t, m, 0, n, &want);
            if (tlog_inclusion(log, m, n, &got, NULL) != TLOG_OK || !same(&got, &want) ||
                tlog_inclusion_check(m, &head, &leaf, &got) != TLOG_OK)
                bad("inclusion", m, n);
            mutate_inclusion(m, head, leaf, want, 61);
        }
        for (uint64_t m = 1; m <= n; m++, compared++) {
            struct tlog_proof want = {0}, got;
            struct tlog_head before = {m, mth(&t, 0, m)};
            subproof(&t, m, 0, n, true, &want);
            if (tlog_consistency(log, m, n, &got, NULL) != TLOG_OK || !same(&got, &want) ||
                tlog_consistency_check(&before, &head, &got) != TLOG_OK)
                bad("consistency", m, n);
            if (m < n) mutate_consistency(before, head, want, 61);
        }
    }
    tlog_close(log);
    free(t.small);
}

/* ---- random pairs up to 2^40 ---- */

static void read_plan(const struct tree *t, const struct tlog_plan *plan, struct tlog_hash *out)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct tlog_node *k = &plan->node[i];
        out[i] = mth(t, k->index << k->level, (k->index + 1) << k->level);
    }
}

static void sparse_pairs(int rounds)
{
    struct tree t = {.sparse = true};
    t.usual[0] = leaf_of(0, true);
    for (int i = 1; i < 64; i++) t.usual[i] = node(t.usual[i - 1], t.usual[i - 1]);
    for (int k = 0; k < rounds; k++) {
        uint64_t n = 2 + rnd() % ((1ull << (1 + rnd() % 40)) - 1), m = rnd() % n;
        for (int i = 0; i < SPECIAL; i++) t.special[i] = i % 2 ? rnd() % n : (m + (uint64_t)i) % n;
        struct tlog_plan plan;
        struct tlog_hash read[TLOG_PLAN_MAX], leaf = mth(&t, m, m + 1);
        struct tlog_head head = {n, mth(&t, 0, n)};
        struct tlog_proof want = {0}, got;
        path(&t, m, 0, n, &want);
        if (tlog_inclusion_plan(m, n, &plan) != TLOG_OK) abort();
        read_plan(&t, &plan, read);
        tlog_plan_proof(&plan, read, &got);
        if (!same(&got, &want) || tlog_inclusion_check(m, &head, &leaf, &got) != TLOG_OK)
            bad("sparse inclusion", m, n);
        mutate_inclusion(m, head, leaf, want, 7);
        struct tlog_head before = {m + 1, mth(&t, 0, m + 1)};
        want.n = 0;
        subproof(&t, m + 1, 0, n, true, &want);
        if (tlog_consistency_plan(m + 1, n, &plan) != TLOG_OK) abort();
        read_plan(&t, &plan, read);
        tlog_plan_proof(&plan, read, &got);
        if (!same(&got, &want) || tlog_consistency_check(&before, &head, &got) != TLOG_OK)
            bad("sparse consistency", m + 1, n);
        if (m + 1 < n) mutate_consistency(before, head, want, 7);
        compared += 2;
    }
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0) return 1;
    small_pairs();
    sparse_pairs(argc > 1 ? atoi(argv[1]) : 300);
    printf("%llu proofs, %llu wrong, %llu changed\n", (unsigned long long)compared,
           (unsigned long long)wrong, (unsigned long long)mutations);
    return wrong > 0;
}
