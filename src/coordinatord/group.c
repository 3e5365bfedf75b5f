/* group.c - see group.h. */
#include "coordinatord/group.h"

#include "coordinatord/person.h"
#include "frost/package.h"
#include "trust/group_check.h"

#include <stdlib.h>
#include <string.h>

const char *group_state_name(enum store_step_state s)
{
    static const char *const names[] = {"OPEN", "STARTING", "STARTED", "LOGGING", "DONE", "FAILED"};
    return names[s];
}

static enum qr_rc read_text(const struct group_ask *ask, struct group_text *t, struct qr_err *err)
{
    *t = (struct group_text){.hash = qr_sha256_one(ask->text),
                             .signs = leaf_group_is_signing(ask->text)};
    if (t->signs) {
        QR_TRY(leaf_group_signing_read(ask->text, &t->signing, err));
        if (!qr_bytes_is(qr_str(ask->session), t->signing.session))
            return qr_fail(err, QR_MALFORMED, "the text names another session");
        t->from = t->signing.with;
        t->group = t->from.group;
        return QR_OK;
    }
    QR_TRY(leaf_group_plan_read(ask->text, &t->plan, err));
    t->from = t->plan.from;
    t->group = t->plan.step == LEAF_GROUP_CREATE ? t->hash : t->from.group;
    return QR_OK;
}

enum qr_rc group_now(struct coord *c, const struct qr_hash *group, struct qr_arena *arena,
                     struct leaf_group_change *out, struct leaf_group_plan *plan, json_t **body,
                     struct qr_err *err)
{
    struct store_group g;
    *body = NULL;
    enum qr_rc rc = store_group_get(c->s->db, group, arena, &g, err);
    if (rc == QR_NOTFOUND) return qr_fail(err, rc, "there is no such group");
    if (rc == QR_OK && g.retired) return qr_fail(err, QR_STALE, "the group is retired");
    if (rc == QR_OK) rc = qr_json_parse(g.body, body, err);
    if (rc == QR_OK) rc = leaf_group_change_read(*body, true, out, err);
    return rc == QR_OK ? leaf_group_plan_read(out->plan, plan, err) : rc;
}

/* ---- opening ---- */

/* The session is signed, and over what the text says. */
static enum qr_rc find_approved(struct group_at *a, struct qr_err *err)
{
    struct store_session row;
    struct store_logged made;
    struct leaf_request request;
    json_t *body = NULL;
    struct qr_db *db = a->c->s->db;
    struct session *state = calloc(1, sizeof *state);
    if (!state) return qr_fail(err, QR_NOMEM, "out of memory");
    enum qr_rc rc = store_session_by_id(db, a->ask->session, a->arena, &row, err);
    if (rc == QR_OK) rc = session_read(row.record, state, err);
    bool is_signed = rc == QR_OK && state->state == SESSION_SIGNED;
    uint32_t attempt = state->attempt;
    free(state);
    if (rc != QR_OK) return rc;
    if (!is_signed) return qr_fail(err, QR_POLICY, "this session is not signed");
    QR_TRY(qr_json_parse(row.request, &body, err));
    rc = leaf_request_read(body, &request, err);
    json_decref(body);
    if (rc != QR_OK) return rc;
    QR_TRY(store_logged_get(db, row.n, LEAF_SIGNATURE_MADE, attempt, a->arena, &made, err));
    a->step.session = row.n;
    a->step.approved = made.leaf;
    bool same = a->text->signs ? qr_hash_equal(&a->text->signing.approved, &made.leaf)
                               : qr_hash_equal(&request.artifact.sha256, &a->text->hash);
    if (!same) return qr_fail(err, QR_POLICY, "the quorum signed something else");
    char title[LEAF_GROUP_TITLE];
    if (a->text->signs) return QR_OK;
    leaf_group_plan_title(&a->text->plan, title);
    return qr_bytes_is(qr_str(title), request.artifact.name)
               ? QR_OK
               : qr_fail(err, QR_POLICY, "the quorum signed the plan under another name");
}

