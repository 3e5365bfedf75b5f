/* fork.c - do two signed checkpoints prove that a log has two histories? */
#include "base/file.h"
#include "tlog/qr.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"
#include "trust/trust_dir.h"

#include <inttypes.h>

struct known {
    const char *path; /* of a trust directory, or NULL */
    struct arg_keys keys;
    struct trust_dir dir;
};

/* Size by the checkpoint itself, to choose the keys that were valid for it. */
static uint64_t size_of(struct tlog_bytes note)
{
    struct tlog_note n;
    struct tlog_checkpoint cp;
    if (tlog_note_parse(note, &n) != TLOG_OK || tlog_checkpoint_parse(n.text, &cp) != TLOG_OK)
        return 0;
    return cp.head.size;
}

static struct tlog_trust keys_for(const struct known *k, struct tlog_bytes note,
                                  struct tlog_vkey room[TRUST_MAX_KEYS])
{
    if (!k->path) return (struct tlog_trust){k->keys.key[0].name, k->keys.key, k->keys.n};
    return (struct tlog_trust){k->dir.origin, room, trust_log_keys(&k->dir, size_of(note), room)};
}

static void tell(struct answer *a, const char *key, const struct tlog_head *h)
{
    char text[24];
    struct qr_buf root;
    json_t *o = qr_json_object();
    qr_buf_init(&root, 64);
    qr_buf_put_base64(&root, QR_BYTES_OF(h->root.b));
    (void)snprintf(text, sizeof text, "%" PRIu64, h->size);
    qr_json_set_str(o, "size", text);
    qr_json_set_bytes(o, "root", qr_buf_bytes(&root));
    qr_buf_fini(&root);
    answer_item(a, key, o);
}

static enum qr_rc judge(const struct known *k, struct qr_bytes file, struct answer *a)
{
    struct tlog_fork f;
    struct tlog_err err = {{0}};
    struct tlog_head heads[2];
    struct tlog_vkey room[2][TRUST_MAX_KEYS];
    enum tlog_rc rc = tlog_fork_parse(tlog_of_qr(file), &f, &err);
    answer_check(a, "form", rc == TLOG_OK, "a fork file with two signed checkpoints");
    if (rc != TLOG_OK) return answer_fail(a, QR_MALFORMED, NULL, "%s", err.text);
    struct tlog_trust trust[2] = {keys_for(k, f.first, room[0]), keys_for(k, f.second, room[1])};
    rc = tlog_fork_check(&f, trust, heads, &err);
    answer_check(a, "fork", rc == TLOG_OK, "one log signed both, and no log can have both");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_FALSE, NULL, "%s", err.text[0] ? err.text : tlog_rc_text(rc));
    answer_fact(a, "origin", qr_str(trust[0].origin));
    answer_fact(a, "fork", qr_str("yes"));
    tell(a, "first", &heads[0]);
    tell(a, "second", &heads[1]);
    return QR_OK;
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    struct qr_err err = {{0}};
    struct known k = {.path = NULL};
    const char *path = NULL;
    const struct arg args[] = {{"trust", ARG_TEXT, &k.path, false},
                               {"vkey", ARG_KEYS, &k.keys, false}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], &path, a));
    if ((k.path != NULL) == (k.keys.n > 0))
        return answer_fail(a, QR_USAGE, NULL,
                           "one of --trust and --vkey is needed: who signed is the question");
    if (qr_crypto_init(&err) != QR_OK) return answer_fail(a, QR_BUG, NULL, "%s", err.text);
    enum qr_rc rc = k.path ? trust_dir_load(k.path, &k.dir, &err) : QR_OK;
    if (rc != QR_OK) return answer_fail(a, rc, NULL, "%s", err.text);
    struct qr_buf file;
    qr_buf_init(&file, TLOG_FORK_FILE_MAX);
    rc = qr_file_read(path, &file, &err);
    rc = rc == QR_OK ? judge(&k, qr_buf_bytes(&file), a)
                     : answer_fail(a, rc == QR_NOMEM ? QR_RANGE : rc, NULL, "%s", err.text);
    qr_buf_fini(&file);
    if (k.path) trust_dir_fini(&k.dir);
    return rc;
}

const struct command command_fork = {
    .name = "fork",
    .help = "do two signed checkpoints prove that a log has two histories?",
    .examples = "  tlog-verify fork --vkey \"$(cat log.vkey)\" log.fork\n",
    .options = "  --trust DIR       the trust directory: the log's keys\n"
               "  --vkey VKEY       the log's key instead; may be repeated\n"
               "  FILE              what met the fork wrote it; - is standard input\n",
    .run = run,
};
