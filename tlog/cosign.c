/* cosign.c - C2SP tlog-cosignature, the Ed25519 kind.
 *
 * A witness signs a header line, a time line and the checkpoint's whole text;
 * its signature line carries the time before the signature. */
#include "tlog/note.h"

#include <inttypes.h>

#define TIME_SIZE 8
#define KEY_ID_SIZE 4
#define MATERIAL (KEY_ID_SIZE + TIME_SIZE + TLOG_SIG_SIZE)

/* tlog-cosignature, Format: the timestamp MUST NOT exceed 2^63 - 1. */
#define TIME_MAX ((uint64_t)INT64_MAX)

/* tlog-cosignature, Ed25519 signed message. */
static void put_message(struct qr_buf *b, uint64_t time_s, struct tlog_bytes text)
{
    qr_buf_printf(b, "cosignature/v1\ntime %" PRIu64 "\n", time_s);
    qr_buf_put_bytes(b, as_qr(text));
}

enum tlog_rc tlog_cosign(struct tlog_bytes text, uint64_t time_s, const struct tlog_signer *witness,
                         struct tlog_out *out)
{
    uint8_t sig[TIME_SIZE + TLOG_SIG_SIZE];
    struct tlog_checkpoint cp;
    if (witness->key.type != TLOG_KEY_COSIGNER) return TLOG_STATE;
    if (time_s == 0 || time_s > TIME_MAX) return TLOG_RANGE;
    TLOG_TRY(tlog_checkpoint_parse(text, &cp));
    struct qr_buf b;
    qr_buf_init(&b, TLOG_NOTE_MAX);
    put_message(&b, time_s, text);
    qr_set_be64(sig, time_s);
    enum tlog_rc rc = qr_buf_ok(&b) == QR_OK ? TLOG_OK : TLOG_NOMEM;
    if (rc == TLOG_OK) rc = witness->sign(witness->ctx, as_tlog(qr_buf_bytes(&b)), sig + TIME_SIZE);
    qr_buf_reset(&b);
    if (rc == TLOG_OK) {
        note_put_sig(&b, &witness->key, QR_BYTES_OF(sig));
        rc = note_give(&b, out);
    }
    qr_buf_fini(&b);
    return rc;
}

static enum tlog_rc check_line(const struct tlog_note *note, const struct tlog_note_sig *sig,
                               const struct tlog_vkey *witness, uint64_t *time_s)
{
    uint8_t raw[MATERIAL];
    if (qr_unbase64_n(as_qr(sig->base64), raw, sizeof raw) != QR_OK) return TLOG_FALSE;
    *time_s = qr_get_be64(raw + KEY_ID_SIZE);
    if (*time_s > TIME_MAX) return TLOG_FALSE;
    struct qr_buf b;
    qr_buf_init(&b, TLOG_NOTE_MAX + 64);
    put_message(&b, *time_s, note->text);
    enum tlog_rc rc = qr_buf_ok(&b) == QR_OK ? TLOG_OK : TLOG_NOMEM;
    if (rc == TLOG_OK &&
        !note_ed25519_ok(raw + KEY_ID_SIZE + TIME_SIZE, qr_buf_bytes(&b), witness->pub))
        rc = TLOG_FALSE;
    qr_buf_fini(&b);
    return rc;
}

enum tlog_rc tlog_cosignature_check(const struct tlog_note *note, const struct tlog_vkey *witness,
                                    uint64_t *time_s)
{
    bool found = false;
    uint64_t last = 0;
    if (witness->type != TLOG_KEY_COSIGNER) return TLOG_STATE;
    for (size_t i = 0; i < note->sigs && i < TLOG_NOTE_SIGS_MAX; i++) {
        uint64_t t = 0;
        if (!note_sig_is_of(&note->sig[i], witness)) continue;
        TLOG_TRY(check_line(note, &note->sig[i], witness, &t));
        found = true;
        if (t > last) last = t;
    }
    if (found && time_s) *time_s = last;
    return found ? TLOG_OK : TLOG_NOTFOUND;
}
