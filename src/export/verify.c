/* verify.c - unit by unit, against what header and entry make of it. */
#include "export/verify.h"

#include "export/envelope.h"
#include "export/proof.h"

#include <inttypes.h>

struct reading {
    struct export_input *in;
    const struct export_watch *watch;
    struct export_verdict *out;
    const struct export_format *f;
    struct export_header h;
    struct export_model *model;
    struct envelopes *envelopes;
    struct export_proof proof;
    struct export_row row;
    struct export_claim claim;
    struct qr_buf made; /* the unit as it must be */
    struct qr_hash leaf[EXPORT_BLOCK];
    size_t known, used; /* leaf hashes of the block, and how many were used */
    uint64_t rows, counts[LEAF_KIND_COUNT], foreign;
    size_t erased;
};

static enum qr_rc fault(struct reading *x, uint64_t row, const char *what)
{
    x->out->at_row = true;
    x->out->row = row;
    return qr_fail(&x->out->err, QR_FALSE, "row %" PRIu64 ": %s", row, what);
}

static enum qr_rc broken(struct reading *x, enum qr_rc rc, const char *what)
{
    return qr_fail(&x->out->err, rc, "%s", what);
}

/* ---- the head ---- */

static enum qr_rc same(struct reading *x, struct qr_bytes unit)
{
    QR_TRY(qr_buf_ok(&x->made));
    struct qr_bytes m = qr_buf_bytes(&x->made);
    if (m.n == unit.n + 1 && m.p[unit.n] == '\n' && qr_bytes_equal(QR_BYTES(m.p, unit.n), unit))
        return QR_OK;
    return QR_FALSE;
}

static enum qr_rc read_head(struct reading *x)
{
    struct qr_buf all, json;
    struct qr_bytes unit = QR_BYTES_NONE;
    enum qr_rc rc = QR_OK;
    qr_buf_init(&all, (size_t)2 * EXPORT_UNIT_MAX);
    qr_buf_init(&json, EXPORT_HEADER_MAX);
    for (unsigned i = 0; i < x->f->head_units && rc == QR_OK; i++) {
        rc = export_input_next(x->in, x->f->records, &unit);
        qr_buf_put_bytes(&all, unit);
        if (i + 1 < x->f->head_units) qr_buf_put_u8(&all, '\n');
    }
    if (rc == QR_OK) rc = x->f->read_head(unit, &json);
    if (rc == QR_OK) rc = qr_buf_ok(&json);
    if (rc == QR_OK) rc = export_header_read(qr_buf_bytes(&json), &x->h, &x->out->err);
    if (rc == QR_OK) {
        x->f->head(qr_buf_bytes(&json), &x->made);
        rc = same(x, qr_buf_bytes(&all));
    }
    qr_buf_fini(&all);
    qr_buf_fini(&json);
    if (rc == QR_OK || rc == QR_IO || x->out->err.text[0]) return rc;
    return broken(x, rc == QR_FALSE ? QR_FALSE : QR_MALFORMED, "the head is not that of an export");
}

static enum qr_rc begin(struct reading *x)
{
    struct qr_bytes first = export_input_peek(x->in, 20);
    x->f = export_format_sniff(first);
    if (!x->f) return broken(x, QR_MALFORMED, "this is not an export");
    QR_TRY(read_head(x));
    const struct export_format *named = export_format_find(qr_str(x->h.format));
    if (x->f == &export_jsonl && named == &export_dsse) x->f = named;
    QR_TRY(export_proof_init(&x->proof, &x->h, &x->out->err));
    x->model = export_model_new(&x->h);
    if (x->f == &export_dsse) x->envelopes = envelopes_new(&x->h);
    return x->watch->header ? x->watch->header(x->watch->ctx, &x->h, &x->out->err) : QR_OK;
}

/* ---- rows ---- */

/* The row of the block before that stands in the place of a block; false: none. */
static bool stands_again(struct reading *x, uint64_t at, struct qr_bytes line, uint64_t *row)
{
    struct export_claim *c = &x->claim;
    qr_buf_reset(&c->bytes);
    if (x->f->read_row(line, c) != QR_OK) return false;
    struct qr_hash leaf = c->what == EXPORT_EXCLUDED ? c->leaf : leaf_hash(qr_buf_bytes(&c->bytes));
    for (size_t i = 0; i < x->known; i++)
        if (qr_hash_equal(&x->leaf[i], &leaf)) {
            *row = at - x->known + i;
            return true;
        }
    return false;
}

