/* seal.c - boxes in canonical JSON; the header is the associated data. */
#include "attest/seal.h"

#include "base/json.h"
#include "crypto/crypto.h"

#include <stdlib.h>

#define INFO "quorate/seal/v1"
#define SALT_SIZE 32
#define FIELDS (ATTEST_MIX_POLICY | ATTEST_MIX_MEASUREMENT | ATTEST_MIX_SVN | ATTEST_MIX_TCB)
#define KIND_SOFTWARE "software"

struct attest_sealer {
    struct attest_device device; /* a copy of the handle; not ours to close */
    bool hardware;
    struct qr_secret secret;
    char node[ATTEST_SEAL_NAME_MAX + 1];
    struct qr_rand rand;
    struct attest_report self; /* hardware only */
};

/* What stands beside a box. */
struct header {
    struct qr_bytes kind, node, name;
    uint8_t salt[SALT_SIZE], nonce[QR_AEAD_NONCE];
    uint8_t measurement[ATTEST_MEASUREMENT_SIZE], tcb[8];
    uint64_t policy;
    uint32_t vmpl, guest_svn;
};

const char *attest_sealer_kind(const struct attest_sealer *s)
{
    return s->hardware ? attest_class_name(s->device.trust_class) : KIND_SOFTWARE;
}

static enum qr_rc look_at_self(struct attest_sealer *s, struct qr_err *err)
{
    static const uint8_t nothing[ATTEST_REPORT_DATA_SIZE] = {0};
    struct attest_evidence e;
    if (!s->device.get_key)
        return qr_fail(err, QR_NOTIMPL, "this attestation device derives no keys to seal with");
    QR_TRY(attest_device_report(&s->device, nothing, &e, err));
    enum attest_reason why = attest_report_parse(e.report, &s->self);
    attest_evidence_fini(&e);
    if (why == ATTEST_OK) return QR_OK;
    return qr_fail(err, QR_MALFORMED, "the device's report: %s", attest_reason_text(why));
}

enum qr_rc attest_sealer_open(const struct attest_sealer_conf *conf, struct attest_sealer **out,
                              struct qr_err *err)
{
    *out = NULL;
    if (conf->secret.n < ATTEST_SEAL_SECRET_MIN)
        return qr_fail(err, QR_USAGE, "SEAL_SECRET is missing or shorter than %d bytes",
                       ATTEST_SEAL_SECRET_MIN);
    if (conf->node.n == 0 || conf->node.n > ATTEST_SEAL_NAME_MAX)
        return qr_fail(err, QR_USAGE, "a node's name has 1 to %d bytes", ATTEST_SEAL_NAME_MAX);
    struct attest_sealer *s = calloc(1, sizeof *s);
    if (!s) return QR_NOMEM;
    s->rand = conf->rand;
    s->hardware = conf->device != NULL;
    qr_copy(s->node, conf->node.p, conf->node.n);
    enum qr_rc rc = qr_secret_init(&s->secret, conf->secret.n, err);
    if (rc == QR_OK) {
        qr_copy(s->secret.p, conf->secret.p, conf->secret.n);
        if (s->hardware) s->device = *conf->device;
        if (s->hardware) rc = look_at_self(s, err);
    }
    if (rc == QR_OK)
        *out = s;
    else
        attest_sealer_close(s);
    return rc;
}

void attest_sealer_close(struct attest_sealer *s)
{
    if (!s) return;
    qr_secret_fini(&s->secret);
    free(s);
}

/* ---- keys ---- */

/* HKDF over the processor's key and the operator's secret, each with its length. */
static enum qr_rc box_key(struct attest_sealer *s, const struct header *h, uint8_t out[32],
                          struct qr_err *err)
{
    uint8_t derived[ATTEST_DERIVED_SIZE] = {0};
    struct qr_buf ikm, info;
    enum qr_rc rc = QR_OK;
    if (s->hardware) {
        const struct attest_key_mix mix = {.fields = FIELDS,
                                           .vmpl = h->vmpl,
                                           .guest_svn = h->guest_svn,
                                           .tcb = (uint64_t)qr_get_le32(h->tcb + 4) << 32 |
                                                  qr_get_le32(h->tcb)};
        rc = attest_device_key(&s->device, &mix, derived, err);
    }
    qr_buf_init(&ikm, ATTEST_DERIVED_SIZE + s->secret.n + 16);
    qr_buf_init(&info, 512);
    qr_buf_put_lp(&ikm, QR_BYTES(derived, s->hardware ? sizeof derived : 0));
    qr_buf_put_lp(&ikm, qr_secret_bytes(&s->secret));
    qr_buf_put_lp(&info, qr_str(INFO));
    qr_buf_put_lp(&info, h->kind);
    qr_buf_put_lp(&info, h->node);
    qr_buf_put_lp(&info, h->name);
    if (rc == QR_OK) rc = qr_buf_ok(&ikm);
    if (rc == QR_OK) rc = qr_buf_ok(&info);
    if (rc == QR_OK)
        qr_hkdf_sha256(qr_buf_bytes(&ikm), QR_BYTES_OF(h->salt), qr_buf_bytes(&info), out, 32);
    qr_wipe(derived, sizeof derived);
    qr_wipe(ikm.p, ikm.n);
    qr_buf_fini(&ikm);
    qr_buf_fini(&info);
    return rc;
}

