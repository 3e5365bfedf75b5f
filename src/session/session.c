/* session.c - the steps of the signing session.
 *
 * Each event works on a copy of the state and a list of effects; after it, and
 * only here, a quorum is looked for: so whatever made one possible (an
 * approval, a watcher's return, a failed attempt, the end of a wait) begins
 * the next attempt in the same step. */
#include "session/session.h"

#include "base/removal.h"

#include <assert.h>

struct step {
    struct session *s;
    const struct session_event *ev;
    struct session_effects *fx;
    struct qr_err *err;
};

enum qr_rc session_init(struct session *s, const struct session_rules *rules, struct qr_err *err)
{
    qr_zero(s, sizeof *s);
    uint64_t n = (uint64_t)rules->engineers + rules->stewards;
    if (n == 0 || n > QR_MAX_PARTICIPANTS)
        return qr_fail(err, QR_RANGE, "a quorum of %llu people is out of range",
                       (unsigned long long)n);
    if (rules->attempts_max == 0) return qr_fail(err, QR_RANGE, "no attempt allowed");
    s->rules = *rules;
    s->state = SESSION_OPEN;
    s->wait = SESSION_WAIT_JOIN;
    s->deadline_us = INT64_MAX;
    s->hold_us = INT64_MIN;
    return QR_OK;
}

bool session_is_final(const struct session *s) { return s->state >= SESSION_SIGNED; }

uint32_t session_members(const struct session *s)
{
    bool running = s->state >= SESSION_QUORATE && s->state <= SESSION_SIGNED;
    return running ? s->rules.engineers + s->rules.stewards : 0;
}

const struct session_approval *session_member(const struct session *s, uint32_t member)
{
    for (uint32_t i = 0; member > 0 && i < s->n_approvals; i++)
        if (s->approvals[i].member == member) return &s->approvals[i];
    return NULL;
}

const struct session_approval *session_by_id(const struct session *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->n_approvals; i++)
        if (s->approvals[i].id == id) return &s->approvals[i];
    return NULL;
}

const struct session_approval *session_by_leaf(const struct session *s, const struct qr_hash *leaf)
{
    for (uint32_t i = 0; i < s->n_approvals; i++)
        if (s->approvals[i].logged && qr_hash_equal(&s->approvals[i].leaf, leaf))
            return &s->approvals[i];
    return NULL;
}

static uint32_t needed(const struct session *s, enum qr_role role)
{
    return role == QR_ENGINEER ? s->rules.engineers : s->rules.stewards;
}

uint32_t session_have(const struct session *s, enum qr_role role)
{
    uint32_t have = 0;
    for (uint32_t i = 0; i < s->n_approvals; i++)
        if (s->approvals[i].logged && s->approvals[i].role == role) have++;
    return have < needed(s, role) ? have : needed(s, role);
}

/* A watcher that went less than the grace ago still counts: streams are cut
 * and resumed, and a join is answered before its stream can open. */
static bool is_live(const struct session *s, const struct session_approval *a, int64_t now_us)
{
    if (a->watchers > 0) return true;
    return a->gone_us != INT64_MIN && now_us < a->gone_us + s->rules.grace_us;
}

int64_t session_due_us(const struct session *s)
{
    if (session_is_final(s) || s->wait == SESSION_WAIT_MAKE || !s->requested) return INT64_MAX;
    int64_t due = s->rules.expires_us;
    if (s->deadline_us < due) due = s->deadline_us;
    if (s->state == SESSION_OPEN && s->hold_us != INT64_MIN && s->hold_us < due) due = s->hold_us;
    return due;
}

/* ---- effects ---- */

static struct session_effect *add(struct step *t, enum session_effect_kind kind)
{
    assert(t->fx->n < SESSION_MAX_EFFECTS);
    struct session_effect *e = &t->fx->list[t->fx->n++];
    e->kind = kind;
    e->attempt = t->s->attempt;
    return e;
}

static void do_log(struct step *t, enum session_log_kind log) { add(t, SESSION_DO_LOG)->log = log; }

