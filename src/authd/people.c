/* people.c - see people.h.
 *
 * A person's newest entry wins: entries are applied in any number of passes
 * (as they are logged, and again at each start), so one that is not newer than
 * what the row has seen is passed over. */
#include <config.h> /* memmem */

#include "authd/people.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/removal.h"
#include "trust/trust_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_IDENTITY 1024
#define ISSUER "local"

void enrolment_fini(struct enrolment *e)
{
    json_decref(e->body);
    qr_wipe(e->identity.p, e->identity.n);
    qr_buf_fini(&e->identity);
    qr_wipe(e->salt, sizeof e->salt);
    e->body = NULL;
}

enum qr_rc people_init(struct people *p, struct service *s, struct qr_err *err)
{
    struct service_path path = path_in2(s->state, LAYOUT_AUTHD, LAYOUT_IDENTITY_KEY);
    struct qr_signer key = {.secret = {0}};
    p->s = s;
    QR_TRY(service_key_load(s, path.s, &key, err));
    enum qr_rc rc = sealed_init(&p->sealed, s->state, &key, s->rand, err);
    qr_signer_fini(&key);
    return rc;
}

void people_fini(struct people *p) { sealed_fini(&p->sealed); }

/* ---- checking an enrolment ---- */

static enum qr_rc check_identity(const struct people *p, struct enrolment *e, struct qr_err *err)
{
    json_t *v = NULL;
    QR_TRY(qr_json_parse(qr_buf_bytes(&e->identity), &v, err));
    struct qr_obj o = qr_obj_of(v, "identity");
    struct qr_bytes email = qr_obj_text(&o, "email", 254);
    struct qr_bytes issuer = qr_obj_text(&o, "issuer", 64);
    struct qr_bytes name = qr_obj_text(&o, "name", QR_MAX_NAME);
    enum qr_rc rc = qr_obj_done(&o, err);
    struct qr_buf again;
    qr_buf_init(&again, MAX_IDENTITY);
    if (rc == QR_OK && leaf_identity_text(name, email, &again) != QR_OK)
        rc = qr_fail(err, QR_MALFORMED, "identity: name or e-mail is malformed");
    if (rc == QR_OK && !qr_bytes_equal(qr_buf_bytes(&again), qr_buf_bytes(&e->identity)))
        rc = qr_fail(err, QR_MALFORMED, "identity is not in its canonical form");
    if (rc == QR_OK) sealed_email_tag(&p->sealed, issuer, email, e->email_tag);
    qr_wipe(again.p, again.n);
    qr_buf_fini(&again);
    json_decref(v);
    return rc;
}

static enum qr_rc check_admins(const struct people *p, const struct leaf_admin_sigs *sigs,
                               const json_t *body, enum leaf_kind kind, struct qr_err *err)
{
    const struct trust_dir *t = p->s->trust;
    size_t need = signing_policy_admins(&t->signing);
    size_t good = leaf_admin_sigs_good(sigs, body, leaf_admin_tag(kind), t->admins.k, t->admins.n);
    if (QR_HOLDS(AUTHD_ADMINS, good >= need)) return QR_OK;
    return qr_fail(err, QR_POLICY, "%zu of %zu admin signatures hold, the policy needs %zu", good,
                   sigs->n, need);
}

enum qr_rc people_check(const struct people *p, struct enrolment *e, struct qr_err *err)
{
    QR_TRY(leaf_identity_read(e->body, LEAF_IDENTITY_ENROLLED, &e->who, err));
    QR_TRY(check_identity(p, e, err));
    struct qr_hash c = leaf_commitment(e->salt, qr_buf_bytes(&e->identity));
    if (!qr_hash_equal(&c, &e->who.commitment))
        return qr_fail(err, QR_MALFORMED, "the commitment is not that of identity and salt");
    return check_admins(p, &e->who.admin_sigs, e->body, LEAF_IDENTITY_ENROLLED, err);
}

/* ---- the roster file ---- */

