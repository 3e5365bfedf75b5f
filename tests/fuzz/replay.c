/* replay.c - feeds a target without a fuzzing engine: replay ROUNDS FILE...
 *
 * Every file as it is, every prefix of it, then ROUNDS mutations of it: bytes
 * flipped, removed, doubled.  The same arguments make the same inputs, and each
 * input is a block of its own, so that a sanitizer sees a read behind it. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SEED 65536

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t next(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? state % below : 0;
}

static void feed(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy) abort();
    if (n) memcpy(copy, p, n);
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static size_t mutate(uint8_t *p, size_t n)
{
    uint64_t times = 1 + next(4);
    for (uint64_t i = 0; i < times && n > 0; i++) {
        size_t at = (size_t)next(n);
        size_t len = 1 + (size_t)next(n - at < 16 ? n - at : 16);
        switch (next(4)) {
        case 0: p[at] ^= (uint8_t)(1u << next(8)); break;
        case 1: p[at] = (uint8_t)next(256); break;
        case 2:
            memmove(p + at, p + at + len, n - at - len);
            n -= len;
            break;
        default:
            if (n + len > MAX_SEED) break;
            memmove(p + at + len, p + at, n - at);
            n += len;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    static uint8_t seed[MAX_SEED];
    static uint8_t work[MAX_SEED];
    long inputs = 0;
    if (argc < 3) return 2;
    long rounds = strtol(argv[1], NULL, 10);
    for (int i = 2; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f) return 3;
        size_t n = fread(seed, 1, sizeof seed, f);
        (void)fclose(f);
        for (size_t k = 0; k <= n; k++, inputs++) feed(seed, k);
        for (long r = 0; r < rounds; r++, inputs++) {
            memcpy(work, seed, n);
            feed(work, mutate(work, n));
        }
    }
    printf("%ld inputs\n", inputs);
    return 0;
}
