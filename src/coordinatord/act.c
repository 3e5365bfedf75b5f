/* act.c - request, renew, refuse, withdraw, cancel; join.c and submit.c have
 * the others. */
#include "coordinatord/act.h"

#include "coordinatord/person.h"
#include "coordinatord/step.h"
#include "coordinatord/view.h"
#include "pki/ca.h"

/* ---- request ---- */

static enum qr_rc known_request(struct coord *c, const char *id, struct qr_bytes body, int64_t *row,
                                struct qr_err *err)
{
    struct qr_arena arena;
    struct store_session s;
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc == QR_OK) {
        rc = store_session_by_id(c->s->db, id, &arena, &s, NULL);
        qr_db_read_end(c->s->db);
    }
    if (rc == QR_OK && !qr_bytes_equal(s.request, body))
        rc = qr_fail(err, QR_CONFLICT, "another request has this session id");
    if (rc == QR_OK) *row = s.outbox_row;
    qr_arena_fini(&arena);
    return rc;
}

static enum qr_rc check_file(const struct leaf_request *r, struct qr_bytes file, struct qr_err *err)
{
    bool raw = false;
    for (size_t i = 0; i < r->payloads.n; i++) raw = raw || r->payloads.p[i].type == QR_RAW;
    if (raw && !file.p) return qr_fail(err, QR_USAGE, "a raw payload needs the file");
    if (!raw && file.p) return qr_fail(err, QR_USAGE, "the file is needed for raw payloads only");
    if (!raw) return QR_OK;
    struct qr_hash h = qr_sha256_one(file);
    return qr_hash_equal(&h, &r->artifact.sha256)
               ? QR_OK
               : qr_fail(err, QR_MALFORMED, "the file is not the artifact");
}

static enum qr_rc check_request(struct coord *c, const struct trust_request *req,
                                const struct person *p, struct qr_err *err)
{
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = trust_request_check(&c->ctx, req, &p->is, &r);
    if (rc == QR_OK) rc = trust_request_alive(req, coord_now(c), &r);
    if (rc != QR_OK) rc = trust_report_err(&r, err);
    trust_report_fini(&r);
    return rc;
}

static enum qr_rc new_request(struct coord *c, const struct trust_request *req,
                              struct qr_bytes body, struct qr_bytes file, int64_t *row,
                              struct qr_err *err)
{
    struct person p;
    QR_TRY(check_file(&req->is, file, err));
    enum qr_rc rc = person_find(c, &req->is.requester, &req->is.enrolment, &p, err);
    if (rc == QR_OK) rc = check_request(c, req, &p, err);
    if (rc == QR_OK) {
        struct step_request r = {.request = &req->is,
                                 .body = req->body,
                                 .bytes = body,
                                 .file = file,
                                 .requester_index = p.is.at.index};
        rc = step_request(c, &r, row, err);
        if (rc == QR_EXISTS) rc = qr_fail(err, QR_CONFLICT, "the session id is taken");
    }
    person_fini(&p);
    return rc;
}

enum qr_rc act_request(struct coord *c, struct qr_bytes body, struct qr_bytes file, int64_t *row,
                       struct qr_err *err)
{
    json_t *json = NULL;
    struct trust_request req = {
        .at = {.index = TRUST_NOT_LOGGED, .time_us = coord_now(c), .classes = c->s->classes}};
    QR_TRY(qr_json_parse(body, &json, err));
    req.body = json;
    enum qr_rc rc = leaf_request_read(json, &req.is, err);
    if (rc == QR_OK) {
        rc = known_request(c, req.is.session, body, row, err);
        if (rc == QR_NOTFOUND) rc = new_request(c, &req, body, file, row, err);
    }
    json_decref(json);
    return rc;
}

/* ---- renew ---- */

static enum qr_rc check_renewal(struct coord *c, const struct act_renew *r,
                                const struct leaf_approval *a, struct issued *issued,
                                struct qr_err *err)
{
    struct pki_cert cert;
    struct pki_participant_claims claims;
    QR_TRY(pki_participant_read(r->certificate, &c->s->trust->participant_ca, &cert, &claims, err));
    struct qr_hash grant = qr_sha256_one(r->cad_grant);
    bool ours = qr_hash_equal(&claims.grant, &grant) &&
                qr_equal_ct(cert.key.b, a->approval_key.b, QR_KEY_SIZE) &&
                qr_equal_ct(claims.envelope_key.b, a->envelope_key.b, QR_KEY_SIZE) &&
                qr_equal_ct(claims.cocktail_key.b, a->cocktail_key.b, QR_KEY_SIZE) &&
                qr_hash_equal(&claims.session_leaf, &a->session.leaf) &&
                qr_hash_equal(&claims.commitment, &a->commitment);
    if (!ours)
        return qr_fail(err, QR_DENIED, "certificate, grant and approval do not belong together");
    if (!pki_cert_valid_at(&cert, coord_now(c)))
        return qr_fail(err, QR_STALE, "the certificate is not valid now");
    return person_issued(c, r->certificate, issued, err);
}

