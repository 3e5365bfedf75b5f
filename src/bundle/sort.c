/* sort.c - matching by the hashes that the entries themselves state. */
#include "bundle/sort.h"

#include "attest/evidence.h"
#include "leaf/certificate.h"

#include <stdlib.h>

/* From which stage on a kind stands in a bundle, and how often: 1, 2, or as
 * often as it is named. */
struct rule {
    enum leaf_kind kind;
    enum bundle_stage from;
    size_t times; /* 0: as often as named */
};
static const struct rule rules[] = {
    {LEAF_POLICY_CHANGED, BUNDLE_OPEN, 2},        {LEAF_IDENTITY_ENROLLED, BUNDLE_OPEN, 0},
    {LEAF_IDENTITY_ROLE_CHANGED, BUNDLE_OPEN, 0}, {LEAF_SESSION_REQUESTED, BUNDLE_OPEN, 1},
    {LEAF_CERTIFICATE_ISSUED, BUNDLE_OPEN, 0},    {LEAF_APPROVAL_GIVEN, BUNDLE_OPEN, 0},
    {LEAF_ROSTER_ATTESTED, BUNDLE_FROZEN, 1},     {LEAF_ROSTER_FROZEN, BUNDLE_FROZEN, 1},
    {LEAF_DKG_COMPLETED, BUNDLE_STARTED, 1},      {LEAF_SIGNING_STARTED, BUNDLE_STARTED, 1},
    {LEAF_SIGNATURE_MADE, BUNDLE_SIGNED, 1},
};
#define RULES (sizeof rules / sizeof rules[0])

static const struct rule *rule_of(enum leaf_kind kind)
{
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].kind == kind) return &rules[i];
    return NULL;
}

static enum qr_rc missing(struct trust_report *r, const char *what)
{
    return trust_stop(r, TRUST_BUNDLE_STAGE, QR_FALSE, "%s is not here", what);
}

static enum qr_rc parse_entries(const struct bundle *b, struct bundle_facts *f, struct sorted *s,
                                struct trust_report *r)
{
    struct qr_err err = {{0}};
    f->parsed = calloc(b->entry_count, sizeof *f->parsed);
    if (!f->parsed) qr_fatal("out of memory");
    s->parsed = f->parsed;
    for (size_t i = 0; i < b->entry_count; i++) {
        if (leaf_parse(b->entries[i].leaf, &f->parsed[i], &err) != QR_OK)
            return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "entry %llu: %s",
                              (unsigned long long)b->entries[i].index, err.text);
        f->parsed_count++;
        s->leaf[i] = leaf_hash(b->entries[i].leaf);
    }
    trust_pass(r, TRUST_ENTRY_FORM);
    return QR_OK;
}

static enum qr_rc count_kinds(struct sorted *s, struct trust_report *r)
{
    size_t count[LEAF_KIND_COUNT] = {0};
    for (size_t i = 0; i < s->b->entry_count; i++) {
        enum leaf_kind kind = s->parsed[i].kind;
        const struct rule *rule = rule_of(kind);
        if (!rule || rule->from > s->b->stage)
            QR_TRY(trust_fail(r, TRUST_BUNDLE_STAGE, QR_FALSE, "%s has no place at stage %s",
                              leaf_kind_name(kind), bundle_stage_name(s->b->stage)));
        s->only[kind] = i;
        s->used[i] = rule && rule->times > 0;
        count[kind]++;
    }
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].from > s->b->stage || count[rules[i].kind] == rules[i].times) continue;
        if (rules[i].times > count[rules[i].kind]) return missing(r, leaf_kind_name(rules[i].kind));
        if (rules[i].times > 0)
            QR_TRY(trust_fail(r, TRUST_BUNDLE_STAGE, QR_FALSE, "%u entries of kind %s, not %u",
                              (unsigned)count[rules[i].kind], leaf_kind_name(rules[i].kind),
                              (unsigned)rules[i].times));
    }
    return QR_OK;
}

