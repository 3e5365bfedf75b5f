/* roster.c - roster.attested: that everybody in a quorum is enrolled, in the
 * role given, and not revoked.
 *
 * One roster per session and attempt: the same question gets the same entry,
 * another question under the same attempt is a conflict.  People who are on
 * their way out count as gone before the log says so. */
#include "authd/state.h"

#include "base/limits.h"
#include "base/removal.h"
#include "leaf/session.h"

#include <string.h>

static enum qr_rc take_hash(ProtobufCBinaryData d, struct qr_hash *out, struct qr_err *err)
{
    if (d.len != sizeof out->b) return qr_fail(err, QR_MALFORMED, "a digest has 32 bytes");
    qr_copy(out->b, d.data, d.len);
    return QR_OK;
}

static enum qr_rc take_approver(const Quorate__V1__RosterApprover *in, struct leaf_approver *out,
                                struct qr_err *err)
{
    QR_TRY(take_hash(in->approval, &out->approval, err));
    QR_TRY(take_hash(in->commitment, &out->commitment, err));
    QR_TRY(take_hash(in->enrolment, &out->enrolment, err));
    if (qr_role_parse(qr_str(in->role), &out->role) != QR_OK)
        return qr_fail(err, QR_MALFORMED, "no such role");
    return QR_OK;
}

static enum qr_rc take_roster(const Quorate__V1__AttestRosterRequest *in, struct leaf_roster *out,
                              struct qr_err *err)
{
    struct qr_bytes id = qr_str(in->session);
    if (!qr_ulid_ok(id)) return qr_fail(err, QR_MALFORMED, "not a session id");
    qr_copy(out->session.id, id.p, id.n);
    QR_TRY(take_hash(in->session_leaf, &out->session.leaf, err));
    if (in->attempt == 0) return qr_fail(err, QR_RANGE, "attempts count from 1");
    out->attempt = in->attempt;
    out->n = in->n_approvers;
    if (out->n == 0 || out->n > QR_MAX_PARTICIPANTS)
        return qr_fail(err, QR_RANGE, "1 to %d approvers", QR_MAX_PARTICIPANTS);
    for (size_t i = 0; i < out->n; i++) {
        QR_TRY(take_approver(in->approvers[i], &out->approvers[i], err));
        for (size_t k = 0; k < i; k++)
            if (qr_hash_equal(&out->approvers[k].commitment, &out->approvers[i].commitment))
                return qr_fail(err, QR_POLICY, "one person stands in the roster twice");
    }
    return QR_OK;
}

static enum qr_rc check_person(struct authd *d, const struct leaf_approver *a, size_t i,
                               struct qr_err *err)
{
    struct person who;
    enum qr_rc rc = store_person(d->s->db, &a->commitment, &who, err);
    if (rc == QR_NOTFOUND) return qr_fail(err, QR_DENIED, "approver %zu is not enrolled", i + 1);
    QR_TRY(rc);
    if (!QR_HOLDS(AUTHD_ACTIVE, who.state == PERSON_ACTIVE && !who.leaving))
        return qr_fail(err, QR_DENIED, "approver %zu is revoked", i + 1);
    bool same = qr_hash_equal(&who.enrolment, &a->enrolment) && who.role == a->role;
    if (!QR_HOLDS(AUTHD_ROSTER, same))
        return qr_fail(err, QR_STALE, "approver %zu has another enrolment or role now", i + 1);
    return QR_OK;
}

/* In a transaction: the row of the entry, found or made. */
static enum qr_rc record(struct authd *d, const struct leaf_roster *r, struct roster_row *row,
                         struct qr_err *err)
{
    struct roster_row old = *row;
    enum qr_rc rc = store_roster(d->s->db, &old, err);
    if (rc == QR_OK) {
        if (!qr_hash_equal(&old.request, &row->request))
            return qr_fail(err, QR_CONFLICT, "another roster is attested for this attempt");
        row->outbox = old.outbox;
        return QR_OK;
    }
    if (rc != QR_NOTFOUND) return rc;
    for (size_t i = 0; i < r->n; i++) QR_TRY(check_person(d, &r->approvers[i], i, err));
    json_t *body = leaf_roster_write(r);
    rc = outbox_put(d->s->outbox, LEAF_ROSTER_ATTESTED, body, NULL, &row->outbox, err);
    json_decref(body);
    return rc == QR_OK ? store_roster_add(d->s->db, row, err) : rc;
}

static enum qr_rc attest(struct authd *d, struct leaf_roster *r, struct roster_row *row,
                         struct qr_err *err)
{
    struct log_answer head;
    QR_TRY(log_client_head(d->s->log_client, &head, err));
    r->log_size = head.head.at.size;
    log_answer_fini(&head);
    QR_TRY(qr_db_begin(d->s->db, err));
    /* COMMIT POINT: the roster of this attempt is decided. */
    return qr_db_end(d->s->db, record(d, r, row, err), err);
}

void roster_attest(Quorate__V1__Auth_Service *rpc, const Quorate__V1__AttestRosterRequest *in,
                   Quorate__V1__Receipt_Closure closure, void *call)
{
    static const char *const coordinator_only[] = {LAYOUT_COORDINATORD, NULL};
    struct authd *d = authd_of(rpc);
    struct qr_err err = {{0}};
    struct roster_row row = {.attempt = in->attempt};
    (void)closure;
    if (!service_admits(d->s, call, coordinator_only)) return;
    struct leaf_roster *r = qr_arena_alloc(rpc_call_arena(call), sizeof *r);
    enum qr_rc rc = r ? take_roster(in, r, &err) : QR_NOMEM;
    if (rc == QR_OK) {
        row.session_leaf = r->session.leaf;
        row.request = qr_sha256_one(rpc_call_request(call));
        rc = attest(d, r, &row, &err);
    }
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    outbox_wake(d->s->outbox);
    service_answer_row(d->s, call, row.outbox);
}
