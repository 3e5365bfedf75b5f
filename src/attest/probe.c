/* probe.c - looking, then asking. */
#include "attest/probe.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>

#define LEAF_VENDOR 0u
#define LEAF_FAMILY 1u
#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_EXTENDED 0x80000000u
#define LEAF_ENCRYPTION 0x8000001fu

/* ---- the machine ---- */

static void put_name(char out[13], uint32_t a, uint32_t b, uint32_t c)
{
    uint8_t raw[12];
    qr_set_le32(raw, a);
    qr_set_le32(raw + 4, b);
    qr_set_le32(raw + 8, c);
    for (size_t i = 0; i < sizeof raw; i++)
        out[i] = raw[i] == 0 ? 0 : (char)(raw[i] > 0x20 && raw[i] < 0x7f ? raw[i] : '?');
    out[12] = 0;
}

static void read_cpuid(const struct attest_kernel *k, struct attest_machine *m)
{
    uint32_t r[4];
    k->cpuid(k->ctx, LEAF_VENDOR, r);
    put_name(m->vendor, r[1], r[3], r[2]);
    k->cpuid(k->ctx, LEAF_FAMILY, r);
    bool guest = r[2] >> 31;
    m->family = (uint8_t)((r[0] >> 8 & 0xf) + (r[0] >> 20 & 0xff));
    m->model = (uint8_t)((r[0] >> 4 & 0xf) | (r[0] >> 12 & 0xf0));
    m->stepping = (uint8_t)(r[0] & 0xf);
    bool amd = qr_bytes_is(qr_str(m->vendor), "AuthenticAMD");
    m->product = amd ? attest_product_from_cpuid(m->family, m->model) : ATTEST_PRODUCT_UNKNOWN;
    if (guest) {
        k->cpuid(k->ctx, LEAF_HYPERVISOR, r);
        put_name(m->hypervisor, r[1], r[2], r[3]);
        if (!m->hypervisor[0]) put_name(m->hypervisor, 0x6e6b6e75, 0x6e776f, 0); /* unknown */
    }
    k->cpuid(k->ctx, LEAF_EXTENDED, r);
    if (r[0] < LEAF_ENCRYPTION || !amd) return;
    k->cpuid(k->ctx, LEAF_ENCRYPTION, r);
    m->sev = r[0] >> 1 & 1;
    m->sev_es = r[0] >> 3 & 1;
    m->sev_snp = r[0] >> 4 & 1;
    m->vmpl_offered = r[0] >> 5 & 1;
}

/* The first line of a small file; "" when there is none. */
static void read_line(const struct attest_kernel *k, const char *path, char *out, size_t room)
{
    out[0] = 0;
    int fd = k->open(k->ctx, path, O_RDONLY);
    if (fd < 0) return;
    int64_t n = k->read(k->ctx, fd, out, room - 1);
    k->close(k->ctx, fd);
    if (n < 0) n = 0;
    out[n] = 0;
    for (char *p = out; *p; p++)
        if (*p < 0x20 || *p > 0x7e) *p = 0;
}

static bool is_there(const struct attest_kernel *k, const char *path)
{
    int fd = k->open(k->ctx, path, O_RDWR);
    if (fd >= 0) k->close(k->ctx, fd);
    return fd >= 0 || fd == -EACCES || fd == -EPERM || fd == -EBUSY;
}

void attest_machine_look(const struct attest_kernel *k, struct attest_machine *out)
{
    char vmpl[16];
    uint64_t level = 0;
    *out = (struct attest_machine){.vmpl = -1};
    read_cpuid(k, out);
    read_line(k, "/proc/sys/kernel/osrelease", out->kernel, sizeof out->kernel);
    read_line(k, "/sys/devices/system/cpu/sev/vmpl", vmpl, sizeof vmpl);
    if (qr_parse_u64(qr_str(vmpl), 3, &level) == QR_OK) out->vmpl = (int)level;
    out->is_host = is_there(k, "/dev/sev");
    out->has_vtpm = is_there(k, "/dev/tpmrm0");
}

/* ---- devices ---- */

static void try_open(const struct attest_hardware *conf, const char *name,
                     const struct attest_kernel *k, struct attest_tried *out)
{
    struct attest_guest g;
    struct attest_hardware one = *conf;
    one.name = name;
    out->rc = attest_hardware_guest(&one, k, &g, &out->why);
    if (out->rc == QR_OK) g.close(g.ctx);
}

