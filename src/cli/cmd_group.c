/* cmd_group.c - `quorate group`: the table of its subcommands, `list` and `show`. */
#include <config.h>

#include "base/file.h"
#include "cli/group.h"
#include "frost/sigfile.h"

#include <stdlib.h>

static const struct cli_command commands[] = {
    {"create", "plan a new standing group", cli_group_create},
    {"refresh", "plan new shares for the same members", cli_group_refresh},
    {"repair", "plan new shares after a member lost its own", cli_group_repair},
    {"reshare", "plan new shares for other members or another threshold", cli_group_reshare},
    {"retire", "plan the end of a group", cli_group_retire},
    {"join", "take part in a plan that a quorum signed", cli_group_join},
    {"sign", "sign with a group what a quorum signed", cli_group_sign},
    {"list", "list standing groups, from the log", cli_group_list},
    {"show", "show one group, and write its public key", cli_group_show},
};
static const struct cli_group group = {
    .name = "group",
    .examples = "  quorate group create --group-name releases --role steward --threshold 2 "
                "--members C1,C2,C3 --output PLAN\n"
                "  quorate request PLAN              a quorum approves the plan by signing it\n"
                "  quorate group join --session ID --plan PLAN --email bob@ex.com\n"
                "  quorate group sign --session ID --group releases --email bob@ex.com "
                "--emit-key KEY\n",
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
};

enum qr_rc cli_group(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return cli_group_run(c, &group, argc, argv, err);
}

/* ---- looking ---- */

static json_t *to_json(const struct trust_group *g)
{
    json_t *o = qr_json_object(), *members = qr_json_array();
    qr_json_set_hex(o, "group", g->ref.group.b, QR_SHA256_SIZE);
    qr_json_set_str(o, "name", g->name);
    qr_json_set_str(o, "role", qr_role_name(g->role));
    qr_json_set_str(o, "state", g->retired ? "retired" : "active");
    qr_json_set_int(o, "epoch", g->ref.epoch);
    qr_json_set_hex(o, "digest", g->ref.digest, sizeof g->ref.digest);
    qr_json_set_hex(o, "group_key", g->is.key.b, QR_KEY_SIZE);
    qr_json_set_int(o, "n", g->is.n);
    qr_json_set_int(o, "t", g->is.t);
    qr_json_set(o, "classes", qr_classes_json(g->classes));
    qr_json_set_u64str(o, "created_index", g->created);
    qr_json_set_u64str(o, "last_index", g->at.index);
    qr_json_set_u64str(o, "signatures", g->signatures);
    for (uint32_t i = 0; i < g->is.n; i++)
        qr_json_add(members, qr_json_hex(g->member[i].commitment.b, QR_SHA256_SIZE));
    qr_json_set(o, "members", members);
    return o;
}

static void line(struct cli *c, const struct trust_group *g)
{
    char id[2 * QR_SHA256_SIZE + 1];
    qr_hex(g->ref.group.b, QR_SHA256_SIZE, id);
    cli_out(c, "%.16s  %-8s  %-8s  %u of %u  epoch %u  %llu signatures  %s", id,
            qr_role_name(g->role), g->retired ? "retired" : "active", g->is.t, g->is.n,
            g->ref.epoch, (unsigned long long)g->signatures, g->name);
}

static void say_ignored(struct cli *c, const struct groups_view *v)
{
    if (v->ignored)
        cli_say(c, "%llu entries about groups are of no effect; the last: %s",
                (unsigned long long)v->ignored, v->why.text);
}

typedef enum qr_rc look_fn(struct cli *c, const struct groups_view *v, struct qr_err *err);

static enum qr_rc look(struct cli *c, look_fn *fn, struct qr_err *err)
{
    struct open_all *o = calloc(1, sizeof *o);
    struct groups_view v = {.ignored = 0};
    if (!o) return QR_NOMEM;
    unsigned extra = qr_config_on(c->config, "ALLOW_SIMULATED") ? QR_CLASS_SIMULATED : 0;
    enum qr_rc rc = open_services(c, o, err);
    if (rc == QR_OK) rc = groups_view_load(o->services, extra, &v, err);
    if (rc == QR_OK) rc = fn(c, &v, err);
    groups_view_free(&v);
    open_close(o);
    free(o);
    return rc;
}

