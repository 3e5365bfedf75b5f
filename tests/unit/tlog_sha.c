/* tlog_sha.c - every way that libtlog can hash gives what OpenSSL's EVP gives.
 *
 * Prints which ways there are, then one line per difference; exit code 1 when
 * there was one.  Messages are pseudo-random: all lengths to 1200 bytes, pairs of
 * any lengths, and nodes whose last byte takes every value. */
#include "tlog/sha.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX 1300

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)next();
}

static bool is(uint8_t prefix, const void *p, size_t n, const struct tlog_hash *h)
{
    uint8_t in[1 + MAX], out[32];
    in[0] = prefix;
    qr_copy(in + 1, p, n);
    return EVP_Digest(in, 1 + n, out, NULL, EVP_sha256(), NULL) == 1 &&
           qr_equal_ct(out, h->b, sizeof out);
}

static int check_leaves(const struct sha_engine *e)
{
    static uint8_t bytes[8 + MAX + 8][MAX];
    static struct tlog_bytes in[MAX];
    static struct tlog_hash out[MAX];
    int bad = 0;
    for (int mixed = 0; mixed < 2; mixed++) {
        for (size_t i = 0; i < MAX; i++) {
            size_t n = mixed ? next() % (i % 7 ? 260 : MAX) : i;
            /* Unaligned on purpose. */
            uint8_t *p = bytes[i] + (n < MAX - 3 ? i % 3 : 0);
            fill(p, n);
            in[i] = (struct tlog_bytes){p, n};
        }
        e->leaves(in, MAX, out);
        for (size_t i = 0; i < MAX; i++) {
            if (is(0, in[i].p, in[i].n, &out[i])) continue;
            printf("%s: leaf of %zu bytes\n", e->name, in[i].n);
            bad++;
        }
        for (size_t i = 0; i < MAX; i++) {
            e->leaves(&in[i], 1, &out[0]);
            if (is(0, in[i].p, in[i].n, &out[0])) continue;
            printf("%s: single leaf of %zu bytes\n", e->name, in[i].n);
            bad++;
        }
    }
    return bad;
}

static int check_nodes(const struct sha_engine *e)
{
    static struct tlog_hash in[2 * 513], keep[2 * 513];
    int bad = 0;
    for (size_t n = 0; n <= 513; n += n < 4 ? 1 : 509) {
        fill((uint8_t *)in, sizeof in);
        for (size_t i = 0; i < 513; i++) in[2 * i + 1].b[31] = (uint8_t)i;
        for (size_t i = 0; i < 2 * 513; i++) keep[i] = in[i];
        e->nodes(in, n, in); /* in place */
        for (size_t i = 0; i < n; i++) {
            struct tlog_hash one, left = keep[2 * i];
            e->node(&left, &keep[2 * i + 1], &one);
            e->node(&left, &keep[2 * i + 1], &left); /* in place */
            if (is(1, &keep[2 * i], 64, &in[i]) && is(1, &keep[2 * i], 64, &one) &&
                is(1, &keep[2 * i], 64, &left))
                continue;
            printf("%s: node %zu of %zu\n", e->name, i, n);
            bad++;
        }
    }
    return bad;
}

int main(void)
{
    const struct sha_engine *all[] = {sha_openssl(), sha_ni()};
    int bad = 0;
    for (size_t i = 0; i < 2; i++) {
        if (!all[i]) continue;
        printf("has %s\n", all[i]->name);
        bad += check_leaves(all[i]) + check_nodes(all[i]);
    }
    printf("uses %s\n", sha_engine()->name);
    return bad > 0;
}
