/* verify_emit.c - files for ssh-keygen, openssl, signify, minisign, in-toto verifiers and
 * readers of signed notes, and certificates; they prove that a key signed, and only the bundle proves whose key it is. */
#include "bundle/verify_cmd.h"

#include "base/file.h"
#include "frost/payload.h"
#include "frost/sigfile.h"
#include "leaf/message.h"
#include "pki/ssh.h"

#include <limits.h>
#include <stdio.h>

#define MAX_FILE 65536
#define PRINCIPAL PKI_SSH_PRINCIPAL

static enum qr_rc write_beside(const char *path, const char *suffix, struct qr_bytes data,
                               struct qr_err *err)
{
    char file[PATH_MAX];
    int n = snprintf(file, sizeof file, "%s%s", path, suffix);
    if (n < 0 || (size_t)n >= sizeof file) return qr_fail(err, QR_IO, "the path is too long");
    return qr_file_write(file, data, 0644, err);
}

static enum qr_rc put_dsse(const struct bundle_facts *f, const struct trust_dir *dir,
                           const struct qr_sig *sig, struct qr_buf *out)
{
    struct qr_buf statement;
    char id[2 * QR_SHA256_SIZE + 1];
    struct qr_hash spki = pki_spki_sha256(&f->group_key);
    qr_hex(spki.b, sizeof spki.b, id);
    qr_buf_init(&statement, MAX_FILE);
    enum qr_rc rc =
        leaf_statement(&f->request.is, &f->descriptor.is, qr_str(dir->origin), &statement);
    struct sigfile_dsse d = {.type = qr_str(LEAF_STATEMENT_TYPE),
                             .body = qr_buf_bytes(&statement),
                             .key_id = qr_str(id),
                             .sig = sig->b};
    if (rc == QR_OK) rc = sigfile_dsse_write(&d, out);
    qr_buf_fini(&statement);
    return rc;
}

/* minisign's one file of two signatures, the i-th and the one behind it. */
static enum qr_rc emit_minisign(const struct bundle_facts *f, size_t i, const char *path,
                                struct qr_err *err)
{
    struct qr_buf comment, out;
    qr_buf_init(&comment, MAX_FILE);
    qr_buf_init(&out, MAX_FILE);
    enum qr_rc rc = leaf_trusted_comment(&f->request.is, &comment);
    struct sigfile_minisign m = {.key = f->group_key.b,
                                 .first = f->made.signatures[i].sig.b,
                                 .global = f->made.signatures[i + 1].sig.b,
                                 .comment = qr_buf_bytes(&comment)};
    if (rc == QR_OK) rc = sigfile_minisign_write(&m, &out);
    if (rc == QR_OK) rc = write_beside(path, ".minisig", qr_buf_bytes(&out), err);
    qr_buf_reset(&out);
    if (rc == QR_OK) rc = sigfile_minisign_key(f->group_key.b, &out);
    if (rc == QR_OK) rc = write_beside(path, ".minisign.pub", qr_buf_bytes(&out), err);
    qr_buf_fini(&comment);
    qr_buf_fini(&out);
    return rc;
}

static enum qr_rc emit_x509(const struct bundle_facts *f, size_t i, const char *path,
                            struct qr_err *err)
{
    const struct leaf_payload *p = &f->descriptor.is.payloads.p[i];
    const char *suffix = p->type == QR_X509_CSR  ? ".csr.pem"
                         : p->type == QR_X509_CA ? ".ca.pem"
                                                 : ".cert.pem";
    struct trust_given given = {.group_key = &f->group_key};
    struct qr_buf out;
    qr_buf_init(&out, MAX_FILE);
    enum qr_rc rc = trust_payload_pem(&f->request.is, &f->descriptor.is, p, &given,
                                      &f->made.signatures[i].sig, &out, err);
    if (rc == QR_OK) rc = write_beside(path, suffix, qr_buf_bytes(&out), err);
    qr_buf_fini(&out);
    return rc;
}

static enum qr_rc emit_signature(const struct bundle_facts *f, const struct trust_dir *dir,
                                 size_t i, const char *path, struct qr_err *err)
{
    const struct leaf_payload *p = &f->descriptor.is.payloads.p[i];
    const struct qr_sig *sig = &f->made.signatures[i].sig;
    const char *suffix = p->type == QR_RAW ? ".sig" : p->type == QR_DSSE ? ".dsse.json" : ".sshsig";
    struct qr_buf out;
    enum qr_rc rc = QR_OK;
    if (p->type == QR_MINISIGN) return emit_minisign(f, i, path, err);
    if (p->type == QR_MINISIGN_GLOBAL) return QR_OK;
    if (qr_payload_is_x509(p->type)) return emit_x509(f, i, path, err);
    qr_buf_init(&out, MAX_FILE);
    if (p->type == QR_RAW)
        qr_buf_put_bytes(&out, QR_BYTES_OF(sig->b));
    else if (p->type == QR_DSSE)
        rc = put_dsse(f, dir, sig, &out);
    else
        rc = sigfile_sshsig(f->group_key.b, qr_str(p->ns), sig->b, &out);
    if (rc == QR_OK) rc = write_beside(path, suffix, qr_buf_bytes(&out), err);
    qr_buf_fini(&out);
    return rc;
}

