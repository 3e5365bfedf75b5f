/* attempt.c - one attempt at signing: roster, descriptor, key generation, group
 * certificate, start, signatures; or its failure. */
#include "audit/state.h"

#include "frost/package.h"

#include <stdio.h>
#include <stdlib.h>

/* Statement, prefix and type of one payload. */
#define MAX_MESSAGE 65536

static bool pub_equal(const struct qr_pub *a, const struct qr_pub *b)
{
    return qr_bytes_equal(QR_BYTES_OF(a->b), QR_BYTES_OF(b->b));
}

static struct standing *standing_of(struct session *s, const struct qr_hash *approval)
{
    for (size_t i = 0; i < s->approval_count; i++)
        if (qr_hash_equal(&s->approvals[i].t.at.leaf, approval)) return &s->approvals[i];
    return NULL;
}

/* ---- roster ---- */

/* What keeps an approval from being counted, and *by which entry; NULL: nothing. */
static const char *gone(const struct standing *x, const struct member *m, uint64_t *by)
{
    *by = x->withdrawn || x->replaced ? x->gone_by : m->ended_by;
    if (x->late) {
        *by = m->ended_by;
        return m->revoked ? "came when its person was revoked" : "names a replaced enrolment";
    }
    if (x->withdrawn) return "had been withdrawn";
    if (x->replaced) return "had been replaced by a newer one";
    if (!m->ended) return NULL;
    return m->revoked ? "is of somebody who had been revoked" : "names a replaced enrolment";
}

enum { PROOF_SIZE = 128 };

/* The same in words, with the entries that show it; NULL: nothing. */
static const char *not_standing(struct audit *a, const struct standing *x, char out[PROOF_SIZE])
{
    uint64_t by;
    const struct member *m = x ? audit_member(a, &x->t.is.enrolment) : NULL;
    if (!x) return "is no approval of this session so far";
    const char *what = x->wrong || !m ? "broke a rule itself" : gone(x, m, &by);
    if (!what) return NULL;
    if (x->wrong || !m)
        (void)snprintf(out, PROOF_SIZE, "(entry %llu) %s", (unsigned long long)x->t.at.index, what);
    else
        (void)snprintf(out, PROOF_SIZE, "(entry %llu) %s by entry %llu",
                       (unsigned long long)x->t.at.index, what, (unsigned long long)by);
    return out;
}

/* Somebody's own doing, or the admins': not what another entry did wrong. */
static bool was_revoked(struct audit *a, const struct standing *x)
{
    const struct member *m = x ? audit_member(a, &x->t.is.enrolment) : NULL;
    if (!x || !m || x->wrong) return false;
    return x->withdrawn || m->revoked || (!x->late && !x->replaced);
}

static enum qr_rc all_standing(struct audit *a, struct session *s, const struct leaf_roster *r)
{
    enum qr_rc rc = QR_OK;
    char proof[PROOF_SIZE];
    for (size_t i = 0; i < r->n; i++) {
        const struct standing *x = standing_of(s, &r->approvers[i].approval);
        const char *what = not_standing(a, x, proof);
        if (what)
            rc = audit_breach(a, was_revoked(a, x) ? AUDIT_REVOKED : AUDIT_STANDING, QR_FALSE,
                              "approver %u %s", (unsigned)i + 1, what);
    }
    return rc;
}

/* Somebody was revoked or withdrew after the roster: those who sign must see it. */
static void hold_gone(struct audit *a, struct session *s, struct attempt *t)
{
    const struct leaf_roster *r = &t->roster.is;
    char proof[PROOF_SIZE];
    for (size_t i = 0; i < r->n && !t->held_rule; i++) {
        const struct standing *x = standing_of(s, &r->approvers[i].approval);
        const char *what = not_standing(a, x, proof);
        if (!what || !x || x->wrong || x->late) continue;
        t->held_rule = audit_rule_name(x->replaced ? AUDIT_STANDING : AUDIT_REVOKED);
        t->held_rc = QR_FALSE;
        (void)snprintf(t->held, sizeof t->held, "before entry %llu, approver %u %s",
                       (unsigned long long)a->at.index, (unsigned)i + 1, what);
    }
}

/* ", by entries 9 11 13 under entry 0": the approvals that were counted and the
 * policy that they fall short of. */
static void quorum_proof(const struct session *s, char *out, size_t room)
{
    const struct leaf_roster *r = &s->attempt->roster.is;
    size_t n = (size_t)snprintf(out, room, ", by entries");
    for (size_t i = 0; i < r->n && n < room; i++)
        for (size_t k = 0; k < s->approval_count && n < room; k++)
            if (qr_hash_equal(&s->approvals[k].t.at.leaf, &r->approvers[i].approval))
                n += (size_t)snprintf(out + n, room - n, " %llu",
                                      (unsigned long long)s->approvals[k].t.at.index);
    if (n < room)
        (void)snprintf(out + n, room - n, " under the policy of entry %llu",
                       (unsigned long long)s->policy_at);
}

