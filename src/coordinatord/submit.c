/* submit.c - an envelope comes in.
 *
 * What its sender signed is kept byte for byte.  What is wrong with it is found
 * before others see it where that can be done without secrets: then the
 * sender's own signature proves who is to blame. */
#include "base/removal.h"
#include "bundle/blame.h"
#include "coordinatord/act.h"
#include "coordinatord/ceremony.h"
#include "coordinatord/step.h"
#include "frost/dispute.h"
#include "frost/package.h"

struct letter {
    struct coord *c;
    struct leaf_envelope is;
    struct store_envelope row;
    int64_t n;
    struct qr_arena arena;
    struct store_session session;
    struct leaf_approval sender;
    struct store_attempt attempt;
    struct leaf_abort abort;
    bool culprit;    /* the body fails a check that anyone can repeat */
    uint32_t guilty; /* member whom a dispute shows to be at fault; 0: nobody */
};

static const enum session_wait waits[] = {
    [LEAF_ROUND_PRESENCE] = SESSION_WAIT_PRESENCE, [LEAF_ROUND_DKG1] = SESSION_WAIT_DKG1,
    [LEAF_ROUND_DKG2] = SESSION_WAIT_DKG2,         [LEAF_ROUND_SHARE] = SESSION_WAIT_SHARE,
    [LEAF_ROUND_ABORT] = SESSION_WAIT_NONE,        [LEAF_ROUND_CHAIN] = SESSION_WAIT_CHAIN};

static enum qr_rc load(struct letter *l, struct qr_err *err)
{
    struct qr_db *db = l->c->s->db;
    struct store_approval a;
    json_t *body = NULL;
    QR_TRY(store_approval_by_leaf(db, &l->is.approval, &l->n, &l->row.approval, err));
    QR_TRY(store_session_get(db, l->n, &l->arena, &l->session, err));
    QR_TRY(store_approval_get(db, l->n, l->row.approval, &l->arena, &a, err));
    enum qr_rc rc = store_attempt_get(db, l->n, l->is.attempt, &l->arena, &l->attempt, err);
    if (rc != QR_OK && rc != QR_NOTFOUND) return rc;
    QR_TRY(qr_json_parse(a.body, &body, err));
    rc = leaf_approval_read(body, &l->sender, err);
    json_decref(body);
    return rc;
}

static enum qr_rc check_origin(const struct letter *l, struct qr_err *err)
{
    if (!QR_HOLDS(COORDINATOR_LETTER, qr_verify_tagged(&l->sender.envelope_key, LEAF_TAG_ENVELOPE,
                                                       l->row.bytes, &l->row.sig) == QR_OK))
        return qr_fail(err, QR_DENIED, "the envelope is not signed by its sender");
    if (!QR_HOLDS(COORDINATOR_SESSION, qr_hash_equal(&l->is.session_leaf, &l->session.leaf)))
        return qr_fail(err, QR_CONFLICT, "the envelope is of another session");
    return QR_OK;
}

/* The descriptor as far as the checks need it. */
static enum qr_rc check_descriptor(const struct letter *l, struct leaf_descriptor *d,
                                   struct qr_hash *hash, struct qr_err *err)
{
    if (l->attempt.descriptor.n == 0) return qr_fail(err, QR_STATE, "the roster is not frozen");
    json_t *body = NULL;
    QR_TRY(qr_json_parse(l->attempt.descriptor, &body, err));
    *hash = leaf_descriptor_hash(body);
    enum qr_rc rc = leaf_descriptor_read(body, d, err);
    json_decref(body);
    if (rc != QR_OK) return rc;
    if (!QR_HOLDS(COORDINATOR_DESCRIPTOR,
                  l->is.has_descriptor && qr_hash_equal(&l->is.descriptor, hash)))
        return qr_fail(err, QR_CONFLICT, "the envelope names another descriptor");
    return QR_OK;
}

