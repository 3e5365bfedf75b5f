/* pack.c - is this evidence pack whole, and is what it says true?  (src/evidence) */
#include "base/file.h"
#include "evidence/make.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"
#include "trust/trust_dir.h"

#include <inttypes.h>

static void fact_u64(struct answer *a, const char *key, uint64_t v)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, v);
    answer_fact(a, key, qr_str(text));
}

static void tell(struct answer *a, const struct evidence_facts *f, bool page)
{
    char classes[64], when[QR_TIME_LEN + 1];
    answer_check(a, "sessions", true, "each bundle is true under the trust directory");
    answer_check(a, "exports", true, "each is complete, under checkpoints of the log");
    answer_check(a, "files", true, "every file is what the bundles and exports make of it");
    answer_check(a, "page", true,
                 page ? "index.html is this program's"
                      : "index.html is of another version: not compared");
    fact_u64(a, "sessions", f->sessions);
    fact_u64(a, "entries", f->entries);
    fact_u64(a, "exports", f->exports);
    fact_u64(a, "exported", f->exported);
    qr_time_format(f->time_us, when);
    answer_fact(a, "newest", qr_str(when));
    qr_classes_text(f->classes, classes);
    answer_fact(a, "classes", qr_str(classes));
    answer_fact(a, "page", qr_str(page ? "verified" : "unchecked"));
}

static enum qr_rc check(const char *path, const struct trust_dir *dir, bool simulated,
                        struct answer *a)
{
    struct qr_buf archive;
    struct qr_err err = {{0}};
    struct pack p = {0};
    struct evidence_facts f;
    bool page = false;
    qr_buf_init(&archive, PACK_MAX_BYTES);
    enum qr_rc rc = qr_file_read(path, &archive, &err);
    if (rc == QR_OK) rc = pack_read(qr_buf_bytes(&archive), &p, &err);
    qr_buf_fini(&archive);
    answer_check(a, "archive", rc == QR_OK, rc == QR_OK ? "a zip of ordinary files" : err.text);
    if (rc == QR_OK) {
        rc = evidence_check(&p, dir, simulated, &f, &page, &err);
        if (rc == QR_OK)
            tell(a, &f, page);
        else
            answer_check(a, "pack", false, err.text);
    }
    pack_fini(&p);
    return rc == QR_OK ? rc : answer_fail(a, rc, NULL, "pack: %s", err.text);
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    const char *trust = NULL;
    bool simulated = false;
    const char *path = NULL;
    const struct arg args[] = {{"trust", ARG_TEXT, &trust, true},
                               {"allow-simulated", ARG_FLAG, &simulated, false}};
    struct trust_dir dir = {.origin = ""};
    struct qr_err err = {{0}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], &path, a));
    if (qr_crypto_init(&err) != QR_OK) return answer_fail(a, QR_BUG, NULL, "%s", err.text);
    enum qr_rc rc = trust_dir_load(trust, &dir, &err);
    if (rc != QR_OK) return answer_fail(a, rc, NULL, "%s", err.text);
    rc = check(path, &dir, simulated, a);
    trust_dir_fini(&dir);
    return rc;
}

const struct command command_pack = {
    .name = "pack",
    .help = "is this evidence pack whole, and is what it says true?",
    .examples = "  tlog-verify pack --trust /etc/quorate/trust release.qpack\n",
    .options = "  --trust DIR            the trust directory, held beforehand\n"
               "  --allow-simulated      accept the TEE simulator beyond the policy\n"
               "  FILE                   the pack; - is standard input\n",
    .run = run,
};
