/* fsck.c - is everything that is stored of a log what its entries make?  Of a
 * database, or of a tree of files (C2SP tlog-tiles). */
#include "base/file.h"
#include "tools/tlog-verify/args.h"
#include "tools/tlog-verify/command.h"
#include "tools/tlog-verify/fsck.h"

#include <inttypes.h>
#include <limits.h>

/* More than these are not told one by one. */
#define MAX_FAULTS 1000

static const char repair[] = "keep it as evidence; a copy of a mirror or of a backup may be whole";

static void tell_head(const struct tlog_head *head, bool signature, struct answer *a)
{
    char size[24];
    struct qr_buf root;
    qr_buf_init(&root, 64);
    qr_buf_put_base64(&root, QR_BYTES_OF(head->root.b));
    (void)snprintf(size, sizeof size, "%" PRIu64, head->size);
    answer_fact(a, "size", qr_str(size));
    answer_fact(a, "root", qr_buf_bytes(&root));
    answer_fact(a, "signature", qr_str(signature ? "verified" : "unchecked"));
    qr_buf_fini(&root);
}

/* What could not even be looked at. */
static enum qr_rc unreadable(enum tlog_rc rc, const struct tlog_err *err, struct answer *a)
{
    enum qr_rc out = rc == TLOG_NOTFOUND  ? QR_NOTFOUND
                     : rc == TLOG_NOMEM   ? QR_NOMEM
                     : rc == TLOG_VERSION ? QR_STALE
                     : rc == TLOG_BUSY    ? QR_BUSY
                                          : QR_IO;
    return answer_fail(a, out, NULL, "%s", err->text[0] ? err->text : tlog_rc_text(rc));
}

struct faults {
    struct answer *a;
    struct pace *pace; /* NULL: not shown */
    size_t n;
};

static void walked(void *ctx, uint64_t entries, uint64_t of)
{
    struct faults *f = ctx;
    if (f->pace) pace_show(f->pace, entries, of);
}

static void found(void *ctx, const struct tlog_fault *fault)
{
    static const char *const names[] = {
        [TLOG_FAULT_DATABASE] = "database", [TLOG_FAULT_ENTRY] = "entry",
        [TLOG_FAULT_TILE] = "tile",         [TLOG_FAULT_CHECKPOINT] = "checkpoint",
        [TLOG_FAULT_KEY] = "key",           [TLOG_FAULT_TAG] = "tag",
        [TLOG_FAULT_INDEX] = "index",       [TLOG_FAULT_ANCHOR] = "anchor"};
    struct faults *f = ctx;
    if (f->n++ < MAX_FAULTS) answer_check(f->a, names[fault->kind], false, fault->text);
}

enum qr_rc fsck_db(const char *path, const struct arg_keys *keys, uint64_t log_id,
                   struct pace *pace, struct answer *a)
{
    struct faults f = {a, pace, 0};
    struct tlog_fsck what = {.path = path,
                             .log_id = (uint32_t)log_id,
                             .key = keys->n > 0 ? &keys->key[0] : NULL,
                             .found = found,
                             .walked = walked,
                             .ctx = &f};
    struct tlog_head derived = {0};
    struct tlog_err err = {{0}};
    if (pace) pace_begin(pace, "read", 0);
    enum tlog_rc rc = tlog_fsck(&what, &derived, &err);
    if (pace) pace_end(pace);
    if (rc != TLOG_OK && rc != TLOG_CORRUPT) return unreadable(rc, &err, a);
    answer_check(a, "whole", rc == TLOG_OK, "all that is stored is what the entries make");
    if (rc != TLOG_OK)
        return answer_fail(a, QR_FORK, repair, "%s (%zu faults; --explain names them)", err.text,
                           f.n);
    tell_head(&derived, keys->n > 0, a);
    return QR_OK;
}

