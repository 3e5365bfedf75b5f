/* package.c - check the list, then bind message, set and commitments.
 *
 * Every signer has its own binding factor; a single one for all would lose the
 * binding to the set of signers (RFC 9591 section 5.3 advises against it). */
#include "frost/package.h"

#include "base/removal.h"

#include "frost/hash.h"

#define LIST_ENTRY (SCALAR_SIZE + 2 * POINT_SIZE)

static enum qr_rc check_ids(const struct frost_group *g, const struct frost_package *p,
                            struct qr_err *err)
{
    if (!QR_HOLDS(FROST_QUORUM, p->count >= g->t) || p->count > g->n)
        return qr_fail(err, QR_RANGE, "%zu commitments for a %u of %u group", p->count, g->t, g->n);
    for (size_t i = 0; i < p->count; i++) {
        if (!QR_HOLDS(FROST_IDS, p->list[i].id >= 1 && p->list[i].id <= g->n))
            return qr_fail(err, QR_RANGE, "signer %u of %u", p->list[i].id, g->n);
        if (i > 0 && !QR_HOLDS(FROST_ORDER, p->list[i].id > p->list[i - 1].id))
            return qr_fail(err, QR_MALFORMED, "the list of commitments is not ascending");
    }
    return QR_OK;
}

static bool is_same(const struct frost_commitment *a, const struct frost_commitment *b)
{
    return a->id == b->id && qr_equal_ct(a->hiding, b->hiding, POINT_SIZE) &&
           qr_equal_ct(a->binding, b->binding, POINT_SIZE);
}

static enum qr_rc decode_one(struct frost_attempt *a, const struct frost_package *p, size_t i)
{
    const struct frost_commitment *c = &p->list[i];
    if (p->checked && is_same(&p->checked[i].is, c)) {
        a->points[i].hiding = p->checked[i].hiding;
        a->points[i].binding = p->checked[i].binding;
        return QR_OK;
    }
    QR_TRY(public_decode(&a->points[i].hiding, c->hiding));
    return public_decode(&a->points[i].binding, c->binding);
}

static enum qr_rc decode_list(struct frost_attempt *a, const struct frost_package *p,
                              struct frost_culprits *bad, struct qr_err *err)
{
    enum qr_rc rc = QR_OK;
    for (size_t i = 0; i < p->count; i++) {
        const struct frost_commitment *c = &p->list[i];
        a->ids[i] = c->id;
        if (decode_one(a, p, i) == QR_OK) continue;
        if (bad) bad->ids[bad->count++] = c->id;
        rc = qr_fail(err, QR_MALFORMED, "signer %u sent an invalid commitment", c->id);
    }
    return rc;
}

/* rho_j = H1(Y || H4(msg) || H5(list) || j)   (RFC 9591 section 4.4) */
static void binding_factors(struct frost_attempt *a, const struct frost_group *g,
                            const struct frost_package *p)
{
    uint8_t list[QR_MAX_MEMBERS * LIST_ENTRY];
    uint8_t msg_hash[HASH_SIZE], list_hash[HASH_SIZE];
    struct scalar id;
    for (size_t i = 0; i < a->count; i++) {
        uint8_t *entry = list + i * LIST_ENTRY;
        scalar_from_u32(&id, a->ids[i]);
        qr_copy(entry, id.b, SCALAR_SIZE);
        qr_copy(entry + SCALAR_SIZE, p->list[i].hiding, POINT_SIZE);
        qr_copy(entry + SCALAR_SIZE + POINT_SIZE, p->list[i].binding, POINT_SIZE);
    }
    frost_h4(p->msg, msg_hash);
    frost_h5(QR_BYTES(list, a->count * LIST_ENTRY), list_hash);
    for (size_t i = 0; i < a->count; i++) {
        scalar_from_u32(&id, a->ids[i]);
        struct qr_bytes parts[] = {QR_BYTES_OF(g->key.b), QR_BYTES_OF(msg_hash),
                                   QR_BYTES_OF(list_hash), QR_BYTES_OF(id.b)};
        frost_h1(parts, 4, &a->rho[i]);
    }
}

enum qr_rc frost_commitment_check(const struct frost_commitment *c)
{
    struct frost_checked ignored;
    return frost_commitment_decode(&ignored, c);
}

enum qr_rc frost_commitment_decode(struct frost_checked *out, const struct frost_commitment *c)
{
    out->is = *c;
    QR_TRY(public_decode(&out->hiding, c->hiding));
    return public_decode(&out->binding, c->binding);
}

/* R = sum of D_j + rho_j*E_j.  QR_RANGE: the identity. */
static enum qr_rc group_commitment(struct frost_attempt *a)
{
    struct public_term terms[QR_MAX_MEMBERS];
    struct public_sum sum;
    public_sum_init(&sum);
    for (size_t i = 0; i < a->count; i++) {
        public_sum_add(&sum, &a->points[i].hiding);
        terms[i] = (struct public_term){a->rho[i], &a->points[i].binding};
    }
    public_sum_add_terms(&sum, terms, a->count);
    return public_sum_done(&sum, &a->r);
}

enum qr_rc frost_attempt_init(struct frost_attempt *a, const struct frost_group *g,
                              const struct frost_package *p, struct frost_culprits *bad,
                              struct qr_err *err)
{
    *a = (struct frost_attempt){.count = p->count};
    if (bad) bad->count = 0;
    QR_TRY(check_ids(g, p, err));
    QR_TRY(decode_list(a, p, bad, err));
    binding_factors(a, g, p);
    if (group_commitment(a) != QR_OK)
        return qr_fail(err, QR_FALSE, "the group commitment is the identity");
    struct qr_bytes parts[] = {QR_BYTES_OF(a->r.b), QR_BYTES_OF(g->key.b), p->msg};
    frost_h2(parts, 3, &a->challenge);
    return QR_OK;
}
