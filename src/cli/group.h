/* group.h - `quorate group`: its subcommands, and what they share. */
#ifndef QUORATE_CLI_GROUP_H
#define QUORATE_CLI_GROUP_H

#include "cli/open.h"
#include "participant/group_run.h"

/* Plans: written to a file, for a quorum to sign; group_plan.c. */
enum qr_rc cli_group_create(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_group_refresh(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_group_repair(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_group_reshare(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_group_retire(struct cli *c, int argc, char **argv, struct qr_err *err);
/* Taking part; group_join.c. */
enum qr_rc cli_group_join(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_group_sign(struct cli *c, int argc, char **argv, struct qr_err *err);
/* Looking; cmd_group.c. */
enum qr_rc cli_group_list(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_group_show(struct cli *c, int argc, char **argv, struct qr_err *err);

/* What a plan says, for people to read. */
void group_plan_text(const struct leaf_group_plan *p, const struct qr_hash *hash,
                     struct qr_buf *out);

#endif
