/* payload.h - the exact bytes a group signs, by payload type.
 *
 * Every signer rebuilds these from the typed request; nobody signs bytes that
 * come from elsewhere.  sshsig and dsse are self-describing; raw is a file as
 * it is, so payload_raw_check refuses files that would mean something to
 * another protocol.  Pure functions.
 *
 * Spec: minisign(1) "SIGNATURE FORMAT", OpenSSH PROTOCOL.sshsig, DSSE v1 protocol.md, RFC 8032. */
#ifndef QUORATE_FROST_PAYLOAD_H
#define QUORATE_FROST_PAYLOAD_H

#include "base/bytes.h"

#define PAYLOAD_SHA256_SIZE 32

/* Appends the SSHSIG blob over a file of which only the SHA-256 is needed.
 * QR_RANGE: the namespace is empty, longer than 255 bytes or not printable
 * ASCII without spaces, quotes and backslashes; QR_NOMEM: the buffer's cap. */
enum qr_rc payload_sshsig(struct qr_bytes namespace, const uint8_t sha256[PAYLOAD_SHA256_SIZE],
                          struct qr_buf *out) QR_MUST_CHECK;

/* Appends the DSSE pre-authentication encoding of body.  QR_RANGE: the type is
 * not as above; QR_NOMEM. */
enum qr_rc payload_dsse(struct qr_bytes type, struct qr_bytes body, struct qr_buf *out)
    QR_MUST_CHECK;

/* What minisign signs of a file: its BLAKE2b-512 ("ED", prehashed), appended. */
#define PAYLOAD_BLAKE2B_SIZE 64
enum qr_rc payload_minisign(struct qr_bytes file, struct qr_buf *out) QR_MUST_CHECK;

/* Is this the hash that payload_minisign appends of the file? */
bool payload_minisign_is(struct qr_bytes file, const uint8_t hash[PAYLOAD_BLAKE2B_SIZE]);

/* ... and with its second signature: the first one (64 bytes) and the trusted
 * comment.  QR_RANGE: the comment is not payload_comment_ok. */
enum qr_rc payload_minisign_global(const uint8_t first[64], struct qr_bytes comment,
                                   struct qr_buf *out) QR_MUST_CHECK;

/* 1..1024 printable ASCII characters, space and tab among them. */
bool payload_comment_ok(struct qr_bytes s);

/* May these bytes be signed raw?  QR_POLICY (err names the format) when they
 * are an SSHSIG or DSSE message, a checkpoint or signed note, a cosignature
 * message, a DER TBSCertificate, TBSCertList or certification request, an SSH
 * certificate body, a TLS 1.3 handshake signature, or begin with our own
 * domain tag. */
enum qr_rc payload_raw_check(struct qr_bytes file, struct qr_err *err) QR_MUST_CHECK;

/* Can this file be the text of a C2SP signed note?  UTF-8 without control
 * characters but newlines, the last character a newline. */
bool payload_is_note(struct qr_bytes file);

/* 1..255 printable ASCII characters without space, '"' and '\\'. */
bool payload_name_ok(struct qr_bytes s);

#endif
