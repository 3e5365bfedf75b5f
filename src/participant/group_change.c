/* group_change.c - creating a group and changing its shares.
 *
 * join -> deal -> agree: with the last one a party consents to the entry, so
 * before it leaves the new share is sealed and durable. */
#include "frost/reshare.h"
#include "participant/group_own.h"

#include <stdlib.h>

enum { ATTEMPTS = 10, AGREE_MAX = 96 * 1024 };

/* Either of the two, and what belongs to it. */
struct dealing {
    struct qr_hash sid;
    struct dkg *dkg; /* create */
    struct reshare *reshare;
    const struct trust_group *now; /* NULL: create */
    struct frost_share old;
    bool has_old;
    size_t dealer_party[QR_MAX_PARTICIPANTS]; /* whose letters are dealt, in order */
    size_t dealers;
    struct leaf_group_change *change;
    struct qr_buf body; /* of the entry, without sigs */
    uint8_t sig[SCHNORR_SIZE];
};

static bool receives(const struct run *r) { return r->own < r->plan.n; }

/* ---- joining ---- */

static enum qr_rc join(struct run *r, struct qr_err *err)
{
    const struct qr_rand rand = services_rand(r->conf->services);
    const struct leaf_group_letter l = {
        .step = r->hash, .attempt = r->attempt, .commitment = r->conf->person->commitment};
    struct leaf_group_join j = {.classes = r->conf->classes,
                                .enrolment = r->conf->person->enrolment,
                                .envelope_key = r->envelope.pub};
    struct qr_buf msg, body;
    qr_copy(j.cocktail_key.b, r->cocktail.pub.b, QR_KEY_SIZE);
    qr_buf_init(&msg, 256);
    qr_buf_init(&body, 4096);
    leaf_group_pop_message(&l, &j, &msg);
    enum qr_rc rc = cocktail_static_prove(&r->cocktail, qr_buf_bytes(&msg), &rand, j.pop.b);
    if (rc == QR_OK) rc = leaf_group_join_write(&j, &body);
    if (rc == QR_OK) rc = run_send(r, LEAF_GROUP_JOIN, qr_buf_bytes(&body), err);
    qr_buf_fini(&msg);
    qr_buf_fini(&body);
    return rc;
}

static bool all_have(const struct run *r, enum leaf_group_round round)
{
    for (size_t i = 0; i < r->parties; i++)
        if (!r->party[i].has[round]) return false;
    return true;
}
static bool joined(const struct run *r) { return all_have(r, LEAF_GROUP_JOIN); }
static bool agreed(const struct run *r) { return all_have(r, LEAF_GROUP_AGREE); }

/* What we joined with is what the others were shown. */
static bool own_join(const struct run *r)
{
    const struct leaf_group_join *j = &r->party[r->own].join;
    return qr_equal_ct(j->envelope_key.b, r->envelope.pub.b, QR_KEY_SIZE) &&
           qr_equal_ct(j->cocktail_key.b, r->cocktail.pub.b, QR_KEY_SIZE);
}

/* Unique for plan, attempt, parties and their keys of this attempt. */
static enum qr_rc make_sid(const struct run *r, struct qr_hash *out)
{
    struct qr_buf b;
    qr_buf_init(&b, (size_t)4 * 1024 * 1024);
    qr_buf_put_bytes(&b, QR_BYTES_OF(r->hash.b));
    qr_buf_put_be32(&b, r->attempt);
    for (size_t i = 0; i < r->parties; i++) {
        qr_buf_put_lp(&b, qr_buf_bytes(&r->party[i].text[LEAF_GROUP_JOIN]));
        qr_buf_put_bytes(&b, QR_BYTES_OF(r->party[i].sig[LEAF_GROUP_JOIN].b));
    }
    enum qr_rc rc = qr_buf_ok(&b);
    *out = qr_sha256_tagged("quorate/group-step/v1", qr_buf_bytes(&b));
    qr_buf_fini(&b);
    return rc;
}

/* ---- dealing ---- */

static void static_keys(const struct run *r, struct qr_buf *out)
{
    qr_buf_init(out, (size_t)QR_MAX_PARTICIPANTS * POINT_SIZE);
    for (size_t i = 0; i < r->parties; i++)
        qr_buf_put_bytes(out, QR_BYTES_OF(r->party[i].join.cocktail_key.b));
}

