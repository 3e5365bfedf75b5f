/* crypto.c - thin calls of OpenSSL and libsodium with fixed algorithms.
 *
 * A library call that can only fail through a bug or lack of memory ends the
 * process; one that fails on its input gives QR_FALSE or QR_MALFORMED. */
#include "crypto/crypto.h"

#include "base/file.h"
#include "base/removal.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

_Static_assert(QR_SIG_SIZE == crypto_sign_BYTES, "Ed25519");
_Static_assert(QR_AEAD_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XChaCha20");

/* B + (0,-1): mixed order; an unpatched libsodium 1.0.18 accepts it. */
static bool subgroup_check_works(void)
{
    uint8_t base[32], one[32] = {1}, minus[32], sum[32];
    qr_zero(minus, sizeof minus);
    if (crypto_scalarmult_ed25519_base_noclamp(base, one) != 0) return false;
    minus[0] = 0xec;
    for (int i = 1; i < 31; i++) minus[i] = 0xff;
    minus[31] = 0x7f;
    if (crypto_core_ed25519_add(sum, base, minus) != 0) return false;
    return crypto_core_ed25519_is_valid_point(base) == 1 &&
           crypto_core_ed25519_is_valid_point(sum) == 0;
}

enum qr_rc qr_crypto_init(struct qr_err *err)
{
    if (sodium_init() < 0) return qr_fail(err, QR_BUG, "libsodium does not start");
    if (!QR_HOLDS(CRYPTO_SUBGROUP, subgroup_check_works()))
        return qr_fail(err, QR_BUG,
                       "libsodium accepts points outside the subgroup "
                       "(CVE-2025-69277): upgrade it");
    return QR_OK;
}

static void must(int ok)
{
    if (ok != 1) qr_fatal("a hash or cipher call failed");
}

/* Constant once made: looking an algorithm up costs as much as a short hash. */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_md, *sha512_md;

static void fetch(void)
{
    sha256_md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    sha512_md = EVP_MD_fetch(NULL, "SHA2-512", NULL);
    must(sha256_md && sha512_md);
}

static const EVP_MD *sha256(void)
{
    must(pthread_once(&fetched, fetch) == 0);
    return sha256_md;
}

static const EVP_MD *sha512(void)
{
    must(pthread_once(&fetched, fetch) == 0);
    return sha512_md;
}

static void digest(const EVP_MD *md, const struct qr_bytes *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    must(c != NULL);
    must(EVP_DigestInit_ex(c, md, NULL));
    for (size_t i = 0; i < count; i++) must(EVP_DigestUpdate(c, parts[i].p, parts[i].n));
    must(EVP_DigestFinal_ex(c, out, NULL));
    EVP_MD_CTX_free(c);
}

struct qr_hash qr_sha256(const struct qr_bytes *parts, size_t count)
{
    struct qr_hash h;
    digest(sha256(), parts, count, h.b);
    return h;
}

struct qr_hash qr_sha256_one(struct qr_bytes s) { return qr_sha256(&s, 1); }

void qr_sha512(const struct qr_bytes *parts, size_t count, uint8_t out[QR_SHA512_SIZE])
{
    digest(sha512(), parts, count, out);
}

static struct qr_bytes tag_bytes(const char *tag)
{
    struct qr_bytes t = qr_str(tag);
    return QR_BYTES(t.p, t.n + 1); /* with its NUL */
}

struct qr_hash qr_sha256_tagged(const char *tag, struct qr_bytes s)
{
    struct qr_bytes parts[2] = {tag_bytes(tag), s};
    return qr_sha256(parts, 2);
}

bool qr_hash_equal(const struct qr_hash *a, const struct qr_hash *b)
{
    return qr_equal_ct(a->b, b->b, sizeof a->b);
}

struct qr_sha256_ctx {
    EVP_MD_CTX *c;
};

struct qr_sha256_ctx *qr_sha256_new(void)
{
    struct qr_sha256_ctx *s = calloc(1, sizeof *s);
    must(s != NULL);
    s->c = EVP_MD_CTX_new();
    must(s->c != NULL);
    must(EVP_DigestInit_ex(s->c, sha256(), NULL));
    return s;
}

void qr_sha256_update(struct qr_sha256_ctx *c, struct qr_bytes s)
{
    must(EVP_DigestUpdate(c->c, s.p, s.n));
}

struct qr_hash qr_sha256_free(struct qr_sha256_ctx *c)
{
    struct qr_hash h;
    must(EVP_DigestFinal_ex(c->c, h.b, NULL));
    EVP_MD_CTX_free(c->c);
    free(c);
    return h;
}

void qr_hmac_sha256(struct qr_bytes key, const struct qr_bytes *parts, size_t count,
                    uint8_t out[QR_SHA256_SIZE])
{
    crypto_auth_hmacsha256_state st;
    must(crypto_auth_hmacsha256_init(&st, key.p, key.n) == 0);
    for (size_t i = 0; i < count; i++)
        if (parts[i].n > 0) must(crypto_auth_hmacsha256_update(&st, parts[i].p, parts[i].n) == 0);
    must(crypto_auth_hmacsha256_final(&st, out) == 0);
    qr_wipe(&st, sizeof st);
}

void qr_hkdf_sha256(struct qr_bytes ikm, struct qr_bytes salt, struct qr_bytes info, uint8_t *out,
                    size_t out_len)
{
    assert(out_len > 0 && out_len <= 255 * 32);
    uint8_t prk[32], t[32];
    static const uint8_t zeros[32];
    struct qr_bytes key = salt.n ? salt : QR_BYTES_OF(zeros);
    qr_hmac_sha256(key, &ikm, 1, prk);
    size_t have = 0;
    for (uint8_t i = 1; have < out_len; i++) {
        struct qr_bytes parts[3] = {QR_BYTES(t, i == 1 ? 0 : sizeof t), info, QR_BYTES(&i, 1)};
        qr_hmac_sha256(QR_BYTES_OF(prk), parts, 3, t);
        size_t take = out_len - have < sizeof t ? out_len - have : sizeof t;
        qr_copy(out + have, t, take);
        have += take;
    }
    qr_wipe(prk, sizeof prk);
    qr_wipe(t, sizeof t);
}

enum qr_rc qr_signer_from_seed(struct qr_signer *s, const uint8_t seed[QR_KEY_SIZE],
                               struct qr_err *err)
{
    QR_TRY(qr_secret_init(&s->secret, crypto_sign_SECRETKEYBYTES, err));
    must(crypto_sign_seed_keypair(s->pub.b, s->secret.p, seed) == 0);
    return QR_OK;
}

enum qr_rc qr_signer_new(struct qr_signer *s, const struct qr_rand *r, struct qr_err *err)
{
    uint8_t seed[QR_KEY_SIZE];
    qr_rand_fill(r, seed, sizeof seed);
    enum qr_rc rc = qr_signer_from_seed(s, seed, err);
    qr_wipe(seed, sizeof seed);
    return rc;
}

void qr_signer_fini(struct qr_signer *s) { qr_secret_fini(&s->secret); }

int qr_pem_no_password(char *out, int room, int writing, void *ctx)
{
    (void)out;
    (void)room;
    (void)writing;
    (void)ctx;
    return -1;
}

#define MAX_PEM 4096

enum qr_rc qr_signer_from_pem(struct qr_signer *s, struct qr_bytes pem, struct qr_err *err)
{
    uint8_t seed[QR_KEY_SIZE];
    size_t n = sizeof seed;
    enum qr_rc rc = QR_OK;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *k = bio ? PEM_read_bio_PrivateKey(bio, NULL, qr_pem_no_password, NULL) : NULL;
    if (!k || EVP_PKEY_id(k) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_private_key(k, seed, &n) != 1 || n != sizeof seed)
        rc = qr_fail(err, QR_MALFORMED, "not an Ed25519 private key in PEM");
    EVP_PKEY_free(k);
    BIO_free(bio);
    if (rc == QR_OK) rc = qr_signer_from_seed(s, seed, err);
    qr_wipe(seed, sizeof seed);
    return rc;
}

enum qr_rc qr_signer_load(struct qr_signer *s, const char *path, struct qr_err *err)
{
    struct qr_buf pem;
    struct qr_err why = {{0}};
    qr_buf_init(&pem, MAX_PEM);
    enum qr_rc rc = qr_file_read_private(path, &pem, err);
    if (rc == QR_OK) {
        rc = qr_signer_from_pem(s, qr_buf_bytes(&pem), &why);
        if (rc != QR_OK) rc = qr_fail(err, rc, "%s: %s", path, why.text);
    }
    if (pem.p) qr_wipe(pem.p, pem.n);
    qr_buf_fini(&pem);
    return rc;
}

enum qr_rc qr_signer_to_pem(const struct qr_signer *s, struct qr_buf *pem)
{
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, s->secret.p, QR_KEY_SIZE);
    BIO *bio = BIO_new(BIO_s_mem());
    must(k && bio && PEM_write_bio_PKCS8PrivateKey(bio, k, NULL, NULL, 0, NULL, NULL) == 1);
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    qr_buf_put(pem, p, (size_t)n);
    qr_wipe(p, (size_t)n);
    BIO_free(bio);
    EVP_PKEY_free(k);
    return qr_buf_ok(pem);
}

