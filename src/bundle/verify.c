/* verify.c - the order of TRUST.md section 10, (a) to (j); from the descriptor
 * on see verify_end.c. */
#include "bundle/verify.h"

#include "bundle/sort.h"
#include "bundle/verify_end.h"

#include <stdlib.h>

void bundle_facts_fini(struct bundle_facts *f)
{
    for (size_t i = 0; i < f->parsed_count; i++) leaf_fini(&f->parsed[i]);
    free(f->parsed);
    free(f->approvals);
    free(f->started);
    attest_policy_free(f->attestation);
    qr_zero(f, sizeof *f);
}

/* (c) */
static enum qr_rc artifact_check(const struct leaf_request *q, const struct bundle_options *opt,
                                 struct trust_report *r)
{
    if (!opt->has_artifact) {
        trust_skip(r, TRUST_ARTIFACT_DIGEST, "no file and no digest was given");
        trust_skip(r, TRUST_ARTIFACT_SIZE, "no file was given");
        return QR_OK;
    }
    QR_TRY(trust_check(r, TRUST_ARTIFACT_DIGEST, qr_hash_equal(&q->artifact.sha256, &opt->artifact),
                       QR_FALSE, "it is another file than the one approved"));
    if (opt->has_size && q->artifact.has_size)
        return trust_check(r, TRUST_ARTIFACT_SIZE, q->artifact.size == opt->size, QR_FALSE,
                           "%llu bytes, but %llu were approved", (unsigned long long)opt->size,
                           (unsigned long long)q->artifact.size);
    trust_skip(r, TRUST_ARTIFACT_SIZE, "%s",
               opt->has_size ? "the request states no size" : "no file was given");
    return QR_OK;
}

/* (d), the checkpoint */
static enum qr_rc checkpoint_check(const struct bundle *b, const struct trust_dir *dir,
                                   struct bundle_facts *f, struct trust_report *r)
{
    struct tlog_bytes note = {b->checkpoint.p, b->checkpoint.n};
    struct tlog_note parsed;
    struct tlog_checkpoint cp;
    struct tlog_vkey keys[TRUST_MAX_KEYS];
    if (tlog_note_parse(note, &parsed) != TLOG_OK ||
        tlog_checkpoint_parse(parsed.text, &cp) != TLOG_OK)
        return trust_stop(r, TRUST_CHECKPOINT_ORIGIN, QR_MALFORMED, "it is not a checkpoint");
    QR_TRY(trust_check(r, TRUST_CHECKPOINT_ORIGIN,
                       qr_bytes_is(QR_BYTES(cp.origin.p, cp.origin.n), dir->origin) &&
                           qr_bytes_is(b->origin, dir->origin),
                       QR_FALSE, "it is of another log than %.80s", dir->origin));
    struct tlog_trust trust = {.origin = dir->origin, .keys = keys};
    trust.key_count = trust_log_keys(dir, cp.head.size, keys);
    QR_TRY(trust_check(r, TRUST_CHECKPOINT_SIGNATURE,
                       trust.key_count > 0 && tlog_checkpoint_open(note, &trust, &cp) == TLOG_OK,
                       QR_FALSE, "no log key valid at size %llu signed it",
                       (unsigned long long)cp.head.size));
    f->head = cp.head;
    if (trust_witnesses_count(dir, &parsed, &f->witnesses, NULL) != QR_OK)
        return trust_fail(r, TRUST_CHECKPOINT_WITNESSES, QR_FALSE,
                          "the cosignature of a trusted witness is wrong");
    return trust_check(r, TRUST_CHECKPOINT_WITNESSES, f->witnesses >= dir->signing.witnesses,
                       QR_POLICY, "%u of %u witnesses", f->witnesses, dir->signing.witnesses);
}

/* (d), the leaves */
static enum qr_rc inclusion_check(const struct bundle *b, const struct bundle_facts *f,
                                  struct trust_report *r)
{
    for (size_t i = 0; i < b->entry_count; i++) {
        const struct bundle_entry *e = &b->entries[i];
        struct tlog_hash leaf;
        tlog_leaf_hash((struct tlog_bytes){e->leaf.p, e->leaf.n}, &leaf);
        if (tlog_inclusion_check(e->index, &f->head, &leaf, &e->proof) != TLOG_OK)
            QR_TRY(trust_fail(r, TRUST_ENTRY_INCLUSION, QR_FALSE,
                              "entry %llu is not shown to be in the tree of %llu",
                              (unsigned long long)e->index, (unsigned long long)f->head.size));
    }
    trust_pass(r, TRUST_ENTRY_INCLUSION);
    return QR_OK;
}

