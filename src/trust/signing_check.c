/* signing_check.c - signing.started and signature.made beside what they name. */
#include "trust/signing_check.h"

#include "frost/package.h"

static bool pub_equal(const struct qr_pub *a, const struct qr_pub *b)
{
    return qr_bytes_equal(QR_BYTES_OF(a->b), QR_BYTES_OF(b->b));
}

/* Whether a pair has a point in common with another, or twice the same. */
static bool share_point(const struct leaf_commitment_pair *a, const struct leaf_commitment_pair *b)
{
    if (a != b && (pub_equal(&a->hiding, &b->hiding) || pub_equal(&a->binding, &b->binding)))
        return true;
    return pub_equal(&a->hiding, &b->binding) || pub_equal(&a->binding, &b->hiding);
}

static bool commitments_ok(const struct leaf_started *st, uint32_t n)
{
    if (st->n != n) return false;
    for (size_t p = 0; p < st->payload_count; p++)
        for (size_t i = 0; i < n; i++) {
            const struct leaf_commitment_pair *c = &st->payloads[p].pairs[i];
            struct frost_commitment fc = {.id = c->index};
            qr_copy(fc.hiding, c->hiding.b, POINT_SIZE);
            qr_copy(fc.binding, c->binding.b, POINT_SIZE);
            if (c->index != i + 1 || frost_commitment_check(&fc) != QR_OK) return false;
            for (size_t k = 0; k <= p * n + i; k++)
                if (share_point(&st->payloads[k / n].pairs[k % n], c)) return false;
        }
    return true;
}

static const char *started_difference(const struct trust_signing *s, const struct leaf_started *st)
{
    const struct leaf_descriptor *d = &s->d->is;
    if (st->attempt != d->attempt || !qr_hash_equal(&st->descriptor, &s->d->hash))
        return "descriptor";
    if (!pub_equal(&st->group_key, &s->group_key)) return "group key";
    if (!qr_hash_equal(&st->certificate, &s->certificate)) return "group certificate";
    if (st->payload_count != d->payloads.n) return "number of payloads";
    for (size_t i = 0; i < d->payloads.n; i++)
        if (st->payloads[i].type != d->payloads.p[i].type ||
            !qr_hash_equal(&st->payloads[i].digest, &d->payloads.p[i].digest))
            return "payload";
    return NULL;
}

enum qr_rc trust_started_check(const struct trust_signing *s, const struct leaf_started *st,
                               struct trust_report *r)
{
    const char *what = started_difference(s, st);
    QR_TRY(trust_check(r, TRUST_STARTED_BINDING, !what, QR_FALSE,
                       "signing.started names another %s", what ? what : ""));
    return trust_check(r, TRUST_STARTED_COMMITMENTS, commitments_ok(st, s->d->is.n), QR_FALSE,
                       NULL);
}

static const char *made_difference(const struct trust_signing *s, const struct qr_hash *started,
                                   const struct leaf_made *m)
{
    const struct leaf_descriptor *d = &s->d->is;
    if (m->attempt != d->attempt || !qr_hash_equal(&m->descriptor, &s->d->hash))
        return "descriptor";
    if (!pub_equal(&m->group_key, &s->group_key)) return "group key";
    if (!qr_hash_equal(&m->started, started)) return "signing.started";
    if (m->n != d->payloads.n) return "number of signatures";
    for (size_t i = 0; i < m->n; i++)
        if (m->signatures[i].type != d->payloads.p[i].type ||
            !qr_hash_equal(&m->signatures[i].digest, &d->payloads.p[i].digest))
            return "signature";
    return NULL;
}

enum qr_rc trust_made_check(const struct trust_signing *s, const struct qr_hash *started,
                            const struct leaf_made *m, struct trust_report *r)
{
    const char *what = made_difference(s, started, m);
    return trust_check(r, TRUST_MADE_BINDING, !what, QR_FALSE, "signature.made names another %s",
                       what ? what : "");
}
