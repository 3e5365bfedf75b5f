/* cmd_init.c - `quorate init`. */
#include "cli/init.h"

#include "base/file.h"
#include "base/limits.h"
#include "trust/trust_dir.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static const struct init_person default_people[] = {
    {"Alice", "alice@ex.com", QR_ENGINEER},
    {"Bob", "bob@ex.com", QR_STEWARD},
    {"Carol", "carol@ex.com", QR_STEWARD},
};

static const char *const names[] = {"QUORATE_STATE_DIR", "REQUIRED_ENGINEERS", "REQUIRED_STEWARDS",
                                    NULL};

static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"ORIGIN", "origin", QR_SET_TEXT, "dev.quorate.local/audit", 0, 0, "name of the log"},
    {"TEE_ROOT", "tee-root", QR_SET_PATH, NULL, 0, 0,
     "STATE/tee/root of another state directory, to share its simulated root"},
    {"PEOPLE", "people", QR_SET_TEXT, NULL, 0, 0,
     "ROLE:NAME:EMAIL,... (default Alice the engineer, Bob and Carol the stewards)"},
    {"INIT_SIGNING_POLICY", "signing-policy", QR_SET_PATH, NULL, 0, 0,
     "signing policy to begin with (default: a development policy)"},
};

static const struct qr_config_spec spec = {
    .program = "quorate init",
    .summary = "makes a development state directory and prints the exports for four terminals",
    .examples = "  quorate init --state-dir ~/q > ~/q.env && . ~/q.env\n"
                "  quorate init --state-dir /tmp/q --people engineer:Eve:eve@ex.com,"
                "steward:Sam:sam@ex.com,steward:Tom:tom@ex.com\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .notes = "The keys it makes are for development: simulated TEE, everything on one machine.\n",
};

#define MAX_PEOPLE 32

/* Cuts s at the next sep; the rest starts after it, NULL at the end. */
static char *cut(char **s, char sep)
{
    char *start = *s;
    char *p = start;
    while (*p && *p != sep) p++;
    *s = *p ? p + 1 : NULL;
    *p = 0;
    return start;
}

static enum qr_rc parse_people(char *text, struct init_person *out, size_t *n, struct qr_err *err)
{
    *n = 0;
    while (text) {
        char *one = cut(&text, ',');
        char *role = cut(&one, ':');
        char *name = one ? cut(&one, ':') : NULL;
        char *email = one;
        if (*n == MAX_PEOPLE || !name || !email)
            return qr_fail(err, QR_USAGE, "--people wants ROLE:NAME:EMAIL,... (at most %d)",
                           MAX_PEOPLE);
        out[*n] = (struct init_person){.name = name, .email = email};
        if (qr_role_parse(qr_str(role), &out[*n].role) != QR_OK)
            return qr_fail(err, QR_USAGE, "no role \"%.20s\": engineer, steward, auditor, admin",
                           role);
        (*n)++;
    }
    return QR_OK;
}

/* The policy of --signing-policy, else one for development.  One admin signs
 * what init makes, and its attestation is simulated: a policy that asks for two
 * admins, or does not accept that class, would let nothing start. */
static enum qr_rc take_policy(struct cli *c, struct signing_policy *out, struct qr_err *err)
{
    const char *path = qr_config_str(c->config, "INIT_SIGNING_POLICY");
    uint32_t engineers = (uint32_t)qr_config_int(c->config, "REQUIRED_ENGINEERS", 1);
    uint32_t stewards = (uint32_t)qr_config_int(c->config, "REQUIRED_STEWARDS", 2);
    struct qr_buf text;
    if (!path) {
        signing_policy_development(engineers, stewards, out);
        return QR_OK;
    }
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read(path, &text, err);
    if (rc == QR_OK) rc = signing_policy_parse(qr_buf_bytes(&text), path, out, err);
    qr_buf_fini(&text);
    if (rc != QR_OK) return rc;
    if (signing_policy_admins(out) > 1)
        return qr_fail(err, QR_POLICY, "%s: init has one admin; development = yes is needed", path);
    return QR_OK;
}

enum qr_rc init_development(struct cli *c, const char *dir, struct qr_err *err)
{
    struct init_person people[MAX_PEOPLE];
    struct init_plan plan = {.dir = dir,
                             .origin = qr_config_str(c->config, "ORIGIN"),
                             .tee_root = qr_config_str(c->config, "TEE_ROOT"),
                             .people = default_people,
                             .person_count = 3};
    if (!trust_origin_lesser(plan.origin))
        return qr_fail(err, QR_USAGE,
                       "--origin: what init makes is for development, and the name of such a log "
                       "begins with \"" TRUST_LESSER_ORIGIN "\"");
    char text[4096];
    const char *given = qr_config_str(c->config, "PEOPLE");
    if (given) {
        (void)snprintf(text, sizeof text, "%s", given);
        QR_TRY(parse_people(text, people, &plan.person_count, err));
        plan.people = people;
    }
    QR_TRY(take_policy(c, &plan.policy, err));
    cli_say(c, "Making keys, certificates and a simulated TEE in %s ...", dir);
    return init_make(c, &plan, err);
}

enum qr_rc init_state_dir(const struct cli *c, char *out, struct qr_err *err)
{
    char dir[PATH_MAX], here[PATH_MAX];
    QR_TRY(cli_state_dir(c, dir, err));
    if (dir[0] == '/') {
        (void)snprintf(out, PATH_MAX, "%s", dir);
        return QR_OK;
    }
    if (!getcwd(here, sizeof here)) return qr_fail(err, QR_IO, "no current directory");
    return cli_path(out, here, dir, NULL, err);
}

enum qr_rc cli_init(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    char dir[PATH_MAX];
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    QR_TRY(init_state_dir(c, dir, err));
    QR_TRY(init_development(c, dir, err));
    struct qr_buf text;
    qr_buf_init(&text, 16384);
    enum qr_rc rc = init_exports(dir, &text, err);
    const char *s = qr_buf_cstr(&text);
    if (rc == QR_OK && c->json) {
        c->result = qr_json_object();
        qr_json_set_str(c->result, "state_dir", dir);
        qr_json_set_bytes(c->result, "exports", qr_buf_bytes(&text));
    } else if (rc == QR_OK && s) {
        fputs(s, stdout);
    }
    qr_buf_fini(&text);
    return rc;
}
