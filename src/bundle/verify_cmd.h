/* verify_cmd.h - what `tlog-verify bundle` and `quorate verify` do, without
 * their arguments' parsing and without a terminal.
 *
 * Reads files, writes text into two buffers; opens no socket.
 * Spec: ARCHITECTURE.md "The command line", TRUST.md sections 10 and 11. */
#ifndef QUORATE_BUNDLE_VERIFY_CMD_H
#define QUORATE_BUNDLE_VERIFY_CMD_H

#include "bundle/verify.h"

struct verify_cmd {
    const char *bundle;          /* path; "-" is stdin */
    const char *trust;           /* directory */
    const char *file;            /* NULL: none */
    const char *artifact_digest; /* 64 hex digits; NULL: none */
    const char *emit_key;        /* file to write the key to; NULL: none */
    bool allow_simulated;
    bool explain;
    bool json;
};

/* Appends what goes to stdout and stderr; returns the exit code: 0, 1 false,
 * 3 unreadable, 4 policy or quorum, 9 attestation or class, 10 inconsistent
 * log.  The first failed check is named. */
int verify_cmd_run(const struct verify_cmd *c, struct qr_buf *out, struct qr_buf *talk);

/* SHA-256 and size of a file of any size; "-" is stdin.  QR_NOTFOUND, QR_IO. */
enum qr_rc verify_hash_file(const char *path, struct qr_hash *hash, uint64_t *size,
                            struct qr_err *err) QR_MUST_CHECK;

/* Writes what stock tools need, from verified facts of stage `signed`: path
 * (the public key in PEM), path.allowed_signers, and of each payload
 * path.sshsig, path.dsse.json, or for raw path.sig, .signify, .signify.pub, and
 * with file (QR_BYTES_NONE: not at hand) if it is a text .note, .note.vkey. */
enum qr_rc verify_emit(const struct bundle_facts *f, const struct trust_dir *dir,
                       struct qr_bytes file, const char *path, struct qr_err *err) QR_MUST_CHECK;

#endif
