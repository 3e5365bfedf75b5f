/* view.c - see view.h. */
#include "coordinatord/view.h"

#include <stdlib.h>

enum { VIEW_ARENA = 96 * 1024 * 1024 };

static enum qr_rc entry_time(struct coord *c, int64_t n, uint64_t index, int64_t *us,
                             struct qr_err *err)
{
    struct store_logged l;
    QR_TRY(store_logged_at(c->s->db, n, index, &l, err));
    return qr_time_parse(QR_BYTES(l.time, QR_TIME_LEN), us);
}

static enum qr_rc load_request(struct coord *c, struct view *v, struct qr_err *err)
{
    struct trust_request *r = &v->request;
    QR_TRY(qr_json_parse(v->row.request, &v->body, err));
    QR_TRY(leaf_request_read(v->body, &r->is, err));
    r->body = v->body;
    r->at = (struct trust_place){.index = TRUST_NOT_LOGGED};
    if (!v->row.logged) return QR_OK;
    r->at.index = v->row.index;
    r->at.leaf = v->row.leaf;
    r->at.classes = c->s->classes;
    return entry_time(c, v->row.n, v->row.index, &r->at.time_us, err);
}

static enum qr_rc load_identity(struct view_approval *a, struct qr_err *err)
{
    struct trust_identity *id = &a->is.identity;
    QR_TRY(leaf_parse(a->row.identity, &a->identity, err));
    id->at = (struct trust_place){.index = a->row.identity_index,
                                  .leaf = leaf_hash(a->row.identity),
                                  .time_us = a->identity.time_us,
                                  .classes = a->identity.classes};
    id->kind = a->identity.kind;
    id->body = a->identity.body;
    return leaf_identity_read(id->body, id->kind, &id->is, err);
}

static enum qr_rc load_envelopes(struct coord *c, struct view *v, struct view_approval *a,
                                 unsigned what, struct qr_err *err)
{
    for (unsigned r = 0; r < LEAF_ROUND_COUNT; r++) {
        if (!(what & VIEW_ROUND(r))) continue;
        struct store_envelope e = {
            .attempt = v->state.attempt, .round = (enum leaf_round)r, .approval = a->row.id};
        enum qr_rc rc = store_envelope_get(c->s->db, v->row.n, &v->arena, &e, err);
        if (rc == QR_NOTFOUND) continue;
        if (rc == QR_OK) rc = leaf_envelope_read(e.bytes, &a->sent[r], err);
        if (rc != QR_OK) return rc;
        a->has[r] = true;
    }
    return QR_OK;
}

static enum qr_rc load_approval(struct coord *c, struct view *v, uint32_t id, unsigned what,
                                struct qr_err *err)
{
    struct view_approval *a = &v->approvals[v->n++];
    struct trust_approval *t = &a->is;
    QR_TRY(store_approval_get(c->s->db, v->row.n, id, &v->arena, &a->row, err));
    QR_TRY(qr_json_parse(a->row.body, &a->body, err));
    QR_TRY(leaf_approval_read(a->body, &t->is, err));
    QR_TRY(load_identity(a, err));
    t->at =
        (struct trust_place){.index = a->row.index, .leaf = a->row.leaf, .classes = c->s->classes};
    t->body = a->body;
    t->certificate = a->row.certificate;
    t->grant = a->row.cad_grant;
    t->evidence = a->row.evidence;
    if (a->row.logged) QR_TRY(entry_time(c, v->row.n, a->row.index, &t->at.time_us, err));
    return load_envelopes(c, v, a, what, err);
}

/* The next approval in the order of the log behind index `after`. */
static const struct session_approval *next_standing(const struct session *s, bool first,
                                                    uint64_t after)
{
    const struct session_approval *best = NULL;
    for (uint32_t i = 0; i < s->n_approvals; i++) {
        const struct session_approval *a = &s->approvals[i];
        if (!a->logged || (!first && a->index <= after)) continue;
        if (!best || a->index < best->index) best = a;
    }
    return best;
}

