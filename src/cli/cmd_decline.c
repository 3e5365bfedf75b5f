/* cmd_decline.c - `quorate refuse`, `withdraw` and `cancel`: each is signed by
 * the person and recorded in the log. */
#include <config.h>

#include "base/limits.h"
#include "cli/open.h"
#include "leaf/session.h"
#include "participant/pb.h"

#include "quorate/v1/coordinator.pb-c.h"

#include <stdlib.h>

#define CALL_MS 30000

static const struct qr_setting own[] = {
    {"JSON", "json", QR_SET_SWITCH, NULL, 0, 0, "print exactly one JSON document"},
    OPEN_PERSON_SETTINGS,
    {"SESSION", "session", QR_SET_TEXT, NULL, 0, 0, "session id"},
    {"REASON", "reason", QR_SET_TEXT, "none", 0, 0, "why; the log holds only a commitment to it"},
};
/* Only refuse has the last one. */
#define REFUSE_COUNT (sizeof own / sizeof own[0])
#define OTHERS_COUNT (REFUSE_COUNT - 1)

struct declining {
    struct cli *c;
    struct open_all all;
    struct open_facts *facts;
};

static enum qr_rc finish_receipt(struct declining *d, const char *method,
                                 const ProtobufCMessage *in, struct qr_err *err)
{
    struct services_ask ask = {SERVICE_COORDINATOR, method, in, CALL_MS};
    struct rpc_answer a;
    struct receipt_facts where = {.index = 0};
    struct qr_bytes entry;
    enum qr_rc rc = services_call(d->all.services, &ask, &a, err);
    if (rc == QR_OK) rc = services_receipt(d->all.services, a.msg, &where, &entry, err);
    rpc_answer_fini(&a);
    if (rc != QR_OK) return rc;
    d->c->result = qr_json_object();
    qr_json_set_u64str(d->c->result, "log_index", where.index);
    cli_say(d->c, "Recorded as log entry %llu.", (unsigned long long)where.index);
    return QR_OK;
}

/* Takes body: signs it as the person and sends it. */
static enum qr_rc send_body(struct declining *d, json_t *body, const char *tag, const char *method,
                            struct qr_err *err)
{
    struct qr_buf b;
    qr_buf_init(&b, QR_MAX_ENTRY);
    enum qr_rc rc =
        leaf_object_sign(body, leaf_without_person_sig, tag, &d->all.person.key, "person_sig");
    if (rc == QR_OK) rc = qr_json_write(body, &b);
    json_decref(body);
    if (rc == QR_OK) {
        Quorate__V1__SignedBody in = QUORATE__V1__SIGNED_BODY__INIT;
        in.body = pb_of(qr_buf_bytes(&b));
        rc = finish_receipt(d, method, &in.base, err);
    }
    qr_buf_fini(&b);
    return rc;
}

static void session_ref(const struct declining *d, struct leaf_session_ref *out)
{
    const struct trust_request *r = &d->facts->facts.request;
    qr_copy(out->id, r->is.session, sizeof out->id);
    out->leaf = r->at.leaf;
}

static enum qr_rc refuse(struct declining *d, struct qr_err *err)
{
    uint8_t salt[32];
    const char *reason = qr_config_str(d->c->config, "REASON");
    struct leaf_refusal r = {.role = d->all.person.role,
                             .commitment = d->all.person.commitment,
                             .enrolment = d->all.person.enrolment};
    session_ref(d, &r.session);
    qr_rand_fill(&d->c->rand, salt, sizeof salt);
    struct qr_buf opening;
    qr_buf_init(&opening, QR_MAX_TEXT + sizeof salt);
    qr_buf_put(&opening, salt, sizeof salt);
    qr_buf_put_str(&opening, reason);
    if (opening.failed) {
        qr_buf_fini(&opening);
        return qr_fail(err, QR_USAGE, "--reason is too long");
    }
    r.reason = qr_sha256_tagged("quorate/reason/v1", qr_buf_bytes(&opening));
    enum qr_rc rc = send_body(d, leaf_refusal_write(&r), LEAF_TAG_REFUSAL, "Refuse", err);
    if (rc == QR_OK) {
        char hex[65];
        qr_hex(salt, sizeof salt, hex);
        qr_json_set_str(d->c->result, "reason_salt", hex);
        cli_say(d->c, "Your reason stays with you; its salt, to open it later: %s", hex);
    }
    qr_buf_fini(&opening);
    return rc;
}

