/* own_certs.h - where a node's endorsement certificates come from: the table
 * that its host gives with a report, or files that its operator laid down.
 *
 * Both are untrusted input: what is taken here is only shown to peers, who
 * verify it.  The table itself is read by certtable.h.  Spec: SNP.md 4.2. */
#ifndef QUORATE_ATTEST_OWN_CERTS_H
#define QUORATE_ATTEST_OWN_CERTS_H

#include "attest/report.h"

/* One file or entry, in PEM. */
#define ATTEST_CERTS_TEXT_MAX 16384

/* Certificates in DER; an empty one is missing.  Owned. */
struct attest_own_certs {
    struct qr_buf vek, ask, ark;
};
void attest_own_certs_init(struct attest_own_certs *c);
void attest_own_certs_fini(struct attest_own_certs *c); /* idempotent */

/* Puts what a table has for reports of this signer where c has nothing yet.
 * An empty table, or none, is in order.  QR_MALFORMED: no terminator, a range
 * outside the table or in its head, overlaps, an entry twice, or a certificate
 * that is none. */
enum qr_rc attest_certs_from_table(struct attest_own_certs *c, struct qr_bytes table,
                                   enum attest_signer signer, struct qr_err *err) QR_MUST_CHECK;
/* The same from a directory: vcek or vlek, ask, ark, each with .der or .pem,
 * and cert_chain.pem (the signer's CA, then the root, as AMD serves them).
 * Missing files are in order.  QR_IO, QR_MALFORMED. */
enum qr_rc attest_certs_from_dir(struct attest_own_certs *c, const char *dir,
                                 enum attest_signer signer, struct qr_err *err) QR_MUST_CHECK;
/* QR_NOTFOUND: one is missing; err names them and how to lay them down. */
enum qr_rc attest_certs_complete(const struct attest_own_certs *c, struct qr_err *err)
    QR_MUST_CHECK;

#endif