/* Against the group as it stands. */
static enum qr_rc check_current(struct group_at *a, struct qr_err *err)
{
    struct leaf_group_plan plan;
    json_t *body = NULL;
    struct store_group g;
    struct leaf_group_change *now = NULL;
    if (!a->text->signs && a->text->plan.step == LEAF_GROUP_CREATE) {
        enum qr_rc rc = store_group_get(a->c->s->db, &a->text->group, a->arena, &g, err);
        if (rc == QR_NOTFOUND) return QR_OK;
        return rc == QR_OK ? qr_fail(err, QR_STALE, "this group was created before") : rc;
    }
    now = malloc(sizeof *now);
    if (!now) return qr_fail(err, QR_NOMEM, "out of memory");
    enum qr_rc rc = group_now(a->c, &a->text->group, a->arena, now, &plan, &body, err);
    if (rc == QR_OK && !leaf_group_ref_equal(&now->to, &a->text->from))
        rc = qr_fail(err, QR_STALE, "the group is in epoch %u now", now->to.epoch);
    json_decref(body);
    free(now);
    return rc;
}

static bool abandoned(const struct coord *c, const struct store_step *s)
{
    bool waits = s->state == STORE_STEP_OPEN || s->state == STORE_STEP_STARTED;
    return waits && s->seen_us + c->rules.round_us < coord_now(c);
}

static enum qr_rc one_at_a_time(struct group_at *a, struct qr_err *err)
{
    struct store_step other;
    enum qr_rc rc = store_step_open(a->c->s->db, &a->text->group, a->arena, &other, err);
    if (rc == QR_NOTFOUND) return QR_OK;
    if (rc != QR_OK) return rc;
    if (!abandoned(a->c, &other))
        return qr_fail(err, QR_CONFLICT, "another step with this group is under way");
    return store_step_fail(a->c->s->db, other.n, "abandoned", err);
}

static enum qr_rc open_step(struct group_at *a, uint32_t attempt, struct qr_err *err)
{
    QR_TRY(find_approved(a, err));
    QR_TRY(check_current(a, err));
    QR_TRY(one_at_a_time(a, err));
    a->step.step = a->text->hash;
    a->step.attempt = attempt;
    a->step.group = a->text->group;
    a->step.text = a->ask->text;
    a->step.state = STORE_STEP_OPEN;
    a->step.reason = "";
    a->step.seen_us = coord_now(a->c);
    QR_TRY(store_step_add(a->c->s->db, &a->step, err));
    bool retires = !a->text->signs && a->text->plan.step == LEAF_GROUP_RETIRE;
    return retires ? group_retire(a, err) : QR_OK;
}

/* The attempt that is asked about: found, or opened by a join (a plan to retire
 * needs none).  n 0: it is not open yet, attempt is its number. */
static enum qr_rc find_step(struct group_at *a, struct qr_err *err)
{
    struct qr_db *db = a->c->s->db;
    bool retires = !a->text->signs && a->text->plan.step == LEAF_GROUP_RETIRE;
    uint32_t next = 1;
    enum qr_rc rc = store_step_find(db, &a->text->hash, 0, a->arena, &a->step, err);
    if (rc != QR_OK && rc != QR_NOTFOUND) return rc;
    if (rc == QR_OK) {
        QR_TRY(group_overdue(a, err));
        bool over = a->step.state == STORE_STEP_FAILED || abandoned(a->c, &a->step);
        if (over) next = a->step.attempt + 1;
        bool asked = a->ask->attempt == a->step.attempt;
        if (!over || (asked && a->step.state == STORE_STEP_FAILED))
            return a->ask->attempt == 0 || asked || a->ask->attempt < a->step.attempt
                       ? store_step_seen(db, a->step.n, coord_now(a->c), err)
                       : qr_fail(err, QR_STALE, "this is attempt %u", a->step.attempt);
        if (a->step.state != STORE_STEP_FAILED)
            QR_TRY(store_step_fail(db, a->step.n, "abandoned", err));
    }
    a->step = (struct store_step){.attempt = next, .reason = ""};
    if (!retires && !a->ask->has_letter) return QR_OK;
    if (a->ask->attempt != next && !retires)
        return qr_fail(err, QR_STALE, "the next attempt is %u", next);
    return open_step(a, next, err);
}

/* ---- letters ---- */

