/* record.c - the session's state as canonical JSON.
 *
 * Streams and deadlines are in it too, so that every step can go through the
 * store; SESSION_EV_RESTART forgets what died with a process.  A time that
 * does not exist is written as -1. */
#include "session/session.h"

static int64_t time_out(int64_t us) { return us == INT64_MAX || us == INT64_MIN ? -1 : us; }

static json_t *write_rules(const struct session_rules *r)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "attempts_max", r->attempts_max);
    qr_json_set_int(o, "backoff_us", r->backoff_us);
    qr_json_set_int(o, "engineers", r->engineers);
    qr_json_set_int(o, "expires_us", r->expires_us);
    qr_json_set_int(o, "grace_us", r->grace_us);
    qr_json_set_int(o, "presence_us", r->presence_us);
    qr_json_set_hex(o, "requester", r->requester.b, sizeof r->requester.b);
    qr_json_set(o, "requester_may_approve", json_boolean(r->requester_may_approve));
    qr_json_set_int(o, "round_us", r->round_us);
    qr_json_set_int(o, "service_us", r->service_us);
    qr_json_set_int(o, "stewards", r->stewards);
    return o;
}

static json_t *write_approval(const struct session_approval *a)
{
    json_t *o = qr_json_object();
    qr_json_set(o, "answered", json_boolean(a->answered));
    qr_json_set_int(o, "gone_us", time_out(a->gone_us));
    qr_json_set_int(o, "id", a->id);
    qr_json_set_u64str(o, "index", a->index);
    qr_json_set_hex(o, "leaf", a->leaf.b, sizeof a->leaf.b);
    qr_json_set(o, "logged", json_boolean(a->logged));
    qr_json_set_int(o, "member", a->member);
    qr_json_set_hex(o, "person", a->person.b, sizeof a->person.b);
    qr_json_set_str(o, "role", qr_role_name(a->role));
    qr_json_set_int(o, "watchers", a->watchers);
    return o;
}

