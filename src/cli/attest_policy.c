/* attest_policy.c - `quorate attest policy`: what a policy file means. */
#include <config.h>

#include "attest/policy_text.h"
#include "base/limits.h"
#include "cli/attest.h"

#include <stdio.h>

static const char *const no_names[] = {NULL};
static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
};
static const struct qr_config_spec spec = {
    .program = "quorate attest policy",
    .summary = "reads an attestation policy and says what it means",
    .examples = "  quorate attest policy check attestation.policy\n"
                "  quorate attest policy hash attestation.policy      (TEE_POLICY_HASH)\n"
                "  quorate attest policy explain attestation.policy\n",
    .names = no_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .operands = "check|hash|explain FILE",
    .notes = "check also says what the policy accepts that the example does not. explain prints\n"
             "the canonical form, whose SHA-256 is the hash, with a line about each key.\n"
             "Exit codes: 0 the policy can be used, 3 it cannot be read or is not one.\n",
};

static void print_warnings(struct cli *c, const struct attest_policy *p)
{
    const char *text[ATTEST_WARNINGS_MAX];
    json_t *a = qr_json_array();
    size_t n = attest_policy_warnings(p, text);
    for (size_t i = 0; i < n; i++) {
        cli_say(c, "warning: %s", text[i]);
        qr_json_add(a, qr_json_text(qr_str(text[i])));
    }
    qr_json_set(c->result, "warnings", a);
}

/* The canonical form, line by line, each under its explanation. */
static enum qr_rc explain(struct cli *c, const struct attest_policy *p)
{
    struct qr_buf text;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = attest_policy_canonical(p, &text);
    json_t *keys = qr_json_object();
    struct qr_bytes rest = qr_buf_bytes(&text);
    while (rc == QR_OK && rest.n) {
        size_t line = 0, name = 0;
        while (rest.p[line] != '\n') line++;
        while (rest.p[name] != ' ') name++;
        const char *about = attest_policy_key_text(QR_BYTES(rest.p, name));
        cli_out(c, "# %s", about);
        cli_out(c, "%.*s", (int)line, (const char *)rest.p);
        json_t *o = qr_json_object();
        qr_json_set_bytes(o, "value", QR_BYTES(rest.p + name + 3, line - name - 3));
        qr_json_set_str(o, "about", about);
        char key[64];
        (void)snprintf(key, sizeof key, "%.*s", (int)name, (const char *)rest.p);
        qr_json_set(keys, key, o);
        rest = QR_BYTES(rest.p + line + 1, rest.n - line - 1);
    }
    qr_json_set(c->result, "keys", keys);
    qr_buf_fini(&text);
    return rc;
}

enum qr_rc cli_attest_policy(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    char **operand, hex[2 * QR_SHA256_SIZE + 1];
    struct attest_policy *p = NULL;
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    if (qr_config_operands(c->config, &operand) != 2)
        return qr_fail(err, QR_USAGE, "give check, hash or explain, and a file");
    struct qr_bytes what = qr_str(operand[0]);
    bool hash = qr_bytes_is(what, "hash"), words = qr_bytes_is(what, "explain");
    if (!hash && !words && !qr_bytes_is(what, "check"))
        return qr_fail(err, QR_USAGE, "give check, hash or explain, not %s", operand[0]);
    QR_TRY(attest_policy_load(operand[1], QR_BYTES_NONE, &p, err));
    c->result = qr_json_object();
    qr_hex(p->hash.b, sizeof p->hash.b, hex);
    qr_json_set_str(c->result, "hash", hex);
    qr_json_set_str(c->result, "class", attest_class_name(p->trust_class));
    enum qr_rc rc = QR_OK;
    if (words) rc = explain(c, p);
    if (!words) cli_out(c, "%s", hex);
    if (!hash) print_warnings(c, p);
    attest_policy_free(p);
    return rc;
}
