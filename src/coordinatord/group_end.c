/* group_end.c - from the letters of a step to the entry that records it. */
#include "coordinatord/group.h"

#include "coordinatord/view.h"
#include "frost/aggregate.h"
#include "trust/group_check.h"

#include <stdio.h>
#include <stdlib.h>

/* Of a round's time: how long better members than those who are here are awaited. */
enum { GRACE_PART = 6 };

/* Letters of one round; heap: 64 of them with their bytes in the arena. */
static enum qr_rc letters_of(struct group_at *a, enum leaf_group_round round,
                             struct store_letter **out, size_t *n, struct qr_err *err)
{
    const struct store_letters what = {a->step.n, 0, round};
    *out = qr_arena_alloc(a->arena, QR_MAX_PARTICIPANTS * sizeof **out);
    if (!*out) return qr_fail(err, QR_NOMEM, "out of memory");
    return store_letter_list(a->c->s->db, &what, a->arena, *out, QR_MAX_PARTICIPANTS, n, err);
}

static enum qr_rc owe(struct group_at *a, enum leaf_kind kind, const json_t *body,
                      enum store_step_state state, struct qr_err *err)
{
    int64_t row = 0;
    QR_TRY(outbox_put(a->c->s->outbox, kind, body, NULL, &row, err));
    a->logs = true;
    return store_step_owes(a->c->s->db, a->step.n, state, row, err);
}

enum qr_rc group_retire(struct group_at *a, struct qr_err *err)
{
    const struct leaf_group_retired is = {
        .approved = a->step.approved, .of = a->text->from, .plan = a->ask->text};
    json_t *body = leaf_group_retired_write(&is);
    enum qr_rc rc = owe(a, LEAF_GROUP_RETIRED, body, STORE_STEP_LOGGING, err);
    json_decref(body);
    return rc;
}

/* ---- a change ---- */

static const struct store_letter *by_sender(const struct store_letter *l, size_t n,
                                            const struct qr_hash *sender)
{
    for (size_t i = 0; i < n; i++)
        if (qr_hash_equal(&l[i].sender, sender)) return &l[i];
    return NULL;
}

/* Head and tail of one party's agree letter; *consent is taken. */
static enum qr_rc agree_of(const struct store_letter *l, struct qr_buf *body,
                           struct leaf_group_party *party, struct qr_err *err)
{
    struct leaf_group_letter is;
    QR_TRY(leaf_group_letter_read(l->bytes, &is, body, err));
    if (is.body.n <= LEAF_GROUP_AGREE_HEAD) return qr_fail(err, QR_MALFORMED, "too short");
    qr_copy(party->consent.b, is.body.p + 64, sizeof party->consent.b);
    return QR_OK;
}

static bool right(const struct group_at *a, const struct leaf_group_change *c, const json_t *body)
{
    const struct leaf_group_plan *p = &a->text->plan;
    uint32_t epoch = p->step == LEAF_GROUP_CREATE ? 0 : p->from.epoch + 1;
    bool same = qr_hash_equal(&c->approved, &a->step.approved) && c->attempt == a->step.attempt &&
                qr_bytes_equal(c->plan, a->ask->text) && c->n == p->n && c->parties == p->parties &&
                c->to.epoch == epoch && qr_hash_equal(&c->to.group, &a->text->group);
    for (size_t i = 0; i < c->parties && same; i++)
        same = leaf_object_verify(body, leaf_without_sigs, LEAF_TAG_GROUP_CONSENT,
                                  &c->party[i].join.envelope_key, &c->party[i].consent) == QR_OK;
    return same;
}

