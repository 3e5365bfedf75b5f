/* participant.c - IssueParticipant: a short-lived certificate for the approval
 * key of one person in one session.
 *
 * Everything is re-checked here although authd has checked it: request and
 * enrolment from the log, the grant against trusted keys, possession of the
 * key, the caller's node, the evidence against its rebuilt binding. */
#include "cad/state.h"

#include "base/limits.h"
#include "base/removal.h"
#include "trust/evidence_check.h"

#include <string.h>

#define METHOD "/quorate.v1.Ca/IssueParticipant"

/* One request while it is judged. */
struct asking {
    struct cad *d;
    const Quorate__V1__IssueParticipantRequest *in;
    const struct rpc_caller *caller;
    struct qr_pub key; /* of the CSR */
    struct qr_hash request;
    struct session_facts session;
    struct trust_identity person;
    json_t *person_json;
    struct trust_grant grant;
    struct qr_hash evidence;
    unsigned classes;
    struct trust_report report;
};

static struct qr_bytes of_pb(ProtobufCBinaryData d) { return QR_BYTES(d.data, d.len); }

/* The report's text explains a check that failed. */
static enum qr_rc explain(struct asking *a, enum qr_rc rc, struct qr_err *err)
{
    if (rc != QR_OK && a->report.failed) (void)trust_report_err(&a->report, err);
    return rc;
}

/* Whom and which session the grant names; judged afterwards. */
static enum qr_rc peek_grant(struct asking *a, struct leaf_grant *g, struct qr_err *err)
{
    json_t *json = NULL;
    if (a->in->grant.len > LEAF_MAX_GRANT) return qr_fail(err, QR_RANGE, "grant too large");
    QR_TRY(leaf_grant_parse(of_pb(a->in->grant), g, &json, err));
    json_decref(json);
    return QR_OK;
}

static enum qr_rc judge_grant(struct asking *a, struct qr_err *err)
{
    struct trust_grant_use use = {.audience = LEAF_FOR_CAD,
                                  .session_leaf = &a->session.request.at.leaf,
                                  .identity = &a->person,
                                  .at_us = qr_now_us(&a->d->s->clock)};
    struct trust_call call = {.method = METHOD, .body = of_pb(a->in->csr)};
    if (a->in->use_sig.len != sizeof call.sig.b)
        return qr_fail(err, QR_MALFORMED, "a signature has 64 bytes");
    qr_copy(call.sig.b, a->in->use_sig.data, sizeof call.sig.b);
    enum qr_rc rc =
        trust_grant_check(&a->d->context, of_pb(a->in->grant), &use, &a->grant, &a->report);
    if (rc == QR_OK) rc = trust_grant_use_check(&a->grant, &call, &a->report);
    if (rc != QR_OK) return explain(a, rc, err);
    bool same = qr_equal_ct(a->grant.is.keys.approval_key.b, a->key.b, sizeof a->key.b);
    if (!QR_HOLDS(CAD_KEY, same))
        return qr_fail(err, QR_DENIED, "the grant is for another approval key");
    if (!QR_HOLDS(CAD_NODE, strcmp(a->grant.is.keys.node, a->caller->node) == 0))
        return qr_fail(err, QR_DENIED, "the grant is for another node than the caller's");
    return QR_OK;
}

static enum qr_rc judge_evidence(struct asking *a, struct qr_err *err)
{
    struct leaf_checkpoint at = {.size = a->in->checkpoint_size};
    if (a->in->checkpoint_root.len != sizeof at.root.b)
        return qr_fail(err, QR_MALFORMED, "a root has 32 bytes");
    qr_copy(at.root.b, a->in->checkpoint_root.data, sizeof at.root.b);
    QR_TRY(log_client_knows(a->d->s->log_client, &at, err));
    a->classes = a->grant.is.classes | a->d->s->classes;
    if (strcmp(a->caller->trust_class, "simulated") == 0) a->classes |= QR_CLASS_SIMULATED;
    struct trust_evidence e = {.bytes = of_pb(a->in->evidence),
                               .source = {.grant = &a->grant.is,
                                          .grant_sha256 = &a->grant.sha256,
                                          .policies = &a->session.request.is.policies,
                                          .checkpoint = &at},
                               .policy = &a->session.request.is.policies.attestation,
                               .classes = a->classes,
                               .at_us = qr_now_us(&a->d->s->clock)};
    return explain(a, trust_evidence_check(&a->d->context, &e, &a->evidence, &a->report), err);
}

