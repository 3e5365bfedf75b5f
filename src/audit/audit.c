/* audit.c - the envelope of every entry, and what becomes of what was found. */
#include "audit/state.h"

#include "base/removal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const rule_names[AUDIT_RULES] = {
#define AUDIT_RULE(id, name, text) name,
#include "audit/rules.def"
#undef AUDIT_RULE
};

/* Whether an enrolment is in force at the entry under judgement. */
static bool enrolled_now(void *ctx, const struct leaf_group_person *p, enum qr_role *role,
                         struct qr_pub *person_key)
{
    const struct member *m = audit_member(ctx, &p->enrolment);
    if (!m || m->ended || !qr_hash_equal(&m->id.is.commitment, &p->commitment)) return false;
    *role = m->id.is.role;
    *person_key = m->id.is.person_key;
    return true;
}

/* That a commitment is used twice is found when the log has been read. */
static bool fresh(void *ctx, const struct qr_pub *commitment)
{
    audit_once(ctx, ONCE_NONCE, QR_BYTES_NONE, QR_BYTES_OF(commitment->b));
    return true;
}

struct audit *audit_new(const struct audit_conf *conf)
{
    struct audit *a = calloc(1, sizeof *a);
    if (!a) qr_fatal("out of memory");
    a->conf = *conf;
    trust_context_of(conf->dir, conf->extra_classes, &a->context);
    if (!trust_origin_lesser(conf->dir->origin)) a->conf.extra_classes = 0;
    /* nothing is in force before it is logged */
    qr_zero(&a->context.policies, sizeof a->context.policies);
    a->context.of_log = true;
    trust_report_init(&a->report);
    a->once = once_new(conf->used_path);
    const struct trust_people people = {enrolled_now, a, fresh};
    a->groups = trust_groups_new(&a->context, &people);
    for (size_t i = 0; i < LEAF_AUTHOR_COUNT; i++)
        for (size_t k = 0; k < conf->dir->authors[i].n; k++)
            qr_key_id(&conf->dir->authors[i].k[k], a->clocks[a->clock_count++].key_id);
    return a;
}

void audit_attempt_end(struct session *s)
{
    free(s->attempt);
    s->attempt = NULL;
}

void audit_session_end(struct audit *a, struct session *s)
{
    audit_map_set(&a->by_leaf, &s->request.at.leaf, AUDIT_ENDED | a->at.index);
    audit_attempt_end(s);
    free(s->approvals);
    free(s->issues);
    free(s->trail.steps);
    *s = (struct session){.live = false};
    if ((size_t)(s - a->sessions) < a->session_free) a->session_free = (size_t)(s - a->sessions);
    a->counts.open--;
}

void audit_free(struct audit *a)
{
    if (!a) return;
    for (size_t i = 0; i < a->session_room; i++)
        if (a->sessions[i].live) audit_session_end(a, &a->sessions[i]);
    for (size_t i = 0; i < a->member_count; i++) json_decref(a->members[i].json);
    free(a->sessions);
    free(a->members);
    free(a->people.steps);
    audit_map_fini(&a->enrolments);
    audit_map_fini(&a->commitments);
    audit_map_fini(&a->keys);
    audit_map_fini(&a->by_leaf);
    trust_report_fini(&a->report);
    once_free(a->once);
    trust_groups_free(a->groups);
    free(a);
}

const struct audit_counts *audit_counts(const struct audit *a) { return &a->counts; }

/* ---- breaches ---- */

static void tell(struct audit *a, const struct audit_breach *b)
{
    if (a->again) return;
    if (a->counts.breaches++ == 0) a->counts.first = b->rc;
    a->conf.breach(a->conf.ctx, b);
}

enum qr_rc audit_breach(struct audit *a, enum audit_rule rule, enum qr_rc rc, const char *fmt, ...)
{
    char text[TRUST_DETAIL_SIZE];
    va_list ap;
    if (qr_removed(rule_names[rule])) return QR_OK;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct audit_breach b = {a->at.index, rule_names[rule], rc, text};
    tell(a, &b);
    return rc;
}

enum qr_rc audit_breach_of(struct audit *a, const char *rule, enum qr_rc rc, const char *text)
{
    struct audit_breach b = {a->at.index, rule, rc, text};
    if (qr_removed(rule)) return QR_OK;
    tell(a, &b);
    return rc;
}

