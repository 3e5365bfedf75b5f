/* group_run.c - what creating, changing and signing have in common: the quorum's
 * bundle, the log, the letters. */
#include "participant/group_run.h"

#include "participant/group_own.h"
#include "participant/pb.h"

#include "quorate/v1/coordinator.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALL_MS = 30000, PAUSE_FIRST_MS = 50, PAUSE_LAST_MS = 1000, LETTER_MAX = 256 * 1024 };

void run_tell(const struct run *r, const char *text)
{
    if (r->conf->tell) r->conf->tell(r->conf->ctx, text);
}

bool run_is(const struct run *r, const char *state) { return strcmp(r->state, state) == 0; }
bool run_done(const struct run *r) { return run_is(r, "DONE"); }

/* ---- the quorum ---- */

static unsigned extra(const struct group_run_conf *conf)
{
    return conf->allow_simulated ? QR_CLASS_SIMULATED : 0;
}

/* The leaf hash of the bundle's signature.made. */
static enum qr_rc find_made(struct run *r, struct qr_err *err)
{
    for (size_t i = 0; i < r->facts.parsed_count; i++)
        if (r->facts.parsed[i].kind == LEAF_SIGNATURE_MADE) {
            r->approved = leaf_hash(r->bundle.entries[i].leaf);
            return QR_OK;
        }
    return qr_fail(err, QR_BUG, "a signed bundle without signature.made");
}

/* Everything an auditor checks; the plan must be what was signed. */
static enum qr_rc verify_approval(struct run *r, struct qr_err *err)
{
    const struct group_run_conf *conf = r->conf;
    struct trust_report report;
    const struct bundle_options opt = {.need = BUNDLE_SIGNED,
                                       .allow_simulated = conf->allow_simulated,
                                       .has_artifact = !r->signs,
                                       .artifact = r->hash,
                                       .has_file = conf->has_file,
                                       .file = conf->file};
    QR_TRY(services_material(conf->services, conf->session, NULL, BUNDLE_SIGNED, &r->bytes, err));
    QR_TRY(bundle_read(qr_buf_bytes(&r->bytes), &r->bundle, err));
    trust_report_init(&report);
    enum qr_rc rc =
        bundle_verify(&r->bundle, services_trust(conf->services), &opt, &report, &r->facts);
    if (rc != QR_OK) (void)trust_report_err(&report, err);
    trust_report_fini(&report);
    if (rc == QR_OK)
        rc = log_client_consider(services_log(conf->services), r->bundle.checkpoint, err);
    if (rc == QR_OK && !qr_bytes_is(qr_str(conf->session), r->facts.request.is.session))
        rc = qr_fail(err, QR_FALSE, "the coordinator answered with another session");
    char title[LEAF_GROUP_TITLE] = "";
    if (!r->signs) leaf_group_plan_title(&r->plan, title);
    if (rc == QR_OK && !r->signs && !qr_bytes_is(qr_str(title), r->facts.request.is.artifact.name))
        rc = qr_fail(err, QR_POLICY, "the quorum that signed this plan was shown another name");
    return rc == QR_OK ? find_made(r, err) : rc;
}

enum qr_rc run_reload(struct run *r, struct qr_err *err)
{
    groups_view_free(&r->view);
    return groups_view_load(r->conf->services, extra(r->conf), &r->view, err);
}

/* ---- life ---- */

static enum qr_rc open_plan(struct run *r, struct qr_err *err)
{
    struct trust_report report;
    QR_TRY(leaf_group_plan_read(r->conf->text, &r->plan, err));
    r->role = r->plan.role;
    QR_TRY(verify_approval(r, err));
    QR_TRY(run_reload(r, err));
    const struct trust_group *now = trust_groups_find(
        r->view.groups, r->plan.step == LEAF_GROUP_CREATE ? &r->hash : &r->plan.from.group);
    r->over = now && qr_hash_equal(&now->plan, &r->hash);
    if (r->over) return QR_OK;
    trust_report_init(&report);
    enum qr_rc rc = trust_groups_plan_check(r->view.groups, &r->plan, &r->hash, &report);
    if (rc != QR_OK) (void)trust_report_err(&report, err);
    trust_report_fini(&report);
    return rc;
}

enum qr_rc run_new(const struct group_run_conf *conf, struct run **out, struct qr_err *err)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r) return qr_fail(err, QR_NOMEM, "out of memory");
    r->conf = conf;
    r->signs = conf->text.n == 0;
    const struct qr_clock clock = services_clock(conf->services);
    r->deadline_us = qr_now_us(&clock) + conf->wait_us;
    qr_buf_init(&r->bytes, QR_MAX_BUNDLE);
    qr_buf_init(&r->text, QR_MAX_ENTRY);
    qr_buf_put_bytes(&r->text, conf->text);
    r->hash = qr_sha256_one(conf->text);
    enum qr_rc rc = r->signs ? verify_approval(r, err) : open_plan(r, err);
    if (rc == QR_OK && r->signs) rc = run_reload(r, err);
    if (rc != QR_OK) {
        run_free(r);
        return rc;
    }
    *out = r;
    return QR_OK;
}

