/* identity_change.c - `quorate identity enroll`, `role`, `revoke` and `erase`:
 * each makes a draft, signs it, and records it or passes it on. */
#include <config.h>

#include "base/limits.h"
#include "cli/identity.h"
#include "participant/enrolment.h"

#include <stdlib.h>

#define COMMON_SETTINGS                                                                   \
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},       \
        IDENTITY_ADMIN_SETTING, {"DRAFT",                                                 \
                                 "draft",                                                 \
                                 QR_SET_PATH,                                             \
                                 NULL,                                                    \
                                 0,                                                       \
                                 0,                                                       \
                                 "write the signed change here instead of recording it"}, \
        {"EMAIL", "email", QR_SET_TEXT, NULL, 0, 0, "the person's e-mail address"},       \
    {                                                                                     \
        "COMMITMENT", "commitment", QR_SET_HASH, NULL, 0, 0,                              \
            "instead of --email: the person's commitment (with --enrolment)"              \
    }
#define ENROLMENT_SETTING                                             \
    {                                                                 \
        "ENROLMENT", "enrolment", QR_SET_HASH, NULL, 0, 0,            \
            "leaf hash of the enrolment in force (with --commitment)" \
    }
#define ROLE_SETTINGS(dflt)                                                                    \
    {"ROLE", "role", QR_SET_TEXT, dflt, 0, 0, "engineer, steward, auditor or admin"},          \
        {"PUBLIC_KEY", "public-key", QR_SET_HASH, NULL, 0, 0, "the person key's public half"}, \
    {                                                                                          \
        "NODE", "node", QR_SET_TEXT, NULL, 0, 0, "the only node the person may use"            \
    }

static const struct qr_setting enroll_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    IDENTITY_ADMIN_SETTING,
    {"DRAFT", "draft", QR_SET_PATH, NULL, 0, 0,
     "write the signed change here instead of recording it"},
    {"EMAIL", "email", QR_SET_TEXT, NULL, 0, 0, "the person's e-mail address"},
    {"NAME", "name", QR_SET_TEXT, NULL, 0, 0, "the person's name"},
    ROLE_SETTINGS(NULL)};
static const struct qr_setting role_own[] = {COMMON_SETTINGS, ENROLMENT_SETTING,
                                             ROLE_SETTINGS(NULL)};
static const struct qr_setting revoke_own[] = {
    COMMON_SETTINGS,
    ENROLMENT_SETTING,
    {"REASON", "reason", QR_SET_TEXT, "left", 0, 0, "a code of letters and dashes; it is logged"}};
static const struct qr_setting erase_own[] = {COMMON_SETTINGS, ENROLMENT_SETTING};

struct changing {
    struct cli *c;
    enum leaf_kind kind;
    struct open_all all;
    struct qr_signer admin;
    struct draft draft;
};

static enum qr_rc public_key(const struct cli *c, struct qr_pub *out, struct qr_err *err)
{
    const char *hex = qr_config_str(c->config, "PUBLIC_KEY");
    if (!hex) return QR_NOTFOUND;
    return qr_unhex(qr_str(hex), out->b, sizeof out->b) == QR_OK
               ? QR_OK
               : qr_fail(err, QR_USAGE, "--public-key is not 64 hex digits");
}

static enum qr_rc node_of(const struct cli *c, char out[LEAF_MAX_NODE + 1], struct qr_err *err)
{
    const char *node = qr_config_str(c->config, "NODE");
    if (!node) return QR_OK;
    struct qr_bytes s = qr_str(node);
    if (s.n > LEAF_MAX_NODE) return qr_fail(err, QR_USAGE, "--node is too long");
    qr_copy(out, s.p, s.n);
    out[s.n] = 0;
    return QR_OK;
}

static enum qr_rc role_of(const struct cli *c, enum qr_role *out, struct qr_err *err)
{
    const char *role = qr_config_str(c->config, "ROLE");
    if (!role) return QR_NOTFOUND;
    return qr_role_parse(qr_str(role), out) == QR_OK
               ? QR_OK
               : qr_fail(err, QR_USAGE, "--role is not engineer, steward, auditor or admin");
}

