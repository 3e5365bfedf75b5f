/* fuzz_cocktail.c - DKG certificates, first messages and raw payloads: what a
 * parser hands out lies inside its input, and what it accepts is what it would
 * write.  The first byte chooses: c, m or r. */
#include "fuzz.h"

#include "frost/certificate.h"
#include "frost/payload.h"

#include <assert.h>

static void inside(struct qr_bytes part, struct qr_bytes all)
{
    if (part.n == 0) return;
    assert(part.p >= all.p && part.n <= all.n && part.p - all.p <= (ptrdiff_t)(all.n - part.n));
}

static void certificate(struct qr_bytes in)
{
    struct cocktail_certificate c;
    struct qr_err err;
    if (cocktail_certificate_verify(in, &c, &err) != QR_OK) return;
    inside(c.transcript, in);
    inside(c.commitments, in);
    inside(c.ephemerals, in);
    inside(c.ext, in);
    inside(c.signatures, in);
    assert(c.transcript.n + c.signatures.n == in.n);
    assert(c.group.n == c.params.n && c.group.t == c.params.t);
    assert(in.n == 122 + 32 * (size_t)c.params.n * c.params.t + 192 * (size_t)c.params.n + c.ext.n);
}

/* Two of two with the static keys 1 and 2 and a context of zeros. */
static void message(struct qr_bytes in)
{
    struct cocktail_params p = {0};
    struct scalar d;
    struct point keys[2], commitments[2];
    struct cocktail_msg1 m = {.commitments = commitments};
    struct dkg_blame blame;
    enum dkg_reason reason;
    for (uint32_t i = 0; i < 2; i++) {
        scalar_from_u32(&d, i + 1);
        point_mul_base(&keys[i], &d);
    }
    enum qr_rc rc = cocktail_params_init(&p, 2, 2, QR_BYTES(keys, sizeof keys), NULL);
    assert(rc == QR_OK);
    rc = cocktail_msg1_parse(&m, &p, in, &reason);
    assert((rc == QR_OK) == (reason == DKG_FINE));
    if (rc == QR_OK) {
        inside(m.frames[0], in);
        inside(m.frames[1], in);
        assert(in.n == cocktail_msg1_head(&p) + 16 + m.frames[0].n + m.frames[1].n);
    }
    rc = cocktail_msg1_check(&p, 2, in, &blame, NULL);
    assert((rc == QR_OK) == (blame.reason == DKG_FINE));
    assert(blame.index == (rc == QR_OK ? 0 : 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct qr_bytes in = {data + 1, size - 1};
    struct qr_err err = {{0}};
    if (data[0] == 'c') certificate(in);
    if (data[0] == 'm') message(in);
    if (data[0] == 'r') (void)(payload_raw_check(in, &err) == QR_OK);
    return 0;
}
