/* approve.c - the papers of a participant and the approval they carry. */
#include "participant/approve.h"

#include "base/limits.h"
#include "base/removal.h"
#include "leaf/certificate.h"
#include "participant/pb.h"
#include "pki/ca.h"
#include "trust/approval_check.h"

#include "quorate/v1/ca.pb-c.h"
#include "quorate/v1/coordinator.pb-c.h"

#include <stdio.h>

#define CALL_MS 30000
#define METHOD_ISSUE "/quorate.v1.Ca/IssueParticipant"
#define METHOD_JOIN "/quorate.v1.Coordinator/Join"

void approve_papers_init(struct approve_papers *p)
{
    *p = (struct approve_papers){.classes = 0};
    qr_buf_init(&p->cad_grant, LEAF_MAX_GRANT);
    qr_buf_init(&p->coordinator_grant, LEAF_MAX_GRANT);
    qr_buf_init(&p->evidence, ATTEST_EVIDENCE_MAX);
    qr_buf_init(&p->certificate, QR_MAX_CERT_DER);
}

void approve_papers_fini(struct approve_papers *p)
{
    qr_buf_fini(&p->cad_grant);
    qr_buf_fini(&p->coordinator_grant);
    qr_buf_fini(&p->evidence);
    qr_buf_fini(&p->certificate);
}

static enum qr_rc get_grants(const struct approve_plan *plan, struct approve_papers *out,
                             struct leaf_grant *cad, struct qr_err *err)
{
    struct leaf_grant_request req = {.session_leaf = plan->facts->request.at.leaf,
                                     .commitment = plan->person->commitment};
    participant_keys_public(plan->keys, &req);
    (void)snprintf(req.node, sizeof req.node, "%s", services_node(plan->services));
    QR_TRY(person_login(plan->person, plan->services, &req, &out->cad_grant,
                        &out->coordinator_grant, err));
    json_t *json = NULL;
    QR_TRY(leaf_grant_parse(qr_buf_bytes(&out->cad_grant), cad, &json, err));
    json_decref(json);
    out->classes = cad->classes;
    if (services_device(plan->services)->trust_class == ATTEST_SIMULATED)
        out->classes |= QR_CLASS_SIMULATED;
    if (plan->unattended) out->classes |= QR_CLASS_UNATTENDED;
    return QR_OK;
}

/* The three keys, policies and checkpoint as an approval has them: what the
 * evidence binds. */
static void draft_approval(const struct approve_plan *plan, const struct approve_papers *papers,
                           struct leaf_approval *a)
{
    struct leaf_grant_request keys = {.node = ""};
    participant_keys_public(plan->keys, &keys);
    *a = (struct leaf_approval){.session = {.leaf = plan->facts->request.at.leaf},
                                .role = plan->person->role,
                                .commitment = plan->person->commitment,
                                .enrolment = plan->person->enrolment,
                                .approval_key = keys.approval_key,
                                .envelope_key = keys.envelope_key,
                                .cocktail_key = keys.cocktail_key,
                                .screen = plan->screen,
                                .payloads = plan->facts->request.is.payloads,
                                .policies = plan->facts->request.is.policies,
                                .evidence = papers->evidence_digest,
                                .checkpoint = papers->checkpoint,
                                .classes = papers->classes};
    qr_copy(a->session.id, plan->facts->request.is.session, sizeof a->session.id);
}

/* docs/FORMATS.md section 7: evidence of an approval. */
static enum qr_rc make_evidence(const struct approve_plan *plan, const struct leaf_grant *grant,
                                struct approve_papers *out, struct qr_err *err)
{
    struct trust_binding_bytes bytes;
    struct attest_binding b;
    struct qr_hash grant_hash = qr_sha256_one(qr_buf_bytes(&out->cad_grant));
    out->checkpoint = log_client_seen(services_log(plan->services));
    struct trust_binding_source source = {.grant = grant,
                                          .grant_sha256 = &grant_hash,
                                          .policies = &plan->facts->request.is.policies,
                                          .checkpoint = &out->checkpoint};
    trust_approval_binding(&source, &bytes, &b);
    struct attest_evidence e;
    QR_TRY(attest_device_evidence(services_device(plan->services), &b, &e, err));
    enum qr_rc rc = attest_evidence_encode(&e, &out->evidence);
    out->evidence_digest = attest_evidence_digest(e.report, e.vek);
    attest_evidence_fini(&e);
    return rc;
}

