/* sigfile.c - text formats of public keys and signatures. */
#include "frost/sigfile.h"

#include "frost/payload.h"

#include <sodium.h>

/* S("ssh-ed25519") || S(32 or 64 bytes) */
static void put_ssh_pair(struct qr_buf *b, const uint8_t *p, size_t n)
{
    qr_buf_put_lp(b, qr_str("ssh-ed25519"));
    qr_buf_put_lp(b, QR_BYTES(p, n));
}

static void put_ssh_key(struct qr_buf *out, const uint8_t key[SIGFILE_KEY_SIZE])
{
    struct qr_buf blob;
    qr_buf_init(&blob, 128);
    put_ssh_pair(&blob, key, SIGFILE_KEY_SIZE);
    qr_buf_put_str(out, "ssh-ed25519 ");
    qr_buf_put_base64(out, qr_buf_bytes(&blob));
    if (qr_buf_ok(&blob) != QR_OK) out->failed = true;
    qr_buf_fini(&blob);
}

/* base64 in lines of width characters between the two marker lines. */
static enum qr_rc put_armour(struct qr_buf *out, struct qr_bytes blob, const char *label,
                             size_t width)
{
    struct qr_buf text;
    qr_buf_init(&text, blob.n * 2 + 8);
    qr_buf_put_base64(&text, blob);
    qr_buf_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < text.n; at += width) {
        qr_buf_put(out, text.p + at, text.n - at < width ? text.n - at : width);
        qr_buf_put_u8(out, '\n');
    }
    qr_buf_printf(out, "-----END %s-----\n", label);
    enum qr_rc rc = qr_buf_ok(&text);
    qr_buf_fini(&text);
    return rc == QR_OK ? qr_buf_ok(out) : rc;
}

/* PROTOCOL.sshsig: the public key, plain or certified, is no part of what was
 * signed. */
enum qr_rc sigfile_sshsig_certified(struct qr_bytes certificate, struct qr_bytes namespace,
                                    const uint8_t sig[SIGFILE_SIG_SIZE], struct qr_buf *out)
{
    struct qr_buf blob, pair;
    if (!payload_name_ok(namespace)) return QR_RANGE;
    qr_buf_init(&blob, 2048);
    qr_buf_init(&pair, 128);
    qr_buf_put_str(&blob, "SSHSIG");
    qr_buf_put_be32(&blob, 1);
    qr_buf_put_lp(&blob, certificate);
    qr_buf_put_lp(&blob, namespace);
    qr_buf_put_lp(&blob, QR_BYTES_NONE);
    qr_buf_put_lp(&blob, qr_str("sha256"));
    put_ssh_pair(&pair, sig, SIGFILE_SIG_SIZE);
    qr_buf_put_lp(&blob, qr_buf_bytes(&pair));
    enum qr_rc rc = qr_buf_ok(&pair);
    if (rc == QR_OK) rc = qr_buf_ok(&blob);
    if (rc == QR_OK) rc = put_armour(out, qr_buf_bytes(&blob), "SSH SIGNATURE", 70);
    qr_buf_fini(&pair);
    qr_buf_fini(&blob);
    return rc;
}

enum qr_rc sigfile_sshsig(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes namespace,
                          const uint8_t sig[SIGFILE_SIG_SIZE], struct qr_buf *out)
{
    struct qr_buf blob;
    qr_buf_init(&blob, 128);
    put_ssh_pair(&blob, key, SIGFILE_KEY_SIZE);
    enum qr_rc rc = qr_buf_ok(&blob);
    if (rc == QR_OK) rc = sigfile_sshsig_certified(qr_buf_bytes(&blob), namespace, sig, out);
    qr_buf_fini(&blob);
    return rc;
}

enum qr_rc sigfile_openssh_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes comment,
                               struct qr_buf *out)
{
    if (!payload_name_ok(comment)) return QR_RANGE;
    put_ssh_key(out, key);
    qr_buf_put_u8(out, ' ');
    qr_buf_put_bytes(out, comment);
    qr_buf_put_u8(out, '\n');
    return qr_buf_ok(out);
}

