/* fork.c - two signed checkpoints that no single log can have, as a file.
 *
 * Of two sizes, the proof is the larger tree's own: it leads from another root
 * of the smaller size, the prefix, to the larger checkpoint's root.  A tree has
 * one prefix of each size, so the smaller checkpoint is of another tree.  A proof
 * that merely fails would show nothing: anybody can write one. */
#include "tlog/note.h"

#include <inttypes.h>

static const char header[] = "tlog-fork@v1";

/* ---- what a consistency proof computes (RFC 9162 section 2.1.4.2) ---- */

struct climb {
    uint64_t fn, sn;
    struct tlog_hash fr, sr;
};

static bool step(struct climb *c, const struct tlog_hash *h)
{
    if (c->sn == 0) return false;
    if ((c->fn & 1) || c->fn == c->sn) {
        tlog_node_hash(h, &c->fr, &c->fr);
        tlog_node_hash(h, &c->sr, &c->sr);
        while (!(c->fn & 1) && c->fn != 0) {
            c->fn >>= 1;
            c->sn >>= 1;
        }
    } else {
        tlog_node_hash(&c->sr, h, &c->sr);
    }
    c->fn >>= 1;
    c->sn >>= 1;
    return true;
}

enum tlog_rc tlog_consistency_prefix(uint64_t earlier, const struct tlog_head *later,
                                     const struct tlog_proof *proof, struct tlog_hash *prefix)
{
    if (earlier == 0 || earlier >= later->size || (earlier & (earlier - 1)) == 0) return TLOG_RANGE;
    if (proof->n == 0) return TLOG_MALFORMED;
    struct climb c = {earlier - 1, later->size - 1, proof->h[0], proof->h[0]};
    while (c.fn & 1) {
        c.fn >>= 1;
        c.sn >>= 1;
    }
    for (size_t i = 1; i < proof->n; i++)
        if (!step(&c, &proof->h[i])) return TLOG_MALFORMED;
    if (c.sn != 0) return TLOG_MALFORMED;
    if (!tlog_hash_equal(&c.sr, &later->root)) return TLOG_FALSE;
    *prefix = c.fr;
    return TLOG_OK;
}

/* ---- the file ---- */

static enum tlog_rc read_note(struct tlog_bytes note, struct tlog_checkpoint *out)
{
    struct tlog_note n;
    TLOG_TRY(tlog_note_parse(note, &n));
    return tlog_checkpoint_parse(n.text, out);
}

static enum tlog_rc read_both(const struct tlog_fork *f, struct tlog_checkpoint *a,
                              struct tlog_checkpoint *b)
{
    TLOG_TRY(read_note(f->first, a));
    TLOG_TRY(read_note(f->second, b));
    return a->head.size <= b->head.size ? TLOG_OK : TLOG_MALFORMED;
}

static void put_note(struct qr_buf *b, const char *word, struct tlog_bytes note)
{
    qr_buf_printf(b, "%s %zu\n", word, note.n);
    qr_buf_put_bytes(b, as_qr(note));
}

static void put_hash(struct qr_buf *b, const char *word, const struct tlog_hash *h)
{
    qr_buf_printf(b, "%s ", word);
    qr_buf_put_base64(b, QR_BYTES_OF(h->b));
    qr_buf_put_u8(b, '\n');
}

enum tlog_rc tlog_fork_write(const struct tlog_fork *in, struct tlog_out *out)
{
    struct tlog_checkpoint a, c;
    struct qr_buf b;
    TLOG_TRY(read_both(in, &a, &c));
    if (in->proof.n > TLOG_PROOF_MAX) return TLOG_MALFORMED;
    qr_buf_init(&b, TLOG_FORK_FILE_MAX);
    qr_buf_printf(&b, "%s\n", header);
    if (in->shown) put_hash(&b, "prefix", &in->prefix);
    for (size_t i = 0; in->shown && i < in->proof.n; i++) put_hash(&b, "proof", &in->proof.h[i]);
    put_note(&b, "first", in->first);
    put_note(&b, "second", in->second);
    enum tlog_rc rc = note_give(&b, out);
    qr_buf_fini(&b);
    return rc;
}

/* What follows the word and a blank in a line, or false. */
static bool after(struct qr_bytes line, const char *word, struct qr_bytes *out)
{
    struct qr_bytes w = qr_str(word);
    if (line.n <= w.n || line.p[w.n] != ' ' || !qr_bytes_equal(QR_BYTES(line.p, w.n), w))
        return false;
    *out = QR_BYTES(line.p + w.n + 1, line.n - w.n - 1);
    return true;
}

static bool take_hash(struct qr_bytes line, const char *word, struct tlog_hash *out)
{
    struct qr_bytes value;
    return after(line, word, &value) && qr_unbase64_n(value, out->b, TLOG_HASH_SIZE) == QR_OK;
}

