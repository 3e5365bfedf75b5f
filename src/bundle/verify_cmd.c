/* verify_cmd.c - files in, verdict out: one run of the verifier as people and
 * scripts see it. */
#include "bundle/verify_cmd.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK 65536

enum qr_rc verify_hash_file(const char *path, struct qr_hash *hash, uint64_t *size,
                            struct qr_err *err)
{
    uint8_t chunk[CHUNK];
    bool standard = qr_bytes_is(qr_str(path), "-");
    int fd = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return qr_fail(err, errno == ENOENT ? QR_NOTFOUND : QR_IO, "cannot open %.100s", path);
    struct qr_sha256_ctx *ctx = qr_sha256_new();
    ssize_t n;
    *size = 0;
    do {
        n = read(fd, chunk, sizeof chunk);
        if (n > 0) qr_sha256_update(ctx, QR_BYTES(chunk, (size_t)n));
        if (n > 0) *size += (uint64_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    *hash = qr_sha256_free(ctx);
    if (!standard) (void)close(fd);
    return n < 0 ? qr_fail(err, QR_IO, "cannot read %.100s", path) : QR_OK;
}

/* Everything one run holds. */
struct run {
    const struct verify_cmd *c;
    struct qr_buf bytes, file;
    bool has_bundle;
    struct bundle b;
    struct trust_dir *dir;
    struct bundle_facts *facts;
    struct bundle_options opt;
    struct trust_report report;
    struct qr_err err; /* of what was not a check */
};

static bool has_raw(const struct bundle *b)
{
    for (size_t i = 0; i < b->payload_count; i++)
        if (qr_payload_needs_file(b->payloads[i].type)) return true;
    return false;
}

/* The file itself only where its bytes were signed. */
static enum qr_rc read_artifact(struct run *x)
{
    const struct verify_cmd *c = x->c;
    struct bundle_options *o = &x->opt;
    if (c->artifact_digest) {
        o->has_artifact = true;
        if (qr_unhex(qr_str(c->artifact_digest), o->artifact.b, sizeof o->artifact.b) != QR_OK)
            return qr_fail(&x->err, QR_USAGE, "the artifact's digest is 64 hex digits");
        return QR_OK;
    }
    if (!c->file) return QR_OK;
    o->has_artifact = o->has_size = true;
    if (!has_raw(&x->b)) return verify_hash_file(c->file, &o->artifact, &o->size, &x->err);
    QR_TRY(qr_file_read(c->file, &x->file, &x->err));
    o->has_file = true;
    o->file = qr_buf_bytes(&x->file);
    if (!o->file.p) o->file = QR_BYTES("", 0);
    o->artifact = qr_sha256_one(o->file);
    o->size = o->file.n;
    return QR_OK;
}

static enum qr_rc load(struct run *x)
{
    QR_TRY(trust_dir_load(x->c->trust, x->dir, &x->err));
    QR_TRY(qr_file_read(x->c->bundle, &x->bytes, &x->err));
    struct qr_err why = {{0}};
    enum qr_rc rc = bundle_read(qr_buf_bytes(&x->bytes), &x->b, &why);
    if (rc != QR_OK) return trust_result(&x->report, TRUST_BUNDLE_FORM, QR_MALFORMED, &why);
    x->has_bundle = true;
    return read_artifact(x);
}

static enum qr_rc verify(struct run *x)
{
    QR_TRY(load(x));
    QR_TRY(bundle_verify(&x->b, x->dir, &x->opt, &x->report, x->facts));
    if (!x->c->emit_key) return QR_OK;
    return verify_emit(x->facts, x->dir, x->opt.has_file ? x->opt.file : QR_BYTES_NONE,
                       x->c->emit_key, &x->err);
}

/* The exit codes of a verifier; what cannot be read is 3, any other refusal of
 * what was read is 1. */
static int exit_of(const struct run *x, enum qr_rc rc)
{
    switch (rc) {
    case QR_OK: return 0;
    case QR_USAGE:
    case QR_POLICY:
    case QR_ATTESTATION:
    case QR_FORK:
    case QR_BUG: return qr_rc_exit(rc);
    case QR_MALFORMED: return qr_rc_exit(QR_MALFORMED);
    default:
        return trust_report_first(&x->report) ? qr_rc_exit(QR_FALSE) : qr_rc_exit(QR_MALFORMED);
    }
}

/* Names come from others: nothing of them may move a cursor. */
static void put_clean(struct qr_buf *out, const char *s)
{
    for (; *s; s++) qr_buf_put_u8(out, *s >= 0x20 && *s < 0x7f ? (uint8_t)*s : '?');
}

static void put_short(struct qr_buf *out, const struct qr_hash *h)
{
    qr_buf_put_hex(out, QR_BYTES(h->b, 8));
}

/* As ssh-keygen's -Overify-time reads it, to the second. */
static void put_ssh_time(int64_t us, char out[64])
{
    char t[QR_TIME_LEN + 1];
    qr_time_format(us, t); /* 2026-11-23T15:34:00.123456Z */
    (void)snprintf(out, 64, "%.4s%.2s%.2s%.2s%.2s%.2sZ", t, t + 5, t + 8, t + 11, t + 14, t + 17);
}

static void text_facts(const struct run *x, struct qr_buf *out)
{
    const struct bundle_facts *f = x->facts;
    const struct leaf_artifact *art = &f->request.is.artifact;
    char text[64], time[QR_TIME_LEN + 1];
    qr_buf_put_str(out, "verified    ");
    put_clean(out, art->name[0] ? art->name : "(no name stated)");
    qr_buf_put_str(out, "\nsha256      ");
    qr_buf_put_hex(out, QR_BYTES_OF(art->sha256.b));
    qr_classes_text(f->classes, text);
    qr_buf_printf(out, "\nsession     %s, attempt %u\nclass       %s\nrequested   ",
                  f->request.is.session, f->descriptor.is.attempt, text);
    put_short(out, &f->request.is.requester);
    qr_buf_printf(out, " in entry %llu\n", (unsigned long long)f->request.at.index);
    for (size_t i = 0; i < f->approval_count; i++) {
        qr_buf_put_str(out, "approved    ");
        put_short(out, &f->approvals[i].is.commitment);
        qr_buf_printf(out, " as %s in entry %llu\n", qr_role_name(f->approvals[i].is.role),
                      (unsigned long long)f->approvals[i].at.index);
    }
    for (size_t i = 0; i < f->made.n; i++)
        qr_buf_printf(out, "signed      %s\n", qr_payload_name(f->made.signatures[i].type));
    qr_buf_put_str(out, "group key   ");
    qr_buf_put_hex(out, QR_BYTES_OF(f->group_key.b));
    if (f->ssh.n > 0) {
        put_ssh_time(f->started_at.time_us, text);
        qr_buf_printf(out, "\nopenssh     certified, valid at %s", text);
    }
    qr_time_format(f->time_us, time);
    qr_buf_printf(out, "\nlog         %s\nas of       size %llu, %s, %u witnesses\n",
                  x->dir->origin, (unsigned long long)f->head.size, time, f->witnesses);
    for (size_t i = 0; i < x->report.count; i++) {
        const struct trust_finding *t = &x->report.items[i];
        if (t->outcome == TRUST_SKIP)
            qr_buf_printf(out, "unchecked   %s: %s\n", trust_check_name(t->id), t->detail);
    }
}

static json_t *approvers_json(const struct bundle_facts *f)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < f->approval_count; i++) {
        json_t *o = qr_json_object();
        qr_json_set_hex(o, "commitment", f->approvals[i].is.commitment.b, QR_SHA256_SIZE);
        qr_json_set_u64str(o, "index", f->approvals[i].at.index);
        qr_json_set_str(o, "role", qr_role_name(f->approvals[i].is.role));
        qr_json_add(a, o);
    }
    return a;
}

