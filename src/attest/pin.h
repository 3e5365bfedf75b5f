/* pin.h - the attestation policies that a node believes in, and which of them is
 * in force: the current one, and perhaps the next, which takes its place at a
 * place of the log.
 *
 * What the next one is was decided beforehand, as the current one was; only from
 * where on it counts is learned while running, once, and never taken back.  Any
 * thread may ask.  Spec: docs/SNP.md section 6. */
#ifndef QUORATE_ATTEST_PIN_H
#define QUORATE_ATTEST_PIN_H

#include "attest/policy.h"

#define ATTEST_PIN_UNKNOWN UINT64_MAX

struct attest_pin;

/* Takes both policies, on failure too; next may be NULL.  QR_POLICY: they are
 * not of one trust class. */
enum qr_rc attest_pin_new(struct attest_pin **out, struct attest_policy *current,
                          struct attest_policy *next, struct qr_err *err) QR_MUST_CHECK;
void attest_pin_free(struct attest_pin *p); /* NULL allowed */

/* What evidence must satisfy now; lives as long as p, as all below. */
const struct attest_policy *attest_pin_now(const struct attest_pin *p);
/* The one that takes its place, or has; NULL: none. */
const struct attest_policy *attest_pin_next(const struct attest_pin *p);
/* Current or next by its hash; NULL: neither. */
const struct attest_policy *attest_pin_find(const struct attest_pin *p, const struct qr_hash *hash);

/* Index of the next one's policy.changed; ATTEST_PIN_UNKNOWN: not seen yet. */
uint64_t attest_pin_from(const struct attest_pin *p);
/* The next one is in force from this index on.  The first call counts. */
void attest_pin_switch(struct attest_pin *p, uint64_t index);
/* What is in force for an entry at this index, as far as is known here. */
const struct attest_policy *attest_pin_at(const struct attest_pin *p, uint64_t index);
/* Whether there is a next one that is not in force yet. */
bool attest_pin_waits(const struct attest_pin *p);

#endif
