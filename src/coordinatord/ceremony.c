/* ceremony.c - see ceremony.h. */
#include "coordinatord/ceremony.h"

#include "coordinatord/material.h"
#include "coordinatord/step.h"

#define FIRST_PAUSE_US 50000LL
#define LONGEST_PAUSE_US 1000000LL

enum qr_rc ceremony_apply(struct ceremony_part *p, struct ceremony_news *news, struct qr_err *err)
{
    struct step *st = NULL;
    struct coord *c = p->c;
    QR_TRY(step_begin_n(c, p->job->n, &st, err));
    bool current = st->state.attempt == p->job->attempt && st->state.wait == p->job->wait;
    if (!current) return step_end(st, QR_OK, err);
    enum qr_rc rc = QR_OK;
    if (news->has_entry) rc = store_logged_add(c->s->db, p->job->n, &news->entry, err);
    if (rc == QR_OK)
        rc = store_attempt_put(c->s->db, p->job->n, p->job->attempt, &news->attempt, err);
    news->ev.attempt = p->job->attempt;
    if (rc == QR_OK) rc = step_event(st, &news->ev, news->body, err);
    return step_end(st, rc, err);
}

enum qr_rc ceremony_blame(struct ceremony_part *p, uint64_t culprits, struct qr_err *err)
{
    struct ceremony_news news = {.ev = {.kind = SESSION_EV_CULPRITS, .culprits = culprits}};
    return ceremony_apply(p, &news, err);
}

void ceremony_entry_fini(struct ceremony_entry *e) { leaf_fini(&e->entry); }

enum qr_rc ceremony_take(struct coord *c, const ProtobufCMessage *receipt, enum leaf_kind kind,
                         struct ceremony_entry *out, struct qr_err *err)
{
    qr_zero(out, sizeof *out);
    QR_TRY(log_client_receipt(c->s->log_client, receipt, &out->log, err));
    QR_TRY(leaf_parse(out->log.bytes, &out->entry, err));
    if (out->entry.kind != kind)
        return qr_fail(err, QR_FALSE, "entry %llu is no %s", (unsigned long long)out->log.index,
                       leaf_kind_name(kind));
    out->at = (struct trust_place){.index = out->log.index,
                                   .leaf = out->log.leaf,
                                   .time_us = out->entry.time_us,
                                   .classes = out->entry.classes};
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = trust_entry_check(&c->ctx, &out->entry, &r);
    if (rc != QR_OK) rc = trust_report_err(&r, err);
    trust_report_fini(&r);
    return rc;
}

struct store_logged ceremony_row(const struct ceremony_entry *e, enum leaf_kind kind,
                                 uint32_t attempt)
{
    struct store_logged l = {.index = e->at.index,
                             .kind = kind,
                             .attempt = attempt,
                             .leaf = e->at.leaf,
                             .bytes = e->log.bytes};
    qr_time_format(e->at.time_us, l.time);
    return l;
}

/* ---- the driver ---- */

struct kind {
    enum session_wait wait;
    enum qr_rc (*run)(struct ceremony_part *p, struct qr_err *err);
    unsigned what;       /* envelopes it reads */
    const char *passing; /* reason of attempt.failed when trouble does not pass */
    const char *refused; /* ... when there is no hope */
};

static const struct kind kinds[] = {
    {SESSION_WAIT_ROSTER, freeze_roster, 0, "authd-unavailable", "roster-refused"},
    {SESSION_WAIT_VERIFY, keygen_verify, VIEW_ROUND(LEAF_ROUND_DKG1) | VIEW_ROUND(LEAF_ROUND_DKG2),
     "out-of-resources", "transcript-refused"},
    {SESSION_WAIT_CERTIFY, keygen_certify, VIEW_ROUND(LEAF_ROUND_DKG2), "cad-unavailable",
     "certificate-refused"},
    {SESSION_WAIT_AGGREGATE, combine_shares,
     VIEW_ROUND(LEAF_ROUND_DKG2) | VIEW_ROUND(LEAF_ROUND_SHARE) | VIEW_FILE, "out-of-resources",
     "signature-refused"},
    {SESSION_WAIT_SEAL, combine_shares,
     VIEW_ROUND(LEAF_ROUND_DKG2) | VIEW_ROUND(LEAF_ROUND_SHARE) | VIEW_ROUND(LEAF_ROUND_CHAIN) |
         VIEW_FILE,
     "out-of-resources", "signature-refused"}};

static const struct kind *kind_of(enum session_wait wait)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].wait == wait) return &kinds[i];
    return NULL;
}

static bool passes(enum qr_rc rc)
{
    return rc == QR_UNAVAILABLE || rc == QR_DEADLINE || rc == QR_EXHAUSTED || rc == QR_CANCELLED ||
           rc == QR_ATTESTATION || rc == QR_UNAUTHENTICATED;
}

/* One try.  *stale: the session has moved on without us. */
static enum qr_rc try_part(struct coord *c, const struct work_job *job, const struct kind *k,
                           bool *stale, struct qr_err *err)
{
    struct ceremony_part p = {.c = c, .job = job};
    struct view_want want = {.n = job->n, .what = k->what};
    enum qr_rc rc = view_read(c, &want, &p.v, err);
    *stale = rc == QR_OK && (p.v.state.attempt != job->attempt || p.v.state.wait != job->wait);
    if (rc == QR_OK && !*stale) rc = k->run(&p, err);
    view_fini(&p.v);
    return rc;
}

static void give_up(struct coord *c, const struct work_job *job, const char *reason)
{
    struct qr_err err = {{0}};
    struct ceremony_part p = {.c = c, .job = job};
    struct ceremony_news news = {.ev = {.kind = SESSION_EV_STEP_FAILED, .reason = reason}};
    enum qr_rc rc = ceremony_apply(&p, &news, &err);
    if (rc == QR_OK) return;
    qr_log_text(&c->s->log, "ceremony.stuck", "%s: %s", qr_rc_name(rc), err.text);
    if (rc == QR_IO) service_fatal(c->s, rc, err.text);
}

static void run_part(struct coord *c, const struct work_job *job, const struct kind *k)
{
    int64_t end = qr_mono_us(&c->s->clock) + c->rules.service_us;
    int64_t pause = FIRST_PAUSE_US;
    for (;;) {
        struct qr_err err = {{0}};
        bool stale = false;
        enum qr_rc rc = try_part(c, job, k, &stale, &err);
        if (rc == QR_OK || stale) return;
        qr_log_text(&c->s->log, "ceremony.trouble", "session %lld attempt %u step %s: %s: %s",
                    (long long)job->n, job->attempt, session_wait_name(job->wait), qr_rc_name(rc),
                    err.text);
        bool again = passes(rc) && qr_mono_us(&c->s->clock) + pause < end;
        if (!again) {
            give_up(c, job, passes(rc) ? k->passing : k->refused);
            return;
        }
        if (!work_pause(c->work, pause)) return;
        pause = pause * 2 < LONGEST_PAUSE_US ? pause * 2 : LONGEST_PAUSE_US;
    }
}

void ceremony_run(struct coord *c, const struct work_job *job)
{
    const struct kind *k = kind_of(job->wait);
    if (k) {
        run_part(c, job, k);
        return;
    }
    bool first = material_prepare(c, job->n);
    if (first && job->wait == SESSION_WAIT_DKG1) keygen_review(c, job->n);
}
