/* standing.c - see standing.h.  An entry counts when its author's signature
 * holds; what somebody else wrote under this session's name does not. */
#include "participant/standing.h"

#include "base/removal.h"
#include "leaf/people.h"
#include "leaf/session.h"

#include <stdlib.h>

/* Entries that one answer brings, and that are looked through in all. */
enum { BATCH = 128, MOST = 16384 };

static bool is_by(const struct trust_dir *t, const struct leaf_entry *e, enum leaf_author author)
{
    const struct qr_pub *pub = trust_author_key(t, e->author, qr_str(e->key_id));
    return pub && e->author == author && leaf_author_may(e->author, e->kind) &&
           leaf_verify(e, pub) == QR_OK;
}

/* ---- the session's own entries ---- */

static enum qr_rc judge_end(const struct bundle_facts *f, const struct leaf_entry *e,
                            uint64_t index, struct qr_err *err)
{
    struct leaf_ended end;
    QR_TRY(leaf_ended_read(e->body, &end, err));
    bool other = !qr_hash_equal(&end.session.leaf, &f->request.at.leaf);
    if (QR_HOLDS(PARTICIPANT_ENDED, other)) return QR_OK;
    return qr_fail(err, QR_STATE, "the session has ended (log entry %llu)",
                   (unsigned long long)index);
}

static enum qr_rc judge_withdrawal(const struct bundle_facts *f, const struct leaf_entry *e,
                                   uint64_t index, struct qr_err *err)
{
    struct leaf_withdrawal w;
    QR_TRY(leaf_withdrawal_read(e->body, &w, err));
    bool counted = false;
    for (size_t i = 0; i < f->approval_count; i++)
        counted = counted || qr_hash_equal(&w.approval, &f->approvals[i].at.leaf);
    if (QR_HOLDS(PARTICIPANT_WITHDRAWN, !counted)) return QR_OK;
    return qr_fail(err, QR_STATE, "an approval was withdrawn (log entry %llu)",
                   (unsigned long long)index);
}

static enum qr_rc judge(struct services *s, const struct bundle_facts *f,
                        const struct log_entry *from, struct qr_err *err)
{
    struct leaf_entry e;
    enum qr_rc rc = QR_OK;
    QR_TRY(leaf_parse(from->bytes, &e, err));
    if ((e.kind == LEAF_SESSION_ENDED || e.kind == LEAF_APPROVAL_WITHDRAWN) &&
        is_by(services_trust(s), &e, LEAF_COORDINATOR))
        rc = e.kind == LEAF_SESSION_ENDED ? judge_end(f, &e, from->index, err)
                                          : judge_withdrawal(f, &e, from->index, err);
    leaf_fini(&e);
    return rc;
}

static enum qr_rc session_stands(struct services *s, const struct bundle_facts *facts,
                                 struct qr_err *err)
{
    struct log_answer found;
    struct log_query q = {.by = LOG_FIND_SESSION, .text = facts->request.is.session};
    QR_TRY(log_view_find(services_view(s, facts->request.at.index), &q, &found, err));
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; rc == QR_OK && i < found.n; i++)
        rc = judge(s, facts, &found.entries[i], err);
    log_answer_fini(&found);
    return rc;
}

/* ---- the people ---- */

/* What authd logged about somebody. */
static enum qr_rc judge_identity(struct services *s, const struct log_entry *from,
                                 struct leaf_standing *stands, struct qr_err *err)
{
    struct leaf_entry e;
    enum qr_rc rc = QR_OK;
    QR_TRY(leaf_parse(from->bytes, &e, err));
    if (is_by(services_trust(s), &e, LEAF_AUTHD))
        rc = leaf_standing_take(stands, &e, &from->leaf, err);
    leaf_fini(&e);
    return rc;
}

