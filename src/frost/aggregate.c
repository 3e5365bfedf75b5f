/* aggregate.c - add up, verify, and only then ask who was wrong.
 *
 * The signature is checked with libsodium's strict equation (no cofactor): it
 * is the one that ssh-keygen, OpenSSL and minisign use.  R and Y are torsion
 * free, so RFC 9591's cofactored equation agrees. */
#include "frost/aggregate.h"

#include "base/removal.h"

#include <sodium.h>

_Static_assert(FROST_SIG_SIZE == crypto_sign_BYTES, "Ed25519");

/* z_i*B - rho_i*E_i - (c*lambda_i)*Y_i == D_i   (RFC 9591 section 5.4) */
static bool share_is_valid(const struct frost_attempt *a, const struct frost_group *g, size_t i,
                           const struct scalar *lambda, const uint8_t z[SCALAR_SIZE])
{
    struct public_point key;
    struct public_sum sum;
    struct public_term terms[3] = {
        {.point = NULL}, {.point = &a->points[i].binding}, {.point = &key}};
    if (scalar_decode(&terms[0].by, z) != QR_OK) return false;
    scalar_negate(&terms[1].by, &a->rho[i]);
    scalar_mul(&terms[2].by, lambda, &a->challenge);
    scalar_negate(&terms[2].by, &terms[2].by);
    public_of(&key, &g->shares[a->ids[i] - 1]);
    public_sum_init(&sum);
    public_sum_add_terms(&sum, terms, 3);
    return public_sum_equal(&sum, &a->points[i].hiding);
}

static void name_culprits(const struct frost_attempt *a, const struct frost_group *g,
                          const struct frost_sig_share *shares, struct frost_culprits *bad)
{
    struct scalar lambda[QR_MAX_MEMBERS];
    if (lagrange_coefficients(lambda, a->ids, a->count) != QR_OK)
        qr_fatal("a checked list has no Lagrange coefficients");
    for (size_t i = 0; i < a->count; i++)
        if (!QR_HOLDS(FROST_CULPRIT, share_is_valid(a, g, i, &lambda[i], shares[i].z)))
            bad->ids[bad->count++] = a->ids[i];
}

/* R || sum of z_i; false when a z_i is not canonical or the sum is no
 * signature under Y. */
static bool sum_is_signature(const struct frost_attempt *a, const struct frost_group *g,
                             struct qr_bytes msg, const struct frost_sig_share *shares,
                             uint8_t sig[FROST_SIG_SIZE])
{
    struct scalar sum, z;
    scalar_from_u32(&sum, 0);
    for (size_t i = 0; i < a->count; i++) {
        if (scalar_decode(&z, shares[i].z) != QR_OK) return false;
        scalar_add(&sum, &sum, &z);
    }
    qr_copy(sig, a->r.b, POINT_SIZE);
    qr_copy(sig + POINT_SIZE, sum.b, SCALAR_SIZE);
    return QR_HOLDS(FROST_SIGNATURE, crypto_sign_verify_detached(sig, msg.p, msg.n, g->key.b) == 0);
}

enum qr_rc frost_aggregate(const struct frost_group *g, const struct frost_package *p,
                           const struct frost_sig_share *shares, struct frost_result *out,
                           struct qr_err *err)
{
    struct frost_attempt a;
    struct frost_culprits *bad = &out->culprits;
    *out = (struct frost_result){0};
    QR_TRY(frost_attempt_init(&a, g, p, bad, err));
    for (size_t i = 0; i < a.count; i++)
        if (shares[i].id != a.ids[i])
            return qr_fail(err, QR_RANGE, "share of signer %u where %u is listed", shares[i].id,
                           a.ids[i]);
    if (sum_is_signature(&a, g, p->msg, shares, out->sig)) return QR_OK;

    qr_zero(out->sig, sizeof out->sig);
    name_culprits(&a, g, shares, bad);
    if (bad->count == 0)
        return qr_fail(err, QR_BUG, "every share verifies but the signature does not");
    return qr_fail(err, QR_FALSE, "%zu bad signature share(s), the first from signer %u",
                   bad->count, bad->ids[0]);
}
