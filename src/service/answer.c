/* answer.c - what handlers of all daemons do alike: who may call, and answering
 * with a receipt. */
#include "service/life.h"
#include "service/receipt.h"

#include <string.h>

#define MARGIN_MS 250 /* of a deadline, to answer in */

bool service_ready(const struct service *s) { return atomic_load(&s->life->ready); }

bool service_admits(struct service *s, struct rpc_call *call, const char *const *roles)
{
    const struct rpc_caller *caller = rpc_call_caller(call);
    if (!caller->attested) {
        rpc_fail(call, QR_UNAUTHENTICATED, "this call needs an attested session");
        return false;
    }
    if (!service_ready(s)) {
        rpc_fail(call, QR_UNAVAILABLE, SERVICE_STARTING);
        return false;
    }
    for (const char *const *r = roles; r && *r; r++)
        if (strcmp(*r, caller->role) == 0) return true;
    if (!roles) return true;
    rpc_fail(call, QR_DENIED, "this call is not for nodes of your role");
    return false;
}

int64_t service_deadline(struct service *s, struct rpc_call *call)
{
    int left = rpc_call_left_ms(call);
    left = left > 2 * MARGIN_MS ? left - MARGIN_MS : left / 2;
    return qr_mono_us(&s->clock) + left * 1000LL;
}

void service_reply_receipt(struct rpc_call *call, const struct log_answer *a, size_t i)
{
    struct receipt r;
    receipt_fill(&r, a, i);
    if (rpc_send(call, &r.msg.base) != QR_OK) rpc_fail(call, QR_CANCELLED, NULL);
}

enum qr_rc service_receipt(struct service *s, struct rpc_call *call, int64_t row,
                           struct log_answer *out, struct qr_err *err)
{
    uint64_t index = 0;
    struct qr_hash leaf;
    *out = (struct log_answer){0};
    QR_TRY(qr_db_read(s->db, err));
    enum qr_rc rc = outbox_where(s->outbox, row, &index, &leaf, err);
    qr_db_read_end(s->db);
    if (rc == QR_NOTFOUND || (rc == QR_OK && outbox_at_hand(s->outbox, row)))
        return outbox_wait(s->outbox, row, service_deadline(s, call), out, err);
    return rc == QR_OK ? log_client_proofs(s->log_client, &index, 1, out, err) : rc;
}

void service_answer_row(struct service *s, struct rpc_call *call, int64_t row)
{
    struct log_answer a;
    struct qr_err err = {{0}};
    enum qr_rc rc = service_receipt(s, call, row, &a, &err);
    if (rc == QR_OK)
        service_reply_receipt(call, &a, 0);
    else
        rpc_fail(call, rc, err.text);
    log_answer_fini(&a);
}

enum qr_rc service_open_secret(struct service *s, struct rpc_call *call, const char *label,
                               struct qr_bytes sealed, struct qr_buf *out, struct qr_err *err)
{
    (void)s;
    struct attest_session *session = attested_session_of(call);
    if (!session || attested_secret_open(session, label, sealed, out) != QR_OK)
        return qr_fail(err, QR_UNAUTHENTICATED, "the secret was not sealed for this session");
    return QR_OK;
}

enum qr_rc service_seal_secret(struct service *s, struct rpc_call *call, const char *label,
                               struct qr_bytes plain, struct qr_buf *out, struct qr_err *err)
{
    (void)s;
    struct attest_session *session = attested_session_of(call);
    if (!session) return qr_fail(err, QR_UNAUTHENTICATED, "this call needs an attested session");
    enum qr_rc rc = attested_secret_seal(session, label, plain, out);
    return rc == QR_OK ? rc : qr_fail(err, rc, "the attested session cannot seal any more");
}