static enum qr_rc find_approval(struct coord *c, const struct qr_hash *leaf, struct qr_arena *arena,
                                int64_t *n, struct store_approval *out, struct qr_err *err)
{
    uint32_t id = 0;
    QR_TRY(qr_db_read(c->s->db, err));
    enum qr_rc rc = store_approval_by_leaf(c->s->db, leaf, n, &id, err);
    if (rc == QR_OK) rc = store_approval_get(c->s->db, *n, id, arena, out, err);
    qr_db_read_end(c->s->db);
    return rc;
}

static enum qr_rc check_stands(struct coord *c, int64_t n, uint32_t approval, struct qr_err *err)
{
    struct view v;
    struct view_want want = {.n = n};
    enum qr_rc rc = view_read(c, &want, &v, err);
    if (rc == QR_OK && (session_is_final(&v.state) || !session_by_id(&v.state, approval)))
        rc = qr_fail(err, QR_STATE, "the approval does not stand");
    view_fini(&v);
    return rc;
}

static enum qr_rc renew(struct coord *c, const struct act_renew *r, struct qr_arena *arena,
                        struct qr_err *err)
{
    int64_t n = 0;
    struct store_approval row;
    struct leaf_approval a;
    struct issued issued;
    json_t *body = NULL;
    QR_TRY(find_approval(c, &r->approval, arena, &n, &row, err));
    QR_TRY(qr_json_parse(row.body, &body, err));
    enum qr_rc rc = leaf_approval_read(body, &a, err);
    json_decref(body);
    if (rc != QR_OK) return rc;
    QR_TRY(check_renewal(c, r, &a, &issued, err));
    return check_stands(c, n, row.id, err);
}

enum qr_rc act_renew(struct coord *c, const struct act_renew *r, struct qr_err *err)
{
    struct qr_arena arena;
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = renew(c, r, &arena, err);
    qr_arena_fini(&arena);
    return rc;
}

/* ---- refuse, withdraw ---- */

/* The person behind a signed body, and that he signed it. */
struct signer {
    const struct qr_hash *commitment;
    const struct qr_hash *enrolment;
    const char *tag;
    const struct qr_sig *sig;
};
static enum qr_rc check_signer(struct coord *c, const json_t *body, const struct signer *s,
                               enum qr_role *role, struct qr_err *err)
{
    struct person p;
    enum qr_rc rc = person_find(c, s->commitment, s->enrolment, &p, err);
    if (rc == QR_OK && leaf_object_verify(body, leaf_without_person_sig, s->tag,
                                          &p.is.is.person_key, s->sig) != QR_OK)
        rc = qr_fail(err, QR_DENIED, "the person's signature does not verify");
    if (rc == QR_OK) *role = p.is.is.role;
    person_fini(&p);
    return rc;
}

static enum qr_rc apply(struct coord *c, const struct leaf_session_ref *session,
                        struct session_event *ev, const json_t *body, int64_t *row,
                        struct qr_err *err)
{
    struct step *st = NULL;
    QR_TRY(step_begin(c, session->id, &st, err));
    enum qr_rc rc = QR_OK;
    if (!st->row.logged || !qr_hash_equal(&st->row.leaf, &session->leaf))
        rc = qr_fail(err, QR_CONFLICT, "session and session leaf do not belong together");
    if (rc == QR_OK) rc = step_event(st, ev, body, err);
    *row = st->log_row;
    return step_end(st, rc, err);
}

enum qr_rc act_refuse(struct coord *c, struct qr_bytes bytes, int64_t *row, struct qr_err *err)
{
    json_t *body = NULL;
    struct leaf_refusal r;
    enum qr_role role = QR_ROLES;
    QR_TRY(qr_json_parse(bytes, &body, err));
    enum qr_rc rc = leaf_refusal_read(body, &r, err);
    struct signer s = {&r.commitment, &r.enrolment, LEAF_TAG_REFUSAL, &r.person_sig};
    if (rc == QR_OK) rc = check_signer(c, body, &s, &role, err);
    if (rc == QR_OK && role != r.role)
        rc = qr_fail(err, QR_DENIED, "this person is not enrolled as %s", qr_role_name(r.role));
    if (rc == QR_OK && role > QR_STEWARD)
        rc = qr_fail(err, QR_DENIED, "role %s has no part in approvals", qr_role_name(role));
    struct session_event ev = {.kind = SESSION_EV_REFUSED, .person = r.commitment};
    if (rc == QR_OK) rc = apply(c, &r.session, &ev, body, row, err);
    json_decref(body);
    return rc;
}

