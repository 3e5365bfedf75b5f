/* once.c - records are sorted by value; equal ones then stand beside each other,
 * within a run and when runs are merged. */
#include "audit/once.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELD ((size_t)1 << 18)
#define CHUNK 128
#define VALUE_SIZE 15

struct record {
    uint8_t value[VALUE_SIZE]; /* of SHA-256(kind, scope, value) */
    uint8_t kind;
    uint64_t index;
};
_Static_assert(sizeof(struct record) == 24, "records are written as they are");

struct once {
    const char *path;
    struct record *held;
    size_t n, room;
    int fd;                /* -1: no file yet */
    uint64_t runs;         /* in it, of HELD records each */
    struct qr_hash digest; /* of a named file: SHA-256(digest before || run) */
};

const char *once_kind_name(enum once_kind k)
{
    static const char *const names[ONCE_KINDS] = {"event id", "session id", "certificate",
                                                  "serial number", "nonce commitment"};
    return names[k];
}

struct once *once_new(const char *path)
{
    struct once *o = calloc(1, sizeof *o);
    if (!o) qr_fatal("out of memory");
    o->path = path;
    o->fd = -1;
    return o;
}

void once_free(struct once *o)
{
    if (!o) return;
    if (o->fd >= 0) (void)close(o->fd);
    free(o->held);
    free(o);
}

/* ---- the file ---- */

static int unnamed(void)
{
    FILE *f = tmpfile();
    int fd = f ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 3) : -1;
    if (f) (void)fclose(f);
    return fd;
}

static enum qr_rc open_file(struct once *o, int flags)
{
    if (o->fd >= 0) return QR_OK;
    o->fd = o->path ? open(o->path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600) : unnamed();
    return o->fd >= 0 ? QR_OK : QR_IO;
}

static off_t place_of(uint64_t record) { return (off_t)(record * sizeof(struct record)); }

static enum qr_rc read_records(const struct once *o, uint64_t from, struct record *to, size_t n)
{
    uint8_t *p = (uint8_t *)to;
    size_t want = n * sizeof *to, got = 0;
    while (got < want) {
        ssize_t r = pread(o->fd, p + got, want - got, place_of(from) + (off_t)got);
        if (r <= 0) return QR_IO;
        got += (size_t)r;
    }
    return QR_OK;
}

static enum qr_rc write_records(const struct once *o, uint64_t from, const struct record *is,
                                size_t n)
{
    const uint8_t *p = (const uint8_t *)is;
    size_t want = n * sizeof *is, put = 0;
    while (put < want) {
        ssize_t r = pwrite(o->fd, p + put, want - put, place_of(from) + (off_t)put);
        if (r <= 0) return QR_IO;
        put += (size_t)r;
    }
    return QR_OK;
}

static int by_value(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    for (size_t i = 0; i < VALUE_SIZE; i++)
        if (x->value[i] != y->value[i]) return x->value[i] < y->value[i] ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static struct qr_hash next_digest(const struct qr_hash *before, const struct record *run)
{
    const struct qr_bytes parts[] = {QR_BYTES_OF(before->b), QR_BYTES(run, HELD * sizeof *run)};
    return qr_sha256(parts, 2);
}

static enum qr_rc spill(struct once *o)
{
    assert(o->n == HELD);
    QR_TRY(open_file(o, O_TRUNC));
    qsort(o->held, o->n, sizeof *o->held, by_value);
    QR_TRY(write_records(o, o->runs * HELD, o->held, o->n));
    if (o->path) o->digest = next_digest(&o->digest, o->held);
    o->runs++;
    o->n = 0;
    return QR_OK;
}

/* ---- records ---- */

static void make_room(struct once *o, size_t n)
{
    while (o->room < n) o->room = o->room ? 2 * o->room : 1024;
    o->held = reallocarray(o->held, o->room, sizeof *o->held);
    if (!o->held) qr_fatal("out of memory");
}

enum qr_rc once_add(struct once *o, enum once_kind k, struct qr_bytes scope, struct qr_bytes value,
                    uint64_t index)
{
    uint8_t kind = (uint8_t)k, len[2] = {(uint8_t)(scope.n >> 8), (uint8_t)scope.n};
    const struct qr_bytes parts[] = {QR_BYTES(&kind, 1), QR_BYTES_OF(len), scope, value};
    struct qr_hash h = qr_sha256(parts, 4);
    struct record r = {.kind = kind, .index = index};
    qr_copy(r.value, h.b, VALUE_SIZE);
    if (o->n == HELD) QR_TRY(spill(o));
    if (o->n == o->room) make_room(o, o->n + 1);
    o->held[o->n++] = r;
    return QR_OK;
}

/* ---- merging ---- */

/* What is left of a run: of the file, or of what is held (then it is all here). */
struct run {
    uint64_t at, to; /* records of the file that were not read yet */
    struct record *here;
    size_t next, n;
};

struct merge {
    const struct once *o;
    struct run *runs;  /* one a run, and one of what is held */
    struct run **heap; /* the smallest first; all have a record here */
    size_t n;
    struct record *room;
};

static const struct record *head_of(const struct run *r) { return &r->here[r->next]; }

static bool before(const struct run *a, const struct run *b)
{
    return by_value(head_of(a), head_of(b)) < 0;
}

static void sink(struct merge *m, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < m->n; c++)
            if (before(m->heap[c], m->heap[least])) least = c;
        if (least == i) return;
        struct run *t = m->heap[i];
        m->heap[i] = m->heap[least];
        m->heap[least] = t;
        i = least;
    }
}

