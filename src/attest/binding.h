/* binding.h - what a report speaks for: the fields behind REPORT_DATA.
 *
 * binding = "quorate/snp/v1" 0x00 || for each field in order of its tag:
 *           tag u8 || length u32 BE || bytes
 * REPORT_DATA = SHA-512(binding).
 *
 * Every field is always present, an absent one with length 0.  A verifier
 * builds the binding from its own values; the copy that travels in evidence
 * is for those who re-verify later and have to compare each field with what
 * they hold.  Pure functions.  Spec: SNP.md 5.3, TRUST.md section 8. */
#ifndef QUORATE_ATTEST_BINDING_H
#define QUORATE_ATTEST_BINDING_H

#include "attest/report.h"
#include "crypto/crypto.h"

/* Purposes (field 5): a fixed set; attest_binding_encode refuses others. */
#define ATTEST_PURPOSE_CHANNEL "channel"
#define ATTEST_PURPOSE_APPROVE "approve"
#define ATTEST_PURPOSE_DEAL "deal"
#define ATTEST_PURPOSE_RELEASE "release"
#define ATTEST_PURPOSE_ISSUE "issue"
#define ATTEST_PURPOSE_ENROLL "enroll"

/* All fields borrow.  Where a size is given, any other non-zero size is
 * refused; "required" fields may not be empty. */
struct attest_binding {
    struct qr_bytes nonce;          /*  1: verifier's nonce, 32, required */
    struct qr_bytes verifier;       /*  2: verifier id (audience), UTF-8 <= 128, required */
    struct qr_bytes node_id;        /*  3: attester's node id, UTF-8 <= 128, required */
    struct qr_bytes role;           /*  4: attester's role, UTF-8 <= 128, required */
    struct qr_bytes purpose;        /*  5: one of ATTEST_PURPOSE_*, required */
    struct qr_bytes context;        /*  6: descriptor hash, or session leaf hash, 32 */
    struct qr_bytes policy_hash;    /*  7: attestation policy the attester enforces, 32, required */
    struct qr_bytes ephemeral;      /*  8: attester's X25519 key, 32 */
    struct qr_bytes peer_ephemeral; /*  9: peer's X25519 key, 32 */
    struct qr_bytes tls_spki;       /* 10: SHA-256 of the attester's TLS SPKI, 32 */
    struct qr_bytes peer_tls_spki;  /* 11: same of the peer, 32 */
    struct qr_bytes exporter;       /* 12: TLS exporter value, 32; empty: gRPC offers none */
    struct qr_bytes transcript;     /* 13: of the handshake, or of the attested session, 32 */
    struct qr_bytes body_digest;    /* 14: SHA-256 of the operation's body, 32 */
    struct qr_bytes keys_digest;    /* 15: attest_keys_digest, 32 */
    struct qr_bytes signing_policy; /* 16: hash of the signing policy, 32 */
    struct qr_bytes checkpoint;     /* 17: size u64 BE || root, 40 */
    struct qr_bytes expiry;         /* 18: microseconds since 1970, i64 BE, 8 */
};

/* Appends the encoding.  QR_RANGE: a field has a wrong size, purpose is none
 * of the set, or text is not UTF-8 (err names the field). */
enum qr_rc attest_binding_encode(const struct attest_binding *b, struct qr_buf *out,
                                 struct qr_err *err) QR_MUST_CHECK;
/* Strict inverse: all tags 1 to 18 once and ascending, the same sizes, no
 * trailing bytes.  out borrows from s.  QR_MALFORMED. */
enum qr_rc attest_binding_decode(struct qr_bytes s, struct attest_binding *out, struct qr_err *err)
    QR_MUST_CHECK;
/* REPORT_DATA of the encoded form. */
void attest_binding_digest(struct qr_bytes encoded, uint8_t out[ATTEST_REPORT_DATA_SIZE]);
/* Encodes and digests.  QR_RANGE as attest_binding_encode. */
enum qr_rc attest_binding_report_data(const struct attest_binding *b,
                                      uint8_t out[ATTEST_REPORT_DATA_SIZE], struct qr_err *err)
    QR_MUST_CHECK;

/* Field 15: SHA-256(approval SPKI || envelope key || P_i).  The two keys are
 * 32 bytes each, so no two triples give the same bytes. */
struct qr_hash attest_keys_digest(struct qr_bytes approval_spki, const struct qr_pub *envelope,
                                  const struct qr_pub *p_i);
/* Field 17: out has 40 bytes. */
void attest_checkpoint_field(uint64_t size, const struct qr_hash *root, uint8_t out[40]);

#endif
