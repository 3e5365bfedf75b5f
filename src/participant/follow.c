/* follow.c - the loop over orders.
 *
 * Orders are hints: each is checked for the coordinator's signature and an
 * ascending number, and then only decides which step is tried next; the step
 * itself verifies what it needs.  A lost stream is opened again after the last
 * number seen. */
#include "participant/follow.h"

#include "base/limits.h"
#include "base/removal.h"
#include "participant/pb.h"
#include "participant/standing.h"

#include "quorate/v1/coordinator.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WAIT_MS 1000
#define QUIET_MS 100 /* nothing comes: there is time */
#define SUBMIT_MS 30000
#define SUBMIT_TRIES 5
#define BACKOFF_MS_MAX 3000
#define RENEW_AGAIN_US (10 * 1000000LL)

struct follow {
    struct services *services;
    const struct follow_plan *plan; /* NULL: onlooker */
    const char *session;
    struct qr_hash session_leaf;
    int64_t expires_us; /* onlooker: 0 */
    uint64_t after;
    uint32_t attempt; /* the last one we were called to */
    struct ceremony *ceremony;
    int64_t renew_us; /* when to renew our certificate */
    bool done;
    bool preview; /* there may be an approval that we have not judged */
    struct qr_buf *bundle;
    struct qr_buf material; /* of the last step that was taken in this attempt */
    void (*tell)(void *ctx, const struct follow_news *news);
    bool (*stop)(void *ctx);
    void *ctx;
};

static void tell(struct follow *f, const struct follow_news *n)
{
    if (f->tell) f->tell(f->ctx, n);
}

static void pause_ms(long ms)
{
    struct timespec ts = {ms / 1000, (ms % 1000) * 1000000L};
    (void)nanosleep(&ts, NULL);
}

/* ---- sending ---- */

static bool worth_repeating(enum qr_rc rc)
{
    return rc == QR_UNAVAILABLE || rc == QR_DEADLINE || rc == QR_EXHAUSTED;
}

/* The same bytes until an answer comes: the coordinator keeps the first. */
static enum qr_rc submit(struct follow *f, const struct ceremony_letter *l, struct qr_err *err)
{
    Quorate__V1__SubmitRequest in = QUORATE__V1__SUBMIT_REQUEST__INIT;
    in.envelope = pb_of(qr_buf_bytes(&l->bytes));
    in.sig = pb_of(QR_BYTES_OF(l->sig.b));
    struct services_ask ask = {SERVICE_COORDINATOR, "Submit", &in.base, SUBMIT_MS};
    enum qr_rc rc = QR_OK;
    for (int i = 0; i < SUBMIT_TRIES; i++) {
        struct rpc_answer a;
        rc = services_call(f->services, &ask, &a, err);
        rpc_answer_fini(&a);
        if (!worth_repeating(rc)) break;
        pause_ms(100L << i);
    }
    return rc;
}

static enum qr_rc submit_and_free(struct follow *f, struct ceremony_letter *l, enum qr_rc rc,
                                  struct qr_err *err)
{
    if (rc != QR_OK) return rc;
    rc = submit(f, l, err);
    ceremony_letter_fini(l);
    return rc;
}

/* Material that a step needs; a connection may be cut while it comes. */
static enum qr_rc fetch(struct follow *f, enum bundle_stage stage, struct qr_buf *out,
                        struct qr_err *err)
{
    enum qr_rc rc = QR_OK;
    for (int i = 0; i < SUBMIT_TRIES; i++) {
        qr_buf_reset(out);
        rc = services_material(f->services, f->session, NULL, stage, out, err);
        if (!worth_repeating(rc)) break;
        pause_ms(100L << i);
    }
    return rc;
}

/* ---- the log's view of material ---- */

static enum qr_rc consider(void *ctx, const struct bundle *b, const struct bundle_facts *facts,
                           struct qr_err *err)
{
    struct follow *f = ctx;
    struct log_client *log = services_log(f->services);
    /* What the approvers state is proven in the material, up to its checkpoint;
     * that one is held against our own view, and the log is asked afresh. */
    QR_TRY(log_client_consider(log, b->checkpoint, err));
    enum qr_rc stands = standing_check(f->services, facts, err);
    /* Not a late order, which QR_STATE would be: material that must not be. */
    if (stands != QR_OK) return stands == QR_STATE ? QR_FALSE : stands;
    struct qr_clock clock = services_clock(f->services);
    int64_t age_us = qr_now_us(&clock) - facts->time_us;
    int64_t most_us = (int64_t)facts->context.signing.max_checkpoint_age_s * 1000000;
    if (age_us > most_us)
        return qr_fail(err, QR_STALE, "the material is %lld s old", (long long)(age_us / 1000000));
    return QR_OK;
}

