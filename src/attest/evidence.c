/* evidence.c - evidence as canonical JSON with base64 fields.
 *
 * The storage of a parsed one is a single buffer; the fields are set to point
 * into it only after its last append, because appending may move it. */
#include "attest/evidence.h"

#include "attest/report.h"
#include "base/json.h"
#include "base/limits.h"

#define FIELDS 5
static const struct {
    size_t offset;
    size_t max;
} fields[FIELDS] = {
    {offsetof(struct attest_evidence, report), ATTEST_REPORT_SIZE},
    {offsetof(struct attest_evidence, vek), QR_MAX_CERT_DER},
    {offsetof(struct attest_evidence, ask), QR_MAX_CERT_DER},
    {offsetof(struct attest_evidence, ark), QR_MAX_CERT_DER},
    {offsetof(struct attest_evidence, binding), ATTEST_BINDING_MAX},
};
static const char *const keys[FIELDS] = {"report", "vek", "ask", "ark", "binding"};

static struct qr_bytes *field(const struct attest_evidence *e, int i)
{
    return (struct qr_bytes *)((char *)e + fields[i].offset);
}

static bool size_ok(int i, size_t n)
{
    if (i == 0) return n == ATTEST_REPORT_SIZE;
    return n <= fields[i].max && (n > 0 || i == FIELDS - 1);
}

static void init(struct attest_evidence *out)
{
    *out = (struct attest_evidence){.report = QR_BYTES_NONE};
    qr_buf_init(&out->storage, ATTEST_REPORT_SIZE + 3 * QR_MAX_CERT_DER + ATTEST_BINDING_MAX);
}

/* Points the fields, whose lengths are known, into the finished storage. */
static void settle(struct attest_evidence *e, const size_t len[FIELDS])
{
    size_t at = 0;
    for (int i = 0; i < FIELDS; i++) {
        *field(e, i) = QR_BYTES(len[i] ? e->storage.p + at : NULL, len[i]);
        at += len[i];
    }
}

enum qr_rc attest_evidence_copy(const struct attest_evidence *from, struct attest_evidence *out,
                                struct qr_err *err)
{
    size_t len[FIELDS];
    init(out);
    for (int i = 0; i < FIELDS; i++) {
        struct qr_bytes v = *field(from, i);
        if (!size_ok(i, v.n)) {
            attest_evidence_fini(out);
            return qr_fail(err, QR_RANGE, "evidence: size of %s", keys[i]);
        }
        qr_buf_put_bytes(&out->storage, v);
        len[i] = v.n;
    }
    if (qr_buf_ok(&out->storage) != QR_OK) {
        attest_evidence_fini(out);
        return QR_NOMEM;
    }
    out->trust_class = from->trust_class;
    settle(out, len);
    return QR_OK;
}

void attest_evidence_fini(struct attest_evidence *e)
{
    qr_buf_fini(&e->storage);
    *e = (struct attest_evidence){.report = QR_BYTES_NONE};
}

enum qr_rc attest_evidence_to_json(const struct attest_evidence *e, json_t **out)
{
    for (int i = 0; i < FIELDS; i++)
        if (!size_ok(i, field(e, i)->n)) return QR_RANGE;
    json_t *o = qr_json_object();
    for (int i = 0; i < FIELDS; i++) qr_json_set_base64(o, keys[i], *field(e, i));
    qr_json_set_str(o, "class", attest_class_name(e->trust_class));
    qr_json_set_int(o, "v", 1);
    *out = o;
    return QR_OK;
}

enum qr_rc attest_evidence_encode(const struct attest_evidence *e, struct qr_buf *out)
{
    json_t *o = NULL;
    QR_TRY(attest_evidence_to_json(e, &o));
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

enum qr_rc attest_evidence_from_json(const json_t *v, struct attest_evidence *out,
                                     struct qr_err *err)
{
    struct qr_obj o = qr_obj_of(v, "evidence");
    size_t len[FIELDS];
    init(out);
    for (int i = 0; i < FIELDS; i++) {
        size_t before = out->storage.n;
        qr_obj_base64_buf(&o, keys[i], &out->storage);
        len[i] = out->storage.n - before;
        if (!size_ok(i, len[i])) qr_obj_bad(&o, keys[i]);
    }
    if (attest_class_from_name(qr_obj_text(&o, "class", 16), &out->trust_class) != QR_OK)
        qr_obj_bad(&o, "class");
    (void)qr_obj_int(&o, "v", 1, 1);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc != QR_OK)
        attest_evidence_fini(out);
    else
        settle(out, len);
    return rc;
}

enum qr_rc attest_evidence_parse(struct qr_bytes s, struct attest_evidence *out, struct qr_err *err)
{
    *out = (struct attest_evidence){.report = QR_BYTES_NONE};
    if (s.n > ATTEST_EVIDENCE_MAX) return qr_fail(err, QR_MALFORMED, "evidence: too large");
    json_t *v = NULL;
    QR_TRY(qr_json_parse(s, &v, err));
    enum qr_rc rc = attest_evidence_from_json(v, out, err);
    json_decref(v);
    return rc;
}

struct qr_hash attest_evidence_digest(struct qr_bytes report, struct qr_bytes vek)
{
    static const char tag[] = "quorate/evidence/v1";
    struct qr_hash cert = qr_sha256_one(vek);
    if (report.n < ATTEST_REPORT_SIGNED) qr_fatal("digest of a report that was not parsed");
    struct qr_bytes parts[3] = {QR_BYTES_OF(tag), QR_BYTES(report.p, ATTEST_REPORT_SIGNED),
                                QR_BYTES_OF(cert.b)};
    return qr_sha256(parts, 3);
}
