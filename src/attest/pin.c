/* pin.c - see pin.h. */
#include "attest/pin.h"

#include <stdatomic.h>
#include <stdlib.h>

struct attest_pin {
    struct attest_policy *current, *next;
    atomic_uint_least64_t from;
};

enum qr_rc attest_pin_new(struct attest_pin **out, struct attest_policy *current,
                          struct attest_policy *next, struct qr_err *err)
{
    struct attest_pin *p = calloc(1, sizeof *p);
    enum qr_rc rc = p ? QR_OK : QR_NOMEM;
    *out = NULL;
    /* A device is opened for a class: what it shows does not change with a file. */
    if (rc == QR_OK && next && next->trust_class != current->trust_class)
        rc = qr_fail(err, QR_POLICY, "the next attestation policy is of another class");
    if (rc != QR_OK) {
        attest_policy_free(current);
        attest_policy_free(next);
        free(p);
        return rc;
    }
    p->current = current;
    p->next = next;
    atomic_init(&p->from, ATTEST_PIN_UNKNOWN);
    *out = p;
    return QR_OK;
}

void attest_pin_free(struct attest_pin *p)
{
    if (!p) return;
    attest_policy_free(p->current);
    attest_policy_free(p->next);
    free(p);
}

uint64_t attest_pin_from(const struct attest_pin *p) { return atomic_load(&p->from); }

const struct attest_policy *attest_pin_next(const struct attest_pin *p) { return p->next; }

bool attest_pin_waits(const struct attest_pin *p)
{
    return p->next && attest_pin_from(p) == ATTEST_PIN_UNKNOWN;
}

const struct attest_policy *attest_pin_now(const struct attest_pin *p)
{
    return p->next && !attest_pin_waits(p) ? p->next : p->current;
}

const struct attest_policy *attest_pin_at(const struct attest_pin *p, uint64_t index)
{
    uint64_t from = attest_pin_from(p);
    return p->next && from != ATTEST_PIN_UNKNOWN && index > from ? p->next : p->current;
}

const struct attest_policy *attest_pin_find(const struct attest_pin *p, const struct qr_hash *hash)
{
    if (qr_hash_equal(&p->current->hash, hash)) return p->current;
    return p->next && qr_hash_equal(&p->next->hash, hash) ? p->next : NULL;
}

void attest_pin_switch(struct attest_pin *p, uint64_t index)
{
    uint_least64_t unknown = ATTEST_PIN_UNKNOWN;
    (void)atomic_compare_exchange_strong(&p->from, &unknown, index);
}