static enum qr_rc begin_create(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct cocktail_params *p = calloc(1, sizeof *p);
    struct qr_buf keys;
    if (!p) return qr_fail(err, QR_NOMEM, "out of memory");
    static_keys(r, &keys);
    enum qr_rc rc =
        cocktail_params_init(p, (uint32_t)r->plan.n, r->plan.t, qr_buf_bytes(&keys), err);
    if (rc == QR_OK) {
        cocktail_context(p, QR_BYTES_OF(d->sid.b));
        const struct dkg_setup setup = {.params = p,
                                        .key = &r->cocktail,
                                        .rand = services_rand(r->conf->services),
                                        .index = (uint32_t)r->own + 1};
        rc = dkg_new(&d->dkg, &setup, err);
    }
    d->dealers = r->parties;
    for (size_t i = 0; i < r->parties; i++) d->dealer_party[i] = i;
    qr_buf_fini(&keys);
    free(p);
    return rc;
}

static struct standing_group standing_of(const struct trust_group *g)
{
    return (struct standing_group){.id = g->ref.group.b, .epoch = g->ref.epoch, .is = &g->is};
}

/* Places of the plan's dealers among the parties; ours needs the old share. */
static enum qr_rc find_dealers(struct run *r, struct dealing *d, struct reshare_dealer *list,
                               struct qr_err *err)
{
    const struct standing_group now = standing_of(d->now);
    d->dealers = r->plan.dealers;
    for (size_t i = 0; i < d->dealers; i++) {
        const struct qr_hash *who = &d->now->member[r->plan.dealer[i] - 1].commitment;
        size_t at = 0;
        while (at < r->parties && !qr_hash_equal(&r->party[at].is.commitment, who)) at++;
        d->dealer_party[i] = at;
        list[i] = (struct reshare_dealer){(uint32_t)at + 1, r->plan.dealer[i]};
        if (at != r->own) continue;
        QR_TRY(share_store_get(r->conf->store, &now, &d->old, err));
        d->has_old = true;
    }
    return QR_OK;
}

static enum qr_rc begin_change(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct reshare_terms *terms = calloc(1, sizeof *terms);
    struct reshare_dealer dealers[QR_MAX_PARTICIPANTS];
    struct qr_buf keys;
    if (!terms) return qr_fail(err, QR_NOMEM, "out of memory");
    static_keys(r, &keys);
    enum qr_rc rc = find_dealers(r, d, dealers, err);
    const struct reshare_plan plan = {.from = &d->now->is,
                                      .epoch = r->plan.from.epoch,
                                      .n = (uint32_t)r->plan.n,
                                      .t = r->plan.t,
                                      .keys = qr_buf_bytes(&keys),
                                      .dealers = dealers,
                                      .dealer_count = d->dealers,
                                      .session_id = QR_BYTES_OF(d->sid.b)};
    if (rc == QR_OK) rc = reshare_terms_init(terms, &plan, err);
    const struct reshare_setup setup = {.terms = terms,
                                        .key = &r->cocktail,
                                        .old = d->has_old ? &d->old : NULL,
                                        .rand = services_rand(r->conf->services),
                                        .party = (uint32_t)r->own + 1};
    if (rc == QR_OK) rc = reshare_new(&d->reshare, &setup, err);
    qr_buf_fini(&keys);
    free(terms);
    return rc;
}

static enum qr_rc deal(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct qr_buf msg;
    if (d->now && !d->has_old) return QR_OK;
    qr_buf_init(&msg, (size_t)64 * 1024);
    enum qr_rc rc =
        d->dkg ? dkg_round1(d->dkg, QR_BYTES_NONE, &msg, err) : reshare_deal(d->reshare, &msg, err);
    if (rc == QR_OK) rc = run_send(r, LEAF_GROUP_DEAL, qr_buf_bytes(&msg), err);
    qr_buf_fini(&msg);
    return rc;
}

/* run_wait asks about the run alone: a party deals if the plan says so. */
static bool deals(const struct run *r, size_t party)
{
    if (r->plan.step == LEAF_GROUP_CREATE) return true;
    const struct trust_group *now = trust_groups_find(r->view.groups, &r->plan.from.group);
    for (size_t i = 0; now && i < r->plan.dealers; i++)
        if (qr_hash_equal(&now->member[r->plan.dealer[i] - 1].commitment,
                          &r->party[party].is.commitment))
            return true;
    return false;
}

static bool dealt(const struct run *r)
{
    for (size_t i = 0; i < r->parties; i++)
        if (deals(r, i) && !r->party[i].has[LEAF_GROUP_DEAL]) return false;
    return true;
}

static enum qr_rc accept(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct qr_bytes msgs[QR_MAX_PARTICIPANTS];
    for (size_t i = 0; i < d->dealers; i++)
        msgs[i] = qr_buf_bytes(&r->party[d->dealer_party[i]].body[LEAF_GROUP_DEAL]);
    if (d->dkg) return dkg_round2(d->dkg, msgs, QR_BYTES_OF(d->sid.b), d->sig, err);
    return reshare_accept(d->reshare, msgs, QR_BYTES_OF(d->sid.b), d->sig, err);
}