/* Marks the proof for a size as used; NULL: there is none. */
static const struct tlog_proof *proof_for(const struct bundle *b, uint64_t size, bool *used)
{
    for (size_t i = 0; i < b->consistency_count; i++) {
        if (b->consistency[i].size != size) continue;
        used[i] = true;
        return &b->consistency[i].proof;
    }
    return NULL;
}

/* One checkpoint that an entry states, against the bundle's. */
static enum qr_rc stated_check(const struct bundle *b, const struct bundle_facts *f,
                               const struct leaf_checkpoint *at, bool *used, struct trust_report *r)
{
    struct tlog_head earlier = {.size = at->size};
    unsigned long long size = at->size;
    qr_copy(earlier.root.b, at->root.b, TLOG_HASH_SIZE);
    if (at->size > f->head.size)
        return trust_fail(r, TRUST_CHECKPOINT_CONSISTENT, QR_STALE,
                          "a checkpoint of size %llu is newer than the bundle's", size);
    if (at->size == f->head.size)
        return tlog_hash_equal(&earlier.root, &f->head.root)
                   ? QR_OK
                   : trust_fail(r, TRUST_CHECKPOINT_CONSISTENT, QR_FORK,
                                "two different roots for size %llu", size);
    const struct tlog_proof *proof = proof_for(b, at->size, used);
    if (!proof || tlog_consistency_check(&earlier, &f->head, proof) != TLOG_OK)
        return trust_fail(r, TRUST_CHECKPOINT_CONSISTENT, QR_FALSE,
                          "the tree of size %llu is not shown to be the beginning of this one",
                          size);
    return QR_OK;
}

/* (d), mutual consistency: everybody saw one history. */
static enum qr_rc consistency_check(const struct bundle *b, const struct bundle_facts *f,
                                    struct trust_report *r)
{
    struct leaf_checkpoint all[QR_MAX_PARTICIPANTS + 1];
    bool used[BUNDLE_MAX_CONSISTENCY] = {false};
    size_t n = 0;
    for (size_t i = 0; i < f->approval_count; i++) all[n++] = f->approvals[i].is.checkpoint;
    if (f->stage >= BUNDLE_FROZEN) all[n++] = f->descriptor.is.checkpoint;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (all[i].size == all[j].size && !qr_hash_equal(&all[i].root, &all[j].root))
                QR_TRY(trust_fail(r, TRUST_CHECKPOINT_CONSISTENT, QR_FORK,
                                  "two different roots for size %llu",
                                  (unsigned long long)all[i].size));
    for (size_t i = 0; i < n; i++) QR_TRY(stated_check(b, f, &all[i], used, r));
    for (size_t i = 0; i < b->consistency_count; i++)
        if (!used[i])
            QR_TRY(trust_fail(r, TRUST_BUNDLE_STAGE, QR_FALSE,
                              "a consistency proof belongs to nothing"));
    trust_pass(r, TRUST_CHECKPOINT_CONSISTENT);
    return QR_OK;
}

/* Place of a kind in the ceremony; identities may stand anywhere before. */
static unsigned rank_of(const struct sorted *s, size_t i)
{
    switch (s->parsed[i].kind) {
    case LEAF_SESSION_REQUESTED: return 1;
    case LEAF_APPROVAL_GIVEN: return 2;
    case LEAF_CERTIFICATE_ISSUED: return i == s->group_issued ? 6 : 2;
    case LEAF_ROSTER_ATTESTED: return 3;
    case LEAF_ROSTER_FROZEN: return 4;
    case LEAF_DKG_COMPLETED: return 5;
    case LEAF_SIGNING_STARTED: return 7;
    case LEAF_SIGNATURE_MADE: return 8;
    default: return 0;
    }
}

static enum qr_rc order_check(const struct sorted *s, struct trust_report *r)
{
    unsigned rank = 0;
    int64_t newest_us = 0;
    for (size_t i = 0; i < s->b->entry_count; i++) {
        const struct leaf_entry *e = &s->parsed[i];
        bool identity = e->kind == LEAF_IDENTITY_ENROLLED || e->kind == LEAF_IDENTITY_ROLE_CHANGED;
        unsigned own = rank_of(s, i);
        if (!identity && own < rank)
            QR_TRY(trust_fail(r, TRUST_ENTRY_ORDER, QR_FALSE, "%s stands too late",
                              leaf_kind_name(e->kind)));
        if (!identity) rank = own;
        if (e->time_us + 2 * QR_MAX_TIME_SKEW_US < newest_us)
            QR_TRY(trust_fail(r, TRUST_ENTRY_ORDER, QR_FALSE, "the time of %s goes back",
                              leaf_kind_name(e->kind)));
        if (e->time_us > newest_us) newest_us = e->time_us;
    }
    trust_pass(r, TRUST_ENTRY_ORDER);
    return QR_OK;
}

