/* group_check.c - see group_check.h. */
#include "trust/group_check.h"

#include "base/removal.h"
#include "frost/cocktail.h"
#include "frost/package.h"

#include <stdlib.h>
#include <string.h>

/* What a quorum signed. */
struct approved {
    struct qr_hash made;     /* leaf hash of signature.made */
    struct qr_hash artifact; /* SHA-256 */
    struct qr_hash name;     /* SHA-256 of what the request calls it */
    struct qr_hash payloads; /* of their types and digests */
};
struct requested {
    struct qr_hash leaf, artifact, name;
};
struct started {
    struct qr_hash leaf;
    bool made;
    struct leaf_group_started is;
};

struct trust_groups {
    const struct trust_context *ctx;
    struct trust_people people;
    struct trust_group *group;
    struct requested *requested;
    struct approved *approved;
    struct started **started;
    size_t groups, requests, approvals, starts;
};

/* One more element; rooms are powers of two. */
static void *one_more(void *list, size_t n, size_t size)
{
    if (n & (n - 1)) return list;
    void *more = reallocarray(list, n ? 2 * n : 1, size);
    if (!more) qr_fatal("out of memory");
    return more;
}

struct trust_groups *trust_groups_new(const struct trust_context *ctx,
                                      const struct trust_people *people)
{
    struct trust_groups *g = calloc(1, sizeof *g);
    if (!g) qr_fatal("out of memory");
    g->ctx = ctx;
    g->people = *people;
    return g;
}

static void forget(struct trust_groups *g)
{
    for (size_t i = 0; i < g->starts; i++) free(g->started[i]);
    free(g->started);
    free(g->approved);
    free(g->requested);
    free(g->group);
    g->started = NULL;
    g->starts = 0;
}

void trust_groups_free(struct trust_groups *g)
{
    if (!g) return;
    forget(g);
    free(g);
}

size_t trust_groups_count(const struct trust_groups *g) { return g->groups; }
const struct trust_group *trust_groups_at(const struct trust_groups *g, size_t i)
{
    return &g->group[i];
}

static struct trust_group *find(const struct trust_groups *g, const struct qr_hash *id)
{
    for (size_t i = 0; i < g->groups; i++)
        if (qr_hash_equal(&g->group[i].ref.group, id)) return &g->group[i];
    return NULL;
}

const struct trust_group *trust_groups_find(const struct trust_groups *g, const struct qr_hash *id)
{
    return find(g, id);
}

uint32_t trust_group_number(const struct trust_group *g, const struct qr_hash *commitment)
{
    for (uint32_t i = 0; i < g->is.n; i++)
        if (qr_hash_equal(&g->member[i].commitment, commitment)) return i + 1;
    return 0;
}

/* ---- what quorums signed ---- */

static enum qr_rc take_requested(struct trust_groups *g, const struct leaf_entry *e,
                                 const struct trust_place *at)
{
    struct leaf_request is;
    QR_TRY(leaf_request_read(e->body, &is, NULL));
    g->requested = one_more(g->requested, g->requests, sizeof *g->requested);
    g->requested[g->requests++] =
        (struct requested){at->leaf, is.artifact.sha256, qr_sha256_one(qr_str(is.artifact.name))};
    return QR_OK;
}

/* One name for types and digests in their order. */
static void put_payload(struct qr_buf *b, enum qr_payload type, const struct qr_hash *digest)
{
    qr_buf_put_u8(b, (uint8_t)type);
    qr_buf_put(b, digest->b, sizeof digest->b);
}

static struct qr_hash name_of(struct qr_buf *b)
{
    struct qr_hash h = qr_sha256_one(qr_buf_bytes(b));
    qr_buf_fini(b);
    return h;
}

static void drop_request(struct trust_groups *g, size_t i)
{
    g->requested[i] = g->requested[--g->requests];
}

