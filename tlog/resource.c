/* resource.c - paths of tiles and bundles, and reading them from an open log. */
#include "tlog/tile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define PATH_LEVELS_MAX 64

/* tlog-tiles, Merkle Tree: zero-padded 3-digit path elements; all but the last
 * begin with an x. */
void tlog_resource_path(const struct tlog_resource *r, char out[TLOG_RESOURCE_PATH_MAX])
{
    char index[40] = {0};
    size_t at = sizeof index - 1;
    uint64_t n = r->index;
    for (bool last = true; last || n > 0; last = false, n /= 1000) {
        at -= last ? 3 : 5;
        char piece[8];
        (void)snprintf(piece, sizeof piece, last ? "%03u" : "x%03u/", (unsigned)(n % 1000));
        qr_copy(index + at, piece, last ? 3 : 5);
    }
    int used = r->entries
                   ? snprintf(out, TLOG_RESOURCE_PATH_MAX, "tile/entries/%s", index + at)
                   : snprintf(out, TLOG_RESOURCE_PATH_MAX, "tile/%u/%s", r->level, index + at);
    assert(used > 0 && used < TLOG_RESOURCE_PATH_MAX);
    if (r->width < TILE_WIDTH)
        (void)snprintf(out + used, TLOG_RESOURCE_PATH_MAX - (size_t)used, ".p/%u", r->width);
}

/* Cuts off what stands before the first c, or takes all. */
static struct qr_bytes take_until(struct qr_bytes *rest, char c)
{
    size_t i = 0;
    while (i < rest->n && rest->p[i] != (uint8_t)c) i++;
    struct qr_bytes head = QR_BYTES(rest->p, i);
    *rest = i < rest->n ? QR_BYTES(rest->p + i + 1, rest->n - i - 1) : QR_BYTES(rest->p + i, 0);
    return head;
}

static bool digits(struct qr_bytes s, uint64_t *v)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        if (*v > (UINT64_MAX - 9) / 10) return false;
        *v = *v * 10 + (s.p[i] - '0');
    }
    return s.n == 3;
}

static bool parse_index(struct qr_bytes rest, uint64_t *out)
{
    for (*out = 0; rest.n > 0;) {
        struct qr_bytes e = take_until(&rest, '/');
        bool more = e.n == 4 && e.p[0] == 'x';
        if (more) e = QR_BYTES(e.p + 1, 3);
        if (more == (rest.n == 0) || !digits(e, out)) return false;
    }
    return true;
}

enum tlog_rc tlog_resource_parse(struct tlog_bytes path, struct tlog_resource *out)
{
    struct tlog_resource r = {.width = TILE_WIDTH};
    struct qr_bytes rest = as_qr(path);
    uint64_t v = 0;
    char again[TLOG_RESOURCE_PATH_MAX];
    if (path.n >= TLOG_RESOURCE_PATH_MAX || !qr_bytes_is(take_until(&rest, '/'), "tile"))
        return TLOG_MALFORMED;
    struct qr_bytes kind = take_until(&rest, '/');
    r.entries = qr_bytes_is(kind, "entries");
    if (!r.entries) {
        if (qr_parse_u64(kind, PATH_LEVELS_MAX - 1, &v) != QR_OK) return TLOG_MALFORMED;
        r.level = (unsigned)v;
    }
    struct qr_bytes index = take_until(&rest, '.'), p = take_until(&rest, '/');
    if (p.n > 0) {
        if (!qr_bytes_is(p, "p") || qr_parse_u64(rest, TILE_WIDTH - 1, &v) != QR_OK || v == 0)
            return TLOG_MALFORMED;
        r.width = (unsigned)v;
    }
    if (!parse_index(index, &r.index)) return TLOG_MALFORMED;
    /* Whatever has a second spelling is refused. */
    tlog_resource_path(&r, again);
    if (!qr_bytes_is(as_qr(path), again)) return TLOG_MALFORMED;
    *out = r;
    return TLOG_OK;
}

/* ---- an open log ---- */

static enum tlog_rc put(struct tlog_out *out, const void *p, size_t n)
{
    if (n > out->room - out->n) return TLOG_RANGE;
    qr_copy(out->p + out->n, p, n);
    out->n += n;
    return TLOG_OK;
}

/* tlog-tiles, Log entries: big-endian uint16 length-prefixed. */
static enum tlog_rc put_entry(void *ctx, uint64_t index, struct tlog_bytes entry)
{
    uint8_t length[2] = {(uint8_t)(entry.n >> 8), (uint8_t)entry.n};
    (void)index;
    TLOG_TRY(put(ctx, length, sizeof length));
    return put(ctx, entry.p, entry.n);
}

static enum tlog_rc read_bundle(struct tlog_log *log, const struct tlog_resource *r,
                                struct tlog_out *out, struct tlog_err *err)
{
    struct tlog_signed at;
    tlog_latest(log, &at);
    uint64_t full = at.head.size / TILE_WIDTH;
    if (r->index > full || (r->index == full && r->width > at.head.size % TILE_WIDTH))
        return fail_with(err, TLOG_NOTFOUND, "the tree has no such bundle");
    uint64_t from = r->index * TILE_WIDTH;
    return tlog_entries(log, from, from + r->width, put_entry, out, err);
}

static enum tlog_rc log_read(void *ctx, const struct tlog_resource *r, struct tlog_out *out,
                             struct tlog_err *err)
{
    struct tlog_hash h[TILE_WIDTH];
    struct tlog_node tile = {r->index, r->level};
    out->n = 0;
    if (r->entries) return read_bundle(ctx, r, out, err);
    TLOG_TRY(tlog_tile(ctx, &tile, r->width, h, err));
    return put(out, h, r->width * sizeof h[0]);
}

struct tlog_source tlog_log_source(struct tlog_log *log)
{
    return (struct tlog_source){log_read, log};
}