static void data_of(unsigned i, uint8_t out[ATTEST_REPORT_DATA_SIZE])
{
    qr_zero(out, ATTEST_REPORT_DATA_SIZE);
    qr_set_le32(out, i);
}

/* The first report keeps what came with it; the rest are only timed. */
static void ask_reports(struct attest_guest *g, const struct attest_hardware *conf,
                        const struct qr_clock *clock, unsigned burst, struct attest_probe *p)
{
    uint8_t data[ATTEST_REPORT_DATA_SIZE];
    struct attest_answer a;
    for (unsigned i = 0; i < burst; i++) {
        int64_t from = qr_mono_us(clock);
        data_of(i, data);
        enum qr_rc rc = g->report(g->ctx, data, &a, i ? NULL : &p->report.why);
        if (i == 0) p->report.rc = rc;
        if (rc != QR_OK) return;
        p->took_us[p->made++] = qr_mono_us(clock) - from;
        if (i == 0) attest_taken_keep(&p->taken, g->name, &a, conf->certs_dir);
        attest_answer_fini(&a);
    }
}

/* At the level that the report is of: no lower one is ours to ask for. */
static void ask_key(const struct attest_kernel *k, int level, struct attest_probe *p)
{
    struct attest_guest g;
    uint8_t key[ATTEST_DERIVED_SIZE];
    struct attest_key_mix mix = {.fields = ATTEST_MIX_MEASUREMENT | ATTEST_MIX_POLICY,
                                 .vmpl = qr_get_le32(p->taken.report + 0x30)};
    p->key.rc = attest_guest_sev(k, level, false, &g, &p->key.why);
    if (p->key.rc != QR_OK) return;
    p->key.rc = g.key(g.ctx, &mix, key, &p->key.why);
    qr_wipe(key, sizeof key);
    g.close(g.ctx);
}

void attest_probe_run(const struct attest_hardware *conf, const struct attest_kernel *kernel,
                      const struct qr_clock *clock, unsigned burst, struct attest_probe *out)
{
    struct attest_guest g;
    *out = (struct attest_probe){.certs = {.rc = QR_NOTFOUND}, .key = {.rc = QR_NODEVICE}};
    attest_machine_look(kernel, &out->machine);
    try_open(conf, "configfs", kernel, &out->configfs);
    try_open(conf, "sev-guest", kernel, &out->sev_guest);
    out->report.rc = attest_hardware_guest(conf, kernel, &g, &out->report.why);
    if (out->report.rc != QR_OK) return;
    ask_reports(&g, conf, clock, burst < ATTEST_BURST_MAX ? burst : ATTEST_BURST_MAX, out);
    bool dead = g.dead(g.ctx);
    g.close(g.ctx);
    if (out->report.rc != QR_OK) return;
    out->certs = (struct attest_tried){out->taken.certs_rc, out->taken.certs_why};
    if (!dead) ask_key(kernel, conf->level, out);
}

void attest_probe_fini(struct attest_probe *p) { attest_taken_fini(&p->taken); }

enum qr_rc attest_probe_verdict(const struct attest_probe *p, struct qr_err *err)
{
    bool closed = p->configfs.rc == QR_PERMS || p->sev_guest.rc == QR_PERMS;
    bool open = p->configfs.rc == QR_OK || p->sev_guest.rc == QR_OK;
    if (p->report.rc == QR_OK && p->certs.rc == QR_OK) return QR_OK;
    if (p->report.rc == QR_USAGE) return qr_fail(err, QR_USAGE, "%s", p->report.why.text);
    if (p->report.rc == QR_OK) return qr_fail(err, QR_NOTFOUND, "%s", p->certs.why.text);
    if (open) return qr_fail(err, QR_ATTESTATION, "no report: %s", p->report.why.text);
    if (closed)
        return qr_fail(err, QR_PERMS, "%s",
                       (p->sev_guest.rc == QR_PERMS ? p->sev_guest : p->configfs).why.text);
    return qr_fail(err, QR_NODEVICE, "%s",
                   p->machine.is_host ? "this is a host of SEV guests, not a guest"
                                      : "no SEV-SNP device on this machine");
}