/* ---- one body of each kind ---- */

static enum qr_rc make_enrolled(struct changing *h, struct qr_err *err)
{
    const struct cli *c = h->c;
    const char *email = qr_config_str(c->config, "EMAIL"), *name = qr_config_str(c->config, "NAME");
    struct leaf_identity id = {.role = QR_ENGINEER};
    draft_init(&h->draft, h->kind, NULL);
    enum qr_rc has_role = role_of(c, &id.role, err), has_key = public_key(c, &id.person_key, err);
    if (!email || !name || has_role == QR_NOTFOUND || has_key == QR_NOTFOUND)
        return qr_fail(err, QR_USAGE, "give --email, --name, --role and --public-key");
    QR_TRY(has_role);
    QR_TRY(has_key);
    QR_TRY(node_of(c, id.node, err));
    if (leaf_identity_text(qr_str(name), qr_str(email), &h->draft.identity) != QR_OK)
        return qr_fail(err, QR_USAGE, "not a name and an e-mail address");
    qr_rand_fill(&c->rand, h->draft.salt, sizeof h->draft.salt);
    id.commitment = leaf_commitment(h->draft.salt, qr_buf_bytes(&h->draft.identity));
    h->draft.body = leaf_identity_write(&id, h->kind);
    return QR_OK;
}

/* By an address as it stands in identities: in lower case. */
static enum qr_rc find_email(struct changing *h, const char *email, struct enrolled *out,
                             struct qr_err *err)
{
    char lower[QR_MAX_NAME + 1];
    size_t n = 0;
    for (; n < QR_MAX_NAME && email[n]; n++)
        lower[n] = email[n] >= 'A' && email[n] <= 'Z' ? (char)(email[n] + ('a' - 'A')) : email[n];
    return enrolment_find(h->all.services, &h->admin, QR_BYTES(lower, n), out, err);
}

/* The person whom --email or --commitment and --enrolment name. */
static enum qr_rc find(struct changing *h, struct enrolled *out, struct qr_err *err)
{
    const struct qr_config *conf = h->c->config;
    const char *email = qr_config_str(conf, "EMAIL");
    const char *commitment = qr_config_str(conf, "COMMITMENT");
    const char *enrolment = qr_config_str(conf, "ENROLMENT");
    *out = (struct enrolled){.active = true};
    if (email && !commitment) return find_email(h, email, out, err);
    if (email || !commitment || !enrolment)
        return qr_fail(err, QR_USAGE, "give --email, or --commitment and --enrolment");
    QR_TRY(qr_unhex(qr_str(commitment), out->is.commitment.b, QR_SHA256_SIZE));
    return qr_unhex(qr_str(enrolment), out->is.enrolment.b, QR_SHA256_SIZE);
}

static enum qr_rc make_role(struct changing *h, struct qr_err *err)
{
    struct enrolled who;
    draft_init(&h->draft, h->kind, NULL);
    QR_TRY(find(h, &who, err));
    enum qr_rc has_role = role_of(h->c, &who.is.role, err);
    enum qr_rc has_key = public_key(h->c, &who.is.person_key, err);
    bool named = !qr_config_str(h->c->config, "EMAIL");
    if (named && (has_role == QR_NOTFOUND || has_key == QR_NOTFOUND))
        return qr_fail(err, QR_USAGE, "with --commitment, give --role and --public-key");
    if (has_role == QR_NOTFOUND && has_key == QR_NOTFOUND && !qr_config_str(h->c->config, "NODE"))
        return qr_fail(err, QR_USAGE, "give what changes: --role, --public-key or --node");
    if (has_role != QR_NOTFOUND) QR_TRY(has_role);
    if (has_key != QR_NOTFOUND) QR_TRY(has_key);
    QR_TRY(node_of(h->c, who.is.node, err));
    h->draft.body = leaf_identity_write(&who.is, h->kind);
    return QR_OK;
}

