/* consistency.c - does the later tree begin with the earlier one?  (RFC 9162
 * section 2.1.4.2) */
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    struct tlog_head first = {0}, second = {0};
    struct tlog_proof proof = {.n = 0};
    const struct arg args[] = {
        {"size1", ARG_U64, &first.size, true},  {"size2", ARG_U64, &second.size, true},
        {"root1", ARG_HASH, &first.root, true}, {"root2", ARG_HASH, &second.root, true},
        {"proof", ARG_PROOF, &proof, false},
    };
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], NULL, a));
    enum tlog_rc rc = tlog_consistency_check(&first, &second, &proof);
    answer_check(a, "sizes", rc != TLOG_RANGE, "the first tree is not larger than the second");
    if (rc == TLOG_RANGE)
        return answer_fail(a, QR_FALSE, NULL, "the first tree is larger than the second");
    answer_check(a, "length", rc != TLOG_MALFORMED, "as many hashes as the sizes require");
    if (rc == TLOG_MALFORMED)
        return answer_fail(a, QR_FALSE, "each hash of the proof is one --proof, in order",
                           "a proof of %zu hashes cannot be for these sizes", proof.n);
    answer_check(a, "roots", rc == TLOG_OK, "the proof leads to both roots");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_FALSE,
                           "if both checkpoints are signed, keep them: they prove a split view",
                           "the second tree is not shown to begin with the first");
    answer_fact(a, "consistent", qr_str("yes"));
    return QR_OK;
}

const struct command command_consistency = {
    .name = "consistency",
    .help = "does the later tree begin with the earlier one?",
    .examples =
        "  tlog-verify consistency --size1 3 --size2 9 --root1 \"$OLD\" --root2 \"$NEW\" \\\n"
        "      --proof \"$P1\" --proof \"$P2\" --proof \"$P3\" --proof \"$P4\"\n",
    .options = "  --size1 N         size of the earlier tree\n"
               "  --size2 N         size of the later tree\n"
               "  --root1 B64       root of the earlier tree\n"
               "  --root2 B64       root of the later tree\n"
               "  --proof B64       a hash of the proof; once for each, in order\n",
    .run = run,
};
