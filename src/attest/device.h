/* device.h - where a node gets reports about itself.
 *
 * One interface for hardware and simulator; the verifying half of this module
 * never knows which one made a report.  Hardware makes a report in about 8 ms,
 * may be throttled to one a second, and must be asked one thing at a time:
 * what daemons use is opened by attest_open (open.h), with a broker in front,
 * and may be used from several threads.  Spec: SNP.md section 4. */
#ifndef QUORATE_ATTEST_DEVICE_H
#define QUORATE_ATTEST_DEVICE_H

#include "attest/binding.h"
#include "attest/evidence.h"
#include "attest/guest.h"

struct attest_ask {
    uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
    bool step_up; /* for one operation, not for a channel */
};

/* How many reports a device makes: burst at once, then one every refill_us.
 * refill_us 0: as many as wanted. */
struct attest_pace {
    unsigned burst;
    int64_t refill_us;
};

struct attest_device {
    /* A report with this REPORT_DATA and its certificates, no binding.  Gives
     * out (attest_evidence_fini).  QR_ATTESTATION: the node is dead (below);
     * QR_EXHAUSTED: too many wait already; QR_DEADLINE: waited too long;
     * QR_NOTFOUND: certificates are missing. */
    enum qr_rc (*get_report)(void *ctx, const struct attest_ask *ask, struct attest_evidence *out,
                             struct qr_err *err);
    /* A key of the processor, never to be used alone (seal.h).  NULL: none. */
    enum qr_rc (*get_key)(void *ctx, const struct attest_key_mix *mix,
                          uint8_t out[ATTEST_DERIVED_SIZE], struct qr_err *err);
    /* No report can be made any more until the guest restarts.  NULL: never. */
    bool (*dead)(void *ctx);
    void (*close)(void *ctx);
    enum attest_class trust_class;
    struct attest_pace pace;
    void *ctx;
};

/* Which real device, and what the operator adds. */
struct attest_hardware {
    const char *name;      /* "configfs", "sev-guest", "auto": the first that is there */
    const char *certs_dir; /* certificates that the host does not give; or NULL */
    int level;             /* privilege level of the reports, or ATTEST_LEVEL_ANY */
};
/* Opens the raw source of reports.  QR_USAGE: another name; QR_NODEVICE,
 * QR_PERMS, QR_RANGE. */
enum qr_rc attest_hardware_guest(const struct attest_hardware *conf,
                                 const struct attest_kernel *kernel, struct attest_guest *out,
                                 struct qr_err *err) QR_MUST_CHECK;
/* The same with certificates, as a device.  certs_dir is copied. */
enum qr_rc attest_hardware_open(const struct attest_hardware *conf,
                                const struct attest_kernel *kernel, struct attest_device *out,
                                struct qr_err *err) QR_MUST_CHECK;
void attest_device_close(struct attest_device *d); /* idempotent */

/* Calls get_report, for a channel. */
enum qr_rc attest_device_report(const struct attest_device *d,
                                const uint8_t report_data[ATTEST_REPORT_DATA_SIZE],
                                struct attest_evidence *out, struct qr_err *err) QR_MUST_CHECK;
/* A report over REPORT_DATA = SHA-512(binding), with the encoded binding put
 * into out->binding: step-up evidence.  Gives out. */
enum qr_rc attest_device_evidence(const struct attest_device *d, const struct attest_binding *b,
                                  struct attest_evidence *out, struct qr_err *err) QR_MUST_CHECK;
/* QR_NOTIMPL: this device derives no keys. */
enum qr_rc attest_device_key(const struct attest_device *d, const struct attest_key_mix *mix,
                             uint8_t out[ATTEST_DERIVED_SIZE], struct qr_err *err) QR_MUST_CHECK;

#endif