static enum qr_rc withdraw(struct coord *c, const struct leaf_withdrawal *w, const json_t *body,
                           struct qr_arena *arena, int64_t *row, struct qr_err *err)
{
    int64_t n = 0;
    struct store_approval a;
    struct leaf_approval is;
    json_t *approval = NULL;
    QR_TRY(find_approval(c, &w->approval, arena, &n, &a, err));
    QR_TRY(qr_json_parse(a.body, &approval, err));
    enum qr_rc rc = leaf_approval_read(approval, &is, err);
    json_decref(approval);
    if (rc != QR_OK) return rc;
    if (!qr_hash_equal(&is.commitment, &w->commitment) ||
        !qr_hash_equal(&is.session.leaf, &w->session.leaf))
        return qr_fail(err, QR_DENIED, "the approval is not this person's, or of another session");
    struct session_event ev = {.kind = SESSION_EV_WITHDRAWN, .id = a.id};
    return apply(c, &w->session, &ev, body, row, err);
}

enum qr_rc act_withdraw(struct coord *c, struct qr_bytes bytes, int64_t *row, struct qr_err *err)
{
    json_t *body = NULL;
    struct leaf_withdrawal w;
    enum qr_role role = QR_ROLES;
    struct qr_arena arena;
    QR_TRY(qr_json_parse(bytes, &body, err));
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = leaf_withdrawal_read(body, &w, err);
    struct signer s = {&w.commitment, &w.enrolment, LEAF_TAG_WITHDRAWAL, &w.person_sig};
    if (rc == QR_OK) rc = check_signer(c, body, &s, &role, err);
    if (rc == QR_OK) rc = withdraw(c, &w, body, &arena, row, err);
    qr_arena_fini(&arena);
    json_decref(body);
    return rc;
}

/* ---- cancel ---- */

/* The state before, read without holding anything: what the requester signed is
 * checked against it. */
static enum qr_rc check_cancel(struct coord *c, const struct act_cancel *a, struct view *v,
                               struct qr_err *err)
{
    static const char *const whole[] = {NULL};
    const struct leaf_request *r = &v->request.is;
    struct person p;
    if (!qr_hash_equal(&r->requester, &a->commitment))
        return qr_fail(err, QR_DENIED, "only the requester cancels a session");
    json_t *object = leaf_cancel_object(&v->row.leaf);
    enum qr_rc rc = person_find(c, &r->requester, &r->enrolment, &p, err);
    if (rc == QR_OK && leaf_object_verify(object, whole, LEAF_TAG_CANCEL, &p.is.is.person_key,
                                          &a->person_sig) != QR_OK)
        rc = qr_fail(err, QR_DENIED, "the person's signature does not verify");
    person_fini(&p);
    json_decref(object);
    return rc;
}

static enum qr_rc session_number(struct coord *c, const char *id, int64_t *n, struct qr_err *err)
{
    struct qr_arena arena;
    struct store_session s;
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc == QR_OK) {
        rc = store_session_by_id(c->s->db, id, &arena, &s, err);
        qr_db_read_end(c->s->db);
    }
    if (rc == QR_OK) *n = s.n;
    if (rc == QR_OK && !s.logged) rc = qr_fail(err, QR_STATE, "the request is not recorded yet");
    qr_arena_fini(&arena);
    return rc;
}

static enum qr_rc cancel(struct coord *c, const struct act_cancel *a, int64_t n, int64_t *row,
                         struct qr_err *err)
{
    struct step *st = NULL;
    QR_TRY(step_begin_n(c, n, &st, err));
    struct leaf_ended e = {.session = {.leaf = st->row.leaf},
                           .attempt = st->state.attempt,
                           .state = LEAF_CANCELLED,
                           .reason = "cancelled",
                           .by_person = true,
                           .by = a->commitment,
                           .person_sig = a->person_sig};
    qr_copy(e.session.id, st->row.id, sizeof e.session.id);
    struct qr_bytes step = qr_str(session_wait_name(st->state.wait));
    qr_copy(e.step, step.p, step.n);
    json_t *body = leaf_ended_write(&e);
    struct session_event ev = {.kind = SESSION_EV_CANCELLED, .person = a->commitment};
    enum qr_rc rc = step_event(st, &ev, body, err);
    json_decref(body);
    *row = st->log_row;
    return step_end(st, rc, err);
}

enum qr_rc act_cancel(struct coord *c, const struct act_cancel *a, int64_t *row, struct qr_err *err)
{
    struct view v;
    struct view_want want = {.n = 0};
    QR_TRY(session_number(c, a->session, &want.n, err));
    enum qr_rc rc = view_read(c, &want, &v, err);
    if (rc == QR_OK) rc = check_cancel(c, a, &v, err);
    view_fini(&v);
    return rc == QR_OK ? cancel(c, a, want.n, row, err) : rc;
}