static enum qr_rc same_issued(const struct approve_plan *plan, const struct approve_papers *papers,
                              const struct leaf_certificate *c, struct qr_err *err)
{
    struct qr_hash sha256 = qr_sha256_one(qr_buf_bytes(&papers->certificate));
    struct qr_hash grant = qr_sha256_one(qr_buf_bytes(&papers->cad_grant));
    bool ours = c->purpose == LEAF_PURPOSE_PARTICIPANT && qr_hash_equal(&c->sha256, &sha256) &&
                qr_hash_equal(&c->grant, &grant) &&
                qr_hash_equal(&c->session_leaf, &plan->facts->request.at.leaf) &&
                qr_hash_equal(&c->commitment, &plan->person->commitment);
    if (QR_HOLDS(PARTICIPANT_ISSUED, ours)) return QR_OK;
    return qr_fail(err, QR_FALSE, "cad logged another certificate than it gave us");
}

/* The entry that cad answers is its own, and of this certificate on this grant. */
static enum qr_rc check_issued(const struct approve_plan *plan, const struct approve_papers *papers,
                               struct qr_bytes entry, struct qr_err *err)
{
    struct leaf_entry e;
    struct leaf_certificate c;
    struct trust_report r;
    QR_TRY(leaf_parse(entry, &e, err));
    trust_report_init(&r);
    enum qr_rc rc = trust_entry_check(&plan->facts->context, &e, &r);
    if (rc != QR_OK) rc = trust_report_err(&r, err);
    trust_report_fini(&r);
    if (rc == QR_OK && e.kind != LEAF_CERTIFICATE_ISSUED)
        rc = qr_fail(err, QR_FALSE, "cad's receipt is of a %s entry", leaf_kind_name(e.kind));
    if (rc == QR_OK) rc = leaf_certificate_read(e.body, &c, err);
    if (rc == QR_OK) rc = same_issued(plan, papers, &c, err);
    leaf_fini(&e);
    return rc;
}

static enum qr_rc certify(const struct approve_plan *plan, const struct leaf_grant *grant,
                          struct approve_papers *out, struct qr_err *err)
{
    struct qr_buf csr;
    qr_buf_init(&csr, QR_MAX_CERT_DER);
    enum qr_rc rc = pki_csr_make(&plan->keys->approval, &csr, err);
    if (rc != QR_OK) {
        qr_buf_fini(&csr);
        return rc;
    }
    struct qr_sig use;
    leaf_grant_use_sign(grant, METHOD_ISSUE, qr_buf_bytes(&csr), &plan->keys->approval, &use);
    Quorate__V1__IssueParticipantRequest in = QUORATE__V1__ISSUE_PARTICIPANT_REQUEST__INIT;
    in.csr = pb_of(qr_buf_bytes(&csr));
    in.grant = pb_of(qr_buf_bytes(&out->cad_grant));
    in.use_sig = pb_of(QR_BYTES_OF(use.b));
    in.session_index = plan->facts->request.at.index;
    in.evidence = pb_of(qr_buf_bytes(&out->evidence));
    in.checkpoint_size = out->checkpoint.size;
    in.checkpoint_root = pb_of(QR_BYTES_OF(out->checkpoint.root.b));
    struct rpc_answer a;
    struct services_ask ask = {SERVICE_CA, "IssueParticipant", &in.base, CALL_MS};
    rc = services_call(plan->services, &ask, &a, err);
    if (rc == QR_OK) {
        const Quorate__V1__IssueReply *r = (const void *)a.msg;
        struct receipt_facts where;
        struct qr_bytes entry;
        qr_buf_put(&out->certificate, r->certificate.data, r->certificate.len);
        rc = qr_buf_ok(&out->certificate);
        if (rc == QR_OK) rc = services_receipt(plan->services, r->issued, &where, &entry, err);
        if (rc == QR_OK) rc = check_issued(plan, out, entry, err);
    }
    rpc_answer_fini(&a);
    qr_buf_fini(&csr);
    return rc;
}

/* The certificate says what we asked for. */
static enum qr_rc read_certificate(const struct approve_plan *plan, struct approve_papers *out,
                                   struct qr_err *err)
{
    struct pki_cert cert;
    struct pki_participant_claims claims;
    QR_TRY(pki_participant_read(qr_buf_bytes(&out->certificate),
                                &services_trust(plan->services)->participant_ca, &cert, &claims,
                                err));
    out->expires_us = cert.not_after_us;
    out->classes |= claims.classes;
    bool ours = qr_equal_ct(cert.key.b, plan->keys->approval.pub.b, QR_KEY_SIZE) &&
                qr_hash_equal(&claims.evidence, &out->evidence_digest);
    if (!QR_HOLDS(PARTICIPANT_CERTIFICATE, ours))
        return qr_fail(err, QR_FALSE, "cad certified another key or other evidence");
    return QR_OK;
}

enum qr_rc approve_papers_get(const struct approve_plan *plan, struct approve_papers *out,
                              struct qr_err *err)
{
    struct leaf_grant grant;
    struct log_answer head;
    QR_TRY(log_client_head(services_log(plan->services), &head, err));
    log_answer_fini(&head);
    QR_TRY(get_grants(plan, out, &grant, err));
    QR_TRY(make_evidence(plan, &grant, out, err));
    QR_TRY(certify(plan, &grant, out, err));
    return read_certificate(plan, out, err);
}

