/* open.c - hardware or simulator. */
#include <config.h>

#include "attest/open.h"

#include "attest/simulator.h"

static enum qr_rc open_simulator(const char *dir, struct attest_device *out, struct qr_err *err)
{
#ifdef QUORATE_SIMULATOR
    return attest_sim_open(dir, NULL, out, err);
#else
    (void)dir;
    (void)out;
    return qr_fail(err, QR_NOTIMPL, "this build has no simulator");
#endif
}

enum qr_rc attest_open(const struct attest_node_conf *conf, struct attest_device *out,
                       struct qr_err *err)
{
    struct qr_bytes name = qr_str(conf->device);
    bool simulated = conf->wanted == ATTEST_SIMULATED;
    bool named = qr_bytes_is(name, "simulator");
    *out = (struct attest_device){.ctx = NULL};
    if (named && !simulated)
        return qr_fail(err, QR_POLICY,
                       "TEE_DEVICE is the simulator, and the attestation policy is of hardware");
    if (simulated && !named && !qr_bytes_is(name, "auto"))
        return qr_fail(err, QR_POLICY,
                       "TEE_DEVICE is hardware, and the attestation policy is of the simulator");
    if (simulated) {
        QR_TRY(open_simulator(conf->sim_dir, out, err));
    } else {
        const struct attest_hardware hw = {conf->device, conf->certs_dir, conf->level};
        const struct attest_kernel kernel = attest_kernel_system();
        QR_TRY(attest_hardware_open(&hw, &kernel, out, err));
    }
    enum qr_rc rc = attest_broker_start(out, &conf->broker, err);
    if (rc != QR_OK) attest_device_close(out);
    return rc;
}
