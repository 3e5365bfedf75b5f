/* cmd_identity.c - `quorate identity`: the table of its subcommands, and what
 * they share. */
#include <config.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/identity.h"
#include "cli/roster.h"
#include "participant/enrolment.h"
#include "service/path.h"

static const struct cli_command commands[] = {
    {"key", "make a person key; prints its public half", cli_identity_key},
    {"enroll", "enrol a person", cli_identity_enroll},
    {"role", "change a person's role, key or node", cli_identity_role},
    {"revoke", "end a person's enrolment", cli_identity_revoke},
    {"erase", "end it and destroy what names the person", cli_identity_erase},
    {"sign", "sign another admin's change", cli_identity_sign},
    {"submit", "record a change that enough admins signed", cli_identity_submit},
    {"list", "list who is or was enrolled, from the log", cli_identity_list},
    {"open", "show who a commitment is (auditors)", cli_identity_open},
};
static const struct cli_group group = {
    .name = "identity",
    .examples = "  quorate identity key dave.key\n"
                "  quorate identity enroll --email dave@ex.com --name Dave --role steward "
                "--public-key HEX\n"
                "  quorate identity erase --email dave@ex.com --draft erase.json\n"
                "  quorate identity sign erase.json --admin-key other.key\n"
                "  quorate identity submit erase.json\n",
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
};

enum qr_rc cli_identity(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return cli_group_run(c, &group, argc, argv, err);
}

enum qr_rc identity_admin(const struct cli *c, const char *state, struct qr_signer *out,
                          struct qr_err *err)
{
    const char *given = qr_config_str(c->config, "ADMIN_KEY");
    struct service_path dflt = path_in(state, LAYOUT_ADMIN_KEY);
    return qr_signer_load(out, given ? given : dflt.s, err);
}

/* What names an erased person on this machine, outside of authd. */
static enum qr_rc forget(struct cli *c, const char *state, const char *commitment,
                         struct qr_err *err)
{
    struct service_path path = path_in(state, LAYOUT_ROSTER);
    size_t lines = 0;
    QR_TRY(roster_forget(path.s, commitment, &lines, err));
    if (lines) cli_say(c, "%s: removed the line that named this person.", path.s);
    qr_json_set_int(c->result, "roster_lines_removed", (int64_t)lines);
    cli_say(c, "What was handed out before, and what the person keeps, still names the person.");
    return QR_OK;
}

enum qr_rc identity_record(struct cli *c, struct open_all *all, const struct draft *d,
                           struct qr_err *err)
{
    struct receipt_facts where = {.index = 0};
    struct enrolment_change change = {.kind = d->kind,
                                      .body = d->body,
                                      .identity = qr_buf_bytes(&d->identity),
                                      .salt = QR_BYTES_OF(d->salt)};
    QR_TRY(enrolment_submit(all->services, &change, &where, err));
    c->result = qr_json_object();
    qr_json_set_u64str(c->result, "log_index", where.index);
    qr_json_set_str(c->result, "kind", leaf_kind_name(d->kind));
    const char *of = d->kind == LEAF_POLICY_CHANGED ? "hash" : "commitment";
    const json_t *who = json_object_get(d->body, of);
    qr_json_set_str(c->result, of, json_string_value(who));
    cli_say(c, "Recorded as log entry %llu: %s of %s.", (unsigned long long)where.index,
            leaf_kind_name(d->kind), json_string_value(who));
    if (d->kind != LEAF_IDENTITY_ERASED) return QR_OK;
    return forget(c, all->state, json_string_value(who), err);
}

enum qr_rc identity_pass_on(struct cli *c, const struct draft *d, const struct trust_dir *trust,
                            const char *path, struct qr_err *err)
{
    struct draft_count n = draft_signatures(d, trust);
    if (!path && n.good >= n.need) return QR_OK;
    if (!path)
        return qr_fail(err, QR_POLICY,
                       "the policy needs %zu admins: give --draft FILE, and have it signed with "
                       "`quorate identity sign FILE`",
                       n.need);
    QR_TRY(draft_save(d, path, err));
    c->result = qr_json_object();
    qr_json_set_str(c->result, "draft", path);
    qr_json_set_int(c->result, "signatures", (int64_t)n.good);
    qr_json_set_int(c->result, "needed", (int64_t)n.need);
    cli_say(c, "%s: signed by %zu of %zu admins.", path, n.good, n.need);
    cli_say(c,
            n.good < n.need ? "Next: another admin runs `quorate identity sign %s`."
                            : "Next: `quorate identity submit %s`.",
            path);
    return QR_OK;
}
