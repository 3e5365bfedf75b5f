/* map.h - from a hash to a number: what an audit remembers of millions of
 * sessions and people.
 *
 * Keys are told apart by 16 of their bytes: making two alike takes 2^64 hashes.
 * 24 bytes a place, at most three quarters full. */
#ifndef QUORATE_AUDIT_MAP_H
#define QUORATE_AUDIT_MAP_H

#include "crypto/crypto.h"

#define AUDIT_NONE UINT64_MAX

#define AUDIT_KEY_SIZE 16

struct audit_place;
struct audit_map {
    struct audit_place *places;
    size_t room; /* a power of two, or 0 */
    size_t used;
};

void audit_map_fini(struct audit_map *m);
/* AUDIT_NONE: not there. */
uint64_t audit_map_get(const struct audit_map *m, const struct qr_hash *key);
/* Sets or replaces; value is not AUDIT_NONE. */
void audit_map_set(struct audit_map *m, const struct qr_hash *key, uint64_t value);
/* From *at on (0 at first), the next key with a value of at least this, which is set
 * to it; of the key only what tells keys apart is filled in.  false: none. */
bool audit_map_next(const struct audit_map *m, uint64_t *least, size_t *at, struct qr_hash *key);

#endif