/* Both fields of allowed_signers are pattern lists: no wildcards, no lists. */
static bool is_literal(struct qr_bytes s)
{
    if (!payload_name_ok(s)) return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '*' || s.p[i] == '?' || s.p[i] == '!' || s.p[i] == ',' || s.p[i] == '#')
            return false;
    return true;
}

static enum qr_rc put_allowed(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes principal,
                              const char *options, struct qr_bytes namespace, struct qr_buf *out)
{
    if (!is_literal(principal) || !is_literal(namespace)) return QR_RANGE;
    qr_buf_put_bytes(out, principal);
    qr_buf_printf(out, " %snamespaces=\"", options);
    qr_buf_put_bytes(out, namespace);
    qr_buf_put_str(out, "\" ");
    put_ssh_key(out, key);
    qr_buf_put_u8(out, '\n');
    return qr_buf_ok(out);
}

enum qr_rc sigfile_allowed_signer(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes principal,
                                  struct qr_bytes namespace, struct qr_buf *out)
{
    return put_allowed(key, principal, "", namespace, out);
}

enum qr_rc sigfile_allowed_authority(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes principal,
                                     struct qr_bytes namespace, struct qr_buf *out)
{
    return put_allowed(key, principal, "cert-authority,", namespace, out);
}

enum qr_rc sigfile_pem(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_buf *out)
{
    /* SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING }  (RFC 8410) */
    static const uint8_t head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    uint8_t der[sizeof head + SIGFILE_KEY_SIZE];
    qr_copy(der, head, sizeof head);
    qr_copy(der + sizeof head, key, SIGFILE_KEY_SIZE);
    return put_armour(out, QR_BYTES_OF(der), "PUBLIC KEY", 64);
}

/* What stands above a line, and the two letters with which the line begins. */
struct signify_head {
    const char *comment;
    const char *algorithm;
};

/* "untrusted comment: ...\n" base64(algorithm || key number || body) "\n" */
static enum qr_rc put_signify(const uint8_t key[SIGFILE_KEY_SIZE], struct signify_head head,
                              struct qr_bytes body, struct qr_buf *out)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct qr_buf blob;
    (void)crypto_hash_sha256(hash, key, SIGFILE_KEY_SIZE);
    qr_buf_init(&blob, 128);
    qr_buf_put_str(&blob, head.algorithm);
    qr_buf_put(&blob, hash, 8);
    qr_buf_put_bytes(&blob, body);
    qr_buf_printf(out, "untrusted comment: %s\n", head.comment);
    qr_buf_put_base64(out, qr_buf_bytes(&blob));
    qr_buf_put_u8(out, '\n');
    enum qr_rc rc = qr_buf_ok(&blob);
    qr_buf_fini(&blob);
    return rc == QR_OK ? qr_buf_ok(out) : rc;
}

enum qr_rc sigfile_signify_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_buf *out)
{
    struct signify_head head = {"quorate public key", "Ed"};
    return put_signify(key, head, QR_BYTES(key, SIGFILE_KEY_SIZE), out);
}

enum qr_rc sigfile_signify(const uint8_t key[SIGFILE_KEY_SIZE], const uint8_t sig[SIGFILE_SIG_SIZE],
                           struct qr_buf *out)
{
    struct signify_head head = {"signed by a quorum", "Ed"};
    return put_signify(key, head, QR_BYTES(sig, SIGFILE_SIG_SIZE), out);
}

enum qr_rc sigfile_minisign_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_buf *out)
{
    struct signify_head head = {"minisign public key of quorate", "Ed"};
    return put_signify(key, head, QR_BYTES(key, SIGFILE_KEY_SIZE), out);
}