static enum qr_rc read_block(struct reading *x, uint64_t at)
{
    struct qr_bytes line;
    uint64_t index;
    uint64_t left = x->h.end - at;
    enum qr_rc rc = export_input_next(x->in, false, &line);
    if (rc == QR_IO) return rc;
    if (rc != QR_OK) return fault(x, at, "missing: the file ends before it");
    uint64_t again;
    if (stands_again(x, at, line, &again)) return fault(x, again, "it stands there twice");
    rc = export_block_read(line, &index, x->leaf, &x->known);
    if (rc != QR_OK || index != at || x->known != (left < EXPORT_BLOCK ? left : EXPORT_BLOCK))
        return fault(x, at, "its block of leaf hashes is missing, moved or changed");
    qr_buf_reset(&x->made);
    export_block_write(index, x->leaf, x->known, &x->made);
    x->used = 0;
    return same(x, line) == QR_OK ? QR_OK
                                  : fault(x, at, "its block of leaf hashes is not canonical");
}

/* Where a leaf that is out of its place belongs, by the block's hashes. */
static enum qr_rc misplaced(struct reading *x, uint64_t at, const struct qr_hash *leaf)
{
    for (size_t i = 0; i < x->known; i++) {
        if (!qr_hash_equal(&x->leaf[i], leaf)) continue;
        return fault(x, at,
                     i < x->used ? "an earlier row stands here again"
                                 : "missing here, or moved: a later row stands in its place");
    }
    return fault(x, at, "changed: its entry has another leaf hash");
}

static enum qr_rc check_place(struct reading *x, uint64_t at)
{
    const struct export_claim *c = &x->claim;
    if (c->placed && c->index < at)
        return fault(x, at, "missing here, or an earlier row stands here again");
    if (c->placed && c->index > at)
        return fault(x, at, "missing, or moved: a later row stands in its place");
    return QR_OK;
}

static enum qr_rc check_leaf(struct reading *x, uint64_t at)
{
    if (x->claim.hashed && !qr_hash_equal(&x->claim.leaf, &x->row.leaf))
        return fault(x, at, "changed: its entry has another leaf hash than it states");
    if (!x->f->blocks) return QR_OK;
    if (!qr_hash_equal(&x->leaf[x->used], &x->row.leaf)) return misplaced(x, at, &x->row.leaf);
    x->used++;
    return QR_OK;
}

static enum qr_rc take_erased(struct reading *x, uint64_t at)
{
    struct qr_hash c = {{0}};
    if (x->row.e.kind != LEAF_IDENTITY_ERASED) return QR_OK;
    const struct export_erased *e = &x->h.erased[x->erased];
    if (x->erased < x->h.erased_count && e->index == at &&
        qr_unhex(export_cell(&x->row, EXPORT_SUBJECT_ID), c.b, sizeof c.b) == QR_OK &&
        qr_hash_equal(&c, &e->commitment)) {
        x->erased++;
        return QR_OK;
    }
    return fault(x, at, "an erasure that the header does not name");
}

/* What the row must be, by the entry that it holds. */
static enum qr_rc make_row(struct reading *x, uint64_t at)
{
    const struct export_claim *c = &x->claim;
    if (c->what == EXPORT_EXCLUDED) {
        if (x->h.filters == 0) return fault(x, at, "left out, without a filter");
        export_row_excluded(&x->row, &x->h, at, &c->leaf);
        return QR_OK;
    }
    export_row_read(&x->row, &x->h, at, qr_buf_bytes(&c->bytes));
    return QR_OK;
}

/* The row is an entry of its place: it counts, and later rows depend on it. */
static enum qr_rc take_row(struct reading *x, uint64_t at)
{
    if (x->row.what != x->claim.what) return fault(x, at, "changed: it is not what it states");
    if (x->row.what == EXPORT_EXCLUDED) {
        x->out->excluded++;
        return QR_OK;
    }
    x->out->entries++;
    if (!export_row_passes(&x->row, &x->h)) return fault(x, at, "it does not pass the filter");
    if (x->row.what == EXPORT_FOREIGN) {
        x->foreign++;
        return QR_OK;
    }
    x->counts[x->row.e.kind]++;
    QR_TRY(take_erased(x, at));
    export_row_take(&x->row, x->model);
    if (x->envelopes) envelopes_take(x->envelopes, &x->row);
    return QR_OK;
}

