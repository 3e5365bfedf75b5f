/* anchor.c - two slots of 4096 bytes:
 *
 *   "tlog-anchor/1\n" || be64 number || be32 length || checkpoint ||
 *   SHA-256(0x00 || all before) || zeros
 *
 * The slot with the larger number counts; number n lies in slot n mod 2.  The
 * file never changes its size, so fdatasync needs no journal of the file system. */
#include "tlog/anchor.h"

#include "tlog/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SLOT 4096
static const char magic[] = "tlog-anchor/1\n";
#define MAGIC_SIZE (sizeof magic - 1)
#define HEADER (MAGIC_SIZE + 8 + 4)

_Static_assert(HEADER + TLOG_CHECKPOINT_MAX + TLOG_HASH_SIZE <= SLOT, "a checkpoint fits");

static void encode(uint64_t seq, const struct tlog_signed *s, uint8_t slot[SLOT])
{
    struct tlog_hash sum;
    qr_zero(slot, SLOT);
    qr_copy(slot, magic, MAGIC_SIZE);
    qr_set_be64(slot + MAGIC_SIZE, seq);
    qr_set_be32(slot + MAGIC_SIZE + 8, (uint32_t)s->n);
    qr_copy(slot + HEADER, s->text, s->n);
    tlog_leaf_hash((struct tlog_bytes){slot, HEADER + s->n}, &sum);
    qr_copy(slot + HEADER + s->n, sum.b, sizeof sum.b);
}

/* TLOG_MALFORMED: not a whole slot.  Only that: a slot that cannot be read now must
 * not let the other one count. */
static enum tlog_rc decode(const uint8_t slot[SLOT], uint64_t *seq, struct tlog_signed *s)
{
    struct tlog_hash sum;
    struct tlog_note note;
    struct tlog_checkpoint cp;
    if (!qr_bytes_equal(QR_BYTES(slot, MAGIC_SIZE), QR_BYTES(magic, MAGIC_SIZE)))
        return TLOG_MALFORMED;
    *seq = qr_get_be64(slot + MAGIC_SIZE);
    s->n = qr_get_be32(slot + MAGIC_SIZE + 8);
    if (s->n >= sizeof s->text) return TLOG_MALFORMED;
    tlog_leaf_hash((struct tlog_bytes){slot, HEADER + s->n}, &sum);
    if (!qr_equal_ct(sum.b, slot + HEADER + s->n, sizeof sum.b)) return TLOG_MALFORMED;
    qr_copy(s->text, slot + HEADER, s->n);
    s->text[s->n] = 0;
    TLOG_TRY(tlog_note_parse((struct tlog_bytes){slot + HEADER, s->n}, &note));
    TLOG_TRY(tlog_checkpoint_parse(note.text, &cp));
    s->head = cp.head;
    return TLOG_OK;
}

static enum tlog_rc io_failed(struct tlog_err *err, const char *what)
{
    return fail_with(err, TLOG_IO, "anchor: %s: %s", what, strerror(errno));
}

static enum tlog_rc write_slot(int fd, uint64_t seq, const struct tlog_signed *s,
                               struct tlog_err *err)
{
    uint8_t slot[SLOT];
    encode(seq, s, slot);
    ssize_t n;
    do n = pwrite(fd, slot, SLOT, (off_t)(seq % 2 * SLOT));
    while (n < 0 && errno == EINTR);
    if (n >= 0 && n != SLOT) errno = ENOSPC;
    if (n != SLOT) return io_failed(err, "write");
    return fdatasync(fd) == 0 ? TLOG_OK : io_failed(err, "fdatasync");
}

/* The newest whole slot. */
static enum tlog_rc read_slots(int fd, uint64_t *seq, struct tlog_signed *out, struct tlog_err *err)
{
    uint8_t slots[2 * SLOT] = {0};
    ssize_t n;
    do n = pread(fd, slots, sizeof slots, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0) return io_failed(err, "read");
    bool found = false;
    for (int i = 0; i < 2; i++) {
        struct tlog_signed s;
        uint64_t k;
        enum tlog_rc rc = decode(slots + i * SLOT, &k, &s);
        if (rc == TLOG_NOMEM) return fail_with(err, rc, "out of memory");
        if (rc != TLOG_OK || (found && k < *seq)) continue;
        *seq = k;
        *out = s;
        found = true;
    }
    return found ? TLOG_OK : fail_with(err, TLOG_CORRUPT, "anchor: no slot is whole");
}

enum tlog_rc anchor_create(const char *path, const struct tlog_signed *first, struct tlog_err *err)
{
    struct anchor old;
    enum tlog_rc rc = anchor_open(path, &old, NULL);
    if (rc == TLOG_OK) {
        uint64_t size = old.last.head.size;
        anchor_close(&old);
        if (size > 0)
            return fail_with(err, TLOG_EXISTS, "%s: the anchor of a log of %llu entries is there",
                             path, (unsigned long long)size);
    } else if (rc == TLOG_IO) {
        return fail_with(err, rc, "%s: cannot be read", path);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return io_failed(err, path);
    rc = write_slot(fd, 1, first, err);
    if (rc == TLOG_OK) rc = write_slot(fd, 2, first, err);
    if (rc == TLOG_OK && fsync(fd) != 0) rc = io_failed(err, "fsync");
    (void)close(fd);
    if (rc == TLOG_OK) rc = file_sync_dir(path, err);
    return rc;
}

enum tlog_rc anchor_open(const char *path, struct anchor *out, struct tlog_err *err)
{
    *out = ANCHOR_NONE;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return fail_with(err, TLOG_ROLLBACK, "%s: the anchor is missing", path);
    if (fd < 0) return io_failed(err, path);
    enum tlog_rc rc = read_slots(fd, &out->seq, &out->last, err);
    if (rc == TLOG_OK)
        out->fd = fd;
    else
        (void)close(fd);
    return rc;
}

enum tlog_rc anchor_read(const char *path, struct tlog_signed *out, struct tlog_err *err)
{
    uint64_t seq;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return fail_with(err, TLOG_NOTFOUND, "%s: no anchor", path);
    if (fd < 0) return io_failed(err, path);
    enum tlog_rc rc = read_slots(fd, &seq, out, err);
    (void)close(fd);
    return rc;
}

/* Bytes are compared, nothing is hashed: this happens in every commit. */
enum tlog_rc anchor_check(const struct anchor *a, struct tlog_err *err)
{
    uint8_t slots[2 * SLOT] = {0};
    if (a->fd < 0) return TLOG_OK;
    if (pread(a->fd, slots, sizeof slots, 0) < 0) return io_failed(err, "read");
    const uint8_t *ours = slots + a->seq % 2 * SLOT, *other = slots + (a->seq + 1) % 2 * SLOT;
    if (qr_get_be64(ours + MAGIC_SIZE) == a->seq && qr_get_be64(other + MAGIC_SIZE) < a->seq &&
        qr_bytes_equal(QR_BYTES(ours + HEADER, a->last.n), QR_BYTES(a->last.text, a->last.n)))
        return TLOG_OK;
    return fail_with(err, TLOG_ROLLBACK, "the anchor was changed: another process signs this log");
}

enum tlog_rc anchor_write(struct anchor *a, const struct tlog_signed *next, struct tlog_err *err)
{
    if (a->fd >= 0) {
        TLOG_TRY(write_slot(a->fd, a->seq + 1, next, err));
        a->seq++;
    }
    a->last = *next;
    return TLOG_OK;
}

void anchor_close(struct anchor *a)
{
    if (a->fd >= 0) (void)close(a->fd);
    *a = ANCHOR_NONE;
}
