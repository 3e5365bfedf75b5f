/* pb.h - borrowed bytes as protobuf-c wants them in a request. */
#ifndef QUORATE_PARTICIPANT_PB_H
#define QUORATE_PARTICIPANT_PB_H

#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>

/* protobuf-c only reads the bytes of a request, so the const goes safely. */
static inline ProtobufCBinaryData pb_of(struct qr_bytes s)
{
    return (ProtobufCBinaryData){s.n, (uint8_t *)(uintptr_t)s.p};
}

static inline struct qr_bytes pb_bytes(ProtobufCBinaryData d) { return QR_BYTES(d.data, d.len); }

#endif
