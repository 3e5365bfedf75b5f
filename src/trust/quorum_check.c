/* quorum_check.c - people, keys and roles of all approvals together; roster
 * and descriptor rebuilt from them. */
#include "trust/quorum_check.h"

#include "frost/payload.h"
#include "leaf/message.h"
#include "trust/payload_x509.h"

#define US_PER_S 1000000LL
/* Statement of QR_MAX_PARTICIPANTS approvals. */
#define MAX_STATEMENT 32768

static enum qr_rc persons_check(const struct trust_approval *a, size_t n, struct trust_report *r)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (qr_hash_equal(&a[i].is.commitment, &a[j].is.commitment))
                QR_TRY(trust_fail(r, TRUST_QUORUM_PERSONS, QR_POLICY,
                                  "approvals %u and %u are of one person", (unsigned)j + 1,
                                  (unsigned)i + 1));
    trust_pass(r, TRUST_QUORUM_PERSONS);
    return QR_OK;
}

#define KEYS_EACH 4
static const struct qr_pub *key_of(const struct trust_approval *a, size_t k)
{
    const struct qr_pub *keys[KEYS_EACH] = {&a->is.approval_key, &a->is.envelope_key,
                                            &a->is.cocktail_key, &a->identity.is.person_key};
    return keys[k];
}

static enum qr_rc keys_check(const struct trust_dir *dir, const struct trust_approval *a, size_t n,
                             struct trust_report *r)
{
    for (size_t i = 0; i < n * KEYS_EACH; i++) {
        if (trust_dir_has_key(dir, key_of(&a[i / KEYS_EACH], i % KEYS_EACH)))
            QR_TRY(trust_fail(r, TRUST_QUORUM_KEYS, QR_POLICY,
                              "a key of approval %u is a service's or an admin's",
                              (unsigned)(i / KEYS_EACH) + 1));
        for (size_t j = 0; j < i; j++)
            if (qr_bytes_equal(QR_BYTES_OF(key_of(&a[i / KEYS_EACH], i % KEYS_EACH)->b),
                               QR_BYTES_OF(key_of(&a[j / KEYS_EACH], j % KEYS_EACH)->b)))
                QR_TRY(trust_fail(r, TRUST_QUORUM_KEYS, QR_POLICY,
                                  "one key stands in approvals %u and %u",
                                  (unsigned)(j / KEYS_EACH) + 1, (unsigned)(i / KEYS_EACH) + 1));
    }
    trust_pass(r, TRUST_QUORUM_KEYS);
    return QR_OK;
}

static enum qr_rc node_of(const struct trust_approval *a, struct leaf_grant *g)
{
    json_t *json = NULL;
    enum qr_rc rc = leaf_grant_parse(a->grant, g, &json, NULL);
    json_decref(json);
    return rc;
}