enum qr_rc qr_signer_save(const struct qr_signer *s, const char *path, struct qr_err *err)
{
    struct qr_buf pem;
    qr_buf_init(&pem, MAX_PEM);
    enum qr_rc rc = qr_signer_to_pem(s, &pem);
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&pem), 0600, err);
    if (pem.p) qr_wipe(pem.p, pem.n);
    qr_buf_fini(&pem);
    return rc;
}

void qr_sign(const struct qr_signer *s, struct qr_bytes msg, struct qr_sig *out)
{
    must(crypto_sign_detached(out->b, NULL, msg.p, msg.n, s->secret.p) == 0);
}

/* tag || 0 || msg in one run of memory, as libsodium wants it. */
static struct qr_buf tagged(const char *tag, struct qr_bytes msg)
{
    struct qr_bytes t = tag_bytes(tag);
    struct qr_buf b;
    qr_buf_init(&b, t.n + msg.n);
    qr_buf_put_bytes(&b, t);
    qr_buf_put_bytes(&b, msg);
    if (b.failed) qr_fatal("out of memory");
    return b;
}

void qr_sign_tagged(const struct qr_signer *s, const char *tag, struct qr_bytes msg,
                    struct qr_sig *out)
{
    struct qr_buf b = tagged(tag, msg);
    qr_sign(s, qr_buf_bytes(&b), out);
    qr_buf_fini(&b);
}

