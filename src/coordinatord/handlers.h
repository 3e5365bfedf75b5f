/* handlers.h - the service Coordinator: decodes, calls, answers. */
#ifndef QUORATE_COORDINATORD_HANDLERS_H
#define QUORATE_COORDINATORD_HANDLERS_H

#include "coordinatord/coord.h"

#include "quorate/v1/coordinator.pb-c.h"

/* The service as rpc_server_add wants it; base is its first member. */
struct handlers {
    Quorate__V1__Coordinator_Service base;
    struct coord *c;
};
void handlers_init(struct handlers *h, struct coord *c);

#endif
