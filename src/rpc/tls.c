/* tls.c - see tls.h.
 *
 * gRPC asks for the server's certificate at every handshake (fetch below).
 * Three stat(2) calls tell whether the files changed; a set that does not load
 * (say, the key is not yet replaced) leaves the old one in force and is tried
 * again at the next handshake. */
#include "rpc/tls.h"

#include "base/file.h"
#include "base/limits.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <grpc/support/alloc.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define MAX_PEM (64 * 1024)
#define CACHE_SLOTS 64

/* ---- one certificate ---- */

static X509 *leaf_of(struct qr_bytes pem)
{
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
    BIO_free(b);
    return x;
}

static enum qr_rc spki_of(X509 *x, struct qr_hash *out)
{
    uint8_t *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    if (n <= 0) return QR_MALFORMED;
    *out = qr_sha256_one(QR_BYTES(der, (size_t)n));
    OPENSSL_free(der);
    return QR_OK;
}

static void copy_text(char *dst, size_t room, struct qr_bytes s)
{
    /* A name that does not fit, or holds a NUL, is no name. */
    if (s.n >= room || !qr_utf8_ok(s)) s.n = 0;
    qr_copy(dst, s.p, s.n);
    dst[s.n] = 0;
}

static void names_of(X509 *x, struct rpc_peer *peer)
{
    X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) {
        ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        copy_text(peer->cn, sizeof peer->cn,
                  QR_BYTES(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
    }
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type != GEN_DNS && g->type != GEN_URI) continue;
        if (peer->san_count == RPC_MAX_SANS) break;
        copy_text(peer->san[peer->san_count++], sizeof peer->san[0],
                  QR_BYTES(ASN1_STRING_get0_data(g->d.ia5), (size_t)ASN1_STRING_length(g->d.ia5)));
    }
    GENERAL_NAMES_free(names);
}

/* ---- files ---- */

void tls_pem_fini(struct tls_pem *p)
{
    qr_buf_fini(&p->cert);
    if (p->key.p) qr_wipe(p->key.p, p->key.room);
    qr_buf_fini(&p->key);
    qr_buf_fini(&p->ca);
}

static enum qr_rc pair_check(const struct tls_pem *p, const char *path, struct qr_err *err)
{
    BIO *b = BIO_new_mem_buf(p->key.p, (int)p->key.n);
    EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, qr_pem_no_password, NULL) : NULL;
    X509 *leaf = leaf_of(qr_buf_bytes(&p->cert));
    X509 *ca = leaf_of(qr_buf_bytes(&p->ca));
    bool ok = key && leaf && ca && X509_check_private_key(leaf, key) == 1;
    X509_free(ca);
    X509_free(leaf);
    EVP_PKEY_free(key);
    BIO_free(b);
    return ok ? QR_OK
              : qr_fail(err, QR_MALFORMED, "%s: certificate, key and CA do not belong together",
                        path);
}

enum qr_rc tls_pem_load(struct tls_pem *p, const struct rpc_tls *files, struct qr_err *err)
{
    qr_buf_init(&p->cert, MAX_PEM);
    qr_buf_init(&p->key, MAX_PEM);
    qr_buf_init(&p->ca, MAX_PEM);
    if (!files->cert_file || !files->key_file || !files->ca_file)
        return qr_fail(err, QR_USAGE, "TLS needs a certificate, a key and a CA file");
    enum qr_rc rc = qr_file_read(files->cert_file, &p->cert, err);
    if (rc == QR_OK) rc = qr_file_read_private(files->key_file, &p->key, err);
    if (rc == QR_OK) rc = qr_file_read(files->ca_file, &p->ca, err);
    if (rc == QR_OK) rc = pair_check(p, files->cert_file, err);
    if (rc == QR_OK && (!qr_buf_cstr(&p->cert) || !qr_buf_cstr(&p->key) || !qr_buf_cstr(&p->ca)))
        rc = qr_fail(err, QR_NOMEM, "%s: too large", files->cert_file);
    if (rc != QR_OK) tls_pem_fini(p);
    return rc;
}

enum qr_rc tls_pem_spki(const struct tls_pem *p, struct qr_hash *out)
{
    X509 *x = leaf_of(qr_buf_bytes(&p->cert));
    enum qr_rc rc = x ? spki_of(x, out) : QR_MALFORMED;
    X509_free(x);
    return rc;
}

/* ---- the server's source ---- */

struct file_mark {
    struct timespec mtime;
    off_t size;
    ino_t ino;
};

struct tls_source {
    pthread_mutex_t lock;
    char *path[3]; /* certificate, key, CA */
    struct file_mark seen[3];
    bool served; /* gRPC holds a set of ours */
    bool complained;
    const struct qr_log *log;
};

