/* step.c - see step.h.
 *
 * Between a commit and what follows from it the process may die: then the
 * outbox is replayed at the next start, every running attempt fails, and
 * watchers resume by sequence number.  So nothing that follows a commit has to
 * be durable. */
#include "coordinatord/step.h"

#include "coordinatord/group.h"
#include "coordinatord/order.h"
#include "coordinatord/watch.h"
#include "coordinatord/work.h"

#include <assert.h>
#include <stdlib.h>

enum { STEP_ARENA = 32 * 1024 * 1024 };

static enum qr_rc load(struct coord *c, const char *id, int64_t n, struct step **out,
                       struct qr_err *err)
{
    struct step *st = calloc(1, sizeof *st);
    if (!st) return qr_fail(err, QR_NOMEM, "out of memory");
    st->c = c;
    qr_arena_init(&st->arena, STEP_ARENA);
    enum qr_rc rc = id ? store_session_by_id(c->s->db, id, &st->arena, &st->row, err)
                       : store_session_get(c->s->db, n, &st->arena, &st->row, err);
    if (rc == QR_OK) rc = session_read(st->row.record, &st->state, err);
    if (rc == QR_OK) {
        *out = st;
        return QR_OK;
    }
    qr_arena_fini(&st->arena);
    free(st);
    return rc;
}

static enum qr_rc begin(struct coord *c, const char *id, int64_t n, struct step **out,
                        struct qr_err *err)
{
    QR_TRY(qr_db_begin(c->s->db, err));
    enum qr_rc rc = load(c, id, n, out, err);
    if (rc != QR_OK) qr_db_rollback(c->s->db);
    return rc;
}

enum qr_rc step_begin(struct coord *c, const char *id, struct step **out, struct qr_err *err)
{
    return begin(c, id, 0, out, err);
}

enum qr_rc step_begin_n(struct coord *c, int64_t n, struct step **out, struct qr_err *err)
{
    return begin(c, NULL, n, out, err);
}

/* ---- effects inside the transaction ---- */

static void put_code(char *out, size_t room, const char *code)
{
    struct qr_bytes s = qr_str(code);
    assert(s.n < room);
    qr_copy(out, s.p, s.n + 1);
}

static struct leaf_people blame_of(const struct session_effects *fx)
{
    struct leaf_people p = {.n = fx->n_blame};
    for (uint32_t i = 0; i < fx->n_blame; i++) p.p[i] = fx->blame[i];
    return p;
}

static void session_ref(const struct step *st, struct leaf_session_ref *out)
{
    assert(st->row.logged);
    put_code(out->id, sizeof out->id, st->row.id);
    out->leaf = st->row.leaf;
}

static json_t *failed_body(const struct step *st, uint32_t attempt)
{
    struct leaf_failed f = {.attempt = attempt, .blame = blame_of(&st->fx)};
    session_ref(st, &f.session);
    put_code(f.step, sizeof f.step, session_wait_name(st->fx.step));
    put_code(f.reason, sizeof f.reason, st->fx.reason);
    f.has_evidence = st->evidence.n > 0;
    if (f.has_evidence) f.evidence = leaf_evidence_digest(st->evidence);
    return leaf_failed_write(&f);
}

static json_t *ended_body(const struct step *st, uint32_t attempt)
{
    struct leaf_ended e = {.attempt = attempt, .blame = blame_of(&st->fx)};
    session_ref(st, &e.session);
    e.state = st->state.state == SESSION_EXPIRED ? LEAF_EXPIRED : LEAF_FAILED;
    put_code(e.step, sizeof e.step, session_wait_name(st->fx.step));
    put_code(e.reason, sizeof e.reason, st->fx.end_reason);
    return leaf_ended_write(&e);
}

