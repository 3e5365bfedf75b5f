/* reflect.c - grpc.reflection.v1alpha, from the descriptor set that the build
 * embeds.  For development only: conf.reflection is off by default.
 *
 * Descriptors are read with a few lines of our own: a FileDescriptorSet is a
 * run of files (field 1); of a file we need name 1, package 2 and the names
 * (field 1) of messages 4, enums 5 and services 6. */
#include "rpc/engine.h"

#include "grpc/reflection/v1alpha/reflection.pb-c.h"

#include <stdlib.h>

extern const unsigned char proto_fds[];
extern const size_t proto_fds_len;

#define MAX_LISTED 32

struct reflection {
    Grpc__Reflection__V1alpha__ServerReflection_Service base; /* first */
    const struct rpc_server *server;
};

/* ---- protobuf's wire form ---- */

static uint64_t read_varint(struct qr_reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = qr_read_u8(r);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) return v;
    }
    r->failed = true;
    return 0;
}

/* Next field; its bytes when it is length-delimited.  False at the end. */
static bool read_field(struct qr_reader *r, unsigned *id, struct qr_bytes *value)
{
    if (r->rest.n == 0 || r->failed) return false;
    uint64_t key = read_varint(r);
    *id = (unsigned)(key >> 3);
    *value = QR_BYTES_NONE;
    switch (key & 7) {
    case 0: (void)read_varint(r); break;
    case 1: (void)qr_read_bytes(r, 8); break;
    case 2: *value = qr_read_bytes(r, (size_t)read_varint(r)); break;
    case 5: (void)qr_read_bytes(r, 4); break;
    default: r->failed = true;
    }
    return !r->failed;
}

static struct qr_bytes field_of(struct qr_bytes msg, unsigned want)
{
    struct qr_reader r = qr_reader_of(msg);
    struct qr_bytes v;
    for (unsigned id; read_field(&r, &id, &v);)
        if (id == want) return v;
    return QR_BYTES_NONE;
}

/* symbol is package.name, or something inside it. */
static bool symbol_is(struct qr_bytes symbol, struct qr_bytes package, struct qr_bytes name)
{
    if (package.n > 0) {
        if (symbol.n <= package.n || symbol.p[package.n] != '.' ||
            !qr_bytes_equal(QR_BYTES(symbol.p, package.n), package))
            return false;
        symbol = QR_BYTES(symbol.p + package.n + 1, symbol.n - package.n - 1);
    }
    if (symbol.n < name.n || !qr_bytes_equal(QR_BYTES(symbol.p, name.n), name)) return false;
    return symbol.n == name.n || symbol.p[name.n] == '.';
}

static bool file_defines(struct qr_bytes file, struct qr_bytes symbol)
{
    struct qr_bytes package = field_of(file, 2), v;
    struct qr_reader r = qr_reader_of(file);
    for (unsigned id; read_field(&r, &id, &v);)
        if ((id == 4 || id == 5 || id == 6) && symbol_is(symbol, package, field_of(v, 1)))
            return true;
    return false;
}

/* The file of that name, or the one that defines symbol. */
static struct qr_bytes file_find(struct qr_bytes name, struct qr_bytes symbol)
{
    struct qr_reader r = qr_reader_of(QR_BYTES(proto_fds, proto_fds_len));
    struct qr_bytes file;
    for (unsigned id; read_field(&r, &id, &file);) {
        if (id != 1) continue;
        if (name.n > 0 ? qr_bytes_equal(field_of(file, 1), name) : file_defines(file, symbol))
            return file;
    }
    return QR_BYTES_NONE;
}

/* ---- answers ---- */

typedef Grpc__Reflection__V1alpha__ServerReflectionRequest request;
typedef Grpc__Reflection__V1alpha__ServerReflectionResponse response;
#define ASKED(name) GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define ANSWER(name) GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static void answer_services(const struct rpc_server *s, response *r, struct rpc_call *call)
{
    Grpc__Reflection__V1alpha__ServiceResponse one[MAX_LISTED];
    Grpc__Reflection__V1alpha__ServiceResponse *list[MAX_LISTED];
    Grpc__Reflection__V1alpha__ListServiceResponse all =
        GRPC__REFLECTION__V1ALPHA__LIST_SERVICE_RESPONSE__INIT;
    for (size_t i = 0; i < s->method_count && all.n_service < MAX_LISTED; i++) {
        const ProtobufCService *svc = s->methods[i].service;
        if (i > 0 && s->methods[i - 1].service == svc) continue;
        grpc__reflection__v1alpha__service_response__init(&one[all.n_service]);
        one[all.n_service].name = (char *)(uintptr_t)svc->descriptor->name;
        list[all.n_service] = &one[all.n_service];
        all.n_service++;
    }
    all.service = list;
    r->message_response_case = ANSWER(LIST_SERVICES_RESPONSE);
    r->list_services_response = &all;
    enum qr_rc rc = rpc_send(call, &r->base);
    if (rc != QR_OK) rpc_fail(call, rc, NULL);
}

static void answer_file(struct qr_bytes file, response *r, struct rpc_call *call)
{
    ProtobufCBinaryData raw = {.len = file.n, .data = (uint8_t *)(uintptr_t)file.p};
    Grpc__Reflection__V1alpha__FileDescriptorResponse found =
        GRPC__REFLECTION__V1ALPHA__FILE_DESCRIPTOR_RESPONSE__INIT;
    Grpc__Reflection__V1alpha__ErrorResponse none = GRPC__REFLECTION__V1ALPHA__ERROR_RESPONSE__INIT;
    if (file.n > 0) {
        found.n_file_descriptor_proto = 1;
        found.file_descriptor_proto = &raw;
        r->message_response_case = ANSWER(FILE_DESCRIPTOR_RESPONSE);
        r->file_descriptor_response = &found;
    } else {
        static char text[] = "not found";
        none.error_code = qr_rc_grpc(QR_NOTFOUND);
        none.error_message = text;
        r->message_response_case = ANSWER(ERROR_RESPONSE);
        r->error_response = &none;
    }
    enum qr_rc rc = rpc_send(call, &r->base);
    if (rc != QR_OK) rpc_fail(call, rc, NULL);
}

static void on_server_reflection_info(
    Grpc__Reflection__V1alpha__ServerReflection_Service *svc, const request *in,
    Grpc__Reflection__V1alpha__ServerReflectionResponse_Closure closure, void *data)
{
    struct reflection *self = (struct reflection *)svc;
    (void)closure;
    response r = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__INIT;
    r.valid_host = in->host;
    r.original_request = (request *)(uintptr_t)in;
    switch (in->message_request_case) {
    case ASKED(LIST_SERVICES): answer_services(self->server, &r, data); break;
    case ASKED(FILE_BY_FILENAME):
        answer_file(file_find(qr_str(in->file_by_filename), QR_BYTES_NONE), &r, data);
        break;
    case ASKED(FILE_CONTAINING_SYMBOL):
        answer_file(file_find(QR_BYTES_NONE, qr_str(in->file_containing_symbol)), &r, data);
        break;
    default: answer_file(QR_BYTES_NONE, &r, data);
    }
}

ProtobufCService *reflection_new(const struct rpc_server *s)
{
    struct reflection *r = calloc(1, sizeof *r);
    if (!r) qr_fatal("no memory");
    static const Grpc__Reflection__V1alpha__ServerReflection_Service init =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION__INIT(on_);
    r->base = init;
    r->server = s;
    return &r->base.base;
}

void reflection_free(ProtobufCService *svc) { free(svc); }
