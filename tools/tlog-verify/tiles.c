/* tiles.c - writes a log as a tree of files that any web server or object store
 * can hand out (C2SP tlog-tiles). */
#include "base/file.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"

#include <inttypes.h>
#include <limits.h>

static enum qr_rc failed(enum tlog_rc rc, const struct tlog_err *err, struct answer *a)
{
    enum qr_rc out = rc == TLOG_NOTFOUND  ? QR_NOTFOUND
                     : rc == TLOG_CORRUPT ? QR_FORK
                     : rc == TLOG_VERSION ? QR_STALE
                                          : QR_IO;
    return answer_fail(a, out, NULL, "%s", err->text[0] ? err->text : tlog_rc_text(rc));
}

/* What was written there before must be the beginning of this log. */
static enum qr_rc check_before(struct tlog_log *log, const char *dir, const struct tlog_signed *now,
                               struct answer *a)
{
    char path[PATH_MAX];
    struct qr_err err = {{0}};
    struct tlog_err terr = {{0}};
    struct tlog_note note;
    struct tlog_checkpoint cp;
    struct tlog_hash root;
    struct qr_buf file;
    int n = snprintf(path, sizeof path, "%s/checkpoint", dir);
    if (n < 0 || n >= PATH_MAX) return answer_fail(a, QR_IO, NULL, "path too long");
    if (!qr_file_exists(path)) return QR_OK;
    qr_buf_init(&file, TLOG_NOTE_MAX);
    enum qr_rc rc = qr_file_read(path, &file, &err);
    if (rc != QR_OK)
        rc = answer_fail(a, QR_IO, NULL, "%s", err.text);
    else if (tlog_note_parse((struct tlog_bytes){file.p, file.n}, &note) != TLOG_OK ||
             tlog_checkpoint_parse(note.text, &cp) != TLOG_OK)
        rc = answer_fail(a, QR_MALFORMED, NULL, "%s: not a signed checkpoint", path);
    else if (cp.head.size > now->head.size ||
             tlog_root_at(log, cp.head.size, &root, &terr) != TLOG_OK ||
             !tlog_hash_equal(&root, &cp.head.root))
        rc = answer_fail(a, QR_FORK, "one of them is an old copy, or of another log",
                         "%s: the directory holds %" PRIu64
                         " entries that this log does not begin with",
                         dir, cp.head.size);
    qr_buf_fini(&file);
    return rc;
}

static enum qr_rc write_tree(struct tlog_log *log, const char *dir, struct answer *a)
{
    struct tlog_signed now;
    struct tlog_err err = {{0}};
    struct tlog_source from = tlog_log_source(log);
    char size[24];
    tlog_latest(log, &now);
    QR_TRY(check_before(log, dir, &now, a));
    enum tlog_rc rc = tlog_mirror(&from, dir, &now.head, &err);
    answer_check(a, "whole", rc == TLOG_OK, "entries, tiles and checkpoint are of one tree");
    if (rc == TLOG_OK)
        rc = tlog_mirror_publish(dir, (struct tlog_bytes){(const uint8_t *)now.text, now.n}, &err);
    if (rc != TLOG_OK) return failed(rc, &err, a);
    (void)snprintf(size, sizeof size, "%" PRIu64, now.head.size);
    answer_fact(a, "size", qr_str(size));
    return QR_OK;
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    const char *db = NULL, *dir = NULL;
    uint64_t log_id = 1;
    struct tlog_log *log = NULL;
    struct tlog_err err = {{0}};
    const struct arg args[] = {{"db", ARG_TEXT, &db, true},
                               {"output", ARG_TEXT, &dir, true},
                               {"log-id", ARG_U64, &log_id, false}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], NULL, a));
    if (log_id == 0 || log_id > UINT32_MAX)
        return answer_fail(a, QR_USAGE, NULL, "--log-id is 1 to 4294967295");
    enum tlog_rc trc = tlog_open_readonly(db, (uint32_t)log_id, &log, &err);
    if (trc != TLOG_OK) return failed(trc, &err, a);
    enum qr_rc rc = write_tree(log, dir, a);
    tlog_close(log);
    return rc;
}

const struct command command_tiles = {
    .name = "tiles",
    .help = "write a log as files that any web server can hand out",
    .examples = "  tlog-verify tiles --db /var/lib/quorate/tlogd/log.db -o /srv/log\n",
    .options = "  --db FILE         the log's database; it may be in use\n"
               "  --log-id N        which log of the database; default 1\n"
               "  -o, --output DIR  where to; what is there already is checked and kept\n",
    .run = run,
};
