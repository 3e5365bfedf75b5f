/* receipt.h - a proven entry as the wire message Receipt.  The messages live
 * in the caller's memory and borrow from the answer. */
#ifndef QUORATE_SERVICE_RECEIPT_H
#define QUORATE_SERVICE_RECEIPT_H

#include "service/log_client.h"

#include "quorate/v1/common.pb-c.h"

struct receipt {
    Quorate__V1__Receipt msg; /* what to send or to put into a reply */
    Quorate__V1__ProvenEntry entry;
    Quorate__V1__Checkpoint checkpoint;
    ProtobufCBinaryData path[TLOG_PROOF_MAX];
};

/* Entry number i of a. */
void receipt_fill(struct receipt *r, const struct log_answer *a, size_t i);
/* Bytes as protobuf-c wants them; borrows. */
ProtobufCBinaryData receipt_bytes(struct qr_bytes s);

#endif