/* Which policy entry is which, and which issuance is the group's. */
static enum qr_rc find_special(struct sorted *s, struct trust_report *r)
{
    struct qr_err err = {{0}};
    s->policies[0] = s->policies[1] = s->group_issued = SORT_NONE;
    for (size_t i = 0; i < s->b->entry_count; i++) {
        const struct leaf_entry *e = &s->parsed[i];
        struct leaf_policy p;
        struct leaf_certificate c;
        enum qr_rc rc = QR_OK;
        if (e->kind == LEAF_POLICY_CHANGED) {
            rc = leaf_policy_read(e->body, &p, &err);
            if (rc == QR_OK) s->policies[p.name] = i;
        } else if (e->kind == LEAF_CERTIFICATE_ISSUED) {
            rc = leaf_certificate_read(e->body, &c, &err);
            if (rc == QR_OK && c.purpose == LEAF_PURPOSE_GROUP && s->group_issued == SORT_NONE) {
                s->group_issued = i;
                s->used[i] = s->b->stage >= BUNDLE_STARTED;
            }
        }
        if (rc != QR_OK) return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
    }
    if (s->policies[0] == SORT_NONE || s->policies[1] == SORT_NONE)
        return missing(r, "one of the two policies");
    if (s->b->stage >= BUNDLE_STARTED && s->group_issued == SORT_NONE)
        return missing(r, "certificate.issued of the group");
    return QR_OK;
}

enum qr_rc sort_entries(const struct bundle *b, struct bundle_facts *f, struct sorted *s,
                        struct trust_report *r)
{
    *s = (struct sorted){.b = b};
    if (b->entry_count == 0 || b->entry_count > BUNDLE_MAX_ENTRIES) return missing(r, "any entry");
    QR_TRY(parse_entries(b, f, s, r));
    QR_TRY(count_kinds(s, r));
    return find_special(s, r);
}

struct trust_place sort_place(const struct sorted *s, size_t position)
{
    return (struct trust_place){.index = s->b->entries[position].index,
                                .leaf = s->leaf[position],
                                .time_us = s->parsed[position].time_us,
                                .classes = s->parsed[position].classes};
}

enum qr_rc sort_identity(struct sorted *s, const struct qr_hash *leaf, struct trust_identity *out,
                         struct trust_report *r)
{
    struct qr_err err = {{0}};
    for (size_t i = 0; i < s->b->entry_count; i++) {
        const struct leaf_entry *e = &s->parsed[i];
        if ((e->kind != LEAF_IDENTITY_ENROLLED && e->kind != LEAF_IDENTITY_ROLE_CHANGED) ||
            !qr_hash_equal(&s->leaf[i], leaf))
            continue;
        s->used[i] = true;
        *out = (struct trust_identity){.at = sort_place(s, i), .kind = e->kind, .body = e->body};
        if (leaf_identity_read(e->body, e->kind, &out->is, &err) != QR_OK)
            return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
        return QR_OK;
    }
    return missing(r, "an enrolment");
}

static enum qr_rc find_issued(struct sorted *s, struct trust_approval *a, struct trust_report *r)
{
    for (size_t i = 0; i < s->b->entry_count; i++) {
        if (s->parsed[i].kind != LEAF_CERTIFICATE_ISSUED ||
            leaf_certificate_read(s->parsed[i].body, &a->issued, NULL) != QR_OK ||
            !qr_hash_equal(&a->issued.sha256, &a->is.certificate))
            continue;
        s->used[i] = true;
        a->issued_at = sort_place(s, i);
        return QR_OK;
    }
    return missing(r, "certificate.issued of an approval");
}

/* An object of the bundle by its SHA-256; used marks those taken. */
static bool take(const struct qr_bytes *list, size_t n, const struct qr_hash *want, bool *used,
                 struct qr_bytes *out)
{
    for (size_t i = 0; i < n; i++) {
        struct qr_hash h = qr_sha256_one(list[i]);
        if (!qr_hash_equal(&h, want)) continue;
        used[i] = true;
        *out = list[i];
        return true;
    }
    return false;
}

struct taken {
    bool certificates[BUNDLE_MAX_ITEMS];
    bool grants[BUNDLE_MAX_ITEMS];
    bool evidence[BUNDLE_MAX_ITEMS];
    struct qr_hash digests[BUNDLE_MAX_ITEMS]; /* of the evidence */
};

static enum qr_rc digest_evidence(const struct bundle *b, struct taken *t, struct trust_report *r)
{
    struct qr_err err = {{0}};
    for (size_t i = 0; i < b->evidence_count; i++) {
        struct attest_evidence e = {.trust_class = ATTEST_PRODUCTION};
        if (attest_evidence_parse(b->evidence[i], &e, &err) != QR_OK)
            return trust_stop(r, TRUST_EVIDENCE_FORM, QR_MALFORMED, "%s", err.text);
        t->digests[i] = attest_evidence_digest(e.report, e.vek);
        attest_evidence_fini(&e);
    }
    return QR_OK;
}

