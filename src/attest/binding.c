/* binding.c - the tagged fields behind REPORT_DATA.
 *
 * One table says where a field lives, how large it may be and whether it must
 * be there; encoding and decoding walk the table in the same order, so the
 * tags ascend without a gap by construction. */
#include "attest/binding.h"

static const char prefix[] = "quorate/snp/v1"; /* its NUL is part of it */

enum field_kind { FIXED, TEXT, PURPOSE };

static const struct field {
    const char *name;
    size_t offset;
    enum field_kind kind;
    size_t size; /* exact for FIXED, largest for TEXT */
    bool required;
} fields[] = {
#define F(name, kind, size, required)                                      \
    {                                                                      \
#name, offsetof(struct attest_binding, name), kind, size, required \
    }
    F(nonce, FIXED, 32, true),           F(verifier, TEXT, 128, true),
    F(node_id, TEXT, 128, true),         F(role, TEXT, 128, true),
    F(purpose, PURPOSE, 16, true),       F(context, FIXED, 32, false),
    F(policy_hash, FIXED, 32, true),     F(ephemeral, FIXED, 32, false),
    F(peer_ephemeral, FIXED, 32, false), F(tls_spki, FIXED, 32, false),
    F(peer_tls_spki, FIXED, 32, false),  F(exporter, FIXED, 32, false),
    F(transcript, FIXED, 32, false),     F(body_digest, FIXED, 32, false),
    F(keys_digest, FIXED, 32, false),    F(signing_policy, FIXED, 32, false),
    F(checkpoint, FIXED, 40, false),     F(expiry, FIXED, 8, false),
#undef F
};
#define FIELDS (sizeof fields / sizeof fields[0])
_Static_assert(FIELDS * sizeof(struct qr_bytes) == sizeof(struct attest_binding), "all fields");

static bool purpose_ok(struct qr_bytes s)
{
    static const char *const all[] = {ATTEST_PURPOSE_CHANNEL, ATTEST_PURPOSE_APPROVE,
                                      ATTEST_PURPOSE_DEAL,    ATTEST_PURPOSE_RELEASE,
                                      ATTEST_PURPOSE_ISSUE,   ATTEST_PURPOSE_ENROLL};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (qr_bytes_is(s, all[i])) return true;
    return false;
}

static bool field_ok(const struct field *f, struct qr_bytes s)
{
    if (s.n == 0) return !f->required;
    switch (f->kind) {
    case FIXED: return s.n == f->size;
    case TEXT: return s.n <= f->size && qr_utf8_ok(s);
    case PURPOSE: return purpose_ok(s);
    }
    return false;
}

enum qr_rc attest_binding_encode(const struct attest_binding *b, struct qr_buf *out,
                                 struct qr_err *err)
{
    qr_buf_put(out, prefix, sizeof prefix);
    for (size_t i = 0; i < FIELDS; i++) {
        const struct qr_bytes *v = (const struct qr_bytes *)((const char *)b + fields[i].offset);
        if (!field_ok(&fields[i], *v))
            return qr_fail(err, QR_RANGE, "binding: bad field %s", fields[i].name);
        qr_buf_put_u8(out, (uint8_t)(i + 1));
        qr_buf_put_lp(out, *v);
    }
    return qr_buf_ok(out);
}

enum qr_rc attest_binding_decode(struct qr_bytes s, struct attest_binding *out, struct qr_err *err)
{
    struct qr_reader r = qr_reader_of(s);
    if (!qr_bytes_equal(qr_read_bytes(&r, sizeof prefix), QR_BYTES_OF(prefix)))
        return qr_fail(err, QR_MALFORMED, "binding: not of version 1");
    for (size_t i = 0; i < FIELDS; i++) {
        struct qr_bytes *v = (struct qr_bytes *)((char *)out + fields[i].offset);
        uint8_t tag = qr_read_u8(&r);
        *v = qr_read_lp(&r, fields[i].size);
        if (r.failed || tag != i + 1 || !field_ok(&fields[i], *v))
            return qr_fail(err, QR_MALFORMED, "binding: bad field %s", fields[i].name);
    }
    if (qr_reader_done(&r) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "binding: bytes after the last field");
    return QR_OK;
}

void attest_binding_digest(struct qr_bytes encoded, uint8_t out[ATTEST_REPORT_DATA_SIZE])
{
    _Static_assert(ATTEST_REPORT_DATA_SIZE == QR_SHA512_SIZE, "REPORT_DATA holds a SHA-512");
    qr_sha512(&encoded, 1, out);
}

enum qr_rc attest_binding_report_data(const struct attest_binding *b,
                                      uint8_t out[ATTEST_REPORT_DATA_SIZE], struct qr_err *err)
{
    struct qr_buf encoded;
    qr_buf_init(&encoded, 2048);
    enum qr_rc rc = attest_binding_encode(b, &encoded, err);
    if (rc == QR_OK) attest_binding_digest(qr_buf_bytes(&encoded), out);
    qr_buf_fini(&encoded);
    return rc;
}

struct qr_hash attest_keys_digest(struct qr_bytes approval_spki, const struct qr_pub *envelope,
                                  const struct qr_pub *p_i)
{
    struct qr_bytes parts[3] = {approval_spki, QR_BYTES_OF(envelope->b), QR_BYTES_OF(p_i->b)};
    return qr_sha256(parts, 3);
}

void attest_checkpoint_field(uint64_t size, const struct qr_hash *root, uint8_t out[40])
{
    qr_set_be64(out, size);
    qr_copy(out + 8, root->b, sizeof root->b);
}
