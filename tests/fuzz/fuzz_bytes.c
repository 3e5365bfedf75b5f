/* fuzz_bytes.c - hex, base64, time and decimal numbers: what is accepted is
 * spelled again as the same bytes. */
#include "fuzz.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <assert.h>

static void check_base64(struct qr_bytes in)
{
    struct qr_buf raw;
    struct qr_buf text;
    qr_buf_init(&raw, (size_t)1 << 20);
    qr_buf_init(&text, (size_t)1 << 21);
    if (qr_unbase64(in, &raw) == QR_OK) {
        qr_buf_put_base64(&text, qr_buf_bytes(&raw));
        assert(qr_buf_ok(&text) == QR_OK && qr_bytes_equal(qr_buf_bytes(&text), in));
    }
    qr_buf_fini(&raw);
    qr_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    check_base64(in);
    uint8_t raw[32];
    char text[2 * sizeof raw + 1];
    if (size % 2 == 0 && size <= 2 * sizeof raw && qr_unhex(in, raw, size / 2) == QR_OK) {
        qr_hex(raw, size / 2, text);
        assert(qr_bytes_is(in, text));
    }
    int64_t us = 0;
    if (qr_time_parse(in, &us) == QR_OK) {
        char again[QR_TIME_LEN + 1];
        qr_time_format(us, again);
        assert(qr_bytes_is(in, again));
    }
    uint64_t v = 0;
    if (qr_parse_u64(in, UINT64_MAX, &v) == QR_OK) {
        struct qr_buf b;
        qr_buf_init(&b, 32);
        qr_buf_printf(&b, "%llu", (unsigned long long)v);
        assert(qr_bytes_equal(qr_buf_bytes(&b), in));
        qr_buf_fini(&b);
    }
    (void)qr_utf8_ok(in);
    return 0;
}