/* Every entry from the request on names the session by its leaf hash. */
static enum qr_rc session_check(const struct sorted *s, const struct bundle_facts *f,
                                struct trust_report *r)
{
    char leaf[2 * QR_SHA256_SIZE + 1];
    qr_hex(f->request.at.leaf.b, QR_SHA256_SIZE, leaf);
    QR_TRY(trust_check(r, TRUST_ENTRY_SESSION,
                       qr_bytes_is(qr_str(s->b->session), f->request.is.session), QR_FALSE,
                       "the bundle is of another session"));
    for (size_t i = 0; i < s->b->entry_count; i++) {
        const json_t *body = s->parsed[i].body;
        if (rank_of(s, i) < 2 && s->parsed[i].kind != LEAF_CERTIFICATE_ISSUED) continue;
        const char *got = json_string_value(json_object_get(body, "session_leaf"));
        const char *id = json_string_value(json_object_get(body, "session"));
        if (!got || !qr_bytes_is(qr_str(got), leaf) ||
            (id && !qr_bytes_is(qr_str(id), f->request.is.session)))
            QR_TRY(trust_fail(r, TRUST_ENTRY_SESSION, QR_FALSE, "%s is of another session",
                              leaf_kind_name(s->parsed[i].kind)));
    }
    trust_pass(r, TRUST_ENTRY_SESSION);
    return QR_OK;
}

static struct qr_hash entry_identity(const struct bundle_facts *f, struct qr_bytes leaf)
{
    const struct qr_bytes parts[] = {QR_BYTES(&f->context.classes, sizeof f->context.classes),
                                     leaf};
    return bundle_fact_hash(BUNDLE_FACT_ENTRY, parts, 2);
}

/* (e) */
static enum qr_rc entries_check(const struct sorted *s, struct bundle_facts *f,
                                struct bundle_known *known, struct trust_report *r)
{
    for (size_t i = 0; i < s->b->entry_count; i++) {
        struct qr_hash h = entry_identity(f, s->b->entries[i].leaf);
        if (!bundle_known_has(known, &h)) {
            trust_report_subject(r, "entry %llu", (unsigned long long)s->b->entries[i].index);
            QR_TRY(trust_entry_check(&f->context, &s->parsed[i], r));
            bundle_known_add(known, &h);
        }
        f->classes |= s->parsed[i].classes;
        if (s->parsed[i].time_us > f->time_us) f->time_us = s->parsed[i].time_us;
    }
    trust_report_subject(r, "%s", "");
    QR_TRY(session_check(s, f, r));
    return order_check(s, r);
}

/* One that the directory has only by its hash speaks for itself. */
static enum qr_rc take_attestation(struct bundle_facts *f, const struct leaf_policy *p,
                                   struct trust_report *r)
{
    struct trust_context *ctx = &f->context;
    struct qr_err err = {{0}};
    ctx->policies.attestation = p->hash;
    if (attest_pin_find(ctx->dir->attestation, &p->hash)) return QR_OK;
    if (attest_policy_parse(p->text, &f->attestation, &err) != QR_OK)
        return trust_stop(r, TRUST_POLICY_TEXT, QR_MALFORMED, "%s", err.text);
    ctx->attestation = f->attestation;
    return QR_OK;
}

/* Where the directory knows which attestation policy was in force at the request,
 * it was the session's. */
static enum qr_rc in_force_check(const struct bundle_facts *f, struct trust_report *r)
{
    struct qr_hash is;
    if (trust_attestation_at(f->context.dir, f->request.at.index, &is) == QR_OK)
        return trust_check(r, TRUST_POLICY_IN_FORCE,
                           qr_hash_equal(&is, &f->context.policies.attestation), QR_POLICY,
                           "another attestation policy was in force at the request");
    trust_skip(r, TRUST_POLICY_IN_FORCE,
               "asserted, not checked: only the whole log shows that no later one was logged");
    return QR_OK;
}

