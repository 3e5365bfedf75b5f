/* tls.h - certificates of both ends: files to gRPC credentials, and gRPC's
 * view of the peer to struct rpc_peer.  Internal to src/rpc. */
#ifndef QUORATE_RPC_TLS_H
#define QUORATE_RPC_TLS_H

#include "rpc/wire.h"

/* The three files as text.  gives: tls_pem_fini, which wipes the key. */
struct tls_pem {
    struct qr_buf cert, key, ca;
};
/* Reads and checks that the key is the certificate's.  QR_NOTFOUND, QR_PERMS,
 * QR_IO, QR_MALFORMED. */
enum qr_rc tls_pem_load(struct tls_pem *p, const struct rpc_tls *files, struct qr_err *err)
    QR_MUST_CHECK;
void tls_pem_fini(struct tls_pem *p);
/* SHA-256 of the leaf's SubjectPublicKeyInfo. */
enum qr_rc tls_pem_spki(const struct tls_pem *p, struct qr_hash *out) QR_MUST_CHECK;

/* The server's files, watched. */
struct tls_source;
/* Loads once, so that a bad set is refused at start.  files' strings are
 * copied; log is kept.  gives: tls_source_free, after the server is destroyed. */
enum qr_rc tls_source_new(struct tls_source **out, const struct rpc_tls *files,
                          const struct qr_log *log, struct qr_err *err) QR_MUST_CHECK;
void tls_source_free(struct tls_source *s);
/* Client certificates are required and verified.  Keeps s. */
grpc_server_credentials *tls_server_creds(struct tls_source *s);

/* Certificates read lately: reading one costs OpenSSL half a millisecond, and
 * every call of a connection shows the same.  Any thread. */
struct tls_cache;
struct tls_cache *tls_cache_new(void);
void tls_cache_free(struct tls_cache *c);

/* Fills peer from a call's TLS state; the DER is put into arena.  address is
 * copied.  QR_UNAUTHENTICATED: TLS without a readable certificate; without TLS
 * peer->tls stays false. */
enum qr_rc tls_peer(struct tls_cache *cache, grpc_call *call, struct qr_arena *arena,
                    struct rpc_peer *peer) QR_MUST_CHECK;
/* The same from an auth context, without cert_der and address.  QR_NOTFOUND. */
enum qr_rc tls_context_peer(const grpc_auth_context *ctx, struct rpc_peer *peer) QR_MUST_CHECK;

#endif
