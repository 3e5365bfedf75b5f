/* draft.h - a change that admins sign before it is recorded: a file that goes
 * from admin to admin until enough have signed.
 *
 * {"body":{…,"admin_sigs":[…]},"kind":KIND}, of identity.* and policy.changed, with "identity" and "salt" where
 * somebody is enrolled: personal data, so the file has mode 0600. */
#ifndef QUORATE_CLI_DRAFT_H
#define QUORATE_CLI_DRAFT_H

#include "cli/cli.h"
#include "leaf/people.h"
#include "trust/trust_dir.h"

struct draft {
    enum leaf_kind kind;
    json_t *body;           /* owned */
    struct qr_buf identity; /* enrolled: canonical identity; else empty */
    uint8_t salt[32];
};

/* An empty draft of a kind; takes body.  draft_fini afterwards, in every case. */
void draft_init(struct draft *d, enum leaf_kind kind, json_t *body);
void draft_fini(struct draft *d); /* wipes; idempotent */
/* Signs as this admin.  QR_EXISTS: has signed;
 * QR_DENIED: not an admin of the trust directory. */
enum qr_rc draft_sign(struct draft *d, const struct trust_dir *trust, const struct qr_signer *admin,
                      struct qr_err *err) QR_MUST_CHECK;
/* How many signatures hold, and how many the signing policy wants. */
struct draft_count {
    size_t good, need;
};
struct draft_count draft_signatures(const struct draft *d, const struct trust_dir *trust);

/* d is made anew; draft_fini in every case.  QR_MALFORMED: not a draft, or its
 * identity does not open its commitment. */
enum qr_rc draft_load(const char *path, struct draft *d, struct qr_err *err) QR_MUST_CHECK;
enum qr_rc draft_save(const struct draft *d, const char *path, struct qr_err *err) QR_MUST_CHECK;
/* What it says, for whoever signs it. */
void draft_show(struct cli *c, const struct draft *d);

#endif