static enum qr_rc nodes_check(const struct trust_context *ctx, const struct trust_approval *a,
                              size_t n, struct trust_report *r)
{
    struct leaf_grant gi, gj;
    for (size_t i = 0; ctx->signing.distinct_nodes && i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (node_of(&a[i], &gi) != QR_OK || node_of(&a[j], &gj) != QR_OK ||
                qr_bytes_is(qr_str(gi.keys.node), gj.keys.node))
                QR_TRY(trust_fail(r, TRUST_QUORUM_NODES, QR_POLICY,
                                  "approvals %u and %u come from one node", (unsigned)j + 1,
                                  (unsigned)i + 1));
    trust_pass(r, TRUST_QUORUM_NODES);
    return QR_OK;
}

enum qr_rc trust_people_check(const struct trust_context *ctx, const struct trust_request *req,
                              const struct trust_approval *approvals, size_t n,
                              struct trust_report *r)
{
    QR_TRY(persons_check(approvals, n, r));
    QR_TRY(keys_check(ctx->dir, approvals, n, r));
    for (size_t i = 0; !ctx->signing.requester_may_approve && i < n; i++)
        if (qr_hash_equal(&approvals[i].is.commitment, &req->is.requester))
            QR_TRY(trust_fail(r, TRUST_QUORUM_REQUESTER, QR_POLICY,
                              "approval %u is the requester's", (unsigned)i + 1));
    trust_pass(r, TRUST_QUORUM_REQUESTER);
    return nodes_check(ctx, approvals, n, r);
}

enum qr_rc trust_quorum_check(const struct trust_context *ctx, const struct trust_request *req,
                              const struct trust_approval *approvals, size_t n,
                              struct trust_report *r)
{
    uint32_t have[QR_ROLES] = {0};
    QR_TRY(trust_people_check(ctx, req, approvals, n, r));
    for (size_t i = 0; i < n; i++) have[approvals[i].is.role]++;
    return trust_check(r, TRUST_QUORUM_ROLES,
                       have[QR_ENGINEER] == ctx->signing.engineers &&
                           have[QR_STEWARD] == ctx->signing.stewards,
                       QR_POLICY, "%u of %u engineers, %u of %u stewards", have[QR_ENGINEER],
                       ctx->signing.engineers, have[QR_STEWARD], ctx->signing.stewards);
}

static bool same_session(const struct leaf_session_ref *s, const struct trust_request *req)
{
    return qr_hash_equal(&s->leaf, &req->at.leaf) && qr_bytes_is(qr_str(s->id), req->is.session);
}

static bool approver_is(const struct leaf_approver *p, const struct trust_approval *a)
{
    return qr_hash_equal(&p->approval, &a->at.leaf) &&
           qr_hash_equal(&p->commitment, &a->is.commitment) &&
           qr_hash_equal(&p->enrolment, &a->is.enrolment) && p->role == a->is.role;
}

static enum qr_rc roster_match(const struct trust_freeze *f, struct trust_report *r)
{
    const struct leaf_roster *roster = &f->roster->is;
    if (!same_session(&roster->session, f->req) || roster->n != f->n)
        QR_TRY(trust_fail(r, TRUST_ROSTER_MATCH, QR_FALSE, "it attests %u approvers, not %u",
                          (unsigned)roster->n, (unsigned)f->n));
    for (size_t i = 0; i < f->n && i < roster->n; i++)
        if (!approver_is(&roster->approvers[i], &f->approvals[i]))
            QR_TRY(trust_fail(r, TRUST_ROSTER_MATCH, QR_FALSE, "approver %u is another",
                              (unsigned)i + 1));
    trust_pass(r, TRUST_ROSTER_MATCH);
    return QR_OK;
}

enum qr_rc trust_roster_check(const struct trust_context *ctx, const struct trust_freeze *f,
                              struct trust_report *r)
{
    const struct trust_place *at = &f->roster->at;
    uint64_t size = f->roster->is.log_size;
    int64_t max_us = (int64_t)ctx->signing.max_approval_age_s * US_PER_S;
    bool current = size <= at->index, young = true;
    QR_TRY(roster_match(f, r));
    for (size_t i = 0; i < f->n; i++) {
        if (f->approvals[i].at.index >= size) current = false;
        if (at->time_us - f->approvals[i].at.time_us > max_us) young = false;
    }
    QR_TRY(trust_check(r, TRUST_ROSTER_CURRENT, current, QR_FALSE,
                       "its log size does not lie between approvals and roster"));
    QR_TRY(trust_check(r, TRUST_APPROVAL_AGE, young, QR_POLICY,
                       "an approval had waited longer than %u s", ctx->signing.max_approval_age_s));
    trust_skip(r, TRUST_ROSTER_REVOKED, "authd's word as of log size %llu; only the log shows it",
               (unsigned long long)size);
    return QR_OK;
}

static bool member_is(const struct leaf_member *m, size_t i, const struct trust_approval *a)
{
    return m->index == i + 1 && m->approval_index == a->at.index &&
           qr_hash_equal(&m->approval, &a->at.leaf) &&
           qr_hash_equal(&m->commitment, &a->is.commitment) && m->role == a->is.role &&
           qr_bytes_equal(QR_BYTES_OF(m->cocktail_key.b), QR_BYTES_OF(a->is.cocktail_key.b)) &&
           qr_bytes_equal(QR_BYTES_OF(m->envelope_key.b), QR_BYTES_OF(a->is.envelope_key.b));
}

static enum qr_rc members_check(const struct trust_freeze *f, struct trust_report *r)
{
    const struct leaf_descriptor *d = &f->d->is;
    if (d->n != f->n)
        QR_TRY(trust_fail(r, TRUST_DESCRIPTOR_MEMBERS, QR_FALSE, "%u members for %u approvals",
                          d->n, (unsigned)f->n));
    for (size_t i = 0; i < f->n && i < d->n; i++)
        if (!member_is(&d->members[i], i, &f->approvals[i]) ||
            (i > 0 && f->approvals[i].at.index <= f->approvals[i - 1].at.index))
            QR_TRY(trust_fail(r, TRUST_DESCRIPTOR_MEMBERS, QR_FALSE,
                              "member %u is not its approval", (unsigned)i + 1));
    trust_pass(r, TRUST_DESCRIPTOR_MEMBERS);
    return QR_OK;
}

static const char *descriptor_difference(const struct trust_freeze *f)
{
    const struct leaf_descriptor *d = &f->d->is;
    if (!same_session(&d->session, f->req)) return "session";
    if (!qr_hash_equal(&d->roster, &f->roster->at.leaf)) return "roster";
    if (!leaf_policies_equal(&d->policies, &f->req->is.policies)) return "policies";
    if (d->expires_us != f->req->is.expires_us) return "expiry";
    if (d->attempt != f->roster->is.attempt) return "attempt";
    if (d->checkpoint.size <= f->roster->at.index || d->checkpoint.size > f->d->at.index)
        return "checkpoint";
    return NULL;
}

static enum qr_rc statement_message(const struct trust_dir *dir, const struct leaf_request *req,
                                    const struct leaf_descriptor *d, struct qr_buf *out)
{
    struct qr_buf statement;
    qr_buf_init(&statement, MAX_STATEMENT);
    enum qr_rc rc = leaf_statement(req, d, qr_str(dir->origin), &statement);
    if (rc == QR_OK) rc = payload_dsse(qr_str(LEAF_STATEMENT_TYPE), qr_buf_bytes(&statement), out);
    qr_buf_fini(&statement);
    return rc;
}

static enum qr_rc file_is(const struct leaf_request *req, struct qr_bytes file)
{
    if (!file.p) return QR_RANGE;
    struct qr_hash hash = qr_sha256_one(file);
    return qr_hash_equal(&hash, &req->artifact.sha256) ? QR_OK : QR_FALSE;
}

/* The hash as requested; whoever has the file compares both. */
static enum qr_rc minisign_message(const struct leaf_request *req, const struct leaf_payload *p,
                                   struct qr_bytes file, struct qr_buf *out)
{
    _Static_assert(LEAF_BLAKE2B_SIZE == PAYLOAD_BLAKE2B_SIZE, "as leaf/parts.h has it");
    if (file.p) QR_TRY(file_is(req, file));
    if (file.p && !payload_minisign_is(file, p->blake2b)) return QR_FALSE;
    qr_buf_put_bytes(out, QR_BYTES_OF(p->blake2b));
    return qr_buf_ok(out);
}

static enum qr_rc global_message(const struct leaf_request *req, const struct qr_sig *first,
                                 struct qr_buf *out)
{
    if (!first) return QR_RANGE;
    struct qr_buf comment;
    qr_buf_init(&comment, MAX_STATEMENT);
    enum qr_rc rc = leaf_trusted_comment(req, &comment);
    if (rc == QR_OK) rc = payload_minisign_global(first->b, qr_buf_bytes(&comment), out);
    qr_buf_fini(&comment);
    return rc;
}

enum qr_rc trust_payload_message(const struct trust_dir *dir, const struct leaf_request *req,
                                 const struct leaf_descriptor *d, const struct leaf_payload *p,
                                 const struct trust_given *given, struct qr_buf *out)
{
    switch (p->type) {
    case QR_DSSE: return statement_message(dir, req, d, out);
    case QR_SSHSIG: return payload_sshsig(qr_str(p->ns), req->artifact.sha256.b, out);
    case QR_MINISIGN: return minisign_message(req, p, given->file, out);
    case QR_MINISIGN_GLOBAL: return global_message(req, given->first, out);
    case QR_X509_CSR:
    case QR_X509_CA:
    case QR_X509_CERT: return payload_x509_message(req, d, p, given, out);
    default: break;
    }
    QR_TRY(file_is(req, given->file));
    qr_buf_put_bytes(out, given->file);
    QR_TRY(qr_buf_ok(out));
    return payload_raw_check(given->file, NULL);
}

/* The artifact's digest and the trusted comment: what minisign-global's bytes
 * are made of before there is a signature. */
static enum qr_rc global_digest(const struct leaf_request *req, struct qr_hash *out)
{
    struct qr_buf b;
    qr_buf_init(&b, MAX_STATEMENT);
    qr_buf_put_bytes(&b, QR_BYTES_OF(req->artifact.sha256.b));
    enum qr_rc rc = leaf_trusted_comment(req, &b);
    if (rc == QR_OK) *out = qr_sha256_tagged("quorate/minisign-global/v1", qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return rc;
}

enum qr_rc trust_payload_named(const struct leaf_request *req, const struct leaf_payload *p,
                               struct qr_bytes msg, struct qr_hash *out)
{
    if (p->type == QR_MINISIGN_GLOBAL) return global_digest(req, out);
    if (qr_payload_is_x509(p->type)) return payload_x509_digest(req, p->type, out);
    *out = qr_sha256_one(msg);
    return QR_OK;
}

enum qr_rc trust_payload_digest(const struct trust_dir *dir, const struct leaf_request *req,
                                const struct leaf_descriptor *d, const struct leaf_payload *p,
                                struct qr_hash *out)
{
    if (p->type == QR_MINISIGN_GLOBAL) return global_digest(req, out);
    if (qr_payload_is_x509(p->type)) return payload_x509_digest(req, p->type, out);
    if (p->type == QR_RAW) {
        *out = req->artifact.sha256;
        return QR_OK;
    }
    struct qr_buf msg;
    struct trust_given nothing = {.first = NULL};
    qr_buf_init(&msg, MAX_STATEMENT + 256);
    enum qr_rc rc = trust_payload_message(dir, req, d, p, &nothing, &msg);
    if (rc == QR_OK) *out = qr_sha256_one(qr_buf_bytes(&msg));
    qr_buf_fini(&msg);
    return rc;
}

static enum qr_rc digests_check(const struct trust_context *ctx, const struct trust_freeze *f,
                                struct trust_report *r)
{
    const struct leaf_descriptor *d = &f->d->is;
    if (!leaf_payloads_same(&d->payloads, &f->req->is.payloads))
        QR_TRY(trust_fail(r, TRUST_DESCRIPTOR_PAYLOADS, QR_FALSE, "not the payloads requested"));
    for (size_t i = 0; i < d->payloads.n; i++) {
        const struct leaf_payload *p = &d->payloads.p[i];
        struct qr_hash want;
        if (trust_payload_digest(ctx->dir, &f->req->is, d, p, &want) != QR_OK ||
            !qr_hash_equal(&want, &p->digest))
            QR_TRY(trust_fail(r, TRUST_DESCRIPTOR_PAYLOADS, QR_FALSE, "another digest for %s",
                              qr_payload_name(p->type)));
    }
    trust_pass(r, TRUST_DESCRIPTOR_PAYLOADS);
    return QR_OK;
}

enum qr_rc trust_descriptor_check(const struct trust_context *ctx, const struct trust_freeze *f,
                                  struct trust_report *r)
{
    const struct leaf_descriptor *d = &f->d->is;
    uint32_t quorum = signing_policy_quorum(&ctx->signing);
    QR_TRY(members_check(f, r));
    QR_TRY(trust_check(r, TRUST_DESCRIPTOR_QUORUM, d->n == quorum && d->t == quorum, QR_POLICY,
                       "n = %u, t = %u, but the policy's quorum is %u", d->n, d->t, quorum));
    const char *what = descriptor_difference(f);
    QR_TRY(
        trust_check(r, TRUST_DESCRIPTOR_BINDING, !what, QR_FALSE, "another %s", what ? what : ""));
    return digests_check(ctx, f, r);
}
