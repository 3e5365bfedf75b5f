/* material.c - see material.h.
 *
 * One snapshot of the log gives all proofs of a bundle, so every bundle has one
 * checkpoint.  All members of an attempt ask for the same material at the same
 * moment: the first one makes it, the others wait for it. */
#include "coordinatord/material.h"

#include "base/wait.h"
#include "coordinatord/view.h"

#include <pthread.h>
#include <stdlib.h>

enum { SLOTS = 16 };
#define WAIT_US 1000000LL

struct slot {
    int64_t n; /* 0: free */
    uint32_t attempt;
    enum bundle_stage stage;
    bool ready;
    bool prepared; /* material_prepare was here */
    uint64_t used; /* the larger the later */
    struct qr_buf bytes;
};

struct coord_material {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    uint64_t clock;
    struct slot slots[SLOTS];
};

static void lock(struct coord_material *m)
{
    if (pthread_mutex_lock(&m->mutex) != 0) qr_fatal("mutex");
}

static void unlock(struct coord_material *m)
{
    if (pthread_mutex_unlock(&m->mutex) != 0) qr_fatal("mutex");
}

enum qr_rc material_new(struct coord *c, struct coord_material **out, struct qr_err *err)
{
    struct coord_material *m = calloc(1, sizeof *m);
    (void)c;
    if (!m) return qr_fail(err, QR_NOMEM, "out of memory");
    if (pthread_mutex_init(&m->mutex, NULL) != 0) qr_fatal("cannot make a mutex");
    qr_cond_init(&m->cond);
    for (int i = 0; i < SLOTS; i++) qr_buf_init(&m->slots[i].bytes, QR_MAX_BUNDLE);
    *out = m;
    return QR_OK;
}

void material_free(struct coord_material *m)
{
    if (!m) return;
    for (int i = 0; i < SLOTS; i++) qr_buf_fini(&m->slots[i].bytes);
    (void)pthread_cond_destroy(&m->cond);
    (void)pthread_mutex_destroy(&m->mutex);
    free(m);
}

/* ---- which entries ---- */

struct draft {
    struct coord *c;
    struct view *v;
    enum bundle_stage stage;
    size_t approvals;
    size_t n;
    uint64_t index[BUNDLE_MAX_ENTRIES];
};

/* Keeps the list ascending and each index once: a requester who approves has
 * one identity entry. */
static void want_index(struct draft *d, uint64_t index)
{
    size_t at = d->n;
    while (at > 0 && d->index[at - 1] > index) at--;
    if (at > 0 && d->index[at - 1] == index) return;
    if (d->n == BUNDLE_MAX_ENTRIES) qr_fatal("a bundle has too many entries");
    for (size_t i = d->n; i > at; i--) d->index[i] = d->index[i - 1];
    d->index[at] = index;
    d->n++;
}

static enum qr_rc want_kind(struct draft *d, enum leaf_kind kind, struct qr_err *err)
{
    struct store_logged l;
    QR_TRY(store_logged_get(d->c->s->db, d->v->row.n, kind, d->v->state.attempt, &d->v->arena, &l,
                            err));
    want_index(d, l.index);
    return QR_OK;
}

/* The attestation policy's entry that was in force at the request. */
static uint64_t attestation_index(const struct draft *d)
{
    const struct trust_dir *t = d->c->s->trust;
    const struct qr_hash *hash = &d->v->request.is.policies.attestation;
    const struct attest_policy *next = attest_pin_next(t->attestation);
    if (qr_hash_equal(hash, &t->attestation_hash)) return d->c->policy_index[0];
    if (next && qr_hash_equal(hash, &next->hash)) return attest_pin_from(t->attestation);
    for (size_t i = t->past_count; i > 0; i--)
        if (t->past[i - 1].index < d->v->row.index && qr_hash_equal(hash, &t->past[i - 1].hash))
            return t->past[i - 1].index;
    return d->c->policy_index[0];
}

