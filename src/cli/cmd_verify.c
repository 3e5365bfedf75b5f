/* cmd_verify.c - `quorate verify`: offline from a bundle; with only a digest it
 * looks the bundle up first and then verifies in the same way. */
#include <config.h>

#include "base/file.h"
#include "base/limits.h"
#include "bundle/verify_cmd.h"
#include "cli/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    {"BUNDLE", "bundle", QR_SET_PATH, NULL, 0, 0, "the bundle; without it nothing is offline"},
    {"TRUST", "trust", QR_SET_PATH, NULL, 0, 0, "trust directory (default STATE/trust)"},
    {"DIGEST", "artifact-digest", QR_SET_HASH, NULL, 0, 0, "SHA-256 of the file, instead of FILE"},
    {"EMIT_KEY", "emit-key", QR_SET_PATH, NULL, 0, 0,
     "prefix of files for stock tools, written after a full pass"},
    {"EXPLAIN", "explain", QR_SET_SWITCH, NULL, 0, 0, "print every check with its outcome"},
    {"ALLOW_SIMULATED", "allow-simulated", QR_SET_SWITCH, NULL, 0, 0,
     "accept simulated attestation beyond the policy"},
};
static const struct qr_config_spec spec = {
    .program = "quorate verify",
    .summary = "verifies that a quorum approved and signed a file",
    .examples = "  quorate verify release.tar.gz --bundle release.tar.gz.quorate --trust DIR\n"
                "  quorate verify FILE --bundle B --trust DIR --explain --emit-key FILE.key\n"
                "  quorate verify --artifact-digest HEX        (asks the coordinator)\n",
    .names = open_names,
    .own = own,
    .own_count = sizeof own / sizeof own[0],
    .operands = "[FILE]",
    .notes = "ssh-keygen and openssl prove that a key signed; only this command proves that a\n"
             "quorum approved. Exit codes: 0 verified, 1 false, 3 unreadable, 4 policy,\n"
             "9 attestation or trust class, 10 log inconsistent.\n",
};

/* Fetches the newest signed bundle of a digest into a temporary file. */
static enum qr_rc look_up(struct cli *c, const char *digest, char *path, struct qr_err *err)
{
    struct open_all *o = calloc(1, sizeof *o);
    if (!o) return QR_NOMEM;
    struct qr_hash h;
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_BUNDLE);
    enum qr_rc rc = qr_unhex(qr_str(digest), h.b, sizeof h.b);
    if (rc == QR_OK) rc = open_services(c, o, err);
    if (rc == QR_OK) rc = services_material(o->services, NULL, &h, BUNDLE_SIGNED, &b, err);
    if (rc == QR_OK) rc = qr_file_write_temp(qr_buf_bytes(&b), path, err);
    open_close(o);
    free(o);
    qr_buf_fini(&b);
    return rc;
}

static int run(struct cli *c, const struct verify_cmd *v)
{
    struct qr_buf out, talk;
    qr_buf_init(&out, 4 * 1024 * 1024);
    qr_buf_init(&talk, 4 * 1024 * 1024);
    int code = verify_cmd_run(v, &out, &talk);
    if (talk.n && !c->json) (void)fwrite(talk.p, 1, talk.n, stderr);
    if (out.n) (void)fwrite(out.p, 1, out.n, stdout);
    qr_buf_fini(&out);
    qr_buf_fini(&talk);
    return code;
}

enum qr_rc cli_verify(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    char path[PATH_MAX] = "", trust[PATH_MAX], state[PATH_MAX];
    char **operands;
    QR_TRY(cli_config(c, &spec, argc, argv, err));
    int n = qr_config_operands(c->config, &operands);
    const char *digest = qr_config_str(c->config, "DIGEST");
    const char *given = qr_config_str(c->config, "TRUST");
    if (!given) given = qr_config_str(c->config, "QUORATE_TRUST_DIR");
    if (n > 1 || (n == 0 && !digest))
        return qr_fail(err, QR_USAGE, "give FILE or --artifact-digest");
    if (!given) {
        QR_TRY(cli_state_dir(c, state, err));
        QR_TRY(cli_path(trust, state, "trust", NULL, err));
        given = trust;
    }
    struct verify_cmd v = {.bundle = qr_config_str(c->config, "BUNDLE"),
                           .trust = given,
                           .file = n ? operands[0] : NULL,
                           .artifact_digest = digest,
                           .emit_key = qr_config_str(c->config, "EMIT_KEY"),
                           .allow_simulated = qr_config_on(c->config, "ALLOW_SIMULATED"),
                           .explain = qr_config_on(c->config, "EXPLAIN"),
                           .json = c->json};
    if (!v.bundle && !digest)
        return qr_fail(err, QR_USAGE, "give --bundle, or --artifact-digest to look one up");
    if (!v.bundle) {
        QR_TRY(look_up(c, digest, path, err));
        v.bundle = path;
    }
    int code = run(c, &v);
    if (path[0]) (void)unlink(path);
    c->done = true;
    c->exit_code = code;
    return QR_OK;
}