static const struct qr_setting list_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"ALLOW_SIMULATED", "allow-simulated", QR_SET_SWITCH, NULL, 0, 0,
     "accept simulated attestation beyond the policy"},
};
static const struct qr_config_spec list_spec = {
    .program = "quorate group list",
    .summary = "lists standing groups, as the whole log shows them",
    .examples = "  quorate group list\n",
    .names = open_names,
    .own = list_own,
    .own_count = sizeof list_own / sizeof list_own[0],
};

static enum qr_rc list(struct cli *c, const struct groups_view *v, struct qr_err *err)
{
    json_t *all = qr_json_array();
    (void)err;
    for (size_t i = 0; i < trust_groups_count(v->groups); i++) {
        line(c, trust_groups_at(v->groups, i));
        qr_json_add(all, to_json(trust_groups_at(v->groups, i)));
    }
    c->result = qr_json_object();
    qr_json_set(c->result, "groups", all);
    qr_json_set_u64str(c->result, "ignored", v->ignored);
    say_ignored(c, v);
    return QR_OK;
}

enum qr_rc cli_group_list(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &list_spec, argc, argv, err));
    return look(c, list, err);
}

static const struct qr_setting show_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"ALLOW_SIMULATED", "allow-simulated", QR_SET_SWITCH, NULL, 0, 0,
     "accept simulated attestation beyond the policy"},
    {"GROUP", "group", QR_SET_TEXT, NULL, 0, 0, "the group's id, its beginning, or its name"},
    {"EMIT_KEY", "emit-key", QR_SET_PATH, NULL, 0, 0, "write the public key in PEM to this file"},
};
static const struct qr_config_spec show_spec = {
    .program = "quorate group show",
    .summary = "shows one standing group, as the whole log shows it",
    .examples = "  quorate group show --group releases --emit-key releases.pem\n",
    .names = open_names,
    .own = show_own,
    .own_count = sizeof show_own / sizeof show_own[0],
};

static enum qr_rc emit_key(const char *path, const struct trust_group *g, struct qr_err *err)
{
    struct qr_buf pem;
    qr_buf_init(&pem, 4096);
    enum qr_rc rc = sigfile_pem(g->is.key.b, &pem);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&pem), 0644, err);
    qr_buf_fini(&pem);
    return rc;
}

static enum qr_rc show(struct cli *c, const struct groups_view *v, struct qr_err *err)
{
    const char *name = qr_config_str(c->config, "GROUP");
    const char *path = qr_config_str(c->config, "EMIT_KEY");
    const struct trust_group *g;
    char hex[2 * LEAF_GROUP_DIGEST_SIZE + 1];
    if (!name) return qr_fail(err, QR_USAGE, "give --group");
    QR_TRY(groups_view_named(v, name, &g, err));
    c->result = to_json(g);
    line(c, g);
    qr_hex(g->ref.group.b, QR_SHA256_SIZE, hex);
    cli_out(c, "  group   %s", hex);
    qr_hex(g->is.key.b, QR_KEY_SIZE, hex);
    cli_out(c, "  key     %s", hex);
    qr_hex(g->ref.digest, sizeof g->ref.digest, hex);
    cli_out(c, "  digest  %s", hex);
    for (uint32_t i = 0; i < g->is.n; i++) {
        qr_hex(g->member[i].commitment.b, QR_SHA256_SIZE, hex);
        cli_out(c, "  member %u  %s", i + 1, hex);
    }
    say_ignored(c, v);
    return path ? emit_key(path, g, err) : QR_OK;
}

enum qr_rc cli_group_show(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &show_spec, argc, argv, err));
    return look(c, show, err);
}
