/* gate.h - how many connections get in.  Internal to src/rpc.
 *
 * gRPC 1.51 accepts without a limit, pays up to 56 KiB for each connection that
 * has not finished its handshake, and stops listening for ever when one
 * accept(2) fails, as it does when descriptors run out.  It calls accept4(2) by
 * name, and a program's own function of that name comes before the C
 * library's: that is the gate.  It turns away what is over the limit, by
 * closing it, and lets no error but "nobody there" through.
 *
 * One limit for the process, as descriptors are. */
#ifndef QUORATE_RPC_GATE_H
#define QUORATE_RPC_GATE_H

#include <stdint.h>

/* From now on a connection whose descriptor would be QR_MAX_CONNECTIONS or more
 * is turned away; less where the process may have fewer descriptors, some being
 * kept for files and connections of our own. */
void gate_close_at_limit(void);
/* Connections turned away so far: while it grows, the gate is not dead, only
 * crowded. */
uint64_t gate_turned_away(void);

#endif
