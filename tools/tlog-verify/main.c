/* main.c - tlog-verify: checks proofs, checkpoints and bundles offline.
 *
 * It opens no socket, and trusts nothing but what the caller names. */
#include "tools/tlog-verify/command.h"

#include "config.h"

static const struct command *const commands[] = {
    &command_inclusion, &command_consistency, &command_checkpoint, &command_bundle, &command_proof,
    &command_fsck,      &command_tiles,       &command_log,        &command_duties, &command_state,
    &command_export,    &command_pack,        &command_blame,      &command_fork,
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (qr_bytes_is(qr_str(name), commands[i]->name)) return commands[i];
    return NULL;
}

static void print_help(const struct command *only)
{
    (void)printf("Examples:\n");
    for (size_t i = 0; i < COUNT(commands); i++)
        if (!only || only == commands[i]) (void)fputs(commands[i]->examples, stdout);
    (void)printf("\nUsage: tlog-verify %s OPTION...\n", only ? only->name : "COMMAND");
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (only && only != commands[i]) continue;
        (void)printf("\n%s - %s\n%s", commands[i]->name, commands[i]->help, commands[i]->options);
    }
    (void)printf("\nAll commands:\n"
                 "  --json            one JSON document on standard output, on failure too\n"
                 "  --explain         every check with its outcome, on standard error\n"
                 "  --help, --version\n\n"
                 "Exit codes: 0 ok, 1 verification false, 2 usage, 3 unreadable input,\n"
                 "4 policy or quorum, 9 attestation, 10 log inconsistent.\n");
}

static bool has(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc && !qr_bytes_is(qr_str(argv[i]), "--"); i++)
        if (qr_bytes_is(qr_str(argv[i]), flag)) return true;
    return false;
}

/* The first argument that is not one of our flags; argc when there is none. */
static int command_at(int argc, char **argv)
{
    int i = 1;
    while (i < argc &&
           (qr_bytes_is(qr_str(argv[i]), "--json") || qr_bytes_is(qr_str(argv[i]), "--explain")))
        i++;
    return i;
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    static const char hint[] = "tlog-verify help shows examples";
    int at = command_at(argc, argv);
    if (at == argc) return answer_fail(a, QR_USAGE, hint, "a command is needed");
    const struct command *c = find(argv[at]);
    if (c) return c->run(argc - at, argv + at, a);
    return answer_fail(a, QR_USAGE, hint, "unknown command: %.60s", argv[at]);
}

int main(int argc, char **argv)
{
    struct answer a;
    if (has(argc, argv, "--version")) {
        (void)printf("tlog-verify %s\n", PACKAGE_VERSION);
        return 0;
    }
    int at = command_at(argc, argv);
    bool help = has(argc, argv, "--help") || (at < argc && qr_bytes_is(qr_str(argv[at]), "help"));
    if (help) {
        print_help(at < argc ? find(argv[at]) : NULL);
        return 0;
    }
    answer_init(&a);
    a.json = has(argc, argv, "--json");
    a.explain = has(argc, argv, "--explain");
    enum qr_rc rc = run(argc, argv, &a);
    if (rc != QR_OK && a.rc == QR_OK) qr_fatal("a failure without a reason: %s", qr_rc_name(rc));
    int code = a.printed ? a.exit : answer_print(&a, stdout, stderr);
    answer_fini(&a);
    return fflush(stdout) == 0 ? code : qr_rc_exit(QR_IO);
}
