/* attest_describe.c - a report in words. */
#include <config.h>

#include "cli/attest_describe.h"

#include <stdio.h>

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

struct bit {
    unsigned at;
    const char *name;
};
static const struct bit policy_bits[] = {
    {16, "smt"},           {18, "migrate_ma"},  {19, "debug"},         {20, "single_socket"},
    {21, "cxl"},           {22, "aes_256_xts"}, {23, "rapl_disabled"}, {24, "ciphertext_hiding"},
    {25, "page_swap_off"},
};
static const struct bit platform_bits[] = {
    {0, "smt"},
    {1, "tsme"},
    {2, "ecc"},
    {3, "rapl_disabled"},
    {4, "ciphertext_hiding"},
    {5, "alias_check_complete"},
    {7, "tio"},
};

/* The names of the bits that are set, as a list and as one line. */
static json_t *names_of(const struct cli *c, const char *label, uint64_t value,
                        const struct bit *bits, size_t n)
{
    char line[256];
    size_t at = 0;
    json_t *a = qr_json_array();
    line[0] = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(value >> bits[i].at & 1)) continue;
        qr_json_add(a, qr_json_text(qr_str(bits[i].name)));
        int put = snprintf(line + at, sizeof line - at, " %s", bits[i].name);
        at += put > 0 ? (size_t)put : 0;
    }
    cli_out(c, "%-18s %#llx%s", label, (unsigned long long)value, line);
    return a;
}

static json_t *level(const struct cli *c, const char *label, const uint8_t raw[8],
                     enum attest_product p)
{
    struct attest_tcb t = attest_tcb_of(raw, p);
    json_t *o = qr_json_object();
    cli_out(c, "%-18s fmc=%u bl=%u tee=%u snp=%u ucode=%u", label, t.fmc, t.bl, t.tee, t.snp,
            t.ucode);
    qr_json_set_int(o, "fmc", t.fmc);
    qr_json_set_int(o, "bl", t.bl);
    qr_json_set_int(o, "tee", t.tee);
    qr_json_set_int(o, "snp", t.snp);
    qr_json_set_int(o, "ucode", t.ucode);
    return o;
}

static void firmware(const struct cli *c, json_t *o, const char *key, const char *label,
                     struct attest_fw f)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u.%u.%u", f.major, f.minor, f.build);
    cli_out(c, "%-18s %s", label, text);
    qr_json_set_str(o, key, text);
}

static void bytes(const struct cli *c, json_t *o, const char *key, const char *label,
                  const uint8_t *p, size_t n)
{
    char hex[2 * ATTEST_REPORT_DATA_SIZE + 1];
    qr_hex(p, n, hex);
    cli_out(c, "%-18s %s", label, is_zero(p, n) ? "(zeros)" : hex);
    qr_json_set_str(o, key, hex);
}

static void levels(const struct cli *c, json_t *o, const struct attest_report *r,
                   enum attest_product p)
{
    qr_json_set(o, "reported", level(c, "reported TCB", r->reported_tcb, p));
    qr_json_set(o, "current", level(c, "current TCB", r->current_tcb, p));
    qr_json_set(o, "committed", level(c, "committed TCB", r->committed_tcb, p));
    qr_json_set(o, "launch", level(c, "launch TCB", r->launch_tcb, p));
    firmware(c, o, "firmware", "firmware", r->current_fw);
    firmware(c, o, "firmware_committed", "firmware committed", r->committed_fw);
}

json_t *attest_describe(const struct cli *c, const struct attest_report *r)
{
    json_t *o = qr_json_object();
    enum attest_product p = attest_product_from_cpuid(r->cpuid_family, r->cpuid_model);
    const char *signer = r->signer == ATTEST_VLEK ? "VLEK" : "VCEK";
    cli_out(c, "%-18s version %u, signed by a %s, of a %s", "report", r->version, signer,
            attest_product_name(p));
    qr_json_set_int(o, "version", r->version);
    qr_json_set_str(o, "signer", signer);
    qr_json_set_str(o, "product", attest_product_name(p));
    cli_out(c, "%-18s %u", "VMPL", r->vmpl);
    qr_json_set_int(o, "vmpl", r->vmpl);
    qr_json_set_int(o, "guest_svn", r->guest_svn);
    levels(c, o, r, p == ATTEST_PRODUCT_UNKNOWN ? ATTEST_MILAN : p);
    qr_json_set(o, "guest_policy",
                names_of(c, "guest policy", r->policy, policy_bits,
                         sizeof policy_bits / sizeof policy_bits[0]));
    cli_out(c, "%-18s %u.%u", "ABI at least", (unsigned)(r->policy >> 8 & 0xff),
            (unsigned)(r->policy & 0xff));
    qr_json_set(o, "platform_info",
                names_of(c, "platform info", r->platform_info, platform_bits,
                         sizeof platform_bits / sizeof platform_bits[0]));
    bytes(c, o, "measurement", "measurement", r->measurement, sizeof r->measurement);
    bytes(c, o, "report_data", "report data", r->report_data, sizeof r->report_data);
    bytes(c, o, "host_data", "host data", r->host_data, sizeof r->host_data);
    bytes(c, o, "chip_id", "chip", r->chip_id, sizeof r->chip_id);
    bytes(c, o, "id_key_digest", "ID key", r->id_key_digest, sizeof r->id_key_digest);
    return o;
}