/* ---- agreeing ---- */

/* The entry's body, the same at every party. */
static enum qr_rc make_body(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct leaf_group_change *c = d->change;
    struct qr_bytes transcript;
    const struct frost_group *is;
    if (d->dkg) {
        struct dkg_result res;
        QR_TRY(dkg_result_get(d->dkg, &res));
        transcript = res.transcript;
        is = res.group;
    } else {
        struct reshare_result res;
        QR_TRY(reshare_result_get(d->reshare, &res));
        transcript = res.transcript;
        is = res.group;
    }
    *c = (struct leaf_group_change){.approved = r->approved,
                                    .attempt = r->attempt,
                                    .plan = r->conf->text,
                                    .transcript = qr_sha256_one(transcript),
                                    .n = r->plan.n,
                                    .parties = r->parties};
    c->to.group = d->now ? r->plan.from.group : r->hash;
    c->to.epoch = d->now ? r->plan.from.epoch + 1 : 0;
    const struct standing_group to = {.id = c->to.group.b, .epoch = c->to.epoch, .is = is};
    standing_digest(&to, c->to.digest);
    qr_copy(c->group_key.b, is->key.b, QR_KEY_SIZE);
    for (size_t i = 0; i < r->parties; i++) {
        c->party[i].is = r->party[i].is;
        c->party[i].join = r->party[i].join;
        c->party[i].person_sig = r->party[i].sig[LEAF_GROUP_JOIN];
        if (i < c->n) qr_copy(c->party[i].share.b, is->shares[i].b, QR_KEY_SIZE);
    }
    json_t *v = leaf_group_change_write(c, false);
    enum qr_rc rc = qr_json_write(v, &d->body);
    json_decref(v);
    return rc == QR_OK ? rc : qr_fail(err, rc, "the entry is too large");
}

/* Sealed and durable: from the next letter on the change may become the group's. */
static enum qr_rc keep_share(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct frost_share share;
    if (!receives(r)) return QR_OK;
    QR_TRY(d->dkg ? dkg_pending(d->dkg, &share, err) : reshare_pending(d->reshare, &share, err));
    const struct standing_group to = {
        .id = d->change->to.group.b, .epoch = d->change->to.epoch, .is = &share.group};
    enum qr_rc rc = share_store_put(r->conf->store, &to, &share, err);
    frost_share_fini(&share);
    return rc;
}

static enum qr_rc agree(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct qr_sig consent;
    struct qr_buf msg;
    qr_sign_tagged(&r->envelope, LEAF_TAG_GROUP_CONSENT, qr_buf_bytes(&d->body), &consent);
    qr_buf_init(&msg, AGREE_MAX);
    qr_buf_put(&msg, d->sig, sizeof d->sig);
    qr_buf_put(&msg, consent.b, sizeof consent.b);
    qr_buf_put_bytes(&msg, qr_buf_bytes(&d->body));
    enum qr_rc rc = qr_buf_ok(&msg);
    if (rc == QR_OK) rc = run_send(r, LEAF_GROUP_AGREE, qr_buf_bytes(&msg), err);
    qr_buf_fini(&msg);
    return rc;
}

/* Everybody signed our transcript and our body: the certificate is complete. */
static enum qr_rc complete(struct run *r, struct dealing *d, struct qr_err *err)
{
    struct qr_buf sigs, certificate;
    struct frost_share share = {.id = 0};
    qr_buf_init(&sigs, (size_t)QR_MAX_PARTICIPANTS * SCHNORR_SIZE);
    qr_buf_init(&certificate, RESHARE_MAX_CERTIFICATE);
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; i < r->parties && rc == QR_OK; i++) {
        struct qr_bytes b = qr_buf_bytes(&r->party[i].body[LEAF_GROUP_AGREE]);
        bool same =
            b.n > LEAF_GROUP_AGREE_HEAD &&
            qr_bytes_equal(QR_BYTES(b.p + LEAF_GROUP_AGREE_HEAD, b.n - LEAF_GROUP_AGREE_HEAD),
                           qr_buf_bytes(&d->body));
        if (!same)
            rc = qr_fail(err, QR_FALSE, "party %zu agreed to something else", i + 1);
        else
            qr_buf_put(&sigs, b.p, SCHNORR_SIZE);
    }
    if (rc == QR_OK)
        rc = d->dkg ? dkg_finish(d->dkg, qr_buf_bytes(&sigs), &certificate, &share, err)
                    : reshare_finish(d->reshare, qr_buf_bytes(&sigs), &certificate, &share, err);
    frost_share_fini(&share);
    qr_buf_fini(&sigs);
    qr_buf_fini(&certificate);
    return rc;
}

