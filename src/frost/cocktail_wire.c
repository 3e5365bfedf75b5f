/* cocktail_wire.c - exact parsing of a message that carries no count.
 *
 * A first message does not say how many commitments it has: that its total
 * length fits n and t exactly is the check against threshold elevation, so
 * lengths are settled before any point is looked at. */
#include "frost/cocktail_wire.h"

#include "base/removal.h"

#include "frost/hash.h"
#include "frost/public.h"

#include <assert.h>

enum qr_rc cocktail_params_init(struct cocktail_params *p, uint32_t n, uint32_t t,
                                struct qr_bytes keys, struct qr_err *err)
{
    *p = (struct cocktail_params){.n = n, .t = t};
    if (t < 1 || t > n || n > QR_MAX_MEMBERS)
        return qr_fail(err, QR_RANGE, "no group can be %u of %u", t, n);
    if (keys.n != (size_t)n * POINT_SIZE)
        return qr_fail(err, QR_RANGE, "%zu bytes of keys for %u participants", keys.n, n);
    for (uint32_t i = 0; i < n; i++) {
        if (point_decode(&p->keys[i], keys.p + (size_t)i * POINT_SIZE) != QR_OK)
            return qr_fail(err, QR_MALFORMED, "static key %u is no valid point", i + 1);
        for (uint32_t j = 0; j < i; j++)
            if (!QR_HOLDS(COCKTAIL_KEYS, !point_equal(&p->keys[j], &p->keys[i])))
                return qr_fail(err, QR_CONFLICT, "participants %u and %u have the same key", j + 1,
                               i + 1);
    }
    return QR_OK;
}

void cocktail_context(struct cocktail_params *p, struct qr_bytes session_id)
{
    struct hasher h;
    hasher_init(&h, "COCKTAIL-DKG-CONTEXT");
    hasher_add_be64(&h, session_id.n);
    hasher_add(&h, session_id);
    hasher_add_be64(&h, qr_str(COCKTAIL_SUITE).n);
    hasher_add(&h, qr_str(COCKTAIL_SUITE));
    hasher_add_le32(&h, p->n);
    for (uint32_t i = 0; i < p->n; i++) hasher_add(&h, QR_BYTES_OF(p->keys[i].b));
    hasher_done(&h, p->context);
}

const char *dkg_reason_name(enum dkg_reason reason)
{
    static const char *const names[] = {"fine",      "length", "frame",   "point",  "pop",
                                        "duplicate", "own",    "decrypt", "scalar", "share",
                                        "key",       "certeq", "constant"};
    assert((size_t)reason < sizeof names / sizeof names[0]);
    return names[reason];
}

enum dkg_reason cocktail_msg1_split(struct cocktail_raw1 *raw, const struct cocktail_params *p,
                                    struct qr_bytes s)
{
    struct qr_reader r = qr_reader_of(s);
    raw->commitments = qr_read_bytes(&r, (size_t)p->t * POINT_SIZE);
    raw->pop = qr_read_bytes(&r, SCHNORR_SIZE).p;
    raw->ephemeral = qr_read_bytes(&r, POINT_SIZE).p;
    for (uint32_t j = 0; j < p->n; j++) {
        uint64_t n = qr_read_be64(&r);
        if (r.failed) return DKG_LENGTH;
        bool fits = n >= COCKTAIL_MIN_CIPHERTEXT && n <= COCKTAIL_MAX_CIPHERTEXT;
        if (!QR_HOLDS(COCKTAIL_FRAME, fits)) return DKG_FRAME;
        raw->frames[j] = qr_read_bytes(&r, (size_t)n);
    }
    if (r.failed) return DKG_LENGTH;
    return QR_HOLDS(COCKTAIL_LENGTH, r.rest.n == 0) ? DKG_FINE : DKG_LENGTH;
}

