/* verify_end.c - the group key is computed from the transcript; everything
 * else that names a group key must name this one. */
#include "bundle/verify_end.h"

#include "frost/certificate.h"
#include "frost/package.h"
#include "leaf/certificate.h"
#include "trust/signing_check.h"
#include "trust/ssh_check.h"

#include <stdlib.h>

/* Statement, prefix and type of one payload. */
#define MAX_MESSAGE 65536

static bool pub_equal(const struct qr_pub *a, const uint8_t *b)
{
    return qr_bytes_equal(QR_BYTES_OF(a->b), QR_BYTES(b, QR_KEY_SIZE));
}

/* n, t, static keys in order, context, ext: NULL if all follow from d. */
static const char *transcript_difference(const struct trust_dir *dir,
                                         const struct trust_descriptor *d, const uint8_t *frames,
                                         const struct cocktail_certificate *c)
{
    struct cocktail_params want;
    struct qr_buf prefix;
    uint8_t ext[COCKTAIL_EXT_SIZE];
    if (c->params.n != d->is.n || c->params.t != d->is.t) return "n or t";
    for (size_t i = 0; i < d->is.n; i++)
        if (!pub_equal(&d->is.members[i].cocktail_key, c->params.keys[i].b)) return "members";
    want = c->params;
    cocktail_context(&want, QR_BYTES_OF(d->hash.b));
    if (!qr_bytes_equal(QR_BYTES_OF(want.context), QR_BYTES_OF(c->params.context)))
        return "context";
    qr_buf_init(&prefix, TLOG_NAME_MAX + 128);
    leaf_descriptor_ext_prefix(&d->is, &d->hash, qr_str(dir->origin), &prefix);
    cocktail_ext(qr_buf_bytes(&prefix), frames, ext);
    qr_buf_fini(&prefix);
    return qr_bytes_equal(QR_BYTES_OF(ext), c->ext) ? NULL : "extension";
}

static enum qr_rc dkg_check(const struct trust_dir *dir, const struct trust_descriptor *d,
                            const struct bundle_dkg *dkg, struct trust_report *r,
                            struct cocktail_certificate *c)
{
    struct qr_err err = {{0}};
    if (cocktail_certificate_read(dkg->certificate, c, &err) != QR_OK)
        return trust_stop(r, TRUST_DKG_TRANSCRIPT, QR_FALSE, "%s", err.text);
    const char *what = transcript_difference(dir, d, dkg->frames, c);
    QR_TRY(
        trust_check(r, TRUST_DKG_TRANSCRIPT, !what, QR_FALSE, "of another %s", what ? what : ""));
    struct qr_hash fact = bundle_fact_dkg(dkg->certificate);
    if (!bundle_known_has(dkg->known, &fact))
        QR_TRY(trust_result(r, TRUST_DKG_SIGNATURES, cocktail_certificate_signed(c, &err), &err));
    trust_pass(r, TRUST_DKG_GROUP_KEY);
    return QR_OK;
}

enum qr_rc bundle_dkg_check(const struct trust_dir *dir, const struct trust_descriptor *d,
                            const struct bundle_dkg *dkg, struct trust_report *r,
                            struct qr_pub *group_key)
{
    struct cocktail_certificate c;
    QR_TRY(dkg_check(dir, d, dkg, r, &c));
    qr_copy(group_key->b, c.group.key.b, QR_KEY_SIZE);
    return QR_OK;
}

static enum qr_rc dkg_logged(const struct sorted *s, struct bundle_facts *f, struct trust_report *r)
{
    struct qr_err err = {{0}};
    const struct leaf_dkg *k = &f->dkg;
    if (leaf_dkg_read(s->parsed[s->only[LEAF_DKG_COMPLETED]].body, &f->dkg, &err) != QR_OK)
        return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
    struct qr_hash transcript = qr_sha256_one(s->b->transcript);
    return trust_check(r, TRUST_DKG_LOGGED,
                       k->attempt == f->descriptor.is.attempt &&
                           qr_hash_equal(&k->descriptor, &f->descriptor.hash) &&
                           qr_hash_equal(&k->transcript, &transcript) &&
                           pub_equal(&k->group_key, f->group_key.b) &&
                           qr_bytes_equal(QR_BYTES_OF(k->frames), QR_BYTES_OF(s->b->frames)),
                       QR_FALSE, "dkg.completed differs from the transcript");
}

static const char *group_difference(const struct bundle_facts *f, const struct pki_group_claims *c)
{
    const struct leaf_descriptor *d = &f->descriptor.is;
    if (!pub_equal(&f->group.key, f->group_key.b)) return "key";
    if (!qr_bytes_is(qr_str(c->session), f->request.is.session) ||
        !qr_hash_equal(&c->session_leaf, &f->request.at.leaf))
        return "session";
    if (c->attempt != d->attempt || !qr_hash_equal(&c->descriptor, &f->descriptor.hash))
        return "descriptor";
    if (!qr_hash_equal(&c->transcript, &f->dkg.transcript)) return "transcript";
    if (c->payload_count != d->payloads.n) return "payloads";
    for (size_t i = 0; i < d->payloads.n; i++)
        if (c->payloads[i].type != d->payloads.p[i].type ||
            !qr_hash_equal(&c->payloads[i].digest, &d->payloads.p[i].digest))
            return "payloads";
    for (size_t i = 0; i < f->approval_count; i++)
        if (f->approvals[i].is.classes & ~c->classes) return "trust classes";
    return c->classes & ~f->context.classes ? "trust classes" : NULL;
}