static enum qr_rc choose(struct draft *d, struct qr_err *err)
{
    static const struct {
        enum leaf_kind kind;
        enum bundle_stage from;
    } ours[] = {{LEAF_ROSTER_ATTESTED, BUNDLE_FROZEN},  {LEAF_ROSTER_FROZEN, BUNDLE_FROZEN},
                {LEAF_DKG_COMPLETED, BUNDLE_STARTED},   {LEAF_CERTIFICATE_ISSUED, BUNDLE_STARTED},
                {LEAF_SIGNING_STARTED, BUNDLE_STARTED}, {LEAF_SIGNATURE_MADE, BUNDLE_SIGNED}};
    want_index(d, attestation_index(d));
    want_index(d, d->c->policy_index[1]);
    want_index(d, d->v->row.requester_index);
    want_index(d, d->v->row.index);
    for (size_t i = 0; i < d->approvals; i++) {
        const struct store_approval *a = &d->v->approvals[i].row;
        want_index(d, a->identity_index);
        want_index(d, a->issued_index);
        want_index(d, a->index);
    }
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i].from <= d->stage) QR_TRY(want_kind(d, ours[i].kind, err));
    return QR_OK;
}

/* ---- writing ---- */

static enum qr_rc fill_payloads(const struct draft *d, struct bundle *b,
                                struct bundle_payload *payloads, struct qr_err *err)
{
    const struct leaf_payloads *p = &d->v->request.is.payloads;
    b->payloads = payloads;
    b->payload_count = p->n;
    for (size_t i = 0; i < p->n; i++) payloads[i] = (struct bundle_payload){.type = p->p[i].type};
    if (d->stage < BUNDLE_SIGNED) return QR_OK;
    struct store_logged l;
    struct leaf_entry e;
    struct leaf_made made;
    QR_TRY(qr_db_read(d->c->s->db, err));
    enum qr_rc rc = store_logged_get(d->c->s->db, d->v->row.n, LEAF_SIGNATURE_MADE,
                                     d->v->state.attempt, &d->v->arena, &l, err);
    qr_db_read_end(d->c->s->db);
    if (rc != QR_OK) return rc;
    QR_TRY(leaf_parse(l.bytes, &e, err));
    rc = leaf_made_read(e.body, &made, err);
    leaf_fini(&e);
    if (rc != QR_OK) return rc;
    if (made.n != p->n) return qr_fail(err, QR_BUG, "a payload has no signature");
    for (size_t i = 0; i < p->n; i++) {
        payloads[i].has_sig = true;
        payloads[i].sig = made.signatures[i].sig;
    }
    return QR_OK;
}

static void fill_objects(const struct draft *d, struct bundle *b, struct qr_bytes *certificates,
                         struct qr_bytes *grants, struct qr_bytes *evidence)
{
    for (size_t i = 0; i < d->approvals; i++) {
        const struct store_approval *a = &d->v->approvals[i].row;
        certificates[i] = a->certificate;
        grants[i] = a->cad_grant;
        evidence[i] = a->evidence;
    }
    b->certificates = certificates;
    b->grants = grants;
    b->evidence = evidence;
    b->certificate_count = b->grant_count = b->evidence_count = d->approvals;
    if (d->stage < BUNDLE_STARTED) return;
    certificates[b->certificate_count++] = d->v->attempt.group_certificate;
    b->transcript = d->v->attempt.certificate;
    b->ssh = d->v->attempt.ssh_certificate;
    b->has_frames = true;
    qr_copy(b->frames, d->v->attempt.frames.p, sizeof b->frames);
}

/* Each smaller checkpoint that an entry states, ascending by size, with room
 * for one more. */
