/* proof.c - frontiers and consistency proofs. */
#include "export/proof.h"

#include "tlog/qr.h"

#include <inttypes.h>

enum qr_rc export_checkpoint_read(const struct qr_buf *note, const char *origin,
                                  struct tlog_head *head, struct qr_err *err)
{
    struct tlog_note n;
    struct tlog_checkpoint cp;
    if (tlog_note_parse(tlog_of_qr(qr_buf_bytes(note)), &n) != TLOG_OK ||
        tlog_checkpoint_parse(n.text, &cp) != TLOG_OK)
        return qr_fail(err, QR_MALFORMED, "a checkpoint of the header cannot be read");
    if (!qr_bytes_is(qr_of_tlog(cp.origin), origin))
        return qr_fail(err, QR_FALSE, "a checkpoint of the header is of another log");
    *head = cp.head;
    return QR_OK;
}

static enum qr_rc read_both(struct export_proof *p, struct qr_err *err)
{
    const struct export_header *h = p->h;
    tlog_empty_root(&p->start.root);
    QR_TRY(export_checkpoint_read(&h->checkpoint_end, h->origin, &p->end, err));
    if (h->checkpoint_start.n > 0)
        QR_TRY(export_checkpoint_read(&h->checkpoint_start, h->origin, &p->start, err));
    return QR_OK;
}

enum qr_rc export_proof_init(struct export_proof *p, const struct export_header *h,
                             struct qr_err *err)
{
    *p = (struct export_proof){.h = h};
    QR_TRY(read_both(p, err));
    if (p->end.size < h->end)
        return qr_fail(err, QR_FALSE, "the checkpoint does not cover the range");
    if (tlog_consistency_check(&p->start, &p->end, &h->consistency) != TLOG_OK)
        return qr_fail(err, QR_FALSE, "the two checkpoints are not shown to be of one tree");
    struct tlog_plan plan;
    tlog_root_plan(h->start, &plan);
    if (plan.n != h->left.n)
        return qr_fail(err, QR_MALFORMED, "the range proof has another length than its range");
    p->f.size = h->start;
    for (size_t i = 0; i < plan.n; i++) p->f.peak[plan.node[i].level] = h->left.h[i];
    struct tlog_head before;
    tlog_frontier_head(&p->f, &before);
    if (p->start.size == h->start && h->checkpoint_start.n > 0 &&
        !tlog_hash_equal(&before.root, &p->start.root))
        return qr_fail(err, QR_FALSE, "the range does not begin where the checkpoint ends");
    return QR_OK;
}

void export_proof_add(struct export_proof *p, const struct qr_hash *leaf)
{
    struct tlog_hash h;
    qr_copy(h.b, leaf->b, TLOG_HASH_SIZE);
    if (tlog_frontier_add(&p->f, &h) != TLOG_OK) qr_fatal("a tree without end");
}

enum qr_rc export_proof_done(const struct export_proof *p, struct qr_err *err)
{
    struct tlog_head made;
    tlog_frontier_head(&p->f, &made);
    if (made.size == p->h->end && tlog_consistency_check(&made, &p->end, &p->h->right) == TLOG_OK)
        return QR_OK;
    return qr_fail(err, QR_FALSE,
                   "the rows are not entries %" PRIu64 " to %" PRIu64
                   " of the tree that was signed",
                   p->h->start, p->h->end);
}

/* ---- making ---- */

static enum qr_rc read_plan(const struct tlog_source *from, uint64_t size,
                            const struct tlog_plan *plan, struct tlog_hash *read,
                            struct qr_err *err)
{
    struct tlog_err terr = {{0}};
    return tlog_to_qr(tlog_source_plan(from, size, plan, read, &terr), &terr, err);
}

static enum qr_rc make_consistency(const struct tlog_source *from, uint64_t earlier, uint64_t size,
                                   struct tlog_proof *out, struct qr_err *err)
{
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    out->n = 0;
    if (earlier == 0 || earlier == size) return QR_OK;
    if (tlog_consistency_plan(earlier, size, &plan) != TLOG_OK)
        return qr_fail(err, QR_RANGE, "the log has %" PRIu64 " entries only", size);
    QR_TRY(read_plan(from, size, &plan, read, err));
    tlog_plan_proof(&plan, read, out);
    return QR_OK;
}

enum qr_rc export_proof_make(struct export_header *h, const struct tlog_source *from,
                             struct qr_err *err)
{
    struct export_proof p = {.h = h};
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    QR_TRY(read_both(&p, err));
    if (h->end > p.end.size)
        return qr_fail(err, QR_RANGE, "the log has %" PRIu64 " entries only", p.end.size);
    tlog_root_plan(h->start, &plan);
    if (plan.n > 0) QR_TRY(read_plan(from, p.end.size, &plan, read, err));
    h->left.n = plan.n;
    for (size_t i = 0; i < plan.n; i++) h->left.h[i] = read[i];
    QR_TRY(make_consistency(from, h->end, p.end.size, &h->right, err));
    return make_consistency(from, p.start.size, p.end.size, &h->consistency, err);
}
