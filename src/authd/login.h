/* login.h - challenges and the brake on guessing: what authd keeps about
 * logins under way, in memory only.
 *
 * A challenge lives 60 s and is used once; a restart ends them all.  Failures
 * cost tokens of the caller's node, which is attested.  The person that a
 * request names is charged nothing: until the login succeeds that is only a
 * claim, and a brake on it would let any node lock anybody out.
 * Any thread may call.  Spec: TRUST.md section 5. */
#ifndef QUORATE_AUTHD_LOGIN_H
#define QUORATE_AUTHD_LOGIN_H

#include "base/clock.h"
#include "base/rand.h"
#include "crypto/crypto.h"

#define LOGIN_CHALLENGE_S 60
#define LOGIN_OPEN_MAX 1024 /* challenges at once */
#define LOGIN_OPEN_PER_NODE 64
#define LOGIN_FAILURES 10 /* at once, then one every LOGIN_REFILL_S */
#define LOGIN_REFILL_S 6
#define LOGIN_BUCKETS 4096

struct login;
/* Aborts on no memory; the clock and the randomness are kept. */
struct login *login_new(struct qr_clock clock, struct qr_rand rand);
void login_free(struct login *l);

/* A challenge for this node and key (zeros: a demo login).  QR_EXHAUSTED. */
enum qr_rc login_begin(struct login *l, const char *node, const struct qr_pub *key,
                       uint8_t challenge[32], struct qr_err *err) QR_MUST_CHECK;
/* Takes the challenge away, whatever comes of it; key says whom it was given
 * for.  QR_UNAUTHENTICATED: unknown, too old, or another node's. */
enum qr_rc login_take(struct login *l, const char *node, struct qr_bytes challenge,
                      struct qr_pub *key, struct qr_err *err) QR_MUST_CHECK;
/* Whether the node may try now.  QR_EXHAUSTED. */
enum qr_rc login_may_try(struct login *l, const char *node, struct qr_err *err) QR_MUST_CHECK;
void login_failed(struct login *l, const char *node);

#endif
