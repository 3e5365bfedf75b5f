/* session.c - a session from its request to its end, but for the attempts at
 * signing (attempt.c). */
#include "audit/state.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- opening ---- */

static struct session *new_session(struct audit *a)
{
    size_t i = a->session_free;
    while (i < a->session_room && a->sessions[i].live) i++;
    a->session_free = i + 1;
    if (i == a->session_room) {
        a->session_room = a->session_room ? 2 * a->session_room : 16;
        a->sessions = reallocarray(a->sessions, a->session_room, sizeof *a->sessions);
        if (!a->sessions) qr_fatal("out of memory");
        for (size_t k = i; k < a->session_room; k++)
            a->sessions[k] = (struct session){.live = false};
    }
    a->counts.open++;
    audit_map_set(&a->by_leaf, &a->at.leaf, i);
    return &a->sessions[i];
}

/* A request that is wrong opens a session all the same: what comes of it is
 * judged as well. */
static enum qr_rc requested(struct audit *a)
{
    struct qr_err err = {{0}};
    struct trust_request q = {.at = a->at, .body = a->e->body};
    QR_TRY(audit_form(a, leaf_request_read(a->e->body, &q.is, &err), &err));
    audit_once(a, ONCE_SESSION, QR_BYTES_NONE, qr_str(q.is.session));
    struct session *s = new_session(a);
    *s = (struct session){.request = q,
                          .policy = a->context.signing,
                          .policies = a->context.policies,
                          .policy_at = a->in_force.of[LEAF_POLICY_SIGNING].at.index,
                          .clean = true,
                          .live = true};
    s->request.body = NULL;
    audit_trace(a, &s->trail);
    struct member *m = audit_named(a, &q.is.enrolment, &q.is.requester);
    if (!m) return QR_FALSE;
    s->stale_requester = m->ended;
    char proof[96] = "";
    if (!leaf_policies_equal(&q.is.policies, &a->context.policies))
        (void)snprintf(proof, sizeof proof, ": those of entries %llu and %llu are in force",
                       (unsigned long long)a->in_force.of[LEAF_POLICY_SIGNING].at.index,
                       (unsigned long long)a->in_force.of[LEAF_POLICY_ATTESTATION].at.index);
    return audit_take_by(a, trust_request_check(&a->context, &q, &m->id, &a->report), proof);
}

/* ---- certificates ---- */

static enum qr_rc participant_issued(struct audit *a, struct session *s,
                                     const struct leaf_certificate *c)
{
    uint64_t i = audit_map_get(&a->commitments, &c->commitment);
    s->issues = reallocarray(s->issues, s->issue_count + 1, sizeof *s->issues);
    if (!s->issues) qr_fatal("out of memory");
    s->issues[s->issue_count++] = (struct issue){a->at, *c};
    if (i == AUDIT_NONE)
        return audit_breach(a, AUDIT_CURRENT, QR_FALSE,
                            "a certificate for somebody who was not enrolled then");
    return QR_OK;
}

static enum qr_rc issued(struct audit *a)
{
    struct leaf_certificate c;
    struct qr_err err = {{0}};
    QR_TRY(audit_form(a, leaf_certificate_read(a->e->body, &c, &err), &err));
    audit_once(a, ONCE_CERTIFICATE, QR_BYTES_NONE, QR_BYTES_OF(c.sha256.b));
    audit_once(a, ONCE_SERIAL, QR_BYTES_NONE, QR_BYTES_OF(c.serial));
    if (c.purpose == LEAF_PURPOSE_TRANSPORT) return QR_OK;
    /* cad may finish what it had begun when the session ended: of no effect */
    if (audit_ended(audit_map_get(&a->by_leaf, &c.session_leaf))) return QR_OK;
    struct session *s = audit_session(a, &c.session_leaf);
    if (!s) return QR_FALSE;
    enum qr_rc rc =
        c.purpose == LEAF_PURPOSE_GROUP ? audit_group(a, s, &c) : participant_issued(a, s, &c);
    audit_trace(a, &s->trail);
    s->clean = s->clean && rc == QR_OK;
    return rc;
}

/* ---- approvals ---- */

static enum qr_rc certificate_logged(struct audit *a, const struct session *s,
                                     const struct leaf_approval *is)
{
    struct qr_hash spki = pki_spki_sha256(&is->approval_key);
    for (size_t i = 0; i < s->issue_count; i++) {
        const struct leaf_certificate *c = &s->issues[i].is;
        if (!qr_hash_equal(&c->sha256, &is->certificate)) continue;
        if (!qr_hash_equal(&c->spki, &spki) || !qr_hash_equal(&c->commitment, &is->commitment))
            return audit_breach(a, AUDIT_CERTIFICATE, QR_FALSE,
                                "the certificate of entry %llu is for another key or person",
                                (unsigned long long)s->issues[i].at.index);
        if (a->at.time_us < c->not_before_us || a->at.time_us > c->not_after_us)
            return audit_breach(a, AUDIT_CERTIFICATE, QR_FALSE, "its certificate was not valid");
        return QR_OK;
    }
    return audit_breach(a, AUDIT_CERTIFICATE, QR_FALSE, "its certificate was not logged before");
}