/* The next record of a run is here, or none is left. */
static enum qr_rc refill(const struct once *o, struct run *r)
{
    if (r->next < r->n || r->at == r->to) return QR_OK;
    r->next = 0;
    r->n = r->to - r->at < CHUNK ? (size_t)(r->to - r->at) : CHUNK;
    QR_TRY(read_records(o, r->at, r->here, r->n));
    r->at += r->n;
    return QR_OK;
}

static enum qr_rc merge_begin(struct merge *m)
{
    const struct once *o = m->o;
    for (uint64_t i = 0; i <= o->runs; i++) {
        struct run *r = &m->runs[i];
        if (i == o->runs)
            *r = (struct run){.here = o->held, .n = o->n};
        else
            *r = (struct run){.at = i * HELD, .to = (i + 1) * HELD, .here = m->room + i * CHUNK};
        QR_TRY(refill(o, r));
        if (r->next < r->n) m->heap[m->n++] = r;
    }
    for (size_t i = m->n; i-- > 0;) sink(m, i);
    return QR_OK;
}

static enum qr_rc merge_next(struct merge *m, struct record *out)
{
    struct run *r = m->heap[0];
    *out = *head_of(r);
    r->next++;
    QR_TRY(refill(m->o, r));
    if (r->next == r->n) m->heap[0] = m->heap[--m->n];
    sink(m, 0);
    return QR_OK;
}

enum qr_rc once_finish(struct once *o,
                       void (*twice)(void *ctx, enum once_kind k, uint64_t before, uint64_t again),
                       void *ctx)
{
    size_t count = (size_t)o->runs + 1;
    struct merge m = {.o = o,
                      .runs = calloc(count, sizeof *m.runs),
                      .heap = calloc(count, sizeof(struct run *)),
                      .room = calloc(count * CHUNK, sizeof *m.room)};
    if (!m.runs || !m.heap || !m.room) qr_fatal("out of memory");
    struct record last = {.kind = ONCE_KINDS}, r;
    if (o->n > 0) qsort(o->held, o->n, sizeof *o->held, by_value);
    enum qr_rc rc = merge_begin(&m);
    while (rc == QR_OK && m.n > 0) {
        rc = merge_next(&m, &r);
        if (rc == QR_OK && r.kind == last.kind &&
            qr_bytes_equal(QR_BYTES_OF(r.value), QR_BYTES_OF(last.value)))
            twice(ctx, (enum once_kind)r.kind, last.index, r.index);
        last = r;
    }
    free(m.runs);
    free(m.heap);
    free(m.room);
    return rc;
}

/* ---- going on later ---- */

enum qr_rc once_save(struct once *o, struct qr_buf *out)
{
    assert(o->path);
    if (o->fd >= 0 && fsync(o->fd) != 0) return QR_IO;
    qr_buf_put_be64(out, o->runs);
    qr_buf_put(out, o->digest.b, sizeof o->digest.b);
    qr_buf_put_be32(out, (uint32_t)o->n);
    qr_buf_put(out, o->held, o->n * sizeof *o->held);
    return qr_buf_ok(out);
}

/* The runs in the file are those that were saved. */
static enum qr_rc check_file(struct once *o, const struct qr_hash *must, struct qr_err *err)
{
    struct stat st;
    if (o->runs == 0) return QR_OK;
    o->fd = open(o->path, O_RDWR | O_CLOEXEC);
    if (o->fd < 0) return qr_fail(err, QR_MALFORMED, "%.100s is missing", o->path);
    if (fstat(o->fd, &st) != 0 || st.st_size < place_of(o->runs * HELD))
        return qr_fail(err, QR_MALFORMED, "%.100s is shorter than it was", o->path);
    make_room(o, HELD);
    for (uint64_t i = 0; i < o->runs; i++) {
        if (read_records(o, i * HELD, o->held, HELD) != QR_OK)
            return qr_fail(err, QR_IO, "%.100s cannot be read", o->path);
        o->digest = next_digest(&o->digest, o->held);
    }
    if (!qr_hash_equal(&o->digest, must))
        return qr_fail(err, QR_MALFORMED, "%.100s is not what it was", o->path);
    if (ftruncate(o->fd, place_of(o->runs * HELD)) != 0)
        return qr_fail(err, QR_IO, "%.100s cannot be cut", o->path);
    return QR_OK;
}

enum qr_rc once_load(struct once *o, struct qr_reader *in, struct qr_err *err)
{
    struct qr_hash digest;
    assert(o->path && o->n == 0 && o->runs == 0);
    o->runs = qr_read_be64(in);
    qr_read_into(in, digest.b, sizeof digest.b);
    size_t n = qr_read_be32(in);
    if (in->failed || n > HELD || o->runs > UINT32_MAX)
        return qr_fail(err, QR_MALFORMED, "what was used is cut short");
    QR_TRY(check_file(o, &digest, err));
    struct qr_bytes held = qr_read_bytes(in, n * sizeof *o->held);
    if (in->failed) return qr_fail(err, QR_MALFORMED, "what was used is cut short");
    if (n > 0) make_room(o, n);
    qr_copy(o->held, held.p, held.n);
    o->n = n;
    return QR_OK;
}
