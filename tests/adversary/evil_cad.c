/* evil_cad.c - quorate-cad in the hands of whoever has all its keys.
 *
 * Believing: nogrant (any bytes that read as a grant), noevidence, norevoked
 * (whoever was enrolled once, by his last enrolment).  Participants' certificates: cert-approval=,
 * cert-envelope=, cert-cocktail=, cert-person=, cert-enrolment=, cert-session=,
 * cert-grant=, cert-evidence= (hex), cert-role=.  Groups: group-key=,
 * group-descriptor=, group-transcript=, group-payload= (hex), group-nodkg (the
 * key of group-key=, whatever the transcript).  The log: issued-other (another
 * certificate than the one given), cad-anylog (whatever it says is one history).
 * cert-expired: participants get certificates of an hour ago. */
#include <config.h>

#include "adversary/moves.h"
#include "attest/evidence.h"
#include "bundle/verify.h"
#include "leaf/certificate.h"
#include "leaf/grant.h"
#include "pki/ca.h"
#include "service/log_view.h"
#include "service/outbox.h"
#include "trust/evidence_check.h"

#include <stdlib.h>
#include <string.h>

enum qr_rc __real_trust_grant_check(const struct trust_context *ctx, struct qr_bytes bytes,
                                    const struct trust_grant_use *use, struct trust_grant *out,
                                    struct trust_report *r);
enum qr_rc __wrap_trust_grant_check(const struct trust_context *ctx, struct qr_bytes bytes,
                                    const struct trust_grant_use *use, struct trust_grant *out,
                                    struct trust_report *r);
enum qr_rc __real_trust_evidence_check(const struct trust_context *ctx,
                                       const struct trust_evidence *e, struct qr_hash *digest,
                                       struct trust_report *r);
enum qr_rc __wrap_trust_evidence_check(const struct trust_context *ctx,
                                       const struct trust_evidence *e, struct qr_hash *digest,
                                       struct trust_report *r);
enum qr_rc __real_log_view_find(struct log_view *v, const struct log_query *q,
                                struct log_answer *out, struct qr_err *err);
enum qr_rc __wrap_log_view_find(struct log_view *v, const struct log_query *q,
                                struct log_answer *out, struct qr_err *err);
enum qr_rc __real_bundle_dkg_check(const struct trust_dir *trust, const struct trust_descriptor *d,
                                   const struct bundle_dkg *dkg, struct trust_report *r,
                                   struct qr_pub *y);
enum qr_rc __wrap_bundle_dkg_check(const struct trust_dir *trust, const struct trust_descriptor *d,
                                   const struct bundle_dkg *dkg, struct trust_report *r,
                                   struct qr_pub *y);
enum qr_rc __real_pki_issue_participant(const struct pki_issuance *i, const struct qr_pub *key,
                                        const struct pki_participant_claims *claims,
                                        struct qr_buf *der, struct pki_cert *out);
enum qr_rc __wrap_pki_issue_participant(const struct pki_issuance *i, const struct qr_pub *key,
                                        const struct pki_participant_claims *claims,
                                        struct qr_buf *der, struct pki_cert *out);
enum qr_rc __real_pki_issue_group(const struct pki_issuance *i, const struct qr_pub *key,
                                  const struct pki_group_claims *claims, struct qr_buf *der,
                                  struct pki_cert *out);
enum qr_rc __wrap_pki_issue_group(const struct pki_issuance *i, const struct qr_pub *key,
                                  const struct pki_group_claims *claims, struct qr_buf *der,
                                  struct pki_cert *out);
enum qr_rc __real_outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t *row, struct qr_err *err);
enum qr_rc __wrap_outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t *row, struct qr_err *err);

/* ---- believing ---- */

enum tlog_rc __real_tlog_consistency_check(const struct tlog_head *earlier,
                                           const struct tlog_head *later,
                                           const struct tlog_proof *proof);
enum tlog_rc __wrap_tlog_consistency_check(const struct tlog_head *earlier,
                                           const struct tlog_head *later,
                                           const struct tlog_proof *proof);

enum tlog_rc __wrap_tlog_consistency_check(const struct tlog_head *earlier,
                                           const struct tlog_head *later,
                                           const struct tlog_proof *proof)
{
    if (move_played("cad-anylog")) return TLOG_OK;
    return __real_tlog_consistency_check(earlier, later, proof);
}

enum qr_rc __wrap_trust_grant_check(const struct trust_context *ctx, struct qr_bytes bytes,
                                    const struct trust_grant_use *use, struct trust_grant *out,
                                    struct trust_report *r)
{
    struct qr_err err = {{0}};
    if (!move_played("nogrant")) return __real_trust_grant_check(ctx, bytes, use, out, r);
    *out = (struct trust_grant){.json = NULL};
    out->sha256 = qr_sha256_one(bytes);
    return leaf_grant_parse(bytes, &out->is, &out->json, &err);
}

