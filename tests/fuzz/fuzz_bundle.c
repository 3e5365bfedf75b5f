/* fuzz_bundle.c - bundles: what is read is written again as the same bytes. */
#include "fuzz.h"

#include "bundle/bundle.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    struct bundle b;
    struct qr_buf out;
    if (bundle_read(in, &b, NULL) != QR_OK) return 0;
    qr_buf_init(&out, QR_MAX_BUNDLE);
    enum qr_rc rc = bundle_write(&b, &out);
    assert(rc == QR_OK && qr_bytes_equal(qr_buf_bytes(&out), in));
    qr_buf_fini(&out);
    bundle_fini(&b);
    return 0;
}
