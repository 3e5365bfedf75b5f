/* recover.c - round 2 again, with the transcript in place of the messages. */
#include "frost/recover.h"

#include "frost/envelope.h"

#include <stdlib.h>

static uint32_t index_of(const struct cocktail_params *p, const struct point *pub)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (point_equal(&p->keys[i], pub)) return i + 1;
    return 0;
}

static enum qr_rc split_frames(const struct cocktail_params *p, struct qr_bytes recovery,
                               struct qr_bytes *frames, struct qr_err *err)
{
    struct qr_reader r = qr_reader_of(recovery);
    for (uint32_t j = 0; j < p->n; j++) {
        uint64_t n = qr_read_be64(&r);
        if (n < COCKTAIL_MIN_CIPHERTEXT || n > COCKTAIL_MAX_CIPHERTEXT)
            return qr_fail(err, QR_MALFORMED, "frame %u has an impossible length", j + 1);
        frames[j] = qr_read_bytes(&r, (size_t)n);
    }
    return qr_reader_done(&r) == QR_OK ? QR_OK
                                       : qr_fail(err, QR_MALFORMED, "not exactly %u frames", p->n);
}

/* The share that participant route->from dealt to us. */
static enum qr_rc open_one(const struct cocktail_certificate *c, const struct envelope_route *to,
                           const struct cocktail_static *key, const struct public_point *all,
                           struct qr_bytes frame, struct scalar *share)
{
    struct point ephemeral;
    struct envelope_route route = *to;
    enum dkg_reason reason;
    size_t at = route.from - 1;
    QR_TRY(point_decode(&ephemeral, c->ephemerals.p + at * POINT_SIZE));
    route.ephemeral = &ephemeral;
    return envelope_open(&route, scalar_of_secret(&key->d, 0), all + at * c->params.t, frame, share,
                         &reason);
}

/* The certificate's points have been checked; decoding them again keeps the
 * choke point.  Gives *out (free). */
static enum qr_rc decode_all(const struct cocktail_certificate *c, struct public_point **out)
{
    size_t count = (size_t)c->params.n * c->params.t, bad;
    *out = calloc(count, sizeof **out);
    return *out ? public_decode_many(*out, c->commitments.p, count, &bad) : QR_NOMEM;
}

enum qr_rc cocktail_recover(const struct cocktail_static *key, struct qr_bytes certificate,
                            struct qr_bytes recovery, struct frost_share *share, struct qr_err *err)
{
    struct cocktail_certificate c;
    struct qr_bytes frames[QR_MAX_MEMBERS];
    struct scalar one, sum = {{0}};
    QR_TRY(cocktail_certificate_verify(certificate, &c, err));
    uint32_t own = index_of(&c.params, &key->pub);
    if (own == 0) return qr_fail(err, QR_NOTFOUND, "this key takes no part in the certificate");
    QR_TRY(split_frames(&c.params, recovery, frames, err));
    struct public_point *all = NULL;
    enum qr_rc rc = decode_all(&c, &all);
    for (uint32_t j = 1; j <= c.params.n && rc == QR_OK; j++) {
        struct envelope_route route = {.params = &c.params, .from = j, .to = own};
        rc = open_one(&c, &route, key, all, frames[j - 1], &one);
        if (rc != QR_OK) rc = qr_fail(err, rc, "the frame of participant %u is wrong", j);
        if (rc == QR_OK) scalar_add(&sum, &sum, &one);
    }
    if (rc == QR_OK) rc = frost_share_init(share, &c.group, own, sum.b, err);
    free(all);
    qr_wipe(&one, sizeof one);
    qr_wipe(&sum, sizeof sum);
    return rc;
}