static void forget(struct run *r)
{
    for (size_t i = 0; i < r->parties; i++)
        for (int k = 0; k < LEAF_GROUP_ROUNDS; k++) {
            qr_buf_fini(&r->party[i].text[k]);
            qr_buf_fini(&r->party[i].body[k]);
            r->party[i].has[k] = false;
        }
    qr_signer_fini(&r->envelope);
    cocktail_static_fini(&r->cocktail);
    r->after = 0;
}

void run_free(struct run *r)
{
    if (!r) return;
    forget(r);
    free(r->party);
    bundle_facts_fini(&r->facts);
    bundle_fini(&r->bundle);
    groups_view_free(&r->view);
    qr_buf_fini(&r->bytes);
    qr_buf_fini(&r->text);
    free(r);
}

enum qr_rc run_parties(struct run *r, const struct leaf_group_person *list, size_t n,
                       struct qr_err *err)
{
    r->party = calloc(n, sizeof *r->party);
    if (!r->party) return qr_fail(err, QR_NOMEM, "out of memory");
    r->parties = r->own = n;
    for (size_t i = 0; i < n; i++) {
        r->party[i].is = list[i];
        if (qr_hash_equal(&list[i].commitment, &r->conf->person->commitment)) r->own = i;
    }
    return r->own < n ? QR_OK : qr_fail(err, QR_DENIED, "you are no party of this");
}

/* ---- letters ---- */

static struct run_party *sender_of(struct run *r, const struct qr_hash *commitment)
{
    for (size_t i = 0; i < r->parties; i++)
        if (qr_hash_equal(&r->party[i].is.commitment, commitment)) return &r->party[i];
    return NULL;
}

static enum qr_rc check_join(struct run *r, struct run_party *p, const struct leaf_group_letter *l,
                             const struct qr_sig *sig, struct qr_err *err)
{
    struct trust_report report;
    QR_TRY(leaf_group_join_read(l->body, &p->join, err));
    if (p->join.signs != r->signs) return qr_fail(err, QR_FALSE, "a join for another step");
    /* a member's enrolment may be newer than the group */
    if (r->signs) p->is.enrolment = p->join.enrolment;
    const struct trust_joined j = {
        .is = &p->is, .role = r->role, .letter = l, .join = &p->join, .person_sig = sig};
    trust_report_init(&report);
    enum qr_rc rc = trust_groups_joined(r->view.groups, &j, &report);
    if (rc != QR_OK) (void)trust_report_err(&report, err);
    trust_report_fini(&report);
    return rc;
}

/* By its sender, of this attempt, and the only one of its round. */
static enum qr_rc check_letter(struct run *r, struct qr_bytes text, const struct qr_sig *sig,
                               const struct leaf_group_letter *l, struct run_party *p,
                               struct qr_err *err)
{
    if (!qr_hash_equal(&l->step, &r->hash) || l->attempt != r->attempt)
        return qr_fail(err, QR_FALSE, "the coordinator gave a letter of another attempt");
    if (p->has[l->round]) return qr_fail(err, QR_FALSE, "two letters of one party and round");
    if (l->round == LEAF_GROUP_JOIN) return check_join(r, p, l, sig, err);
    if (!p->has[LEAF_GROUP_JOIN] ||
        qr_verify_tagged(&p->join.envelope_key, LEAF_TAG_GROUP_LETTER, text, sig) != QR_OK)
        return qr_fail(err, QR_FALSE, "a letter that its sender did not sign");
    return QR_OK;
}

static enum qr_rc take_letter(struct run *r, const Quorate__V1__GroupLetter *in, struct qr_err *err)
{
    struct leaf_group_letter l;
    struct qr_sig sig;
    struct qr_buf body;
    if (in->sig.len != sizeof sig.b) return qr_fail(err, QR_MALFORMED, "no signature");
    qr_copy(sig.b, in->sig.data, sizeof sig.b);
    enum qr_rc rc = leaf_group_letter_read(pb_bytes(in->letter), &l, &body, err);
    struct run_party *p = rc == QR_OK ? sender_of(r, &l.commitment) : NULL;
    if (rc == QR_OK && !p) rc = qr_fail(err, QR_FALSE, "a letter of somebody who is no party");
    if (rc == QR_OK) rc = check_letter(r, pb_bytes(in->letter), &sig, &l, p, err);
    if (rc != QR_OK) {
        qr_buf_fini(&body);
        return rc;
    }
    p->has[l.round] = true;
    p->body[l.round] = body;
    p->sig[l.round] = sig;
    qr_buf_init(&p->text[l.round], LETTER_MAX);
    qr_buf_put_bytes(&p->text[l.round], pb_bytes(in->letter));
    return qr_buf_ok(&p->text[l.round]);
}

