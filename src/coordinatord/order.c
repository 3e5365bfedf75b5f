/* order.c - see order.h. */
#include "coordinatord/order.h"

#include <assert.h>

enum { ORDER_MAX = 8 * 1024 * 1024 };

static json_t *progress(const struct step *st)
{
    const struct session *s = &st->state;
    json_t *o = qr_json_object();
    qr_json_set_int(o, "engineers_have", session_have(s, QR_ENGINEER));
    qr_json_set_int(o, "engineers_need", s->rules.engineers);
    qr_json_set_str(o, "state", session_state_name(s->state));
    qr_json_set_int(o, "stewards_have", session_have(s, QR_STEWARD));
    qr_json_set_int(o, "stewards_need", s->rules.stewards);
    return o;
}

static json_t *presence(const struct step *st)
{
    json_t *o = qr_json_object(), *members = qr_json_array();
    for (uint32_t m = 1; m <= session_members(&st->state); m++)
        qr_json_add(members, qr_json_hex(session_member(&st->state, m)->leaf.b, QR_SHA256_SIZE));
    qr_json_set(o, "members", members);
    return o;
}

static enum qr_rc put_descriptor(struct step *st, uint32_t attempt, json_t *o, struct qr_err *err)
{
    struct store_attempt a;
    QR_TRY(store_attempt_get(st->c->s->db, st->row.n, attempt, &st->arena, &a, err));
    json_t *body = NULL;
    QR_TRY(qr_json_parse(a.descriptor, &body, err));
    struct qr_hash h = leaf_descriptor_hash(body);
    json_decref(body);
    qr_json_set_hex(o, "descriptor", h.b, sizeof h.b);
    return QR_OK;
}

static enum qr_rc put_messages(struct step *st, uint32_t attempt, enum leaf_round round, json_t *o,
                               struct qr_err *err)
{
    struct leaf_signed list[QR_MAX_PARTICIPANTS];
    uint32_t n = session_members(&st->state);
    for (uint32_t m = 1; m <= n; m++) {
        struct store_envelope e = {
            .attempt = attempt, .round = round, .approval = session_member(&st->state, m)->id};
        QR_TRY(store_envelope_get(st->c->s->db, st->row.n, &st->arena, &e, err));
        list[m - 1] = (struct leaf_signed){.bytes = e.bytes, .sig = e.sig};
    }
    qr_json_set(o, "messages", leaf_signed_list_write(list, n));
    return QR_OK;
}

static enum qr_rc put_leaf(struct step *st, uint32_t attempt, enum leaf_kind kind, const char *key,
                           json_t *o, struct qr_err *err)
{
    struct store_logged l;
    QR_TRY(store_logged_get(st->c->s->db, st->row.n, kind, attempt, &st->arena, &l, err));
    qr_json_set_hex(o, key, l.leaf.b, sizeof l.leaf.b);
    return QR_OK;
}

static void put_failure(const struct step *st, const struct session *before, bool ended, json_t *o)
{
    const struct session_effects *fx = &st->fx;
    json_t *blame = qr_json_array(), *dropped = qr_json_array();
    for (uint32_t i = 0; i < fx->n_blame; i++)
        qr_json_add(blame, qr_json_hex(fx->blame[i].b, QR_SHA256_SIZE));
    for (uint32_t i = 0; i < fx->n_dropped; i++) {
        const struct session_approval *a = session_by_id(before, fx->dropped[i]);
        assert(a);
        if (a->logged) qr_json_add(dropped, qr_json_hex(a->leaf.b, QR_SHA256_SIZE));
    }
    qr_json_set(o, "blame", blame);
    if (ended) {
        qr_json_set_str(o, "state", session_state_name(st->state.state));
        json_decref(dropped);
    } else {
        qr_json_set(o, "dropped", dropped);
        if (st->evidence.n > 0) qr_json_set_bytes(o, "evidence", st->evidence);
    }
    qr_json_set_str(o, "reason", ended ? fx->end_reason : fx->reason);
    qr_json_set_str(o, "step", session_wait_name(fx->step));
}

