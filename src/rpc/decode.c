/* decode.c - see decode.h.  Recursion here follows the types, never the input:
 * its depth is bounded by rpc_type_is_finite. */
#include "rpc/decode.h"

#define MAX_DEPTH 16

struct budget {
    struct qr_arena *arena;
    bool spent;
};

static void *budget_alloc(void *ctx, size_t n)
{
    struct budget *b = ctx;
    void *p = qr_arena_alloc(b->arena, n);
    if (!p) b->spent = true;
    return p;
}

static void budget_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

static bool type_ends(const ProtobufCMessageDescriptor *type, unsigned depth)
{
    if (depth > MAX_DEPTH) return false;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        if (f->type == PROTOBUF_C_TYPE_MESSAGE && !type_ends(f->descriptor, depth + 1))
            return false;
    }
    return true;
}

bool rpc_type_is_finite(const ProtobufCMessageDescriptor *type) { return type_ends(type, 0); }

static bool message_ok(const ProtobufCMessage *m, unsigned depth);

/* One value of a field: a string or a message. */
static bool value_ok(const ProtobufCFieldDescriptor *f, const void *value, unsigned depth)
{
    if (!value) return true;
    if (f->type == PROTOBUF_C_TYPE_STRING) return qr_utf8_ok(qr_str(value));
    return message_ok(value, depth + 1);
}

static bool field_ok(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, unsigned depth)
{
    const uint8_t *base = (const uint8_t *)m;
    const void *const *slot = (const void *const *)(const void *)(base + f->offset);
    if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE) return true;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(const void *)(base + f->quantifier_offset);
        const void *const *list = (const void *const *)*slot;
        for (size_t i = 0; i < n; i++)
            if (!value_ok(f, list[i], depth)) return false;
        return true;
    }
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
        *(const uint32_t *)(const void *)(base + f->quantifier_offset) != f->id)
        return true;
    return value_ok(f, *slot, depth);
}

static bool message_ok(const ProtobufCMessage *m, unsigned depth)
{
    if (m->n_unknown_fields > 0 || depth > MAX_DEPTH) return false;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        if (!field_ok(m, &m->descriptor->fields[i], depth)) return false;
    return true;
}

enum qr_rc rpc_decode(const ProtobufCMessageDescriptor *type, struct qr_bytes wire,
                      struct qr_arena *arena, ProtobufCMessage **out, struct qr_err *err)
{
    struct budget budget = {.arena = arena};
    ProtobufCAllocator alloc = {
        .alloc = budget_alloc, .free = budget_free, .allocator_data = &budget};
    static const uint8_t nothing = 0;
    *out = NULL;
    ProtobufCMessage *m =
        protobuf_c_message_unpack(type, &alloc, wire.n, wire.n ? wire.p : &nothing);
    if (budget.spent) return qr_fail(err, QR_NOMEM, "the message needs too much memory");
    if (!m) return qr_fail(err, QR_MALFORMED, "not a %s", type->name);
    if (!message_ok(m, 0))
        return qr_fail(err, QR_MALFORMED, "unknown field, or text that is not UTF-8, in %s",
                       type->name);
    if (protobuf_c_message_get_packed_size(m) != wire.n)
        return qr_fail(err, QR_MALFORMED, "not the plain encoding of a %s", type->name);
    *out = m;
    return QR_OK;
}
