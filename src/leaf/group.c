/* group.c - plans and letters of standing groups. */
#include "leaf/group.h"

#include <stdio.h>
#include <string.h>

enum { MAX_EPOCH = 1000000, MAX_ATTEMPT = 1000000, MAX_LETTER_BODY = 128 * 1024 };
#define PLAN_TYPE "quorate.group-plan"
#define SIGNING_TYPE "quorate.group-signing"

static const char *const steps[LEAF_GROUP_STEPS] = {"create", "refresh", "repair", "reshare",
                                                    "retire"};
static const enum leaf_kind kinds[LEAF_GROUP_STEPS] = {LEAF_GROUP_CREATED, LEAF_GROUP_REFRESHED,
                                                       LEAF_GROUP_REPAIRED, LEAF_GROUP_RESHARED,
                                                       LEAF_GROUP_RETIRED};
static const char *const rounds[LEAF_GROUP_ROUNDS] = {"join", "deal", "agree", "share", "made"};

const char *leaf_group_step_name(enum leaf_group_step s) { return steps[s]; }
enum leaf_kind leaf_group_kind(enum leaf_group_step s) { return kinds[s]; }
const char *leaf_group_round_name(enum leaf_group_round r) { return rounds[r]; }

const char *leaf_group_round_tag(enum leaf_group_round r)
{
    return r == LEAF_GROUP_JOIN ? LEAF_TAG_GROUP_JOIN : LEAF_TAG_GROUP_LETTER;
}

bool leaf_group_ref_equal(const struct leaf_group_ref *a, const struct leaf_group_ref *b)
{
    return a->epoch == b->epoch && qr_hash_equal(&a->group, &b->group) &&
           qr_bytes_equal(QR_BYTES_OF(a->digest), QR_BYTES_OF(b->digest));
}

static void ref_write(json_t *o, const struct leaf_group_ref *r)
{
    qr_json_set_hex(o, "digest", r->digest, sizeof r->digest);
    qr_json_set_int(o, "epoch", r->epoch);
    qr_json_set_hex(o, "group", r->group.b, sizeof r->group.b);
}

static void ref_read(struct qr_obj *o, struct leaf_group_ref *out)
{
    qr_obj_hex(o, "digest", out->digest, sizeof out->digest);
    out->epoch = (uint32_t)qr_obj_int(o, "epoch", 0, MAX_EPOCH);
    qr_obj_hex(o, "group", out->group.b, sizeof out->group.b);
}

/* ---- plans ---- */

static json_t *people_write(const struct leaf_group_person *p, size_t n)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = qr_json_object();
        qr_json_set_hex(o, "commitment", p[i].commitment.b, QR_SHA256_SIZE);
        qr_json_set_hex(o, "enrolment", p[i].enrolment.b, QR_SHA256_SIZE);
        qr_json_add(a, o);
    }
    return a;
}

static enum qr_rc write_json(json_t *o, struct qr_buf *out)
{
    enum qr_rc rc = qr_json_write(o, out);
    json_decref(o);
    return rc;
}

enum qr_rc leaf_group_plan_write(const struct leaf_group_plan *p, struct qr_buf *out)
{
    json_t *o = qr_json_object(), *dealers = qr_json_array();
    for (size_t i = 0; i < p->dealers; i++) qr_json_add(dealers, json_integer(p->dealer[i]));
    ref_write(o, &p->from);
    qr_json_set(o, "dealers", dealers);
    qr_json_set(o, "leaving", people_write(p->party + p->n, p->parties - p->n));
    qr_json_set(o, "members", people_write(p->party, p->n));
    qr_json_set_str(o, "name", p->name);
    qr_json_set_hex(o, "nonce", p->nonce, sizeof p->nonce);
    qr_json_set_str(o, "role", qr_role_name(p->role));
    qr_json_set_str(o, "step", steps[p->step]);
    qr_json_set_int(o, "t", p->t);
    qr_json_set_str(o, "type", PLAN_TYPE);
    qr_json_set_int(o, "v", 1);
    return write_json(o, out);
}

