/* main.c - quorate-export: a period of the log, with the proof that nothing of
 * it is missing.
 *
 * The range is read twice: what the rows are is counted first, because the
 * header tells it before them.  Both times the tree is checked: what is not
 * under the log's checkpoint is not handed out. */
#include "base/clock.h"
#include "base/file.h"
#include "export/document.h"
#include "export/proof.h"
#include "export/range.h"
#include "export/spool.h"
#include "export/write.h"
#include "tools/quorate-export/args.h"

#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct job {
    struct export_args args;
    struct export_log log;
    struct export_header h;
    struct export_proof proof;
    struct export_row row;
    struct export_writer *w;
    FILE *out; /* or: */
    struct sender *sender;
    struct qr_sha256_ctx *digest;
};

/* ---- the range ---- */

static enum qr_rc set_range(struct job *j, struct qr_err *err)
{
    struct tlog_head before = {.size = 0};
    if (j->args.cursor && j->h.checkpoint_start.n > 0)
        QR_TRY(export_checkpoint_read(&j->h.checkpoint_start, j->h.origin, &before, err));
    QR_TRY(export_place(&j->log, j->args.from, before.size, &j->h.start, err));
    QR_TRY(export_place(&j->log, j->args.to, j->log.head.size, &j->h.end, err));
    if (j->h.start > j->h.end || j->h.end > j->log.head.size)
        return qr_fail(err, QR_RANGE,
                       "the log has %" PRIu64 " entries; %" PRIu64 " to %" PRIu64
                       " is no range of it",
                       j->log.head.size, j->h.start, j->h.end);
    return QR_OK;
}

/* ---- the header ---- */

static enum qr_rc count(void *ctx, uint64_t index, struct qr_bytes entry, struct qr_err *err)
{
    struct job *j = ctx;
    struct qr_hash who;
    export_row_read(&j->row, &j->h, index, entry);
    export_proof_add(&j->proof, &j->row.leaf);
    if (!export_row_passes(&j->row, &j->h)) return QR_OK;
    j->h.rows++;
    if (j->row.what == EXPORT_FOREIGN) {
        j->h.foreign++;
        return QR_OK;
    }
    j->h.counts[j->row.e.kind]++;
    struct qr_bytes subject = export_cell(&j->row, EXPORT_SUBJECT_ID);
    if (j->row.e.kind == LEAF_IDENTITY_ERASED && qr_unhex(subject, who.b, sizeof who.b) == QR_OK &&
        export_erased_add(&j->h, &who, index) != QR_OK)
        return qr_fail(err, QR_NOMEM, "more erasures than an export can name");
    return QR_OK;
}

static enum qr_rc read_controls(struct job *j, struct qr_err *err)
{
    struct qr_buf text;
    if (!j->args.controls) return export_controls_builtin(&j->h.controls, err);
    qr_buf_init(&text, EXPORT_CONTROLS_FILE_MAX);
    enum qr_rc rc = qr_file_read(j->args.controls, &text, err);
    if (rc == QR_OK) rc = export_controls_parse(qr_buf_bytes(&text), &j->h.controls, err);
    qr_buf_fini(&text);
    return rc;
}

/* The earlier checkpoint; with --continue there is none the first time. */
static enum qr_rc read_before(struct job *j, struct qr_err *err)
{
    const char *file = j->args.cursor ? j->args.cursor : j->args.from_checkpoint;
    if (!file || (j->args.cursor && !qr_file_exists(file))) return QR_OK;
    return qr_file_read(file, &j->h.checkpoint_start, err);
}

