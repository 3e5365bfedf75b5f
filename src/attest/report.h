/* report.h - the SEV-SNP attestation report: 1184 bytes, read by offsets.
 *
 * Parsing checks the format and nothing else: a parsed report is only a claim
 * until attest_verify has accepted it.  The signature is always computed over
 * the received bytes, never over an encoding of struct attest_report.
 * Pure functions.  Spec: AMD 56860, SNP.md section 1. */
#ifndef QUORATE_ATTEST_REPORT_H
#define QUORATE_ATTEST_REPORT_H

#include "attest/reason.h"
#include "attest/tcb.h"

#define ATTEST_REPORT_SIZE 1184
#define ATTEST_REPORT_SIGNED 672 /* the bytes under the signature */
#define ATTEST_REPORT_DATA_SIZE 64
#define ATTEST_MEASUREMENT_SIZE 48
#define ATTEST_CHIP_ID_SIZE 64
#define ATTEST_SCALAR_SIZE 48 /* R and S of P-384 */

/* Bits of the guest policy (offset 0x008). */
#define ATTEST_GUEST_SMT (1ULL << 16)
#define ATTEST_GUEST_MUST_BE_ONE (1ULL << 17)
#define ATTEST_GUEST_MIGRATE_MA (1ULL << 18)
#define ATTEST_GUEST_DEBUG (1ULL << 19)
#define ATTEST_GUEST_SINGLE_SOCKET (1ULL << 20)
#define ATTEST_GUEST_CXL (1ULL << 21)
#define ATTEST_GUEST_MEM_AES_256_XTS (1ULL << 22)
#define ATTEST_GUEST_RAPL_DIS (1ULL << 23)
#define ATTEST_GUEST_CIPHERTEXT_HIDING_DRAM (1ULL << 24)
#define ATTEST_GUEST_PAGE_SWAP_DISABLE (1ULL << 25)
#define ATTEST_GUEST_RESERVED (~0ULL << 26)

enum attest_signer { ATTEST_VCEK = 0, ATTEST_VLEK = 1 };

struct attest_fw {
    uint8_t major, minor, build;
};

struct attest_report {
    uint32_t version;
    uint32_t guest_svn;
    uint64_t policy;
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint32_t vmpl;
    uint64_t platform_info;
    bool author_key_enabled;
    enum attest_signer signer;
    uint8_t report_data[ATTEST_REPORT_DATA_SIZE];
    uint8_t measurement[ATTEST_MEASUREMENT_SIZE];
    uint8_t host_data[32];
    uint8_t id_key_digest[48];
    uint8_t author_key_digest[48];
    uint8_t report_id[32];
    uint8_t report_id_ma[32];
    uint8_t cpuid_family, cpuid_model, cpuid_stepping; /* 0 in version 2 */
    uint8_t chip_id[ATTEST_CHIP_ID_SIZE];
    uint8_t current_tcb[8], reported_tcb[8], committed_tcb[8], launch_tcb[8]; /* raw */
    struct attest_fw current_fw, committed_fw;
    uint64_t launch_mit_vector, current_mit_vector;       /* 0 before version 4 */
    uint8_t r[ATTEST_SCALAR_SIZE], s[ATTEST_SCALAR_SIZE]; /* big-endian here */
};

/* Reads and checks the format: rules 1 to 6 of SNP.md section 3 (BAD_SIZE,
 * BAD_VERSION, BAD_SIGALGO, BAD_POLICY_ENCODING, UNSIGNED_OR_UNKNOWN_SIGNER,
 * BAD_RESERVED).  out is filled only for ATTEST_OK. */
enum attest_reason attest_report_parse(struct qr_bytes bytes, struct attest_report *out)
    QR_MUST_CHECK;

/* Writes all bytes, signature included; for the simulator.  The inverse of
 * attest_report_parse for every report that it accepts. */
void attest_report_encode(const struct attest_report *r, uint8_t out[ATTEST_REPORT_SIZE]);

#endif