/* ---- the form ---- */

static json_t *header_json(const struct header *h)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "v", 1);
    qr_json_set_bytes(o, "kind", h->kind);
    qr_json_set_bytes(o, "node", h->node);
    qr_json_set_bytes(o, "name", h->name);
    qr_json_set_hex(o, "salt", h->salt, sizeof h->salt);
    qr_json_set_hex(o, "nonce", h->nonce, sizeof h->nonce);
    qr_json_set_hex(o, "measurement", h->measurement, sizeof h->measurement);
    qr_json_set_hex(o, "tcb", h->tcb, sizeof h->tcb);
    qr_json_set_u64str(o, "policy", h->policy);
    qr_json_set_int(o, "vmpl", h->vmpl);
    qr_json_set_int(o, "guest_svn", h->guest_svn);
    qr_json_set_int(o, "fields", FIELDS);
    return o;
}

static enum qr_rc header_read(const json_t *v, struct header *h, struct qr_buf *box,
                              struct qr_err *err)
{
    struct qr_obj o = qr_obj_of(v, "sealed key");
    *h = (struct header){.policy = 0};
    (void)qr_obj_int(&o, "v", 1, 1);
    h->kind = qr_obj_str(&o, "kind", 16);
    h->node = qr_obj_str(&o, "node", ATTEST_SEAL_NAME_MAX);
    h->name = qr_obj_str(&o, "name", ATTEST_SEAL_NAME_MAX);
    qr_obj_hex(&o, "salt", h->salt, sizeof h->salt);
    qr_obj_hex(&o, "nonce", h->nonce, sizeof h->nonce);
    qr_obj_hex(&o, "measurement", h->measurement, sizeof h->measurement);
    qr_obj_hex(&o, "tcb", h->tcb, sizeof h->tcb);
    h->policy = qr_obj_u64str(&o, "policy");
    h->vmpl = (uint32_t)qr_obj_int(&o, "vmpl", 0, 3);
    h->guest_svn = (uint32_t)qr_obj_int(&o, "guest_svn", 0, UINT32_MAX);
    (void)qr_obj_int(&o, "fields", FIELDS, FIELDS);
    qr_obj_base64_buf(&o, "box", box);
    return qr_obj_done(&o, err);
}