static enum qr_rc make_header(struct job *j, struct qr_err *err)
{
    struct qr_clock clock = qr_clock_system();
    const struct export_walk w = {count, j};
    (void)snprintf(j->h.origin, sizeof j->h.origin, "%s", j->log.origin);
    (void)snprintf(j->h.tool_version, sizeof j->h.tool_version, "%s", PACKAGE_VERSION);
    qr_time_format(qr_now_us(&clock), j->h.exported_at);
    qr_buf_put_bytes(&j->h.checkpoint_end, qr_buf_bytes(&j->log.checkpoint));
    QR_TRY(read_before(j, err));
    for (size_t i = 0; i < j->args.filters; i++) {
        if (!qr_utf8_ok(qr_str(j->args.filter[i])))
            return qr_fail(err, QR_USAGE, "a filter that is not UTF-8");
        QR_TRY(export_filter_add(&j->h, qr_str(j->args.filter[i]), err));
    }
    QR_TRY(read_controls(j, err));
    QR_TRY(set_range(j, err));
    QR_TRY(export_proof_make(&j->h, &j->log.from, err));
    QR_TRY(export_proof_init(&j->proof, &j->h, err));
    QR_TRY(export_walk(&j->log, j->h.start, j->h.end, &w, err));
    QR_TRY(export_proof_done(&j->proof, err));
    return export_proof_init(&j->proof, &j->h, err);
}

/* ---- writing ---- */

static enum qr_rc put_file(void *ctx, struct qr_bytes s)
{
    struct job *j = ctx;
    qr_sha256_update(j->digest, s);
    if (j->sender) return send_put(j->sender, s);
    return s.n == 0 || fwrite(s.p, 1, s.n, j->out) == s.n ? QR_OK : QR_IO;
}

static enum qr_rc write_row(void *ctx, uint64_t index, struct qr_bytes entry, struct qr_err *err)
{
    struct job *j = ctx;
    export_row_read(&j->row, &j->h, index, entry);
    export_proof_add(&j->proof, &j->row.leaf);
    enum qr_rc rc = export_writer_row(j->w, &j->row);
    return rc == QR_OK ? QR_OK : qr_fail(err, rc, "the export cannot be written");
}

static enum qr_rc write_rows(struct job *j, const struct export_format *f,
                             const struct export_sink *to, struct qr_err *err)
{
    const struct export_walk w = {write_row, j};
    enum qr_rc rc = export_writer_new(f, &j->h, to, &j->w);
    if (rc != QR_OK) return qr_fail(err, rc, "the export cannot be written");
    QR_TRY(export_walk(&j->log, j->h.start, j->h.end, &w, err));
    QR_TRY(export_proof_done(&j->proof, err));
    rc = export_writer_end(j->w);
    return rc == QR_OK ? QR_OK : qr_fail(err, rc, "the export cannot be written");
}

static enum qr_rc write_document(struct job *j, const struct export_document *d,
                                 const struct export_sink *to, struct qr_err *err)
{
    FILE *rows = export_spool_new();
    const struct export_sink spool = {export_spool_put, rows};
    if (!rows) return qr_fail(err, QR_IO, "a temporary file cannot be made");
    enum qr_rc rc = write_rows(j, &export_jsonl, &spool, err);
    if (rc == QR_OK) rc = export_document_make(d, rows, to, err);
    (void)fclose(rows);
    return rc;
}

static enum qr_rc write_export(struct job *j, struct qr_err *err)
{
    const struct export_sink file = {put_file, j};
    const struct export_format *f = export_format_find(qr_str(j->args.format));
    const struct export_document *d = export_document_find(qr_str(j->args.format));
    j->h.format = f ? f->name : d->name;
    return f ? write_rows(j, f, &file, err) : write_document(j, d, &file, err);
}

static void tell(const struct job *j, struct qr_hash digest)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(digest.b, sizeof digest.b, hex);
    (void)fprintf(stderr, "entries %" PRIu64 " to %" PRIu64 ", %" PRIu64 " rows, sha256 %s\n",
                  j->h.start, j->h.end, j->h.rows, hex);
}