/* 1..n; 0: no member of this attempt. */
static uint32_t place_of(const struct leaf_descriptor *d, const struct qr_hash *approval)
{
    for (uint32_t i = 0; i < d->n; i++)
        if (qr_hash_equal(&d->members[i].approval, approval)) return i + 1;
    return 0;
}

static enum qr_rc check_dealing(struct letter *l, const struct leaf_descriptor *d,
                                const struct qr_hash *hash, struct qr_err *err)
{
    struct cocktail_params params;
    struct dkg_blame blame;
    uint32_t index = place_of(d, &l->is.approval);
    QR_TRY(keygen_params(d, hash, &params, err));
    if (index == 0) return qr_fail(err, QR_DENIED, "not a member of this attempt");
    l->culprit = cocktail_msg1_check(&params, index, l->is.body, &blame, err) != QR_OK;
    return QR_OK;
}

/* The accused's first message, as it was kept. */
static enum qr_rc accused_letter(struct letter *l, const struct leaf_member *m,
                                 struct leaf_envelope *out, struct qr_err *err)
{
    struct store_envelope e = {.attempt = l->is.attempt, .round = LEAF_ROUND_DKG1};
    int64_t n = 0;
    struct qr_db *db = l->c->s->db;
    QR_TRY(qr_db_read(db, err));
    enum qr_rc rc = store_approval_by_leaf(db, &m->approval, &n, &e.approval, err);
    if (rc == QR_OK) rc = store_envelope_get(db, l->n, &l->arena, &e, err);
    qr_db_read_end(db);
    return rc == QR_OK ? leaf_envelope_read(e.bytes, out, err) : rc;
}

/* Who is at fault: the dealer if his ciphertext is wrong, else whoever accuses
 * him.  Without a message of the dealer's there is nothing to judge. */
static enum qr_rc judge_dispute(struct letter *l, struct qr_err *err)
{
    struct leaf_descriptor d;
    struct cocktail_params params;
    struct leaf_envelope dealt;
    struct qr_hash hash;
    enum dkg_reason found;
    QR_TRY(check_descriptor(l, &d, &hash, err));
    QR_TRY(keygen_params(&d, &hash, &params, err));
    uint32_t from = l->abort.blame, to = place_of(&d, &l->is.approval);
    if (from < 1 || from > d.n || to == 0 || from == to) return QR_OK;
    enum qr_rc rc = accused_letter(l, &d.members[from - 1], &dealt, err);
    if (rc == QR_NOTFOUND) return QR_OK;
    if (rc != QR_OK) return rc;
    struct dispute_case k = {&params, from, to, dealt.body};
    rc = dispute_judge(&k, l->abort.dispute, &found);
    leaf_envelope_fini(&dealt);
    if (rc != QR_OK && rc != QR_FALSE) return rc == QR_NOMEM ? rc : QR_OK;
    l->guilty = rc == QR_OK && found != DKG_FINE ? from : to;
    return QR_OK;
}

static enum qr_rc check_body(struct letter *l, struct qr_err *err)
{
    struct leaf_descriptor d;
    struct qr_hash hash;
    switch (l->is.round) {
    case LEAF_ROUND_PRESENCE:
        return l->is.body.n == 0 && !l->is.has_descriptor
                   ? QR_OK
                   : qr_fail(err, QR_MALFORMED, "a presence envelope holds nothing");
    case LEAF_ROUND_ABORT:
        QR_TRY(leaf_abort_read(l->is.body, &l->abort, err));
        return l->abort.has_dispute ? judge_dispute(l, err) : QR_OK;
    default: break;
    }
    QR_TRY(check_descriptor(l, &d, &hash, err));
    if (l->is.round == LEAF_ROUND_DKG1) return check_dealing(l, &d, &hash, err);
    if (l->is.round == LEAF_ROUND_DKG2)
        l->culprit = !blame_commitments_fit(l->is.body, d.payloads.n);
    else
        l->culprit = l->is.body.n != leaf_payloads_shares(&d.payloads, l->is.round) * SCALAR_SIZE;
    return QR_OK;
}

