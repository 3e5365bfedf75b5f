/* attest.h - the subcommands of `quorate attest`.
 *
 * Each reads its own flags (cli_config) and works like a command of cli.h;
 * argv[0] is the subcommand's name.  None of them opens a socket, and only
 * `report`, `probe` and `seal` look at a device. */
#ifndef QUORATE_CLI_ATTEST_H
#define QUORATE_CLI_ATTEST_H

#include "cli/cli.h"

/* policy check|hash|explain FILE */
enum qr_rc cli_attest_policy(struct cli *c, int argc, char **argv, struct qr_err *err);
/* verify: judges a report, or the cases of a file */
enum qr_rc cli_attest_verify(struct cli *c, int argc, char **argv, struct qr_err *err);
/* explain: a report field by field */
enum qr_rc cli_attest_explain(struct cli *c, int argc, char **argv, struct qr_err *err);
/* report: a report of this machine, in files */
enum qr_rc cli_attest_report(struct cli *c, int argc, char **argv, struct qr_err *err);
/* probe: devices, firmware, certificates, latency */
enum qr_rc cli_attest_probe(struct cli *c, int argc, char **argv, struct qr_err *err);
/* seal: key files, in place */
enum qr_rc cli_attest_seal(struct cli *c, int argc, char **argv, struct qr_err *err);
/* kds-url: addresses of the certificates behind a report */
enum qr_rc cli_attest_kds(struct cli *c, int argc, char **argv, struct qr_err *err);

#endif