static enum qr_rc read_row(struct reading *x, uint64_t at)
{
    struct qr_bytes unit;
    if (x->f->blocks && (at - x->h.start) % EXPORT_BLOCK == 0) QR_TRY(read_block(x, at));
    enum qr_rc rc = export_input_next(x->in, x->f->records, &unit);
    if (rc == QR_IO) return rc;
    if (rc == QR_NOTFOUND) return fault(x, at, "missing: the file ends before it");
    qr_buf_reset(&x->claim.bytes);
    x->claim.placed = x->claim.hashed = false;
    if (rc != QR_OK || x->f->read_row(unit, &x->claim) != QR_OK ||
        qr_buf_ok(&x->claim.bytes) != QR_OK)
        return fault(x, at, "changed: it cannot be read");
    QR_TRY(check_place(x, at));
    QR_TRY(make_row(x, at));
    QR_TRY(check_leaf(x, at));
    QR_TRY(take_row(x, at));
    qr_buf_reset(&x->made);
    x->f->row(&x->row, &x->made);
    if (same(x, unit) != QR_OK) return fault(x, at, "changed: it is not what its entry makes");
    export_proof_add(&x->proof, &x->row.leaf);
    if (x->watch->row && x->row.what != EXPORT_EXCLUDED)
        return x->watch->row(x->watch->ctx, &x->row, &x->out->err);
    return QR_OK;
}

/* ---- the end ---- */

static enum qr_rc more(struct reading *x)
{
    return qr_fail(&x->out->err, QR_FALSE,
                   "after row %" PRIu64 ", the last of the range, there is more", x->h.end - 1);
}

static enum qr_rc read_envelopes(struct reading *x)
{
    struct qr_bytes rest = envelopes_lines(x->envelopes), line;
    while (rest.n > 0) {
        size_t n = 0;
        while (rest.p[n] != '\n') n++;
        enum qr_rc rc = export_input_next(x->in, false, &line);
        if (rc == QR_OK && line.n > 9 && !qr_bytes_is(QR_BYTES(line.p, 10), "{\"payload\""))
            return more(x);
        if (rc != QR_OK || !qr_bytes_equal(line, QR_BYTES(rest.p, n)))
            return qr_fail(&x->out->err, QR_FALSE,
                           "envelope %" PRIu64 " is missing or not what the rows make",
                           x->out->envelopes);
        rest = QR_BYTES(rest.p + n + 1, rest.n - n - 1);
        x->out->envelopes++;
    }
    return QR_OK;
}

static enum qr_rc finish(struct reading *x)
{
    struct qr_bytes unit;
    if (x->envelopes) QR_TRY(read_envelopes(x));
    enum qr_rc rc = export_input_next(x->in, x->f->records, &unit);
    if (rc == QR_IO) return rc;
    if (rc != QR_NOTFOUND) return more(x);
    QR_TRY(export_proof_done(&x->proof, &x->out->err));
    bool right = x->h.rows == x->out->entries && x->h.foreign == x->foreign &&
                 x->h.erased_count == x->erased;
    for (unsigned k = 0; k < LEAF_KIND_COUNT; k++)
        if (x->h.counts[k] != x->counts[k]) right = false;
    return right ? QR_OK : broken(x, QR_FALSE, "the header counts other rows");
}

enum qr_rc export_verify(struct export_input *in, const struct export_watch *watch,
                         struct export_verdict *out)
{
    struct reading x = {.in = in, .watch = watch, .out = out};
    *out = (struct export_verdict){.rc = QR_OK};
    export_header_init(&x.h);
    export_row_init(&x.row);
    qr_buf_init(&x.claim.bytes, EXPORT_UNIT_MAX);
    qr_buf_init(&x.made, (size_t)2 * EXPORT_UNIT_MAX);
    enum qr_rc rc = begin(&x);
    for (uint64_t at = x.h.start; rc == QR_OK && at < x.h.end; at++) rc = read_row(&x, at);
    if (rc == QR_OK) rc = finish(&x);
    out->rc = rc;
    export_model_free(x.model);
    envelopes_free(x.envelopes);
    qr_buf_fini(&x.claim.bytes);
    qr_buf_fini(&x.made);
    export_row_fini(&x.row);
    export_header_fini(&x.h);
    return rc;
}
