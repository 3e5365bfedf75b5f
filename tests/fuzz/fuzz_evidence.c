/* fuzz_evidence.c - attestation evidence: what is accepted is encoded as the
 * same bytes. */
#include "fuzz.h"

#include "attest/evidence.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    struct attest_evidence e;
    if (attest_evidence_parse(in, &e, NULL) != QR_OK) return 0;
    struct qr_buf out;
    qr_buf_init(&out, (size_t)1 << 20);
    enum qr_rc rc = attest_evidence_encode(&e, &out);
    assert(rc == QR_OK && qr_bytes_equal(qr_buf_bytes(&out), in));
    qr_buf_fini(&out);
    attest_evidence_fini(&e);
    return 0;
}