static bool same_person(const struct leaf_group_plan *p, const struct qr_hash *commitment)
{
    for (size_t i = 0; i < p->parties; i++)
        if (qr_hash_equal(&p->party[i].commitment, commitment)) return true;
    return false;
}

static void people_read(struct qr_obj *o, const char *key, struct leaf_group_plan *p)
{
    const json_t *a = qr_obj_array(o, key, QR_MAX_PARTICIPANTS);
    for (size_t i = 0; i < json_array_size(a); i++) {
        struct leaf_group_person one;
        struct qr_obj m = qr_obj_of(json_array_get(a, i), "member");
        qr_obj_hex(&m, "commitment", one.commitment.b, QR_SHA256_SIZE);
        qr_obj_hex(&m, "enrolment", one.enrolment.b, QR_SHA256_SIZE);
        if (qr_obj_done(&m, NULL) != QR_OK || p->parties == QR_MAX_PARTICIPANTS ||
            same_person(p, &one.commitment))
            qr_obj_bad(o, key);
        else
            p->party[p->parties++] = one;
    }
}

static void dealers_read(struct qr_obj *o, struct leaf_group_plan *p)
{
    const json_t *a = qr_obj_array(o, "dealers", QR_MAX_PARTICIPANTS);
    p->dealers = json_array_size(a);
    for (size_t i = 0; i < p->dealers; i++) {
        const json_t *v = json_array_get(a, i);
        int64_t id = json_is_integer(v) ? json_integer_value(v) : 0;
        if (id < 1 || id > QR_MAX_PARTICIPANTS || (i > 0 && id <= p->dealer[i - 1]))
            qr_obj_bad(o, "dealers");
        p->dealer[i] = (uint32_t)id;
    }
}

/* A step has what it needs and nothing else. */
static bool fits(const struct leaf_group_plan *p)
{
    static const struct leaf_group_ref none;
    bool made = !leaf_group_ref_equal(&p->from, &none);
    if (p->step == LEAF_GROUP_RETIRE) return made && p->parties == 0 && p->dealers == 0;
    if (p->t < 2 || p->t > p->n) return false;
    if (p->step == LEAF_GROUP_CREATE) return !made && p->dealers == 0 && p->parties == p->n;
    return made && p->dealers >= 2;
}

enum qr_rc leaf_group_plan_read(struct qr_bytes text, struct leaf_group_plan *out,
                                struct qr_err *err)
{
    json_t *v = NULL;
    *out = (struct leaf_group_plan){.step = LEAF_GROUP_STEPS};
    QR_TRY(qr_json_parse(text, &v, err));
    struct qr_obj o = qr_obj_of(v, "group plan");
    ref_read(&o, &out->from);
    dealers_read(&o, out);
    people_read(&o, "members", out);
    out->n = out->parties;
    people_read(&o, "leaving", out);
    struct qr_bytes name = qr_obj_str(&o, "name", LEAF_GROUP_NAME);
    if (leaf_namespace_ok(name))
        qr_copy(out->name, name.p, name.n);
    else
        qr_obj_bad(&o, "name");
    qr_obj_hex(&o, "nonce", out->nonce, sizeof out->nonce);
    out->role = qr_obj_role(&o, "role");
    struct qr_bytes step = qr_obj_str(&o, "step", 16);
    for (unsigned i = 0; i < LEAF_GROUP_STEPS; i++)
        if (qr_bytes_is(step, steps[i])) out->step = (enum leaf_group_step)i;
    out->t = (uint32_t)qr_obj_int(&o, "t", 0, QR_MAX_PARTICIPANTS);
    if (!qr_bytes_is(qr_obj_str(&o, "type", 32), PLAN_TYPE)) qr_obj_bad(&o, "type");
    (void)qr_obj_int(&o, "v", 1, 1);
    if (out->step == LEAF_GROUP_STEPS || !fits(out)) qr_obj_bad(&o, "step");
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(v);
    return rc;
}

