/* resume.c - the state of a replay in a file: written beside and renamed, so that
 * it is always a whole one, and read back with everything it must fit.
 *
 * FORM, origin, what was asked and of whom (a digest), size of the tree and the
 * roots of its perfect subtrees, and unless only hashes were made: what the audit
 * knows and what the report will say.  SHA-256 of all that at the end is against
 * accidents: whoever can write the file can make the verdict. */
#include "attest/pin.h"
#include "base/file.h"
#include "tools/tlog-verify/replay.h"

#include <inttypes.h>

#define FORM "quorate-replay/v1\n"
#define STATE_MAX ((size_t)1 << 30)
#define REPORT_MAX ((size_t)1 << 28)

/* ---- writing ---- */

/* What every judgement depended on beside the entries. */
static struct qr_hash asked(const struct replay *r)
{
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_CONFIG_FILE + 1024);
    if (trust_json_write(&r->dir, &b) != QR_OK) qr_fatal("a trust directory that has no form");
    qr_buf_put(&b, r->dir.root.sha256.b, QR_SHA256_SIZE);
    qr_buf_put(&b, r->dir.participant_ca.sha256.b, QR_SHA256_SIZE);
    qr_buf_put(&b, r->dir.group_ca.sha256.b, QR_SHA256_SIZE);
    qr_buf_put(&b, r->dir.signing_hash.b, QR_SHA256_SIZE);
    qr_buf_put(&b, r->dir.attestation_hash.b, QR_SHA256_SIZE);
    const struct attest_policy *next = attest_pin_next(r->dir.attestation);
    if (next) qr_buf_put(&b, next->hash.b, QR_SHA256_SIZE);
    for (size_t i = 0; i < r->dir.past_count; i++) {
        qr_buf_put_be64(&b, r->dir.past[i].index);
        qr_buf_put(&b, r->dir.past[i].hash.b, QR_SHA256_SIZE);
    }
    qr_buf_put_u8(&b, r->simulated);
    if (qr_buf_ok(&b) != QR_OK) qr_fatal("a trust directory that is too large");
    struct qr_hash h = qr_sha256_one(qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return h;
}

static uint8_t mode_of(const struct replay *r)
{
    return r->hashes_only ? 'h' : r->duties ? 'd' : 'l';
}

static void save_report(const struct replay *r, struct qr_buf *out)
{
    struct qr_buf text;
    json_t *o = qr_json_object(), *told = qr_json_array();
    /* what stands before them, each run finds anew */
    for (size_t i = 0; i < json_array_size(r->a->checks); i++) {
        json_t *c = json_array_get(r->a->checks, i);
        if (!json_is_true(json_object_get(c, "ok"))) qr_json_add(told, json_incref(c));
    }
    qr_json_set(o, "told", told);
    json_t *signing = json_object_get(r->a->facts, "signing");
    qr_json_set(o, "signing", signing ? json_incref(signing) : qr_json_array());
    qr_json_set_str(o, "first", r->broke.text);
    qr_buf_init(&text, REPORT_MAX);
    if (qr_json_write(o, &text) != QR_OK) qr_fatal("a report that is no JSON");
    json_decref(o);
    qr_buf_put_be64(out, r->told);
    qr_buf_put_be64(out, r->signings);
    qr_buf_put_be32(out, (uint32_t)r->broke_rc);
    qr_buf_put_lp(out, qr_buf_bytes(&text));
    qr_buf_fini(&text);
}

static enum qr_rc save_all(struct replay *r, struct qr_buf *out)
{
    struct qr_hash who = asked(r);
    qr_buf_put_str(out, FORM);
    qr_buf_put_lp(out, qr_str(r->dir.origin));
    qr_buf_put(out, who.b, sizeof who.b);
    qr_buf_put_u8(out, mode_of(r));
    qr_buf_put_be64(out, r->tree.size);
    for (unsigned l = 0; l < 64; l++)
        if (r->tree.size >> l & 1) qr_buf_put(out, r->tree.peak[l].b, sizeof r->tree.peak[l].b);
    if (r->audit) {
        struct qr_buf known;
        qr_buf_init(&known, STATE_MAX);
        enum qr_rc rc = audit_save(r->audit, &known);
        qr_buf_put_lp(out, qr_buf_bytes(&known));
        qr_buf_fini(&known);
        if (rc != QR_OK) return rc;
        save_report(r, out);
    }
    struct qr_hash sum = qr_sha256_one(qr_buf_bytes(out));
    qr_buf_put(out, sum.b, sizeof sum.b);
    return qr_buf_ok(out);
}

enum qr_rc resume_save(struct replay *r)
{
    struct qr_buf b;
    struct qr_err err = {{0}};
    qr_buf_init(&b, STATE_MAX);
    enum qr_rc rc = save_all(r, &b);
    if (rc != QR_OK) rc = qr_fail(&err, rc, "the state cannot be written beside %.80s", r->state);
    if (rc == QR_OK) rc = qr_file_write(r->state, qr_buf_bytes(&b), 0600, &err);
    qr_buf_fini(&b);
    r->saved_us = qr_mono_us(&r->pace.clock);
    return rc == QR_OK ? QR_OK : answer_fail(r->a, rc, NULL, "%s", err.text);
}

enum qr_rc resume_tick(struct replay *r)
{
    int64_t due_us = r->saved_us + (int64_t)r->save_s * 1000000;
    return r->state && qr_mono_us(&r->pace.clock) >= due_us ? resume_save(r) : QR_OK;
}

/* ---- reading ---- */

static const char another[] =
    "delete it to begin anew; a state goes on only with what it was begun with";