static void json_facts(const struct run *x, json_t *doc)
{
    const struct bundle_facts *f = x->facts;
    json_t *signatures = qr_json_array(), *checkpoint = qr_json_object();
    for (size_t i = 0; i < f->made.n; i++) {
        json_t *o = qr_json_object();
        qr_json_set_base64(o, "sig", QR_BYTES_OF(f->made.signatures[i].sig.b));
        qr_json_set_str(o, "type", qr_payload_name(f->made.signatures[i].type));
        qr_json_add(signatures, o);
    }
    qr_json_set_hex(checkpoint, "root", f->head.root.b, TLOG_HASH_SIZE);
    qr_json_set_u64str(checkpoint, "size", f->head.size);
    qr_json_set(doc, "approvers", approvers_json(f));
    qr_json_set_hex(doc, "artifact", f->request.is.artifact.sha256.b, QR_SHA256_SIZE);
    qr_json_set_int(doc, "attempt", f->descriptor.is.attempt);
    qr_json_set(doc, "checkpoint", checkpoint);
    qr_json_set(doc, "classes", qr_classes_json(f->classes));
    qr_json_set_hex(doc, "group_key", f->group_key.b, QR_KEY_SIZE);
    qr_json_set_str(doc, "name", f->request.is.artifact.name);
    qr_json_set_str(doc, "origin", x->dir->origin);
    qr_json_set_hex(doc, "requester", f->request.is.requester.b, QR_SHA256_SIZE);
    qr_json_set_str(doc, "session", f->request.is.session);
    if (f->ssh.n > 0) {
        char at[64];
        put_ssh_time(f->started_at.time_us, at);
        qr_json_set_str(doc, "ssh_verify_time", at);
    }
    qr_json_set(doc, "signatures", signatures);
    qr_json_set_time(doc, "time", f->time_us);
    qr_json_set_int(doc, "witnesses", f->witnesses);
}

