/* checkpoint.c - C2SP tlog-checkpoint: origin, size and root as a signed note. */
#include "tlog/note.h"

#include <inttypes.h>

/* The same, of lines that are not empty. */
static bool next_line(struct qr_bytes *rest, struct qr_bytes *line)
{
    return note_next_line(rest, line) && line->n > 0;
}

/* tlog-checkpoint, Note text: at least three non-empty lines; the size has no
 * leading zeroes; extension lines MUST be non-empty. */
enum tlog_rc tlog_checkpoint_parse(struct tlog_bytes text, struct tlog_checkpoint *out)
{
    struct qr_bytes origin, size, root, line, rest = as_qr(text);
    struct tlog_head head;
    if (!next_line(&rest, &origin) || !next_line(&rest, &size) || !next_line(&rest, &root) ||
        qr_parse_u64(size, UINT64_MAX, &head.size) != QR_OK)
        return TLOG_MALFORMED;
    enum qr_rc rc = qr_unbase64_n(root, head.root.b, sizeof head.root.b);
    if (rc != QR_OK) return rc == QR_NOMEM ? TLOG_NOMEM : TLOG_MALFORMED;
    struct tlog_bytes extensions = as_tlog(rest);
    while (rest.n > 0)
        if (!next_line(&rest, &line)) return TLOG_MALFORMED;
    *out = (struct tlog_checkpoint){as_tlog(origin), head, extensions};
    return TLOG_OK;
}

enum tlog_rc tlog_checkpoint_open(struct tlog_bytes note, const struct tlog_trust *trust,
                                  struct tlog_checkpoint *out)
{
    struct tlog_note parsed;
    struct tlog_checkpoint cp;
    TLOG_TRY(tlog_note_parse(note, &parsed));
    TLOG_TRY(tlog_checkpoint_parse(parsed.text, &cp));
    if (!qr_bytes_is(as_qr(cp.origin), trust->origin)) return TLOG_FALSE;
    TLOG_TRY(tlog_note_verify(&parsed, trust->keys, trust->key_count, NULL));
    *out = cp;
    return TLOG_OK;
}

enum tlog_rc tlog_checkpoint_sign(const struct tlog_head *head, const struct tlog_signer *signer,
                                  struct tlog_out *out)
{
    struct qr_buf b;
    qr_buf_init(&b, TLOG_CHECKPOINT_MAX);
    qr_buf_printf(&b, "%s\n%" PRIu64 "\n", signer->key.name, head->size);
    qr_buf_put_base64(&b, QR_BYTES_OF(head->root.b));
    qr_buf_put_u8(&b, '\n');
    enum tlog_rc rc = TLOG_NOMEM;
    if (qr_buf_ok(&b) == QR_OK) rc = tlog_note_sign(as_tlog(qr_buf_bytes(&b)), signer, 1, out);
    qr_buf_fini(&b);
    return rc;
}
