/* keys.c - a share is accepted only if it belongs to the group's Y_i. */
#include "frost/keys.h"

#include "base/removal.h"

enum qr_rc frost_group_init(struct frost_group *g, uint32_t n, uint32_t t, struct qr_bytes key,
                            struct qr_bytes shares)
{
    if (t < 1 || t > n || n > QR_MAX_MEMBERS) return QR_RANGE;
    if (key.n != POINT_SIZE || shares.n != (size_t)n * POINT_SIZE) return QR_RANGE;
    *g = (struct frost_group){.n = n, .t = t};
    QR_TRY(point_decode(&g->key, key.p));
    for (uint32_t i = 0; i < n; i++)
        QR_TRY(point_decode(&g->shares[i], shares.p + (size_t)i * POINT_SIZE));
    return QR_OK;
}

/* x*B == Y_id; zero never is, Y_id is not the identity. */
static bool belongs(const struct scalar *x, const struct point *expected)
{
    struct point p;
    if (scalar_is_zero(x)) return false;
    point_mul_base(&p, x);
    return point_equal(&p, expected);
}

enum qr_rc frost_share_init(struct frost_share *s, const struct frost_group *g, uint32_t id,
                            const uint8_t x[SCALAR_SIZE], struct qr_err *err)
{
    struct scalar checked;
    if (id < 1 || id > g->n) return qr_fail(err, QR_RANGE, "share index %u of %u", id, g->n);
    enum qr_rc rc = scalar_decode(&checked, x);
    if (rc != QR_OK) return qr_fail(err, rc, "the share is not a canonical scalar");
    if (!QR_HOLDS(FROST_LOAD, belongs(&checked, &g->shares[id - 1])))
        rc = qr_fail(err, QR_FALSE, "the share does not belong to member %u of this group", id);
    *s = (struct frost_share){.id = id, .group = *g};
    if (rc == QR_OK) rc = qr_secret_init(&s->x, SCALAR_SIZE, err);
    if (rc == QR_OK) qr_copy(s->x.p, checked.b, SCALAR_SIZE);
    qr_wipe(&checked, sizeof checked);
    return rc;
}

void frost_share_fini(struct frost_share *s) { qr_secret_fini(&s->x); }
