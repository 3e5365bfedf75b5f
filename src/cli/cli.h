/* cli.h - the command `quorate`: the table of subcommands and what they share.
 *
 * A subcommand reads its flags, does its work, says what people read on
 * stderr and what programs read on stdout, and returns a result; main.c turns
 * that into the exit code and, with --json, into exactly one JSON document. */
#ifndef QUORATE_CLI_CLI_H
#define QUORATE_CLI_CLI_H

#include "base/clock.h"
#include "base/config.h"
#include "base/json.h"
#include "base/rand.h"

struct cli {
    struct qr_clock clock;
    struct qr_rand rand;
    struct qr_config *config; /* of the running subcommand; freed by main */
    bool json;
    bool tty;       /* stderr is a terminal: progress may move the cursor */
    json_t *result; /* fields of the JSON document; owned */
    int exit_code;  /* overrides the result's when not 0 */
    bool done;      /* the subcommand printed its own document */
};

struct cli_command {
    const char *name;
    const char *summary;
    enum qr_rc (*run)(struct cli *c, int argc, char **argv, struct qr_err *err);
};

/* A command that has subcommands. */
struct cli_group {
    const char *name;     /* "attest" */
    const char *examples; /* lines, indented by two spaces */
    const struct cli_command *commands;
    size_t count;
};
/* Runs the one that argv[1] names, or prints which there are.  QR_CANCELLED:
 * help was printed; QR_USAGE: no such subcommand. */
enum qr_rc cli_group_run(struct cli *c, const struct cli_group *g, int argc, char **argv,
                         struct qr_err *err) QR_MUST_CHECK;

/* Reads flags for a subcommand into c->config, sets c->json from the switch
 * JSON when the spec has it.  QR_CANCELLED with an empty err: help was printed,
 * nothing is left to do. */
enum qr_rc cli_config(struct cli *c, const struct qr_config_spec *spec, int argc, char **argv,
                      struct qr_err *err) QR_MUST_CHECK;

/* Talk: a line on stderr; silent with --json. */
void cli_say(const struct cli *c, const char *fmt, ...) QR_PRINTF(2, 3);
/* Data: a line on stdout; silent with --json (use c->result there). */
void cli_out(const struct cli *c, const char *fmt, ...) QR_PRINTF(2, 3);
/* Text from others made safe for a terminal: control characters and anything
 * that is not UTF-8 become '?'.  out has room bytes. */
void cli_clean(struct qr_bytes s, char *out, size_t room);

/* The state directory: flag, environment, or ~/.local/state/quorate.  out has
 * PATH_MAX bytes. */
enum qr_rc cli_state_dir(const struct cli *c, char *out, struct qr_err *err) QR_MUST_CHECK;
/* dir/a or dir/a/b (b may be NULL) into out of PATH_MAX bytes. */
enum qr_rc cli_path(char *out, const char *dir, const char *a, const char *b, struct qr_err *err)
    QR_MUST_CHECK;

/* The commands; argv[0] is the command's own name. */
enum qr_rc cli_init(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_up(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_request(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_join(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_show(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_list(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_watch(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_refuse(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_withdraw(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_cancel(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_verify(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_trust(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_policy(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_attest(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_audit(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_evidence(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_group(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity(struct cli *c, int argc, char **argv, struct qr_err *err);

#endif
