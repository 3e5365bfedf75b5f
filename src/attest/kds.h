/* kds.h - where AMD publishes the certificates behind a report.
 *
 * Only the addresses: nothing here or in any program of this project fetches
 * them, an operator does.  Pure functions.  Spec: AMD 57230, SNP.md 2.4. */
#ifndef QUORATE_ATTEST_KDS_H
#define QUORATE_ATTEST_KDS_H

#include "attest/report.h"

#define ATTEST_KDS_URL_MAX 320

struct attest_kds_urls {
    char vek[ATTEST_KDS_URL_MAX];   /* DER; "": a VLEK, which comes from the host */
    char chain[ATTEST_KDS_URL_MAX]; /* PEM: ASK or ASVK, then ARK */
    char crl[ATTEST_KDS_URL_MAX];   /* DER */
};

/* For a report; product counts for version 2 alone, which does not name one.
 * QR_RANGE: no product is known.  QR_NOTFOUND: the chip id is masked, so the
 * certificate of the chip cannot be named; the other two are filled. */
enum qr_rc attest_kds_urls(const struct attest_report *r, enum attest_product product,
                           struct attest_kds_urls *out, struct qr_err *err) QR_MUST_CHECK;

#endif
