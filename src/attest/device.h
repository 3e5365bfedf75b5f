/* device.h - where a node gets reports about itself.
 *
 * One interface for hardware and simulator; the verifying half of this module
 * never knows which one made a report.  A device may be used from several
 * threads.  Hardware makes a report in about 8 ms and may be throttled to one
 * a second, so callers make few.  Spec: SNP.md section 4. */
#ifndef QUORATE_ATTEST_DEVICE_H
#define QUORATE_ATTEST_DEVICE_H

#include "attest/binding.h"
#include "attest/evidence.h"
#include "attest/report.h"

struct attest_device {
    /* A report with this REPORT_DATA and its certificates, no binding.  Gives
     * out (attest_evidence_fini).  QR_UNAVAILABLE, QR_EXHAUSTED (throttled). */
    enum qr_rc (*get_report)(void *ctx, const uint8_t report_data[ATTEST_REPORT_DATA_SIZE],
                             struct attest_evidence *out, struct qr_err *err);
    void (*close)(void *ctx);
    enum attest_class trust_class;
    void *ctx;
};

/* Opens a real device: "configfs" (configfs-tsm) or "sev-guest"
 * (/dev/sev-guest).  QR_USAGE for another name.  Both give QR_NOTIMPL. */
enum qr_rc attest_device_open(const char *name, struct attest_device *out, struct qr_err *err)
    QR_MUST_CHECK;
void attest_device_close(struct attest_device *d); /* idempotent */

/* Calls get_report. */
enum qr_rc attest_device_report(const struct attest_device *d,
                                const uint8_t report_data[ATTEST_REPORT_DATA_SIZE],
                                struct attest_evidence *out, struct qr_err *err) QR_MUST_CHECK;
/* A report over REPORT_DATA = SHA-512(binding), with the encoded binding put
 * into out->binding: step-up evidence.  Gives out. */
enum qr_rc attest_device_evidence(const struct attest_device *d, const struct attest_binding *b,
                                  struct attest_evidence *out, struct qr_err *err) QR_MUST_CHECK;

#endif
