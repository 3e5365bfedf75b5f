/* join.c - an approval is given.
 *
 * Everything that can be checked without the database's bracket is checked
 * first; inside it only what two joins could spoil for each other: the single
 * use of the grant, distinct keys and nodes, the session's own rules. */
#include "coordinatord/act.h"

#include "base/removal.h"
#include "coordinatord/person.h"
#include "coordinatord/step.h"
#include "coordinatord/view.h"

#define JOIN_METHOD "/quorate.v1.Coordinator/Join"

struct joining {
    struct coord *c;
    const struct act_join *in;
    json_t *body;
    struct trust_approval a;
    struct person person;
    struct issued issued;
    struct trust_grant grant;
    struct view v; /* the session as it was when the checks began */
};

/* The same approval again: *known.  QR_NOTFOUND: no such session. */
static enum qr_rc known_approval(struct joining *j, bool *known, int64_t *row, struct qr_err *err)
{
    struct coord *c = j->c;
    struct qr_arena arena;
    struct store_session s;
    struct store_approval a = {.outbox_row = 0};
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc == QR_OK) {
        rc = store_session_by_id(c->s->db, j->a.is.session.id, &arena, &s, err);
        if (rc == QR_OK) {
            j->v.row.n = s.n;
            rc = store_approval_by_body(c->s->db, s.n, j->in->approval, &arena, &a, NULL);
            *known = rc == QR_OK;
            if (rc == QR_NOTFOUND) rc = QR_OK;
        }
        qr_db_read_end(c->s->db);
    }
    if (*known) *row = a.outbox_row;
    qr_arena_fini(&arena);
    return rc;
}

static enum qr_rc read_session(struct joining *j, struct qr_err *err)
{
    struct view_want want = {.n = j->v.row.n, .what = VIEW_STANDING};
    QR_TRY(view_read(j->c, &want, &j->v, err));
    if (session_is_final(&j->v.state))
        return qr_fail(err, QR_STATE, "the session is over: %s",
                       session_state_name(j->v.state.state));
    if (!j->v.row.logged) return qr_fail(err, QR_STATE, "the request is not recorded yet");
    if (coord_now(j->c) >= j->v.request.is.expires_us)
        return qr_fail(err, QR_STATE, "the session has expired");
    return QR_OK;
}

/* The grant is authd's, for us, for this person; the approval key made the
 * call. */
static enum qr_rc check_grant(struct joining *j, struct trust_report *r)
{
    struct trust_grant_use use = {.audience = LEAF_FOR_COORDINATOR,
                                  .session_leaf = &j->v.row.leaf,
                                  .identity = &j->person.is,
                                  .at_us = coord_now(j->c)};
    struct trust_call call = {.method = JOIN_METHOD, .body = j->in->approval};
    if (j->in->use_sig.n != sizeof call.sig.b)
        return trust_stop(r, TRUST_GRANT_USE, QR_MALFORMED, "no signature");
    qr_copy(call.sig.b, j->in->use_sig.p, sizeof call.sig.b);
    QR_TRY(trust_grant_check(&j->c->ctx, j->in->grant, &use, &j->grant, r));
    const struct leaf_grant_request *k = &j->grant.is.keys;
    const struct leaf_approval *is = &j->a.is;
    bool same = qr_equal_ct(k->approval_key.b, is->approval_key.b, QR_KEY_SIZE) &&
                qr_equal_ct(k->envelope_key.b, is->envelope_key.b, QR_KEY_SIZE) &&
                qr_equal_ct(k->cocktail_key.b, is->cocktail_key.b, QR_KEY_SIZE);
    QR_TRY(trust_check(r, TRUST_GRANT_BINDING, same, QR_DENIED, "it is for other keys"));
    return trust_grant_use_check(&j->grant, &call, r);
}