/* The approvals that the attempt's roster names, in its order, for trust_*; a
 * missing one leaves zeros, which match nothing.  Gives free. */
static struct trust_approval *approvals_of(struct session *s)
{
    const struct leaf_roster *r = &s->attempt->roster.is;
    struct trust_approval *list = calloc(r->n + 1, sizeof *list);
    if (!list) qr_fatal("out of memory");
    for (size_t i = 0; i < r->n; i++) {
        const struct standing *x = standing_of(s, &r->approvers[i].approval);
        if (x) list[i] = x->t;
    }
    return list;
}

static enum qr_rc attested(struct audit *a, struct session *s)
{
    struct qr_err err = {{0}};
    struct attempt *t = calloc(1, sizeof *t);
    if (!t) qr_fatal("out of memory");
    enum qr_rc rc = leaf_roster_read(a->e->body, &t->roster.is, &err);
    if (rc != QR_OK) {
        free(t);
        return audit_form(a, rc, &err);
    }
    /* authd may be asked again before the freeze */
    bool again =
        s->attempt && !s->attempt->has_descriptor && s->attempt->number == t->roster.is.attempt;
    bool next = !s->attempt && t->roster.is.attempt > s->attempts;
    if (!again && t->roster.is.attempt <= s->attempts) { /* asked for before that one failed */
        free(t);
        return QR_OK;
    }
    audit_attempt_end(s);
    t->has_roster = true;
    t->number = t->roster.is.attempt;
    t->roster.at = a->at;
    s->attempt = t;
    s->attempts = t->number;
    if (!again && !next)
        return audit_breach(a, AUDIT_ATTEMPT, QR_FALSE, "attempt %u follows none that had ended",
                            t->number);
    QR_TRY(all_standing(a, s, &t->roster.is));
    struct trust_context ctx = audit_context(a, s);
    struct trust_approval *list = approvals_of(s);
    struct trust_freeze f = {
        .req = &s->request, .approvals = list, .n = t->roster.is.n, .roster = &t->roster};
    rc = audit_hold(a, t, QR_POLICY, trust_roster_check(&ctx, &f, &a->report));
    free(list);
    return rc;
}

/* ---- what follows it ---- */

/* The attempt under way when it has this number and descriptor. */
static struct attempt *under_way(struct audit *a, struct session *s, uint32_t number,
                                 const struct qr_hash *descriptor)
{
    struct attempt *t = s->attempt;
    const char *kind = leaf_kind_name(a->e->kind);
    if (!t || t->number != number)
        (void)audit_breach(a, AUDIT_ATTEMPT, QR_FALSE,
                           "%s is of attempt %u, which is not under way", kind, number);
    else if (descriptor && (!t->has_descriptor || !qr_hash_equal(&t->d.hash, descriptor)))
        (void)audit_breach(a, AUDIT_ATTEMPT, QR_FALSE, "%s names another descriptor", kind);
    else
        return t;
    return NULL;
}

static enum qr_rc in_place(struct audit *a, bool ok)
{
    if (ok) return QR_OK;
    return audit_breach(a, AUDIT_ATTEMPT, QR_FALSE, "%s is not in its place, or there twice",
                        leaf_kind_name(a->e->kind));
}

/* Nodes stand in grants, which are not in the log. */
static struct trust_context context_without_nodes(const struct audit *a, const struct session *s)
{
    struct trust_context ctx = audit_context(a, s);
    ctx.signing.distinct_nodes = false;
    return ctx;
}

static enum qr_rc frozen(struct audit *a, struct session *s)
{
    struct qr_err err = {{0}};
    struct trust_descriptor d = {.at = a->at, .hash = leaf_descriptor_hash(a->e->body)};
    QR_TRY(audit_form(a, leaf_descriptor_read(a->e->body, &d.is, &err), &err));
    struct attempt *t = under_way(a, s, d.is.attempt, NULL);
    if (!t) return QR_FALSE;
    QR_TRY(in_place(a, t->has_roster && !t->has_descriptor));
    t->d = d;
    t->has_descriptor = true;
    hold_gone(a, s, t);
    struct trust_context ctx = context_without_nodes(a, s);
    struct trust_approval *list = approvals_of(s);
    struct trust_freeze f = {.req = &s->request,
                             .approvals = list,
                             .n = t->roster.is.n,
                             .roster = &t->roster,
                             .d = &t->d};
    enum qr_rc rc = trust_quorum_check(&ctx, &s->request, list, f.n, &a->report);
    char proof[TRUST_DETAIL_SIZE] = "";
    if (rc == QR_POLICY) quorum_proof(s, proof, sizeof proof);
    if (rc == QR_OK) rc = trust_descriptor_check(&ctx, &f, &a->report);
    if (rc == QR_OK) rc = trust_request_alive(&s->request, a->at.time_us, &a->report);
    free(list);
    QR_TRY(rc == QR_STALE ? audit_hold(a, t, QR_STALE, rc) : audit_take_by(a, rc, proof));
    return audit_same_tree(a, &d.is.checkpoint);
}