static bool group_logged(const struct sorted *s, const struct bundle_facts *f)
{
    struct leaf_certificate l;
    struct qr_hash spki = pki_spki_sha256(&f->group_key);
    return leaf_certificate_read(s->parsed[s->group_issued].body, &l, NULL) == QR_OK &&
           qr_hash_equal(&l.sha256, &f->group.sha256) && qr_hash_equal(&l.spki, &spki) &&
           qr_bytes_equal(QR_BYTES_OF(l.serial), QR_BYTES_OF(f->group.serial)) &&
           l.not_before_us == f->group.not_before_us && l.not_after_us == f->group.not_after_us &&
           l.attempt == f->descriptor.is.attempt && pub_equal(&l.group_key, f->group_key.b) &&
           qr_hash_equal(&l.descriptor, &f->descriptor.hash) &&
           qr_hash_equal(&l.transcript, &f->dkg.transcript);
}

/* (l) */
static enum qr_rc group_check(const struct sorted *s, struct bundle_facts *f,
                              struct trust_report *r)
{
    const struct trust_dir *dir = f->context.dir;
    struct qr_err err = {{0}};
    struct pki_group_claims claims;
    enum qr_rc read = pki_group_read(s->group_der, &dir->group_ca, &f->group, &claims, &err);
    if (read != QR_OK && read != QR_FALSE)
        return trust_stop(r, TRUST_GROUP_CHAIN, QR_FALSE, "%s", err.text);
    QR_TRY(trust_result(r, TRUST_GROUP_CHAIN, read, &err));
    const char *what = group_difference(f, &claims);
    QR_TRY(trust_check(r, TRUST_GROUP_BINDING, !what, QR_FALSE, "another %s", what ? what : ""));
    QR_TRY(trust_check(r, TRUST_GROUP_LOGGED, group_logged(s, f), QR_FALSE,
                       "certificate.issued differs from the certificate"));
    f->classes |= claims.classes;
    int64_t at_us = f->started_at.time_us;
    return trust_check(r, TRUST_GROUP_TIME,
                       pki_cert_valid_at(&f->group, at_us) &&
                           pki_cert_valid_at(&dir->group_ca, at_us) &&
                           pki_cert_valid_at(&dir->root, at_us),
                       QR_FALSE, NULL);
}

/* (l), the certificate for OpenSSH */
static enum qr_rc ssh_check(const struct sorted *s, struct bundle_facts *f, struct trust_report *r)
{
    const struct trust_dir *dir = f->context.dir;
    struct trust_ssh of = {.req = &f->request, .policy = &f->context.signing, .group = &f->group};
    struct leaf_certificate logged;
    struct qr_err err = {{0}};
    if (leaf_certificate_read(s->parsed[s->group_issued].body, &logged, &err) != QR_OK)
        return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
    QR_TRY(trust_ssh_check(dir, &of, s->b->ssh, &logged, r));
    if (dir->ssh_ca.n > 0) f->ssh = s->b->ssh;
    return QR_OK;
}

/* What the checks of the signatures share. */
struct ending {
    const struct sorted *s;
    const struct bundle_options *opt;
    struct bundle_facts *f;
    const struct frost_group *group;
    struct trust_report *r;
};

/* R of the signature is what the logged commitments give for this message. */
static enum qr_rc commitments_used(const struct ending *e, size_t payload, struct qr_bytes msg)
{
    struct qr_err err = {{0}};
    const struct leaf_started *st = e->f->started;
    const struct qr_sig *sig = &e->s->b->payloads[payload].sig;
    struct frost_commitment list[QR_MAX_PARTICIPANTS];
    struct frost_package package = {.msg = msg, .list = list, .count = st->n};
    struct frost_attempt attempt;
    for (size_t i = 0; i < st->n; i++) {
        const struct leaf_commitment_pair *c = &st->payloads[payload].pairs[i];
        list[i].id = c->index;
        qr_copy(list[i].hiding, c->hiding.b, POINT_SIZE);
        qr_copy(list[i].binding, c->binding.b, POINT_SIZE);
    }
    enum qr_rc rc = frost_attempt_init(&attempt, e->group, &package, NULL, &err);
    if (rc != QR_OK) return trust_result(e->r, TRUST_SIGNATURE_COMMITMENTS, QR_FALSE, &err);
    return trust_check(e->r, TRUST_SIGNATURE_COMMITMENTS,
                       qr_bytes_equal(QR_BYTES_OF(attempt.r.b), QR_BYTES(sig->b, POINT_SIZE)),
                       QR_FALSE, NULL);
}

