/* facts.c - cad takes nobody's word: what it relies on it reads from the log,
 * with proofs (log_client.h), and judges who wrote it.
 *
 * The log cannot invent an entry, and cad's own reading of the whole log shows
 * when it leaves one out (log_view.h). */
#include "cad/state.h"

#include "base/limits.h"
#include "base/removal.h"

#include "leaf/people.h"
#include "leaf/session.h"
#include "trust/trust_dir.h"

#include <string.h>

/* An entry that was parsed and whose author is who it must be. */
static enum qr_rc read_entry(struct cad *d, const struct log_entry *from, struct leaf_entry *e,
                             struct trust_place *at, struct qr_err *err)
{
    struct trust_report r;
    QR_TRY(leaf_parse(from->bytes, e, err));
    trust_report_init(&r);
    enum qr_rc rc = trust_entry_check(&d->context, e, &r);
    if (rc != QR_OK) (void)trust_report_err(&r, err);
    trust_report_fini(&r);
    if (rc != QR_OK) leaf_fini(e);
    *at = (struct trust_place){from->index, from->leaf, e->time_us, e->classes};
    return rc;
}

/* Moves the JSON out of a parsed entry: bodies go on borrowing from it. */
static json_t *keep_json(struct leaf_entry *e)
{
    json_t *kept = json_incref(e->json);
    leaf_fini(e);
    return kept;
}

/* ---- people ---- */

/* The entry that is in force, and that the admins signed it. */
static enum qr_rc take_identity(struct cad *d, const struct log_entry *from,
                                struct trust_identity *out, json_t **json, struct qr_err *err)
{
    struct leaf_entry e;
    struct trust_report r;
    QR_TRY(read_entry(d, from, &e, &out->at, err));
    out->kind = e.kind;
    out->body = e.body;
    trust_report_init(&r);
    enum qr_rc rc = leaf_identity_read(e.body, e.kind, &out->is, err);
    if (rc == QR_OK) {
        rc = trust_enrolment_check(&d->context, out, &r);
        if (rc != QR_OK) (void)trust_report_err(&r, err);
    }
    trust_report_fini(&r);
    if (rc == QR_OK)
        *json = keep_json(&e);
    else
        leaf_fini(&e);
    return rc;
}

static enum qr_rc find_standing(struct cad *d, const struct log_answer *found,
                                struct leaf_standing *stands, struct qr_err *err)
{
    for (size_t i = 0; i < found->n; i++) {
        struct leaf_entry e;
        struct trust_place at;
        QR_TRY(read_entry(d, &found->entries[i], &e, &at, err));
        enum qr_rc rc = leaf_standing_take(stands, &e, &at.leaf, err);
        leaf_fini(&e);
        QR_TRY(rc);
    }
    return QR_OK;
}

enum qr_rc facts_person(struct cad *d, const struct qr_hash *commitment, struct trust_identity *out,
                        json_t **json, struct qr_err *err)
{
    struct log_answer found;
    struct log_query q = {.by = LOG_FIND_COMMITMENT, .hash = commitment};
    struct leaf_standing stands = {.of = commitment};
    *json = NULL;
    QR_TRY(log_view_find(d->view, &q, &found, err));
    enum qr_rc rc = find_standing(d, &found, &stands, err);
    if (rc == QR_OK && !(stands.ever && QR_HOLDS(CAD_ENROLLED, !stands.over)))
        rc = qr_fail(err, QR_DENIED, "this person is not enrolled, or was revoked");
    for (size_t i = 0; rc == QR_OK && i < found.n; i++)
        if (qr_hash_equal(&found.entries[i].leaf, &stands.enrolment))
            rc = take_identity(d, &found.entries[i], out, json, err);
    log_answer_fini(&found);
    return rc;
}

/* ---- sessions ---- */

void session_facts_fini(struct session_facts *f)
{
    json_decref(f->request_json);
    json_decref(f->requester_json);
    f->request_json = f->requester_json = NULL;
}

static enum qr_rc take_request(struct cad *d, uint64_t index, struct session_facts *out,
                               struct qr_err *err)
{
    struct log_answer a;
    struct leaf_entry e;
    QR_TRY(log_client_proofs(d->s->log_client, &index, 1, &a, err));
    enum qr_rc rc = read_entry(d, &a.entries[0], &e, &out->request.at, err);
    log_answer_fini(&a);
    if (rc != QR_OK) return rc;
    if (e.kind != LEAF_SESSION_REQUESTED) {
        leaf_fini(&e);
        return qr_fail(err, QR_NOTFOUND, "entry %llu is no session.requested",
                       (unsigned long long)index);
    }
    rc = leaf_request_read(e.body, &out->request.is, err);
    if (rc != QR_OK) {
        leaf_fini(&e);
        return rc;
    }
    out->request.body = e.body;
    out->request_json = keep_json(&e);
    return QR_OK;
}