/* ---- the whole ---- */

static void dealing_fini(struct dealing *d)
{
    dkg_free(d->dkg);
    reshare_free(d->reshare);
    if (d->has_old) frost_share_fini(&d->old);
    qr_buf_fini(&d->body);
    free(d->change);
    free(d);
}

static enum qr_rc deal_and_agree(struct run *r, struct dealing *d, struct qr_err *err)
{
    run_tell(r, "waiting for all parties to join");
    QR_TRY(run_wait(r, joined, err));
    if (!own_join(r)) return qr_fail(err, QR_FALSE, "the coordinator shows other keys of ours");
    QR_TRY(make_sid(r, &d->sid));
    QR_TRY(d->now ? begin_change(r, d, err) : begin_create(r, d, err));
    run_tell(r, "all are here; dealing shares");
    QR_TRY(deal(r, d, err));
    QR_TRY(run_wait(r, dealt, err));
    QR_TRY(accept(r, d, err));
    QR_TRY(make_body(r, d, err));
    QR_TRY(keep_share(r, d, err));
    run_tell(r, "share checked and sealed; agreeing");
    QR_TRY(agree(r, d, err));
    QR_TRY(run_wait(r, agreed, err));
    return complete(r, d, err);
}

static enum qr_rc attempt(struct run *r, struct qr_err *err)
{
    struct dealing *d = calloc(1, sizeof *d);
    if (!d) return qr_fail(err, QR_NOMEM, "out of memory");
    d->change = malloc(sizeof *d->change);
    if (!d->change) qr_fatal("out of memory");
    qr_buf_init(&d->body, QR_MAX_ENTRY);
    if (r->plan.step != LEAF_GROUP_CREATE)
        d->now = trust_groups_find(r->view.groups, &r->plan.from.group);
    enum qr_rc rc = run_keys(r, err);
    if (rc == QR_OK) rc = join(r, err);
    if (rc == QR_OK) rc = deal_and_agree(r, d, err);
    dealing_fini(d);
    return rc;
}

/* Until the log shows it; a step that failed for others' sake is tried again. */
static enum qr_rc carry_out(struct run *r, struct qr_err *err)
{
    enum qr_rc rc = QR_STALE;
    bool retires = r->plan.step == LEAF_GROUP_RETIRE;
    for (int i = 0; i < ATTEMPTS && rc == QR_STALE; i++) {
        rc = run_begin(r, err);
        bool open = rc == QR_OK && run_is(r, "OPEN");
        if (open && !retires) rc = attempt(r, err);
        if (rc == QR_OK) rc = run_wait(r, run_done, err);
    }
    return rc;
}

/* The log shows the step that we took part in, or one that came before us. */
static enum qr_rc settle(struct run *r, struct leaf_group_ref *out, struct qr_err *err)
{
    const struct qr_hash *id = r->plan.step == LEAF_GROUP_CREATE ? &r->hash : &r->plan.from.group;
    QR_TRY(run_reload(r, err));
    const struct trust_group *now = trust_groups_find(r->view.groups, id);
    if (!now)
        return qr_fail(err, QR_FALSE, "the log does not show the group%s%s",
                       r->view.ignored ? ": " : "", r->view.ignored ? r->view.why.text : "");
    bool retired = r->plan.step == LEAF_GROUP_RETIRE;
    uint32_t epoch =
        r->plan.step == LEAF_GROUP_CREATE || retired ? r->plan.from.epoch : r->plan.from.epoch + 1;
    if (now->ref.epoch < epoch || (retired && !now->retired))
        return qr_fail(err, QR_FALSE, "the log does not show the step");
    *out = now->ref;
    QR_TRY(group_settle(&r->view, r->conf->store, err));
    uint32_t number = trust_group_number(now, &r->conf->person->commitment);
    if (retired || number == 0 || share_store_has(r->conf->store, &now->ref)) return QR_OK;
    return qr_fail(err, QR_NOTFOUND, "the log shows epoch %u, of which this machine has no share",
                   now->ref.epoch);
}

enum qr_rc group_change_run(const struct group_run_conf *conf, struct leaf_group_ref *out,
                            struct qr_err *err)
{
    struct run *r = NULL;
    QR_TRY(run_new(conf, &r, err));
    enum qr_rc rc = QR_OK;
    if (r->plan.step != LEAF_GROUP_RETIRE) rc = run_parties(r, r->plan.party, r->plan.parties, err);
    /* who was interrupted after agreeing has only to settle */
    if (rc == QR_OK && !r->over) rc = carry_out(r, err);
    if (rc == QR_OK) rc = settle(r, out, err);
    run_free(r);
    return rc;
}