struct letter {
    struct leaf_group_letter is;
    struct qr_buf body;
    struct leaf_group_join join;
};

/* The party's place in plan or group, and the role and pairs it must have. */
struct party {
    struct leaf_group_person is;
    enum qr_role role;
};

static enum qr_rc find_party(struct group_at *a, const struct letter *l, struct party *out,
                             struct qr_err *err)
{
    struct leaf_group_plan *plan = NULL;
    struct leaf_group_change *now = NULL;
    json_t *body = NULL;
    enum qr_rc rc = QR_DENIED;
    if (!a->text->signs) {
        const struct leaf_group_plan *p = &a->text->plan;
        out->role = p->role;
        for (size_t i = 0; i < p->parties; i++)
            if (qr_hash_equal(&p->party[i].commitment, &l->is.commitment))
                out->is = p->party[i], rc = QR_OK;
        return rc == QR_OK ? rc : qr_fail(err, rc, "the sender is no party of this plan");
    }
    plan = malloc(sizeof *plan);
    now = malloc(sizeof *now);
    if (!plan || !now) qr_fatal("out of memory");
    rc = qr_db_read(a->c->s->db, err);
    if (rc == QR_OK) {
        rc = group_now(a->c, &a->text->group, a->arena, now, plan, &body, err);
        qr_db_read_end(a->c->s->db);
    }
    bool found = false;
    for (size_t i = 0; rc == QR_OK && i < now->n; i++)
        found = found || qr_hash_equal(&now->party[i].is.commitment, &l->is.commitment);
    if (rc == QR_OK && !found) rc = qr_fail(err, QR_DENIED, "the sender is no member of the group");
    if (rc == QR_OK) {
        /* a member whose enrolment was renewed since names the newer one */
        *out = (struct party){{l->is.commitment, l->join.enrolment}, plan->role};
    }
    json_decref(body);
    free(now);
    free(plan);
    return rc;
}

/* A start with points that are none would not count. */
static enum qr_rc check_pairs(const struct leaf_group_join *j, struct qr_err *err)
{
    for (size_t i = 0; i < j->pairs; i++) {
        struct frost_commitment c = {.id = 1};
        qr_copy(c.hiding, j->pair[i], POINT_SIZE);
        qr_copy(c.binding, j->pair[i] + POINT_SIZE, POINT_SIZE);
        if (frost_commitment_check(&c) != QR_OK)
            return qr_fail(err, QR_MALFORMED, "commitments that are no points");
    }
    return QR_OK;
}

static enum qr_rc check_join(struct group_at *a, struct letter *l, struct qr_err *err)
{
    struct party party;
    struct person who;
    struct trust_report r;
    QR_TRY(leaf_group_join_read(l->is.body, &l->join, err));
    if (l->join.signs != a->text->signs)
        return qr_fail(err, QR_MALFORMED, "a join for another kind of step");
    QR_TRY(check_pairs(&l->join, err));
    QR_TRY(find_party(a, l, &party, err));
    enum qr_rc rc = person_find(a->c, &l->is.commitment, &party.is.enrolment, &who, err);
    if (rc == QR_OK && who.is.is.role != party.role)
        rc = qr_fail(err, QR_DENIED, "the sender is not enrolled as %s", qr_role_name(party.role));
    const struct trust_joined j = {.is = &party.is,
                                   .role = party.role,
                                   .letter = &l->is,
                                   .join = &l->join,
                                   .person_sig = &a->ask->sig};
    trust_report_init(&r);
    if (rc == QR_OK) {
        rc = trust_group_join_check(&a->c->ctx, &j, &who.is.is.person_key, &r);
        if (rc != QR_OK) (void)trust_report_err(&r, err);
    }
    trust_report_fini(&r);
    person_fini(&who);
    return rc;
}

