/* sealed.c - see sealed.h. */
#include "authd/sealed.h"

#include "base/file.h"

#include <stdio.h>

#define MAX_CLEAR (1024 + 32)
#define TAG_EMAIL "quorate/email/v1"
#define TAG_SEAL "quorate/identities/v1"
#define TAG_SEAL_OWN "quorate/identity-own/v1"

enum qr_rc sealed_init(struct sealed *s, const char *state, const struct qr_signer *key,
                       struct qr_rand rand, struct qr_err *err)
{
    s->rand = rand;
    s->dir = path_in2(state, LAYOUT_AUTHD, LAYOUT_IDENTITY_KEYS);
    QR_TRY(qr_dir_private(s->dir.s, err));
    QR_TRY(qr_secret_init(&s->service_key, 32, err));
    qr_hkdf_sha256(QR_BYTES(key->secret.p, QR_KEY_SIZE), QR_BYTES_NONE, qr_str(TAG_SEAL),
                   s->service_key.p, s->service_key.n);
    return QR_OK;
}

void sealed_fini(struct sealed *s) { qr_secret_fini(&s->service_key); }

void sealed_email_tag(const struct sealed *s, struct qr_bytes issuer, struct qr_bytes email,
                      uint8_t out[32])
{
    struct qr_buf b;
    qr_buf_init(&b, MAX_CLEAR);
    qr_buf_put_lp(&b, issuer);
    qr_buf_put_lp(&b, email);
    const struct qr_bytes parts[] = {QR_BYTES(TAG_EMAIL, sizeof TAG_EMAIL), qr_buf_bytes(&b)};
    qr_hmac_sha256(qr_secret_bytes(&s->service_key), parts, 2, out);
    qr_wipe(b.p, b.n);
    qr_buf_fini(&b);
}

/* ---- the persons' keys ---- */

static struct service_path key_path(const struct sealed *s, const struct qr_hash *commitment)
{
    char name[2 * QR_SHA256_SIZE + 8];
    qr_hex(commitment->b, sizeof commitment->b, name);
    (void)snprintf(name + 2 * QR_SHA256_SIZE, 8, ".key");
    return path_in(s->dir.s, name);
}

/* From both keys; own: the 32 bytes of the file. */
static void mix(const struct sealed *s, struct qr_bytes own, uint8_t out[32])
{
    qr_hkdf_sha256(own, qr_secret_bytes(&s->service_key), qr_str(TAG_SEAL_OWN), out, 32);
}

static enum qr_rc key_make(const struct sealed *s, const struct qr_hash *commitment,
                           uint8_t out[32], struct qr_err *err)
{
    uint8_t own[32];
    struct service_path path = key_path(s, commitment);
    qr_rand_fill(&s->rand, own, sizeof own);
    enum qr_rc rc = qr_file_write(path.s, QR_BYTES_OF(own), 0600, err);
    if (rc == QR_OK) mix(s, QR_BYTES_OF(own), out);
    qr_wipe(own, sizeof own);
    return rc;
}

static enum qr_rc key_load(const struct sealed *s, const struct qr_hash *commitment,
                           uint8_t out[32], struct qr_err *err)
{
    struct service_path path = key_path(s, commitment);
    struct qr_buf own;
    qr_buf_init(&own, 64);
    enum qr_rc rc = qr_file_read_private(path.s, &own, err);
    if (rc == QR_OK && own.n != 32) rc = qr_fail(err, QR_FALSE, "%s: damaged", path.s);
    if (rc == QR_OK) mix(s, qr_buf_bytes(&own), out);
    qr_wipe(own.p, own.n);
    qr_buf_fini(&own);
    return rc;
}

/* ---- rows ---- */

/* Makes a key, and fills nonce, sealed (into cipher) and keyed of row. */
static enum qr_rc seal(const struct sealed *s, struct qr_bytes clear, struct sealed_identity *row,
                       struct qr_buf *cipher, struct qr_err *err)
{
    uint8_t key[32];
    QR_TRY(key_make(s, &row->commitment, key, err));
    qr_rand_fill(&s->rand, row->nonce, sizeof row->nonce);
    enum qr_rc rc = qr_seal(key, row->nonce, QR_BYTES_OF(row->commitment.b), clear, cipher);
    row->sealed = qr_buf_bytes(cipher);
    row->keyed = true;
    qr_wipe(key, sizeof key);
    return rc;
}

enum qr_rc sealed_put(const struct sealed *s, struct qr_db *db, const struct identity_clear *in,
                      struct qr_err *err)
{
    struct qr_buf clear, cipher;
    struct sealed_identity row = {.commitment = in->commitment};
    qr_buf_init(&clear, MAX_CLEAR);
    qr_buf_init(&cipher, MAX_CLEAR + 64);
    qr_buf_put(&clear, in->salt, sizeof in->salt);
    qr_buf_put_bytes(&clear, in->identity);
    qr_copy(row.email_tag, in->email_tag, sizeof row.email_tag);
    enum qr_rc rc = qr_buf_ok(&clear);
    if (rc == QR_OK) rc = seal(s, qr_buf_bytes(&clear), &row, &cipher, err);
    if (rc == QR_OK) rc = store_identity_add(db, &row, err);
    qr_wipe(clear.p, clear.n);
    qr_buf_fini(&clear);
    qr_buf_fini(&cipher);
    return rc;
}

enum qr_rc sealed_get(const struct sealed *s, struct qr_db *db, const struct qr_hash *commitment,
                      struct qr_buf *out, struct qr_err *err)
{
    struct sealed_identity row = {.commitment = *commitment};
    uint8_t key[32];
    QR_TRY(store_identity(db, &row, err));
    if (row.keyed)
        QR_TRY(key_load(s, commitment, key, err));
    else
        qr_copy(key, s->service_key.p, sizeof key);
    enum qr_rc rc = qr_unseal(key, row.nonce, QR_BYTES_OF(row.commitment.b), row.sealed, out);
    qr_wipe(key, sizeof key);
    return rc == QR_OK ? rc : qr_fail(err, rc, "a sealed identity is damaged");
}

enum qr_rc sealed_destroy(const struct sealed *s, struct qr_db *db,
                          const struct qr_hash *commitment, struct qr_err *err)
{
    struct service_path path = key_path(s, commitment);
    QR_TRY(qr_file_destroy(path.s, err));
    return store_identity_erase(db, commitment, err);
}

static enum qr_rc upgrade_one(const struct sealed *s, struct qr_db *db,
                              const struct qr_hash *commitment, struct qr_err *err)
{
    struct sealed_identity row = {.commitment = *commitment};
    struct qr_buf clear, cipher;
    qr_buf_init(&clear, MAX_CLEAR);
    qr_buf_init(&cipher, MAX_CLEAR + 64);
    enum qr_rc rc = sealed_get(s, db, commitment, &clear, err);
    if (rc == QR_OK) rc = seal(s, qr_buf_bytes(&clear), &row, &cipher, err);
    if (rc == QR_OK) rc = store_identity_reseal(db, &row, err);
    qr_wipe(clear.p, clear.n);
    qr_buf_fini(&clear);
    qr_buf_fini(&cipher);
    return rc;
}

enum qr_rc sealed_upgrade(const struct sealed *s, struct qr_db *db, struct qr_err *err)
{
    for (;;) {
        struct qr_hash commitment;
        enum qr_rc rc = store_identity_unkeyed(db, &commitment, err);
        if (rc == QR_NOTFOUND) return QR_OK;
        QR_TRY(rc);
        QR_TRY(upgrade_one(s, db, &commitment, err));
    }
}