/* Our newest approval among those of the session. */
static enum qr_rc withdraw(struct declining *d, struct qr_err *err)
{
    const struct bundle_facts *f = &d->facts->facts;
    struct leaf_withdrawal w = {.commitment = d->all.person.commitment,
                                .enrolment = d->all.person.enrolment};
    bool found = false;
    for (size_t i = 0; i < f->approval_count; i++) {
        if (!qr_hash_equal(&f->approvals[i].is.commitment, &w.commitment)) continue;
        w.approval = f->approvals[i].at.leaf;
        found = true;
    }
    if (!found) return qr_fail(err, QR_NOTFOUND, "you have no standing approval in this session");
    session_ref(d, &w.session);
    return send_body(d, leaf_withdrawal_write(&w), LEAF_TAG_WITHDRAWAL, "Withdraw", err);
}

static enum qr_rc cancel(struct declining *d, struct qr_err *err)
{
    const struct trust_request *r = &d->facts->facts.request;
    json_t *o = leaf_cancel_object(&r->at.leaf);
    struct qr_buf b;
    struct qr_sig sig;
    qr_buf_init(&b, 1024);
    enum qr_rc rc = qr_json_write(o, &b);
    json_decref(o);
    if (rc == QR_OK) {
        qr_sign_tagged(&d->all.person.key, LEAF_TAG_CANCEL, qr_buf_bytes(&b), &sig);
        Quorate__V1__CancelRequest in = QUORATE__V1__CANCEL_REQUEST__INIT;
        in.session = (char *)(uintptr_t)r->is.session;
        in.commitment = pb_of(QR_BYTES_OF(d->all.person.commitment.b));
        in.person_sig = pb_of(QR_BYTES_OF(sig.b));
        rc = finish_receipt(d, "Cancel", &in.base, err);
    }
    qr_buf_fini(&b);
    return rc;
}

static enum qr_rc run(struct cli *c, enum qr_rc (*fn)(struct declining *, struct qr_err *),
                      struct qr_err *err)
{
    const char *session = qr_config_str(c->config, "SESSION");
    if (!session) return qr_fail(err, QR_USAGE, "give --session ID");
    struct declining *d = calloc(1, sizeof *d);
    if (!d) return QR_NOMEM;
    d->c = c;
    enum qr_rc rc = open_services(c, &d->all, err);
    if (rc == QR_OK) rc = open_person(c, &d->all, err);
    if (rc == QR_OK) rc = open_session(&d->all, session, &d->facts, err);
    if (rc == QR_OK) rc = fn(d, err);
    open_facts_free(d->facts);
    open_close(&d->all);
    free(d);
    return rc;
}

#define SPEC(verb, text, count)                                                                  \
    {                                                                                            \
        .program = "quorate " verb, .summary = text,                                             \
        .examples = "  quorate " verb " --session ID --email bob@ex.com\n", .names = open_names, \
        .own = own, .own_count = (count)                                                         \
    }
static const struct qr_config_spec refuse_spec =
    SPEC("refuse", "records that you refuse", REFUSE_COUNT);
static const struct qr_config_spec withdraw_spec =
    SPEC("withdraw", "takes back your approval, as long as nothing is signed", OTHERS_COUNT);
static const struct qr_config_spec cancel_spec =
    SPEC("cancel", "ends a session you requested", OTHERS_COUNT);

enum qr_rc cli_refuse(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &refuse_spec, argc, argv, err));
    return run(c, refuse, err);
}

enum qr_rc cli_withdraw(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &withdraw_spec, argc, argv, err));
    return run(c, withdraw, err);
}

enum qr_rc cli_cancel(struct cli *c, int argc, char **argv, struct qr_err *err)
{
    QR_TRY(cli_config(c, &cancel_spec, argc, argv, err));
    return run(c, cancel, err);
}
