/* fuzz_entry.c - log entries: what is accepted is canonical. */
#include "fuzz.h"

#include "leaf/entry.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    struct leaf_entry e;
    if (leaf_parse(in, &e, NULL) != QR_OK) return 0;
    struct qr_buf out;
    qr_buf_init(&out, (size_t)1 << 20);
    enum qr_rc rc = qr_json_write(e.json, &out);
    assert(rc == QR_OK && qr_bytes_equal(qr_buf_bytes(&out), in));
    qr_buf_fini(&out);
    leaf_fini(&e);
    return 0;
}
