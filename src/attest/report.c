/* report.c - reading and writing the 1184 bytes by their offsets.
 *
 * All integers are little-endian.  The ranges that must be zero stand in one
 * table; whether bytes 0x188..0x18A and 0x1F8..0x207 belong to it depends on
 * the version. */
#include "attest/report.h"

#define KEY_INFO 0x048
#define SIG_R 0x2a0
#define SIG_S 0x2e8

static const struct {
    uint16_t from, n;
} zero_ranges[] = {
    {0x04c, 4},
    {0x18b, 21},
    {0x1eb, 1},
    {0x1ef, 1},
    {0x208, 152},
    {SIG_R + ATTEST_SCALAR_SIZE, 24},
    {SIG_S + ATTEST_SCALAR_SIZE, 24},
    {0x330, 368},
};

static bool is_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) any |= p[i];
    return any == 0;
}

static bool reserved_ok(const uint8_t *b, uint32_t version)
{
    for (size_t i = 0; i < sizeof zero_ranges / sizeof zero_ranges[0]; i++)
        if (!is_zero(b + zero_ranges[i].from, zero_ranges[i].n)) return false;
    if (version < 3 && !is_zero(b + 0x188, 3)) return false;
    if (version < 4 && !is_zero(b + 0x1f8, 16)) return false;
    return qr_get_le32(b + KEY_INFO) >> 5 == 0;
}

static enum attest_reason check_format(const uint8_t *b)
{
    uint32_t version = qr_get_le32(b);
    if (version < 2 || version > 5) return ATTEST_BAD_VERSION;
    if (qr_get_le32(b + 0x034) != 1) return ATTEST_BAD_SIGALGO;
    uint64_t policy = qr_get_le64(b + 0x008);
    if (!(policy & ATTEST_GUEST_MUST_BE_ONE) || (policy & ATTEST_GUEST_RESERVED))
        return ATTEST_BAD_POLICY_ENCODING;
    uint32_t info = qr_get_le32(b + KEY_INFO);
    bool mask_chip_key = info & 2;
    uint32_t signer = info >> 2 & 7;
    if (mask_chip_key || (signer != ATTEST_VCEK && signer != ATTEST_VLEK))
        return ATTEST_UNSIGNED_OR_UNKNOWN_SIGNER;
    return reserved_ok(b, version) ? ATTEST_OK : ATTEST_BAD_RESERVED;
}

static void reverse(uint8_t *dst, const uint8_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++) dst[i] = src[n - 1 - i];
}

static struct attest_fw fw_of(const uint8_t *p)
{
    return (struct attest_fw){.build = p[0], .minor = p[1], .major = p[2]};
}

