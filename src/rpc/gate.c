/* gate.c - see gate.h.
 *
 * gRPC waits for the edge of a listening socket that has become readable, so
 * the gate takes connections until there is one to let in or none left: an
 * EAGAIN while some wait would leave them waiting. */
#include "rpc/gate.h"

#include "base/limits.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT 64 /* descriptors that are never a stranger's */

/* The C library's function takes no context, so these are global. */
static atomic_int limit; /* 0: none */
static _Atomic uint64_t turned_away;

void gate_close_at_limit(void)
{
    struct rlimit r;
    int n = QR_MAX_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < (rlim_t)n + KEPT)
        n = r.rlim_cur > 2 * KEPT ? (int)r.rlim_cur - KEPT : KEPT;
    atomic_store(&limit, n);
}

uint64_t gate_turned_away(void) { return atomic_load(&turned_away); }

/* Whether the listening socket itself is at fault, or has nobody. */
static bool is_final(int e)
{
    return e == EAGAIN || e == EWOULDBLOCK || e == EINTR || e == EBADF || e == EINVAL ||
           e == ENOTSOCK || e == EOPNOTSUPP || e == EFAULT;
}

/* The world may have run out of descriptors or memory; the connection stays
 * where it is until the next one comes. */
static bool is_scarcity(int e) { return e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOBUFS; }

/* As accept4(2); without its header, whose type of the address is the C
 * library's own affair. */
int accept4(int socket, void *address, unsigned *size, int flags);

int accept4(int socket, void *address, unsigned *size, int flags)
{
    const unsigned room = size ? *size : 0;
    for (;;) {
        if (size) *size = room;
        int fd = (int)syscall(SYS_accept4, socket, address, size, flags);
        int max = atomic_load(&limit);
        if (fd >= 0) {
            if (max == 0 || fd < max) return fd;
            atomic_fetch_add(&turned_away, 1);
            (void)close(fd);
        } else if (max == 0 || is_final(errno)) {
            return -1;
        } else if (is_scarcity(errno)) {
            errno = EAGAIN;
            return -1;
        }
    }
}
