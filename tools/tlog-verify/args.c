/* args.c - getopt_long over a table of options. */
#include "tools/tlog-verify/args.h"

#include <assert.h>
#include <getopt.h>

enum { FLAG_JSON = 1000, FLAG_EXPLAIN };

static const char see_help[] = "tlog-verify help shows examples";

static enum qr_rc take_hash(const char *name, const char *text, struct tlog_hash *to,
                            struct answer *a)
{
    if (qr_unbase64_n(qr_str(text), to->b, sizeof to->b) == QR_OK) return QR_OK;
    return answer_fail(a, QR_MALFORMED, "a hash is 44 characters of base64, with its padding",
                       "--%s is not a hash: %.60s", name, text);
}

static enum qr_rc take_proof(const char *name, const char *text, struct tlog_proof *to,
                             struct answer *a)
{
    if (to->n == TLOG_PROOF_MAX)
        return answer_fail(a, QR_RANGE, NULL, "a proof has at most %d hashes", TLOG_PROOF_MAX);
    QR_TRY(take_hash(name, text, &to->h[to->n], a));
    to->n++;
    return QR_OK;
}

static enum qr_rc take_key(const char *name, const char *text, struct arg_keys *to,
                           struct answer *a)
{
    struct qr_bytes s = qr_str(text);
    if (to->n == ARGS_KEYS_MAX)
        return answer_fail(a, QR_RANGE, NULL, "at most %d keys", ARGS_KEYS_MAX);
    if (tlog_vkey_parse((struct tlog_bytes){s.p, s.n}, &to->key[to->n]) != TLOG_OK)
        return answer_fail(a, QR_MALFORMED, "a verifier key is NAME+HEX+BASE64, of type Ed25519",
                           "--%s is not a verifier key: %.60s", name, text);
    to->n++;
    return QR_OK;
}

static enum qr_rc take(const struct arg *arg, const char *text, bool seen, struct answer *a)
{
    if (seen && arg->kind != ARG_PROOF && arg->kind != ARG_KEYS)
        return answer_fail(a, QR_USAGE, see_help, "--%s is given twice", arg->name);
    switch (arg->kind) {
    case ARG_U64:
        if (qr_parse_u64(qr_str(text), UINT64_MAX, arg->to) == QR_OK) return QR_OK;
        return answer_fail(a, QR_USAGE, "a decimal number without sign and leading zeros",
                           "--%s is not a number: %.60s", arg->name, text);
    case ARG_HASH: return take_hash(arg->name, text, arg->to, a);
    case ARG_PROOF: return take_proof(arg->name, text, arg->to, a);
    case ARG_KEYS: return take_key(arg->name, text, arg->to, a);
    case ARG_TEXT: *(const char **)arg->to = text; return QR_OK;
    case ARG_FLAG: *(bool *)arg->to = true; return QR_OK;
    }
    return QR_BUG;
}

static enum qr_rc take_rest(int argc, char **argv, const char **operand, struct answer *a)
{
    if (!operand) {
        if (optind == argc) return QR_OK;
        return answer_fail(a, QR_USAGE, see_help, "unexpected argument: %.60s", argv[optind]);
    }
    if (argc - optind != 1)
        return answer_fail(a, QR_USAGE, see_help, "one file is needed (- is standard input)");
    *operand = argv[optind];
    return QR_OK;
}

/* Number of the option that getopt_long gave; -o is short for --output. */
static size_t number_of(int c, const struct arg *args, size_t count)
{
    if (c != 'o') return (size_t)c;
    size_t i = 0;
    while (i < count && !qr_bytes_is(qr_str(args[i].name), "output")) i++;
    return i;
}

enum qr_rc args_read(int argc, char **argv, const struct arg *args, size_t count,
                     const char **operand, struct answer *a)
{
    struct option longs[ARGS_MAX + 3] = {{0}};
    bool seen[ARGS_MAX] = {false};
    assert(count <= ARGS_MAX);
    for (size_t i = 0; i < count; i++)
        longs[i] = (struct option){
            args[i].name, args[i].kind == ARG_FLAG ? no_argument : required_argument, NULL, (int)i};
    longs[count] = (struct option){"json", no_argument, NULL, FLAG_JSON};
    longs[count + 1] = (struct option){"explain", no_argument, NULL, FLAG_EXPLAIN};
    opterr = 0;
    optind = 1;
    int c;
    while ((c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1) {
        size_t i = number_of(c, args, count);
        if (c == '?' || c == ':' || i == count)
            return answer_fail(a, QR_USAGE, see_help, "%s: %.60s",
                               c == '?' ? "unknown option" : "a value is missing after",
                               argv[optind - 1]);
        if (c == FLAG_JSON) continue; /* main has seen it already */
        if (c == FLAG_EXPLAIN) {
            a->explain = true;
            continue;
        }
        QR_TRY(take(&args[i], optarg, seen[i], a));
        seen[i] = true;
    }
    for (size_t i = 0; i < count; i++)
        if (args[i].required && !seen[i])
            return answer_fail(a, QR_USAGE, see_help, "--%s is needed", args[i].name);
    return take_rest(argc, argv, operand, a);
}