/* (m) for one payload */
static enum qr_rc signature_check(const struct ending *e, size_t i)
{
    const struct bundle_facts *f = e->f;
    const struct leaf_payload *p = &f->descriptor.is.payloads.p[i];
    struct trust_given given = {.file = e->opt->has_file ? e->opt->file : QR_BYTES_NONE,
                                .first = i > 0 ? &e->s->b->payloads[i - 1].sig : NULL,
                                .group_key = &f->group_key};
    struct qr_buf msg;
    if (p->type == QR_RAW && !e->opt->has_file) {
        trust_skip(e->r, TRUST_SIGNATURE_PAYLOAD, "not checked: raw needs the file");
        trust_skip(e->r, TRUST_SIGNATURE_VALID, "not checked: raw needs the file");
        return QR_OK;
    }
    if (p->type == QR_MINISIGN && !e->opt->has_file)
        trust_skip(e->r, TRUST_SIGNATURE_PAYLOAD, "BLAKE2b not compared: minisign needs the file");
    if (p->type == QR_X509_CERT && !e->opt->has_file)
        trust_skip(e->r, TRUST_SIGNATURE_PAYLOAD, "request not compared: x509-cert needs the file");
    qr_buf_init(&msg, MAX_MESSAGE + given.file.n);
    enum qr_rc rc =
        trust_payload_message(f->context.dir, &f->request.is, &f->descriptor.is, p, &given, &msg);
    rc = trust_check(e->r, TRUST_SIGNATURE_PAYLOAD, rc == QR_OK, rc == QR_POLICY ? rc : QR_FALSE,
                     "the bytes of %s cannot be rebuilt", qr_payload_name(p->type));
    if (rc == QR_OK)
        rc = trust_check(e->r, TRUST_SIGNATURE_VALID,
                         qr_verify(&f->group_key, qr_buf_bytes(&msg), &e->s->b->payloads[i].sig) ==
                             QR_OK,
                         QR_FALSE, NULL);
    if (rc == QR_OK) rc = commitments_used(e, i, qr_buf_bytes(&msg));
    qr_buf_fini(&msg);
    return rc;
}

static struct trust_signing signing_of(const struct bundle_facts *f)
{
    return (struct trust_signing){
        .d = &f->descriptor, .group_key = f->group_key, .certificate = f->group.sha256};
}

/* The signatures of the bundle are those of the log; how many there must be was
 * compared before. */
static bool same_signatures(const struct bundle *b, const struct leaf_made *m)
{
    for (size_t i = 0; i < m->n && i < b->payload_count; i++)
        if (!qr_bytes_equal(QR_BYTES_OF(m->signatures[i].sig.b), QR_BYTES_OF(b->payloads[i].sig.b)))
            return false;
    return true;
}

/* (m), then the second half of (n) */
static enum qr_rc signatures_check(const struct ending *e)
{
    struct bundle_facts *f = e->f;
    struct qr_err err = {{0}};
    for (size_t i = 0; i < f->descriptor.is.payloads.n; i++) {
        trust_report_subject(e->r, "%s", qr_payload_name(f->descriptor.is.payloads.p[i].type));
        QR_TRY(signature_check(e, i));
    }
    trust_report_subject(e->r, "%s", "");
    const json_t *body = e->s->parsed[e->s->only[LEAF_SIGNATURE_MADE]].body;
    if (leaf_made_read(body, &f->made, &err) != QR_OK)
        return trust_stop(e->r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
    struct trust_signing signing = signing_of(f);
    QR_TRY(trust_made_check(&signing, &f->started_at.leaf, &f->made, e->r));
    return trust_check(e->r, TRUST_MADE_BINDING, same_signatures(e->s->b, &f->made), QR_FALSE,
                       "signature.made names another signature");
}

enum qr_rc verify_end(const struct sorted *s, const struct bundle_options *opt,
                      struct bundle_facts *f, struct trust_report *r)
{
    struct qr_err err = {{0}};
    struct cocktail_certificate c;
    struct bundle_dkg dkg = {
        .certificate = s->b->transcript, .frames = s->b->frames, .known = opt->known};
    size_t started = s->only[LEAF_SIGNING_STARTED];
    QR_TRY(dkg_check(f->context.dir, &f->descriptor, &dkg, r, &c));
    qr_copy(f->group_key.b, c.group.key.b, QR_KEY_SIZE);
    QR_TRY(dkg_logged(s, f, r));
    f->started_at = sort_place(s, started);
    QR_TRY(trust_request_alive(&f->request, f->started_at.time_us, r));
    f->started = calloc(1, sizeof *f->started);
    if (!f->started) qr_fatal("out of memory");
    if (leaf_started_read(s->parsed[started].body, f->started, &err) != QR_OK)
        return trust_stop(r, TRUST_ENTRY_FORM, QR_MALFORMED, "%s", err.text);
    QR_TRY(group_check(s, f, r));
    QR_TRY(ssh_check(s, f, r));
    struct trust_signing signing = signing_of(f);
    QR_TRY(trust_started_check(&signing, f->started, r));
    struct ending e = {.s = s, .opt = opt, .f = f, .group = &c.group, .r = r};
    return s->b->stage < BUNDLE_SIGNED ? QR_OK : signatures_check(&e);
}