/* (f): from here on the session's own policies judge, never looser ones. */
static enum qr_rc policies_check(struct sorted *s, struct bundle_facts *f, unsigned extra_classes,
                                 struct trust_report *r)
{
    struct trust_context *ctx = &f->context;
    for (unsigned i = 0; i < 2; i++) {
        struct leaf_policy p;
        struct qr_err err = {{0}};
        const json_t *body = s->parsed[s->policies[i]].body;
        if (leaf_policy_read(body, &p, &err) != QR_OK)
            return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
        trust_report_subject(r, "%s", i == LEAF_POLICY_SIGNING ? "signing" : "attestation");
        QR_TRY(trust_policy_check(ctx, &p, body, &ctx->signing, r));
        if (i == LEAF_POLICY_SIGNING)
            ctx->policies.signing = p.hash;
        else
            QR_TRY(take_attestation(f, &p, r));
    }
    trust_report_subject(r, "%s", "");
    ctx->of_log = true;
    ctx->classes = trust_origin_lesser(ctx->dir->origin) ? ctx->signing.classes | extra_classes : 0;
    return in_force_check(f, r);
}

static void put_place(struct qr_buf *b, const struct trust_place *at)
{
    qr_buf_put_be64(b, at->index);
    qr_buf_put(b, at->leaf.b, sizeof at->leaf.b);
}

/* Everything that the verdict on an approval depends on. */
static struct qr_hash approval_identity(const struct bundle_facts *f,
                                        const struct trust_approval *a)
{
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_BUNDLE);
    put_place(&b, &f->request.at);
    put_place(&b, &a->at);
    put_place(&b, &a->identity.at);
    put_place(&b, &a->issued_at);
    qr_buf_put_lp(&b, a->certificate);
    qr_buf_put_lp(&b, a->grant);
    qr_buf_put_lp(&b, a->evidence);
    qr_buf_put(&b, f->context.policies.signing.b, QR_SHA256_SIZE);
    qr_buf_put(&b, f->context.policies.attestation.b, QR_SHA256_SIZE);
    qr_buf_put_be32(&b, f->context.classes);
    if (b.failed) qr_fatal("an approval over the bundle's cap");
    struct qr_bytes all = qr_buf_bytes(&b);
    struct qr_hash h = bundle_fact_hash(BUNDLE_FACT_APPROVAL, &all, 1);
    qr_buf_fini(&b);
    return h;
}

/* (h) and (i) of every approval, then (j) */
static enum qr_rc approvals_check(struct bundle_facts *f, struct bundle_known *known,
                                  struct trust_report *r)
{
    for (size_t i = 0; i < f->approval_count; i++) {
        struct trust_approval *a = &f->approvals[i];
        struct qr_hash h = approval_identity(f, a);
        f->classes |= a->is.classes;
        if (bundle_known_has(known, &h)) continue;
        trust_report_subject(r, "approval %u", (unsigned)i + 1);
        QR_TRY(trust_approval_check(&f->context, &f->request, a, r));
        bundle_known_add(known, &h);
    }
    trust_report_subject(r, "%s", "");
    if (f->stage >= BUNDLE_FROZEN)
        return trust_quorum_check(&f->context, &f->request, f->approvals, f->approval_count, r);
    return trust_people_check(&f->context, &f->request, f->approvals, f->approval_count, r);
}

static enum qr_rc read_request(struct sorted *s, struct bundle_facts *f, struct trust_report *r)
{
    struct qr_err err = {{0}};
    size_t at = s->only[LEAF_SESSION_REQUESTED];
    f->request = (struct trust_request){.at = sort_place(s, at), .body = s->parsed[at].body};
    if (leaf_request_read(f->request.body, &f->request.is, &err) != QR_OK)
        return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
    return sort_identity(s, &f->request.is.enrolment, &f->requester, r);
}

static enum qr_rc read_freeze(struct sorted *s, struct bundle_facts *f, struct trust_report *r)
{
    struct qr_err err = {{0}};
    size_t roster = s->only[LEAF_ROSTER_ATTESTED], frozen = s->only[LEAF_ROSTER_FROZEN];
    f->roster.at = sort_place(s, roster);
    f->descriptor.at = sort_place(s, frozen);
    f->descriptor.hash = leaf_descriptor_hash(s->parsed[frozen].body);
    enum qr_rc rc = leaf_roster_read(s->parsed[roster].body, &f->roster.is, &err);
    if (rc == QR_OK) rc = leaf_descriptor_read(s->parsed[frozen].body, &f->descriptor.is, &err);
    return rc == QR_OK ? rc : trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
}

