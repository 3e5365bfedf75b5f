/* attested_node.h - the node that a TLS certificate names.  Internal. */
#ifndef QUORATE_RPC_ATTESTED_NODE_H
#define QUORATE_RPC_ATTESTED_NODE_H

#include "attest/handshake.h"
#include "rpc/server.h"

/* NAME of the peer's URI quorate://node/NAME; empty when there is none.
 * Borrows from peer. */
struct qr_bytes attested_node(const struct rpc_peer *peer);
/* SHA-256 of the SubjectPublicKeyInfo of the certificate in files; zeros when
 * there are no files. */
enum qr_rc attested_own_spki(const struct rpc_tls *files, struct qr_hash *out, struct qr_err *err)
    QR_MUST_CHECK;

#endif
