/* fuzz_policy.c - the two policy files: the canonical form of what is accepted
 * is accepted, and is its own canonical form. */
#include "fuzz.h"

#include "attest/policy.h"
#include "trust/signing_policy.h"

#include <assert.h>

#define CAP ((size_t)1 << 20)

static void attestation(struct qr_bytes in)
{
    struct attest_policy *p = NULL;
    struct attest_policy *q = NULL;
    if (attest_policy_parse(in, &p, NULL) != QR_OK) return;
    struct qr_buf once;
    struct qr_buf twice;
    qr_buf_init(&once, CAP);
    qr_buf_init(&twice, CAP);
    enum qr_rc rc = attest_policy_canonical(p, &once);
    if (rc == QR_OK) rc = attest_policy_parse(qr_buf_bytes(&once), &q, NULL);
    if (rc == QR_OK) rc = attest_policy_canonical(q, &twice);
    assert(rc == QR_OK && qr_bytes_equal(qr_buf_bytes(&once), qr_buf_bytes(&twice)));
    attest_policy_free(p);
    attest_policy_free(q);
    qr_buf_fini(&once);
    qr_buf_fini(&twice);
}

static void signing(struct qr_bytes in)
{
    struct signing_policy p;
    struct signing_policy q;
    struct qr_buf once;
    struct qr_buf twice;
    struct qr_buf text;
    if (signing_policy_parse(in, "policy", &p, NULL) != QR_OK) return;
    qr_buf_init(&once, CAP);
    qr_buf_init(&twice, CAP);
    qr_buf_init(&text, CAP);
    signing_policy_text(&p, &text);
    enum qr_rc rc = signing_policy_write(&p, &once);
    if (rc == QR_OK) rc = signing_policy_parse_canonical(qr_buf_bytes(&once), &q, NULL);
    assert(rc == QR_OK);
    rc = signing_policy_parse(qr_buf_bytes(&text), "policy", &q, NULL);
    if (rc == QR_OK) rc = signing_policy_write(&q, &twice);
    assert(rc == QR_OK && qr_bytes_equal(qr_buf_bytes(&once), qr_buf_bytes(&twice)));
    qr_buf_fini(&once);
    qr_buf_fini(&twice);
    qr_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    attestation(in);
    signing(in);
    return 0;
}