/* ---- one order ---- */

static bool lists_us(const struct follow *f, const json_t *array)
{
    char own[2 * QR_SHA256_SIZE + 1];
    qr_hex(f->plan->approval.b, QR_SHA256_SIZE, own);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *s = json_string_value(json_array_get(array, i));
        if (s && qr_bytes_is(qr_str(s), own)) return true;
    }
    return false;
}

static enum qr_rc on_presence(struct follow *f, const struct leaf_order *o, struct qr_err *err)
{
    struct ceremony_letter l;
    if (!lists_us(f, json_object_get(o->body, "members"))) return QR_OK;
    f->attempt = o->attempt;
    qr_buf_reset(&f->material);
    return submit_and_free(f, &l, ceremony_presence(f->ceremony, o->attempt, &l), err);
}

/* Somebody approved and others are awaited: judge it now, when nobody waits
 * for us. */
static void preview(struct follow *f)
{
    struct qr_buf material;
    struct qr_err ignored = {{0}};
    f->preview = false;
    qr_buf_init(&material, QR_MAX_BUNDLE);
    if (services_material(f->services, f->session, NULL, BUNDLE_OPEN, &material, &ignored) == QR_OK)
        ceremony_preview(f->ceremony, qr_buf_bytes(&material));
    qr_buf_fini(&material);
}

/* Material that a step accepted. */
static void keep(struct follow *f, const struct qr_buf *material)
{
    qr_buf_reset(&f->material);
    qr_buf_put_bytes(&f->material, qr_buf_bytes(material));
}

static enum qr_rc on_frozen(struct follow *f, struct qr_err *err)
{
    struct qr_buf material;
    struct ceremony_letter l;
    qr_buf_init(&material, QR_MAX_BUNDLE);
    enum qr_rc rc = fetch(f, BUNDLE_FROZEN, &material, err);
    if (rc == QR_OK) rc = ceremony_frozen(f->ceremony, qr_buf_bytes(&material), &l, err);
    if (rc == QR_OK) keep(f, &material);
    qr_buf_fini(&material);
    if (rc == QR_NOTFOUND) return QR_OK; /* this attempt goes on without us */
    return submit_and_free(f, &l, rc, err);
}

struct messages {
    struct leaf_signed list[QR_MAX_PARTICIPANTS];
    size_t n;
    struct qr_buf pool;
};

static enum qr_rc read_messages(const struct leaf_order *o, struct messages *m, struct qr_err *err)
{
    qr_buf_init(&m->pool, 2 * QR_MAX_BUNDLE);
    const json_t *list = json_object_get(o->body, "messages");
    enum qr_rc rc = leaf_signed_list_read(list, m->list, QR_MAX_PARTICIPANTS, &m->n, &m->pool);
    return rc == QR_OK ? rc : qr_fail(err, rc, "the coordinator's order is malformed");
}

static enum qr_rc on_dkg1(struct follow *f, const struct leaf_order *o, struct qr_err *err)
{
    struct messages m;
    struct ceremony_letter l;
    enum qr_rc rc = read_messages(o, &m, err);
    if (rc == QR_OK) rc = ceremony_dkg1(f->ceremony, m.list, m.n, &l, err);
    qr_buf_fini(&m.pool);
    return submit_and_free(f, &l, rc, err);
}

static enum qr_rc on_sign(struct follow *f, const struct leaf_order *o, struct qr_err *err)
{
    struct messages m;
    struct ceremony_letter l;
    struct qr_buf material;
    qr_buf_init(&material, QR_MAX_BUNDLE);
    enum qr_rc rc = read_messages(o, &m, err);
    if (rc == QR_OK) rc = fetch(f, BUNDLE_STARTED, &material, err);
    struct ceremony_sign_in in = {m.list, m.n, qr_buf_bytes(&material)};
    if (rc == QR_OK) rc = ceremony_sign(f->ceremony, &in, &l, err);
    if (rc == QR_OK) keep(f, &material);
    qr_buf_fini(&material);
    qr_buf_fini(&m.pool);
    return submit_and_free(f, &l, rc, err);
}

static enum qr_rc on_chain(struct follow *f, const struct leaf_order *o, struct qr_err *err)
{
    struct messages m;
    struct ceremony_letter l;
    enum qr_rc rc = read_messages(o, &m, err);
    if (rc == QR_OK) rc = ceremony_chain(f->ceremony, m.list, m.n, &l, err);
    qr_buf_fini(&m.pool);
    return submit_and_free(f, &l, rc, err);
}

