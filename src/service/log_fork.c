/* log_fork.c - the proof comes from the log that forked: the tree that it shows
 * now is consistent with itself, and so its proofs tell its own beginning. */
#include "service/log_fork.h"

#include "base/file.h"
#include "tlog/qr.h"

#include <stdlib.h>

static struct tlog_head as_tlog(const struct leaf_checkpoint *c)
{
    struct tlog_head h = {.size = c->size};
    qr_copy(h.root.b, c->root.b, TLOG_HASH_SIZE);
    return h;
}

/* The root of the first `at` leaves, a power of two, by the proof from one leaf
 * more: there it stands behind the proof that leaf `at` is the first of the leaves
 * from there to the next power of two (RFC 6962 section 2.1.2). */
static bool from_next(struct log_client *c, uint64_t at, const struct leaf_checkpoint *later,
                      struct tlog_hash *prefix)
{
    struct tlog_proof proof;
    struct leaf_checkpoint next = {.size = at + 1};
    if (at == 1 || next.size >= later->size) return false; /* no proof has it */
    /* No root is known: what counts is the proof, not that it fails. */
    if (log_client_consistency(c, &next, later, &proof, NULL) == QR_OK) return false;
    uint64_t rest = (later->size < 2 * at ? later->size : 2 * at) - at;
    size_t i = 1;
    for (uint64_t span = 1; span < rest; span *= 2) i++;
    if (i >= proof.n) return false;
    *prefix = proof.h[i];
    return true;
}

/* Another beginning of the larger tree, and the proof from there. */
static bool find(struct log_client *c, const struct leaf_checkpoint *a,
                 const struct leaf_checkpoint *b, struct tlog_fork *f)
{
    struct tlog_head later = as_tlog(b), earlier = as_tlog(a);
    if (a->size == 0) return false;
    if (log_client_consistency(c, a, b, &f->proof, NULL) == QR_OK) return false;
    bool power = (a->size & (a->size - 1)) == 0;
    if (power ? !from_next(c, a->size, b, &f->prefix)
              : tlog_consistency_prefix(a->size, &later, &f->proof, &f->prefix) != TLOG_OK)
        return false;
    if (tlog_hash_equal(&earlier.root, &f->prefix)) return false;
    earlier.root = f->prefix;
    return tlog_consistency_check(&earlier, &later, &f->proof) == TLOG_OK;
}

enum qr_rc log_fork_write(struct log_client *c, const struct log_fork *f, const char *path,
                          bool *shown, struct qr_err *err)
{
    size_t small = f->at[0]->size <= f->at[1]->size ? 0 : 1;
    const struct leaf_checkpoint *a = f->at[small], *b = f->at[1 - small];
    struct tlog_fork file = {.first = tlog_of_qr(f->note[small]),
                             .second = tlog_of_qr(f->note[1 - small])};
    struct tlog_out out = {malloc(TLOG_FORK_FILE_MAX), TLOG_FORK_FILE_MAX, 0};
    if (!out.p) qr_fatal("out of memory");
    if (a->size < b->size) file.shown = find(c, a, b, &file);
    *shown = a->size == b->size || file.shown;
    enum qr_rc rc = tlog_to_qr(tlog_fork_write(&file, &out), NULL, err);
    if (rc == QR_OK) rc = qr_file_write(path, QR_BYTES(out.p, out.n), 0600, err);
    free(out.p);
    return rc;
}
