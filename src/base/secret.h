/* secret.h - memory for keys, shares and nonces: guard pages on both sides,
 * locked (a failure to lock is an error), left out of core dumps and forks,
 * wiped when freed.
 *
 * The only place where secrets may live for longer than one function; short
 * copies on the stack are wiped with qr_wipe. */
#ifndef QUORATE_BASE_SECRET_H
#define QUORATE_BASE_SECRET_H

#include "base/bytes.h"

struct qr_secret {
    uint8_t *p; /* n usable bytes, zeroed */
    size_t n;
    void *map;
    size_t map_size;
};

/* QR_NOMEM: no memory, or RLIMIT_MEMLOCK too low (err names the limit). */
enum qr_rc qr_secret_init(struct qr_secret *s, size_t n, struct qr_err *err) QR_MUST_CHECK;
void qr_secret_fini(struct qr_secret *s); /* wipes and unmaps; idempotent */
struct qr_bytes qr_secret_bytes(const struct qr_secret *s);
/* Clears memory in a way the compiler keeps. */
void qr_wipe(void *p, size_t n);
/* Core dumps off and /proc/self/mem closed to others: call first in main.
 * QR_IO when the system refuses. */
enum qr_rc qr_secret_process_init(struct qr_err *err) QR_MUST_CHECK;

#endif
