/* write.c - rows are held back for a block, whose leaf hashes stand before it. */
#include "export/write.h"

#include "export/envelope.h"

#include <stdlib.h>

#define DRAIN_AT 65536

struct export_writer {
    const struct export_format *f;
    const struct export_header *h;
    struct export_sink to;
    struct export_model *model;
    struct envelopes *envelopes; /* dsse */
    struct qr_buf rows;
    struct qr_hash leaf[EXPORT_BLOCK];
    size_t held;    /* rows of the block under way */
    uint64_t block; /* its first index */
};

static enum qr_rc drain(struct export_writer *w, struct qr_buf *b)
{
    QR_TRY(qr_buf_ok(b));
    enum qr_rc rc = w->to.put(w->to.ctx, qr_buf_bytes(b));
    qr_buf_reset(b);
    return rc;
}

static enum qr_rc write_head(struct export_writer *w)
{
    struct qr_buf json, head;
    qr_buf_init(&json, EXPORT_HEADER_MAX);
    qr_buf_init(&head, (size_t)2 * EXPORT_UNIT_MAX);
    enum qr_rc rc = export_header_write(w->h, &json);
    if (rc == QR_OK) w->f->head(qr_buf_bytes(&json), &head);
    if (rc == QR_OK) rc = drain(w, &head);
    qr_buf_fini(&json);
    qr_buf_fini(&head);
    return rc;
}

enum qr_rc export_writer_new(const struct export_format *f, const struct export_header *h,
                             const struct export_sink *to, struct export_writer **out)
{
    struct export_writer *w = calloc(1, sizeof *w);
    if (!w) qr_fatal("out of memory");
    w->f = f;
    w->h = h;
    w->to = *to;
    w->model = export_model_new(h);
    if (f == &export_dsse) w->envelopes = envelopes_new(h);
    qr_buf_init(&w->rows, (size_t)256 * 1024 * 1024);
    *out = w;
    return write_head(w);
}

void export_writer_free(struct export_writer *w)
{
    if (!w) return;
    export_model_free(w->model);
    envelopes_free(w->envelopes);
    qr_buf_fini(&w->rows);
    free(w);
}

static enum qr_rc end_block(struct export_writer *w)
{
    struct qr_buf line;
    if (w->held == 0) return QR_OK;
    qr_buf_init(&line, EXPORT_UNIT_MAX);
    export_block_write(w->block, w->leaf, w->held, &line);
    w->held = 0;
    enum qr_rc rc = drain(w, &line);
    qr_buf_fini(&line);
    return rc == QR_OK ? drain(w, &w->rows) : rc;
}

enum qr_rc export_writer_row(struct export_writer *w, struct export_row *r)
{
    if (export_row_passes(r, w->h)) {
        export_row_take(r, w->model);
        if (w->envelopes) envelopes_take(w->envelopes, r);
    } else {
        export_row_excluded(r, w->h, r->index, &r->leaf);
    }
    w->f->row(r, &w->rows);
    if (!w->f->blocks) return w->rows.n < DRAIN_AT ? QR_OK : drain(w, &w->rows);
    if (w->held == 0) w->block = r->index;
    w->leaf[w->held++] = r->leaf;
    return w->held < EXPORT_BLOCK ? QR_OK : end_block(w);
}

enum qr_rc export_writer_end(struct export_writer *w)
{
    if (w->f->blocks) QR_TRY(end_block(w));
    QR_TRY(drain(w, &w->rows));
    return w->envelopes ? w->to.put(w->to.ctx, envelopes_lines(w->envelopes)) : QR_OK;
}
