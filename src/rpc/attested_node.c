/* attested_node.c - see attested_node.h. */
#include "rpc/attested_node.h"

#include "rpc/tls.h"

struct qr_bytes attested_node(const struct rpc_peer *peer)
{
    static const char prefix[] = "quorate://node/";
    const size_t n = sizeof prefix - 1;
    for (size_t i = 0; i < peer->san_count; i++) {
        struct qr_bytes san = qr_str(peer->san[i]);
        if (san.n > n && qr_bytes_is(QR_BYTES(san.p, n), prefix))
            return QR_BYTES(san.p + n, san.n - n);
    }
    return QR_BYTES_NONE;
}

enum qr_rc attested_own_spki(const struct rpc_tls *files, struct qr_hash *out, struct qr_err *err)
{
    struct tls_pem pem;
    *out = (struct qr_hash){{0}};
    if (!files->cert_file) return QR_OK;
    QR_TRY(tls_pem_load(&pem, files, err));
    enum qr_rc rc = tls_pem_spki(&pem, out);
    tls_pem_fini(&pem);
    return rc;
}
