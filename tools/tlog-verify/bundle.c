/* bundle.c - does this bundle prove that a quorum approved?  (TRUST.md
 * section 10)
 *
 * The work and the text are those of `quorate verify`: src/bundle. */
#include "bundle/verify_cmd.h"
#include "tools/tlog-verify/command.h"

#define MAX_TEXT (4 << 20)

/* The option's value when argv[*i] is it, else NULL; *i moves on. */
static const char *value_of(int argc, char **argv, int *i, const char *name)
{
    if (!qr_bytes_is(qr_str(argv[*i]), name) || *i + 1 >= argc) return NULL;
    return argv[++*i];
}

static enum qr_rc read_args(int argc, char **argv, struct verify_cmd *c, struct answer *a)
{
    for (int i = 1; i < argc; i++) {
        const char *v;
        struct qr_bytes arg = qr_str(argv[i]);
        if (qr_bytes_is(arg, "--json") || qr_bytes_is(arg, "--explain"))
            continue;
        else if (qr_bytes_is(arg, "--allow-simulated"))
            c->allow_simulated = true;
        else if ((v = value_of(argc, argv, &i, "--trust")))
            c->trust = v;
        else if ((v = value_of(argc, argv, &i, "--file")))
            c->file = v;
        else if ((v = value_of(argc, argv, &i, "--artifact-digest")))
            c->artifact_digest = v;
        else if ((arg.n > 1 && arg.p[0] == '-') || c->bundle)
            return answer_fail(a, QR_USAGE, "tlog-verify help bundle", "bundle: what is %.60s?",
                               argv[i]);
        else
            c->bundle = argv[i];
    }
    if (!c->trust) return answer_fail(a, QR_USAGE, NULL, "bundle: --trust DIR is needed");
    if (!c->bundle) return answer_fail(a, QR_USAGE, NULL, "bundle: which bundle?");
    if (c->file && c->artifact_digest)
        return answer_fail(a, QR_USAGE, NULL, "bundle: --file or --artifact-digest, not both");
    return QR_OK;
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    struct verify_cmd c = {.json = a->json, .explain = a->explain};
    struct qr_err err = {{0}};
    QR_TRY(read_args(argc, argv, &c, a));
    if (qr_crypto_init(&err) != QR_OK) return answer_fail(a, QR_BUG, NULL, "%s", err.text);
    struct qr_buf out, talk;
    qr_buf_init(&out, MAX_TEXT);
    qr_buf_init(&talk, MAX_TEXT);
    a->exit = verify_cmd_run(&c, &out, &talk);
    a->printed = true;
    if (out.n > 0) (void)fwrite(out.p, 1, out.n, stdout);
    if (talk.n > 0) (void)fwrite(talk.p, 1, talk.n, stderr);
    qr_buf_fini(&out);
    qr_buf_fini(&talk);
    return QR_OK;
}

const struct command command_bundle = {
    .name = "bundle",
    .help = "does this bundle prove that a quorum approved?",
    .examples = "  tlog-verify bundle --trust /etc/quorate/trust --file release.tar "
                "release.bundle\n"
                "  tlog-verify bundle --trust trust --json --explain release.bundle\n",
    .options = "  --trust DIR            the trust directory, held beforehand\n"
               "  --file FILE            the artifact; - is standard input\n"
               "  --artifact-digest HEX  its SHA-256 instead\n"
               "  --allow-simulated      accept the TEE simulator beyond the policy\n"
               "  BUNDLE                 the bundle; - is standard input\n",
    .run = run,
};
