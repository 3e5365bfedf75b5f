/* note.c - C2SP signed notes with Ed25519 signatures.
 *
 * The text of a note ends at its last blank line; every line after that is a
 * signature line.  A note is judged only by keys that the caller names: lines
 * of other keys are skipped, but must have the right form. */
#include "tlog/note.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

#define KEY_ID_SIZE 4
#define VKEY_MATERIAL (1 + TLOG_PUB_SIZE)
#define SIG_MATERIAL (KEY_ID_SIZE + TLOG_SIG_SIZE)

static const char em_dash_space[] = "\xe2\x80\x94 ";
#define EM_DASH_SPACE 4

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    if (sodium_init() < 0) qr_fatal("libsodium does not start");
}

/* Code point at s, whose length is set; s is valid UTF-8. */
static uint32_t code_point(struct qr_bytes s, size_t *len)
{
    uint8_t c = s.p[0];
    *len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t v = *len == 1 ? c : c & (0x7fu >> *len);
    for (size_t i = 1; i < *len; i++) v = v << 6 | (s.p[i] & 0x3fu);
    return v;
}

/* Unicode's White_Space property. */
static bool is_space(uint32_t v)
{
    return v == 0x20 || (v >= 0x09 && v <= 0x0d) || v == 0x85 || v == 0xa0 || v == 0x1680 ||
           (v >= 0x2000 && v <= 0x200a) || v == 0x2028 || v == 0x2029 || v == 0x202f ||
           v == 0x205f || v == 0x3000;
}

bool note_name_ok(struct qr_bytes name)
{
    if (name.n == 0 || name.n > TLOG_NAME_MAX || !qr_utf8_ok(name)) return false;
    while (name.n > 0) {
        size_t len;
        uint32_t v = code_point(name, &len);
        if (v < 0x20 || v == '+' || is_space(v)) return false;
        name = QR_BYTES(name.p + len, name.n - len);
    }
    return true;
}

enum tlog_rc note_give(const struct qr_buf *b, struct tlog_out *out)
{
    if (qr_buf_ok(b) != QR_OK) return TLOG_NOMEM;
    if (b->n > out->room) return TLOG_RANGE;
    qr_copy(out->p, b->p, b->n);
    out->n = b->n;
    if (b->n < out->room) out->p[b->n] = 0;
    return TLOG_OK;
}

/* Signed notes MUST be valid UTF-8 and MUST NOT contain any ASCII control
 * characters other than newline (signed-note, Format). */
static bool text_ok(struct qr_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\n') return false;
    return s.n > 0 && s.p[s.n - 1] == '\n' && qr_utf8_ok(s);
}

/* signed-note, Ed25519, and tlog-cosignature, Format: SHA-256(key name || 0x0A ||
 * signature type || public key)[:4]. */
static uint32_t key_id(const char *name, uint8_t type, const uint8_t pub[TLOG_PUB_SIZE])
{
    uint8_t in[TLOG_NAME_MAX + 2 + TLOG_PUB_SIZE], digest[crypto_hash_sha256_BYTES];
    struct qr_bytes s = qr_str(name);
    qr_copy(in, s.p, s.n);
    in[s.n] = '\n';
    in[s.n + 1] = type;
    qr_copy(in + s.n + 2, pub, TLOG_PUB_SIZE);
    (void)crypto_hash_sha256(digest, in, s.n + 2 + TLOG_PUB_SIZE);
    return qr_get_be32(digest);
}

static enum tlog_rc make(const char *name, uint8_t type, const uint8_t pub[TLOG_PUB_SIZE],
                         struct tlog_vkey *out)
{
    struct qr_bytes s = qr_str(name);
    if (!note_name_ok(s)) return TLOG_MALFORMED;
    *out = (struct tlog_vkey){.type = type, .id = key_id(name, type, pub)};
    qr_copy(out->name, s.p, s.n);
    qr_copy(out->pub, pub, TLOG_PUB_SIZE);
    return TLOG_OK;
}

enum tlog_rc tlog_vkey_make(const char *name, const uint8_t pub[TLOG_PUB_SIZE],
                            struct tlog_vkey *out)
{
    return make(name, TLOG_KEY_NOTE, pub, out);
}

enum tlog_rc tlog_cosigner_make(const char *name, const uint8_t pub[TLOG_PUB_SIZE],
                                struct tlog_vkey *out)
{
    return make(name, TLOG_KEY_COSIGNER, pub, out);
}