/* Proof of possession, approval signature, person signature: a gives the body. */
static enum qr_rc sign_approval(const struct approve_plan *plan, struct leaf_approval *a,
                                json_t **body, struct qr_err *err)
{
    struct qr_buf part;
    qr_buf_init(&part, QR_MAX_ENTRY);
    struct qr_rand rand = services_rand(plan->services);
    leaf_approval_pop_message(a, &part);
    enum qr_rc rc =
        cocktail_static_prove(&plan->keys->cocktail, qr_buf_bytes(&part), &rand, a->pop.b);
    *body = leaf_approval_write(a);
    if (rc == QR_OK)
        rc = leaf_object_sign(*body, leaf_without_approval_sigs, LEAF_TAG_APPROVAL,
                              &plan->keys->approval, "approval_sig");
    if (rc == QR_OK)
        rc = leaf_object_sign(*body, leaf_without_approval_sigs, LEAF_TAG_APPROVAL,
                              &plan->person->key, "person_sig");
    qr_buf_fini(&part);
    if (rc != QR_OK) json_decref(*body);
    return rc == QR_OK ? rc : qr_fail(err, rc, "cannot sign the approval");
}

static enum qr_rc send_join(const struct approve_plan *plan, const struct approve_papers *papers,
                            struct qr_bytes body, struct receipt_facts *out, struct qr_err *err)
{
    struct leaf_grant grant;
    json_t *json = NULL;
    QR_TRY(leaf_grant_parse(qr_buf_bytes(&papers->coordinator_grant), &grant, &json, err));
    json_decref(json);
    struct qr_sig use;
    leaf_grant_use_sign(&grant, METHOD_JOIN, body, &plan->keys->approval, &use);
    Quorate__V1__JoinRequest in = QUORATE__V1__JOIN_REQUEST__INIT;
    in.approval = pb_of(body);
    in.certificate = pb_of(qr_buf_bytes(&papers->certificate));
    in.grant = pb_of(qr_buf_bytes(&papers->coordinator_grant));
    in.use_sig = pb_of(QR_BYTES_OF(use.b));
    in.evidence = pb_of(qr_buf_bytes(&papers->evidence));
    in.cad_grant = pb_of(qr_buf_bytes(&papers->cad_grant));
    struct rpc_answer a;
    struct services_ask ask = {SERVICE_COORDINATOR, "Join", &in.base, CALL_MS};
    enum qr_rc rc = services_call(plan->services, &ask, &a, err);
    struct qr_bytes entry;
    if (rc == QR_OK) rc = services_receipt(plan->services, a.msg, out, &entry, err);
    if (rc == QR_OK) {
        struct leaf_entry e;
        struct qr_buf logged;
        qr_buf_init(&logged, QR_MAX_ENTRY);
        rc = leaf_parse(entry, &e, err);
        if (rc == QR_OK) {
            rc = qr_json_write(e.body, &logged);
            if (rc == QR_OK &&
                !QR_HOLDS(PARTICIPANT_RECORDED, qr_bytes_equal(qr_buf_bytes(&logged), body)))
                rc = qr_fail(err, QR_FALSE, "the coordinator recorded another approval than ours");
            leaf_fini(&e);
        }
        qr_buf_fini(&logged);
    }
    rpc_answer_fini(&a);
    return rc;
}

enum qr_rc approve_send(const struct approve_plan *plan, const struct approve_papers *papers,
                        struct receipt_facts *out, struct qr_err *err)
{
    struct leaf_approval a;
    draft_approval(plan, papers, &a);
    a.certificate = qr_sha256_one(qr_buf_bytes(&papers->certificate));
    json_t *body = NULL;
    QR_TRY(sign_approval(plan, &a, &body, err));
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_ENTRY);
    enum qr_rc rc = qr_json_write(body, &b);
    json_decref(body);
    if (rc == QR_OK) rc = send_join(plan, papers, qr_buf_bytes(&b), out, err);
    qr_buf_fini(&b);
    return rc;
}

enum qr_rc approve_renew(const struct approve_plan *plan, const struct approve_papers *papers,
                         const struct qr_hash *approval, struct qr_err *err)
{
    Quorate__V1__RenewRequest in = QUORATE__V1__RENEW_REQUEST__INIT;
    in.approval = pb_of(QR_BYTES_OF(approval->b));
    in.certificate = pb_of(qr_buf_bytes(&papers->certificate));
    in.cad_grant = pb_of(qr_buf_bytes(&papers->cad_grant));
    struct rpc_answer a;
    struct services_ask ask = {SERVICE_COORDINATOR, "Renew", &in.base, CALL_MS};
    enum qr_rc rc = services_call(plan->services, &ask, &a, err);
    rpc_answer_fini(&a);
    return rc;
}
