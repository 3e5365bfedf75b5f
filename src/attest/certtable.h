/* certtable.h - the certificates that a host hands to its guest: the table of
 * GUIDs, offsets and lengths behind an extended report.
 *
 * The host is not trusted: everything about the table is checked, nothing about
 * the certificates in it.  Devices and tools call this; a verdict never depends
 * on it.  Pure functions.  Spec: AMD 56421 (GHCB), SNP.md 4.2. */
#ifndef QUORATE_ATTEST_CERTTABLE_H
#define QUORATE_ATTEST_CERTTABLE_H

#include "base/bytes.h"

#define ATTEST_CERTTABLE_MAX 16384  /* the kernel's SEV_FW_BLOB_MAX_SIZE */
#define ATTEST_CERTTABLE_ENTRIES 16 /* more entries than that are refused */

/* What was found, DER or PEM as the host wrote it; empty: absent. */
struct attest_certtable {
    struct qr_bytes vcek, vlek;
    struct qr_bytes ask; /* or the ASVK: both have the same GUID */
    struct qr_bytes ark;
};

/* Reads a table; out borrows from it.  No bytes, and nothing but zeros, are an
 * empty table; what follows the certificates is padding.  QR_MALFORMED: too
 * large, no terminating entry, too many entries, a GUID twice, an entry that is
 * empty, overlaps another or the header, or goes past the end. */
enum qr_rc attest_certtable_parse(struct qr_bytes table, struct attest_certtable *out,
                                  struct qr_err *err) QR_MUST_CHECK;

/* Appends a certificate as DER: PEM is decoded (exactly one certificate, with
 * nothing but white space and NULs behind it), anything else is copied.
 * QR_MALFORMED, QR_NOMEM (the buffer's cap). */
enum qr_rc attest_cert_to_der(struct qr_bytes cert, struct qr_buf *out) QR_MUST_CHECK;

#endif