/* libsodium's verification alone lets a public key with a torsion part pass. */
bool qr_pub_valid(const struct qr_pub *pub)
{
    return crypto_core_ed25519_is_valid_point(pub->b) == 1;
}

static enum qr_rc verify_valid(const struct qr_pub *pub, struct qr_bytes msg,
                               const struct qr_sig *sig)
{
    return crypto_sign_verify_detached(sig->b, msg.p, msg.n, pub->b) == 0 ? QR_OK : QR_FALSE;
}

enum qr_rc qr_verify(const struct qr_pub *pub, struct qr_bytes msg, const struct qr_sig *sig)
{
    return qr_pub_valid(pub) ? verify_valid(pub, msg, sig) : QR_FALSE;
}

enum qr_rc qr_verify_pinned(const struct qr_pub *pub, const char *tag, struct qr_bytes msg,
                            const struct qr_sig *sig)
{
    struct qr_buf b = tagged(tag, msg);
    enum qr_rc rc = verify_valid(pub, qr_buf_bytes(&b), sig);
    qr_buf_fini(&b);
    return rc;
}

enum qr_rc qr_verify_tagged(const struct qr_pub *pub, const char *tag, struct qr_bytes msg,
                            const struct qr_sig *sig)
{
    struct qr_buf b = tagged(tag, msg);
    enum qr_rc rc = qr_verify(pub, qr_buf_bytes(&b), sig);
    qr_buf_fini(&b);
    return rc;
}

void qr_key_id(const struct qr_pub *pub, char out[QR_KEY_ID_LEN + 1])
{
    struct qr_hash h = qr_sha256_one(QR_BYTES_OF(pub->b));
    qr_hex(h.b, QR_KEY_ID_LEN / 2, out);
}

enum qr_rc qr_dh_new(struct qr_signer *s, const struct qr_rand *r, struct qr_err *err)
{
    QR_TRY(qr_secret_init(&s->secret, QR_KEY_SIZE, err));
    qr_rand_fill(r, s->secret.p, QR_KEY_SIZE);
    must(crypto_scalarmult_curve25519_base(s->pub.b, s->secret.p) == 0);
    return QR_OK;
}

enum qr_rc qr_dh(const struct qr_signer *own, const struct qr_pub *peer, uint8_t out[QR_KEY_SIZE])
{
    return crypto_scalarmult_curve25519(out, own->secret.p, peer->b) == 0 ? QR_OK : QR_MALFORMED;
}

enum qr_rc qr_seal(const uint8_t key[32], const uint8_t nonce[QR_AEAD_NONCE], struct qr_bytes aad,
                   struct qr_bytes plain, struct qr_buf *out)
{
    uint8_t *c = malloc(plain.n + QR_AEAD_OVERHEAD);
    if (!c) return QR_NOMEM;
    unsigned long long n = 0;
    must(crypto_aead_xchacha20poly1305_ietf_encrypt(c, &n, plain.p, plain.n, aad.p, aad.n, NULL,
                                                    nonce, key) == 0);
    qr_buf_put(out, c, (size_t)n);
    free(c);
    return qr_buf_ok(out);
}

enum qr_rc qr_unseal(const uint8_t key[32], const uint8_t nonce[QR_AEAD_NONCE], struct qr_bytes aad,
                     struct qr_bytes cipher, struct qr_buf *out)
{
    if (cipher.n < QR_AEAD_OVERHEAD) return QR_FALSE;
    uint8_t *m = malloc(cipher.n);
    if (!m) return QR_NOMEM;
    unsigned long long n = 0;
    enum qr_rc rc = QR_FALSE;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(m, &n, NULL, cipher.p, cipher.n, aad.p, aad.n,
                                                   nonce, key) == 0) {
        qr_buf_put(out, m, (size_t)n);
        rc = qr_buf_ok(out);
    }
    qr_wipe(m, cipher.n);
    free(m);
    return rc;
}