static void do_order(struct step *t, enum session_order_kind order)
{
    add(t, SESSION_DO_ORDER)->order = order;
}

/* ---- approvals ---- */

static struct session_approval *find(struct session *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->n_approvals; i++)
        if (s->approvals[i].id == id) return &s->approvals[i];
    return NULL;
}

static struct session_approval *find_person(struct session *s, const struct qr_hash *person)
{
    for (uint32_t i = 0; i < s->n_approvals; i++)
        if (qr_hash_equal(&s->approvals[i].person, person)) return &s->approvals[i];
    return NULL;
}

/* What stands for this person already. */
static struct session_approval *filled_by(struct session *s, const struct qr_hash *person)
{
    struct session_approval *a = find_person(s, person);
    return QR_HOLDS(SESSION_PERSON, !a) ? NULL : a;
}

static void remove_approval(struct session *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->n_approvals; i++) {
        if (s->approvals[i].id != id) continue;
        for (uint32_t k = i + 1; k < s->n_approvals; k++) s->approvals[k - 1] = s->approvals[k];
        qr_zero(&s->approvals[--s->n_approvals], sizeof s->approvals[0]);
        return;
    }
}

static const struct session_barred *find_barred(const struct session *s,
                                                const struct qr_hash *person)
{
    for (uint32_t i = 0; i < s->n_barred; i++)
        if (qr_hash_equal(&s->barred[i].person, person)) return &s->barred[i];
    return NULL;
}

/* Gives false when no more people of that kind can be barred. */
static bool bar(struct session *s, const struct qr_hash *person, bool blamed)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < s->n_barred; i++) same += s->barred[i].blamed == blamed;
    if (find_barred(s, person)) return true;
    if (same == SESSION_MAX_BARRED / 2) return false;
    s->barred[s->n_barred++] = (struct session_barred){.person = *person, .blamed = blamed};
    return true;
}

/* ---- attempts ---- */

static void go(struct step *t, enum session_state state, enum session_wait wait, int64_t wait_us)
{
    t->s->state = state;
    t->s->wait = wait;
    t->s->deadline_us = wait_us == INT64_MAX ? INT64_MAX : t->ev->now_us + wait_us;
}

static void finish(struct step *t, enum session_state state, enum session_wait step,
                   const char *reason)
{
    t->fx->step = step;
    t->fx->end_reason = reason;
    if (state == SESSION_SIGNED) {
        do_order(t, SESSION_ORDER_SIGNED);
    } else {
        do_log(t, SESSION_LOG_SESSION_ENDED);
        do_order(t, SESSION_ORDER_ENDED);
    }
    add(t, SESSION_DO_END);
    go(t, state, SESSION_WAIT_NONE, INT64_MAX);
}

/* Takes an approval out and says so in the effects. */
static void drop(struct step *t, uint32_t id)
{
    t->fx->dropped[t->fx->n_dropped++] = id;
    remove_approval(t->s, id);
}

/* Ends the running attempt; who has to go was dropped before. */
static void fail_attempt(struct step *t, const char *reason)
{
    struct session *s = t->s;
    t->fx->step = s->wait;
    t->fx->reason = reason;
    do_log(t, SESSION_LOG_ATTEMPT_FAILED);
    do_order(t, SESSION_ORDER_ATTEMPT_FAILED);
    for (uint32_t i = 0; i < s->n_approvals; i++) {
        s->approvals[i].member = 0;
        s->approvals[i].answered = false;
    }
    enum session_wait step = s->wait;
    go(t, SESSION_OPEN, SESSION_WAIT_JOIN, INT64_MAX);
    s->hold_us = INT64_MIN;
    if (s->attempt >= s->rules.attempts_max) finish(t, SESSION_FAILED, step, "too-many-attempts");
}

/* The earliest live approvals that fill the roles exactly.  Returns whether
 * there are enough, and numbers them in the order of their log indexes, which
 * is the order of the descriptor (docs/FORMATS.md section 3.4). */
