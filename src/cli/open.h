/* open.h - what every subcommand that talks to services opens first: state
 * directory, trust directory, connections, and whose person key is meant. */
#ifndef QUORATE_CLI_OPEN_H
#define QUORATE_CLI_OPEN_H

#include "cli/cli.h"
#include "participant/person.h"

#include <limits.h>

/* The tunables such a subcommand takes: for qr_config_spec.names. */
extern const char *const open_names[];
/* Its own flags for choosing a person: EMAIL, NAME. */
#define OPEN_PERSON_SETTINGS                                                                \
    {"EMAIL", "email", QR_SET_TEXT, NULL, 0, 0, "whose person key of the state directory"}, \
    {                                                                                       \
        "NAME", "name", QR_SET_TEXT, NULL, 0, 0, "that person's name, as a check"           \
    }

struct open_all {
    char state[PATH_MAX];
    char files[6][PATH_MAX]; /* what services_conf keeps pointers to */
    struct trust_dir *trust;
    struct services *services;
    bool may_default;     /* set after open_services: people/requester will do */
    bool allow_simulated; /* likewise: the simulator, beyond the policy */
    struct person person; /* key.secret.p NULL unless open_person */
};

/* QR_NOTFOUND: no state or trust directory yet (err says how to make one). */
enum qr_rc open_services(struct cli *c, struct open_all *o, struct qr_err *err) QR_MUST_CHECK;
/* The person key: --email in the state directory, else QUORATE_PERSON_KEY,
 * else, with may_default, people/requester. */
enum qr_rc open_person(struct cli *c, struct open_all *o, struct qr_err *err) QR_MUST_CHECK;
void open_close(struct open_all *o); /* idempotent */

/* Verified material of stage `open` of a session: who asks for what, and who
 * approved so far.  Both are released with open_facts_fini. */
struct open_facts {
    struct qr_buf bytes;
    struct bundle bundle;
    struct bundle_facts facts;
    struct bundle_known known; /* of judging them */
};
enum qr_rc open_session(struct open_all *o, const char *session, struct open_facts **out,
                        struct qr_err *err) QR_MUST_CHECK;
void open_facts_free(struct open_facts *f); /* NULL allowed */

#endif
