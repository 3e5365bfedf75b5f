/* dispute.c - one discrete logarithm for three pairs: (B, P_to), (E_from, S_e),
 * (P_from, S_d). */
#include "frost/dispute.h"

#include "base/removal.h"
#include "frost/envelope.h"
#include "frost/hash.h"

#include <stdlib.h>

#define PAIRS 3

/* What the case is about, taken apart. */
struct matter {
    struct cocktail_msg1 msg;
    struct point commitments[QR_MAX_MEMBERS];
    struct point base[PAIRS]; /* [0] is B and not read */
    struct point power[PAIRS];
};

static enum qr_rc take_apart(const struct dispute_case *k, struct matter *m)
{
    const struct cocktail_params *p = k->params;
    enum dkg_reason reason;
    if (k->from < 1 || k->from > p->n || k->to < 1 || k->to > p->n) return QR_RANGE;
    m->msg.commitments = m->commitments;
    QR_TRY(cocktail_msg1_parse(&m->msg, p, k->msg1, &reason));
    m->power[0] = p->keys[k->to - 1];
    m->base[1] = m->msg.ephemeral;
    m->base[2] = p->keys[k->from - 1];
    return QR_OK;
}

static void challenge(const struct dispute_case *k, const struct matter *m,
                      const struct point shown[PAIRS], struct scalar *out)
{
    struct hasher h;
    hasher_init(&h, "quorate/dispute/v1");
    hasher_add(&h, QR_BYTES_OF(k->params->context));
    hasher_add_le32(&h, k->from);
    hasher_add_le32(&h, k->to);
    for (size_t i = 1; i < PAIRS; i++) hasher_add(&h, QR_BYTES_OF(m->base[i].b));
    for (size_t i = 0; i < PAIRS; i++) hasher_add(&h, QR_BYTES_OF(m->power[i].b));
    for (size_t i = 0; i < PAIRS; i++) hasher_add(&h, QR_BYTES_OF(shown[i].b));
    hasher_done_scalar(&h, out);
}

static void powers(struct matter *m, const struct scalar *by, struct point out[PAIRS])
{
    point_mul_base(&out[0], by);
    for (size_t i = 1; i < PAIRS; i++) point_mul(&out[i], by, &m->base[i]);
}

static void prove(const struct dispute_case *k, struct matter *m, const struct scalar *own,
                  const struct qr_rand *rand, uint8_t out[DISPUTE_SIZE])
{
    struct scalar nonce, c, z;
    struct point shown[PAIRS];
    powers(m, own, m->power);
    scalar_random(&nonce, rand);
    powers(m, &nonce, shown);
    challenge(k, m, shown, &c);
    scalar_mul(&z, &c, own);
    scalar_add(&z, &z, &nonce);
    qr_copy(out, m->power[1].b, POINT_SIZE);
    qr_copy(out + POINT_SIZE, m->power[2].b, POINT_SIZE);
    qr_copy(out + 2 * (size_t)POINT_SIZE, c.b, SCALAR_SIZE);
    qr_copy(out + 2 * (size_t)POINT_SIZE + SCALAR_SIZE, z.b, SCALAR_SIZE);
    qr_wipe(&nonce, sizeof nonce);
}

enum qr_rc dispute_prove(const struct dispute_case *k, const struct cocktail_static *own,
                         const struct qr_rand *rand, uint8_t out[DISPUTE_SIZE])
{
    struct matter *m = calloc(1, sizeof *m);
    if (!m) return QR_NOMEM;
    enum qr_rc rc = take_apart(k, m);
    if (rc == QR_OK && !point_equal(&m->power[0], &own->pub)) rc = QR_CONFLICT;
    if (rc == QR_OK) prove(k, m, scalar_of_secret(&own->d, 0), rand, out);
    free(m);
    return rc;
}

/* z*base - c*power for each pair, hashed to c again. */
static enum qr_rc check_proof(const struct dispute_case *k, struct matter *m,
                              const uint8_t proof[DISPUTE_SIZE])
{
    struct scalar c, z, minus, again;
    struct point shown[PAIRS];
    for (size_t i = 1; i < PAIRS; i++)
        if (point_decode(&m->power[i], proof + (i - 1) * POINT_SIZE) != QR_OK) return QR_FALSE;
    if (scalar_decode(&c, proof + 2 * (size_t)POINT_SIZE) != QR_OK ||
        scalar_decode(&z, proof + 2 * (size_t)POINT_SIZE + SCALAR_SIZE) != QR_OK)
        return QR_FALSE;
    scalar_negate(&minus, &c);
    for (size_t i = 0; i < PAIRS; i++) {
        struct public_point base, power;
        struct public_sum sum;
        public_of(&power, &m->power[i]);
        if (i > 0) public_of(&base, &m->base[i]);
        struct public_term terms[2] = {{z, i > 0 ? &base : NULL}, {minus, &power}};
        public_sum_init(&sum);
        public_sum_add_terms(&sum, terms, 2);
        if (public_sum_done(&sum, &shown[i]) != QR_OK) return QR_FALSE;
    }
    challenge(k, m, shown, &again);
    return QR_HOLDS(DISPUTE_PROOF, qr_equal_ct(c.b, again.b, SCALAR_SIZE)) ? QR_OK : QR_FALSE;
}

static enum qr_rc open_cipher(const struct dispute_case *k, const struct matter *m,
                              enum dkg_reason *found)
{
    struct public_point decoded[QR_MAX_MEMBERS];
    struct scalar share;
    size_t bad = 0;
    QR_TRY(public_decode_many(decoded, m->commitments[0].b, k->params->t, &bad));
    struct envelope_route route = {k->params, k->from, k->to, &m->msg.ephemeral, NULL};
    enum qr_rc rc =
        envelope_open_with(&route, &m->power[1], decoded, m->msg.frames[k->to - 1], &share, found);
    qr_wipe(&share, sizeof share);
    return *found != DKG_FINE ? QR_OK : rc;
}

enum qr_rc dispute_judge(const struct dispute_case *k, const uint8_t proof[DISPUTE_SIZE],
                         enum dkg_reason *found)
{
    struct matter *m = calloc(1, sizeof *m);
    *found = DKG_FINE;
    if (!m) return QR_NOMEM;
    enum qr_rc rc = take_apart(k, m);
    if (rc == QR_OK) rc = check_proof(k, m, proof);
    if (rc == QR_OK) rc = open_cipher(k, m, found);
    free(m);
    return rc;
}