/* The note whose length is on this line. */
static bool take_note(struct qr_bytes line, const char *word, struct qr_bytes *rest,
                      struct tlog_bytes *out)
{
    struct qr_bytes value;
    uint64_t n;
    if (!after(line, word, &value) || qr_parse_u64(value, TLOG_NOTE_MAX, &n) != QR_OK ||
        n > rest->n)
        return false;
    *out = (struct tlog_bytes){rest->p, (size_t)n};
    *rest = QR_BYTES(rest->p + n, rest->n - n);
    return true;
}

enum tlog_rc tlog_fork_parse(struct tlog_bytes file, struct tlog_fork *out, struct tlog_err *err)
{
    struct tlog_fork f = {.shown = false};
    struct tlog_checkpoint a, b;
    struct qr_bytes line = QR_BYTES_NONE, rest = as_qr(file);
    if (file.n > TLOG_FORK_FILE_MAX)
        return fail_with(err, TLOG_RANGE, "more than %d bytes", TLOG_FORK_FILE_MAX);
    if (!note_next_line(&rest, &line) || !qr_bytes_is(line, header))
        return fail_with(err, TLOG_MALFORMED, "the first line is not %s", header);
    bool more = note_next_line(&rest, &line);
    if (more && take_hash(line, "prefix", &f.prefix)) {
        f.shown = true;
        more = note_next_line(&rest, &line);
    }
    while (more && f.shown && f.proof.n < TLOG_PROOF_MAX &&
           take_hash(line, "proof", &f.proof.h[f.proof.n])) {
        f.proof.n++;
        more = note_next_line(&rest, &line);
    }
    if (!more || !take_note(line, "first", &rest, &f.first) || !note_next_line(&rest, &line) ||
        !take_note(line, "second", &rest, &f.second) || rest.n != 0 ||
        read_both(&f, &a, &b) != TLOG_OK)
        return fail_with(err, TLOG_MALFORMED, "not two signed checkpoints, the smaller one first");
    *out = f;
    return TLOG_OK;
}

/* ---- the verdict ---- */

static enum tlog_rc shows(const struct tlog_fork *f, const struct tlog_head *a,
                          const struct tlog_head *b, struct tlog_err *err)
{
    if (a->size == b->size)
        return tlog_hash_equal(&a->root, &b->root)
                   ? fail_with(err, TLOG_FALSE, "both checkpoints are of the same tree")
                   : TLOG_OK;
    if (!f->shown) return fail_with(err, TLOG_FALSE, "the file has no proof that the trees differ");
    if (tlog_hash_equal(&f->prefix, &a->root))
        return fail_with(err, TLOG_FALSE, "the proof is that both are of one tree");
    struct tlog_head prefix = {a->size, f->prefix};
    if (a->size == 0 || tlog_consistency_check(&prefix, b, &f->proof) != TLOG_OK)
        return fail_with(err, TLOG_FALSE, "the proof does not lead to the larger tree");
    return TLOG_OK;
}

enum tlog_rc tlog_fork_check(const struct tlog_fork *in, const struct tlog_trust trust[2],
                             struct tlog_head heads[2], struct tlog_err *err)
{
    struct tlog_checkpoint cp[2];
    const struct tlog_bytes note[2] = {in->first, in->second};
    TLOG_TRY(read_both(in, &cp[0], &cp[1]));
    for (size_t i = 0; i < 2; i++) {
        enum tlog_rc rc = tlog_checkpoint_open(note[i], &trust[i], &cp[i]);
        if (rc != TLOG_OK)
            return fail_with(
                err, rc, "the checkpoint of size %" PRIu64 " is not signed by a known key of %.80s",
                cp[i].head.size, trust[i].origin);
        heads[i] = cp[i].head;
    }
    return shows(in, &heads[0], &heads[1], err);
}

enum tlog_rc tlog_fork_find(const struct tlog_source *from, struct tlog_fork *fork,
                            struct tlog_err *err)
{
    struct tlog_checkpoint a, b;
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    fork->shown = false;
    TLOG_TRY(read_both(fork, &a, &b));
    if (a.head.size == b.head.size) return shows(fork, &a.head, &b.head, err);
    tlog_root_plan(a.head.size, &plan);
    TLOG_TRY(tlog_source_plan(from, b.head.size, &plan, read, err));
    tlog_plan_root(&plan, read, &fork->prefix);
    TLOG_TRY(tlog_consistency_plan(a.head.size, b.head.size, &plan));
    TLOG_TRY(tlog_source_plan(from, b.head.size, &plan, read, err));
    tlog_plan_proof(&plan, read, &fork->proof);
    fork->shown = true;
    enum tlog_rc rc = shows(fork, &a.head, &b.head, err);
    if (rc != TLOG_OK) fork->shown = false;
    return rc;
}
