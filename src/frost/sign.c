/* sign.c - nonces that can be used once.
 *
 * frost_sign first marks the handle, moves the nonces out and destroys their
 * memory; only then it looks at the request.  Whatever fails later, there is
 * nothing left to sign with again.  A forked child has no such memory
 * (MADV_DONTFORK), which the process id tells before it is touched. */
#include "frost/sign.h"

#include "base/removal.h"
#include "frost/hash.h"
#include "frost/test_hooks.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct frost_nonces {
    atomic_bool used;
    pid_t owner;
    struct point key; /* of the group */
    struct frost_commitment commitment;
    struct qr_secret secret; /* hiding || binding */
};

/* nonce_generate of RFC 9591 section 4.1.  False for the nonce 0. */
static bool make_nonce(const struct frost_share *share, const uint8_t random[32],
                       uint8_t nonce[SCALAR_SIZE], uint8_t public[POINT_SIZE])
{
    struct scalar s;
    struct point p;
    struct qr_bytes parts[] = {QR_BYTES(random, 32), qr_secret_bytes(&share->x)};
    frost_h3(parts, 2, &s);
    if (scalar_is_zero(&s)) return false;
    point_mul_base(&p, &s);
    qr_copy(nonce, s.b, SCALAR_SIZE);
    qr_copy(public, p.b, POINT_SIZE);
    qr_wipe(&s, sizeof s);
    return true;
}

/* random gives 32 fresh bytes for each of the two nonces. */
static enum qr_rc commit_with(const struct frost_share *share, const struct qr_rand *random,
                              struct frost_nonces **out, struct qr_err *err)
{
    uint8_t r[32];
    struct frost_nonces *n = calloc(1, sizeof *n);
    if (!n) return qr_fail(err, QR_NOMEM, "no memory for nonces");
    enum qr_rc rc = qr_secret_init(&n->secret, 2 * SCALAR_SIZE, err);
    if (rc != QR_OK) {
        free(n);
        return rc;
    }
    atomic_init(&n->used, false);
    n->owner = getpid();
    n->key = share->group.key;
    n->commitment.id = share->id;
    do qr_rand_fill(random, r, sizeof r);
    while (!make_nonce(share, r, n->secret.p, n->commitment.hiding));
    do qr_rand_fill(random, r, sizeof r);
    while (!make_nonce(share, r, n->secret.p + SCALAR_SIZE, n->commitment.binding));
    qr_wipe(r, sizeof r);
    *out = n;
    return QR_OK;
}

enum qr_rc frost_commit(const struct frost_share *share, struct frost_nonces **out,
                        struct frost_commitment *commitment, struct qr_err *err)
{
    struct qr_rand random = qr_rand_system();
    QR_TRY(commit_with(share, &random, out, err));
    *commitment = (*out)->commitment;
    return QR_OK;
}

#ifdef FROST_TEST_HOOKS
enum qr_rc frost_test_commit(const struct frost_share *share, const struct qr_rand *random,
                             struct frost_nonces **out, struct frost_commitment *commitment)
{
    QR_TRY(commit_with(share, random, out, NULL));
    *commitment = (*out)->commitment;
    return QR_OK;
}

void frost_test_nonces(const struct frost_nonces *n, uint8_t out[2 * SCALAR_SIZE])
{
    assert(n->secret.p);
    qr_copy(out, n->secret.p, 2 * SCALAR_SIZE);
}
#endif

void frost_nonces_free(struct frost_nonces *n)
{
    if (!n) return;
    if (n->owner == getpid()) qr_secret_fini(&n->secret);
    free(n);
}

/* Position of the handle's own commitment in the list, exactly as it was made. */
static enum qr_rc find_own(const struct frost_nonces *n, const struct frost_package *p, size_t *at,
                           struct qr_err *err)
{
    const struct frost_commitment *own = &n->commitment;
    for (size_t i = 0; i < p->count; i++) {
        const struct frost_commitment *c = &p->list[i];
        if (c->id != own->id) continue;
        bool same = qr_equal_ct(c->hiding, own->hiding, POINT_SIZE) &&
                    qr_equal_ct(c->binding, own->binding, POINT_SIZE);
        if (!QR_HOLDS(FROST_OWN, same))
            return qr_fail(err, QR_CONFLICT, "the list alters the commitment of signer %u",
                           own->id);
        *at = i;
        return QR_OK;
    }
    return qr_fail(err, QR_CONFLICT, "the list lacks the commitment of signer %u", own->id);
}

/* z = d + e * rho + lambda * x * c   (RFC 9591 section 5.2) */
static void share_of(const struct frost_attempt *a, size_t at, const struct scalar nonces[2],
                     const struct frost_share *share, uint8_t z[SCALAR_SIZE])
{
    struct scalar lambda, term, sum;
    if (lagrange_coefficient(&lambda, share->id, a->ids, a->count) != QR_OK)
        qr_fatal("a checked list has no Lagrange coefficient");
    scalar_mul(&sum, &nonces[1], &a->rho[at]);
    scalar_add(&sum, &sum, &nonces[0]);
    scalar_mul(&term, &lambda, scalar_of_secret(&share->x, 0));
    scalar_mul(&term, &term, &a->challenge);
    scalar_add(&sum, &sum, &term);
    qr_copy(z, sum.b, SCALAR_SIZE);
    qr_wipe(&term, sizeof term);
    qr_wipe(&sum, sizeof sum);
}

enum qr_rc frost_sign(struct frost_nonces *n, const struct frost_share *share,
                      const struct frost_package *p, uint8_t z[SCALAR_SIZE], struct qr_err *err)
{
    struct frost_attempt a;
    struct scalar nonces[2];
    size_t at = 0;
    qr_zero(z, SCALAR_SIZE);
    if (!QR_HOLDS(FROST_PROCESS, n->owner == getpid()))
        return qr_fail(err, QR_STATE, "these nonces belong to another process");
    /* COMMIT POINT: from here on this handle can never sign again, and has
     * nothing to sign with. */
    bool first = !atomic_exchange(&n->used, true);
    if (!QR_HOLDS(FROST_ONCE, first) || !n->secret.p)
        return qr_fail(err, QR_STATE, "these nonces were used before");
    qr_copy(nonces, n->secret.p, sizeof nonces);
    if (!QR_HOLDS(FROST_ERASED, false)) qr_secret_fini(&n->secret);

    bool ours = QR_HOLDS(FROST_SHARE,
                         n->commitment.id == share->id && point_equal(&n->key, &share->group.key));
    enum qr_rc rc = ours ? frost_attempt_init(&a, &share->group, p, NULL, err)
                         : qr_fail(err, QR_STATE, "these nonces belong to another share");
    if (rc == QR_OK) rc = find_own(n, p, &at, err);
    if (rc == QR_OK) share_of(&a, at, nonces, share, z);
    qr_wipe(nonces, sizeof nonces);
    return rc;
}