/* By the envelope key of the sender's join. */
static enum qr_rc check_sender(struct group_at *a, struct letter *l, struct qr_err *err)
{
    struct store_letter joined;
    struct leaf_group_letter letter;
    struct qr_buf body;
    QR_TRY(qr_db_read(a->c->s->db, err));
    enum qr_rc rc = store_letter_get(a->c->s->db, a->step.n, LEAF_GROUP_JOIN, &l->is.commitment,
                                     a->arena, &joined, err);
    qr_db_read_end(a->c->s->db);
    if (rc == QR_NOTFOUND) return qr_fail(err, QR_DENIED, "the sender did not join");
    if (rc != QR_OK) return rc;
    rc = leaf_group_letter_read(joined.bytes, &letter, &body, err);
    if (rc == QR_OK) rc = leaf_group_join_read(letter.body, &l->join, err);
    qr_buf_fini(&body);
    if (rc != QR_OK) return rc;
    if (qr_verify_tagged(&l->join.envelope_key, LEAF_TAG_GROUP_LETTER, a->ask->letter,
                         &a->ask->sig) != QR_OK)
        return qr_fail(err, QR_DENIED, "the letter is not signed by its sender");
    return l->is.round == LEAF_GROUP_MADE ? group_made_check(a, l->is.body, err) : QR_OK;
}

/* Asked twice: before the letter is checked, and where it is added.  QR_EXISTS: it
 * comes too late to matter. */
static enum qr_rc check_time(const struct group_at *a, const struct letter *l, struct qr_err *err)
{
    static const enum store_step_state when[LEAF_GROUP_ROUNDS] = {
        STORE_STEP_OPEN, STORE_STEP_OPEN, STORE_STEP_OPEN, STORE_STEP_STARTED, STORE_STEP_STARTED};
    if (l->is.attempt != a->step.attempt || a->step.state == STORE_STEP_FAILED)
        return qr_fail(err, QR_STALE, "this attempt is over%s%s", *a->step.reason ? ": " : "",
                       a->step.reason);
    if (a->step.state > when[l->is.round]) return QR_EXISTS;
    return a->step.state == when[l->is.round]
               ? QR_OK
               : qr_fail(err, QR_STATE, "it is not the time for this letter");
}

static enum qr_rc check_letter(struct group_at *a, struct letter *l, struct qr_err *err)
{
    QR_TRY(leaf_group_letter_read(a->ask->letter, &l->is, &l->body, err));
    if (!qr_hash_equal(&l->is.step, &a->text->hash))
        return qr_fail(err, QR_CONFLICT, "the letter is of another step");
    QR_TRY(check_time(a, l, err));
    return l->is.round == LEAF_GROUP_JOIN ? check_join(a, l, err) : check_sender(a, l, err);
}

/* The same again changes nothing.  Who joins with other keys has lost those of
 * before: the attempt is over for all. */
static enum qr_rc add_letter(struct group_at *a, const struct letter *l, struct qr_err *err)
{
    struct store_letter row = {.round = l->is.round,
                               .sender = l->is.commitment,
                               .bytes = a->ask->letter,
                               .sig = a->ask->sig},
                        first;
    struct qr_db *db = a->c->s->db;
    QR_TRY(store_step_get(db, a->step.n, a->arena, &a->step, err));
    enum qr_rc rc = check_time(a, l, err);
    if (rc == QR_EXISTS) return QR_OK;
    if (rc == QR_OK)
        rc = store_letter_get(db, a->step.n, row.round, &row.sender, a->arena, &first, err);
    if (rc == QR_OK && qr_bytes_equal(first.bytes, row.bytes)) return QR_OK;
    if (rc == QR_OK && row.round == LEAF_GROUP_JOIN)
        return group_blame(a, &row.sender, "rejoined", err);
    if (rc == QR_OK) return qr_fail(err, QR_CONFLICT, "another letter of this round was sent");
    if (rc != QR_NOTFOUND) return rc;
    QR_TRY(store_letter_add(db, a->step.n, &row, err));
    return group_progress(a, l->is.round, err);
}

static enum qr_rc take_letter(struct group_at *a, struct qr_err *err)
{
    struct letter *l = calloc(1, sizeof *l);
    if (!l) return qr_fail(err, QR_NOMEM, "out of memory");
    enum qr_rc rc = check_letter(a, l, err);
    if (rc == QR_OK) {
        rc = qr_db_begin(a->c->s->db, err);
        /* COMMIT POINT: the letter, and the entry that it completes. */
        if (rc == QR_OK) rc = qr_db_end(a->c->s->db, add_letter(a, l, err), err);
    } else if (rc == QR_EXISTS)
        rc = QR_OK;
    qr_buf_fini(&l->body);
    free(l);
    return rc;
}