static enum qr_rc read_line(const struct people *p, struct qr_bytes line, struct enrolment *e,
                            struct qr_err *err)
{
    json_t *v = NULL;
    qr_buf_init(&e->identity, MAX_IDENTITY);
    QR_TRY(qr_json_parse(line, &v, err));
    struct qr_obj o = qr_obj_of(v, "roster");
    struct qr_obj body = qr_obj_obj(&o, "body"), id = qr_obj_obj(&o, "identity");
    qr_obj_hex(&o, "salt", e->salt, sizeof e->salt);
    enum qr_rc rc = qr_obj_done(&o, err);
    if (rc == QR_OK) {
        e->body = json_deep_copy(body.o);
        rc = e->body ? qr_json_write(id.o, &e->identity) : QR_NOMEM;
    }
    json_decref(v);
    return rc == QR_OK ? people_check(p, e, err) : rc;
}

static enum qr_rc read_lines(const struct people *p, const char *path, struct qr_bytes all,
                             struct people_roster *out, struct qr_err *err)
{
    for (unsigned line = 1; all.n > 0; line++) {
        const uint8_t *nl = memchr(all.p, '\n', all.n);
        size_t n = nl ? (size_t)(nl - all.p) : all.n;
        struct qr_bytes one = QR_BYTES(all.p, n);
        n += nl ? 1 : 0;
        all = QR_BYTES(all.p + n, all.n - n);
        if (one.n == 0) continue;
        if (out->n == PEOPLE_ROSTER_MAX)
            return qr_fail(err, QR_RANGE, "%s:%u: more than %d people", path, line,
                           PEOPLE_ROSTER_MAX);
        struct qr_err why = {{0}};
        struct enrolment *e = &out->list[out->n++];
        e->line = line;
        enum qr_rc rc = read_line(p, one, e, &why);
        if (rc != QR_OK) return qr_fail(err, rc, "%s:%u: %s", path, line, why.text);
        for (size_t i = 0; i + 1 < out->n; i++)
            if (qr_equal_ct(out->list[i].email_tag, e->email_tag, sizeof e->email_tag))
                return qr_fail(err, QR_CONFLICT, "%s:%u: the same person as line %u", path, line,
                               out->list[i].line);
    }
    return QR_OK;
}

enum qr_rc people_roster_load(const struct people *p, const char *path, struct people_roster *out,
                              struct qr_err *err)
{
    struct qr_buf text;
    *out = (struct people_roster){calloc(PEOPLE_ROSTER_MAX, sizeof *out->list), 0};
    if (!out->list) return QR_NOMEM;
    qr_buf_init(&text, QR_MAX_CONFIG_FILE);
    enum qr_rc rc = qr_file_read_private(path, &text, err);
    if (rc == QR_OK) rc = read_lines(p, path, qr_buf_bytes(&text), out, err);
    qr_wipe(text.p, text.n);
    qr_buf_fini(&text);
    return rc;
}

void people_roster_fini(struct people_roster *r)
{
    for (size_t i = 0; i < r->n; i++) enrolment_fini(&r->list[i]);
    free(r->list);
    *r = (struct people_roster){NULL, 0};
}

/* ---- adding to the log ---- */

static enum qr_rc seal_identity(struct people *p, const struct enrolment *e, struct qr_err *err)
{
    struct identity_clear in = {.commitment = e->who.commitment,
                                .identity = qr_buf_bytes(&e->identity)};
    qr_copy(in.salt, e->salt, sizeof in.salt);
    qr_copy(in.email_tag, e->email_tag, sizeof in.email_tag);
    enum qr_rc rc = sealed_put(&p->sealed, p->s->db, &in, err);
    qr_wipe(in.salt, sizeof in.salt);
    return rc;
}

