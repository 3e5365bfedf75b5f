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