/* All parties state the same body; what they consent to is logged as it is. */
static enum qr_rc assemble(struct group_at *a, const struct store_letter *l, size_t n,
                           struct leaf_group_change *c, struct qr_err *err)
{
    struct qr_buf first, body;
    json_t *v = NULL, *whole = NULL;
    const struct leaf_group_plan *p = &a->text->plan;
    struct leaf_group_party head;
    const struct store_letter *of = by_sender(l, n, &p->party[0].commitment);
    if (!of) return QR_FALSE;
    enum qr_rc rc = agree_of(of, &first, &head, err);
    if (rc == QR_OK)
        rc = qr_json_parse(
            QR_BYTES(first.p + LEAF_GROUP_AGREE_HEAD, first.n - LEAF_GROUP_AGREE_HEAD), &v, err);
    if (rc == QR_OK) rc = leaf_group_change_read(v, false, c, err);
    if (rc == QR_OK && c->parties != p->parties) rc = QR_FALSE;
    for (size_t i = 0; i < p->parties && rc == QR_OK; i++) {
        of = by_sender(l, n, &p->party[i].commitment);
        if (!of) rc = QR_FALSE;
        if (rc == QR_OK) {
            rc = agree_of(of, &body, &c->party[i], err);
            if (rc == QR_OK && !qr_bytes_equal(QR_BYTES(body.p + 128, body.n - 128),
                                               QR_BYTES(first.p + 128, first.n - 128)))
                rc = QR_FALSE;
            qr_buf_fini(&body);
        }
    }
    if (rc == QR_OK) {
        whole = leaf_group_change_write(c, true);
        rc = right(a, c, whole) ? owe(a, leaf_group_kind(p->step), whole, STORE_STEP_LOGGING, err)
                                : QR_FALSE;
    }
    json_decref(whole);
    json_decref(v);
    qr_buf_fini(&first);
    return rc;
}

static enum qr_rc end_change(struct group_at *a, struct qr_err *err)
{
    struct store_letter *l;
    size_t n = 0;
    QR_TRY(letters_of(a, LEAF_GROUP_AGREE, &l, &n, err));
    if (n < a->text->plan.parties) return QR_OK;
    struct leaf_group_change *c = malloc(sizeof *c);
    if (!c) return qr_fail(err, QR_NOMEM, "out of memory");
    enum qr_rc rc = assemble(a, l, n, c, err);
    free(c);
    if (rc == QR_FALSE || rc == QR_MALFORMED)
        return store_step_fail(a->c->s->db, a->step.n, "the parties do not agree", err);
    return rc;
}

/* ---- signing ---- */

static enum qr_rc are_fresh(struct group_at *a, const struct leaf_group_join *j, bool *all,
                            struct qr_err *err)
{
    for (size_t i = 0; i < 2 * j->pairs && *all; i++)
        QR_TRY(store_nonce_add(a->c->s->db, j->pair[0] + i * QR_KEY_SIZE, all, err));
    return QR_OK;
}

enum qr_rc group_blame(struct group_at *a, const struct qr_hash *member, const char *reason,
                       struct qr_err *err)
{
    char hex[2 * QR_SHA256_SIZE + 1], text[64];
    qr_hex(member->b, sizeof member->b, hex);
    (void)snprintf(text, sizeof text, "%.16s: %s", hex, reason);
    QR_TRY(store_fault_add(a->c->s->db, &a->step, member, err));
    return store_step_fail(a->c->s->db, a->step.n, text, err);
}

/* Of those who joined the t that cost fewest attempts, earlier ones first: the same
 * whenever it is asked, since joins and faults of an attempt end with its start. */
static enum qr_rc pick(struct group_at *a, uint32_t t, struct store_letter *l, size_t n,
                       bool *clean, struct qr_err *err)
{
    int64_t cost[QR_MAX_PARTICIPANTS];
    *clean = true;
    for (size_t i = 0; i < n; i++) {
        struct store_letter one = l[i];
        int64_t own = 0;
        size_t at = i;
        QR_TRY(store_fault_count(a->c->s->db, &a->step.step, &one.sender, &own, err));
        for (; at > 0 && cost[at - 1] > own; at--) {
            cost[at] = cost[at - 1];
            l[at] = l[at - 1];
        }
        cost[at] = own;
        l[at] = one;
    }
    for (size_t i = 0; i < t && i < n; i++) *clean = *clean && cost[i] == 0;
    return QR_OK;
}