/* Splits s at the first c; false when there is none. */
static bool split(struct qr_bytes s, char c, struct qr_bytes *head, struct qr_bytes *tail)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == (uint8_t)c) {
            *head = QR_BYTES(s.p, i);
            *tail = QR_BYTES(s.p + i + 1, s.n - i - 1);
            return true;
        }
    return false;
}

static enum tlog_rc parse_key(struct tlog_bytes text, uint8_t type, struct tlog_vkey *out)
{
    struct qr_bytes name, rest, hex, b64;
    uint8_t id[KEY_ID_SIZE], material[VKEY_MATERIAL];
    char cname[TLOG_NAME_MAX + 1] = {0};
    if (!split(as_qr(text), '+', &name, &rest) || !split(rest, '+', &hex, &b64) ||
        !note_name_ok(name) || qr_unhex(hex, id, sizeof id) != QR_OK ||
        qr_unbase64_n(b64, material, sizeof material) != QR_OK || material[0] != type)
        return TLOG_MALFORMED;
    qr_copy(cname, name.p, name.n);
    TLOG_TRY(make(cname, type, material + 1, out));
    return out->id == qr_get_be32(id) ? TLOG_OK : TLOG_MALFORMED;
}

enum tlog_rc tlog_vkey_parse(struct tlog_bytes text, struct tlog_vkey *out)
{
    return parse_key(text, TLOG_KEY_NOTE, out);
}

enum tlog_rc tlog_cosigner_parse(struct tlog_bytes text, struct tlog_vkey *out)
{
    return parse_key(text, TLOG_KEY_COSIGNER, out);
}

void tlog_vkey_format(const struct tlog_vkey *key, char out[TLOG_VKEY_MAX])
{
    uint8_t material[VKEY_MATERIAL] = {key->type};
    char b64[sodium_base64_ENCODED_LEN(VKEY_MATERIAL, sodium_base64_VARIANT_ORIGINAL)];
    qr_copy(material + 1, key->pub, TLOG_PUB_SIZE);
    (void)sodium_bin2base64(b64, sizeof b64, material, sizeof material,
                            sodium_base64_VARIANT_ORIGINAL);
    (void)snprintf(out, TLOG_VKEY_MAX, "%s+%08x+%s", key->name, (unsigned)key->id, b64);
}

/* One signature line without its newline. */
static enum tlog_rc parse_sig(struct qr_bytes line, struct tlog_note_sig *sig)
{
    struct qr_bytes name, b64;
    if (line.n < EM_DASH_SPACE ||
        !qr_bytes_equal(QR_BYTES(line.p, EM_DASH_SPACE), QR_BYTES(em_dash_space, EM_DASH_SPACE)))
        return TLOG_MALFORMED;
    line = QR_BYTES(line.p + EM_DASH_SPACE, line.n - EM_DASH_SPACE);
    if (!split(line, ' ', &name, &b64) || !note_name_ok(name)) return TLOG_MALFORMED;
    struct qr_buf raw;
    qr_buf_init(&raw, TLOG_NOTE_MAX);
    enum qr_rc rc = qr_unbase64(b64, &raw);
    if (rc == QR_OK && raw.n <= KEY_ID_SIZE) rc = QR_MALFORMED;
    if (rc == QR_OK) *sig = (struct tlog_note_sig){as_tlog(name), qr_get_be32(raw.p), as_tlog(b64)};
    qr_buf_fini(&raw);
    return rc == QR_OK ? TLOG_OK : rc == QR_NOMEM ? TLOG_NOMEM : TLOG_MALFORMED;
}

bool note_next_line(struct qr_bytes *rest, struct qr_bytes *line)
{
    return split(*rest, '\n', line, rest);
}

/* Offset of the first signature line: after the last blank line. */
static size_t sigs_at(struct qr_bytes s)
{
    for (size_t i = s.n; i >= 2; i--)
        if (s.p[i - 1] == '\n' && s.p[i - 2] == '\n') return i;
    return 0;
}

