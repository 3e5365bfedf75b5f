/* tree.c - RFC 6962 hashing and the frontier.
 *
 * SHA-256 comes from OpenSSL with an EVP_MD fetched once and one EVP_MD_CTX per
 * thread: looking the algorithm up in every call, as the one-shot functions do,
 * costs three times the hash.
 *
 * The frontier is a binary counter whose bits are perfect subtrees: adding a
 * leaf carries, merging equal subtrees from the right. */
#include "tlog/fail.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>

_Static_assert(sizeof(struct tlog_hash) == TLOG_HASH_SIZE, "no padding");

/* Caches, not state: the algorithm and each thread's reusable context. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static EVP_MD *sha256;

static void free_context(void *ctx) { EVP_MD_CTX_free(ctx); }

static void start(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    if (!sha256) qr_fatal("OpenSSL has no SHA-256");
    if (pthread_key_create(&context_key, free_context) != 0) qr_fatal("no thread-specific data");
}

static EVP_MD_CTX *context(void)
{
    (void)pthread_once(&once, start);
    EVP_MD_CTX *ctx = pthread_getspecific(context_key);
    if (!ctx) {
        ctx = EVP_MD_CTX_new();
        if (!ctx || pthread_setspecific(context_key, ctx) != 0) qr_fatal("no memory for hashing");
    }
    if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1) qr_fatal("SHA-256 does not start");
    return ctx;
}

static void add(EVP_MD_CTX *ctx, const void *p, size_t n)
{
    if (n > 0 && EVP_DigestUpdate(ctx, p, n) != 1) qr_fatal("SHA-256 failed");
}

static void finish(EVP_MD_CTX *ctx, struct tlog_hash *out)
{
    if (EVP_DigestFinal_ex(ctx, out->b, NULL) != 1) qr_fatal("SHA-256 failed");
}

bool tlog_hash_equal(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return qr_equal_ct(a->b, b->b, sizeof a->b);
}

/* RFC 6962 2.1: MTH({d(0)}) = SHA-256(0x00 || d(0)). */
void tlog_leaf_hash(struct tlog_bytes entry, struct tlog_hash *out)
{
    EVP_MD_CTX *ctx = context();
    add(ctx, "\0", 1);
    add(ctx, entry.p, entry.n);
    finish(ctx, out);
}

/* RFC 6962 2.1: SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])). */
void tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *out)
{
    uint8_t in[1 + 2 * TLOG_HASH_SIZE] = {1};
    qr_copy(in + 1, left->b, TLOG_HASH_SIZE);
    qr_copy(in + 1 + TLOG_HASH_SIZE, right->b, TLOG_HASH_SIZE);
    EVP_MD_CTX *ctx = context();
    add(ctx, in, sizeof in);
    finish(ctx, out);
}

/* RFC 6962 2.1: MTH({}) = SHA-256(). */
void tlog_empty_root(struct tlog_hash *out) { finish(context(), out); }

enum tlog_rc tlog_frontier_add(struct tlog_frontier *f, const struct tlog_hash *leaf)
{
    if (f->size == UINT64_MAX) return TLOG_RANGE;
    struct tlog_hash h = *leaf;
    unsigned k = 0;
    for (; f->size >> k & 1; k++) tlog_node_hash(&f->peak[k], &h, &h);
    f->peak[k] = h;
    f->size++;
    return TLOG_OK;
}

void tlog_frontier_head(const struct tlog_frontier *f, struct tlog_head *out)
{
    out->size = f->size;
    if (f->size == 0) {
        tlog_empty_root(&out->root);
        return;
    }
    unsigned k = 0;
    while (!(f->size >> k & 1)) k++;
    out->root = f->peak[k];
    for (k++; k < 64; k++)
        if (f->size >> k & 1) tlog_node_hash(&f->peak[k], &out->root, &out->root);
}
