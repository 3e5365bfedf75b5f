/* attest_seal.c - `quorate attest seal`: key files sealed in place. */
#include <config.h>

#include "attest/seal.h"
#include "attest/simulator.h"
#include "base/file.h"
#include "cli/attest.h"

static const char *const names[] = {"TEE_DEVICE", "TEE_LEVEL", "SEAL_SECRET", NULL};
static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"NODE", "node", QR_SET_TEXT, NULL, 0, 0, "the node, as its certificate names it"},
    {"TO", "to", QR_SET_TEXT, "hardware", 0, 0, "hardware, or software"},
    {"SIM_NODE", "sim-node", QR_SET_PATH, NULL, 0, 0,
     "directory of a simulated node, for --tee-device simulator"},
};
static const struct qr_config_spec spec = {
    .program = "quorate attest seal",
    .summary = "seals key files to this machine, in place",
    .examples = "  quorate attest seal --node authd-1 STATE/authd/*.key\n"
                "  quorate attest seal --node authd-1 --to software STATE/authd/*.key\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .operands = "FILE...",
    .notes =
        "SEAL_SECRET is read from the environment or a private configuration file, 16 bytes\n"
        "or more. Stop the daemon first; start it with SEAL as --to says. Before an update of\n"
        "the image seal in software, after it in hardware again.\n"
        "Exit codes: 0 sealed, 3 unreadable, 4 for another node, 9 does not open here, 11 no "
        "device.\n",
};

/* Both kinds, opened as they are needed. */
struct sealing {
    struct cli *c;
    struct attest_device device;
    struct attest_sealer *hardware, *software;
};

static enum qr_rc open_device(struct sealing *s, struct qr_err *err)
{
    const char *name = qr_config_str(s->c->config, "TEE_DEVICE");
    const char *dir = qr_config_str(s->c->config, "SIM_NODE");
    const struct attest_kernel kernel = attest_kernel_system();
    const struct attest_hardware hw = {
        name, NULL, (int)qr_config_int(s->c->config, "TEE_LEVEL", ATTEST_LEVEL_ANY)};
    if (!qr_bytes_is(qr_str(name), "simulator"))
        return attest_hardware_open(&hw, &kernel, &s->device, err);
    if (!dir) return qr_fail(err, QR_USAGE, "give --sim-node, the simulated node's directory");
#ifdef QUORATE_SIMULATOR
    return attest_sim_open(dir, NULL, &s->device, err);
#else
    return qr_fail(err, QR_NOTIMPL, "this build has no simulator");
#endif
}

static enum qr_rc sealer(struct sealing *s, bool hardware, struct attest_sealer **out,
                         struct qr_err *err)
{
    struct attest_sealer **at = hardware ? &s->hardware : &s->software;
    const char *node = qr_config_str(s->c->config, "NODE");
    const struct attest_sealer_conf conf = {.device = hardware ? &s->device : NULL,
                                            .secret = qr_config_secret(s->c->config, "SEAL_SECRET"),
                                            .node = node ? qr_str(node) : QR_BYTES_NONE,
                                            .rand = s->c->rand};
    if (!node) return qr_fail(err, QR_USAGE, "give --node, as the node's certificate names it");
    if (!*at && hardware) QR_TRY(open_device(s, err));
    if (!*at) QR_TRY(attest_sealer_open(&conf, at, err));
    *out = *at;
    return QR_OK;
}

static void sealing_close(struct sealing *s)
{
    attest_sealer_close(s->hardware);
    attest_sealer_close(s->software);
    attest_device_close(&s->device);
}

/* What is in the file, in the clear. */
static enum qr_rc open_file(struct sealing *s, struct qr_bytes name, struct qr_bytes file,
                            struct qr_buf *plain, struct qr_err *err)
{
    struct attest_sealer *with = NULL;
    bool stale = false;
    if (!attest_is_sealed(file)) {
        qr_buf_put_bytes(plain, file);
        return qr_buf_ok(plain);
    }
    QR_TRY(sealer(s, attest_sealed_in_hardware(file), &with, err));
    return attest_unseal(with, name, file, plain, &stale, err);
}

static enum qr_rc seal_file(struct sealing *s, bool hardware, const char *path, struct qr_err *err)
{
    struct qr_buf file, plain, box;
    struct attest_sealer *with = NULL;
    struct qr_bytes name = qr_str(path);
    struct qr_err why = {{0}};
    for (size_t i = name.n; i > 0; i--)
        if (path[i - 1] == '/') {
            name = QR_BYTES(name.p + i, name.n - i);
            break;
        }
    qr_buf_init(&file, ATTEST_SEAL_MAX);
    qr_buf_init(&plain, ATTEST_SEAL_PLAIN_MAX);
    qr_buf_init(&box, ATTEST_SEAL_MAX);
    enum qr_rc rc = qr_file_read_private(path, &file, &why);
    if (rc == QR_OK) rc = open_file(s, name, qr_buf_bytes(&file), &plain, &why);
    if (rc == QR_OK) rc = sealer(s, hardware, &with, &why);
    if (rc == QR_OK) rc = attest_seal(with, name, qr_buf_bytes(&plain), &box, &why);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&box), 0600, &why);
    if (rc == QR_OK) {
        cli_out(s->c, "%s: sealed as %s", path, attest_sealer_kind(with));
        qr_json_add(json_object_get(s->c->result, "files"), qr_json_text(qr_str(path)));
    } else {
        rc = qr_fail(err, rc, "%s: %s", path, why.text[0] ? why.text : qr_rc_text(rc));
    }
    qr_wipe(file.p, file.n);
    qr_wipe(plain.p, plain.n);
    qr_buf_fini(&file);
    qr_buf_fini(&plain);
    qr_buf_fini(&box);
    return rc;
}

enum qr_rc cli_attest_seal(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    char **files = NULL;
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    struct sealing s = {.c = c};
    struct qr_bytes to = qr_str(qr_config_str(c->config, "TO"));
    bool hardware = qr_bytes_is(to, "hardware");
    int n = qr_config_operands(c->config, &files);
    if (!hardware && !qr_bytes_is(to, "software"))
        return qr_fail(err, QR_USAGE, "--to is hardware or software");
    if (n == 0) return qr_fail(err, QR_USAGE, "give the key files to seal");
    c->result = qr_json_object();
    qr_json_set(c->result, "files", qr_json_array());
    enum qr_rc rc = QR_OK;
    for (int i = 0; i < n && rc == QR_OK; i++) rc = seal_file(&s, hardware, files[i], err);
    sealing_close(&s);
    return rc;
}