static enum qr_rc fill(struct step *st, const struct session *before,
                       const struct session_effect *e, json_t *o, struct qr_err *err)
{
    switch (e->order) {
    case SESSION_ORDER_FROZEN: return put_descriptor(st, e->attempt, o, err);
    case SESSION_ORDER_DKG1:
        QR_TRY(put_descriptor(st, e->attempt, o, err));
        return put_messages(st, e->attempt, LEAF_ROUND_DKG1, o, err);
    case SESSION_ORDER_SIGN:
        QR_TRY(put_descriptor(st, e->attempt, o, err));
        QR_TRY(put_messages(st, e->attempt, LEAF_ROUND_DKG2, o, err));
        return put_leaf(st, e->attempt, LEAF_SIGNING_STARTED, "started", o, err);
    case SESSION_ORDER_CHAIN:
        QR_TRY(put_descriptor(st, e->attempt, o, err));
        return put_messages(st, e->attempt, LEAF_ROUND_SHARE, o, err);
    case SESSION_ORDER_SIGNED: return put_leaf(st, e->attempt, LEAF_SIGNATURE_MADE, "made", o, err);
    case SESSION_ORDER_ATTEMPT_FAILED: put_failure(st, before, false, o); return QR_OK;
    case SESSION_ORDER_ENDED: put_failure(st, before, true, o); return QR_OK;
    default: qr_fatal("no such order");
    }
}

static enum qr_rc body_of(struct step *st, const struct session *before,
                          const struct session_effect *e, json_t **out, struct qr_err *err)
{
    if (e->order == SESSION_ORDER_PROGRESS) *out = progress(st);
    if (e->order == SESSION_ORDER_PRESENCE) *out = presence(st);
    if (*out) return QR_OK;
    json_t *o = qr_json_object();
    enum qr_rc rc = fill(st, before, e, o, err);
    if (rc == QR_OK)
        *out = o;
    else
        json_decref(o);
    return rc;
}

static const enum leaf_order_type types[] = {[SESSION_ORDER_PROGRESS] = LEAF_ORDER_PROGRESS,
                                             [SESSION_ORDER_PRESENCE] = LEAF_ORDER_PRESENCE,
                                             [SESSION_ORDER_FROZEN] = LEAF_ORDER_FROZEN,
                                             [SESSION_ORDER_DKG1] = LEAF_ORDER_DKG1,
                                             [SESSION_ORDER_SIGN] = LEAF_ORDER_SIGN,
                                             [SESSION_ORDER_CHAIN] = LEAF_ORDER_CHAIN,
                                             [SESSION_ORDER_SIGNED] = LEAF_ORDER_SIGNED,
                                             [SESSION_ORDER_ATTEMPT_FAILED] =
                                                 LEAF_ORDER_ATTEMPT_FAILED,
                                             [SESSION_ORDER_ENDED] = LEAF_ORDER_ENDED};

enum qr_rc order_put(struct step *st, const struct session *before, const struct session_effect *e,
                     struct qr_err *err)
{
    json_t *body = NULL;
    QR_TRY(body_of(st, before, e, &body, err));
    struct leaf_order o = {.session_leaf = st->row.leaf,
                           .attempt = e->attempt,
                           .sequence = st->row.orders + 1,
                           .type = types[e->order],
                           .body = body};
    struct qr_buf b;
    qr_buf_init(&b, ORDER_MAX);
    struct store_order row = {.sequence = o.sequence};
    enum qr_rc rc = leaf_order_write(&o, &b);
    if (rc == QR_OK) {
        row.bytes = qr_buf_bytes(&b);
        qr_sign_tagged(&st->c->envelope_key, LEAF_TAG_ORDER, row.bytes, &row.sig);
        rc = store_order_add(st->c->s->db, st->row.n, &row, err);
    }
    if (rc == QR_OK) st->row.orders = o.sequence;
    qr_buf_fini(&b);
    json_decref(body);
    return rc;
}