static bool choose_members(struct session *s, int64_t now_us)
{
    uint32_t left[QR_ROLES] = {
        [QR_ENGINEER] = s->rules.engineers, [QR_STEWARD] = s->rules.stewards};
    uint32_t member = 0;
    for (;;) {
        struct session_approval *best = NULL;
        for (uint32_t i = 0; i < s->n_approvals; i++) {
            struct session_approval *a = &s->approvals[i];
            if (!a->logged || a->member || left[a->role] == 0 || !is_live(s, a, now_us)) continue;
            if (!best || a->index < best->index) best = a;
        }
        if (!best) break;
        left[best->role]--;
        best->member = ++member;
        best->answered = false;
    }
    if (left[QR_ENGINEER] == 0 && left[QR_STEWARD] == 0) return true;
    for (uint32_t i = 0; i < s->n_approvals; i++) s->approvals[i].member = 0;
    return false;
}

static void look_for_quorum(struct step *t)
{
    struct session *s = t->s;
    int64_t now_us = t->ev->now_us;
    if (s->state != SESSION_OPEN || !s->requested || now_us < s->hold_us) return;
    s->hold_us = INT64_MIN;
    if (now_us >= s->rules.expires_us || !choose_members(s, now_us)) return;
    s->attempt++;
    go(t, SESSION_QUORATE, SESSION_WAIT_PRESENCE, s->rules.presence_us);
    do_order(t, SESSION_ORDER_PRESENCE);
}

/* Every member answered: on to what the coordinator does next. */
static void round_complete(struct step *t)
{
    struct session *s = t->s;
    for (uint32_t i = 0; i < s->n_approvals; i++) s->approvals[i].answered = false;
    switch (s->wait) {
    case SESSION_WAIT_PRESENCE:
        go(t, SESSION_QUORATE, SESSION_WAIT_ROSTER, s->rules.service_us);
        add(t, SESSION_DO_ROSTER);
        break;
    case SESSION_WAIT_DKG1:
        go(t, SESSION_DKG, SESSION_WAIT_DKG2, s->rules.round_us);
        do_order(t, SESSION_ORDER_DKG1);
        break;
    case SESSION_WAIT_DKG2:
        go(t, SESSION_DKG, SESSION_WAIT_VERIFY, s->rules.service_us);
        add(t, SESSION_DO_VERIFY);
        break;
    case SESSION_WAIT_SHARE:
        go(t, SESSION_SIGNING, SESSION_WAIT_AGGREGATE, s->rules.service_us);
        add(t, SESSION_DO_AGGREGATE);
        break;
    case SESSION_WAIT_CHAIN:
        go(t, SESSION_SIGNING, SESSION_WAIT_SEAL, s->rules.service_us);
        add(t, SESSION_DO_AGGREGATE);
        break;
    default: qr_fatal("no round waits in %s", session_wait_name(s->wait));
    }
}

static bool is_round(enum session_wait wait)
{
    return wait == SESSION_WAIT_PRESENCE || wait == SESSION_WAIT_DKG1 ||
           wait == SESSION_WAIT_DKG2 || wait == SESSION_WAIT_SHARE || wait == SESSION_WAIT_CHAIN;
}

/* ---- events: approvals ---- */