/* Payloads of the file stand as requested; signatures only when signed. */
static enum qr_rc payload_list_check(const struct bundle *b, const struct leaf_request *q,
                                     struct trust_report *r)
{
    bool ok = b->payload_count == q->payloads.n;
    for (size_t i = 0; ok && i < b->payload_count; i++)
        ok = b->payloads[i].type == q->payloads.p[i].type &&
             b->payloads[i].has_sig == (b->stage == BUNDLE_SIGNED);
    ok = ok && b->has_frames == (b->stage >= BUNDLE_STARTED) &&
         (b->transcript.n > 0) == (b->stage >= BUNDLE_STARTED) &&
         (b->ssh.n == 0 || b->stage >= BUNDLE_STARTED);
    return trust_check(r, TRUST_BUNDLE_STAGE, ok, QR_FALSE,
                       "its payloads, frames or transcript do not fit its stage");
}

/* The identity entry of the i-th approval, then the requester's. */
static const struct trust_identity *identity_of(const struct bundle_facts *f, size_t i)
{
    return i < f->approval_count ? &f->approvals[i].identity : &f->requester;
}

/* (g), as far as these entries show it: one of them replaced an enrolment
 * before the roster, or before the request of the requester. */
static enum qr_rc replaced_check(const struct bundle_facts *f, struct trust_report *r)
{
    for (size_t i = 0; i <= f->approval_count; i++) {
        uint64_t until = i < f->approval_count ? f->roster.at.index : f->request.at.index;
        for (size_t j = 0; j <= f->approval_count; j++) {
            const struct trust_identity *later = identity_of(f, j);
            if (later->kind == LEAF_IDENTITY_ROLE_CHANGED && later->at.index < until &&
                qr_hash_equal(&later->is.enrolment, &identity_of(f, i)->at.leaf))
                QR_TRY(trust_fail(r, TRUST_ROSTER_REVOKED, QR_FALSE,
                                  "entry %llu had replaced the enrolment of entry %llu",
                                  (unsigned long long)later->at.index,
                                  (unsigned long long)identity_of(f, i)->at.index));
        }
    }
    return QR_OK;
}

static enum qr_rc frozen_check(struct bundle_facts *f, struct bundle_known *known,
                               struct trust_report *r)
{
    struct trust_freeze freeze = {.req = &f->request,
                                  .approvals = f->approvals,
                                  .n = f->approval_count,
                                  .roster = &f->roster,
                                  .d = &f->descriptor};
    QR_TRY(trust_roster_check(&f->context, &freeze, r));
    QR_TRY(replaced_check(f, r));
    QR_TRY(approvals_check(f, known, r));
    QR_TRY(trust_descriptor_check(&f->context, &freeze, r));
    return trust_request_alive(&f->request, f->descriptor.at.time_us, r);
}

static enum qr_rc verify(const struct bundle *b, const struct trust_dir *dir,
                         const struct bundle_options *opt, struct trust_report *r,
                         struct bundle_facts *f)
{
    struct sorted s;
    unsigned extra = opt->allow_simulated ? QR_CLASS_SIMULATED : 0;
    trust_pass(r, TRUST_BUNDLE_FORM);
    QR_TRY(trust_check(r, TRUST_BUNDLE_STAGE, b->stage >= opt->need, QR_FALSE,
                       "it ends at stage %s, but %s is needed", bundle_stage_name(b->stage),
                       bundle_stage_name(opt->need)));
    trust_pass(r, TRUST_TRUST_LOADED);
    trust_context_of(dir, extra, &f->context);
    QR_TRY(sort_entries(b, f, &s, r));
    QR_TRY(read_request(&s, f, r));
    QR_TRY(sort_approvals(&s, f, r));
    QR_TRY(payload_list_check(b, &f->request.is, r));
    if (b->stage >= BUNDLE_FROZEN) QR_TRY(read_freeze(&s, f, r));
    QR_TRY(artifact_check(&f->request.is, opt, r));
    QR_TRY(checkpoint_check(b, dir, f, r));
    QR_TRY(inclusion_check(b, f, r));
    QR_TRY(consistency_check(b, f, r));
    QR_TRY(entries_check(&s, f, opt->known, r));
    QR_TRY(policies_check(&s, f, extra, r));
    QR_TRY(trust_request_check(&f->context, &f->request, &f->requester, r));
    if (opt->now_us) QR_TRY(trust_request_alive(&f->request, *opt->now_us, r));
    if (b->stage < BUNDLE_FROZEN) return approvals_check(f, opt->known, r);
    QR_TRY(frozen_check(f, opt->known, r));
    return b->stage < BUNDLE_STARTED ? QR_OK : verify_end(&s, opt, f, r);
}

enum qr_rc bundle_verify(const struct bundle *b, const struct trust_dir *dir,
                         const struct bundle_options *opt, struct trust_report *r,
                         struct bundle_facts *facts)
{
    qr_zero(facts, sizeof *facts);
    facts->stage = b->stage;
    return verify(b, dir, opt, r, facts);
}
