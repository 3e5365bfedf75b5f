/* identities.c - who stands behind a commitment, for those who may know.
 *
 * An admin finds a person by the address, to end or change an enrolment; an
 * enrolled auditor opens commitments.  Addresses and openings travel sealed
 * under the attested session, and stand in no log line. */
#include "authd/state.h"

#include "base/removal.h"
#include "leaf/people.h"
#include "trust/trust_dir.h"

#define SECRET_EMAIL "find/email"
#define SECRET_OPENING "open/identity"
#define MAX_OPENINGS 64
#define MAX_OPENING (1024 + 32)

/* Constant names; protobuf-c only reads them. */
static char *word(const char *s) { return (char *)(uintptr_t)s; }

static const char *state_of(const struct person *who)
{
    if (who->state == PERSON_ERASED) return "erased";
    return who->state == PERSON_REVOKED || who->leaving ? "revoked" : "active";
}

/* ---- FindPerson ---- */

static enum qr_rc find(struct authd *d, struct rpc_call *call,
                       const Quorate__V1__FindPersonRequest *in, struct person *who,
                       struct qr_err *err)
{
    struct qr_pub key;
    struct qr_buf email;
    struct grants_proof p = {authd_bytes(in->admin_key), authd_bytes(in->challenge),
                             authd_bytes(in->proof_sig), LEAF_TAG_FIND};
    QR_TRY(grants_proven(d, rpc_call_caller(call)->node, &p, &key, err));
    if (!QR_HOLDS(AUTHD_FINDER, trust_keys_have(&d->s->trust->admins, &key)))
        return qr_fail(err, QR_DENIED, "not a key of an admin");
    qr_buf_init(&email, 512);
    enum qr_rc rc =
        service_open_secret(d->s, call, SECRET_EMAIL, authd_bytes(in->email), &email, err);
    if (rc == QR_OK) rc = people_find(&d->people, qr_buf_bytes(&email), who, err);
    qr_wipe(email.p, email.n);
    qr_buf_fini(&email);
    return rc;
}

void identities_find(Quorate__V1__Auth_Service *rpc, const Quorate__V1__FindPersonRequest *in,
                     Quorate__V1__PersonReply_Closure closure, void *call)
{
    struct authd *d = authd_of(rpc);
    struct person who;
    struct qr_err err = {{0}};
    Quorate__V1__PersonReply out = QUORATE__V1__PERSON_REPLY__INIT;
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    enum qr_rc rc = find(d, call, in, &who, &err);
    if (rc != QR_OK) {
        rpc_fail(call, rc, err.text);
        return;
    }
    out.commitment = receipt_bytes(QR_BYTES_OF(who.commitment.b));
    out.enrolment_leaf = receipt_bytes(QR_BYTES_OF(who.enrolment.b));
    out.enrolment_index = who.index;
    out.role = word(qr_role_name(who.role));
    out.person_key = receipt_bytes(QR_BYTES_OF(who.person_key.b));
    out.node = who.node;
    out.state = word(state_of(&who));
    if (rpc_send(call, &out.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

/* ---- OpenIdentities ---- */

struct opening {
    Quorate__V1__OpenedIdentity msg;
    struct qr_buf sealed;
};

static enum qr_rc open_one(struct authd *d, struct rpc_call *call, struct qr_bytes commitment,
                           struct opening *o, struct qr_err *err)
{
    struct qr_hash h;
    struct person who;
    struct qr_buf clear;
    if (commitment.n != sizeof h.b) return qr_fail(err, QR_MALFORMED, "a commitment has 32 bytes");
    qr_copy(h.b, commitment.p, sizeof h.b);
    qr_buf_init(&clear, MAX_OPENING);
    enum qr_rc rc = people_open(&d->people, &h, &who, &clear, err);
    if (rc == QR_NOTFOUND) {
        o->msg.state = word("unknown");
        rc = QR_OK;
    } else if (rc == QR_OK) {
        o->msg.state = word(state_of(&who));
        o->msg.last_index = who.last_index;
    }
    if (rc == QR_OK && clear.n > 0) {
        rc = service_seal_secret(d->s, call, SECRET_OPENING, qr_buf_bytes(&clear), &o->sealed, err);
        o->msg.opening = receipt_bytes(qr_buf_bytes(&o->sealed));
    }
    qr_wipe(clear.p, clear.n);
    qr_buf_fini(&clear);
    return rc;
}

/* An enrolled auditor, by the person key. */
static enum qr_rc admit(struct authd *d, struct rpc_call *call,
                        const Quorate__V1__OpenIdentitiesRequest *in, struct person *who,
                        struct qr_err *err)
{
    struct qr_pub key;
    struct grants_proof p = {authd_bytes(in->person_key), authd_bytes(in->challenge),
                             authd_bytes(in->proof_sig), LEAF_TAG_WHOAMI};
    if (in->n_commitments > MAX_OPENINGS)
        return qr_fail(err, QR_RANGE, "at most %d identities at once", MAX_OPENINGS);
    QR_TRY(grants_proven(d, rpc_call_caller(call)->node, &p, &key, err));
    QR_TRY(people_by_key(&d->people, &key, who, err));
    if (QR_HOLDS(AUTHD_AUDITOR, who->role == QR_AUDITOR)) return QR_OK;
    return qr_fail(err, QR_DENIED, "identities are opened for auditors only");
}

static enum qr_rc open_all(struct authd *d, struct rpc_call *call,
                           const Quorate__V1__OpenIdentitiesRequest *in, struct qr_err *err)
{
    struct person who;
    struct opening o[MAX_OPENINGS];
    Quorate__V1__OpenedIdentity *list[MAX_OPENINGS];
    Quorate__V1__OpenIdentitiesReply out = QUORATE__V1__OPEN_IDENTITIES_REPLY__INIT;
    char id[2 * QR_SHA256_SIZE + 1];
    QR_TRY(admit(d, call, in, &who, err));
    size_t n = in->n_commitments;
    for (size_t i = 0; i < n; i++) {
        quorate__v1__opened_identity__init(&o[i].msg);
        qr_buf_init(&o[i].sealed, MAX_OPENING + 64);
        list[i] = &o[i].msg;
    }
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; rc == QR_OK && i < n; i++)
        rc = open_one(d, call, authd_bytes(in->commitments[i]), &o[i], err);
    out.n_identities = n;
    out.identities = list;
    if (rc == QR_OK && rpc_send(call, &out.base) != QR_OK) rc = QR_CANCELLED;
    for (size_t i = 0; i < n; i++) qr_buf_fini(&o[i].sealed);
    qr_hex(who.commitment.b, sizeof who.commitment.b, id);
    if (rc == QR_OK) qr_log_text(&d->s->log, "identities.opened", "%zu for %s", n, id);
    return rc;
}

void identities_open(Quorate__V1__Auth_Service *rpc, const Quorate__V1__OpenIdentitiesRequest *in,
                     Quorate__V1__OpenIdentitiesReply_Closure closure, void *call)
{
    struct authd *d = authd_of(rpc);
    struct qr_err err = {{0}};
    (void)closure;
    if (!service_admits(d->s, call, NULL)) return;
    enum qr_rc rc = open_all(d, call, in, &err);
    if (rc != QR_OK) rpc_fail(call, rc, err.text);
}
