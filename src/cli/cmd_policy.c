/* cmd_policy.c - `quorate policy change`, `show` and `adopt`: another attestation
 * policy takes the place of the one in force.  docs/SNP.md section 6. */
#include <config.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/identity.h"
#include "service/policy_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct qr_setting change_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    IDENTITY_ADMIN_SETTING,
    {"DRAFT", "draft", QR_SET_PATH, NULL, 0, 0,
     "write the signed change here instead of recording it"},
};
static const struct qr_setting json_own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
};
#define SPEC(verb, text, example, settings)                                                      \
    {                                                                                            \
        .program = "quorate policy " verb, .summary = text,                                      \
        .examples = "  quorate policy " verb example "\n", .names = open_names, .own = settings, \
        .own_count = sizeof settings / sizeof settings[0]                                        \
    }
static const struct qr_config_spec change_spec =
    SPEC("change", "signs, as an admin, that the next attestation policy is in force",
         " --draft policy.json", change_own);
static const struct qr_config_spec show_spec =
    SPEC("show", "shows which attestation policy is in force, by the log", " --json", json_own);
static const struct qr_config_spec adopt_spec = SPEC(
    "adopt", "makes the next policy, once it is in force, the trust directory's own", "", json_own);

static enum qr_rc next_of(const struct trust_dir *t, const struct attest_policy **out,
                          struct qr_err *err)
{
    *out = attest_pin_next(t->attestation);
    if (*out) return QR_OK;
    return qr_fail(err, QR_NOTFOUND,
                   "the trust directory has no " TRUST_ATTESTATION_NEXT
                   ": put the new policy there");
}

/* ---- change ---- */

static enum qr_rc make(const struct open_all *all, struct draft *d, struct qr_err *err)
{
    const struct attest_policy *next;
    struct qr_buf text;
    QR_TRY(next_of(all->trust, &next, err));
    qr_buf_init(&text, QR_MAX_ENTRY);
    enum qr_rc rc = attest_policy_canonical(next, &text);
    if (rc == QR_OK) {
        struct leaf_policy p = {
            .name = LEAF_POLICY_ATTESTATION, .hash = next->hash, .text = qr_buf_bytes(&text)};
        d->body = leaf_policy_write(&p);
    }
    qr_buf_fini(&text);
    return rc;
}

static enum qr_rc change(struct cli *c, struct open_all *all, struct draft *d, struct qr_err *err)
{
    const char *path = qr_config_str(c->config, "DRAFT");
    struct qr_signer admin = {.secret = {0}};
    QR_TRY(open_services(c, all, err));
    QR_TRY(make(all, d, err));
    draft_show(c, d);
    enum qr_rc rc = identity_admin(c, all->state, &admin, err);
    if (rc == QR_OK) rc = draft_sign(d, all->trust, &admin, err);
    qr_signer_fini(&admin);
    if (rc == QR_OK) rc = identity_pass_on(c, d, all->trust, path, err);
    return rc != QR_OK || path ? rc : identity_record(c, all, d, err);
}

static enum qr_rc policy_change(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    struct draft d;
    QR_TRY(cli_config(c, &change_spec, argc, argv, err));
    struct open_all *all = calloc(1, sizeof *all);
    if (!all) return QR_NOMEM;
    draft_init(&d, LEAF_POLICY_CHANGED, NULL);
    enum qr_rc rc = change(c, all, &d, err);
    draft_fini(&d);
    open_close(all);
    free(all);
    return rc;
}

/* ---- show ---- */

static void hash_line(struct cli *c, const char *name, const struct attest_policy *p)
{
    char hex[2 * QR_SHA256_SIZE + 1] = "";
    if (p) qr_hex(p->hash.b, QR_SHA256_SIZE, hex);
    qr_json_set_str(c->result, name, hex);
    cli_out(c, "%-9s %s", name, p ? hex : "none");
}

static enum qr_rc show(struct cli *c, struct open_all *all, struct qr_err *err)
{
    const struct attest_policy *in_force;
    QR_TRY(open_services(c, all, err));
    QR_TRY(services_policy(all->services, &in_force, err));
    const struct attest_pin *pin = all->trust->attestation;
    bool waits = attest_pin_waits(pin), has = attest_pin_next(pin) != NULL;
    c->result = qr_json_object();
    hash_line(c, "in_force", in_force);
    hash_line(c, "next", waits ? attest_pin_next(pin) : NULL);
    if (!has || waits) return QR_OK;
    qr_json_set_u64str(c->result, "since", attest_pin_from(pin));
    cli_out(c, "%-9s log entry %llu", "since", (unsigned long long)attest_pin_from(pin));
    cli_say(c, "When no session of before is open any more: `quorate policy adopt`.");
    return QR_OK;
}

