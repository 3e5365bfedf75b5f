/* proof_file.c - C2SP tlog-proof: a leaf's proof with its checkpoint, as text. */
#include "tlog/note.h"

#include <inttypes.h>

static const char header[] = "c2sp.org/tlog-proof@v1";

/* What follows the word and a space, or false. */
static bool after(struct qr_bytes line, const char *word, struct qr_bytes *out)
{
    struct qr_bytes w = qr_str(word);
    if (line.n < w.n + 1 || line.p[w.n] != ' ' || !qr_bytes_equal(QR_BYTES(line.p, w.n), w))
        return false;
    *out = QR_BYTES(line.p + w.n + 1, line.n - w.n - 1);
    return true;
}

static enum tlog_rc extra_ok(struct qr_bytes base64)
{
    struct qr_buf b;
    qr_buf_init(&b, TLOG_PROOF_EXTRA_MAX);
    enum qr_rc rc = qr_unbase64(base64, &b);
    if (rc == QR_OK && b.n == 0) rc = QR_MALFORMED;
    qr_buf_fini(&b);
    return rc == QR_OK ? TLOG_OK : rc == QR_NOMEM ? TLOG_RANGE : TLOG_MALFORMED;
}

static enum tlog_rc checkpoint_ok(struct tlog_bytes note)
{
    struct tlog_note n;
    struct tlog_checkpoint cp;
    TLOG_TRY(tlog_note_parse(note, &n));
    return tlog_checkpoint_parse(n.text, &cp);
}

/* The lines before the hashes; *rest is what follows. */
static enum tlog_rc parse_head(struct qr_bytes *rest, struct tlog_proof_file *out,
                               struct tlog_err *err)
{
    struct qr_bytes line = QR_BYTES_NONE, value;
    if (!note_next_line(rest, &line) || !qr_bytes_is(line, header))
        return fail_with(err, TLOG_MALFORMED, "the first line is not %s", header);
    bool more = note_next_line(rest, &line);
    if (more && after(line, "extra", &value)) {
        enum tlog_rc rc = extra_ok(value);
        if (rc != TLOG_OK)
            return fail_with(err, rc, "the extra line is not base64 of 1 to 65536 bytes");
        out->extra = as_tlog(value);
        more = note_next_line(rest, &line);
    }
    if (!more || !after(line, "index", &value) ||
        qr_parse_u64(value, UINT64_MAX, &out->index) != QR_OK)
        return fail_with(err, TLOG_MALFORMED, "the index line is missing or wrong");
    return TLOG_OK;
}

enum tlog_rc tlog_proof_file_parse(struct tlog_bytes file, struct tlog_proof_file *out,
                                   struct tlog_err *err)
{
    struct tlog_proof_file f = {.index = 0};
    struct qr_bytes line, rest = as_qr(file);
    if (file.n > TLOG_PROOF_FILE_MAX)
        return fail_with(err, TLOG_RANGE, "more than %d bytes", TLOG_PROOF_FILE_MAX);
    TLOG_TRY(parse_head(&rest, &f, err));
    for (;;) {
        if (!note_next_line(&rest, &line))
            return fail_with(err, TLOG_MALFORMED, "no empty line before the checkpoint");
        if (line.n == 0) break;
        if (f.proof.n == TLOG_PROOF_MAX)
            return fail_with(err, TLOG_RANGE, "more than %d hashes", TLOG_PROOF_MAX);
        if (qr_unbase64_n(line, f.proof.h[f.proof.n].b, TLOG_HASH_SIZE) != QR_OK)
            return fail_with(err, TLOG_MALFORMED, "hash %zu of the proof is not base64 of 32 bytes",
                             f.proof.n + 1);
        f.proof.n++;
    }
    f.checkpoint = as_tlog(rest);
    enum tlog_rc rc = checkpoint_ok(f.checkpoint);
    if (rc != TLOG_OK)
        return fail_with(err, rc, "what follows the proof is not a signed checkpoint");
    *out = f;
    return TLOG_OK;
}

enum tlog_rc tlog_proof_file_write(const struct tlog_proof_file *in, struct tlog_out *out)
{
    if (in->proof.n > TLOG_PROOF_MAX) return TLOG_MALFORMED;
    if (in->extra.n > 0 && extra_ok(as_qr(in->extra)) != TLOG_OK) return TLOG_MALFORMED;
    if (checkpoint_ok(in->checkpoint) != TLOG_OK) return TLOG_MALFORMED;
    struct qr_buf b;
    qr_buf_init(&b, TLOG_PROOF_FILE_MAX);
    qr_buf_printf(&b, "%s\n", header);
    if (in->extra.n > 0) {
        qr_buf_put_str(&b, "extra ");
        qr_buf_put_bytes(&b, as_qr(in->extra));
        qr_buf_put_u8(&b, '\n');
    }
    qr_buf_printf(&b, "index %" PRIu64 "\n", in->index);
    for (size_t i = 0; i < in->proof.n; i++) {
        qr_buf_put_base64(&b, QR_BYTES_OF(in->proof.h[i].b));
        qr_buf_put_u8(&b, '\n');
    }
    qr_buf_put_u8(&b, '\n');
    qr_buf_put_bytes(&b, as_qr(in->checkpoint));
    enum tlog_rc rc = note_give(&b, out);
    qr_buf_fini(&b);
    return rc;
}

/* The inclusion proof comes first: it costs least. */
enum tlog_rc tlog_proof_file_check(const struct tlog_proof_file *in,
                                   const struct tlog_policy *policy, const struct tlog_hash *leaf,
                                   struct tlog_judgement *out, struct tlog_err *err)
{
    struct tlog_note note;
    struct tlog_checkpoint cp;
    struct tlog_judgement j;
    TLOG_TRY(tlog_note_parse(in->checkpoint, &note));
    TLOG_TRY(tlog_checkpoint_parse(note.text, &cp));
    if (in->index >= cp.head.size)
        return fail_with(err, TLOG_FALSE, "a tree of %" PRIu64 " leaves has no index %" PRIu64,
                         cp.head.size, in->index);
    enum tlog_rc rc = tlog_inclusion_check(in->index, &cp.head, leaf, &in->proof);
    if (rc == TLOG_MALFORMED)
        return fail_with(err, TLOG_FALSE, "a proof of %zu hashes cannot be for this index and size",
                         in->proof.n);
    if (rc != TLOG_OK)
        return fail_with(err, rc, "the proof does not lead from the leaf to the checkpoint's root");
    return tlog_policy_check(policy, in->checkpoint, out ? out : &j, err);
}
