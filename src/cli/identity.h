/* identity.h - the subcommands of `quorate identity`. */
#ifndef QUORATE_CLI_IDENTITY_H
#define QUORATE_CLI_IDENTITY_H

#include "cli/draft.h"
#include "cli/open.h"

/* The subcommands; argv[0] is the subcommand's own name. */
enum qr_rc cli_identity_key(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_enroll(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_role(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_revoke(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_erase(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_sign(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_submit(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_list(struct cli *c, int argc, char **argv, struct qr_err *err);
enum qr_rc cli_identity_open(struct cli *c, int argc, char **argv, struct qr_err *err);

/* The admin key: --admin-key, or that of the state directory. */
#define IDENTITY_ADMIN_SETTING                                                 \
    {                                                                          \
        "ADMIN_KEY", "admin-key", QR_SET_PATH, NULL, 0, 0,                     \
            "the admin's key (default admin/admin.key of the state directory)" \
    }
/* qr_signer_fini in every case. */
enum qr_rc identity_admin(const struct cli *c, const char *state, struct qr_signer *out,
                          struct qr_err *err) QR_MUST_CHECK;
/* Records a draft that enough admins signed, and says where it stands. */
enum qr_rc identity_record(struct cli *c, struct open_all *all, const struct draft *d,
                           struct qr_err *err) QR_MUST_CHECK;
/* With path: saves the draft there and says who must sign yet.  Without: QR_OK
 * when it has enough signatures, else QR_POLICY says what to do. */
enum qr_rc identity_pass_on(struct cli *c, const struct draft *d, const struct trust_dir *trust,
                            const char *path, struct qr_err *err) QR_MUST_CHECK;

#endif