/* Whoever was erased may have approved in a session that still runs. */
static enum qr_rc check_tombstone(struct people *p, const struct enrolment *e, struct qr_err *err)
{
    int64_t until = 0, now = qr_now_us(&p->s->clock);
    char when[QR_TIME_LEN + 1];
    QR_TRY(store_tombstones_trim(p->s->db, now, err));
    enum qr_rc rc = store_tombstone(p->s->db, e->email_tag, &until, err);
    if (!QR_HOLDS(AUTHD_TOMBSTONE, rc != QR_OK)) {
        qr_time_format(until, when);
        return qr_fail(err, QR_CONFLICT,
                       "this person was erased; sessions of then may run until %s", when);
    }
    return rc == QR_NOTFOUND ? QR_OK : rc;
}

enum qr_rc people_enroll(struct people *p, const struct enrolment *e, int64_t *row,
                         struct qr_err *err)
{
    struct person old;
    struct qr_hash other;
    bool has = false;
    struct qr_db *db = p->s->db;
    enum qr_rc rc = store_person(db, &e->who.commitment, &old, err);
    if (rc == QR_OK) return qr_fail(err, QR_EXISTS, "this person is enrolled already");
    if (rc != QR_NOTFOUND) return rc;
    QR_TRY(store_identity_has(db, &e->who.commitment, &has, err));
    if (has) return qr_fail(err, QR_EXISTS, "this enrolment is on its way to the log already");
    rc = store_identity_by_email(db, e->email_tag, &other, err);
    if (!QR_HOLDS(AUTHD_PERSON, rc != QR_OK))
        return qr_fail(err, QR_CONFLICT, "this e-mail address is enrolled already");
    if (rc != QR_OK && rc != QR_NOTFOUND) return rc;
    rc = store_person_by_key(db, &e->who.person_key, &old, err);
    if (!QR_HOLDS(AUTHD_PERSON, rc != QR_OK))
        return qr_fail(err, QR_CONFLICT, "this person key is another person's");
    if (rc != QR_OK && rc != QR_NOTFOUND) return rc;
    QR_TRY(check_tombstone(p, e, err));
    QR_TRY(seal_identity(p, e, err));
    return outbox_put(p->s->outbox, LEAF_IDENTITY_ENROLLED, e->body, NULL, row, err);
}

enum qr_rc people_keep_identity(struct people *p, const struct enrolment *e, struct qr_err *err)
{
    struct person who;
    bool has = false;
    enum qr_rc rc = store_person(p->s->db, &e->who.commitment, &who, err);
    if (rc == QR_NOTFOUND || (rc == QR_OK && who.state == PERSON_ERASED)) return QR_OK;
    QR_TRY(rc);
    QR_TRY(store_identity_has(p->s->db, &e->who.commitment, &has, err));
    return has ? QR_OK : seal_identity(p, e, err);
}

/* What the three kinds of change have in common. */
struct change {
    struct qr_hash commitment, enrolment;
    struct leaf_identity identity;
    const struct leaf_admin_sigs *sigs;
    struct leaf_revocation revocation;
};

static enum qr_rc read_change(enum leaf_kind kind, const json_t *body, struct change *c,
                              struct qr_err *err)
{
    if (kind == LEAF_IDENTITY_ROLE_CHANGED) {
        QR_TRY(leaf_identity_read(body, kind, &c->identity, err));
        c->commitment = c->identity.commitment;
        c->enrolment = c->identity.enrolment;
        c->sigs = &c->identity.admin_sigs;
        return QR_OK;
    }
    QR_TRY(leaf_revocation_read(body, kind, &c->revocation, err));
    c->commitment = c->revocation.commitment;
    c->enrolment = c->revocation.enrolment;
    c->sigs = &c->revocation.admin_sigs;
    return QR_OK;
}

