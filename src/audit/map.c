/* map.c - open addressing; the keys are hashes, so that their bytes place them. */
#include "audit/map.h"

#include <stdlib.h>

struct audit_place {
    uint8_t key[AUDIT_KEY_SIZE];
    uint64_t value; /* AUDIT_NONE: empty */
};

void audit_map_fini(struct audit_map *m)
{
    free(m->places);
    *m = (struct audit_map){.places = NULL};
}

static size_t start_of(const struct audit_map *m, const uint8_t key[AUDIT_KEY_SIZE])
{
    uint64_t h = 0;
    for (size_t i = 0; i < 8; i++) h = h << 8 | key[i];
    return (size_t)(h & (m->room - 1));
}

/* Where the key is, or the empty place where it belongs. */
static struct audit_place *place_of(const struct audit_map *m, const uint8_t key[AUDIT_KEY_SIZE])
{
    size_t i = start_of(m, key);
    while (
        m->places[i].value != AUDIT_NONE &&
        !qr_bytes_equal(QR_BYTES(m->places[i].key, AUDIT_KEY_SIZE), QR_BYTES(key, AUDIT_KEY_SIZE)))
        i = (i + 1) & (m->room - 1);
    return &m->places[i];
}

static void grow(struct audit_map *m)
{
    struct audit_map old = *m;
    m->room = old.room ? 2 * old.room : 256;
    m->places = malloc(m->room * sizeof *m->places);
    if (!m->places) qr_fatal("out of memory");
    for (size_t i = 0; i < m->room; i++) m->places[i].value = AUDIT_NONE;
    for (size_t i = 0; i < old.room; i++)
        if (old.places[i].value != AUDIT_NONE) *place_of(m, old.places[i].key) = old.places[i];
    free(old.places);
}

uint64_t audit_map_get(const struct audit_map *m, const struct qr_hash *key)
{
    return m->room ? place_of(m, key->b)->value : AUDIT_NONE;
}

void audit_map_set(struct audit_map *m, const struct qr_hash *key, uint64_t value)
{
    if (m->used + 1 > m->room / 4 * 3) grow(m);
    struct audit_place *p = place_of(m, key->b);
    if (p->value == AUDIT_NONE) m->used++;
    qr_copy(p->key, key->b, AUDIT_KEY_SIZE);
    p->value = value;
}

bool audit_map_next(const struct audit_map *m, uint64_t *least, size_t *at, struct qr_hash *key)
{
    while (*at < m->room) {
        const struct audit_place *p = &m->places[(*at)++];
        if (p->value < *least || p->value == AUDIT_NONE) continue;
        *least = p->value;
        *key = (struct qr_hash){{0}};
        qr_copy(key->b, p->key, AUDIT_KEY_SIZE);
        return true;
    }
    return false;
}
