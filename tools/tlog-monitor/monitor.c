/* monitor.c - see monitor.h. */
#include "tools/tlog-monitor/monitor.h"

#include "base/file.h"
#include "tlog/qr.h"

#include <inttypes.h>
#include <stdlib.h>

static struct tlog_bytes bytes(const struct qr_buf *b) { return (struct tlog_bytes){b->p, b->n}; }

static enum qr_rc judge(struct monitor *m, const struct qr_buf *note, struct tlog_head *head,
                        struct qr_err *err)
{
    struct tlog_judgement j;
    struct tlog_err terr = {{0}};
    enum tlog_rc rc = tlog_policy_check(m->policy, bytes(note), &j, &terr);
    if (rc != TLOG_OK) return tlog_to_qr(rc, &terr, err);
    *head = j.checkpoint.head;
    return QR_OK;
}

/* Both checkpoints, and what the log's own tiles prove: a fork file. */
static enum qr_rc write_fork(struct monitor *m, const struct qr_buf *seen, bool older,
                             const char *why, struct qr_err *err)
{
    struct tlog_source from = remote_source(&m->remote);
    struct tlog_fork f = {.first = bytes(older ? &m->note : seen),
                          .second = bytes(older ? seen : &m->note)};
    struct tlog_out out = {malloc(TLOG_FORK_FILE_MAX), TLOG_FORK_FILE_MAX, 0};
    struct qr_err ignored = {{0}};
    if (!out.p) qr_fatal("out of memory");
    bool shown = tlog_fork_find(&from, &f, NULL) == TLOG_OK;
    enum qr_rc rc = tlog_to_qr(tlog_fork_write(&f, &out), NULL, NULL);
    if (rc == QR_OK) rc = qr_file_write(m->fork, QR_BYTES(out.p, out.n), 0644, &ignored);
    free(out.p);
    return qr_fail(err, QR_FORK, "%s; %s %s", why,
                   rc != QR_OK ? "could not be written:"
                   : shown     ? "the proof is in"
                               : "both checkpoints, but no proof, are in",
                   m->fork);
}

/* Does later begin with earlier, by the log's own tiles? */
static enum qr_rc consistent(struct monitor *m, const struct tlog_head *earlier,
                             const struct tlog_head *later, struct qr_err *err)
{
    struct tlog_source from = remote_source(&m->remote);
    struct tlog_plan plan;
    struct tlog_hash read[TLOG_PLAN_MAX];
    struct tlog_proof proof;
    struct tlog_err terr = {{0}};
    enum tlog_rc rc = tlog_consistency_plan(earlier->size, later->size, &plan);
    if (rc == TLOG_OK) rc = tlog_source_plan(&from, later->size, &plan, read, &terr);
    if (rc == TLOG_IO) return qr_fail(err, QR_UNAVAILABLE, "%s", terr.text);
    if (rc != TLOG_OK) return qr_fail(err, QR_NOTFOUND, "no proof of growth: %s", terr.text);
    tlog_plan_proof(&plan, read, &proof);
    rc = tlog_consistency_check(earlier, later, &proof);
    if (rc == TLOG_OK) return QR_OK;
    return qr_fail(err, QR_FORK,
                   "the tree of %" PRIu64 " leaves does not begin with that of %" PRIu64,
                   later->size, earlier->size);
}

static enum qr_rc compare(struct monitor *m, const struct qr_buf *seen, enum monitor_news *news,
                          struct qr_err *err)
{
    struct tlog_note note;
    struct tlog_checkpoint was;
    struct qr_err why = {{0}};
    if (tlog_note_parse(bytes(seen), &note) != TLOG_OK ||
        tlog_checkpoint_parse(note.text, &was) != TLOG_OK)
        return qr_fail(err, QR_MALFORMED, "%s: not a signed checkpoint", m->seen);
    bool older = m->head.size < was.head.size;
    enum qr_rc rc =
        older ? consistent(m, &m->head, &was.head, &why) : consistent(m, &was.head, &m->head, &why);
    if (rc == QR_FORK) return write_fork(m, seen, older, why.text, err);
    /* Tiles that are withheld prove nothing, but nothing is believed without
     * them; an old copy of the log has none for the newer tree. */
    if (rc == QR_NOTFOUND && !older) return qr_fail(err, QR_FORK, "%s", why.text);
    if (rc != QR_OK && rc != QR_NOTFOUND) return qr_fail(err, rc, "%s", why.text);
    *news = m->head.size == was.head.size ? MONITOR_SAME : MONITOR_GROWN;
    if (!older) return QR_OK;
    return qr_fail(err, QR_STALE, "the log shows %" PRIu64 " entries, %" PRIu64 " were seen before",
                   m->head.size, was.head.size);
}

enum qr_rc monitor_look(struct monitor *m, enum monitor_news *news, struct qr_err *err)
{
    struct qr_buf seen;
    QR_TRY(remote_checkpoint(&m->remote, err));
    qr_buf_reset(&m->note);
    qr_buf_put_bytes(&m->note, qr_buf_bytes(&m->remote.body));
    if (qr_buf_ok(&m->note) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "the checkpoint is too large");
    QR_TRY(judge(m, &m->note, &m->head, err));
    *news = MONITOR_FIRST;
    qr_buf_init(&seen, TLOG_NOTE_MAX);
    enum qr_rc rc = qr_file_exists(m->seen) ? qr_file_read(m->seen, &seen, err) : QR_NOTFOUND;
    if (rc == QR_OK) rc = compare(m, &seen, news, err);
    if (rc == QR_NOTFOUND) rc = QR_OK;
    if (rc == QR_OK && *news != MONITOR_SAME)
        rc = qr_file_write(m->seen, qr_buf_bytes(&m->note), 0644, err);
    qr_buf_fini(&seen);
    return rc;
}
