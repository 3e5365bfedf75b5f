/* group_sign.c - signing with a standing group what a quorum signed.
 *
 * join with commitments -> the log shows group.signing_started -> share -> made.
 * Nonces live in this process alone and serve once. */
#include "frost/aggregate.h"
#include "frost/sign.h"
#include "participant/group_own.h"
#include "trust/entry_check.h"

#include <stdlib.h>

/* Each one that fails is some member's doing. */
enum { ATTEMPTS = QR_MAX_PARTICIPANTS };

struct signing {
    struct qr_hash group;
    size_t payloads;
    struct qr_buf msg[QR_MAX_PAYLOADS];
    const struct trust_group *now;
    struct frost_share share;
    bool has_share;
    struct frost_nonces *nonces[QR_MAX_PAYLOADS];
    struct frost_commitment own[QR_MAX_PAYLOADS];
    struct leaf_group_started started; /* as the log has it */
    struct leaf_group_made made;
};

/* ---- what is signed ---- */

/* Rebuilt from the quorum's entries, and the same as the quorum signed. */
static enum qr_rc make_messages(struct run *r, struct signing *s, struct qr_err *err)
{
    const struct trust_dir *dir = services_trust(r->conf->services);
    const struct leaf_descriptor *d = &r->facts.descriptor.is;
    const struct trust_given given = {.file = r->conf->has_file ? r->conf->file : QR_BYTES_NONE};
    s->payloads = d->payloads.n;
    for (size_t i = 0; i < s->payloads; i++) {
        const struct leaf_payload *p = &d->payloads.p[i];
        struct qr_hash digest;
        if (qr_payload_needs_file(p->type) && !r->conf->has_file)
            return qr_fail(err, QR_USAGE, "payload %s needs the file: give --file",
                           qr_payload_name(p->type));
        qr_buf_init(&s->msg[i], QR_MAX_RAW_FILE);
        enum qr_rc rc = trust_payload_message(dir, &r->facts.request.is, d, p, &given, &s->msg[i]);
        if (rc != QR_OK) return qr_fail(err, rc, "payload %zu cannot be rebuilt", i + 1);
        QR_TRY(trust_payload_named(&r->facts.request.is, p, qr_buf_bytes(&s->msg[i]), &digest));
        if (!qr_hash_equal(&digest, &p->digest))
            return qr_fail(err, QR_FALSE, "payload %zu is not what the quorum signed", i + 1);
    }
    return QR_OK;
}

/* The text that all signers agree on: group, epoch, and what is to be signed. */
static enum qr_rc make_text(struct run *r, struct signing *s, struct qr_err *err)
{
    struct leaf_group_signing is = {.approved = r->approved};
    struct trust_report report;
    QR_TRY(groups_view_named(&r->view, r->conf->group, &s->now, err));
    s->group = s->now->ref.group;
    r->role = s->now->role;
    is.with = s->now->ref;
    (void)snprintf(is.session, sizeof is.session, "%s", r->facts.request.is.session);
    trust_report_init(&report);
    enum qr_rc rc =
        trust_groups_signing_check(r->view.groups, &is, &r->facts.descriptor.is.payloads, &report);
    if (rc != QR_OK) (void)trust_report_err(&report, err);
    trust_report_fini(&report);
    qr_buf_reset(&r->text);
    if (rc == QR_OK) rc = leaf_group_signing_write(&is, &r->text);
    r->hash = qr_sha256_one(qr_buf_bytes(&r->text));
    return rc;
}

/* ---- commitments ---- */

static enum qr_rc join(struct run *r, struct signing *s, struct qr_err *err)
{
    struct leaf_group_join j = {.signs = true,
                                .classes = r->conf->classes,
                                .enrolment = r->conf->person->enrolment,
                                .envelope_key = r->envelope.pub,
                                .pairs = s->payloads};
    struct qr_buf body;
    for (size_t i = 0; i < s->payloads; i++) {
        QR_TRY(frost_commit(&s->share, &s->nonces[i], &s->own[i], err));
        qr_copy(j.pair[i], s->own[i].hiding, POINT_SIZE);
        qr_copy(j.pair[i] + POINT_SIZE, s->own[i].binding, POINT_SIZE);
    }
    qr_buf_init(&body, 8192);
    enum qr_rc rc = leaf_group_join_write(&j, &body);
    if (rc == QR_OK) rc = run_send(r, LEAF_GROUP_JOIN, qr_buf_bytes(&body), err);
    qr_buf_fini(&body);
    return rc;
}

static bool started(const struct run *r) { return run_is(r, "STARTED") || run_done(r); }

/* The entry, by the log that we read ourselves: it counts, is of this attempt, and
 * has our commitments. */
