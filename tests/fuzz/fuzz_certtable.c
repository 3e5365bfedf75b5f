/* fuzz_certtable.c - a host's certificate table: what is found lies behind the
 * header and inside the table, and no two certificates share a byte. */
#include "fuzz.h"

#include "attest/certtable.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    struct attest_certtable t;
    if (attest_certtable_parse(in, &t, NULL) != QR_OK) return 0;
    const struct qr_bytes all[] = {t.vcek, t.vlek, t.ask, t.ark};
    for (size_t i = 0; i < 4; i++) {
        struct qr_buf der;
        if (all[i].n == 0) continue;
        assert(all[i].p >= data + 48 && all[i].p + all[i].n <= data + size);
        for (size_t k = 0; k < i; k++)
            assert(all[k].n == 0 || all[k].p + all[k].n <= all[i].p ||
                   all[i].p + all[i].n <= all[k].p);
        qr_buf_init(&der, 4096);
        enum qr_rc rc = attest_cert_to_der(all[i], &der);
        assert(rc != QR_OK || der.n <= all[i].n);
        qr_buf_fini(&der);
    }
    return 0;
}
