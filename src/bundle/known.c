/* known.c - see known.h. */
#include "bundle/known.h"

#include <assert.h>

#define MAX_PARTS 4

struct qr_hash bundle_fact_hash(enum bundle_fact fact, const struct qr_bytes *parts, size_t count)
{
    const uint8_t tag[1] = {(uint8_t)fact};
    struct qr_bytes all[MAX_PARTS + 1] = {QR_BYTES_OF(tag)};
    struct qr_hash each[MAX_PARTS];
    assert(count <= MAX_PARTS);
    for (size_t i = 0; i < count; i++) {
        each[i] = qr_sha256_one(parts[i]);
        all[i + 1] = QR_BYTES_OF(each[i].b);
    }
    return qr_sha256(all, count + 1);
}

struct qr_hash bundle_fact_dkg(struct qr_bytes certificate)
{
    return bundle_fact_hash(BUNDLE_FACT_DKG, &certificate, 1);
}

bool bundle_known_has(const struct bundle_known *known, const struct qr_hash *fact)
{
    for (size_t i = 0; known && i < known->count && i < BUNDLE_KNOWN_MAX; i++)
        if (qr_hash_equal(&known->h[i], fact)) return true;
    return false;
}

void bundle_known_add(struct bundle_known *known, const struct qr_hash *fact)
{
    if (known) known->h[known->count++ % BUNDLE_KNOWN_MAX] = *fact;
}