static const enum leaf_kind kinds[] = {[SESSION_LOG_APPROVAL_GIVEN] = LEAF_APPROVAL_GIVEN,
                                       [SESSION_LOG_APPROVAL_REFUSED] = LEAF_APPROVAL_REFUSED,
                                       [SESSION_LOG_APPROVAL_WITHDRAWN] = LEAF_APPROVAL_WITHDRAWN,
                                       [SESSION_LOG_ROSTER_FROZEN] = LEAF_ROSTER_FROZEN,
                                       [SESSION_LOG_DKG_COMPLETED] = LEAF_DKG_COMPLETED,
                                       [SESSION_LOG_SIGNING_STARTED] = LEAF_SIGNING_STARTED,
                                       [SESSION_LOG_SIGNATURE_MADE] = LEAF_SIGNATURE_MADE,
                                       [SESSION_LOG_ATTEMPT_FAILED] = LEAF_ATTEMPT_FAILED,
                                       [SESSION_LOG_SESSION_ENDED] = LEAF_SESSION_ENDED};

/* The entry that an effect asks for.  A cancelled session's end carries the
 * requester's signature, so the caller brings its body. */
static enum qr_rc do_log(struct step *st, const struct session_effect *e,
                         const struct session_event *ev, const json_t *body, struct qr_err *err)
{
    bool own = e->log == SESSION_LOG_ATTEMPT_FAILED ||
               (e->log == SESSION_LOG_SESSION_ENDED && st->state.state != SESSION_CANCELLED);
    json_t *made = NULL;
    if (own)
        made = e->log == SESSION_LOG_ATTEMPT_FAILED ? failed_body(st, e->attempt)
                                                    : ended_body(st, e->attempt);
    assert(own || body);
    int64_t row = 0;
    enum qr_rc rc = outbox_put(st->c->s->outbox, kinds[e->log], own ? made : body, NULL, &row, err);
    json_decref(made);
    if (rc != QR_OK) return rc;
    bool is_approval = e->log == SESSION_LOG_APPROVAL_GIVEN;
    struct store_owed owed = {
        .n = st->row.n, .attempt = e->attempt, .approval = is_approval ? ev->id : 0};
    if (!own) st->log_row = row;
    st->logs = true;
    return store_owed_put(st->c->s->db, row, &owed, err);
}

/* The letters of an attempt whose failure somebody is blamed for; those of one
 * that was not frozen yet show nothing. */
