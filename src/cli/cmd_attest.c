/* cmd_attest.c - `quorate attest`: the table of its subcommands. */
#include <config.h>

#include "cli/attest.h"

static const struct cli_command commands[] = {
    {"policy", "check, hash or explain an attestation policy", cli_attest_policy},
    {"verify", "judge a report under a policy, offline", cli_attest_verify},
    {"explain", "show a report field by field", cli_attest_explain},
    {"report", "take a report of this machine", cli_attest_report},
    {"probe", "show what this machine has of what attestation needs", cli_attest_probe},
    {"seal", "seal keys at rest to this machine", cli_attest_seal},
    {"kds-url", "where AMD publishes the certificates behind a report", cli_attest_kds},
};
static const struct cli_group group = {
    .name = "attest",
    .examples = "  quorate attest policy check attestation.policy\n"
                "  quorate attest policy hash attestation.policy      (TEE_POLICY_HASH)\n"
                "  quorate attest probe                               (a new machine)\n"
                "  quorate attest verify --report R --vek V --ica I --ark A --policy P\n",
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
};

enum qr_rc cli_attest(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return cli_group_run(c, &group, argc, argv, err);
}