enum qr_rc audit_same_tree(struct audit *a, const struct leaf_checkpoint *c)
{
    struct qr_hash root;
    if (!a->conf.root_at || c->size > a->at.index) return QR_OK;
    if (a->conf.root_at(a->conf.ctx, c->size, &root) != QR_OK) {
        a->io = true;
        return QR_IO;
    }
    return audit_take(a, trust_check(&a->report, TRUST_CHECKPOINT_CONSISTENT,
                                     qr_hash_equal(&root, &c->root), QR_FORK,
                                     "it states another root for size %llu",
                                     (unsigned long long)c->size));
}

static enum qr_rc approval_right(struct audit *a, const struct session *s,
                                 const struct trust_approval *t)
{
    struct trust_context ctx = audit_context(a, s);
    QR_TRY(audit_take(a, trust_approval_logged(&ctx, &s->request, t, &a->report)));
    QR_TRY(certificate_logged(a, s, &t->is));
    if (!s->policy.requester_may_approve &&
        qr_hash_equal(&t->is.commitment, &s->request.is.requester))
        QR_TRY(audit_take(a, trust_fail(&a->report, TRUST_QUORUM_REQUESTER, QR_POLICY,
                                        "it is the requester's own, who asked by entry %llu",
                                        (unsigned long long)s->request.at.index)));
    return audit_same_tree(a, &t->is.checkpoint);
}

/* Its signatures do not cover the entry, so that a withdrawn or replaced approval
 * could be logged again: whoever approves anew makes new keys. */
static enum qr_rc given_once(struct audit *a, const struct session *s,
                             const struct leaf_approval *is)
{
    for (size_t i = 0; i < s->approval_count; i++)
        if (qr_bytes_equal(QR_BYTES_OF(s->approvals[i].t.is.approval_key.b),
                           QR_BYTES_OF(is->approval_key.b)))
            return audit_breach(a, AUDIT_ONCE, QR_FALSE, "its approval key is that of entry %llu",
                                (unsigned long long)s->approvals[i].t.at.index);
    return QR_OK;
}

static enum qr_rc given(struct audit *a, struct session *s)
{
    struct qr_err err = {{0}};
    struct standing x = {.t = {.at = a->at, .body = a->e->body}};
    QR_TRY(audit_form(a, leaf_approval_read(a->e->body, &x.t.is, &err), &err));
    struct member *m = audit_named(a, &x.t.is.enrolment, &x.t.is.commitment);
    enum qr_rc rc = QR_FALSE;
    if (m) {
        x.t.identity = m->id;
        rc = approval_right(a, s, &x.t);
    }
    if (rc == QR_OK) rc = given_once(a, s, &x.t.is);
    x.wrong = rc != QR_OK;
    x.late = m && m->ended;
    x.t.body = NULL;
    for (size_t i = 0; i < s->approval_count; i++) {
        struct standing *before = &s->approvals[i];
        if (!qr_hash_equal(&before->t.is.commitment, &x.t.is.commitment)) continue;
        if (!before->withdrawn) before->gone_by = a->at.index;
        before->replaced = true;
    }
    s->approvals = reallocarray(s->approvals, s->approval_count + 1, sizeof *s->approvals);
    if (!s->approvals) qr_fatal("out of memory");
    s->approvals[s->approval_count++] = x;
    return rc;
}

/* ---- what people take back ---- */

static enum qr_rc person_signed(struct audit *a, const struct qr_hash *enrolment,
                                const struct qr_hash *commitment, const char *tag,
                                const struct qr_sig *sig)
{
    struct member *m = audit_named(a, enrolment, commitment);
    if (!m) return QR_FALSE;
    if (leaf_object_verify(a->e->body, leaf_without_person_sig, tag, &m->id.is.person_key, sig) !=
        QR_OK)
        return audit_breach(a, AUDIT_PERSON, QR_FALSE, "%s is not signed by that person",
                            leaf_kind_name(a->e->kind));
    return QR_OK;
}

static enum qr_rc refused(struct audit *a)
{
    struct leaf_refusal is;
    struct qr_err err = {{0}};
    QR_TRY(audit_form(a, leaf_refusal_read(a->e->body, &is, &err), &err));
    return person_signed(a, &is.enrolment, &is.commitment, LEAF_TAG_REFUSAL, &is.person_sig);
}

