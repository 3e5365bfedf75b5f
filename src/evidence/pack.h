/* pack.h - named files in one archive, all in memory: what an evidence pack is
 * made of.
 *
 * Paths are relative, of letters, digits, '.', '_', '-' and '/', without empty,
 * "." or ".." parts, so that unpacking one anywhere is safe.  Reading trusts
 * nothing: the number of files and their bytes are capped before they are kept.
 * Spec: docs/FORMATS.md section 21. */
#ifndef QUORATE_EVIDENCE_PACK_H
#define QUORATE_EVIDENCE_PACK_H

#include "base/bytes.h"

#define PACK_MAX_FILES 16384
#define PACK_MAX_PATH 127
#define PACK_MAX_BYTES (512u * 1024 * 1024)

struct pack_file {
    char path[PACK_MAX_PATH + 1];
    struct qr_bytes data; /* owned by the pack */
};
struct pack {
    struct pack_file *file;
    size_t n, room;
    uint64_t bytes; /* of all files */
};

/* An empty pack is all zeros. */
void pack_fini(struct pack *p); /* idempotent */
/* Copies data.  QR_MALFORMED: the path; QR_EXISTS; QR_RANGE: over a limit. */
enum qr_rc pack_add(struct pack *p, const char *path, struct qr_bytes data, struct qr_err *err)
    QR_MUST_CHECK;
/* NULL: no such file. */
const struct pack_file *pack_find(const struct pack *p, const char *path);
/* Sorts the files by path: the order that is written. */
void pack_sort(struct pack *p);

/* The archive (zip).  Files stand in the pack's order, all of one time.
 * QR_IO, QR_NOMEM. */
enum qr_rc pack_write(const struct pack *p, int64_t time_us, struct qr_buf *out, struct qr_err *err)
    QR_MUST_CHECK;
/* Fills p (all zeros) with the archive's files.  QR_MALFORMED: no zip, something
 * else than files in it, or one that different readers see differently; QR_RANGE. */
enum qr_rc pack_read(struct qr_bytes archive, struct pack *p, struct qr_err *err) QR_MUST_CHECK;

#endif