static bool take_evidence(const struct bundle *b, struct taken *t, struct trust_approval *a)
{
    for (size_t i = 0; i < b->evidence_count; i++) {
        if (!qr_hash_equal(&t->digests[i], &a->is.evidence)) continue;
        t->evidence[i] = true;
        a->evidence = b->evidence[i];
        return true;
    }
    return false;
}

static enum qr_rc find_objects(struct sorted *s, struct trust_approval *a, struct taken *t,
                               struct trust_report *r)
{
    const struct bundle *b = s->b;
    if (!take(b->certificates, b->certificate_count, &a->is.certificate, t->certificates,
              &a->certificate))
        return missing(r, "the certificate of an approval");
    if (!take(b->grants, b->grant_count, &a->issued.grant, t->grants, &a->grant))
        return missing(r, "the grant of an approval");
    if (!take_evidence(b, t, a)) return missing(r, "the evidence of an approval");
    return QR_OK;
}

/* Whatever is here has a purpose; the one certificate over is the group's. */
static enum qr_rc nothing_left(struct sorted *s, const struct taken *t, size_t approvals,
                               struct trust_report *r)
{
    const struct bundle *b = s->b;
    size_t over = b->stage >= BUNDLE_STARTED ? 1 : 0;
    for (size_t i = 0; i < b->entry_count; i++)
        if (!s->used[i])
            QR_TRY(trust_fail(r, TRUST_BUNDLE_STAGE, QR_FALSE, "entry %llu belongs to nothing",
                              (unsigned long long)b->entries[i].index));
    if (b->certificate_count != approvals + over || b->grant_count != approvals ||
        b->evidence_count != approvals)
        QR_TRY(trust_fail(r, TRUST_BUNDLE_STAGE, QR_FALSE,
                          "%u certificates, %u grants and %u pieces of evidence for %u approvals",
                          (unsigned)b->certificate_count, (unsigned)b->grant_count,
                          (unsigned)b->evidence_count, (unsigned)approvals));
    for (size_t i = 0; i < b->grant_count; i++)
        if (!t->grants[i] || !t->evidence[i])
            QR_TRY(trust_fail(r, TRUST_BUNDLE_STAGE, QR_FALSE, "a grant or evidence twice"));
    for (size_t i = 0; i < b->certificate_count; i++) {
        if (t->certificates[i]) continue;
        bool twice = s->group_der.n > 0 || over == 0;
        if (!twice)
            s->group_der = b->certificates[i];
        else
            QR_TRY(trust_fail(r, TRUST_BUNDLE_STAGE, QR_FALSE, "a certificate twice"));
    }
    if (over && s->group_der.n == 0) return missing(r, "the group certificate");
    return QR_OK;
}

enum qr_rc sort_approvals(struct sorted *s, struct bundle_facts *f, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct taken taken = {.certificates = {false}};
    QR_TRY(digest_evidence(s->b, &taken, r));
    f->approvals = calloc(QR_MAX_PARTICIPANTS, sizeof *f->approvals);
    if (!f->approvals) qr_fatal("out of memory");
    for (size_t i = 0; i < s->b->entry_count; i++) {
        if (s->parsed[i].kind != LEAF_APPROVAL_GIVEN) continue;
        if (f->approval_count == QR_MAX_PARTICIPANTS)
            return trust_stop(r, TRUST_BUNDLE_STAGE, QR_FALSE, "more than %d approvals",
                              QR_MAX_PARTICIPANTS);
        struct trust_approval *a = &f->approvals[f->approval_count];
        s->used[i] = true;
        a->at = sort_place(s, i);
        a->body = s->parsed[i].body;
        if (leaf_approval_read(a->body, &a->is, &err) != QR_OK)
            return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
        QR_TRY(sort_identity(s, &a->is.enrolment, &a->identity, r));
        QR_TRY(find_issued(s, a, r));
        QR_TRY(find_objects(s, a, &taken, r));
        f->approval_count++;
    }
    QR_TRY(nothing_left(s, &taken, f->approval_count, r));
    trust_pass(r, TRUST_BUNDLE_STAGE);
    return QR_OK;
}
