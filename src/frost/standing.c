/* standing.c - magic || be32 epoch || be32 id || nonce || AEAD(x).
 *
 * Epoch and id stand in clear only to say early what does not fit; the digest
 * in the additional data is what binds. */
#include "frost/standing.h"

#include "frost/hash.h"

static const uint8_t digest_tag[] = "quorate/standing-group/v1"; /* with its NUL */
static const uint8_t share_tag[] = "quorate/standing-share/v1";
static const char magic[] = "quorate.share/1";

#define MAGIC_SIZE (sizeof magic - 1)
#define KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define AD_SIZE (sizeof share_tag + STANDING_DIGEST_SIZE + 4)

_Static_assert(KEY_SIZE == STANDING_KEY_SIZE, "one AEAD");
_Static_assert(STANDING_BLOB_SIZE == MAGIC_SIZE + 8 + NONCE_SIZE + SCALAR_SIZE + TAG_SIZE,
               "as written");

void standing_digest(const struct standing_group *g, uint8_t out[STANDING_DIGEST_SIZE])
{
    struct hasher h;
    hasher_init(&h, "");
    hasher_add(&h, QR_BYTES_OF(digest_tag));
    hasher_add(&h, QR_BYTES(g->id, STANDING_ID_SIZE));
    hasher_add_le32(&h, g->epoch);
    hasher_add_le32(&h, g->is->n);
    hasher_add_le32(&h, g->is->t);
    hasher_add(&h, QR_BYTES_OF(g->is->key.b));
    for (uint32_t i = 0; i < g->is->n; i++) hasher_add(&h, QR_BYTES_OF(g->is->shares[i].b));
    hasher_done(&h, out);
}

static void additional(const struct standing_group *g, uint32_t id, uint8_t out[AD_SIZE])
{
    qr_copy(out, share_tag, sizeof share_tag);
    standing_digest(g, out + sizeof share_tag);
    qr_set_be32(out + sizeof share_tag + STANDING_DIGEST_SIZE, id);
}

/* The share's own group is g's: same key, and our Y_i. */
static bool is_of(const struct frost_share *share, const struct frost_group *g)
{
    const struct frost_group *own = &share->group;
    return own->n == g->n && own->t == g->t && share->id >= 1 && share->id <= g->n &&
           point_equal(&own->key, &g->key) &&
           point_equal(&own->shares[share->id - 1], &g->shares[share->id - 1]);
}

enum qr_rc standing_seal(const struct standing_group *g, const struct frost_share *share,
                         const uint8_t key[STANDING_KEY_SIZE], const struct qr_rand *rand,
                         struct qr_buf *out)
{
    uint8_t nonce[NONCE_SIZE], ad[AD_SIZE], cipher[SCALAR_SIZE + TAG_SIZE];
    if (!is_of(share, g->is)) return QR_CONFLICT;
    qr_rand_fill(rand, nonce, sizeof nonce);
    additional(g, share->id, ad);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(cipher, NULL, share->x.p, SCALAR_SIZE, ad,
                                                     sizeof ad, NULL, nonce, key);
    qr_buf_put(out, magic, MAGIC_SIZE);
    qr_buf_put_be32(out, g->epoch);
    qr_buf_put_be32(out, share->id);
    qr_buf_put(out, nonce, sizeof nonce);
    qr_buf_put(out, cipher, sizeof cipher);
    return qr_buf_ok(out);
}

enum qr_rc standing_open(const struct standing_group *g, struct qr_bytes blob,
                         const uint8_t key[STANDING_KEY_SIZE], struct frost_share *share,
                         struct qr_err *err)
{
    struct qr_reader r = qr_reader_of(blob);
    uint8_t ad[AD_SIZE], x[SCALAR_SIZE];
    struct qr_bytes head = qr_read_bytes(&r, MAGIC_SIZE);
    uint32_t epoch = qr_read_be32(&r), id = qr_read_be32(&r);
    struct qr_bytes nonce = qr_read_bytes(&r, NONCE_SIZE);
    struct qr_bytes cipher = qr_read_bytes(&r, SCALAR_SIZE + TAG_SIZE);
    if (qr_reader_done(&r) != QR_OK || !qr_bytes_is(head, magic))
        return qr_fail(err, QR_MALFORMED, "this is no stored share");
    if (epoch != g->epoch)
        return qr_fail(err, QR_STALE, "a share of epoch %u, the group is in %u", epoch, g->epoch);
    additional(g, id, ad);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(x, NULL, NULL, cipher.p, cipher.n, ad, sizeof ad,
                                                   nonce.p, key) != 0)
        return qr_fail(err, QR_FALSE, "the share does not open: another key or another group");
    enum qr_rc rc = frost_share_init(share, g->is, id, x, err);
    qr_wipe(x, sizeof x);
    return rc;
}