static enum qr_rc check_all(struct joining *j, struct qr_err *err)
{
    struct coord *c = j->c;
    struct leaf_approval *is = &j->a.is;
    if (is->role > QR_STEWARD)
        return qr_fail(err, QR_DENIED, "engineers and stewards approve, not an %s",
                       qr_role_name(is->role));
    QR_TRY(person_find(c, &is->commitment, &is->enrolment, &j->person, err));
    if (j->person.is.is.role != is->role)
        return qr_fail(err, QR_DENIED, "this person is not enrolled as %s", qr_role_name(is->role));
    QR_TRY(person_issued(c, j->in->certificate, &j->issued, err));
    /* Every bundle proves each stated checkpoint: a false one must not get in. */
    QR_TRY(log_client_knows(c->s->log_client, &is->checkpoint, err));
    j->a.at = (struct trust_place){
        .index = TRUST_NOT_LOGGED, .time_us = coord_now(c), .classes = c->s->classes};
    j->a.body = j->body;
    j->a.identity = j->person.is;
    j->a.certificate = j->in->certificate;
    j->a.issued_at = j->issued.at;
    j->a.issued = j->issued.is;
    j->a.grant = j->in->cad_grant;
    j->a.evidence = j->in->evidence;
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = check_grant(j, &r);
    if (rc == QR_OK) rc = trust_approval_check(&c->ctx, &j->v.request, &j->a, &r);
    if (rc != QR_OK) rc = trust_report_err(&r, err);
    trust_report_fini(&r);
    return rc;
}

/* Inside the bracket: keys and nodes beside those that stand or soon will.  The person's own
 * older approval is the machine's business. */
static enum qr_rc check_people(struct joining *j, struct qr_err *err)
{
    struct view v;
    struct view_want want = {.n = j->v.row.n, .what = VIEW_STANDING | VIEW_PENDING};
    struct trust_approval *list = NULL;
    enum qr_rc rc = view_load(j->c, &want, &v, err);
    if (rc == QR_OK) rc = view_trust(&v, &list);
    if (rc == QR_OK) {
        struct trust_report r;
        size_t n = 0;
        for (size_t i = 0; i < v.n; i++)
            if (!qr_hash_equal(&list[i].is.commitment, &j->a.is.commitment)) list[n++] = list[i];
        list[n++] = j->a;
        trust_report_init(&r);
        rc = trust_people_check(&j->c->ctx, &j->v.request, list, n, &r);
        if (rc != QR_OK) rc = trust_report_err(&r, err);
        trust_report_fini(&r);
    }
    view_fini(&v);
    return rc;
}

static enum qr_rc use_grant(struct joining *j, struct qr_err *err)
{
    enum qr_rc rc =
        store_grant_use(j->c->s->db, j->grant.is.jti, j->grant.is.expires_us, coord_now(j->c), err);
    if (!QR_HOLDS(COORDINATOR_ONCE, rc != QR_EXISTS))
        return qr_fail(err, QR_CONFLICT, "the grant was used before");
    return rc == QR_EXISTS ? QR_OK : rc;
}

static enum qr_rc record(struct joining *j, struct step *st, struct qr_err *err)
{
    struct session_event ev = {
        .kind = SESSION_EV_APPROVAL, .person = j->a.is.commitment, .role = j->a.is.role};
    QR_TRY(store_approval_next(j->c->s->db, st->row.n, &ev.id, err));
    /* The machine first: its refusals say more than those of the others. */
    QR_TRY(step_event(st, &ev, j->body, err));
    QR_TRY(check_people(j, err));
    QR_TRY(use_grant(j, err));
    struct store_approval a = {.id = ev.id,
                               .body = j->in->approval,
                               .outbox_row = st->log_row,
                               .identity = j->person.bytes,
                               .identity_index = j->person.is.at.index,
                               .certificate = j->in->certificate,
                               .issued_index = j->issued.at.index,
                               .cad_grant = j->in->cad_grant,
                               .evidence = j->in->evidence};
    return store_approval_add(j->c->s->db, st->row.n, &a, err);
}

static enum qr_rc new_approval(struct joining *j, int64_t *row, struct qr_err *err)
{
    struct step *st = NULL;
    QR_TRY(read_session(j, err));
    QR_TRY(check_all(j, err));
    QR_TRY(step_begin_n(j->c, j->v.row.n, &st, err));
    enum qr_rc rc = record(j, st, err);
    *row = st->log_row;
    return step_end(st, rc, err);
}

enum qr_rc act_join(struct coord *c, const struct act_join *in, int64_t *row, struct qr_err *err)
{
    struct joining j = {.c = c, .in = in};
    QR_TRY(qr_json_parse(in->approval, &j.body, err));
    enum qr_rc rc = leaf_approval_read(j.body, &j.a.is, err);
    bool known = false;
    if (rc == QR_OK) rc = known_approval(&j, &known, row, err);
    if (rc == QR_OK && !known) rc = new_approval(&j, row, err);
    trust_grant_fini(&j.grant);
    person_fini(&j.person);
    view_fini(&j.v);
    json_decref(j.body);
    return rc;
}
