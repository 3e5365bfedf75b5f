/* handshake.h - how two peers on an established TLS connection come to an
 * attested session: each verifies a report of the other that is bound to this
 * very exchange.
 *
 * Pure but for the device and the clock it is given: messages are byte strings
 * that proto/quorate/v1/attest.proto carries.  Client:
 * attest_client_new -> Begin -> attest_client_challenge -> Finish ->
 * attest_client_finish.  Server: attest_server_init, attest_server_finish.
 *
 * Messages (lp(x) = be32(len) || x, integers big-endian):
 *   m1 "quorate/attest-init/v1" 0 || client nonce 32 || client X25519 key 32 ||
 *      policy hash 32 || lp(node id) || lp(role) || lp(audience) || lp(purpose)
 *   m2 head "quorate/attest-challenge/v1" 0 || handshake id 16 || server nonce 32 ||
 *      server X25519 key 32 || policy hash 32 || lp(node id) || lp(role)
 *   m2 = lp(head) || lp(evidence)
 *   m3 "quorate/attest-finish/v1" 0 || handshake id 16 || lp(evidence)
 *   m4 "quorate/attest-done/v1" 0 || session id 16 || re-attest after, s, 4 ||
 *      hard stop, s, 4 || confirmation 32
 * T(x…) = SHA-256("quorate/attest-transcript/v1" 0 || lp(x) …)
 * Server evidence: binding (binding.h) with nonce = client nonce, verifier =
 *   client node id, node id and role = server's, purpose "channel", context =
 *   SHA-256("quorate/attest-channel/v1" 0 || 2 || lp(audience)), policy hash, both
 *   X25519 keys, both TLS keys, transcript = T(m1, m2 head).
 * Client evidence: nonce = server nonce, verifier = audience, node id and role =
 *   client's, context with direction 1, transcript = T(m1, m2).
 * F = T(T(m1, m2), m3), the transcript of the session.
 * Keys: HKDF-SHA-256(X25519 secret, salt = F, info = "quorate/attest-keys/v1" 0)
 *   = call MAC, reply MAC, client AEAD, server AEAD, confirmation key, 32 each.
 * Confirmation = HMAC-SHA-256("quorate/attest-confirm/v1" 0 || F || session id ||
 *   re-attest after || hard stop).
 * Each side builds the binding from its own view; the bytes of a binding never
 * travel.  Spec: SNP.md 5.2 to 5.4, TRUST.md section 8. */
#ifndef QUORATE_ATTEST_HANDSHAKE_H
#define QUORATE_ATTEST_HANDSHAKE_H

#include "attest/device.h"
#include "attest/pin.h"
#include "attest/session.h"

#define ATTEST_INIT_MAX 1024       /* m1 and m4 */
#define ATTEST_HANDSHAKE_MAX 32768 /* m2 and m3 */
#define ATTEST_CHALLENGE_S 30      /* a server nonce lives this long, once */
#define ATTEST_PENDING_MAX 256     /* handshakes open at one server */
#define ATTEST_PENDING_PER_PEER 16 /* of them by one TLS key */
/* What a handshake says that fell into a change of policy: begin it anew. */
#define ATTEST_CHANGING "the attestation policy is changing"

/* Who we are and with what we attest.  Everything it points to is kept: it must
 * outlive the clients and servers made from it (not the sessions). */
struct attest_self {
    struct qr_bytes node_id; /* UTF-8, 1..ATTEST_NAME_MAX */
    struct qr_bytes role;    /* likewise: "coordinator", "participant" */
    struct qr_hash tls_spki; /* SHA-256 of our TLS SubjectPublicKeyInfo */
    const struct attest_device *device;
    const struct attest_policy *policy; /* whose hash is pinned, whatever the log says ... */
    const struct attest_pin *pin;       /* ... where this is NULL; else the one in force */
    struct qr_bytes crl;                /* or empty */
    struct qr_clock clock;
    struct qr_rand rand;
};

/* What evidence must satisfy now. */
const struct attest_policy *attest_self_policy(const struct attest_self *self);

/* The other end of the TLS connection, from its certificate. */
struct attest_tls_peer {
    struct qr_hash spki;
    struct qr_bytes node_id; /* must equal the claimed one; empty: any */
    struct qr_bytes role;    /* likewise */
};

/* Client.  audience is the service's name.  Gives the handshake and appends m1. */
struct attest_client;
enum qr_rc attest_client_new(const struct attest_self *self, const struct attest_tls_peer *peer,
                             struct qr_bytes audience, struct attest_client **out,
                             struct qr_buf *m1) QR_MUST_CHECK;
/* Takes in m2, verifies the server's evidence, makes ours, appends m3.
 * QR_UNAVAILABLE: another policy came in force meanwhile, begin anew;
 * QR_ATTESTATION: err names the verdict's reason, or the policy hash that
 * differs; QR_MALFORMED; QR_DENIED: node id or role is not the certificate's;
 * whatever the device gives.  One use. */
enum qr_rc attest_client_challenge(struct attest_client *c, struct qr_bytes m2, struct qr_buf *m3,
                                   struct qr_err *err) QR_MUST_CHECK;
/* Takes in m4.  Gives the session.  QR_ATTESTATION: the confirmation is wrong. */
enum qr_rc attest_client_finish(struct attest_client *c, struct qr_bytes m4,
                                struct attest_session **out, struct qr_err *err) QR_MUST_CHECK;
/* Verdict on the peer's evidence once it was judged (ATTEST_OK before). */
enum attest_reason attest_client_reason(const struct attest_client *c);
void attest_client_free(struct attest_client *c); /* NULL allowed */

/* Server: the open handshakes of one service.  Any thread may call. */
struct attest_server;
enum qr_rc attest_server_new(const struct attest_self *self, struct qr_bytes audience,
                             struct attest_server **out) QR_MUST_CHECK;
void attest_server_free(struct attest_server *s); /* NULL allowed */

/* Takes in m1, makes our evidence, appends m2.  QR_MALFORMED, QR_ATTESTATION
 * (another policy hash), QR_DENIED (other audience or purpose, or not the
 * certificate's node id), QR_EXHAUSTED, whatever the device gives. */
enum qr_rc attest_server_init(struct attest_server *s, const struct attest_tls_peer *peer,
                              struct qr_bytes m1, struct qr_buf *m2, struct qr_err *err)
    QR_MUST_CHECK;

/* What became of a client's evidence, for the record of it. */
struct attest_outcome {
    struct attest_session *session; /* given when accepted, else NULL */
    enum attest_reason reason;      /* ATTEST_OK also when nothing was judged */
    struct attest_peer peer;        /* what the client claimed; claims if authentic */
};
/* Takes in m3, ends its handshake whatever comes of it, verifies, appends m4.
 * QR_UNAVAILABLE: another policy came in force meanwhile; QR_NOTFOUND: no such handshake, used or too old; QR_ATTESTATION; QR_DENIED:
 * another TLS peer than began it; QR_MALFORMED. */
enum qr_rc attest_server_finish(struct attest_server *s, const struct attest_tls_peer *peer,
                                struct qr_bytes m3, struct qr_buf *m4, struct attest_outcome *out,
                                struct qr_err *err) QR_MUST_CHECK;

#endif
