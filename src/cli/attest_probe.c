/* attest_probe.c - `quorate attest probe`: what this machine has, what it lacks. */
#include <config.h>

#include "attest/certtable.h"
#include "attest/probe.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/attest.h"
#include "cli/attest_describe.h"

#include <stdio.h>

static const char *const names[] = {"TEE_DEVICE", "TEE_CERTS", "TEE_LEVEL", NULL};
static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "write the JSON document to this file too"},
    {"BURST", "burst", QR_SET_INT, "3", 1, ATTEST_BURST_MAX,
     "so many reports, for their latency; hosts stall from about the tenth on"},
};
static const struct qr_config_spec spec = {
    .program = "quorate attest probe",
    .summary = "shows what this machine has of what attestation needs",
    .examples = "  quorate attest probe\n"
                "  quorate attest probe --burst 12 --output probe.json\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "Asks the firmware for the reports and for one derived key, which is thrown away.\n"
             "A request that fails in an unknown way ends reports until the guest restarts.\n"
             "Exit codes: 0 reports with all certificates, 3 devices are not for this user,\n"
             "5 reports, but certificates are missing, 9 a device without reports, 11 no device.\n",
};

static const char *yes(bool b) { return b ? "yes" : "no"; }

static void show_machine(const struct cli *c, const struct attest_machine *m, json_t *o)
{
    const char *product = m->product == ATTEST_PRODUCT_UNKNOWN ? "no product known here"
                                                               : attest_product_name(m->product);
    cli_out(c, "%-18s %s family %#x model %#x stepping %u: %s", "processor", m->vendor, m->family,
            m->model, m->stepping, product);
    cli_out(c, "%-18s %s", "hypervisor", m->hypervisor[0] ? m->hypervisor : "none announced");
    cli_out(c, "%-18s SEV %s, SEV-ES %s, SEV-SNP %s, VMPL %s", "CPUID", yes(m->sev), yes(m->sev_es),
            yes(m->sev_snp), yes(m->vmpl_offered));
    cli_out(c, "%-18s %s", "kernel", m->kernel[0] ? m->kernel : "unknown");
    if (m->vmpl >= 0) cli_out(c, "%-18s %d", "runs at VMPL", m->vmpl);
    if (m->is_host) cli_out(c, "%-18s /dev/sev: this machine runs SEV guests", "host");
    if (m->has_vtpm)
        cli_out(c, "%-18s /dev/tpmrm0: a TPM, the hypervisor's or a paravisor's", "TPM");
    qr_json_set_str(o, "vendor", m->vendor);
    qr_json_set_str(o, "hypervisor", m->hypervisor);
    qr_json_set_int(o, "family", m->family);
    qr_json_set_int(o, "model", m->model);
    qr_json_set_int(o, "stepping", m->stepping);
    qr_json_set_str(o, "product", attest_product_name(m->product));
    qr_json_set(o, "sev", json_boolean(m->sev));
    qr_json_set(o, "sev_es", json_boolean(m->sev_es));
    qr_json_set(o, "sev_snp", json_boolean(m->sev_snp));
    qr_json_set(o, "vmpl_offered", json_boolean(m->vmpl_offered));
    qr_json_set_str(o, "kernel", m->kernel);
    qr_json_set_int(o, "vmpl", m->vmpl);
    qr_json_set(o, "host", json_boolean(m->is_host));
    qr_json_set(o, "tpm", json_boolean(m->has_vtpm));
}

/* A thing that was tried; what is not there joins the list of missing things. */
static void show_tried(struct cli *c, const char *key, const char *label,
                       const struct attest_tried *t, const char *good)
{
    json_t *o = qr_json_object();
    bool ok = t->rc == QR_OK;
    const char *why = t->why.text[0] ? t->why.text : qr_rc_text(t->rc);
    cli_out(c, "%-18s %s", label, ok ? good : why);
    qr_json_set(o, "ok", json_boolean(ok));
    qr_json_set_str(o, "code", qr_rc_name(t->rc));
    qr_json_set_str(o, "why", ok ? "" : why);
    qr_json_set(c->result, key, o);
    if (!ok) qr_json_add(json_object_get(c->result, "missing"), qr_json_text(qr_str(key)));
}