static enum qr_rc withdrawn(struct audit *a, struct session *s)
{
    struct leaf_withdrawal is;
    struct qr_err err = {{0}};
    QR_TRY(audit_form(a, leaf_withdrawal_read(a->e->body, &is, &err), &err));
    QR_TRY(person_signed(a, &is.enrolment, &is.commitment, LEAF_TAG_WITHDRAWAL, &is.person_sig));
    for (size_t i = 0; i < s->approval_count; i++) {
        struct standing *x = &s->approvals[i];
        if (!qr_hash_equal(&x->t.at.leaf, &is.approval) ||
            !qr_hash_equal(&x->t.is.commitment, &is.commitment))
            continue;
        x->gone_by = a->at.index;
        x->withdrawn = true;
        return QR_OK;
    }
    return audit_breach(a, AUDIT_CURRENT, QR_FALSE, "it withdraws no approval of that person");
}

/* ---- the end ---- */

static enum qr_rc cancelled_by(struct audit *a, const struct session *s,
                               const struct leaf_ended *is)
{
    static const char *const whole[] = {NULL};
    uint64_t i = audit_map_get(&a->commitments, &is->by);
    if (i == AUDIT_NONE || !qr_hash_equal(&is->by, &s->request.is.requester))
        return audit_breach(a, AUDIT_PERSON, QR_FALSE, "cancelled by another than its requester");
    json_t *object = leaf_cancel_object(&is->session.leaf);
    enum qr_rc rc = leaf_object_verify(object, whole, LEAF_TAG_CANCEL,
                                       &a->members[i].id.is.person_key, &is->person_sig);
    json_decref(object);
    return rc == QR_OK ? QR_OK
                       : audit_breach(a, AUDIT_PERSON, QR_FALSE, "not cancelled by that person");
}

static enum qr_rc ended(struct audit *a, struct session *s)
{
    struct leaf_ended is;
    struct qr_err err = {{0}};
    QR_TRY(audit_form(a, leaf_ended_read(a->e->body, &is, &err), &err));
    enum qr_rc rc = is.by_person ? cancelled_by(a, s, &is) : QR_OK;
    if (is.state == LEAF_EXPIRED && a->at.time_us + QR_MAX_TIME_SKEW_US < s->request.is.expires_us)
        rc = audit_breach(a, AUDIT_SESSION, QR_FALSE, "ended as expired before its time");
    audit_session_end(a, s);
    return rc;
}

/* ---- which ---- */

static enum qr_rc in_session(struct audit *a, struct session *s)
{
    switch (a->e->kind) {
    case LEAF_APPROVAL_GIVEN: return given(a, s);
    case LEAF_APPROVAL_REFUSED: return refused(a);
    case LEAF_APPROVAL_WITHDRAWN: return withdrawn(a, s);
    case LEAF_SESSION_ENDED: return ended(a, s);
    default: return audit_attempt(a, s);
    }
}

/* The session that the body names by leaf hash and by id. */
static struct session *named(struct audit *a)
{
    struct leaf_session_ref ref = {.id = ""};
    const char *leaf = json_string_value(json_object_get(a->e->body, "session_leaf"));
    const char *id = json_string_value(json_object_get(a->e->body, "session"));
    if (!leaf || !id || qr_unhex(qr_str(leaf), ref.leaf.b, sizeof ref.leaf.b) != QR_OK) {
        (void)audit_breach(a, AUDIT_SESSION, QR_FALSE, "%s names no session",
                           leaf_kind_name(a->e->kind));
        return NULL;
    }
    /* so may authd */
    if (a->e->kind == LEAF_ROSTER_ATTESTED && audit_ended(audit_map_get(&a->by_leaf, &ref.leaf)))
        return NULL;
    struct session *s = audit_session(a, &ref.leaf);
    if (s && !qr_bytes_is(qr_str(id), s->request.is.session)) {
        (void)audit_breach(a, AUDIT_SESSION, QR_FALSE, "%s names its session by another id",
                           leaf_kind_name(a->e->kind));
        return NULL;
    }
    return s;
}

enum qr_rc audit_ceremony(struct audit *a)
{
    if (a->e->kind == LEAF_SESSION_REQUESTED) {
        enum qr_rc rc = requested(a);
        uint64_t i = audit_map_get(&a->by_leaf, &a->at.leaf);
        if (rc != QR_OK && i < AUDIT_ENDED) a->sessions[i].clean = false;
        return rc;
    }
    if (a->e->kind == LEAF_CERTIFICATE_ISSUED) return issued(a);
    struct session *s = named(a);
    if (!s) return QR_FALSE;
    enum qr_rc rc = in_session(a, s);
    if (s->live) audit_trace(a, &s->trail);
    if (rc != QR_OK && s->live) s->clean = false;
    return rc;
}