enum qr_rc session_write(const struct session *s, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    json_t *approvals = qr_json_array();
    for (uint32_t i = 0; i < s->n_approvals; i++)
        qr_json_add(approvals, write_approval(&s->approvals[i]));
    json_t *barred = qr_json_array();
    for (uint32_t i = 0; i < s->n_barred; i++) {
        json_t *b = qr_json_object();
        qr_json_set(b, "blamed", json_boolean(s->barred[i].blamed));
        qr_json_set_hex(b, "person", s->barred[i].person.b, sizeof s->barred[i].person.b);
        qr_json_add(barred, b);
    }
    qr_json_set(o, "approvals", approvals);
    qr_json_set_int(o, "attempt", s->attempt);
    qr_json_set(o, "barred", barred);
    qr_json_set_int(o, "deadline_us", time_out(s->deadline_us));
    qr_json_set_int(o, "hold_us", time_out(s->hold_us));
    qr_json_set(o, "requested", json_boolean(s->requested));
    qr_json_set(o, "rules", write_rules(&s->rules));
    qr_json_set_int(o, "state", s->state);
    qr_json_set_int(o, "v", 1);
    qr_json_set_int(o, "wait", s->wait);
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

static const int64_t json_max = INT64_C(9007199254740991);

static int64_t read_time(struct qr_obj *o, const char *key, int64_t none)
{
    int64_t us = qr_obj_int(o, key, -1, json_max);
    return us < 0 ? none : us;
}

static enum qr_rc read_rules(struct qr_obj *o, struct session_rules *r, struct qr_err *err)
{
    r->attempts_max = (uint32_t)qr_obj_int(o, "attempts_max", 1, UINT32_MAX);
    r->backoff_us = qr_obj_int(o, "backoff_us", 0, json_max);
    r->engineers = (uint32_t)qr_obj_int(o, "engineers", 0, QR_MAX_PARTICIPANTS);
    r->expires_us = qr_obj_int(o, "expires_us", 0, json_max);
    r->grace_us = qr_obj_int(o, "grace_us", 0, json_max);
    r->presence_us = qr_obj_int(o, "presence_us", 0, json_max);
    qr_obj_hex(o, "requester", r->requester.b, sizeof r->requester.b);
    r->requester_may_approve = qr_obj_bool(o, "requester_may_approve");
    r->round_us = qr_obj_int(o, "round_us", 0, json_max);
    r->service_us = qr_obj_int(o, "service_us", 0, json_max);
    r->stewards = (uint32_t)qr_obj_int(o, "stewards", 0, QR_MAX_PARTICIPANTS);
    return qr_obj_done(o, err);
}

static enum qr_rc read_approval(const json_t *v, struct session_approval *a, struct qr_err *err)
{
    struct qr_obj o = qr_obj_of(v, "approval");
    a->answered = qr_obj_bool(&o, "answered");
    a->gone_us = read_time(&o, "gone_us", INT64_MIN);
    a->id = (uint32_t)qr_obj_int(&o, "id", 1, UINT32_MAX);
    a->index = qr_obj_u64str(&o, "index");
    qr_obj_hex(&o, "leaf", a->leaf.b, sizeof a->leaf.b);
    a->logged = qr_obj_bool(&o, "logged");
    a->member = (uint32_t)qr_obj_int(&o, "member", 0, QR_MAX_PARTICIPANTS);
    qr_obj_hex(&o, "person", a->person.b, sizeof a->person.b);
    a->role = qr_obj_role(&o, "role");
    a->watchers = (uint32_t)qr_obj_int(&o, "watchers", 0, UINT32_MAX);
    return qr_obj_done(&o, err);
}

static enum qr_rc read_barred(const json_t *v, struct session_barred *b, struct qr_err *err)
{
    struct qr_obj o = qr_obj_of(v, "barred");
    b->blamed = qr_obj_bool(&o, "blamed");
    qr_obj_hex(&o, "person", b->person.b, sizeof b->person.b);
    return qr_obj_done(&o, err);
}

static enum qr_rc read_state(const json_t *v, struct session *s, struct qr_err *err)
{
    struct qr_obj o = qr_obj_of(v, "session state");
    const json_t *approvals = qr_obj_array(&o, "approvals", SESSION_MAX_APPROVALS);
    s->attempt = (uint32_t)qr_obj_int(&o, "attempt", 0, UINT32_MAX);
    const json_t *barred = qr_obj_array(&o, "barred", SESSION_MAX_BARRED);
    s->deadline_us = read_time(&o, "deadline_us", INT64_MAX);
    s->hold_us = read_time(&o, "hold_us", INT64_MIN);
    s->requested = qr_obj_bool(&o, "requested");
    struct qr_obj rules = qr_obj_obj(&o, "rules");
    s->state = (enum session_state)qr_obj_int(&o, "state", SESSION_OPEN, SESSION_FAILED);
    (void)qr_obj_int(&o, "v", 1, 1);
    s->wait = (enum session_wait)qr_obj_int(&o, "wait", SESSION_WAIT_JOIN, SESSION_WAIT_SEAL);
    QR_TRY(qr_obj_done(&o, err));
    QR_TRY(read_rules(&rules, &s->rules, err));
    for (size_t i = 0; i < json_array_size(approvals); i++)
        QR_TRY(read_approval(json_array_get(approvals, i), &s->approvals[s->n_approvals++], err));
    for (size_t i = 0; i < json_array_size(barred); i++)
        QR_TRY(read_barred(json_array_get(barred, i), &s->barred[s->n_barred++], err));
    return QR_OK;
}

enum qr_rc session_read(struct qr_bytes text, struct session *out, struct qr_err *err)
{
    qr_zero(out, sizeof *out);
    json_t *v = NULL;
    QR_TRY(qr_json_parse(text, &v, err));
    enum qr_rc rc = read_state(v, out, err);
    json_decref(v);
    return rc;
}
