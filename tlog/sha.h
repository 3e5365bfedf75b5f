/* sha.h - SHA-256 as a Merkle tree needs it: many short messages.
 *
 * Which code runs is decided once, by what the CPU has: its SHA instructions
 * with two messages at a time, else OpenSSL.  Both give the same bytes.  Any
 * thread; inside tlog/ only. */
#ifndef TLOG_SHA_H
#define TLOG_SHA_H

#include "tlog/fail.h"

struct sha_engine {
    const char *name;
    /* SHA-256(0x00 || entry[i]) for each of n. */
    void (*leaves)(const struct tlog_bytes *entry, size_t n, struct tlog_hash *out);
    /* SHA-256(0x01 || left || right).  out may be either. */
    void (*node)(const struct tlog_hash *left, const struct tlog_hash *right,
                 struct tlog_hash *out);
    /* out[i] = SHA-256(0x01 || in[2i] || in[2i + 1]) for each of n.  out may be
     * in. */
    void (*nodes)(const struct tlog_hash *in, size_t n, struct tlog_hash *out);
};

/* What is used here. */
const struct sha_engine *sha_engine(void);
/* With OpenSSL, always there. */
const struct sha_engine *sha_openssl(void);
/* With the CPU's SHA instructions; NULL where it has none. */
const struct sha_engine *sha_ni(void);

#endif
