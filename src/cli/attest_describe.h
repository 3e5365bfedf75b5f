/* attest_describe.h - what a report says, in words and in JSON, for `quorate
 * attest report` and `probe`.
 *
 * Nothing here is verified: that is `quorate attest verify`. */
#ifndef QUORATE_CLI_ATTEST_DESCRIBE_H
#define QUORATE_CLI_ATTEST_DESCRIBE_H

#include "attest/report.h"
#include "cli/cli.h"

/* Prints a line for each thing worth knowing and gives the same as JSON (a new
 * reference). */
json_t *attest_describe(const struct cli *c, const struct attest_report *r);

#endif
