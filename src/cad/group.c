/* group.c - IssueGroup: a certificate for the group key that a frozen quorum
 * has generated.
 *
 * The key is computed here from the DKG certificate that all members signed;
 * the material is judged like everybody else judges it; the freeze must be the
 * newest of its session.  One certificate for a descriptor. */
#include "bundle/verify.h"
#include "cad/state.h"

#include "base/limits.h"
#include "trust/ssh_check.h"

#include <stdlib.h>
#include <string.h>

struct group_asking {
    struct cad *d;
    const Quorate__V1__IssueGroupRequest *in; /* NULL: a review */
    struct qr_bytes bytes;                    /* of the material */
    struct bundle material;
    bool have_material;
    struct bundle_facts facts;
    struct trust_report report;
    struct qr_hash transcript;
    struct qr_pub key;
};

static struct qr_bytes of_pb(ProtobufCBinaryData d) { return QR_BYTES(d.data, d.len); }

static enum qr_rc explain(struct group_asking *a, enum qr_rc rc, struct qr_err *err)
{
    if (rc != QR_OK && a->report.failed) (void)trust_report_err(&a->report, err);
    return rc;
}

/* The facts of a call and those of all calls: a copy to judge with, then what
 * it added. */
static void known_copy(struct cad *d, struct bundle_known *out)
{
    (void)pthread_mutex_lock(&d->known_mutex);
    *out = d->known;
    (void)pthread_mutex_unlock(&d->known_mutex);
}

static void known_merge(struct cad *d, const struct bundle_known *now, size_t before)
{
    (void)pthread_mutex_lock(&d->known_mutex);
    for (size_t i = before; i < now->count; i++) {
        const struct qr_hash *fact = &now->h[i % BUNDLE_KNOWN_MAX];
        if (!bundle_known_has(&d->known, fact)) bundle_known_add(&d->known, fact);
    }
    (void)pthread_mutex_unlock(&d->known_mutex);
}

static enum qr_rc judge_material(struct group_asking *a, struct qr_err *err)
{
    int64_t now = qr_now_us(&a->d->s->clock);
    struct bundle_known known;
    struct bundle_options opt = {.need = BUNDLE_FROZEN, .now_us = &now, .known = &known};
    QR_TRY(bundle_read(a->bytes, &a->material, err));
    a->have_material = true;
    if (a->material.stage != BUNDLE_FROZEN)
        return qr_fail(err, QR_MALFORMED, "the material is not of stage frozen");
    known_copy(a->d, &known);
    size_t before = known.count;
    enum qr_rc rc = bundle_verify(&a->material, a->d->s->trust, &opt, &a->report, &a->facts);
    known_merge(a->d, &known, before);
    return explain(a, rc, err);
}

static enum qr_rc judge_dkg(struct group_asking *a, struct qr_err *err)
{
    struct bundle_dkg dkg = {.certificate = of_pb(a->in->certificate),
                             .frames = a->in->frames.data};
    if (a->in->frames.len != QR_SHA512_SIZE)
        return qr_fail(err, QR_MALFORMED, "frames has 64 bytes");
    a->transcript = qr_sha256_one(dkg.certificate);
    return explain(
        a, bundle_dkg_check(a->d->s->trust, &a->facts.descriptor, &dkg, &a->report, &a->key), err);
}

/* In a transaction: what was issued for this descriptor.  QR_NOTFOUND. */
static enum qr_rc known(struct group_asking *a, struct issued *c, struct qr_err *err)
{
    struct certified old = {.descriptor = a->facts.descriptor.hash};
    QR_TRY(store_descriptor(a->d->s->db, &old, err));
    if (!qr_hash_equal(&old.transcript, &a->transcript))
        return qr_fail(err, QR_CONFLICT, "another transcript is certified for this descriptor");
    qr_buf_reset(&c->der);
    qr_buf_reset(&c->ssh);
    return store_certificate(a->d->s->db, &old.sha256, c, err);
}

/* The same key for OpenSSH, where that is asked for and somebody could check it. */
static enum qr_rc make_ssh(struct group_asking *a, const struct pki_cert *cert, struct issued *c,
                           struct leaf_certificate *entry)
{
    struct trust_ssh of = {
        .req = &a->facts.request, .policy = &a->facts.context.signing, .group = cert};
    struct pki_ssh_terms terms;
    if (!trust_ssh_terms(&of, &terms) || !a->d->ssh_pinned) return QR_OK;
    QR_TRY(pki_ssh_issue(&terms, &a->d->ssh_ca, &c->ssh));
    entry->has_ssh = true;
    entry->ssh = qr_sha256_one(qr_buf_bytes(&c->ssh));
    return QR_OK;
}

