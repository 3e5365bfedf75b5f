/* fuzz_witness.c - bodies of add-checkpoint, as they come to tlog-witness from
 * anyone: refused with a status that fits before any database is looked at,
 * because the one log of its policy has a key that signed none of them. */
#include "fuzz.h"

#include "tools/tlog-witness/witness.h"

#include <assert.h>

static const char policy[] =
    "log witnessed.test/log+6ac4a6bc+Af0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY\nquorum none\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlog_policy *logs = NULL;
    struct tlog_err err = {{0}};
    enum tlog_rc rc = tlog_policy_parse(
        (struct tlog_bytes){(const uint8_t *)policy, sizeof policy - 1}, &logs, &err);
    assert(rc == TLOG_OK);
    struct witness w = {.logs = logs, .clock = qr_clock_system()};
    struct http_request in = {true, qr_str("add-checkpoint"), {data, size}};
    struct http_reply reply = {.status = 0};
    qr_buf_init(&reply.body, HTTP_BODY_MAX);
    witness_handle(&w, &in, &reply);
    assert(reply.status == 400 || reply.status == 403 || reply.status == 404);
    assert(reply.body.n > 0);
    qr_buf_fini(&reply.body);
    tlog_policy_free(logs);
    return 0;
}
