/* bundle.c - the JSON of a bundle in both directions. */
#include "bundle/bundle.h"

#include "base/json.h"
#include "pki/ssh.h"

#define MAX_BLOB (1024 * 1024)

static const char *const stages[] = {"open", "frozen", "started", "signed"};
#define STAGES (sizeof stages / sizeof stages[0])

const char *bundle_stage_name(enum bundle_stage s)
{
    return (unsigned)s < STAGES ? stages[s] : "?";
}

enum qr_rc bundle_stage_parse(struct qr_bytes s, enum bundle_stage *out)
{
    for (unsigned i = 0; i < STAGES; i++) {
        if (!qr_bytes_is(s, stages[i])) continue;
        *out = (enum bundle_stage)i;
        return QR_OK;
    }
    return QR_MALFORMED;
}

void bundle_fini(struct bundle *b)
{
    qr_arena_fini(&b->arena);
    *b = (struct bundle){.stage = BUNDLE_OPEN};
}

static struct qr_bytes str_of(const json_t *v)
{
    return json_is_string(v) ? QR_BYTES(json_string_value(v), json_string_length(v))
                             : QR_BYTES_NONE;
}

/* Decoded base64 in the arena; p NULL when it is not base64. */
static struct qr_bytes blob(struct bundle *b, struct qr_bytes base64)
{
    struct qr_buf raw;
    struct qr_bytes out = QR_BYTES_NONE;
    qr_buf_init(&raw, MAX_BLOB);
    if (qr_unbase64(base64, &raw) == QR_OK) out = qr_arena_dup(&b->arena, qr_buf_bytes(&raw));
    qr_buf_fini(&raw);
    return out;
}

static void read_proof(struct qr_obj *o, struct tlog_proof *out)
{
    const json_t *proof = qr_obj_array(o, "proof", TLOG_PROOF_MAX);
    out->n = json_array_size(proof);
    for (size_t i = 0; i < out->n; i++)
        if (qr_unbase64_n(str_of(json_array_get(proof, i)), out->h[i].b, TLOG_HASH_SIZE) != QR_OK)
            qr_obj_bad(o, "proof");
}

static void read_entry(struct bundle *b, const json_t *v, struct bundle_entry *e,
                       struct qr_obj *parent)
{
    struct qr_obj o = qr_obj_of(v, "entry");
    e->index = qr_obj_u64str(&o, "index");
    e->leaf = blob(b, qr_obj_str(&o, "leaf", 2 * QR_MAX_ENTRY));
    read_proof(&o, &e->proof);
    if (qr_obj_done(&o, NULL) != QR_OK || e->leaf.n == 0) qr_obj_bad(parent, "entries");
}

static void read_entries(struct bundle *b, struct qr_obj *o)
{
    const json_t *a = qr_obj_array(o, "entries", BUNDLE_MAX_ENTRIES);
    size_t n = json_array_size(a);
    struct bundle_entry *e = qr_arena_alloc(&b->arena, (n ? n : 1) * sizeof *e);
    if (!e || n == 0) {
        qr_obj_bad(o, "entries");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        read_entry(b, json_array_get(a, i), &e[i], o);
        if (i > 0 && e[i].index <= e[i - 1].index) qr_obj_bad(o, "entries");
    }
    b->entries = e;
    b->entry_count = n;
}

static void read_consistency(struct bundle *b, struct qr_obj *o)
{
    const json_t *a = qr_obj_array(o, "consistency", BUNDLE_MAX_CONSISTENCY);
    size_t n = json_array_size(a);
    struct bundle_consistency *c = qr_arena_alloc(&b->arena, (n ? n : 1) * sizeof *c);
    if (!c) {
        qr_obj_bad(o, "consistency");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct qr_obj v = qr_obj_of(json_array_get(a, i), "consistency");
        c[i].size = qr_obj_u64str(&v, "size");
        read_proof(&v, &c[i].proof);
        if (qr_obj_done(&v, NULL) != QR_OK || (i > 0 && c[i].size <= c[i - 1].size))
            qr_obj_bad(o, "consistency");
    }
    b->consistency = c;
    b->consistency_count = n;
}

