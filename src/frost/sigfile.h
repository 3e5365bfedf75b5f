/* sigfile.h - a finished signature and its public key, spelled the way stock
 * tools read them: ssh-keygen, openssl, signify, minisign, in-toto verifiers, readers of
 * C2SP signed notes.
 *
 * Pure text writers; nothing is verified here, the caller did that.
 *
 * Spec: OpenSSH PROTOCOL.sshsig, ssh-keygen(1) ALLOWED SIGNERS, RFC 8410,
 * DSSE v1 envelope.md, C2SP signed-note, signify(1). */
#ifndef QUORATE_FROST_SIGFILE_H
#define QUORATE_FROST_SIGFILE_H

#include "base/bytes.h"

#define SIGFILE_KEY_SIZE 32
#define SIGFILE_SIG_SIZE 64

/* All append to out.  QR_RANGE: a name that payload_name_ok refuses; QR_NOMEM:
 * the buffer's cap. */

/* "-----BEGIN SSH SIGNATURE-----" ..., for ssh-keygen -Y verify -n namespace;
 * sig is over payload_sshsig. */
enum qr_rc sigfile_sshsig(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes namespace,
                          const uint8_t sig[SIGFILE_SIG_SIZE], struct qr_buf *out) QR_MUST_CHECK;

/* The same with an OpenSSH certificate of the key, as its blob, in the place of
 * the key: what ssh-keygen writes that signs with one. */
enum qr_rc sigfile_sshsig_certified(struct qr_bytes certificate, struct qr_bytes namespace,
                                    const uint8_t sig[SIGFILE_SIG_SIZE], struct qr_buf *out)
    QR_MUST_CHECK;

/* "ssh-ed25519 AAAA... COMMENT\n" */
enum qr_rc sigfile_openssh_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes comment,
                               struct qr_buf *out) QR_MUST_CHECK;

/* "PRINCIPAL namespaces="NS" ssh-ed25519 AAAA...\n".  QR_RANGE also for the
 * characters of patterns, * ? ! , and #. */
enum qr_rc sigfile_allowed_signer(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes principal,
                                  struct qr_bytes namespace, struct qr_buf *out) QR_MUST_CHECK;

/* The same with "cert-authority": the key is a CA's, and signers are those who
 * have its certificate with this principal. */
enum qr_rc sigfile_allowed_authority(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes principal,
                                     struct qr_bytes namespace, struct qr_buf *out) QR_MUST_CHECK;

/* PEM of the SubjectPublicKeyInfo, for openssl pkeyutl -pubin -inkey. */
enum qr_rc sigfile_pem(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_buf *out) QR_MUST_CHECK;

/* signify's public key and signature file, sig over the file itself; the key
 * number is the first 8 bytes of SHA-256(key). */
enum qr_rc sigfile_signify_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_buf *out)
    QR_MUST_CHECK;
enum qr_rc sigfile_signify(const uint8_t key[SIGFILE_KEY_SIZE], const uint8_t sig[SIGFILE_SIG_SIZE],
                           struct qr_buf *out) QR_MUST_CHECK;

/* minisign's public key and signature file: first over payload_minisign, global
 * over payload_minisign_global; the key id is signify's key number.  QR_RANGE:
 * the comment is not payload_comment_ok. */
enum qr_rc sigfile_minisign_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_buf *out)
    QR_MUST_CHECK;
struct sigfile_minisign {
    const uint8_t *key;    /* SIGFILE_KEY_SIZE bytes */
    const uint8_t *first;  /* SIGFILE_SIG_SIZE bytes */
    const uint8_t *global; /* SIGFILE_SIG_SIZE bytes */
    struct qr_bytes comment;
};
enum qr_rc sigfile_minisign_write(const struct sigfile_minisign *m, struct qr_buf *out)
    QR_MUST_CHECK;

/* The key of a C2SP signed note, "NAME+ID+BASE64\n", and a note: the text, an
 * empty line, one signature line; sig over the text.  QR_RANGE: the name has a
 * '+' too; QR_MALFORMED: payload_is_note refuses the text. */
enum qr_rc sigfile_note_key(const uint8_t key[SIGFILE_KEY_SIZE], struct qr_bytes name,
                            struct qr_buf *out) QR_MUST_CHECK;
struct sigfile_note {
    const uint8_t *key; /* SIGFILE_KEY_SIZE bytes */
    struct qr_bytes name;
    struct qr_bytes text;
    const uint8_t *sig; /* SIGFILE_SIG_SIZE bytes */
};
enum qr_rc sigfile_note_write(const struct sigfile_note *n, struct qr_buf *out) QR_MUST_CHECK;

/* {"payload":...,"payloadType":...,"signatures":[{"keyid":...,"sig":...}]},
 * canonical JSON without newline; sig is over payload_dsse(type, body). */
struct sigfile_dsse {
    struct qr_bytes type;
    struct qr_bytes body;
    struct qr_bytes key_id;
    const uint8_t *sig; /* SIGFILE_SIG_SIZE bytes */
};
enum qr_rc sigfile_dsse_write(const struct sigfile_dsse *d, struct qr_buf *out) QR_MUST_CHECK;

#endif