const char *audit_rule_name(enum audit_rule rule) { return rule_names[rule]; }

enum qr_rc audit_take(struct audit *a, enum qr_rc rc) { return audit_take_by(a, rc, ""); }

enum qr_rc audit_take_by(struct audit *a, enum qr_rc rc, const char *proof)
{
    const struct trust_finding *f = trust_report_first(&a->report);
    if (rc != QR_OK && f) {
        char text[2 * TRUST_DETAIL_SIZE];
        (void)snprintf(text, sizeof text, "%s%s",
                       f->detail[0] ? f->detail : trust_check_text(f->id), proof);
        struct audit_breach b = {a->at.index, trust_check_name(f->id), rc, text};
        tell(a, &b);
    }
    a->report.count = a->report.failed = 0;
    a->report.rc = QR_OK;
    return rc;
}

enum qr_rc audit_form(struct audit *a, enum qr_rc rc, const struct qr_err *err)
{
    if (rc == QR_OK) return QR_OK;
    struct audit_breach b = {a->at.index, trust_check_name(TRUST_ENTRY_FORM), rc, err->text};
    tell(a, &b);
    return rc;
}

enum qr_rc audit_hold(struct audit *a, struct attempt *t, enum qr_rc held, enum qr_rc rc)
{
    const struct trust_finding *f = trust_report_first(&a->report);
    if (rc != held || !f) return audit_take(a, rc);
    if (!t->held_rule) {
        t->held_rule = trust_check_name(f->id);
        t->held_rc = rc;
        (void)snprintf(t->held, sizeof t->held, "%s", f->detail);
    }
    a->report.count = a->report.failed = 0;
    a->report.rc = QR_OK;
    return QR_OK;
}

/* ---- one entry ---- */

static enum qr_rc author_time(struct audit *a)
{
    for (size_t i = 0; i < a->clock_count; i++) {
        struct clock_of *c = &a->clocks[i];
        if (!qr_bytes_is(qr_str(a->e->key_id), c->key_id)) continue;
        if (a->e->time_us < c->last_us)
            return audit_breach(a, AUDIT_TIME, QR_FALSE,
                                "%s is older than its author's entry before it",
                                leaf_kind_name(a->e->kind));
        c->last_us = a->e->time_us;
    }
    if (a->e->time_us + 2 * QR_MAX_TIME_SKEW_US < a->newest_us)
        return audit_breach(a, AUDIT_TIME, QR_FALSE, "%s is older than entries before it",
                            leaf_kind_name(a->e->kind));
    if (a->e->time_us > a->newest_us) a->newest_us = a->e->time_us;
    return QR_OK;
}

/* An entry whose author is not who it must be is nobody's: it has no effect. */
static enum qr_rc judge(struct audit *a)
{
    const struct leaf_entry *e = a->e;
    QR_TRY(audit_take(a, trust_entry_check(&a->context, e, &a->report)));
    (void)author_time(a);
    switch (e->kind) {
    case LEAF_SERVICE_STARTED:
    case LEAF_ATTESTATION_ACCEPTED:
    case LEAF_ATTESTATION_REFUSED:
    case LEAF_POLICY_CHANGED:
    case LEAF_IDENTITY_ENROLLED:
    case LEAF_IDENTITY_ROLE_CHANGED:
    case LEAF_IDENTITY_REVOKED:
    case LEAF_IDENTITY_ERASED:
    case LEAF_KEY_ROTATED: return audit_people(a);
    case LEAF_GROUP_CREATED:
    case LEAF_GROUP_REFRESHED:
    case LEAF_GROUP_REPAIRED:
    case LEAF_GROUP_RESHARED:
    case LEAF_GROUP_RETIRED:
    case LEAF_GROUP_SIGNING_STARTED:
    case LEAF_GROUP_SIGNATURE_MADE: return audit_groups(a);
    case LEAF_SESSION_REQUESTED:
    case LEAF_SESSION_ENDED:
    case LEAF_SIGNATURE_MADE: QR_TRY(audit_ceremony(a)); return audit_groups(a);
    default: return audit_ceremony(a);
    }
}

enum qr_rc audit_groups(struct audit *a)
{
    return audit_take(a, trust_groups_take(a->groups, a->e, &a->at, &a->report));
}

