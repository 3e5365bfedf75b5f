/* attested_limit.h - how often one TLS key may ask for an attested session.
 *
 * Making a report and judging one are the dearest things a server does for a
 * stranger's certificate: hardware gives about one report a second, a
 * signature of P-384 takes a millisecond.  Counts per key in windows of a
 * minute; the least busy key makes room for a new one.  Internal to src/rpc;
 * the caller's lock protects it. */
#ifndef QUORATE_RPC_ATTESTED_LIMIT_H
#define QUORATE_RPC_ATTESTED_LIMIT_H

#include "crypto/crypto.h"

#define ATTESTED_LIMIT_KEYS 256
#define ATTESTED_LIMIT_BEGUN 300  /* handshakes begun in a minute */
#define ATTESTED_LIMIT_REFUSED 16 /* evidence refused in a minute */

struct attested_limit {
    struct attested_limit_key {
        struct qr_hash spki;
        int64_t since_us; /* monotonic; of the window */
        unsigned begun, refused;
    } keys[ATTESTED_LIMIT_KEYS];
    size_t count;
};

/* Counts an attempt; false: the key has had enough for now. */
bool attested_limit_begin(struct attested_limit *l, const struct qr_hash *spki, int64_t now_us);
/* Counts evidence that was refused. */
void attested_limit_refused(struct attested_limit *l, const struct qr_hash *spki, int64_t now_us);

#endif