static struct rpc_tls files_of(const struct tls_source *s)
{
    return (struct rpc_tls){.cert_file = s->path[0], .key_file = s->path[1], .ca_file = s->path[2]};
}

static void marks_take(const struct tls_source *s, struct file_mark m[3])
{
    for (int i = 0; i < 3; i++) {
        struct stat st;
        m[i] = (struct file_mark){{0}, 0, 0};
        if (stat(s->path[i], &st) == 0)
            m[i] = (struct file_mark){st.st_mtim, st.st_size, st.st_ino};
    }
}

static bool marks_equal(const struct file_mark a[3], const struct file_mark b[3])
{
    for (int i = 0; i < 3; i++)
        if (a[i].mtime.tv_sec != b[i].mtime.tv_sec || a[i].mtime.tv_nsec != b[i].mtime.tv_nsec ||
            a[i].size != b[i].size || a[i].ino != b[i].ino)
            return false;
    return true;
}

static char *copy_path(const char *s)
{
    size_t n = s ? qr_str(s).n : 0;
    char *c = calloc(1, n + 1);
    if (c) qr_copy(c, s, n);
    return c;
}

void tls_source_free(struct tls_source *s)
{
    if (!s) return;
    for (int i = 0; i < 3; i++) free(s->path[i]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

enum qr_rc tls_source_new(struct tls_source **out, const struct rpc_tls *files,
                          const struct qr_log *log, struct qr_err *err)
{
    struct tls_pem pem;
    QR_TRY(tls_pem_load(&pem, files, err));
    tls_pem_fini(&pem);
    struct tls_source *s = calloc(1, sizeof *s);
    if (!s) return qr_fail(err, QR_NOMEM, "no memory");
    pthread_mutex_init(&s->lock, NULL);
    s->log = log;
    s->path[0] = copy_path(files->cert_file);
    s->path[1] = copy_path(files->key_file);
    s->path[2] = copy_path(files->ca_file);
    if (!s->path[0] || !s->path[1] || !s->path[2]) {
        tls_source_free(s);
        return qr_fail(err, QR_NOMEM, "no memory");
    }
    *out = s;
    return QR_OK;
}

static grpc_ssl_server_certificate_config *config_of(struct tls_source *s, struct qr_err *err)
{
    struct tls_pem pem;
    struct rpc_tls files = files_of(s);
    if (tls_pem_load(&pem, &files, err) != QR_OK) return NULL;
    grpc_ssl_pem_key_cert_pair pair = {.private_key = (const char *)pem.key.p,
                                       .cert_chain = (const char *)pem.cert.p};
    grpc_ssl_server_certificate_config *c =
        grpc_ssl_server_certificate_config_create((const char *)pem.ca.p, &pair, 1);
    tls_pem_fini(&pem);
    return c;
}

static grpc_ssl_certificate_config_reload_status fetch(void *ctx,
                                                       grpc_ssl_server_certificate_config **out)
{
    struct tls_source *s = ctx;
    struct file_mark now[3];
    struct qr_err err = {{0}};
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    pthread_mutex_lock(&s->lock);
    marks_take(s, now);
    if (!s->served || !marks_equal(now, s->seen)) {
        *out = config_of(s, &err);
        if (*out) {
            status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
            qr_copy(s->seen, now, sizeof now);
            s->served = true;
            s->complained = false;
        } else if (!s->served) {
            status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
        } else if (!s->complained) {
            s->complained = true;
            if (s->log) qr_log_text(s->log, "tls.reload", "old certificate kept: %s", err.text);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

grpc_server_credentials *tls_server_creds(struct tls_source *s)
{
    grpc_ssl_server_credentials_options *o =
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch, s);
    return grpc_ssl_server_credentials_create_with_options(o);
}

/* ---- the peer ---- */

static struct qr_bytes context_pem(const grpc_auth_context *ctx)
{
    grpc_auth_property_iterator it =
        grpc_auth_context_find_properties_by_name(ctx, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    const grpc_auth_property *p = grpc_auth_property_iterator_next(&it);
    return p ? QR_BYTES(p->value, p->value_length) : QR_BYTES_NONE;
}

static enum qr_rc peer_fill(X509 *x, struct qr_arena *arena, struct rpc_peer *peer)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der);
    if (n <= 0) return QR_UNAUTHENTICATED;
    struct qr_bytes raw = QR_BYTES(der, (size_t)n);
    peer->cert_sha256 = qr_sha256_one(raw);
    if (arena) peer->cert_der = qr_arena_dup(arena, raw);
    OPENSSL_free(der);
    if ((arena && !peer->cert_der.p) || n > QR_MAX_CERT_DER) return QR_UNAUTHENTICATED;
    names_of(x, peer);
    peer->tls = true;
    return spki_of(x, &peer->spki_sha256) == QR_OK ? QR_OK : QR_UNAUTHENTICATED;
}

enum qr_rc tls_context_peer(const grpc_auth_context *ctx, struct rpc_peer *peer)
{
    X509 *x = ctx ? leaf_of(context_pem(ctx)) : NULL;
    *peer = (struct rpc_peer){.tls = false};
    enum qr_rc rc = x && peer_fill(x, NULL, peer) == QR_OK ? QR_OK : QR_NOTFOUND;
    X509_free(x);
    return rc;
}

static bool context_is_tls(const grpc_auth_context *ctx)
{
    grpc_auth_property_iterator it =
        grpc_auth_context_find_properties_by_name(ctx, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
    const grpc_auth_property *p = grpc_auth_property_iterator_next(&it);
    return !p || !qr_bytes_is(QR_BYTES(p->value, p->value_length), "insecure");
}

struct tls_cached {
    struct qr_buf pem, der;
    struct rpc_peer peer; /* cert_der borrows from der; no address */
};

struct tls_cache {
    pthread_mutex_t lock;
    struct tls_cached slot[CACHE_SLOTS];
    size_t next; /* replaced next */
};

struct tls_cache *tls_cache_new(void)
{
    struct tls_cache *c = calloc(1, sizeof *c);
    if (!c) qr_fatal("no memory");
    pthread_mutex_init(&c->lock, NULL);
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        qr_buf_init(&c->slot[i].pem, MAX_PEM);
        qr_buf_init(&c->slot[i].der, QR_MAX_CERT_DER);
    }
    return c;
}

void tls_cache_free(struct tls_cache *c)
{
    if (!c) return;
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        qr_buf_fini(&c->slot[i].pem);
        qr_buf_fini(&c->slot[i].der);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* Under c->lock. */
static const struct tls_cached *cache_find(const struct tls_cache *c, struct qr_bytes pem)
{
    for (size_t i = 0; i < CACHE_SLOTS; i++)
        if (c->slot[i].pem.n > 0 && qr_bytes_equal(qr_buf_bytes(&c->slot[i].pem), pem))
            return &c->slot[i];
    return NULL;
}

/* Under c->lock. */
static void cache_put(struct tls_cache *c, struct qr_bytes pem, const struct rpc_peer *peer)
{
    struct tls_cached *s = &c->slot[c->next++ % CACHE_SLOTS];
    qr_buf_reset(&s->pem);
    qr_buf_reset(&s->der);
    qr_buf_put_bytes(&s->pem, pem);
    qr_buf_put_bytes(&s->der, peer->cert_der);
    s->peer = *peer;
    s->peer.cert_der = qr_buf_bytes(&s->der);
    s->peer.address[0] = 0;
    /* What does not fit is read again next time. */
    if (s->pem.failed || s->der.failed) qr_buf_reset(&s->pem);
}

static enum qr_rc peer_read(struct tls_cache *c, const grpc_auth_context *ctx,
                            struct qr_arena *arena, struct rpc_peer *peer)
{
    struct qr_bytes pem = context_pem(ctx);
    pthread_mutex_lock(&c->lock);
    const struct tls_cached *hit = cache_find(c, pem);
    if (hit) {
        *peer = hit->peer;
        peer->cert_der = qr_arena_dup(arena, hit->peer.cert_der);
    }
    pthread_mutex_unlock(&c->lock);
    if (hit) return peer->cert_der.p ? QR_OK : QR_UNAUTHENTICATED;
    X509 *x = leaf_of(pem);
    enum qr_rc rc = x ? peer_fill(x, arena, peer) : QR_UNAUTHENTICATED;
    X509_free(x);
    if (rc != QR_OK) return rc;
    pthread_mutex_lock(&c->lock);
    if (!cache_find(c, pem)) cache_put(c, pem, peer);
    pthread_mutex_unlock(&c->lock);
    return QR_OK;
}

enum qr_rc tls_peer(struct tls_cache *cache, grpc_call *call, struct qr_arena *arena,
                    struct rpc_peer *peer)
{
    enum qr_rc rc = QR_OK;
    grpc_auth_context *ctx = grpc_call_auth_context(call);
    if (ctx && context_is_tls(ctx)) rc = peer_read(cache, ctx, arena, peer);
    if (ctx) grpc_auth_context_release(ctx);
    char *address = grpc_call_get_peer(call);
    if (address) copy_text(peer->address, sizeof peer->address, qr_str(address));
    gpr_free(address);
    return rc;
}