void leaf_group_plan_title(const struct leaf_group_plan *p, char out[LEAF_GROUP_TITLE])
{
    _Static_assert(sizeof "standing group plan: reshare " + LEAF_GROUP_NAME <= LEAF_GROUP_TITLE,
                   "the longest step fits");
    (void)snprintf(out, LEAF_GROUP_TITLE, "standing group plan: %s %s", steps[p->step], p->name);
}

enum qr_rc leaf_group_signing_write(const struct leaf_group_signing *s, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "approved", s->approved.b, sizeof s->approved.b);
    ref_write(o, &s->with);
    qr_json_set_str(o, "session", s->session);
    qr_json_set_str(o, "type", SIGNING_TYPE);
    qr_json_set_int(o, "v", 1);
    return write_json(o, out);
}

enum qr_rc leaf_group_signing_read(struct qr_bytes text, struct leaf_group_signing *out,
                                   struct qr_err *err)
{
    json_t *v = NULL;
    *out = (struct leaf_group_signing){.session = ""};
    QR_TRY(qr_json_parse(text, &v, err));
    struct qr_obj o = qr_obj_of(v, "group signing");
    qr_obj_hex(&o, "approved", out->approved.b, sizeof out->approved.b);
    ref_read(&o, &out->with);
    leaf_ulid_read(&o, "session", out->session);
    if (!qr_bytes_is(qr_obj_str(&o, "type", 32), SIGNING_TYPE)) qr_obj_bad(&o, "type");
    (void)qr_obj_int(&o, "v", 1, 1);
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(v);
    return rc;
}

bool leaf_group_is_signing(struct qr_bytes text)
{
    struct leaf_group_signing s;
    return leaf_group_signing_read(text, &s, NULL) == QR_OK;
}

/* ---- letters ---- */

enum qr_rc leaf_group_letter_write(const struct leaf_group_letter *l, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    qr_json_set_int(o, "attempt", l->attempt);
    qr_json_set_base64(o, "body", l->body);
    qr_json_set_hex(o, "commitment", l->commitment.b, QR_SHA256_SIZE);
    qr_json_set_str(o, "round", rounds[l->round]);
    qr_json_set_hex(o, "step", l->step.b, QR_SHA256_SIZE);
    qr_json_set_int(o, "v", 1);
    return write_json(o, out);
}

enum qr_rc leaf_group_letter_read(struct qr_bytes text, struct leaf_group_letter *out,
                                  struct qr_buf *body, struct qr_err *err)
{
    json_t *v = NULL;
    *out = (struct leaf_group_letter){.round = LEAF_GROUP_ROUNDS};
    qr_buf_init(body, MAX_LETTER_BODY);
    QR_TRY(qr_json_parse(text, &v, err));
    struct qr_obj o = qr_obj_of(v, "group letter");
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, MAX_ATTEMPT);
    qr_obj_base64_buf(&o, "body", body);
    qr_obj_hex(&o, "commitment", out->commitment.b, QR_SHA256_SIZE);
    struct qr_bytes round = qr_obj_str(&o, "round", 16);
    for (unsigned i = 0; i < LEAF_GROUP_ROUNDS; i++)
        if (qr_bytes_is(round, rounds[i])) out->round = (enum leaf_group_round)i;
    if (out->round == LEAF_GROUP_ROUNDS) qr_obj_bad(&o, "round");
    qr_obj_hex(&o, "step", out->step.b, QR_SHA256_SIZE);
    (void)qr_obj_int(&o, "v", 1, 1);
    enum qr_rc rc = qr_obj_done(&o, err);
    out->body = qr_buf_bytes(body);
    json_decref(v);
    return rc;
}