enum qr_rc sigfile_minisign_write(const struct sigfile_minisign *m, struct qr_buf *out)
{
    struct signify_head head = {"signed by a quorum", "ED"};
    if (!payload_comment_ok(m->comment)) return QR_RANGE;
    QR_TRY(put_signify(m->key, head, QR_BYTES(m->first, SIGFILE_SIG_SIZE), out));
    qr_buf_put_str(out, "trusted comment: ");
    qr_buf_put_bytes(out, m->comment);
    qr_buf_put_u8(out, '\n');
    qr_buf_put_base64(out, QR_BYTES(m->global, SIGFILE_SIG_SIZE));
    qr_buf_put_u8(out, '\n');
    return qr_buf_ok(out);
}

#define NOTE_ALGORITHM 0x01 /* Ed25519 */
#define NOTE_ID_SIZE 4

/* C2SP signed-note: SHA-256(name || "\n" || 0x01 || key), its first 4 bytes.
 * QR_RANGE: no name of a note's key. */
static enum qr_rc note_id(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes name,
                          uint8_t id[NOTE_ID_SIZE])
{
    static const uint8_t middle[] = {'\n', NOTE_ALGORITHM};
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state h;
    if (!payload_name_ok(name)) return QR_RANGE;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '+') return QR_RANGE;
    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, name.p, name.n);
    crypto_hash_sha256_update(&h, middle, sizeof middle);
    crypto_hash_sha256_update(&h, key, SIGFILE_KEY_SIZE);
    crypto_hash_sha256_final(&h, hash);
    qr_copy(id, hash, NOTE_ID_SIZE);
    return QR_OK;
}

enum qr_rc sigfile_note_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes name,
                            struct qr_buf *out)
{
    uint8_t id[NOTE_ID_SIZE], blob[1 + SIGFILE_KEY_SIZE] = {NOTE_ALGORITHM};
    char hex[2 * NOTE_ID_SIZE + 1];
    QR_TRY(note_id(key, name, id));
    qr_hex(id, sizeof id, hex);
    qr_copy(blob + 1, key, SIGFILE_KEY_SIZE);
    qr_buf_put_bytes(out, name);
    qr_buf_printf(out, "+%s+", hex);
    qr_buf_put_base64(out, QR_BYTES_OF(blob));
    qr_buf_put_u8(out, '\n');
    return qr_buf_ok(out);
}

enum qr_rc sigfile_note_write(const struct sigfile_note *n, struct qr_buf *out)
{
    uint8_t blob[NOTE_ID_SIZE + SIGFILE_SIG_SIZE];
    QR_TRY(note_id(n->key, n->name, blob));
    if (!payload_is_note(n->text)) return QR_MALFORMED;
    qr_copy(blob + NOTE_ID_SIZE, n->sig, SIGFILE_SIG_SIZE);
    qr_buf_put_bytes(out, n->text);
    qr_buf_put_str(out, "\n\xe2\x80\x94 ");
    qr_buf_put_bytes(out, n->name);
    qr_buf_put_u8(out, ' ');
    qr_buf_put_base64(out, QR_BYTES_OF(blob));
    qr_buf_put_u8(out, '\n');
    return qr_buf_ok(out);
}

enum qr_rc sigfile_dsse_write(const struct sigfile_dsse *d, struct qr_buf *out)
{
    /* Names hold no character that JSON would escape. */
    if (!payload_name_ok(d->type) || !payload_name_ok(d->key_id)) return QR_RANGE;
    qr_buf_put_str(out, "{\"payload\":\"");
    qr_buf_put_base64(out, d->body);
    qr_buf_put_str(out, "\",\"payloadType\":\"");
    qr_buf_put_bytes(out, d->type);
    qr_buf_put_str(out, "\",\"signatures\":[{\"keyid\":\"");
    qr_buf_put_bytes(out, d->key_id);
    qr_buf_put_str(out, "\",\"sig\":\"");
    qr_buf_put_base64(out, QR_BYTES(d->sig, SIGFILE_SIG_SIZE));
    qr_buf_put_str(out, "\"}]}");
    return qr_buf_ok(out);
}
