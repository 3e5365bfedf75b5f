/* recover.c - the right edge of a stored tree.
 *
 * Only full tiles are stored.  What is not full yet is at most 255 entries, and
 * per higher level at most 255 roots of full tiles.  Whatever was damaged among
 * them changes the root, and the root is in the last row's checkpoint. */
#include "tlog/log.h"

struct row_walk row_walk_of(const struct store_row *row)
{
    return (struct row_walk){qr_buf_bytes(&row->data), row->first, false};
}

bool row_next(struct row_walk *w, struct tlog_bytes *entry)
{
    if (w->rest.n == 0) return false;
    size_t n = w->rest.n >= 2 ? qr_get_be16(w->rest.p) : SIZE_MAX;
    if (n > w->rest.n - 2) {
        w->bad = true;
        return false;
    }
    *entry = (struct tlog_bytes){w->rest.p + 2, n};
    w->rest = QR_BYTES(w->rest.p + 2 + n, w->rest.n - 2 - n);
    w->index++;
    return true;
}

/* Size and checkpoint by the last row. */
static enum tlog_rc last_row(struct store *s, const struct store_info *info, struct store_row *row,
                             struct tlog_signed *head, struct tlog_err *err)
{
    struct tlog_note note;
    struct tlog_checkpoint cp;
    struct tlog_bytes entry;
    enum tlog_rc rc = s->ops->get_row(s, UINT64_MAX, row, err);
    if (rc != TLOG_OK && rc != TLOG_NOTFOUND) return rc;
    bool none = rc == TLOG_NOTFOUND;
    struct row_walk w = row_walk_of(row);
    while (!none && row_next(&w, &entry)) continue;
    struct qr_bytes ck = none ? QR_BYTES(info->empty_ck, info->empty_ck_n) : qr_buf_bytes(&row->ck);
    bool fits = !w.bad && ck.n < sizeof head->text;
    rc = fits ? tlog_note_parse(as_tlog(ck), &note) : TLOG_MALFORMED;
    if (rc == TLOG_OK) rc = tlog_checkpoint_parse(note.text, &cp);
    if (rc == TLOG_NOMEM) return fail_with(err, rc, "out of memory");
    if (rc != TLOG_OK) return fail_with(err, TLOG_CORRUPT, "the last row of entries is damaged");
    if (cp.head.size != (none ? 0 : w.index) || !qr_bytes_is(as_qr(cp.origin), info->origin))
        return fail_with(err, TLOG_CORRUPT, "the last checkpoint does not fit the last row");
    head->head = cp.head;
    head->n = ck.n;
    qr_copy(head->text, ck.p, ck.n);
    head->text[ck.n] = 0;
    return TLOG_OK;
}

/* Leaf hashes of the entries after the last full tile. */
static enum tlog_rc read_leaves(struct store *s, struct store_row *row, struct edge *edge,
                                struct tlog_err *err)
{
    uint64_t at = edge->size - edge->size % TILE_WIDTH;
    struct tlog_bytes entry;
    struct tlog_hash h;
    while (at < edge->size) {
        enum tlog_rc rc = s->ops->get_row(s, at, row, err);
        if (rc == TLOG_NOTFOUND || (rc == TLOG_OK && row->first != at))
            return fail_with(err, TLOG_CORRUPT, "entry %llu is missing", (unsigned long long)at);
        if (rc != TLOG_OK) return rc;
        struct row_walk w = row_walk_of(row);
        while (at < edge->size && row_next(&w, &entry)) {
            tlog_leaf_hash(entry, &h);
            tile_fill(&edge->level[0], (unsigned)(at % TILE_WIDTH), &h, 1);
            at = w.index;
        }
        if (w.bad || w.index == row->first)
            return fail_with(err, TLOG_CORRUPT, "the row of entry %llu is damaged",
                             (unsigned long long)row->first);
    }
    return TLOG_OK;
}

static enum tlog_rc read_level(struct store *s, unsigned level, struct edge *edge,
                               struct tlog_err *err)
{
    uint64_t end = edge->size >> (TILE_HEIGHT * level);
    for (uint64_t i = end - end % TILE_WIDTH; i < end; i++) {
        struct tlog_hash root;
        struct tile_id id = {level - 1, i};
        enum tlog_rc rc = s->ops->get_tile(s, tile_seq(id), &root, NULL, err);
        if (rc == TLOG_NOTFOUND)
            return fail_with(err, TLOG_CORRUPT, "tile %u/%llu is missing", id.level,
                             (unsigned long long)id.index);
        if (rc != TLOG_OK) return rc;
        tile_fill(&edge->level[level], (unsigned)(i % TILE_WIDTH), &root, 1);
    }
    return TLOG_OK;
}

enum tlog_rc recover(struct store *s, const struct store_info *info, struct edge *edge,
                     struct tlog_signed *head, struct tlog_err *err)
{
    struct store_row row;
    struct tlog_head found;
    store_row_init(&row);
    enum tlog_rc rc = last_row(s, info, &row, head, err);
    if (rc == TLOG_OK) {
        edge->size = head->head.size;
        rc = read_leaves(s, &row, edge, err);
    }
    for (unsigned l = 1; rc == TLOG_OK && l < TILE_LEVELS; l++) rc = read_level(s, l, edge, err);
    store_row_fini(&row);
    if (rc != TLOG_OK) return rc;
    edge_head(edge, &found);
    if (tlog_hash_equal(&found.root, &head->head.root)) return TLOG_OK;
    return fail_with(err, TLOG_CORRUPT,
                     "the tree does not have the root of its checkpoint of size %llu",
                     (unsigned long long)edge->size);
}
