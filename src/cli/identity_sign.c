/* identity_sign.c - `quorate identity key`, `sign`, `submit` and `open`. */
#include <config.h>

#include "base/file.h"
#include "cli/identity.h"
#include "participant/enrolment.h"

#include <stdlib.h>

static const struct qr_setting json_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
};
static const struct qr_setting sign_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    IDENTITY_ADMIN_SETTING,
};
static const struct qr_setting open_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    OPEN_PERSON_SETTINGS,
    {"COMMITMENT", "commitment", QR_SET_HASH, NULL, 0, 0, "whom to show"},
};
#define SPEC(verb, text, example, settings, operand)                                               \
    {                                                                                              \
        .program = "quorate identity " verb, .summary = text,                                      \
        .examples = "  quorate identity " verb example "\n", .names = open_names, .own = settings, \
        .own_count = sizeof settings / sizeof settings[0], .operands = operand                     \
    }
static const struct qr_config_spec key_spec =
    SPEC("key", "makes a person key; prints its public half", " dave.key", json_own, "FILE");
static const struct qr_config_spec sign_spec =
    SPEC("sign", "signs a change that another admin made", " erase.json --admin-key other.key",
         sign_own, "FILE");
static const struct qr_config_spec submit_spec =
    SPEC("submit", "records a change that enough admins signed", " erase.json", json_own, "FILE");
static const struct qr_config_spec open_spec =
    SPEC("open", "shows who a commitment is, to an auditor",
         " --commitment HEX --email auditor@ex.com", open_own, NULL);

static enum qr_rc one_file(const struct cli *c, const char **out, struct qr_err *err)
{
    char **files;
    if (qr_config_operands(c->config, &files) != 1) return qr_fail(err, QR_USAGE, "give one FILE");
    *out = files[0];
    return QR_OK;
}

enum qr_rc cli_identity_key(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    const char *path;
    char hex[2 * QR_KEY_SIZE + 1];
    struct qr_signer key = {.secret = {0}};
    QR_TRY(cli_config(c, &key_spec, argc, argv, err));
    QR_TRY(one_file(c, &path, err));
    if (qr_file_exists(path)) return qr_fail(err, QR_EXISTS, "%s: is there already", path);
    QR_TRY(qr_signer_new(&key, &c->rand, err));
    enum qr_rc rc = qr_signer_save(&key, path, err);
    if (rc == QR_OK) {
        qr_hex(key.pub.b, sizeof key.pub.b, hex);
        c->result = qr_json_object();
        qr_json_set_str(c->result, "public_key", hex);
        cli_out(c, "%s", hex);
    }
    qr_signer_fini(&key);
    return rc;
}

/* ---- sign ---- */

static enum qr_rc sign(struct cli *c, const char *path, struct draft *d, struct qr_err *err)
{
    char state[PATH_MAX], dir[PATH_MAX];
    const char *given = qr_config_str(c->config, "QUORATE_TRUST_DIR");
    QR_TRY(draft_load(path, d, err));
    QR_TRY(cli_state_dir(c, state, err));
    QR_TRY(cli_path(dir, state, "trust", NULL, err));
    struct trust_dir *trust = calloc(1, sizeof *trust);
    if (!trust) return QR_NOMEM;
    struct qr_signer admin = {.secret = {0}};
    enum qr_rc rc = trust_dir_load(given ? given : dir, trust, err);
    if (rc == QR_OK) {
        rc = identity_admin(c, state, &admin, err);
        draft_show(c, d);
        if (rc == QR_OK) rc = draft_sign(d, trust, &admin, err);
        if (rc == QR_OK) rc = identity_pass_on(c, d, trust, path, err);
        trust_dir_fini(trust);
    }
    qr_signer_fini(&admin);
    free(trust);
    return rc;
}

enum qr_rc cli_identity_sign(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    const char *path;
    struct draft d;
    QR_TRY(cli_config(c, &sign_spec, argc, argv, err));
    QR_TRY(one_file(c, &path, err));
    draft_init(&d, LEAF_KIND_COUNT, NULL);
    enum qr_rc rc = sign(c, path, &d, err);
    draft_fini(&d);
    return rc;
}

/* ---- submit ---- */

enum qr_rc cli_identity_submit(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    const char *path;
    struct draft d;
    struct open_all *all;
    QR_TRY(cli_config(c, &submit_spec, argc, argv, err));
    QR_TRY(one_file(c, &path, err));
    enum qr_rc rc = draft_load(path, &d, err);
    if (rc == QR_OK && !(all = calloc(1, sizeof *all))) rc = QR_NOMEM;
    if (rc == QR_OK) {
        rc = open_services(c, all, err);
        if (rc == QR_OK) rc = identity_pass_on(c, &d, all->trust, NULL, err);
        if (rc == QR_OK) rc = identity_record(c, all, &d, err);
        open_close(all);
        free(all);
    }
    draft_fini(&d);
    return rc;
}

/* ---- open ---- */

static void show_opened(struct cli *c, const struct enrolment_opened *o)
{
    char clean[QR_MAX_NAME + 1];
    c->result = qr_json_object();
    qr_json_set_str(c->result, "state", enrolment_state_name(o->state));
    qr_json_set_u64str(c->result, "log_index", o->last_index);
    if (o->state == ENROLMENT_ERASED) {
        cli_out(c, "erased under entry %llu", (unsigned long long)o->last_index);
        return;
    }
    qr_json_set_str(c->result, "name", o->name);
    qr_json_set_str(c->result, "email", o->email);
    cli_clean(qr_str(o->name), clean, sizeof clean);
    cli_out(c, "%s", clean);
    cli_clean(qr_str(o->email), clean, sizeof clean);
    cli_out(c, "%s", clean);
    cli_say(c, "%s; newest entry %llu.", enrolment_state_name(o->state),
            (unsigned long long)o->last_index);
}

static enum qr_rc open_one(struct cli *c, struct open_all *all, const struct qr_hash *commitment,
                           struct qr_err *err)
{
    struct enrolment_opened o;
    QR_TRY(open_services(c, all, err));
    QR_TRY(open_person(c, all, err));
    QR_TRY(enrolment_open(all->services, &all->person, commitment, &o, err));
    if (o.state == ENROLMENT_UNKNOWN)
        return qr_fail(err, QR_NOTFOUND, "authd has no identity for this commitment");
    show_opened(c, &o);
    qr_wipe(&o, sizeof o);
    return QR_OK;
}

enum qr_rc cli_identity_open(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct qr_hash commitment;
    QR_TRY(cli_config(c, &open_spec, argc, argv, err));
    const char *hex = qr_config_str(c->config, "COMMITMENT");
    if (!hex || qr_unhex(qr_str(hex), commitment.b, sizeof commitment.b) != QR_OK)
        return qr_fail(err, QR_USAGE, "give --commitment HEX");
    struct open_all *all = calloc(1, sizeof *all);
    if (!all) return QR_NOMEM;
    enum qr_rc rc = open_one(c, all, &commitment, err);
    open_close(all);
    free(all);
    return rc;
}