enum tlog_rc tlog_note_parse(struct tlog_bytes note, struct tlog_note *out)
{
    struct qr_bytes s = as_qr(note);
    if (s.n > TLOG_NOTE_MAX) return TLOG_RANGE;
    if (!text_ok(s)) return TLOG_MALFORMED;
    size_t at = sigs_at(s);
    if (at == 0 || at == s.n) return TLOG_MALFORMED;
    *out = (struct tlog_note){.text = {s.p, at - 1}};
    struct qr_bytes line, rest = QR_BYTES(s.p + at, s.n - at);
    while (rest.n > 0) {
        if (!split(rest, '\n', &line, &rest)) return TLOG_MALFORMED;
        if (out->sigs == TLOG_NOTE_SIGS_MAX) return TLOG_RANGE;
        TLOG_TRY(parse_sig(line, &out->sig[out->sigs]));
        out->sigs++;
    }
    return TLOG_OK;
}

bool note_sig_is_of(const struct tlog_note_sig *sig, const struct tlog_vkey *key)
{
    return sig->id == key->id && qr_bytes_is(as_qr(sig->name), key->name);
}

void note_put_sig(struct qr_buf *b, const struct tlog_vkey *key, struct qr_bytes signature)
{
    struct qr_buf raw;
    qr_buf_init(&raw, TLOG_NOTE_MAX);
    qr_buf_put_be32(&raw, key->id);
    qr_buf_put_bytes(&raw, signature);
    qr_buf_put_str(b, em_dash_space);
    qr_buf_put_str(b, key->name);
    qr_buf_put_u8(b, ' ');
    qr_buf_put_base64(b, qr_buf_bytes(&raw));
    qr_buf_put_u8(b, '\n');
    if (qr_buf_ok(&raw) != QR_OK) b->failed = true;
    qr_buf_fini(&raw);
}

bool note_ed25519_ok(const uint8_t sig[TLOG_SIG_SIZE], struct qr_bytes msg,
                     const uint8_t pub[TLOG_PUB_SIZE])
{
    (void)pthread_once(&once, start);
    return crypto_sign_verify_detached(sig, msg.p, msg.n, pub) == 0;
}

static bool verify_one(const struct tlog_note *note, const struct tlog_note_sig *sig,
                       const struct tlog_vkey *key)
{
    uint8_t raw[SIG_MATERIAL];
    if (key->type != TLOG_KEY_NOTE) return false;
    if (qr_unbase64_n(as_qr(sig->base64), raw, sizeof raw) != QR_OK) return false;
    return note_ed25519_ok(raw + KEY_ID_SIZE, as_qr(note->text), key->pub);
}

/* signed-note, Signatures: verifiers MUST ignore signatures from unknown keys;
 * if one of a known key fails, the whole note is rejected. */
enum tlog_rc tlog_note_verify(const struct tlog_note *note, const struct tlog_vkey *keys,
                              size_t key_count, uint32_t *who)
{
    uint32_t seen = 0;
    if (key_count > 32 || note->sigs > TLOG_NOTE_SIGS_MAX) return TLOG_RANGE;
    for (size_t i = 0; i < note->sigs; i++)
        for (size_t k = 0; k < key_count; k++) {
            const struct tlog_note_sig *sig = &note->sig[i];
            if (!note_sig_is_of(sig, &keys[k])) continue;
            if (!verify_one(note, sig, &keys[k])) return TLOG_FALSE;
            seen |= UINT32_C(1) << k;
        }
    if (who) *who = seen;
    return seen ? TLOG_OK : TLOG_FALSE;
}

static enum tlog_rc put_sig(struct qr_buf *b, struct tlog_bytes text,
                            const struct tlog_signer *signer)
{
    uint8_t sig[TLOG_SIG_SIZE];
    if (signer->key.type != TLOG_KEY_NOTE) return TLOG_STATE;
    TLOG_TRY(signer->sign(signer->ctx, text, sig));
    note_put_sig(b, &signer->key, QR_BYTES_OF(sig));
    return TLOG_OK;
}

enum tlog_rc tlog_note_sign(struct tlog_bytes text, const struct tlog_signer *signers, size_t count,
                            struct tlog_out *out)
{
    if (!text_ok(as_qr(text))) return TLOG_MALFORMED;
    if (count == 0 || count > TLOG_NOTE_SIGS_MAX) return TLOG_RANGE;
    struct qr_buf b;
    qr_buf_init(&b, TLOG_NOTE_MAX);
    qr_buf_put_bytes(&b, as_qr(text));
    qr_buf_put_u8(&b, '\n');
    enum tlog_rc rc = TLOG_OK;
    for (size_t i = 0; i < count && rc == TLOG_OK; i++) rc = put_sig(&b, text, &signers[i]);
    if (rc == TLOG_OK) rc = note_give(&b, out);
    qr_buf_fini(&b);
    return rc;
}