/* A raw signature is also one of signify, and over a text a C2SP signed note. */
static enum qr_rc emit_raw(const struct bundle_facts *f, const struct qr_sig *sig,
                           struct qr_bytes file, const char *path, struct qr_err *err)
{
    const uint8_t *key = f->group_key.b;
    struct sigfile_note note = {key, qr_str(PRINCIPAL), file, sig->b};
    struct qr_buf out;
    qr_buf_init(&out, file.n + MAX_FILE);
    enum qr_rc rc = sigfile_signify(key, sig->b, &out);
    if (rc == QR_OK) rc = write_beside(path, ".signify", qr_buf_bytes(&out), err);
    qr_buf_reset(&out);
    if (rc == QR_OK) rc = sigfile_signify_key(key, &out);
    if (rc == QR_OK) rc = write_beside(path, ".signify.pub", qr_buf_bytes(&out), err);
    bool text = file.p && payload_is_note(file);
    qr_buf_reset(&out);
    if (rc == QR_OK && text) rc = sigfile_note_write(&note, &out);
    if (rc == QR_OK && text) rc = write_beside(path, ".note", qr_buf_bytes(&out), err);
    qr_buf_reset(&out);
    if (rc == QR_OK && text) rc = sigfile_note_key(key, note.name, &out);
    if (rc == QR_OK && text) rc = write_beside(path, ".note.vkey", qr_buf_bytes(&out), err);
    qr_buf_fini(&out);
    return rc;
}

/* The signature with the OpenSSH certificate, and the line for who pins its CA. */
static enum qr_rc emit_certified(const struct bundle_facts *f, size_t i, const char *path,
                                 struct qr_err *err)
{
    struct qr_bytes ns = qr_str(f->descriptor.is.payloads.p[i].ns);
    struct qr_pub ca;
    struct qr_buf out;
    QR_TRY(pki_ssh_ca(f->ssh, &ca));
    qr_buf_init(&out, MAX_FILE);
    enum qr_rc rc = sigfile_sshsig_certified(f->ssh, ns, f->made.signatures[i].sig.b, &out);
    if (rc == QR_OK) rc = write_beside(path, ".cert.sshsig", qr_buf_bytes(&out), err);
    qr_buf_reset(&out);
    if (rc == QR_OK) rc = sigfile_allowed_authority(ca.b, qr_str(PKI_SSH_PRINCIPAL), ns, &out);
    if (rc == QR_OK) rc = write_beside(path, ".cert.allowed_signers", qr_buf_bytes(&out), err);
    qr_buf_fini(&out);
    return rc;
}

/* One line per namespace that was signed. */
static enum qr_rc put_signers(const struct bundle_facts *f, struct qr_buf *out)
{
    for (size_t i = 0; i < f->descriptor.is.payloads.n; i++) {
        const struct leaf_payload *p = &f->descriptor.is.payloads.p[i];
        if (p->type == QR_SSHSIG)
            QR_TRY(sigfile_allowed_signer(f->group_key.b, qr_str(PRINCIPAL), qr_str(p->ns), out));
    }
    return QR_OK;
}

enum qr_rc verify_emit(const struct bundle_facts *f, const struct trust_dir *dir,
                       struct qr_bytes file, const char *path, struct qr_err *err)
{
    if (f->stage != BUNDLE_SIGNED) return qr_fail(err, QR_STATE, "nothing is signed yet");
    struct qr_buf pem, signers;
    qr_buf_init(&pem, MAX_FILE);
    qr_buf_init(&signers, MAX_FILE);
    enum qr_rc rc = sigfile_pem(f->group_key.b, &pem);
    if (rc == QR_OK) rc = put_signers(f, &signers);
    if (rc == QR_OK) rc = write_beside(path, "", qr_buf_bytes(&pem), err);
    if (rc == QR_OK && signers.n > 0)
        rc = write_beside(path, ".allowed_signers", qr_buf_bytes(&signers), err);
    for (size_t i = 0; i < f->made.n && rc == QR_OK; i++) {
        rc = emit_signature(f, dir, i, path, err);
        if (rc == QR_OK && f->descriptor.is.payloads.p[i].type == QR_RAW)
            rc = emit_raw(f, &f->made.signatures[i].sig, file, path, err);
        if (rc == QR_OK && f->descriptor.is.payloads.p[i].type == QR_SSHSIG && f->ssh.n > 0)
            rc = emit_certified(f, i, path, err);
    }
    qr_buf_fini(&pem);
    qr_buf_fini(&signers);
    return rc;
}
