/* freeze.c - from a present quorum to the descriptor that everyone signs. */
#include "coordinatord/ceremony.h"

#include "coordinatord/person.h"

#include "quorate/v1/auth.pb-c.h"
#include "service/receipt.h"

enum { AUTHD_TIMEOUT_MS = 8000 };
#define US_PER_S 1000000LL

/* Asks authd for roster.attested; answer holds its receipt. */
static enum qr_rc attest(struct ceremony_part *p, struct rpc_answer *answer, struct qr_err *err)
{
    Quorate__V1__RosterApprover approvers[QR_MAX_PARTICIPANTS];
    Quorate__V1__RosterApprover *list[QR_MAX_PARTICIPANTS];
    Quorate__V1__AttestRosterRequest in = QUORATE__V1__ATTEST_ROSTER_REQUEST__INIT;
    for (size_t i = 0; i < p->v.n; i++) {
        const struct trust_approval *a = &p->v.approvals[i].is;
        quorate__v1__roster_approver__init(&approvers[i]);
        approvers[i].approval = receipt_bytes(QR_BYTES_OF(a->at.leaf.b));
        approvers[i].commitment = receipt_bytes(QR_BYTES_OF(a->is.commitment.b));
        approvers[i].enrolment = receipt_bytes(QR_BYTES_OF(a->is.enrolment.b));
        approvers[i].role = (char *)(uintptr_t)qr_role_name(a->is.role);
        list[i] = &approvers[i];
    }
    in.session = p->v.row.id;
    in.session_leaf = receipt_bytes(QR_BYTES_OF(p->v.row.leaf.b));
    in.attempt = p->job->attempt;
    in.n_approvers = p->v.n;
    in.approvers = list;
    struct service_call call = {.service = &quorate__v1__auth__descriptor,
                                .method = "AttestRoster",
                                .in = &in.base,
                                .timeout_ms = AUTHD_TIMEOUT_MS};
    return p->c->ask(p->c->ask_ctx, COORD_AUTHD, &call, answer, err);
}

static enum qr_rc fill_payloads(struct ceremony_part *p, struct leaf_descriptor *d,
                                struct qr_err *err)
{
    const struct leaf_request *r = &p->v.request.is;
    d->payloads = r->payloads;
    for (size_t i = 0; i < d->payloads.n; i++)
        if (trust_payload_digest(p->c->s->trust, r, d, &d->payloads.p[i],
                                 &d->payloads.p[i].digest) != QR_OK)
            return qr_fail(err, QR_BUG, "payload %zu has no bytes", i);
    return QR_OK;
}

/* The freeze checkpoint is the newest one seen: that of the receipt of
 * roster.attested or a later one, so it covers the roster. */
static enum qr_rc describe(struct ceremony_part *p, const struct ceremony_entry *roster,
                           struct leaf_descriptor *d, struct qr_err *err)
{
    const struct leaf_request *r = &p->v.request.is;
    qr_copy(d->session.id, p->v.row.id, sizeof d->session.id);
    d->session.leaf = p->v.row.leaf;
    d->attempt = p->job->attempt;
    d->n = d->t = (uint32_t)p->v.n;
    for (uint32_t i = 0; i < d->n; i++) {
        const struct trust_approval *a = &p->v.approvals[i].is;
        d->members[i] = (struct leaf_member){.index = i + 1,
                                             .approval_index = a->at.index,
                                             .approval = a->at.leaf,
                                             .commitment = a->is.commitment,
                                             .role = a->is.role,
                                             .cocktail_key = a->is.cocktail_key,
                                             .envelope_key = a->is.envelope_key};
    }
    d->policies = r->policies;
    d->expires_us = r->expires_us;
    d->roster = roster->at.leaf;
    d->checkpoint = log_client_seen(p->c->s->log_client);
    return fill_payloads(p, d, err);
}