static enum qr_rc load_approvals(struct coord *c, struct view *v, unsigned what, struct qr_err *err)
{
    const struct session *s = &v->state;
    uint32_t members = what & VIEW_STANDING ? 0 : session_members(s);
    v->approvals = qr_arena_alloc(&v->arena, (s->n_approvals + 1) * sizeof(struct view_approval));
    if (!v->approvals) return QR_NOMEM;
    for (uint32_t m = 1; m <= members; m++)
        QR_TRY(load_approval(c, v, session_member(s, m)->id, what, err));
    if (members) return QR_OK;
    const struct session_approval *a = next_standing(s, true, 0);
    for (; a; a = next_standing(s, false, a->index)) QR_TRY(load_approval(c, v, a->id, what, err));
    for (uint32_t i = 0; what & VIEW_PENDING && i < s->n_approvals; i++) {
        if (s->approvals[i].logged) continue;
        enum qr_rc rc = load_approval(c, v, s->approvals[i].id, what, err);
        /* The one that is being added right now has no row. */
        if (rc == QR_NOTFOUND)
            v->n--;
        else if (rc != QR_OK)
            return rc;
    }
    return QR_OK;
}

static enum qr_rc load_attempt(struct coord *c, struct view *v, struct qr_err *err)
{
    if (session_members(&v->state) == 0) return QR_OK;
    enum qr_rc rc =
        store_attempt_get(c->s->db, v->row.n, v->state.attempt, &v->arena, &v->attempt, err);
    if (rc == QR_NOTFOUND) return QR_OK;
    if (rc != QR_OK || v->attempt.descriptor.n == 0) return rc;
    QR_TRY(qr_json_parse(v->attempt.descriptor, &v->descriptor_body, err));
    v->descriptor_hash = leaf_descriptor_hash(v->descriptor_body);
    return leaf_descriptor_read(v->descriptor_body, &v->descriptor, err);
}

enum qr_rc view_load(struct coord *c, const struct view_want *want, struct view *out,
                     struct qr_err *err)
{
    qr_zero(out, sizeof *out);
    qr_arena_init(&out->arena, VIEW_ARENA);
    QR_TRY(store_session_get(c->s->db, want->n, &out->arena, &out->row, err));
    QR_TRY(session_read(out->row.record, &out->state, err));
    QR_TRY(load_request(c, out, err));
    QR_TRY(load_approvals(c, out, want->what, err));
    if (want->what & VIEW_FILE)
        QR_TRY(store_session_file(c->s->db, want->n, &out->arena, &out->file, err));
    return load_attempt(c, out, err);
}

enum qr_rc view_read(struct coord *c, const struct view_want *want, struct view *out,
                     struct qr_err *err)
{
    qr_zero(out, sizeof *out);
    QR_TRY(qr_db_read(c->s->db, err));
    enum qr_rc rc = view_load(c, want, out, err);
    qr_db_read_end(c->s->db);
    return rc;
}

void view_fini(struct view *v)
{
    for (size_t i = 0; i < v->n; i++) {
        struct view_approval *a = &v->approvals[i];
        json_decref(a->body);
        leaf_fini(&a->identity);
        for (unsigned r = 0; r < LEAF_ROUND_COUNT; r++)
            if (a->has[r]) leaf_envelope_fini(&a->sent[r]);
    }
    json_decref(v->body);
    json_decref(v->descriptor_body);
    qr_arena_fini(&v->arena);
    qr_zero(v, sizeof *v);
}

enum qr_rc view_trust(struct view *v, struct trust_approval **out)
{
    *out = qr_arena_alloc(&v->arena, (v->n + 1) * sizeof **out);
    if (!*out) return QR_NOMEM;
    for (size_t i = 0; i < v->n; i++) (*out)[i] = v->approvals[i].is;
    return QR_OK;
}