static size_t stated(const struct draft *d, uint64_t size, struct leaf_checkpoint *out)
{
    size_t n = 0;
    for (size_t i = 0; i <= d->approvals; i++) {
        const struct leaf_checkpoint *at =
            i < d->approvals ? &d->v->approvals[i].is.is.checkpoint : &d->v->descriptor.checkpoint;
        size_t to = n;
        if (at->size >= size || (i == d->approvals && d->stage < BUNDLE_FROZEN)) continue;
        while (to > 0 && out[to - 1].size > at->size) to--;
        if (to > 0 && out[to - 1].size == at->size) continue;
        for (size_t k = n; k > to; k--) out[k] = out[k - 1];
        out[to] = *at;
        n++;
    }
    return n;
}

/* That everybody saw the beginning of the same log. */
static enum qr_rc fill_consistency(const struct draft *d, const struct log_head *head,
                                   struct bundle *b, struct qr_err *err)
{
    struct leaf_checkpoint at[BUNDLE_MAX_CONSISTENCY];
    size_t n = stated(d, head->at.size, at);
    struct bundle_consistency *list =
        qr_arena_alloc(&d->v->arena, (n + 1) * sizeof(struct bundle_consistency));
    if (!list) return qr_fail(err, QR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        enum qr_rc rc =
            log_client_consistency(d->c->s->log_client, &at[i], &head->at, &list[i].proof, err);
        if (rc == QR_FALSE)
            return qr_fail(err, QR_FORK, "the tree of size %llu is not in the log",
                           (unsigned long long)at[i].size);
        if (rc != QR_OK) return rc;
        list[i].size = at[i].size;
    }
    b->consistency = list;
    b->consistency_count = n;
    return QR_OK;
}

static enum qr_rc write_bundle(const struct draft *d, const struct log_answer *a,
                               struct qr_buf *out, struct qr_err *err)
{
    struct qr_bytes certificates[QR_MAX_PARTICIPANTS + 1], grants[QR_MAX_PARTICIPANTS],
        evidence[QR_MAX_PARTICIPANTS];
    struct bundle_payload payloads[QR_MAX_PAYLOADS];
    struct bundle b = {.stage = d->stage,
                       .origin = qr_str(d->c->s->trust->origin),
                       .checkpoint = a->head.note,
                       .entry_count = a->n};
    struct bundle_entry *entries =
        qr_arena_alloc(&d->v->arena, (a->n + 1) * sizeof(struct bundle_entry));
    if (!entries) return qr_fail(err, QR_NOMEM, "out of memory");
    for (size_t i = 0; i < a->n; i++) {
        if (a->entries[i].index != d->index[i])
            return qr_fail(err, QR_BUG, "the log answers other entries");
        entries[i] = (struct bundle_entry){.index = a->entries[i].index,
                                           .leaf = a->entries[i].bytes,
                                           .proof = a->entries[i].proof};
    }
    b.entries = entries;
    qr_copy(b.session, d->v->row.id, sizeof b.session);
    fill_objects(d, &b, certificates, grants, evidence);
    QR_TRY(fill_payloads(d, &b, payloads, err));
    QR_TRY(fill_consistency(d, &a->head, &b, err));
    enum qr_rc rc = bundle_write(&b, out);
    return rc == QR_OK ? rc : qr_fail(err, rc, "the bundle cannot be written");
}

static enum qr_rc build(struct coord *c, int64_t n, enum bundle_stage stage, struct qr_buf *out,
                        struct qr_err *err)
{
    struct view v;
    struct draft d = {.c = c, .v = &v, .stage = stage};
    struct view_want want = {.n = n};
    struct log_answer a = {.n = 0};
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc != QR_OK) return rc;
    rc = view_load(c, &want, &v, err);
    d.approvals = v.n < QR_MAX_PARTICIPANTS ? v.n : QR_MAX_PARTICIPANTS;
    if (rc == QR_OK) rc = choose(&d, err);
    qr_db_read_end(c->s->db);
    if (rc == QR_OK) rc = log_client_proofs(c->s->log_client, d.index, d.n, &a, err);
    if (rc == QR_OK) rc = write_bundle(&d, &a, out, err);
    log_answer_fini(&a);
    view_fini(&v);
    return rc;
}

