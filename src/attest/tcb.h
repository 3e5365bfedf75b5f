/* tcb.h - processor products and their firmware levels (TCB_VERSION).
 *
 * The eight bytes of a TCB mean different things on different products and are
 * compared component by component, never as one number and never across
 * products.  Pure functions.  Spec: AMD 56860 (SNP firmware ABI), SNP.md 1.3. */
#ifndef QUORATE_ATTEST_TCB_H
#define QUORATE_ATTEST_TCB_H

#include "base/bytes.h"

enum attest_product {
    ATTEST_MILAN,
    ATTEST_GENOA, /* with Bergamo and Siena */
    ATTEST_TURIN,
    ATTEST_PRODUCTS,
    ATTEST_PRODUCT_UNKNOWN = ATTEST_PRODUCTS
};

/* "Milan", "Genoa", "Turin"; "unknown". */
const char *attest_product_name(enum attest_product p);
/* The product of exactly that name, else ATTEST_PRODUCT_UNKNOWN. */
enum attest_product attest_product_from_name(struct qr_bytes name);
/* From CPUID family (with the extended part) and model, as a report of version
 * 3 and later carries them. */
enum attest_product attest_product_from_cpuid(uint8_t family, uint8_t model);

struct attest_tcb {
    uint8_t fmc; /* Turin only, else 0 */
    uint8_t bl;  /* boot loader */
    uint8_t tee;
    uint8_t snp;
    uint8_t ucode; /* microcode */
};

/* Reads the eight raw bytes of a report. */
struct attest_tcb attest_tcb_of(const uint8_t raw[8], enum attest_product p);
/* The raw bytes again. */
void attest_tcb_write(const struct attest_tcb *t, enum attest_product p, uint8_t raw[8]);
/* Every component of t at least that of floor. */
bool attest_tcb_reaches(const struct attest_tcb *t, const struct attest_tcb *floor);
bool attest_tcb_equal(const struct attest_tcb *a, const struct attest_tcb *b);

#endif
