/* attest_report.c - `quorate attest report`: a report of this machine, with
 * its certificates, in files. */
#include <config.h>

#include "attest/simulator.h"
#include "attest/take.h"
#include "base/file.h"
#include "cli/attest.h"
#include "cli/attest_describe.h"

#include <limits.h>
#include <sys/stat.h>

static const char *const names[] = {"TEE_DEVICE", "TEE_CERTS", "TEE_LEVEL", NULL};
static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"OUT", "output", QR_SET_PATH, NULL, 0, 0, "directory for the files; made if it is not there"},
    {"REPORT_DATA", "report-data", QR_SET_TEXT, NULL, 0, 0,
     "what the report shall be about, 128 hex digits (random)"},
    {"SIM_NODE", "sim-node", QR_SET_PATH, NULL, 0, 0,
     "directory of a simulated node, for --tee-device simulator"},
};
static const struct qr_config_spec spec = {
    .program = "quorate attest report",
    .summary = "takes an attestation report of this machine",
    .examples = "  quorate attest report --output evidence\n"
                "  quorate attest report --report-data 00...ff --output evidence --json\n"
                "  quorate attest report --tee-device simulator --sim-node STATE/tee/authd-1\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes =
        "Files: report.bin, and as far as they are known table.bin (as the host gave it),\n"
        "vcek.der or vlek.der, ask.der, ark.der. Nothing is verified here.\n"
        "Exit codes: 0 taken, 3 not for this user, 9 the device gives no report, 11 no device.\n",
};

static enum qr_rc read_data(struct cli *c, uint8_t out[ATTEST_REPORT_DATA_SIZE], struct qr_err *err)
{
    const char *hex = qr_config_str(c->config, "REPORT_DATA");
    if (!hex) {
        qr_rand_fill(&c->rand, out, ATTEST_REPORT_DATA_SIZE);
        return QR_OK;
    }
    if (qr_unhex(qr_str(hex), out, ATTEST_REPORT_DATA_SIZE) == QR_OK) return QR_OK;
    return qr_fail(err, QR_USAGE, "--report-data is not 128 lower-case hexadecimal digits");
}

static enum qr_rc take_simulated(const struct cli *c, const uint8_t *data, struct attest_taken *out,
                                 struct qr_err *err)
{
    const char *dir = qr_config_str(c->config, "SIM_NODE");
    if (!dir) return qr_fail(err, QR_USAGE, "give --sim-node, the simulated node's directory");
#ifdef QUORATE_SIMULATOR
    struct attest_device d;
    QR_TRY(attest_sim_open(dir, NULL, &d, err));
    enum qr_rc rc = attest_take_device(&d, data, out, err);
    attest_device_close(&d);
    return rc;
#else
    (void)data;
    (void)out;
    return qr_fail(err, QR_NOTIMPL, "this build has no simulator");
#endif
}

static enum qr_rc take(const struct cli *c, const uint8_t *data, struct attest_taken *out,
                       struct qr_err *err)
{
    const char *device = qr_config_str(c->config, "TEE_DEVICE");
    *out = (struct attest_taken){.device = ""};
    if (qr_bytes_is(qr_str(device), "simulator")) return take_simulated(c, data, out, err);
    const struct attest_kernel kernel = attest_kernel_system();
    const struct attest_hardware hw = {
        device, qr_config_str(c->config, "TEE_CERTS"),
        (int)qr_config_int(c->config, "TEE_LEVEL", ATTEST_LEVEL_ANY)};
    return attest_take(&hw, &kernel, data, out, err);
}

/* ---- files ---- */

static enum qr_rc put_file(struct cli *c, const char *dir, const char *name, struct qr_bytes data,
                           struct qr_err *err)
{
    char path[PATH_MAX];
    if (data.n == 0) return QR_OK;
    QR_TRY(cli_path(path, dir, name, NULL, err));
    QR_TRY(qr_file_write(path, data, 0644, err));
    cli_out(c, "%-18s %s, %zu bytes", "written", path, data.n);
    qr_json_add(json_object_get(c->result, "files"), qr_json_text(qr_str(path)));
    return QR_OK;
}

static enum qr_rc put_files(struct cli *c, const struct attest_taken *t, bool vlek,
                            struct qr_err *err)
{
    const char *dir = qr_config_str(c->config, "OUT");
    bool certs = t->certs_rc != QR_MALFORMED;
    qr_json_set(c->result, "files", qr_json_array());
    if (!dir) {
        cli_say(c, "note: nothing is kept; give --output DIR");
        return QR_OK;
    }
    (void)mkdir(dir, 0755);
    QR_TRY(put_file(c, dir, "report.bin", QR_BYTES_OF(t->report), err));
    QR_TRY(put_file(c, dir, "table.bin", qr_buf_bytes(&t->table), err));
    if (!certs) return QR_OK;
    QR_TRY(put_file(c, dir, vlek ? "vlek.der" : "vcek.der", qr_buf_bytes(&t->certs.vek), err));
    QR_TRY(put_file(c, dir, "ask.der", qr_buf_bytes(&t->certs.ask), err));
    return put_file(c, dir, "ark.der", qr_buf_bytes(&t->certs.ark), err);
}

static enum qr_rc tell(struct cli *c, const struct attest_taken *t, struct qr_err *err)
{
    struct attest_report r;
    const char *trust_class = attest_class_name(t->trust_class);
    enum attest_reason why = attest_report_parse(QR_BYTES_OF(t->report), &r);
    if (why != ATTEST_OK)
        return qr_fail(err, QR_ATTESTATION, "the device gives no report that can be read: %s",
                       attest_reason_text(why));
    c->result = qr_json_object();
    cli_out(c, "%-18s %s, class %s", "device", t->device, trust_class);
    qr_json_set_str(c->result, "device", t->device);
    qr_json_set_str(c->result, "class", trust_class);
    qr_json_set(c->result, "report", attest_describe(c, &r));
    bool whole = t->certs_rc == QR_OK;
    cli_out(c, "%-18s %s", "certificates", whole ? "all three" : t->certs_why.text);
    qr_json_set_str(c->result, "certificates", whole ? "complete" : t->certs_why.text);
    QR_TRY(put_files(c, t, r.signer == ATTEST_VLEK, err));
    cli_say(c, "note: nothing is verified here; see `quorate attest verify` and `explain`%s",
            whole ? "" : ", and `kds-url` for what is missing");
    return QR_OK;
}

enum qr_rc cli_attest_report(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    uint8_t data[ATTEST_REPORT_DATA_SIZE];
    struct attest_taken t;
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    QR_TRY(read_data(c, data, err));
    QR_TRY(take(c, data, &t, err));
    enum qr_rc rc = tell(c, &t, err);
    attest_taken_fini(&t);
    return rc;
}