/* The canonical header: what a box authenticates besides its content. */
static enum qr_rc header_bytes(const struct header *h, struct qr_buf *out)
{
    json_t *o = header_json(h);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

bool attest_is_sealed(struct qr_bytes s) { return s.n > 0 && s.p[0] == '{'; }

bool attest_sealed_in_hardware(struct qr_bytes text)
{
    json_t *v = NULL;
    while (text.n && text.p[text.n - 1] == '\n') text.n--;
    if (qr_json_parse(text, &v, NULL) != QR_OK) return false;
    const char *kind = json_string_value(json_object_get(v, "kind"));
    bool hardware = kind && !qr_bytes_is(qr_str(kind), KIND_SOFTWARE);
    json_decref(v);
    return hardware;
}

/* ---- sealing ---- */

static struct header own_header(struct attest_sealer *s, struct qr_bytes name)
{
    const struct attest_report *r = &s->self;
    struct header h = {.kind = qr_str(attest_sealer_kind(s)),
                       .node = qr_str(s->node),
                       .name = name,
                       .policy = r->policy,
                       .vmpl = r->vmpl,
                       .guest_svn = r->guest_svn};
    qr_copy(h.measurement, r->measurement, sizeof h.measurement);
    qr_copy(h.tcb, r->committed_tcb, sizeof h.tcb);
    qr_rand_fill(&s->rand, h.salt, sizeof h.salt);
    qr_rand_fill(&s->rand, h.nonce, sizeof h.nonce);
    return h;
}

static enum qr_rc put_box(const struct header *h, const uint8_t key[32], struct qr_bytes plain,
                          struct qr_buf *out)
{
    struct qr_buf aad, box;
    json_t *o = NULL;
    qr_buf_init(&aad, ATTEST_SEAL_MAX);
    qr_buf_init(&box, ATTEST_SEAL_PLAIN_MAX + QR_AEAD_OVERHEAD);
    enum qr_rc rc = header_bytes(h, &aad);
    if (rc == QR_OK) rc = qr_seal(key, h->nonce, qr_buf_bytes(&aad), plain, &box);
    if (rc == QR_OK) {
        o = header_json(h);
        qr_json_set_base64(o, "box", qr_buf_bytes(&box));
        rc = qr_json_write(o, out);
    }
    json_decref(o);
    qr_buf_fini(&aad);
    qr_buf_fini(&box);
    return rc;
}

enum qr_rc attest_seal(struct attest_sealer *s, struct qr_bytes name, struct qr_bytes plain,
                       struct qr_buf *out, struct qr_err *err)
{
    uint8_t key[32];
    if (name.n == 0 || name.n > ATTEST_SEAL_NAME_MAX || plain.n > ATTEST_SEAL_PLAIN_MAX)
        return qr_fail(err, QR_RANGE, "too large to be sealed");
    const struct header h = own_header(s, name);
    QR_TRY(box_key(s, &h, key, err));
    enum qr_rc rc = put_box(&h, key, plain, out);
    qr_wipe(key, sizeof key);
    return rc;
}

/* Every component of a at least that of b; the eight bytes of a TCB are levels
 * or zero on each product. */
static bool tcb_reaches(const uint8_t a[8], const uint8_t b[8])
{
    for (size_t i = 0; i < 8; i++)
        if (a[i] < b[i]) return false;
    return true;
}

/* Is it for us?  The processor would derive another key for most of these; a
 * reason is better than "does not open". */
static enum qr_rc judge(const struct attest_sealer *s, const struct header *h, struct qr_bytes name,
                        struct qr_err *err)
{
    const struct attest_report *r = &s->self;
    if (!qr_bytes_is(h->kind, attest_sealer_kind(s)))
        return qr_fail(err, QR_POLICY, "sealed as %.*s, and this node seals as %s", (int)h->kind.n,
                       (const char *)h->kind.p, attest_sealer_kind(s));
    if (!qr_bytes_is(h->node, s->node))
        return qr_fail(err, QR_POLICY, "sealed for another node, %.*s", (int)h->node.n,
                       (const char *)h->node.p);
    if (!qr_bytes_equal(h->name, name))
        return qr_fail(err, QR_POLICY, "sealed as another key, %.*s", (int)h->name.n,
                       (const char *)h->name.p);
    if (!s->hardware) return QR_OK;
    if (!qr_bytes_equal(QR_BYTES_OF(h->measurement), QR_BYTES_OF(r->measurement)))
        return qr_fail(err, QR_ATTESTATION,
                       "sealed by another image: seal keys in software before "
                       "an update, and again after it");
    if (h->policy != r->policy || h->vmpl != r->vmpl || h->guest_svn > r->guest_svn)
        return qr_fail(err, QR_ATTESTATION, "sealed under another guest policy or level");
    if (!tcb_reaches(r->committed_tcb, h->tcb))
        return qr_fail(err, QR_ATTESTATION, "sealed by newer firmware: this was rolled back");
    return QR_OK;
}

static enum qr_rc open_box(struct attest_sealer *s, const struct header *h, struct qr_bytes box,
                           struct qr_buf *out, struct qr_err *err)
{
    uint8_t key[32] = {0};
    struct qr_buf aad;
    qr_buf_init(&aad, ATTEST_SEAL_MAX);
    enum qr_rc rc = box_key(s, h, key, err);
    if (rc == QR_OK) rc = header_bytes(h, &aad);
    if (rc == QR_OK) rc = qr_unseal(key, h->nonce, qr_buf_bytes(&aad), box, out);
    if (rc == QR_FALSE)
        rc = qr_fail(err, QR_ATTESTATION,
                     "does not open: another chip, another SEAL_SECRET, or altered");
    qr_wipe(key, sizeof key);
    qr_buf_fini(&aad);
    return rc;
}

enum qr_rc attest_unseal(struct attest_sealer *s, struct qr_bytes name, struct qr_bytes text,
                         struct qr_buf *out, bool *stale, struct qr_err *err)
{
    json_t *v = NULL;
    struct header h;
    struct qr_buf box;
    *stale = false;
    while (text.n && text.p[text.n - 1] == '\n') text.n--;
    QR_TRY(qr_json_parse(text, &v, err));
    qr_buf_init(&box, ATTEST_SEAL_PLAIN_MAX + QR_AEAD_OVERHEAD);
    enum qr_rc rc = header_read(v, &h, &box, err);
    if (rc == QR_OK) rc = judge(s, &h, name, err);
    if (rc == QR_OK) rc = open_box(s, &h, qr_buf_bytes(&box), out, err);
    if (rc == QR_OK && s->hardware)
        *stale = !qr_bytes_equal(QR_BYTES_OF(h.tcb), QR_BYTES_OF(s->self.committed_tcb)) ||
                 h.guest_svn != s->self.guest_svn;
    qr_buf_fini(&box);
    json_decref(v);
    return rc;
}