static enum qr_rc gather_evidence(struct step *st, uint32_t attempt, struct qr_err *err)
{
    struct store_attempt a;
    struct leaf_evidence *e = calloc(1, sizeof *e);
    struct qr_buf text;
    if (!e) return qr_fail(err, QR_NOMEM, "out of memory");
    qr_buf_init(&text, LEAF_MAX_EVIDENCE);
    e->session_leaf = st->row.leaf;
    e->attempt = attempt;
    enum qr_rc rc = store_attempt_get(st->c->s->db, st->row.n, attempt, &st->arena, &a, err);
    bool frozen = rc == QR_OK && a.descriptor.n > 0;
    json_t *body = NULL;
    if (frozen) rc = qr_json_parse(a.descriptor, &body, err);
    if (frozen && rc == QR_OK) {
        e->descriptor = leaf_descriptor_hash(body);
        rc = store_evidence(st->c->s->db, st->row.n, &st->arena, e, err);
        if (rc == QR_OK) rc = leaf_evidence_write(e, &text);
        if (rc == QR_OK) st->evidence = qr_arena_dup(&st->arena, qr_buf_bytes(&text));
        if (rc == QR_OK && !st->evidence.p) rc = qr_fail(err, QR_NOMEM, "out of memory");
    }
    json_decref(body);
    qr_buf_fini(&text);
    free(e);
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

static enum qr_rc do_effects(struct step *st, const struct session *before,
                             const struct session_event *ev, const json_t *body, struct qr_err *err)
{
    if (st->fx.reason && st->fx.n_blame > 0) QR_TRY(gather_evidence(st, before->attempt, err));
    for (uint32_t i = 0; i < st->fx.n; i++) {
        const struct session_effect *e = &st->fx.list[i];
        if (e->kind == SESSION_DO_LOG) QR_TRY(do_log(st, e, ev, body, err));
        if (e->kind != SESSION_DO_ORDER) continue;
        QR_TRY(order_put(st, before, e, err));
        st->orders = true;
    }
    if (st->fx.end_reason)
        QR_TRY(store_session_end(st->c->s->db, st->row.n, st->fx.end_reason,
                                 session_wait_name(st->fx.step), err));
    return QR_OK;
}

enum qr_rc step_event(struct step *st, struct session_event *ev, const json_t *body,
                      struct qr_err *err)
{
    ev->now_us = coord_now(st->c);
    struct session *before = &st->scratch;
    *before = st->state;
    QR_TRY(session_step(before, ev, &st->state, &st->fx, err));
    QR_TRY(do_effects(st, before, ev, body, err));
    return store_session_save(st->c->s->db, st->row.n, &st->state, err);
}

/* ---- after the commit ---- */

/* What outlives a step: enough to do what follows from it. */
struct aftermath {
    int64_t n;
    struct work_job job;
    bool logs, orders, final;
    int64_t due_us;
};

static struct aftermath aftermath_of(const struct step *st)
{
    return (struct aftermath){
        .n = st->row.n,
        .job = {.n = st->row.n, .attempt = st->state.attempt, .wait = st->state.wait},
        .logs = st->logs,
        .orders = st->orders,
        .final = session_is_final(&st->state),
        .due_us = session_due_us(&st->state)};
}

static void follow(struct coord *c, const struct aftermath *a)
{
    if (a->logs) outbox_wake(c->s->outbox);
    if (a->orders) watch_push(c->watch, a->n, a->final);
    work_add(c->work, &a->job);
    work_due(c->work, a->due_us);
}

static void release(struct step *st)
{
    qr_arena_fini(&st->arena);
    free(st);
}

enum qr_rc step_end(struct step *st, enum qr_rc rc, struct qr_err *err)
{
    struct coord *c = st->c;
    struct aftermath a = aftermath_of(st);
    release(st);
    /* COMMIT POINT: state, entries owed to the log and orders, all or none. */
    rc = qr_db_end(c->s->db, rc, err);
    if (rc == QR_OK) follow(c, &a);
    return rc;
}

/* ---- a new session ---- */

static struct session_rules rules_of(const struct coord *c, const struct leaf_request *r)
{
    struct session_rules rules = c->rules;
    rules.requester = r->requester;
    rules.expires_us = r->expires_us;
    return rules;
}

static enum qr_rc add_session(struct coord *c, const struct step_request *r,
                              const struct session *state, int64_t *row, struct qr_err *err)
{
    size_t open = 0;
    QR_TRY(store_session_open_count(c->s->db, r->requester_index, &open, err));
    if (open >= QR_MAX_OPEN_SESSIONS)
        return qr_fail(err, QR_EXHAUSTED,
                       "this requester has %d open sessions: cancel one or wait for its end",
                       QR_MAX_OPEN_SESSIONS);
    QR_TRY(outbox_put(c->s->outbox, LEAF_SESSION_REQUESTED, r->body, NULL, row, err));
    struct store_request q = {.id = r->request->session,
                              .request = r->bytes,
                              .artifact = r->request->artifact.sha256,
                              .file = r->file,
                              .state = state,
                              .outbox_row = *row,
                              .requester_index = r->requester_index};
    struct store_owed owed = {.n = 0};
    QR_TRY(store_session_add(c->s->db, &q, &owed.n, err));
    return store_owed_put(c->s->db, *row, &owed, err);
}

enum qr_rc step_request(struct coord *c, const struct step_request *r, int64_t *row,
                        struct qr_err *err)
{
    struct session *state = calloc(1, sizeof *state);
    if (!state) return qr_fail(err, QR_NOMEM, "out of memory");
    struct session_rules rules = rules_of(c, r->request);
    enum qr_rc rc = session_init(state, &rules, err);
    if (rc == QR_OK) rc = qr_db_begin(c->s->db, err);
    /* COMMIT POINT: the session and its entry. */
    if (rc == QR_OK) rc = qr_db_end(c->s->db, add_session(c, r, state, row, err), err);
    free(state);
    if (rc == QR_OK) outbox_wake(c->s->outbox);
    return rc;
}

/* ---- the outbox's hooks ---- */

/* Whether an entry's arrival is an event of the machine. */
static bool event_of(enum leaf_kind kind, enum session_event_kind *out)
{
    switch (kind) {
    case LEAF_SESSION_REQUESTED: *out = SESSION_EV_REQUESTED; return true;
    case LEAF_APPROVAL_GIVEN: *out = SESSION_EV_APPROVAL_LOGGED; return true;
    case LEAF_ROSTER_FROZEN: *out = SESSION_EV_FROZEN_LOGGED; return true;
    case LEAF_DKG_COMPLETED: *out = SESSION_EV_COMPLETED_LOGGED; return true;
    case LEAF_SIGNING_STARTED: *out = SESSION_EV_STARTED_LOGGED; return true;
    case LEAF_SIGNATURE_MADE: *out = SESSION_EV_MADE_LOGGED; return true;
    default: return false;
    }
}

static enum qr_rc note_entry(struct coord *c, const struct store_owed *o,
                             const struct outbox_logged *l, struct qr_err *err)
{
    struct leaf_entry e;
    QR_TRY(leaf_parse(l->entry->bytes, &e, err));
    struct store_logged row = {.index = l->entry->index,
                               .kind = l->kind,
                               .attempt = o->attempt,
                               .leaf = l->entry->leaf,
                               .bytes = l->entry->bytes};
    qr_time_format(e.time_us, row.time);
    leaf_fini(&e);
    QR_TRY(store_logged_add(c->s->db, o->n, &row, err));
    if (l->kind == LEAF_SESSION_REQUESTED)
        return store_session_logged(c->s->db, o->n, row.index, &row.leaf, err);
    if (l->kind == LEAF_APPROVAL_GIVEN)
        return store_approval_logged(c->s->db, o->n, o->approval, row.index, &row.leaf, err);
    return QR_OK;
}

/* Between the two hooks, which run on the outbox's thread.  A row whose
 * transaction was rolled back comes again and replaces what it left here. */
struct step_deferred {
    struct step_deferred *next;
    int64_t row;
    struct aftermath a;
};

static bool take_deferred(struct coord *c, int64_t row, struct aftermath *out)
{
    for (struct step_deferred **p = &c->deferred; *p; p = &(*p)->next) {
        struct step_deferred *d = *p;
        if (d->row != row) continue;
        *p = d->next;
        *out = d->a;
        free(d);
        return true;
    }
    return false;
}

static enum qr_rc defer(struct coord *c, int64_t row, const struct aftermath *a, struct qr_err *err)
{
    struct aftermath old;
    (void)take_deferred(c, row, &old);
    struct step_deferred *d = calloc(1, sizeof *d);
    if (!d) return qr_fail(err, QR_NOMEM, "out of memory");
    *d = (struct step_deferred){.next = c->deferred, .row = row, .a = *a};
    c->deferred = d;
    return QR_OK;
}

void step_fini(struct coord *c)
{
    while (c->deferred) {
        struct step_deferred *d = c->deferred;
        c->deferred = d->next;
        free(d);
    }
}

enum qr_rc step_logged(struct coord *c, const struct outbox_logged *l, struct qr_err *err)
{
    struct store_owed owed;
    enum qr_rc rc = store_owed_take(c->s->db, l->row, &owed, err);
    if (rc == QR_NOTFOUND) return group_logged(c, l, err);
    if (rc == QR_OK) rc = note_entry(c, &owed, l, err);
    if (rc != QR_OK) return rc;
    struct session_event ev = {.id = owed.approval,
                               .attempt = owed.attempt,
                               .leaf = l->entry->leaf,
                               .index = l->entry->index};
    if (!event_of(l->kind, &ev.kind)) return QR_OK;
    struct step *st = NULL;
    QR_TRY(load(c, NULL, owed.n, &st, err));
    rc = step_event(st, &ev, NULL, err);
    struct aftermath a = aftermath_of(st);
    release(st);
    return rc == QR_OK ? defer(c, l->row, &a, err) : rc;
}

void step_settled(struct coord *c, const struct outbox_logged *l)
{
    struct aftermath a;
    if (take_deferred(c, l->row, &a)) follow(c, &a);
}
