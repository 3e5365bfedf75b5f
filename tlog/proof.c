/* proof.c - inclusion and consistency proofs: planned, computed, checked.
 *
 * Checking walks from the leaf to the root with two counters, as in RFC 9162
 * section 2.1.3.2: fn is the position of the current node in its level, sn that
 * of the last node in the level.  The walk is over when sn is zero exactly when
 * the proof is used up; any other ending is malformed.
 *
 * Planning: let N be the node a proof starts from.  The path up from N and the
 * path up from the (missing) leaf number `size` meet at a fork.  Below the fork
 * all siblings of the path are perfect subtrees.  The fork's own sibling to the
 * right is not perfect unless the tree is: it is folded from the perfect
 * subtrees that cover [end of fork, size).  Above it, only left siblings matter,
 * and these are the perfect subtrees that cover [0, begin of fork). */
#include "tlog/fail.h"

#include <assert.h>

static unsigned bit_length(uint64_t v)
{
    unsigned n = 0;
    for (; v; v >>= 1) n++;
    return n;
}

/* RFC 9162 2.1.3.2. */
enum tlog_rc tlog_inclusion_root(uint64_t index, uint64_t size, const struct tlog_hash *leaf,
                                 const struct tlog_proof *proof, struct tlog_hash *root)
{
    if (index >= size) return TLOG_RANGE;
    if (proof->n > TLOG_PROOF_MAX) return TLOG_MALFORMED;
    uint64_t fn = index, sn = size - 1;
    struct tlog_hash r = *leaf;
    for (size_t i = 0; i < proof->n; i++) {
        if (sn == 0) return TLOG_MALFORMED;
        if ((fn & 1) || fn == sn) {
            tlog_node_hash(&proof->h[i], &r, &r);
            while (!(fn & 1) && fn != 0) fn >>= 1, sn >>= 1;
        } else {
            tlog_node_hash(&r, &proof->h[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0) return TLOG_MALFORMED;
    *root = r;
    return TLOG_OK;
}

enum tlog_rc tlog_inclusion_check(uint64_t index, const struct tlog_head *head,
                                  const struct tlog_hash *leaf, const struct tlog_proof *proof)
{
    struct tlog_hash root;
    TLOG_TRY(tlog_inclusion_root(index, head->size, leaf, proof, &root));
    return tlog_hash_equal(&root, &head->root) ? TLOG_OK : TLOG_FALSE;
}

/* The sizes for which RFC 9162 sends no proof. */
static enum tlog_rc check_trivial(const struct tlog_head *earlier, const struct tlog_head *later,
                                  const struct tlog_proof *proof)
{
    if (proof->n != 0) return TLOG_MALFORMED;
    if (earlier->size == later->size)
        return tlog_hash_equal(&earlier->root, &later->root) ? TLOG_OK : TLOG_FALSE;
    struct tlog_hash empty;
    tlog_empty_root(&empty);
    return tlog_hash_equal(&earlier->root, &empty) ? TLOG_OK : TLOG_FALSE;
}

/* RFC 9162 2.1.4.2. */
enum tlog_rc tlog_consistency_check(const struct tlog_head *earlier, const struct tlog_head *later,
                                    const struct tlog_proof *proof)
{
    if (earlier->size > later->size) return TLOG_RANGE;
    if (proof->n > TLOG_PROOF_MAX) return TLOG_MALFORMED;
    if (earlier->size == later->size || earlier->size == 0)
        return check_trivial(earlier, later, proof);
    uint64_t fn = earlier->size - 1, sn = later->size - 1;
    while (fn & 1) fn >>= 1, sn >>= 1;
    size_t i = 0;
    struct tlog_hash fr = earlier->root; /* when earlier is a power of two */
    if (fn != 0) {
        if (proof->n == 0) return TLOG_MALFORMED;
        fr = proof->h[i++];
    }
    struct tlog_hash sr = fr;
    for (; i < proof->n; i++) {
        if (sn == 0) return TLOG_MALFORMED;
        if ((fn & 1) || fn == sn) {
            tlog_node_hash(&proof->h[i], &fr, &fr);
            tlog_node_hash(&proof->h[i], &sr, &sr);
            while (!(fn & 1) && fn != 0) fn >>= 1, sn >>= 1;
        } else {
            tlog_node_hash(&sr, &proof->h[i], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0) return TLOG_MALFORMED;
    return tlog_hash_equal(&fr, &earlier->root) && tlog_hash_equal(&sr, &later->root) ? TLOG_OK
                                                                                      : TLOG_FALSE;
}

static void plan_node(struct tlog_plan *plan, unsigned level, uint64_t index)
{
    assert(plan->n < TLOG_PLAN_MAX);
    plan->node[plan->n++] = (struct tlog_node){.index = index, .level = level};
}

/* The perfect subtrees that cover [begin, end), from the right to the left.
 * begin is the start of a subtree that would hold all of it. */
static void plan_cover(struct tlog_plan *plan, uint64_t begin, uint64_t end)
{
    while (end > begin) {
        unsigned level = 0;
        while (!(end >> level & 1)) level++;
        plan_node(plan, level, (end >> level) - 1);
        end -= (uint64_t)1 << level;
    }
}

/* Appends the plan for node (level, index) in a tree of size leaves, the node
 * itself not included. */
static void plan_path(struct tlog_plan *plan, unsigned level, uint64_t index, uint64_t size)
{
    unsigned fork = bit_length(index ^ (size >> level)) - 1;
    for (unsigned k = 0; k < fork; k++) plan_node(plan, level + k, (index >> k) ^ 1);
    uint64_t begin = index >> fork << (level + fork);
    uint64_t end = begin + ((uint64_t)1 << (level + fork));
    plan->fold_from = plan->n;
    plan_cover(plan, end, size);
    plan->fold_to = plan->n;
    plan_cover(plan, 0, begin);
}

enum tlog_rc tlog_inclusion_plan(uint64_t index, uint64_t size, struct tlog_plan *plan)
{
    if (index >= size) return TLOG_RANGE;
    plan->n = 0;
    plan_path(plan, 0, index, size);
    return TLOG_OK;
}

enum tlog_rc tlog_consistency_plan(uint64_t earlier, uint64_t later, struct tlog_plan *plan)
{
    if (earlier > later) return TLOG_RANGE;
    plan->n = plan->fold_from = plan->fold_to = 0;
    if (earlier == later || earlier == 0) return TLOG_OK;
    unsigned level = 0;
    while (!(earlier >> level & 1)) level++;
    uint64_t index = (earlier - 1) >> level;
    /* A power of two is a subtree of the later tree: its root is the proof's
     * starting point and already known. */
    if (index != 0) plan_node(plan, level, index);
    plan_path(plan, level, index, later);
    return TLOG_OK;
}

void tlog_root_plan(uint64_t size, struct tlog_plan *plan)
{
    plan->n = plan->fold_from = 0;
    plan_cover(plan, 0, size);
    plan->fold_to = plan->n;
}

/* Hash of [from, to) of what was read: right to left, each further left. */
static struct tlog_hash fold(const struct tlog_hash *read, size_t from, size_t to)
{
    struct tlog_hash h = read[from];
    for (size_t i = from + 1; i < to; i++) tlog_node_hash(&read[i], &h, &h);
    return h;
}

void tlog_plan_proof(const struct tlog_plan *plan, const struct tlog_hash *read,
                     struct tlog_proof *proof)
{
    proof->n = 0;
    for (size_t i = 0; i < plan->n; i++) {
        assert(proof->n < TLOG_PROOF_MAX);
        if (i == plan->fold_from && plan->fold_to > plan->fold_from) {
            proof->h[proof->n++] = fold(read, plan->fold_from, plan->fold_to);
            i = plan->fold_to - 1;
        } else {
            proof->h[proof->n++] = read[i];
        }
    }
}

void tlog_plan_root(const struct tlog_plan *plan, const struct tlog_hash *read,
                    struct tlog_hash *root)
{
    if (plan->n == 0)
        tlog_empty_root(root);
    else
        *root = fold(read, 0, plan->n);
}
