/* keys.c - three keys, made and wiped together. */
#include "participant/keys.h"

enum qr_rc participant_keys_new(struct participant_keys *k, const struct qr_rand *rand,
                                struct qr_err *err)
{
    *k = (struct participant_keys){.approval = {.secret = {0}}};
    enum qr_rc rc = qr_signer_new(&k->approval, rand, err);
    if (rc == QR_OK) rc = qr_signer_new(&k->envelope, rand, err);
    if (rc == QR_OK) rc = cocktail_static_new(&k->cocktail, rand, err);
    if (rc != QR_OK) participant_keys_fini(k);
    return rc;
}

void participant_keys_fini(struct participant_keys *k)
{
    qr_signer_fini(&k->approval);
    qr_signer_fini(&k->envelope);
    cocktail_static_fini(&k->cocktail);
}

void participant_keys_public(const struct participant_keys *k, struct leaf_grant_request *out)
{
    out->approval_key = k->approval.pub;
    out->envelope_key = k->envelope.pub;
    qr_copy(out->cocktail_key.b, k->cocktail.pub.b, QR_KEY_SIZE);
}