/* authd's word in the roster is not needed: the log shows who is enrolled. */
static enum qr_rc person_stands(struct services *s, const struct bundle_facts *f, size_t i,
                                struct qr_err *err)
{
    const struct trust_approval *a = &f->approvals[i];
    struct log_answer found;
    struct log_query q = {.by = LOG_FIND_COMMITMENT, .hash = &a->is.commitment};
    struct leaf_standing stands = {.of = &a->is.commitment};
    QR_TRY(log_view_find(services_view(s, f->request.at.index), &q, &found, err));
    enum qr_rc rc = QR_OK;
    for (size_t k = 0; rc == QR_OK && k < found.n; k++)
        rc = judge_identity(s, &found.entries[k], &stands, err);
    if (rc == QR_OK && !QR_HOLDS(PARTICIPANT_ENROLLED, leaf_standing_is(&stands, &a->is.enrolment)))
        rc = qr_fail(err, QR_STATE, "approver %zu was revoked or has another role now", i + 1);
    log_answer_fini(&found);
    return rc;
}

static enum qr_rc people_stand(struct services *s, const struct bundle_facts *f, struct qr_err *err)
{
    for (size_t i = 0; i < f->approval_count; i++) QR_TRY(person_stands(s, f, i, err));
    return QR_OK;
}

/* ---- the commitments ---- */

static bool has_point(const struct leaf_started *s, const struct qr_pub *point)
{
    for (size_t p = 0; p < s->payload_count; p++)
        for (size_t i = 0; i < s->n; i++)
            if (qr_equal_ct(s->payloads[p].pairs[i].hiding.b, point->b, QR_KEY_SIZE) ||
                qr_equal_ct(s->payloads[p].pairs[i].binding.b, point->b, QR_KEY_SIZE))
                return true;
    return false;
}

static bool shares_commitment(const struct leaf_started *a, const struct leaf_started *b)
{
    for (size_t p = 0; p < a->payload_count; p++)
        for (size_t i = 0; i < a->n; i++)
            if (has_point(b, &a->payloads[p].pairs[i].hiding) ||
                has_point(b, &a->payloads[p].pairs[i].binding))
                return true;
    return false;
}

static enum qr_rc judge_started(struct services *s, const struct bundle_facts *f,
                                const struct log_entry *from, struct leaf_started *other,
                                struct qr_err *err)
{
    struct leaf_entry e;
    if (from->index == f->started_at.index) return QR_OK;
    QR_TRY(leaf_parse(from->bytes, &e, err));
    bool again = e.kind == LEAF_SIGNING_STARTED && is_by(services_trust(s), &e, LEAF_COORDINATOR) &&
                 leaf_started_read(e.body, other, err) == QR_OK &&
                 shares_commitment(f->started, other);
    leaf_fini(&e);
    if (QR_HOLDS(PARTICIPANT_ONCE, !again)) return QR_OK;
    return qr_fail(err, QR_STATE, "log entry %llu has commitments of this signing, too",
                   (unsigned long long)from->index);
}

/* They were made after the freeze, so no older entry can have them; and all
 * sessions are looked at, because another one must not have them either. */
static enum qr_rc commitments_once(struct services *s, const struct bundle_facts *f,
                                   struct qr_err *err)
{
    uint64_t first = f->descriptor.at.index + 1, at = first, end = f->head.size;
    struct leaf_started *other = calloc(1, sizeof *other);
    if (!other) return qr_fail(err, QR_NOMEM, "no memory");
    enum qr_rc rc = QR_OK;
    while (rc == QR_OK && at < end) {
        uint64_t indexes[BATCH];
        struct log_answer a;
        size_t n = 0;
        while (n < BATCH && at < end) indexes[n++] = at++;
        if (at - first > MOST)
            rc = qr_fail(err, QR_EXHAUSTED, "too many entries since the roster was frozen");
        if (rc == QR_OK) rc = log_client_proofs(services_log(s), indexes, n, &a, err);
        if (rc != QR_OK) break;
        for (size_t i = 0; rc == QR_OK && i < a.n; i++)
            rc = judge_started(s, f, &a.entries[i], other, err);
        if (a.head.at.size > end) end = a.head.at.size; /* what came since */
        log_answer_fini(&a);
    }
    free(other);
    return rc;
}

enum qr_rc standing_check(struct services *s, const struct bundle_facts *facts, struct qr_err *err)
{
    QR_TRY(session_stands(s, facts, err));
    if (facts->stage >= BUNDLE_FROZEN) QR_TRY(people_stand(s, facts, err));
    return facts->stage >= BUNDLE_STARTED ? commitments_once(s, facts, err) : QR_OK;
}