/* A step that failed: say so to the others, and wait for what comes.  A log
 * with two histories ends everything. */
static enum qr_rc give_up_attempt(struct follow *f, enum qr_rc rc, const struct qr_err *why)
{
    struct follow_news n = {.type = LEAF_ORDER_COUNT, .note = why->text};
    struct ceremony_letter l;
    struct qr_err ignored = {{0}};
    tell(f, &n);
    if (rc == QR_FORK) return rc;
    if (ceremony_abort(f->ceremony, &l) == QR_OK) {
        /* The attempt is lost either way; nothing depends on the answer. */
        if (submit(f, &l, &ignored) != QR_OK) tell(f, &n);
        ceremony_letter_fini(&l);
    }
    ceremony_reset(f->ceremony);
    return QR_OK;
}

static enum qr_rc take_bundle(struct follow *f, struct qr_err *err)
{
    f->done = true;
    if (!f->plan) return QR_OK;
    QR_TRY(fetch(f, BUNDLE_SIGNED, f->bundle, err));
    struct bundle *b = calloc(1, sizeof *b);
    struct bundle_facts *facts = calloc(1, sizeof *facts);
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = b && facts ? bundle_read(qr_buf_bytes(f->bundle), b, err) : QR_NOMEM;
    if (rc == QR_OK) {
        struct bundle_options opt = {.need = BUNDLE_SIGNED,
                                     .allow_simulated = f->plan->allow_simulated,
                                     .has_artifact = true,
                                     .artifact = f->plan->approve.facts->request.is.artifact.sha256,
                                     .has_file = f->plan->has_file,
                                     .file = f->plan->file};
        rc = bundle_verify(b, services_trust(f->services), &opt, &r, facts);
        if (rc != QR_OK) (void)trust_report_err(&r, err);
        if (rc == QR_OK) rc = log_client_consider(services_log(f->services), b->checkpoint, err);
        bundle_facts_fini(facts);
        bundle_fini(b);
    }
    trust_report_fini(&r);
    free(b);
    free(facts);
    return rc;
}

static void copy_word(const json_t *body, const char *key, char *out, size_t room)
{
    const char *s = json_string_value(json_object_get(body, key));
    (void)snprintf(out, room, "%s", s ? s : "");
}

/* What there is of a failed attempt for others to judge. */
static void read_evidence(const struct follow *f, const struct leaf_order *o, struct follow_news *n)
{
    const json_t *e = json_object_get(o->body, "evidence");
    if (o->type != LEAF_ORDER_ATTEMPT_FAILED || o->attempt != f->attempt || !json_is_string(e))
        return;
    n->evidence = QR_BYTES(json_string_value(e), json_string_length(e));
    n->material = qr_buf_bytes(&f->material);
}

static void read_news(const struct leaf_order *o, struct follow_news *n)
{
    const json_t *b = o->body;
    *n = (struct follow_news){.type = o->type, .attempt = o->attempt};
    n->engineers_have = json_integer_value(json_object_get(b, "engineers_have"));
    n->engineers_need = json_integer_value(json_object_get(b, "engineers_need"));
    n->stewards_have = json_integer_value(json_object_get(b, "stewards_have"));
    n->stewards_need = json_integer_value(json_object_get(b, "stewards_need"));
    copy_word(b, "state", n->state, sizeof n->state);
    copy_word(b, "step", n->step, sizeof n->step);
    copy_word(b, "reason", n->reason, sizeof n->reason);
}

static enum qr_rc on_ended(const struct follow_news *n, struct qr_err *err)
{
    enum qr_rc rc = qr_bytes_is(qr_str(n->state), "EXPIRED") ? QR_STALE : QR_STATE;
    return qr_fail(err, rc, "the session ended: %s (%s, at step %s)", n->state, n->reason, n->step);
}

static enum qr_rc on_attempt_failed(struct follow *f, const struct leaf_order *o,
                                    const struct follow_news *n, struct qr_err *err)
{
    if (!f->plan) return QR_OK;
    ceremony_reset(f->ceremony);
    if (!lists_us(f, json_object_get(o->body, "dropped"))) return QR_OK;
    return qr_fail(err, QR_STALE, "dropped from the session (%s, at step %s): join again",
                   n->reason, n->step);
}

static enum qr_rc take_step(struct follow *f, const struct leaf_order *o, struct qr_err *err)
{
    switch (o->type) {
    case LEAF_ORDER_PRESENCE: return on_presence(f, o, err);
    case LEAF_ORDER_FROZEN: return on_frozen(f, err);
    case LEAF_ORDER_DKG1: return on_dkg1(f, o, err);
    case LEAF_ORDER_SIGN: return on_sign(f, o, err);
    case LEAF_ORDER_CHAIN: return on_chain(f, o, err);
    default: return QR_OK;
    }
}