static enum qr_rc completed(struct audit *a, struct session *s)
{
    struct leaf_dkg is;
    struct qr_err err = {{0}};
    QR_TRY(audit_form(a, leaf_dkg_read(a->e->body, &is, &err), &err));
    struct attempt *t = under_way(a, s, is.attempt, &is.descriptor);
    if (!t) return QR_FALSE;
    QR_TRY(in_place(a, !t->has_dkg));
    t->dkg = is;
    t->has_dkg = true;
    return QR_OK;
}

enum qr_rc audit_group(struct audit *a, struct session *s, const struct leaf_certificate *c)
{
    bool late = c->attempt <= s->attempts && (!s->attempt || s->attempt->number != c->attempt);
    if (late) return QR_OK;
    struct attempt *t = under_way(a, s, c->attempt, &c->descriptor);
    if (!t) return QR_FALSE;
    QR_TRY(in_place(a, t->has_dkg && !t->has_group));
    t->group = *c;
    t->has_group = true;
    struct qr_hash spki = pki_spki_sha256(&t->dkg.group_key);
    return audit_take(a, trust_check(&a->report, TRUST_GROUP_LOGGED,
                                     pub_equal(&c->group_key, &t->dkg.group_key) &&
                                         qr_hash_equal(&c->spki, &spki) &&
                                         qr_hash_equal(&c->transcript, &t->dkg.transcript),
                                     QR_FALSE, "it is for another key than was generated"));
}

static struct trust_signing signing_of(const struct attempt *t)
{
    return (struct trust_signing){
        .d = &t->d, .group_key = t->dkg.group_key, .certificate = t->group.sha256};
}

/* Nonces are commitments' secrets: a point that stands in two starts gives the
 * shares away. */
static void note_commitments(struct audit *a, const struct leaf_started *st)
{
    for (size_t p = 0; p < st->payload_count; p++)
        for (size_t i = 0; i < st->n; i++) {
            const struct leaf_commitment_pair *c = &st->payloads[p].pairs[i];
            audit_once(a, ONCE_NONCE, QR_BYTES_NONE, QR_BYTES_OF(c->hiding.b));
            audit_once(a, ONCE_NONCE, QR_BYTES_NONE, QR_BYTES_OF(c->binding.b));
        }
}

static enum qr_rc judge_start(struct audit *a, struct session *s, const struct leaf_started *st)
{
    note_commitments(a, st);
    struct attempt *t = under_way(a, s, st->attempt, &st->descriptor);
    if (!t) return QR_FALSE;
    QR_TRY(in_place(a, t->has_group && !t->has_started));
    t->has_started = true;
    t->started_at = a->at;
    hold_gone(a, s, t);
    struct trust_signing signing = signing_of(t);
    enum qr_rc rc = trust_started_check(&signing, st, &a->report);
    if (rc == QR_OK) rc = trust_request_alive(&s->request, a->at.time_us, &a->report);
    QR_TRY(audit_hold(a, t, QR_STALE, rc));
    return audit_take(a, trust_check(&a->report, TRUST_GROUP_TIME,
                                     a->at.time_us >= t->group.not_before_us &&
                                         a->at.time_us <= t->group.not_after_us,
                                     QR_FALSE,
                                     "the group certificate was not valid when signing started"));
}

static enum qr_rc started(struct audit *a, struct session *s)
{
    struct qr_err err = {{0}};
    struct leaf_started *st = calloc(1, sizeof *st);
    if (!st) qr_fatal("out of memory");
    enum qr_rc rc = audit_form(a, leaf_started_read(a->e->body, st, &err), &err);
    if (rc == QR_OK) rc = judge_start(a, s, st);
    free(st);
    return rc;
}

/* ---- signatures ---- */