static void join_fields(json_t *o, const struct leaf_group_join *j)
{
    qr_json_set(o, "classes", qr_classes_json(j->classes));
    qr_json_set_hex(o, "enrolment", j->enrolment.b, QR_SHA256_SIZE);
    qr_json_set_hex(o, "envelope_key", j->envelope_key.b, QR_KEY_SIZE);
    if (j->signs) {
        qr_json_set_base64(o, "nonces", QR_BYTES(j->pair, j->pairs * sizeof j->pair[0]));
    } else {
        qr_json_set_hex(o, "cocktail_key", j->cocktail_key.b, QR_KEY_SIZE);
        qr_json_set_base64(o, "pop", QR_BYTES_OF(j->pop.b));
    }
}

enum qr_rc leaf_group_join_write(const struct leaf_group_join *j, struct qr_buf *out)
{
    json_t *o = qr_json_object();
    join_fields(o, j);
    return write_json(o, out);
}

static void pairs_read(struct qr_obj *o, struct leaf_group_join *out)
{
    struct qr_buf b;
    qr_buf_init(&b, sizeof out->pair);
    qr_obj_base64_buf(o, "nonces", &b);
    out->pairs = b.n / sizeof out->pair[0];
    if (b.n == 0 || b.n != out->pairs * sizeof out->pair[0]) qr_obj_bad(o, "nonces");
    qr_copy(out->pair, b.p, b.n);
    qr_buf_fini(&b);
}

static void join_read(struct qr_obj *o, struct leaf_group_join *out)
{
    out->classes = qr_obj_classes(o, "classes");
    qr_obj_hex(o, "enrolment", out->enrolment.b, QR_SHA256_SIZE);
    qr_obj_hex(o, "envelope_key", out->envelope_key.b, QR_KEY_SIZE);
    if (out->signs) {
        pairs_read(o, out);
    } else {
        qr_obj_hex(o, "cocktail_key", out->cocktail_key.b, QR_KEY_SIZE);
        qr_obj_base64(o, "pop", out->pop.b, sizeof out->pop.b);
    }
}

enum qr_rc leaf_group_join_read(struct qr_bytes body, struct leaf_group_join *out,
                                struct qr_err *err)
{
    json_t *v = NULL;
    *out = (struct leaf_group_join){.signs = false};
    QR_TRY(qr_json_parse(body, &v, err));
    struct qr_obj o = qr_obj_of(v, "join");
    out->signs = qr_obj_has(&o, "nonces");
    join_read(&o, out);
    enum qr_rc rc = qr_obj_done(&o, err);
    json_decref(v);
    return rc;
}

void leaf_group_pop_message(const struct leaf_group_letter *l, const struct leaf_group_join *j,
                            struct qr_buf *out)
{
    qr_buf_put_bytes(out, QR_BYTES_OF(l->step.b));
    qr_buf_put_be32(out, l->attempt);
    qr_buf_put_bytes(out, QR_BYTES_OF(l->commitment.b));
    qr_buf_put_bytes(out, QR_BYTES_OF(j->envelope_key.b));
    qr_buf_put_bytes(out, QR_BYTES_OF(j->cocktail_key.b));
}

enum qr_rc leaf_group_join_letter(const struct leaf_group_letter *l,
                                  const struct leaf_group_join *j, struct qr_buf *out)
{
    struct leaf_group_letter letter = *l;
    struct qr_buf body;
    qr_buf_init(&body, MAX_LETTER_BODY);
    enum qr_rc rc = leaf_group_join_write(j, &body);
    letter.round = LEAF_GROUP_JOIN;
    letter.body = qr_buf_bytes(&body);
    if (rc == QR_OK) rc = leaf_group_letter_write(&letter, out);
    qr_buf_fini(&body);
    return rc;
}

/* ---- entries ---- */

const char *const leaf_without_sigs[] = {"sigs", NULL};

