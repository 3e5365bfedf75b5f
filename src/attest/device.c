/* device.c - the device interface; the real devices are not written yet. */
#include "attest/device.h"

enum qr_rc attest_device_open(const char *name, struct attest_device *out, struct qr_err *err)
{
    struct qr_bytes n = qr_str(name);
    *out = (struct attest_device){.ctx = NULL};
    if (qr_bytes_is(n, "configfs"))
        return qr_fail(err, QR_NOTIMPL, "reports from configfs-tsm are not implemented yet");
    if (qr_bytes_is(n, "sev-guest"))
        return qr_fail(err, QR_NOTIMPL, "reports from /dev/sev-guest are not implemented yet");
    return qr_fail(err, QR_USAGE, "unknown attestation device: configfs or sev-guest");
}

void attest_device_close(struct attest_device *d)
{
    if (d->close) d->close(d->ctx);
    *d = (struct attest_device){.ctx = NULL};
}

enum qr_rc attest_device_report(const struct attest_device *d,
                                const uint8_t report_data[ATTEST_REPORT_DATA_SIZE],
                                struct attest_evidence *out, struct qr_err *err)
{
    *out = (struct attest_evidence){.report = QR_BYTES_NONE};
    if (!d->get_report) return qr_fail(err, QR_STATE, "no attestation device is open");
    return d->get_report(d->ctx, report_data, out, err);
}

enum qr_rc attest_device_evidence(const struct attest_device *d, const struct attest_binding *b,
                                  struct attest_evidence *out, struct qr_err *err)
{
    struct qr_buf encoded;
    struct attest_evidence bare = {.report = QR_BYTES_NONE};
    uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
    *out = bare;
    qr_buf_init(&encoded, ATTEST_BINDING_MAX);
    enum qr_rc rc = attest_binding_encode(b, &encoded, err);
    if (rc == QR_OK) {
        attest_binding_digest(qr_buf_bytes(&encoded), report_data);
        rc = attest_device_report(d, report_data, &bare, err);
    }
    if (rc == QR_OK) {
        bare.binding = qr_buf_bytes(&encoded);
        rc = attest_evidence_copy(&bare, out, err);
    }
    attest_evidence_fini(&bare);
    qr_buf_fini(&encoded);
    return rc;
}