/* The digest is of the file that the messages would be, a line each. */
static enum qr_rc send_all(struct job *j, struct qr_err *err)
{
    if (j->args.cursor && j->h.start == j->h.end) {
        (void)fprintf(stderr, "nothing new after %" PRIu64 " entries\n", j->h.end);
        return QR_OK;
    }
    QR_TRY(send_open(&j->args.send, &j->sender, err));
    j->digest = qr_sha256_new();
    enum qr_rc rc = write_export(j, err);
    struct qr_hash digest = qr_sha256_free(j->digest);
    if (rc != QR_OK && send_reason(j->sender)[0])
        rc = qr_fail(err, rc, "%.80s: %s", j->args.send.where, send_reason(j->sender));
    if (rc == QR_OK)
        rc = send_close(j->sender, err);
    else
        send_drop(j->sender);
    j->sender = NULL;
    if (rc == QR_OK) tell(j, digest);
    return rc;
}

/* Whole or not there at all. */
static enum qr_rc write_file(struct job *j, struct qr_err *err)
{
    char temp[PATH_MAX];
    bool standard = qr_bytes_is(qr_str(j->args.out), "-");
    int n = snprintf(temp, sizeof temp, "%s.tmp.%ld", j->args.out, (long)getpid());
    if (n < 0 || n >= PATH_MAX) return qr_fail(err, QR_IO, "path too long");
    j->out = standard ? stdout : fopen(temp, "wb");
    if (!j->out) return qr_fail(err, QR_IO, "%.100s cannot be written", temp);
    j->digest = qr_sha256_new();
    enum qr_rc rc = write_export(j, err);
    struct qr_hash digest = qr_sha256_free(j->digest);
    bool kept = fflush(j->out) == 0 && (standard || fsync(fileno(j->out)) == 0);
    if (!standard && fclose(j->out) != 0) kept = false;
    if (rc == QR_OK && !kept) rc = qr_fail(err, QR_IO, "%.100s cannot be written", temp);
    if (rc == QR_OK && !standard && rename(temp, j->args.out) != 0)
        rc = qr_fail(err, QR_IO, "%.100s cannot be written", j->args.out);
    if (rc != QR_OK && !standard) (void)unlink(temp);
    if (rc == QR_OK) tell(j, digest);
    return rc;
}

static enum qr_rc run(struct job *j, struct qr_err *err)
{
    struct qr_bytes format = qr_str(j->args.format);
    if (!export_format_find(format) && !export_document_find(format))
        return qr_fail(err, QR_USAGE, "no such format: %.40s", j->args.format);
    QR_TRY(qr_crypto_init(err));
    QR_TRY(export_log_open(&j->log, j->args.db ? j->args.db : j->args.tiles,
                           (uint32_t)j->args.log_id, j->args.tiles != NULL, err));
    QR_TRY(make_header(j, err));
    QR_TRY(j->args.send.where ? send_all(j, err) : write_file(j, err));
    if (!j->args.cursor) return QR_OK;
    /* COMMIT POINT: from here on these entries count as handed out.  A crash
     * before it hands them out again. */
    return qr_file_write(j->args.cursor, qr_buf_bytes(&j->h.checkpoint_end), 0644, err);
}

int main(int argc, char **argv)
{
    struct job *j = calloc(1, sizeof *j);
    struct qr_err err = {{0}};
    if (!j) return qr_rc_exit(QR_NOMEM);
    (void)signal(SIGPIPE, SIG_IGN);
    enum qr_rc rc = export_args_read(argc, argv, &j->args, &err);
    if (rc == QR_OK && j->args.help) {
        export_args_help();
    } else if (rc == QR_OK && j->args.version) {
        (void)printf("quorate-export %s\n", PACKAGE_VERSION);
    } else if (rc == QR_OK) {
        export_header_init(&j->h);
        export_row_init(&j->row);
        rc = run(j, &err);
        export_writer_free(j->w);
        export_row_fini(&j->row);
        export_header_fini(&j->h);
        export_log_close(&j->log);
    }
    free(j);
    if (rc != QR_OK)
        (void)fprintf(stderr, "quorate-export: %s\n", err.text[0] ? err.text : qr_rc_text(rc));
    return qr_rc_exit(rc);
}
