/* standing.c - see standing.h.  An entry counts when its author's signature
 * holds; what somebody else wrote under this session's name does not. */
#include "participant/standing.h"

#include "leaf/session.h"

static bool is_coordinators(const struct trust_dir *t, const struct leaf_entry *e)
{
    const struct qr_pub *pub = trust_author_key(t, e->author, qr_str(e->key_id));
    return pub && leaf_author_may(e->author, e->kind) && leaf_verify(e, pub) == QR_OK;
}

static enum qr_rc judge_end(const struct bundle_facts *f, const struct leaf_entry *e,
                            uint64_t index, struct qr_err *err)
{
    struct leaf_ended end;
    QR_TRY(leaf_ended_read(e->body, &end, err));
    if (!qr_hash_equal(&end.session.leaf, &f->request.at.leaf)) return QR_OK;
    return qr_fail(err, QR_STATE, "the session has ended (log entry %llu)",
                   (unsigned long long)index);
}

static enum qr_rc judge_withdrawal(const struct bundle_facts *f, const struct leaf_entry *e,
                                   uint64_t index, struct qr_err *err)
{
    struct leaf_withdrawal w;
    QR_TRY(leaf_withdrawal_read(e->body, &w, err));
    for (size_t i = 0; i < f->approval_count; i++)
        if (qr_hash_equal(&w.approval, &f->approvals[i].at.leaf))
            return qr_fail(err, QR_STATE, "an approval was withdrawn (log entry %llu)",
                           (unsigned long long)index);
    return QR_OK;
}

static enum qr_rc judge(struct services *s, const struct bundle_facts *f,
                        const struct log_entry *from, struct qr_err *err)
{
    struct leaf_entry e;
    enum qr_rc rc = QR_OK;
    QR_TRY(leaf_parse(from->bytes, &e, err));
    if ((e.kind == LEAF_SESSION_ENDED || e.kind == LEAF_APPROVAL_WITHDRAWN) &&
        is_coordinators(services_trust(s), &e))
        rc = e.kind == LEAF_SESSION_ENDED ? judge_end(f, &e, from->index, err)
                                          : judge_withdrawal(f, &e, from->index, err);
    leaf_fini(&e);
    return rc;
}

enum qr_rc standing_check(struct services *s, const struct bundle_facts *facts, struct qr_err *err)
{
    struct log_answer found;
    struct log_query q = {.by = LOG_FIND_SESSION, .text = facts->request.is.session};
    QR_TRY(log_client_find(services_log(s), &q, &found, err));
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; rc == QR_OK && i < found.n; i++)
        rc = judge(s, facts, &found.entries[i], err);
    log_answer_fini(&found);
    return rc;
}