static enum qr_rc fill_pairs(struct group_at *a, const struct leaf_group_change *now,
                             const struct store_letter *l, size_t n, struct leaf_group_started *out,
                             struct qr_err *err)
{
    for (uint32_t id = 1; id <= now->n; id++) {
        const struct store_letter *of = by_sender(l, n, &now->party[id - 1].is.commitment);
        struct leaf_group_letter is;
        struct leaf_group_join join;
        struct qr_buf body;
        if (!of) continue;
        enum qr_rc rc = leaf_group_letter_read(of->bytes, &is, &body, err);
        if (rc == QR_OK) rc = leaf_group_join_read(is.body, &join, err);
        qr_buf_fini(&body);
        if (rc != QR_OK) return rc;
        bool fits = join.pairs == out->payload_count;
        if (fits) QR_TRY(are_fresh(a, &join, &fits, err));
        if (!fits) return group_blame(a, &of->sender, "wrong commitments", err);
        for (size_t k = 0; k < join.pairs; k++) {
            struct leaf_commitment_pair *p = &out->payloads[k].pairs[out->n];
            p->index = id;
            qr_copy(p->hiding.b, join.pair[k], QR_KEY_SIZE);
            qr_copy(p->binding.b, join.pair[k] + QR_KEY_SIZE, QR_KEY_SIZE);
        }
        out->n++;
    }
    return QR_OK;
}

/* What the quorum signed, from its session. */
static enum qr_rc fill_payloads(struct group_at *a, struct leaf_group_started *out,
                                struct qr_err *err)
{
    const struct view_want want = {.n = a->step.session};
    struct view *v = calloc(1, sizeof *v);
    if (!v) return qr_fail(err, QR_NOMEM, "out of memory");
    enum qr_rc rc = view_load(a->c, &want, v, err);
    if (rc == QR_OK) {
        out->payload_count = v->descriptor.payloads.n;
        for (size_t i = 0; i < out->payload_count; i++) {
            out->payloads[i].type = v->descriptor.payloads.p[i].type;
            out->payloads[i].digest = v->descriptor.payloads.p[i].digest;
            if (!trust_groups_sign(out->payloads[i].type))
                rc = qr_fail(err, QR_NOTIMPL, "standing groups do not sign %s",
                             qr_payload_name(out->payloads[i].type));
        }
    }
    view_fini(v);
    free(v);
    return rc;
}

/* t members have joined: they sign, nobody else; for those who cost attempts only
 * after others had time to come. */
static enum qr_rc start(struct group_at *a, struct qr_err *err)
{
    struct store_letter *l;
    size_t n = 0;
    json_t *body = NULL;
    QR_TRY(letters_of(a, LEAF_GROUP_JOIN, &l, &n, err));
    struct leaf_group_change *now = malloc(sizeof *now);
    struct leaf_group_plan *plan = malloc(sizeof *plan);
    struct leaf_group_started *out = calloc(1, sizeof *out);
    if (!now || !plan || !out) qr_fatal("out of memory");
    enum qr_rc rc = group_now(a->c, &a->text->group, a->arena, now, plan, &body, err);
    bool clean = true, enough = rc == QR_OK && n >= plan->t;
    if (enough) rc = pick(a, plan->t, l, n, &clean, err);
    int64_t grace = clean ? 0 : a->c->rules.round_us / GRACE_PART;
    enough = enough && rc == QR_OK && a->step.since_us + grace <= coord_now(a->c);
    if (enough) n = plan->t;
    if (enough) {
        *out = (struct leaf_group_started){.approved = a->step.approved,
                                           .attempt = a->step.attempt,
                                           .with = a->text->from,
                                           .group_key = now->group_key};
        rc = fill_payloads(a, out, err);
        if (rc == QR_OK) rc = fill_pairs(a, now, l, n, out, err);
        /* commitments that did not fit have failed the step */
        if (rc == QR_OK && out->n == n) {
            json_t *made = leaf_group_started_write(out);
            rc = owe(a, LEAF_GROUP_SIGNING_STARTED, made, STORE_STEP_STARTING, err);
            json_decref(made);
        }
    }
    json_decref(body);
    free(out);
    free(plan);
    free(now);
    return rc;
}