static enum qr_rc check_started(struct run *r, struct signing *s, struct qr_err *err)
{
    struct log_answer a;
    QR_TRY(run_reload(r, err));
    s->now = trust_groups_find(r->view.groups, &s->group);
    QR_TRY(log_client_proofs(services_log(r->conf->services), &r->started_index, 1, &a, err));
    const struct leaf_group_started *is =
        a.n == 1 ? trust_groups_started(r->view.groups, &a.entries[0].leaf) : NULL;
    enum qr_rc rc = QR_OK;
    if (!s->now || !is)
        rc = qr_fail(err, QR_FALSE, "the log does not show the start of this signing%s%s",
                     r->view.ignored ? ": " : "", r->view.ignored ? r->view.why.text : "");
    if (rc == QR_OK) {
        s->started = *is;
        s->made.started = a.entries[0].leaf;
        for (size_t i = 0; i < r->parties; i++) r->signer[i] = false;
        for (size_t i = 0; i < is->n; i++) r->signer[is->payloads[0].pairs[i].index - 1] = true;
        if (is->attempt != r->attempt || !qr_hash_equal(&is->approved, &r->approved) ||
            !qr_equal_ct(is->with.digest, s->now->ref.digest, LEAF_GROUP_DIGEST_SIZE))
            rc = qr_fail(err, QR_FALSE, "the start in the log is of another signing");
    }
    log_answer_fini(&a);
    return rc;
}

static void list_of(const struct leaf_group_started *st, size_t payload,
                    struct frost_commitment *out)
{
    for (size_t i = 0; i < st->n; i++) {
        const struct leaf_commitment_pair *p = &st->payloads[payload].pairs[i];
        out[i].id = p->index;
        qr_copy(out[i].hiding, p->hiding.b, POINT_SIZE);
        qr_copy(out[i].binding, p->binding.b, POINT_SIZE);
    }
}

static bool listed(const struct signing *s)
{
    for (size_t i = 0; i < s->started.n; i++)
        if (s->started.payloads[0].pairs[i].index == s->share.id) return true;
    return false;
}

/* ---- shares ---- */

/* frost_sign holds the list against our own commitments, and uses the nonces up. */
static enum qr_rc send_shares(struct run *r, struct signing *s, struct qr_err *err)
{
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    uint8_t z[QR_MAX_PAYLOADS][SCALAR_SIZE];
    for (size_t i = 0; i < s->payloads; i++) {
        list_of(&s->started, i, list);
        const struct frost_package p = {
            .msg = qr_buf_bytes(&s->msg[i]), .list = list, .count = s->started.n};
        QR_TRY(frost_sign(s->nonces[i], &s->share, &p, z[i], err));
    }
    return run_send(r, LEAF_GROUP_SHARE, QR_BYTES(z, s->payloads * SCALAR_SIZE), err);
}

static bool shared(const struct run *r)
{
    for (size_t i = 0; i < r->parties; i++)
        if (r->signer[i] && !r->party[i].has[LEAF_GROUP_SHARE]) return run_done(r);
    return true;
}

static enum qr_rc name_culprits(const struct frost_result *res, enum qr_rc rc, struct qr_err *err)
{
    if (res->culprits.count == 0) return rc;
    return qr_fail(err, QR_FALSE, "member %u sent a wrong signature share", res->culprits.ids[0]);
}

static enum qr_rc combine(struct run *r, struct signing *s, struct qr_err *err)
{
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    struct frost_sig_share shares[QR_MAX_PARTICIPANTS];
    for (size_t i = 0; i < s->payloads; i++) {
        struct frost_result res;
        list_of(&s->started, i, list);
        for (size_t k = 0; k < s->started.n; k++) {
            struct qr_bytes b = qr_buf_bytes(&r->party[list[k].id - 1].body[LEAF_GROUP_SHARE]);
            if (b.n != s->payloads * SCALAR_SIZE)
                return qr_fail(err, QR_FALSE, "member %u sent no signature share", list[k].id);
            shares[k].id = list[k].id;
            qr_copy(shares[k].z, b.p + i * SCALAR_SIZE, SCALAR_SIZE);
        }
        const struct frost_package p = {
            .msg = qr_buf_bytes(&s->msg[i]), .list = list, .count = s->started.n};
        enum qr_rc rc = frost_aggregate(&s->now->is, &p, shares, &res, err);
        if (rc != QR_OK) return name_culprits(&res, rc, err);
        qr_copy(s->made.signatures[i].sig.b, res.sig, FROST_SIG_SIZE);
    }
    return QR_OK;
}

static enum qr_rc send_made(struct run *r, struct signing *s, struct qr_err *err)
{
    struct qr_buf body;
    qr_buf_init(&body, QR_MAX_PAYLOADS * QR_SIG_SIZE);
    for (size_t i = 0; i < s->payloads; i++)
        qr_buf_put(&body, s->made.signatures[i].sig.b, QR_SIG_SIZE);
    enum qr_rc rc = run_send(r, LEAF_GROUP_MADE, qr_buf_bytes(&body), err);
    qr_buf_fini(&body);
    return rc;
}

/* ---- the end ---- */