static enum qr_rc judge(struct asking *a, struct qr_err *err)
{
    struct leaf_grant g;
    QR_TRY(pki_csr_check(of_pb(a->in->csr), &a->key, err));
    QR_TRY(peek_grant(a, &g, err));
    QR_TRY(facts_session(a->d, a->in->session_index, &a->session, err));
    QR_TRY(facts_person(a->d, &g.keys.commitment, &a->person, &a->person_json, err));
    QR_TRY(judge_grant(a, err));
    return judge_evidence(a, err);
}

static enum qr_rc make(struct asking *a, struct issued *c, struct leaf_certificate *entry)
{
    const struct leaf_grant *g = &a->grant.is;
    struct pki_issuance terms = issue_terms(a->d, &a->d->participant_ca);
    struct pki_cert cert;
    struct pki_participant_claims claims = {.classes = a->classes,
                                            .cocktail_key = g->keys.cocktail_key,
                                            .commitment = g->keys.commitment,
                                            .enrolment = g->enrolment,
                                            .envelope_key = g->keys.envelope_key,
                                            .evidence = a->evidence,
                                            .grant = a->grant.sha256,
                                            .role = g->role,
                                            .session_leaf = g->keys.session_leaf};
    QR_TRY(pki_issue_participant(&terms, &a->key, &claims, &c->der, &cert));
    c->sha256 = cert.sha256;
    *entry = (struct leaf_certificate){.purpose = LEAF_PURPOSE_PARTICIPANT,
                                       .session_leaf = g->keys.session_leaf,
                                       .commitment = g->keys.commitment,
                                       .grant = a->grant.sha256};
    issue_describe(&cert, entry);
    return QR_OK;
}

/* In a transaction: uses the grant up, or finds what it was used for. */
static enum qr_rc record(struct asking *a, struct issued *c, const struct leaf_certificate *entry,
                         struct qr_err *err)
{
    struct used_grant use = {.request = a->request};
    qr_copy(use.jti, a->grant.is.jti, sizeof use.jti);
    enum qr_rc rc = store_grant(a->d->s->db, &use, err);
    bool used = rc == QR_OK;
    if (used && qr_hash_equal(&use.request, &a->request)) {
        qr_buf_reset(&c->der);
        return store_certificate(a->d->s->db, &use.sha256, c, err);
    }
    if (!QR_HOLDS(CAD_ONCE, !used))
        return qr_fail(err, QR_UNAUTHENTICATED, "this grant was used already");
    if (!used && rc != QR_NOTFOUND) return rc;
    use.request = a->request;
    use.sha256 = c->sha256;
    QR_TRY(issue_record(a->d, c, entry, err));
    return used ? QR_OK : store_grant_add(a->d->s->db, &use, err);
}

static enum qr_rc issue(struct asking *a, struct issued *c, struct qr_err *err)
{
    struct leaf_certificate entry;
    if (make(a, c, &entry) != QR_OK) return qr_fail(err, QR_BUG, "the certificate cannot be made");
    QR_TRY(qr_db_begin(a->d->s->db, err));
    /* COMMIT POINT: the grant is used up, the certificate is to be logged. */
    QR_TRY(qr_db_end(a->d->s->db, record(a, c, &entry, err), err));
    outbox_wake(a->d->s->outbox);
    return QR_OK;
}

void participant_issue(Quorate__V1__Ca_Service *rpc, const Quorate__V1__IssueParticipantRequest *in,
                       Quorate__V1__IssueReply_Closure closure, void *call)
{
    struct asking a = {.d = (struct cad *)rpc, .in = in, .caller = rpc_call_caller(call)};
    struct issued c = {.purpose = LEAF_PURPOSE_PARTICIPANT};
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(a.d->s, call, NULL)) return;
    a.request = qr_sha256_one(rpc_call_request(call));
    trust_report_init(&a.report);
    qr_buf_init(&c.der, PKI_MAX_DER);
    enum qr_rc rc = judge(&a, &err);
    if (rc == QR_OK) rc = issue(&a, &c, &err);
    if (rc == QR_OK)
        issue_answer(a.d, call, &c);
    else
        rpc_fail(call, rc, err.text);
    qr_buf_fini(&c.der);
    trust_grant_fini(&a.grant);
    json_decref(a.person_json);
    session_facts_fini(&a.session);
    trust_report_fini(&a.report);
}