static enum qr_rc make(struct group_asking *a, struct issued *c, struct leaf_certificate *entry)
{
    const struct leaf_descriptor *desc = &a->facts.descriptor.is;
    struct pki_issuance terms = issue_terms(a->d, &a->d->group_ca);
    struct pki_cert cert;
    struct pki_group_claims claims = {.attempt = desc->attempt,
                                      .classes = a->facts.classes | a->d->s->classes,
                                      .descriptor = a->facts.descriptor.hash,
                                      .payload_count = desc->payloads.n,
                                      .session_leaf = desc->session.leaf,
                                      .transcript = a->transcript};
    qr_copy(claims.session, desc->session.id, sizeof claims.session);
    for (size_t i = 0; i < desc->payloads.n; i++)
        claims.payloads[i] =
            (struct pki_group_payload){desc->payloads.p[i].type, desc->payloads.p[i].digest};
    QR_TRY(pki_issue_group(&terms, &a->key, &claims, &c->der, &cert));
    c->sha256 = cert.sha256;
    *entry = (struct leaf_certificate){.purpose = LEAF_PURPOSE_GROUP,
                                       .session_leaf = desc->session.leaf,
                                       .attempt = desc->attempt,
                                       .descriptor = a->facts.descriptor.hash,
                                       .transcript = a->transcript,
                                       .group_key = a->key};
    issue_describe(&cert, entry);
    return make_ssh(a, &cert, c, entry);
}

static enum qr_rc record(struct group_asking *a, struct issued *c,
                         const struct leaf_certificate *entry, struct qr_err *err)
{
    struct certified row = {a->facts.descriptor.hash, a->transcript, c->sha256};
    enum qr_rc rc = known(a, c, err);
    if (rc != QR_NOTFOUND) return rc;
    QR_TRY(issue_record(a->d, c, entry, err));
    return store_descriptor_add(a->d->s->db, &row, err);
}

static enum qr_rc find_known(struct group_asking *a, struct issued *c, struct qr_err *err)
{
    QR_TRY(qr_db_read(a->d->s->db, err));
    enum qr_rc rc = known(a, c, err);
    qr_db_read_end(a->d->s->db);
    return rc;
}

static enum qr_rc issue(struct group_asking *a, struct issued *c, struct qr_err *err)
{
    struct leaf_certificate entry;
    const struct trust_descriptor *desc = &a->facts.descriptor;
    struct freeze_ref freeze = {.session = desc->is.session.id,
                                .index = desc->at.index,
                                .leaf = &desc->at.leaf,
                                .attempt = desc->is.attempt,
                                .descriptor = &desc->hash};
    enum qr_rc rc = find_known(a, c, err);
    if (rc != QR_NOTFOUND) return rc;
    QR_TRY(facts_freeze(a->d, &freeze, err));
    if (make(a, c, &entry) != QR_OK) return qr_fail(err, QR_BUG, "the certificate cannot be made");
    QR_TRY(qr_db_begin(a->d->s->db, err));
    /* COMMIT POINT: this transcript is the descriptor's, and is to be logged. */
    QR_TRY(qr_db_end(a->d->s->db, record(a, c, &entry, err), err));
    outbox_wake(a->d->s->outbox);
    return QR_OK;
}

static struct group_asking *asking_new(struct cad *d, struct qr_bytes material)
{
    struct group_asking *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    a->d = d;
    a->bytes = material;
    trust_report_init(&a->report);
    return a;
}

static void asking_free(struct group_asking *a)
{
    bundle_facts_fini(&a->facts);
    if (a->have_material) bundle_fini(&a->material);
    trust_report_fini(&a->report);
    free(a);
}

static const char *const coordinator_only[] = {LAYOUT_COORDINATORD, NULL};

void group_review(Quorate__V1__Ca_Service *rpc, const Quorate__V1__ReviewGroupRequest *in,
                  Quorate__V1__Empty_Closure closure, void *call)
{
    struct cad *d = (struct cad *)rpc;
    Quorate__V1__Empty out = QUORATE__V1__EMPTY__INIT;
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, coordinator_only)) return;
    struct group_asking *a = asking_new(d, of_pb(in->material));
    enum qr_rc rc = a ? judge_material(a, &err) : QR_NOMEM;
    if (a) asking_free(a);
    if (rc != QR_OK)
        rpc_fail(call, rc, err.text);
    else if (rpc_send(call, &out.base) != QR_OK)
        rpc_fail(call, QR_CANCELLED, NULL);
}

void group_issue(Quorate__V1__Ca_Service *rpc, const Quorate__V1__IssueGroupRequest *in,
                 Quorate__V1__IssueReply_Closure closure, void *call)
{
    struct cad *d = (struct cad *)rpc;
    struct issued c = {.purpose = LEAF_PURPOSE_GROUP};
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, coordinator_only)) return;
    struct group_asking *a = asking_new(d, of_pb(in->material));
    if (!a) {
        rpc_fail(call, QR_NOMEM, NULL);
        return;
    }
    a->in = in;
    qr_buf_init(&c.der, PKI_MAX_DER);
    qr_buf_init(&c.ssh, PKI_SSH_MAX);
    enum qr_rc rc = judge_material(a, &err);
    if (rc == QR_OK) rc = judge_dkg(a, &err);
    if (rc == QR_OK) rc = issue(a, &c, &err);
    if (rc == QR_OK)
        issue_answer(d, call, &c);
    else
        rpc_fail(call, rc, err.text);
    qr_buf_fini(&c.der);
    qr_buf_fini(&c.ssh);
    asking_free(a);
}
