/* rpc.h - gRPC without its types: the process-wide start and end, and the
 * headers of both sides.
 *
 * Only src/rpc includes gRPC's own headers.  Services include this header (or
 * server.h and channel.h) and the generated protobuf-c code. */
#ifndef QUORATE_RPC_RPC_H
#define QUORATE_RPC_RPC_H

#include "rpc/channel.h"
#include "rpc/guard.h"
#include "rpc/server.h"

/* Starts gRPC: removes the environment variables it would obey, sends its log
 * lines to log (keeps; NULL: drops them) at a limited rate.  Call once from
 * main before any thread is made and after the last fork without exec; starts
 * threads. */
void rpc_init(const struct qr_log *log);
/* After every server and channel is gone. */
void rpc_fini(void);

#endif