static enum dkg_reason parse_points(struct cocktail_msg1 *m, const struct cocktail_params *p,
                                    const struct cocktail_raw1 *raw)
{
    struct public_point decoded[QR_MAX_MEMBERS];
    size_t bad;
    if (public_decode_many(decoded, raw->commitments.p, p->t, &bad) != QR_OK) return DKG_POINT;
    qr_copy(m->commitments, raw->commitments.p, raw->commitments.n);
    qr_copy(m->pop, raw->pop, SCHNORR_SIZE);
    qr_copy(m->frames, raw->frames, p->n * sizeof m->frames[0]);
    return point_decode(&m->ephemeral, raw->ephemeral) == QR_OK ? DKG_FINE : DKG_POINT;
}

enum qr_rc cocktail_msg1_parse(struct cocktail_msg1 *m, const struct cocktail_params *p,
                               struct qr_bytes s, enum dkg_reason *reason)
{
    struct cocktail_raw1 raw;
    *reason = cocktail_msg1_split(&raw, p, s);
    if (*reason == DKG_FINE) *reason = parse_points(m, p, &raw);
    return *reason == DKG_FINE ? QR_OK : QR_MALFORMED;
}

enum qr_rc cocktail_pop_check(const struct cocktail_params *p, const struct point *commitments,
                              const struct point *ephemeral, const uint8_t pop[SCHNORR_SIZE])
{
    struct qr_bytes parts[] = {QR_BYTES_OF(p->context),
                               QR_BYTES(commitments, (size_t)p->t * POINT_SIZE),
                               QR_BYTES_OF(ephemeral->b)};
    enum qr_rc rc = schnorr_verify(&commitments[0], parts, 3, pop);
    return QR_HOLDS(COCKTAIL_POP, rc == QR_OK) ? QR_OK : rc;
}

enum qr_rc cocktail_msg1_check(const struct cocktail_params *p, uint32_t index, struct qr_bytes s,
                               struct dkg_blame *blame, struct qr_err *err)
{
    struct point commitments[QR_MAX_MEMBERS];
    struct cocktail_msg1 m = {.commitments = commitments};
    enum dkg_reason reason = DKG_FINE;
    enum qr_rc rc = cocktail_msg1_parse(&m, p, s, &reason);
    if (rc == QR_OK) {
        rc = cocktail_pop_check(p, commitments, &m.ephemeral, m.pop);
        if (rc != QR_OK) reason = DKG_POP;
    }
    *blame = (struct dkg_blame){.reason = reason, .index = rc == QR_OK ? 0 : index};
    return rc == QR_OK ? QR_OK
                       : qr_fail(err, rc, "DKG message of participant %u: %s", index,
                                 dkg_reason_name(reason));
}

size_t cocktail_msg1_head(const struct cocktail_params *p)
{
    return (size_t)p->t * POINT_SIZE + SCHNORR_SIZE + POINT_SIZE;
}

enum qr_rc cocktail_frames_digest(const struct cocktail_params *p, const struct qr_bytes *msgs,
                                  uint8_t out[COCKTAIL_DIGEST_SIZE])
{
    struct hasher h;
    size_t head = cocktail_msg1_head(p);
    hasher_init(&h, "");
    for (uint32_t j = 0; j < p->n; j++) {
        if (msgs[j].n < head) return QR_MALFORMED;
        hasher_add(&h, QR_BYTES(msgs[j].p + head, msgs[j].n - head));
    }
    hasher_done(&h, out);
    return QR_OK;
}

void cocktail_ext(struct qr_bytes prefix, const uint8_t frames_digest[COCKTAIL_DIGEST_SIZE],
                  uint8_t out[COCKTAIL_EXT_SIZE])
{
    static const uint8_t tag[] = "quorate/dkg-ext/v1"; /* with its NUL */
    struct hasher h;
    uint8_t len[4];
    assert(prefix.n <= UINT32_MAX);
    qr_set_be32(len, (uint32_t)prefix.n);
    hasher_init(&h, "");
    hasher_add(&h, QR_BYTES_OF(tag));
    hasher_add(&h, QR_BYTES_OF(len));
    hasher_add(&h, prefix);
    hasher_add(&h, QR_BYTES(frames_digest, COCKTAIL_DIGEST_SIZE));
    hasher_done(&h, out);
}