static enum qr_rc obey(struct follow *f, const struct leaf_order *o, struct qr_err *err)
{
    struct follow_news n;
    read_news(o, &n);
    if (f->plan) read_evidence(f, o, &n);
    tell(f, &n);
    /* What completes a quorum is followed by the next step. */
    f->preview = f->plan && o->type == LEAF_ORDER_PROGRESS &&
                 (n.engineers_have < n.engineers_need || n.stewards_have < n.stewards_need);
    if (o->type == LEAF_ORDER_SIGNED) return take_bundle(f, err);
    if (o->type == LEAF_ORDER_ENDED) return on_ended(&n, err);
    if (o->type == LEAF_ORDER_ATTEMPT_FAILED) return on_attempt_failed(f, o, &n, err);
    if (!f->plan) return QR_OK;
    struct qr_err why = {{0}};
    enum qr_rc rc = take_step(f, o, &why);
    if (rc == QR_OK) return QR_OK;
    /* An order read again after a reconnect, or of an attempt that is over. */
    if (rc == QR_STATE || rc == QR_CONFLICT) return QR_OK;
    if (rc == QR_STALE || rc == QR_NOTFOUND) {
        n = (struct follow_news){.type = LEAF_ORDER_COUNT, .note = why.text};
        if (o->attempt == f->attempt) tell(f, &n);
        return QR_OK;
    }
    rc = give_up_attempt(f, rc, &why);
    if (rc != QR_OK) *err = why;
    return rc;
}

/* Signature of a trusted envelope key, our session, a number not yet seen. */
static enum qr_rc check_order(struct follow *f, const Quorate__V1__Order *m, struct leaf_order *o,
                              struct qr_err *err)
{
    const struct trust_keys *keys = &services_trust(f->services)->coordinator_envelope;
    struct qr_sig sig;
    bool good = false;
    if (m->sig.len != QR_SIG_SIZE) return qr_fail(err, QR_MALFORMED, "an order without signature");
    qr_copy(sig.b, m->sig.data, QR_SIG_SIZE);
    for (size_t i = 0; i < keys->n && !good; i++)
        good = qr_verify_tagged(&keys->k[i], LEAF_TAG_ORDER, pb_bytes(m->order), &sig) == QR_OK;
    if (!QR_HOLDS(PARTICIPANT_ORDER_KEY, good))
        return qr_fail(err, QR_FALSE, "an order that the coordinator did not sign");
    QR_TRY(leaf_order_read(pb_bytes(m->order), o, err));
    bool ours = qr_hash_equal(&o->session_leaf, &f->session_leaf) && o->sequence == m->sequence;
    if (QR_HOLDS(PARTICIPANT_ORDER_SESSION, ours)) return QR_OK;
    leaf_order_fini(o);
    return qr_fail(err, QR_FALSE, "an order of another session");
}

static enum qr_rc take_order(struct follow *f, const Quorate__V1__Order *m, struct qr_err *err)
{
    struct leaf_order o;
    QR_TRY(check_order(f, m, &o, err));
    enum qr_rc rc = QR_OK;
    if (o.sequence > f->after) {
        f->after = o.sequence;
        rc = obey(f, &o, err);
    }
    leaf_order_fini(&o);
    return rc;
}

/* ---- waiting ---- */

/* Two thirds into the life that is left of a certificate. */
static int64_t renewal_time(const struct follow *f, int64_t expires_us)
{
    struct qr_clock clock = services_clock(f->services);
    int64_t now = qr_now_us(&clock);
    return now + (expires_us - now) / 3 * 2;
}

/* A failure is told and tried again: the approval itself stands. */
static void renew_if_due(struct follow *f)
{
    struct qr_clock clock = services_clock(f->services);
    if (!f->plan || qr_now_us(&clock) < f->renew_us) return;
    struct approve_papers papers;
    struct qr_err err = {{0}};
    approve_papers_init(&papers);
    enum qr_rc rc = approve_papers_get(&f->plan->approve, &papers, &err);
    if (rc == QR_OK) rc = approve_renew(&f->plan->approve, &papers, &f->plan->approval, &err);
    f->renew_us =
        rc == QR_OK ? renewal_time(f, papers.expires_us) : qr_now_us(&clock) + RENEW_AGAIN_US;
    struct follow_news n = {.type = LEAF_ORDER_COUNT,
                            .note = rc == QR_OK ? "certificate renewed" : err.text};
    tell(f, &n);
    approve_papers_fini(&papers);
}