static enum qr_rc take_made(struct trust_groups *g, const struct leaf_entry *e,
                            const struct trust_place *at)
{
    struct leaf_made is;
    QR_TRY(leaf_made_read(e->body, &is, NULL));
    for (size_t i = 0; i < g->requests; i++) {
        struct qr_buf b;
        if (!qr_hash_equal(&g->requested[i].leaf, &is.session.leaf)) continue;
        qr_buf_init(&b, 1024);
        for (size_t k = 0; k < is.n; k++)
            put_payload(&b, is.signatures[k].type, &is.signatures[k].digest);
        g->approved = one_more(g->approved, g->approvals, sizeof *g->approved);
        g->approved[g->approvals++] = (struct approved){at->leaf, g->requested[i].artifact,
                                                        g->requested[i].name, name_of(&b)};
        drop_request(g, i);
        break;
    }
    return QR_OK;
}

/* Nothing will be signed in it. */
static enum qr_rc take_ended(struct trust_groups *g, const struct leaf_entry *e)
{
    struct leaf_ended is;
    QR_TRY(leaf_ended_read(e->body, &is, NULL));
    for (size_t i = 0; i < g->requests; i++)
        if (qr_hash_equal(&g->requested[i].leaf, &is.session.leaf)) {
            drop_request(g, i);
            break;
        }
    return QR_OK;
}

static const struct approved *find_approved(const struct trust_groups *g,
                                            const struct qr_hash *made)
{
    for (size_t i = 0; i < g->approvals; i++)
        if (qr_hash_equal(&g->approved[i].made, made)) return &g->approved[i];
    return NULL;
}

/* What a quorum signed there must be this plan, and have been called one. */
static enum qr_rc check_approved(const struct trust_groups *g, const struct qr_hash *made,
                                 const struct leaf_group_plan *p, const struct qr_hash *plan,
                                 struct trust_report *r)
{
    const struct approved *a = find_approved(g, made);
    char title[LEAF_GROUP_TITLE];
    leaf_group_plan_title(p, title);
    const struct qr_hash name = qr_sha256_one(qr_str(title));
    QR_TRY(trust_check(r, TRUST_GROUPS_APPROVED, a && qr_hash_equal(&a->artifact, plan), QR_POLICY,
                       "no quorum signed this plan"));
    return trust_check(r, TRUST_GROUPS_APPROVED, a && qr_hash_equal(&a->name, &name), QR_POLICY,
                       "the quorum that signed this plan was shown another name");
}

/* ---- plans ---- */

static const char *dealers_difference(const struct trust_group *now,
                                      const struct leaf_group_plan *p)
{
    size_t leaving = 0;
    if (p->dealers != now->is.t) return "number of dealers";
    for (size_t i = 0; i < p->dealers; i++) {
        if (p->dealer[i] > now->is.n) return "dealers";
        const struct qr_hash *who = &now->member[p->dealer[i] - 1].commitment;
        size_t k = 0;
        while (k < p->parties && !qr_hash_equal(&p->party[k].commitment, who)) k++;
        if (k == p->parties) return "dealers";
        leaving += k >= p->n;
    }
    return leaving == p->parties - p->n ? NULL : "parties";
}

static const char *plan_difference(const struct trust_group *now, const struct leaf_group_plan *p)
{
    if (!leaf_group_ref_equal(&p->from, &now->ref)) return "epoch";
    if (p->role != now->role || strcmp(p->name, now->name) != 0) return "name or role";
    if (p->step == LEAF_GROUP_RETIRE) return NULL;
    const char *what = dealers_difference(now, p);
    if (what || p->step == LEAF_GROUP_RESHARE) return what;
    if (p->n != now->is.n || p->t != now->is.t) return "size";
    for (size_t i = 0; i < p->n; i++)
        if (!qr_hash_equal(&p->party[i].commitment, &now->member[i].commitment)) return "members";
    return NULL;
}

