/* transport.h - the certificates of TLS between the nodes of a deployment:
 * a P-256 CA of its own and a certificate for each node.
 *
 * Apart from the ceremony's PKI in key, name, usage and file: a certificate
 * made here is refused by cert.h and the reverse.  quorate init makes them;
 * gRPC reads the files.  Spec: ARCHITECTURE.md "Attested calls", RFC 5280. */
#ifndef QUORATE_PKI_TRANSPORT_H
#define QUORATE_PKI_TRANSPORT_H

#include "pki/ca.h"

/* An EVP_PKEY and an X509, kept opaque. */
struct pki_transport_ca;

/* New CA. pki_transport_ca_free. */
enum qr_rc pki_transport_ca_new(struct pki_validity v, struct pki_transport_ca **out,
                                struct qr_err *err) QR_MUST_CHECK;
/* From and to PEM files; the key's file has mode 0600 and is read as private. */
enum qr_rc pki_transport_ca_load(struct pki_ca_files files, struct pki_transport_ca **out,
                                 struct qr_err *err) QR_MUST_CHECK;
enum qr_rc pki_transport_ca_save(const struct pki_transport_ca *ca, struct pki_ca_files files,
                                 struct qr_err *err) QR_MUST_CHECK;
void pki_transport_ca_free(struct pki_transport_ca *ca); /* NULL is fine */

#define PKI_NODE_SERVER 1u /* EKU serverAuth */
#define PKI_NODE_CLIENT 2u /* EKU clientAuth */
#define PKI_NODE_NAME_MAX 63

/* What certificate.issued says about a node certificate. */
struct pki_node_info {
    char node[PKI_NODE_NAME_MAX + 1];
    uint8_t serial[PKI_SERIAL_SIZE];
    int64_t not_before_us;
    int64_t not_after_us;
    struct qr_hash sha256; /* of the DER */
    struct qr_hash spki;
};

/* A node: lower-case letters, digits, '-', 1..63; usage PKI_NODE_... . */
struct pki_node_request {
    const char *node;
    unsigned usage;
    struct pki_validity validity;
};
/* New P-256 key and certificate (SAN DNS:localhost, IP:127.0.0.1,
 * URI:quorate://node/NAME), written to the two files; the certificate's file
 * holds the chain with the CA.  QR_RANGE: the node's name. */
enum qr_rc pki_node_make(const struct pki_transport_ca *ca, const struct pki_node_request *req,
                         struct pki_ca_files files, struct pki_node_info *info, struct qr_err *err)
    QR_MUST_CHECK;

/* Reads back a node certificate (first certificate of a PEM text): for logging
 * it at genesis and for knowing a peer.  Checks form, not signature: TLS did.
 * QR_MALFORMED. */
enum qr_rc pki_node_read(struct qr_bytes pem, struct pki_node_info *info, struct qr_err *err)
    QR_MUST_CHECK;

#endif
