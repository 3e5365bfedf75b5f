/* format.c - the list of formats, and JSON Lines: entries byte for byte as they
 * were hashed, a line each.
 *
 * The line of an excluded or foreign row is an object without "author", which
 * every entry has. */
#include "export/format.h"

static const struct export_format *const formats[] = {&export_jsonl, &export_csv, &export_ocsf,
                                                      &export_syslog, &export_dsse};

const struct export_format *export_format_find(struct qr_bytes name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (qr_bytes_is(name, formats[i]->name)) return formats[i];
    return NULL;
}

static bool begins(struct qr_bytes s, const char *with)
{
    struct qr_bytes w = qr_str(with);
    return s.n >= w.n && qr_bytes_equal(QR_BYTES(s.p, w.n), w);
}

const struct export_format *export_format_sniff(struct qr_bytes first)
{
    if (begins(first, "{\"checkpoint_end\":")) return &export_jsonl;
    if (begins(first, "row,")) return &export_csv;
    if (begins(first, "{\"activity_id\":")) return &export_ocsf;
    if (begins(first, "<110>1 ")) return &export_syslog;
    return NULL;
}

static void put_object(json_t *o, struct qr_buf *out)
{
    if (qr_json_write(o, out) != QR_OK) qr_fatal("an export that is no JSON");
    json_decref(o);
    qr_buf_put_u8(out, '\n');
}

/* ---- blocks ---- */

void export_block_write(uint64_t index, const struct qr_hash *leaf, size_t n, struct qr_buf *out)
{
    struct qr_buf all;
    json_t *o = qr_json_object();
    qr_buf_init(&all, (size_t)EXPORT_BLOCK * QR_SHA256_SIZE);
    for (size_t i = 0; i < n; i++) qr_buf_put(&all, leaf[i].b, QR_SHA256_SIZE);
    qr_json_set_base64(o, "leaf_hashes", qr_buf_bytes(&all));
    qr_json_set_u64str(o, "leaf_index", index);
    qr_buf_fini(&all);
    put_object(o, out);
}

enum qr_rc export_block_read(struct qr_bytes line, uint64_t *index, struct qr_hash *leaf, size_t *n)
{
    struct qr_buf all;
    json_t *json = NULL;
    qr_buf_init(&all, (size_t)EXPORT_BLOCK * QR_SHA256_SIZE);
    enum qr_rc rc = qr_json_parse(line, &json, NULL);
    if (rc == QR_OK) {
        struct qr_obj o = qr_obj_of(json, "block");
        qr_obj_base64_buf(&o, "leaf_hashes", &all);
        *index = qr_obj_u64str(&o, "leaf_index");
        rc = qr_obj_done(&o, NULL);
    }
    if (rc == QR_OK && all.n % QR_SHA256_SIZE != 0) rc = QR_MALFORMED;
    *n = rc == QR_OK ? all.n / QR_SHA256_SIZE : 0;
    for (size_t i = 0; i < *n; i++) qr_copy(leaf[i].b, all.p + i * QR_SHA256_SIZE, QR_SHA256_SIZE);
    json_decref(json);
    qr_buf_fini(&all);
    return rc == QR_OK ? QR_OK : QR_MALFORMED;
}

/* ---- JSON Lines ---- */

static void jsonl_head(struct qr_bytes header, struct qr_buf *out)
{
    qr_buf_put_bytes(out, header);
    qr_buf_put_u8(out, '\n');
}

static void jsonl_row(const struct export_row *r, struct qr_buf *out)
{
    if (r->what == EXPORT_ENTRY) {
        qr_buf_put_bytes(out, r->bytes);
        qr_buf_put_u8(out, '\n');
        return;
    }
    json_t *o = qr_json_object();
    if (r->what == EXPORT_FOREIGN) qr_json_set_base64(o, "entry_base64", r->bytes);
    qr_json_set_hex(o, "leaf_hash", r->leaf.b, QR_SHA256_SIZE);
    qr_json_set_u64str(o, "leaf_index", r->index);
    put_object(o, out);
}

static enum qr_rc jsonl_read_head(struct qr_bytes unit, struct qr_buf *header)
{
    qr_buf_put_bytes(header, unit);
    return QR_OK;
}

static enum qr_rc jsonl_read_row(struct qr_bytes unit, struct export_claim *c)
{
    if (begins(unit, "{\"author\":")) {
        c->what = EXPORT_ENTRY;
        qr_buf_put_bytes(&c->bytes, unit);
        return QR_OK;
    }
    json_t *json = NULL;
    if (qr_json_parse(unit, &json, NULL) != QR_OK) return QR_MALFORMED;
    struct qr_obj o = qr_obj_of(json, "row");
    c->what = EXPORT_EXCLUDED;
    if (qr_obj_has(&o, "entry_base64")) {
        c->what = EXPORT_FOREIGN;
        qr_obj_base64_buf(&o, "entry_base64", &c->bytes);
    }
    qr_obj_hex(&o, "leaf_hash", c->leaf.b, QR_SHA256_SIZE);
    c->index = qr_obj_u64str(&o, "leaf_index");
    c->placed = c->hashed = true;
    enum qr_rc rc = qr_obj_done(&o, NULL);
    json_decref(json);
    return rc;
}

const struct export_format export_jsonl = {.name = "jsonl",
                                           .head_units = 1,
                                           .blocks = true,
                                           .head = jsonl_head,
                                           .row = jsonl_row,
                                           .read_head = jsonl_read_head,
                                           .read_row = jsonl_read_row};

/* The same; an envelope for each signature follows (src/export/envelope.h). */
const struct export_format export_dsse = {.name = "dsse",
                                          .head_units = 1,
                                          .blocks = true,
                                          .head = jsonl_head,
                                          .row = jsonl_row,
                                          .read_head = jsonl_read_head,
                                          .read_row = jsonl_read_row};
