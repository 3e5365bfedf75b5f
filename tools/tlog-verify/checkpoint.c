/* checkpoint.c - is this checkpoint signed by a key I trust?  (C2SP
 * tlog-checkpoint, signed-note) */
#include "tools/tlog-verify/args.h"
#include "base/file.h"
#include "tools/tlog-verify/command.h"

#include <inttypes.h>

static enum qr_rc judge(struct qr_bytes file, const char *origin, const struct arg_keys *keys,
                        struct answer *a)
{
    struct tlog_note note;
    struct tlog_checkpoint cp;
    enum tlog_rc rc = tlog_note_parse((struct tlog_bytes){file.p, file.n}, &note);
    if (rc == TLOG_OK) rc = tlog_checkpoint_parse(note.text, &cp);
    answer_check(a, "form", rc == TLOG_OK, "a checkpoint as a signed note");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_MALFORMED, NULL, "the file is not a signed checkpoint");
    struct qr_bytes said = QR_BYTES(cp.origin.p, cp.origin.n);
    bool same = qr_bytes_is(said, origin ? origin : keys->key[0].name);
    answer_check(a, "origin", same, "the log that was asked for");
    if (!same)
        return answer_fail(
            a, QR_FALSE, origin ? NULL : "without --origin, it must be the first key's name",
            "the checkpoint is of %.*s", (int)(said.n < 100 ? said.n : 100), (const char *)said.p);
    rc = tlog_note_verify(&note, keys->key, keys->n, NULL);
    answer_check(a, "signature", rc == TLOG_OK, "made by a given key, and none of them wrong");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_FALSE, NULL,
                           "no given key made a right signature, or one is wrong");
    char size[24];
    struct qr_buf root;
    qr_buf_init(&root, 64);
    qr_buf_put_base64(&root, QR_BYTES_OF(cp.head.root.b));
    (void)snprintf(size, sizeof size, "%" PRIu64, cp.head.size);
    answer_fact(a, "origin", said);
    answer_fact(a, "size", qr_str(size));
    answer_fact(a, "root", qr_buf_bytes(&root));
    qr_buf_fini(&root);
    return QR_OK;
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    struct arg_keys keys = {.n = 0};
    const char *origin = NULL, *path = NULL;
    const struct arg args[] = {
        {"vkey", ARG_KEYS, &keys, true},
        {"origin", ARG_TEXT, &origin, false},
    };
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], &path, a));
    struct qr_buf file;
    struct qr_err err = {{0}};
    qr_buf_init(&file, TLOG_NOTE_MAX);
    enum qr_rc rc = qr_file_read(path, &file, &err);
    if (rc == QR_OK)
        rc = judge(qr_buf_bytes(&file), origin, &keys, a);
    else
        rc = answer_fail(a, rc == QR_NOMEM ? QR_RANGE : rc, NULL, "%s", err.text);
    qr_buf_fini(&file);
    return rc;
}

const struct command command_checkpoint = {
    .name = "checkpoint",
    .help = "is this checkpoint signed by a key I trust?",
    .examples =
        "  tlog-verify checkpoint --vkey \"$(cat log.vkey)\" checkpoint.txt\n"
        "  curl -s https://log.example/checkpoint | tlog-verify checkpoint --vkey \"$V\" -\n",
    .options = "  --vkey VKEY       a verifier key, NAME+HEX+BASE64; may be repeated\n"
               "  --origin ORIGIN   the log's origin; default: the first key's name\n"
               "  FILE              the signed checkpoint; - is standard input\n",
    .run = run,
};