/* ---- made once ---- */

static enum bundle_stage reached(const struct session *s)
{
    if (s->state == SESSION_SIGNED) return BUNDLE_SIGNED;
    if (session_members(s) == 0 || s->wait < SESSION_WAIT_DKG1) return BUNDLE_OPEN;
    return s->wait < SESSION_WAIT_SHARE ? BUNDLE_FROZEN : BUNDLE_STARTED;
}

/* What is asked for, as a slot to look for. */
static enum qr_rc resolve(struct coord *c, const struct material_want *want, struct slot *key,
                          struct qr_err *err)
{
    struct qr_arena arena;
    struct store_session row;
    struct session *s = calloc(1, sizeof *s);
    if (!s) return qr_fail(err, QR_NOMEM, "out of memory");
    qr_arena_init(&arena, QR_MAX_REQUEST_ARENA);
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc == QR_OK) {
        rc = store_session_get(c->s->db, want->n, &arena, &row, err);
        qr_db_read_end(c->s->db);
    }
    if (rc == QR_OK) rc = session_read(row.record, s, err);
    if (rc == QR_OK && !row.logged) rc = qr_fail(err, QR_STATE, "the request is not recorded yet");
    if (rc == QR_OK) {
        enum bundle_stage have = reached(s);
        *key = (struct slot){
            .n = want->n, .attempt = s->attempt, .stage = want->highest ? have : want->stage};
        if (key->stage > have)
            rc = qr_fail(err, QR_STATE, "the session has not reached %s",
                         bundle_stage_name(key->stage));
    }
    qr_arena_fini(&arena);
    free(s);
    return rc;
}

static bool same(const struct slot *a, const struct slot *b)
{
    return a->n == b->n && a->attempt == b->attempt && a->stage == b->stage;
}

/* Under the mutex: the slot of key; else *claimed is a slot for it that the
 * caller now has to fill, or NULL when all are being filled. */
static struct slot *find(struct coord_material *m, const struct slot *key, struct slot **claimed)
{
    struct slot *oldest = NULL;
    *claimed = NULL;
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &m->slots[i];
        if (s->n && same(s, key)) return s;
        if (s->n && !s->ready) continue;
        if (!oldest || s->used < oldest->used) oldest = s;
    }
    if (!oldest) return NULL;
    oldest->n = key->n;
    oldest->attempt = key->attempt;
    oldest->stage = key->stage;
    oldest->ready = false;
    oldest->prepared = false;
    qr_buf_reset(&oldest->bytes);
    *claimed = oldest;
    return NULL;
}

/* Takes it from its slot, waiting for whoever makes it.  QR_NOTFOUND: the
 * caller makes it, into *claimed when that is not NULL. */
static enum qr_rc share(struct coord_material *m, const struct slot *key, struct slot **claimed,
                        struct qr_buf *out)
{
    enum qr_rc rc = QR_NOTFOUND;
    lock(m);
    for (;;) {
        struct slot *s = find(m, key, claimed);
        if (!s) break;
        if (s->ready) {
            s->used = ++m->clock;
            qr_buf_put_bytes(out, qr_buf_bytes(&s->bytes));
            rc = qr_buf_ok(out);
            break;
        }
        qr_cond_wait(&m->cond, &m->mutex, WAIT_US);
    }
    unlock(m);
    return rc;
}

static void publish(struct coord_material *m, struct slot *s, struct qr_bytes bytes, bool good)
{
    if (!s) return;
    lock(m);
    qr_buf_put_bytes(&s->bytes, bytes);
    s->ready = good && qr_buf_ok(&s->bytes) == QR_OK;
    if (!s->ready) s->n = 0;
    s->used = ++m->clock;
    (void)pthread_cond_broadcast(&m->cond);
    unlock(m);
}