/* ---- inside the transaction ---- */

/* QR_EXISTS: the very same is here; QR_CONFLICT: another one is, and this one
 * was kept beside it. */
static enum qr_rc look_for_first(struct letter *l, struct qr_err *err)
{
    struct store_envelope first = l->row;
    enum qr_rc rc = store_envelope_get(l->c->s->db, l->n, &l->arena, &first, err);
    if (rc == QR_NOTFOUND) return QR_OK;
    if (rc != QR_OK) return rc;
    if (qr_bytes_equal(first.bytes, l->row.bytes)) return QR_EXISTS;
    QR_TRY(store_envelope_add(l->c->s->db, l->n, &l->row, true, err));
    return QR_CONFLICT;
}

static struct session_event event_of(const struct letter *l, const struct session *s)
{
    struct session_event ev = {.kind = SESSION_EV_SUBMITTED,
                               .id = l->row.approval,
                               .attempt = l->is.attempt,
                               .wait = waits[l->is.round]};
    const struct session_approval *a = session_by_id(s, l->row.approval);
    if (l->guilty > 0 && a && a->member && s->attempt == l->is.attempt &&
        l->guilty <= session_members(s)) {
        ev.kind = SESSION_EV_CULPRITS;
        ev.culprits = UINT64_C(1) << (l->guilty - 1);
    } else if (l->is.round == LEAF_ROUND_ABORT) {
        uint32_t blame = l->abort.blame;
        ev.kind = SESSION_EV_ABORTED;
        ev.culprits = blame > 0 && blame <= session_members(s) ? UINT64_C(1) << (blame - 1) : 0;
    } else if (l->culprit && a && a->member && s->attempt == l->is.attempt && s->wait == ev.wait) {
        ev.kind = SESSION_EV_CULPRITS;
        ev.culprits = UINT64_C(1) << (a->member - 1);
    }
    return ev;
}

static enum qr_rc keep(struct letter *l, struct qr_err *err)
{
    struct step *st = NULL;
    QR_TRY(step_begin_n(l->c, l->n, &st, err));
    enum qr_rc found = look_for_first(l, err);
    if (found == QR_EXISTS) return step_end(st, QR_OK, err);
    if (found == QR_CONFLICT) {
        QR_TRY(step_end(st, QR_OK, err));
        return qr_fail(err, QR_CONFLICT, "another %s envelope of this attempt is kept",
                       leaf_round_name(l->is.round));
    }
    enum qr_rc rc = found;
    struct session_event ev = event_of(l, &st->state);
    if (rc == QR_OK) rc = store_envelope_add(l->c->s->db, l->n, &l->row, false, err);
    if (rc == QR_OK) rc = step_event(st, &ev, NULL, err);
    return step_end(st, rc, err);
}

static enum qr_rc take(struct letter *l, struct qr_err *err)
{
    QR_TRY(qr_db_read(l->c->s->db, err));
    enum qr_rc rc = load(l, err);
    qr_db_read_end(l->c->s->db);
    if (rc == QR_OK) rc = check_origin(l, err);
    if (rc == QR_OK) rc = check_body(l, err);
    if (rc == QR_OK) rc = keep(l, err);
    if (rc == QR_OK && l->culprit) return qr_fail(err, QR_FALSE, "the envelope fails its check");
    return rc;
}

enum qr_rc act_submit(struct coord *c, struct qr_bytes envelope, const struct qr_sig *sig,
                      struct qr_err *err)
{
    struct letter l = {.c = c, .row = {.bytes = envelope, .sig = *sig}};
    QR_TRY(leaf_envelope_read(envelope, &l.is, err));
    l.row.attempt = l.is.attempt;
    l.row.round = l.is.round;
    qr_arena_init(&l.arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = take(&l, err);
    qr_arena_fini(&l.arena);
    leaf_envelope_fini(&l.is);
    return rc;
}