static enum qr_rc on_approval(struct step *t)
{
    struct session *s = t->s;
    const struct session_event *ev = t->ev;
    assert(ev->id != 0);
    const struct session_approval *same = session_by_id(s, ev->id);
    if (same && qr_hash_equal(&same->person, &ev->person)) return QR_OK;
    assert(!same);
    if (!s->requested) return qr_fail(t->err, QR_STATE, "the request is not recorded yet");
    if (s->wait == SESSION_WAIT_MAKE) return qr_fail(t->err, QR_STATE, "the signature is made");
    bool requester = qr_hash_equal(&s->rules.requester, &ev->person);
    if (!QR_HOLDS(SESSION_REQUESTER, s->rules.requester_may_approve || !requester))
        return qr_fail(t->err, QR_POLICY, "the requester must not approve");
    const struct session_barred *b = find_barred(s, &ev->person);
    if (b)
        return qr_fail(t->err, QR_CONFLICT,
                       b->blamed ? "blamed for a failed attempt" : "this person has refused");
    struct session_approval *old = filled_by(s, &ev->person);
    if (old && (!old->logged || is_live(s, old, ev->now_us)))
        return qr_fail(t->err, QR_CONFLICT, "this person already fills a slot");
    if (!old && s->n_approvals == SESSION_MAX_APPROVALS)
        return qr_fail(t->err, QR_EXHAUSTED, "too many approvals");
    if (old && old->member && s->attempt == s->rules.attempts_max)
        return qr_fail(t->err, QR_CONFLICT, "this person is a member of the last attempt");
    if (old) {
        bool member = old->member != 0;
        t->fx->replaced = old->id;
        remove_approval(s, old->id);
        if (member) fail_attempt(t, "member-joined-again");
    }
    s->approvals[s->n_approvals++] = (struct session_approval){
        .id = ev->id, .person = ev->person, .role = ev->role, .gone_us = ev->now_us};
    do_log(t, SESSION_LOG_APPROVAL_GIVEN);
    return QR_OK;
}

static enum qr_rc on_approval_logged(struct step *t)
{
    struct session_approval *a = find(t->s, t->ev->id);
    if (!a || a->logged) return QR_OK;
    a->logged = true;
    a->leaf = t->ev->leaf;
    a->index = t->ev->index;
    if (a->watchers == 0 && a->gone_us != INT64_MIN) a->gone_us = t->ev->now_us;
    do_order(t, SESSION_ORDER_PROGRESS);
    return QR_OK;
}

static enum qr_rc on_refused(struct step *t)
{
    struct session *s = t->s;
    if (find_person(s, &t->ev->person))
        return qr_fail(t->err, QR_CONFLICT, "this person has approved: withdraw instead");
    if (find_barred(s, &t->ev->person))
        return qr_fail(t->err, QR_CONFLICT, "this person has refused already");
    if (!bar(s, &t->ev->person, false)) return qr_fail(t->err, QR_EXHAUSTED, "too many refusals");
    do_log(t, SESSION_LOG_APPROVAL_REFUSED);
    do_order(t, SESSION_ORDER_PROGRESS);
    return QR_OK;
}

static enum qr_rc on_withdrawn(struct step *t)
{
    struct session *s = t->s;
    const struct session_approval *a = find(s, t->ev->id);
    if (!a) return qr_fail(t->err, QR_NOTFOUND, "no such standing approval");
    if (!a->logged) return qr_fail(t->err, QR_STATE, "the approval is not recorded yet");
    if (s->wait == SESSION_WAIT_MAKE) return qr_fail(t->err, QR_STATE, "the signature is made");
    bool member = a->member != 0;
    drop(t, t->ev->id);
    do_log(t, SESSION_LOG_APPROVAL_WITHDRAWN);
    if (member)
        fail_attempt(t, "approval-withdrawn");
    else
        do_order(t, SESSION_ORDER_PROGRESS);
    return QR_OK;
}

static enum qr_rc on_cancelled(struct step *t)
{
    if (!qr_hash_equal(&t->s->rules.requester, &t->ev->person))
        return qr_fail(t->err, QR_DENIED, "only the requester cancels a session");
    if (!t->s->requested) return qr_fail(t->err, QR_STATE, "the request is not recorded yet");
    if (t->s->wait == SESSION_WAIT_MAKE) return qr_fail(t->err, QR_STATE, "the signature is made");
    finish(t, SESSION_CANCELLED, t->s->wait, "cancelled");
    return QR_OK;
}

static enum qr_rc on_watcher(struct step *t)
{
    struct session_approval *a = find(t->s, t->ev->id);
    if (!a) return qr_fail(t->err, QR_NOTFOUND, "no such standing approval");
    if (t->ev->kind == SESSION_EV_ATTACHED) {
        a->watchers++;
    } else if (a->watchers > 0 && --a->watchers == 0) {
        a->gone_us = t->ev->now_us;
    }
    return QR_OK;
}