/* Only what our own directory names as the next one: nobody would follow another. */
static enum qr_rc change_policy(struct people *p, const json_t *body, int64_t *row,
                                struct qr_err *err)
{
    struct leaf_policy is;
    struct attest_policy *said = NULL;
    const struct attest_policy *next = attest_pin_next(p->s->trust->attestation);
    QR_TRY(leaf_policy_read(body, &is, err));
    QR_TRY(check_admins(p, &is.admin_sigs, body, LEAF_POLICY_CHANGED, err));
    bool ours = is.name == LEAF_POLICY_ATTESTATION && next && qr_hash_equal(&next->hash, &is.hash);
    if (!QR_HOLDS(AUTHD_POLICY, ours))
        return qr_fail(err, QR_POLICY,
                       "it is not the next attestation policy of the trust directory here");
    QR_TRY(attest_policy_parse(is.text, &said, err));
    bool same = qr_hash_equal(&said->hash, &is.hash);
    attest_policy_free(said);
    if (!same) return qr_fail(err, QR_MALFORMED, "the policy's text has another hash");
    if (ours && !attest_pin_waits(p->s->trust->attestation))
        return qr_fail(err, QR_STATE, "this policy is in force already");
    return outbox_put(p->s->outbox, LEAF_POLICY_CHANGED, body, NULL, row, err);
}

enum qr_rc people_change(struct people *p, enum leaf_kind kind, const json_t *body, int64_t *row,
                         struct qr_err *err)
{
    if (kind == LEAF_POLICY_CHANGED) return change_policy(p, body, row, err);
    struct change c;
    struct person who;
    QR_TRY(read_change(kind, body, &c, err));
    QR_TRY(check_admins(p, c.sigs, body, kind, err));
    enum qr_rc rc = store_person(p->s->db, &c.commitment, &who, err);
    if (rc == QR_NOTFOUND) return qr_fail(err, rc, "nobody is enrolled under this commitment");
    QR_TRY(rc);
    bool gone = who.state == PERSON_ERASED || who.leaving ||
                (who.state == PERSON_REVOKED && kind != LEAF_IDENTITY_ERASED);
    if (gone) return qr_fail(err, QR_STATE, "this person is revoked or erased already");
    if (!qr_hash_equal(&c.enrolment, &who.enrolment))
        return qr_fail(err, QR_STALE, "the change names an enrolment that is not the newest");
    if (kind != LEAF_IDENTITY_ROLE_CHANGED) QR_TRY(store_leaving(p->s->db, &c.commitment, err));
    return outbox_put(p->s->outbox, kind, body, NULL, row, err);
}

/* ---- what is logged ---- */

static enum qr_rc apply_identity(struct people *p, const struct leaf_entry *e, uint64_t index,
                                 const struct qr_hash *leaf, struct qr_err *err)
{
    struct leaf_identity id;
    struct person who;
    QR_TRY(leaf_identity_read(e->body, e->kind, &id, err));
    QR_TRY(check_admins(p, &id.admin_sigs, e->body, e->kind, err));
    enum qr_rc rc = store_person(p->s->db, &id.commitment, &who, err);
    if (rc != QR_OK && rc != QR_NOTFOUND) return rc;
    bool known = rc == QR_OK;
    if (known && who.last_index >= index) return QR_OK;
    if (known != (e->kind == LEAF_IDENTITY_ROLE_CHANGED)) return QR_STATE;
    if (known && (who.state != PERSON_ACTIVE || !qr_hash_equal(&who.enrolment, &id.enrolment)))
        return QR_STATE;
    who = (struct person){.commitment = id.commitment,
                          .role = id.role,
                          .person_key = id.person_key,
                          .enrolment = *leaf,
                          .index = index,
                          .last_index = index,
                          .state = PERSON_ACTIVE};
    qr_copy(who.node, id.node, sizeof who.node);
    return store_person_set(p->s->db, &who, err);
}

/* The identity goes, its key first; what stays is who may not come back yet. */
static enum qr_rc erase(struct people *p, const struct leaf_entry *e,
                        const struct qr_hash *commitment, struct qr_err *err)
{
    struct sealed_identity row = {.commitment = *commitment};
    enum qr_rc rc = store_identity(p->s->db, &row, err);
    if (rc == QR_OK) {
        int64_t until = e->time_us + p->s->trust->signing.max_session_s * 1000000LL;
        rc = store_tombstone_set(p->s->db, row.email_tag, until, err);
    } else if (rc == QR_NOTFOUND)
        rc = QR_OK;
    return rc == QR_OK ? sealed_destroy(&p->sealed, p->s->db, commitment, err) : rc;
}