static json_t *party_write(const struct leaf_group_party *p, bool has_share)
{
    json_t *o = qr_json_object();
    join_fields(o, &p->join);
    qr_json_set_hex(o, "commitment", p->is.commitment.b, QR_SHA256_SIZE);
    qr_json_set_base64(o, "person_sig", QR_BYTES_OF(p->person_sig.b));
    if (has_share) qr_json_set_hex(o, "share", p->share.b, QR_KEY_SIZE);
    return o;
}

json_t *leaf_group_change_write(const struct leaf_group_change *c, bool with_sigs)
{
    json_t *o = qr_json_object(), *parties = qr_json_array();
    for (size_t i = 0; i < c->parties; i++)
        qr_json_add(parties, party_write(&c->party[i], i < c->n));
    qr_json_set_hex(o, "approved", c->approved.b, QR_SHA256_SIZE);
    qr_json_set_int(o, "attempt", c->attempt);
    ref_write(o, &c->to);
    qr_json_set_hex(o, "group_key", c->group_key.b, QR_KEY_SIZE);
    qr_json_set(o, "parties", parties);
    qr_json_set_bytes(o, "plan", c->plan);
    qr_json_set_hex(o, "transcript", c->transcript.b, QR_SHA256_SIZE);
    if (!with_sigs) return o;
    json_t *sigs = qr_json_array();
    for (size_t i = 0; i < c->parties; i++) {
        struct qr_buf b;
        qr_buf_init(&b, 128);
        qr_buf_put_base64(&b, QR_BYTES_OF(c->party[i].consent.b));
        qr_json_add(sigs, qr_json_text(qr_buf_bytes(&b)));
        qr_buf_fini(&b);
    }
    qr_json_set(o, "sigs", sigs);
    return o;
}

static void party_read(const json_t *v, struct leaf_group_change *c, struct qr_obj *parent)
{
    struct leaf_group_party *p = &c->party[c->parties++];
    struct qr_obj o = qr_obj_of(v, "party");
    join_read(&o, &p->join);
    p->is.enrolment = p->join.enrolment;
    qr_obj_hex(&o, "commitment", p->is.commitment.b, QR_SHA256_SIZE);
    qr_obj_base64(&o, "person_sig", p->person_sig.b, sizeof p->person_sig.b);
    bool shares = qr_obj_has(&o, "share");
    if (shares) qr_obj_hex(&o, "share", p->share.b, QR_KEY_SIZE);
    /* those who leave stand behind */
    if (qr_obj_done(&o, NULL) != QR_OK || (shares && c->n != c->parties - 1))
        qr_obj_bad(parent, "parties");
    c->n += shares;
}

static void sigs_read(struct qr_obj *o, struct leaf_group_change *c)
{
    const json_t *a = qr_obj_array(o, "sigs", QR_MAX_PARTICIPANTS);
    if (json_array_size(a) != c->parties) qr_obj_bad(o, "sigs");
    for (size_t i = 0; i < json_array_size(a) && i < c->parties; i++) {
        const char *s = json_string_value(json_array_get(a, i));
        struct qr_sig *sig = &c->party[i].consent;
        if (!s || qr_unbase64_n(qr_str(s), sig->b, sizeof sig->b) != QR_OK) qr_obj_bad(o, "sigs");
    }
}

enum qr_rc leaf_group_change_read(const json_t *body, bool with_sigs, struct leaf_group_change *out,
                                  struct qr_err *err)
{
    *out = (struct leaf_group_change){.n = 0};
    struct qr_obj o = qr_obj_of(body, "group change");
    qr_obj_hex(&o, "approved", out->approved.b, QR_SHA256_SIZE);
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, MAX_ATTEMPT);
    ref_read(&o, &out->to);
    qr_obj_hex(&o, "group_key", out->group_key.b, QR_KEY_SIZE);
    const json_t *a = qr_obj_array(&o, "parties", QR_MAX_PARTICIPANTS);
    for (size_t i = 0; i < json_array_size(a); i++) party_read(json_array_get(a, i), out, &o);
    if (out->n < 2) qr_obj_bad(&o, "parties");
    out->plan = qr_obj_str(&o, "plan", QR_MAX_ENTRY);
    if (with_sigs) sigs_read(&o, out);
    qr_obj_hex(&o, "transcript", out->transcript.b, QR_SHA256_SIZE);
    return qr_obj_done(&o, err);
}

