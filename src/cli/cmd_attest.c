/* cmd_attest.c - `quorate attest`: the table of its subcommands. */
#include <config.h>

#include "cli/attest.h"

#include <stdio.h>

static const struct cli_command commands[] = {
    {"policy", "check, hash or explain an attestation policy", cli_attest_policy},
    {"verify", "judge a report under a policy, offline", cli_attest_verify},
    {"explain", "show a report field by field", cli_attest_explain},
    {"report", "take a report of this machine", cli_attest_report},
    {"probe", "show what this machine has of what attestation needs", cli_attest_probe},
    {"seal", "seal keys at rest to this machine", cli_attest_seal},
    {"kds-url", "where AMD publishes the certificates behind a report", cli_attest_kds},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void usage(FILE *out)
{
    fprintf(out, "Examples:\n"
                 "  quorate attest policy check attestation.policy\n"
                 "  quorate attest policy hash attestation.policy      (TEE_POLICY_HASH)\n"
                 "  quorate attest probe                               (a new machine)\n"
                 "  quorate attest verify --report R --vek V --ica I --ark A --policy P\n"
                 "\nUsage: quorate attest COMMAND [OPTIONS]\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`quorate attest COMMAND --help` explains one of them; see quorate(1).\n");
}

enum qr_rc cli_attest(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct qr_bytes name = qr_str(argc > 1 ? argv[1] : "");
    if (qr_bytes_is(name, "--help") || qr_bytes_is(name, "-h") || qr_bytes_is(name, "help")) {
        usage(stdout);
        return QR_CANCELLED;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (qr_bytes_is(name, commands[i].name)) return commands[i].run(c, argc - 1, argv + 1, err);
    usage(stderr);
    return qr_fail(err, QR_USAGE, "give one of the commands above");
}