/* Looks at one entry of a session. */
typedef enum qr_rc look(struct cad *d, const struct leaf_entry *e, const struct trust_place *at,
                        void *ctx, struct qr_err *err);

/* A certificate's life is in cad's time, and judged in the log's. */
static enum qr_rc clock_right(const struct log_answer *a, struct qr_err *err)
{
    enum qr_rc rc = log_answer_clock(a, QR_MAX_CA_SKEW_US, err);
    return QR_HOLDS(CAD_CLOCK, rc == QR_OK) ? QR_OK : rc;
}

static enum qr_rc each_entry(struct cad *d, const char *session, look *fn, void *ctx,
                             struct qr_err *err)
{
    struct log_answer found;
    struct log_query q = {.by = LOG_FIND_SESSION, .text = session};
    QR_TRY(log_view_find(d->view, &q, &found, err));
    enum qr_rc rc = clock_right(&found, err);
    for (size_t i = 0; rc == QR_OK && i < found.n; i++) {
        struct leaf_entry e;
        struct trust_place at;
        rc = read_entry(d, &found.entries[i], &e, &at, err);
        if (rc != QR_OK) break;
        rc = fn(d, &e, &at, ctx, err);
        leaf_fini(&e);
    }
    log_answer_fini(&found);
    return rc;
}

static enum qr_rc not_ended(struct cad *d, const struct leaf_entry *e, const struct trust_place *at,
                            void *ctx, struct qr_err *err)
{
    (void)d;
    (void)at;
    (void)ctx;
    if (!QR_HOLDS(CAD_SESSION, e->kind != LEAF_SESSION_ENDED))
        return qr_fail(err, QR_STATE, "the session has ended");
    if (!QR_HOLDS(CAD_SESSION, e->kind != LEAF_SIGNATURE_MADE))
        return qr_fail(err, QR_STATE, "the session is signed");
    return QR_OK;
}

static enum qr_rc check_request(struct cad *d, const struct session_facts *f, struct qr_err *err)
{
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = trust_request_check(&d->context, &f->request, &f->requester, &r);
    if (rc == QR_OK) rc = trust_request_alive(&f->request, qr_now_us(&d->s->clock), &r);
    if (rc != QR_OK) (void)trust_report_err(&r, err);
    trust_report_fini(&r);
    return rc;
}

enum qr_rc facts_session(struct cad *d, uint64_t index, struct session_facts *out,
                         struct qr_err *err)
{
    *out = (struct session_facts){.request_json = NULL};
    enum qr_rc rc = take_request(d, index, out, err);
    if (rc == QR_OK)
        rc =
            facts_person(d, &out->request.is.requester, &out->requester, &out->requester_json, err);
    if (rc == QR_OK) rc = check_request(d, out, err);
    if (rc == QR_OK) rc = each_entry(d, out->request.is.session, not_ended, NULL, err);
    if (rc != QR_OK) session_facts_fini(out);
    return rc;
}

/* ---- a freeze ---- */

struct freeze_look {
    const struct freeze_ref *want;
    bool seen;
};

static enum qr_rc certificate_is_other(const struct leaf_entry *e, const struct freeze_ref *want,
                                       struct qr_err *err)
{
    struct leaf_certificate c;
    QR_TRY(leaf_certificate_read(e->body, &c, err));
    if (c.purpose == LEAF_PURPOSE_GROUP && qr_hash_equal(&c.descriptor, want->descriptor))
        return qr_fail(err, QR_CONFLICT, "this descriptor has a group certificate already");
    return QR_OK;
}

static enum qr_rc look_freeze(struct cad *d, const struct leaf_entry *e,
                              const struct trust_place *at, void *ctx, struct qr_err *err)
{
    struct freeze_look *l = ctx;
    QR_TRY(not_ended(d, e, at, NULL, err));
    if (e->kind == LEAF_ROSTER_FROZEN) {
        if (at->index > l->want->index)
            return qr_fail(err, QR_STATE, "a newer freeze of this session is logged");
        if (at->index == l->want->index) l->seen = qr_hash_equal(&at->leaf, l->want->leaf);
    }
    if (e->kind == LEAF_ATTEMPT_FAILED) {
        struct leaf_failed f;
        QR_TRY(leaf_failed_read(e->body, &f, err));
        if (f.attempt >= l->want->attempt) return qr_fail(err, QR_STATE, "this attempt has failed");
    }
    return e->kind == LEAF_CERTIFICATE_ISSUED ? certificate_is_other(e, l->want, err) : QR_OK;
}

enum qr_rc facts_freeze(struct cad *d, const struct freeze_ref *f, struct qr_err *err)
{
    struct freeze_look l = {f, false};
    QR_TRY(each_entry(d, f->session, look_freeze, &l, err));
    if (l.seen) return QR_OK;
    return qr_fail(err, QR_FALSE, "the log has no such roster.frozen");
}
