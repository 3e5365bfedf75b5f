/* guest.h - a guest's own requests to its processor: reports and derived keys,
 * as the Linux drivers offer them.
 *
 * One request at a time: the caller sees to it (broker.h).  Every request has a
 * sequence number, which is the nonce of its encryption.  When the outcome of
 * one is unknown, another message under the same number would give its key
 * away, so the driver drops the key; what is repeated here, after "busy" or a
 * signal, is the very same message.  After any other failure the guest is dead:
 * it can make no report until it is restarted, and says so at each call.
 * Spec: SNP.md 4.1, 4.3, 4.4; linux/sev-guest.h; configfs-tsm-report. */
#ifndef QUORATE_ATTEST_GUEST_H
#define QUORATE_ATTEST_GUEST_H

#include "attest/kernel.h"
#include "attest/report.h"

/* Largest certificate table that the driver takes. */
#define ATTEST_TABLE_MAX 16384
#define ATTEST_LEVEL_ANY (-1)

struct attest_answer {
    uint8_t report[ATTEST_REPORT_SIZE];
    struct qr_buf table; /* the host's certificate table, untrusted; may be empty */
};
void attest_answer_fini(struct attest_answer *a); /* idempotent */

/* What a derived key is mixed from; they are needed to derive it again. */
#define ATTEST_MIX_POLICY (1u << 0)
#define ATTEST_MIX_IMAGE_ID (1u << 1)
#define ATTEST_MIX_FAMILY_ID (1u << 2)
#define ATTEST_MIX_MEASUREMENT (1u << 3)
#define ATTEST_MIX_SVN (1u << 4)
#define ATTEST_MIX_TCB (1u << 5)
#define ATTEST_MIX_ALL 0x3fu
#define ATTEST_DERIVED_SIZE 32
struct attest_key_mix {
    uint32_t root;   /* 0: the VCEK's root; 1: VMRK */
    uint64_t fields; /* ATTEST_MIX_* */
    uint32_t vmpl;
    uint32_t guest_svn; /* at most the launch SVN */
    uint64_t tcb;       /* little-endian value of the eight bytes; at most committed */
};

struct attest_guest {
    /* Gives out (attest_answer_fini).  QR_ATTESTATION: dead; QR_RANGE: the
     * firmware refuses the request, the level for one; QR_NOMEM, QR_IO: the
     * driver did not send it. */
    enum qr_rc (*report)(void *ctx, const uint8_t data[ATTEST_REPORT_DATA_SIZE],
                         struct attest_answer *out, struct qr_err *err);
    /* NULL: this driver has none. */
    enum qr_rc (*key)(void *ctx, const struct attest_key_mix *mix, uint8_t out[ATTEST_DERIVED_SIZE],
                      struct qr_err *err);
    bool (*dead)(void *ctx);
    void (*close)(void *ctx);
    const char *name; /* "configfs", "sev-guest" */
    void *ctx;
};

/* /dev/sev-guest.  level: 0..3 or ATTEST_LEVEL_ANY (0).  table: ask for the
 * host's certificates too.  kernel is copied.  QR_NODEVICE: not there;
 * QR_PERMS: not for this user. */
enum qr_rc attest_guest_sev(const struct attest_kernel *kernel, int level, bool table,
                            struct attest_guest *out, struct qr_err *err) QR_MUST_CHECK;
/* configfs-tsm; level ATTEST_LEVEL_ANY: the lowest number allowed.  Removes
 * what processes of ours that ended left there.  QR_NODEVICE: not there, or of
 * another provider; QR_RANGE: level below the floor; QR_PERMS. */
enum qr_rc attest_guest_configfs(const struct attest_kernel *kernel, int level,
                                 struct attest_guest *out, struct qr_err *err) QR_MUST_CHECK;

#define ATTEST_SEV_PATH "/dev/sev-guest"
#define ATTEST_TSM_PATH "/sys/kernel/config/tsm/report"

#endif