/* The state that the plan names is the group's. */
static enum qr_rc check_plan(const struct trust_groups *g, const struct leaf_group_plan *p,
                             const struct qr_hash *plan, struct trust_report *r)
{
    bool made = p->step != LEAF_GROUP_CREATE;
    const struct trust_group *now = find(g, made ? &p->from.group : plan);
    if (!made)
        return trust_check(r, TRUST_GROUPS_CURRENT, !now, QR_STALE,
                           "this group was created before");
    if (!now) return trust_stop(r, TRUST_GROUPS_CURRENT, QR_FALSE, "there is no such group");
    const char *what = now->retired ? "group, which is retired" : plan_difference(now, p);
    return trust_check(r, TRUST_GROUPS_CURRENT, !what, QR_STALE, "the plan is of another %s",
                       what ? what : "");
}

static enum qr_rc check_enrolled(const struct trust_groups *g, const struct leaf_group_person *is,
                                 enum qr_role role, struct qr_pub *key, struct trust_report *r)
{
    enum qr_role has = QR_ROLES;
    *key = (struct qr_pub){{0}};
    bool in_force = g->people.in_force(g->people.ctx, is, &has, key);
    return trust_check(r, TRUST_GROUPS_PARTIES, in_force && has == role, QR_DENIED,
                       "a party is not enrolled as %s", qr_role_name(role));
}

enum qr_rc trust_groups_plan_check(const struct trust_groups *g, const struct leaf_group_plan *p,
                                   const struct qr_hash *plan, struct trust_report *r)
{
    struct qr_pub key;
    QR_TRY(check_plan(g, p, plan, r));
    for (size_t i = 0; i < p->parties; i++)
        QR_TRY(check_enrolled(g, &p->party[i], p->role, &key, r));
    return QR_OK;
}

/* ---- parties ---- */

static bool possesses(const struct trust_joined *j)
{
    struct qr_buf msg;
    if (j->join->signs) return true;
    qr_buf_init(&msg, 256);
    leaf_group_pop_message(j->letter, j->join, &msg);
    enum qr_rc rc =
        cocktail_static_check(j->join->cocktail_key.b, qr_buf_bytes(&msg), j->join->pop.b);
    qr_buf_fini(&msg);
    return rc == QR_OK;
}

enum qr_rc trust_group_join_check(const struct trust_context *ctx, const struct trust_joined *j,
                                  const struct qr_pub *person_key, struct trust_report *r)
{
    struct qr_buf text;
    qr_buf_init(&text, QR_MAX_ENTRY);
    enum qr_rc rc = leaf_group_join_letter(j->letter, j->join, &text);
    if (rc == QR_OK)
        rc = qr_verify_tagged(person_key, LEAF_TAG_GROUP_JOIN, qr_buf_bytes(&text), j->person_sig);
    qr_buf_fini(&text);
    bool same = qr_hash_equal(&j->join->enrolment, &j->is->enrolment) &&
                qr_hash_equal(&j->letter->commitment, &j->is->commitment);
    QR_TRY(trust_check(r, TRUST_GROUPS_PARTIES, rc == QR_OK && same && possesses(j), QR_FALSE,
                       "a party did not join by its person key"));
    return trust_check(r, TRUST_CLASS_ACCEPTED, !(j->join->classes & ~ctx->classes), QR_ATTESTATION,
                       "a party is of a class that is not accepted");
}

enum qr_rc trust_groups_joined(const struct trust_groups *g, const struct trust_joined *j,
                               struct trust_report *r)
{
    struct qr_pub key;
    QR_TRY(check_enrolled(g, j->is, j->role, &key, r));
    return trust_group_join_check(g->ctx, j, &key, r);
}

static bool distinct_keys(const struct leaf_group_change *c)
{
    for (size_t i = 0; i < c->parties; i++)
        for (size_t k = 0; k < i; k++) {
            const struct leaf_group_join *a = &c->party[i].join, *b = &c->party[k].join;
            if (qr_equal_ct(a->cocktail_key.b, b->cocktail_key.b, QR_KEY_SIZE) ||
                qr_equal_ct(a->envelope_key.b, b->envelope_key.b, QR_KEY_SIZE))
                return false;
        }
    return true;
}

