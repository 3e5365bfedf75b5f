/* evidence.c - see evidence.h. */
#include "leaf/evidence.h"

#define TYPE "quorate.evidence"

enum qr_rc leaf_evidence_write(const struct leaf_evidence *e, struct qr_buf *out)
{
    json_t *o = qr_json_object(), *lists = qr_json_array();
    for (size_t i = 0; i < e->n; i++)
        qr_json_add(lists, leaf_signed_list_write(e->lists[i].letters, e->lists[i].n));
    qr_json_set_int(o, "attempt", e->attempt);
    qr_json_set_hex(o, "descriptor", e->descriptor.b, sizeof e->descriptor.b);
    qr_json_set(o, "letters", lists);
    qr_json_set_hex(o, "session_leaf", e->session_leaf.b, sizeof e->session_leaf.b);
    qr_json_set_str(o, "type", TYPE);
    qr_json_set_int(o, "v", 1);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

static void read_lists(struct qr_obj *o, struct leaf_evidence *out)
{
    const json_t *a = qr_obj_array(o, "letters", LEAF_EVIDENCE_LISTS);
    for (size_t i = 0; i < json_array_size(a); i++) {
        struct leaf_signed *list = out->lists[i].letters;
        qr_buf_init(&out->pools[i], LEAF_MAX_EVIDENCE);
        out->n = i + 1;
        if (leaf_signed_list_read(json_array_get(a, i), list, QR_MAX_PARTICIPANTS, &out->lists[i].n,
                                  &out->pools[i]) != QR_OK)
            qr_obj_bad(o, "letters");
    }
}

enum qr_rc leaf_evidence_read(struct qr_bytes text, struct leaf_evidence *out, struct qr_err *err)
{
    json_t *v = NULL;
    out->n = 0;
    if (text.n > LEAF_MAX_EVIDENCE) return qr_fail(err, QR_MALFORMED, "the evidence is too long");
    QR_TRY(qr_json_parse(text, &v, err));
    struct qr_obj o = qr_obj_of(v, "evidence");
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, UINT32_MAX);
    qr_obj_hex(&o, "descriptor", out->descriptor.b, sizeof out->descriptor.b);
    read_lists(&o, out);
    qr_obj_hex(&o, "session_leaf", out->session_leaf.b, sizeof out->session_leaf.b);
    if (!qr_bytes_is(qr_obj_str(&o, "type", 32), TYPE)) qr_obj_bad(&o, "type");
    (void)qr_obj_int(&o, "v", 1, 1);
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(v);
    return rc;
}

void leaf_evidence_fini(struct leaf_evidence *e)
{
    for (size_t i = 0; i < e->n; i++) qr_buf_fini(&e->pools[i]);
    e->n = 0;
}

struct qr_hash leaf_evidence_digest(struct qr_bytes text)
{
    return qr_sha256_tagged("quorate/evidence-of-blame/v1", text);
}