static const char *hint_of(const struct run *x, enum qr_rc rc)
{
    if (rc == QR_ATTESTATION && !x->c->allow_simulated)
        return "--allow-simulated accepts the TEE simulator, which protects nothing";
    if (rc == QR_POLICY) return "the trust directory's signing.policy says what is enough";
    return "";
}

static void print_json(const struct run *x, enum qr_rc rc, int code, struct qr_buf *out)
{
    json_t *doc = qr_json_object();
    qr_json_set(doc, "ok", json_boolean(rc == QR_OK));
    qr_json_set(doc, "checks", trust_report_json(&x->report));
    if (rc == QR_OK) {
        json_facts(x, doc);
    } else {
        const struct trust_finding *first = trust_report_first(&x->report);
        json_t *e = qr_json_object();
        qr_json_set_str(e, "check", first ? trust_check_name(first->id) : "");
        qr_json_set_str(e, "code", qr_rc_name(rc));
        qr_json_set_int(e, "exit", code);
        qr_json_set_str(e, "hint", hint_of(x, rc));
        struct qr_buf message;
        qr_buf_init(&message, QR_ERR_SIZE);
        put_clean(&message, x->err.text);
        qr_json_set_bytes(e, "message", qr_buf_bytes(&message));
        qr_buf_fini(&message);
        qr_json_set(doc, "error", e);
    }
    if (qr_json_write(doc, out) != QR_OK) qr_fatal("an answer that is no JSON");
    qr_buf_put_u8(out, '\n');
    json_decref(doc);
}

static void print_text(const struct run *x, enum qr_rc rc, struct qr_buf *out, struct qr_buf *talk)
{
    if (x->c->explain) trust_report_text(&x->report, talk);
    if (rc == QR_OK) {
        text_facts(x, out);
        return;
    }
    const char *hint = hint_of(x, rc);
    qr_buf_put_str(talk, trust_report_first(&x->report) ? "refused: " : "error: ");
    put_clean(talk, x->err.text[0] ? x->err.text : qr_rc_text(rc));
    qr_buf_printf(talk, "%s%s\n", hint[0] ? "\nhint: " : "", hint);
}

int verify_cmd_run(const struct verify_cmd *c, struct qr_buf *out, struct qr_buf *talk)
{
    struct run *x = calloc(1, sizeof *x);
    if (!x) qr_fatal("out of memory");
    x->c = c;
    x->dir = calloc(1, sizeof *x->dir);
    x->facts = calloc(1, sizeof *x->facts);
    if (!x->dir || !x->facts) qr_fatal("out of memory");
    x->opt = (struct bundle_options){.need = BUNDLE_SIGNED, .allow_simulated = c->allow_simulated};
    qr_buf_init(&x->bytes, QR_MAX_BUNDLE);
    qr_buf_init(&x->file, QR_MAX_RAW_FILE);
    trust_report_init(&x->report);
    enum qr_rc rc = verify(x);
    if (trust_report_first(&x->report)) (void)trust_report_err(&x->report, &x->err);
    int code = exit_of(x, rc);
    if (c->json)
        print_json(x, rc, code, out);
    else
        print_text(x, rc, out, talk);
    trust_report_fini(&x->report);
    bundle_facts_fini(x->facts);
    if (x->has_bundle) bundle_fini(&x->b);
    trust_dir_fini(x->dir);
    qr_buf_fini(&x->bytes);
    qr_buf_fini(&x->file);
    free(x->facts);
    free(x->dir);
    free(x);
    return code;
}