/* An array of strings, as they are or from base64. */
static void read_list(struct bundle *b, struct qr_obj *o, const char *key, bool base64,
                      const struct qr_bytes **out, size_t *count)
{
    const json_t *a = qr_obj_array(o, key, BUNDLE_MAX_ITEMS);
    size_t n = json_array_size(a);
    struct qr_bytes *list = qr_arena_alloc(&b->arena, (n ? n : 1) * sizeof *list);
    if (!list) {
        qr_obj_bad(o, key);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct qr_bytes s = str_of(json_array_get(a, i));
        list[i] = s.n == 0 ? QR_BYTES_NONE : base64 ? blob(b, s) : qr_arena_dup(&b->arena, s);
        if (list[i].n == 0) qr_obj_bad(o, key);
    }
    *out = list;
    *count = n;
}

static void read_payloads(struct bundle *b, struct qr_obj *o)
{
    const json_t *a = qr_obj_array(o, "payloads", QR_MAX_PAYLOADS);
    size_t n = json_array_size(a);
    struct bundle_payload *p = qr_arena_alloc(&b->arena, QR_MAX_PAYLOADS * sizeof *p);
    if (!p) {
        qr_obj_bad(o, "payloads");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct qr_obj v = qr_obj_of(json_array_get(a, i), "payload");
        p[i].type = qr_obj_payload(&v, "type");
        struct qr_bytes sig = qr_obj_str(&v, "sig", 88);
        p[i].has_sig = sig.n > 0;
        if (p[i].has_sig && qr_unbase64_n(sig, p[i].sig.b, QR_SIG_SIZE) != QR_OK)
            qr_obj_bad(&v, "sig");
        if (qr_obj_done(&v, NULL) != QR_OK) qr_obj_bad(o, "payloads");
    }
    b->payloads = p;
    b->payload_count = n;
}

static void read_head(struct bundle *b, struct qr_obj *o)
{
    if (!qr_bytes_is(qr_obj_str(o, "type", 32), "quorate.bundle")) qr_obj_bad(o, "type");
    (void)qr_obj_int(o, "v", 1, 1);
    if (bundle_stage_parse(qr_obj_str(o, "stage", 16), &b->stage) != QR_OK) qr_obj_bad(o, "stage");
    struct qr_bytes session = qr_obj_str(o, "session", QR_ULID_LEN);
    if (qr_ulid_ok(session))
        qr_copy(b->session, session.p, session.n);
    else
        qr_obj_bad(o, "session");
    b->origin = qr_arena_dup(&b->arena, qr_obj_text(o, "origin", TLOG_NAME_MAX));
    b->checkpoint = qr_arena_dup(&b->arena, qr_obj_text(o, "checkpoint", TLOG_NOTE_MAX));
}

static void read_dkg(struct bundle *b, struct qr_obj *o)
{
    struct qr_bytes frames = qr_obj_str(o, "frames", 2 * sizeof b->frames);
    b->has_frames = frames.n > 0;
    if (b->has_frames && qr_unhex(frames, b->frames, sizeof b->frames) != QR_OK)
        qr_obj_bad(o, "frames");
    struct qr_bytes transcript = qr_obj_str(o, "transcript", 2 * MAX_BLOB);
    if (transcript.n > 0) b->transcript = blob(b, transcript);
    if ((transcript.n > 0) != (b->transcript.n > 0)) qr_obj_bad(o, "transcript");
}

/* Optional: there only where cad gave one. */
static void read_ssh(struct bundle *b, struct qr_obj *o)
{
    if (!qr_obj_has(o, "ssh_certificate")) return;
    b->ssh = blob(b, qr_obj_str(o, "ssh_certificate", 2 * PKI_SSH_MAX));
    if (b->ssh.n == 0) qr_obj_bad(o, "ssh_certificate");
}

enum qr_rc bundle_read(struct qr_bytes s, struct bundle *out, struct qr_err *err)
{
    if (s.n > QR_MAX_BUNDLE)
        return qr_fail(err, QR_RANGE, "bundle: larger than %d bytes", QR_MAX_BUNDLE);
    json_t *v = NULL;
    QR_TRY(qr_json_parse(s, &v, err));
    *out = (struct bundle){.stage = BUNDLE_OPEN};
    qr_arena_init(&out->arena, 2 * (size_t)QR_MAX_BUNDLE);
    struct qr_obj o = qr_obj_of(v, "bundle");
    read_head(out, &o);
    read_consistency(out, &o);
    read_entries(out, &o);
    read_list(out, &o, "certificates", true, &out->certificates, &out->certificate_count);
    read_list(out, &o, "evidence", false, &out->evidence, &out->evidence_count);
    read_list(out, &o, "grants", false, &out->grants, &out->grant_count);
    read_payloads(out, &o);
    read_dkg(out, &o);
    read_ssh(out, &o);
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(v);
    if (rc != QR_OK) bundle_fini(out);
    return rc;
}