static enum qr_rc check_parties(const struct trust_groups *g, const struct leaf_group_plan *p,
                                const struct qr_hash *plan, const struct leaf_group_change *c,
                                struct trust_report *r)
{
    bool same = c->n == p->n && c->parties == p->parties;
    if (!same || !distinct_keys(c))
        return trust_stop(r, TRUST_GROUPS_PARTIES, QR_FALSE, "the parties are not the plan's");
    for (size_t i = 0; i < c->parties; i++) {
        const struct leaf_group_letter letter = {
            .step = *plan, .attempt = c->attempt, .commitment = c->party[i].is.commitment};
        const struct trust_joined j = {.is = &p->party[i],
                                       .role = p->role,
                                       .letter = &letter,
                                       .join = &c->party[i].join,
                                       .person_sig = &c->party[i].person_sig};
        QR_TRY(trust_groups_joined(g, &j, r));
    }
    return QR_OK;
}

static enum qr_rc check_consent(const struct leaf_group_change *c, const json_t *body,
                                struct trust_report *r)
{
    bool all = true;
    for (size_t i = 0; i < c->parties && all; i++)
        all = leaf_object_verify(body, leaf_without_sigs, LEAF_TAG_GROUP_CONSENT,
                                 &c->party[i].join.envelope_key, &c->party[i].consent) == QR_OK;
    return trust_check(r, TRUST_GROUPS_CONSENT, all, QR_FALSE,
                       "not every party signed what is recorded");
}

/* ---- changes ---- */

enum qr_rc trust_group_of_change(const struct leaf_group_change *c, uint32_t t,
                                 struct frost_group *out)
{
    struct qr_buf shares;
    qr_buf_init(&shares, sizeof out->shares);
    for (size_t i = 0; i < c->n; i++) qr_buf_put_bytes(&shares, QR_BYTES_OF(c->party[i].share.b));
    enum qr_rc rc = frost_group_init(out, (uint32_t)c->n, t, QR_BYTES_OF(c->group_key.b),
                                     qr_buf_bytes(&shares));
    qr_buf_fini(&shares);
    return rc;
}

/* One epoch more, the same key, and the digest of exactly these shares. */
static const char *result_difference(const struct trust_group *now, const struct leaf_group_plan *p,
                                     const struct leaf_group_change *c,
                                     const struct frost_group *is, const struct qr_hash *plan)
{
    uint8_t digest[STANDING_DIGEST_SIZE];
    const struct standing_group s = {.id = c->to.group.b, .epoch = c->to.epoch, .is = is};
    if (!qr_hash_equal(&c->to.group, now ? &p->from.group : plan)) return "group";
    if (c->to.epoch != (now ? p->from.epoch + 1 : 0)) return "epoch";
    if (now && !point_equal(&now->is.key, &is->key)) return "key";
    standing_digest(&s, digest);
    return qr_equal_ct(digest, c->to.digest, sizeof digest) ? NULL : "digest";
}

static enum qr_rc check_change(const struct trust_groups *g, const struct leaf_entry *e,
                               const struct leaf_group_plan *p, const struct leaf_group_change *c,
                               struct frost_group *is, struct trust_report *r)
{
    const struct qr_hash plan = qr_sha256_one(c->plan);
    const struct trust_group *now = NULL;
    QR_TRY(check_approved(g, &c->approved, p, &plan, r));
    if (leaf_group_kind(p->step) != e->kind)
        return trust_stop(r, TRUST_GROUPS_CURRENT, QR_FALSE, "the plan is for another step");
    QR_TRY(check_plan(g, p, &plan, r));
    if (p->step != LEAF_GROUP_CREATE) now = find(g, &p->from.group);
    QR_TRY(check_parties(g, p, &plan, c, r));
    if (trust_group_of_change(c, p->t, is) != QR_OK)
        return trust_stop(r, TRUST_GROUPS_CURRENT, QR_MALFORMED, "shares that are no keys");
    const char *what = result_difference(now, p, c, is, &plan);
    QR_TRY(trust_check(r, TRUST_GROUPS_CURRENT, !what, QR_FALSE, "the change gives another %s",
                       what ? what : ""));
    return check_consent(c, e->body, r);
}

