/* receipt.c - see receipt.h. */
#include "service/receipt.h"

ProtobufCBinaryData receipt_bytes(struct qr_bytes s)
{
    /* protobuf-c only reads what is packed. */
    return (ProtobufCBinaryData){s.n, (uint8_t *)(uintptr_t)s.p};
}

void receipt_fill(struct receipt *r, const struct log_answer *a, size_t i)
{
    const struct log_entry *e = &a->entries[i];
    quorate__v1__receipt__init(&r->msg);
    quorate__v1__proven_entry__init(&r->entry);
    quorate__v1__checkpoint__init(&r->checkpoint);
    for (size_t k = 0; k < e->proof.n; k++)
        r->path[k] = receipt_bytes(QR_BYTES_OF(e->proof.h[k].b));
    r->entry.index = e->index;
    r->entry.entry = receipt_bytes(e->bytes);
    r->entry.n_path = e->proof.n;
    r->entry.path = r->path;
    r->checkpoint.note = receipt_bytes(a->head.note);
    r->msg.entry = &r->entry;
    r->msg.checkpoint = &r->checkpoint;
}