/* ---- events: envelopes ---- */

/* The member that sends, or why not. */
static enum qr_rc sender(struct step *t, struct session_approval **out)
{
    struct session_approval *a = find(t->s, t->ev->id);
    if (!a) return qr_fail(t->err, QR_NOTFOUND, "no such standing approval");
    if (!QR_HOLDS(SESSION_ATTEMPT, t->ev->attempt == t->s->attempt && t->s->state != SESSION_OPEN))
        return qr_fail(t->err, QR_STALE, "attempt %u does not run", t->ev->attempt);
    if (!QR_HOLDS(SESSION_MEMBER, a->member != 0))
        return qr_fail(t->err, QR_DENIED, "not a member of this attempt");
    *out = a;
    return QR_OK;
}

static enum qr_rc on_submitted(struct step *t)
{
    struct session_approval *a = NULL;
    QR_TRY(sender(t, &a));
    if (!is_round(t->s->wait) || !QR_HOLDS(SESSION_ROUND, t->ev->wait == t->s->wait))
        return qr_fail(t->err, QR_STATE, "%s is not awaited, %s is", session_wait_name(t->ev->wait),
                       session_wait_name(t->s->wait));
    a->answered = true;
    for (uint32_t i = 0; i < t->s->n_approvals; i++)
        if (t->s->approvals[i].member && !t->s->approvals[i].answered) return QR_OK;
    round_complete(t);
    return QR_OK;
}

/* What a member claims about another proves nothing (he can invent the share
 * he complains of): both leave, neither is barred, and others who wait can take their places. */
static enum qr_rc on_aborted(struct step *t)
{
    struct session_approval *a = NULL;
    QR_TRY(sender(t, &a));
    if (t->s->wait == SESSION_WAIT_MAKE) return qr_fail(t->err, QR_STATE, "the signature is made");
    uint32_t accuser = a->id;
    for (uint32_t m = 1; m <= session_members(t->s); m++) {
        const struct session_approval *b = session_member(t->s, m);
        if (!b || b->id == accuser || !(t->ev->culprits & (UINT64_C(1) << (m - 1)))) continue;
        t->fx->blame[t->fx->n_blame++] = b->person;
        drop(t, b->id);
    }
    drop(t, accuser);
    fail_attempt(t, "member-aborted");
    return QR_OK;
}

static enum qr_rc on_culprits(struct step *t)
{
    uint32_t n = session_members(t->s);
    uint32_t found = 0;
    bool barred = true;
    for (uint32_t m = 1; m <= n; m++) {
        if (!(t->ev->culprits & (UINT64_C(1) << (m - 1)))) continue;
        const struct session_approval *a = session_member(t->s, m);
        assert(a);
        t->fx->blame[t->fx->n_blame++] = a->person;
        barred = bar(t->s, &a->person, true) && barred;
        drop(t, a->id);
        found++;
    }
    fail_attempt(t, found ? "bad-message" : "unexplained");
    if (t->s->state != SESSION_OPEN) return QR_OK;
    if (!barred) finish(t, SESSION_FAILED, t->fx->step, "too-many-culprits");
    if (found == 0) t->s->hold_us = t->ev->now_us + t->s->rules.backoff_us;
    return QR_OK;
}

/* ---- events: the coordinator's own steps ---- */

/* Members who may no longer sign leave without blame.  Gives whether any did. */
static bool drop_members(struct step *t, uint64_t members)
{
    uint32_t n = members ? session_members(t->s) : 0;
    for (uint32_t m = 1; m <= n; m++)
        if (members & (UINT64_C(1) << (m - 1))) drop(t, session_member(t->s, m)->id);
    return members != 0;
}

static bool is_attempt_event(enum session_event_kind k)
{
    return k >= SESSION_EV_CULPRITS && k <= SESSION_EV_STEP_FAILED;
}

/* Results of work that the machine itself asked for.  One that belongs to an
 * attempt or a wait that is over changes nothing. */
