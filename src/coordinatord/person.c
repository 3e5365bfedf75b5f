/* person.c - see person.h. */
#include "coordinatord/person.h"

#include "base/removal.h"

static enum qr_rc check_entry(struct coord *c, const struct leaf_entry *e, struct qr_err *err)
{
    struct trust_report r;
    trust_report_init(&r);
    enum qr_rc rc = trust_entry_check(&c->ctx, e, &r);
    if (rc != QR_OK) rc = trust_report_err(&r, err);
    trust_report_fini(&r);
    return rc;
}

void person_fini(struct person *p)
{
    leaf_fini(&p->entry);
    log_answer_fini(&p->answer);
}

static enum qr_rc take(struct coord *c, const struct log_entry *e, struct person *p,
                       struct qr_err *err)
{
    QR_TRY(leaf_parse(e->bytes, &p->entry, err));
    QR_TRY(check_entry(c, &p->entry, err));
    enum leaf_kind kind = p->entry.kind;
    p->is = (struct trust_identity){.at = {.index = e->index,
                                           .leaf = e->leaf,
                                           .time_us = p->entry.time_us,
                                           .classes = p->entry.classes},
                                    .kind = kind,
                                    .body = p->entry.body};
    p->bytes = e->bytes;
    return leaf_identity_read(p->is.body, kind, &p->is.is, err);
}

/* Who is enrolled, by all entries of the answer; *named: the one asked for. */
static enum qr_rc find_standing(struct coord *c, const struct log_answer *a,
                                const struct qr_hash *enrolment, struct leaf_standing *stands,
                                const struct log_entry **named, struct qr_err *err)
{
    *named = NULL;
    for (size_t i = 0; i < a->n; i++) {
        struct leaf_entry e;
        QR_TRY(leaf_parse(a->entries[i].bytes, &e, err));
        enum qr_rc rc = check_entry(c, &e, err);
        if (rc == QR_OK) rc = leaf_standing_take(stands, &e, &a->entries[i].leaf, err);
        leaf_fini(&e);
        QR_TRY(rc);
        if (qr_hash_equal(&a->entries[i].leaf, enrolment)) *named = &a->entries[i];
    }
    return QR_OK;
}

enum qr_rc person_find(struct coord *c, const struct qr_hash *commitment,
                       const struct qr_hash *enrolment, struct person *out, struct qr_err *err)
{
    struct log_query q = {.by = LOG_FIND_COMMITMENT, .hash = commitment};
    struct leaf_standing stands = {.of = commitment};
    const struct log_entry *named = NULL;
    qr_zero(out, sizeof *out);
    QR_TRY(log_client_find(c->s->log_client, &q, &out->answer, err));
    QR_TRY(find_standing(c, &out->answer, enrolment, &stands, &named, err));
    if (!stands.ever) return qr_fail(err, QR_DENIED, "this person is not enrolled");
    if (!QR_HOLDS(COORDINATOR_ENROLLED, leaf_standing_is(&stands, enrolment)))
        return qr_fail(err, QR_DENIED,
                       stands.over ? "this person was revoked"
                                   : "another enrolment of this person is in force");
    if (!named) return qr_fail(err, QR_DENIED, "this person is not enrolled");
    return take(c, named, out, err);
}

static enum qr_rc read_issued(struct coord *c, const struct log_entry *e,
                              const struct qr_hash *sha256, struct issued *out, struct qr_err *err)
{
    struct leaf_entry entry;
    QR_TRY(leaf_parse(e->bytes, &entry, err));
    enum qr_rc rc = check_entry(c, &entry, err);
    if (rc == QR_OK && entry.kind != LEAF_CERTIFICATE_ISSUED)
        rc = qr_fail(err, QR_DENIED, "the certificate is not logged");
    if (rc == QR_OK) rc = leaf_certificate_read(entry.body, &out->is, err);
    if (rc == QR_OK && !qr_hash_equal(&out->is.sha256, sha256))
        rc = qr_fail(err, QR_DENIED, "the log answers another certificate");
    out->at = (struct trust_place){
        .index = e->index, .leaf = e->leaf, .time_us = entry.time_us, .classes = entry.classes};
    leaf_fini(&entry);
    return rc;
}

enum qr_rc person_issued(struct coord *c, struct qr_bytes der, struct issued *out,
                         struct qr_err *err)
{
    struct log_answer a;
    struct qr_hash sha256 = qr_sha256_one(der);
    struct log_query q = {.by = LOG_FIND_CERTIFICATE, .hash = &sha256};
    enum qr_rc rc = log_client_find(c->s->log_client, &q, &a, err);
    if (rc == QR_OK && a.n == 0) rc = qr_fail(err, QR_DENIED, "the certificate is not in the log");
    if (rc == QR_OK) rc = read_issued(c, &a.entries[0], &sha256, out, err);
    log_answer_fini(&a);
    return rc;
}
