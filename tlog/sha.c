/* sha.c - the choice, and SHA-256 by OpenSSL.
 *
 * OpenSSL is used with an EVP_MD fetched once and one EVP_MD_CTX per thread:
 * looking the algorithm up in every call, as the one-shot functions do, costs
 * three times the hash. */
#include "tlog/sha.h"

#include <openssl/evp.h>
#include <pthread.h>

/* Caches, not state: the algorithm, each thread's reusable context, the choice. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_once_t choice_once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static EVP_MD *sha256;
static const struct sha_engine *choice;

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

static void openssl_leaves(const struct tlog_bytes *entry, size_t n, struct tlog_hash *out)
{
    for (size_t i = 0; i < n; i++) {
        EVP_MD_CTX *ctx = context();
        add(ctx, "\0", 1);
        add(ctx, entry[i].p, entry[i].n);
        finish(ctx, &out[i]);
    }
}

static void openssl_node(const struct tlog_hash *left, const struct tlog_hash *right,
                         struct tlog_hash *out)
{
    uint8_t message[1 + 2 * TLOG_HASH_SIZE] = {1};
    qr_copy(message + 1, left->b, TLOG_HASH_SIZE);
    qr_copy(message + 1 + TLOG_HASH_SIZE, right->b, TLOG_HASH_SIZE);
    EVP_MD_CTX *ctx = context();
    add(ctx, message, sizeof message);
    finish(ctx, out);
}

static void openssl_nodes(const struct tlog_hash *in, size_t n, struct tlog_hash *out)
{
    for (size_t i = 0; i < n; i++) openssl_node(&in[2 * i], &in[2 * i + 1], &out[i]);
}

static const struct sha_engine with_openssl = {"openssl", openssl_leaves, openssl_node,
                                               openssl_nodes};

const struct sha_engine *sha_openssl(void) { return &with_openssl; }

static void choose(void) { choice = sha_ni() ? sha_ni() : sha_openssl(); }

const struct sha_engine *sha_engine(void)
{
    (void)pthread_once(&choice_once, choose);
    return choice;
}