static void show_table(struct cli *c, const struct attest_taken *t)
{
    struct attest_certtable table;
    struct qr_err why = {{0}};
    json_t *o = qr_json_object();
    enum qr_rc rc = attest_certtable_parse(qr_buf_bytes(&t->table), &table, &why);
    const struct {
        const char *name;
        struct qr_bytes cert;
    } all[] = {{"vcek", table.vcek}, {"vlek", table.vlek}, {"ask", table.ask}, {"ark", table.ark}};
    qr_json_set(c->result, "table", o);
    qr_json_set_int(o, "bytes", (int64_t)t->table.n);
    if (rc != QR_OK) {
        cli_out(c, "%-18s %s", "host's table", why.text);
        return;
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        bool pem = all[i].cert.n && all[i].cert.p[0] == '-';
        if (all[i].cert.n == 0) continue;
        cli_out(c, "%-18s %s: %zu bytes of %s", "host's table", all[i].name, all[i].cert.n,
                pem ? "PEM" : "DER");
        qr_json_set_int(o, all[i].name, (int64_t)all[i].cert.n);
    }
}

static void show_latency(struct cli *c, const struct attest_probe *p)
{
    int64_t least = p->took_us[0], most = p->took_us[0];
    json_t *a = qr_json_array();
    for (unsigned i = 0; i < p->made; i++) {
        if (p->took_us[i] < least) least = p->took_us[i];
        if (p->took_us[i] > most) most = p->took_us[i];
        qr_json_add(a, json_integer(p->took_us[i]));
    }
    cli_out(c, "%-18s %u in a row, %lld to %lld us", "reports", p->made, (long long)least,
            (long long)most);
    qr_json_set(c->result, "took_us", a);
}

static void show_report(struct cli *c, const struct attest_probe *p)
{
    struct attest_report r;
    enum attest_reason why = attest_report_parse(QR_BYTES_OF(p->taken.report), &r);
    cli_out(c, "%-18s %s", "device", p->taken.device);
    qr_json_set_str(c->result, "device", p->taken.device);
    if (why == ATTEST_OK)
        qr_json_set(c->result, "claims", attest_describe(c, &r));
    else
        cli_out(c, "%-18s %s", "report", attest_reason_text(why));
    show_table(c, &p->taken);
    show_latency(c, p);
}

static enum qr_rc write_json(const struct cli *c, struct qr_err *err)
{
    const char *path = qr_config_str(c->config, "OUT");
    struct qr_buf b;
    if (!path) return QR_OK;
    qr_buf_init(&b, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_json_write(c->result, &b);
    qr_buf_put_u8(&b, '\n');
    if (rc == QR_OK) rc = qr_buf_ok(&b);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&b), 0644, err);
    qr_buf_fini(&b);
    return rc;
}

enum qr_rc cli_attest_probe(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct attest_probe p;
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    const struct attest_kernel kernel = attest_kernel_system();
    const struct attest_hardware hw = {
        qr_config_str(c->config, "TEE_DEVICE"), qr_config_str(c->config, "TEE_CERTS"),
        (int)qr_config_int(c->config, "TEE_LEVEL", ATTEST_LEVEL_ANY)};
    attest_probe_run(&hw, &kernel, &c->clock, (unsigned)qr_config_int(c->config, "BURST", 3), &p);
    json_t *machine = qr_json_object();
    c->result = qr_json_object();
    qr_json_set_str(c->result, "program", PACKAGE_STRING);
    qr_json_set(c->result, "machine", machine);
    qr_json_set(c->result, "missing", qr_json_array());
    show_machine(c, &p.machine, machine);
    show_tried(c, "configfs_tsm", "configfs-tsm", &p.configfs, "there");
    show_tried(c, "sev_guest", "sev-guest", &p.sev_guest, "there");
    show_tried(c, "report", "report", &p.report, "made");
    if (p.report.rc == QR_OK) {
        show_report(c, &p);
        show_tried(c, "certificates", "certificates", &p.certs, "all three");
        show_tried(c, "derived_key", "derived key", &p.key,
                   "given: keys at rest can be sealed to this machine");
    }
    enum qr_rc rc = write_json(c, err);
    if (rc == QR_OK) rc = attest_probe_verdict(&p, err);
    attest_probe_fini(&p);
    return rc;
}