/* ---- adopt ---- */

static void put_line(struct qr_buf *out, uint64_t index, const struct qr_hash *hash)
{
    qr_buf_printf(out, "%llu ", (unsigned long long)index);
    qr_buf_put_hex(out, QR_BYTES_OF(hash->b));
    qr_buf_put_u8(out, '\n');
}

/* What was in force, the current one and the next one. */
static enum qr_rc history(const struct open_all *all, struct qr_buf *out, struct qr_err *err)
{
    const struct trust_dir *t = all->trust;
    size_t n = t->past_count;
    bool has = n > 0 && qr_hash_equal(&t->past[n - 1].hash, &t->attestation_hash);
    uint64_t since = 0;
    for (size_t i = 0; i < n; i++)
        if (t->past[i].index < attest_pin_from(t->attestation))
            put_line(out, t->past[i].index, &t->past[i].hash);
    if (!has) {
        QR_TRY(policy_since(t, services_log(all->services), &since, err));
        put_line(out, since, &t->attestation_hash);
    }
    put_line(out, attest_pin_from(t->attestation), &attest_pin_next(t->attestation)->hash);
    return qr_buf_ok(out);
}

/* The history first: what is there twice for a moment says the same. */
static enum qr_rc replace(const char *dir, struct qr_bytes lines, struct qr_err *err)
{
    char past[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
    QR_TRY(cli_path(past, dir, TRUST_ATTESTATION_HISTORY, NULL, err));
    QR_TRY(cli_path(from, dir, TRUST_ATTESTATION_NEXT, NULL, err));
    QR_TRY(cli_path(to, dir, TRUST_ATTESTATION, NULL, err));
    QR_TRY(qr_file_write(past, lines, 0600, err));
    /* COMMIT POINT */
    return rename(from, to) == 0 ? QR_OK : qr_fail(err, QR_IO, "%s: %s", to, strerror(errno));
}

static enum qr_rc adopt(struct cli *c, struct open_all *all, struct qr_err *err)
{
    const struct attest_policy *next, *in_force;
    char state[PATH_MAX], dir[PATH_MAX];
    struct qr_buf lines;
    QR_TRY(open_services(c, all, err));
    QR_TRY(next_of(all->trust, &next, err));
    QR_TRY(services_policy(all->services, &in_force, err));
    if (in_force != next)
        return qr_fail(err, QR_STATE, "the next attestation policy is not in force yet");
    const char *given = qr_config_str(c->config, "QUORATE_TRUST_DIR");
    QR_TRY(cli_state_dir(c, state, err));
    QR_TRY(cli_path(dir, state, "trust", NULL, err));
    qr_buf_init(&lines, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = history(all, &lines, err);
    if (rc == QR_OK) rc = replace(given ? given : dir, qr_buf_bytes(&lines), err);
    qr_buf_fini(&lines);
    QR_TRY(rc);
    c->result = qr_json_object();
    hash_line(c, "in_force", next);
    cli_say(c, "Where TEE_POLICY_HASH is set, this is its value from now on.");
    return QR_OK;
}

static enum qr_rc run(struct cli *c,
                      enum qr_rc (*what)(struct cli *, struct open_all *, struct qr_err *),
                      struct qr_err *err)
{
    struct open_all *all = calloc(1, sizeof *all);
    if (!all) return QR_NOMEM;
    enum qr_rc rc = what(c, all, err);
    open_close(all);
    free(all);
    return rc;
}

static enum qr_rc policy_show(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &show_spec, argc, argv, err));
    return run(c, show, err);
}

static enum qr_rc policy_adopt(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &adopt_spec, argc, argv, err));
    return run(c, adopt, err);
}

static const struct cli_command commands[] = {
    {"change", "sign that the next attestation policy is in force", policy_change},
    {"show", "show which one is in force", policy_show},
    {"adopt", "make the next one the trust directory's own", policy_adopt},
};
static const struct cli_group group = {
    .name = "policy",
    .examples = "  quorate policy change                         in development: one admin\n"
                "  quorate policy change --draft policy.json     signed, for another admin\n"
                "  quorate identity sign policy.json --admin-key other.key\n"
                "  quorate identity submit policy.json\n"
                "  quorate policy show\n"
                "  quorate policy adopt\n",
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
};

enum qr_rc cli_policy(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    return cli_group_run(c, &group, argc, argv, err);
}
