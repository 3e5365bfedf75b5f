/* rand.c - getrandom, the seeded test stream, ULIDs. */
#include "base/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void system_fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) qr_fatal("getrandom failed");
        out += got;
        n -= (size_t)got;
    }
}

/* splitmix64: good enough to make test cases, and tiny. */
static void seeded_fill(void *ctx, uint8_t *out, size_t n)
{
    uint64_t *state = ctx;
    while (n > 0) {
        *state += 0x9e3779b97f4a7c15u;
        uint64_t z = *state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        uint8_t block[8];
        qr_set_le64(block, z ^ (z >> 31));
        size_t take = n < sizeof block ? n : sizeof block;
        qr_copy(out, block, take);
        out += take;
        n -= take;
    }
}

struct qr_rand qr_rand_system(void) { return (struct qr_rand){system_fill, NULL}; }
struct qr_rand qr_rand_seeded(uint64_t *seed) { return (struct qr_rand){seeded_fill, seed}; }
void qr_rand_fill(const struct qr_rand *r, void *out, size_t n) { r->fill(r->ctx, out, n); }

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void qr_ulid(const struct qr_rand *r, int64_t wall_us, char out[QR_ULID_LEN + 1])
{
    uint64_t ms = (uint64_t)(wall_us / 1000);
    for (int i = 9; i >= 0; i--, ms >>= 5) out[i] = crockford[ms & 31];
    uint8_t bits[16];
    qr_rand_fill(r, bits, sizeof bits);
    for (int i = 0; i < 16; i++) out[10 + i] = crockford[bits[i] & 31];
    out[QR_ULID_LEN] = 0;
}

bool qr_ulid_ok(struct qr_bytes s)
{
    if (s.n != QR_ULID_LEN || s.p[0] > '7') return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == 0 || !strchr(crockford, s.p[i])) return false;
    return true;
}
