/* fuzz_certificate.c - certificates, requests and PEM: what is accepted as one
 * kind is none of the others, and PEM has one spelling. */
#include "fuzz.h"

#include "pki/ca.h"
#include "pki/pem.h"
#include "pki/ssh.h"

#include <assert.h>

/* Whatever the terms: nobody has signed for this CA. */
static void read_ssh(struct qr_bytes in)
{
    const struct pki_cert group = {.kind = PKI_GROUP};
    const struct pki_ssh_terms terms = {.group = &group, .session = "", .policy = ""};
    struct qr_pub ca = {{0}};
    bool read = pki_ssh_ca(in, &ca) == QR_OK;
    bool fits = pki_ssh_fits(in, &terms, &ca);
    assert(read || !fits);
    assert(!fits || !pki_ssh_signed(in, &ca));
}

static void read_pem(struct qr_bytes in)
{
    struct qr_buf der, pem;
    qr_buf_init(&der, 65536);
    qr_buf_init(&pem, 65536 * 2);
    if (pki_pem_read(in, "CERTIFICATE", &der) == QR_OK) {
        pki_pem_write(qr_buf_bytes(&der), "CERTIFICATE", &pem);
        assert(qr_bytes_equal(qr_buf_bytes(&pem), in));
    }
    qr_buf_fini(&der);
    qr_buf_fini(&pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    /* Nobody has the key of these, so nothing below a root verifies. */
    const struct pki_cert root = {.kind = PKI_ROOT_CA}, group_ca = {.kind = PKI_GROUP_CA},
                          participant_ca = {.kind = PKI_PARTICIPANT_CA};
    struct pki_cert cert;
    struct pki_participant_claims pc;
    struct pki_group_claims gc;
    struct qr_pub key;
    unsigned accepted = pki_cert_read(PKI_ROOT_CA, in, NULL, &cert, NULL) == QR_OK;
    accepted += pki_csr_check(in, &key, NULL) == QR_OK;
    assert(accepted <= 1);
    assert(pki_cert_read(PKI_GROUP_CA, in, &root, &cert, NULL) != QR_OK);
    assert(pki_participant_read(in, &participant_ca, &cert, &pc, NULL) != QR_OK);
    assert(pki_group_read(in, &group_ca, &cert, &gc, NULL) != QR_OK);
    read_pem(in);
    read_ssh(in);
    return 0;
}