static void apply(struct trust_groups *g, const struct leaf_group_plan *p,
                  const struct leaf_group_change *c, const struct frost_group *is,
                  const struct trust_place *at)
{
    struct trust_group *now = find(g, &c->to.group);
    if (!now) {
        g->group = one_more(g->group, g->groups, sizeof *g->group);
        now = &g->group[g->groups++];
        *now = (struct trust_group){.role = p->role, .created = at->index};
        qr_copy(now->name, p->name, sizeof now->name);
    }
    now->ref = c->to;
    now->plan = qr_sha256_one(c->plan);
    now->is = *is;
    now->at = *at;
    now->classes = at->classes;
    for (size_t i = 0; i < c->parties; i++) now->classes |= c->party[i].join.classes;
    for (size_t i = 0; i < c->n; i++) now->member[i] = p->party[i];
}

static enum qr_rc unread(struct trust_report *r, const struct qr_err *err)
{
    return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err->text);
}

static enum qr_rc take_change(struct trust_groups *g, const struct leaf_entry *e,
                              const struct trust_place *at, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct frost_group is;
    struct leaf_group_change *c = malloc(sizeof *c);
    struct leaf_group_plan *p = malloc(sizeof *p);
    if (!c || !p) qr_fatal("out of memory");
    enum qr_rc rc = leaf_group_change_read(e->body, true, c, &err);
    if (rc == QR_OK) rc = leaf_group_plan_read(c->plan, p, &err);
    rc = rc == QR_OK ? check_change(g, e, p, c, &is, r) : unread(r, &err);
    if (rc == QR_OK) apply(g, p, c, &is, at);
    free(c);
    free(p);
    return rc;
}

static enum qr_rc take_retired(struct trust_groups *g, const struct leaf_entry *e,
                               const struct trust_place *at, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct leaf_group_retired is;
    struct leaf_group_plan p;
    enum qr_rc rc = leaf_group_retired_read(e->body, &is, &err);
    if (rc == QR_OK) rc = leaf_group_plan_read(is.plan, &p, &err);
    if (rc != QR_OK) return unread(r, &err);
    const struct qr_hash plan = qr_sha256_one(is.plan);
    QR_TRY(check_approved(g, &is.approved, &p, &plan, r));
    if (p.step != LEAF_GROUP_RETIRE || !leaf_group_ref_equal(&p.from, &is.of))
        return trust_stop(r, TRUST_GROUPS_CURRENT, QR_FALSE, "the plan is for another step");
    QR_TRY(check_plan(g, &p, &plan, r));
    struct trust_group *now = find(g, &is.of.group);
    now->retired = true;
    now->plan = plan;
    now->at = *at;
    return QR_OK;
}

/* ---- signing ---- */

static enum qr_rc check_with(const struct trust_groups *g, const struct leaf_group_ref *with,
                             const struct trust_group **out, struct trust_report *r)
{
    const struct trust_group *now = *out = find(g, &with->group);
    if (!now) return trust_stop(r, TRUST_GROUPS_CURRENT, QR_FALSE, "there is no such group");
    return trust_check(r, TRUST_GROUPS_CURRENT,
                       !now->retired && leaf_group_ref_equal(with, &now->ref), QR_STALE,
                       now->retired ? "the group is retired" : "the group has other shares now");
}

bool trust_groups_sign(enum qr_payload type)
{
    return type == QR_DSSE || type == QR_SSHSIG || type == QR_RAW;
}

