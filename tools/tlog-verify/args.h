/* args.h - a command's options from a table.
 *
 * Wrong options are QR_USAGE; option values that are data (hashes, keys) and
 * cannot be read are QR_MALFORMED.  Both are recorded in the answer. */
#ifndef TLOG_VERIFY_ARGS_H
#define TLOG_VERIFY_ARGS_H

#include "tools/tlog-verify/answer.h"
#include "tlog/tlog.h"

#define ARGS_KEYS_MAX 8

struct arg_keys {
    size_t n;
    struct tlog_vkey key[ARGS_KEYS_MAX];
};

enum arg_kind {
    ARG_U64,   /* uint64_t */
    ARG_HASH,  /* struct tlog_hash, in base64 */
    ARG_PROOF, /* struct tlog_proof; may be repeated */
    ARG_KEYS,  /* struct arg_keys; may be repeated */
    ARG_TEXT,  /* const char * */
    ARG_FLAG   /* bool; takes no value */
};

struct arg {
    const char *name; /* without dashes */
    enum arg_kind kind;
    void *to;
    bool required;
};

#define ARGS_MAX 12

/* Reads argv[1..]; every command also takes --json and --explain.  *operand is
 * set to the one operand when it is not NULL; else operands are refused. */
enum qr_rc args_read(int argc, char **argv, const struct arg *args, size_t count,
                     const char **operand, struct answer *a) QR_MUST_CHECK;

#endif