static enum qr_rc signature(struct audit *a, const struct session *s, const struct leaf_made *m,
                            size_t i)
{
    const struct leaf_signed_payload *got = &m->signatures[i];
    const struct leaf_payload *p = &s->attempt->d.is.payloads.p[i];
    struct trust_given given = {.first = i > 0 ? &m->signatures[i - 1].sig : NULL,
                                .group_key = &s->attempt->dkg.group_key};
    const struct attempt *t = s->attempt;
    struct qr_buf msg;
    qr_buf_init(&msg, MAX_MESSAGE);
    enum qr_rc rc = trust_payload_message(a->conf.dir, &s->request.is, &t->d.is, p, &given, &msg);
    rc = trust_check(&a->report, TRUST_SIGNATURE_PAYLOAD, rc == QR_OK, QR_FALSE,
                     "the bytes of %s cannot be rebuilt", qr_payload_name(p->type));
    if (rc == QR_OK)
        rc = trust_check(&a->report, TRUST_SIGNATURE_VALID,
                         qr_verify(&t->dkg.group_key, qr_buf_bytes(&msg), &got->sig) == QR_OK,
                         QR_FALSE, "%s: not strict Ed25519 under the group key",
                         qr_payload_name(p->type));
    qr_buf_fini(&msg);
    if (rc == QR_OK) a->counts.signatures++;
    return audit_take(a, rc);
}

/* What should have kept this from being signed. */
static enum qr_rc tell_held(struct audit *a, const struct session *s)
{
    if (s->stale_requester)
        return audit_breach(a, AUDIT_CURRENT, QR_FALSE,
                            "the requester's enrolment had ended when he asked");
    return s->attempt->held_rule
               ? audit_breach_of(a, s->attempt->held_rule, s->attempt->held_rc, s->attempt->held)
               : QR_OK;
}

static enum qr_rc judge_made(struct audit *a, struct session *s, const struct leaf_made *m,
                             unsigned *unchecked)
{
    struct attempt *t = under_way(a, s, m->attempt, &m->descriptor);
    if (!t) return QR_FALSE;
    QR_TRY(in_place(a, t->has_started));
    QR_TRY(tell_held(a, s));
    struct trust_signing signing = signing_of(t);
    QR_TRY(audit_take(a, trust_made_check(&signing, &t->started_at.leaf, m, &a->report)));
    for (size_t i = 0; i < m->n; i++) {
        if (t->d.is.payloads.p[i].type == QR_RAW)
            ++*unchecked;
        else
            QR_TRY(signature(a, s, m, i));
    }
    a->counts.unchecked += *unchecked;
    return QR_OK;
}

static void tell_signing(struct audit *a, struct session *s, const struct leaf_made *m,
                         unsigned unchecked)
{
    if (!a->conf.signing || !s->attempt) return;
    struct trust_approval *list = approvals_of(s);
    struct audit_signing is = {.index = a->at.index,
                               .time_us = a->at.time_us,
                               .request = &s->request,
                               .approvals = list,
                               .n = s->attempt->roster.is.n,
                               .policy = &s->policy,
                               .descriptor = &s->attempt->d,
                               .made = m,
                               .clean = s->clean,
                               .unchecked = unchecked};
    a->conf.signing(a->conf.ctx, &is);
    free(list);
}

static enum qr_rc made(struct audit *a, struct session *s)
{
    struct leaf_made m;
    struct qr_err err = {{0}};
    unsigned unchecked = 0;
    QR_TRY(audit_form(a, leaf_made_read(a->e->body, &m, &err), &err));
    enum qr_rc rc = judge_made(a, s, &m, &unchecked);
    if (rc != QR_OK) s->clean = false;
    tell_signing(a, s, &m, unchecked);
    audit_session_end(a, s);
    return rc;
}

static enum qr_rc failed(struct audit *a, struct session *s)
{
    struct leaf_failed is;
    struct qr_err err = {{0}};
    QR_TRY(audit_form(a, leaf_failed_read(a->e->body, &is, &err), &err));
    bool known = s->attempt ? is.attempt == s->attempt->number : is.attempt > s->attempts;
    if (is.attempt > s->attempts) s->attempts = is.attempt;
    if (s->attempt && is.attempt <= s->attempt->number) {
        /* an older one's failure may come after authd began the next */
        if (is.attempt == s->attempt->number) audit_attempt_end(s);
        return QR_OK;
    }
    audit_attempt_end(s);
    if (known) return QR_OK;
    return audit_breach(a, AUDIT_ATTEMPT, QR_FALSE, "attempt %u was not under way", is.attempt);
}

enum qr_rc audit_attempt(struct audit *a, struct session *s)
{
    switch (a->e->kind) {
    case LEAF_ROSTER_ATTESTED: return attested(a, s);
    case LEAF_ROSTER_FROZEN: return frozen(a, s);
    case LEAF_DKG_COMPLETED: return completed(a, s);
    case LEAF_SIGNING_STARTED: return started(a, s);
    case LEAF_SIGNATURE_MADE: return made(a, s);
    case LEAF_ATTEMPT_FAILED: return failed(a, s);
    default: return QR_OK;
    }
}