static enum qr_rc apply_end(struct people *p, const struct leaf_entry *e, uint64_t index,
                            struct qr_err *err)
{
    struct leaf_revocation r;
    struct person who;
    QR_TRY(leaf_revocation_read(e->body, e->kind, &r, err));
    QR_TRY(check_admins(p, &r.admin_sigs, e->body, e->kind, err));
    enum qr_rc rc = store_person(p->s->db, &r.commitment, &who, err);
    if (rc == QR_NOTFOUND) return QR_STATE;
    QR_TRY(rc);
    if (e->kind == LEAF_IDENTITY_ERASED) QR_TRY(erase(p, e, &r.commitment, err));
    if (who.last_index >= index) return QR_OK;
    if (who.state == PERSON_ERASED) return QR_STATE;
    who.state = e->kind == LEAF_IDENTITY_ERASED ? PERSON_ERASED : PERSON_REVOKED;
    who.last_index = index;
    QR_TRY(store_person_set(p->s->db, &who, err));
    return store_left(p->s->db, &r.commitment, err);
}

static enum qr_rc apply_policy(struct people *p, const struct leaf_entry *e, uint64_t index,
                               struct qr_err *err)
{
    struct leaf_policy pol;
    QR_TRY(leaf_policy_read(e->body, &pol, err));
    QR_TRY(check_admins(p, &pol.admin_sigs, e->body, e->kind, err));
    return store_policy_set(p->s->db, pol.name, &pol.hash, &index, err);
}

static enum qr_rc apply_kind(struct people *p, const struct leaf_entry *e, uint64_t index,
                             struct qr_bytes entry, struct qr_err *err)
{
    struct qr_hash leaf = leaf_hash(entry);
    const struct qr_pub *pub = trust_author_key(p->s->trust, e->author, qr_str(e->key_id));
    if (e->author != LEAF_AUTHD || !pub || leaf_verify(e, pub) != QR_OK) return QR_FALSE;
    switch (e->kind) {
    case LEAF_IDENTITY_ENROLLED:
    case LEAF_IDENTITY_ROLE_CHANGED: return apply_identity(p, e, index, &leaf, err);
    case LEAF_IDENTITY_REVOKED:
    case LEAF_IDENTITY_ERASED: return apply_end(p, e, index, err);
    default: return apply_policy(p, e, index, err);
    }
}

/* Whether an entry may be about people or policies: a canonical entry of such a
 * kind holds one of these.  Spares parsing the rest of a long log. */
static bool may_matter(struct qr_bytes entry)
{
    static const char person[] = "\"kind\":\"identity.", policy[] = "\"kind\":\"policy.";
    return memmem(entry.p, entry.n, person, sizeof person - 1) != NULL ||
           memmem(entry.p, entry.n, policy, sizeof policy - 1) != NULL;
}

enum qr_rc people_apply(struct people *p, uint64_t index, struct qr_bytes entry, struct qr_err *err)
{
    struct leaf_entry e;
    struct qr_err why = {{0}};
    if (!may_matter(entry)) return QR_OK;
    QR_TRY(leaf_parse(entry, &e, err));
    bool ours = e.kind == LEAF_POLICY_CHANGED || e.kind == LEAF_IDENTITY_ENROLLED ||
                e.kind == LEAF_IDENTITY_ROLE_CHANGED || e.kind == LEAF_IDENTITY_REVOKED ||
                e.kind == LEAF_IDENTITY_ERASED;
    enum qr_rc rc = ours ? apply_kind(p, &e, index, entry, &why) : QR_OK;
    leaf_fini(&e);
    if (rc == QR_IO || rc == QR_EXHAUSTED || rc == QR_NOMEM)
        return qr_fail(err, rc, "%s", why.text);
    if (rc != QR_OK)
        qr_log_text(&p->s->log, "people.ignored", "entry %llu: %s %s", (unsigned long long)index,
                    qr_rc_name(rc), why.text);
    return QR_OK;
}

