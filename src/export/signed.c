/* signed.c - see signed.h. */
#include "export/signed.h"

#include "tlog/qr.h"

enum qr_rc export_note_signed(struct qr_bytes note, const char *origin,
                              const struct tlog_vkey *keys, size_t count, struct qr_err *err)
{
    struct tlog_checkpoint cp;
    struct tlog_trust trust = {.origin = origin, .keys = keys, .key_count = count};
    if (count > 0 && tlog_checkpoint_open(tlog_of_qr(note), &trust, &cp) == TLOG_OK) return QR_OK;
    return qr_fail(err, QR_FALSE, "no trusted key of %.80s signed a checkpoint", origin);
}

static enum qr_rc by_directory(const struct qr_buf *note, const struct trust_dir *dir,
                               struct qr_err *err)
{
    struct tlog_note parsed;
    struct tlog_checkpoint cp;
    struct tlog_vkey keys[TRUST_MAX_KEYS];
    if (tlog_note_parse(tlog_of_qr(qr_buf_bytes(note)), &parsed) != TLOG_OK ||
        tlog_checkpoint_parse(parsed.text, &cp) != TLOG_OK)
        return qr_fail(err, QR_MALFORMED, "a checkpoint cannot be read");
    size_t n = trust_log_keys(dir, cp.head.size, keys);
    return export_note_signed(qr_buf_bytes(note), dir->origin, keys, n, err);
}

enum qr_rc export_header_signed(const struct export_header *h, const struct trust_dir *dir,
                                struct qr_err *err)
{
    QR_TRY(by_directory(&h->checkpoint_end, dir, err));
    return h->checkpoint_start.n > 0 ? by_directory(&h->checkpoint_start, dir, err) : QR_OK;
}

enum qr_rc export_header_witnessed(const struct export_header *h, const struct trust_dir *dir,
                                   struct qr_err *err)
{
    struct tlog_note parsed;
    unsigned n = 0;
    if (tlog_note_parse(tlog_of_qr(qr_buf_bytes(&h->checkpoint_end)), &parsed) != TLOG_OK)
        return qr_fail(err, QR_MALFORMED, "a checkpoint cannot be read");
    QR_TRY(trust_witnesses_count(dir, &parsed, &n, NULL));
    if (n >= dir->signing.witnesses) return QR_OK;
    return qr_fail(err, QR_POLICY, "%u of %u witnesses cosigned the checkpoint", n,
                   dir->signing.witnesses);
}

enum qr_rc export_row_signed(const struct export_row *r, const struct trust_dir *dir,
                             struct qr_err *err)
{
    if (r->what != EXPORT_ENTRY) return QR_OK;
    const struct qr_pub *key = trust_author_key(dir, r->e.author, qr_str(r->e.key_id));
    if (key && leaf_author_may(r->e.author, r->e.kind) && leaf_verify(&r->e, key) == QR_OK)
        return QR_OK;
    return qr_fail(err, QR_FALSE, "row %llu: not signed by an author of its kind",
                   (unsigned long long)r->index);
}