enum attest_reason attest_report_parse(struct qr_bytes bytes, struct attest_report *out)
{
    if (bytes.n != ATTEST_REPORT_SIZE) return ATTEST_BAD_SIZE;
    const uint8_t *b = bytes.p;
    enum attest_reason reason = check_format(b);
    if (reason != ATTEST_OK) return reason;
    *out = (struct attest_report){
        .version = qr_get_le32(b),
        .guest_svn = qr_get_le32(b + 0x004),
        .policy = qr_get_le64(b + 0x008),
        .vmpl = qr_get_le32(b + 0x030),
        .platform_info = qr_get_le64(b + 0x040),
        .author_key_enabled = b[KEY_INFO] & 1,
        .signer = (enum attest_signer)(b[KEY_INFO] >> 2 & 7),
        .cpuid_family = b[0x188],
        .cpuid_model = b[0x189],
        .cpuid_stepping = b[0x18a],
        .current_fw = fw_of(b + 0x1e8),
        .committed_fw = fw_of(b + 0x1ec),
        .launch_mit_vector = qr_get_le64(b + 0x1f8),
        .current_mit_vector = qr_get_le64(b + 0x200),
    };
    qr_copy(out->family_id, b + 0x010, sizeof out->family_id);
    qr_copy(out->image_id, b + 0x020, sizeof out->image_id);
    qr_copy(out->current_tcb, b + 0x038, sizeof out->current_tcb);
    qr_copy(out->report_data, b + 0x050, sizeof out->report_data);
    qr_copy(out->measurement, b + 0x090, sizeof out->measurement);
    qr_copy(out->host_data, b + 0x0c0, sizeof out->host_data);
    qr_copy(out->id_key_digest, b + 0x0e0, sizeof out->id_key_digest);
    qr_copy(out->author_key_digest, b + 0x110, sizeof out->author_key_digest);
    qr_copy(out->report_id, b + 0x140, sizeof out->report_id);
    qr_copy(out->report_id_ma, b + 0x160, sizeof out->report_id_ma);
    qr_copy(out->reported_tcb, b + 0x180, sizeof out->reported_tcb);
    qr_copy(out->chip_id, b + 0x1a0, sizeof out->chip_id);
    qr_copy(out->committed_tcb, b + 0x1e0, sizeof out->committed_tcb);
    qr_copy(out->launch_tcb, b + 0x1f0, sizeof out->launch_tcb);
    reverse(out->r, b + SIG_R, sizeof out->r);
    reverse(out->s, b + SIG_S, sizeof out->s);
    return ATTEST_OK;
}

static void fw_write(struct attest_fw v, uint8_t *p)
{
    p[0] = v.build;
    p[1] = v.minor;
    p[2] = v.major;
}

void attest_report_encode(const struct attest_report *r, uint8_t out[ATTEST_REPORT_SIZE])
{
    uint8_t *b = out;
    qr_zero(b, ATTEST_REPORT_SIZE);
    qr_set_le32(b, r->version);
    qr_set_le32(b + 0x004, r->guest_svn);
    qr_set_le64(b + 0x008, r->policy);
    qr_copy(b + 0x010, r->family_id, sizeof r->family_id);
    qr_copy(b + 0x020, r->image_id, sizeof r->image_id);
    qr_set_le32(b + 0x030, r->vmpl);
    qr_set_le32(b + 0x034, 1);
    qr_copy(b + 0x038, r->current_tcb, sizeof r->current_tcb);
    qr_set_le64(b + 0x040, r->platform_info);
    qr_set_le32(b + KEY_INFO, (uint32_t)r->author_key_enabled | (uint32_t)r->signer << 2);
    qr_copy(b + 0x050, r->report_data, sizeof r->report_data);
    qr_copy(b + 0x090, r->measurement, sizeof r->measurement);
    qr_copy(b + 0x0c0, r->host_data, sizeof r->host_data);
    qr_copy(b + 0x0e0, r->id_key_digest, sizeof r->id_key_digest);
    qr_copy(b + 0x110, r->author_key_digest, sizeof r->author_key_digest);
    qr_copy(b + 0x140, r->report_id, sizeof r->report_id);
    qr_copy(b + 0x160, r->report_id_ma, sizeof r->report_id_ma);
    qr_copy(b + 0x180, r->reported_tcb, sizeof r->reported_tcb);
    b[0x188] = r->cpuid_family;
    b[0x189] = r->cpuid_model;
    b[0x18a] = r->cpuid_stepping;
    qr_copy(b + 0x1a0, r->chip_id, sizeof r->chip_id);
    qr_copy(b + 0x1e0, r->committed_tcb, sizeof r->committed_tcb);
    fw_write(r->current_fw, b + 0x1e8);
    fw_write(r->committed_fw, b + 0x1ec);
    qr_copy(b + 0x1f0, r->launch_tcb, sizeof r->launch_tcb);
    qr_set_le64(b + 0x1f8, r->launch_mit_vector);
    qr_set_le64(b + 0x200, r->current_mit_vector);
    reverse(b + SIG_R, r->r, sizeof r->r);
    reverse(b + SIG_S, r->s, sizeof r->s);
}