enum qr_rc audit_entry(struct audit *a, struct qr_bytes entry)
{
    struct leaf_entry e;
    struct qr_err err = {{0}};
    a->at = (struct trust_place){.index = a->counts.entries++, .leaf = leaf_hash(entry)};
    a->io = false;
    enum qr_rc rc = leaf_parse(entry, &e, &err);
    if (rc != QR_OK) {
        (void)audit_form(a, rc, &err);
        return QR_OK;
    }
    a->e = &e;
    a->at.time_us = e.time_us;
    a->at.classes = e.classes;
    a->counts.kinds[e.kind]++;
    audit_once(a, ONCE_EVENT, qr_str(e.key_id), qr_str(e.event_id));
    (void)judge(a);
    a->e = NULL;
    leaf_fini(&e);
    return a->io ? QR_IO : QR_OK;
}

static void twice(void *ctx, enum once_kind k, uint64_t before, uint64_t again)
{
    struct audit *a = ctx;
    a->at.index = again;
    (void)audit_breach(a, AUDIT_ONCE, QR_FALSE, "its %s was used by entry %llu before",
                       once_kind_name(k), (unsigned long long)before);
}

enum qr_rc audit_finish(struct audit *a) { return once_finish(a->once, twice, a); }

/* ---- what the kinds ask ---- */

struct member *audit_member(struct audit *a, const struct qr_hash *enrolment)
{
    uint64_t i = audit_map_get(&a->enrolments, enrolment);
    return i == AUDIT_NONE ? NULL : &a->members[i];
}

void audit_trace(const struct audit *a, struct audit_trail *t)
{
    if (t->n == t->room) {
        t->room = t->room ? 2 * t->room : 16;
        t->steps = reallocarray(t->steps, t->room, sizeof *t->steps);
        if (!t->steps) qr_fatal("out of memory");
    }
    t->steps[t->n++] = (struct audit_step){a->at.index, a->at.leaf};
}

void audit_once(struct audit *a, enum once_kind k, struct qr_bytes scope, struct qr_bytes value)
{
    if (!a->again && once_add(a->once, k, scope, value, a->at.index) != QR_OK) a->io = true;
}

struct member *audit_named(struct audit *a, const struct qr_hash *enrolment,
                           const struct qr_hash *commitment)
{
    struct member *m = audit_member(a, enrolment);
    const char *what = leaf_kind_name(a->e->kind);
    if (!m)
        (void)audit_breach(a, AUDIT_CURRENT, QR_FALSE, "%s names no enrolment of this log", what);
    else if (!qr_hash_equal(&m->id.is.commitment, commitment))
        (void)audit_breach(a, AUDIT_CURRENT, QR_FALSE, "%s names another person's enrolment", what);
    else
        return m;
    return NULL;
}

struct member *audit_current(struct audit *a, const struct qr_hash *enrolment,
                             const struct qr_hash *commitment)
{
    struct member *m = audit_named(a, enrolment, commitment);
    if (m && m->ended)
        (void)audit_breach(a, AUDIT_CURRENT, QR_FALSE,
                           "%s names an enrolment that entry %llu had ended",
                           leaf_kind_name(a->e->kind), (unsigned long long)m->ended_by);
    return m && !m->ended ? m : NULL;
}

struct session *audit_session(struct audit *a, const struct qr_hash *leaf)
{
    uint64_t i = audit_map_get(&a->by_leaf, leaf);
    if (i == AUDIT_NONE)
        (void)audit_breach(a, AUDIT_SESSION, QR_FALSE, "%s is of a session that nobody requested",
                           leaf_kind_name(a->e->kind));
    else if (audit_ended(i))
        (void)audit_breach(a, AUDIT_SESSION, QR_FALSE,
                           "%s is of a session that had ended by entry %llu",
                           leaf_kind_name(a->e->kind), (unsigned long long)(i & ~AUDIT_ENDED));
    return i >= AUDIT_ENDED ? NULL : &a->sessions[i];
}

unsigned audit_classes(const struct audit *a, const struct signing_policy *p)
{
    return trust_origin_lesser(a->conf.dir->origin) ? p->classes | a->conf.extra_classes : 0;
}

struct trust_context audit_context(const struct audit *a, const struct session *s)
{
    struct trust_context c = a->context;
    c.signing = s->policy;
    c.policies = s->policies;
    c.classes = audit_classes(a, &s->policy);
    return c;
}
