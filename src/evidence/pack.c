/* pack.c - see pack.h.  libarchive reads and writes the zip. */
#include "evidence/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

void pack_fini(struct pack *p)
{
    for (size_t i = 0; i < p->n; i++) free((void *)(uintptr_t)p->file[i].data.p);
    free(p->file);
    *p = (struct pack){0};
}

static bool part_ok(struct qr_bytes part)
{
    if (part.n == 0 || qr_bytes_is(part, ".") || qr_bytes_is(part, "..")) return false;
    for (size_t i = 0; i < part.n; i++) {
        uint8_t c = part.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
        if (!ok) return false;
    }
    return true;
}

static bool path_ok(struct qr_bytes path)
{
    if (path.n == 0 || path.n > PACK_MAX_PATH) return false;
    size_t from = 0;
    for (size_t i = 0; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/') continue;
        if (!part_ok(QR_BYTES(path.p + from, i - from))) return false;
        from = i + 1;
    }
    return true;
}

const struct pack_file *pack_find(const struct pack *p, const char *path)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->file[i].path, path) == 0) return &p->file[i];
    return NULL;
}

static enum qr_rc grow(struct pack *p)
{
    if (p->n < p->room) return QR_OK;
    size_t room = p->room ? 2 * p->room : 64;
    struct pack_file *more = realloc(p->file, room * sizeof *more);
    if (!more) return QR_NOMEM;
    p->file = more;
    p->room = room;
    return QR_OK;
}

enum qr_rc pack_add(struct pack *p, const char *path, struct qr_bytes data, struct qr_err *err)
{
    struct qr_bytes name = qr_str(path);
    if (!path_ok(name)) return qr_fail(err, QR_MALFORMED, "a file name that a pack cannot have");
    if (pack_find(p, path)) return qr_fail(err, QR_EXISTS, "%s is there twice", path);
    if (p->n == PACK_MAX_FILES || p->bytes + data.n > PACK_MAX_BYTES)
        return qr_fail(err, QR_RANGE, "more than %d files or %u MiB", PACK_MAX_FILES,
                       PACK_MAX_BYTES >> 20);
    QR_TRY(grow(p));
    uint8_t *copy = malloc(data.n ? data.n : 1);
    if (!copy) return QR_NOMEM;
    qr_copy(copy, data.p, data.n);
    struct pack_file *f = &p->file[p->n++];
    *f = (struct pack_file){.data = QR_BYTES(copy, data.n)};
    qr_copy(f->path, name.p, name.n);
    p->bytes += data.n;
    return QR_OK;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct pack_file *)a)->path, ((const struct pack_file *)b)->path);
}

void pack_sort(struct pack *p)
{
    if (p->n > 0) qsort(p->file, p->n, sizeof *p->file, by_path);
}

/* ---- writing ---- */

static la_ssize_t take(struct archive *a, void *ctx, const void *buffer, size_t n)
{
    struct qr_buf *out = ctx;
    (void)a;
    qr_buf_put(out, buffer, n);
    return out->failed ? -1 : (la_ssize_t)n;
}

static bool put_file(struct archive *a, const struct pack_file *f, int64_t time_us)
{
    struct archive_entry *e = archive_entry_new();
    if (!e) return false;
    archive_entry_set_pathname(e, f->path);
    archive_entry_set_size(e, (la_int64_t)f->data.n);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_mtime(e, time_us / 1000000, 0);
    bool ok = archive_write_header(a, e) == ARCHIVE_OK &&
              archive_write_data(a, f->data.p, f->data.n) == (la_ssize_t)f->data.n;
    archive_entry_free(e);
    return ok;
}

enum qr_rc pack_write(const struct pack *p, int64_t time_us, struct qr_buf *out, struct qr_err *err)
{
    struct archive *a = archive_write_new();
    if (!a) return QR_NOMEM;
    bool ok = archive_write_set_format_zip(a) == ARCHIVE_OK &&
              archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
              archive_write_open(a, out, NULL, take, NULL) == ARCHIVE_OK;
    for (size_t i = 0; ok && i < p->n; i++) ok = put_file(a, &p->file[i], time_us);
    ok = ok && archive_write_close(a) == ARCHIVE_OK;
    enum qr_rc rc = ok ? QR_OK : qr_fail(err, QR_IO, "the archive cannot be written");
    (void)archive_write_free(a);
    return rc;
}

/* ---- reading ---- */

static enum qr_rc read_data(struct archive *a, const struct pack *p, struct qr_buf *out,
                            struct qr_err *err)
{
    uint8_t chunk[65536];
    for (;;) {
        la_ssize_t got = archive_read_data(a, chunk, sizeof chunk);
        if (got < 0) return qr_fail(err, QR_MALFORMED, "a file of the archive is damaged");
        if (got == 0) return QR_OK;
        if (p->bytes + out->n + (size_t)got > PACK_MAX_BYTES)
            return qr_fail(err, QR_RANGE, "more than %u MiB", PACK_MAX_BYTES >> 20);
        qr_buf_put(out, chunk, (size_t)got);
        if (out->failed) return QR_NOMEM;
    }
}

static enum qr_rc read_file(struct archive *a, struct archive_entry *e, struct pack *p,
                            struct qr_err *err)
{
    struct qr_buf data;
    const char *path = archive_entry_pathname(e);
    if (!path || archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e) ||
        archive_entry_symlink(e))
        return qr_fail(err, QR_MALFORMED, "something in the archive is not an ordinary file");
    qr_buf_init(&data, PACK_MAX_BYTES);
    enum qr_rc rc = read_data(a, p, &data, err);
    if (rc == QR_OK) rc = pack_add(p, path, qr_buf_bytes(&data), err);
    qr_buf_fini(&data);
    return rc;
}

typedef int zip_reader(struct archive *);

static enum qr_rc read_with(zip_reader *reader, struct qr_bytes archive, struct pack *p,
                            struct qr_err *err)
{
    struct archive_entry *e;
    struct archive *a = archive_read_new();
    if (!a) return QR_NOMEM;
    enum qr_rc rc = QR_OK;
    if (reader(a) != ARCHIVE_OK || archive_read_open_memory(a, archive.p, archive.n) != ARCHIVE_OK)
        rc = qr_fail(err, QR_MALFORMED, "not an evidence pack (no zip archive)");
    while (rc == QR_OK) {
        int code = archive_read_next_header(a, &e);
        if (code == ARCHIVE_EOF) break;
        rc = code == ARCHIVE_OK ? read_file(a, e, p, err)
                                : qr_fail(err, QR_MALFORMED, "the archive is damaged");
    }
    (void)archive_read_free(a);
    return rc;
}

static bool same(const struct pack *a, const struct pack *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct pack_file *f = pack_find(b, a->file[i].path);
        if (!f || !qr_bytes_equal(f->data, a->file[i].data)) return false;
    }
    return a->n == b->n;
}

/* A zip says twice what is in it: in front of each file and in its directory.
 * Programs that unpack believe one or the other, so both must say the same. */
enum qr_rc pack_read(struct qr_bytes archive, struct pack *p, struct qr_err *err)
{
    struct pack streamed = {0};
    enum qr_rc rc = read_with(archive_read_support_format_zip_seekable, archive, p, err);
    if (rc == QR_OK)
        rc = read_with(archive_read_support_format_zip_streamable, archive, &streamed, err);
    if (rc == QR_OK && !same(p, &streamed))
        rc = qr_fail(err, QR_MALFORMED, "the archive's directory is of other files");
    pack_fini(&streamed);
    return rc;
}
