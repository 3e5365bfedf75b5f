/* init.h - makes a development state directory (layout.h): transport PKI,
 * ceremony CAs, service keys, simulator, policies, trust directory, people.
 *
 * Called by `quorate init` and by `quorate up`, demo and tests through them.
 * It talks to no service. */
#ifndef QUORATE_CLI_INIT_H
#define QUORATE_CLI_INIT_H

#include "cli/cli.h"
#include "trust/signing_policy.h"

struct init_person {
    const char *name;
    const char *email;
    enum qr_role role;
};

struct init_plan {
    const char *dir;    /* to be made; must not exist */
    const char *origin; /* of the log; "dev." in front */
    struct signing_policy policy;
    const char *tee_root; /* simulated root to use; NULL: make one (takes seconds) */
    const struct init_person *people;
    size_t person_count;
};

/* Makes plan->dir whole or not at all: it is built beside and renamed.
 * QR_EXISTS: something is there already. */
enum qr_rc init_make(const struct cli *c, const struct init_plan *plan, struct qr_err *err)
    QR_MUST_CHECK;

/* Appends shell `export` lines for four terminals and for participants. */
enum qr_rc init_exports(const char *dir, struct qr_buf *out, struct qr_err *err) QR_MUST_CHECK;

/* The state directory as an absolute path; out has PATH_MAX bytes. */
enum qr_rc init_state_dir(const struct cli *c, char *out, struct qr_err *err) QR_MUST_CHECK;
/* init_make with the settings of the running command: ORIGIN, TEE_ROOT, PEOPLE,
 * INIT_SIGNING_POLICY and the counts, which the command must have. */
enum qr_rc init_development(struct cli *c, const char *dir, struct qr_err *err) QR_MUST_CHECK;

#endif
