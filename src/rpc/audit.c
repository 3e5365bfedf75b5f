/* audit.c - one line of JSON per call. */
#include "rpc/server.h"

#include <stdio.h>

void rpc_audit_line(const struct qr_log *log, const struct rpc_audit *a)
{
    static const char health[] = "/grpc.health.v1.Health/";
    size_t n = sizeof health - 1;
    struct qr_bytes method = qr_str(a->method);
    if (a->outcome == QR_OK && method.n > n && qr_bytes_is(QR_BYTES(method.p, n), health)) return;
    json_t *f = qr_json_object();
    /* A path that no client of ours would send must not break the line. */
    qr_json_set_str(f, "method", qr_utf8_ok(method) ? a->method : "(not UTF-8)");
    qr_json_set_time(f, "begin", a->begin_us);
    qr_json_set_int(f, "duration_us", a->duration_us);
    qr_json_set_str(f, "outcome", qr_rc_name(a->outcome));
    if (a->outcome != QR_OK && a->text[0])
        qr_json_set_str(f, "text", qr_utf8_ok(qr_str(a->text)) ? a->text : "(not UTF-8)");
    if (a->peer && a->peer->tls) {
        qr_json_set_hex(f, "peer_spki", a->peer->spki_sha256.b, QR_SHA256_SIZE);
        qr_json_set_str(f, "peer_cn", a->peer->cn);
    }
    if (a->peer) qr_json_set_str(f, "address", a->peer->address);
    if (a->caller && a->caller->attested) {
        qr_json_set_str(f, "node", a->caller->node);
        qr_json_set_str(f, "role", a->caller->role);
        qr_json_set_hex(f, "session", a->caller->session_id, sizeof a->caller->session_id);
        qr_json_set_hex(f, "evidence", a->caller->evidence.b, QR_SHA256_SIZE);
    }
    qr_log_line(log, "call", f);
}