enum qr_rc trust_groups_signing_check(const struct trust_groups *g,
                                      const struct leaf_group_signing *s,
                                      const struct leaf_payloads *payloads, struct trust_report *r)
{
    const struct trust_group *now;
    const struct approved *a = find_approved(g, &s->approved);
    struct qr_buf b;
    QR_TRY(check_with(g, &s->with, &now, r));
    qr_buf_init(&b, 1024);
    for (size_t i = 0; i < payloads->n; i++) {
        if (!trust_groups_sign(payloads->p[i].type)) {
            qr_buf_fini(&b);
            return trust_stop(r, TRUST_GROUPS_SIGNING, QR_NOTIMPL, "standing groups do not sign %s",
                              qr_payload_name(payloads->p[i].type));
        }
        put_payload(&b, payloads->p[i].type, &payloads->p[i].digest);
    }
    const struct qr_hash name = name_of(&b);
    return trust_check(r, TRUST_GROUPS_APPROVED, a && qr_hash_equal(&a->payloads, &name), QR_POLICY,
                       "no quorum signed this");
}

static bool has_point(const struct leaf_group_started *s, const struct qr_pub *point,
                      const struct qr_pub *not_this)
{
    for (size_t p = 0; p < s->payload_count; p++)
        for (size_t i = 0; i < s->n; i++) {
            const struct leaf_commitment_pair *c = &s->payloads[p].pairs[i];
            if (&c->hiding != not_this && qr_equal_ct(c->hiding.b, point->b, QR_KEY_SIZE))
                return true;
            if (&c->binding != not_this && qr_equal_ct(c->binding.b, point->b, QR_KEY_SIZE))
                return true;
        }
    return false;
}

/* In no other entry either: one nonce twice gives the share away. */
static bool is_new(const struct trust_groups *g, const struct leaf_group_started *s,
                   const struct qr_pub *point)
{
    if (has_point(s, point, point)) return false;
    if (g->people.fresh) return g->people.fresh(g->people.ctx, point);
    for (size_t i = 0; i < g->starts; i++)
        if (has_point(&g->started[i]->is, point, NULL)) return false;
    return true;
}

static bool commitments_ok(const struct trust_groups *g, const struct trust_group *now,
                           const struct leaf_group_started *s)
{
    if (s->n < now->is.t || s->n > now->is.n) return false;
    for (size_t p = 0; p < s->payload_count; p++)
        for (size_t i = 0; i < s->n; i++) {
            const struct leaf_commitment_pair *c = &s->payloads[p].pairs[i];
            struct frost_commitment fc = {.id = c->index};
            qr_copy(fc.hiding, c->hiding.b, POINT_SIZE);
            qr_copy(fc.binding, c->binding.b, POINT_SIZE);
            if (c->index > now->is.n || frost_commitment_check(&fc) != QR_OK ||
                !is_new(g, s, &c->hiding) || !is_new(g, s, &c->binding))
                return false;
        }
    return true;
}

static enum qr_rc check_started(const struct trust_groups *g, const struct leaf_group_started *s,
                                struct trust_report *r)
{
    const struct trust_group *now;
    const struct approved *a = find_approved(g, &s->approved);
    QR_TRY(check_with(g, &s->with, &now, r));
    QR_TRY(trust_check(r, TRUST_GROUPS_APPROVED, a != NULL, QR_POLICY, "no quorum signed this"));
    struct qr_buf b;
    qr_buf_init(&b, 1024);
    bool right = true;
    for (size_t i = 0; i < s->payload_count; i++) {
        right = right && trust_groups_sign(s->payloads[i].type);
        put_payload(&b, s->payloads[i].type, &s->payloads[i].digest);
    }
    const struct qr_hash name = name_of(&b);
    bool same = right && a && qr_hash_equal(&a->payloads, &name) &&
                qr_equal_ct(s->group_key.b, now->is.key.b, QR_KEY_SIZE);
    return trust_check(r, TRUST_GROUPS_SIGNING, same && commitments_ok(g, now, s), QR_FALSE,
                       "it does not name what the quorum signed, or wrong commitments");
}