static enum qr_rc make(struct coord *c, const struct slot *key, struct qr_buf *out,
                       struct qr_err *err)
{
    QR_TRY(build(c, key->n, key->stage, out, err));
    if (key->stage != BUNDLE_SIGNED) return QR_OK;
    QR_TRY(qr_db_begin(c->s->db, err));
    return qr_db_end(c->s->db, store_bundle_put(c->s->db, key->n, qr_buf_bytes(out), err), err);
}

static enum qr_rc kept(struct coord *c, int64_t n, struct qr_buf *out, struct qr_err *err)
{
    struct qr_arena arena;
    struct qr_bytes bytes;
    qr_arena_init(&arena, 2 * QR_MAX_BUNDLE);
    enum qr_rc rc = qr_db_read(c->s->db, err);
    if (rc == QR_OK) {
        rc = store_bundle_get(c->s->db, n, &arena, &bytes, err);
        qr_db_read_end(c->s->db);
    }
    if (rc == QR_OK) {
        qr_buf_put_bytes(out, bytes);
        rc = qr_buf_ok(out);
    }
    qr_arena_fini(&arena);
    return rc;
}

enum qr_rc material_get(struct coord *c, const struct material_want *want, struct qr_buf *out,
                        struct qr_err *err)
{
    struct slot key, *claimed = NULL;
    QR_TRY(resolve(c, want, &key, err));
    /* Approvals come and go: what is open is told as it is now. */
    if (key.stage == BUNDLE_OPEN) return build(c, key.n, key.stage, out, err);
    enum qr_rc rc = key.stage == BUNDLE_SIGNED ? kept(c, key.n, out, err) : QR_NOTFOUND;
    if (rc == QR_NOTFOUND) rc = share(c->material, &key, &claimed, out);
    if (rc != QR_NOTFOUND) return rc;
    rc = make(c, &key, out, err);
    publish(c->material, claimed, qr_buf_bytes(out), rc == QR_OK);
    return rc;
}

/* Whether key's material is there, and nobody has asked this before. */
static bool first_time(struct coord_material *m, const struct slot *key)
{
    bool first = false;
    lock(m);
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &m->slots[i];
        if (s->n == 0 || !s->ready || !same(s, key)) continue;
        first = !s->prepared;
        s->prepared = true;
    }
    unlock(m);
    return first;
}

bool material_prepare(struct coord *c, int64_t n)
{
    struct qr_err err = {{0}};
    struct qr_buf out;
    struct material_want want = {.n = n, .highest = true};
    struct slot key;
    if (resolve(c, &want, &key, &err) != QR_OK || key.stage == BUNDLE_OPEN) return false;
    qr_buf_init(&out, QR_MAX_BUNDLE);
    enum qr_rc rc = material_get(c, &want, &out, &err);
    if (rc != QR_OK) qr_log_text(&c->s->log, "material", "%s: %s", qr_rc_name(rc), err.text);
    qr_buf_fini(&out);
    return rc == QR_OK && first_time(c->material, &key);
}

/* ---- the policies ---- */

static enum qr_rc find_policy(struct coord *c, const struct qr_hash *hash, uint64_t *index,
                              struct qr_err *err)
{
    struct log_answer a;
    struct log_query q = {.by = LOG_FIND_POLICY, .hash = hash};
    enum qr_rc rc = log_client_find(c->s->log_client, &q, &a, err);
    if (rc == QR_OK && a.n == 0) rc = qr_fail(err, QR_NOTFOUND, "a policy is not in the log yet");
    if (rc == QR_OK) *index = a.entries[a.n - 1].index;
    log_answer_fini(&a);
    return rc;
}

enum qr_rc material_find_policies(struct coord *c, struct qr_err *err)
{
    QR_TRY(find_policy(c, &c->s->policies.attestation, &c->policy_index[0], err));
    return find_policy(c, &c->s->policies.signing, &c->policy_index[1], err);
}
