/* tree.c - RFC 6962 hashing and the frontier.
 *
 * The frontier is a binary counter whose bits are perfect subtrees: adding a
 * leaf carries, merging equal subtrees from the right. */
#include "tlog/sha.h"

_Static_assert(sizeof(struct tlog_hash) == TLOG_HASH_SIZE, "no padding");

bool tlog_hash_equal(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return qr_equal_ct(a->b, b->b, sizeof a->b);
}

/* RFC 6962 2.1: MTH({d(0)}) = SHA-256(0x00 || d(0)). */
void tlog_leaf_hash(struct tlog_bytes entry, struct tlog_hash *out)
{
    sha_engine()->leaves(&entry, 1, out);
}

void tlog_leaf_hashes(const struct tlog_bytes *entries, size_t n, struct tlog_hash *out)
{
    sha_engine()->leaves(entries, n, out);
}

/* RFC 6962 2.1: SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])). */
void tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *out)
{
    sha_engine()->node(left, right, out);
}

/* RFC 6962 2.1: MTH({}) = SHA-256(). */
void tlog_empty_root(struct tlog_hash *out)
{
    static const struct tlog_hash empty = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                            0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                            0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                            0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};
    *out = empty;
}

/* Adds a perfect subtree of 2^level leaves to a tree whose size is a multiple of
 * that; takes h over. */
static void add_subtree(struct tlog_frontier *f, unsigned level, struct tlog_hash *h)
{
    unsigned k = level;
    for (; f->size >> k & 1; k++) tlog_node_hash(&f->peak[k], h, h);
    f->peak[k] = *h;
    f->size += (uint64_t)1 << level;
}

enum tlog_rc tlog_frontier_add(struct tlog_frontier *f, const struct tlog_hash *leaf)
{
    if (f->size == UINT64_MAX) return TLOG_RANGE;
    struct tlog_hash h = *leaf;
    add_subtree(f, 0, &h);
    return TLOG_OK;
}

#define FOLD_LEVEL 8

/* Root of 2^level leaves. */
static struct tlog_hash fold(const struct tlog_hash *leaves, unsigned level)
{
    struct tlog_hash h[1u << (FOLD_LEVEL - 1)];
    if (level == 0) return leaves[0];
    size_t n = (size_t)1 << (level - 1);
    sha_engine()->nodes(leaves, n, h);
    for (n /= 2; n > 0; n /= 2) sha_engine()->nodes(h, n, h);
    return h[0];
}

/* In the largest perfect subtrees that begin where the tree ends. */
enum tlog_rc tlog_frontier_add_all(struct tlog_frontier *f, const struct tlog_hash *leaves,
                                   size_t n)
{
    if (n > UINT64_MAX - f->size) return TLOG_RANGE;
    while (n > 0) {
        unsigned level = 0;
        while (level < FOLD_LEVEL && !(f->size >> level & 1) && n >> level > 1) level++;
        struct tlog_hash h = fold(leaves, level);
        add_subtree(f, level, &h);
        leaves += (size_t)1 << level;
        n -= (size_t)1 << level;
    }
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