json_t *leaf_group_retired_write(const struct leaf_group_retired *r)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "approved", r->approved.b, QR_SHA256_SIZE);
    ref_write(o, &r->of);
    qr_json_set_bytes(o, "plan", r->plan);
    return o;
}

enum qr_rc leaf_group_retired_read(const json_t *body, struct leaf_group_retired *out,
                                   struct qr_err *err)
{
    *out = (struct leaf_group_retired){.plan = QR_BYTES_NONE};
    struct qr_obj o = qr_obj_of(body, "group.retired");
    qr_obj_hex(&o, "approved", out->approved.b, QR_SHA256_SIZE);
    ref_read(&o, &out->of);
    out->plan = qr_obj_str(&o, "plan", QR_MAX_ENTRY);
    return qr_obj_done(&o, err);
}

/* ---- signing: the lists are those of an ordinary session ---- */

json_t *leaf_group_started_write(const struct leaf_group_started *s)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "approved", s->approved.b, QR_SHA256_SIZE);
    qr_json_set_int(o, "attempt", s->attempt);
    ref_write(o, &s->with);
    qr_json_set_hex(o, "group_key", s->group_key.b, QR_KEY_SIZE);
    qr_json_set(o, "payloads", leaf_started_payloads_write(s->payloads, s->payload_count, s->n));
    return o;
}

enum qr_rc leaf_group_started_read(const json_t *body, struct leaf_group_started *out,
                                   struct qr_err *err)
{
    *out = (struct leaf_group_started){.n = 0};
    struct qr_obj o = qr_obj_of(body, "group.signing_started");
    qr_obj_hex(&o, "approved", out->approved.b, QR_SHA256_SIZE);
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, MAX_ATTEMPT);
    ref_read(&o, &out->with);
    qr_obj_hex(&o, "group_key", out->group_key.b, QR_KEY_SIZE);
    out->payload_count = leaf_started_payloads_read(&o, out->payloads, &out->n);
    return qr_obj_done(&o, err);
}

json_t *leaf_group_made_write(const struct leaf_group_made *m)
{
    json_t *o = qr_json_object();
    qr_json_set_hex(o, "approved", m->approved.b, QR_SHA256_SIZE);
    qr_json_set_int(o, "attempt", m->attempt);
    ref_write(o, &m->with);
    qr_json_set_hex(o, "group_key", m->group_key.b, QR_KEY_SIZE);
    qr_json_set(o, "signatures", leaf_signatures_write(m->signatures, m->n));
    qr_json_set_hex(o, "started", m->started.b, QR_SHA256_SIZE);
    return o;
}

enum qr_rc leaf_group_made_read(const json_t *body, struct leaf_group_made *out, struct qr_err *err)
{
    *out = (struct leaf_group_made){.n = 0};
    struct qr_obj o = qr_obj_of(body, "group.signature_made");
    qr_obj_hex(&o, "approved", out->approved.b, QR_SHA256_SIZE);
    out->attempt = (uint32_t)qr_obj_int(&o, "attempt", 1, MAX_ATTEMPT);
    ref_read(&o, &out->with);
    qr_obj_hex(&o, "group_key", out->group_key.b, QR_KEY_SIZE);
    out->n = leaf_signatures_read(&o, out->signatures);
    qr_obj_hex(&o, "started", out->started.b, QR_SHA256_SIZE);
    return qr_obj_done(&o, err);
}
