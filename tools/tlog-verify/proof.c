/* proof.c - does this proof file show that an entry is in a log I trust, seen
 * by enough witnesses?  (C2SP tlog-proof, tlog-policy) */
#include "base/file.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"

#include <inttypes.h>

#define MAX_ENTRY_FILE (64 << 20)

struct inputs {
    struct qr_buf file, policy, entry;
    struct tlog_hash leaf;
};

static enum qr_rc read_input(const char *path, struct qr_buf *to, struct answer *a)
{
    struct qr_err err = {{0}};
    enum qr_rc rc = qr_file_read(path, to, &err);
    if (rc == QR_OK) return QR_OK;
    return answer_fail(a, rc == QR_NOMEM ? QR_RANGE : rc, NULL, "%s", err.text);
}

static void tell(const struct tlog_proof_file *f, const struct tlog_judgement *j,
                 const struct tlog_policy *policy, struct answer *a)
{
    char text[48];
    struct qr_buf names;
    const struct tlog_party *witness;
    size_t n = tlog_policy_witnesses(policy, &witness);
    answer_fact(a, "origin", QR_BYTES(j->checkpoint.origin.p, j->checkpoint.origin.n));
    (void)snprintf(text, sizeof text, "%" PRIu64, f->index);
    answer_fact(a, "index", qr_str(text));
    (void)snprintf(text, sizeof text, "%" PRIu64, j->checkpoint.head.size);
    answer_fact(a, "size", qr_str(text));
    qr_buf_init(&names, TLOG_POLICY_TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!(j->cosigned >> i & 1)) continue;
        if (names.n > 0) qr_buf_put_u8(&names, ' ');
        qr_buf_put_str(&names, witness[i].key.name);
    }
    answer_fact(a, "witnesses", names.n > 0 ? qr_buf_bytes(&names) : qr_str("none"));
    qr_buf_fini(&names);
}

static enum qr_rc judge(const struct inputs *in, const struct tlog_policy *policy, struct answer *a)
{
    struct tlog_proof_file f;
    struct tlog_note note;
    struct tlog_checkpoint cp;
    struct tlog_judgement j;
    struct tlog_err err = {{0}};
    enum tlog_rc rc = tlog_proof_file_parse((struct tlog_bytes){in->file.p, in->file.n}, &f, &err);
    answer_check(a, "form", rc == TLOG_OK, "a C2SP tlog-proof");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_MALFORMED, NULL, "the file is not a proof: %s", err.text);
    if (tlog_note_parse(f.checkpoint, &note) != TLOG_OK ||
        tlog_checkpoint_parse(note.text, &cp) != TLOG_OK)
        qr_fatal("a parsed proof has no checkpoint");
    bool in_tree = tlog_inclusion_check(f.index, &cp.head, &in->leaf, &f.proof) == TLOG_OK;
    answer_check(a, "inclusion", in_tree, "the proof leads from the leaf to the checkpoint's root");
    rc = tlog_proof_file_check(&f, policy, &in->leaf, &j, &err);
    if (!in_tree) return answer_fail(a, QR_FALSE, NULL, "%s", err.text);
    answer_check(a, "signatures", rc == TLOG_OK || rc == TLOG_REFUSED,
                 "by a log of the policy, and no known one is wrong");
    if (rc != TLOG_OK && rc != TLOG_REFUSED) return answer_fail(a, QR_FALSE, NULL, "%s", err.text);
    answer_check(a, "witnesses", rc == TLOG_OK, "the policy's quorum cosigned");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_POLICY, "the log may have shown others another tree", "%s",
                           err.text);
    tell(&f, &j, policy, a);
    return QR_OK;
}

static enum qr_rc with_policy(const struct inputs *in, struct answer *a)
{
    struct tlog_policy *policy = NULL;
    struct tlog_err err = {{0}};
    if (tlog_policy_parse((struct tlog_bytes){in->policy.p, in->policy.n}, &policy, &err) !=
        TLOG_OK)
        return answer_fail(a, QR_MALFORMED, NULL, "%s", err.text);
    enum qr_rc rc = judge(in, policy, a);
    tlog_policy_free(policy);
    return rc;
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    const char *policy = NULL, *entry = NULL, *leaf = NULL, *path = NULL;
    struct inputs in = {.leaf = {{0}}};
    const struct arg args[] = {{"policy", ARG_TEXT, &policy, true},
                               {"entry", ARG_TEXT, &entry, false},
                               {"leaf-hash", ARG_TEXT, &leaf, false}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], &path, a));
    if ((leaf != NULL) == (entry != NULL))
        return answer_fail(a, QR_USAGE, NULL, "one of --entry and --leaf-hash is needed");
    if (leaf && qr_unbase64_n(qr_str(leaf), in.leaf.b, sizeof in.leaf.b) != QR_OK)
        return answer_fail(a, QR_MALFORMED, "a hash is 44 characters of base64, with its padding",
                           "--leaf-hash is not a hash: %.60s", leaf);
    qr_buf_init(&in.file, TLOG_PROOF_FILE_MAX);
    qr_buf_init(&in.policy, TLOG_POLICY_TEXT_MAX);
    qr_buf_init(&in.entry, MAX_ENTRY_FILE);
    enum qr_rc rc = read_input(path, &in.file, a);
    if (rc == QR_OK) rc = read_input(policy, &in.policy, a);
    if (rc == QR_OK && entry) rc = read_input(entry, &in.entry, a);
    if (rc == QR_OK && entry) tlog_leaf_hash((struct tlog_bytes){in.entry.p, in.entry.n}, &in.leaf);
    if (rc == QR_OK) rc = with_policy(&in, a);
    qr_buf_fini(&in.file);
    qr_buf_fini(&in.policy);
    qr_buf_fini(&in.entry);
    return rc;
}

const struct command command_proof = {
    .name = "proof",
    .help = "does this .tlog-proof show that an entry is in a log I trust?",
    .examples = "  tlog-verify proof release.tlog-proof --policy log.policy --entry entry.json\n",
    .options = "  --policy FILE     which logs and witnesses are trusted (C2SP tlog-policy)\n"
               "  --entry FILE      the entry's bytes\n"
               "  --leaf-hash B64   SHA-256(0x00 || entry) instead\n"
               "  FILE              the proof; - is standard input\n",
    .run = run,
};