/* ---- shares ---- */

struct shares_at {
    struct leaf_group_change *now;
    struct leaf_group_plan *plan;
    json_t *body;
    struct store_letter *joined, *shared; /* the first t of joined sign */
    size_t joins, shares;
};

static void shares_fini(struct shares_at *s)
{
    json_decref(s->body);
    free(s->now);
    free(s->plan);
}

static enum qr_rc shares_load(struct group_at *a, struct shares_at *s, struct qr_err *err)
{
    bool clean;
    *s = (struct shares_at){.now = malloc(sizeof *s->now), .plan = malloc(sizeof *s->plan)};
    if (!s->now || !s->plan) qr_fatal("out of memory");
    QR_TRY(group_now(a->c, &a->text->group, a->arena, s->now, s->plan, &s->body, err));
    QR_TRY(letters_of(a, LEAF_GROUP_JOIN, &s->joined, &s->joins, err));
    QR_TRY(letters_of(a, LEAF_GROUP_SHARE, &s->shared, &s->shares, err));
    if (s->joins < s->plan->t) return qr_fail(err, QR_IO, "a start without its joins");
    return pick(a, s->plan->t, s->joined, s->joins, &clean, err);
}

/* One signer's commitments and share of all payloads. */
struct signer {
    uint32_t id;
    const struct qr_hash *sender;
    struct leaf_group_join join;
    uint8_t z[QR_MAX_PAYLOADS][SCALAR_SIZE];
    bool fits; /* a share for each payload */
};

static enum qr_rc signer_of(const struct shares_at *s, uint32_t id, struct signer *out,
                            struct qr_err *err)
{
    const struct qr_hash *who = &s->now->party[id - 1].is.commitment;
    const struct store_letter *j = by_sender(s->joined, s->plan->t, who);
    const struct store_letter *z = by_sender(s->shared, s->shares, who);
    struct leaf_group_letter is;
    struct qr_buf body;
    if (!j || !z) return QR_NOTFOUND;
    *out = (struct signer){.id = id, .sender = who};
    enum qr_rc rc = leaf_group_letter_read(j->bytes, &is, &body, err);
    if (rc == QR_OK) rc = leaf_group_join_read(is.body, &out->join, err);
    qr_buf_fini(&body);
    if (rc != QR_OK) return rc;
    rc = leaf_group_letter_read(z->bytes, &is, &body, err);
    out->fits = rc == QR_OK && is.body.n == out->join.pairs * SCALAR_SIZE;
    if (out->fits) qr_copy(out->z, is.body.p, is.body.n);
    qr_buf_fini(&body);
    return rc;
}

/* Whose share of one payload is wrong; NULL: nobody's. */
static enum qr_rc find_wrong(const struct frost_group *g, struct qr_bytes msg,
                             const struct signer *s, size_t payload, const struct qr_hash **wrong,
                             struct qr_err *err)
{
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    struct frost_sig_share shares[QR_MAX_PARTICIPANTS];
    struct frost_result res = {.culprits = {.count = 0}};
    const struct frost_package p = {.msg = msg, .list = list, .count = g->t};
    for (uint32_t i = 0; i < g->t; i++) {
        list[i].id = shares[i].id = s[i].id;
        qr_copy(list[i].hiding, s[i].join.pair[payload], POINT_SIZE);
        qr_copy(list[i].binding, s[i].join.pair[payload] + POINT_SIZE, POINT_SIZE);
        qr_copy(shares[i].z, s[i].z[payload], SCALAR_SIZE);
    }
    enum qr_rc rc = frost_aggregate(g, &p, shares, &res, err);
    for (uint32_t i = 0; i < g->t && rc != QR_OK && res.culprits.count > 0; i++)
        if (s[i].id == res.culprits.ids[0]) *wrong = s[i].sender;
    return rc == QR_OK || *wrong ? QR_OK : rc;
}

