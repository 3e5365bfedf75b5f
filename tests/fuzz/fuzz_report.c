/* fuzz_report.c - SNP reports: encoding is the inverse of what is accepted. */
#include "fuzz.h"

#include "attest/report.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    struct attest_report r;
    if (attest_report_parse(in, &r) != ATTEST_OK) return 0;
    uint8_t again[ATTEST_REPORT_SIZE];
    attest_report_encode(&r, again);
    assert(qr_bytes_equal(QR_BYTES(again, sizeof again), in));
    return 0;
}
