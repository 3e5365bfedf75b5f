/* range.c - by bundles of 256 entries (C2SP tlog-tiles). */
#include "export/range.h"

#include "base/clock.h"
#include "base/file.h"
#include "leaf/entry.h"
#include "tlog/qr.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define BUNDLE 256

static enum qr_rc read_head(struct export_log *l, struct qr_err *err)
{
    struct tlog_note note;
    struct tlog_checkpoint cp;
    if (tlog_note_parse(tlog_of_qr(qr_buf_bytes(&l->checkpoint)), &note) != TLOG_OK ||
        tlog_checkpoint_parse(note.text, &cp) != TLOG_OK || cp.origin.n > TLOG_NAME_MAX)
        return qr_fail(err, QR_MALFORMED, "the log's checkpoint cannot be read");
    l->head = cp.head;
    qr_copy(l->origin, cp.origin.p, cp.origin.n);
    l->origin[cp.origin.n] = 0;
    return QR_OK;
}

enum qr_rc export_log_open(struct export_log *l, const char *path, uint32_t log_id, bool tiles,
                           struct qr_err *err)
{
    char file[PATH_MAX];
    struct tlog_err terr = {{0}};
    struct tlog_signed latest;
    *l = (struct export_log){.db = NULL};
    qr_buf_init(&l->checkpoint, TLOG_NOTE_MAX);
    if (tiles) {
        int n = snprintf(file, sizeof file, "%s/checkpoint", path);
        if (n < 0 || n >= PATH_MAX) return qr_fail(err, QR_IO, "path too long");
        l->from = tlog_dir_source(path);
        QR_TRY(qr_file_read(file, &l->checkpoint, err));
        return read_head(l, err);
    }
    QR_TRY(tlog_to_qr(tlog_open_readonly(path, log_id, &l->db, &terr), &terr, err));
    tlog_latest(l->db, &latest);
    qr_buf_put(&l->checkpoint, latest.text, latest.n);
    l->from = tlog_log_source(l->db);
    return read_head(l, err);
}

void export_log_close(struct export_log *l)
{
    tlog_close(l->db);
    qr_buf_fini(&l->checkpoint);
    l->db = NULL;
}

/* Entries [from, to) of one bundle that begins with entry `first`. */
static enum qr_rc walk_bundle(struct qr_bytes bundle, uint64_t first, uint64_t from, uint64_t to,
                              const struct export_walk *w, struct qr_err *err)
{
    struct qr_reader r = qr_reader_of(bundle);
    for (uint64_t i = first; r.rest.n > 0 && !r.failed; i++) {
        struct qr_bytes e = qr_read_bytes(&r, qr_read_be16(&r));
        if (r.failed) break;
        if (i >= from && i < to) QR_TRY(w->each(w->ctx, i, e, err));
    }
    return r.failed ? qr_fail(err, QR_FORK, "the bundle of entry %" PRIu64 " is damaged", first)
                    : QR_OK;
}

enum qr_rc export_walk(const struct export_log *l, uint64_t from, uint64_t to,
                       const struct export_walk *w, struct qr_err *err)
{
    uint8_t *room = malloc(TLOG_RESOURCE_MAX);
    enum qr_rc rc = QR_OK;
    if (!room) qr_fatal("out of memory");
    for (uint64_t b = from / BUNDLE; rc == QR_OK && b * BUNDLE < to; b++) {
        uint64_t left = l->head.size - b * BUNDLE;
        struct tlog_resource res = {
            .entries = true, .index = b, .width = left < BUNDLE ? (unsigned)left : BUNDLE};
        struct tlog_out out = {(char *)room, TLOG_RESOURCE_MAX, 0};
        struct tlog_err terr = {{0}};
        rc = tlog_to_qr(l->from.read(l->from.ctx, &res, &out, &terr), &terr, err);
        if (rc == QR_OK) rc = walk_bundle(QR_BYTES(room, out.n), b * BUNDLE, from, to, w, err);
    }
    free(room);
    return rc;
}

/* ---- places ---- */

struct search {
    int64_t time_us;
    uint64_t found;
};

static enum qr_rc look(void *ctx, uint64_t index, struct qr_bytes entry, struct qr_err *err)
{
    struct search *s = ctx;
    struct leaf_entry e;
    (void)err;
    if (leaf_parse(entry, &e, NULL) != QR_OK) return QR_OK;
    if (e.time_us >= s->time_us) s->found = index;
    leaf_fini(&e);
    return s->found == UINT64_MAX ? QR_OK : QR_CANCELLED;
}

/* "2026-10-01T00:00:00Z", with or without decimals. */
static enum qr_rc parse_time(const char *text, int64_t *us)
{
    char full[QR_TIME_LEN + 1];
    struct qr_bytes s = qr_str(text);
    if (s.n == 20 && text[19] == 'Z') {
        (void)snprintf(full, sizeof full, "%.19s.000000Z", text);
        s = qr_str(full);
    }
    return qr_time_parse(s, us);
}

enum qr_rc export_place(const struct export_log *l, const char *text, uint64_t dflt, uint64_t *at,
                        struct qr_err *err)
{
    struct search s = {.found = UINT64_MAX};
    *at = dflt;
    if (!text || qr_parse_u64(qr_str(text), UINT64_MAX, at) == QR_OK) return QR_OK;
    if (parse_time(text, &s.time_us) != QR_OK)
        return qr_fail(err, QR_USAGE, "neither an index nor a time: %.60s", text);
    const struct export_walk w = {look, &s};
    enum qr_rc rc = export_walk(l, 0, l->head.size, &w, err);
    *at = s.found == UINT64_MAX ? l->head.size : s.found;
    return rc == QR_CANCELLED ? QR_OK : rc;
}