/* group.signature_made, from the log: it counts, and its signatures verify. */
static enum qr_rc read_made(struct run *r, struct signing *s, struct qr_err *err)
{
    struct log_answer a;
    struct leaf_entry e = {.json = NULL};
    const struct trust_dir *dir = services_trust(r->conf->services);
    QR_TRY(log_client_proofs(services_log(r->conf->services), &r->done_index, 1, &a, err));
    enum qr_rc rc = a.n == 1 ? leaf_parse(a.entries[0].bytes, &e, err) : QR_NOTFOUND;
    if (rc == QR_OK && e.kind != LEAF_GROUP_SIGNATURE_MADE) rc = QR_FALSE;
    if (rc == QR_OK) {
        const struct qr_pub *key = trust_author_key(dir, e.author, qr_str(e.key_id));
        rc = key ? leaf_verify(&e, key) : QR_FALSE;
    }
    if (rc == QR_OK) rc = leaf_group_made_read(e.body, &s->made, err);
    if (rc == QR_OK &&
        (s->made.n != s->payloads || !qr_hash_equal(&s->made.approved, &r->approved) ||
         !qr_equal_ct(s->made.group_key.b, s->now->is.key.b, QR_KEY_SIZE)))
        rc = QR_FALSE;
    for (size_t i = 0; i < s->payloads && rc == QR_OK; i++)
        rc = qr_verify(&s->made.group_key, qr_buf_bytes(&s->msg[i]), &s->made.signatures[i].sig);
    leaf_fini(&e);
    log_answer_fini(&a);
    return rc == QR_OK ? rc : qr_fail(err, rc, "the log shows another signature");
}

static enum qr_rc attempt(struct run *r, struct signing *s, struct qr_err *err)
{
    QR_TRY(run_keys(r, err));
    QR_TRY(join(r, s, err));
    run_tell(r, "waiting for enough members");
    QR_TRY(run_wait(r, started, err));
    if (run_done(r)) return QR_OK; /* others have signed it meanwhile */
    QR_TRY(check_started(r, s, err));
    if (!listed(s)) return run_wait(r, run_done, err); /* enough others sign */
    run_tell(r, "the log shows the start; signing");
    QR_TRY(send_shares(r, s, err));
    QR_TRY(run_wait(r, shared, err));
    if (run_done(r)) return QR_OK;
    QR_TRY(combine(r, s, err));
    QR_TRY(send_made(r, s, err));
    return run_wait(r, run_done, err);
}

static void drop_nonces(struct signing *s)
{
    for (size_t i = 0; i < QR_MAX_PAYLOADS; i++) {
        frost_nonces_free(s->nonces[i]);
        s->nonces[i] = NULL;
    }
}

static enum qr_rc sign(struct run *r, struct signing *s, struct qr_err *err)
{
    QR_TRY(make_text(r, s, err));
    QR_TRY(run_parties(r, s->now->member, s->now->is.n, err));
    QR_TRY(make_messages(r, s, err));
    QR_TRY(group_settle(&r->view, r->conf->store, err));
    const struct standing_group g = {
        .id = s->now->ref.group.b, .epoch = s->now->ref.epoch, .is = &s->now->is};
    QR_TRY(share_store_get(r->conf->store, &g, &s->share, err));
    s->has_share = true;
    enum qr_rc rc = QR_STALE;
    for (int i = 0; i < ATTEMPTS && rc == QR_STALE; i++) {
        rc = run_begin(r, err);
        if (rc == QR_OK && run_is(r, "OPEN"))
            rc = attempt(r, s, err);
        else if (rc == QR_OK)
            rc = run_wait(r, run_done, err);
        drop_nonces(s);
        if (rc == QR_STALE) run_tell(r, *r->reason ? r->reason : "the attempt failed");
    }
    return rc == QR_OK ? read_made(r, s, err) : rc;
}

/* The quorum's bundle goes to the caller, with the group's key and signatures. */
static void hand_over(struct run *r, const struct signing *s, struct group_signed *out)
{
    out->bytes = r->bytes;
    out->bundle = r->bundle;
    out->facts = r->facts;
    out->made = s->made;
    out->index = r->done_index;
    out->facts.group_key = s->made.group_key;
    for (size_t i = 0; i < s->payloads; i++)
        out->facts.made.signatures[i].sig = s->made.signatures[i].sig;
    qr_buf_init(&r->bytes, 0);
    qr_zero(&r->bundle, sizeof r->bundle);
    qr_zero(&r->facts, sizeof r->facts);
}

enum qr_rc group_sign_run(const struct group_run_conf *conf, struct group_signed *out,
                          struct qr_err *err)
{
    struct run *r = NULL;
    *out = (struct group_signed){.index = 0};
    QR_TRY(run_new(conf, &r, err));
    struct signing *s = calloc(1, sizeof *s);
    enum qr_rc rc = s ? sign(r, s, err) : QR_NOMEM;
    if (rc == QR_OK) hand_over(r, s, out);
    if (s) {
        drop_nonces(s);
        if (s->has_share) frost_share_fini(&s->share);
        for (size_t i = 0; i < QR_MAX_PAYLOADS; i++) qr_buf_fini(&s->msg[i]);
    }
    free(s);
    run_free(r);
    return rc;
}

void group_signed_free(struct group_signed *s)
{
    bundle_facts_fini(&s->facts);
    bundle_fini(&s->bundle);
    qr_buf_fini(&s->bytes);
}
