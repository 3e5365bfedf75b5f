/* policy.h - the attestation policy: what a peer's report must say.
 *
 * Text, line by line `key = value`, '#' to the end of the line is a comment,
 * every key at most once.  Lists are separated by commas, hex is lower case,
 * masks and vectors are hex with 0x, booleans are yes and no.
 *
 *   classes       = production | simulated   default production; never both
 *   products      = Milan, Genoa, Turin      required
 *   measurements  = <96 hex digits>, …       required
 *   min_tcb.<product> = bl=N tee=N snp=N ucode=N [fmc=N]   required for each
 *                                            product; fmc for Turin only, there required
 *   ark.<product> = <sha256 of DER>, …       production: may be left out, else
 *                                            must be AMD's own; simulated: required, never AMD's
 *   signers       = VCEK, VLEK               default VCEK; VLEK needs csp_ids
 *   csp_ids, chip_ids (128 hex digits), host_data (64), family_id (32),
 *   image_id (32), report_id (64), id_key_digests (96), author_key_digests (96)
 *                                            default: rule off
 *   vmpl          = list of 0..3             default 0, 1, 2, 3
 *   allow_debug, allow_migrate_ma, allow_cxl, allow_masked_chip_id = default no
 *   allow_smt, allow_provisional             = default yes
 *   require_single_socket, require_mem_aes_256_xts, require_rapl_dis,
 *   require_ciphertext_hiding_dram, require_page_swap_disable,
 *   require_id_block, require_author_key, require_crl, forbid_migration_agent,
 *   min_tcb_committed                        = default no
 *   platform_info_required, platform_info_forbidden, min_launch_mit_vector,
 *   min_current_mit_vector                   = default 0x0
 *   min_guest_svn = N                        default 0
 *   min_abi       = MAJOR.MINOR              default 0.0
 *   min_fw        = MAJOR.MINOR.BUILD        default 0.0.0
 *   min_launch_tcb.<product>                 as min_tcb; default: rule off
 *
 * Canonical form: every key with its value, defaults written out (an empty
 * list is `none`), keys sorted, lists sorted without repetition, one space
 * around '=', LF.  TEE_POLICY_HASH is the SHA-256 of the canonical form.
 * Parsing is pure; a policy never changes afterwards, but for the chains that
 * it remembers under a lock, and may be shared between threads.  Spec: SNP.md section 3, ARCHITECTURE.md "Attested calls". */
#ifndef QUORATE_ATTEST_POLICY_H
#define QUORATE_ATTEST_POLICY_H

#include "attest/links.h"
#include "crypto/crypto.h"

#define ATTEST_LIST_MAX 64

/* Byte strings of one size, sorted, without repetition; n == 0: rule off. */
struct attest_list {
    size_t n;
    size_t size;
    uint8_t v[ATTEST_LIST_MAX][64];
};

struct attest_policy {
    enum attest_class trust_class;
    struct qr_hash hash; /* TEE_POLICY_HASH */
    bool products[ATTEST_PRODUCTS];
    bool signers[2]; /* by enum attest_signer */
    struct attest_list arks[ATTEST_PRODUCTS];
    struct attest_list measurements, host_data, chip_ids, family_ids, image_ids, report_ids;
    struct attest_list id_key_digests, author_key_digests;
    struct attest_list csp_ids; /* text, padded with zeros to 64 */
    bool has_min_tcb[ATTEST_PRODUCTS], has_min_launch_tcb[ATTEST_PRODUCTS];
    struct attest_tcb min_tcb[ATTEST_PRODUCTS], min_launch_tcb[ATTEST_PRODUCTS];
    bool min_tcb_committed;
    bool allow_debug, allow_migrate_ma, allow_cxl, allow_masked_chip_id;
    bool allow_smt, allow_provisional;
    bool require_id_block, require_author_key, require_crl, forbid_migration_agent;
    uint64_t required_bits; /* of ATTEST_GUEST_* */
    uint64_t platform_info_required, platform_info_forbidden;
    uint64_t min_launch_mit_vector, min_current_mit_vector;
    uint32_t min_guest_svn;
    uint8_t min_abi_major, min_abi_minor;
    struct attest_fw min_fw;
    bool vmpl[4];
    struct attest_links *links; /* owned: chains verified under it */
};

/* Parses and checks.  QR_MALFORMED with "line N: …" (or the missing key) in
 * err.  Gives; attest_policy_free. */
enum qr_rc attest_policy_parse(struct qr_bytes text, struct attest_policy **out, struct qr_err *err)
    QR_MUST_CHECK;
/* Same, but required keys may be absent (their rules are then off, all products
 * and signers allowed) and all-zero digests may be listed: for tools and tests
 * that try single rules, never for a policy in force. */
enum qr_rc attest_policy_parse_partial(struct qr_bytes text, struct attest_policy **out,
                                       struct qr_err *err) QR_MUST_CHECK;
void attest_policy_free(struct attest_policy *p);

/* Appends the canonical form. */
enum qr_rc attest_policy_canonical(const struct attest_policy *p, struct qr_buf *out) QR_MUST_CHECK;

/* Reads TEE_POLICY_FILE, parses it and compares its hash with the pinned one
 * (64 hex digits; empty: not pinned).  QR_POLICY: another hash; err explains
 * that the hash is that of a policy, not of an image. */
enum qr_rc attest_policy_load(const char *path, struct qr_bytes pinned_hex,
                              struct attest_policy **out, struct qr_err *err) QR_MUST_CHECK;

/* The fingerprint of AMD's own ARK (SNP.md 2.2). */
const struct qr_hash *attest_amd_ark(enum attest_product p);

#endif