/* What a stream's failure means.  The coordinator itself says that our approval
 * does not stand: the order that told so was missed. */
static enum qr_rc failed(const struct follow *f, const struct rpc_answer *a, enum qr_rc rc,
                         struct qr_err *err)
{
    if (rc != QR_NOTFOUND || !a->authentic || !f->plan) return QR_UNAVAILABLE;
    return qr_fail(err, QR_STALE, "dropped from the session while it was out of reach: join again");
}

/* Reads one stream until it ends.  QR_UNAVAILABLE: open another. */
static enum qr_rc read_stream(struct follow *f, struct rpc_stream *st, struct qr_err *err)
{
    while (!f->done) {
        struct rpc_answer a;
        enum qr_rc rc = rpc_stream_next(st, f->preview ? QUIET_MS : WAIT_MS, &a, err);
        bool ended = rc == QR_OK && a.ended, quiet = rc == QR_OK && !a.msg && !ended;
        if (rc != QR_OK)
            rc = failed(f, &a, rc, err);
        else if (a.msg)
            rc = take_order(f, (const void *)a.msg, err);
        rpc_answer_fini(&a);
        if (rc != QR_OK) return rc;
        if (ended) return QR_UNAVAILABLE;
        if (quiet && f->preview) preview(f);
        if (f->stop && f->stop(f->ctx)) return qr_fail(err, QR_CANCELLED, "stopped");
        renew_if_due(f);
    }
    return QR_OK;
}

static enum qr_rc loop(struct follow *f, struct qr_err *err)
{
    long backoff = 50;
    const struct qr_hash *approval = f->plan ? &f->plan->approval : NULL;
    struct qr_clock clock = services_clock(f->services);
    while (!f->done) {
        struct rpc_stream *st = NULL;
        uint64_t before = f->after;
        enum qr_rc rc = services_watch(f->services, f->session, f->after, approval, &st, err);
        if (rc == QR_OK) {
            rc = read_stream(f, st, err);
            rpc_stream_close(st);
        }
        if (rc == QR_OK || rc == QR_CANCELLED || rc == QR_FORK) return rc;
        if (rc != QR_UNAVAILABLE && rc != QR_DEADLINE && rc != QR_EXHAUSTED &&
            rc != QR_ATTESTATION && rc != QR_UNAUTHENTICATED)
            return rc;
        if (f->expires_us && qr_now_us(&clock) > f->expires_us)
            return qr_fail(err, QR_STALE, "the session has expired");
        if (f->stop && f->stop(f->ctx)) return qr_fail(err, QR_CANCELLED, "stopped");
        backoff = f->after != before             ? 50
                  : backoff * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX
                                                 : backoff * 2;
        pause_ms(backoff);
    }
    return QR_OK;
}

enum qr_rc follow_run(const struct follow_plan *plan, struct qr_buf *bundle, struct qr_err *err)
{
    const struct bundle_facts *facts = plan->approve.facts;
    struct follow f = {.services = plan->approve.services,
                       .plan = plan,
                       .session = facts->request.is.session,
                       .session_leaf = facts->request.at.leaf,
                       .expires_us = facts->request.is.expires_us,
                       .bundle = bundle,
                       .tell = plan->tell,
                       .stop = plan->stop,
                       .ctx = plan->ctx};
    struct ceremony_setup setup = {.trust = services_trust(f.services),
                                   .keys = plan->approve.keys,
                                   .clock = services_clock(f.services),
                                   .rand = services_rand(f.services),
                                   .session_leaf = f.session_leaf,
                                   .approval = plan->approval,
                                   .policies = facts->request.is.policies,
                                   .artifact = facts->request.is.artifact.sha256,
                                   .known = plan->known,
                                   .allow_simulated = plan->allow_simulated,
                                   .file = plan->file,
                                   .has_file = plan->has_file,
                                   .consider = consider,
                                   .ctx = &f};
    f.renew_us = renewal_time(&f, plan->papers->expires_us);
    QR_TRY(ceremony_new(&f.ceremony, &setup, err));
    qr_buf_init(&f.material, QR_MAX_BUNDLE);
    enum qr_rc rc = loop(&f, err);
    qr_buf_fini(&f.material);
    ceremony_free(f.ceremony);
    return rc;
}

enum qr_rc follow_watch(const struct follow_onlooker *w, struct qr_err *err)
{
    struct follow f = {.services = w->services,
                       .session = w->session,
                       .session_leaf = w->session_leaf,
                       .tell = w->tell,
                       .stop = w->stop,
                       .ctx = w->ctx};
    return loop(&f, err);
}