/* ---- answering ---- */

static enum qr_rc answer(struct group_at *a, struct group_answer *out, struct qr_err *err)
{
    struct qr_db *db = a->c->s->db;
    *out = (struct group_answer){.attempt = a->step.attempt, .reason = ""};
    if (a->step.n == 0) return QR_OK;
    out->letters = qr_arena_alloc(a->arena, GROUP_MAX_LETTERS * sizeof *out->letters);
    if (!out->letters) return qr_fail(err, QR_NOMEM, "out of memory");
    const struct store_letters what = {a->step.n, (int64_t)a->ask->after, LEAF_GROUP_ROUNDS};
    QR_TRY(qr_db_read(db, err));
    enum qr_rc rc = store_step_get(db, a->step.n, a->arena, &a->step, err);
    if (rc == QR_OK)
        rc = store_letter_list(db, &what, a->arena, out->letters, GROUP_MAX_LETTERS, &out->count,
                               err);
    qr_db_read_end(db);
    out->state = a->step.state;
    out->reason = a->step.reason;
    out->started_index = a->step.started_index;
    out->done_index = a->step.done_index;
    return rc;
}

enum qr_rc group_step(struct coord *c, const struct group_ask *ask, struct qr_arena *arena,
                      struct group_answer *out, struct qr_err *err)
{
    struct group_text *text = malloc(sizeof *text);
    if (!text) return qr_fail(err, QR_NOMEM, "out of memory");
    struct group_at a = {.c = c, .ask = ask, .arena = arena, .text = text};
    enum qr_rc rc = read_text(ask, text, err);
    if (rc == QR_OK) rc = qr_db_begin(c->s->db, err);
    /* COMMIT POINT: an attempt that a join opens. */
    if (rc == QR_OK) rc = qr_db_end(c->s->db, find_step(&a, err), err);
    if (rc == QR_OK && ask->has_letter) rc = take_letter(&a, err);
    if (a.logs) outbox_wake(c->s->outbox);
    if (rc == QR_OK) rc = answer(&a, out, err);
    free(text);
    return rc;
}

/* ---- the outbox's hook ---- */

static enum qr_rc keep_change(struct coord *c, const struct store_step *s,
                              const struct outbox_logged *l, struct qr_err *err)
{
    struct leaf_entry e;
    struct qr_buf body;
    QR_TRY(leaf_parse(l->entry->bytes, &e, err));
    qr_buf_init(&body, QR_MAX_ENTRY);
    enum qr_rc rc = qr_json_write(e.body, &body);
    const struct store_group g = {
        .group = s->group, .index = l->entry->index, .body = qr_buf_bytes(&body)};
    if (rc == QR_OK) rc = store_group_put(c->s->db, &g, err);
    qr_buf_fini(&body);
    leaf_fini(&e);
    return rc;
}

enum qr_rc group_logged(struct coord *c, const struct outbox_logged *l, struct qr_err *err)
{
    struct qr_arena arena;
    struct store_step s;
    struct qr_db *db = c->s->db;
    if (l->kind < LEAF_GROUP_CREATED || l->kind > LEAF_GROUP_SIGNATURE_MADE) return QR_OK;
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = store_step_by_row(db, l->row, &arena, &s, err);
    if (rc == QR_OK && l->kind == LEAF_GROUP_SIGNING_STARTED) {
        s.started_index = l->entry->index;
        s.started = l->entry->leaf;
        s.since_us = coord_now(c);
        rc = store_step_started(db, &s, err);
    } else if (rc == QR_OK) {
        if (l->kind == LEAF_GROUP_RETIRED)
            rc = store_group_retire(db, &s.group, err);
        else if (l->kind != LEAF_GROUP_SIGNATURE_MADE)
            rc = keep_change(c, &s, l, err);
        if (rc == QR_OK) rc = store_step_done(db, s.n, l->entry->index, err);
    }
    qr_arena_fini(&arena);
    return rc == QR_NOTFOUND ? QR_OK : rc;
}
