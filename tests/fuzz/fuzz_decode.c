/* fuzz_decode.c - messages from the network: the first two bytes choose the
 * message of a service, the rest is its wire form.  What is accepted packs to
 * the length it came from and is accepted again. */
#include "fuzz.h"

#include "quorate/v1/attest.pb-c.h"
#include "quorate/v1/auth.pb-c.h"
#include "quorate/v1/ca.pb-c.h"
#include "quorate/v1/coordinator.pb-c.h"
#include "quorate/v1/log.pb-c.h"
#include "rpc/decode.h"

#include <assert.h>
#include <stdlib.h>

#define CAP ((size_t)4 << 20)

static const ProtobufCServiceDescriptor *const services[] = {
    &quorate__v1__log__descriptor, &quorate__v1__auth__descriptor, &quorate__v1__ca__descriptor,
    &quorate__v1__coordinator__descriptor, &quorate__v1__attest__descriptor};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const ProtobufCServiceDescriptor *s =
        services[data[0] % (sizeof services / sizeof services[0])];
    const ProtobufCMethodDescriptor *m = &s->methods[(data[1] >> 1) % s->n_methods];
    const ProtobufCMessageDescriptor *type = data[1] & 1 ? m->output : m->input;
    struct qr_bytes wire = {data + 2, size - 2};
    struct qr_arena arena;
    ProtobufCMessage *msg = NULL;
    qr_arena_init(&arena, CAP);
    if (rpc_decode(type, wire, &arena, &msg, NULL) == QR_OK) {
        size_t n = protobuf_c_message_get_packed_size(msg);
        assert(n == wire.n);
        uint8_t *again = malloc(n ? n : 1);
        assert(again);
        size_t packed = protobuf_c_message_pack(msg, again);
        assert(packed == n);
        enum qr_rc rc = rpc_decode(type, QR_BYTES(again, n), &arena, &msg, NULL);
        assert(rc == QR_OK || rc == QR_NOMEM);
        free(again);
    }
    qr_arena_fini(&arena);
    return 0;
}
