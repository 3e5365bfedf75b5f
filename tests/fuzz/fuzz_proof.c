/* fuzz_proof.c - .tlog-proof files: what is accepted is written again as the same
 * bytes, and what is handed out lies inside the input. */
#include "fuzz.h"

#include "tlog/tlog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void inside(struct tlog_bytes part, const uint8_t *data, size_t size)
{
    if (part.n == 0) return;
    assert(part.p >= data && part.n <= size && part.p - data <= (ptrdiff_t)(size - part.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlog_proof_file f;
    struct tlog_err err;
    if (tlog_proof_file_parse((struct tlog_bytes){data, size}, &f, &err) != TLOG_OK) return 0;
    assert(f.proof.n <= TLOG_PROOF_MAX);
    inside(f.extra, data, size);
    inside(f.checkpoint, data, size);
    struct tlog_out out = {malloc(TLOG_PROOF_FILE_MAX), TLOG_PROOF_FILE_MAX, 0};
    if (!out.p) abort();
    enum tlog_rc rc = tlog_proof_file_write(&f, &out);
    assert(rc == TLOG_OK && out.n == size && memcmp(out.p, data, size) == 0);
    free(out.p);
    return 0;
}
