/* combine.c - from the members' shares to the signatures, verified before they
 * leave; or to the names of those whose shares do not fit. */
#include "coordinatord/ceremony.h"

#include "frost/aggregate.h"
#include "frost/certificate.h"

#include <stdlib.h>

enum { MESSAGE_MAX = QR_MAX_RAW_FILE };

struct combination {
    struct frost_group group;
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    struct frost_sig_share shares[QR_MAX_PARTICIPANTS];
    struct leaf_made made;
    uint64_t culprits;
};

static enum qr_rc start(struct ceremony_part *p, struct combination *k, struct qr_err *err)
{
    struct cocktail_certificate cert;
    struct store_logged l;
    QR_TRY(cocktail_certificate_verify(p->v.attempt.certificate, &cert, err));
    k->group = cert.group;
    QR_TRY(qr_db_read(p->c->s->db, err));
    enum qr_rc rc = store_logged_get(p->c->s->db, p->job->n, LEAF_SIGNING_STARTED, p->job->attempt,
                                     &p->v.arena, &l, err);
    qr_db_read_end(p->c->s->db);
    if (rc != QR_OK) return rc;
    k->made = (struct leaf_made){.session = p->v.descriptor.session,
                                 .attempt = p->job->attempt,
                                 .descriptor = p->v.descriptor_hash,
                                 .started = l.leaf,
                                 .n = p->v.descriptor.payloads.n};
    qr_copy(k->made.group_key.b, k->group.key.b, sizeof k->made.group_key.b);
    return QR_OK;
}

/* The payload's commitments, and its shares, which are the how many-th of their
 * round. */
static void gather(const struct view *v, size_t payload, struct combination *k)
{
    const struct leaf_payload *p = v->descriptor.payloads.p;
    bool chained = p[payload].type == QR_MINISIGN_GLOBAL;
    enum leaf_round round = chained ? LEAF_ROUND_CHAIN : LEAF_ROUND_SHARE;
    size_t at = 0;
    for (size_t i = 0; i < payload; i++) at += (p[i].type == QR_MINISIGN_GLOBAL) == chained;
    for (size_t i = 0; i < v->n; i++) {
        const struct view_approval *a = &v->approvals[i];
        const uint8_t *pair =
            a->sent[LEAF_ROUND_DKG2].body.p + SCHNORR_SIZE + payload * (size_t)2 * POINT_SIZE;
        k->list[i].id = k->shares[i].id = (uint32_t)i + 1;
        qr_copy(k->list[i].hiding, pair, POINT_SIZE);
        qr_copy(k->list[i].binding, pair + POINT_SIZE, POINT_SIZE);
        qr_copy(k->shares[i].z, a->sent[round].body.p + at * SCALAR_SIZE, SCALAR_SIZE);
    }
}

static enum qr_rc combine_one(struct ceremony_part *p, size_t i, struct combination *k,
                              struct qr_err *err)
{
    const struct leaf_payload *payload = &p->v.descriptor.payloads.p[i];
    struct frost_result result;
    struct qr_buf msg;
    qr_buf_init(&msg, MESSAGE_MAX);
    /* minisign stands before what is over it. */
    struct trust_given given = {p->v.file, i > 0 ? &k->made.signatures[i - 1].sig : NULL,
                                &k->made.group_key};
    enum qr_rc rc = trust_payload_message(p->c->s->trust, &p->v.request.is, &p->v.descriptor,
                                          payload, &given, &msg);
    if (rc != QR_OK) {
        qr_buf_fini(&msg);
        return qr_fail(err, rc, "the message of payload %zu cannot be made", i);
    }
    gather(&p->v, i, k);
    struct frost_package package = {.msg = qr_buf_bytes(&msg), .list = k->list, .count = p->v.n};
    rc = frost_aggregate(&k->group, &package, k->shares, &result, err);
    qr_buf_fini(&msg);
    for (size_t j = 0; j < result.culprits.count; j++)
        k->culprits |= UINT64_C(1) << (result.culprits.ids[j] - 1);
    if (rc != QR_OK) return rc;
    k->made.signatures[i] =
        (struct leaf_signed_payload){.type = payload->type, .digest = payload->digest};
    qr_copy(k->made.signatures[i].sig.b, result.sig, FROST_SIG_SIZE);
    return QR_OK;
}

/* Whether a signature is made of another, so that its shares are yet to come. */
static bool awaits_chain(const struct ceremony_part *p)
{
    return p->job->wait == SESSION_WAIT_AGGREGATE &&
           leaf_payloads_shares(&p->v.descriptor.payloads, LEAF_ROUND_CHAIN) > 0;
}

static enum qr_rc combine(struct ceremony_part *p, struct combination *k, struct qr_err *err)
{
    QR_TRY(start(p, k, err));
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; i < k->made.n; i++) {
        if (awaits_chain(p) && p->v.descriptor.payloads.p[i].type == QR_MINISIGN_GLOBAL) continue;
        enum qr_rc one = combine_one(p, i, k, err);
        if (rc == QR_OK) rc = one;
    }
    if (k->culprits) return ceremony_blame(p, k->culprits, err);
    if (rc != QR_OK) return rc;
    if (awaits_chain(p)) {
        struct ceremony_news chained = {.ev = {.kind = SESSION_EV_CHAINED}};
        return ceremony_apply(p, &chained, err);
    }
    json_t *body = leaf_made_write(&k->made);
    struct ceremony_news news = {.ev = {.kind = SESSION_EV_AGGREGATED}, .body = body};
    rc = ceremony_apply(p, &news, err);
    json_decref(body);
    return rc;
}

enum qr_rc combine_shares(struct ceremony_part *p, struct qr_err *err)
{
    struct combination *k = calloc(1, sizeof *k);
    if (!k) return qr_fail(err, QR_NOMEM, "out of memory");
    enum qr_rc rc = combine(p, k, err);
    free(k);
    return rc;
}