/* The same checks that every member will make. */
static enum qr_rc check(struct ceremony_part *p, const struct trust_roster *roster,
                        const struct trust_descriptor *d, struct qr_err *err)
{
    struct trust_report r;
    struct trust_freeze f = {.req = &p->v.request, .n = p->v.n, .roster = roster, .d = d};
    struct trust_approval *approvals = NULL;
    QR_TRY(view_trust(&p->v, &approvals));
    f.approvals = approvals;
    trust_report_init(&r);
    enum qr_rc rc = trust_quorum_check(&p->c->ctx, f.req, f.approvals, f.n, &r);
    if (rc == QR_OK) rc = trust_roster_check(&p->c->ctx, &f, &r);
    if (rc == QR_OK) rc = trust_descriptor_check(&p->c->ctx, &f, &r);
    if (rc != QR_OK) rc = trust_report_err(&r, err);
    trust_report_fini(&r);
    return rc;
}

static enum qr_rc freeze(struct ceremony_part *p, const struct ceremony_entry *e,
                         struct qr_err *err)
{
    struct trust_roster roster = {.at = e->at};
    struct trust_descriptor d = {.at = {.index = TRUST_NOT_LOGGED}};
    QR_TRY(leaf_roster_read(e->entry.body, &roster.is, err));
    QR_TRY(describe(p, e, &d.is, err));
    QR_TRY(check(p, &roster, &d, err));
    json_t *body = leaf_descriptor_write(&d.is);
    struct qr_buf bytes;
    qr_buf_init(&bytes, QR_MAX_ENTRY);
    enum qr_rc rc = qr_json_write(body, &bytes);
    if (rc == QR_OK) {
        struct ceremony_news news = {.ev = {.kind = SESSION_EV_ROSTER_ATTESTED},
                                     .body = body,
                                     .attempt = {.descriptor = qr_buf_bytes(&bytes)},
                                     .has_entry = true,
                                     .entry =
                                         ceremony_row(e, LEAF_ROSTER_ATTESTED, p->job->attempt)};
        rc = ceremony_apply(p, &news, err);
    }
    qr_buf_fini(&bytes);
    json_decref(body);
    return rc;
}

/* Members whose enrolment is no longer in force: bit i-1 for member i. */
static enum qr_rc find_gone(struct ceremony_part *p, uint64_t *gone, struct qr_err *err)
{
    *gone = 0;
    for (size_t i = 0; i < p->v.n; i++) {
        const struct leaf_approval *a = &p->v.approvals[i].is.is;
        struct person who;
        enum qr_rc rc = person_find(p->c, &a->commitment, &a->enrolment, &who, err);
        person_fini(&who);
        if (rc == QR_DENIED)
            *gone |= UINT64_C(1) << i;
        else
            QR_TRY(rc);
    }
    return QR_OK;
}

/* Members whose approval has waited longer than the policy allows: nobody would
 * sign with them, and they can join again. */
static uint64_t find_old(const struct ceremony_part *p)
{
    int64_t max_us = (int64_t)p->c->ctx.signing.max_approval_age_s * US_PER_S;
    uint64_t old = 0;
    for (size_t i = 0; i < p->v.n; i++)
        if (coord_now(p->c) - p->v.approvals[i].is.at.time_us > max_us) old |= UINT64_C(1) << i;
    return old;
}

enum qr_rc freeze_roster(struct ceremony_part *p, struct qr_err *err)
{
    struct rpc_answer answer;
    struct ceremony_news old = {
        .ev = {.kind = SESSION_EV_STEP_FAILED, .reason = "approval-too-old"}};
    old.ev.culprits = find_old(p);
    if (old.ev.culprits) return ceremony_apply(p, &old, err);
    struct ceremony_news gone = {
        .ev = {.kind = SESSION_EV_STEP_FAILED, .reason = "member-revoked"}};
    QR_TRY(find_gone(p, &gone.ev.culprits, err));
    if (gone.ev.culprits) return ceremony_apply(p, &gone, err);
    struct ceremony_entry e = {.entry = {.json = NULL}};
    enum qr_rc rc = attest(p, &answer, err);
    if (rc == QR_OK) rc = ceremony_take(p->c, answer.msg, LEAF_ROSTER_ATTESTED, &e, err);
    if (rc == QR_OK) rc = freeze(p, &e, err);
    ceremony_entry_fini(&e);
    rpc_answer_fini(&answer);
    return rc;
}