/* The head by DIR/checkpoint. */
static enum qr_rc read_checkpoint(const char *dir, const struct arg_keys *keys, struct qr_buf *file,
                                  struct tlog_head *head, struct answer *a)
{
    char path[PATH_MAX];
    struct qr_err err = {{0}};
    struct tlog_note note;
    struct tlog_checkpoint cp;
    int n = snprintf(path, sizeof path, "%s/checkpoint", dir);
    if (n < 0 || n >= PATH_MAX) return answer_fail(a, QR_IO, NULL, "path too long");
    enum qr_rc rc = qr_file_read(path, file, &err);
    if (rc != QR_OK) return answer_fail(a, rc == QR_NOMEM ? QR_RANGE : rc, NULL, "%s", err.text);
    bool form = tlog_note_parse((struct tlog_bytes){file->p, file->n}, &note) == TLOG_OK &&
                tlog_checkpoint_parse(note.text, &cp) == TLOG_OK;
    answer_check(a, "form", form, "a checkpoint as a signed note");
    if (!form) return answer_fail(a, QR_MALFORMED, NULL, "%s: not a signed checkpoint", path);
    *head = cp.head;
    if (keys->n == 0) return QR_OK;
    bool ok = qr_bytes_is(QR_BYTES(cp.origin.p, cp.origin.n), keys->key[0].name) &&
              tlog_note_verify(&note, keys->key, keys->n, NULL) == TLOG_OK;
    answer_check(a, "signature", ok, "by a given key, of the log of the first key's name");
    return ok ? QR_OK
              : answer_fail(a, QR_FALSE, NULL, "%s: of another log, or not signed by a given key",
                            path);
}

/* A directory whose bundles are counted as they are read. */
struct counted {
    struct tlog_source from;
    struct pace *pace;
    uint64_t size;
};

static enum tlog_rc counted_read(void *ctx, const struct tlog_resource *r, struct tlog_out *out,
                                 struct tlog_err *err)
{
    struct counted *c = ctx;
    if (r->entries && c->pace) pace_show(c->pace, r->index * 256, c->size);
    return c->from.read(c->from.ctx, r, out, err);
}

enum qr_rc fsck_tiles(const char *dir, const struct arg_keys *keys, struct pace *pace,
                      struct answer *a)
{
    struct tlog_head head = {0};
    struct tlog_err err = {{0}};
    struct qr_buf file;
    qr_buf_init(&file, TLOG_NOTE_MAX);
    enum qr_rc rc = read_checkpoint(dir, keys, &file, &head, a);
    qr_buf_fini(&file);
    if (rc != QR_OK) return rc;
    struct counted c = {tlog_dir_source(dir), pace, head.size};
    struct tlog_source from = {counted_read, &c};
    if (pace) pace_begin(pace, "read", 0);
    enum tlog_rc trc = tlog_source_check(&from, &head, &err);
    if (pace) pace_end(pace);
    if (trc != TLOG_OK && trc != TLOG_CORRUPT) return unreadable(trc, &err, a);
    answer_check(a, "whole", trc == TLOG_OK, "entries, tiles and checkpoint are of one tree");
    if (trc != TLOG_OK) return answer_fail(a, QR_FORK, repair, "%s", err.text);
    tell_head(&head, keys->n > 0, a);
    return QR_OK;
}

static enum qr_rc run(int argc, char **argv, struct answer *a)
{
    const char *db = NULL, *tiles = NULL;
    struct arg_keys keys = {.n = 0};
    uint64_t log_id = 1;
    const struct arg args[] = {{"db", ARG_TEXT, &db, false},
                               {"tiles", ARG_TEXT, &tiles, false},
                               {"vkey", ARG_KEYS, &keys, false},
                               {"log-id", ARG_U64, &log_id, false}};
    QR_TRY(args_read(argc, argv, args, sizeof args / sizeof args[0], NULL, a));
    if ((db != NULL) == (tiles != NULL))
        return answer_fail(a, QR_USAGE, NULL, "one of --db and --tiles is needed");
    if (log_id == 0 || log_id > UINT32_MAX)
        return answer_fail(a, QR_USAGE, NULL, "--log-id is 1 to 4294967295");
    struct pace pace;
    pace_init(&pace, false);
    return db ? fsck_db(db, &keys, log_id, &pace, a) : fsck_tiles(tiles, &keys, &pace, a);
}

const struct command command_fsck = {
    .name = "fsck",
    .help = "is everything that is stored of a log what its entries make?",
    .examples = "  tlog-verify fsck --db /var/lib/quorate/tlogd/log.db --explain\n"
                "  tlog-verify fsck --tiles /srv/log --vkey \"$(cat log.vkey)\"\n",
    .options = "  --db FILE         a log's database; it is not changed\n"
               "  --log-id N        which log of the database; default 1\n"
               "  --tiles DIR       a tree of files, C2SP tlog-tiles, instead\n"
               "  --vkey VKEY       the log's key; without it signatures are not checked\n",
    .run = run,
};