static enum qr_rc judge_shares(struct group_at *a, const struct shares_at *s,
                               const struct signer *signer, const struct qr_hash **wrong,
                               struct qr_err *err)
{
    const struct view_want want = {.n = a->step.session, .what = VIEW_FILE};
    struct frost_group g;
    struct view *v = calloc(1, sizeof *v);
    if (!v) return qr_fail(err, QR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < s->plan->t && !*wrong; i++)
        if (!signer[i].fits) *wrong = signer[i].sender;
    enum qr_rc rc = view_load(a->c, &want, v, err);
    if (rc == QR_OK) rc = trust_group_of_change(s->now, s->plan->t, &g);
    const struct leaf_payloads *p = &v->descriptor.payloads;
    for (size_t i = 0; rc == QR_OK && i < p->n && !*wrong; i++) {
        const struct trust_given given = {.file = v->file};
        struct qr_buf msg;
        qr_buf_init(&msg, QR_MAX_RAW_FILE);
        rc = trust_payload_message(a->c->s->trust, &v->request.is, &v->descriptor, &p->p[i], &given,
                                   &msg);
        if (rc == QR_OK) rc = find_wrong(&g, qr_buf_bytes(&msg), signer, i, wrong, err);
        qr_buf_fini(&msg);
    }
    view_fini(v);
    free(v);
    return rc;
}

/* All shares are here: whoever sent a wrong one cost the attempt. */
static enum qr_rc check_shares(struct group_at *a, struct qr_err *err)
{
    struct shares_at s;
    const struct qr_hash *wrong = NULL;
    struct signer *signer = calloc(QR_MAX_PARTICIPANTS, sizeof *signer);
    if (!signer) return qr_fail(err, QR_NOMEM, "out of memory");
    size_t n = 0;
    enum qr_rc rc = shares_load(a, &s, err);
    for (uint32_t id = 1; rc == QR_OK && id <= s.now->n && n < s.plan->t; id++) {
        rc = signer_of(&s, id, &signer[n], err);
        n += rc == QR_OK;
        if (rc == QR_NOTFOUND) rc = QR_OK;
    }
    if (rc == QR_OK && n == s.plan->t) rc = judge_shares(a, &s, signer, &wrong, err);
    if (rc == QR_OK && wrong) rc = group_blame(a, wrong, "a wrong signature share", err);
    shares_fini(&s);
    free(signer);
    return rc;
}

static enum qr_rc give_up(struct group_at *a, struct qr_err *err)
{
    struct shares_at s;
    enum qr_rc rc = shares_load(a, &s, err);
    if (rc == QR_OK) rc = store_step_fail(a->c->s->db, a->step.n, "nobody combined in time", err);
    for (uint32_t i = 0; rc == QR_OK && i < s.plan->t; i++)
        if (!by_sender(s.shared, s.shares, &s.joined[i].sender))
            rc = group_blame(a, &s.joined[i].sender, "no signature share in time", err);
    shares_fini(&s);
    return rc;
}

enum qr_rc group_overdue(struct group_at *a, struct qr_err *err)
{
    bool late = a->step.since_us + a->c->rules.round_us < coord_now(a->c);
    if (!a->text->signs) return QR_OK;
    if (a->step.state == STORE_STEP_OPEN)
        QR_TRY(start(a, err));
    else if (a->step.state == STORE_STEP_STARTED && late)
        QR_TRY(give_up(a, err));
    return store_step_get(a->c->s->db, a->step.n, a->arena, &a->step, err);
}

