/* probe.h - what a machine has of what attestation needs: processor, devices,
 * a first report, its certificates, how fast more come, derived keys.
 *
 * For the first boot on a cloud nobody has seen.  It judges nothing: whether
 * the report satisfies a policy is attest_verify's to say.  It asks the
 * firmware for a few reports and one key, as any node does.  Spec: SNP.md 4. */
#ifndef QUORATE_ATTEST_PROBE_H
#define QUORATE_ATTEST_PROBE_H

#include "attest/take.h"
#include "base/clock.h"

#define ATTEST_BURST_MAX 64

/* As the processor and the kernel say; nothing of it is vouched for. */
struct attest_machine {
    char vendor[13], hypervisor[13]; /* hypervisor "": none is announced */
    uint8_t family, model, stepping;
    enum attest_product product;
    bool sev, sev_es, sev_snp, vmpl_offered; /* CPUID 8000001F */
    char kernel[64];                         /* release; "": unknown */
    int vmpl;                                /* of this guest; -1: the kernel does not say */
    bool is_host;                            /* /dev/sev: this machine runs guests */
    bool has_vtpm;                           /* /dev/tpmrm0 */
};
void attest_machine_look(const struct attest_kernel *kernel, struct attest_machine *out);

/* One thing that was tried: QR_OK, or why not. */
struct attest_tried {
    enum qr_rc rc;
    struct qr_err why;
};

struct attest_probe {
    struct attest_machine machine;
    struct attest_tried configfs, sev_guest; /* opening each */
    struct attest_tried report;              /* the first one */
    struct attest_taken taken;               /* filled when report.rc is QR_OK */
    struct attest_tried certs;
    struct attest_tried key; /* a derived key; its bytes are wiped */
    unsigned made;           /* reports, the first included */
    int64_t took_us[ATTEST_BURST_MAX];
};

/* Tries everything; burst: how many reports, 1 to ATTEST_BURST_MAX.  A device
 * that died ends it.  Gives; attest_probe_fini. */
void attest_probe_run(const struct attest_hardware *conf, const struct attest_kernel *kernel,
                      const struct qr_clock *clock, unsigned burst, struct attest_probe *out);
void attest_probe_fini(struct attest_probe *p); /* idempotent */

/* The verdict of a probe: QR_OK: reports with all certificates; QR_NOTFOUND:
 * reports, but certificates are missing or malformed; QR_ATTESTATION: a device
 * that makes no report; QR_PERMS: a device that this user may not open;
 * QR_NODEVICE: none; QR_USAGE: conf names no device.  err says which. */
enum qr_rc attest_probe_verdict(const struct attest_probe *p, struct qr_err *err) QR_MUST_CHECK;

#endif
