/* cmd_trust.c - `quorate trust`: what the trust directory says, in words. */
#include <config.h>

#include "base/json.h"
#include "cli/cli.h"
#include "frost/sigfile.h"
#include "trust/trust_dir.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {"QUORATE_STATE_DIR", "QUORATE_TRUST_DIR", NULL};
static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
};
static const struct qr_config_spec spec = {
    .program = "quorate trust",
    .summary = "shows what this machine trusts, and that its files are well-formed",
    .examples = "  quorate trust --trust-dir DIR\n",
    .names = names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
};

static void key_ids(struct cli *c, json_t *o, const char *name, const struct trust_keys *keys)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < keys->n; i++) {
        char id[QR_KEY_ID_LEN + 1];
        qr_key_id(&keys->k[i], id);
        qr_json_add(a, json_string(id));
        cli_out(c, "%-22s %s", name, id);
    }
    qr_json_set(o, name, a);
}

/* As ssh-keygen reads it. */
static void ssh_keys(struct cli *c, json_t *o, const struct trust_keys *keys)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < keys->n; i++) {
        struct qr_buf line;
        qr_buf_init(&line, 256);
        if (sigfile_openssh_key(keys->k[i].b, qr_str("quorate-ssh-ca"), &line) != QR_OK)
            qr_fatal("out of memory");
        struct qr_bytes text = QR_BYTES(line.p, line.n - 1); /* without the line's end */
        qr_json_add(a, qr_json_text(text));
        cli_out(c, "%-22s %.*s", "ssh_ca", (int)text.n, (const char *)text.p);
        qr_buf_fini(&line);
    }
    qr_json_set(o, "ssh_ca", a);
}

static void hash_line(struct cli *c, json_t *o, const char *name, const struct qr_hash *h)
{
    char hex[2 * QR_SHA256_SIZE + 1];
    qr_hex(h->b, sizeof h->b, hex);
    qr_json_set_str(o, name, hex);
    cli_out(c, "%-22s %s", name, hex);
}

static void print(struct cli *c, const struct trust_dir *t)
{
    json_t *o = qr_json_object();
    char classes[64];
    c->result = o;
    cli_out(c, "%-22s %s", "log_origin", t->origin);
    qr_json_set_str(o, "log_origin", t->origin);
    json_t *keys = qr_json_array();
    for (size_t i = 0; i < t->log_key_count; i++) {
        char text[TLOG_VKEY_MAX];
        tlog_vkey_format(&t->log_keys[i].vkey, text);
        qr_json_add(keys, json_string(text));
        cli_out(c, "%-22s %s", "log_vkey", text);
    }
    qr_json_set(o, "log_vkeys", keys);
    json_t *witnesses = qr_json_array();
    for (size_t i = 0; i < t->witness_count; i++) {
        char text[TLOG_VKEY_MAX];
        tlog_vkey_format(&t->witnesses[i], text);
        qr_json_add(witnesses, json_string(text));
        cli_out(c, "%-22s %s", "witness", text);
    }
    qr_json_set(o, "witnesses", witnesses);
    key_ids(c, o, "admins", &t->admins);
    for (unsigned a = 0; a < LEAF_AUTHOR_COUNT; a++)
        key_ids(c, o, leaf_author_name((enum leaf_author)a), &t->authors[a]);
    key_ids(c, o, "grant_keys", &t->grant);
    key_ids(c, o, "coordinator_envelope", &t->coordinator_envelope);
    ssh_keys(c, o, &t->ssh_ca);
    hash_line(c, o, "ca_root", &t->root.sha256);
    hash_line(c, o, "participant_ca", &t->participant_ca.sha256);
    hash_line(c, o, "group_ca", &t->group_ca.sha256);
    hash_line(c, o, "signing_policy", &t->signing_hash);
    hash_line(c, o, "attestation_policy", &t->attestation_hash);
    const struct attest_policy *next = attest_pin_next(t->attestation);
    if (next) hash_line(c, o, "attestation_next", &next->hash);
    qr_classes_text(t->signing.classes, classes);
    qr_json_set_str(o, "classes", classes);
    cli_out(c, "%-22s %u engineers and %u stewards; classes: %s", "quorum", t->signing.engineers,
            t->signing.stewards, classes);
    qr_json_set_int(o, "engineers", t->signing.engineers);
    qr_json_set_int(o, "stewards", t->signing.stewards);
}

enum qr_rc cli_trust(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    char state[PATH_MAX], path[PATH_MAX];
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    const char *given = qr_config_str(c->config, "QUORATE_TRUST_DIR");
    if (!given) {
        QR_TRY(cli_state_dir(c, state, err));
        QR_TRY(cli_path(path, state, "trust", NULL, err));
        given = path;
    }
    struct trust_dir *t = calloc(1, sizeof *t);
    if (!t) return QR_NOMEM;
    enum qr_rc rc = trust_dir_load(given, t, err);
    if (rc == QR_OK) {
        print(c, t);
        trust_dir_fini(t);
    }
    free(t);
    return rc;
}
