/* attest_cases.h - verdict cases (quorate-snp-cases/1): a JSON file that names
 * reports, certificates, single rules and a time.
 *
 * For whoever compares verifiers.  A case says what is right; that is not read
 * here, so that the judge of the judge is somebody else. */
#ifndef QUORATE_CLI_ATTEST_CASES_H
#define QUORATE_CLI_ATTEST_CASES_H

#include "cli/cli.h"

/* Prints {"name","reason","verdict"} for each case, one a line; the paths in the
 * file are relative to it.  QR_MALFORMED, QR_NOTFOUND: the case is in err. */
enum qr_rc attest_cases_judge(struct cli *c, const char *path, struct qr_err *err) QR_MUST_CHECK;

#endif
