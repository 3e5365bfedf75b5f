/* sha_ni.c - SHA-256 with the SHA instructions of x86.
 *
 * The instructions of one message depend on each other and leave the unit idle
 * most of the time: two messages are hashed side by side.  A node's message is
 * 65 bytes, so its second block holds one byte of the right child and else only
 * padding: the whole message schedule of that block is one of 256, kept in a
 * table, and costs nothing.
 *
 * FIPS 180-4; sha256rnds2 does two rounds on (ABEF, CDGH), sha256msg1 and
 * sha256msg2 make four words of the schedule. */
#include "tlog/sha.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE_SHA WITH_SHA __attribute__((always_inline)) static inline
#define BLOCK 64
#define QUADS 16       /* groups of four rounds in a block */
#define SHORT_BLOCKS 8 /* messages up to this are padded in one piece */

struct state {
    __m128i abef, cdgh;
};

/* The schedule of a node's second block, with the round constants added. */
struct last_block {
    __m128i wk[QUADS];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct last_block last_block[256];

static const uint32_t round_constant[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

INLINE_SHA __m128i constants(int quad)
{
    return _mm_load_si128((const __m128i *)(const void *)&round_constant[4 * quad]);
}

INLINE_SHA __m128i to_words(__m128i bytes)
{
    return _mm_shuffle_epi8(bytes, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

INLINE_SHA __m128i load(const void *p, int i) { return _mm_loadu_si128((const __m128i *)p + i); }

/* The sixteen words of a block. */
INLINE_SHA void load_block(const uint8_t *p, __m128i w[4])
{
    for (int i = 0; i < 4; i++) w[i] = to_words(load(p, i));
}

INLINE_SHA struct state start_state(void)
{
    return (struct state){_mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
                          _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19)};
}

INLINE_SHA void finish(const struct state *s, struct tlog_hash *out)
{
    __m128i feba = _mm_shuffle_epi32(s->abef, 0x1b), dchg = _mm_shuffle_epi32(s->cdgh, 0xb1);
    __m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0), hgfe = _mm_alignr_epi8(dchg, feba, 8);
    _mm_storeu_si128((__m128i *)(void *)out->b, to_words(dcba));
    _mm_storeu_si128((__m128i *)(void *)(out->b + 16), to_words(hgfe));
}

/* Four rounds. */
INLINE_SHA void rounds(struct state *s, __m128i wk)
{
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

/* The next four words of the schedule; w holds the last sixteen. */
INLINE_SHA __m128i next_words(const __m128i w[4], int i)
{
    __m128i before = w[(i - 1) & 3];
    __m128i t = _mm_sha256msg1_epu32(w[i & 3], w[(i - 3) & 3]);
    t = _mm_add_epi32(t, _mm_alignr_epi8(before, w[(i - 2) & 3], 4));
    return _mm_sha256msg2_epu32(t, before);
}

INLINE_SHA void add_state(struct state *s, const struct state *to)
{
    s->abef = _mm_add_epi32(s->abef, to->abef);
    s->cdgh = _mm_add_epi32(s->cdgh, to->cdgh);
}

/* One block; w is used up. */
INLINE_SHA void compress(struct state *s, __m128i w[4])
{
    struct state a = *s;
    _Pragma("GCC unroll 16") for (int i = 0; i < QUADS; i++)
    {
        if (i >= 4) w[i & 3] = next_words(w, i);
        rounds(&a, _mm_add_epi32(w[i & 3], constants(i)));
    }
    add_state(s, &a);
}

/* One block of each of two messages. */
INLINE_SHA void compress_two(struct state s[2], __m128i v[4], __m128i w[4])
{
    struct state a = s[0], b = s[1];
    _Pragma("GCC unroll 16") for (int i = 0; i < QUADS; i++)
    {
        if (i >= 4) v[i & 3] = next_words(v, i);
        if (i >= 4) w[i & 3] = next_words(w, i);
        rounds(&a, _mm_add_epi32(v[i & 3], constants(i)));
        rounds(&b, _mm_add_epi32(w[i & 3], constants(i)));
    }
    add_state(&s[0], &a);
    add_state(&s[1], &b);
}

/* ---- nodes ---- */

WITH_SHA static void fill_table(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t p[BLOCK] = {(uint8_t)byte, 0x80};
        __m128i w[4];
        p[62] = 65 * 8 >> 8;
        p[63] = (65 * 8) & 0xff;
        load_block(p, w);
        for (int i = 0; i < QUADS; i++) {
            if (i >= 4) w[i & 3] = next_words(w, i);
            last_block[byte].wk[i] = _mm_add_epi32(w[i & 3], constants(i));
        }
    }
}

/* The first 64 bytes of 0x01 || left || right. */
INLINE_SHA void node_block(const struct tlog_hash *left, const struct tlog_hash *right,
                           __m128i w[4])
{
    __m128i x0 = load(left, 0), x1 = load(left, 1), x2 = load(right, 0), x3 = load(right, 1);
    w[0] = to_words(_mm_or_si128(_mm_slli_si128(x0, 1), _mm_cvtsi32_si128(1)));
    w[1] = to_words(_mm_alignr_epi8(x1, x0, 15));
    w[2] = to_words(_mm_alignr_epi8(x2, x1, 15));
    w[3] = to_words(_mm_alignr_epi8(x3, x2, 15));
}

INLINE_SHA const __m128i *node_rest(const struct tlog_hash *right)
{
    return last_block[right->b[TLOG_HASH_SIZE - 1]].wk;
}

WITH_SHA static void ni_node(const struct tlog_hash *left, const struct tlog_hash *right,
                             struct tlog_hash *out)
{
    __m128i w[4];
    struct state s = start_state();
    node_block(left, right, w);
    const __m128i *rest = node_rest(right);
    compress(&s, w);
    struct state a = s;
    _Pragma("GCC unroll 16") for (int i = 0; i < QUADS; i++) rounds(&a, rest[i]);
    add_state(&s, &a);
    finish(&s, out);
}

WITH_SHA static void two_nodes(const struct tlog_hash in[4], struct tlog_hash out[2])
{
    __m128i v[4], w[4];
    struct state s[2] = {start_state(), start_state()};
    node_block(in, in + 1, v);
    node_block(in + 2, in + 3, w);
    const __m128i *rest_v = node_rest(in + 1), *rest_w = node_rest(in + 3);
    compress_two(s, v, w);
    struct state a = s[0], b = s[1];
    _Pragma("GCC unroll 16") for (int i = 0; i < QUADS; i++)
    {
        rounds(&a, rest_v[i]);
        rounds(&b, rest_w[i]);
    }
    add_state(&s[0], &a);
    add_state(&s[1], &b);
    finish(&s[0], &out[0]);
    finish(&s[1], &out[1]);
}

static void ni_nodes(const struct tlog_hash *in, size_t n, struct tlog_hash *out)
{
    size_t i = 0;
    for (; i + 2 <= n; i += 2) two_nodes(in + 2 * i, out + i);
    if (i < n) ni_node(in + 2 * i, in + 2 * i + 1, out + i);
}

/* ---- leaves ---- */

/* Blocks of 0x00 || entry || padding. */
static size_t blocks_of(size_t n) { return (1 + n + 1 + 8 + BLOCK - 1) / BLOCK; }

/* Ends a message of `whole` bytes of which rest is at p: `blocks` blocks. */
static void pad(uint8_t *p, size_t rest, size_t whole, size_t blocks)
{
    p[rest] = 0x80;
    qr_zero(p + rest + 1, blocks * BLOCK - rest - 1 - 8);
    qr_set_be64(p + blocks * BLOCK - 8, (uint64_t)whole * 8);
}

WITH_SHA static void compress_all(struct state *s, const uint8_t *p, size_t blocks)
{
    __m128i w[4];
    for (size_t i = 0; i < blocks; i++) {
        load_block(p + i * BLOCK, w);
        compress(s, w);
    }
}

WITH_SHA static void one_leaf(struct tlog_bytes e, struct tlog_hash *out)
{
    uint8_t p[2 * BLOCK];
    struct state s = start_state();
    size_t blocks = blocks_of(e.n), first = e.n < BLOCK - 1 ? e.n : BLOCK - 1;
    p[0] = 0;
    qr_copy(p + 1, e.p, first);
    if (first < BLOCK - 1) {
        pad(p, 1 + e.n, 1 + e.n, blocks);
    } else {
        /* Blocks in the middle are hashed where they lie. */
        size_t middle = (e.n - first) / BLOCK, at = first + middle * BLOCK;
        compress_all(&s, p, 1);
        compress_all(&s, e.p + first, middle);
        qr_copy(p, e.p + at, e.n - at);
        blocks -= 1 + middle;
        pad(p, e.n - at, 1 + e.n, blocks);
    }
    compress_all(&s, p, blocks);
    finish(&s, out);
}

/* Two entries of equally many blocks, not more than SHORT_BLOCKS. */
WITH_SHA static void two_leaves(const struct tlog_bytes e[2], struct tlog_hash out[2])
{
    uint8_t p[2][SHORT_BLOCKS * BLOCK];
    struct state s[2] = {start_state(), start_state()};
    size_t blocks = blocks_of(e[0].n);
    for (int i = 0; i < 2; i++) {
        p[i][0] = 0;
        qr_copy(p[i] + 1, e[i].p, e[i].n);
        pad(p[i], 1 + e[i].n, 1 + e[i].n, blocks);
    }
    for (size_t i = 0; i < blocks; i++) {
        __m128i v[4], w[4];
        load_block(p[0] + i * BLOCK, v);
        load_block(p[1] + i * BLOCK, w);
        compress_two(s, v, w);
    }
    finish(&s[0], &out[0]);
    finish(&s[1], &out[1]);
}

static void ni_leaves(const struct tlog_bytes *e, size_t n, struct tlog_hash *out)
{
    size_t i = 0;
    while (i < n) {
        size_t blocks = blocks_of(e[i].n);
        if (i + 1 < n && blocks <= SHORT_BLOCKS && blocks_of(e[i + 1].n) == blocks) {
            two_leaves(e + i, out + i);
            i += 2;
        } else {
            one_leaf(e[i], out + i);
            i++;
        }
    }
}

static bool cpu_has_sha(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

static const struct sha_engine with_ni = {"sha-ni", ni_leaves, ni_node, ni_nodes};

const struct sha_engine *sha_ni(void)
{
    if (!cpu_has_sha()) return NULL;
    (void)pthread_once(&once, fill_table);
    return &with_ni;
}

#else

const struct sha_engine *sha_ni(void) { return NULL; }

#endif
