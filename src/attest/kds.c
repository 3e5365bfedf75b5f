/* kds.c - the three addresses.  Turin names a chip with its first eight bytes
 * and has one firmware level more. */
#include "attest/kds.h"

#include <stdio.h>

#define KDS "https://kdsintf.amd.com/"

static void vek_url(const struct attest_report *r, enum attest_product p,
                    char out[ATTEST_KDS_URL_MAX])
{
    char hwid[2 * ATTEST_CHIP_ID_SIZE + 1], fmc[16] = "";
    struct attest_tcb t = attest_tcb_of(r->reported_tcb, p);
    qr_hex(r->chip_id, p == ATTEST_TURIN ? 8 : ATTEST_CHIP_ID_SIZE, hwid);
    if (p == ATTEST_TURIN) (void)snprintf(fmc, sizeof fmc, "fmcSPL=%u&", t.fmc);
    (void)snprintf(out, ATTEST_KDS_URL_MAX,
                   KDS "vcek/v1/%s/%s?%sblSPL=%u&teeSPL=%u&snpSPL=%u&ucodeSPL=%u",
                   attest_product_name(p), hwid, fmc, t.bl, t.tee, t.snp, t.ucode);
}

enum qr_rc attest_kds_urls(const struct attest_report *r, enum attest_product product,
                           struct attest_kds_urls *out, struct qr_err *err)
{
    static const uint8_t masked[ATTEST_CHIP_ID_SIZE];
    const char *kind = r->signer == ATTEST_VLEK ? "vlek" : "vcek";
    *out = (struct attest_kds_urls){.vek = ""};
    if (r->version >= 3) product = attest_product_from_cpuid(r->cpuid_family, r->cpuid_model);
    if (product == ATTEST_PRODUCT_UNKNOWN)
        return qr_fail(err, QR_RANGE,
                       r->version >= 3 ? "the report is from an unknown processor"
                                       : "a report of version 2 does not name its product");
    const char *name = attest_product_name(product);
    (void)snprintf(out->chain, sizeof out->chain, KDS "%s/v1/%s/cert_chain", kind, name);
    (void)snprintf(out->crl, sizeof out->crl, KDS "%s/v1/%s/crl", kind, name);
    if (r->signer == ATTEST_VLEK) return QR_OK;
    if (qr_bytes_equal(QR_BYTES_OF(r->chip_id), QR_BYTES_OF(masked)))
        return qr_fail(err, QR_NOTFOUND, "the chip id is masked: its certificate has no address");
    vek_url(r, product, out->vek);
    return QR_OK;
}
