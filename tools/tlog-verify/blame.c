/* blame.c - whose fault was it that an attempt failed, by what he signed?
 *
 * The material in the file is verified like a bundle; the judgement is
 * bundle/blame.h's. */
#include "bundle/blame.h"
#include "base/file.h"
#include "tlog/qr.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"

#include <stdlib.h>

struct court {
    const char *trust_path, *file_path, *path;
    bool allow_simulated;
    struct qr_buf text, artifact;
    struct blame_file is;
    struct trust_dir trust;
    struct bundle b;
    struct bundle_facts facts;
    struct answer *a;
};

/* An artifact too large to be signed as a whole is not needed either. */
static enum qr_rc read_files(struct court *c)
{
    struct qr_err err = {{0}};
    enum qr_rc rc = qr_file_read(c->path, &c->text, &err);
    if (rc == QR_OK && c->file_path) rc = qr_file_read(c->file_path, &c->artifact, &err);
    if (rc == QR_OK) rc = blame_read(qr_buf_bytes(&c->text), &c->is, &err);
    return rc == QR_OK ? rc : answer_fail(c->a, rc, NULL, "%s", err.text);
}

static enum qr_rc verify_material(struct court *c)
{
    struct qr_err err = {{0}};
    struct trust_report r;
    struct bundle_options opt = {.need = BUNDLE_FROZEN, .allow_simulated = c->allow_simulated};
    enum qr_rc rc = trust_dir_load(c->trust_path, &c->trust, &err);
    if (rc == QR_OK) rc = bundle_read(qr_buf_bytes(&c->is.material), &c->b, &err);
    if (rc != QR_OK) return answer_fail(c->a, rc, NULL, "%s", err.text);
    trust_report_init(&r);
    rc = bundle_verify(&c->b, &c->trust, &opt, &r, &c->facts);
    if (rc != QR_OK) (void)trust_report_err(&r, &err);
    trust_report_fini(&r);
    answer_check(c->a, "material", rc == QR_OK, rc == QR_OK ? "proven in the log" : err.text);
    return rc == QR_OK ? rc : answer_fail(c->a, rc, NULL, "the material: %s", err.text);
}

static void tell_culprit(struct court *c, size_t i, const char *why)
{
    const struct leaf_member *m = &c->facts.descriptor.is.members[i];
    char person[2 * QR_SHA256_SIZE + 1], number[8];
    json_t *o = qr_json_object();
    qr_hex(m->commitment.b, QR_SHA256_SIZE, person);
    (void)snprintf(number, sizeof number, "%u", m->index);
    qr_json_set_str(o, "commitment", person);
    qr_json_set_str(o, "member", number);
    qr_json_set_str(o, "role", qr_role_name(m->role));
    qr_json_set_str(o, "why", why);
    answer_item(c->a, "culprit", o);
}

static enum qr_rc judge(struct court *c)
{
    struct qr_err err = {{0}};
    struct blame_verdict v;
    char digest[2 * QR_SHA256_SIZE + 1], attempt[16];
    struct blame_case k = {&c->b, &c->facts, qr_buf_bytes(&c->is.evidence),
                           qr_buf_bytes(&c->artifact)};
    enum qr_rc rc = blame_judge(&k, &v, &err);
    answer_check(c->a, "letters", rc == QR_OK, rc == QR_OK ? "each is its member's" : err.text);
    if (rc != QR_OK) return answer_fail(c->a, rc, NULL, "%s", err.text);
    qr_hex(c->is.digest.b, QR_SHA256_SIZE, digest);
    (void)snprintf(attempt, sizeof attempt, "%u", c->facts.descriptor.is.attempt);
    answer_fact(c->a, "session", qr_str(c->facts.request.is.session));
    answer_fact(c->a, "attempt", qr_str(attempt));
    answer_fact(c->a, "evidence", qr_str(digest));
    for (size_t i = 0; i < c->facts.descriptor.is.n; i++)
        if (v.culprits & (UINT64_C(1) << i)) tell_culprit(c, i, v.why[i]);
    if (v.culprits) return QR_OK;
    return answer_fail(c->a, QR_FALSE, NULL, "nobody is shown to be at fault");
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    struct court *c = calloc(1, sizeof *c);
    struct qr_err err = {{0}};
    if (!c) return answer_fail(a, QR_NOMEM, NULL, "out of memory");
    c->a = a;
    const struct arg args[] = {{"trust", ARG_TEXT, &c->trust_path, true},
                               {"file", ARG_TEXT, &c->file_path, false},
                               {"allow-simulated", ARG_FLAG, &c->allow_simulated, false}};
    qr_buf_init(&c->text, BLAME_MAX_FILE);
    qr_buf_init(&c->artifact, QR_MAX_RAW_FILE);
    enum qr_rc rc = args_read(argc, argv, args, sizeof args / sizeof args[0], &c->path, a);
    if (rc == QR_OK && !c->path) rc = answer_fail(a, QR_USAGE, NULL, "blame: which file?");
    if (rc == QR_OK && qr_crypto_init(&err) != QR_OK)
        rc = answer_fail(a, QR_BUG, NULL, "%s", err.text);
    if (rc == QR_OK) rc = read_files(c);
    if (rc == QR_OK) rc = verify_material(c);
    if (rc == QR_OK) rc = judge(c);
    bundle_facts_fini(&c->facts);
    bundle_fini(&c->b);
    trust_dir_fini(&c->trust);
    blame_file_fini(&c->is);
    qr_buf_fini(&c->artifact);
    qr_buf_fini(&c->text);
    free(c);
    return rc;
}

const struct command command_blame = {
    .name = "blame",
    .help = "whose fault was it that an attempt failed, by what he signed?",
    .examples = "  tlog-verify blame --trust /etc/quorate/trust release.quorate.blame-1\n",
    .options = "  --trust DIR         the trust directory, held beforehand\n"
               "  --file FILE         the artifact, where raw was asked for\n"
               "  --allow-simulated   accept the TEE simulator beyond the policy\n"
               "  FILE                as quorate join wrote it\n",
    .run = run,
};