static enum qr_rc on_progress(struct step *t)
{
    static const enum session_wait awaited[] = {[SESSION_EV_ROSTER_ATTESTED] = SESSION_WAIT_ROSTER,
                                                [SESSION_EV_FROZEN_LOGGED] = SESSION_WAIT_FREEZE,
                                                [SESSION_EV_DKG_VERIFIED] = SESSION_WAIT_VERIFY,
                                                [SESSION_EV_COMPLETED_LOGGED] =
                                                    SESSION_WAIT_COMPLETE,
                                                [SESSION_EV_GROUP_CERTIFIED] = SESSION_WAIT_CERTIFY,
                                                [SESSION_EV_STARTED_LOGGED] = SESSION_WAIT_START,
                                                [SESSION_EV_CHAINED] = SESSION_WAIT_AGGREGATE,
                                                [SESSION_EV_AGGREGATED] = SESSION_WAIT_AGGREGATE,
                                                [SESSION_EV_MADE_LOGGED] = SESSION_WAIT_MAKE};
    struct session *s = t->s;
    const struct session_rules *r = &s->rules;
    bool second = s->wait == SESSION_WAIT_SEAL && t->ev->kind == SESSION_EV_AGGREGATED;
    if (awaited[t->ev->kind] != s->wait && !second) return QR_OK;
    switch (s->wait) {
    case SESSION_WAIT_ROSTER:
        go(t, SESSION_QUORATE, SESSION_WAIT_FREEZE, r->service_us);
        do_log(t, SESSION_LOG_ROSTER_FROZEN);
        break;
    case SESSION_WAIT_FREEZE:
        go(t, SESSION_DKG, SESSION_WAIT_DKG1, r->round_us);
        do_order(t, SESSION_ORDER_FROZEN);
        break;
    case SESSION_WAIT_VERIFY:
        go(t, SESSION_DKG, SESSION_WAIT_COMPLETE, r->service_us);
        do_log(t, SESSION_LOG_DKG_COMPLETED);
        break;
    case SESSION_WAIT_COMPLETE:
        go(t, SESSION_DKG, SESSION_WAIT_CERTIFY, r->service_us);
        add(t, SESSION_DO_CERTIFY);
        break;
    case SESSION_WAIT_CERTIFY:
        go(t, SESSION_CERTIFIED, SESSION_WAIT_START, r->service_us);
        do_log(t, SESSION_LOG_SIGNING_STARTED);
        break;
    case SESSION_WAIT_START:
        go(t, SESSION_SIGNING, SESSION_WAIT_SHARE, r->round_us);
        do_order(t, SESSION_ORDER_SIGN);
        break;
    case SESSION_WAIT_AGGREGATE:
    case SESSION_WAIT_SEAL:
        if (t->ev->kind == SESSION_EV_CHAINED) {
            go(t, SESSION_SIGNING, SESSION_WAIT_CHAIN, r->round_us);
            do_order(t, SESSION_ORDER_CHAIN);
            break;
        }
        go(t, SESSION_SIGNING, SESSION_WAIT_MAKE, INT64_MAX);
        do_log(t, SESSION_LOG_SIGNATURE_MADE);
        break;
    case SESSION_WAIT_MAKE: finish(t, SESSION_SIGNED, SESSION_WAIT_MAKE, NULL); break;
    default: qr_fatal("no step ends in %s", session_wait_name(s->wait));
    }
    return QR_OK;
}

static enum qr_rc on_attempt_event(struct step *t)
{
    struct session *s = t->s;
    if (t->ev->attempt != s->attempt || s->state == SESSION_OPEN) return QR_OK;
    if (t->ev->kind != SESSION_EV_CULPRITS && t->ev->kind != SESSION_EV_STEP_FAILED)
        return on_progress(t);
    if (s->wait == SESSION_WAIT_MAKE) return QR_OK;
    if (t->ev->kind == SESSION_EV_CULPRITS) return on_culprits(t);
    assert(t->ev->reason);
    bool left = drop_members(t, t->ev->culprits);
    fail_attempt(t, t->ev->reason);
    if (s->state == SESSION_OPEN && !left) s->hold_us = t->ev->now_us + s->rules.backoff_us;
    return QR_OK;
}

