/* testing.h - what tests need of gRPC and the product must not have: ends
 * without TLS, clients without a certificate, calls that no client of ours
 * would send.
 *
 * testing.c is linked into the test fixture only, never into librpc. */
#ifndef QUORATE_RPC_TESTING_H
#define QUORATE_RPC_TESTING_H

#include "rpc/rpc.h"

/* As rpc_server_new and rpc_channel_new, without TLS: conf->tls is not read,
 * and there is no self-probe. */
enum qr_rc rpc_testing_server(struct rpc_server **out, const struct rpc_server_conf *conf,
                              struct qr_err *err) QR_MUST_CHECK;
enum qr_rc rpc_testing_channel(struct rpc_channel **out, const struct rpc_channel_conf *conf,
                               struct qr_err *err) QR_MUST_CHECK;

/* Calls that are alive at s; a call that is not has been audited. */
size_t rpc_testing_live(struct rpc_server *s);

struct rpc_testing_header {
    const char *key;
    struct qr_bytes value;
};

/* A unary call made by hand. */
struct rpc_testing_raw {
    const char *target;
    const char *ca_file;              /* NULL: no TLS */
    const char *cert_file, *key_file; /* NULL: no client certificate */
    const char *path;
    struct qr_bytes body;
    bool no_body; /* half-close without a message */
    bool gzip;
    const struct rpc_testing_header *headers;
    size_t header_count;
    int timeout_ms;
};
/* Makes the call on a connection of its own.  *status is gRPC's code; text and
 * reply get the status message and the reply's bytes. */
enum qr_rc rpc_testing_call(const struct rpc_testing_raw *raw, int *status, struct qr_buf *text,
                            struct qr_buf *reply, struct qr_err *err) QR_MUST_CHECK;

#endif
