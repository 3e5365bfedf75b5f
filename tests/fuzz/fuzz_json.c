/* fuzz_json.c - canonical JSON: what is accepted is written again as the same
 * bytes; what the loose reader accepts has a canonical form that the strict
 * one accepts. */
#include "fuzz.h"

#include "base/json.h"

#include <assert.h>

static void canonical(const json_t *v, const struct qr_bytes *same)
{
    struct qr_buf out;
    qr_buf_init(&out, (size_t)1 << 20);
    enum qr_rc rc = qr_json_write(v, &out);
    assert(!same || (rc == QR_OK && qr_bytes_equal(qr_buf_bytes(&out), *same)));
    if (rc == QR_OK) {
        json_t *again = NULL;
        rc = qr_json_parse(qr_buf_bytes(&out), &again, NULL);
        assert(rc == QR_OK);
        json_decref(again);
    }
    qr_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    json_t *v = NULL;
    if (qr_json_parse(in, &v, NULL) == QR_OK) {
        canonical(v, &in);
        json_decref(v);
    }
    v = NULL;
    if (qr_json_parse_loose(in, &v, NULL) == QR_OK) {
        canonical(v, NULL);
        json_decref(v);
    }
    return 0;
}
