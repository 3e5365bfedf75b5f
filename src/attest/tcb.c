/* tcb.c - products and firmware levels; the layouts of SNP.md 1.3. */
#include "attest/tcb.h"

static const char *const names[ATTEST_PRODUCTS] = {"Milan", "Genoa", "Turin"};

const char *attest_product_name(enum attest_product p)
{
    return p < ATTEST_PRODUCTS ? names[p] : "unknown";
}

enum attest_product attest_product_from_name(struct qr_bytes name)
{
    int p = 0;
    while (p < ATTEST_PRODUCTS && !qr_bytes_is(name, names[p])) p++;
    return (enum attest_product)p;
}

enum attest_product attest_product_from_cpuid(uint8_t family, uint8_t model)
{
    if (family == 0x19 && model <= 0x0f) return ATTEST_MILAN;
    if (family == 0x19 && (model >> 4 == 0x1 || model >> 4 == 0xa)) return ATTEST_GENOA;
    if (family == 0x1a && model <= 0x11) return ATTEST_TURIN;
    return ATTEST_PRODUCT_UNKNOWN;
}

struct attest_tcb attest_tcb_of(const uint8_t raw[8], enum attest_product p)
{
    if (p == ATTEST_TURIN)
        return (struct attest_tcb){
            .fmc = raw[0], .bl = raw[1], .tee = raw[2], .snp = raw[3], .ucode = raw[7]};
    return (struct attest_tcb){.bl = raw[0], .tee = raw[1], .snp = raw[6], .ucode = raw[7]};
}

void attest_tcb_write(const struct attest_tcb *t, enum attest_product p, uint8_t raw[8])
{
    qr_zero(raw, 8);
    if (p == ATTEST_TURIN) {
        raw[0] = t->fmc;
        raw[1] = t->bl;
        raw[2] = t->tee;
        raw[3] = t->snp;
    } else {
        raw[0] = t->bl;
        raw[1] = t->tee;
        raw[6] = t->snp;
    }
    raw[7] = t->ucode;
}

bool attest_tcb_reaches(const struct attest_tcb *t, const struct attest_tcb *floor)
{
    return t->fmc >= floor->fmc && t->bl >= floor->bl && t->tee >= floor->tee &&
           t->snp >= floor->snp && t->ucode >= floor->ucode;
}

bool attest_tcb_equal(const struct attest_tcb *a, const struct attest_tcb *b)
{
    return attest_tcb_reaches(a, b) && attest_tcb_reaches(b, a);
}