static json_t *base64_json(struct qr_bytes s)
{
    struct qr_buf b;
    qr_buf_init(&b, 2 * s.n + 8);
    qr_buf_put_base64(&b, s);
    if (qr_buf_ok(&b) != QR_OK) qr_fatal("out of memory");
    json_t *v = qr_json_text(qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return v;
}

static json_t *proof_json(const struct tlog_proof *p)
{
    json_t *proof = qr_json_array();
    for (size_t k = 0; k < p->n; k++) qr_json_add(proof, base64_json(QR_BYTES_OF(p->h[k].b)));
    return proof;
}

static json_t *entries_json(const struct bundle *b)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < b->entry_count; i++) {
        const struct bundle_entry *e = &b->entries[i];
        json_t *o = qr_json_object();
        qr_json_set_u64str(o, "index", e->index);
        qr_json_set(o, "leaf", base64_json(e->leaf));
        qr_json_set(o, "proof", proof_json(&e->proof));
        qr_json_add(a, o);
    }
    return a;
}

static json_t *consistency_json(const struct bundle *b)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < b->consistency_count; i++) {
        json_t *o = qr_json_object();
        qr_json_set(o, "proof", proof_json(&b->consistency[i].proof));
        qr_json_set_u64str(o, "size", b->consistency[i].size);
        qr_json_add(a, o);
    }
    return a;
}

static json_t *list_json(const struct qr_bytes *list, size_t n, bool base64)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < n; i++)
        qr_json_add(a, base64 ? base64_json(list[i]) : qr_json_text(list[i]));
    return a;
}

static json_t *payloads_json(const struct bundle *b)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < b->payload_count; i++) {
        const struct bundle_payload *p = &b->payloads[i];
        json_t *o = qr_json_object();
        qr_json_set(o, "sig",
                    p->has_sig ? base64_json(QR_BYTES_OF(p->sig.b)) : qr_json_text(qr_str("")));
        qr_json_set_str(o, "type", qr_payload_name(p->type));
        qr_json_add(a, o);
    }
    return a;
}

enum qr_rc bundle_write(const struct bundle *b, struct qr_buf *out)
{
    if (b->consistency_count > BUNDLE_MAX_CONSISTENCY || b->entry_count > BUNDLE_MAX_ENTRIES ||
        b->certificate_count > BUNDLE_MAX_ITEMS || b->evidence_count > BUNDLE_MAX_ITEMS ||
        b->grant_count > BUNDLE_MAX_ITEMS || b->payload_count > QR_MAX_PAYLOADS ||
        b->transcript.n > MAX_BLOB || b->ssh.n > PKI_SSH_MAX)
        return QR_RANGE;
    json_t *o = qr_json_object();
    qr_json_set(o, "certificates", list_json(b->certificates, b->certificate_count, true));
    qr_json_set_bytes(o, "checkpoint", b->checkpoint);
    qr_json_set(o, "consistency", consistency_json(b));
    qr_json_set(o, "entries", entries_json(b));
    qr_json_set(o, "evidence", list_json(b->evidence, b->evidence_count, false));
    qr_json_set_hex(o, "frames", b->frames, b->has_frames ? sizeof b->frames : 0);
    qr_json_set(o, "grants", list_json(b->grants, b->grant_count, false));
    qr_json_set_bytes(o, "origin", b->origin);
    qr_json_set(o, "payloads", payloads_json(b));
    qr_json_set_str(o, "session", b->session);
    if (b->ssh.n > 0) qr_json_set(o, "ssh_certificate", base64_json(b->ssh));
    qr_json_set_str(o, "stage", bundle_stage_name(b->stage));
    qr_json_set(o, "transcript", base64_json(b->transcript));
    qr_json_set_str(o, "type", "quorate.bundle");
    qr_json_set_int(o, "v", 1);
    size_t start = out->n;
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    if (rc == QR_OK && out->n - start > QR_MAX_BUNDLE) rc = QR_RANGE;
    return rc;
}