static enum qr_rc make_end(struct changing *h, struct qr_err *err)
{
    struct enrolled who;
    draft_init(&h->draft, h->kind, NULL);
    QR_TRY(find(h, &who, err));
    if (!who.active && h->kind == LEAF_IDENTITY_REVOKED)
        return qr_fail(err, QR_STATE, "this person is revoked already");
    struct leaf_revocation r = {.commitment = who.is.commitment, .enrolment = who.is.enrolment};
    if (h->kind == LEAF_IDENTITY_REVOKED) {
        struct qr_bytes reason = qr_str(qr_config_str(h->c->config, "REASON"));
        if (reason.n == 0 || reason.n >= sizeof r.reason)
            return qr_fail(err, QR_USAGE, "--reason is a code of at most 32 letters");
        for (size_t i = 0; i < reason.n; i++)
            if (reason.p[i] != '-' && (reason.p[i] < 'a' || reason.p[i] > 'z'))
                return qr_fail(err, QR_USAGE, "--reason is a code: lower-case letters and dashes");
        qr_copy(r.reason, reason.p, reason.n);
    }
    h->draft.body = leaf_revocation_write(&r, h->kind);
    return QR_OK;
}

/* ---- running ---- */

static enum qr_rc go(struct changing *h, enum qr_rc (*make)(struct changing *, struct qr_err *),
                     struct qr_err *err)
{
    const char *path = qr_config_str(h->c->config, "DRAFT");
    QR_TRY(open_services(h->c, &h->all, err));
    QR_TRY(identity_admin(h->c, h->all.state, &h->admin, err));
    QR_TRY(make(h, err));
    draft_show(h->c, &h->draft);
    QR_TRY(draft_sign(&h->draft, h->all.trust, &h->admin, err));
    QR_TRY(identity_pass_on(h->c, &h->draft, h->all.trust, path, err));
    return path ? QR_OK : identity_record(h->c, &h->all, &h->draft, err);
}

static enum qr_rc run(struct cli *c, enum leaf_kind kind,
                      enum qr_rc (*make)(struct changing *, struct qr_err *), struct qr_err *err)
{
    struct changing *h = calloc(1, sizeof *h);
    if (!h) return QR_NOMEM;
    h->c = c;
    h->kind = kind;
    draft_init(&h->draft, kind, NULL);
    enum qr_rc rc = go(h, make, err);
    draft_fini(&h->draft);
    qr_signer_fini(&h->admin);
    open_close(&h->all);
    free(h);
    return rc;
}

#define SPEC(verb, text, example, settings)                                                        \
    {                                                                                              \
        .program = "quorate identity " verb, .summary = text,                                      \
        .examples = "  quorate identity " verb example "\n", .names = open_names, .own = settings, \
        .own_count = sizeof settings / sizeof settings[0]                                          \
    }
static const struct qr_config_spec enroll_spec =
    SPEC("enroll", "enrols a person",
         " --email dave@ex.com --name Dave --role steward --public-key HEX", enroll_own);
static const struct qr_config_spec role_spec =
    SPEC("role", "changes a person's role, key or node", " --email dave@ex.com --role engineer",
         role_own);
static const struct qr_config_spec revoke_spec =
    SPEC("revoke", "ends a person's enrolment", " --email dave@ex.com --reason left", revoke_own);
static const struct qr_config_spec erase_spec =
    SPEC("erase", "ends an enrolment and destroys what names the person", " --email dave@ex.com",
         erase_own);

enum qr_rc cli_identity_enroll(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &enroll_spec, argc, argv, err));
    return run(c, LEAF_IDENTITY_ENROLLED, make_enrolled, err);
}

enum qr_rc cli_identity_role(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &role_spec, argc, argv, err));
    return run(c, LEAF_IDENTITY_ROLE_CHANGED, make_role, err);
}

enum qr_rc cli_identity_revoke(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &revoke_spec, argc, argv, err));
    return run(c, LEAF_IDENTITY_REVOKED, make_end, err);
}

enum qr_rc cli_identity_erase(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &erase_spec, argc, argv, err));
    return run(c, LEAF_IDENTITY_ERASED, make_end, err);
}