static enum qr_rc damaged(struct replay *r, const char *how)
{
    return answer_fail(r->a, QR_MALFORMED, "delete it to begin anew", "the state %.80s: %s",
                       r->state, how);
}

static enum qr_rc load_head(struct replay *r, struct qr_reader *in)
{
    struct qr_hash who, must = asked(r);
    bool origin = qr_bytes_is(qr_read_lp(in, TLOG_NAME_MAX), r->dir.origin);
    qr_read_into(in, who.b, sizeof who.b);
    uint8_t mode = qr_read_u8(in);
    r->tree.size = qr_read_be64(in);
    for (unsigned l = 0; l < 64; l++)
        if (r->tree.size >> l & 1) qr_read_into(in, r->tree.peak[l].b, sizeof r->tree.peak[l].b);
    if (in->failed) return damaged(r, "it is cut short");
    if (!origin) return answer_fail(r->a, QR_CONFLICT, another, "the state is of another log");
    if (!qr_hash_equal(&who, &must))
        return answer_fail(r->a, QR_CONFLICT, another,
                           "the state is of another trust directory, or of other classes");
    if (mode != mode_of(r))
        return answer_fail(r->a, QR_CONFLICT, another,
                           "the state is of another command, or --hashes-only is not the same");
    return QR_OK;
}

/* What was read then is how this log begins. */
static enum qr_rc same_beginning(struct replay *r)
{
    struct tlog_head is;
    struct qr_hash root;
    if (r->tree.size > r->head.size)
        return answer_fail(r->a, QR_FORK, NULL,
                           "%" PRIu64 " entries were verified, and the log has %" PRIu64,
                           r->tree.size, r->head.size);
    if (r->tree.size == 0) return QR_OK;
    tlog_frontier_head(&r->tree, &is);
    QR_TRY(replay_root_at(r, r->tree.size, &root));
    if (qr_bytes_equal(QR_BYTES_OF(is.root.b), QR_BYTES_OF(root.b))) return QR_OK;
    return answer_fail(r->a, QR_FORK, NULL,
                       "the first %" PRIu64 " entries are not those that were verified",
                       r->tree.size);
}

static enum qr_rc load_report(struct replay *r, struct qr_reader *in)
{
    r->told = qr_read_be64(in);
    r->signings = qr_read_be64(in);
    r->broke_rc = (enum qr_rc)qr_read_be32(in);
    struct qr_bytes text = qr_read_lp(in, REPORT_MAX);
    json_t *o = in->failed ? NULL : json_loadb((const char *)text.p, text.n, 0, NULL);
    const char *first = json_string_value(json_object_get(o, "first"));
    const json_t *told = json_object_get(o, "told"), *signing = json_object_get(o, "signing");
    for (size_t i = 0; i < json_array_size(told); i++)
        qr_json_add(r->a->checks, json_incref(json_array_get(told, i)));
    for (size_t i = 0; i < json_array_size(signing); i++)
        answer_item(r->a, "signing", json_incref(json_array_get(signing, i)));
    if (first) (void)qr_fail(&r->broke, r->broke_rc, "%s", first);
    json_decref(o);
    return first ? QR_OK : damaged(r, "its report cannot be read");
}

static enum qr_rc load_all(struct replay *r, struct qr_bytes file)
{
    struct qr_err err = {{0}};
    if (file.n < sizeof FORM - 1 + QR_SHA256_SIZE) return damaged(r, "it is cut short");
    struct qr_bytes what = QR_BYTES(file.p, file.n - QR_SHA256_SIZE);
    struct qr_reader in = qr_reader_of(what);
    if (!qr_bytes_is(qr_read_bytes(&in, sizeof FORM - 1), FORM))
        return damaged(r, "not what this version writes");
    struct qr_hash sum = qr_sha256_one(what);
    if (!qr_bytes_equal(QR_BYTES_OF(sum.b), QR_BYTES(file.p + what.n, QR_SHA256_SIZE)))
        return damaged(r, "its checksum is wrong");
    QR_TRY(load_head(r, &in));
    QR_TRY(same_beginning(r));
    r->resumed = r->tree.size;
    if (!r->audit) return qr_reader_done(&in) == QR_OK ? QR_OK : damaged(r, "it is too long");
    struct qr_bytes known = qr_read_lp(&in, STATE_MAX);
    enum qr_rc rc = audit_load(r->audit, known, replay_entry, r, &err);
    if (rc == QR_MALFORMED) return damaged(r, err.text);
    if (rc != QR_OK)
        return answer_fail(r->a, rc, NULL, "%s", err.text[0] ? err.text : qr_rc_text(rc));
    if (audit_counts(r->audit)->entries != r->tree.size)
        return damaged(r, "its parts are of different sizes");
    QR_TRY(load_report(r, &in));
    return qr_reader_done(&in) == QR_OK ? QR_OK : damaged(r, "it is too long");
}

enum qr_rc resume_load(struct replay *r)
{
    struct qr_buf file;
    struct qr_err err = {{0}};
    int n = snprintf(r->used_path, sizeof r->used_path, "%s.used", r->state);
    if (n < 0 || n >= (int)sizeof r->used_path)
        return answer_fail(r->a, QR_USAGE, NULL, "path too long");
    if (!qr_file_exists(r->state)) return resume_save(r);
    qr_buf_init(&file, STATE_MAX);
    enum qr_rc rc = qr_file_read_private(r->state, &file, &err);
    rc = rc == QR_OK ? load_all(r, qr_buf_bytes(&file))
                     : answer_fail(r->a, rc, NULL, "%s", err.text);
    qr_buf_fini(&file);
    r->saved_us = qr_mono_us(&r->pace.clock);
    return rc;
}