const struct leaf_group_started *trust_groups_started(const struct trust_groups *g,
                                                      const struct qr_hash *leaf)
{
    for (size_t i = 0; i < g->starts; i++)
        if (qr_hash_equal(&g->started[i]->leaf, leaf)) return &g->started[i]->is;
    return NULL;
}

static void drop_starts(struct trust_groups *g, const struct qr_hash *group)
{
    for (size_t i = g->starts; i > 0; i--) {
        if (!qr_hash_equal(&g->started[i - 1]->is.with.group, group)) continue;
        free(g->started[i - 1]);
        g->started[i - 1] = g->started[--g->starts];
    }
}

static enum qr_rc take_started(struct trust_groups *g, const struct leaf_entry *e,
                               const struct trust_place *at, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct started *s = calloc(1, sizeof *s);
    if (!s) qr_fatal("out of memory");
    s->leaf = at->leaf;
    enum qr_rc rc = leaf_group_started_read(e->body, &s->is, &err);
    rc = rc == QR_OK ? check_started(g, &s->is, r) : unread(r, &err);
    if (rc != QR_OK) {
        free(s);
        return rc;
    }
    /* one step of a group at a time: an earlier start comes to nothing */
    if (g->people.fresh) drop_starts(g, &s->is.with.group);
    g->started = one_more(g->started, g->starts, sizeof *g->started);
    g->started[g->starts++] = s;
    return QR_OK;
}

static const char *made_difference(const struct started *s, const struct leaf_group_made *m)
{
    if (!s || s->made) return "start";
    if (!leaf_group_ref_equal(&s->is.with, &m->with) || s->is.attempt != m->attempt ||
        !qr_equal_ct(s->is.group_key.b, m->group_key.b, QR_KEY_SIZE))
        return "group";
    if (!qr_hash_equal(&s->is.approved, &m->approved) || s->is.payload_count != m->n)
        return "payload";
    for (size_t i = 0; i < m->n; i++)
        if (s->is.payloads[i].type != m->signatures[i].type ||
            !qr_hash_equal(&s->is.payloads[i].digest, &m->signatures[i].digest))
            return "payload";
    return NULL;
}

static enum qr_rc take_signature(struct trust_groups *g, const struct leaf_entry *e,
                                 struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct leaf_group_made m;
    struct started *s = NULL;
    if (leaf_group_made_read(e->body, &m, &err) != QR_OK) return unread(r, &err);
    for (size_t i = 0; i < g->starts; i++)
        if (qr_hash_equal(&g->started[i]->leaf, &m.started)) s = g->started[i];
    const char *what = made_difference(s, &m);
    QR_TRY(trust_check(r, TRUST_GROUPS_SIGNING, !what, QR_FALSE, "it is of another %s",
                       what ? what : ""));
    if (!s) return QR_OK;
    struct trust_group *now = find(g, &m.with.group);
    s->made = true;
    if (now) now->signatures++;
    if (g->people.fresh) drop_starts(g, &m.with.group);
    return QR_OK;
}

enum qr_rc trust_groups_take(struct trust_groups *g, const struct leaf_entry *e,
                             const struct trust_place *at, struct trust_report *r)
{
    switch (e->kind) {
    case LEAF_SESSION_REQUESTED: return take_requested(g, e, at);
    case LEAF_SIGNATURE_MADE: return take_made(g, e, at);
    case LEAF_SESSION_ENDED: return take_ended(g, e);
    case LEAF_GROUP_CREATED:
    case LEAF_GROUP_REFRESHED:
    case LEAF_GROUP_REPAIRED:
    case LEAF_GROUP_RESHARED: return take_change(g, e, at, r);
    case LEAF_GROUP_RETIRED: return take_retired(g, e, at, r);
    case LEAF_GROUP_SIGNING_STARTED: return take_started(g, e, at, r);
    case LEAF_GROUP_SIGNATURE_MADE: return take_signature(g, e, r);
    default: return QR_OK;
    }
}

/* ---- going on later ---- */