static enum qr_rc take_reply(struct run *r, const Quorate__V1__GroupStepReply *in,
                             struct qr_err *err)
{
    (void)snprintf(r->state, sizeof r->state, "%s", in->state);
    (void)snprintf(r->reason, sizeof r->reason, "%s", in->reason);
    if (r->attempt == 0) r->attempt = in->attempt;
    if (in->attempt != r->attempt) (void)snprintf(r->state, sizeof r->state, "FAILED");
    r->started_index = in->started_index;
    r->done_index = in->done_index;
    if (run_is(r, "FAILED")) return QR_OK;
    for (size_t i = 0; i < in->n_letters; i++) {
        QR_TRY(take_letter(r, in->letters[i], err));
        r->after = in->letters[i]->number;
    }
    return QR_OK;
}

/* letter empty: only asks. */
static enum qr_rc call(struct run *r, struct qr_bytes letter, const struct qr_sig *sig,
                       struct qr_err *err)
{
    Quorate__V1__GroupStepRequest in = QUORATE__V1__GROUP_STEP_REQUEST__INIT;
    struct rpc_answer a;
    in.session = (char *)(uintptr_t)r->conf->session;
    in.text = pb_of(qr_buf_bytes(&r->text));
    in.attempt = r->attempt;
    in.after = r->after;
    in.letter = pb_of(letter);
    if (sig) in.sig = pb_of(QR_BYTES_OF(sig->b));
    struct services_ask ask = {SERVICE_COORDINATOR, "GroupStep", &in.base, CALL_MS};
    enum qr_rc rc = services_call(r->conf->services, &ask, &a, err);
    if (rc == QR_OK) rc = take_reply(r, (const void *)a.msg, err);
    rpc_answer_fini(&a);
    return rc;
}

enum qr_rc run_begin(struct run *r, struct qr_err *err)
{
    forget(r);
    r->attempt = 0;
    return call(r, QR_BYTES_NONE, NULL, err);
}

enum qr_rc run_keys(struct run *r, struct qr_err *err)
{
    const struct qr_rand rand = services_rand(r->conf->services);
    QR_TRY(qr_signer_new(&r->envelope, &rand, err));
    return r->signs ? QR_OK : cocktail_static_new(&r->cocktail, &rand, err);
}

enum qr_rc run_send(struct run *r, enum leaf_group_round round, struct qr_bytes body,
                    struct qr_err *err)
{
    const struct leaf_group_letter l = {.step = r->hash,
                                        .attempt = r->attempt,
                                        .commitment = r->conf->person->commitment,
                                        .round = round,
                                        .body = body};
    const struct qr_signer *key = round == LEAF_GROUP_JOIN ? &r->conf->person->key : &r->envelope;
    struct qr_buf text;
    struct qr_sig sig;
    qr_buf_init(&text, LETTER_MAX);
    enum qr_rc rc = leaf_group_letter_write(&l, &text);
    if (rc == QR_OK) {
        qr_sign_tagged(key, leaf_group_round_tag(round), qr_buf_bytes(&text), &sig);
        rc = call(r, qr_buf_bytes(&text), &sig, err);
    }
    qr_buf_fini(&text);
    if (rc != QR_OK || !run_is(r, "FAILED")) return rc;
    return qr_fail(err, QR_STALE, "the attempt failed: %s", r->reason);
}

static bool pause(struct run *r, int *ms)
{
    struct timespec t = {*ms / 1000, (*ms % 1000) * 1000000L};
    (void)nanosleep(&t, NULL);
    if (*ms < PAUSE_LAST_MS) *ms = 2 * *ms < PAUSE_LAST_MS ? 2 * *ms : PAUSE_LAST_MS;
    return !r->conf->stop || !r->conf->stop(r->conf->ctx);
}

enum qr_rc run_wait(struct run *r, bool (*ready)(const struct run *r), struct qr_err *err)
{
    const struct qr_clock clock = services_clock(r->conf->services);
    for (int ms = PAUSE_FIRST_MS;;) {
        if (run_is(r, "FAILED")) return qr_fail(err, QR_STALE, "the attempt failed: %s", r->reason);
        if (ready(r)) return QR_OK;
        if (qr_now_us(&clock) > r->deadline_us)
            return qr_fail(err, QR_DEADLINE, "the others did not come");
        if (!pause(r, &ms)) return qr_fail(err, QR_CANCELLED, "interrupted");
        QR_TRY(call(r, QR_BYTES_NONE, NULL, err));
    }
}

/* ---- what is kept ---- */

enum qr_rc group_settle(const struct groups_view *view, struct share_store *store,
                        struct qr_err *err)
{
    for (size_t i = 0; i < trust_groups_count(view->groups); i++) {
        const struct trust_group *g = trust_groups_at(view->groups, i);
        QR_TRY(g->retired ? share_store_erase(store, &g->ref.group, err)
                          : share_store_settle(store, &g->ref, err));
    }
    return QR_OK;
}
