/* take.h - one report for people to look at, with all that came with it.
 *
 * Daemons ask devices through a broker (open.h); this is for tools that ask
 * once, want the host's certificate table as it was given, and a report even
 * when its certificates are missing.  Spec: SNP.md 4. */
#ifndef QUORATE_ATTEST_TAKE_H
#define QUORATE_ATTEST_TAKE_H

#include "attest/device.h"
#include "attest/own_certs.h"

struct attest_taken {
    char device[16]; /* "configfs", "sev-guest", "simulator" */
    enum attest_class trust_class;
    uint8_t report[ATTEST_REPORT_SIZE];
    struct qr_buf table; /* the host's, untrusted; may be empty */
    struct attest_own_certs certs;
    /* QR_OK: all three certificates are there; QR_MALFORMED: the report, the
     * table or a certificate cannot be read. */
    enum qr_rc certs_rc;
    struct qr_err certs_why;
};

/* From hardware.  Gives (attest_taken_fini).  Fails as the device does. */
enum qr_rc attest_take(const struct attest_hardware *conf, const struct attest_kernel *kernel,
                       const uint8_t data[ATTEST_REPORT_DATA_SIZE], struct attest_taken *out,
                       struct qr_err *err) QR_MUST_CHECK;
/* From an open device of another kind, whose certificates are always there. */
enum qr_rc attest_take_device(const struct attest_device *d,
                              const uint8_t data[ATTEST_REPORT_DATA_SIZE], struct attest_taken *out,
                              struct qr_err *err) QR_MUST_CHECK;
void attest_taken_fini(struct attest_taken *t); /* idempotent */

/* What a device called name answered, with certificates from the operator's
 * directory (or NULL) and from the table that came with it; the directory goes
 * first.  Copies.  Gives out. */
void attest_taken_keep(struct attest_taken *out, const char *name, const struct attest_answer *a,
                       const char *certs_dir);

#endif
