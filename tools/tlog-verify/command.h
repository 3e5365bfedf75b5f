/* command.h - the commands of tlog-verify.
 *
 * Each is one file that defines one struct command; main.c lists them.  A
 * command opens files, never a socket, and prints nothing: it fills the answer
 * (bundle, which shares its text with `quorate verify`, prints itself). */
#ifndef TLOG_VERIFY_COMMAND_H
#define TLOG_VERIFY_COMMAND_H

#include "tools/tlog-verify/answer.h"

struct command {
    const char *name;
    const char *help;     /* one line */
    const char *examples; /* lines, indented by two spaces */
    const char *options;  /* lines, indented by two spaces */
    /* argv[0] is the name.  The first failure is recorded in the answer and
     * returned. */
    enum qr_rc (*run)(int argc, char **argv, struct answer *a);
};

extern const struct command command_inclusion;
extern const struct command command_consistency;
extern const struct command command_checkpoint;
extern const struct command command_bundle;
extern const struct command command_proof;
extern const struct command command_fsck;
extern const struct command command_tiles;
extern const struct command command_log;
extern const struct command command_duties;
extern const struct command command_state;
extern const struct command command_export;
extern const struct command command_fork;
extern const struct command command_pack;
extern const struct command command_blame;

#endif