enum qr_rc __wrap_trust_evidence_check(const struct trust_context *ctx,
                                       const struct trust_evidence *e, struct qr_hash *digest,
                                       struct trust_report *r)
{
    if (!move_played("noevidence")) return __real_trust_evidence_check(ctx, e, digest, r);
    struct attest_evidence read;
    struct qr_err err = {{0}};
    QR_TRY(attest_evidence_parse(e->bytes, &read, &err));
    *digest = attest_evidence_digest(read.report, read.vek);
    attest_evidence_fini(&read);
    return QR_OK;
}

/* Only the last time that he was enrolled is left. */
static void forget_end(struct log_answer *a)
{
    static const char kind[] = "\"identity.enrolled\"";
    size_t n = a->n;
    while (n > 1 &&
           !memmem(a->entries[n - 1].bytes.p, a->entries[n - 1].bytes.n, kind, sizeof kind - 1))
        n--;
    if (n > 0) a->entries[0] = a->entries[n - 1];
    if (n > 0) a->n = 1;
}

enum qr_rc __wrap_log_view_find(struct log_view *v, const struct log_query *q,
                                struct log_answer *out, struct qr_err *err)
{
    enum qr_rc rc = __real_log_view_find(v, q, out, err);
    if (rc == QR_OK && q->by == LOG_FIND_COMMITMENT && move_played("norevoked")) forget_end(out);
    return rc;
}

enum qr_rc __wrap_bundle_dkg_check(const struct trust_dir *trust, const struct trust_descriptor *d,
                                   const struct bundle_dkg *dkg, struct trust_report *r,
                                   struct qr_pub *y)
{
    if (!move_played("group-nodkg")) return __real_bundle_dkg_check(trust, d, dkg, r, y);
    move_bytes("group-key", y->b, QR_KEY_SIZE);
    return QR_OK;
}

/* ---- certificates ---- */

enum qr_rc __wrap_pki_issue_participant(const struct pki_issuance *i, const struct qr_pub *key,
                                        const struct pki_participant_claims *claims,
                                        struct qr_buf *der, struct pki_cert *out)
{
    struct qr_pub pub = *key;
    struct pki_participant_claims lie = *claims;
    const char *role = move_value("cert-role");
    if (role && qr_role_parse(qr_str(role), &lie.role) != QR_OK) abort();
    move_bytes("cert-approval", pub.b, QR_KEY_SIZE);
    move_bytes("cert-envelope", lie.envelope_key.b, QR_KEY_SIZE);
    move_bytes("cert-cocktail", lie.cocktail_key.b, QR_KEY_SIZE);
    move_bytes("cert-person", lie.commitment.b, QR_SHA256_SIZE);
    move_bytes("cert-enrolment", lie.enrolment.b, QR_SHA256_SIZE);
    move_bytes("cert-session", lie.session_leaf.b, QR_SHA256_SIZE);
    move_bytes("cert-grant", lie.grant.b, QR_SHA256_SIZE);
    move_bytes("cert-evidence", lie.evidence.b, QR_SHA256_SIZE);
    struct pki_issuance terms = *i;
    if (move_played("cert-expired")) {
        terms.validity.not_before_us -= 3600 * 1000000LL;
        terms.validity.not_after_us -= 3600 * 1000000LL;
    }
    return __real_pki_issue_participant(&terms, &pub, &lie, der, out);
}

enum qr_rc __wrap_pki_issue_group(const struct pki_issuance *i, const struct qr_pub *key,
                                  const struct pki_group_claims *claims, struct qr_buf *der,
                                  struct pki_cert *out)
{
    struct qr_pub pub = *key;
    struct pki_group_claims lie = *claims;
    move_bytes("group-key", pub.b, QR_KEY_SIZE);
    move_bytes("group-descriptor", lie.descriptor.b, QR_SHA256_SIZE);
    move_bytes("group-transcript", lie.transcript.b, QR_SHA256_SIZE);
    move_bytes("group-payload", lie.payloads[0].digest.b, QR_SHA256_SIZE);
    return __real_pki_issue_group(i, &pub, &lie, der, out);
}

/* ---- the log ---- */

enum qr_rc __wrap_outbox_put(struct outbox *ob, enum leaf_kind kind, const json_t *body,
                             const char *event_id, int64_t *row, struct qr_err *err)
{
    struct leaf_certificate c;
    if (kind != LEAF_CERTIFICATE_ISSUED || !move_played("issued-other"))
        return __real_outbox_put(ob, kind, body, event_id, row, err);
    if (leaf_certificate_read(body, &c, err) != QR_OK) abort();
    c.sha256.b[0] ^= 1;
    json_t *lie = leaf_certificate_write(&c);
    enum qr_rc rc = __real_outbox_put(ob, kind, lie, event_id, row, err);
    json_decref(lie);
    return rc;
}