struct replay {
    struct people *p;
    struct qr_err *err;
};

static enum qr_rc replay_one(void *ctx, uint64_t index, struct qr_bytes entry)
{
    struct replay *r = ctx;
    return people_apply(r->p, index, entry, r->err);
}

enum qr_rc people_replay(struct people *p, struct qr_err *err)
{
    struct tlog_frontier f;
    struct replay r = {p, err};
    QR_TRY(qr_db_begin(p->s->db, err));
    enum qr_rc rc = store_frontier(p->s->db, &f, err);
    if (rc == QR_OK) rc = log_client_replay(p->s->log_client, &f, replay_one, &r, err);
    if (rc == QR_OK) rc = store_frontier_set(p->s->db, &f, err);
    if (rc == QR_OK) rc = sealed_upgrade(&p->sealed, p->s->db, err);
    /* COMMIT POINT: what the replayed entries mean, and how far they reach. */
    return qr_db_end(p->s->db, rc, err);
}

/* ---- looking people up ---- */

static enum qr_rc active(enum qr_rc rc, const struct person *who, struct qr_err *err)
{
    if (rc == QR_NOTFOUND) return qr_fail(err, QR_DENIED, "nobody is enrolled with this key");
    QR_TRY(rc);
    if (!QR_HOLDS(AUTHD_ACTIVE, who->state == PERSON_ACTIVE && !who->leaving))
        return qr_fail(err, QR_DENIED, "this enrolment is revoked");
    return QR_OK;
}

enum qr_rc people_by_key(struct people *p, const struct qr_pub *key, struct person *out,
                         struct qr_err *err)
{
    QR_TRY(qr_db_read(p->s->db, err));
    enum qr_rc rc = active(store_person_by_key(p->s->db, key, out, err), out, err);
    qr_db_read_end(p->s->db);
    return rc;
}

/* In a read: whose e-mail address this is. */
static enum qr_rc by_email(struct people *p, struct qr_bytes email, struct person *out,
                           struct qr_err *err)
{
    uint8_t tag[32];
    struct qr_hash commitment;
    sealed_email_tag(&p->sealed, qr_str(ISSUER), email, tag);
    QR_TRY(store_identity_by_email(p->s->db, tag, &commitment, err));
    return store_person(p->s->db, &commitment, out, err);
}

enum qr_rc people_by_email(struct people *p, struct qr_bytes email, struct person *out,
                           struct qr_err *err)
{
    QR_TRY(qr_db_read(p->s->db, err));
    enum qr_rc rc = active(by_email(p, email, out, err), out, err);
    qr_db_read_end(p->s->db);
    return rc;
}

enum qr_rc people_find(struct people *p, struct qr_bytes email, struct person *out,
                       struct qr_err *err)
{
    QR_TRY(qr_db_read(p->s->db, err));
    enum qr_rc rc = by_email(p, email, out, err);
    qr_db_read_end(p->s->db);
    return rc == QR_NOTFOUND ? qr_fail(err, rc, "nobody is enrolled under this address") : rc;
}

enum qr_rc people_open(struct people *p, const struct qr_hash *commitment, struct person *who,
                       struct qr_buf *out, struct qr_err *err)
{
    QR_TRY(qr_db_read(p->s->db, err));
    enum qr_rc rc = store_person(p->s->db, commitment, who, err);
    if (rc == QR_OK && who->state != PERSON_ERASED)
        rc = sealed_get(&p->sealed, p->s->db, commitment, out, err);
    qr_db_read_end(p->s->db);
    return rc == QR_NOTFOUND ? qr_fail(err, rc, "no identity under this commitment") : rc;
}