/* ---- events: time ---- */

static enum qr_rc on_tick(struct step *t)
{
    struct session *s = t->s;
    if (t->ev->now_us < s->deadline_us) return QR_OK;
    bool round = is_round(s->wait);
    for (uint32_t m = 1, n = session_members(s); round && m <= n; m++) {
        const struct session_approval *a = session_member(s, m);
        assert(a);
        if (!a->answered) drop(t, a->id);
    }
    fail_attempt(t, round ? "no-answer" : "service-timeout");
    if (s->state == SESSION_OPEN && !round) s->hold_us = t->ev->now_us + s->rules.backoff_us;
    return QR_OK;
}

static enum qr_rc on_restart(struct step *t)
{
    struct session *s = t->s;
    for (uint32_t i = 0; i < s->n_approvals; i++) {
        s->approvals[i].watchers = 0;
        s->approvals[i].gone_us = INT64_MIN;
    }
    if (s->state == SESSION_OPEN || s->wait == SESSION_WAIT_MAKE) return QR_OK;
    fail_attempt(t, "coordinator-restarted");
    return QR_OK;
}

static enum qr_rc handle(struct step *t)
{
    switch (t->ev->kind) {
    case SESSION_EV_REQUESTED: t->s->requested = true; return QR_OK;
    case SESSION_EV_APPROVAL: return on_approval(t);
    case SESSION_EV_APPROVAL_LOGGED: return on_approval_logged(t);
    case SESSION_EV_REFUSED: return on_refused(t);
    case SESSION_EV_WITHDRAWN: return on_withdrawn(t);
    case SESSION_EV_CANCELLED: return on_cancelled(t);
    case SESSION_EV_ATTACHED:
    case SESSION_EV_DETACHED: return on_watcher(t);
    case SESSION_EV_SUBMITTED: return on_submitted(t);
    case SESSION_EV_ABORTED: return on_aborted(t);
    case SESSION_EV_TICK: return on_tick(t);
    case SESSION_EV_RESTART: return on_restart(t);
    default: assert(is_attempt_event(t->ev->kind)); return on_attempt_event(t);
    }
}

/* Whether the event asks for something that a closed session must refuse;
 * the others are news that no longer matter. */
static bool wants_open(enum session_event_kind k)
{
    return k == SESSION_EV_APPROVAL || k == SESSION_EV_REFUSED || k == SESSION_EV_WITHDRAWN ||
           k == SESSION_EV_CANCELLED || k == SESSION_EV_SUBMITTED || k == SESSION_EV_ABORTED;
}

/* A signature that is on its way into the log cannot be called back, so from
 * then on the session no longer expires; and session.ended names the leaf of
 * session.requested, which must be there first. */
static bool expires_now(const struct session *s, int64_t now_us)
{
    return now_us >= s->rules.expires_us && s->wait != SESSION_WAIT_MAKE && s->requested;
}

enum qr_rc session_step(const struct session *in, const struct session_event *ev,
                        struct session *out, struct session_effects *effects, struct qr_err *err)
{
    assert(in != out);
    *out = *in;
    qr_zero(effects, sizeof *effects);
    if (session_is_final(in)) {
        if (!wants_open(ev->kind)) return QR_OK;
        return qr_fail(err, QR_STATE, "the session is over: %s", session_state_name(in->state));
    }
    struct step t = {.s = out, .ev = ev, .fx = effects, .err = err};
    bool expired = expires_now(in, ev->now_us);
    if (expired && wants_open(ev->kind)) return qr_fail(err, QR_STATE, "the session has expired");
    if (expired) {
        finish(&t, SESSION_EXPIRED, out->wait, "expired");
        return QR_OK;
    }
    enum qr_rc rc = handle(&t);
    if (rc != QR_OK) {
        *out = *in;
        qr_zero(effects, sizeof *effects);
        return rc;
    }
    look_for_quorum(&t);
    return QR_OK;
}