static void put_list(struct qr_buf *out, const void *list, size_t n, size_t size)
{
    qr_buf_put_be64(out, n);
    qr_buf_put_be64(out, size);
    if (n) qr_buf_put(out, list, n * size);
}

void trust_groups_save(const struct trust_groups *g, struct qr_buf *out)
{
    put_list(out, g->group, g->groups, sizeof *g->group);
    put_list(out, g->requested, g->requests, sizeof *g->requested);
    put_list(out, g->approved, g->approvals, sizeof *g->approved);
    qr_buf_put_be64(out, g->starts);
    for (size_t i = 0; i < g->starts; i++) put_list(out, g->started[i], 1, sizeof **g->started);
}

static void *take_list(struct qr_reader *in, size_t size, size_t *n)
{
    uint64_t count = qr_read_be64(in), of = qr_read_be64(in);
    size_t room = 1;
    *n = 0;
    if (in->failed || of != size || count > in->rest.n / size) in->failed = true;
    if (in->failed || count == 0) return NULL;
    while (room < count) room *= 2;
    void *list = reallocarray(NULL, room, size);
    if (!list) qr_fatal("out of memory");
    qr_read_into(in, list, (size_t)count * size);
    *n = (size_t)count;
    return list;
}

/* What is read as a bool must be one. */
static bool is_bool(const bool *b)
{
    uint8_t byte;
    qr_copy(&byte, b, 1);
    return byte <= 1;
}

/* A file that somebody changed may say what is not so; it must not make us read or
 * write behind our arrays. */
static bool group_sound(const struct trust_group *s)
{
    bool sound = is_bool(&s->retired) && (unsigned)s->role < QR_ROLES && s->is.t >= 1 &&
                 s->is.t <= s->is.n && s->is.n <= QR_MAX_PARTICIPANTS &&
                 memchr(s->name, 0, sizeof s->name) != NULL && !(s->classes & ~QR_CLASS_ALL);
    struct point p;
    for (uint32_t i = 0; sound && i < s->is.n; i++)
        sound = point_decode(&p, s->is.shares[i].b) == QR_OK;
    return sound && point_decode(&p, s->is.key.b) == QR_OK;
}

static bool started_sound(const struct started *s)
{
    const struct leaf_group_started *is = &s->is;
    bool sound = is_bool(&s->made) && is->n >= 1 && is->n <= QR_MAX_PARTICIPANTS &&
                 is->payload_count >= 1 && is->payload_count <= QR_MAX_PAYLOADS;
    for (size_t i = 0; sound && i < is->payload_count; i++) {
        sound = (unsigned)is->payloads[i].type < QR_PAYLOADS;
        for (size_t k = 0; k < is->n; k++)
            sound = sound && is->payloads[i].pairs[k].index >= 1 &&
                    is->payloads[i].pairs[k].index <= QR_MAX_PARTICIPANTS;
    }
    return sound;
}

enum qr_rc trust_groups_load(struct trust_groups *g, struct qr_reader *in)
{
    forget(g);
    g->group = take_list(in, sizeof *g->group, &g->groups);
    for (size_t i = 0; i < g->groups; i++)
        if (!QR_HOLDS(GROUPS_STATE, group_sound(&g->group[i]))) in->failed = true;
    g->requested = take_list(in, sizeof *g->requested, &g->requests);
    g->approved = take_list(in, sizeof *g->approved, &g->approvals);
    uint64_t starts = qr_read_be64(in);
    for (uint64_t i = 0; i < starts && !in->failed; i++) {
        size_t n = 0;
        struct started *s = take_list(in, sizeof *s, &n);
        if (!s) break;
        if (n != 1 || !QR_HOLDS(GROUPS_STATE, started_sound(s))) {
            free(s);
            in->failed = true;
            break;
        }
        g->started = one_more(g->started, g->starts, sizeof *g->started);
        g->started[g->starts++] = s;
    }
    return in->failed || g->starts != starts ? QR_MALFORMED : QR_OK;
}
