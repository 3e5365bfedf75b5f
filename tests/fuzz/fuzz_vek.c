/* fuzz_vek.c - the extensions of an endorsement certificate: they are accepted
 * for one product and one kind of key at most, and say nothing that the other
 * ones would have. */
#include "fuzz.h"

#include "attest/chain.h"

#include <assert.h>

static void check(const struct attest_vek *v, enum attest_product p, enum attest_signer s)
{
    static const uint8_t zeros[ATTEST_CHIP_ID_SIZE];
    assert(v->product == p);
    assert(p == ATTEST_TURIN || v->tcb.fmc == 0);
    if (s == ATTEST_VLEK) assert(qr_bytes_equal(QR_BYTES_OF(v->hwid), QR_BYTES_OF(zeros)));
    assert((v->csp_id[0] != 0) == (s == ATTEST_VLEK));
    if (p == ATTEST_TURIN) assert(qr_bytes_equal(QR_BYTES(v->hwid + 8, 56), QR_BYTES(zeros, 56)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    const struct attest_certs certs = {.vek = in, .ask = in, .ark = in};
    struct attest_chain *c = NULL;
    unsigned accepted = 0;
    if (attest_chain_open(&certs, &c) != ATTEST_OK) return 0;
    for (int p = 0; p < ATTEST_PRODUCTS; p++)
        for (int s = ATTEST_VCEK; s <= ATTEST_VLEK; s++) {
            struct attest_vek v;
            enum attest_product product = (enum attest_product)p;
            enum attest_signer signer = (enum attest_signer)s;
            if (attest_chain_extensions(c, product, signer, &v) != ATTEST_OK) continue;
            check(&v, product, signer);
            accepted++;
        }
    assert(accepted <= 1);
    attest_chain_close(c);
    return 0;
}
