/* decode.h - protobuf-c messages from the network: strict and within a cap.
 *
 * protobuf-c takes any UTF-8, cuts strings at a NUL, needs up to 68 times the
 * memory of the wire form and recurses without limit.  So: no recursive types
 * (checked when a service is added), memory from an arena, strict UTF-8, no
 * unknown fields, and the decoded message must pack to the length it came
 * from, which refuses NULs in strings, doubled fields and overlong numbers.
 * Pure; any thread. */
#ifndef QUORATE_RPC_DECODE_H
#define QUORATE_RPC_DECODE_H

#include "base/arena.h"

#include <protobuf-c/protobuf-c.h>

/* Decodes into arena.  QR_MALFORMED; QR_NOMEM: over the arena's cap. */
enum qr_rc rpc_decode(const ProtobufCMessageDescriptor *type, struct qr_bytes wire,
                      struct qr_arena *arena, ProtobufCMessage **out, struct qr_err *err)
    QR_MUST_CHECK;
/* False for a type that contains itself at any depth, or nests deeper than 16. */
bool rpc_type_is_finite(const ProtobufCMessageDescriptor *type);

#endif
