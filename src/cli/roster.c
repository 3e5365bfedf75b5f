/* roster.c - see roster.h. */
#include <config.h> /* memmem */

#include "cli/roster.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"

#include <stdio.h>
#include <string.h>

static void keep_others(struct qr_bytes all, struct qr_bytes mark, struct qr_buf *out,
                        size_t *removed)
{
    while (all.n > 0) {
        const uint8_t *nl = memchr(all.p, '\n', all.n);
        size_t n = nl ? (size_t)(nl - all.p) + 1 : all.n;
        if (memmem(all.p, n, mark.p, mark.n))
            (*removed)++;
        else
            qr_buf_put(out, all.p, n);
        all = QR_BYTES(all.p + n, all.n - n);
    }
}

enum qr_rc roster_forget(const char *path, const char *commitment, size_t *removed,
                         struct qr_err *err)
{
    char mark[128];
    struct qr_buf old, kept;
    *removed = 0;
    if (!qr_file_exists(path)) return QR_OK;
    (void)snprintf(mark, sizeof mark, "\"commitment\":\"%.64s\"", commitment);
    qr_buf_init(&old, QR_MAX_CONFIG_FILE);
    qr_buf_init(&kept, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read_private(path, &old, err);
    if (rc == QR_OK) {
        keep_others(qr_buf_bytes(&old), qr_str(mark), &kept, removed);
        rc = qr_buf_ok(&kept);
    }
    if (rc == QR_OK && *removed) rc = qr_file_write(path, qr_buf_bytes(&kept), 0600, err);
    qr_wipe(old.p, old.n);
    qr_wipe(kept.p, kept.n);
    qr_buf_fini(&old);
    qr_buf_fini(&kept);
    return rc;
}
