/* inclusion.c - is this leaf in that tree?  (RFC 9162 section 2.1.3.2) */
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    uint64_t index = 0;
    struct tlog_head head = {0};
    struct tlog_hash leaf = {{0}}, root;
    struct tlog_proof proof = {.n = 0};
    const struct arg args[] = {
        {"index", ARG_U64, &index, true},     {"size", ARG_U64, &head.size, true},
        {"leaf-hash", ARG_HASH, &leaf, true}, {"root", ARG_HASH, &head.root, true},
        {"proof", ARG_PROOF, &proof, false},
    };
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], NULL, a));
    bool within = index < head.size;
    answer_check(a, "index", within, "below the size of the tree");
    if (!within) return answer_fail(a, QR_FALSE, NULL, "a tree of this size has no such index");
    enum tlog_rc rc = tlog_inclusion_root(index, head.size, &leaf, &proof, &root);
    answer_check(a, "length", rc == TLOG_OK, "as many hashes as index and size require");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_FALSE, "each hash of the proof is one --proof, in order",
                           "a proof of %zu hashes cannot be for this index and size", proof.n);
    rc = tlog_inclusion_check(index, &head, &leaf, &proof);
    answer_check(a, "root", rc == TLOG_OK, "the proof leads from the leaf to the root");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_FALSE, NULL, "the proof does not lead to this root");
    answer_fact(a, "included", qr_str("yes"));
    return QR_OK;
}

const struct command command_inclusion = {
    .name = "inclusion",
    .help = "is this leaf in that tree?",
    .examples =
        "  tlog-verify inclusion --index 3 --size 9 --leaf-hash \"$LEAF\" --root \"$ROOT\" \\\n"
        "      --proof \"$P1\" --proof \"$P2\" --proof \"$P3\" --proof \"$P4\"\n",
    .options = "  --index N         place of the entry, from 0\n"
               "  --size N          size of the tree\n"
               "  --leaf-hash B64   SHA-256(0x00 || entry)\n"
               "  --root B64        root of the tree\n"
               "  --proof B64       a hash of the proof; once for each, in order\n",
    .run = run,
};