/* signing_started as it was logged, by its own letters: filled again. */
static enum qr_rc end_signing(struct group_at *a, struct qr_err *err)
{
    struct store_letter *l;
    size_t n = 0;
    struct leaf_group_letter is;
    struct qr_buf body;
    json_t *now_body = NULL;
    QR_TRY(letters_of(a, LEAF_GROUP_MADE, &l, &n, err));
    struct leaf_group_change *now = malloc(sizeof *now);
    struct leaf_group_plan *plan = malloc(sizeof *plan);
    struct leaf_group_started *started = calloc(1, sizeof *started);
    if (!now || !plan || !started) qr_fatal("out of memory");
    struct leaf_group_made made = {.approved = a->step.approved,
                                   .attempt = a->step.attempt,
                                   .with = a->text->from,
                                   .started = a->step.started};
    enum qr_rc rc = leaf_group_letter_read(l[0].bytes, &is, &body, err);
    if (rc == QR_OK) rc = fill_payloads(a, started, err);
    if (rc == QR_OK) rc = group_now(a->c, &a->text->group, a->arena, now, plan, &now_body, err);
    if (rc == QR_OK) {
        made.group_key = now->group_key;
        made.n = started->payload_count;
        for (size_t i = 0; i < made.n; i++) {
            made.signatures[i].type = started->payloads[i].type;
            made.signatures[i].digest = started->payloads[i].digest;
            qr_copy(made.signatures[i].sig.b, is.body.p + i * QR_SIG_SIZE, QR_SIG_SIZE);
        }
        json_t *v = leaf_group_made_write(&made);
        rc = owe(a, LEAF_GROUP_SIGNATURE_MADE, v, STORE_STEP_LOGGING, err);
        json_decref(v);
    }
    json_decref(now_body);
    qr_buf_fini(&body);
    free(started);
    free(plan);
    free(now);
    return rc;
}

static enum qr_rc verify_each(struct group_at *a, const struct view *v, const struct qr_pub *key,
                              struct qr_bytes sigs, struct qr_err *err)
{
    const struct leaf_payloads *p = &v->descriptor.payloads;
    enum qr_rc rc = QR_OK;
    if (sigs.n != p->n * QR_SIG_SIZE) return qr_fail(err, QR_MALFORMED, "not a signature each");
    for (size_t i = 0; i < p->n && rc == QR_OK; i++) {
        const struct trust_given given = {.file = v->file};
        struct qr_sig sig;
        struct qr_buf msg;
        qr_buf_init(&msg, QR_MAX_RAW_FILE);
        qr_copy(sig.b, sigs.p + i * QR_SIG_SIZE, QR_SIG_SIZE);
        rc = trust_payload_message(a->c->s->trust, &v->request.is, &v->descriptor, &p->p[i], &given,
                                   &msg);
        if (rc == QR_OK) rc = qr_verify(key, qr_buf_bytes(&msg), &sig);
        qr_buf_fini(&msg);
    }
    return rc == QR_OK ? rc : qr_fail(err, rc, "a signature does not verify");
}

enum qr_rc group_made_check(struct group_at *a, struct qr_bytes sigs, struct qr_err *err)
{
    const struct view_want want = {.n = a->step.session, .what = VIEW_FILE};
    struct leaf_group_plan *plan = malloc(sizeof *plan);
    struct leaf_group_change *now = malloc(sizeof *now);
    struct view *v = calloc(1, sizeof *v);
    json_t *body = NULL;
    if (!v || !now || !plan) qr_fatal("out of memory");
    enum qr_rc rc = qr_db_read(a->c->s->db, err);
    if (rc == QR_OK) {
        rc = group_now(a->c, &a->text->group, a->arena, now, plan, &body, err);
        if (rc == QR_OK) rc = view_load(a->c, &want, v, err);
        qr_db_read_end(a->c->s->db);
    }
    if (rc == QR_OK) rc = verify_each(a, v, &now->group_key, sigs, err);
    view_fini(v);
    json_decref(body);
    free(v);
    free(now);
    free(plan);
    return rc;
}

enum qr_rc group_progress(struct group_at *a, enum leaf_group_round round, struct qr_err *err)
{
    if (round == LEAF_GROUP_AGREE) return end_change(a, err);
    if (round == LEAF_GROUP_MADE) return end_signing(a, err);
    if (round == LEAF_GROUP_SHARE) return check_shares(a, err);
    return round == LEAF_GROUP_JOIN && a->text->signs ? start(a, err) : QR_OK;
}
